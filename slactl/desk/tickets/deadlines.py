"""The open deadlines of a ticket, and their note in the audit trail."""

from datetime import datetime

from slactl.clock import to_text
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.sla.enums import ActorType, EventType, Target
from slactl.sla.history.event import Event
from slactl.sla.timers.timer import Evaluation
from slactl.store.schema.events import DEADLINES


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


def late_warnings(number: int, state: Evaluation) -> list[str]:
    """Return a warning for each open target that was late when its terms changed, and so kept its old ones."""
    policy, priority = state.terms.policy, state.terms.priority
    warnings = []
    for timer in state.timers:
        if not isinstance(timer.kind, Target) or timer.stopped_at is not None or not timer.breaches:
            continue
        wanted = policy.target(priority, timer.kind) if policy is not None else None
        if timer.manual or timer.terms is state.terms or wanted == timer.target_duration:
            continue
        name, agreed = timer.kind.value, f"the {timer.kind.value.replace('_', ' ')} of ticket {number} stays late"
        command = f"slactl due {number} --target {name} --at 'in {wanted or '1d'}' --reason 'agreed anew'"
        warnings.append(f"{agreed}: a change moves no missed deadline; to agree on a new one: {command}")
    return warnings
