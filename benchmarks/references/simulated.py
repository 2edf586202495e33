"""Data sets drawn from stated values with a fixed seed, where no public data are at hand. Each function returns the data and the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Data = dict[str, Any]
Array = NDArray[np.float64]

OPENED = {"Acton": 1, "Barking": 1, "Camden": 9, "Dulwich": 16, "Ealing": 1, "Fulham": 23}
"""The first week of each store; the last is that of all."""
WEEKS = 60
INTERVENTIONS = 9


def sales() -> tuple[Data, Data]:
    """Six stores, up to 60 weeks: a random walk, leaflets in a quarter of the weeks, a tenth of the weeks missing."""
    q, r, beta = 1.2, 4.0, 8.0
    generator = np.random.default_rng(1)
    data: Data = {"store": list(OPENED), "week": [], "leaflet": [], "sales": []}
    for opened in OPENED.values():
        weeks = WEEKS + 1 - opened
        level = generator.normal(50, 15) + np.cumsum(generator.normal(0, q, weeks))
        leaflet = generator.random(weeks) < 0.25
        _append(data, range(opened, WEEKS + 1), generator, generator.normal(level + beta * leaflet, r))
        data["leaflet"].append(leaflet.astype(int).tolist())
    return data, {"q": q, "r": r, "beta": beta}


def trend() -> tuple[Data, Data]:
    """The same stores: slope and level are random walks."""
    q_slope, q_level, r = 0.2, 2.0, 3.0
    generator = np.random.default_rng(2)
    data: Data = {"store": list(OPENED), "week": [], "sales": []}
    for opened in OPENED.values():
        weeks = WEEKS + 1 - opened
        slope = generator.normal(0, 0.5) + np.cumsum(generator.normal(0, q_slope, weeks))
        steps = np.append(generator.normal(200, 15), slope[:-1] + generator.normal(0, q_level, weeks - 1))
        _append(data, range(opened, WEEKS + 1), generator, generator.normal(np.cumsum(steps), r))
    return data, {"q_slope": q_slope, "q_level": q_level, "r": r}


def _append(data: Data, weeks: range, generator: np.random.Generator, sold: Array) -> None:
    """A store's weeks and sales, a tenth of them missing."""
    is_missing = generator.random(sold.size) < 0.1
    data["week"].append([str(week) for week in weeks])
    data["sales"].append([None if gone else round(x, 1) for x, gone in zip(sold.tolist(), is_missing, strict=True)])


def epidemic() -> tuple[Data, Data]:
    """92 regions, 109 days: nine interventions that start at a day of each region's own and may be lifted, mobility and mask wearing."""
    regions, days = 92, 109
    generator = np.random.default_rng(3)
    truth: Data = {
        "beta": [0.04, 0.01, 0.02, 0.0, 0.03, 0.01, 0.02, 0.01, 0.02, 0.03, 0.02],
        "growth": 0.16,
        "s": 0.2,
        "phi": 12.0,
    }
    x = _measures(generator, regions, days)
    drift = truth["growth"] - x @ np.array(truth["beta"]) + generator.normal(0, truth["s"], (regions, days))
    drift[:, 0] = generator.normal(3, 1, regions)
    log_infections = np.cumsum(drift, 1)
    phi = truth["phi"]
    cases = generator.poisson(np.exp(log_infections) * generator.gamma(phi, 1 / phi, (regions, days)))
    names = [f"R{i + 1:02}" for i in range(regions)]
    data = {"region": names, "x": _compact(x), "cases": cases.tolist()}
    return data, truth


def _measures(generator: np.random.Generator, regions: int, days: int) -> Array:
    """The covariates, (region, day, covariate): nine that are 0 or 1, the fall of mobility, and the share of people with masks."""
    day = np.arange(days)
    start = generator.integers(8, 45, (regions, INTERVENTIONS))
    length = generator.integers(25, 120, (regions, INTERVENTIONS))
    is_on = (day[None, :, None] >= start[:, None]) & (day[None, :, None] < (start + length)[:, None])
    turn = generator.normal(25, 6, (regions, 1))
    mobility = 1 / (1 + np.exp(-(day - turn) / 5)) + generator.normal(0, 0.08, (regions, days))
    masks = np.clip((day - generator.uniform(20, 70, (regions, 1))) / 60, 0, 1)
    return np.concatenate([is_on, mobility[..., None].round(2), masks[..., None].round(2)], -1)


def _compact(x: Array) -> list[list[list[float]]]:
    """Lists in lists, whole numbers without their decimal point."""
    return [[[int(v) if v == int(v) else v for v in row] for row in rows] for rows in x.tolist()]
