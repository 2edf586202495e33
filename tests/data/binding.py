"""Small models built by hand, and short ways to bind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from qemppl.data.bind import bind
from qemppl.data.bound import BoundModel
from qemppl.data.raw import raw_from_mapping
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.diagnostics.source import Source, Span
from qemppl.ir.model import (
    Bounds,
    Call,
    Constant,
    DataRef,
    DataVariable,
    Definition,
    EventDim,
    Expr,
    Gather,
    Kind,
    Lag,
    LatentRef,
    ModelIR,
    Plate,
    PlateReduce,
    RandomVariable,
    Size,
    Statement,
    ValueType,
)


def span(text: str) -> Span:
    return Span(Source("model.qem", text), 0, len(text))


def plate(name: str, parent: str | None = None, by: str | None = None, size: Size | None = None) -> Plate:
    return Plate(name, parent, by, size, span(f"plate {name}"))


def dim(name: str, size: int | None = None) -> EventDim:
    return EventDim(name, size, span(f"dim {name}"))


def constant(value: float) -> Constant:
    return Constant(value, ValueType("real"), span(str(value)))


def ref(name: str, on: str | None = None, kind: Kind = "real", event: tuple[Size, ...] = ()) -> DataRef:
    return DataRef(name, ValueType(kind, event, on), span(name))


def latent(name: str, on: str | None = None, event: tuple[Size, ...] = ()) -> LatentRef:
    return LatentRef(name, ValueType("real", event, on), span(name))


def call(function: str, *arguments: Expr, on: str | None = None, event: tuple[Size, ...] = ()) -> Call:
    return Call(function, arguments, ValueType("real", event, on), span(function))


def gather(value: Expr, index: Expr) -> Gather:
    text = f"{value.span.text}[{index.span.text}]"
    return Gather(value, index, ValueType("real", (), index.type.plate), span(text))


def real(name: str, on: str | None = None, *event: Size, missing: bool = False, **bounds: Expr) -> DataVariable:
    return DataVariable(name, ValueType("real", event, on), Bounds(**bounds), span(f"real {name}"), missing)


def integer(name: str, on: str | None = None, *event: Size, missing: bool = False, **bounds: Expr) -> DataVariable:
    return DataVariable(name, ValueType("int", event, on), Bounds(**bounds), span(f"int {name}"), missing)


def observe(name: str, on: str | None, law: str, *arguments: Expr, event: tuple[Size, ...] = ()) -> RandomVariable:
    return RandomVariable(name, on, law, arguments, ValueType("real", event, on), True, span(f"{name} ~ {law}"))


@dataclass(frozen=True)
class Transformed:
    """A statement of `transformed data`."""

    definition: Definition


def transformed(name: str, value: Expr) -> Transformed:
    return Transformed(Definition(name, value.type.plate, value, span(f"{name} = {value.span.text}")))


def over(function: str, value: Expr, plate: str, on: str | None = None) -> PlateReduce:
    text = f"{function}({value.span.text} over {plate})"
    return PlateReduce(function, value, plate, ValueType("real", value.type.event, on), span(text))


def lag(value: Expr, steps: int, chain: str) -> Lag:
    return Lag(
        value, steps, chain, ValueType("real", value.type.event, chain), span(f"lag({value.span.text}, {steps})")
    )


def model(*parts: Plate | EventDim | DataVariable | Statement | Transformed) -> ModelIR:
    """A model of the parts in any order; the index columns of its plates are declared as the language declares them."""
    plates = tuple(part for part in parts if isinstance(part, Plate))
    indices = tuple(
        DataVariable(p.index, ValueType("int", (), p.name), Bounds(), p.span, is_index=True) for p in plates if p.index
    )
    data = tuple(part for part in parts if isinstance(part, DataVariable))
    indices = tuple(index for index in indices if index.name not in {variable.name for variable in data})
    dims = tuple(part for part in parts if isinstance(part, EventDim))
    statements = tuple(part for part in parts if not isinstance(part, Plate | EventDim | DataVariable | Transformed))
    transformed = tuple(part.definition for part in parts if isinstance(part, Transformed))
    return ModelIR("test", plates, dims, (*indices, *data), statements, transformed)


SCHOOLS = model(plate("school"), real("y", "school"), real("sigma", "school"))
RADON = model(plate("county"), plate("house", "county", by="idx"), real("y", "house"), real("u", "county"))
VISITS = model(plate("site"), plate("visit", "site"), real("wind", "visit"), real("seen", "visit"))
COUNTS = model(plate("i"), integer("k", "i"))


def bound(ir: ModelIR, **values: object) -> BoundModel:
    return bind(ir, raw_from_mapping(values)).model


def remarks(ir: ModelIR, **values: object) -> tuple[Diagnostic, ...]:
    return bind(ir, raw_from_mapping(values)).remarks


def errors(ir: ModelIR, values: Mapping[str, object] | None = None, **more: object) -> list[Diagnostic]:
    """The errors of a binding that must fail; warnings and notes left out."""
    with pytest.raises(DiagnosticsError) as caught:
        bind(ir, raw_from_mapping({**(values or {}), **more}))
    assert caught.value.stage is Stage.DATA
    assert all(d.where is not None and d.where.startswith("data") for d in caught.value.diagnostics)
    return [d for d in caught.value.diagnostics if d.severity is Severity.ERROR]


def error(ir: ModelIR, **values: object) -> Diagnostic:
    """The only error of a binding that must fail."""
    (only,) = errors(ir, values)
    return only


__all__ = [name for name in dir() if not name.startswith("_")]
