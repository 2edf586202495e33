"""The syntax of a model: what was written, before any name is looked up. Every node carries its span.

Left-associative chains nest to the left without limit, so nothing may recurse over expressions: use `children`.
Nodes compare by identity for the same reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from qemppl.diagnostics.source import Span


@dataclass(frozen=True, eq=False)
class Name:
    """A name where it stands."""

    text: str
    span: Span


# Expressions.


@dataclass(frozen=True, eq=False)
class Number:
    """A literal; `integer` if written without a point or an exponent."""

    value: float
    integer: bool
    span: Span


@dataclass(frozen=True, eq=False)
class Variable:
    """A name used as a value."""

    name: str
    span: Span


@dataclass(frozen=True, eq=False)
class Unary:
    """`-x`, `+x`, `!x`."""

    operator: str
    operand: Expression
    span: Span


@dataclass(frozen=True, eq=False)
class Binary:
    """Two operands and the operator between them."""

    operator: str
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True, eq=False)
class Conditional:
    """`condition ? yes : no`."""

    condition: Expression
    yes: Expression
    no: Expression
    span: Span


@dataclass(frozen=True, eq=False)
class Apply:
    """A function applied to arguments."""

    function: Name
    arguments: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, eq=False)
class Reduce:
    """`sum(value over plate)`."""

    function: Name
    value: Expression
    over: Name
    span: Span


@dataclass(frozen=True, eq=False)
class Index:
    """`value[index]`."""

    value: Expression
    indices: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, eq=False)
class Transpose:
    """`value'`."""

    value: Expression
    span: Span


@dataclass(frozen=True, eq=False)
class Parenthesised:
    """`(inner)`: kept, since it tells `(a < b) < c` from `a < b < c`."""

    inner: Expression
    span: Span


Expression = Number | Variable | Unary | Binary | Conditional | Apply | Reduce | Index | Transpose | Parenthesised


def children(node: Expression) -> tuple[Expression, ...]:  # noqa: PLR0911 (one line a form)
    """The direct subexpressions, in the order written."""
    match node:
        case Number() | Variable():
            return ()
        case Unary():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Conditional():
            return (node.condition, node.yes, node.no)
        case Apply():
            return node.arguments
        case Index():
            return (node.value, *node.indices)
        case Reduce() | Transpose():
            return (node.value,)
        case Parenthesised():
            return (node.inner,)


# Parts of statements.


@dataclass(frozen=True, eq=False)
class Bound:
    """`lower=0` in a type."""

    name: Name
    value: Expression
    span: Span


@dataclass(frozen=True, eq=False)
class Type:
    """`array[n] vector<lower=0>[m]`: the array's sizes, the kind of one element, its bounds and its own sizes."""

    array: tuple[Expression, ...]
    kind: str
    bounds: tuple[Bound, ...]
    sizes: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, eq=False)
class Argument:
    """An argument of a law, perhaps named."""

    name: Name | None
    value: Expression
    span: Span


@dataclass(frozen=True, eq=False)
class Truncation:
    """`T[lower, upper]`; an absent end is None."""

    lower: Expression | None
    upper: Expression | None
    span: Span


@dataclass(frozen=True, eq=False)
class Censoring:
    """`right_censored(flag)` or `left_censored(flag)`."""

    side: Literal["right", "left"]
    flag: Expression
    span: Span


@dataclass(frozen=True, eq=False)
class Law:
    """A law and its arguments, as after `~` and after `init`, with what restricts an observation."""

    name: Name
    arguments: tuple[Argument, ...]
    truncation: Truncation | None
    censoring: Censoring | None
    span: Span


@dataclass(frozen=True, eq=False)
class Brackets:
    """`[a, b]` after a name or a type."""

    items: tuple[Expression, ...]
    span: Span


# Statements of `data`.


@dataclass(frozen=True, eq=False)
class DataPlate:
    """`plate house[J] in county by county_idx;` or `chain week in store;`."""

    is_chain: bool
    name: Name
    size: Brackets | None
    parents: tuple[Name, ...]
    index: Name | None
    span: Span


@dataclass(frozen=True, eq=False)
class Dim:
    """`dim K = 3;`."""

    name: Name
    size: Expression | None
    span: Span


@dataclass(frozen=True, eq=False)
class Declaration:
    """`missing real y[school];`: data, or in `model` a latent whose law is missing."""

    type: Type
    name: Name
    brackets: Brackets | None
    span: Span
    is_missing: bool = False


# Statements of `model`.


@dataclass(frozen=True, eq=False)
class Latent:
    """`sampled int z ~ poisson(prev(z)) init poisson(3) approx poisson;`; in `generated quantities` a draw."""

    type: Type
    name: Name
    brackets: Brackets | None
    law: Law
    initial: Law | None
    family: Name | None
    is_sampled: bool
    span: Span


@dataclass(frozen=True, eq=False)
class Definition:
    """`real eta = a + b * x;`."""

    type: Type
    name: Name
    brackets: Brackets | None
    value: Expression
    span: Span


@dataclass(frozen=True, eq=False)
class Observation:
    """`y ~ normal(theta, sigma);`."""

    name: Name
    brackets: Brackets | None
    law: Law
    family: Name | None
    span: Span


@dataclass(frozen=True, eq=False)
class Assignment:
    """`eta = a + b;`: never legal, since a name is defined where it is declared."""

    name: Name
    brackets: Brackets | None
    value: Expression
    span: Span


@dataclass(frozen=True, eq=False)
class PlateBlock:
    """`plate school { ... }` or `chain week { ... }`; `header` is the part before the brace."""

    is_chain: bool
    name: Name
    body: tuple[Statement, ...]
    header: Span
    span: Span


@dataclass(frozen=True, eq=False)
class JointBlock:
    """`joint { ... }`."""

    body: tuple[Statement, ...]
    header: Span
    span: Span


@dataclass(frozen=True, eq=False)
class Skipped:
    """Text that a syntax error made unreadable, and the names in it: nothing may be concluded about those."""

    names: frozenset[str]
    span: Span


DataStatement = DataPlate | Dim | Declaration | Skipped
Leaf = DataStatement | Latent | Definition | Observation | Assignment
"""A statement that holds no others."""
Statement = Latent | Definition | Declaration | Observation | Assignment | PlateBlock | JointBlock | Skipped


def leaves(body: Iterable[DataStatement | Statement]) -> Iterator[Leaf]:
    """The statements in the order written, those inside blocks in the place of the block."""
    stack: list[DataStatement | Statement] = [*body][::-1]
    while stack:
        statement = stack.pop()
        if isinstance(statement, PlateBlock | JointBlock):
            stack.extend(reversed(statement.body))
        else:
            yield statement


def names_within(body: Iterable[Statement]) -> set[str]:
    """The names that statements declare or give a law, and those of text that could not be read."""
    names: set[str] = set()
    for statement in leaves(body):
        names |= statement.names if isinstance(statement, Skipped) else {statement.name.text}
    return names


@dataclass(frozen=True, eq=False)
class DataBlock:
    """`data { ... }`."""

    body: tuple[DataStatement, ...]
    keyword: Span
    span: Span


@dataclass(frozen=True, eq=False)
class TransformedDataBlock:
    """`transformed data { ... }`."""

    body: tuple[Statement, ...]
    keyword: Span
    span: Span


@dataclass(frozen=True, eq=False)
class ModelBlock:
    """`model { ... }`."""

    body: tuple[Statement, ...]
    keyword: Span
    span: Span


@dataclass(frozen=True, eq=False)
class GeneratedBlock:
    """`generated quantities { ... }`."""

    body: tuple[Statement, ...]
    keyword: Span
    span: Span


Block = DataBlock | TransformedDataBlock | ModelBlock | GeneratedBlock | Skipped


@dataclass(frozen=True, eq=False)
class Program:
    """A whole model text."""

    blocks: tuple[Block, ...]
    span: Span


def parts(node: Any) -> Iterator[Any]:
    """The nodes directly below a node of any kind, in the order written; names are not nodes."""
    for field in fields(node):
        value = getattr(node, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if is_dataclass(part) and not isinstance(part, Span | Name):
                yield part
