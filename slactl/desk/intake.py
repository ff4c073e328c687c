"""Reading what is to be imported: histories as they are, other exports through a map; bad rows reported, not fatal."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from slactl.clock import parse_offset_instant, to_text
from slactl.desk.intake_map import Map, Ours
from slactl.errors import UsageError
from slactl.sla.history_fields import BODY_LENGTH, LineError
from slactl.sla.history_file import parse_line, parse_record
from slactl.store.spool import Spooled
from slactl.text import clean, nearest

#: The longest line that is read, in bytes: a body of the greatest length, escaped.
LINE_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that could not be taken, or (a warning) only with a change: where, and why."""

    line: int
    field: str
    reason: str
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.line}:{self.field}" if self.field else f"{self.line}"
        return f"{place}: {self.reason}"


Report = Callable[[Problem], None]


def read_history(source: BinaryIO, report: Report, ticked: Callable[[int], None]) -> Iterator[Spooled]:
    """The events of a history file, line by line; `ticked` is told how many bytes were read."""
    for number, raw in _lines(source, report, ticked):
        text = raw.strip()
        if not text:
            continue
        try:
            line = parse_line(text)
        except LineError as error:
            report(Problem(number, error.field, error.reason))
            continue
        yield number, line.ticket, to_text(line.event.at), text


def read_rows(source: BinaryIO, how: Map, report: Report, ticked: Callable[[int], None]) -> Iterator[Spooled]:
    """The rows of a CSV or JSON file, each as a record of our own columns, to be made events of later.

    Raises:
        UsageError: a column that the map names is not there, or it is neither CSV nor JSON.
    """
    reader = io.BufferedReader(source) if not isinstance(source, io.BufferedIOBase) else source  # type: ignore[type-var]
    is_json = _looks_like_json(reader)
    rows = _json_rows(reader, how, report, ticked) if is_json else _csv_rows(reader, how, report, ticked)
    for number, row in rows:
        try:
            record = _record(row, how)
            yield number, record["ticket"], record.get("at") or record["created_at"], json.dumps(record)
        except LineError as error:
            report(Problem(number, how.columns.get(error.field, error.field), error.reason))


def _looks_like_json(source: Any) -> bool:  # noqa: ANN401  (anything that can be peeked into)
    start = source.peek(4096)[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    return bool(start[:1] in (b"[", b"{"))


def _lines(source: Iterable[bytes], report: Report, ticked: Callable[[int], None]) -> Iterator[tuple[int, str]]:
    """The lines as text; one that is not UTF-8 or is far too long is reported and left out."""
    for number, raw in enumerate(source, 1):
        ticked(len(raw))
        if len(raw) > LINE_BYTES:
            report(Problem(number, "", f"the line has {len(raw):,} bytes; at most {LINE_BYTES:,} are read"))
            continue
        try:
            yield number, (raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw).decode("utf-8")
        except UnicodeDecodeError as error:
            report(Problem(number, "", f"not UTF-8 at byte {error.start + 1} of the line"))


def _csv_rows(
    source: Iterable[bytes], how: Map, report: Report, ticked: Callable[[int], None]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(LINE_BYTES)
    lines = _Numbered(_lines(source, report, ticked))
    reader = csv.reader(lines, delimiter=how.delimiter, strict=False)
    header = next(reader, None)
    if header is None:
        raise UsageError("the file is empty: there is no line with column names", "slactl import --help")
    header = [name.strip() for name in header]
    _check_columns(header, how)
    while True:
        first = lines.number + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            report(Problem(first, "", str(error)))
            continue
        if not row:
            continue
        if len(row) != len(header):
            report(Problem(first, "", f"{len(row)} cells, but the header has {len(header)}"))
            continue
        yield first, dict(zip(header, row, strict=True))


class _Numbered:
    """Lines as text, remembering on which line the reader is; a row may span several."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._lines = lines
        self.number = 0

    def __iter__(self) -> "_Numbered":
        return self

    def __next__(self) -> str:
        self.number, text = next(self._lines)
        return text


def _check_columns(header: list[str], how: Map) -> None:
    needed = {Ours.TICKET, Ours.CREATED_AT} | ({Ours.AT} if how.kind == "events" else set())
    for ours, theirs in how.columns.items():
        if theirs in header or ours not in needed:
            continue
        near = nearest(theirs, header)
        meant = f"; did you mean {clean(near)}?" if near else f" (there are: {clean(', '.join(header))[:300]})"
        raise UsageError(f"there is no column {theirs!r}, which the map needs as {ours}{meant}", "--map MAP.toml")


def _json_rows(
    source: BinaryIO,
    how: Map,
    report: Report,
    ticked: Callable[[int], None],
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    raw = source.read()
    ticked(len(raw))
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(f"the file is not UTF-8 at byte {error.start + 1}", "iconv -t utf-8 FILE") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the file is no JSON: {error}", "slactl import --help") from error
    if isinstance(data, dict):
        data = next((each for each in data.values() if isinstance(each, list)), [data])
    for number, row in enumerate(data, 1):
        if isinstance(row, dict):
            yield number, row
        else:
            report(Problem(number, "", "no JSON object"))


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
    for needed in ("ticket", "created_at"):
        if needed not in found:
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
        near = nearest(text, list(words))
        meant = f"; did you mean {near}?" if near else ""
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


def events_of(rows: list[tuple[int, Mapping[str, Any]]], how: Map) -> Iterator[tuple[int, dict[str, Any]]]:
    """The event records of one ticket from its rows, which are in the order of time.

    With many rows a ticket: created at `created_at` with the first row's values, then an event for each value
    that changed. With one: created, and what its dates tell.
    """
    number, first = rows[0]
    yield number, _created(first, how)
    if how.kind == "tickets":
        for row_number, row in rows:
            yield from ((row_number, event) for event in _told_by_dates(row))
        return
    before = first
    for row_number, row in rows[1:]:
        for field, kind in _CHANGES.items():
            if field in how.columns and row.get(field) != before.get(field):
                if row.get(field) is None and field not in ("assignee", "tenant"):
                    continue
                changed = {"ticket": row["ticket"], "at": max(row["at"], first["created_at"]), "type": kind}
                yield row_number, changed | {field: row.get(field)} | _actor(row)
        before = {**row, **{f: before[f] for f in ("status", "priority", "plan") if f in before and f not in row}}


#: Which changes of a row are events, and of which type.
_CHANGES = {
    "priority": "priority",
    "plan": "plan",
    "tenant": "tenant",
    "assignee": "assigned",
    "tags": "tags",
    "status": "status",
}


def _created(row: Mapping[str, Any], how: Map) -> dict[str, Any]:
    names = ("plan", "tenant", "priority", "status", "assignee", "tags", "subject", "requester_email", "body")
    created = {"ticket": row["ticket"], "at": row["created_at"], "type": "created"}
    created |= {name: row[name] for name in names if name in row}
    if how.kind == "tickets" and created.get("status") in ("resolved", "closed"):
        created["status"] = "open"
    return created | _actor(row)


def _told_by_dates(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What happened after the opening, as far as one row tells."""
    ticket, opened = row["ticket"], row["created_at"]
    if "first_responded_at" in row:
        yield {"ticket": ticket, "at": max(row["first_responded_at"], opened), "type": "agent_reply"}
    ended = row.get("status") if row.get("status") in ("resolved", "closed") else None
    resolved_at = row.get("resolved_at")
    if resolved_at is not None:
        yield {"ticket": ticket, "at": max(resolved_at, opened), "type": "status", "status": "resolved"}
    if row.get("closed_at") is not None or (ended == "closed" and resolved_at is None):
        at = row.get("closed_at") or row.get("at") or opened
        yield {"ticket": ticket, "at": max(at, resolved_at or opened, opened), "type": "status", "status": "closed"}
    elif ended == "resolved" and resolved_at is None:
        yield {"ticket": ticket, "at": max(row.get("at") or opened, opened), "type": "status", "status": "resolved"}


def _actor(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"actor": row["actor"]} if "actor" in row else {}


def check_record(record: Mapping[str, Any]) -> str:
    """The record as a line of the history format.

    Raises:
        LineError: a field is wrong.
    """
    parse_record(record)
    return json.dumps(record)
