"""Fire an escalation: one function for due levels and for escalations by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slactl.clock import to_text
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.desk.oncall.duty import Duty, Holder, Told
from slactl.sla.enums import ActorType, EventType, LevelOutcome, Priority, Status
from slactl.sla.escalation.levels import FiringKey
from slactl.sla.history.event import Event
from slactl.sla.history.readers import MOST_TAGS
from slactl.sla.rules.model import Level
from slactl.sla.timers.timer import Evaluation


@dataclass(frozen=True, slots=True)
class Action:
    """The changes that an escalation makes to a ticket: new values, so that a second time changes nothing."""

    priority: Priority | None = None
    assign: str | None = None
    status: Status | None = None
    note: str | None = None
    tags: Sequence[str] = ()
    notify: Sequence[str] = ()
    fallback: str | None = None

    @classmethod
    def of(cls, level: Level, fallback: str | None) -> "Action":
        """Return the action of a level."""
        recipients = tuple(level.notify)
        return cls(level.priority, level.assign, level.status, level.note, tuple(level.tag), recipients, fallback)


@dataclass(frozen=True, slots=True)
class Cause:
    """The cause of an escalation: a person's reason, or a level that became due."""

    reason: str
    fired_at: datetime
    actor: str
    actor_type: ActorType
    key: FiringKey | None = None
    due_at: datetime | None = None
    outcome: LevelOutcome = LevelOutcome.FIRED
    warning: bool = False
    run_id: int | None = None


def fire(book: Ledger, number: int, action: Action, cause: Cause) -> dict[str, Any]:
    """Fire an escalation within the ledger's transaction; return its record.

    1. Append the escalation's own event to the history; the event names the fallback if only it gets a message.
    2. Append the changes of priority, assignee, status and tags and the note as slactl's own acts, so that none of them
       moves a deadline.
    3. Add the row of the escalation and a message for each recipient.
    """
    state = book.state(number)
    duty = Duty.of(book, cause.fired_at)
    to_priority, holder = _changes(action, state, duty)
    to_assignee = holder.person
    book.picks += [to_assignee] if to_assignee is not None else []
    detail: dict[str, Any] = {"reason": cause.reason}
    if cause.key is not None:
        detail |= cause.key._asdict() | {"warning": cause.warning, "outcome": cause.outcome.value}
    told, fallback = _recipients(action, state, holder, duty)
    detail |= {"fallback": fallback} if fallback is not None else {}
    detail |= told.stand_ins
    left_out = _tags(action, state)[1]
    detail |= {"left_out": left_out} if left_out else {}
    detail |= {"status": action.status.value} if action.status not in (None, state.status) else {}
    event = Event(cause.fired_at, EventType.ESCALATED, detail, cause.actor, cause.actor_type)
    event_id = book.append(number, Entry(event))
    for entry in _consequences(action, state, to_priority, holder, cause.fired_at):
        book.append(number, entry)
    row = _row(cause, state, to_priority, to_assignee) | {"event_id": event_id}
    return book.fire(number, cause.key, row, told.names, warning=cause.warning) | {
        "fallback": fallback,
        "left_out": left_out,
        "told": told.names,
    }


def has_effect(action: Action, state: Evaluation, duty: Duty) -> bool:
    """Return whether an action would change a ticket or notify somebody."""
    priority, holder = _changes(action, state, duty)
    told = _recipients(action, state, holder, duty)[0]
    return any((priority, holder.person, action.note, _tags(action, state)[0], *told.names))


def record_only(book: Ledger, number: int, cause: Cause) -> dict[str, Any]:
    """Record a due level that does not fire (expired, skipped, baseline); nobody gets a message."""
    assert cause.key is not None
    row = _row(cause, book.state(number), None, None) | {"event_id": None}
    return book.fire(number, cause.key, row, ()) | {"fallback": None, "left_out": [], "told": []}


def _changes(action: Action, state: Evaluation, duty: Duty) -> tuple[Priority | None, Holder]:
    """Return the new priority and the new assignee of a ticket; None if the action changes nothing."""
    raised = action.priority if action.priority and action.priority.rank > state.priority.rank else None
    wanted = duty.assignee(action.assign) if action.assign else Holder(None)
    if wanted.person is None or wanted.person == state.assignee:
        return raised, Holder(None)
    return raised, wanted


def _consequences(
    action: Action, state: Evaluation, priority: Priority | None, holder: Holder, at: datetime
) -> list[Entry]:
    """Return the changes of the ticket, as slactl's own acts."""

    def entry(kind: EventType, detail: Mapping[str, object], texts: Mapping[str, str] | None = None) -> Entry:
        return Entry(Event(at, kind, detail, "slactl", ActorType.SYSTEM), texts or {})

    entries: list[Entry] = []
    if priority is not None:
        entries.append(entry(EventType.PRIORITY, {"priority": priority.value, "from": state.priority.value}))
    if holder.person is not None:
        instead_of = {"instead_of": holder.instead_of} if holder.instead_of is not None else {}
        detail = {"assignee": holder.person, "from": state.assignee, **instead_of}
        entries.append(entry(EventType.ASSIGNED, detail))
    if action.status not in (None, state.status):
        entries.append(entry(EventType.STATUS, {"status": action.status.value, "from": state.status.value}))
    added = _tags(action, state)[0]
    if added:
        entries.append(entry(EventType.TAGS, {"tags": [*state.tags, *added], "added": added}))
    if action.note:
        entries.append(entry(EventType.NOTE, {}, {"body": action.note}))
    return entries


def _tags(action: Action, state: Evaluation) -> tuple[list[str], list[str]]:
    """Return the tags that an action adds, and those that it leaves out because the ticket would have too many."""
    new = [tag for tag in dict.fromkeys(action.tags) if tag not in state.tags]
    room = max(0, MOST_TAGS - len(state.tags))
    return new[:room], new[room:]


def _row(cause: Cause, state: Evaluation, priority: Priority | None, assignee: str | None) -> dict[str, Any]:
    return {
        "source": "automatic" if cause.actor_type is ActorType.SYSTEM else "manual",
        "reason": cause.reason,
        "due_at": to_text(cause.due_at) if cause.due_at is not None else None,
        "fired_at": to_text(cause.fired_at),
        "outcome": cause.outcome.value,
        "actor": cause.actor,
        "from_priority": state.priority.value,
        "to_priority": (priority or state.priority).value,
        "from_assignee": state.assignee,
        "to_assignee": assignee or state.assignee,
        "run_id": cause.run_id,
    }


def _recipients(action: Action, state: Evaluation, new: Holder, duty: Duty) -> tuple[Told, str | None]:
    """Return the recipients, if a ticket gets a `new` assignee; and the fallback role if only it gets a message."""
    found = Told.of(duty.rules, duty.told(action.notify, state.assignee, new))
    if not found.names and action.notify and action.fallback:
        return Told.of(duty.rules, duty.recipients(action.fallback)), action.fallback
    return found, None
