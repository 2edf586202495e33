"""`python -m qemppl`: the command line without its script."""

from __future__ import annotations

from qemppl.cli.main import main

main()
