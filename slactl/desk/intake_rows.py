"""Reading the exports of other help desks through a map: CSV or JSON rows become records of our own columns."""

import csv
import io
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from slactl.clock import parse_offset_instant, to_text
from slactl.desk.intake import BOM, Problem, Report, bounded_lines, peek
from slactl.desk.intake_map import Map, Ours
from slactl.errors import UsageError
from slactl.sla.history_fields import BODY_LENGTH, LineError
from slactl.store.spool import Spooled
from slactl.text import clean, did_you_mean, is_utf8, nearest

#: The longest line, in bytes, and the longest cell, in characters, that are read to say what is wrong with them.
LINE_BYTES, CELL_LENGTH = 64_000_000, 16_000_000

#: What may stand between cells where it is not what the map says.
DELIMITERS = (";", "\t", "|")

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_rows(source: BinaryIO, how: Map, report: Report, ticked: Callable[[int], None]) -> Iterator[Spooled]:
    """The rows of a CSV or JSON file, each as a record of our own columns, to be made events of later.

    Raises:
        UsageError: it is empty, or begins like JSON and is none.
    """
    reader = source if hasattr(source, "peek") else io.BufferedReader(source)  # type: ignore[type-var]
    is_json = peek(reader).lstrip()[:1] in (b"[", b"{")
    rows = _json_rows(reader, report, ticked) if is_json else _csv_rows(reader, how, report, ticked)
    for number, row in rows:
        try:
            record = _record(row, how)
            yield number, record["ticket"], record.get("at") or record["created_at"], json.dumps(record)
        except LineError as error:
            report(Problem(number, how.columns.get(error.field, error.field), error.reason))


def _csv_rows(
    source: BinaryIO, how: Map, report: Report, ticked: Callable[[int], None]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(CELL_LENGTH)
    lines = _Lines(source, report, ticked)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise UsageError("the file is empty: there is no line with column names", "slactl import --help")
    header, delimiter = _header(first, how)
    if not _has_needed_columns(header, how, lines.number, report):
        return
    reader = csv.reader(lines, delimiter=delimiter, strict=False)
    while True:
        lines.begin()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            report(Problem(lines.first, "", str(error)))
            lines.go_back()
            continue
        if len(row) == len(header) and lines.is_over:
            report(Problem(lines.first, "", "a quote is never closed"))
            lines.go_back()
        elif len(row) == len(header):
            yield lines.first, dict(zip(header, row, strict=True))
        elif any(cell.strip() for cell in row):
            report(_ragged(row, header, lines))
            lines.go_back()


class _Lines:
    """The lines of a CSV file as text; what a row took of them can be read once more, all but the first.

    Bytes that are not UTF-8 become lone surrogates, so that the cell they are in can be named.
    """

    def __init__(self, source: BinaryIO, report: Report, ticked: Callable[[int], None]) -> None:
        self._coming = self._read(source, report, ticked)
        self._again: deque[tuple[int, str]] = deque()
        self._row: list[tuple[int, str]] = []
        self.number = 0
        #: Whether the row asked for a line beyond the last, as one does in which a quote is open.
        self.is_over = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        try:
            line = self._again.popleft() if self._again else next(self._coming)
        except StopIteration:
            self.is_over = True
            raise
        self._row.append(line)
        self.number = line[0]
        return line[1]

    @property
    def first(self) -> int:
        """The number of the line that the row begins on."""
        return self._row[0][0] if self._row else self.number

    def begin(self) -> None:
        """A row begins with the next line."""
        self._row.clear()
        self.is_over = False

    def go_back(self) -> None:
        """Read the row's lines again, without the first: a quote that nobody closed must not swallow the rest."""
        self._again.extendleft(reversed(self._row[1:]))

    def _read(self, source: BinaryIO, report: Report, ticked: Callable[[int], None]) -> Iterator[tuple[int, str]]:
        if peek(source)[:2] in _UTF16:
            yield from enumerate(io.TextIOWrapper(source, encoding="utf-16", errors="replace", newline=""), 1)
            return
        for number, raw in enumerate(bounded_lines(source, LINE_BYTES, ticked), 1):
            if len(raw) > LINE_BYTES:
                report(Problem(number, "", f"the line is longer than {LINE_BYTES:,} bytes"))
                continue
            text = raw.removeprefix(BOM) if number == 1 else raw
            yield number, text.decode("utf-8", errors="surrogateescape")


def _header(line: str, how: Map) -> tuple[list[str], str]:
    """The names of the columns, and what stands between cells: what the map says, unless that finds one name only."""
    found = {each: [name.strip() for name in next(csv.reader([line], delimiter=each))] for each in DELIMITERS}
    said = [name.strip() for name in next(csv.reader([line], delimiter=how.delimiter))]
    if len(said) > 1 or not any(len(header) > 1 for header in found.values()):
        return said, how.delimiter
    other = max(found, key=lambda each: len(found[each]))
    return found[other], other


def _has_needed_columns(header: Sequence[str], how: Map, number: int, report: Report) -> bool:
    """Whether rows can be read at all; every column that the map names and the file does not have is reported."""
    readable = True
    for ours, theirs in how.columns.items():
        if theirs in header or (how.optional and ours not in how.needed):
            continue
        readable = readable and ours not in how.needed
        near = nearest(theirs, [name for name in header if name not in how.columns.values()])
        meant = f"; did you mean {near}?" if near else "" if readable else f" (there are: {', '.join(header)[:300]})"
        report(Problem(number, theirs, f"there is no such column, which the map needs as {ours}{meant}"))
    return readable


def _ragged(row: Sequence[str], header: Sequence[str], lines: _Lines) -> Problem:
    cells = f"{len(row)} {'cell' if len(row) == 1 else 'cells'}, but the header has {len(header)}"
    spread = f"; it goes on to line {lines.number}: is a quote not closed?" if lines.number > lines.first else ""
    return Problem(lines.first, header[len(row)] if len(row) < len(header) else "", cells + spread)


def _json_rows(
    source: BinaryIO, report: Report, ticked: Callable[[int], None]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The objects of a list, of the first list in an object, or of one object a line; the number is the object's."""
    raw = source.read()
    ticked(len(raw))
    for number, row in enumerate(_objects(raw), 1):
        if isinstance(row, dict):
            yield number, row
        else:
            report(Problem(number, "", "no JSON object"))


def _objects(raw: bytes) -> Iterable[Any]:
    try:
        text = raw.decode("utf-8-sig")
        data = json.loads(text)
    except UnicodeDecodeError as error:
        raise UsageError(f"the file is not UTF-8 at byte {error.start + 1}", "iconv -t utf-8 FILE") from error
    except (ValueError, RecursionError) as error:
        if text.lstrip().startswith("{") and "Extra data" in str(error):
            return [_object(line) for line in text.splitlines() if line.strip()]
        raise UsageError(f"the file is no JSON: {error}", "slactl import --help") from error
    if isinstance(data, dict):
        data = next((each for each in data.values() if isinstance(each, list)), [data])
    return data if isinstance(data, list) else [data]


def _object(line: str) -> Any:  # noqa: ANN401  (parsed JSON, or None)
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _record(row: Mapping[str, Any], how: Map) -> dict[str, Any]:
    """A row under our names, words and times.

    Raises:
        LineError: a cell is missing, or its word or time is not known.
    """
    found: dict[str, Any] = {}
    for ours, theirs in how.columns.items():
        value = _converted(ours, _dig(row, theirs), how)
        if value is not None:
            found[ours] = value
    for needed in ("ticket", "created_at", "at"):
        if needed in how.needed and needed not in found:
            raise LineError(needed, "is missing")
    return found


def _dig(row: Any, path: str) -> Any:  # noqa: ANN401  (a step into parsed JSON)
    """What stands at a path: `author.login`, `labels[].name`; None where a step is missing."""
    if isinstance(row, dict) and path in row:
        return row[path]
    head, _, rest = path.partition(".")
    if head.endswith("[]"):
        items = row.get(head[:-2]) if isinstance(row, dict) else None
        return [_dig(item, rest) if rest else item for item in items] if isinstance(items, list) else None
    value = row.get(head) if isinstance(row, dict) else None
    return _dig(value, rest) if rest else value


def _converted(ours: str, value: Any, how: Map) -> Any:  # noqa: ANN401  (a cell of any type)
    if ours == Ours.TAGS:
        return _tags(value)
    if isinstance(value, list):
        value = next((each for each in value if each), None)
    if value is None or (isinstance(value, str) and value.strip() in how.missing.any):
        return None
    if isinstance(value, str) and not is_utf8(value):
        raise LineError(ours, "not UTF-8")
    if isinstance(value, (dict, bool)):
        raise LineError(ours, f"a text is needed, not {value!r:.60}")
    text = value if isinstance(value, str) and ours in (Ours.BODY, Ours.SUBJECT) else str(value).strip()
    if len(text) > BODY_LENGTH:
        raise LineError(ours, f"{len(text):,} characters; at most {BODY_LENGTH:,} are kept")
    if ours in (Ours.AT, Ours.CREATED_AT, Ours.FIRST_RESPONDED_AT, Ours.RESOLVED_AT, Ours.CLOSED_AT):
        return _instant(ours, text, how)
    words = how.values.get(ours)
    if words is None or text in words:
        return words[text] if words else text
    if ours in (Ours.STATUS, Ours.PRIORITY):
        meant = did_you_mean(text, list(words))
        raise LineError(ours, f"{clean(text)[:60]!r} has no meaning in the map ([values.{ours}]){meant}")
    return text


def _tags(value: Any) -> list[str] | None:  # noqa: ANN401
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, list):
        return None
    return list(dict.fromkeys("-".join(str(tag).replace(",", " ").split())[:100] for tag in value if tag))


def _instant(ours: str, text: str, how: Map) -> str:
    """An instant of theirs as text of ours; without an offset it is in the map's zone."""
    try:
        if how.time.format is not None:
            parsed = datetime.strptime(text, how.time.format)  # noqa: DTZ007  (the zone is put in below)
        else:
            parsed = datetime.fromisoformat(text)
        aware = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=ZoneInfo(how.time.timezone))
        return to_text(parse_offset_instant(aware.astimezone(UTC).isoformat()))
    except (ValueError, OverflowError) as error:
        wanted = f"the form {how.time.format}" if how.time.format else "ISO 8601"
        reason = "outside the years 1970 to 2199" if "outside" in str(error) else f"no time in {wanted}"
        raise LineError(ours, f"{clean(text)[:60]!r} is {reason}") from None
