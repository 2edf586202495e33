"""The examples: which there are, and what can be done with each."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
CHAINS: tuple[str, ...] = ()
"""Those with `prev`, which wait for the fit of chains."""
NAMES = tuple(sorted(path.parent.name for path in EXAMPLES.glob("*/model.qem")))
FITTED = tuple(name for name in NAMES if name not in CHAINS)
REFERENCED = tuple(name for name in NAMES if name != "epidemic")
"""Those with a posterior to compare with. `epidemic` has the truth behind its data instead."""
