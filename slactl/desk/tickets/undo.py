"""Undo what one command did: its events are retracted in one step, and everything is computed as if without them.

Both stay in the log: the events, and a retraction for each ticket that names them. What slactl itself did meanwhile and
what it sent stays. Messages about an escalation that was undone, which nobody has got yet, are
not sent. The undo is a change of its own, so that it can be undone too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import Entry, Ledger, ledger
from slactl.desk.tickets.corrections import note_corrections, noted_breaches
from slactl.desk.tickets.create import refuse_taken
from slactl.desk.tickets.deadlines import note_deadlines, open_deadlines, refusing_ended_calendars
from slactl.desk.tickets.input import checked_reason
from slactl.errors import NotKnownError, RefusedError
from slactl.sla.enums import EventType
from slactl.sla.history.effective import retracted_names
from slactl.sla.history.event import Event
from slactl.sla.history.order import LASTING
from slactl.sla.history.readers import MOST_TAGS
from slactl.store.read import events as reads
from slactl.store.read.events import Change, ChangeEvent
from slactl.store.schema.events import CHANGE, ERASE
from slactl.store.write.outbox import withdraw

if TYPE_CHECKING:
    from slactl.records.tickets import Ticket
    from slactl.store.database import Transaction

#: What the fields of a ticket do not show.
_MESSAGES = {
    EventType.AGENT_REPLY: "reply",
    EventType.CUSTOMER_REPLY: "customer's message",
    EventType.NOTE: "note",
    EventType.ESCALATED: "escalation",
}

#: The commands that cannot be undone, by the actions of their events.
_COMMANDS = {"ticket.create": "create", "rules.apply": "rules apply", ERASE: "erase"}


@dataclass(slots=True)
class Undone:
    """The result of an undo: the change that it undid, its own number, and each ticket before and after.

    In a dry run `number` is None, and the tickets are as they would be afterwards.
    """

    change: int
    number: int | None = None
    before: "dict[int, Ticket]" = field(default_factory=dict)
    after: "dict[int, Ticket]" = field(default_factory=dict)
    #: The events that were retracted, by ticket.
    events: dict[int, list[Event]] = field(default_factory=dict)
    #: How many messages are not sent because of it.
    withdrawn: int = 0
    warnings: list[str] = field(default_factory=list)

    def said(self, ticket: int) -> list[str]:
        """Return what no field of a ticket shows, in words."""
        events = self.events[ticket]
        said = [f"{words} retracted" for kind, words in _MESSAGES.items() if any(e.type is kind for e in events)]
        brought = [event for event in events if event.type is EventType.RETRACTED]
        return said + ([f"change {brought[0].detail['undoes']} counts again"] if brought else [])


def last_change(desk: Desk) -> int:
    """Return the last change of the actor that is not an undo and not undone.

    Raises:
        RefusedError: there is none; or the last command of the actor cannot be undone.
    """
    with desk.database.read() as transaction:
        for number in reads.last_changes(transaction, desk.actor):
            change = reads.change_of(transaction, number) if number is not None else None
            since = change.events[-1].recorded_at if change is not None else ""
            _refuse_entries(transaction, desk.actor, since)
            if change is None:
                raise RefusedError("the last change has no number: an earlier version of slactl wrote it", _LOG)
            if change.is_undo:
                continue
            if change.command is not None or not _is_gone(transaction, change):
                _retractable(change)
                return change.number
        _refuse_entries(transaction, desk.actor, "")
    raise RefusedError(f"there is nothing of {desk.actor} to undo", "slactl audit list")


#: Lists what the actor did.
_LOG = "slactl audit list --actor me"


def _refuse_entries(transaction: "Transaction", actor: str, since: str) -> None:
    """Refuse to undo an earlier change if the last command of the actor entered something with a command of its own."""
    if entries := reads.entries_of(transaction, actor, since):
        name, command = entries[0]
        raise RefusedError(f"the last command of {actor} added {name}, which has a command of its own", command)


def _is_gone(transaction: "Transaction", change: Change) -> bool:
    """Return whether every event of a change that can be retracted is retracted."""
    gone = {number: retracted_names(reads.history(transaction, number)) for number in {e.ticket for e in change.events}}
    events = [each for each in change.events if each.event is not None and each.event.type not in LASTING]
    return bool(events) and all(each.event is not None and each.event.id in gone[each.ticket] for each in events)


def _retractable(change: Change) -> list[ChangeEvent]:
    """Return the events of a change that an undo retracts.

    Raises:
        RefusedError: the change cannot be undone.
    """
    named = (_COMMANDS.get(each.action) for each in change.events)
    command = change.command or next((name for name in named if name is not None), None)
    ticket = change.events[0].ticket
    if command is not None:
        hint = f"slactl close {ticket}" if command == "create" else _LOG
        raise RefusedError(f"change {change.number} is of {command}, which cannot be undone", hint)
    events = [each for each in change.events if each.event is not None and each.event.type not in LASTING]
    if not events or events[0].event is None or events[0].event.by_system:
        what = f"change {change.number} was made by slactl itself, which cannot be undone"
        raise RefusedError(what, f"slactl history {ticket}")
    return events


def undo(desk: Desk, now: datetime, number: int, reason: str | None = None, *, dry_run: bool = False) -> Undone:
    """Retract the events of one change, on all its tickets or on none.

    Raises:
        NotKnownError: no command has made this change.
        RefusedError: it cannot be undone, is undone already, or what is left would contradict itself.
        DatabaseError: the database cannot be written.
    """
    why = checked_reason(reason, "slactl undo --help") if reason is not None else None
    done = Undone(number)
    with ledger(desk, now, keep=not dry_run) as book:
        if book.rulebook.problem is not None:
            done.warnings.append(f"{book.rulebook.problem.message}; the last valid rules are used")
        change = reads.change_of(book.transaction, number)
        if change is None and reads.event_change(book.transaction, number) == (None,):
            raise RefusedError(f"event {number} is of no change: an earlier version of slactl wrote it", _LOG)
        if change is None:
            hint = "slactl audit list --fields change,actor,action,ticket_id"
            raise NotKnownError(f"there is no change {number}", hint)
        events = _retractable(change)
        tickets = list(dict.fromkeys(each.ticket for each in events))
        book.load(tickets)
        _refuse_undone(book, number, events)
        done.before = {ticket["id"]: ticket for ticket in book.records(tickets)}
        for ticket in tickets:
            own = [each for each in events if each.ticket == ticket]
            done.events[ticket] = [each.event for each in own if each.event is not None]
            _retract(book, ticket, number, own, why)
        done.after = {ticket["id"]: ticket for ticket in book.records(tickets)}
        done.withdrawn = withdraw(book.transaction, [each.number for each in events], to_text(now))
        done.number = None if dry_run else book.change
    return done


def _refuse_undone(book: Ledger, number: int, events: Sequence[ChangeEvent]) -> None:
    """Refuse a change whose events are all retracted.

    Raises:
        RefusedError: they are; the hint is the command that brings them back.
    """
    left = [each for each in events if each.event and each.event.id not in retracted_names(book.history(each.ticket))]
    if not left:
        history, names = book.history(events[0].ticket), {each.event.id for each in events if each.event}
        gone = retracted_names(history)
        retractions = (each for each in history if each.type is EventType.RETRACTED and each.id not in gone)
        details = (each.detail for each in retractions if names & {*each.detail["events"]})
        by = next((detail[CHANGE] for detail in details if CHANGE in detail), None)
        raise RefusedError(f"change {number} is undone already", f"slactl undo {by}" if by is not None else _LOG)


def _retract(book: Ledger, ticket: int, change: int, events: Sequence[ChangeEvent], reason: str | None) -> None:
    """Retract events of one ticket, and note moved deadlines and corrected breaches.

    Raises:
        RefusedError: a calendar has too little open time left, the ticket would have too many tags, or another ticket
            has got its external id meanwhile.
    """
    noted, before, named = noted_breaches(book, ticket), book.state(ticket), book.identity(ticket)["external_id"]
    known = [each.event for each in events if each.event is not None]
    detail = {"events": [each.id for each in known], "numbers": [each.number for each in events], "undoes": change}
    detail |= {"reason": reason} if reason is not None else {}
    at = max(book.instant(ticket), *(event.at for event in known))
    with refusing_ended_calendars(f"ticket {ticket}"):
        book.append(ticket, Entry(Event(at, EventType.RETRACTED, detail)))
        after, external_id = book.state(ticket), book.identity(ticket)["external_id"]
    if len(after.tags) > max(MOST_TAGS, len(before.tags)):
        what = f"ticket {ticket} would have {len(after.tags)} tags; at most {MOST_TAGS} are allowed"
        raise RefusedError(what, f"slactl show {ticket} --fields tags")
    if external_id not in (None, named):
        refuse_taken(book, external_id, ticket)
    if open_deadlines(after) != open_deadlines(before):
        note_deadlines(book, ticket, f"change {change} undone")
    note_corrections(book, ticket, noted, reason or f"change {change} undone")
