"""A whole Stan program in this language, if it is one of those that most people start with: regressions, perhaps with groups.

Arrays of the size of the outcomes become data and latents on a plate, and `alpha[county[n]]` nests that plate in another one. Whatever
else a program does is left to the explanations of its parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from qemppl.lang.syntax.lexeme import Lexeme
from qemppl.lang.syntax.stan_rewrites import DECLARATION, spelled

_MOST_WORDS = 600
_HEADER = re.compile(r"for ?\( ?(\w+) in 1 ?: ?\w+ ?\)")
_LAW = re.compile(r"(\w+)(?: ?\[[^~]*\])? ?~ ?(\w+ ?\(.*\)) ?;")
_VECTOR = re.compile(r"(vector|matrix)(<.*>)? ?\[(\w+)(?: ?, ?(\w+))?\]")
_GATHER = re.compile(r"(\w+) ?\[ ?(\w+) ?(?:\[ ?\w+ ?\])? ?\]")


@dataclass
class _Declared:
    """A declaration: the type of one member, and the size of the array around it."""

    name: str
    type: str
    size: str | None
    written: str


@dataclass
class _Program:
    """What was read; `laws` in the order written, by name."""

    data: dict[str, _Declared] = field(default_factory=dict)
    parameters: dict[str, _Declared] = field(default_factory=dict)
    laws: list[tuple[str, str]] = field(default_factory=list)


def translate(program: Sequence[Lexeme]) -> list[str] | None:
    """The lines of the program in this language; None if it has anything that is not known to have a place."""
    read = _read(program) if len(program) <= _MOST_WORDS else None
    if read is None:
        return None
    observed = {read.data[name].size for name, _ in read.laws if name in read.data}
    if len(observed) != 1 or None in observed:
        return None
    size = str(observed.pop())
    columns = _columns(read, size)
    if len(columns) > 1:
        return None
    plates: dict[str | None, str] = {size: "obs", **{read.parameters[n].size: "group" for n in columns.values()}}
    if {"obs", "group"} & {*read.data, *read.parameters}:
        return None
    levels = _levels(read, plates, set(columns))
    return [*_data(read, plates, set(columns)), *levels] if levels is not None else None


def _read(program: Sequence[Lexeme]) -> _Program | None:
    read = _Program()
    indices = _HEADER.findall(spelled(program))
    for name, statements in _blocks(program):
        for words in statements:
            text = _about_a_member(spelled(words), indices)
            if name == "model" and (law := _LAW.fullmatch(text)) is not None:
                read.laws.append((law[1], law[2]))
            elif name in {"data", "parameters"} and (declared := _declaration(text)) is not None:
                (read.data if name == "data" else read.parameters)[declared.name] = declared
            elif name != "generated quantities":
                return None
    names = [name for name, _ in read.laws]
    is_known = all(name in read.data or name in read.parameters for name in names)
    return read if is_known and len({*names}) == len(names) else None


def _blocks(program: Sequence[Lexeme]) -> Iterator[tuple[str, list[Sequence[Lexeme]]]]:
    """The name of each block and its statements; the braces of loops are left out."""
    depth, name, begin = 0, "", 0
    statements: list[Sequence[Lexeme]] = []
    for position, word in enumerate(program):
        if word.type == "LBRACE":
            name, statements = (spelled(program[begin:position]), []) if depth == 0 else (name, statements)
            depth += 1
            begin = position + 1 if depth == 1 else begin
        elif word.type == "SEMICOLON":
            statements.append([w for w in program[begin : position + 1] if w.type not in {"LBRACE", "RBRACE"}])
            begin = position + 1
        elif word.type == "RBRACE":
            depth -= 1
            if depth == 0:
                yield name, statements
                begin = position + 1


def _about_a_member(text: str, indices: Sequence[str]) -> str:
    """A statement without the headers of loops before it, and without their indices."""
    text = _HEADER.sub("", text).strip()
    for index in indices:
        text = re.sub(rf" ?\[ ?{index} ?\]", "", text)
    return text


def _declaration(text: str) -> _Declared | None:
    """A declaration; the first size of a vector or a matrix is that of an array of numbers or vectors."""
    match = DECLARATION.fullmatch(text)
    if match is None:
        return None
    kind, size = match["type"].strip(), match["array"] or match["size"]
    if size is None and (vector := _VECTOR.fullmatch(kind)) is not None:
        word, bounds, size, second = vector.groups()
        kind = f"real{bounds or ''}" if word == "vector" else f"vector{bounds or ''}[{second}]"
    return _Declared(match["name"], kind, size, text)


def _columns(read: _Program, size: str) -> dict[str, str]:
    """The columns of outcomes' size that pick a parameter, each with one that it picks."""
    found = {}
    for _, law in read.laws:
        for name, column in _GATHER.findall(law):
            if name in read.parameters and column in read.data and read.data[column].size == size:
                found[column] = name
    return found


def _data(read: _Program, plates: Mapping[str | None, str], columns: set[str]) -> Iterator[str]:
    """The lines of `data`: a size is declared before the plate that has it."""
    outer = next((size for size, plate in plates.items() if plate == "group"), None)
    placed = {d.name: d for d in read.data.values() if d.size in plates and d.name not in columns}
    yield "data {"
    for declared in read.data.values():
        if declared.name not in placed and declared.name not in columns:
            yield f"  {declared.written}"
    nested = f" in group by {next(iter(columns))}" if columns else ""
    if outer is not None:
        yield f"  plate group[{outer}];"
    yield f"  plate obs[{next(iter(plates))}]{nested};"
    yield from (f"  {d.type} {d.name}[{plates[d.size]}];" for d in placed.values())
    yield "}"


def _levels(read: _Program, plates: Mapping[str | None, str], columns: set[str]) -> list[str] | None:
    """The lines of `model`, the plates inside each other; None if something outside of a plate depends on its members."""
    given = dict(read.laws)
    lines: dict[str, list[str]] = {"": [], "group": [], "obs": []}
    known: list[str] = []
    for level, inside in lines.items():
        waiting = {n: d for n, d in read.parameters.items() if plates.get(d.size, "") == level}
        while waiting:
            ready = next((n for n in waiting if not _uses(given.get(n, ""), read.parameters) - {*known}), None)
            if ready is None:
                return None
            declared = waiting.pop(ready)
            kind = declared.type if level else declared.written.split(f" {ready}")[0]
            inside.append(f"{kind} {ready} ~ {_member(given.get(ready, 'flat()'), read, columns)};")
            known.append(ready)
    lines["obs"] += [f"{name} ~ {_member(law, read, columns)};" for name, law in read.laws if name in read.data]
    inner = ["plate obs {", *(f"  {line}" for line in lines["obs"]), "}"]
    if columns:
        inner = ["plate group {", *(f"  {line}" for line in (*lines["group"], *inner)), "}"]
    return ["model {", *(f"  {line}" for line in (*lines[""], *inner)), "}"]


def _uses(law: str, names: Mapping[str, _Declared]) -> set[str]:
    return {*re.findall(r"\w+", law)} & names.keys()


def _member(law: str, read: _Program, columns: set[str]) -> str:
    """A law about one member: `alpha[county]` is `alpha`, and `X * beta` a sum of products."""
    for column in columns:
        law = re.sub(rf" ?\[ ?{column} ?(?:\[ ?\w+ ?\])? ?\]", "", law)
    for name, declared in read.data.items():
        if declared.type.startswith("vector"):
            law = re.sub(rf"\b{name} ?\* ?(\w+)", rf"dot_product({name}, \1)", law)
    return law
