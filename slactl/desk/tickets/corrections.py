"""Require a reason for a backdated change that removes a recorded breach, and record the correction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from slactl.clock import to_text
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.errors import RefusedError
from slactl.sla.enums import EventType, Target
from slactl.sla.escalation.renumbering import BreachKey
from slactl.sla.history.event import Event
from slactl.sla.history.fields import FIELDS
from slactl.sla.timers.timer import Timer
from slactl.store.schema.events import CORRECTION


def noted_breaches(book: Ledger, number: int) -> list[Timer]:
    """Return the timers of a ticket that missed their deadline, and whose breach slactl has recorded."""
    return [
        timer
        for timer in book.state(number).timers
        if isinstance(timer.kind, Target)
        and timer.breaches
        and book.is_detected(number, BreachKey(timer.kind.value, timer.cycle, timer.breaches[0].agreement))
    ]


def refuse_silence(number: int, at: datetime, noted: Sequence[Timer], reason: str | None) -> None:
    """Refuse a change without a reason if its instant is not after a recorded breach.

    Raises:
        RefusedError: there is such a breach, and no reason.
    """
    for timer in noted:
        if reason is None and timer.breached_at is not None and at <= timer.breached_at:
            missed = f"{timer.kind.value.replace('_', ' ')} was overdue at {to_text(timer.breached_at)}"
            what = f"ticket {number}: {missed}, and slactl recorded this; --at before that time needs --reason"
            raise RefusedError(what, f"slactl history {number}")


def with_reason(entries: Sequence[Entry], reason: str | None) -> list[Entry]:
    """Return the entries; each event that may hold a reason gets the reason of the change."""
    return [
        replace(entry, event=replace(entry.event, detail={"reason": reason, **entry.event.detail}))
        if reason is not None and "reason" in FIELDS[entry.event.type]
        else entry
        for entry in entries
    ]


def note_corrections(
    book: Ledger, number: int, noted: Sequence[Timer], reason: str | None, brought: Sequence[Event] = ()
) -> int:
    """Record a correction for each breach that the history does not contain any more; return their number.

    If the events `brought` from another database contain a correction, it is not recorded again.
    """
    if not noted:
        return 0
    late = [timer for timer in book.state(number).timers if timer.breached_at is not None]
    count = 0
    for before in noted:
        if any(
            timer.kind is before.kind and (timer.cycle == before.cycle or timer.breached_at == before.breached_at)
            for timer in late
        ):
            continue
        assert before.breached_at is not None
        detail = {"target": before.kind.value, "cycle": before.cycle, "due_at": to_text(before.breached_at)}
        why = {"reason": reason} if reason is not None else {}
        event = Event(book.now, EventType.CORRECTED, detail | why)
        if all((known.type, known.value) != (event.type, event.value) for known in brought):
            book.append(number, Entry(event, action=CORRECTION))
        count += 1
    return count
