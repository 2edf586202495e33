"""Table: a CSV or TSV text as columns of cells. What is wrong with the text is located by line."""

from __future__ import annotations

import contextlib
import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qemppl.data.place import Origin, Place
from qemppl.data.raw import read_error
from qemppl.data.report import MAX_ROWS, counted, quoted
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage

if TYPE_CHECKING:
    import _csv

DELIMITERS = {".csv": ",", ".tsv": "\t"}
"""By the ending of a file's name."""
_DELIMITER_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


@dataclass(frozen=True, eq=False)
class TableColumn:
    """A column. cells: texts without white space around them. lines: (row,), where in the file each row starts."""

    file: str
    header: str
    cells: Sequence[str]
    lines: NDArray[np.int64]

    def place(self, row: int) -> Place:
        return self.origin.cell(self.header, row, 0)

    @property
    def origin(self) -> Origin:
        return Origin(self.file, (self.header,), self.lines)

    def take(self, rows: NDArray[np.int64]) -> TableColumn:
        """Some of the rows, in another order."""
        return replace(self, cells=[self.cells[row] for row in rows.tolist()], lines=self.lines[rows])


@dataclass(frozen=True, eq=False)
class Table:
    """One row a member of a plate. columns: by header, all of one length."""

    file: str
    columns: dict[str, TableColumn]

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values())).cells)


def parse_table(text: str, file: str, delimiter: str) -> Table:
    """A text whose first row names the columns. Empty lines are skipped, and so is a column without a name, as R writes its row names."""
    _check_delimiter(text, file, delimiter)
    rows, lines = _read_rows(text, file, delimiter)
    if not rows:
        raise read_error("QEM607", "the file is empty", file, "a table starts with a row of column names")
    headers = [cell.strip() for cell in rows.pop(0)]
    _check_headers(headers, f"{file}: line {lines[0]}")
    lines = lines[1:]
    _check_widths(headers, rows, lines, file)
    if not rows:
        raise read_error("QEM620", "the table has column names but no rows", file, "write one row for each member")
    columns = zip(headers, zip(*rows, strict=True), strict=True)
    return Table(file, {h: TableColumn(file, h, [*map(str.strip, cells)], lines) for h, cells in columns if h})


def _read_rows(text: str, file: str, delimiter: str) -> tuple[list[list[str]], NDArray[np.int64]]:
    """The rows that are not empty, and the line on which each starts."""
    rows: list[list[str]] = []
    lines = np.zeros(0, np.int64)
    reader = _reader(text, delimiter)
    with contextlib.suppress(csv.Error):
        rows = [*reader]
        lines = np.arange(1, len(rows) + 1)
    if reader.line_num != len(rows):  # a quoted cell contains line breaks, or something is wrong
        rows, lines = _read_slowly(text, file, delimiter)
    if min(map(len, rows), default=2) < 2:
        filled = [i for i, row in enumerate(rows) if len(row) > 1 or "".join(row).strip()]
        rows, lines = [rows[i] for i in filled], lines[filled]
    return rows, lines


def _read_slowly(text: str, file: str, delimiter: str) -> tuple[list[list[str]], NDArray[np.int64]]:
    """All rows, their lines told one by one; reports quotes that do not match."""
    reader = _reader(text, delimiter)
    rows: list[list[str]] = []
    starts = [1]
    try:
        for row in reader:
            rows.append(row)
            starts.append(reader.line_num + 1)
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            message, hint = "the quote that opens in this row is never closed", 'close it with "'
        elif "field larger than field limit" in str(error):
            message = f"a cell has more than {csv.field_size_limit()} characters"
            hint = 'a " that is never closed reads the rest of the file into one cell'
        else:
            message, hint = "text follows the quote that closes a cell", 'write "" for a quote inside a quoted cell'
        raise read_error("QEM621", message, f"{file}: line {starts[-1]}", hint) from None
    return rows, np.array(starts[:-1], np.int64)


def _reader(text: str, delimiter: str) -> _csv.Reader:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)


def _check_delimiter(text: str, file: str, delimiter: str) -> None:
    first = text.lstrip().partition("\n")[0]
    other = next((d for d in _DELIMITER_NAMES if d in first), None)
    if delimiter not in first and other is not None:
        name = _DELIMITER_NAMES[delimiter].split()[1]
        message = f"the row of column names has no {name}; it looks like the separator is {_DELIMITER_NAMES[other]}"
        hint = "in a .csv file a comma separates, in a .tsv file a tab: save the table again, with decimal points"
        raise read_error("QEM622", message, f"{file}: line 1", hint)


def _check_headers(headers: list[str], where: str) -> None:
    if headers and all(map(_is_number, filter(None, headers))):
        message = f"the first row must name the columns, found {quoted(', '.join(headers))}"
        raise read_error("QEM623", message, where, "add a row of names above the values")
    again = [header for header, count in Counter(filter(None, headers)).items() if count > 1]
    if again:
        message = (
            f"two columns have the name {again[0]}" if len(again) == 1 else f"names given twice: {', '.join(again)}"
        )
        raise read_error("QEM624", message, where, "rename one of them, or remove it")


def _check_widths(headers: list[str], rows: list[list[str]], lines: NDArray[np.int64], file: str) -> None:
    widths = np.fromiter(map(len, rows), np.int64, len(rows))
    faulty = np.flatnonzero(widths != len(headers))
    wrong = [*zip(lines[faulty].tolist(), widths[faulty].tolist(), strict=True)]
    errors = []
    for line, width in wrong[:MAX_ROWS]:
        message = f"the row has {counted(width, 'cell')}, but {counted(len(headers), 'column')} have names"
        hint = "quote a cell that contains the separator" if width > len(headers) else None
        errors.append(Diagnostic("QEM625", Severity.ERROR, message, where=f"{file}: line {line}", hint=hint))
    if len(wrong) > MAX_ROWS:
        errors[-1] = replace(errors[-1], notes=(f"... and {len(wrong) - MAX_ROWS} more rows",))
    if errors:
        raise DiagnosticsError(errors, Stage.DATA)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
