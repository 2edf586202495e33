"""Which argument of a law is which: by place first, then by name."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Label
from qemppl.distributions.base import Law
from qemppl.lang.check.report import Reporter, count_arguments
from qemppl.lang.syntax import ast

_SYNONYMS = {
    "mu": ("mean", "loc", "location", "m", "meanlog"),
    "sigma": ("sd", "std", "stddev", "scale", "s", "sdlog"),
    "nu": ("df", "dof"),
    "alpha": ("shape", "shape1", "concentration", "a", "min", "low", "lower", "logit_p", "logits"),
    "beta": ("rate", "scale", "shape2", "b", "max", "high", "upper"),
    "lambda": ("rate", "mu", "mean"),
    "theta": ("p", "prob", "probs", "probability", "probabilities"),
    "n": ("size", "trials", "total_count"),
    "phi": ("size", "alpha", "concentration"),
    "kappa": ("concentration",),
    "eta": ("shape", "concentration", "log_mu"),
}
"""What R and Python call the arguments, in small letters."""


def signature(law: Law) -> str:
    """`normal(mu, sigma)`."""
    return f"{law.name}({', '.join(argument.name for argument in law.arguments)})"


def match_arguments(report: Reporter, node: ast.Law, law: Law) -> list[int] | None:
    """For each argument of the law, its place among those written; None, and a report, if they do not match."""
    names = [argument.name for argument in law.arguments]
    placed: dict[str, int] = {}
    is_right = True
    is_by_name = False
    for place, argument in enumerate(node.arguments):
        is_by_name = is_by_name or argument.name is not None
        if argument.name is None and is_by_name:
            _after_named(report, argument, law)
            return None
        if argument.name is None and place >= len(names):
            _wrong_count(report, node, law)
            return None
        name = names[place] if argument.name is None else argument.name.text
        if name not in names:
            assert argument.name is not None
            _unknown_name(report, argument.name, law)
        elif name in placed:
            _given_twice(report, argument, name, node.arguments[placed[name]])
        is_right = is_right and name in names and name not in placed
        placed.setdefault(name, place)
    missing = [name for name in names if name not in placed]
    if is_right and missing:
        _missing(report, node, law, missing if is_by_name else [])
    return [placed[name] for name in names] if is_right and not missing else None


def _wrong_count(report: Reporter, node: ast.Law, law: Law) -> None:
    message = f"`{law.name}` takes {count_arguments(len(law.arguments))}, not {len(node.arguments)}"
    report.error("QEM401", message, node.span, notes=_signature_note(law))


def _missing(report: Reporter, node: ast.Law, law: Law, names: list[str]) -> None:
    if not names:
        _wrong_count(report, node, law)
        return
    listed = " and ".join(f"`{name}`" for name in names)
    report.error("QEM401", f"{listed} of `{law.name}` is missing", node.span, notes=_signature_note(law))


def _unknown_name(report: Reporter, name: ast.Name, law: Law) -> None:
    names = [argument.name for argument in law.arguments]
    message = f"`{law.name}` has no argument `{name.text}`"
    meant = next((n for n in names if name.text.lower() in _SYNONYMS.get(n, ())), None)
    hint = f"write `{meant}`" if meant is not None else report.did_you_mean(name.text, names)
    report.error("QEM231", message, name.span, notes=_signature_note(law), hint=hint)


def _given_twice(report: Reporter, argument: ast.Argument, name: str, first: ast.Argument) -> None:
    labels = (Label(first.span, "first given here"),)
    report.error("QEM232", f"`{name}` is given twice", argument.span, labels=labels, hint="keep one of them")


def _after_named(report: Reporter, argument: ast.Argument, law: Law) -> None:
    message = "an argument without a name stands after one with a name"
    hint = "name this one too, or move it to the front"
    report.error("QEM233", message, argument.span, notes=_signature_note(law), hint=hint)


def _signature_note(law: Law) -> tuple[str, ...]:
    return (f"signature: `{signature(law)}`",)
