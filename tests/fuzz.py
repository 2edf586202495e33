"""Tests on many random inputs, each told by its seed."""

from __future__ import annotations

import os
from collections.abc import Callable

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

EXPLORING = "FUZZ" in os.environ
"""Whether properties are tried on examples of each run's own, not on the same ones each time."""

MORE = int(os.environ.get("FUZZ", "1"))
"""`FUZZ=100 pytest ...` tries a hundred times as many."""


def fuzz(examples: int) -> Callable[[Callable[[int], None]], Callable[[], None]]:
    """Runs a test on so many seeds, the same ones each time. A failure names its seed; a smaller seed means nothing."""

    def decorate(test: Callable[[int], None]) -> Callable[[], None]:
        of_seeds = settings(
            max_examples=examples * MORE,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
        )
        return of_seeds(given(seed=st.integers(0, 2**32))(test))

    return decorate
