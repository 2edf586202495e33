"""Warnings about a model that is right but does nothing with some of its names."""

from __future__ import annotations

from collections.abc import Iterable, Set

from qemppl.lang.check.scope import Scope, Symbol


def warn_unused(scope: Scope, observed: Iterable[str], used_by_model: Set[str]) -> None:
    """Warn of data and latents that nothing uses, and of latents of a plate without any of the `observed` data below.

    While something is wrong nothing is said: the mistake may be what leaves a name without a use. used_by_model: the names used up to
    the end of `model`; what is generated informs no latent. A deterministic name of `model` and a generated one may stand alone: they
    are reported with the posterior.
    """
    if any(d.is_error for d in scope.report.diagnostics):
        return
    observed_plates = {plate for name in observed for plate in scope.path(scope.symbols[name].plate)}
    for symbol in scope.symbols.values():
        if symbol.role in {"data", "dim"} and symbol.name not in scope.used:
            _unused_data(scope, symbol)
        elif symbol.role == "latent" and symbol.name not in used_by_model:
            _unused_latent(scope, symbol)
        elif symbol.role == "latent" and symbol.plate is not None and symbol.plate not in observed_plates:
            message = f"`{symbol.name}` has no data below it: nothing is observed on `{symbol.plate}` or inside of it"
            hint = "observe data there, or declare it on an outer plate"
            scope.report.warning("QEM308", message, symbol.span, hint=hint)


def _unused_data(scope: Scope, symbol: Symbol) -> None:
    what = "computed" if symbol.is_transformed else "declared"
    scope.report.warning("QEM211", f"`{symbol.name}` is {what} but never used", symbol.span, hint="remove it")


def _unused_latent(scope: Scope, symbol: Symbol) -> None:
    where, instead = "never used", "remove it"
    if symbol.name in scope.used:
        where, instead = "used in `generated quantities` only", "draw it in `generated quantities`"
    message = f"the latent `{symbol.name}` is {where}: its posterior is its prior"
    hint = f"use it in the law of an observation, or {instead}"
    scope.report.warning("QEM210", message, symbol.span, hint=hint)
