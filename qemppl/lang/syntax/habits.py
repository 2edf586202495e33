"""Mistakes of one who writes in the habits of Stan, R or Python, each answered with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches

from qemppl.lang.syntax.lexeme import Lexeme
from qemppl.lang.syntax.recovery import STATEMENT_STARTERS
from qemppl.lang.syntax.situation import Drop, Finding, Insert, ReadAs, Situation
from qemppl.lang.syntax.stan_program import translate
from qemppl.lang.syntax.stan_rewrites import (
    Rewrite,
    declared_type,
    rewrite_choice,
    rewrite_density,
    rewrite_loop,
    rewrite_parameters,
    rewrite_transformed,
    spelled,
)
from qemppl.lang.syntax.syntax_errors import fill_in, load_syntax_errors

_NUMBERS = frozenset({"INTEGER", "DECIMAL"})
_DENSITY = re.compile(r"\w+_(lpdf|lpmf|lupdf|lupmf|l?ccdf|l?cdf|log)")
_EXPRESSION_STARTERS = _NUMBERS | {"LPAR", "MINUS", "PLUS", "BANG"}
_LAWS = {
    "int<lower=0,upper=1>": "bernoulli_logit({})",
    "int<lower=0>": "poisson_log({})",
    "int": "poisson_log({})",
}
"""The law of a regression by the type of its outcome."""
_LONGEST = 80
"""A rewrite longer than that is cut short."""


def _finding(key: str, lexemes: Sequence[Lexeme], rewrite: Rewrite | None = None, **values: str) -> Finding:
    span = lexemes[0].span.to(lexemes[-1].span)
    hint = rewrite.hint if rewrite is not None else ""
    diagnostic = fill_in(key, span, {**values, "rewrite": hint})
    return Finding(replace(diagnostic, notes=(rewrite.note,)) if rewrite is not None and rewrite.note else diagnostic)


def _explain_block(at: Situation) -> Finding | None:
    """`parameters {`, `transformed parameters {`, `functions {`, and blocks that nobody knows."""
    if at.before.type in {"TRANSFORMED", "GENERATED"} and (at.accepts("DATA") or at.accepts("QUANTITIES")):
        return _second_word(at)
    if at.current.type == "PARAMETERS":
        rewrite = rewrite_parameters(at.rest, at.lexemes[at.position + len(at.rest) :])
        if (lines := translate(at.lexemes)) is not None:
            rewrite = Rewrite(
                "write the program as above", "\n".join(["in this language:", *(f"  {line}" for line in lines)])
            )
        return _finding("stan_block", [at.current], rewrite, text="parameters")
    return _finding("functions", [at.current]) if at.current.type in {"FUNCTIONS", "RETURN"} else None


def _second_word(at: Situation) -> Finding | None:
    first = at.before
    if at.current.type == "PARAMETERS":
        return _finding("stan_block", [first, at.current], rewrite_transformed(at.rest), text="transformed parameters")
    word, terminal = ("data", "DATA") if first.type == "TRANSFORMED" else ("quantities", "QUANTITIES")
    is_word = at.after.type == "LBRACE" and at.current.type != "LBRACE"
    found = f"{first.text} {at.current.text}" if is_word else first.text
    repair = ReadAs(terminal) if is_word else Insert(terminal)
    finding = _finding(
        "block_name", [first, at.current] if is_word else [first], text=found, name=f"{first.text} {word}"
    )
    return replace(finding, repair=repair) if is_word or at.current.type == "LBRACE" else finding


def _explain_loop(at: Situation) -> Finding | None:
    match at.current.type:
        case "FOR":
            rewrite = rewrite_loop(at.rest, at.lexemes)
            if translate(at.lexemes) is not None:
                rewrite = Rewrite("write the program as it is shown at `parameters`")
            return _finding("loop", [at.current], rewrite, text="for")
        case "WHILE":
            rewrite = Rewrite("a model computes nothing step by step: state laws, and prepare the data beforehand")
            return _finding("loop", [at.current], rewrite, text="while")
        case "IF" | "ELSE":
            return _finding("loop", [at.current], rewrite_choice(at.rest), text=at.current.text)
        case _:
            return None


def _explain_density(at: Situation) -> Finding | None:
    """`target += ...`, `increment_log_prob(...)` and densities inside expressions; also `a | b` for `a || b`."""
    if at.current.type == "TARGET":
        return _finding("target", [at.current], rewrite_density([*at.begun, *at.rest], at.lexemes), text="target")
    word = _called(at)
    if word is not None and word.text == "increment_log_prob":
        return _finding("target", [word], rewrite_density([*at.begun, *at.rest], at.lexemes), text=word.text)
    if at.current.type != "BAR":
        return None
    if any(_DENSITY.fullmatch(lexeme.text) for lexeme in at.begun):
        return _finding("density", [at.current], rewrite_density([*at.begun, *at.rest], at.lexemes))
    finding = _finding("foreign_operator", [at.current], text="|", meant="write `||`")
    return replace(finding, repair=ReadAs("OR")) if at.accepts("OR") else finding


def _called(at: Situation) -> Lexeme | None:
    """The name that begins the statement and is called like a function."""
    if at.current.type == "LPAR" and len(at.begun) == 1 and at.before.type == "NAME":
        return at.before
    is_call = at.current.type == "NAME" and at.after.type == "LPAR"
    return at.current if is_call and at.is_at_statement_start else None


def _explain_call(at: Situation) -> Finding | None:
    """`print(...)`, and `log(y) ~ ...`."""
    word = _called(at)
    hints = load_syntax_errors()["statement"]["words"]
    if word is not None and word.text in hints:
        return _finding("statement", [word], text=word.text, meant=hints[word.text])
    if word is None or word is at.current or word.text in _types():
        return None
    argument = f"`{at.after.text}`" if at.after.type == "NAME" else "the data"
    return _finding("left_side", [word, at.current], argument=argument)


def _types() -> dict[str, str]:
    """Types of other languages, and what to write instead."""
    types: dict[str, str] = load_syntax_errors()["unknown_type"]["types"]
    return types


def _explain_type(at: Situation) -> Finding | None:
    """`row_vector[3] b`, `double x`, `palte school {`; in `data` also a name without a type."""
    if at.is_at_statement_start and at.current.type == "NAME":
        word = at.current
    elif at.begun and at.begun[0].type == "NAME" and at.is_on_left_side:
        word = at.begun[0]
        is_call = at.current.type == "NAME" and at.after.type == "LPAR"
        if at.current.type not in {"NAME", "LESSTHAN", "LPAR"} or (is_call and word.text not in _types()):
            return None
    else:
        return None
    words = at.automaton.grammar.words
    if (meant := _types().get(word.text)) is not None:
        return _finding("unknown_type", [word], text=word.text, meant=meant)
    known = [text for text, terminal in words.items() if terminal in STATEMENT_STARTERS]
    if close := get_close_matches(word.text, known, n=1, cutoff=0.7):
        return _finding("unknown_type", [word], text=word.text, meant=f"did you mean `{close[0]}`?")
    if word is at.current and at.after.type in {"SEMICOLON", "LSQB"}:
        return _finding("no_type", [word], name=word.text)
    return None


def _explain_several_names(at: Situation) -> Finding | None:
    """`real a, b;`."""
    is_declaration = len(at.begun) > 1 and at.begun[0].type in STATEMENT_STARTERS and at.before.type in {"NAME", "RSQB"}
    if at.current.type != "COMMA" or not is_declaration or not at.accepts("SEMICOLON"):
        return None
    return _finding("several_names", [at.current], name=at.after.text)


def _explain_accumulation(at: Situation) -> Finding | None:
    """`x += 1`, `x *= 2`."""
    is_sign = at.current.type in {"MINUS", "STAR", "SLASH", "TIMES_EACH", "DIVIDE_EACH"} and at.after.type == "ASSIGN"
    if at.current.type == "PLUS_ASSIGN":
        words = [at.current]
    elif is_sign and at.is_on_left_side:
        words = [at.current, at.after]
    else:
        return None
    sign = "".join(word.text for word in words)
    return _finding("accumulate", words, text=sign, name=at.before.text, operator=sign[:-1])


def _explain_arrow(at: Situation) -> Finding | None:
    """`eta <- a + b`, `mu <- normal(0, 1)`."""
    is_arrow = at.current.type == "LESSTHAN" and at.after.type == "MINUS" and at.before.type in {"NAME", "RSQB"}
    if not is_arrow or at.current.span.end != at.after.span.start:
        return None
    head, value = spelled(at.begun), spelled(_without_semicolon(at.rest[2:]))
    head = head if at.begun[0].type in STATEMENT_STARTERS else f"real {head}"
    value = value if value and len(head) + len(value) <= _LONGEST else "..."
    meant = f"write `{head} = {value};`"
    if re.fullmatch(r"\w+\(.*\)", value):
        meant += f", or `{head} ~ {value};` if that is a law"
    return _finding("arrow", [at.current, at.after], meant=meant)


def _without_semicolon(words: Sequence[Lexeme]) -> Sequence[Lexeme]:
    return words[:-1] if words and words[-1].type == "SEMICOLON" else words


def _explain_formula(at: Situation) -> Finding | None:
    """`y ~ 1 + x + (1 | g)`, `y ~ x * beta`, `y ~ normal`: no law with its arguments."""
    if at.before.type == "TILDE" and at.current.type in _EXPRESSION_STARTERS:
        words = at.rest
    elif at.before.type == "NAME" and at.begun[-2:-1] and at.begun[-2].type == "TILDE" and at.accepts("LPAR"):
        words = [at.before, *at.rest]
        if at.current.type in {"SEMICOLON", "APPROX", "INIT", "RBRACE"}:
            return _finding("no_arguments", [at.before], law=at.before.text)
    else:
        return None
    words = _without_semicolon(words)
    name = next((word.text for word in at.begun if word.type == "NAME"), "y")
    is_formula = any(word.type == "BAR" for word in words) or (words[0].type == "INTEGER" and len(words) > 1)
    first = next((word.text for word in words if word.type == "NAME"), None)
    text = spelled(words)
    law = _LAWS.get((declared_type(at.lexemes, name) or "real").replace(" ", ""), "normal({}, sigma)")
    if is_formula and first is not None:
        example = f"`{name} ~ {law.format(f'a + b * {first}')};`"
        meant = f"write the coefficients out and name the law, such as {example}, with a law for each of `a` and `b`"
    elif len(words) == 1 and words[0].type in _NUMBERS:
        meant = f"write `real {name} = {text};` for a value"
    else:
        text = text if len(text) <= _LONGEST else "..."
        meant = f"name the law, such as `{name} ~ {law.format(text)};`"
    return _finding("formula", words, meant=meant)


def _explain_lone_name(at: Situation) -> Finding | None:
    """`x;`."""
    is_lone = at.current.type == "SEMICOLON" and len(at.begun) == 1 and at.before.type == "NAME" and at.is_on_left_side
    return _finding("lone_name", [at.before], name=at.before.text) if is_lone else None


def _explain_list(at: Situation) -> Finding | None:
    """`[1, 2]'`, `{1, 2}`."""
    is_list = at.current.type in {"LSQB", "LBRACE"} and at.accepts("INTEGER")
    return _finding("list", [at.current]) if is_list else None


def _explain_plate_parent(at: Situation) -> Finding | None:
    """`plate house within county`, `plate house county`."""
    if at.current.type != "NAME" or not at.begun or at.begun[0].type not in {"PLATE", "CHAIN"} or not at.accepts("IN"):
        return None
    is_word = at.after.type == "NAME"
    parent = spelled(at.rest[1:] if is_word else at.rest)
    finding = _finding("plate_parent", [at.current], meant=f"{spelled(at.begun)} in {parent.rstrip(';')};")
    return replace(finding, repair=ReadAs("IN") if is_word else Insert("IN"))


def _explain_data_law(at: Situation) -> Finding | None:
    is_law = at.current.type in {"TILDE", "ASSIGN"} and at.accepts("SEMICOLON")
    if is_law and not at.accepts("TILDE"):
        return _finding("data_law", [at.current])
    is_untyped = at.is_at_statement_start and at.current.type == "NAME" and at.after.type in {"TILDE", "ASSIGN"}
    return _finding("data_law", [at.after]) if is_untyped else None


def _explain_slice(at: Situation) -> Finding | None:
    """`v[1:3]`, `v[:]`, `x[, 1]`, `x[1, ]`."""
    if at.opener is None or at.opener.type != "LSQB":
        return None
    is_open = at.current.type in {"COMMA", "RSQB"} and at.before.type in {"LSQB", "COMMA"}
    return _finding("slice", [at.current]) if at.current.type == "COLON" or is_open else None


def _explain_truncation(at: Situation) -> Finding | None:
    """`normal(0, 1) T(0, )`."""
    is_call = at.current.text == "T" and at.before.type == "RPAR" and at.after.type == "LPAR"
    return _finding("truncation", [at.current]) if is_call else None


def _explain_number(at: Situation) -> Finding | None:
    """`2x`, `1e`, `1_000`, `1.2.3`."""
    if at.current.type in _NUMBERS and at.after.type == "NAME" and at.after.span.start == at.current.span.end:
        return _finding("digit_name", [at.current, at.after], meant="start it with a letter")
    if at.before.type not in _NUMBERS or not at.touches or at.current.type not in _NUMBERS | {"NAME"}:
        return None
    words = [at.before, at.current]
    text = at.before.text + at.current.text
    if at.current.type in _NUMBERS or re.fullmatch(r"[eE][0-9]*", at.current.text):
        finding = _finding("number", words, text=text, meant="numbers are written `12`, `1.5`, `.5` or `2e-3`")
        has_sign = at.after.type in {"PLUS", "MINUS"} and at.after.span.start == at.current.span.end
        return finding if has_sign else replace(finding, repair=Drop())
    if re.fullmatch(r"(_[0-9]+)+", at.current.text):
        finding = _finding("number", words, text=text, meant=f"write `{text.replace('_', '')}`")
        return replace(finding, repair=Drop())
    meant = f"start it with a letter, or write `{at.before.text} * {at.current.text}` for a product"
    return _finding("digit_name", words, meant=meant)


def _explain_logic(at: Situation) -> Finding | None:
    """`a and b`, `a or b`."""
    terminal, sign = {"and": ("AND", "&&"), "or": ("OR", "||")}.get(at.current.text, ("", ""))
    if not terminal or not at.accepts(terminal):
        return None
    finding = _finding("foreign_operator", [at.current], text=at.current.text, meant=f"write `{sign}`")
    return replace(finding, repair=ReadAs(terminal))


HABITS: tuple[Callable[[Situation], Finding | None], ...] = (
    _explain_block,
    _explain_loop,
    _explain_density,
    _explain_call,
    _explain_type,
    _explain_several_names,
    _explain_accumulation,
    _explain_arrow,
    _explain_formula,
    _explain_lone_name,
    _explain_list,
    _explain_plate_parent,
    _explain_data_law,
    _explain_slice,
    _explain_truncation,
    _explain_number,
    _explain_logic,
)
