"""Low-variance uniforms for particles."""

from __future__ import annotations

import math
from functools import lru_cache

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
    It is scrambled anew each time: in many dimensions Q soon adapts to a few sets in turn, and its weights degenerate under others.
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


def periodic_grid(
    generator: torch.Generator, members: int, particles: int, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Points v in (0, 1) of a randomly shifted grid that is finer towards both ends, and their log importance weights.

    u: equally spaced, one uniform shift for each member, so that each is uniform by itself; v = W(u) with Sidi's transformation
    W(u) = u - sin(2 pi u) / (2 pi). Because E[W'(u) f(W(u))] is the integral of f over (0, 1), averages of f weighted by
    W'(u) = 2 sin(pi u)^2 are unbiased. W' vanishes at both ends, so W' f is a smooth periodic function where f is smooth inside, and a
    grid integrates these better than any other points: the error falls faster than every fixed power of the number of particles
    that stratified points allow (Sidi 1993, "A new variable transformation for numerical integration"; Hickernell 2002, "Obtaining
    O(N^(-2+eps)) convergence for lattice quadrature rules").
    Both (member, particle).
    """
    least = torch.finfo(dtype).eps / 2
    shift = torch.rand((members, 1), generator=generator, dtype=dtype, device=generator.device)
    cell, sines, cosines = _cells(particles, dtype, generator.device)
    u = (cell + shift) / particles
    turn = shift * (math.pi / particles)
    # sine and cosine of pi u, an angle of the grid + turn, by the addition theorems: products in place of a sine for every particle
    sin_turn, cos_turn = turn.sin(), turn.cos()
    sine = torch.addcmul(sin_turn * cosines, cos_turn, sines).clamp_min_(math.pi * least)
    cosine = torch.addcmul(cos_turn * cosines, sin_turn, sines, value=-1)
    v = u.addcmul_(sine, cosine, value=-1 / math.pi).clamp_(least, 1 - least)
    return v, sine.log_().mul_(2).add_(math.log(2))


@lru_cache(maxsize=64)
def _cells(particles: int, dtype: torch.dtype, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The numbers of the cells of a grid, and sine and cosine of the angles where they begin: each (particle,)."""
    cell = torch.arange(particles, dtype=dtype, device=device)
    start = cell * (math.pi / particles)
    return cell, start.sin(), start.cos()


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
