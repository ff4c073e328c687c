"""Escalating: the one function that fires, for levels that fell due and for people alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from slactl.clock import Duration, to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.desk.tickets.changes import Change, ChangeResult, Subject, change
from slactl.desk.tickets.input import assignee_of, checked_reason
from slactl.errors import NotKnownError, RefusedError
from slactl.sla.enums import ActorType, EventType, LevelOutcome, Priority
from slactl.sla.escalation.levels import FiringKey
from slactl.sla.escalation.upcoming import ManualLevel, open_timer, up_to
from slactl.sla.history.event import Event
from slactl.sla.history.fields import MOST_TAGS
from slactl.sla.rules.model import Escalation, Level
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.timer import Evaluation
from slactl.text import RESERVED, known_or_refuse, nearest


@dataclass(frozen=True, slots=True)
class Action:
    """What an escalation does to a ticket; absolute, so that doing it twice changes nothing."""

    priority: Priority | None = None
    assign: str | None = None
    note: str | None = None
    tags: Sequence[str] = ()
    notify: Sequence[str] = ()
    fallback: str | None = None

    @classmethod
    def of(cls, level: Level, fallback: str | None) -> "Action":
        """What a level of a ladder does."""
        return cls(level.priority, level.assign, level.note, tuple(level.tag), tuple(level.notify), fallback)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why it fires: a person's reason, or a level that fell due."""

    reason: str
    fired_at: datetime
    actor: str
    actor_type: ActorType
    key: FiringKey | None = None
    due_at: datetime | None = None
    outcome: LevelOutcome = LevelOutcome.FIRED
    warning: bool = False
    run_id: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def fire(book: Ledger, number: int, action: Action, cause: Cause) -> dict[str, Any]:
    """Carry out an escalation within the ledger's transaction; returns its record.

    1. The escalation's own event goes into the history; it says so where nobody but the fallback is reached.
    2. Priority, assignee, tags and note follow as slactl's own acts, so that they move no deadline.
    3. The escalation row and a message for each recipient are written with them.
    """
    state = book.state(number)
    to_priority, to_assignee = _changes(action, state, book.rulebook.current)
    detail = {"reason": cause.reason, **cause.facts}
    if cause.key is not None:
        detail |= cause.key._asdict() | {"warning": cause.warning, "outcome": cause.outcome.value}
    recipients, fallback = _recipients(action, state, to_assignee, book.rulebook.current)
    detail |= {"fallback": fallback} if fallback is not None else {}
    left_out = _tags(action, state)[1]
    detail |= {"left_out": left_out} if left_out else {}
    event = Event(cause.fired_at, EventType.ESCALATED, detail, cause.actor, cause.actor_type)
    event_id = book.append(number, Entry(event))
    for each in _consequences(action, state, to_priority, to_assignee, cause.fired_at):
        book.append(number, each)
    row = _row(cause, state, to_priority, to_assignee) | {"event_id": event_id}
    return book.fire(number, cause.key, row, recipients, warning=cause.warning) | {
        "fallback": fallback,
        "left_out": left_out,
    }


def record_only(book: Ledger, number: int, cause: Cause) -> dict[str, Any]:
    """Record a level that fell due but does nothing any more (expired, skipped, baseline); nobody is woken."""
    assert cause.key is not None
    row = _row(cause, book.state(number), None, None) | {"event_id": None}
    return book.fire(number, cause.key, row, ()) | {"fallback": None, "left_out": []}


def escalate(
    desk: Desk,
    now: datetime,
    references: Sequence[str],
    reason: str | None,
    assign: str | None = None,
    priority: Priority | None = None,
    *,
    notify: bool = True,
    dry_run: bool = False,
) -> ChangeResult:
    """A person's escalation of some tickets; each call is a record of its own.

    Raises:
        RefusedError: the reason is missing or longer than 1,000 characters.
    """
    why = checked_reason(reason, "slactl escalate --help")
    made = _by_person(why, assign, priority, notify=notify)
    return change(desk, now, references, made, dry_run=dry_run)


def escalate_to(
    desk: Desk,
    now: datetime,
    references: Sequence[str],
    reason: str | None,
    place: tuple[str, str],
    *,
    notify: bool = True,
    dry_run: bool = False,
) -> ChangeResult:
    """Take some tickets to a level of a ladder, `place` (escalation, level), ahead of its time.

    The level does what it does when it falls due. It and those before it are decided then: no `check` repeats them.

    Raises:
        RefusedError: the reason is missing or longer than 1,000 characters.
    """
    why = checked_reason(reason, "slactl escalate --help")
    return change(desk, now, references, _to_level(why, *place, notify=notify), dry_run=dry_run)


def _to_level(reason: str, escalation_id: str, level_id: str, *, notify: bool) -> Change:
    def make(subject: Subject, book: Ledger) -> list[Entry]:
        _refuse_done(subject, "there is nothing left to escalate")
        escalation, level = _known_level(book.rulebook.current, escalation_id, level_id)
        timer = open_timer(subject.state, escalation)
        if timer is None:
            what = f"ticket {subject.number} has no open {escalation.on} that {escalation.id} could watch"
            raise RefusedError(what, f"slactl show {subject.number}")
        *before, step = up_to(timer.clock_run, escalation, level, subject.at, book.fired(subject.number))

        def cause(of: ManualLevel, outcome: LevelOutcome) -> Cause:
            due_at = of.at if outcome is LevelOutcome.EXPIRED else None
            return Cause(
                reason, subject.at, book.actor, ActorType.USER, of.key, due_at, outcome=outcome, warning=of.warning
            )

        for each in before:
            record_only(book, subject.number, cause(each, LevelOutcome.EXPIRED))
        action = Action.of(level, escalation.fallback)
        told = action if notify else replace(action, notify=(), fallback=None)
        fire(book, subject.number, told, cause(step, LevelOutcome.FIRED))
        return []

    return make


def _known_level(rules: Rules, escalation_id: str, level_id: str) -> tuple[Escalation, Level]:
    ladders = {each.id: each for each in rules.escalations}
    known_or_refuse(escalation_id, list(ladders), "escalation", "slactl rules check")
    levels = {each.id: each for each in ladders[escalation_id].levels}
    known_or_refuse(level_id, list(levels), f"level of {escalation_id}", "slactl rules check")
    return ladders[escalation_id], levels[level_id]


def acknowledge(duration: Duration | None) -> Change:
    """I have it: nothing of the ticket's ladders fires until then."""

    def make(subject: Subject, book: Ledger) -> list[Entry]:
        _refuse_done(subject, "nothing of it can fire")
        lasting = duration or book.rulebook.current.settings.ack_for
        until = subject.at + timedelta(seconds=lasting.seconds)
        return [Entry(Event(subject.at, EventType.ACKNOWLEDGED, {"until": to_text(until)}))]

    return make


def unacknowledge() -> Change:
    """I do not have it any more: its ladders go on."""

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        acked = subject.state.acked_until
        if acked is None or acked <= subject.at:
            raise RefusedError(f"ticket {subject.number} is not acknowledged", f"slactl ack {subject.number}")
        return [Entry(Event(subject.at, EventType.UNACKNOWLEDGED))]

    return make


def _by_person(reason: str, assign: str | None, priority: Priority | None, *, notify: bool) -> Change:
    def make(subject: Subject, book: Ledger) -> list[Entry]:
        _refuse_done(subject, "there is nothing left to escalate")
        rules = book.rulebook.current
        default = rules.settings.manual_escalation
        raised = priority or (default.priority if assign is None else None)
        told = tuple(default.notify) if notify else ()
        action = Action(raised, _known(assign, rules) if assign else None, notify=told)
        fire(book, subject.number, action, Cause(reason, subject.at, book.actor, ActorType.USER))
        return []

    return make


def _refuse_done(subject: Subject, what: str) -> None:
    if subject.state.status.is_done:
        raise RefusedError(
            f"ticket {subject.number} is {subject.state.status}: {what}", f"slactl reopen {subject.number}"
        )


def _known(name: str, rules: Rules) -> str:
    """Any name may be an assignee, but one that nearly names a role is taken for a slip.

    Raises:
        NotKnownError: it is no role and no person, and very like one.
        UsageError: it stands for somebody else in the rules.
    """
    known = [*rules.roles, *rules.people]
    near = nearest(name, known)
    if name not in known and near is not None:
        raise NotKnownError(f"there is no role or person {name!r}; did you mean {near}?", "slactl rules show")
    return name if name in known else assignee_of(name)


def _changes(action: Action, state: Evaluation, rules: Rules) -> tuple[Priority | None, str | None]:
    """The priority and the assignee that an action really changes; None where it changes nothing."""
    raised = action.priority if action.priority and action.priority.rank > state.priority.rank else None
    role = rules.roles.get(action.assign) if action.assign else None
    wanted = role.assignee if role is not None else action.assign
    return raised, wanted if wanted and wanted != state.assignee else None


def _consequences(
    action: Action, state: Evaluation, priority: Priority | None, assignee: str | None, at: datetime
) -> list[Entry]:
    """The ticket's own changes, as slactl's acts."""

    def entry(kind: EventType, detail: Mapping[str, object], texts: Mapping[str, str] | None = None) -> Entry:
        return Entry(Event(at, kind, detail, "slactl", ActorType.SYSTEM), texts or {})

    found: list[Entry] = []
    if priority is not None:
        found.append(entry(EventType.PRIORITY, {"priority": priority.value, "from": state.priority.value}))
    if assignee is not None:
        found.append(entry(EventType.ASSIGNED, {"assignee": assignee, "from": state.assignee}))
    added = _tags(action, state)[0]
    if added:
        found.append(entry(EventType.TAGS, {"tags": [*state.tags, *added], "added": added}))
    if action.note:
        found.append(entry(EventType.NOTE, {}, {"body": action.note}))
    return found


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


def _recipients(action: Action, state: Evaluation, assignee: str | None, rules: Rules) -> tuple[list[str], str | None]:
    """Who is told, names of people and roles, each once; and the fallback role where nobody else would be."""
    meant = {
        "assignee": _person(assignee or state.assignee),
        "previous_assignee": _person(state.assignee) if assignee is not None else None,
        "requester": "requester" if rules.settings.customer_mail is not None else None,
    }
    names = [meant.get(name, name) for name in action.notify]
    found = list(dict.fromkeys(name for name in names if name))
    if not found and action.notify and action.fallback:
        return [action.fallback], action.fallback
    return found, None


def _person(name: str | None) -> str | None:
    """An assignee, unless an import calls one by a word that stands for somebody else, such as the customer."""
    return None if name in RESERVED else name
