"""The changes of tickets: each turns the state of a ticket into the events to append."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slactl.clock import to_text
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.desk.tickets.change import Change, Subject, on_calendar_of
from slactl.desk.tickets.input import BODY_LENGTH, assignee_of, checked_text
from slactl.display_zone import describe
from slactl.errors import RefusedError, UsageError
from slactl.sla.enums import EventType, Priority, Status, Target
from slactl.sla.history.event import Event
from slactl.sla.history.readers import MOST_TAGS

if TYPE_CHECKING:
    from slactl.typed_times import TypedTime


def reply(body: str | None, status: Status | None) -> Change:
    """Record a public reply of an agent; without a status the rules say which one follows, unless it is resolved."""
    texts = _body(body)

    def make(subject: Subject, book: Ledger) -> list[Entry]:
        subject.refuse_closed("nobody would read the reply")
        before = subject.state
        wanted = status or book.rulebook.current.settings.reply_status
        after = before.status if status is None and before.status.is_done else wanted
        entries = [Entry(Event(subject.at, EventType.AGENT_REPLY), texts)]
        return entries + _status_entries(subject, after, before.wakes_at if after is before.status else None)

    return make


def receive(body: str | None) -> Change:
    """Record a message of the customer; the ticket is open again, whatever its status was."""
    texts = _body(body)

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        subject.refuse_closed("a message does not reopen it")
        entries = [Entry(Event(subject.at, EventType.CUSTOMER_REPLY), texts)]
        return entries + _status_entries(subject, Status.OPEN)

    return make


def note(body: str | None) -> Change:
    """Record an internal note, which is never a response.

    Raises:
        UsageError: it is empty.
    """
    if body is None or not body.strip():
        raise UsageError("the note is empty", "slactl note --help")
    texts = _body(body)
    return lambda subject, _: [Entry(Event(subject.at, EventType.NOTE), texts)]


def assign(assignee: str | None) -> Change:
    """Assign a ticket to a person, to whoever fills a role, or to nobody (None).

    The substitute of a person who is away gets it.
    """
    name = assignee_of(assignee) if assignee is not None else None

    def make(subject: Subject, book: Ledger) -> list[Entry]:
        subject.refuse_closed("there is nothing to work on")
        from slactl.desk.oncall.duty import Duty, Holder

        new = Duty.of(book, subject.at).assigned(name) if name is not None else Holder(None)
        if name is not None and new.person is None:
            raise RefusedError(new.replaced(subject.number), "slactl oncall list")
        if new.instead_of is not None:
            subject.warnings.append(new.replaced(subject.number))
        if subject.state.assignee == new.person:
            return []
        said = {"instead_of": new.instead_of} if new.instead_of is not None else {}
        return [_entry(subject, EventType.ASSIGNED, {"assignee": new.person, "from": subject.state.assignee, **said})]

    return make


def prioritise(priority: Priority) -> Change:
    """Change the priority; slactl calculates the open deadlines again."""

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        subject.refuse_closed("its clocks have stopped")
        if subject.state.priority is priority:
            return []
        return [_entry(subject, EventType.PRIORITY, {"priority": priority.value, "from": subject.state.priority.value})]

    return make


def set_status(status: Status, until: "TypedTime | None" = None) -> Change:
    """Change the status; a closed ticket has to be reopened first. At `until` the ticket is open again.

    Raises:
        UsageError: a ticket in this status does not open by itself.
    """
    if until is not None and (status.is_done or status is Status.OPEN):
        waiting = f"{Status.PENDING} or {Status.WAITING_CUSTOMER}"
        raise UsageError(f"a ticket that is {status} does not open by itself; --until needs {waiting}")

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        if status is not Status.CLOSED:
            subject.refuse_closed("its status is final")
        ends = on_calendar_of(subject.state, until)
        if ends is not None and ends <= subject.at:
            raise UsageError(f"{describe(ends)} is not after {describe(subject.at)}, when the ticket becomes {status}")
        return _status_entries(subject, status, ends)

    return make


def resolve() -> Change:
    """Resolve a ticket: the work is done."""

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        subject.refuse_closed("there is nothing to resolve")
        if subject.state.status is Status.RESOLVED:
            raise RefusedError(f"ticket {subject.number} is resolved already", f"slactl show {subject.number}")
        return _status_entries(subject, Status.RESOLVED)

    return make


def close() -> Change:
    """Close a ticket; only reopening changes it afterwards."""

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        if subject.state.status is Status.CLOSED:
            raise RefusedError(f"ticket {subject.number} is closed already", f"slactl show {subject.number}")
        return _status_entries(subject, Status.CLOSED)

    return make


def reopen() -> Change:
    """Reopen a resolved or closed ticket."""

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        if not subject.state.status.is_done:
            raise RefusedError(
                f"ticket {subject.number} is {subject.state.status}, not resolved or closed",
                f"slactl show {subject.number}",
            )
        return _status_entries(subject, Status.OPEN)

    return make


def tag(add: Sequence[str], remove: Sequence[str]) -> Change:
    """Add and remove tags; those of a person choose the policy again."""

    def make(subject: Subject, book: Ledger) -> list[Entry]:
        before = subject.state.tags
        kept = [name for name in dict.fromkeys((*before, *add)) if name not in remove]
        # As differences, so that later tags do not undo a change as of an earlier time.
        changes = {
            "added": [name for name in kept if name not in before],
            "removed": [n for n in before if n in remove],
        }
        # Tags that were added after the instant of this change count too.
        after = {*book.state(subject.number).tags, *changes["added"]}.difference(remove)
        if changes["added"] and len(after) > MOST_TAGS:
            what = f"ticket {subject.number} would have {len(after)} tags; at most {MOST_TAGS} are allowed"
            raise RefusedError(what, f"slactl show {subject.number} --fields tags")
        differences = {name: names for name, names in changes.items() if names}
        return [_entry(subject, EventType.TAGS, {"tags": kept, **differences})] if differences else []

    return make


def due(target: Target, due: "TypedTime | None", reason: str) -> Change:
    """Set a deadline by hand, or clear it again (None)."""

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        due_at = on_calendar_of(subject.state, due, target)
        _refuse_deadline(subject, target, due_at)
        when = to_text(due_at) if due_at is not None else None
        return [_entry(subject, EventType.DUE_SET, {"target": target.value, "due_at": when, "reason": reason})]

    return make


def _refuse_deadline(subject: Subject, target: Target, due_at: datetime | None) -> None:
    """Refuse a deadline that cannot be set by hand, or (None) cannot be cleared.

    Raises:
        RefusedError: the ticket is done, the target is over, or nobody set the deadline by hand.
    """
    number, state = subject.number, subject.state
    subject.refuse_closed("its clocks have stopped")
    timer = next((known for known in reversed(state.timers) if known.kind is target), None)
    if state.status.is_done:
        raise RefusedError(f"ticket {number} is {state.status}", f"slactl reopen {number}")
    if target is Target.NEXT_RESPONSE and (timer is None or timer.stopped_at is not None):
        raise RefusedError(f"no customer waits for a next response in ticket {number}", f"slactl show {number}")
    if target is Target.UPDATE and state.first_responded_at is None and timer is None:
        raise RefusedError(f"no update is due in ticket {number} before the first reply", f"slactl show {number}")
    if timer is not None and timer.stopped_at is not None:
        name = target.value.replace("_", " ")
        raise RefusedError(f"the {name} clock of ticket {number} has stopped", f"slactl show {number}")
    if due_at is None and (timer is None or not timer.manual):
        raise RefusedError(f"nobody set this deadline of ticket {number} by hand", f"slactl show {number}")
    if due_at is not None and due_at < state.created_at:
        raise RefusedError(f"ticket {number} was opened after {describe(due_at)}", f"slactl show {number}")


def _entry(subject: Subject, kind: EventType, detail: dict[str, Any]) -> Entry:
    return Entry(Event(subject.at, kind, detail))


def _status_entries(subject: Subject, status: Status, until: datetime | None = None) -> list[Entry]:
    if subject.state.status is status and subject.state.wakes_at == until:
        return []
    ends = {"until": to_text(until)} if until is not None else {}
    return [_entry(subject, EventType.STATUS, {"status": status.value, "from": subject.state.status.value, **ends})]


def _body(body: str | None) -> dict[str, str]:
    return {"body": checked_text(body, "the body", BODY_LENGTH)} if body is not None else {}
