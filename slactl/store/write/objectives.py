"""Write which thresholds of goals were told, and the figures of goals and of who is on call, for SQL.

Stdlib `sqlite3` only: a check without anything due writes the figures too.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

FIGURES = ("objective_standing", "oncall_standing")


def told_thresholds(connection: sqlite3.Connection, objective: str, period: str) -> set[str]:
    """Return the thresholds of a goal that were told in a period."""
    query = "SELECT threshold FROM objective_alert WHERE objective = ? AND period = ?"
    return {threshold for (threshold,) in connection.execute(query, (objective, period))}


def note_told(connection: sqlite3.Connection, objective: str, period: str, thresholds: Iterable[str], at: str) -> None:
    """Record thresholds as told at an instant; one that was told before ends the transaction."""
    connection.executemany(
        "INSERT INTO objective_alert (objective, period, threshold, at) VALUES (?, ?, ?, ?)",
        [(objective, period, threshold, at) for threshold in thresholds],
    )


def has_figures(connection: sqlite3.Connection) -> bool:
    """Return whether an earlier check left figures, which may be out of date."""
    return any(connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in FIGURES)


def replace_figures(
    connection: sqlite3.Connection,
    goals: Iterable[Mapping[str, Any]],
    on_call: Iterable[Mapping[str, Any]],
    as_of: str,
) -> None:
    """Write the figures of goals and schedules in the place of the earlier ones."""
    for table, rows in zip(FIGURES, (goals, on_call), strict=True):
        connection.execute(f"DELETE FROM {table}")
        columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
        marks = ", ".join(f":{name}" for name in columns)
        connection.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",
            [{name: ({**row, "as_of": as_of})[name] for name in columns} for row in rows],
        )
