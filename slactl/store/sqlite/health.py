"""What a doctor asks the database: how it is made, and whether the work on it goes on. Stdlib `sqlite3` only."""

import sqlite3
from pathlib import Path

from slactl.store.schema.migrations import all_tables
from slactl.store.schema.views import OPEN, TARGETS
from slactl.text import quoted

#: Exit codes of runs that did all their work: nothing to do, or something fired.
GOOD = (0, 10)


def missing_tables(connection: sqlite3.Connection) -> list[str]:
    """The tables that are not there, and the columns of the others."""
    found: list[str] = []
    for table in all_tables():
        known = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
        columns = [f"column {table.name}.{column.name}" for column in table.columns if column.name not in known]
        found += columns if known else [f"table {table.name}"]
    return found


def latest_instant(connection: sqlite3.Connection) -> str | None:
    """The latest instant at which something was recorded, among the last events and runs."""
    queries = (
        "SELECT max(recorded_at) FROM (SELECT recorded_at FROM event ORDER BY id DESC LIMIT 1000)",
        "SELECT max(started_at) FROM (SELECT started_at FROM run ORDER BY id DESC LIMIT 1000)",
    )
    found = [connection.execute(query).fetchone()[0] for query in queries]
    return max((instant for instant in found if instant is not None), default=None)


def first_instant(connection: sqlite3.Connection) -> str | None:
    """When the first event was recorded."""
    row = connection.execute("SELECT recorded_at FROM event ORDER BY id LIMIT 1").fetchone()
    return str(row[0]) if row is not None else None


def last_good_run(connection: sqlite3.Connection) -> str | None:
    """When the last check ended that did all its work."""
    query = f"SELECT ended_at FROM run WHERE ended_at IS NOT NULL AND exit_code IN {GOOD} ORDER BY id DESC LIMIT 1"
    row = connection.execute(query).fetchone()
    return str(row[0]) if row is not None else None


def last_exit_code(connection: sqlite3.Connection) -> int | None:
    """How the last check that ended did so, where that was not well; None else."""
    row = connection.execute("SELECT exit_code FROM run WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT 1").fetchone()
    return int(row[0]) if row is not None and row[0] not in (*GOOD, None) else None


def open_tickets(connection: sqlite3.Connection) -> int:
    """How many tickets are open."""
    return int(connection.execute(f"SELECT count(*) FROM ticket t WHERE {OPEN}").fetchone()[0])


def overdue(connection: sqlite3.Connection, before: str) -> int:
    """How many timers should have been looked at before an instant."""
    return int(connection.execute("SELECT count(*) FROM timer WHERE next_at < ?", (before,)).fetchone()[0])


def overlooked(connection: sqlite3.Connection, until: str) -> int:
    """How many timers have a deadline that nobody noticed, and no next instant by then, or by its end."""
    missed = "COALESCE(breached_at, CASE WHEN stopped_at IS NULL THEN due_at END)"
    query = (
        f"SELECT count(*) FROM timer WHERE kind IN {TARGETS} AND detected_at IS NULL AND {missed} IS NOT NULL AND"
        f" (next_at IS NULL OR next_at > max(?, strftime('%Y-%m-%dT%H:%M:%SZ', {missed}, '+1 second')))"
    )
    return int(connection.execute(query, (until,)).fetchone()[0])


def stuck_messages(connection: sqlite3.Connection) -> dict[str, int]:
    """How many messages wait for a person's decision, by state."""
    query = "SELECT state, count(*) FROM notification WHERE state IN ('dead', 'held') GROUP BY state ORDER BY state"
    return dict(connection.execute(query))


def library_version() -> str:
    """Return the version of the SQLite library in use."""
    return sqlite3.sqlite_version


def is_torn(error: BaseException) -> bool:
    """Return whether an error, or what caused it, says that the file is damaged or is not a database."""
    code = getattr(error.__cause__ or error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def journal_mode(connection: sqlite3.Connection) -> tuple[str, bool]:
    """Return how the database keeps its log, and whether that is the write-ahead log that slactl relies on."""
    mode = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
    return mode, mode == "wal"


def journal_command(path: Path) -> str:
    """Return the command that turns the write-ahead log on again."""
    return f"sqlite3 {quoted(path)} 'PRAGMA journal_mode = WAL'"
