"""The page docs/diagnostics.md: how to read a diagnostic, and every code with its meaning."""

from __future__ import annotations

import html
from collections.abc import Iterator

from qemppl.cli.codes import entries
from qemppl.diagnostics.diagnostic import Entry
from qemppl.diagnostics.examples import EXAMPLES
from qemppl.diagnostics.render import render
from qemppl.diagnostics.source import Source
from qemppl.lang.frontend import compile_text

_MODEL = Source(
    "radon.qem",
    """\
data { plate county; plate house in county by county_idx; real log_radon[house]; }
model {
  real mu ~ normal(0, 10);
  plate house { log_radon ~ normal(mu, 1); }
}
""",
)
_OPENING = """\
# Diagnostics

<!-- Written by qemppl/cli/code_page.py from the catalogues; `pytest tests/cli/test_code_page.py --refresh` writes it anew. -->

Everything that is wrong with a model or its data is reported in one run, and nothing is computed while an error stands. A mistake that only
follows from another one is left out.

## How to read one

```
{example}```

- `error[QEM302]`: how bad it is, and the code, which never changes its meaning. `qemppl check --explain QEM302` says more, and so does
  this page.
- The rest of the line says what is wrong with this model, in its own names.
- `-->` is where: file, line and column, counted from 1. A mistake in the data names the place there, such as `data.json: y[3]`, and after
  `:::` the declaration that the data do not fit.
- `^^^` stands below the text that is wrong, `---` below a second place that helps to understand it.
- `note` adds a fact, such as the tree of the plates or the signature of a law.
- `fix` is what to write instead, in one line.
- The last line counts.

| severity | meaning |
|---|---|
| error | the input cannot be used |
| warning | it can be used, but this is seldom meant; `--pedantic` has more of these |
| note | worth knowing, and nothing to mend |

`qemppl check --format` chooses the output: `rich` has colours and cuts long lines to the width of the terminal, `plain` has none, and
`json` is one object for editors and other programs ([commands.md](commands.md#diagnostics-as-json)). Colours only repeat what the text
says. A mistake in the model exits with 3, one in the data with 4; the other exit codes are in [commands.md](commands.md#exit-codes).
"""
_SECTIONS = {
    "1": "Reading a model",
    "2": "Names",
    "3": "Plates and chains",
    "4": "Types, supports, laws and posterior families",
    "5": "Starting a fit",
    "6": "Reading data",
    "7": "Data and their declarations",
    "8": "Densities, files and output",
    "9": "What a fit says about itself",
}
"""By the first digit of a code."""


def code_page() -> str:
    """The page as Markdown."""
    lines = [_OPENING.format(example=render(compile_text(_MODEL).diagnostics))]
    for digit, title in _SECTIONS.items():
        lines += [f"## {title}\n"]
        for code, entry in entries().items():
            if code[3] == digit:
                lines += _section(code, entry)
    return "\n".join(lines)


def _section(code: str, entry: Entry) -> Iterator[str]:
    yield f"### {code}\n"
    yield f"**{_markdown(entry.title)}.** {_markdown(entry.explanation)}\n"
    if example := EXAMPLES.get(code):
        yield f"```\n// wrong\n{example.wrong}\n// right\n{example.right}\n```\n"


def _markdown(text: str) -> str:
    """Plain text with `code` in it, nothing else of which is taken for markup."""
    parts = text.split("`")
    parts[::2] = [html.escape(part, quote=False).replace("*", r"\*").replace("_", r"\_") for part in parts[::2]]
    return "`".join(parts)
