"""The Kalman filter and smoother, the forward-backward and the Viterbi algorithm: what chains are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Linear:
    """x_1 ~ N(mean, covariance), x_t = F x_(t-1) + N(0, Q), y_t = H x_t + N(0, r^2)."""

    mean: Floats
    covariance: Floats
    move: Floats
    noise: Floats
    seen: Floats
    r: float

    def smooth(self, y: Floats) -> tuple[float, Floats, Floats]:
        """log evidence, smoothed means (step, state) and covariances (step, state, state); NaN in y is missing."""
        m, p, log_z = self.mean, self.covariance, 0.0
        predicted, filtered = [], []
        for number, value in enumerate(y):
            if number:
                m, p = self.move @ m, self.move @ p @ self.move.T + self.noise
            predicted.append((m, p))
            if not np.isnan(value):
                s, error = self.seen @ p @ self.seen + self.r**2, value - self.seen @ m
                log_z += -0.5 * (np.log(2 * np.pi * s) + error**2 / s)
                gain = p @ self.seen / s
                m, p = m + gain * error, p - np.outer(gain, self.seen @ p)
            filtered.append((m, p))
        means, covariances = [m], [p]
        for (m, p), (ahead, wide) in zip(filtered[-2::-1], predicted[:0:-1], strict=True):
            back = p @ self.move.T @ np.linalg.inv(wide)
            means.append(m + back @ (means[-1] - ahead))
            covariances.append(p + back @ (covariances[-1] - wide) @ back.T)
        return float(log_z), np.array(means[::-1]), np.array(covariances[::-1])


def walk(q: float, r: float, first: float) -> Linear:
    """A random walk from N(0, first^2)."""
    one = np.ones((1, 1))
    return Linear(np.zeros(1), first**2 * one, one, q**2 * one, np.ones(1), r)


def forward_backward(log_first: Floats, log_move: Floats, log_seen: Floats) -> tuple[float, Floats]:
    """log evidence and the chance of each state at each step, (step, state). log_seen: of y_t given each state, (step, state)."""
    ahead, back = [log_first + log_seen[0]], [np.zeros_like(log_first)]
    for now in log_seen[1:]:
        ahead.append(logsumexp(ahead[-1][:, None] + log_move, axis=0) + now)
    for then in log_seen[:0:-1]:
        back.append(logsumexp(log_move + (then + back[-1])[None], axis=1))
    both = np.array(ahead) + np.array(back[::-1])
    return float(logsumexp(ahead[-1])), np.exp(both - logsumexp(both, axis=1, keepdims=True))


def viterbi(log_first: Floats, log_move: Floats, log_seen: Floats) -> tuple[NDArray[np.int64], float]:
    """The most likely states, (step,), and the log of their probability together with what is seen."""
    best, came_from = log_first + log_seen[0], []
    for now in log_seen[1:]:
        each = best[:, None] + log_move
        came_from.append(each.argmax(0))
        best = each.max(0) + now
    path = [int(best.argmax())]
    for back in came_from[::-1]:
        path.append(int(back[path[-1]]))
    return np.array(path[::-1]), float(best.max())
