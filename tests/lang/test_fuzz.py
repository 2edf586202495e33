"""Random texts, from programs that mean something to mere characters: each is answered with a model, or with what is wrong."""

from __future__ import annotations

from collections import Counter
from random import Random

from qemppl.diagnostics.source import Source
from qemppl.distributions.registry import LAWS
from qemppl.ir.functions import FUNCTIONS
from qemppl.ir.model import Call, Gather, Lag, PlateReduce, Previous, walk
from qemppl.lang.syntax.grammar import load_grammar
from tests.fuzz import fuzz
from tests.lang.generated import derive, sprinkle
from tests.lang.programs import check
from tests.lang.properties import check_answer
from tests.lang.test_mutation import FOREIGN, PROGRAMS
from tests.lang.typed_programs import typed_program

RATES = (0.003, 0.01, 0.03, 0.1)
CHARACTERS = (
    *(
        "",
        "\x00",
        "µ",
        "é",
        "\u200b",
        "\U0001f600",
        '"',
        "\\",
        "#",
        "//",
        "/*",
        "*/",
        "'",
        "`",
        "\r",
        "\t",
        "\x0c",
        "\ufeff",
    ),
    *(
        "\x85",
        "\u2028",
        "\ud800",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ";",
        ",",
        "~",
        "=",
        "<",
        ">",
        "?",
        ":",
        "1e999",
        "0x1",
        "1" * 400,
    ),
    *(
        "for",
        "T[",
        "init",
        "prev(",
        "over",
        "approx",
        "sampled",
        "joint {",
        "chain",
        "missing",
        "model {",
        "parameters {",
    ),
)


@fuzz(120)
def test_typed_programs_are_answered(seed: int) -> None:
    check_answer(typed_program(seed))


@fuzz(200)
def test_typed_programs_with_mistakes_are_answered(seed: int) -> None:
    check_answer(typed_program(seed, Random(seed).choice(RATES)))


@fuzz(200)
def test_programs_without_a_meaning_are_answered(seed: int) -> None:
    random = Random(seed)
    check_answer(sprinkle(derive(random.randrange), random.randrange))


@fuzz(150)
def test_programs_with_changed_lexemes_are_answered(seed: int) -> None:
    random = Random(seed)
    text = typed_program(seed) if random.random() < 0.5 else random.choice([*PROGRAMS.values()])
    for _ in range(random.randrange(1, 4)):
        text = _changed(text, random)
    check_answer(text)


def _changed(text: str, random: Random) -> str:
    """A text with one lexeme left out, exchanged, put in, or swapped with another."""
    lexemes = load_grammar().lexemes(Source("m", text))[:-1]
    one, other = sorted(random.choices(lexemes, k=2), key=lambda lexeme: lexeme.span.start)
    word = random.choice([*(lexeme.text for lexeme in lexemes), *FOREIGN, "init", "prev", "lag", "sampled", "joint"])
    before, after = text[: one.span.start], text[one.span.end :]
    match random.randrange(4):
        case 0:
            return before + after
        case 1:
            return f"{before} {word} {after}"
        case 2:
            return f"{before} {word} {one.text}{after}"
        case _:
            return before + other.text + text[one.span.end : other.span.start] + one.text + text[other.span.end :]


@fuzz(150)
def test_texts_with_changed_characters_are_answered(seed: int) -> None:
    random = Random(seed)
    text = random.choice([*PROGRAMS.values()])
    for _ in range(random.randrange(1, 5)):
        begin = random.randrange(len(text) + 1)
        end = begin + random.choice((0, 0, 1, 1, 3, 20))
        text = text[:begin] + random.choice(CHARACTERS) + text[end:]
    check_answer(text)


def test_typed_programs_reach_every_law_and_function() -> None:
    """Nearly all have a meaning, and together they use every law, every function and every kind of expression."""
    models = [check(typed_program(seed)).model for seed in range(400)]
    assert sum(model is not None for model in models) > 0.98 * len(models)
    reached: Counter[str] = Counter()
    for model in filter(None, models):
        for statement in (*model.transformed, *model.statements, *model.generated):
            reached[getattr(statement, "law", "definition")] += 1
            for node in (part for expr in statement.expressions for part in walk(expr)):
                reached[node.function if isinstance(node, Call) else type(node).__name__] += 1
    kinds = {kind.__name__ for kind in (Gather, Lag, PlateReduce, Previous)}
    assert LAWS.keys() | FUNCTIONS.keys() | kinds <= reached.keys()
