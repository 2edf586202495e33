"""From what the parser recognises to AST nodes: one method per rule or alias of grammar/qem.lark.

The parser calls these while it reduces, so no tree is built in between and nothing recurses. An absent optional part is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lark import Transformer

from qemppl.diagnostics.source import Span
from qemppl.lang.syntax import ast
from qemppl.lang.syntax.lexeme import Lexeme

Parts = Sequence[Any]
"""The children of a rule: lexemes, nodes and None."""


def _name(lexeme: Lexeme) -> ast.Name:
    return ast.Name(lexeme.text, lexeme.span)


def _nodes(parts: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(part for part in parts if part is not None and not isinstance(part, Lexeme))


def _items(brackets: ast.Brackets | None) -> tuple[Any, ...]:
    return brackets.items if brackets is not None else ()


def _span(parts: Parts) -> Span:
    present = [part for part in (parts[0], parts[-1]) if part is not None]
    return Span(present[0].span.source, present[0].span.start, present[-1].span.end)


class AstBuilder(Transformer[Lexeme, Any]):
    """The callbacks of the parser."""

    def start(self, parts: Parts) -> tuple[ast.Block, ...]:
        return tuple(parts)

    def data_block(self, parts: Parts) -> ast.DataBlock:
        return ast.DataBlock(_nodes(parts), parts[0].span, _span(parts))

    def model_block(self, parts: Parts) -> ast.ModelBlock:
        return ast.ModelBlock(_nodes(parts), parts[0].span, _span(parts))

    def transformed_data_block(self, parts: Parts) -> ast.TransformedDataBlock:
        return ast.TransformedDataBlock(_nodes(parts), _span(parts[:2]), _span(parts))

    def generated_block(self, parts: Parts) -> ast.GeneratedBlock:
        return ast.GeneratedBlock(_nodes(parts), _span(parts[:2]), _span(parts))

    def data_plate(self, parts: Parts) -> ast.DataPlate:
        keyword, name, size, parents, by, _ = parts
        return ast.DataPlate(keyword.type == "CHAIN", _name(name), size, parents or (), by, _span(parts))

    def parents(self, parts: Parts) -> tuple[ast.Name, ...]:
        return tuple(_name(part) for part in parts[1::2])

    def by(self, parts: Parts) -> ast.Name:
        return _name(parts[1])

    def dim(self, parts: Parts) -> ast.Dim:
        return ast.Dim(_name(parts[1]), parts[3], _span(parts))

    def data_declaration(self, parts: Parts) -> ast.Declaration:
        missing, kind, name, brackets, _ = parts
        span = _span(parts if missing else parts[1:])
        return ast.Declaration(kind, _name(name), brackets, span, missing is not None)

    def declaration(self, parts: Parts) -> ast.Declaration:
        kind, name, brackets, _ = parts
        return ast.Declaration(kind, _name(name), brackets, _span(parts))

    def scalar_type(self, parts: Parts) -> ast.Type:
        array, keyword, bounds = parts
        span = _span([array or keyword, bounds or keyword])
        return ast.Type(_items(array), keyword.text, _items(bounds), (), span)

    def sized_type(self, parts: Parts) -> ast.Type:
        array, keyword, bounds, brackets = parts
        span = _span([array or keyword, brackets])
        return ast.Type(_items(array), keyword.text, _items(bounds), brackets.items, span)

    def array(self, parts: Parts) -> ast.Brackets:
        return ast.Brackets(parts[1].items, _span(parts))

    def bounds(self, parts: Parts) -> ast.Brackets:
        return ast.Brackets(_nodes(parts), _span(parts))

    def bound(self, parts: Parts) -> ast.Bound:
        return ast.Bound(_name(parts[0]), parts[2], _span(parts))

    def brackets(self, parts: Parts) -> ast.Brackets:
        return ast.Brackets(_nodes(parts), _span(parts))

    def latent(self, parts: Parts) -> ast.Latent:
        sampled, kind, name, brackets, _, law, initial, family, _ = parts
        span = _span(parts if sampled else parts[1:])
        return ast.Latent(kind, _name(name), brackets, law, initial, family, sampled is not None, span)

    def definition(self, parts: Parts) -> ast.Definition:
        kind, name, brackets, _, value, _ = parts
        return ast.Definition(kind, _name(name), brackets, value, _span(parts))

    def observation(self, parts: Parts) -> ast.Observation:
        name, brackets, _, law, family, _ = parts
        return ast.Observation(_name(name), brackets, law, family, _span(parts))

    def assignment(self, parts: Parts) -> ast.Assignment:
        name, brackets, _, value, _ = parts
        return ast.Assignment(_name(name), brackets, value, _span(parts))

    def plate_block(self, parts: Parts) -> ast.PlateBlock:
        is_chain = parts[0].type == "CHAIN"
        return ast.PlateBlock(is_chain, _name(parts[1]), _nodes(parts[2:]), _span(parts[:2]), _span(parts))

    def joint_block(self, parts: Parts) -> ast.JointBlock:
        return ast.JointBlock(_nodes(parts), parts[0].span, _span(parts))

    def law(self, parts: Parts) -> ast.Law:
        *call, truncation, censoring = parts
        span = _span([call[0], censoring or truncation or call[-1]])
        return ast.Law(_name(call[0]), _nodes(call), truncation, censoring, span)

    def initial(self, parts: Parts) -> ast.Law:
        call = parts[1:]
        return ast.Law(_name(call[0]), _nodes(call), None, None, _span(call))

    def truncation(self, parts: Parts) -> ast.Truncation:
        return ast.Truncation(parts[2], parts[4], _span(parts))

    def censoring(self, parts: Parts) -> ast.Censoring:
        return ast.Censoring("right" if parts[0].type == "RIGHT_CENSORED" else "left", parts[2], _span(parts))

    def argument(self, parts: Parts) -> ast.Argument:
        name, _, value = parts
        return ast.Argument(_name(name) if name else None, value, _span([name or value, value]))

    def approx(self, parts: Parts) -> ast.Name:
        return _name(parts[1])

    def conditional(self, parts: Parts) -> ast.Conditional:
        return ast.Conditional(parts[0], parts[2], parts[4], _span(parts))

    def binary(self, parts: Parts) -> ast.Binary:
        left, operator, right = parts
        return ast.Binary(operator.text, left, right, _span(parts))

    def unary(self, parts: Parts) -> ast.Unary:
        return ast.Unary(parts[0].text, parts[1], _span(parts))

    def index(self, parts: Parts) -> ast.Index:
        value, brackets = parts
        return ast.Index(value, brackets.items, _span(parts))

    def transpose(self, parts: Parts) -> ast.Transpose:
        return ast.Transpose(parts[0], _span(parts))

    def number(self, parts: Parts) -> ast.Number:
        lexeme = parts[0]
        return ast.Number(float(lexeme.text), lexeme.type == "INTEGER", lexeme.span)

    def variable(self, parts: Parts) -> ast.Variable:
        return ast.Variable(parts[0].text, parts[0].span)

    def apply(self, parts: Parts) -> ast.Apply:
        return ast.Apply(_name(parts[0]), _nodes(parts), _span(parts))

    def reduce(self, parts: Parts) -> ast.Reduce:
        return ast.Reduce(_name(parts[0]), parts[2], _name(parts[4]), _span(parts))

    def parenthesised(self, parts: Parts) -> ast.Parenthesised:
        return ast.Parenthesised(parts[1], _span(parts))
