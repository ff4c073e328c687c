"""What a run does with the tickets whose next instant has come."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from slactl.clock import to_text
from slactl.desk.check import Report
from slactl.desk.escalation import Action, Cause, fire, record_only
from slactl.desk.ledger import Entry, Ledger
from slactl.sla.history import ActorType, Event, EventType, Target
from slactl.sla.ladders import Firing, due_levels
from slactl.store.events import BREACH
from slactl.store.words import Outcome

#: When a ticket that failed is tried again.
RETRY = timedelta(hours=1)


def work_batch(book: Ledger, numbers: Sequence[int], report: Report, baseline: bool) -> None:
    """Record breaches and fire what is due for some tickets; one that fails is taken back and tried later."""
    book.load(numbers)
    for number in numbers:
        report.scanned += 1
        mark = book.mark()
        try:
            breached = note_breaches(book, number)
            firings = fire_due(book, number, report.run_id, baseline)
            book.tell_once(mark)
        except Exception as error:  # one broken ticket must not keep the others waiting
            book.take_back(number, mark)
            book.postpone(number, book.now + RETRY)
            report.failed += 1
            report.problems.append(f"ticket {number}: {type(error).__name__}: {error}")
            continue
        report.breached += breached
        report.firings += firings
        report.outcomes.update(firing["outcome"] for firing in firings)


def note_breaches(book: Ledger, number: int) -> int:
    """Record the breaches of a ticket that nobody noticed yet; returns how many."""
    found = 0
    for timer in book.state(number).timers:
        if not isinstance(timer.kind, Target) or timer.breached_at is None:
            continue
        if book.is_detected(number, timer.kind.value, timer.cycle):
            continue
        book.detect(number, timer.kind.value, timer.cycle)
        detail = {"target": timer.kind.value, "cycle": timer.cycle, "due_at": to_text(timer.breached_at)}
        noticed = Event(book.now, EventType.NOTE, detail, "slactl", ActorType.SYSTEM)
        book.append(number, Entry(noticed, action=BREACH))
        found += 1
    return found


def fire_due(book: Ledger, number: int, run_id: int | None, baseline: bool) -> list[dict[str, Any]]:
    """Fire each level of a ticket that is due and was not decided yet, in the order in which they fell due.

    A level can change what the next one asks for (`when`), so the rest is judged anew after each.
    """
    records: list[dict[str, Any]] = []
    while due := due_levels(book.state(number), book.rulebook.current, book.now, book.fired(number)):
        record = _decide(book, number, due[0], run_id, baseline)
        records.append(record)
    return records


def _decide(book: Ledger, number: int, firing: Firing, run_id: int | None, baseline: bool) -> dict[str, Any]:
    outcome = Outcome(firing.outcome)
    if baseline or book.rulebook.is_new(firing.escalation, firing.level, firing.due_at):
        outcome = Outcome.BASELINE
    cause = Cause(
        reason=firing.reason,
        fired_at=book.now,
        actor="slactl",
        actor_type=ActorType.SYSTEM,
        key=firing.key,
        due_at=firing.due_at,
        outcome=outcome,
        warning=firing.warning,
        run_id=run_id,
    )
    if outcome is not Outcome.FIRED:
        return record_only(book, number, cause)
    escalation, level = book.rulebook.level(firing.escalation, firing.level)
    return fire(book, number, Action.of(level, escalation.fallback), cause)
