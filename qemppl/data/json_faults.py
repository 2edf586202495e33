"""What is wrong with a JSON text and where. Runs only after the parser has given up, so it may read the text again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from qemppl.data.nested import MAX_DEPTH

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(rf"(?P<key>{_STRING})(?=\s*:)|{_STRING}|[\[\]{{}}]|-?\d{{4301,}}", re.DOTALL)


@dataclass(frozen=True)
class Fault:
    """A mistake at a character offset."""

    code: str
    message: str
    offset: int
    hint: str | None = None


def _tokens(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """Strings, brackets and long integers in order, each with the number of brackets open before it."""
    depth = 0
    for match in _TOKEN.finditer(text):
        yield match, depth
        if match[0] in "[{":
            depth += 1
        elif match[0] in "]}":
            depth -= 1


def deep_nesting(text: str) -> Fault:
    """The bracket that goes beyond the limit."""
    offset = next((m.start() for m, depth in _tokens(text) if m[0] in "[{" and depth > MAX_DEPTH), 0)
    return Fault("QEM610", f"lists nest deeper than {MAX_DEPTH} levels", offset)


def long_integer(text: str) -> Fault:
    """The integer with more digits than can be read."""
    match = next(m for m, _ in _tokens(text) if m[0][-1].isdigit())
    digits = len(match[0].lstrip("-"))
    return Fault("QEM611", f"an integer of {digits} digits is too long", match.start(), "int data must fit 64 bits")


def duplicate_keys(text: str) -> list[Fault]:
    """Every key that an object of the text gives again."""
    faults = []
    seen: list[dict[str, int]] = []
    for match, _ in _tokens(text):
        if match[0] == "{":
            seen.append({})
        elif match[0] == "}":
            seen.pop()
        elif match["key"]:
            key = json.loads(match["key"], strict=False)
            first = seen[-1].setdefault(key, match.start())
            if first != match.start():
                line = text.count("\n", 0, first) + 1
                message = f'the key "{key}" is given twice, first on line {line}'
                faults.append(Fault("QEM612", message, match.start(), "remove one of the two"))
    return faults


def explain(text: str, error: json.JSONDecodeError) -> Fault:
    """The parser's complaint in words that say what to do."""
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return _truncated(text, error)
    rest = text[error.pos :]
    if error.msg.startswith("Extra data"):
        hint = "a data file is one JSON object; join the objects into one"
        return Fault("QEM608", "there is more text after the end of the JSON object", error.pos, hint)
    for pattern, message, hint in _HABITS:
        if re.match(pattern, rest):
            return Fault("QEM608", f"not JSON: {message}", error.pos, hint)
    if not text[: error.pos].strip():
        hint = 'a data file is one JSON object, such as {"y": [1.5, 2.5]}; a table has the ending .csv'
        return Fault("QEM608", f"not JSON: it starts with {rest[:1]!r}, not with {{", error.pos, hint)
    expected = error.msg[0].lower() + error.msg[1:]
    if "',' delimiter" in error.msg:
        expected = "a comma or a closing bracket is expected"
    if text[: error.pos].rstrip().endswith(","):
        return Fault("QEM608", f"not JSON: {expected}", error.pos, "remove the comma before it")
    return Fault("QEM608", f"not JSON: {expected}, found {rest[:1]!r}", error.pos)


_HABITS = (
    (r"'", "texts stand in double quotes", "write \"...\" instead of '...'"),
    (r"//|/\*|#", "JSON has no comments", "remove the comment"),
    (r"(NA|None|nan|N/A|Null|NULL)\b", "a missing value is written null", "write null"),
    (r"-?[Ii]nf\b|\+", "this is not a number of JSON", "write Infinity or -Infinity for an infinite value, no sign +"),
    (r"(True|False|TRUE|FALSE)\b", "this is not a number of JSON", "write 1 or 0"),
    (r"[\]}]", "a value or a key is expected before the bracket", "remove the comma before the bracket"),
    (r"\.\d|0\d", "a number starts with one digit before the point", "write 0.5, and no leading zeros"),
    (r"\w+\s*(:|=|<-)", "a key stands in double quotes and is followed by a colon", 'write "name": value'),
)


def _truncated(text: str, error: json.JSONDecodeError) -> Fault:
    if error.msg.startswith("Unterminated string"):
        return Fault("QEM609", "the file ends inside this text", error.pos, 'close it with "')
    unclosed = []
    for match, _ in _tokens(text):
        if match[0] in "[{":
            unclosed.append(match)
        elif match[0] in "]}" and unclosed:
            unclosed.pop()
    message = "the file ends too early"
    if unclosed:
        line = text.count("\n", 0, unclosed[-1].start()) + 1
        message += f": the {unclosed[-1][0]} of line {line} is never closed"
    return Fault("QEM609", message, len(text.rstrip()), "the file may be incomplete: write it again")
