"""What every block checks of plates: how they are opened, and that names carry no brackets inside them."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Label
from qemppl.lang.check.rewriting import Bracketed, with_size_in_front, without_brackets
from qemppl.lang.check.scope import Scope
from qemppl.lang.syntax import ast


def open_plate(scope: Scope, block: ast.PlateBlock, around: str | None) -> str | None:
    """The plate whose members a block inside the plate `around` is about; None if it is unknown.

    A plate with a near name is taken for the one that was meant. Whatever is wrong is reported.
    """
    name = block.name.text
    if not scope.is_plate(block.name):
        near = scope.report.nearest(name, scope.plates)
        if not near:
            scope.forgiven |= ast.names_within(block.body)
        return near[0] if near else None
    plate = scope.plates[name]
    if plate.is_chain != block.is_chain:
        _wrong_word(scope, block, is_chain=plate.is_chain)
    if name in scope.path(around) and name not in scope.unopened:
        message = f"the plate `{name}` is opened inside itself"
        scope.report.error("QEM303", message, block.header, hint="remove the inner block")
    elif name not in scope.path(around) and plate.parent != around:
        scope.unopened |= {*scope.path(plate.parent)} - {*scope.path(around)}
        if around is not None:
            scope.misplaced[name] = around
        _wrong_parent(scope, block, around)
    return name


def _wrong_parent(scope: Scope, block: ast.PlateBlock, around: str | None) -> None:
    name, report = block.name.text, scope.report
    plate = scope.plates[name]
    where, here = _place(scope, plate.parent), _place(scope, around)
    inner = {plate.name.text for plate in block.body if isinstance(plate, ast.PlateBlock)}
    hint = f"open it {where}"
    if plate.parent in inner and plate.parent is not None:
        hint = f"open `{scope.opener(plate.parent)} {{ ... }}` around it, not inside of it"
    elif plate.parent is None and around is not None:
        by = f"if each `{name}` belongs to one `{around}`, declare `{scope.opener(name)} in {around};` in `data`"
        hint = f"{by}; or {hint}"
    report.error(
        "QEM302",
        f"the plate `{name}` stands {here}, but belongs {where}",
        block.header,
        labels=(Label(plate.span, "declared here"),),
        notes=(scope.tree(name, around),),
        hint=hint,
    )


def _place(scope: Scope, plate: str | None) -> str:
    return f"inside `{scope.opener(plate)} {{ ... }}`" if plate is not None else "outside of every plate"


def _wrong_word(scope: Scope, block: ast.PlateBlock, *, is_chain: bool) -> None:
    """A chain is opened as one: its members follow each other."""
    name = block.name.text
    declared, written = ("chain", "plate") if is_chain else ("plate", "chain")
    meaning = "its members follow each other in time" if is_chain else "its members have no order"
    scope.report.error(
        "QEM319",
        f"`{name}` is a {declared}, and is opened as a {written}",
        block.header,
        labels=(Label(scope.plates[name].span, f"declared a {declared} here: {meaning}"),),
        hint=f"write `{declared} {name} {{ ... }}`" + ("" if is_chain else f", or declare `chain {name};` in `data`"),
    )


def reject_brackets(scope: Scope, statement: Bracketed, around: str | None) -> None:
    """`theta[i] ~ ...` and `real theta[J] ~ ...`: outside of `data` a plate is a block."""
    brackets, name = statement.brackets, statement.name.text
    if brackets is None:
        return
    scope.mention(*brackets.items)
    scope.forgiven |= {i.name for i in brackets.items if isinstance(i, ast.Variable)} - scope.symbols.keys()
    item = brackets.items[-1].span.text
    if not isinstance(statement, ast.Observation) and (scope.is_size(item) or item.isdecimal()):
        reason, hint = "a size is part of the type", f"write `{with_size_in_front(statement)}`"
    else:
        reason, hint = "outside of `data` a plate is a block", _about_a_member(scope, statement, item, around)
    message = f"`{name}` takes no brackets here: {reason}"
    scope.report.error("QEM311", message, brackets.span, hint=hint)


def _about_a_member(scope: Scope, statement: Bracketed, item: str, around: str | None) -> str:
    """The statement on the plate that is meant: the one that the data live on, or the one in the brackets."""
    symbol = scope.symbols.get(statement.name.text)
    plate = symbol.plate if symbol is not None and symbol.role == "data" else None
    plate = plate if plate is not None else item if item in scope.plates else None
    text = without_brackets(statement, scope.plates)
    if plate is None or scope.is_within(around, plate):
        around = plate or around
        where = f": inside `{scope.opener(around)} {{ ... }}` a bare name is this member's value" if around else ""
        return f"write `{text}`{where}"
    return f"write `{scope.opener(plate)} {{ {text} }}`"
