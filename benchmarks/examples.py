"""The examples: which there are, and what can be done with each."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = tuple(sorted(path.parent.name for path in EXAMPLES.glob("*/model.qem")))
REFERENCED = tuple(name for name in NAMES if name != "epidemic")
"""Those with a posterior to compare with. `epidemic` has the truth behind its data instead."""
