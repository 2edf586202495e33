"""Warnings about a model that is right but does nothing with some of its names."""

from __future__ import annotations

from collections.abc import Iterable

from qemppl.lang.check.scope import Scope


def warn_unused(scope: Scope, observed: Iterable[str]) -> None:
    """Warn of data and latents that nothing uses, and of latents of a plate without any of the `observed` data below.

    A deterministic name may stand alone: it is reported with the posterior.
    """
    observed_plates = {plate for name in observed for plate in scope.path(scope.symbols[name].plate)}
    for symbol in scope.symbols.values():
        if symbol.name in scope.forgiven or symbol.type is None:
            continue
        is_unused = symbol.name not in scope.used
        if symbol.role in {"data", "dim"} and is_unused:
            scope.report.warning("QEM211", f"`{symbol.name}` is declared but never used", symbol.span, hint="remove it")
        elif symbol.role == "latent" and is_unused:
            message = f"the latent `{symbol.name}` is never used: its posterior is its prior"
            scope.report.warning(
                "QEM210", message, symbol.span, hint="use it in the law of an observation, or remove it"
            )
        elif symbol.role == "latent" and symbol.plate is not None and symbol.plate not in observed_plates:
            message = f"`{symbol.name}` has no data below it: nothing is observed on `{symbol.plate}` or inside of it"
            scope.report.warning(
                "QEM308", message, symbol.span, hint="observe data there, or declare it on an outer plate"
            )
