"""Read the outbox, the silences that hold messages back, and who replaces whom on call."""

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from slactl.store.read.rows import marks, rows

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
