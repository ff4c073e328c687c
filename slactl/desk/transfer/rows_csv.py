"""Read the rows of a CSV file; an unclosed quote loses one row only, and no line is read more than three times."""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

from slactl.desk.transfer.foreign.cells import cells_of
from slactl.desk.transfer.foreign.columns import check_header, not_utf8
from slactl.desk.transfer.foreign.tables import Ours
from slactl.desk.transfer.lines import BOM, ROW_BYTES, Problem, Report, Ticked, bounded_lines
from slactl.desk.transfer.maps import Map
from slactl.errors import UsageError
from slactl.text import is_utf8

#: How far a row may go on over several lines, in characters and in lines, and the most columns of a table.
ROW_CHARACTERS, ROW_LINES, COLUMNS = 4_000_000, 100_000, 4000

#: The delimiters that slactl recognises besides the delimiter of the map.
DELIMITERS = (";", "\t", "|")


def csv_rows(source: BinaryIO, mapping: Map, report: Report, ticked: Ticked) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each row with the number of its first line, as cells by column; a repeated column of tags as a list.

    Raises:
        UsageError: there is no line with column names, or the file does not have the columns of the map.
    """
    csv.field_size_limit(ROW_BYTES + ROW_CHARACTERS)
    lines = _Lines(source, report, ticked)
    header, delimiter = _header(lines, mapping)
    check_header(header, mapping, lines.number, report)
    repeated = {name for name in mapping.columns.get(Ours.TAGS, ()) if header.count(name) > 1}
    reader = csv.reader(lines, delimiter=delimiter, strict=False)
    while True:
        lines.begin()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            report(Problem(lines.first, "", _broken(error)))
            lines.go_back()
            continue
        problem = _problem(row, header, lines, delimiter)
        if problem is not None:
            report(problem)
            lines.go_back()
        elif len(row) == len(header):
            cells: dict[str, Any] = dict(zip(header, row, strict=True))
            for name in repeated:
                cells[name] = cells_of(cell for column, cell in zip(header, row, strict=True) if column == name)
            yield lines.first, cells


class _Line(NamedTuple):
    """A line, its number, and how many times it was read before."""

    number: int
    text: str
    times: int


class _Lines:
    """The lines of a CSV file as text; the lines of a bad row are read again, except its first line.

    Each line is read three times at most, so that the time is linear: as part of a row whose quote was never closed,
    then as part of another such row, then as a row of its own. Bytes that are not UTF-8 become lone surrogates, so that
    a message can name their cell.
    """

    def __init__(self, source: BinaryIO, report: Report, ticked: Ticked) -> None:
        self._coming = self._read(source, report, ticked)
        self._again: deque[_Line] = deque()
        self._row: list[_Line] = []
        self._size = 0
        self.number = 0
        #: Whether the row asked for a line beyond its last, as one does in which a quote is open.
        self.is_over = False
        #: Whether the row went on for too long.
        self.is_too_long = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self._row:
            self.is_too_long = self._size > ROW_CHARACTERS or len(self._row) >= ROW_LINES
            ends_here = self.is_too_long or self._row[0].times > 1 or bool(self._again and self._again[0].times > 1)
            if ends_here:
                self.is_over = True
                raise StopIteration
        try:
            line = self._again.popleft() if self._again else next(self._coming)
        except StopIteration:
            self.is_over = True
            raise
        self._row.append(line)
        self._size += len(line.text)
        self.number = line.number
        return line.text

    @property
    def first(self) -> int:
        """Return the number of the line that the row begins on."""
        return self._row[0].number if self._row else self.number

    def begin(self) -> None:
        """Begin a row with the next line."""
        self._row.clear()
        self._size = 0
        self.is_over = self.is_too_long = False

    def are_well_quoted(self, delimiter: str) -> bool:
        """Return whether every quote of the row's lines is closed before a delimiter or the end.

        The opening quote of a cell many lines later can close a quote that was left open. Then letters follow it.
        """
        try:
            next(csv.reader((line.text for line in self._row), delimiter=delimiter, strict=True))
        except csv.Error:
            return False
        return True

    def go_back(self) -> None:
        """Read the row's lines again, without the first, so that an unclosed quote does not cost the other rows."""
        self._again.extendleft(line._replace(times=line.times + 1) for line in reversed(self._row[1:]))

    def _read(self, source: BinaryIO, report: Report, ticked: Ticked) -> Iterator[_Line]:
        for number, raw in enumerate(bounded_lines(source, ROW_BYTES, ticked), 1):
            if len(raw) > ROW_BYTES and number == 1:
                most = f"the line with the column names is longer than {ROW_BYTES:,} bytes"
                raise UsageError(most, "slactl import --help")
            if len(raw) > ROW_BYTES:
                report(Problem(number, "", f"the line is longer than {ROW_BYTES:,} bytes"))
            else:
                text = raw.removeprefix(BOM) if number == 1 else raw
                yield _Line(number, text.decode("utf-8", errors="surrogateescape"), 0)


def _header(lines: _Lines, mapping: Map) -> tuple[list[str], str]:
    """Return the names of the columns, and the character between cells.

    That is what the map says, unless it finds one name only and another delimiter finds more.
    """
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise UsageError("the file is empty: there is no line with column names", "slactl import --help")
    if not is_utf8(first) or "\0" in first:
        raise UsageError(*not_utf8(first, mapping.encoding))
    by_map = _names(first, mapping.delimiter)
    by_delimiter = {candidate: _names(first, candidate) for candidate in DELIMITERS} if len(by_map) == 1 else {}
    best = max(by_delimiter, key=lambda candidate: len(by_delimiter[candidate]), default=mapping.delimiter)
    header, delimiter = (
        (by_delimiter[best], best) if len(by_delimiter.get(best, ())) > 1 else (by_map, mapping.delimiter)
    )
    if len(header) > COLUMNS:
        raise UsageError(f"the table has {len(header):,} columns; at most {COLUMNS:,} are read", "slactl import --help")
    return header, delimiter


def _names(line: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=delimiter))]
    except csv.Error as error:
        why = f"the line with the column names cannot be read: {_broken(error)}"
        raise UsageError(why, "slactl import --help") from error


def _broken(error: csv.Error) -> str:
    is_cr = "new-line character" in str(error)
    return "a carriage return (CR) is inside a line, outside of quotes; end lines with LF" if is_cr else str(error)


def _problem(row: Sequence[str], header: Sequence[str], lines: _Lines, delimiter: str) -> Problem | None:
    """Return what is wrong with a row that was read, if anything is; a row without any text is not a row."""
    if lines.is_too_long:
        most = f"{ROW_CHARACTERS:,} characters or {ROW_LINES:,} lines"
        return Problem(lines.first, "", f"the row is longer than {most}: a quote that begins here is not closed")
    if len(row) != len(header):
        if not any(cell.strip() for cell in row):
            return None
        cells = f"{len(row)} {'cell' if len(row) == 1 else 'cells'}, but the header has {len(header)}"
        spread = f"; it goes on to line {lines.number}: is a quote not closed?" if lines.number > lines.first else ""
        return Problem(lines.first, header[len(row)] if len(row) < len(header) else "", cells + spread)
    if lines.is_over:
        return Problem(lines.first, "", "a quote is never closed")
    if lines.number > lines.first and not lines.are_well_quoted(delimiter):
        why = "a quote is not closed, or a quote in a cell is not doubled"
        return Problem(lines.first, "", f"the row goes on to line {lines.number}: {why}")
    return None
