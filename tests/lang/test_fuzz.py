"""Random programs through the whole front end: what is right becomes a well-formed model, and anything else is answered.

Seeds are fixed, so a run is repeatable; longer runs take other seeds.
"""

from __future__ import annotations

import pytest

from tests.lang.properties import check_answer
from tests.lang.typed_programs import typed_program

BATCHES, BATCH = 8, 20


@pytest.mark.parametrize("batch", range(BATCHES))
def test_programs_that_mean_something(batch: int) -> None:
    """Most of them reach the IR, or the generator has gone astray."""
    answers = [check_answer(typed_program(seed)) for seed in range(batch * BATCH, (batch + 1) * BATCH)]
    assert sum(checked.model is not None for checked in answers) >= BATCH // 2


@pytest.mark.parametrize("batch", range(BATCHES))
def test_programs_with_mistakes(batch: int) -> None:
    for seed in range(10_000 + batch * BATCH, 10_000 + (batch + 1) * BATCH):
        check_answer(typed_program(seed, mistakes=0.03))
