"""Append imported events to the history of a ticket, except those that it has already."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from slactl.clock import from_text, to_text
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.desk.tickets.input import place_of
from slactl.sla.enums import EventType, LevelOutcome, Priority, Status
from slactl.sla.escalation.levels import FiringKey
from slactl.sla.escalation.renumbering import BreachKey, missed_cycle
from slactl.sla.history.event import Event
from slactl.sla.history.file import Line
from slactl.store.read.events import Identities
from slactl.store.schema.events import DEADLINES, NOTED

#: The fields of an escalation's event; the others are columns of the escalation's row.
EVENT_FIELDS = (
    *("reason", "kind", "cycle", "escalation", "level", "arming", "repeat", "warning"),
    *("outcome", "fallback", "left_out", "stand_ins"),
    "unix_user",
)


def append_events(
    book: Ledger, number: int, lines: Sequence[Line], known: Identities, status: Status | None = None
) -> int:
    """Append the lines, in order of time, that are not known yet; return how many events were appended.

    `status` is that before the first line, where the caller knows it.
    """
    if status is None:
        changes_status = any(line.event.type is EventType.STATUS for line in lines)
        status = status_before(book, number, lines) if changes_status else Status.OPEN
    until, appended = None, list[Event]()
    # Evaluated once: a history may have thousands of escalations.
    priority = book.state(number).priority if any(line.event.type is EventType.ESCALATED for line in lines) else None
    for line in lines:
        event = line.event
        if until is not None and from_text(until) <= event.at and not event.detail.get("by_itself"):
            status, until = Status.OPEN, None
        if event.type is EventType.PRIORITY:
            priority = Priority(event.detail["priority"])
        key = (to_text(event.at), event.type.value, event.value)
        if known[key] > 0:
            known[key] -= 1
        elif event.type is not EventType.CREATED:
            if event.type is EventType.STATUS:
                event = replace(event, detail={**event.detail, "from": status.value})
            appended += [event] if _append(book, number, replace(line, event=event), priority) else []
        if line.event.type is EventType.STATUS:
            until = line.event.detail.get("until")
        status = Status(line.event.detail.get("status") or status)
    breaches = [event for event in appended if event.type is EventType.BREACHED]
    for each in breaches:
        target = str(each.detail.get("target"))
        missed = missed_cycle(book.state(number), target, each.detail.get("due_at"))
        if missed is not None:
            book.detect(number, BreachKey(target, *missed), each.at)
    return len(appended)


def append_new(book: Ledger, number: int, lines: Sequence[Line], known: Identities | None) -> int:
    """Append the lines that are not known yet; without `known` all are new, and may lie between known events."""
    if known is not None:
        return append_events(book, number, lines, known)
    return sum(append_events(book, number, [line], Identities()) for line in lines)


def adopt(book: Ledger, number: int, source: str | None) -> int:
    """Let a ticket belong to a source, if one is given; return how many events were appended."""
    if source is not None:
        book.append(number, Entry(Event(book.instant(number), EventType.EDITED, {"adopted_by": source})))
    return int(source is not None)


def status_before(book: Ledger, number: int, lines: Sequence[Line]) -> Status:
    """Return the status of the ticket just before the first of the lines."""
    if not lines or lines[0].event.type is EventType.CREATED:
        return Status.OPEN
    opened = book.state(number).created_at
    return book.state_at(number, max(opened, lines[0].event.at - timedelta(seconds=1))).status


def _append(book: Ledger, number: int, line: Line, priority: Priority | None) -> bool:
    """Append one event; return whether it was appended."""
    event = line.event
    entry = Entry(event, line.texts, recorded_at=line.recorded_at, message_id=line.message_id)
    noted = next((action for action, kind in NOTED.items() if kind is event.type), None)
    if noted is not None:
        book.append(number, replace(entry, action=noted))
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
    elif event.type is EventType.TENANT and not {"timezone", "country"} & event.detail.keys():
        book.append(number, replace(entry, event=_placed(book, number, event)))
    else:
        book.append(number, entry)
    return True


def _placed(book: Ledger, number: int, event: Event) -> Event:
    """Return a change of the tenant with the zone and country of the new one, unless nothing is known about it.

    A ticket that leaves a tenant loses the tenant's zone; one without a known tenant keeps what its history says.
    """
    name, before = event.detail["tenant"], book.state(number).tenant
    tenant, left = (book.tenant(each) if each is not None else None for each in (name, before))
    is_known = tenant is not None or (name is None and left is not None)
    return replace(event, detail={**event.detail, **place_of(tenant)}) if is_known else event


def _append_escalation(book: Ledger, number: int, entry: Entry, priority: Priority | None) -> bool:
    """Append an escalation of another database, so that its level does not fire again; return whether it was new."""
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
        recorded = {name: detail[name] for name in EVENT_FIELDS if name in detail}
        event_id = book.append(number, replace(entry, event=replace(event, detail=recorded)))
    book.fire(number, key, row | {"event_id": event_id}, ())
    return True
