"""Low-variance uniforms for particles."""

from __future__ import annotations

from qemppl.numerics.lazy import torch

SOBOL_DIMENSIONS = 1024
"""With more coordinates than this a Sobol set of any affordable size has no structure left in most pairs of them."""

_BITS = 30  # binary digits of torch's Sobol points


def uniforms(
    generator: torch.Generator, members: int, particles: int, coordinates: int, dtype: torch.dtype
) -> torch.Tensor:
    """Uniforms (member, particle, coordinate) strictly inside (0, 1): spread evenly within a member, independent between members.

    Every point is uniform on the unit cube by itself, so averages over particles are unbiased.
    One coordinate: stratified, one point in each of `particles` intervals of equal length, in order.
    More: one scrambled Sobol set, whose binary digits are shifted (exclusive or) by an independent random vector for each member.
    A digital shift keeps the set's balance, a shift modulo 1 does not, and members cost no more than plain uniforms.
    Beyond SOBOL_DIMENSIONS: a Latin hypercube, stratified in every coordinate by itself.
    """
    if coordinates == 1:
        u = _stratified(generator, (members, particles, 1), dtype)
    elif coordinates <= SOBOL_DIMENSIONS:
        u = _shifted_sobol(generator, (members, particles, coordinates), dtype)
    else:
        strata = _stratified(generator, (members, particles, coordinates), dtype)
        keys = torch.rand(strata.shape, generator=generator, dtype=dtype, device=generator.device)
        u = strata.gather(1, keys.argsort(1))
    finfo = torch.finfo(dtype)
    return u.clamp_(finfo.eps / 2, 1 - finfo.eps / 2)


def _stratified(generator: torch.Generator, shape: tuple[int, int, int], dtype: torch.dtype) -> torch.Tensor:
    u = torch.rand(shape, generator=generator, dtype=dtype, device=generator.device)
    stratum = torch.arange(shape[1], dtype=dtype, device=generator.device)
    return u.add_(stratum[:, None]).div_(shape[1])


def _shifted_sobol(generator: torch.Generator, shape: tuple[int, int, int], dtype: torch.dtype) -> torch.Tensor:
    members, particles, coordinates = shape
    seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    engine = torch.quasirandom.SobolEngine(coordinates, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
    points = engine.draw(particles, dtype=torch.float64).mul_(2**_BITS).to(torch.int64).to(generator.device)
    first_digits = torch.randint(2**_BITS, (members, 1, coordinates), generator=generator, device=generator.device)
    rest = torch.rand((members, 1, coordinates), generator=generator, dtype=dtype, device=generator.device)
    return (points ^ first_digits).to(dtype).add_(rest).mul_(2.0**-_BITS)
