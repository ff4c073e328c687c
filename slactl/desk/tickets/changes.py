"""Change tickets: each change turns the state of a ticket into events, and one function carries it out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import Entry, Ledger, ledger
from slactl.desk.tickets.corrections import note_corrections, noted_breaches, refuse_silence, with_reason
from slactl.desk.tickets.deadlines import late_warnings, note_deadlines, open_deadlines
from slactl.desk.tickets.input import BODY_LENGTH, assignee_of, checked_reason, checked_text, past_instant
from slactl.errors import RefusedError, SlactlError, UsageError
from slactl.sla.enums import EventType, Priority, Status, Target
from slactl.sla.history.event import Event
from slactl.sla.history.readers import MOST_TAGS
from slactl.sla.timers.timer import Evaluation

if TYPE_CHECKING:
    from slactl.records.tickets import Ticket


@dataclass(frozen=True, slots=True)
class Subject:
    """The ticket of a change: its number, the instant of the change, and its state at that instant."""

    number: int
    state: Evaluation
    at: datetime

    def refuse_closed(self, what: str) -> None:
        """Refuse a closed ticket.

        Raises:
            RefusedError: the ticket is closed.
        """
        if self.state.status is Status.CLOSED:
            raise RefusedError(f"ticket {self.number} is closed: {what}", f"slactl reopen {self.number}")


#: A change: returns the entries to append to a ticket.
Change = Callable[[Subject, Ledger], Sequence[Entry]]


@dataclass(slots=True)
class ChangeResult:
    """The result of a change of several tickets: done, refused, and warnings."""

    done: list[int] = field(default_factory=list)
    failures: list[SlactlError] = field(default_factory=list)
    #: Warnings for people; they stopped nothing.
    warnings: list[str] = field(default_factory=list)
    #: In a dry run, the tickets as they would be afterwards.
    rehearsed: "list[Ticket]" = field(default_factory=list)


def change(
    desk: Desk,
    now: datetime,
    references: Sequence[str],
    make: Change,
    at: datetime | None = None,
    *,
    reason: str | None = None,
    dry_run: bool = False,
) -> ChangeResult:
    """Change some tickets as of `at` (default now) in one transaction; a refused ticket does not stop the others.

    `reason` says why the past is corrected; it is required if `at` is not after a recorded breach.

    Raises:
        UsageError: `at` lies in the future.
        DatabaseError: the database cannot be written.
    """
    effective, result = past_instant(at, now) if at is not None else None, ChangeResult()
    why = checked_reason(reason, "slactl help operations") if reason is not None else None
    with ledger(desk, now, keep=not dry_run) as book:
        if book.rulebook.problem is not None:
            result.warnings.append(f"{book.rulebook.problem.message}; the last valid rules are used")
        for reference in references:
            try:
                number = book.number_of(reference)
                result.warnings += carry_out(book, number, make, effective, why)
                result.done.append(number)
            except SlactlError as error:
                result.failures.append(error)
        if dry_run:
            result.rehearsed = book.records(result.done)
    return result


def carry_out(book: Ledger, number: int, make: Change, backdated: datetime | None, reason: str | None) -> list[str]:
    """Append the entries of a change to one ticket, and record moved deadlines and corrected breaches.

    Returns a warning for each late target that the change left as it was.

    Raises:
        RefusedError: the state of the ticket does not allow it, or `backdated` is before its creation; or there is no
            reason, and `backdated` is not after a recorded breach.
    """
    at = backdated or book.instant(number)
    opened = book.state(number).created_at
    if at < opened:
        raise RefusedError(
            f"ticket {number} was opened at {to_text(opened)}, after {to_text(at)}", f"slactl history {number}"
        )
    noted = noted_breaches(book, number) if backdated is not None else []
    refuse_silence(number, at, noted, reason)
    entries = with_reason(make(Subject(number, book.state_at(number, at), at), book), reason)
    before = open_deadlines(book.state(number))
    for entry in entries:
        book.append(number, entry)
    moves = {EventType.PRIORITY, EventType.PLAN, EventType.TENANT, EventType.TAGS, EventType.DUE_SET}
    moving = [entry.event.type for entry in entries if entry.event.type in moves and not entry.event.by_system]
    if moving and open_deadlines(book.state(number)) != before:
        note_deadlines(book, number, "set by hand" if moving[0] is EventType.DUE_SET else f"{moving[0].value} changed")
    note_corrections(book, number, noted, reason)
    return late_warnings(number, book.state(number)) if moving and moving[0] is not EventType.DUE_SET else []


def reply(body: str | None, status: Status | None) -> Change:
    """Record a public reply of an agent; the ticket then waits for the customer, unless it is resolved."""
    texts = _body(body)

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        subject.refuse_closed("nobody would read the reply")
        after = status or (subject.state.status if subject.state.status.is_done else Status.WAITING_CUSTOMER)
        entries = [Entry(Event(subject.at, EventType.AGENT_REPLY), texts)]
        return entries + _status_entries(subject, after)

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
    """Assign a ticket to a person, or to nobody (None)."""
    name = assignee_of(assignee) if assignee is not None else None

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        subject.refuse_closed("there is nothing to work on")
        if subject.state.assignee == name:
            return []
        return [_entry(subject, EventType.ASSIGNED, {"assignee": name, "from": subject.state.assignee})]

    return make


def prioritise(priority: Priority) -> Change:
    """Change the priority; slactl calculates the open deadlines again."""

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        subject.refuse_closed("its deadlines are over")
        if subject.state.priority is priority:
            return []
        return [_entry(subject, EventType.PRIORITY, {"priority": priority.value, "from": subject.state.priority.value})]

    return make


def set_status(status: Status) -> Change:
    """Change the status; a closed ticket has to be reopened first."""

    def make(subject: Subject, _: Ledger) -> list[Entry]:
        if status is not Status.CLOSED:
            subject.refuse_closed("its status is final")
        return _status_entries(subject, status)

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
    """Add and remove tags; tags do not choose the policy again."""

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


def due(target: Target, due_at: datetime | None, reason: str) -> Change:
    """Set a deadline by hand, or clear it again (None)."""

    def make(subject: Subject, _: Ledger) -> list[Entry]:
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
    subject.refuse_closed("its deadlines are over")
    timer = next((known for known in reversed(state.timers) if known.kind is target), None)
    if state.status.is_done:
        raise RefusedError(f"ticket {number} is {state.status}", f"slactl reopen {number}")
    if target is Target.NEXT_RESPONSE and (timer is None or timer.stopped_at is not None):
        raise RefusedError(f"no customer waits for a next response in ticket {number}", f"slactl show {number}")
    if target is Target.UPDATE and state.first_responded_at is None and timer is None:
        raise RefusedError(f"no update is due in ticket {number} before the first reply", f"slactl show {number}")
    if timer is not None and timer.stopped_at is not None:
        raise RefusedError(f"the {target.value.replace('_', ' ')} of ticket {number} is over", f"slactl show {number}")
    if due_at is None and (timer is None or not timer.manual):
        raise RefusedError(f"nobody set this deadline of ticket {number} by hand", f"slactl show {number}")
    if due_at is not None and due_at < state.created_at:
        raise RefusedError(f"ticket {number} was opened after {to_text(due_at)}", f"slactl show {number}")


def _entry(subject: Subject, kind: EventType, detail: dict[str, Any]) -> Entry:
    return Entry(Event(subject.at, kind, detail))


def _status_entries(subject: Subject, status: Status) -> list[Entry]:
    if subject.state.status is status:
        return []
    return [_entry(subject, EventType.STATUS, {"status": status.value, "from": subject.state.status.value})]


def _body(body: str | None) -> dict[str, str]:
    return {"body": checked_text(body, "the body", BODY_LENGTH)} if body is not None else {}
