"""Statements as the user wrote them, with something changed: the texts of fixes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from qemppl.diagnostics.source import Span
from qemppl.lang.syntax import ast

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_LONGEST = 100
Bracketed = ast.Latent | ast.Definition | ast.Observation
"""The statements whose name may be followed by brackets."""


def one_line(span: Span) -> str:
    """A text without comments and line breaks."""
    return _squeezed(span.text)


def law_text(law: ast.Law) -> str:
    """A law with its arguments, or `law(...)` where they are long."""
    text = one_line(law.span)
    return text if len(text) <= _LONGEST else f"{law.name.text}(...)"


def without_brackets(statement: Bracketed, plates: Iterable[str]) -> str:
    """`theta[i] ~ normal(mu[i], 1);` about one member: `theta ~ normal(mu, 1);`. A plate is no index either."""
    tail = _tail(statement).replace(_brackets(statement).text, "")
    tail = re.sub(rf"\[ ?(?:{'|'.join(map(re.escape, plates))}) ?\]", "", tail)
    return _ended(_head(statement), tail, statement)


def with_size_in_front(statement: ast.Latent | ast.Definition) -> str:
    """`real beta[P] ~ normal(0, 1);` as one value of several components: `vector[P] beta ~ normal(0, 1);`."""
    sizes = [one_line(item.span) for item in statement.brackets.items] if statement.brackets is not None else []
    head = f"{in_front(statement.type, sizes)} {statement.name.text}"
    return _ended(head, _tail(statement), statement)


def declared_with(declaration: ast.Declaration, completion: ast.Observation | ast.Assignment) -> str:
    """`real mu;` and `mu ~ normal(0, 1);` in one statement."""
    head = f"{one_line(declaration.type.span)} {declaration.name.text}"
    if isinstance(completion, ast.Observation):
        return f"{head} ~ {law_text(completion.law)};"
    value = one_line(completion.value.span)
    return f"{head} = {value if len(value) <= _LONGEST else '...'};"


def bounds_text(declared: ast.Type) -> str:
    """`<lower=0, upper=1>`; empty without bounds."""
    return f"<{', '.join(one_line(bound.span) for bound in declared.bounds)}>" if declared.bounds else ""


def in_front(declared: ast.Type, sizes: Sequence[str]) -> str:
    """A type with sizes: `vector[P]` for a real number of each of P."""
    own = one_line(declared.span)
    if declared.kind == "real" and not declared.array and len(sizes) <= 2:
        word = "vector" if len(sizes) == 1 else "matrix"
        return f"{word}{own.removeprefix('real')}[{', '.join(sizes)}]"
    return f"array[{', '.join(sizes)}] {own}"


def _squeezed(text: str) -> str:
    return " ".join(_COMMENT.sub(" ", text).split())


def _brackets(statement: Bracketed) -> Span:
    assert statement.brackets is not None
    return statement.brackets.span


def _head(statement: Bracketed) -> str:
    source, start = statement.span.source, statement.span.start
    return _squeezed(source.text[start : statement.name.span.end])


def _tail(statement: Bracketed) -> str:
    source, brackets = statement.span.source, _brackets(statement)
    return _squeezed(source.text[brackets.end : statement.span.end])


def _ended(head: str, tail: str, statement: Bracketed) -> str:
    if len(head) + len(tail) > _LONGEST:
        tail = "= ..." if isinstance(statement, ast.Definition) else "~ ..."
    return f"{head} {tail.rstrip('; ')};"
