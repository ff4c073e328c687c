"""Carry out a change of tickets: it turns the state of each ticket into events, and a refused ticket stops no other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import Entry, Ledger, ledger
from slactl.desk.tickets.corrections import note_corrections, noted_breaches, refuse_silence, with_reason
from slactl.desk.tickets.deadlines import late_warnings, note_deadlines, open_deadlines, refusing_ended_calendars
from slactl.desk.tickets.input import checked_reason, past_instant
from slactl.display_zone import describe
from slactl.errors import RefusedError, SlactlError
from slactl.sla.enums import EventType, Status, Target
from slactl.sla.timers.timer import Evaluation

if TYPE_CHECKING:
    from slactl.records.tickets import Ticket
    from slactl.typed_times import TypedTime


@dataclass(frozen=True, slots=True)
class Subject:
    """The ticket of a change: its number, the instant of the change, and its state at that instant.

    A change adds to `warnings` what people have to know.
    """

    number: int
    state: Evaluation
    at: datetime
    warnings: list[str] = field(default_factory=list)

    def refuse_closed(self, what: str) -> None:
        """Refuse a closed ticket.

        Raises:
            RefusedError: the ticket is closed.
        """
        if self.state.status is Status.CLOSED:
            raise RefusedError(f"ticket {self.number} is closed: {what}", f"slactl reopen {self.number}")


def on_calendar_of(state: Evaluation, instant: "TypedTime | None", target: Target | None = None) -> datetime | None:
    """Return the instant that a typed time means on the calendar of a ticket, or of one of its targets."""
    if instant is None or isinstance(instant, datetime):
        return instant
    return instant.on(state.terms.calendar_of(target) if target is not None else state.terms.calendar)


#: A change: returns the entries to append to a ticket.
Change = Callable[[Subject, Ledger], Sequence[Entry]]


@dataclass(slots=True)
class ChangeResult:
    """The result of a change of several tickets: done, refused, and warnings."""

    done: list[int] = field(default_factory=list)
    failures: list[SlactlError] = field(default_factory=list)
    #: Warnings for people; they stopped nothing.
    warnings: list[str] = field(default_factory=list)
    #: The tickets before and after the change, by number; a new ticket has no record before it.
    before: "dict[int, Ticket]" = field(default_factory=dict)
    after: "dict[int, Ticket]" = field(default_factory=dict)
    #: The number of the change, with which `undo` takes it back; None in a dry run, or if nothing was written.
    change: int | None = None


def change(
    desk: Desk,
    now: datetime,
    references: Sequence[str],
    make: Change,
    at: "TypedTime | None" = None,
    *,
    reason: str | None = None,
    dry_run: bool = False,
    rehearsed: Callable[[Ledger], None] = lambda _: None,
) -> ChangeResult:
    """Change some tickets, each once, as of `at` (default now) in one transaction; a refused one stops no other.

    `reason` says why the past is corrected; it is required if `at` is not after a recorded breach. In a dry run
    `rehearsed` is called when all changes are made and before they are taken back.

    Raises:
        UsageError: `at` lies in the future.
        DatabaseError: the database cannot be written.
    """
    effective, result = past_instant(at, now) if isinstance(at, datetime) else at, ChangeResult()
    why = checked_reason(reason, "slactl help operations") if reason is not None else None
    with ledger(desk, now, keep=not dry_run) as book:
        if book.rulebook.problem is not None:
            result.warnings.append(f"{book.rulebook.problem.message}; the last valid rules are used")
        numbers = _numbers(book, references, result.failures)
        result.before = {ticket["id"]: ticket for ticket in book.records(numbers)}
        for number in numbers:
            try:
                result.warnings += change_one(book, number, make, effective, why)
                result.done.append(number)
            except SlactlError as error:
                result.failures.append(error)
        result.after = {ticket["id"]: ticket for ticket in book.records(result.done)}
        if dry_run:
            rehearsed(book)
        else:
            result.change = book.change
    return result


def _numbers(book: Ledger, references: Sequence[str], failures: list[SlactlError]) -> list[int]:
    """Return the numbers of the tickets that a person names, each once; errors go to `failures`."""
    numbers: dict[int, None] = {}
    for reference in references:
        try:
            numbers[book.number_of(reference)] = None
        except SlactlError as error:
            failures.append(error)
    return list(numbers)


def change_one(book: Ledger, number: int, make: Change, backdated: "TypedTime | None", reason: str | None) -> list[str]:
    """Carry out a change of one ticket, or take all of it back; return the warnings.

    Raises:
        RefusedError: as `carry_out`; or a calendar has too little open time left.
    """
    mark = book.mark()
    try:
        with refusing_ended_calendars(f"ticket {number}"):
            warnings = carry_out(book, number, make, backdated, reason)
            book.state(number)  # an error in the evaluation must stop no other ticket
            return warnings
    except SlactlError:
        book.take_back(number, mark)
        raise


def carry_out(book: Ledger, number: int, make: Change, backdated: "TypedTime | None", reason: str | None) -> list[str]:
    """Append the entries of a change to one ticket, and record moved deadlines and corrected breaches.

    Returns the warnings of the change, and one for each late target that it left as it was.

    Raises:
        UsageError: `backdated` lies in the future.
        RefusedError: the state of the ticket does not allow it, or `backdated` is before its creation; or there is no
            reason, and `backdated` is not after a recorded breach.
    """
    stated = on_calendar_of(book.state(number), backdated)
    at = past_instant(stated, book.now) if stated is not None else book.instant(number)
    opened = book.state(number).created_at
    if at < opened:
        raise RefusedError(
            f"ticket {number} was opened at {describe(opened)}, after {describe(at)}", f"slactl history {number}"
        )
    noted = noted_breaches(book, number) if backdated is not None else []
    refuse_silence(number, at, noted, reason)
    subject = Subject(number, book.state_at(number, at), at)
    entries = with_reason(make(subject, book), reason)
    before = book.state(number)
    for entry in entries:
        book.append(number, entry)
    moves = {EventType.PRIORITY, EventType.PLAN, EventType.TENANT, EventType.TAGS, EventType.DUE_SET}
    moving = [entry.event.type for entry in entries if entry.event.type in moves and not entry.event.by_system]
    if moving and open_deadlines(book.state(number)) != open_deadlines(before):
        note_deadlines(book, number, "set by hand" if moving[0] is EventType.DUE_SET else f"{moving[0].value} changed")
    note_corrections(book, number, noted, reason)
    is_moved = bool(moving) and moving[0] is not EventType.DUE_SET
    return subject.warnings + (late_warnings(number, before, book.state(number)) if is_moved else [])
