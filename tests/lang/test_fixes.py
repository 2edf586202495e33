"""A fix that proposes code works: taken over into the text, it mends what it is given for and brings no new mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from qemppl.diagnostics.diagnostic import Diagnostic
from qemppl.diagnostics.source import Span
from tests.lang.programs import BAD, check

MISTAKES = sorted((Path(__file__).parents[1] / "docs" / "mistakes").glob("*/*.qem"))
PROPOSAL = re.compile(
    r"(?:.*?: |.*?, or )??(?:write|declare|did you mean) `([^`]+)`\??"
    r"(?:: .*| in place of the two|, or .*| for .*| inside .*| where .*| if .*)?"
)
"""A hint whose first piece of code stands in place of something."""
TYPE = r"(?:sampled\s+|missing\s+)?(?:array\s*\[[^\]]*\]\s*)?\w+(?:<[^>]*>)?(?:\s*\[[^\]]*\])?"
OTHERWISE = {
    "data_plates QEM312": "the sizes are not declared either",
    "expr_stan_functions QEM213": "the nearest name is that of a law, which then cannot stand there",
    "form_categorical_vector QEM440": "the law is only begun",
    "law_zero_inflated QEM230": "the note declares the latent that the fix uses",
    "law_as_value QEM213": "its arguments have a mistake of their own",
    "mistakes_eight_schools QEM403": "the law has a missing semicolon",
    "mistakes_mixture QEM411": "sigma is then used outside of its shape",
    "plate_brackets QEM312": "the plate and what lives on it are two statements",
    "plate_two_parents QEM310": "`parent` stands for the user's plate",
    "scope_laws QEM206": "the name that is meant has its law already",
    "scope_unknown_law QEM230": "its arguments have the wrong shapes for any law",
    "scope_unused_beside_mistake QEM104": "the name has its law already",
    "support_probability QEM404": "the fix is the whole law, the place one argument",
    "support_logit QEM404": "the fix is the whole law, the place one argument",
    "02-probability-scale QEM404": "the fix is the whole law, the place one argument",
    "law_exchanged QEM404": "the fix is the whole law, the place one argument",
    "syntax_digit_name QEM125": "the product uses a name that is not declared",
    "syntax_list QEM104": "`x` and `n` stand for the user's",
    "syntax_mixture QEM107": "three statements go on with mistakes of their own",
    "syntax_operator QEM126": "a second foreign operator stands in the statement",
    "syntax_stan_program QEM106": "the block moves into another",
    "01-sum-by-hand QEM106": "the block moves into another",
    "syntax_type QEM104": "the type stands around the place",
    "syntax_type QEM127": "`n` stands for the user's size",
    "08-target QEM107": "it stands where the name is declared",
    "06-array-of-presences QEM214": "a statement moves into a plate",
    "type_family QEM412": "the family that is meant does not fit",
    "type_forms QEM415": "the bound stands around the place",
}
"""What cannot be taken over mechanically, and why."""


def errors(text: str) -> list[Diagnostic]:
    return [d for d in check(text).diagnostics if d.is_error]


def statement(text: str, span: Span) -> tuple[int, int]:
    """The statement around a place."""
    begin = max(text.rfind(sign, 0, span.start) for sign in ";{}") + 1
    end = re.compile(r"[^;{}]*;?").match(text, span.start)
    assert end is not None
    return begin, end.end()


def behind_call(text: str, position: int) -> int:
    """Behind the brackets that open here; here, if none do."""
    depth = 0
    for place in range(position, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place + (text[place] == ")")
    return position


def taken_over(text: str, diagnostic: Diagnostic, code: str) -> Iterator[str]:
    """The text with the code in each of the places that it may be meant for."""
    span = diagnostic.span
    assert span is not None
    bare = code.rstrip("; ")
    yield text[: span.start] + code + text[span.end :]
    yield text[: span.start] + code + text[behind_call(text, span.end) :]
    places = [statement(text, place) for place in (span, *(label.span for label in diagnostic.labels))]
    for begin, end in places:
        old = text[begin:end]
        yield f"{text[:begin]} {bare}{'' if bare.endswith('}') else ';'}{text[end:]}"
        if head := re.match(rf"\s*{TYPE}\s+\w+", old):  # a declaration keeps its law or value
            for new in (bare.removesuffix("~ ..."), re.sub(r"\[\w+\]$", "", bare)):
                yield f"{text[:begin]} {new}{old[head.end() :]}{text[end:]}"
        if head := re.match(rf"\s*{TYPE}(?=\s+\w)", old):  # or everything but its type
            yield f"{text[:begin]} {bare}{old[head.end() :]}{text[end:]}"
        if "~" in old:
            yield text[:begin] + old.split("~")[0] + bare + ";" + text[end:]
    first, *_, last = sorted(places) * 2
    for keep, drop in ((first, last), (last, first)):  # two statements become one
        edits = sorted([(keep, f" {bare}" + ("" if bare.endswith("}") else ";")), (drop, "")], reverse=True)
        new = text
        for (begin, end), code_there in edits:
            new = new[:begin] + code_there + new[end:]
        yield new
    if data := re.search(r"\bdata\s*\{", text):
        yield f"{text[: data.end()]} {bare}; {text[data.end() :]}"


@pytest.mark.parametrize("path", [*BAD, *MISTAKES], ids=lambda path: path.stem)
def test_the_code_of_a_fix_mends_the_mistake(path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    found = errors(text)
    for diagnostic in found:
        proposal = PROPOSAL.fullmatch(diagnostic.hint or "")
        if proposal is None or diagnostic.span is None or "..." in proposal[1].removesuffix("~ ...;"):
            continue
        if f"{path.stem} {diagnostic.code}" in OTHERWISE:
            continue
        mended = any(len(errors(new)) < len(found) for new in taken_over(text, diagnostic, proposal[1]))
        assert mended, f"{diagnostic.code} at {diagnostic.span}: {diagnostic.hint}"
