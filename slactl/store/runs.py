"""What each `check` needs to know before it starts, and the row it leaves: stdlib `sqlite3` only.

An idle run, by far the commonest, must cost next to nothing, so that none of this imports SQLModel.
"""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slactl.store.chain import head
from slactl.store.connection import open_database, reported, transaction

COLUMNS = [
    "id",
    "started_at",
    "ended_at",
    "scanned",
    "breached",
    "fired",
    "notified",
    "failed",
    "skipped",
    "exit_code",
    "rules_version",
    "audit_head",
]

#: The key of `meta` under which the rules file that was last found valid is known.
FINGERPRINT = "rules_fingerprint"


def is_idle(path: Path, now: str, fingerprint: str) -> bool:
    """Whether nothing is due, nothing waits to be sent, and the rules file is the one of the last run."""
    connection = open_database(path, query_only=True)
    try:
        with reported(path), transaction(connection):
            known = connection.execute("SELECT value FROM meta WHERE key = ?", (FINGERPRINT,)).fetchone()
            return known == (fingerprint,) and not _anything_due(connection, now)
    finally:
        connection.close()


def _anything_due(connection: sqlite3.Connection, now: str) -> bool:
    due = "SELECT EXISTS (SELECT 1 FROM timer WHERE next_at <= ?)"
    waiting = (
        "SELECT EXISTS (SELECT 1 FROM notification WHERE state IN ('waiting', 'sending') AND"
        " (state = 'sending' OR next_try_at <= ?))"
    )
    return any(connection.execute(query, (now,)).fetchone()[0] for query in (due, waiting))


def audit_head(path: Path) -> str | None:
    """The head of the event log; None while it is empty.

    Raises:
        DatabaseError: the database is missing, damaged, not ours or newer than the program.
    """
    connection = open_database(path, query_only=True)
    try:
        with reported(path):
            last = head(connection)
    finally:
        connection.close()
    return last[1] if last is not None else None


def start_run(path: Path, now: str) -> int:
    """The row of a run that begins; returns its number."""
    connection = open_database(path)
    try:
        with reported(path), transaction(connection, write=True):
            number = connection.execute("INSERT INTO run (started_at) VALUES (?)", (now,)).lastrowid
            assert number is not None
            return number
    finally:
        connection.close()


def end_run(
    path: Path, number: int | None, columns: Mapping[str, Any], fingerprint: str | None
) -> tuple[int, str | None]:
    """Write what a run did, into its row or a new one; and the rules file it found valid, if any.

    Returns the number of the run, and the head of the event log at its end.
    """
    values = dict(columns) | {"skipped": json.dumps(columns.get("skipped", {}), sort_keys=True)}
    connection = open_database(path)
    try:
        with reported(path), transaction(connection, write=True):
            values["audit_event"], values["audit_head"] = head(connection) or (None, None)
            if fingerprint is not None:
                connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (FINGERPRINT, fingerprint))
            if number is not None:
                connection.execute(
                    f"UPDATE run SET {', '.join(f'{name} = :{name}' for name in values)} WHERE id = :id",
                    values | {"id": number},
                )
                return number, values["audit_head"]
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            made = connection.execute(f"INSERT INTO run ({names}) VALUES ({marks})", values).lastrowid
            assert made is not None
            return made, values["audit_head"]
    finally:
        connection.close()


def runs(connection: sqlite3.Connection, limit: int = 0) -> list[dict[str, Any]]:
    """The runs, newest first."""
    query = f"SELECT {', '.join(COLUMNS)} FROM run ORDER BY id DESC" + (f" LIMIT {limit:d}" if limit else "")
    return [_record(row) for row in connection.execute(query)]


def run(connection: sqlite3.Connection, number: int) -> dict[str, Any] | None:
    """One run, or None."""
    row = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM run WHERE id = ?", (number,)).fetchone()
    return _record(row) if row else None


def _record(row: tuple[Any, ...]) -> dict[str, Any]:
    record = dict(zip(COLUMNS, row, strict=True))
    record["skipped"] = json.loads(record["skipped"])
    return record
