"""Read the rows of a JSON document one by one, so that memory stays flat however large the document is.

Python's own decoder reads one row at a time from a bounded piece of the text. What is around the rows, and a row that
the decoder refuses, is passed over by its brackets and quotes alone.
"""

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from slactl.desk.intake import ROW_BYTES, Problem, Report, Ticked
from slactl.desk.intake_map import Map
from slactl.errors import UsageError
from slactl.sla.history_fields import LineError
from slactl.sla.history_file import DECODER, read_object
from slactl.text import clean

#: How much is read at once, the longest row, in characters; and how long a document is at most that is one ticket, or
#: the first line of one that has a ticket on each line.
CHUNK, ROW_CHARACTERS, TICKET_CHARACTERS = 1 << 17, ROW_BYTES, 2_000_000

#: How deep objects lie in one another in which a list of rows is looked for.
DEPTH = 8

_BLANK, _MARK, _QUOTE = re.compile(r"[ \t\r\n]*"), re.compile(r'["\[\]{},]'), re.compile(r'["\\]')

Path = tuple[str, ...]


class Bad(NamedTuple):
    """Why a row cannot be read."""

    reason: str


class Found(NamedTuple):
    """What stands in a list: the path of the list, the place in it from 1, and the value."""

    path: Path
    number: int
    value: Any


class _BrokenError(ValueError):
    """The text is not JSON from here on."""


def json_rows(source: BinaryIO, how: Map, report: Report, ticked: Ticked) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the objects of the list that the map names, or of the only list with the ticket column; or one a line.

    The number is the object's in the list, or the line's. Where the document breaks off, the rows before that count.

    Raises:
        UsageError: there is no such list, or more than one; or the text breaks before the first row.
    """
    document, column = _Document(source, ticked), how.columns["ticket"]
    rows: Path | None = None
    bad: dict[int, str] = {}
    number, is_read = 0, False
    try:
        for path, number, value in document.found(how):
            if rows is None and (path == () or how.rows is not None or has(value, column)):
                rows = path
                for before in range(1, number):
                    report(Problem(before, "", bad.get(before, f"{column} is missing")))
            elif rows is not None and path != rows:
                if has(value, column):
                    raise _ambiguous(column, rows, path)
                continue
            elif rows is None:
                bad = ({} if number == 1 else bad) | ({number: value.reason} if isinstance(value, Bad) else {})
                continue
            if isinstance(value, dict):
                is_read = True
                yield number, value
            else:
                report(Problem(number, "", value.reason if isinstance(value, Bad) else "must be a JSON object"))
    except _BrokenError as error:
        if not is_read:
            raise UsageError(f"the file is not JSON: {error}", "slactl import --help") from None
        report(Problem(number + 1, "", f"the file breaks here: {error}; nothing after that is read"))
    if rows is None and not document.has_empty_list:
        raise _no_rows(how, column)


def _no_rows(how: Map, column: str) -> UsageError:
    if how.rows is not None:
        return UsageError(f"the file has no list at {how.rows!r}, where the map has its rows", "slactl import --help")
    return UsageError(
        f"no list of objects in the file has {column!r}, which the map needs as ticket", "slactl import --help"
    )


def _ambiguous(column: str, *paths: Path) -> UsageError:
    first, second = (clean(".".join(path))[:60] for path in paths)
    which = f'rows = "{first}" in a map of your own says which of them to read'
    return UsageError(f"the lists {first} and {second} both have {column!r}; {which}", "slactl import --help")


def has(value: Any, path: str) -> bool:  # noqa: ANN401  (parsed JSON)
    """Whether a value has something at a path."""
    return isinstance(value, dict) and dig(value, path) is not None


def dig(row: Any, path: str) -> Any:  # noqa: ANN401  (a step into parsed JSON)
    """Return what stands at a path, such as `author.login` or `labels[].name`; None where a step is missing."""
    if isinstance(row, dict) and path in row:
        return row[path]
    head, _, rest = path.partition(".")
    if head.endswith("[]"):
        items = row.get(head[:-2]) if isinstance(row, dict) else None
        return [dig(item, rest) if rest else item for item in items] if isinstance(items, list) else None
    value = row.get(head) if isinstance(row, dict) else None
    return dig(value, rest) if rest else value


class _Document:
    """A JSON text of which only a piece is in memory."""

    def __init__(self, source: BinaryIO, ticked: Ticked) -> None:
        self._source, self._ticked = source, ticked
        # Bytes that are not UTF-8 become lone surrogates, so that the row that they are in can be named.
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="surrogateescape")
        self._text, self._at, self._lines, self._is_over = "", 0, 1, False
        #: Whether there was a list in which nothing stands, and which may be that of the rows.
        self.has_empty_list = False

    def found(self, how: Map) -> Iterator[Found]:
        """Yield what stands in every list that may be that of the rows."""
        start = self._next()
        if start == "[":
            yield from self._list((), how)
        elif self._has_an_object_a_line():
            yield from self._objects_a_line()
            return
        elif (ticket := self._ticket(how)) is not None:
            yield Found((), 1, ticket)
        else:
            yield from self._object((), how)
        if self._next():
            raise self._broken("the document ends before this")

    def _has_an_object_a_line(self) -> bool:
        end = self._line_end(TICKET_CHARACTERS)
        if end is None:
            return False
        while (place := _after_blanks(self._text, end)) == len(self._text) and place <= 2 * TICKET_CHARACTERS:
            if not self._more():
                return False
            end = self._line_end(TICKET_CHARACTERS) or 0
        return place < len(self._text) and isinstance(_object(self._text[self._at : end]), dict)

    def _objects_a_line(self) -> Iterator[Found]:
        number = self._lines + self._text.count("\n", 0, self._at)
        while self._at < len(self._text) or self._more():
            end = self._line_end(ROW_CHARACTERS)
            if end is None:
                yield Found((), number, Bad(f"the line is longer than {ROW_CHARACTERS:,} characters"))
                end = self._end_of_long_line()
            elif line := self._text[self._at : end].strip():
                yield Found((), number, _object(line))
            self._at, number = end + 1, number + 1

    def _end_of_long_line(self) -> int:
        while (end := self._text.find("\n", self._at)) < 0:
            self._at = len(self._text)
            if not self._more():
                return len(self._text)
        return end

    def _line_end(self, most: int) -> int | None:
        """Return where the line ends that is read; None where it is longer than that."""
        while (end := self._text.find("\n", self._at)) < 0:
            if len(self._text) - self._at > most:
                return None
            if not self._more():
                return len(self._text)
        return end

    def _ticket(self, how: Map) -> dict[str, Any] | None:
        """Return the whole document where it is one object that is itself a row."""
        while len(self._text) - self._at <= TICKET_CHARACTERS and self._more():
            pass
        if not self._is_over:
            return None
        try:
            value, end = DECODER.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            return None
        if not all(has(value, how.columns[name]) for name in how.needed):
            return None
        self._at = end
        return dict(value)

    def _object(self, path: Path, how: Map) -> Iterator[Found]:
        self._at += 1
        separator = "}" if self._next() == "}" else ","
        self._at += separator == "}"
        while separator != "}":
            name = self._value() if self._next() == '"' else None
            if not isinstance(name, str) or self._next() != ":":
                raise self._broken("a name and a colon are needed")
            self._at += 1
            here, start = (*path, name), self._next()
            if start == "[":
                yield from self._list(here, how)
            elif start == "{" and len(here) < DEPTH:
                yield from self._object(here, how)
            else:
                self._skip()
            separator = self._separator("}")

    def _list(self, path: Path, how: Map) -> Iterator[Found]:
        self._at += 1
        start, number, separator = self._next(), 0, ","
        is_rows = how.rows is None or not path or ".".join(path) == how.rows
        if start == "]":
            self.has_empty_list = self.has_empty_list or is_rows
            self._at += 1
            separator = start
        is_rows = is_rows and (start == "{" or how.rows is not None or not path)
        while separator != "]":
            if is_rows:
                number += 1
                yield Found(path, number, self._value())
            else:
                self._skip()
            separator = self._separator("]")

    def _separator(self, end: str) -> str:
        found = self._next()
        if found not in (",", end):
            raise self._broken(f"a comma or {end} is needed" if found else "it ends too early")
        self._at += 1
        return found

    def _value(self) -> Any:  # noqa: ANN401  (parsed JSON, or Bad)
        """Return the next value; one that the decoder refuses is passed over."""
        if not self._next():
            raise self._broken("it ends too early")
        while True:
            rest = len(self._text) - self._at
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                is_cut = error.pos > len(self._text) - 8 or error.msg.startswith("Unterminated string")
                if is_cut and rest <= ROW_CHARACTERS and self._more():
                    continue
                reason = (
                    f"it is longer than {ROW_CHARACTERS:,} characters" if is_cut else f"is not valid JSON: {error.msg}"
                )
                return self._refused(reason)
            except RecursionError:
                return self._refused("is not valid JSON: it is nested too deeply")
            except ValueError as error:
                return self._refused(f"is not valid JSON: {error}")
            # A number may go on in what is not read yet.
            if isinstance(value, (dict, list, str)) or end < len(self._text) - 4 or not self._more():
                self._at = end
                return value

    def _refused(self, reason: str) -> Bad:
        self._skip()
        return Bad(reason)

    def _skip(self) -> None:
        """Pass over a value by its brackets and quotes."""
        depth = 0
        while True:
            mark = self._find(_MARK)
            if depth == 0 and mark in ",]}":
                return
            self._at += 1
            if mark == '"':
                while self._find(_QUOTE) == "\\":
                    if self._at + 1 >= len(self._text):
                        self._more()
                    self._at += 2
                self._at += 1
            elif mark != ",":
                depth += 1 if mark in "[{" else -1
            if depth == 0:
                return

    def _find(self, pattern: re.Pattern[str]) -> str:
        """Go to the next sign of a kind, and return it."""
        while (match := pattern.search(self._text, self._at)) is None:
            self._at = len(self._text)
            if not self._more():
                raise self._broken("it ends too early")
        self._at = match.start()
        return match[0]

    def _next(self) -> str:
        """Go to the next sign that is not blank, and return it; nothing at the end."""
        while (place := _after_blanks(self._text, self._at)) == len(self._text):
            self._at = place
            if not self._more():
                return ""
        self._at = place
        return self._text[place]

    def _more(self) -> bool:
        """Read on, as much as there is at least, and drop what was read; whether there was any more."""
        if self._is_over:
            return False
        self._lines += self._text.count("\n", 0, self._at)
        rest = self._text[self._at :]
        raw = self._source.read(max(CHUNK, len(rest)))
        self._ticked(len(raw))
        self._is_over = not raw
        self._text, self._at = rest + self._decoder.decode(raw, final=self._is_over), 0
        return bool(raw)

    def _broken(self, why: str) -> _BrokenError:
        return _BrokenError(f"line {self._lines + self._text.count(chr(10), 0, self._at)}: {why}")


def _object(line: str) -> dict[str, Any] | Bad:
    try:
        return read_object(line)
    except LineError as error:
        return Bad(error.reason)


def _after_blanks(text: str, place: int) -> int:
    match = _BLANK.match(text, place)
    return match.end() if match is not None else place
