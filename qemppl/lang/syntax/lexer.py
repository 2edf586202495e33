"""From text to lexemes. What can be mended in a single word or sign is reported and mended here.

Mended: `#` comments, blanks outside ASCII, letters and signs that look like ASCII ones. A comment without an end takes the rest with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from qemppl.diagnostics.diagnostic import Diagnostic
from qemppl.diagnostics.source import Source
from qemppl.lang.syntax.characters import ascii_form, describe, is_blank
from qemppl.lang.syntax.grammar import Grammar
from qemppl.lang.syntax.lexeme import Lexeme
from qemppl.lang.syntax.syntax_errors import syntax_error


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
    raw = list(grammar.lexemes(source))
    for position, lexeme in enumerate(raw):
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
                _join(lexeme, lexemes)
            case _:
                lexemes.append(lexeme)
    return Lexed(tuple(lexemes), tuple(diagnostics), None)


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
    spelled = {spelling: terminal for terminal, spelling in grammar.spellings.items()}
    if text in spelled:
        lexemes.append(Lexeme(spelled[text], text, lexeme.span))
    elif not lexeme.text[0].isalpha():
        lexemes.append(lexeme)
        return False
    elif _continues(lexeme, lexemes):
        _join(Lexeme("NAME", text, lexeme.span), lexemes)
    else:
        lexemes.append(Lexeme("NAME", text, lexeme.span))
    return True


def _continues(lexeme: Lexeme, lexemes: list[Lexeme]) -> bool:
    return bool(lexemes) and lexemes[-1].type == "NAME" and lexemes[-1].span.end == lexeme.span.start


def _join(lexeme: Lexeme, lexemes: list[Lexeme]) -> None:
    before = lexemes.pop()
    lexemes.append(Lexeme("NAME", before.text + lexeme.text, before.span.to(lexeme.span)))
