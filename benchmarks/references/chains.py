"""Hidden chains, integrated out: by the forward algorithm if their values are finitely many, by the Kalman filter and smoother if real."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp


def forward(log_first: jax.Array, log_steps: jax.Array, log_emission: jax.Array) -> jax.Array:
    """log of the sum over all paths. log_first: (state,); log_steps: (step, from, to), one fewer than log_emission: (step, state)."""

    def advance(log_alpha: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        log_step, emission = step
        return jax.nn.logsumexp(log_alpha[:, None] + log_step, 0) + emission, None

    last, _ = jax.lax.scan(advance, log_first + log_emission[0], (log_steps, log_emission[1:]))
    return jax.nn.logsumexp(last)


Moments = tuple[jax.Array, jax.Array]
"""Mean, (state,), and covariance, (state, state)."""

forward_backward = jax.value_and_grad(forward, argnums=2)
"""The same, and the chance of each state at each step given all emissions: the derivative by its log emission."""


@dataclass(frozen=True)
class LinearGaussian:
    """x[0] ~ normal(first, first_sd), x[t] ~ normal(transition x[t-1], noise), y[t] ~ normal(x[t, -1], r): the last state is observed.

    first, first_sd, noise: (state,); transition: (state, state); r: a number. States are independent given the step before.
    """

    first: jax.Array
    first_sd: jax.Array
    transition: jax.Array
    noise: jax.Array
    r: jax.Array

    def smooth(self, y: jax.Array, is_seen: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Log density of the y that are seen, and the mean and variance, (step, state), of the states given them."""
        start = self.first, jnp.diag(self.first_sd**2)
        _, (terms, *steps) = jax.lax.scan(self._filter, start, (y, is_seen))
        mean, covariance = steps[0][-1], steps[1][-1]
        _, (means, variances) = jax.lax.scan(self._back, (mean, covariance), [s[:-1] for s in steps], reverse=True)
        return terms.sum(), jnp.vstack([means, mean]), jnp.vstack([variances, jnp.diag(covariance)])

    def _filter(self, predicted: Moments, now: tuple[jax.Array, jax.Array]) -> tuple[Moments, tuple[jax.Array, ...]]:
        """From the state given the past to that of the next step; also the density of y, and the moments given y."""
        (m, p), (y, is_seen) = predicted, now
        spread = p[-1, -1] + self.r**2
        term = jnp.where(is_seen, jax.scipy.stats.norm.logpdf(y, m[-1], jnp.sqrt(spread)), 0.0)
        gain = jnp.where(is_seen, p[:, -1] / spread, 0.0)
        m, p = m + gain * (y - m[-1]), p - jnp.outer(gain, p[-1])
        ahead = self.transition @ m, self.transition @ p @ self.transition.T + jnp.diag(self.noise**2)
        return ahead, (term, m, p, *ahead)

    def _back(self, later: Moments, now: tuple[jax.Array, ...]) -> tuple[Moments, Moments]:
        """From the state of the next step given all y to that of this one (Rauch, Tung and Striebel); also its variances."""
        m, p, ahead_m, ahead_p = now
        gain = jnp.linalg.solve(ahead_p, self.transition @ p).T
        m, p = m + gain @ (later[0] - ahead_m), p + gain @ (later[1] - ahead_p) @ gain.T
        return (m, p), (m, jnp.diag(p))
