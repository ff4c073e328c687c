"""Turn the rows of one ticket into lines: the first row opens it, and each later one is compared with the one before.

Nothing of a bad row is used, and it is one problem.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slactl.clock import to_text
from slactl.desk.transfer.lines import Problem
from slactl.desk.transfer.maps import Map
from slactl.desk.transfer.merging.recorded import Recorded
from slactl.desk.transfer.merging.snapshots import (
    Snapshot,
    digest_of,
    event_record,
    events_since,
    facts_of,
    first_snapshot,
    withdrawn_by,
)
from slactl.desk.transfer.row_events import row_events
from slactl.sla.enums import EventType, PriorityMeanings
from slactl.sla.history.file import parse_record
from slactl.sla.history.order import Numbered
from slactl.sla.history.readers import LineError


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of a file are read: by a map, with other words for priorities, as of now, up to an instant."""

    mapping: Map
    words: PriorityMeanings
    now: datetime
    until: datetime | None
    tell: Callable[[Problem], None]

    def at(self, row: Mapping[str, Any]) -> str:
        """Return the instant of a row as text: its own, else now."""
        return str(row.get("at") or to_text(self.now))


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One row of a file as a record of our columns: its line, and its text."""

    number: int
    text: str
    row: Mapping[str, Any]


@dataclass(slots=True)
class Told:
    """What the rows of a ticket tell: the lines that are new, and the last snapshot.

    There is no snapshot if the rows are bad, or say something about the time after `until`.
    """

    lines: list[Numbered] = field(default_factory=list)
    snapshot: Snapshot | None = None


def agreeing(rows: Sequence[tuple[int, str]], reading: Reading) -> list[TicketRow]:
    """Return the rows of one ticket in order of time, without those that contradict an earlier one of the file."""
    taken: list[TicketRow] = []
    for number, text in sorted(rows):
        each = TicketRow(number, text, json.loads(text))
        problem = next((found for known in taken if (found := _contradiction(known, each))), None)
        if problem is None:
            taken.append(each)
        else:
            reading.tell(Problem(number, reading.mapping.column(problem[0]), problem[1]))
    return sorted(taken, key=lambda each: reading.at(each.row))


def _contradiction(known: TicketRow, each: TicketRow) -> tuple[str, str] | None:
    """Return the column and the reason why two rows cannot be of one ticket; None if they can."""
    one, two, line = known.row, each.row, known.number
    if one["created_at"] != two["created_at"]:
        created = f"was created at {one['created_at']}, not at {two['created_at']}"
        return "created_at", f"contradicts line {line}: ticket {one['ticket']} {created}"
    if one.get("at") == two.get("at"):
        when = f" at {one['at']}" if one.get("at") else ""
        return "ticket", f"contradicts line {line}, which says something else about ticket {one['ticket']}{when}"
    return None


def opened(rows: Iterable[TicketRow], reading: Reading) -> Told:
    """Return what the rows of a new ticket tell."""
    told, recorded, waiting = Told(), Recorded(), iter(rows)
    for each in waiting:
        lines = _parsed(each, row_events(each.row, reading.mapping), reading)
        if lines is not None:
            salt = secrets.token_hex(16)
            told.lines += recorded.add(lines)
            told.snapshot = first_snapshot(each.row, reading.at(each.row), salt, digest_of(salt, each.text))
            break
    if told.snapshot is not None:
        _follow(told, told.snapshot, recorded, waiting, reading)
    return _until(told, reading)


def followed(rows: Iterable[TicketRow], before: Snapshot, recorded: Recorded, reading: Reading) -> Told:
    """Return what the rows of a ticket tell since a snapshot, without the events that were recorded."""
    told = Told()
    _follow(told, before, recorded, rows, reading)
    return _until(told, reading)


def _until(told: Told, reading: Reading) -> Told:
    """Return what rows tell, without their snapshot if events after `until` were left out."""
    is_later = told.snapshot is not None and reading.until is not None and told.snapshot.at > to_text(reading.until)
    told.snapshot = None if is_later else told.snapshot
    return told


def _follow(told: Told, before: Snapshot, recorded: Recorded, rows: Iterable[TicketRow], reading: Reading) -> None:
    has_snapshot = before.digest != ""
    for each in rows:
        at, digest = reading.at(each.row), digest_of(before.salt, each.text)
        if digest == before.digest:
            continue
        facts = _parsed(each, facts_of(before, each.row, at), reading)
        news = _parsed(each, events_since(before, each.row, at, reading.mapping), reading)
        back = _parsed(each, _retraction(before, each.row, at, recorded), reading)
        if facts is None or news is None or back is None:
            continue
        # An end with a date may be known, from an import that left out later events. Without a snapshot, the events of
        # an earlier import tell what the source said.
        dated = [line for line in news if not has_snapshot or to_text(line[1].event.at) != at]
        told.lines += recorded.add(back)
        told.lines += recorded.add_new([*facts, *dated])
        told.lines += recorded.add(line for line in news if line not in dated)
        before = told.snapshot = before.followed_by(each.row, at, digest)


def _retraction(before: Snapshot, row: Mapping[str, Any], at: str, recorded: Recorded) -> Iterator[dict[str, Any]]:
    """Yield the event that takes back what dates of earlier rows told, if a row has other dates."""
    if gone := withdrawn_by(before, row, at, recorded.told()):
        instant = max(at, *(to_text(event.at) for event in gone))
        names, reason = [event.id for event in gone], "the source has another date now"
        yield event_record(row, instant, EventType.RETRACTED.value, events=names, reason=reason)


def _parsed(each: TicketRow, records: Iterable[Mapping[str, Any]], reading: Reading) -> list[Numbered] | None:
    """Return the lines of some records of a row; None, with one problem, if one of them is bad."""
    found: list[Numbered] = []
    for record in records:
        try:
            line = parse_record(record, reading.words)
        except LineError as error:
            reading.tell(Problem(each.number, reading.mapping.column(error.field), error.reason))
            return None
        if line.event.at > reading.now:
            reading.tell(Problem(each.number, "", f"{to_text(line.event.at)} lies in the future"))
            return None
        if reading.until is None or line.event.at <= reading.until:
            found.append((each.number, line))
    return found
