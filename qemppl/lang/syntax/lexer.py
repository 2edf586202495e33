"""From text to lexemes. What can be mended in a single word or sign is reported and mended here.

Mended: `#` comments, blanks outside ASCII, letters and signs that look like ASCII ones, operators of other languages.
A comment without an end takes the rest with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from qemppl.diagnostics.diagnostic import Diagnostic
from qemppl.diagnostics.source import Source, Span
from qemppl.lang.syntax.characters import ascii_form, describe, is_blank
from qemppl.lang.syntax.grammar import SOFT_WORDS, Grammar
from qemppl.lang.syntax.lexeme import Lexeme
from qemppl.lang.syntax.syntax_errors import load_syntax_errors, syntax_error

_OPERANDS = frozenset({"NAME", "INTEGER", "DECIMAL"})


@dataclass(frozen=True)
class Lexed:
    """Lexemes for the parser, what was wrong with them, and the names lost in an unterminated comment."""

    lexemes: tuple[Lexeme, ...]
    diagnostics: tuple[Diagnostic, ...]
    lost: frozenset[str] | None


def lex(source: Source, grammar: Grammar) -> Lexed:
    """Read the lexemes of a text and mend them."""
    lexemes: list[Lexeme] = []
    diagnostics: list[Diagnostic] = []
    raw = grammar.lexemes(source)
    resume = 0
    for position, lexeme in enumerate(raw):
        if lexeme.span.start < resume:
            continue
        if (spelling := _foreign_operator(lexeme, lexemes)) is not None:
            resume = lexeme.span.start + len(spelling)
            diagnostics.append(_replace_operator(spelling, raw[position : position + 5], lexemes, grammar))
            continue
        match lexeme.type:
            case "UNTERMINATED":
                diagnostics.append(syntax_error("unterminated_comment", lexeme.span))
                lost = frozenset(rest.text for rest in raw[position:] if rest.type == "NAME")
                return Lexed((*lexemes, raw[-1]), tuple(diagnostics), lost)
            case "HASH":
                diagnostics.append(syntax_error("hash_comment", lexeme.span))
            case "UNKNOWN" if not lexeme.text.isascii() or is_blank(lexeme.text):
                if _mend(lexeme, lexemes, grammar):
                    diagnostics.append(unknown_character(lexeme))
            case "NAME" if _continues(lexeme, lexemes):
                _join(lexeme, lexemes, grammar)
            case _:
                lexemes.append(lexeme)
    return Lexed(tuple(lexemes), tuple(diagnostics), None)


def _foreign_operator(lexeme: Lexeme, before: Sequence[Lexeme]) -> str | None:
    """The operator of another language that starts with this lexeme."""
    starts, spellings = _foreign_spellings()
    is_bound = lexeme.text == "=" and bool(before) and before[-1].text in {"lower", "upper"}
    if lexeme.text not in starts or is_bound:  # `<lower=>` lacks a number
        return None
    text, begin = lexeme.span.source.text, lexeme.span.start
    return next((spelling for spelling in spellings if text.startswith(spelling, begin)), None)


@cache
def _foreign_spellings() -> tuple[frozenset[str], tuple[str, ...]]:
    """The lexemes that operators of other languages start with, and these operators, the longest first."""
    spellings = sorted(load_syntax_errors()["foreign_operator"]["meant"], key=len, reverse=True)
    starts = {spelling[:length] for spelling in spellings for length in (1, 2)}
    return frozenset(starts), tuple(spellings)


def _replace_operator(spelling: str, rest: Sequence[Lexeme], lexemes: list[Lexeme], grammar: Grammar) -> Diagnostic:
    """Append the operator that was meant, and say so with the user's own operands where they are single words."""
    operator, fix = load_syntax_errors()["foreign_operator"]["meant"][spelling]
    begin = rest[0].span
    span = Span(begin.source, begin.start, begin.start + len(spelling))
    before = lexemes[-1:]
    after = [lexeme for lexeme in rest[:5] if lexeme.span.start >= span.end][:2]
    terminals = {text: terminal for terminal, text in grammar.spellings.items()}
    lexemes.append(Lexeme(terminals[operator], operator, span))
    operands = [*before, *after[:1]]
    is_simple = all(lexeme.type in _OPERANDS for lexeme in operands) and after[-1].text not in {"(", "["}
    left, right = (lexeme.text for lexeme in operands) if is_simple and len(operands) == 2 else ("a", "b")
    return syntax_error("foreign_operator", span, text=spelling, meant=fix.format(left=left, right=right))


def unknown_character(lexeme: Lexeme) -> Diagnostic:
    """What is wrong with a lexeme that starts with a character outside the language."""
    character = lexeme.text[0]
    meant = ascii_form(lexeme.text)
    hint: str | None
    if is_blank(character):
        hint = "write an ordinary space, or nothing"
    elif lexeme.type == "STRING":
        hint = "there are no texts in a model"
    elif meant is not None and not lexeme.text.isascii():
        hint = f"write `{meant}`"
    else:
        hint = "names are made of ASCII letters, digits and `_`" if character.isalpha() else None
    return syntax_error("unknown_character", lexeme.span, hint=hint, character=describe(character))


def _mend(lexeme: Lexeme, lexemes: list[Lexeme], grammar: Grammar) -> bool:
    """Append what was meant: nothing for a blank, the ASCII twin, or a name of its own. False if the lexeme is left to the parser."""
    if is_blank(lexeme.text[0]):
        return True
    text = ascii_form(lexeme.text) or lexeme.text
    spelled = {text: terminal for terminal, text in grammar.spellings.items() if text not in SOFT_WORDS}
    if text in spelled:
        lexemes.append(Lexeme(spelled[text], text, lexeme.span))
    elif not lexeme.text[0].isalpha():
        lexemes.append(lexeme)
        return False
    elif _continues(lexeme, lexemes):
        _join(Lexeme("NAME", text, lexeme.span), lexemes, grammar)
    else:
        lexemes.append(Lexeme("NAME", text, lexeme.span))
    return True


def _continues(lexeme: Lexeme, lexemes: list[Lexeme]) -> bool:
    return bool(lexemes) and lexemes[-1].type == "NAME" and lexemes[-1].span.end == lexeme.span.start


def _join(lexeme: Lexeme, lexemes: list[Lexeme], grammar: Grammar) -> None:
    """Append a lexeme to the name before it; the two may be a word of the language."""
    before = lexemes.pop()
    text = before.text + lexeme.text
    lexemes.append(Lexeme(grammar.words.get(text, "NAME"), text, before.span.to(lexeme.span)))
