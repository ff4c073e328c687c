"""The least that the writes of a `check` can cost: the same rows into the same tables, by Python's own `sqlite3`.

    python tests/bench/yardstick.py BEFORE.db AFTER.db

AFTER is the database once `check` has run, BEFORE a copy from just before. What differs is read into memory, and then
written to BEFORE as a plain script would: an insert or an update a row, a thousand tickets in a transaction.
Prints the CPU seconds of the writing alone, and the number of tickets and rows.
"""

import sqlite3
import sys
import time
from collections.abc import Sequence
from typing import Any

INSERTED = ("event", "escalation", "notification")
UPDATED = ("ticket", "timer")
CHUNK = 1000


def columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """The stored columns of a table."""
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def differences(connection: sqlite3.Connection, tickets: Sequence[int]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of `after` that are new or other than in `main`, by table, for some tickets."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    first, last = tickets[0], tickets[-1]
    for table in (*INSERTED, *UPDATED):
        own = "id" if table == "ticket" else "ticket_id"
        query = (
            f"SELECT * FROM after.{table} WHERE {own} BETWEEN ? AND ? "
            f"EXCEPT SELECT * FROM main.{table} WHERE {own} BETWEEN ? AND ?"
        )
        found[table] = connection.execute(query, (first, last, first, last)).fetchall()
    return found


def main() -> None:
    """Replay and time the writes."""
    before, after = sys.argv[1:]
    connection = sqlite3.connect(before, isolation_level=None)
    connection.execute("ATTACH ? AS after", (after,))
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "recursive_triggers = ON"):
        connection.execute(f"PRAGMA {pragma}")
    due = "next_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"
    query = f"SELECT DISTINCT ticket_id FROM main.timer WHERE {due} ORDER BY 1"
    numbers = [number for (number,) in connection.execute(query)]
    names = {table: columns(connection, table) for table in (*INSERTED, *UPDATED)}
    chunks = [differences(connection, numbers[at : at + CHUNK]) for at in range(0, len(numbers), CHUNK)]
    for table in ("rules_version", "run"):
        connection.execute(f"INSERT OR IGNORE INTO main.{table} SELECT * FROM after.{table}")
    connection.execute("DETACH after")
    statements = {table: f"INSERT INTO {table} VALUES ({', '.join('?' * len(names[table]))})" for table in INSERTED} | {
        table: f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in names[table][1:])} WHERE id = ?"
        for table in UPDATED
    }
    began, rows = time.process_time(), 0
    for chunk in chunks:
        connection.execute("BEGIN IMMEDIATE")
        for table in ("ticket", "event", "escalation", "notification", "timer"):
            for row in chunk[table]:
                connection.execute(statements[table], (*row[1:], row[0]) if table in UPDATED else row)
                rows += 1
        connection.execute("COMMIT")
    sys.stdout.write(f"{time.process_time() - began:.3f} {len(numbers)} {rows}\n")


if __name__ == "__main__":
    main()
