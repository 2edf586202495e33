"""The codes of the language, in order."""

from __future__ import annotations

from qemppl.diagnostics.codes.names import NAMES
from qemppl.diagnostics.codes.pedantic import PEDANTIC
from qemppl.diagnostics.codes.plates import PLATES
from qemppl.diagnostics.codes.syntax import SYNTAX
from qemppl.diagnostics.codes.types import TYPES
from qemppl.diagnostics.diagnostic import Entry

CATALOGUE: dict[str, Entry] = {**SYNTAX, **NAMES, **PLATES, **TYPES, **PEDANTIC}
