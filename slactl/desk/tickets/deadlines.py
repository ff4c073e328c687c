"""The open deadlines of a ticket, and their note in the audit trail."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from slactl.clock import to_text
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.errors import RefusedError
from slactl.sla.calendar.calendar import NoOpenHours
from slactl.sla.enums import ActorType, EventType, Target
from slactl.sla.history.event import Event
from slactl.sla.timers.pauses import instant_of, seconds_of
from slactl.sla.timers.terms import Terms
from slactl.sla.timers.timer import Evaluation, Timer
from slactl.store.schema.events import DEADLINES
from slactl.text import quoted


@contextmanager
def refusing_ended_calendars(what: str) -> Iterator[None]:
    """Refuse what needs an instant for which a calendar has too little open time left; `what` names it for people.

    Raises:
        RefusedError: a calendar has too little open time left.
    """
    try:
        yield
    except NoOpenHours as error:
        raise RefusedError(f"{what}: {error}", "slactl rules check") from error


def open_deadlines(state: Evaluation) -> dict[tuple[Target, int], datetime | None]:
    """Return the deadline of each target that runs, by target and cycle; None for one that is paused."""
    return {
        (timer.kind, timer.cycle): timer.due_at
        for timer in state.timers
        if isinstance(timer.kind, Target) and timer.stopped_at is None
    }


def note_deadlines(book: Ledger, number: int, reason: str) -> None:
    """Put the deadlines that a change led to into the audit trail, where people look for them."""
    state = book.state(number)
    due = {target.value: to_text(due_at) for (target, _), due_at in open_deadlines(state).items() if due_at is not None}
    noted = Event(
        book.now, EventType.DUE_SET, {"policy": state.policy, "because": reason, **due}, "slactl", ActorType.SYSTEM
    )
    book.append(number, Entry(noted, action=DEADLINES))


def late_warnings(number: int, before: Evaluation, state: Evaluation) -> list[str]:
    """Return a warning for each open late target that a change gave other terms, and that so kept its old terms.

    `before` is the ticket without the change.
    """
    return [
        f"the {timer.kind.value.replace('_', ' ')} of ticket {number} stays overdue: "
        f"a change does not move a missed deadline; to set a new deadline: {agreeing(number, state, timer)}"
        for timer in state.timers
        if isinstance(timer.kind, Target) and keeps_late(state, timer)
        if not _same_target(before.terms, state.terms, timer.kind)
    ]


def keeps_late(state: Evaluation, timer: Timer) -> bool:
    """Return whether a target was late when its terms changed, and so kept its old terms."""
    if not isinstance(timer.kind, Target) or timer.stopped_at is not None or not timer.breaches:
        return False
    return not timer.manual and timer.terms is not None and not _same_target(timer.terms, state.terms, timer.kind)


def _same_target(one: Terms, other: Terms, kind: Target) -> bool:
    """Return whether a target has the same duration and calendar under two terms."""
    a, b = one.calendar_of(kind), other.calendar_of(kind)
    same_hours = (a.name, a.timezone, a.hours) == (b.name, b.timezone, b.hours)
    return same_hours and one.target(kind) == other.target(kind)


def agreeing(number: int, state: Evaluation, timer: Timer) -> str:
    """Return the command that agrees on a new deadline for a late target under its current terms."""
    assert isinstance(timer.kind, Target)
    wanted, at = state.terms.target(timer.kind), "in 1d"
    if wanted is not None:
        now = seconds_of(state.now)
        with suppress(NoOpenHours):  # the calendar has ended, so a person has to choose
            due = state.terms.calendar_of(timer.kind).after(now, wanted)
            is_wall = not wanted.in_dates and due == now + wanted.seconds
            at = f"in {wanted}" if is_wall else to_text(instant_of(due))
    return f"slactl due {number} --target {timer.kind.value} --at {quoted(at)} --reason 'new agreement'"


def kept_late(number: int, state: Evaluation, timer: Timer) -> dict[str, str | None] | None:
    """Return a late target under the current terms, and the command that agrees on a new deadline.

    None if the target has the current terms.
    """
    if not keeps_late(state, timer):
        return None
    assert isinstance(timer.kind, Target)
    wanted, calendar = state.terms.target(timer.kind), state.terms.calendar_of(timer.kind)
    on = f" on calendar {calendar.name}" if wanted == timer.target_duration else ""
    return {
        "changed_at": to_text(instant_of(state.terms.chosen_at)),
        "priority": state.terms.priority.value,
        "target_time": f"{wanted}{on}" if wanted is not None else None,
        "command": agreeing(number, state, timer),
    }
