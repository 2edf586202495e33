"""Student's t law."""

from __future__ import annotations

import math

from qemppl.distributions.base import Argument, Law
from qemppl.numerics.elementwise import broadcast, positive, times
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log_rising
from qemppl.numerics.student_t import log_student_t_cdf
from qemppl.numerics.supports import POSITIVE, REAL


class StudentT(Law):
    """student_t(nu, mu, sigma): log p = -(nu + 1)/2 log(1 + z^2 / nu) - log(sigma sqrt(nu) B(nu/2, 1/2)), z = (x - mu) / sigma."""

    name = "student_t"
    arguments = (Argument("nu", POSITIVE), Argument("mu", REAL), Argument("sigma", POSITIVE))
    support = REAL
    heavy_right_tail = True

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        nu, mu, sigma = positive(arguments[0]), arguments[1], positive(arguments[2])
        half = 0.5 * nu
        # B(nu/2, 1/2) = sqrt(pi) Gamma(nu/2) / Gamma(nu/2 + 1/2), without the cancellation of two large terms
        constant = log_rising(half, half.new_tensor(0.5)) - 0.5 * (math.pi * nu).log() - sigma.log()
        z = times(x - mu, (nu.rsqrt() / sigma).clamp_max(torch.finfo(x.dtype).max))
        return torch.addcmul(constant, half + 0.5, z.square_().log1p_(), value=-1)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """A normal draw over the root of an independent chi-square draw by its degrees of freedom."""
        nu, mu, sigma = broadcast(*arguments)
        noise = torch.randn(mu.shape, generator=generator, dtype=mu.dtype, device=mu.device)
        half = 0.5 * nu
        mixing = positive(torch._standard_gamma(half, generator=generator)) / half
        return torch.addcmul(mu, sigma * mixing.rsqrt(), noise)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        nu, mu, sigma = arguments
        return log_student_t_cdf((x - mu) / positive(sigma), nu)

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        nu, mu, sigma = arguments
        return log_student_t_cdf((mu - x) / positive(sigma), nu)
