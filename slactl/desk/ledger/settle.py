"""Write what was changed in memory: histories, the rows that follow from them, escalations and messages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl import committed
from slactl.desk.ledger.projection import (
    IDENTITY,
    TimerContext,
    identity_columns,
    rows_of,
    ticket_columns,
    timer_rows,
    upcoming_columns,
)
from slactl.desk.ledger.rulebook import Rulebook
from slactl.desk.ledger.ticket import LoadedTicket
from slactl.sla.enums import DONE, NotificationState
from slactl.sla.history.effective import retracted_names
from slactl.sla.history.event import Event
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.timer import TimerState
from slactl.store.read import events as event_reads
from slactl.store.schema.events import CHANGE, detail_text
from slactl.store.write import statements as writes
from slactl.store.write import sums

if TYPE_CHECKING:
    from slactl.store.database import Transaction

Row = dict[str, Any]

#: The columns of `outcome` that make two rows the same outcome, whatever else was learned about it since.
_SAME_OUTCOME = ("kind", "cycle", "agreement", "started_at", "stopped_at", "missed_at")


class Mark(NamedTuple):
    """How many rows of each kind waited to be written."""

    events: int
    texts: int
    escalations: int
    notifications: int
    mail: int


@dataclass(slots=True)
class WaitingRows:
    """The rows of a unit of work that wait to be written."""

    events: list[Row] = field(default_factory=list)
    texts: list[Row] = field(default_factory=list)
    escalations: list[Row] = field(default_factory=list)
    notifications: list[Row] = field(default_factory=list)
    mail: list[Row] = field(default_factory=list)
    #: The number of the change, if events of it are written already.
    begun: int | None = None

    def add_event(self, row: Row, detail: Mapping[str, Any], texts: Sequence[Row], message_id: str | None) -> None:
        """Add an event, the texts that a person wrote with it, and the Message-ID of the mail that it came in by.

        The detail seals the number of the change.
        """
        self.events.append(row | {"detail": detail_text({**detail, CHANGE: self.change or row["id"]})})
        self.texts += [{"event_id": row["id"], **text} for text in texts]
        if message_id is not None:
            self.mail.append({"message_id": message_id, "ticket_id": row["ticket_id"], "event_id": row["id"]})

    @property
    def change(self) -> int | None:
        """Return the number of the command's change, which is that of its first event; None before it."""
        return self.begun or (self.events[0]["id"] if self.events else None)

    def identity(self, transaction: "Transaction", number: int, history: Sequence[Event]) -> Row:
        """Return the columns of `IDENTITY` of a ticket, as its events say, those that wait included."""
        events = event_reads.event_rows(transaction, number)
        events += [row | {"hash": ""} for row in self.events if row["ticket_id"] == number]
        texts = event_reads.texts(transaction, number)
        for row in self.texts:
            texts.setdefault(row["event_id"], {})[row["field"]] = row["text"]
        return identity_columns(events, texts, retracted_names(history))

    def add_messages(self, cause: Row, recipients: Sequence[str], now: str) -> None:
        """Add a message for each recipient; the cause names the ticket, and an escalation or an event."""
        self.notifications += [
            {
                "escalation_id": cause.get("id"),
                "event_id": cause["event_id"] if "id" not in cause else None,
                "ticket_id": cause["ticket_id"],
                "recipient": recipient,
                "state": NotificationState.WAITING.value,
                "created_at": now,
                "next_try_at": now,
                "run_id": cause.get("run_id"),
            }
            for recipient in recipients
        ]

    def mark(self) -> Mark:
        """Return how many rows wait now."""
        waiting = (self.events, self.texts, self.escalations, self.notifications, self.mail)
        return Mark(*map(len, waiting))

    def take_back(self, mark: Mark) -> None:
        """Forget the rows that came after a mark."""
        del self.events[mark.events :], self.texts[mark.texts :], self.mail[mark.mail :]
        del self.escalations[mark.escalations :], self.notifications[mark.notifications :]


def settle(
    transaction: "Transaction",
    tickets: Mapping[int, LoadedTicket],
    rows: WaitingRows,
    rulebook: Rulebook,
    watched: set[str],
) -> None:
    """Write the waiting rows of some evaluated tickets, and what follows from their histories.

    The levels of `rulebook` are in force; `watched` names the targets and conditions that they watch.
    """
    rules = rulebook.current
    for number, ticket in tickets.items():
        if ticket.retracts:
            ticket.identity = rows.identity(transaction, number, ticket.history)
    new = [_ticket_row(number, ticket, rulebook) for number, ticket in tickets.items() if ticket.is_new]
    known = [(ticket, _ticket_row(number, ticket, rulebook)) for number, ticket in tickets.items() if not ticket.is_new]
    writes.insert_rows(transaction, "ticket", new)
    versions = {row["id"]: ticket.stored.get("version") for ticket, row in known}
    writes.update_tickets(transaction, [_changes(ticket.stored, row) for ticket, row in known], versions)
    rows.begun = rows.change
    writes.append_events(transaction, rows.events)
    writes.insert_rows(transaction, "event_text", rows.texts)
    writes.keep_mail(transaction, rows.mail)
    writes.insert_rows(transaction, "escalation", rows.escalations)
    writes.insert_rows(transaction, "notification", rows.notifications)
    written = {row["id"]: row for row in (*new, *(row for _, row in known))}
    paused = _write_timers(transaction, tickets, rules, watched)
    _count_open(transaction, tickets, written, paused)
    _write_outcomes(transaction, tickets)
    committed.add("ticket", "created", (row["id"] for row in new))
    # A ticket without a new event counts as changed only if `doctor` repaired it. Otherwise slactl only calculated its
    # columns again.
    committed.add("ticket", "changed", (number for number, ticket in tickets.items() if ticket.pin is not None))
    committed.add("ticket", "changed", (row["ticket_id"] for row in rows.events))
    committed.add("escalation", "recorded", (row["id"] for row in rows.escalations))
    rows.take_back(Mark(0, 0, 0, 0, 0))


def _ticket_row(number: int, ticket: LoadedTicket, rulebook: Rulebook) -> Row:
    state = ticket.evaluated()
    # The version is the number of events of the history, so every change raises it and reading does not.
    row = {"id": number, "version": len(ticket.history), **ticket_columns(state), **ticket.identity}
    row |= upcoming_columns(
        state, rulebook.current, ticket.fired, rulebook.baselines.of_ticket(number), ticket.walk.repeats
    )
    row |= {"rules_version": ticket.pin} if ticket.pin is not None else {}
    return dict.fromkeys(IDENTITY) | row if ticket.is_new else row


def _changes(stored: Mapping[str, Any], row: Row) -> Row:
    """Return the columns of a row that differ from the stored ones, with its id; every column if nothing is stored."""
    changed = {name: value for name, value in row.items() if name not in stored or stored[name] != value}
    return {**changed, "id": stored.get("id", row.get("id"))} if changed else {}


def _write_timers(
    transaction: "Transaction", tickets: Mapping[int, LoadedTicket], rules: Rules, watched: set[str]
) -> set[int]:
    """Write the timers that follow from the histories, and return the tickets of which one is paused."""
    inserted, removed, paused = list[Row](), list[int](), set[int]()
    earlier, latest = list[Row](), list[Row]()
    for number, ticket in tickets.items():
        old = {(row["kind"], row["cycle"]): row for row in ticket.timers}
        context = TimerContext(rules, ticket.fired, ticket.detected, watched, ticket.walk.repeats)
        for row in timer_rows(number, ticket.evaluated(), context):
            known = old.pop((row["kind"], row["cycle"]), None)
            if _is_paused(row):
                paused.add(number)
            if known is None:
                inserted.append(row)
            else:
                (latest if row["latest"] else earlier).append(_changes(known, row))
        removed += [row["id"] for row in old.values()]
    writes.delete_rows(transaction, "timer", removed)
    # Never may two rows of a kind be the latest. So update the rows that are no longer the latest first.
    writes.update_rows(transaction, "timer", earlier)
    writes.update_rows(transaction, "timer", latest)
    writes.insert_rows(transaction, "timer", inserted)
    return paused


def _is_paused(timer: Row) -> bool:
    return timer["stopped_at"] is None and timer["state"] == TimerState.PAUSED


def _count_open(
    transaction: "Transaction", tickets: Mapping[int, LoadedTicket], written: Mapping[int, Row], paused: set[int]
) -> None:
    """Count the open tickets by what they are now, and not by what they were before."""
    before, now = Counter[sums.OpenFacts](), Counter[sums.OpenFacts]()
    for number, ticket in tickets.items():
        if ticket.stored:
            before.update(_open_facts(ticket.stored, any(map(_is_paused, ticket.timers))))
        now.update(_open_facts(written[number], number in paused))
    sums.keep_open_counts(transaction, now, before)


def _open_facts(row: Mapping[str, Any], is_paused: bool) -> Sequence[sums.OpenFacts]:
    """Return what an open ticket is counted by; nothing of one that is done."""
    if row["status"] in DONE:
        return ()
    unassigned, dated = row["assignee"] is None, row["due_at"] is not None
    return (sums.OpenFacts(row["priority"], *map(int, (unassigned, row["escalated"], is_paused, dated))),)


def _write_outcomes(transaction: "Transaction", tickets: Mapping[int, LoadedTicket]) -> None:
    """Write the outcomes that follow from the histories, and the sums that reports read instead of them."""
    removed, updated, inserted, spanned = list[int](), list[Row](), list[Row](), list[int]()
    before, after = list[Row](), list[Row]()
    for number, ticket in tickets.items():
        wanted = list(rows_of(number, ticket.reached(), ticket.detected))
        if wanted or ticket.outcomes:
            spanned.append(number)
        for known in ticket.outcomes:
            row = next((row for row in wanted if all(known[name] == row[name] for name in _SAME_OUTCOME)), None)
            if row is None:
                removed.append(known["id"])
                before.append(known)
            else:
                wanted.remove(row)
                if changes := _changes(known, row):
                    updated.append(changes)
                    before.append(known)
                    after.append(row)
        inserted += wanted
    writes.delete_rows(transaction, "outcome", removed)
    writes.update_rows(transaction, "outcome", updated)
    writes.insert_rows(transaction, "outcome", inserted)
    sums.keep_outcome_days(transaction, [*after, *inserted], before)
    sums.keep_spans(transaction, spanned)
