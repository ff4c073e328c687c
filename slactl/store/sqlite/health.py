"""Examine a database for `doctor`: its structure, and whether its work is done."""

import sqlite3
from pathlib import Path

from slactl.store.schema import compiled
from slactl.store.schema.views import OPEN, TARGETS
from slactl.text import NOBODY, quoted


def missing_tables(connection: sqlite3.Connection) -> list[str]:
    """Return the tables that are missing, and the missing columns of the others."""
    found: list[str] = []
    for name, table in compiled.tables().items():
        known = {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
        columns = [f"column {name}.{column}" for column in table.columns if column not in known]
        found += columns if known else [f"table {name}"]
    return found


def damage(connection: sqlite3.Connection) -> list[str]:
    """Return the first broken pages, indexes, constraints and references; an empty list if nothing is broken."""
    found = [row[0] for row in connection.execute("PRAGMA integrity_check(10)") if row[0] != "ok"]
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(10):
        found.append(f"row {row} of {table} refers to a row of {parent} that does not exist")
    return found


def latest_instant(connection: sqlite3.Connection) -> str | None:
    """Return the latest instant that the last events and runs were recorded at."""
    queries = (
        "SELECT max(recorded_at) FROM (SELECT recorded_at FROM event ORDER BY id DESC LIMIT 1000)",
        "SELECT max(started_at) FROM (SELECT started_at FROM run ORDER BY id DESC LIMIT 1000)",
    )
    found = [connection.execute(query).fetchone()[0] for query in queries]
    return max((instant for instant in found if instant is not None), default=None)


def first_instant(connection: sqlite3.Connection) -> str | None:
    """Return when the first event was recorded; None while the log is empty."""
    row = connection.execute("SELECT recorded_at FROM event ORDER BY id LIMIT 1").fetchone()
    return str(row[0]) if row is not None else None


def open_tickets(connection: sqlite3.Connection) -> int:
    """Return the number of open tickets."""
    return int(connection.execute(f"SELECT count(*) FROM ticket t WHERE {OPEN}").fetchone()[0])


def overdue(connection: sqlite3.Connection, before: str) -> int:
    """Return how many tickets and timers a run should have looked at before an instant."""
    queries = (f"SELECT count(*) FROM {table} WHERE next_at < ?" for table in ("timer", "ticket"))
    return sum(int(connection.execute(query, (before,)).fetchone()[0]) for query in queries)


def overlooked(connection: sqlite3.Connection, until: str) -> int:
    """Return how many timers have a missed deadline that was not detected, and no next instant in time."""
    missed = "COALESCE(breached_at, CASE WHEN stopped_at IS NULL THEN due_at END)"
    query = (
        f"SELECT count(*) FROM timer WHERE kind IN {TARGETS} AND detected_at IS NULL AND {missed} IS NOT NULL AND"
        f" (next_at IS NULL OR next_at > max(?, strftime('%Y-%m-%dT%H:%M:%SZ', {missed}, '+1 second')))"
    )
    return int(connection.execute(query, (until,)).fetchone()[0])


def stuck_messages(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many messages need a person's decision, by state."""
    stuck = "state IN ('dead', 'held', 'partly')"
    query = f"SELECT state, count(*) FROM notification WHERE {stuck} GROUP BY state ORDER BY state"
    return dict(connection.execute(query))


def told_nobody(connection: sqlite3.Connection) -> int:
    """Return how many open tickets have a message that reached nobody, and no later one that reached somebody."""
    later = (
        "SELECT 1 FROM notification later WHERE later.ticket_id = n.ticket_id AND later.id > n.id"
        " AND later.recipient != n.recipient AND later.state IN ('sent', 'partly', 'printed')"
    )
    query = (
        "SELECT count(DISTINCT n.ticket_id) FROM notification n JOIN ticket t ON t.id = n.ticket_id"
        f" WHERE n.recipient = ? AND n.state = 'printed' AND {OPEN} AND NOT EXISTS ({later})"
    )
    return int(connection.execute(query, (NOBODY,)).fetchone()[0])


def library_version() -> str:
    """Return the version of the SQLite library in use."""
    return sqlite3.sqlite_version


def is_torn(error: BaseException) -> bool:
    """Return whether an error, or what caused it, says that the file is damaged or is not a database."""
    code = getattr(error.__cause__ or error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def journal_mode(connection: sqlite3.Connection, unlocked: Path | None) -> tuple[str, bool]:
    """Return how the database keeps its log, and whether that is the write-ahead log that slactl relies on.

    `unlocked` is the path of a database that is read without locks. SQLite does not use its log and denies that it has
    one.
    """
    mode = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
    if mode != "wal" and unlocked is not None:
        with unlocked.open("rb") as stream:  # this process has no locks that closing the file would release
            mode = "wal" if stream.read(20)[18:] == b"\2\2" else mode
    return mode, mode == "wal"


def journal_command(path: Path) -> str:
    """Return the command that turns the write-ahead log on again."""
    return f"sqlite3 {quoted(path)} 'PRAGMA journal_mode = WAL'"
