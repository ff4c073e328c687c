"""Read the outbox, silences, who replaces whom on call, and what decides about mail that comes in."""

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from slactl.sla.enums import EventType
from slactl.store.read.rows import batches, marks, numbers, rows
from slactl.store.schema.events import ACTIONS, GOAL

if TYPE_CHECKING:
    from slactl.records.oncall import RotaEntry
    from slactl.records.runs import Notification, Silence

NOTIFICATION_COLUMNS = [
    *("id", "escalation_id", "ticket_id", "recipient", "state", "tries", "created_at", "next_try_at", "ended_at"),
    *("error", "run_id", "held_by", "instead_of", "event_id"),
]

SILENCE_COLUMNS = [
    *("id", "tenant", "ticket_id", "escalation", "comment", "actor", "created_at", "starts_at", "ends_at", "active")
]

#: The states of messages that are yet to be sent, and of those that reached somebody.
WAITING, REACHED = ("waiting", "sending"), ("sent", "partly", "printed")

#: The events by which a customer is known in a ticket.
_CREATED, _RECEIVED = ACTIONS[EventType.CREATED], ACTIONS[EventType.CUSTOMER_REPLY]

ROTA_COLUMNS = [
    *("id", "kind", "schedule", "person", "substitute", "starts_at", "ends_at", "reason", "actor", "created_at"),
    *("removed_at", "removed_by"),
]


def waiting_and_sent(transaction: sqlite3.Connection) -> tuple[int, int]:
    """Return how many messages wait or are being sent, and how many reached at least one address."""
    counts = dict(transaction.execute("SELECT state, count(*) FROM notification GROUP BY state"))
    return sum(counts.get(state, 0) for state in WAITING), sum(counts.get(state, 0) for state in REACHED)


def notifications(
    transaction: sqlite3.Connection,
    states: Sequence[str] = (),
    limit: int = 0,
    *,
    recipients: Sequence[str] = (),
    numbers: Sequence[int] = (),
    ids: Sequence[int] = (),
) -> "list[Notification]":
    """Return the messages of the outbox, newest first; each filter with values leaves out the other messages.

    `numbers` are those of tickets, `ids` those of messages.
    """
    conditions, parameters = ["1"], list[Any]()
    filters = (("state", states), ("recipient", recipients), ("ticket_id", numbers), ("id", ids))
    for column, values in filters:
        if values:
            conditions.append(f"{column} IN ({marks(values)})")
            parameters += values
    query = f"SELECT {', '.join(NOTIFICATION_COLUMNS)} FROM notification WHERE {' AND '.join(conditions)}"
    query += " ORDER BY id DESC" + (f" LIMIT {limit:d}" if limit else "")
    return cast("list[Notification]", list(rows(transaction, query, parameters)))


def origin(transaction: sqlite3.Connection, number: int) -> tuple[int, str] | None:
    """Return the ticket that a message is about, and when the message was made; None if there is no such message."""
    if number >= 2**63:
        return None
    row = transaction.execute("SELECT ticket_id, created_at FROM notification WHERE id = ?", (number,)).fetchone()
    return (int(row[0]), str(row[1])) if row is not None else None


def sent_together(transaction: sqlite3.Connection, number: int, tickets: Sequence[int]) -> set[int]:
    """Return of some tickets those that the same digest was about as a message; messages about goals do not count."""
    wanted = numbers(tickets)
    query = f"""SELECT DISTINCT other.ticket_id
FROM notification own JOIN json_each(own.message_ids) sent
JOIN notification other ON EXISTS
(SELECT 1 FROM json_each(other.message_ids) its WHERE its.key = sent.key AND its.value = sent.value)
WHERE own.id = ? AND (other.escalation_id IN (SELECT id FROM escalation WHERE ticket_id IN ({wanted}))
OR other.event_id IN (SELECT id FROM event WHERE ticket_id IN ({wanted}) AND action <> '{GOAL}'))"""
    return {ticket for (ticket,) in transaction.execute(query, (number,))}


def silences(transaction: sqlite3.Connection, now: str, *, ended: bool = False) -> "list[Silence]":
    """Return the silences that have not ended at `now`, with `ended` all of them; the latest end first."""
    query = (
        f"SELECT {', '.join(SILENCE_COLUMNS[:-1])}, starts_at <= :now AND ends_at > :now AS active FROM silence"
        " WHERE :ended OR ends_at > :now ORDER BY ends_at DESC, id DESC"
    )
    found = rows(transaction, query, {"now": now, "ended": ended})
    return [cast("Silence", row | {"active": bool(row["active"])}) for row in found]


def rota_entries(transaction: sqlite3.Connection, since: str, *, ended: bool = False) -> "list[RotaEntry]":
    """Return the overrides and absences that hold after an instant, with `ended` all; removed ones end when removed."""
    query = (
        "SELECT id, 'override' AS kind, schedule, person, NULL AS substitute, starts_at, ends_at, reason, actor,"
        " created_at, removed_at, removed_by FROM override UNION ALL SELECT id, 'away', NULL, person, substitute,"
        " starts_at, ends_at, NULL, actor, created_at, removed_at, removed_by FROM absence"
    )
    entry = f"SELECT * FROM ({query}) WHERE :ended OR (ends_at > :since AND COALESCE(removed_at, ends_at) > :since)"
    found = rows(transaction, f"{entry} ORDER BY starts_at, id", {"since": since, "ended": ended})
    return [cast("RotaEntry", row) for row in found]


def ticket_of_mail(transaction: sqlite3.Connection, message_ids: Sequence[str]) -> int | None:
    """Return the ticket of the first of some messages that was taken, or None."""
    for batch in batches(message_ids):
        query = f"SELECT message_id, ticket_id FROM mail_id WHERE message_id IN ({marks(batch)})"
        tickets = dict(transaction.execute(query, batch))
        for message_id in batch:
            if message_id in tickets:
                return int(tickets[message_id])
    return None


def mail_of_ticket(transaction: sqlite3.Connection, number: int) -> dict[int, str]:
    """Return the Message-IDs of the mail of a ticket, by the number of the event that it became."""
    return dict(transaction.execute("SELECT event_id, message_id FROM mail_id WHERE ticket_id = ?", (number,)))


def has_ticket(transaction: sqlite3.Connection, number: int) -> bool:
    """Return whether there is a ticket with this number."""
    return transaction.execute("SELECT 1 FROM ticket WHERE id = ?", (number,)).fetchone() is not None


def customers_of(transaction: sqlite3.Connection, number: int) -> set[str]:
    """Return the addresses, case-folded, of all requesters of a ticket and of the customers who wrote in it.

    A note of somebody else makes nobody known.
    """
    query = """SELECT t.text FROM event e JOIN event_text t ON t.event_id = e.id WHERE e.ticket_id = :ticket
    AND (t.field = 'requester_email' OR (t.field = 'actor' AND e.action IN (:created, :received)))
    UNION SELECT requester_email FROM ticket WHERE id = :ticket AND requester_email IS NOT NULL"""
    values = {"ticket": number, "created": _CREATED, "received": _RECEIVED}
    return {str(text).casefold() for (text,) in transaction.execute(query, values)}


def is_requester(transaction: sqlite3.Connection, address: str) -> bool:
    """Return whether an address, in any case of letters, is the requester of a ticket."""
    for column, value in (("requester_email", address), ("lower(requester_email)", address.lower())):
        if transaction.execute(f"SELECT 1 FROM ticket WHERE {column} = ? LIMIT 1", (value,)).fetchone() is not None:
            return True
    return False


def opened_by_mail(transaction: sqlite3.Connection, sender: str, since: str, until: str) -> list[int]:
    """Return the tickets that the mail of a sender opened in [since, until], the newest last."""
    # Begin with the index of the instants: few tickets are opened within an hour.
    query = """SELECT t.id FROM ticket t CROSS JOIN mail_id m ON m.ticket_id = t.id
    CROSS JOIN event e ON e.id = m.event_id WHERE t.created_at BETWEEN ? AND ? AND e.action = ?
    AND lower(t.requester_email) = ? ORDER BY +t.id"""
    return [number for (number,) in transaction.execute(query, (since, until, _CREATED, sender.lower()))]


def has_note(transaction: sqlite3.Connection, number: int, text: str, since: str) -> bool:
    """Return whether slactl itself added this note to a ticket at or after an instant."""
    query = """SELECT 1 FROM event e JOIN event_text t ON t.event_id = e.id AND t.field = 'body'
    WHERE e.ticket_id = ? AND e.at >= ? AND e.action = ? AND e.actor_type = 'system' AND t.text = ?"""
    return transaction.execute(query, (number, since, ACTIONS[EventType.NOTE], text)).fetchone() is not None


def last_mail(transaction: sqlite3.Connection) -> str | None:
    """Return when the last message was taken, or None."""
    query = "SELECT recorded_at FROM event WHERE id = (SELECT max(event_id) FROM mail_id)"
    found = transaction.execute(query).fetchone()
    return str(found[0]) if found is not None else None
