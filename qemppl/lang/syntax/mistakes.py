"""What a syntax error is, in the user's terms, and how the parser goes on after it.

Each `_explain_*` function knows one kind of mistake and answers None for all others; the first answer counts. The mistakes of one who
writes in the habits of another language are in habits.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from qemppl.diagnostics.diagnostic import Label
from qemppl.lang.syntax.habits import HABITS
from qemppl.lang.syntax.lexeme import END, Lexeme
from qemppl.lang.syntax.lexer import unknown_character
from qemppl.lang.syntax.recovery import STATEMENT_STARTERS, starts_line
from qemppl.lang.syntax.situation import STATEMENT_BORDERS, Drop, Finding, Insert, ReadAs, Situation
from qemppl.lang.syntax.stan_rewrites import spelled
from qemppl.lang.syntax.syntax_errors import syntax_error

_CLOSERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_SIZED = frozenset(
    {"VECTOR", "SIMPLEX", "ORDERED", "POSITIVE_ORDERED", "MATRIX", "CORR_MATRIX", "CHOLESKY_FACTOR_CORR"}
)
_LOOKAHEAD = 200
_AFTER_A_NAME = frozenset({"TILDE", "ASSIGN", "SEMICOLON", "COMMA", "RPAR", "RSQB"})


def explain(situation: Situation) -> Finding:
    """What is wrong at the unexpected lexeme."""
    for attempt in _ATTEMPTS:
        if (finding := attempt(situation)) is not None:
            return finding
    return _unexpected(situation)


def _explain_reserved(at: Situation) -> Finding | None:
    """A keyword where a name must stand, used as one."""
    if at.current.text not in at.automaton.grammar.words or not at.automaton.accepts("NAME"):
        return None
    as_name = {"TILDE", "ASSIGN"} if at.is_at_statement_start else _AFTER_A_NAME | {"LSQB"}
    if at.after.type not in as_name or at.current.type == "OVER":
        return None
    return Finding(syntax_error("reserved", at.current.span, text=at.current.text), ReadAs("NAME"))


def _explain_missing_semicolon(at: Situation) -> Finding | None:
    if not (at.begins_statement() and at.automaton.accepts("SEMICOLON")):
        return None
    return Finding(syntax_error("missing_semicolon", at.previous_end()), Insert("SEMICOLON"))


def _explain_missing_closer(at: Situation) -> Finding | None:
    """A `)` or `]` forgotten before the end of the statement, or before the name in `vector[3 x`."""
    if at.opener is None or at.opener.type == "LBRACE":
        return None
    closer = _CLOSERS[at.opener.type]
    ends = at.current.type in {"SEMICOLON", "RPAR", "RSQB", "TILDE"} or at.begins_statement() or _ends_type(at)
    if not (ends and at.accepts(closer)):
        return None
    labels = (Label(at.opener.span, "opened here"),)
    text = at.automaton.grammar.spellings[closer]
    return Finding(syntax_error("missing_closer", at.previous_end(), labels=labels, closer=text), Insert(closer))


def _ends_type(at: Situation) -> bool:
    """Whether the size of a type is still open in front of what must be the name."""
    before = next((left for left, right in pairwise(at.begun) if right is at.opener), None)
    is_size = before is not None and before.type in STATEMENT_STARTERS | {"MORETHAN"}
    return is_size and at.current.type == "NAME" and at.after.type not in {"COMMA", "RSQB"}


def _explain_semicolon_inside(at: Situation) -> Finding | None:
    """`normal(0; 1)`: the brackets close before anything else begins."""
    if at.current.type != "SEMICOLON" or at.opener is None or at.opener.type == "LBRACE" or not at.accepts("COMMA"):
        return None
    depth = 0
    for lexeme in at.lexemes[at.position + 1 : at.position + _LOOKAHEAD]:
        if lexeme.type in STATEMENT_STARTERS | STATEMENT_BORDERS | {"TILDE", "ASSIGN", END}:
            return None
        depth += (lexeme.type in _CLOSERS) - (lexeme.type in _CLOSERS.values())
        if depth < 0:
            return Finding(syntax_error("semicolon_inside", at.current.span), ReadAs("COMMA"))
    return None


def _explain_unclosed_brace(at: Situation) -> Finding | None:
    is_end = at.current.type == END
    if not ((is_end or at.opens_block) and at.automaton.accepts("RBRACE")):
        return None
    openers = [opener for opener in at.automaton.openers() if opener.type == "LBRACE"]
    opener = _suspect(at, openers)
    return Finding(syntax_error("unclosed_brace", opener.span), Insert("RBRACE"))


def _suspect(at: Situation, openers: Sequence[Lexeme]) -> Lexeme:
    """The `{` most likely left open: one whose closer, by the count of braces, is indented otherwise; else the innermost."""
    stack: list[Lexeme] = []
    for position, lexeme in enumerate(at.lexemes[: at.position]):
        if lexeme.type == "LBRACE":
            stack.append(lexeme)
        elif lexeme.type == "RBRACE" and stack:
            opener = stack.pop()
            if starts_line(at.lexemes, position) and _indentation(opener) != lexeme.span.column - 1:
                return opener
    return openers[0]


def _indentation(lexeme: Lexeme) -> int:
    line = lexeme.span.source.line(lexeme.span.line)
    return len(line) - len(line.lstrip())


def _explain_unmatched_closer(at: Situation) -> Finding | None:
    if at.current.type == "SEMICOLON" and at.is_at_statement_start:
        return Finding(syntax_error("unmatched_closer", at.current.span, text=";"), Drop())
    if at.current.type not in _CLOSERS.values():
        return None
    if at.opener is not None and at.current.type == _CLOSERS[at.opener.type]:
        return None
    if any(at.current.type == _CLOSERS[opener.type] for opener in at.automaton.openers()):
        return None
    return Finding(syntax_error("unmatched_closer", at.current.span, text=at.current.text), Drop())


def _explain_open_bounds(at: Situation) -> Finding | None:
    """`real<lower=0 mu`: only inside bounds can a `>` stand where a `<=` cannot."""
    if at.current.type not in {"NAME", "LSQB"} or not at.accepts("MORETHAN") or at.accepts("LESS_EQUAL"):
        return None
    if at.after.type == "ASSIGN" and at.current.text in {"lower", "upper"}:
        return Finding(syntax_error("missing_comma", at.previous_end(), text=at.current.text), Insert("COMMA"))
    opener = next((lexeme for lexeme in reversed(at.begun) if lexeme.type == "LESSTHAN"), None)
    if opener is None:
        return None
    labels = (Label(opener.span, "opened here"),)
    size = next((i for i, lexeme in enumerate(at.begun) if lexeme.type == "LSQB" and i > at.begun.index(opener)), None)
    is_sized = any(lexeme.type in _SIZED for lexeme in at.begun)
    if size is None or not is_sized:
        return Finding(syntax_error("missing_closer", at.previous_end(), labels=labels, closer=">"), Insert("MORETHAN"))
    # The size was read as an index of the bound: `vector<lower=0[3] x`.
    return Finding(syntax_error("missing_closer", at.begun[size - 1].span, labels=labels, closer=">"))


def _explain_missing_comma(at: Situation) -> Finding | None:
    """Two operands side by side where arguments or indices stand."""
    is_operand = at.current.type in {"NAME", "INTEGER", "DECIMAL"}
    if not is_operand or at.touches or at.opener is None or at.opener.type == "LBRACE" or not at.accepts("COMMA"):
        return None
    return Finding(syntax_error("missing_comma", at.previous_end(), text=at.current.text), Insert("COMMA"))


def _explain_missing_tilde(at: Situation) -> Finding | None:
    """`y normal(mu, 1);`."""
    if at.current.type != "NAME" or at.after.type != "LPAR" or not at.is_on_left_side:
        return None
    diagnostic = syntax_error("missing_tilde", at.previous_end(), name=at.before.text, law=at.current.text)
    return Finding(diagnostic, Insert("TILDE"))


def _explain_missing_size(at: Situation) -> Finding | None:
    """`vector y`: nothing but a size can stand here, or bounds before it."""
    if at.current.type != "NAME" or not {"LSQB"} <= set(at.automaton.expected()) <= {"LSQB", "LESSTHAN"}:
        return None
    type_word = next((lexeme for lexeme in reversed(at.begun) if lexeme.type in STATEMENT_STARTERS), at.before)
    return Finding(syntax_error("missing_size", type_word.span, type=type_word.text, name=at.current.text))


def _explain_bounds_order(at: Situation) -> Finding | None:
    """`vector[3]<lower=0> x`."""
    is_after_size = at.current.type == "LESSTHAN" and at.before.type == "RSQB" and at.accepts("NAME")
    size = next((i for i, word in reversed([*enumerate(at.begun)]) if word.type == "LSQB"), None)
    if not is_after_size or size is None or at.begun[0].type == "NAME":
        return None
    end = next((i for i, word in enumerate(at.rest) if word.type == "MORETHAN"), 0)
    meant = f"{spelled(at.begun[:size])}{spelled(at.rest[: end + 1])}{spelled(at.begun[size:])}"
    return Finding(syntax_error("bounds_order", at.current.span, meant=meant))


def _explain_unknown(at: Situation) -> Finding | None:
    is_unknown = at.current.type in {"UNKNOWN", "STRING"}
    return Finding(unknown_character(at.current)) if is_unknown else None


def _explain_outside_blocks(at: Situation) -> Finding | None:
    if at.opener is not None or not at.automaton.accepts("MODEL") or at.current.type == END:
        return None
    finding = syntax_error("outside_blocks", at.current.span)
    if at.before.type == "RBRACE":
        finding = replace(finding, labels=(Label(at.before.span, "the last block ends here"),))
    return Finding(finding)


_ATTEMPTS: tuple[Callable[[Situation], Finding | None], ...] = (
    _explain_reserved,
    _explain_missing_semicolon,
    _explain_unmatched_closer,
    _explain_semicolon_inside,
    _explain_missing_closer,
    _explain_unclosed_brace,
    _explain_unknown,
    _explain_open_bounds,
    *HABITS,
    _explain_missing_tilde,
    _explain_missing_size,
    _explain_bounds_order,
    _explain_missing_comma,
    _explain_outside_blocks,
)


def _unexpected(at: Situation) -> Finding:
    """The general answer: what could stand here, and what does."""
    current = at.current
    found = "the end of the text" if current.type == END else f"`{current.text}`"
    span = at.previous_end() if current.type == END else current.span
    expected = _phrase(at.automaton.expected(), at.automaton.grammar.spellings)
    diagnostic = syntax_error("unexpected", span, expected=expected, found=found)
    if at.opener is not None and at.opener.type != "LBRACE":
        diagnostic = replace(diagnostic, labels=(Label(at.opener.span, "inside these brackets"),))
    lacks_brace = at.automaton.accepts("LBRACE") and current.type in STATEMENT_STARTERS | {"NAME"}
    return Finding(diagnostic, Insert("LBRACE") if lacks_brace else None)


def _phrase(expected: Sequence[str], spellings: Mapping[str, str]) -> str:
    """`a name`, `an expression` or a list of signs; where an expression could also go on, only what ends it is listed."""
    terminals = set(expected)
    if {"NAME", "INTEGER"} <= terminals:
        return "an expression"
    if {"PLATE", "NAME"} <= terminals or {"PLATE", "DIM"} <= terminals:
        return "a statement"
    operators = {"PLUS", "STAR", "CIRCUMFLEX"} & terminals
    signs = {"SEMICOLON", "COMMA", "RPAR", "RSQB", "RBRACE", "LBRACE", "LPAR", "LSQB", "TILDE", "ASSIGN", "COLON"}
    words = {t for t in terminals if spellings.get(t, "").isalpha()}
    listed = sorted(f"`{spellings[t]}`" for t in (terminals & signs) | words if not (operators and t == "LSQB"))
    if "NAME" in terminals:
        listed.insert(0, "a name")
    if operators:
        listed.insert(0, "an operator")
    return " or ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
