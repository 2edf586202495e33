"""A model text in its canonical layout.

One statement a line, blocks indented by two spaces, one space around operators, at most one blank line between statements. A statement
that is longer than 88 columns is broken between its parts, its operands or its arguments, the outermost first. The formatter changes
nothing but white space: the words and signs of a text and its comments stay, in their order.

A comment on a line of its own stays on one, a comment at the end of a line stays there; one in front of a `;` or `{` moves behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.diagnostics.source import Source
from qemppl.lang.format.gaps import NOTHING, TRAILING, Gap, read_gap
from qemppl.lang.format.layout import INDENT, lay_out
from qemppl.lang.format.statement import Chains, chains_of, statement_items
from qemppl.lang.syntax.grammar import load_grammar
from qemppl.lang.syntax.lexeme import Lexeme
from qemppl.lang.syntax.parse import parse


def format_source(source: Source) -> str:
    """The text in canonical layout, with `\\n` at the end of each line. Formatting it again changes nothing.

    Raises DiagnosticsError with every syntax error, if there is one: such a text is not touched.
    """
    parsed = parse(source)
    if parsed.diagnostics:
        raise DiagnosticsError(parsed.diagnostics, Stage.MODEL)
    lexemes, gaps = _read(source)
    formatted = _Writer(chains_of(parsed.program)).write(lexemes, gaps)
    again = _read(Source(source.name, formatted))
    assert _content(lexemes, gaps) == _content(*again), "only white space changes"
    return formatted


def _read(source: Source) -> tuple[list[Lexeme], list[Gap]]:
    """The lexemes of a text, END included, and the gap before each."""
    lexemes = load_grammar().lexemes(source)
    begins = (0, *(lexeme.span.end for lexeme in lexemes))
    gaps = [read_gap(source.text[begin : lexeme.span.start]) for begin, lexeme in zip(begins, lexemes, strict=False)]
    return lexemes, gaps


def _content(lexemes: Iterable[Lexeme], gaps: Iterable[Gap]) -> tuple[list[str], list[str]]:
    return [lexeme.text for lexeme in lexemes], [comment for gap in gaps for comment in gap.comments]


class _Writer:
    """Writes statement after statement: a text up to a `;` or a `{`, or a `}`."""

    def __init__(self, chains: Chains) -> None:
        self.chains = chains
        self.output: list[str] = []
        self.indent = 0
        self.last = ""  # the lexeme written last

    def write(self, lexemes: Sequence[Lexeme], gaps: Sequence[Gap]) -> str:
        before = gaps[0]
        begin = 0
        for position, lexeme in enumerate(lexemes[:-1]):
            if lexeme.text in {";", "{"}:
                statement = slice(begin, position + 1)
                self._statement(before, lexemes[statement], [*gaps[begin:position], NOTHING])
                before = gaps[position].then(gaps[position + 1]) if position > begin else gaps[position + 1]
            elif lexeme.text == "}":
                self._close(before)
                before = gaps[position + 1]
            else:
                continue
            begin = position + 1
        self._gap(before, "")
        return "".join([*self.output, "\n"]) if self.output else ""

    def _statement(self, before: Gap, lexemes: Sequence[Lexeme], gaps: Sequence[Gap]) -> None:
        self._gap(before, lexemes[0].text)
        column = self._column()
        self.output.append(lay_out(list(statement_items(lexemes, gaps, self.chains)), self.indent, column))
        self.last = lexemes[-1].text
        self.indent += INDENT if self.last == "{" else 0

    def _close(self, before: Gap) -> None:
        if self.last == "{" and not before.comments:
            self.indent -= INDENT
        else:
            self._gap(before, "}")
        self.output.append("}")
        self.last = "}"

    def _gap(self, gap: Gap, following: str) -> None:
        """The comments between two statements, and the end of the line before `following` (`}`, or nothing at the end of the text)."""
        is_end = following in {"}", ""}
        split = len(gap.comments) if is_end else gap.split
        for position, comment in enumerate(gap.comments[:split]):
            if gap.line_ends[position] or not self.output:
                self._end_line(gap, position)
            else:
                self.output.append(TRAILING if position == 0 or comment.startswith("//") else " ")
            self.output.append(comment)
        if following == "}":
            self.indent -= INDENT
            self.output.append("\n" + " " * self.indent)
        elif following:
            self._end_line(gap, split)
        self.output.extend(f"{comment} " for comment in gap.comments[split:])

    def _end_line(self, gap: Gap, position: int) -> None:
        """Ends the line before comment `position`, with one blank line where there were some, but not after a `{`."""
        if not self.output:
            return
        is_first = position == 0 and self.last == "{"
        self.output.append("\n\n" if gap.line_ends[position] > 1 and not is_first else "\n")
        self.output.append(" " * self.indent)

    def _column(self) -> int:
        """The length of the line under way."""
        length = 0
        for piece in reversed(self.output):
            last = piece.rfind("\n")
            if last >= 0:
                return length + len(piece) - last - 1
            length += len(piece)
        return length
