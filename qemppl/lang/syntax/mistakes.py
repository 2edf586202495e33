"""What a syntax error is, in the user's terms, and how the parser goes on after it.

Each `_explain_*` function knows one kind of mistake and answers None for all others; the first answer counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from qemppl.diagnostics.diagnostic import Diagnostic, Label
from qemppl.diagnostics.source import Span
from qemppl.lang.syntax.automaton import Automaton
from qemppl.lang.syntax.lexeme import END, Lexeme
from qemppl.lang.syntax.lexer import unknown_character
from qemppl.lang.syntax.recovery import BLOCK_STARTERS, STATEMENT_STARTERS, skip_end, starts_line
from qemppl.lang.syntax.stan_rewrites import rewrite_density, rewrite_loop
from qemppl.lang.syntax.syntax_errors import load_syntax_errors, syntax_error

_CLOSERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_AFTER_A_NAME = frozenset({"TILDE", "ASSIGN", "SEMICOLON", "COMMA", "RPAR", "RSQB"})


@dataclass(frozen=True)
class Insert:
    """Go on as if this terminal stood before the unexpected one."""

    terminal: str


@dataclass(frozen=True)
class Drop:
    """Go on without the unexpected lexeme."""


@dataclass(frozen=True)
class ReadAsName:
    """Go on as if the keyword were a name."""


@dataclass(frozen=True)
class Finding:
    """A syntax error and how to go on; `repair` None: skip the statement."""

    diagnostic: Diagnostic
    repair: Insert | Drop | ReadAsName | None = None


@dataclass(frozen=True)
class Situation:
    """The automaton at a lexeme that it cannot take."""

    automaton: Automaton
    lexemes: Sequence[Lexeme]
    position: int

    @property
    def current(self) -> Lexeme:
        return self.lexemes[self.position]

    @property
    def before(self) -> Lexeme:
        return self.lexemes[max(self.position - 1, 0)]

    @property
    def after(self) -> Lexeme:
        return self.lexemes[min(self.position + 1, len(self.lexemes) - 1)]

    @property
    def opener(self) -> Lexeme | None:
        """The innermost open bracket."""
        return next(self.automaton.openers(), None)

    @property
    def is_on_new_line(self) -> bool:
        return starts_line(self.lexemes, self.position)

    @property
    def is_at_statement_start(self) -> bool:
        return self.automaton.accepts("PLATE")

    @property
    def rest(self) -> Sequence[Lexeme]:
        """From the unexpected lexeme to the end of its statement."""
        return self.lexemes[self.position : skip_end(self.lexemes, self.position, at_top=self.opener is None)]

    def previous_end(self) -> Span:
        """The last character before the unexpected lexeme and its white space."""
        span = self.before.span
        return Span(span.source, span.end - 1, span.end)

    def begins_statement(self) -> bool:
        """Whether the unexpected lexeme looks like the start of a statement, or like the end of what holds it."""
        kind = self.current.type
        if kind in STATEMENT_STARTERS | BLOCK_STARTERS | {"RBRACE", END}:
            return True
        is_truncation = self.current.text == "T" and self.after.type == "LSQB"
        starts = self.is_on_new_line or self.after.type in {"TILDE", "ASSIGN"}
        return kind == "NAME" and starts and not is_truncation


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
    return Finding(syntax_error("reserved", at.current.span, text=at.current.text), ReadAsName())


def _explain_missing_semicolon(at: Situation) -> Finding | None:
    if not (at.begins_statement() and at.automaton.accepts("SEMICOLON")):
        return None
    return Finding(syntax_error("missing_semicolon", at.previous_end()), Insert("SEMICOLON"))


def _explain_missing_closer(at: Situation) -> Finding | None:
    """A `)` or `]` forgotten before the end of the statement."""
    if at.opener is None or at.opener.type == "LBRACE":
        return None
    closer = _CLOSERS[at.opener.type]
    ends = at.current.type in {"SEMICOLON", "RPAR", "RSQB", "TILDE"} or at.begins_statement()
    if not (ends and at.automaton.accepts(closer)):
        return None
    labels = (Label(at.opener.span, "opened here"),)
    text = at.automaton.grammar.spellings[closer]
    return Finding(syntax_error("missing_closer", at.previous_end(), labels=labels, closer=text), Insert(closer))


def _explain_unclosed_brace(at: Situation) -> Finding | None:
    is_end = at.current.type == END
    is_block = at.current.type in BLOCK_STARTERS
    if not ((is_end or is_block) and at.automaton.accepts("RBRACE")):
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


def _explain_habit(at: Situation) -> Finding | None:
    """A word that always means the same mistake: see `tokens` in the table of syntax errors."""
    kind, span = at.current.type, at.current.span
    key = next((k for k, entry in load_syntax_errors().items() if kind in entry.get("tokens", ())), None)
    rewrite = ""
    match key:
        case None:
            return None
        case "loop":
            rewrite = rewrite_loop(at.rest)
        case "target" | "density":
            begin = at.position
            while begin > 0 and at.lexemes[begin - 1].type not in {"SEMICOLON", "LBRACE", "RBRACE"}:
                begin -= 1
            words = [*at.lexemes[begin : at.position], *at.rest]
            rewrite = rewrite_density(words)
        case "unsupported":
            return _explain_later(at)
    return Finding(syntax_error(key, span, text=at.current.text, name=at.before.text, rewrite=rewrite))


def _explain_later(at: Situation) -> Finding:
    """A word of the language that this version does not serve; some blocks have names of two words."""
    kind, span = at.current.type, at.current.span
    if kind == "TRANSFORMED" and at.after.type == "PARAMETERS":
        return Finding(syntax_error("stan_block", span.to(at.after.span), text="transformed parameters"))
    if kind in {"TRANSFORMED", "GENERATED"} and at.after.type in {"DATA", "NAME"}:
        span = span.to(at.after.span)
    return Finding(_unsupported(kind, span))


def _unsupported(kind: str, span: Span) -> Diagnostic:
    return syntax_error("unsupported", span, what=load_syntax_errors()["unsupported"]["tokens"][kind])


def _explain_truncation(at: Situation) -> Finding | None:
    if at.current.text != "T" or at.after.type != "LSQB":
        return None
    return Finding(_unsupported("TRUNCATION", at.current.span))


def _explain_arrow(at: Situation) -> Finding | None:
    is_arrow = at.current.type == "LESSTHAN" and at.after.type == "MINUS" and at.before.type in {"NAME", "RSQB"}
    if not is_arrow or at.current.span.end != at.after.span.start:
        return None
    return Finding(syntax_error("arrow", at.current.span.to(at.after.span)))


def _explain_left_side(at: Situation) -> Finding | None:
    """`log(y) ~ ...`: the automaton stands after a name that began a statement."""
    if at.current.type != "LPAR" or at.before.type != "NAME" or not at.automaton.accepts("TILDE"):
        return None
    argument = f"`{at.after.text}`" if at.after.type == "NAME" else "the data"
    return Finding(syntax_error("left_side", at.before.span.to(at.current.span), argument=argument))


def _explain_data_law(at: Situation) -> Finding | None:
    is_law = at.current.type in {"TILDE", "ASSIGN"} and at.automaton.accepts("SEMICOLON")
    return Finding(syntax_error("data_law", at.current.span)) if is_law and not at.automaton.accepts("TILDE") else None


def _explain_slice(at: Situation) -> Finding | None:
    is_slice = at.current.type == "COLON" and at.opener is not None and at.opener.type == "LSQB"
    return Finding(syntax_error("slice", at.current.span)) if is_slice else None


def _explain_digit_name(at: Situation) -> Finding | None:
    numbers = {"INTEGER", "DECIMAL"}
    if at.current.type == "NAME" and at.before.type in numbers and at.before.span.end == at.current.span.start:
        return Finding(syntax_error("digit_name", at.before.span.to(at.current.span)))
    if at.current.type in numbers and at.after.type == "NAME" and at.current.span.end == at.after.span.start:
        return Finding(syntax_error("digit_name", at.current.span.to(at.after.span)))
    return None


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
    _explain_missing_closer,
    _explain_unclosed_brace,
    _explain_unknown,
    _explain_truncation,
    _explain_habit,
    _explain_arrow,
    _explain_left_side,
    _explain_data_law,
    _explain_slice,
    _explain_digit_name,
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
