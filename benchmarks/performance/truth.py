"""python -m benchmarks.performance.truth [CASE ...]: posterior moments of the simulated models, by quadrature, where they are missing.

The effect of each group is integrated out, in closed form for the linear model and by adaptive Gauss-Hermite quadrature (Pinheiro & Bates
1995) for the others. What is left has two to four dimensions: a search for its mode, then importance sampling from the normal law there.
The moments of an effect are its moments given what is left, averaged over the same points.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln, log_expit
from scipy.stats import norm, qmc

from benchmarks.performance.cases import CASES, Case, Data

Floats = NDArray[np.float64]
NODES = 20
POINTS = 256
NAMES = {
    "linear": ("mu", "tau", "slope", "sigma"),
    "logistic": ("mu", "tau", "slope", "effect"),
    "poisson": ("mu", "tau"),
}
POSITIVE = ("tau", "sigma")
PRIOR_SD = {"mu": 2, "tau": 1, "slope": 2, "effect": 2, "sigma": 1}
EFFECTS = {"linear": "alpha", "logistic": "alpha", "poisson": "log_rate"}
Given = tuple[float, Floats, Floats]
"""Of the global latents at a point: their log joint density with the data, and mean and sd of the effect of every group given them."""
Integrated = Callable[[Floats], Given]
LogDensity = Callable[[Floats], float]


def log_prior(names: tuple[str, ...], at: Floats) -> float:
    """Normal, half-normal where positive; of the logarithms of positive latents."""
    total = 0.0
    for name, value in zip(names, at, strict=True):
        positive = name in POSITIVE
        total += norm(0, PRIOR_SD[name]).logpdf(np.exp(value) if positive else value)
        total += np.log(2) + value if positive else 0.0
    return total


def linear(data: Data) -> Integrated:
    """Rows of a group are normal with covariance sigma^2 I + tau^2 1 1'."""
    group, x, y = data["group_of"] - 1, data["x"], data["y"]
    n = np.bincount(group)

    def given(at: Floats) -> Given:
        mu, log_tau, slope, log_sigma = at
        tau2, sigma2 = np.exp(2 * log_tau), np.exp(2 * log_sigma)
        residual = y - mu - slope * x
        total, squares = np.bincount(group, residual), np.bincount(group, residual**2)
        determinant = (n - 1) * np.log(sigma2) + np.log(sigma2 + n * tau2)
        distance = (squares - tau2 * total**2 / (sigma2 + n * tau2)) / sigma2
        value = -0.5 * (determinant + distance).sum() - 0.5 * len(y) * np.log(2 * np.pi)
        variance = 1 / (1 / tau2 + n / sigma2)
        return float(value) + log_prior(NAMES["linear"], at), mu + variance * total / sigma2, np.sqrt(variance)

    return given


def integrated(family: str, data: Data) -> Integrated:
    """The effect of each group by Gauss-Hermite quadrature around its own posterior, which the last call has left behind."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    log_weights = np.log(weights / weights.sum()) + 0.5 * nodes**2
    group = data["group_of"] - 1 if "group_of" in data else np.arange(len(data["y"]))
    starts = np.searchsorted(group, np.arange(group[-1] + 1))
    y = data["y"].astype(float)
    centre, spread = np.zeros(len(starts)), np.full(len(starts), 0.5)

    def rows(effect: Floats, at: Floats) -> Floats:
        if family == "poisson":
            eta = np.log(data["exposure"])[:, None] + effect
            return np.asarray(y[:, None] * eta - np.exp(eta) - gammaln(y + 1)[:, None])
        eta = effect[group] + (at[2] * data["x"] + at[3] * data["treated"])[:, None]
        return np.asarray(np.add.reduceat(log_expit(np.where(y[:, None] > 0, eta, -eta)), starts, axis=0))

    def given(at: Floats) -> Given:
        mu, log_tau = at[:2]
        for settled in range(3):
            effect = centre[:, None] + spread[:, None] * nodes
            terms = rows(effect, at) + norm(mu, np.exp(log_tau)).logpdf(effect) + log_weights + np.log(spread)[:, None]
            shift = terms.max(1, keepdims=True)
            share = np.exp(terms - shift)
            total = share.sum(1)
            share /= total[:, None]
            moved = (share * effect).sum(1)
            deviation = np.sqrt((share * (effect - moved[:, None]) ** 2).sum(1))
            close = np.abs(moved - centre).max() < 0.5 * spread.min() and settled > 0
            centre[:], spread[:] = moved, deviation
            if close:
                break
        value = (np.log(total) + shift[:, 0] + 0.5 * np.log(2 * np.pi)).sum()
        return float(value) + log_prior(NAMES[family], at), moved, deviation

    return given


def moments(family: str, given: Integrated) -> dict[str, dict[str, float]]:
    """Mean and sd of every latent."""
    names = NAMES[family]

    def log_joint(at: Floats) -> float:
        return given(at)[0]

    at, covariance = _mode(log_joint, np.array([-0.3 if name in POSITIVE else 0.0 for name in names]))
    z = norm.ppf(qmc.Sobol(len(names), seed=1).random(POINTS))
    top = log_joint(at)
    sums, squares, weights = 0.0, 0.0, []
    for point, square in zip(at + 1.1 * z @ np.linalg.cholesky(covariance).T, (z**2).sum(1), strict=True):
        value, effect, deviation = given(point)
        weights.append(np.exp(value - top + 0.5 * square))
        own = np.array([np.exp(c) if name in POSITIVE else c for name, c in zip(names, point, strict=True)])
        sums = sums + weights[-1] * np.concatenate([own, effect])
        squares = squares + weights[-1] * np.concatenate([own**2, effect**2 + deviation**2])
    total = sum(weights)
    print(f"  {total**2 / np.square(weights).sum() / POINTS:.0%} of the weights are effective", flush=True)
    mean = sums / total
    sd = np.sqrt(squares / total - mean**2)
    rows = (*names, *(f"{EFFECTS[family]}[{group}]" for group in range(1, len(mean) - len(names) + 1)))
    return {name: {"mean": m, "sd": s} for name, m, s in zip(rows, mean.tolist(), sd.tolist(), strict=True)}


def _mode(f: LogDensity, start: Floats) -> tuple[Floats, Floats]:
    """Where a log density is highest, and the covariance of the normal law there."""
    scale = 1 / abs(f(start))
    at = minimize(lambda at: -scale * f(at), start, method="BFGS", options={"gtol": 1e-7}).x
    for _ in range(2):
        gradient, hessian = _derivatives(f, at)
        at = at + np.linalg.solve(hessian, -gradient)
    return at, np.linalg.inv(-hessian)


def _derivatives(f: LogDensity, at: Floats, h: float = 2e-3) -> tuple[Floats, Floats]:
    """Gradient and Hessian by central differences."""
    steps = h * np.eye(len(at))
    up, down, middle = (np.array([f(at + s) for s in steps]), np.array([f(at - s) for s in steps]), f(at))
    hessian = np.diag((up + down - 2 * middle) / h**2)
    for i in range(len(at)):
        for j in range(i):
            corners = [f(at + a * steps[i] + b * steps[j]) * a * b for a in (1, -1) for b in (1, -1)]
            hessian[i, j] = hessian[j, i] = sum(corners) / (4 * h**2)
    return (up - down) / (2 * h), hessian


def write(case: Case) -> None:
    assert case.truth is not None, "simulated cases have one"
    data = case.data()
    given = linear(data) if case.peer == "linear" else integrated(case.peer, data)
    case.truth.parent.mkdir(exist_ok=True)
    case.truth.write_text(json.dumps(moments(case.peer, given)), encoding="utf-8")


def main(names: list[str]) -> None:
    for case in CASES:
        if case.peer in NAMES and (not names or case.name in names) and case.reference() is None:
            print(case.name, flush=True)
            write(case)


if __name__ == "__main__":
    main(sys.argv[1:])
