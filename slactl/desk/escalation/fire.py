"""Fire an escalation: one function for due levels and for escalations by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from slactl.clock import to_text
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.desk.oncall.duty import Duty, Holder, Told
from slactl.sla.enums import ActorType, Condition, EventType, LevelOutcome, Priority, Status, Target
from slactl.sla.escalation.levels import FiringKey
from slactl.sla.history.event import Event
from slactl.sla.history.readers import MOST_TAGS, SUBJECT_LENGTH
from slactl.sla.rules.model import Level
from slactl.sla.timers.timer import Evaluation
from slactl.text import NOBODY


@dataclass(frozen=True, slots=True)
class Action:
    """The changes that an escalation makes to a ticket: new values, so that a second time changes nothing."""

    #: Whether the customer may be one of the recipients; slactl sends customers nothing else (`tells_customers`).
    customers: bool = field(default=False, kw_only=True)
    priority: Priority | None = None
    assign: str | None = None
    status: Status | None = None
    note: str | None = None
    tags: Sequence[str] = ()
    notify: Sequence[str] = ()
    fallback: str | None = None
    #: Whether anybody is told, also where nobody gets the ticket.
    tells: bool = True

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


class _Changes(NamedTuple):
    """Hold the new priority and the new assignee of a ticket; None if an action changes nothing.

    `is_unfilled` says that the action assigns the ticket, and nobody is there who could get it.
    """

    priority: Priority | None
    holder: Holder
    is_unfilled: bool = False


class _Reached(NamedTuple):
    """Hold who gets the messages, the fallback if it gets one, and why nobody is there whom the action means."""

    told: Told
    fallback: str | None = None
    unreached: Sequence[str] = ()


def fire(book: Ledger, number: int, action: Action, cause: Cause) -> dict[str, Any]:
    """Fire an escalation within the ledger's transaction; return its record.

    1. Append the escalation's own event to the history; it names the fallback if that gets a message, and says why
       nobody does.
    2. Append the changes of priority, assignee, status and tags and the note as slactl's own acts, so that none of them
       moves a deadline.
    3. Add the row of the escalation and a message for each recipient; a message that reaches nobody is printed.
    """
    state = book.state(number)
    action = replace(action, customers=tells_customers(cause.key, state, cause.fired_at))
    duty = Duty.of(book, cause.fired_at)
    changes = _changes(action, state, duty)
    to_assignee = changes.holder.person
    book.picks += [to_assignee] if to_assignee is not None else []
    detail: dict[str, Any] = {"reason": cause.reason}
    if cause.key is not None:
        detail |= cause.key._asdict() | {"warning": cause.warning, "outcome": cause.outcome.value}
    told, fallback, unreached = _recipients(action, state, changes, duty, until=cause.actor_type is ActorType.USER)
    detail |= {"fallback": fallback} if fallback is not None else {}
    detail |= {"unreached": "; ".join(unreached)[:SUBJECT_LENGTH]} if NOBODY in told.names else {}
    detail |= told.stand_ins
    added, left_out = _tags(action, state)
    detail |= {"left_out": left_out} if left_out else {}
    to_status = _status(action, state)
    detail |= {"status": to_status.value} if to_status is not None else {}
    event = Event(cause.fired_at, EventType.ESCALATED, detail, cause.actor, cause.actor_type)
    event_id = book.append(number, Entry(event))
    for entry in _consequences(action, state, changes, cause.fired_at):
        book.append(number, entry)
    row = _row(cause, state, changes.priority, to_assignee) | {"event_id": event_id}
    return book.fire(number, cause.key, row, told.names, warning=cause.warning) | {
        "fallback": fallback,
        "left_out": left_out,
        "told": [name for name in told.names if name != NOBODY],
        "unreached": list(unreached),
        "reaches_nobody": NOBODY in told.names,
        **_done(state, to_status, added, action.note),
    }


def has_effect(action: Action, state: Evaluation, duty: Duty) -> bool:
    """Return whether an action would change a ticket or notify somebody."""
    changes = _changes(action, state, duty)
    reached = _recipients(action, state, changes, duty)
    own = changes.priority, changes.holder.person, _status(action, state), action.note, _tags(action, state)[0]
    return any(own) or not reached.told.reaches_nobody


def tells_customers(key: FiringKey | None, state: Evaluation, at: datetime) -> bool:
    """Return whether the messages of a level may go to the customer.

    They do while slactl waits for the customer's answer, and after a missed deadline.
    """
    if key is None or key.kind == Condition.WAITING:
        return key is not None
    timers = (timer for timer in state.timers if (timer.kind, timer.cycle) == (key.kind, key.cycle))
    return any(isinstance(each.kind, Target) and each.due_at is not None and each.due_at < at for each in timers)


def record_only(book: Ledger, number: int, cause: Cause) -> dict[str, Any]:
    """Record a due level that does not fire (expired, skipped, baseline); nobody gets a message."""
    assert cause.key is not None
    state = book.state(number)
    row = _row(cause, state, None, None) | {"event_id": None}
    nothing: dict[str, Any] = {"fallback": None, "left_out": [], "told": [], "unreached": [], "reaches_nobody": False}
    return book.fire(number, cause.key, row, ()) | nothing | _done(state, None, [], None)


def _done(state: Evaluation, to_status: Status | None, added: Sequence[str], note: str | None) -> dict[str, Any]:
    """Return what a record says of the changes of a ticket that its row does not hold."""
    return {
        "from_status": state.status.value,
        "to_status": (to_status or state.status).value,
        "tags": list(added),
        "note": note,
    }


def _status(action: Action, state: Evaluation) -> Status | None:
    """Return the new status of a ticket; None if the action does not change it."""
    return action.status if action.status is not state.status else None


def _changes(action: Action, state: Evaluation, duty: Duty) -> _Changes:
    raised = action.priority if action.priority and action.priority.rank > state.priority.rank else None
    wanted = duty.assignee(action.assign) if action.assign else Holder(None)
    if wanted.person is None or wanted.person == state.assignee:
        return _Changes(raised, Holder(None), is_unfilled=bool(action.assign) and wanted.person is None)
    return _Changes(raised, wanted)


def _consequences(action: Action, state: Evaluation, changes: _Changes, at: datetime) -> list[Entry]:
    """Return the changes of the ticket, as slactl's own acts."""

    def entry(kind: EventType, detail: Mapping[str, object], texts: Mapping[str, str] | None = None) -> Entry:
        return Entry(Event(at, kind, detail, "slactl", ActorType.SYSTEM), texts or {})

    entries: list[Entry] = []
    priority, holder, _ = changes
    if priority is not None:
        entries.append(entry(EventType.PRIORITY, {"priority": priority.value, "from": state.priority.value}))
    if holder.person is not None:
        instead_of = {"instead_of": holder.instead_of} if holder.instead_of is not None else {}
        detail = {"assignee": holder.person, "from": state.assignee, **instead_of}
        entries.append(entry(EventType.ASSIGNED, detail))
    if (status := _status(action, state)) is not None:
        entries.append(entry(EventType.STATUS, {"status": status.value, "from": state.status.value}))
    added = _tags(action, state)[0]
    if added:
        entries.append(entry(EventType.TAGS, {"tags": [*state.tags, *added], "added": added}))
    if action.note:
        entries.append(entry(EventType.NOTE, {}, {"body": action.note}))
    return entries


def _tags(action: Action, state: Evaluation) -> tuple[list[str], list[str]]:
    """Return the tags that an action adds, and those that it leaves out because the ticket would have too many."""
    if not action.tags:
        return [], []
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


def _recipients(action: Action, state: Evaluation, changes: _Changes, duty: Duty, *, until: bool = False) -> _Reached:
    """Return who gets the messages about a ticket.

    The fallback does where `notify` or `assign` finds nobody; where it finds nobody too, the message goes to nobody.
    """
    if not action.tells:
        return _Reached(Told([], {}))
    told = duty.told(action.notify, state.assignee, changes.holder, customers=action.customers)
    found = Told.of(duty.rules, told)
    why = [duty.why_nobody(str(action.assign), until=until)] if changes.is_unfilled else []
    if not found.names:
        meant = duty.meant(state.assignee, changes.holder, customers=action.customers)
        why += [_why(word, meant.get(word, word), duty, until=until) for word in action.notify]
    if not why:
        return _Reached(found)
    if action.fallback is None:
        return _Reached(found.or_nobody(), None, why)
    told += duty.recipients(action.fallback)
    found = Told.of(duty.rules, told)
    why += [duty.why_nobody(action.fallback, until=until)] if not found.names else []
    return _Reached(found.or_nobody(), action.fallback, list(dict.fromkeys(why)))


#: Why a word in `notify` means nobody.
_WITHOUT = {
    "assignee": "the ticket has no assignee",
    "previous_assignee": "the ticket has no previous assignee",
    "requester": "settings.customer_mail is not set",
}


def _why(word: str, name: str | None, duty: Duty, *, until: bool) -> str:
    """Return why a word in `notify`, which means a name, reaches nobody."""
    if name is None and word == "requester" and duty.rules.settings.customer_mail is not None:
        return "customers are told only of a missed deadline, and that we wait for them"
    return _WITHOUT[word] if name is None else duty.why_nobody(name, until=until)
