"""Read what decides about a message that comes in by mail: known Message-IDs, and who is known where."""

import sqlite3
from collections.abc import Sequence

from slactl.sla.enums import EventType
from slactl.store.read.rows import batches, marks
from slactl.store.schema.events import ACTIONS

CREATED, RECEIVED = ACTIONS[EventType.CREATED], ACTIONS[EventType.CUSTOMER_REPLY]


def ticket_of(transaction: sqlite3.Connection, message_id: str) -> int | None:
    """Return the ticket that took the message with this Message-ID, or None."""
    return ticket_of_first(transaction, [message_id])


def ticket_of_first(transaction: sqlite3.Connection, message_ids: Sequence[str]) -> int | None:
    """Return the ticket of the first of some messages that was taken, or None."""
    for batch in batches(message_ids):
        query = f"SELECT message_id, ticket_id FROM mail_id WHERE message_id IN ({marks(batch)})"
        tickets = dict(transaction.execute(query, batch))
        for message_id in batch:
            if message_id in tickets:
                return int(tickets[message_id])
    return None


def exists(transaction: sqlite3.Connection, number: int) -> bool:
    """Return whether there is a ticket with this number."""
    return transaction.execute("SELECT 1 FROM ticket WHERE id = ?", (number,)).fetchone() is not None


def people_of(transaction: sqlite3.Connection, number: int) -> set[str]:
    """Return the addresses, case-folded, of all requesters of a ticket and of the customers who wrote in it.

    A note of somebody else makes nobody known.
    """
    query = """SELECT t.text FROM event e JOIN event_text t ON t.event_id = e.id WHERE e.ticket_id = :ticket
    AND (t.field = 'requester_email' OR (t.field = 'actor' AND e.action IN (:created, :received)))
    UNION SELECT requester_email FROM ticket WHERE id = :ticket AND requester_email IS NOT NULL"""
    values = {"ticket": number, "created": CREATED, "received": RECEIVED}
    return {str(text).casefold() for (text,) in transaction.execute(query, values)}


def is_requester(transaction: sqlite3.Connection, address: str) -> bool:
    """Return whether an address, in any case of letters, is the requester of a ticket."""
    for column, value in (("requester_email", address), ("lower(requester_email)", address.lower())):
        if transaction.execute(f"SELECT 1 FROM ticket WHERE {column} = ? LIMIT 1", (value,)).fetchone() is not None:
            return True
    return False


def opened_by(transaction: sqlite3.Connection, sender: str, since: str, until: str) -> list[int]:
    """Return the tickets that the mail of a sender opened in [since, until], the newest last."""
    query = """SELECT t.id FROM ticket t JOIN mail_id m ON m.ticket_id = t.id JOIN event e ON e.id = m.event_id
    WHERE t.created_at BETWEEN ? AND ? AND e.action = ? AND lower(t.requester_email) = ? ORDER BY t.id"""
    return [number for (number,) in transaction.execute(query, (since, until, CREATED, sender.lower()))]


def has_note(transaction: sqlite3.Connection, number: int, text: str, since: str) -> bool:
    """Return whether slactl itself added this note to a ticket at or after an instant."""
    query = """SELECT 1 FROM event e JOIN event_text t ON t.event_id = e.id AND t.field = 'body'
    WHERE e.ticket_id = ? AND e.at >= ? AND e.action = ? AND e.actor_type = 'system' AND t.text = ?"""
    return transaction.execute(query, (number, since, ACTIONS[EventType.NOTE], text)).fetchone() is not None


def ticket_of_notification(transaction: sqlite3.Connection, notification: int) -> int | None:
    """Return the ticket that a notification is about; None if there is no such notification."""
    found = transaction.execute("SELECT ticket_id FROM notification WHERE id = ?", (notification,)).fetchone()
    return int(found[0]) if found is not None else None


def last_taken(transaction: sqlite3.Connection) -> str | None:
    """Return when the last message was taken, or None."""
    query = "SELECT recorded_at FROM event WHERE id = (SELECT max(event_id) FROM mail_id)"
    found = transaction.execute(query).fetchone()
    return str(found[0]) if found is not None else None
