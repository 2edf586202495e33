"""The codes of the command line, QEM86x."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Entry

CATALOGUE: dict[str, Entry] = {
    "QEM860": Entry(
        "output cannot be written",
        "What stdout leads to takes no more, such as a file on a full disk.",
    ),
}
