"""The benchmark models with their data: public, published, or simulated with a fixed seed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAPER = ROOT.parent / "shared" / "data" / "paper"

Data = dict[str, Any]
Part = Literal["train", "test"]
"""Of published data: what is fitted, and what is held out."""
ACCURATE = 0.05
"""Distance of every mean from the reference, in its sd; without a reference, Monte Carlo error of every mean."""


@dataclass(frozen=True)
class Case:
    """A model with data.

    peer: its name among the NumPyro models; empty where only the engine is measured. separate: iterations are timed with each latent a
    group of its own, as published. truth: `reference.json` of an example, or what `truth.py` wrote. plain: whether a plain engine can
    hold its tables. memory: budget, bytes.
    """

    name: str
    model: Path
    data: Callable[[], Data]
    peer: str = ""
    separate: bool = False
    truth: Path | None = None
    plain: bool = True
    memory: int = 4 << 30

    def reference(self) -> dict[str, dict[str, float]] | None:
        """Posterior mean and sd by name; None where nobody knows them."""
        if self.truth is None or not self.truth.exists():
            return None
        table: dict[str, dict[str, float]] = json.loads(self.truth.read_text(encoding="utf-8"))
        return table


def example(name: str) -> Case:
    folder = ROOT / "examples" / name
    return Case(
        name,
        folder / "model.qem",
        lambda: json.loads((folder / "data.json").read_text(encoding="utf-8")),
        peer=name,
        truth=folder / "reference.json",
    )


def bus(part: Part = "train") -> Data:
    """As published where the data are at hand, else of the same shape."""
    rng = np.random.default_rng([1, part == "test"])
    company, run_type = (np.eye(size)[rng.integers(0, size, 900)] for size in (59, 8))
    data = {"bus_company": company, "run_type": run_type, "delayed": rng.integers(0, 2, 900)}
    if published := _published("bus_breakdown", part):
        data = published
    return {
        "year_of": [1, 1, 1, 2, 2, 2],
        "borough_of": np.repeat(np.arange(1, 7), 150),
        "company": data["bus_company"].reshape(900, -1).astype(float),
        "run_type": data["run_type"].reshape(900, -1).astype(float),
        "delayed": data["delayed"].reshape(900).astype(int),
    }


def preferences(part: Part = "train") -> Data:
    """As published, or of its shape: 89 % of the films have no genre, and nobody likes any."""
    rng = np.random.default_rng([2, part == "test"])
    genre = (rng.random((1500, 18)) < 0.15) & (rng.random((1500, 1)) < 0.11)
    data = _published("movielens", part) or {"x": genre, "obs": np.zeros(1500)}
    features, outcome = sorted(data.values(), key=lambda values: -values.size)
    return {
        "user_of": np.repeat(np.arange(1, 301), 5),
        "genre": features.reshape(1500, 18).astype(float),
        "liked": outcome.reshape(1500).astype(int),
    }


def _published(name: str, part: Part) -> dict[str, np.ndarray] | None:
    path = PAPER / f"{name}.{part}.json.gz"
    if not path.exists():
        return None
    return {key: np.array(values) for key, values in json.loads(gzip.decompress(path.read_bytes())).items()}


def _rows(groups: int, rows: int, seed: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray, np.ndarray]:
    """A generator, the group of each row, a covariate, and an effect for each group."""
    rng = np.random.default_rng(seed)
    group = np.sort(np.concatenate([np.arange(groups), rng.integers(0, groups, rows - groups)]))
    return rng, group, rng.normal(size=rows), rng.normal(-0.5, 0.8, groups)


def linear(groups: int, rows: int) -> Data:
    rng, group, x, alpha = _rows(groups, rows, 3)
    return {"group_of": group + 1, "x": x, "y": alpha[group] + 0.7 * x + 0.6 * rng.normal(size=rows)}


def logistic(groups: int, rows: int) -> Data:
    rng, group, x, alpha = _rows(groups, rows, 4)
    treated = rng.integers(0, 2, rows)
    p = 1 / (1 + np.exp(-(alpha[group] + 0.7 * x - 0.4 * treated)))
    return {"group_of": group + 1, "x": x, "treated": treated, "y": (rng.random(rows) < p).astype(int)}


def poisson(groups: int) -> Data:
    rng = np.random.default_rng(5)
    exposure = rng.uniform(1, 20, groups)
    return {"exposure": exposure, "y": rng.poisson(exposure * np.exp(rng.normal(-0.3, 0.6, groups)))}


def occupancy(sites: int, visits: int = 5) -> Data:
    """Sites of 12 species in each of 6 years, some visits to each."""
    rng = np.random.default_rng(6)
    year_of, species_of = np.repeat(np.arange(6), 12), np.repeat(np.arange(72), sites)
    weather = rng.normal(size=(72 * sites, 3))
    eta = (rng.normal(0, 0.4, 6)[year_of] + rng.normal(0, 0.7, 72))[species_of] + weather @ [0.8, -0.5, 0.2]
    present = rng.random(len(eta)) < 1 / (1 + np.exp(-eta))
    quality = rng.normal(size=visits * len(eta))
    seen = np.repeat(present, visits) & (rng.random(len(quality)) < 1 / (1 + np.exp(-(-0.3 + 0.6 * quality))))
    return {
        "year_of": year_of + 1,
        "species_of": species_of + 1,
        "site_of": np.repeat(np.arange(1, len(eta) + 1), visits),
        "weather": weather,
        "quality": quality,
        "seen": seen.astype(int),
    }


def _simulated(family: str, make: Callable[..., Data], *sizes: int, **options: Any) -> Case:
    name = f"{family} {' x '.join(f'{size:,}' for size in sizes)}"
    truth = HERE / "truth" / f"{name.replace(',', '').replace(' ', '_')}.json"
    return Case(name, HERE / "models" / f"{family}.qem", partial(make, *sizes), peer=family, truth=truth, **options)


CASES = (
    *(example(name) for name in ("eight_schools", "radon", "sleepstudy", "contraception")),
    Case("bus", HERE / "models" / "bus.qem", bus, "bus"),
    Case("preferences", HERE / "models" / "preferences.qem", preferences, separate=True),
    Case("preferences, not centred", HERE / "models" / "preferences_not_centred.qem", preferences, "preferences"),
    *(_simulated("linear", linear, 1_000, rows, plain=rows <= 100_000) for rows in (10_000, 100_000, 1_000_000)),
    *(_simulated("linear", linear, groups, 10 * groups, plain=False) for groups in (10_000, 100_000)),
    *(
        _simulated("logistic", logistic, groups, 10 * groups, plain=groups <= 1_000)
        for groups in (100, 1_000, 10_000, 100_000)
    ),
    _simulated("poisson", poisson, 100_000, plain=False),
    _simulated("occupancy", occupancy, 2_400, plain=False),
)
"""Groups x rows; for occupancy, sites of each species and year."""
