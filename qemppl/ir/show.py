"""ModelIR as readable text: one line a declaration or statement, indented by plate."""

from __future__ import annotations

from collections.abc import Iterable

from qemppl.ir.model import (
    UNBOUNDED,
    Bounds,
    Call,
    Constant,
    DataVariable,
    Definition,
    Expr,
    Form,
    Gather,
    Lag,
    ModelIR,
    Plate,
    PlateReduce,
    Previous,
    RandomVariable,
    Statement,
    ValueType,
    before,
    children,
)

_INDENT = "  "
_OWN_AXES: dict[Form, int] = {"cholesky_factor_corr": 2}
"""The event axes of one value of a form; one otherwise."""


def show(model: ModelIR) -> str:
    """The model as text, for people and golden tests."""
    lines = [f"model {model.name}"]
    lines += [f"{_INDENT}{_plate(plate)}" for plate in model.plates]
    lines += [f"{_INDENT}dim {dim.name}" + (f" = {dim.size}" if dim.size else "") for dim in model.dims]
    lines += [f"{_INDENT}{_data(variable)}" for variable in model.data]
    lines += _section(model, "transformed data", model.transformed)
    lines += _statements(model, model.statements)
    lines += _section(model, "generated quantities", model.generated)
    return "\n".join(lines) + "\n"


def _section(model: ModelIR, title: str, statements: Iterable[Statement]) -> list[str]:
    """A block that a model may lack, under its title."""
    lines = [f"{_INDENT}{line}" for line in _statements(model, statements, is_generated=title != "transformed data")]
    return [f"{_INDENT}{title}", *lines] if lines else []


def _statements(model: ModelIR, statements: Iterable[Statement], *, is_generated: bool = False) -> list[str]:
    return [
        _INDENT * (1 + len(model.path(statement.plate))) + _statement(statement, is_generated=is_generated)
        for statement in statements
    ]


def show_expression(expr: Expr) -> str:
    """An expression with every operation spelled as a call, such as `add(a, multiply(b, x))`."""
    done: list[str] = []
    pending: list[tuple[Expr, bool]] = [(expr, False)]
    while pending:
        node, is_ready = pending.pop()
        parts = children(node)
        if parts and not is_ready:
            pending.append((node, True))
            pending.extend((part, False) for part in reversed(parts))
            continue
        texts = done[len(done) - len(parts) :]
        del done[len(done) - len(parts) :]
        done.append(_node(node, texts))
    return done[0]


def _node(expr: Expr, parts: list[str]) -> str:  # noqa: PLR0911 (one line a form)
    match expr:
        case Constant():
            return f"{expr.value:g}" if expr.type.kind == "int" else repr(expr.value)
        case Call():
            return f"{expr.function}({', '.join(parts)})"
        case Gather():
            return f"{parts[0]}[{parts[1]}]"
        case PlateReduce():
            return f"{expr.function}({parts[0]} over {expr.over})"
        case Previous():
            return before(expr.name)
        case Lag():
            return f"lag({parts[0]}, {expr.steps} along {expr.chain})"
        case _:
            return expr.name


def _plate(plate: Plate) -> str:
    word = "chain" if plate.is_chain else "plate"
    size = f"[{plate.size}]" if plate.size is not None else ""
    parent = f" in {plate.parent}" if plate.parent else ""
    index = f" by {plate.index}" if plate.index else ""
    return f"{word} {plate.name}{size}{parent}{index}"


def _type(kind: ValueType, bounds: Bounds, form: Form | None) -> str:
    """A type as declared, except that a matrix without a form is an array of numbers."""
    ends = (("lower", bounds.lower), ("upper", bounds.upper))
    given = [f"{name}={show_expression(end)}" for name, end in ends if end is not None]
    limits = f"<{', '.join(given)}>" if given else ""
    is_vector = kind.kind == "real" and len(kind.event) == 1
    axes = _OWN_AXES.get(form, 1) if form is not None else int(is_vector)
    outer, own = kind.event[: len(kind.event) - axes], kind.event[len(kind.event) - axes :]
    array = f"array[{', '.join(map(str, outer))}] " if outer else ""
    if form is not None:
        return f"{array}{form}[{own[0]}]"
    return f"{array}vector{limits}[{own[0]}]" if own else f"{array}{kind.kind}{limits}"


def _data(variable: DataVariable) -> str:
    missing = "missing " if variable.missing else ""
    plate = f"[{variable.type.plate}]" if variable.type.plate else ""
    index = "  (index)" if variable.is_index else ""
    return f"data {missing}{_type(variable.type, variable.bounds, variable.form)} {variable.name}{plate}{index}"


def _statement(statement: Statement, *, is_generated: bool) -> str:
    where = f"[{statement.plate}]" if statement.plate else ""
    if isinstance(statement, Definition):
        return f"{_type(statement.type, UNBOUNDED, None)} {statement.name}{where} = {show_expression(statement.value)}"
    return _random_variable(statement, where, "draw" if is_generated else "latent")


def _random_variable(variable: RandomVariable, where: str, role: str) -> str:
    law = _law(variable.law, variable.arguments)
    if variable.initial is not None:
        law += f" init {_law(variable.initial.law, variable.initial.arguments)}"
    if variable.censoring is not None:
        law += f" {variable.censoring.side}_censored({show_expression(variable.censoring.flag)})"
    if variable.observed:
        return f"observe {variable.name}{where} ~ {law}{_truncation(variable.bounds)}"
    sampled = "sampled " if variable.sampled else ""
    kind = _type(variable.type, variable.bounds, variable.form)
    family = f" approx {variable.family}" if variable.family else ""
    block = f"  (joint {variable.block})" if variable.block is not None else ""
    return f"{sampled}{role} {kind} {variable.name}{where} ~ {law}{family}{block}"


def _law(name: str, arguments: tuple[Expr, ...]) -> str:
    return f"{name}({', '.join(map(show_expression, arguments))})"


def _truncation(bounds: Bounds) -> str:
    if bounds == UNBOUNDED:
        return ""
    lower, upper = (show_expression(end) if end is not None else "" for end in (bounds.lower, bounds.upper))
    return f" T[{lower}, {upper}]"
