"""Exporting histories: every event with its actor and instants, what persons wrote, and the escalations."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from slactl.clock import from_text
from slactl.sla.history import ActorType, Event, EventType
from slactl.sla.history_file import to_record
from slactl.store import reads
from slactl.store.events import BREACH, DEADLINES, from_row

#: What a database knows of a created event that another database computes itself.
_OWN = ("rules", "external_id")


def export_lines(connection: sqlite3.Connection) -> Iterator[str]:
    """Every event of every ticket as lines of the history format, ticket after ticket, in the order of time."""
    for number, name in reads.names(connection):
        for record in _records(connection, number, name):
            yield json.dumps(record, ensure_ascii=False, separators=(", ", ": "))


def _records(connection: sqlite3.Connection, number: int, name: str) -> Iterator[dict[str, Any]]:
    texts = reads.texts(connection, number)
    decided = reads.decisions(connection, number)
    fired = {row["event_id"]: row for row in decided if row["event_id"] is not None}
    rows = [(row["at"], 0, row["id"], row) for row in reads.event_rows(connection, number)]
    rows += [(row["fired_at"], 1, row["id"], row) for row in decided if row["event_id"] is None]
    for _, silent, key, row in sorted(rows, key=lambda each: each[:3]):
        written = {} if silent else texts.get(key, {})
        event = _silent(row) if silent else _event(row | {"actor": written.get("actor", row["actor"])}, fired)
        if event is None:
            continue
        yield to_record(name, event, written, None if silent else row["recorded_at"])


def _event(row: dict[str, Any], fired: dict[int, dict[str, Any]]) -> Event | None:
    noted = {BREACH: EventType.BREACHED, DEADLINES: EventType.DEADLINES}.get(row["action"])
    event = from_row(row["at"], row["actor"], row["actor_type"], row["action"], row["detail"])
    if event is None:
        if noted is None:
            return None
        detail = json.loads(row["detail"])
        return Event(from_text(row["at"]), noted, detail, row["actor"], ActorType(row["actor_type"]))
    if event.type is EventType.RULES_APPLIED:
        return None
    detail = {field: value for field, value in event.detail.items() if field not in _OWN}
    if row["id"] in fired:
        detail |= _columns(fired[row["id"]])
    return Event(event.at, event.type, detail, event.actor, event.actor_type)


def _silent(row: dict[str, Any]) -> Event:
    detail = _columns(row) | {"warning": False}
    by = ActorType.SYSTEM if row["source"] == "automatic" else ActorType.USER
    return Event(from_text(row["fired_at"]), EventType.ESCALATED, detail, row["actor"], by)


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    names = ("reason", "due_at", "from_priority", "to_priority", "from_assignee", "to_assignee")
    key = ("kind", "cycle", "escalation", "level", "arming", "repeat", "outcome") if row["kind"] is not None else ()
    return {name: row[name] for name in (*names, *key) if row[name] is not None}
