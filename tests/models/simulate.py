"""Data simulated from the example models of the language, with the parameters behind them.

Each simulator returns the data as a model reads them, and the true value of every parameter that is the same for all members.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Simulated = tuple[dict[str, Any], dict[str, Any]]
Floats = NDArray[np.float64]


def _ragged(rng: np.random.Generator, groups: int, low: int, high: int) -> NDArray[np.int64]:
    """A flat index column from 1: `groups` groups of between `low` and `high` rows."""
    return np.repeat(np.arange(1, groups + 1), rng.integers(low, high + 1, groups))


def _sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def eight_schools(rng: np.random.Generator) -> Simulated:
    theta = rng.normal(3.0, 4.0, 30)
    sigma = rng.uniform(1.0, 4.0, 30)
    return {"y": rng.normal(theta, sigma), "sigma": sigma}, {"mu": 3.0, "tau": 4.0}


def radon(rng: np.random.Generator) -> Simulated:
    county = _ragged(rng, 40, 4, 25)
    a, b = rng.normal(1.5, 0.4, 40), rng.normal(-0.6, 0.3, 40)
    floor = rng.integers(0, 2, len(county)).astype(float)
    y = rng.normal(a[county - 1] + b[county - 1] * floor, 0.7)
    data = {"county_idx": county, "floor_measure": floor, "log_radon": y}
    return data, {"mu_a": 1.5, "mu_b": -0.6, "s_a": 0.4, "s_b": 0.3, "s_y": 0.7}


def logistic(rng: np.random.Generator) -> Simulated:
    district = _ragged(rng, 40, 10, 40)
    beta, urban = np.array([0.8, -0.5, 0.0]), rng.integers(0, 2, 40).astype(float)
    a = rng.normal(-0.4 + 0.7 * urban, 0.5)
    x = rng.normal(size=(len(district), 3))
    use = rng.binomial(1, _sigmoid(a[district - 1] + x @ beta))
    data = {"district_id": district, "x": x, "urban": urban, "use": use}
    return data, {"beta": beta, "g0": -0.4, "g1": 0.7, "tau": 0.5}


def counts(rng: np.random.Generator) -> Simulated:
    site = _ragged(rng, 40, 5, 12)
    a = rng.normal(0.5, 0.6, 40)
    hours, temp = rng.uniform(2, 20, len(site)), rng.normal(size=len(site))
    mean = np.exp(a[site - 1] + 0.3 * temp) * hours
    n = rng.poisson(rng.gamma(5.0, mean / 5.0))
    data = {"site_id": site, "n": n, "hours": hours, "temp": temp}
    return data, {"mu": 0.5, "s": 0.6, "beta": 0.3, "phi": 5.0}


def beta_binomial(rng: np.random.Generator) -> Simulated:
    n = rng.integers(40, 200, 50)
    p = rng.beta(0.1 * 30, 0.9 * 30, 50)
    return {"n": n, "deaths": rng.binomial(n, p)}, {"m": 0.1, "kappa": 30.0}


def dirichlet_multinomial(rng: np.random.Generator) -> Simulated:
    base, conc = np.array([0.4, 0.3, 0.2, 0.1]), 20.0
    share = rng.dirichlet(conc * base, 25)
    votes = [[rng.multinomial(60, p).tolist() for _ in range(rng.integers(2, 6))] for p in share]
    return {"votes": votes}, {"base": base, "conc": conc}


def mixture(rng: np.random.Generator) -> Simulated:
    z = rng.binomial(1, 0.35, 400)
    mu, sigma = np.array([-1.5, 2.0]), np.array([0.7, 1.2])
    return {"y": rng.normal(mu[z], sigma[z])}, {"w": np.array([0.65, 0.35]), "mu": mu, "sigma": sigma}


def occupancy(rng: np.random.Generator) -> Simulated:
    a, b = np.array([0.3, 1.0]), np.array([-0.2, 0.8])
    elev = rng.normal(size=150)
    z = rng.binomial(1, _sigmoid(a[0] + a[1] * elev))
    wind = [rng.normal(size=rng.integers(3, 7)) for _ in range(150)]
    seen = [rng.binomial(1, zi * _sigmoid(b[0] + b[1] * w)).tolist() for zi, w in zip(z, wind, strict=True)]
    return {"elev": elev, "wind": [w.tolist() for w in wind], "seen": seen}, {"a": a, "b": b, "n_occupied": z.sum()}


def hidden_markov(rng: np.random.Generator) -> Simulated:
    first, moves, mu = np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([2.0, 5.0])
    z = [rng.choice(2, p=first)]
    for _ in range(299):
        z.append(rng.choice(2, p=moves[z[-1]]))
    return {"y": rng.normal(mu[z], 1.0)}, {"A": moves, "mu": mu}


def local_level(rng: np.random.Generator) -> Simulated:
    q, r, sales = 0.4, 0.8, []
    for weeks in (40, 25, 60):
        level = rng.normal(0, 5) + np.cumsum(rng.normal(0, q, weeks))
        seen = rng.normal(level, r)
        sales.append([None if rng.random() < 0.1 else value for value in seen.tolist()])
    return {"sales": sales}, {"q": q, "r": r}


def survival(rng: np.random.Generator) -> Simulated:
    centre = _ragged(rng, 30, 10, 30)
    u, beta = rng.normal(1.0, 0.4, 30), np.array([0.5, -0.3])
    x = rng.normal(size=(len(centre), 2))
    time = np.exp(u[centre - 1] + x @ beta) * rng.weibull(1.5, len(centre))
    limit = rng.uniform(1.0, 8.0, len(centre))
    data = {"centre_id": centre, "x": x, "time": np.minimum(time, limit), "censored": (time > limit).astype(int)}
    return data, {"shape": 1.5, "b0": 1.0, "s": 0.4, "beta": beta}


def robust(rng: np.random.Generator) -> Simulated:
    x, beta = rng.normal(size=(300, 3)), np.array([1.0, -2.0, 0.5])
    y = 4.0 + x @ beta + 1.2 * rng.standard_t(4.0, 300)
    scale = y.std(ddof=1)
    true = {"alpha": (4.0 - y.mean()) / scale, "beta": beta / scale, "sigma": 1.2 / scale, "nu": 4.0}
    return {"x": x, "y": y}, true


def item_response(rng: np.random.Generator) -> Simulated:
    disc, diff = rng.lognormal(0, 0.5, 8), rng.normal(0, 1.0, 8)
    ability = rng.normal(size=200)
    person, item = np.repeat(np.arange(200), 8), np.tile(np.arange(8), 200)
    y = rng.binomial(1, _sigmoid(disc[item] * (ability[person] - diff[item])))
    return {"I": 8, "jj": person + 1, "ii": item + 1, "y": y}, {"disc": disc, "diff": diff}


SIMULATORS: dict[int, Callable[[np.random.Generator], Simulated]] = {
    1: eight_schools,
    2: radon,
    3: logistic,
    4: counts,
    5: beta_binomial,
    6: dirichlet_multinomial,
    7: mixture,
    8: occupancy,
    9: hidden_markov,
    10: local_level,
    11: survival,
    12: robust,
    13: item_response,
}
"""By the number of the model in the list of examples."""
