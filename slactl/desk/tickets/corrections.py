"""Require a reason for a backdated change that removes a recorded breach, and record the correction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from slactl.clock import to_text
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.display_zone import describe
from slactl.errors import RefusedError
from slactl.sla.enums import EventType, Target
from slactl.sla.escalation.renumbering import BreachKey
from slactl.sla.history.event import Event
from slactl.store.schema.events import CORRECTION


class NotedBreach(NamedTuple):
    """Hold a breach that slactl has recorded: its key, and the deadline that was missed."""

    key: BreachKey
    at: datetime


def noted_breaches(book: Ledger, number: int) -> list[NotedBreach]:
    """Return the breaches of a ticket that slactl has recorded, under every agreement."""
    return [noted for noted in _breaches(book, number) if book.is_detected(number, noted.key)]


def _breaches(book: Ledger, number: int) -> list[NotedBreach]:
    return [
        NotedBreach(BreachKey(timer.kind.value, timer.cycle, breach.agreement), breach.at)
        for timer in book.state(number).timers
        if isinstance(timer.kind, Target)
        for breach in timer.breaches
    ]


def refuse_silence(number: int, at: datetime, noted: Sequence[NotedBreach], reason: str | None) -> None:
    """Refuse a change without a reason if its instant is not after a recorded breach.

    Raises:
        RefusedError: there is such a breach, and no reason.
    """
    for key, due in noted:
        if reason is None and at <= due:
            missed = f"{key.kind.replace('_', ' ')} was overdue at {describe(due)}"
            what = f"ticket {number}: {missed}, and slactl recorded this; --at before that time needs --reason"
            raise RefusedError(what, f"slactl history {number}")


def with_reason(entries: Sequence[Entry], reason: str | None) -> list[Entry]:
    """Return the entries; each event that may hold a reason gets the reason of the change."""
    if reason is None:
        return list(entries)
    from slactl.sla.history.fields import FIELDS

    return [
        replace(entry, event=replace(entry.event, detail={"reason": reason, **entry.event.detail}))
        if "reason" in FIELDS[entry.event.type]
        else entry
        for entry in entries
    ]


def note_corrections(
    book: Ledger, number: int, noted: Sequence[NotedBreach], reason: str | None, brought: Sequence[Event] = ()
) -> int:
    """Record a correction for each breach that the history does not contain any more; return their number.

    If the events `brought` from another database contain a correction, it is not recorded again.
    """
    if not noted:
        return 0
    left, count = _breaches(book, number), 0
    for key, due in noted:
        if any(one.key == key or (one.key.kind, one.at) == (key.kind, due) for one in left):
            continue
        detail = {"target": key.kind, "cycle": key.cycle, "due_at": to_text(due)}
        why = {"reason": reason} if reason is not None else {}
        event = Event(book.now, EventType.CORRECTED, detail | why)
        if all((known.type, known.value) != (event.type, event.value) for known in brought):
            book.append(number, Entry(event, action=CORRECTION))
        count += 1
    return count
