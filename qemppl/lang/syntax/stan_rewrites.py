"""How to write in plates and laws what was written in Stan's statements, with the user's own names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qemppl.lang.syntax.lexeme import Lexeme

_LONGEST = 90
"""A longer rewrite would not help: the general rule is stated instead."""


def _text(lexemes: Sequence[Lexeme]) -> str:
    if not lexemes:
        return ""
    return " ".join(lexemes[0].span.to(lexemes[-1].span).text.split())


def rewrite_loop(words: Sequence[Lexeme]) -> str:
    """`for (i in 1:N) y[i] ~ normal(theta[i], s);` becomes `plate N { y ~ normal(theta, s); }`."""
    if words[0].type in {"IF", "ELSE"}:
        return "write the choice as a value: `condition ? a : b`"
    match = re.match(r"for\s*\(\s*(\w+)\s+in\s+1\s*:\s*(\w+)\s*\)\s*(.*)", _text(words))
    if match is None:
        return "declare a plate in `data`, and write the body once inside `plate name { ... }`"
    index, size, body = match.groups()
    body = re.sub(rf"\[\s*{index}\s*\]", "", body)
    body = body if body.startswith("{") else f"{{ {body} }}"
    plate = size if not size.isdigit() else "member"
    rewritten = f"plate {plate} {body}"
    if len(rewritten) > _LONGEST or re.search(rf"\b{index}\b", body):
        return f"declare `plate {plate};` in `data`, and write the body once inside `plate {plate} {{ ... }}`, without `[{index}]`"
    return f"declare `plate {plate};` in `data`, and write `{rewritten}`"


def rewrite_density(words: Sequence[Lexeme]) -> str:
    """`target += normal_lpdf(y | mu, s);` becomes `y ~ normal(mu, s);`."""
    pattern = r"(\w+?)_(?:lpdf|lpmf|lupdf|lupmf)\s*\(\s*([^|]*?)\s*\|\s*(.*)\)\s*;?"
    match = re.search(pattern, _text(words))
    if match is None:
        return "state the law of each name: `y ~ normal(mu, sigma);`"
    law, name, arguments = match.groups()
    return f"write `{name} ~ {law}({arguments});`"
