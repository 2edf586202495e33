"""ModelIR as readable text: one line a declaration or statement, indented by plate."""

from __future__ import annotations

from qemppl.ir.model import (
    Bounds,
    Call,
    Constant,
    DataVariable,
    Definition,
    Expr,
    Gather,
    ModelIR,
    Plate,
    RandomVariable,
    Statement,
    ValueType,
    children,
)

_INDENT = "  "


def show(model: ModelIR) -> str:
    """The model as text, for people and golden tests."""
    lines = [f"model {model.name}"]
    lines += [f"{_INDENT}{_plate(plate)}" for plate in model.plates]
    lines += [f"{_INDENT}dim {dim.name}" + (f" = {dim.size}" if dim.size else "") for dim in model.dims]
    lines += [f"{_INDENT}{_data(variable)}" for variable in model.data]
    for statement in model.statements:
        depth = 1 + len(model.path(statement.plate))
        lines.append(_INDENT * depth + _statement(statement))
    return "\n".join(lines) + "\n"


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


def _node(expr: Expr, parts: list[str]) -> str:
    match expr:
        case Constant():
            return f"{expr.value:g}" if expr.type.kind == "int" else repr(expr.value)
        case Call():
            return f"{expr.function}({', '.join(parts)})"
        case Gather():
            return f"{parts[0]}[{parts[1]}]"
        case _:
            return expr.name


def _plate(plate: Plate) -> str:
    size = f"[{plate.size}]" if plate.size is not None else ""
    parent = f" in {plate.parent}" if plate.parent else ""
    index = f" by {plate.index}" if plate.index else ""
    return f"plate {plate.name}{size}{parent}{index}"


def _type(kind: ValueType, bounds: Bounds) -> str:
    ends = (("lower", bounds.lower), ("upper", bounds.upper))
    given = [f"{name}={show_expression(end)}" for name, end in ends if end is not None]
    limits = f"<{', '.join(given)}>" if given else ""
    if kind.event:
        return f"vector{limits}[{', '.join(map(str, kind.event))}]"
    return f"{kind.kind}{limits}"


def _data(variable: DataVariable) -> str:
    missing = "missing " if variable.missing else ""
    plate = f"[{variable.type.plate}]" if variable.type.plate else ""
    index = "  (index)" if variable.is_index else ""
    return f"data {missing}{_type(variable.type, variable.bounds)} {variable.name}{plate}{index}"


def _statement(statement: Statement) -> str:
    where = f"[{statement.plate}]" if statement.plate else ""
    if isinstance(statement, Definition):
        return f"{_type(statement.type, Bounds())} {statement.name}{where} = {show_expression(statement.value)}"
    return _random_variable(statement, where)


def _random_variable(variable: RandomVariable, where: str) -> str:
    law = f"{variable.law}({', '.join(show_expression(a) for a in variable.arguments)})"
    if variable.observed:
        return f"observe {variable.name}{where} ~ {law}"
    family = f" approx {variable.family}" if variable.family else ""
    block = f"  (joint {variable.block})" if variable.block is not None else ""
    return f"latent {_type(variable.type, variable.bounds)} {variable.name}{where} ~ {law}{family}{block}"
