"""Write the row of each `check` and `sync`. Stdlib `sqlite3` only, because an idle run must not import SQLModel."""

import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from slactl.clock import BootClock
from slactl.store.schema.views import last_event


class EndedRun(NamedTuple):
    """The number of a run, and the last hash of the audit log at its end; None while the log is empty."""

    number: int
    audit_head: str | None


def start_run(connection: sqlite3.Connection, now: str) -> int:
    """Insert the row of a run that begins, and return its number."""
    return _inserted(connection, "run", {"started_at": now})


def end_run(
    connection: sqlite3.Connection,
    number: int | None,
    columns: Mapping[str, Any],
    boot: BootClock | None = None,
) -> EndedRun:
    """Write what a run did, into its row or a new one."""
    audit_event, audit_head = last_event(connection) or (None, None)
    values = dict(columns) | {"skipped": _as_json(columns.get("skipped"))}
    values |= {"audit_event": audit_event, "audit_head": audit_head}
    if boot is not None:
        values |= {"boot_id": boot.boot_id, "boot_seconds": boot.seconds}
    if number is None:
        return EndedRun(_inserted(connection, "run", values), audit_head)
    _update(connection, "run", number, values)
    return EndedRun(number, audit_head)


def correct_exit_code(connection: sqlite3.Connection, number: int, code: int) -> None:
    """Change the exit code of a run that failed after its row was written."""
    connection.execute("UPDATE run SET exit_code = ? WHERE id = ?", (code, number))


def start_sync(connection: sqlite3.Connection, source: str, now: str, since: str) -> int:
    """Insert the row of a run of a source's command that begins, and return its number."""
    return _inserted(connection, "sync_run", {"source": source, "started_at": now, "since": since})


def end_sync(connection: sqlite3.Connection, number: int, columns: Mapping[str, Any]) -> None:
    """Write into its row how a run of a source's command ended."""
    _update(connection, "sync_run", number, columns)


def _as_json(skipped: Mapping[str, int] | None) -> str:
    if not skipped:
        return "{}"
    import json

    return json.dumps(skipped, sort_keys=True)


def _update(connection: sqlite3.Connection, table: str, number: int, values: Mapping[str, Any]) -> None:
    sets = ", ".join(f"{name} = :{name}" for name in values)
    connection.execute(f"UPDATE {table} SET {sets} WHERE id = :id", {**values, "id": number})


def _inserted(connection: sqlite3.Connection, table: str, values: Mapping[str, Any]) -> int:
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    number = connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values).lastrowid
    assert number is not None
    return number
