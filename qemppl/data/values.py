"""Values: the type of every single value of a column, before its place in the model is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qemppl.data.columns import Column
from qemppl.data.nested import Numbers
from qemppl.data.report import Report, number, quoted
from qemppl.ir.model import DataVariable, Kind

EXACT = 2.0**53
"""float64 holds every whole number up to here."""


@dataclass(frozen=True)
class _Fault:
    """One kind of wrong value: which values of the column, what to say about one of them."""

    code: str
    values: NDArray[np.bool_]
    message: Callable[[int], str]
    hint: str | None = None


def read_numbers(column: Column, variable: DataVariable, report: Report) -> Numbers | None:
    """The flat values of a data variable as declared, in file order, or None after reporting what is wrong.

    Real data: float64. int data: int64; float64 where declared missing, as NaN stands for a missing value.
    """
    leaves = column.nested.leaves
    kind = variable.type.kind
    if isinstance(leaves, list):
        _report(column, _wrong_types(leaves, kind, column.origin.is_table), report)
        return None
    if leaves.dtype == np.int64:
        return leaves if kind == "int" and not variable.missing else leaves.astype(np.float64)
    reals = leaves.astype(np.float64, copy=False)
    if _report(column, _wrong_reals(reals, variable, column.origin.is_table), report):
        return None
    return reals.astype(np.int64) if kind == "int" and not variable.missing else reals


def _report(column: Column, faults: Iterator[_Fault], report: Report) -> bool:
    found = False
    for fault in faults:

        def report_one(i: int, fault: _Fault = fault) -> None:
            place = column.place(i)
            report.error(fault.code, f"{place} {fault.message(i)}", place, column.span, fault.hint)

        rows = np.flatnonzero(fault.values)
        report.rows(rows, report_one)
        found = found or rows.size > 0
    return found


def _wrong_reals(x: NDArray[np.float64], variable: DataVariable, is_table: bool) -> Iterator[_Fault]:
    finite = np.isfinite(x)
    if not finite.all():
        if not variable.missing:
            hint = f"if it is an outcome, declare it `missing {_declaration(variable)}`; else leave out its row"
            how = "an empty cell or NA" if is_table else "null or NaN"
            yield _Fault("QEM711", np.isnan(x), lambda i: f"is missing ({how})", hint)
        hint = "a number beyond 1.8e308 is read as infinite"
        yield _Fault("QEM712", np.isinf(x), lambda i: "is infinite", hint)
    if variable.type.kind == "int":
        whole = x == np.floor(x)
        hint = f"if fractions are meant, declare `real {variable.name}`"
        yield _Fault("QEM710", finite & ~whole, lambda i: f"is {number(x[i])}, but is declared int", hint)
        yield _Fault("QEM713", finite & (np.abs(x) > EXACT), lambda i: f"is {x[i]:.17g}, too large for an int")


def _declaration(variable: DataVariable) -> str:
    """Such as `real y[week]`; `..` for more than a reader needs."""
    kind, plate = variable.type, variable.type.plate
    return f"{kind.kind if not kind.event else '..'} {variable.name}{f'[{plate}]' if plate else ''}"


def _wrong_types(leaves: list[object], kind: Kind, is_table: bool) -> Iterator[_Fault]:
    def of(kind_of_leaf: Callable[[object], bool]) -> NDArray[np.bool_]:
        return np.fromiter(map(kind_of_leaf, leaves), np.bool_, len(leaves))

    texts = of(lambda leaf: isinstance(leaf, str))
    numerals = of(lambda leaf: isinstance(leaf, str) and _is_numeral(leaf))
    truths = of(lambda leaf: isinstance(leaf, bool))
    numbers = of(lambda leaf: isinstance(leaf, int | float | None)) & ~truths
    large = of(lambda leaf: isinstance(leaf, int) and not isinstance(leaf, bool) and abs(leaf) > 2**63)
    number_kind = "an int" if kind == "int" else "a real number"

    def text(i: int) -> str:
        return f"is the text {quoted(str(leaves[i]))}, not {number_kind}"

    words = of(lambda leaf: isinstance(leaf, str) and leaf.lower() in {"true", "false", "t", "f", "yes", "no"})
    commas = of(lambda leaf: isinstance(leaf, str) and "," in leaf and _is_numeral(leaf.replace(",", ".")))
    yield _Fault("QEM714", numerals, text, "write the number without quotes")
    yield _Fault("QEM715", words, text, "write 1 or 0")
    yield _Fault("QEM714", commas, text, "write a decimal point")
    hint = "a missing value is an empty cell, or NA" if is_table else "a missing value is written null"
    yield _Fault("QEM714", texts & ~(numerals | words | commas), text, hint)
    yield _Fault("QEM715", truths, lambda i: f"is {str(leaves[i]).lower()}, not {number_kind}", "write 1 or 0")
    yield _Fault("QEM713", numbers & large, lambda i: f"is too large for {number_kind}")
    other = ~(texts | truths | numbers)
    yield _Fault("QEM716", other, lambda i: f"is {_type_name(leaves[i])}, not {number_kind}")


def _is_numeral(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _type_name(leaf: object) -> str:
    return "an object" if isinstance(leaf, dict) else f"a value of type {type(leaf).__name__}"


def read_labels(column: Column, report: Report) -> list[str] | None:
    """The texts of a key that names the members of a plate; blank ones are refused."""
    leaves = column.nested.leaves
    texts = leaves if isinstance(leaves, list) else leaves.tolist()
    faulty = [i for i, leaf in enumerate(texts) if not (isinstance(leaf, str) and leaf.strip())]

    def not_a_label(i: int) -> None:
        place, leaf = column.place(i), texts[i]
        what = "is blank" if isinstance(leaf, str) else f"is {_not_a_text(leaf)}, but labels are texts"
        is_number = isinstance(leaf, int) and not isinstance(leaf, bool) and abs(leaf) < EXACT
        hint = f'write "{leaf}"' if is_number else None
        report.error("QEM717", f"{place} {what}", place, column.span, hint)

    report.rows(np.array(faulty, np.int64), not_a_label)
    return None if faulty else [str(leaf) for leaf in texts]


def read_index(column: Column, report: Report) -> NDArray[np.int64] | list[str] | None:
    """The values of an index column: whole numbers, or labels."""
    leaves = column.nested.leaves
    if isinstance(leaves, list):
        faulty = [i for i, leaf in enumerate(leaves) if not isinstance(leaf, str)]
        if not faulty:
            return [str(leaf) for leaf in leaves]

        def not_a_label(i: int) -> None:
            place = column.place(i)
            message = f"{place} is {_not_a_text(leaves[i])}; an index column holds labels only, or numbers from 1 only"
            report.error("QEM718", message, place, column.span)

        report.rows(np.array(faulty), not_a_label)
        return None
    if leaves.dtype == np.int64:
        return leaves.astype(np.int64, copy=False)
    wrong = ~(np.isfinite(leaves) & (leaves == np.floor(leaves)) & (np.abs(leaves) < EXACT))

    def not_whole(i: int) -> None:
        place = column.place(i)
        what = "missing" if np.isnan(leaves[i]) else number(leaves[i])
        message = f"{place} is {what}; an index is a whole number from 1, or a label"
        report.error("QEM718", message, place, column.span)

    report.rows(np.flatnonzero(wrong), not_whole)
    return None if wrong.any() else leaves.astype(np.int64)


def _not_a_text(leaf: object) -> str:
    if leaf is None or (isinstance(leaf, float) and math.isnan(leaf)):
        return "missing"
    if isinstance(leaf, bool):
        return str(leaf).lower()
    if isinstance(leaf, int) and abs(leaf) > EXACT:
        return "a very large number"  # Python refuses to write one of thousands of digits
    return str(leaf) if isinstance(leaf, int | float) else _type_name(leaf)
