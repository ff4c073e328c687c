"""Appending imported events to the history of a ticket, without those that are known."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from slactl.clock import to_text
from slactl.desk.ledger import Entry, Ledger
from slactl.sla.cycles import missed_cycle
from slactl.sla.enums import EventType, LevelOutcome, Priority, Status
from slactl.sla.history import Event
from slactl.sla.history_file import Line
from slactl.sla.ladders import FiringKey
from slactl.store.events import BREACH, DEADLINES
from slactl.store.writes import Identities

#: What the event of an escalation has itself; the rest stands in the escalation's row.
EVENT_FIELDS = (
    *("reason", "kind", "cycle", "escalation", "level", "arming", "repeat", "warning"),
    *("outcome", "fallback", "left_out"),
    "unix_user",
)


def append_events(book: Ledger, number: int, lines: Sequence[Line], known: Identities) -> int:
    """Append the lines beyond those known, which are in order of time; returns how many."""
    status, appended = _status_before(book, number, lines), list[Event]()
    # Judged once: a history may have thousands of escalations.
    priority = book.state(number).priority if any(line.event.type is EventType.ESCALATED for line in lines) else None
    for line in lines:
        event = line.event
        if event.type is EventType.PRIORITY:
            priority = Priority(event.detail["priority"])
        key = (to_text(event.at), event.type.value, event.value)
        if known[key] > 0:
            known[key] -= 1
        elif event.type is not EventType.CREATED:
            if event.type is EventType.STATUS:
                event = replace(event, detail={**event.detail, "from": status.value})
            appended += [event] if _append(book, number, replace(line, event=event), priority) else []
        status = Status(line.event.detail.get("status") or status)
    _detect(book, number, [event for event in appended if event.type is EventType.BREACHED])
    return len(appended)


def _detect(book: Ledger, number: int, noticed: Sequence[Event]) -> None:
    """Note which breaches were noticed elsewhere, and when; of a deadline that moved since, it is noticed anew."""
    for event in noticed:
        target = str(event.detail.get("target"))
        cycle = missed_cycle(book.state(number), target, event.detail.get("due_at"))
        if cycle is not None:
            book.detect(number, target, cycle, event.at)


def _status_before(book: Ledger, number: int, lines: Sequence[Line]) -> Status:
    """The status that the first of the lines found."""
    if not lines or lines[0].event.type is EventType.CREATED:
        return Status.OPEN
    opened = book.state(number).created_at
    return book.state_at(number, max(opened, lines[0].event.at - timedelta(seconds=1))).status


def _append(book: Ledger, number: int, line: Line, priority: Priority | None) -> bool:
    """Append one event; whether it was."""
    event = line.event
    entry = Entry(event, line.texts, recorded_at=line.recorded_at)
    if event.type is EventType.BREACHED:
        book.append(number, replace(entry, action=BREACH))
    elif event.type is EventType.DEADLINES:
        book.append(number, replace(entry, action=DEADLINES))
    elif event.type is EventType.ESCALATED:
        return _append_escalation(book, number, entry, priority)
    elif event.type is EventType.RULES_APPLIED:
        version = book.rulebook.known(event.detail.get("rules"))
        if version is None or version.id is None:
            return False
        book.append(number, entry)
        book.pin(number, version.id)
    else:
        book.append(number, entry)
    return True


def _append_escalation(book: Ledger, number: int, entry: Entry, priority: Priority | None) -> bool:
    """An escalation of another database is on the record here too, so that nothing of it fires again."""
    event, detail = entry.event, dict(entry.event.detail)
    outcome = LevelOutcome(detail.get("outcome") or LevelOutcome.FIRED)
    is_level = all(detail.get(name) for name in ("kind", "escalation", "level"))
    place: dict[str, Any] = {name: detail.get(name) or 0 for name in FiringKey._fields}
    key = FiringKey(**place) if is_level else None
    if key is not None and event.by_system and key in book.fired(number):
        return False
    row = {
        "source": "automatic" if event.by_system and key is not None else "manual",
        "reason": detail.get("reason") or "escalated",
        "due_at": detail.get("due_at"),
        "fired_at": to_text(event.at),
        "outcome": outcome.value,
        "actor": event.actor or book.actor,
        "from_priority": detail.get("from_priority") or priority,
        "to_priority": detail.get("to_priority") or priority,
        "from_assignee": detail.get("from_assignee"),
        "to_assignee": detail.get("to_assignee"),
        "run_id": None,
    }
    event_id = None
    if outcome is LevelOutcome.FIRED:
        told = {name: detail[name] for name in EVENT_FIELDS if name in detail}
        event_id = book.append(number, replace(entry, event=replace(event, detail=told)))
    book.fire(number, key, row | {"event_id": event_id}, ())
    return True
