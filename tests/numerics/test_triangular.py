"""Triangles against the second moments that they are roots of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qemppl.numerics import triangular as module
from qemppl.numerics.triangular import triangular


@given(
    rows=st.integers(0, 60),
    groups=st.integers(1, 5),
    columns=st.integers(1, 4),
    seed=st.integers(0, 1000),
    piece=st.sampled_from([1, 1024]),
)
@settings(deadline=None, max_examples=60)
def test_second_moments_are_kept(rows: int, groups: int, columns: int, seed: int, piece: int) -> None:
    rng = np.random.default_rng(seed)
    table, group = rng.normal(size=(rows, columns)), rng.integers(0, groups, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", piece)
        patch.setattr(module, "BATCH_ENTRIES", 40)
        found = triangular(table, group, groups)
    assert found.shape == (groups, columns, columns)
    for number in range(groups):
        own = table[group == number]
        np.testing.assert_array_equal(found[number], np.triu(found[number]))
        np.testing.assert_allclose(found[number].T @ found[number], own.T @ own, atol=1e-12)


def test_digits_of_a_small_residual() -> None:
    """A residual of 1e-6 around values of 1e3: its square is 1e-18 of their second moments, which have 16 digits."""
    rng = np.random.default_rng(1)
    x, noise = rng.normal(size=500), rng.normal(size=500)
    design = np.column_stack([np.ones(500), x])
    noise -= design @ np.linalg.lstsq(design, noise, rcond=None)[0]
    y = 1e3 + 2e3 * x + 1e-6 * noise
    found = triangular(np.column_stack([design, y]), np.zeros(500, np.int64), 1)
    assert abs(found[0, 2, 2]) == pytest.approx(1e-6 * np.linalg.norm(noise), rel=1e-4)
