"""Compare the row of a ticket with the last one that its source sent: what differs becomes events.

A snapshot has no texts of people. In the place of each it has a salted hash, which tells whether the text changed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slactl.clock import to_text
from slactl.desk.transfer.maps import Map
from slactl.desk.transfer.row_events import (
    CHANGE_EVENTS,
    DEADLINES,
    ENDS,
    Row,
    changes_of,
    deadlines_of,
    last_instant,
    late_ends,
    messages_of,
    status_of,
    told_id,
)
from slactl.sla.enums import DONE, EventType, Priority
from slactl.sla.history.event import Event

#: The columns with a text that a person wrote.
TEXTS = ("subject", "requester_email")

#: The columns of a row that no later row is compared with.
_NOT_KEPT = ("ticket", "at", "actor", "body")

#: The columns with lists of events; a snapshot only knows whether a row had them.
_LISTS = ("messages", "changes")

#: The columns that tell events with their own instants.
_FACTS = (*_LISTS, "first_responded_at")

#: What a column means that has no value.
_EMPTY: Mapping[str, Any] = {"priority": Priority.NORMAL.value, "tags": []}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a source said last about a ticket, by column, and since when.

    `older` has the instants of the columns that only earlier rows had.
    """

    at: str
    salt: str
    digest: str
    columns: Mapping[str, Any]
    older: Mapping[str, str] = field(default_factory=dict)

    def row(self, number: int) -> dict[str, Any]:
        """Return the snapshot of a ticket as a row of the database."""
        kept = {"columns": self.columns, "older": self.older}
        texts = {name: json.dumps(each, sort_keys=True) for name, each in kept.items()}
        return {"ticket_id": number, "at": self.at, "salt": self.salt, "digest": self.digest, **texts}

    def since(self, column: str) -> str:
        """Return the instant of the row that decided a column."""
        return self.older.get(column, self.at)

    def differs(self, column: str, row: Row) -> bool:
        """Return whether a row says something new about a column; an erased text never comes back."""
        known, value = self.columns.get(column), kept_value(column, row[column], self.salt)
        return known != value and not (column in TEXTS and column in self.columns and known is None)

    def followed_by(self, row: Row, at: str, digest: str) -> "Snapshot":
        """Return the snapshot after a row of an instant; a column keeps what a newer row said about it."""
        latest = max(self.at, at)
        columns, instants = dict(self.columns), {name: self.since(name) for name in self.columns}
        for name, value in kept_columns(row, self.salt).items():
            if name not in columns or at >= instants[name]:
                is_erased = name in TEXTS and name in columns and columns[name] is None
                columns[name], instants[name] = None if is_erased else value, at
        older = {name: instant for name, instant in instants.items() if instant != latest}
        return Snapshot(latest, self.salt, digest if at >= self.at else self.digest, columns, older)


def digest_of(salt: str, text: str) -> str:
    """Return the salted hash of a text."""
    return hashlib.sha256((salt + text).encode()).hexdigest()


def first_snapshot(row: Row, at: str, salt: str, digest: str) -> Snapshot:
    """Return the snapshot of a ticket after its first row."""
    return Snapshot(at, salt, digest, kept_columns(row, salt))


def kept_columns(row: Row, salt: str) -> dict[str, Any]:
    """Return the columns of a row as a snapshot keeps them."""
    return {name: kept_value(name, value, salt) for name, value in row.items() if name not in _NOT_KEPT}


def kept_value(column: str, value: Any, salt: str) -> Any:  # noqa: ANN401  (any value of a column)
    """Return a value as a snapshot keeps it: texts hashed, tags in the order of letters, and defaults in words."""
    if column in _LISTS:
        return True
    if column in TEXTS:
        return digest_of(salt, value) if value else ""
    value = _EMPTY.get(column) if value is None else value
    return sorted(value) if column == "tags" else value


def facts_of(before: Snapshot, row: Row, at: str) -> list[dict[str, Any]]:
    """Return the events that a row tells with their own instants: its messages and its listed changes.

    Most of them are known. A newer row said whether there are others.
    """
    told = {name: value for name, value in row.items() if name not in _FACTS or at >= before.since(name)}
    told |= {name: row[name] for name in _FACTS if name in row and name not in before.columns}
    return [*messages_of(told), *changes_of(told)]


def events_since(before: Snapshot, row: Row, at: str, mapping: Map) -> Iterator[dict[str, Any]]:
    """Yield the event records for what a row says anew, at the instant of the row, or at the end that it tells."""
    last = {change["field"]: change["to"] for change in row.get("changes", ())}
    for column, kind in CHANGE_EVENTS.items():
        if column == "status":
            yield from _ends_since(before, row, at)
        elif _is_new(before, column, row, at) and (column not in last or last[column] != row[column]):
            value = _EMPTY.get(column) if row[column] is None else row[column]
            changed = _tag_changes(before, value or ()) if column == "tags" else {}
            yield event_record(row, at, kind.value, **{column: value}, **changed)
    texts = {name: row[name] for name in TEXTS if row.get(name) and _is_new(before, name, row, at)}
    if texts:
        yield event_record(row, at, EventType.EDITED.value, **texts)
    yield from _deadlines_since(before, row, at)


def _is_new(before: Snapshot, column: str, row: Row, at: str) -> bool:
    return column in row and at >= before.since(column) and before.differs(column, row)


def _tag_changes(before: Snapshot, tags: Sequence[str]) -> dict[str, list[str]]:
    """Return what the source added and removed, so that tags which people set here stay."""
    known = before.columns.get("tags") or []
    changed = {"added": [tag for tag in tags if tag not in known], "removed": [tag for tag in known if tag not in tags]}
    return {name: tags for name, tags in changed.items() if tags}


def _deadlines_since(before: Snapshot, row: Row, at: str) -> Iterator[dict[str, Any]]:
    told = {event["target"]: event for event in deadlines_of(row)}
    for column, target in DEADLINES.items():
        if _is_new(before, column, row, at):
            due = {"target": target.value, "due_at": row[column]}
            # A next response is due since the customer's message.
            instant = told[target.value]["at"] if target.value in told else at
            yield event_record(row, max(instant, at) if instant == row["created_at"] else instant, "due_set", **due)


def _ends_since(before: Snapshot, row: Row, at: str) -> Iterator[dict[str, Any]]:
    """Yield the changes of the status: a date that the last row did not have says when, else the row itself."""
    names = [name for name in ("status", *ENDS) if name in row]
    is_older = any(at < before.since(name) for name in ("status", *ENDS) if name in before.columns)
    if is_older or not any(_is_new(before, name, row, at) for name in names):
        return
    now, then = status_of(row), status_of(before.columns)
    listed = [change["to"] for change in row.get("changes", ()) if change["field"] == "status"]
    if now is None or (listed and listed[-1] == now):
        return
    if now not in DONE:
        if now != then:
            yield event_record(row, at, EventType.STATUS.value, status=now, id=told_id(now, at))
        return
    told = {(change["at"], change["to"]) for change in row.get("changes", ()) if change["field"] == "status"}
    ends = [end for end in late_ends({**row, "status": now}) if end not in told]
    known = {before.columns.get(name) for name in ENDS}
    ends = [end for end in ends if end[0] not in known]
    for instant, status in ends:
        yield event_record(row, instant, EventType.STATUS.value, status=status, id=told_id(status, instant))
    if now != then and not (ends and ends[-1][1] == now):
        # The ticket was open at the last row, so an old date of an end does not say when it was done.
        unknown = {} if then in DONE or ends else {"unknown_instant": True}
        instant = max(at, *(end[0] for end in ends)) if ends else max(at, last_instant(row))
        yield event_record(row, instant, EventType.STATUS.value, status=now, id=told_id(now, instant), **unknown)


def withdrawn_by(before: Snapshot, row: Row, at: str, events: Sequence[Event]) -> list[Event]:
    """Return those of the events that earlier rows told which a row takes back, because it has other dates.

    An end without a date keeps the one that was told: the source does not say that it was wrong. A status that an
    earlier row told is taken back if the ticket was done before it.
    """
    first = before.columns.get("first_responded_at")
    is_answered = isinstance(first, str) and _is_new(before, "first_responded_at", row, at)
    gone = [each for each in events if each.type is EventType.AGENT_REPLY and to_text(each.at) == first and is_answered]
    now, then = status_of(row), status_of(before.columns)
    dates = [name for name in ENDS if row.get(name) is not None]
    if now not in DONE or not any(_is_new(before, name, row, at) for name in dates):
        return gone
    ends = [instant for instant, _ in late_ends({**row, "status": now})]
    told = [each for each in events if each.type is EventType.STATUS] if ends else []
    after = [each for each in told if each.detail["status"] not in DONE and to_text(each.at) > ends[-1]]
    replaced = {before.columns.get(name) for name in dates} if then in DONE else set()
    for each in told:
        is_unknown = then in DONE and bool(each.detail.get("unknown_instant"))
        is_other = each.detail["status"] in DONE and to_text(each.at) not in ends
        gone += [each] if is_unknown or (is_other and (after or to_text(each.at) in replaced)) else []
    return gone + after


def event_record(row: Row, at: str, kind: str, **fields: object) -> dict[str, Any]:
    """Return an event of the ticket of a row as a record, not before the ticket was created."""
    actor = {"actor": row["actor"]} if row.get("actor") is not None else {}
    return {"ticket": row["ticket"], "at": max(at, row["created_at"]), "type": kind, **fields, **actor}
