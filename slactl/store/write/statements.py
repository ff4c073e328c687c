"""Read and write many tickets at once, each function in as few statements as possible. Stdlib `sqlite3` only."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from slactl.errors import RefusedError
from slactl.sla.history.event import Event
from slactl.store.read.filters import by_number
from slactl.store.read.rows import Row, batches, by_ticket, marks, rows
from slactl.store.schema.chain import BEGINNING, sealed_rows
from slactl.store.schema.compiled import tables
from slactl.store.schema.events import COLUMNS, from_row, named_in
from slactl.store.schema.views import last_event

if TYPE_CHECKING:
    from slactl.records.tickets import Ticket

#: The tables of which each row is written by these functions, and those with numbers that slactl gives itself.
Table = Literal["escalation", "event", "event_text", "notification", "outcome", "snapshot", "ticket", "timer"]
Numbered = Literal["escalation", "event", "ticket"]
NUMBERED: tuple[Numbered, ...] = ("escalation", "event", "ticket")


def next_ids(connection: sqlite3.Connection) -> dict[Numbered, int]:
    """Return the next free ids. Rows are never removed from these tables, and the caller holds the write lock."""
    found = {table: connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0] for table in NUMBERED}
    return {table: (last or 0) + 1 for table, last in found.items()}


def insert_rows(connection: sqlite3.Connection, table: Table, new: Sequence[Row]) -> None:
    """Insert rows; a column that a row does not have gets its default."""
    if new:
        compiled = tables()[table]
        connection.executemany(compiled.insert, map(compiled.whole, new))


def append_events(connection: sqlite3.Connection, new: Sequence[Row]) -> None:
    """Append events to the log, in the order of their ids, and to the chain that seals it."""
    if new:
        _, before = last_event(connection) or (0, BEGINNING)
        insert_rows(connection, "event", sealed_rows(before, new))


def keep_mail(connection: sqlite3.Connection, new: Sequence[Row]) -> None:
    """Note which event each message by mail became; a message that was taken before stays with its event."""
    if new:
        compiled = tables()["mail_id"]
        connection.executemany(f"{compiled.insert} ON CONFLICT DO NOTHING", map(compiled.whole, new))


def update_rows(connection: sqlite3.Connection, table: Table, changed: Sequence[Row]) -> None:
    """Update rows by `id`; those that set the same columns go together, in the order of the first of them.

    A row without columns changes nothing.
    """
    for columns, alike in _by_columns(changed).items():
        statement = f"UPDATE {table} SET {_settings(columns)} WHERE id = ?"
        connection.executemany(statement, map(itemgetter(*columns, "id"), alike))


def delete_rows(connection: sqlite3.Connection, table: Literal["outcome", "timer"], numbers: Iterable[int]) -> None:
    """Remove timers or outcomes that no longer follow from a history."""
    connection.executemany(f"DELETE FROM {table} WHERE id = ?", ((number,) for number in numbers))


def ticket_records(connection: sqlite3.Connection, numbers: Sequence[int], now: str) -> "list[Ticket]":
    """Return tickets as in `ticket_view` at `now` (text), as this transaction sees them."""
    return list(by_number(connection, now, numbers))


def histories(connection: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, list[Event]]:
    """Return the events from which the timers of each ticket are calculated, by time."""
    found: dict[int, list[Event]] = {number: [] for number in numbers}
    for batch in batches(numbers):
        query = f"SELECT ticket_id, {COLUMNS} FROM event WHERE ticket_id IN ({marks(batch)}) ORDER BY ticket_id, at, id"
        for number, *row in connection.execute(query, batch):
            event = from_row(*row)
            if event is not None:
                found[number].append(event)
    return found


def requester(connection: sqlite3.Connection, number: int) -> str | None:
    """Return the address of the requester of a ticket."""
    found = connection.execute("SELECT requester_email FROM ticket WHERE id = ?", (number,)).fetchone()
    return str(found[0]) if found is not None and found[0] is not None else None


def update_tickets(connection: sqlite3.Connection, changed: Sequence[Row], read: Mapping[int, int | None]) -> None:
    """Update tickets that still have the versions they were read with, as `update_rows`.

    Raises:
        RefusedError: somebody changed one of them since.
    """
    for columns, alike in _by_columns(changed).items():
        statement = f"UPDATE ticket SET {_settings(columns)} WHERE id = ? AND version = ?"
        pick = itemgetter(*columns, "id")
        values = [(*pick(row), read.get(row["id"])) for row in alike]
        if connection.executemany(statement, values).rowcount != len(alike):
            named = ", ".join(str(row["id"]) for row in alike[:10])
            which = f"ticket {named}" if len(alike) == 1 else f"one of the tickets {named}"
            raise RefusedError(f"somebody else changed {which} in the meantime; nothing was written")


def tickets(connection: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, Row]:
    """Return the row of each ticket; text that cannot be read equals no text that slactl writes."""
    found = dict[int, Row]()
    for batch in batches(numbers):
        query = f"SELECT * FROM ticket WHERE id IN ({marks(batch)})"
        try:
            found |= {row["id"]: row for row in rows(connection, query, batch)}
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):  # it is not about a text
                raise
            connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            try:
                found |= {row["id"]: row for row in rows(connection, query, batch)}
            finally:
                connection.text_factory = str
    return found


def timers(connection: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, list[Row]]:
    """Return the stored timers of each ticket."""
    return _grouped(connection, "SELECT * FROM timer WHERE ticket_id IN ({})", numbers)


def outcomes(connection: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, list[Row]]:
    """Return the stored outcomes of each ticket, in the order in which they were written."""
    return _grouped(connection, "SELECT * FROM outcome WHERE ticket_id IN ({}) ORDER BY id", numbers)


def decisions(connection: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, list[Row]]:
    """Return the key, the instants, the outcome and the event of each level that became due, by ticket and id."""
    key = ("kind", "cycle", "escalation", "level", "arming", "repeat")
    columns = ("id", "ticket_id", "event_id", *key, "source", "due_at", "fired_at", "outcome")
    query = (
        f"SELECT {', '.join(f'f.{name}' for name in columns)}, {named_in('e')} AS event_name FROM escalation f"
        " LEFT JOIN event e ON e.id = f.event_id WHERE f.level IS NOT NULL AND f.ticket_id IN ({}) ORDER BY f.id"
    )
    return _grouped(connection, query, numbers)


def move_decisions(connection: sqlite3.Connection, cycles: Mapping[int, int]) -> None:
    """Move escalations to other cycles; afterwards no two escalations have the same cycle."""
    change = "UPDATE escalation SET cycle = ? WHERE id = ?"
    # First move all of them to unused cycles, because the old cycle of one may be the new cycle of another.
    connection.executemany(change, [(-(2**40) - number, number) for number in cycles])
    connection.executemany(change, [(cycle, number) for number, cycle in cycles.items()])


def keep_snapshots(connection: sqlite3.Connection, kept: Sequence[Row]) -> None:
    """Write the last rows of tickets in place of those before."""
    connection.executemany("DELETE FROM snapshot WHERE ticket_id = ?", [(row["ticket_id"],) for row in kept])
    insert_rows(connection, "snapshot", kept)


def tickets_of_requester(connection: sqlite3.Connection, address: str, since: str, until: str) -> list[int]:
    """Return the tickets that an address, in any case of letters, opened in [since, until]."""
    # Use the index of the instants: few tickets are opened within the time of a burst.
    query = "SELECT id FROM ticket WHERE created_at BETWEEN ? AND ? AND lower(requester_email) = ? ORDER BY id"
    return [number for (number,) in connection.execute(query, (since, until, address.lower()))]


def postpone(connection: sqlite3.Connection, number: int, until: str) -> None:
    """Put off a ticket and its timers, as far as their next instants have come."""
    for table, of_ticket in (("timer", "ticket_id"), ("ticket", "id")):
        statement = f"UPDATE {table} SET next_at = ? WHERE {of_ticket} = ? AND next_at < ?"
        connection.execute(statement, (until, number, until))


def _grouped(connection: sqlite3.Connection, query: str, numbers: Sequence[int]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {number: [] for number in numbers}
    for batch in batches(numbers):
        found |= by_ticket(rows(connection, query.format(marks(batch)), batch))
    return found


def _by_columns(changed: Iterable[Row]) -> Mapping[tuple[str, ...], list[Row]]:
    alike: dict[tuple[str, ...], list[Row]] = {}
    for row in changed:
        if row:
            alike.setdefault(tuple(row), []).append(row)
    return {tuple(name for name in columns if name != "id"): found for columns, found in alike.items()}


def _settings(columns: Iterable[str]) -> str:
    """Return the part of an `UPDATE` that sets columns."""
    return ", ".join(f"{name} = ?" for name in columns)


def inserted(connection: sqlite3.Connection, table: str, values: Mapping[str, Any]) -> int:
    """Insert a row, to which the database gives its number; return the number."""
    compiled = tables()[table]
    number = connection.execute(compiled.insert, compiled.whole(values)).lastrowid
    assert number is not None
    return number
