"""The unit of work, and the one way tickets change: events are appended, and the columns follow from them.

1. Load histories, and change them in memory: `open_ticket`, `append`, `fire`.
2. `settle` evaluates each changed history under the rules its ticket is pinned to, and writes everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from slactl import committed
from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.entry import CUSTOMER, Restored, highest_each, is_customer, run_by, sealed
from slactl.desk.ledger.entry import Entry as Entry
from slactl.desk.ledger.projection import IDENTITY
from slactl.desk.ledger.rulebook import Rulebook
from slactl.desk.ledger.rules_versions import CommandRules as CommandRules
from slactl.desk.ledger.settle import Mark, WaitingRows, settle
from slactl.desk.ledger.ticket import LoadedTicket
from slactl.sla.enums import Condition
from slactl.sla.escalation.levels import Firing, FiringKey, due_levels
from slactl.sla.escalation.renumbering import BreachKey
from slactl.sla.history.event import Event
from slactl.sla.timers.evaluate import evaluate
from slactl.sla.timers.timer import Evaluation
from slactl.store.read import tickets as reads
from slactl.store.schema.events import RULES_SEAL, SEALING, action_of
from slactl.store.sqlite.connection import passing_over_rows
from slactl.store.write import statements as writes
from slactl.store.write import tenants
from slactl.store.write.statements import Numbered
from slactl.store.write.tenants import Tenant

if TYPE_CHECKING:
    from slactl.records.tickets import Ticket
    from slactl.store.database import Transaction

#: How far ahead of this command's clock the changes of other commands may be, because they read the clock later.
LAG = timedelta(minutes=10)


class Ledger:
    """The unit of work of one write transaction: the histories of some tickets, and the rows to be written."""

    def __init__(self, transaction: "Transaction", rulebook: Rulebook, now: datetime, desk: Desk) -> None:
        self.transaction = transaction
        self.rulebook, self.now, self.desk, self.actor = rulebook, now, desk, desk.actor
        # Who got tickets from levels that the database does not have yet.
        self._now_text, self.picks = to_text(now), list[str]()
        self._watched = {str(escalation.on) for escalation in rulebook.current.escalations}
        self._conditions = tuple(condition for condition in Condition if condition.value in self._watched)
        self._ids = writes.next_ids(transaction)
        self._tickets, self._changed = dict[int, LoadedTicket](), dict[int, None]()
        self._rows, self._warnings = WaitingRows(begun=rulebook.command.change), set[int]()

    def number_of(self, reference: str) -> int:
        """Return the number of the ticket that a person means by a number or an external id.

        Raises:
            NotKnownError: there is no such ticket.
        """
        return reads.ticket_id(self.transaction, reference)

    def opened_by(self, address: str, since: datetime, until: datetime) -> list[int]:
        """Return the numbers of the tickets that an address opened from one instant to another."""
        return writes.tickets_of_requester(self.transaction, address, to_text(since), to_text(until))

    def tenant(self, name: str) -> Tenant | None:
        """Return the tenant of this name, or None."""
        return tenants.tenant(self.transaction, name)

    def tenants(self) -> list[Tenant]:
        """Return every tenant."""
        return tenants.tenants(self.transaction)

    def keep_tenant(self, tenant: Tenant) -> None:
        """Write a tenant that is new or was changed."""
        tenants.keep_tenant(self.transaction, tenant)
        committed.add("tenant", "saved", [tenant.name])

    def load(self, numbers: Sequence[int]) -> None:
        """Read the histories, timers and decided levels of some tickets at once."""
        if not (wanted := [number for number in numbers if number not in self._tickets]):
            return
        histories, stored = writes.histories(self.transaction, wanted), writes.tickets(self.transaction, wanted)
        parts = [part(self.transaction, wanted) for part in (writes.timers, writes.outcomes, writes.decisions)]
        for number in wanted:
            timers, outcomes, decisions = (part[number] for part in parts)
            self._tickets[number] = LoadedTicket(
                histories[number], timers, outcomes, decisions, stored=stored.get(number, {})
            )

    def state(self, number: int) -> Evaluation:
        """Evaluate the history of a ticket as of now; events that others wrote since the clock was read count too."""
        loaded = self._ticket(number)
        return loaded.state or loaded.evaluate(self.now, self.rulebook, self._conditions)

    def state_at(self, number: int, at: datetime, conditions: Sequence[Condition] | None = None) -> Evaluation:
        """Evaluate the history of a ticket as of an instant, with the conditions that the rules watch unless given."""
        conditions, rules = self._conditions if conditions is None else conditions, self.rulebook
        return evaluate(self.history(number), rules.version, at, rules.holidays, conditions, with_outcomes=True)

    def levels_due(self, number: int) -> list[Firing]:
        """Return the levels of a ticket that are due now and not decided, in the order in which they became due."""
        state, loaded = self.state(number), self._tickets[number]
        return due_levels(state, self.rulebook.current, self.now, loaded.fired, repeats=loaded.walk.repeats)

    def history(self, number: int) -> Sequence[Event]:
        """Return the events of a ticket from which its timers are calculated, by time, with the changes so far."""
        return self._ticket(number).history

    def instant(self, number: int) -> datetime:
        """Return when a change of a ticket takes effect: now, and not before the changes that others made meanwhile.

        Others may read the clock later. An event farther ahead comes from a clock that was set wrong: it is left out.
        """
        history = self.history(number)
        return history[-1].at if history and self.now < history[-1].at <= self.now + LAG else self.now

    @property
    def change(self) -> int | None:
        """Return the number of the change that this command makes; None before its first event."""
        return self._rows.change

    def identity(self, number: int) -> dict[str, Any]:
        """Return the columns that name a ticket, and its texts, as its events say with the changes so far."""
        return self._rows.identity(self.transaction, number, self.history(number))

    def fired(self, number: int) -> set[FiringKey]:
        """Return the keys of every decided level of a ticket."""
        return self._ticket(number).fired

    def open_ticket(self, created: Entry, rules_version: int, number: int | None = None) -> int:
        """Open a ticket whose history begins with `created`; return its number, which is the next one unless given."""
        if number is not None:
            self._ids["ticket"] = max(self._ids["ticket"], number + 1)
        number = self._next("ticket") if number is None else number
        self._tickets[number] = LoadedTicket([], [], [], [], pin=rules_version, is_new=True)
        self.append(number, created)
        return number

    def append(self, number: int, entry: Entry, recipients: Sequence[str] = ()) -> int:
        """Append an event to a history, at its place in time, with messages about it; return the event's number."""
        event_id, loaded = self._next("event"), self._ticket(number)
        event, written = entry.event, dict(entry.texts)
        actor = event.actor or self.actor
        if is_customer(event, lambda: self._requester(number, written)):
            actor, written["actor"] = CUSTOMER, actor
        detail, texts = sealed(run_by(event.detail, event.id), written)
        action = entry.action or action_of(event)
        if action in SEALING:
            detail[RULES_SEAL] = self.rulebook.seal()
        recorded_at = to_text(entry.recorded_at) if entry.recorded_at is not None else self._now_text
        row = {"id": event_id, "ticket_id": number, "at": to_text(event.at), "recorded_at": recorded_at, "actor": actor}
        row |= {"actor_type": event.actor_type.value, "action": action}
        self._rows.add_event(row, detail | self.rulebook.command.said, texts, entry.message_id)
        self._rows.add_messages({"ticket_id": number, "event_id": event_id}, recipients, self._now_text)
        said = {**dict.fromkeys(detail.get("erased", ())), **event.detail, **entry.texts}
        said |= {"source": detail["adopted_by"]} if "adopted_by" in detail else {}
        loaded.identity.update({name: said[name] for name in IDENTITY if name in said})
        if entry.action is None:
            loaded.insert(event, event_id)
        self._changed[number] = None
        return event_id

    def fire(
        self,
        number: int,
        key: FiringKey | None,
        row: Mapping[str, Any],
        recipients: Sequence[str],
        *,
        warning: bool = False,
    ) -> dict[str, Any]:
        """Add an escalation and its messages, and return its row; a key that exists already ends the transaction."""
        escalation_id = self._next("escalation")
        identity = key._asdict() if key is not None else dict.fromkeys(FiringKey._fields) | {"arming": 0, "repeat": 0}
        record = {"id": escalation_id, "ticket_id": number, **identity, **row}
        self._rows.escalations.append(record)
        if key is not None:
            self._ticket(number).decide(record)
        self._warnings.update([escalation_id] if warning else [])
        self._rows.add_messages(record, recipients, self._now_text)
        self._changed[number] = None
        return record

    def is_detected(self, number: int, breach: BreachKey) -> bool:
        """Return whether a breach was noticed before."""
        return breach in self._ticket(number).detected

    def detect(self, number: int, breach: BreachKey, at: datetime | None = None) -> None:
        """Note that a breach was noticed, now unless `at` says when."""
        self._ticket(number).noticed_now[breach] = to_text(at) if at is not None else self._now_text
        self._changed[number] = None

    def touch(self, numbers: Sequence[int]) -> None:
        """Calculate the columns of some tickets again when the unit of work is settled."""
        with passing_over_rows():  # one unreadable history fails the common read
            self.load(numbers)
        for number in numbers:
            with passing_over_rows():  # such a ticket keeps its next instant, and `check` reports it
                self.state(number)
                self._changed[number] = None

    def pin(self, number: int, rules_version: int) -> None:
        """Pin a ticket to another version of the rules; the caller appends the event that says so."""
        loaded = self._ticket(number)
        loaded.pin, loaded.is_rewritten = rules_version, True
        self._changed[number] = None

    def restore(self, number: int, rules_version: int, found: Restored) -> None:
        """Write every column and timer of a ticket again, as its history says."""
        self.state(number)
        loaded = self._ticket(number)
        loaded.identity, loaded.pin = dict(found.identity), rules_version
        loaded.noticed, loaded.is_new = dict(found.detected), found.missing
        self._changed[number] = None

    def renumber(self, number: int) -> None:
        """Give decisions and noticed breaches the new numbers of their cycles, if the past of a ticket changed."""
        loaded = self._ticket(number)
        if not loaded.is_rewritten or loaded.is_new or not (loaded.decisions or loaded.noticed):
            return
        # Conditions that no escalation rule watches today count too: one may do so again tomorrow.
        state = self.state_at(number, self.state(number).now, tuple(Condition))
        writes.move_decisions(self.transaction, loaded.renumber(state))

    def keep_highest_messages(self, mark: Mark) -> dict[int, list[str]]:
        """Keep the highest message for each recipient since the mark; return the recipients by escalation."""
        kept, recipients = highest_each(self._rows.notifications[mark.notifications :], self._warnings)
        self._rows.notifications[mark.notifications :] = kept
        return recipients

    def mark(self) -> Mark:
        """Return how many rows wait to be written now."""
        return self._rows.mark()

    def take_back(self, number: int, mark: Mark) -> None:
        """Forget the changes of a ticket since the mark, which was made before its first change."""
        self._rows.take_back(mark)
        self._tickets.pop(number, None)
        self._changed.pop(number, None)

    def postpone(self, number: int, until: datetime) -> None:
        """Set when `check` tries a ticket again that cannot be evaluated now."""
        writes.postpone(self.transaction, number, to_text(until))

    def records(self, numbers: Sequence[int]) -> "list[Ticket]":
        """Return some tickets as in machine output, with the changes so far."""
        self.settle()
        return writes.ticket_records(self.transaction, numbers, to_text(self.now))

    def settle(self) -> None:
        """Write everything that was changed in memory, and the rows that follow from it."""
        for number in (numbers := list(self._changed)):
            self.renumber(number)
            self.state(number)
        tickets = {number: self._tickets[number] for number in numbers}
        settle(self.transaction, tickets, self._rows, self.rulebook, self._watched)
        if numbers:
            self.rulebook.note_levels(len(numbers))
        # Drop also the histories that were read, so that memory does not grow with the number of batches.
        for memory in (self._changed, self._tickets, self._warnings, self.picks):
            memory.clear()

    def _ticket(self, number: int) -> LoadedTicket:
        if number not in self._tickets:
            self.load([number])
        return self._tickets[number]

    def _requester(self, number: int, written: Mapping[str, str]) -> str | None:
        """Return the requester's address of a ticket, from this unit of work or the database; None if unknown."""
        loaded = self._tickets[number]
        known = {**loaded.identity, **written}
        if "requester_email" in known or loaded.is_new:
            return known.get("requester_email")
        return writes.requester(self.transaction, number)

    def _next(self, table: Numbered) -> int:
        self._ids[table] += 1
        return self._ids[table] - 1


@contextmanager
def ledger(
    desk: Desk, now: datetime, *, keep: bool = True, strict: bool = False, rules: CommandRules | None = None
) -> Iterator[Ledger]:
    """Open a unit of work in one write transaction, by `rules`; settle it at its end, roll it back unless `keep`.

    Raises:
        DatabaseError, RulesError: as `Database.write`, and as `CommandRules.current`.
    """
    rules = rules or CommandRules(desk)  # waiting for the file blocks nobody else's database access
    with desk.database.write(keep=keep) as transaction:
        book = Ledger(transaction, Rulebook(transaction, rules, now, strict=strict), now, desk)
        yield book
        book.settle()
    rules.change = book.change if keep else None
