"""How to write in plates and laws what was written in Stan's statements, with the user's own names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qemppl.lang.syntax.lexeme import Lexeme

_LONGEST = 80
"""A rewrite longer than that is shown on lines of its own."""
_MOST_LINES = 12
_MOST_WORDS = 400
"""Of a statement that is rewritten; what is longer gets the general answer."""
_NEAR = 1000
"""Words in which what a name is elsewhere in a program is looked for."""
_CLOSERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_DENSITY = re.compile(r"(\w+?)_(lpdf|lpmf|lupdf|lupmf|lccdf|lcdf|log)")
_MIXTURES = frozenset({"log_mix", "log_sum_exp"})
_SUMMED = "a discrete latent, `int<lower=0, upper=1> z ~ bernoulli(p);`, is summed over by the fit, exactly"
_PLATES = ("obs", "item", "part")
"""Names for plates that a loop has none for, the outer ones first."""
_CENSORED = {"lccdf": " right_censored(flag)", "lcdf": " left_censored(flag)"}
DECLARATION = re.compile(
    r"(?:array\s*\[(?P<array>[^\]]*)\]\s*)?(?P<type>[a-z_]+\s*(?:<.*>)?\s*(?:\[.*?\])?)\s*\b(?P<name>\w+)\s*(?:\[(?P<size>[^\]]*)\])?;"
)


@dataclass(frozen=True)
class Rewrite:
    """A one-line fix, and where it does not fit on a line the text to write."""

    hint: str
    note: str | None = None


def spelled(lexemes: Sequence[Lexeme]) -> str:
    """The text of lexemes on one line, without comments; a space where there was any."""
    words = [lexeme.text for lexeme in lexemes[:1]]
    for left, right in pairwise(lexemes):
        words.append((" " if left.span.end < right.span.start else "") + right.text)
    return "".join(words)


def rewrite_loop(words: Sequence[Lexeme], program: Sequence[Lexeme]) -> Rewrite:
    """`for (i in 1:N) y[i] ~ normal(theta[i], s);` becomes `plate obs { y ~ normal(theta, s); }`."""
    loop = _Loop(words, program)
    lines = loop.read()
    declared = " ".join(f"`{declaration}`" for declaration in loop.declarations)
    declare = f"declare {declared} in `data`, and write" if declared else "write"
    if lines is None:
        declare = declare if loop.plates_read else "declare a plate in `data`, and write"
        hint = f"{declare} the body once inside `{loop.first_plate} {{ ... }}`"
        if any(word.text in _MIXTURES for word in words):
            return Rewrite(hint, _SUMMED)
        return Rewrite(f"{hint}; where the index itself counts, declare a data column of its values")
    line = re.sub(r"\s+", " ", " ".join(lines))
    if len(line) <= _LONGEST:
        return Rewrite(f"{declare} `{line}`")
    return Rewrite(f"{declare} the body once, without indices", _note(lines))


def _note(lines: Sequence[str]) -> str | None:
    return "\n".join(["in this language:", *(f"  {line}" for line in lines)]) if len(lines) <= _MOST_LINES else None


class _Loop:
    """Reads nested `for` loops; `declarations` are the plates that take their place, as far as `program` has none."""

    def __init__(self, words: Sequence[Lexeme], program: Sequence[Lexeme]) -> None:
        self.words = words
        self.program = program
        self.plates_read: list[str] = []
        self.indices: list[str] = []
        self.declarations: list[str] = []
        self.lines: list[str] = []
        self.open: list[bool] = []  # of each plate, whether a `}` of the text closes it
        self.plates: list[str] = []  # that are open

    @property
    def first_plate(self) -> str:
        return f"plate {self.plates_read[0]}" if self.plates_read else "plate name"

    def read(self) -> list[str] | None:
        """The lines of the rewrite; None if this is no plain loop over 1:N."""
        position = 0
        while position < len(self.words) <= _MOST_WORDS:
            kind = self.words[position].type
            if kind == "FOR":
                end = self._header(position)
            elif kind == "RBRACE":
                end = position + 1
                self._close()
            else:
                end = self._statement(position)
            if end is None:
                return None
            position = end
        return self.lines if self.lines and not self.open else None

    def _header(self, position: int) -> int | None:
        pattern = r"for ?\( ?(\w+) in ([12]) ?: ?(\w+) ?\)"
        end = next((i for i in range(position, len(self.words)) if self.words[i].type == "RPAR"), None)
        match = re.fullmatch(pattern, spelled(self.words[position : end + 1])) if end is not None else None
        if match is None or end is None:
            return None
        index, _, size = match.groups()
        self.indices.append(index)
        plate = plate_of_size(self.program, size)
        if plate is None:
            plate = _PLATES[len(self.plates)] if len(self.plates) < len(_PLATES) else "member"
            count = f"[{size}]"
            if not size.isdigit() and declared_type(self.program, size) is None:
                plate, count = size, ""
            parent = f" in {self.plates[-1]}" if self.plates else ""
            self.declarations.append(f"plate {plate}{count}{parent};")
        self.plates.append(plate)
        self.plates_read.append(plate)
        self._line(f"plate {plate} {{")
        is_braced = end + 1 < len(self.words) and self.words[end + 1].type == "LBRACE"
        self.open.append(is_braced)
        return end + 2 if is_braced else end + 1

    def _statement(self, position: int) -> int | None:
        end = next((i for i in range(position, len(self.words)) if self.words[i].type == "SEMICOLON"), None)
        if end is None or any(self.words[i].type in {"LBRACE", "IF", "WHILE"} for i in range(position, end)):
            return None
        statement = self.words[position : end + 1]
        text = next(_laws(statement), None) if statement[0].type == "TARGET" else spelled(statement)
        line = self._without_indices(text) if text is not None else None
        if line is None:
            return None
        self._line(line)
        while self.open and not self.open[-1]:
            self._end_plate()
        return end + 1

    def _without_indices(self, line: str) -> str | None:
        """A statement about this member; None if it uses an index as a number."""
        for index in self.indices:
            line = re.sub(rf"\[ ?{index} ?, ?", "[", line)
            line = re.sub(rf" ?, ?{index} ?\]", "]", line)
            line = re.sub(rf"\[ ?{index} ?\]", "", line)
            line, steps = re.subn(rf"\b(\w+)\[ ?{index} ?- ?1 ?\]", r"prev(\1)", line)
            if steps:
                line = line.replace(";", " init ...;") if "~" in line else line
                self.declarations = [re.sub("^plate", "chain", declaration) for declaration in self.declarations]
                self.lines = [re.sub(r"^( *)plate", r"\1chain", line) for line in self.lines]
        if any(re.search(rf"\b{index}\b", line) for index in self.indices):
            return None
        name = re.match(r"(\w+) ?[=~]", line)
        if name is None or ("~" in line and is_data(self.program, name[1])):
            return line
        kind = declared_type(self.program, name[1]) or ("real" if "~" not in line else "")
        return f"{kind} {line}".strip()

    def _close(self) -> None:
        if self.open and self.open[-1]:
            self._end_plate()
        while self.open and not self.open[-1]:
            self._end_plate()

    def _end_plate(self) -> None:
        self.open.pop()
        self.plates.pop()
        self._line("}")

    def _line(self, line: str) -> None:
        self.lines.append("  " * len(self.open) + line)


def plate_of_size(program: Sequence[Lexeme], size: str) -> str | None:
    """The plate of that name, or of that size."""
    program = program[:_NEAR]
    for position, word in enumerate(program[:-3]):
        if word.type in {"PLATE", "CHAIN"} and program[position + 2].type in {"SEMICOLON", "LSQB", "IN", "BY"}:
            has_size = program[position + 2].type == "LSQB" and program[position + 3].text == size
            if program[position + 1].text == size or has_size:
                return program[position + 1].text
    return None


def is_data(program: Sequence[Lexeme], name: str) -> bool:
    """Whether the `data` block, which stands first, declares a name."""
    program = program[:_NEAR]
    words = program[: _closing(program, 1)] if program[:1] and program[0].type == "DATA" else ()
    return any(word.text == name and words[i + 1].type in {"SEMICOLON", "LSQB"} for i, word in enumerate(words[:-1]))


def declared_type(program: Sequence[Lexeme], name: str) -> str | None:
    """The type with which `real<lower=0> theta[J];` declares a name."""
    begin, is_named = 0, False
    for position, word in enumerate(program[:_NEAR]):
        is_named = is_named or word.text == name
        if word.type in {"SEMICOLON", "LBRACE", "RBRACE"}:
            is_short = is_named and position - begin <= _LONGEST
            match = DECLARATION.fullmatch(spelled(program[begin : position + 1])) if is_short else None
            if match is not None and match["name"] == name:
                return match["type"].strip()
            begin, is_named = position + 1, False
    return None


def rewrite_choice(words: Sequence[Lexeme]) -> Rewrite:
    """`if (c) x = a; else x = b;` becomes `real x = c ? a : b;`."""
    pattern = r"if ?\((.*)\) ?\{? ?(\w+) ?= ?([^;]*); ?\}? ?else ?\{? ?(\w+) ?= ?([^;]*); ?\}?"
    match = re.fullmatch(pattern, spelled(words[:_MOST_WORDS]))
    if match is None or match[2] != match[4]:
        return Rewrite("write the choice as a value: `condition ? a : b`")
    return Rewrite(f"write `real {match[2]} = {match[1]} ? {match[3]} : {match[5]};`")


def rewrite_density(words: Sequence[Lexeme], program: Sequence[Lexeme]) -> Rewrite:
    """`target += normal_lpdf(y | mu, s);` becomes `y ~ normal(mu, s);`."""
    words = words[:_MOST_WORDS]
    laws = list(_laws(words))
    if any(word.text in _MIXTURES for word in words):
        mixed = _mixture(words, laws)
        if mixed is not None:
            return Rewrite(f"write `{mixed}`", "`z` is summed over by the fit, exactly")
        return Rewrite("declare a discrete latent, and let the law depend on it", _SUMMED)
    name = laws[0].split(" ", 1)[0] if len(laws) == 1 else ""
    kind = declared_type(program, name)
    if kind is not None and not is_data(program, name):
        return Rewrite(f"write `{kind} {laws[0]}` where `{name}` is declared")
    if laws:
        return Rewrite(f"write `{' '.join(laws)}`")
    return Rewrite("state the law of each name: `y ~ normal(mu, sigma);`")


def _mixture(words: Sequence[Lexeme], laws: Sequence[str]) -> str | None:
    """`log_mix(p, normal_lpdf(y | a, s), normal_lpdf(y | b, s))` becomes `y ~ normal(z ? a : b, s);` with a latent `z`."""
    start = next((i for i, word in enumerate(words) if word.text == "log_mix"), None)
    parts = [re.fullmatch(r"(\w+) ~ (\w+)\((.*)\);", law) for law in laws]
    if (
        start is None
        or len(parts) != 2
        or parts[0] is None
        or parts[1] is None
        or parts[0].groups()[:2] != parts[1].groups()[:2]
    ):
        return None
    comma = next((i for i, word in enumerate(words) if i > start and word.type == "COMMA"), len(words))
    share = spelled(words[start + 2 : comma])
    first, second = (part[3].split(", ") for part in parts if part is not None)
    if len(first) != len(second) or any(bracket in a for a in (*first, *second) for bracket in "(["):
        return None
    arguments = ", ".join(a if a == b else f"z ? {a} : {b}" for a, b in zip(first, second, strict=True))
    return f"int<lower=0, upper=1> z ~ bernoulli({share}); {parts[0][1]} ~ {parts[0][2]}({arguments});"


def _laws(words: Sequence[Lexeme]) -> Iterator[str]:
    """The densities in a statement as laws."""
    for position, word in enumerate(words[:-1]):
        match = _DENSITY.fullmatch(word.text)
        if match is None or words[position + 1].type != "LPAR":
            continue
        end = _closing(words, position + 1)
        inner = words[position + 2 : end]
        bar = next((i for i, w in enumerate(inner) if w.type == ("COMMA" if match[2] == "log" else "BAR")), None)
        if bar is not None:
            law = f"{match[1]}({spelled(inner[bar + 1 :])})"
            yield f"{spelled(inner[:bar])} ~ {law}{_CENSORED.get(match[2], '')};"


def _closing(words: Sequence[Lexeme], opener: int) -> int:
    """The position of the bracket that closes the one at `opener`, or the end."""
    depth = 0
    for position in range(opener, len(words)):
        kind = words[position].type
        depth += (kind in _CLOSERS) - (kind in _CLOSERS.values())
        if depth == 0:
            return position
    return len(words)


def rewrite_parameters(words: Sequence[Lexeme], following: Sequence[Lexeme]) -> Rewrite:
    """The declarations of a `parameters` block with the laws that `following` gives to their names."""
    example = "write `real<lower=0> sigma ~ normal(0, 1);` inside `model { ... }`"
    lines = [_latent(statement, following) for statement in _statements(words[:_MOST_WORDS])]
    known = [line for line in lines if line is not None]
    if not known or len(known) < len(lines):
        return Rewrite(example)
    if len(known) == 1:
        return Rewrite(f"write `{known[0]}` inside `model {{ ... }}`")
    note = _note(["model {", *(f"  {line}" for line in known), "  ...", "}"])
    return Rewrite("move the declarations into `model`, each with its law", note)


def rewrite_transformed(words: Sequence[Lexeme]) -> Rewrite:
    """The first definition of a `transformed parameters` block."""
    first = next((spelled(s) for s in _statements(words[:_MOST_WORDS]) if any(w.type == "ASSIGN" for w in s[2:])), None)
    line = first if first is not None and re.match(r"(real|int|vector)\b", first) else "real eta = a + b * x;"
    return Rewrite(f"define names where they are needed: write `{line}` inside `model {{ ... }}`")


def _statements(words: Sequence[Lexeme]) -> Iterator[Sequence[Lexeme]]:
    """The statements inside the first braces."""
    opener = next((i for i, word in enumerate(words) if word.type == "LBRACE"), len(words))
    begin = opener + 1
    for position in range(begin, _closing(words, opener)):
        if words[position].type == "SEMICOLON":
            yield words[begin : position + 1]
            begin = position + 1


def _latent(statement: Sequence[Lexeme], following: Sequence[Lexeme]) -> str | None:
    match = DECLARATION.fullmatch(spelled(statement))
    if match is None:
        return None
    name, size, kind = match["name"], match["array"] or match["size"], match["type"].strip()
    if size is not None:
        kind = f"vector{kind.removeprefix('real')}[{size}]" if kind.startswith("real") else f"array[{size}] {kind}"
    return f"{kind} {name} ~ {_law_of(name, following)};"


def _law_of(name: str, words: Sequence[Lexeme]) -> str:
    words = words[:_NEAR]
    for position, word in enumerate(words[:-1]):
        if word.text == name and words[position + 1].type == "TILDE":
            end = next((i for i in range(position, len(words)) if words[i].type == "SEMICOLON"), len(words))
            return spelled(words[position + 2 : end])
    return "..."
