"""Keep the tables of sums in the transaction that writes what they follow from."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from slactl.clock import from_text
from slactl.store.read.rows import Row, batches, marks
from slactl.store.schema.sums import OF_OUTCOME, SPANS, add_functions, size_of


class OpenFacts(NamedTuple):
    """What `open_count` groups an open ticket by."""

    priority: str
    unassigned: int
    escalated: int
    paused: int
    dated: int


def keep_outcome_days(connection: sqlite3.Connection, added: Iterable[Row], removed: Iterable[Row]) -> None:
    """Add outcomes to the sums of their days, and take others away."""
    more, less = _by_day(added), _by_day(removed)
    if more:
        sums = ", ".join(f"{name} = {name} + excluded.{name}" for name in OF_OUTCOME)
        places = marks((*OF_OUTCOME, "kind", "day", "size"))
        columns = ", ".join(("kind", "day", "size", *OF_OUTCOME))
        statement = f"INSERT INTO outcome_day ({columns}) VALUES ({places}) ON CONFLICT DO UPDATE SET {sums}"
        connection.executemany(statement, [(*key, *numbers) for key, numbers in more.items()])
    if less:
        of_key = "kind = ? AND day = ? AND size = ?"
        sums = ", ".join(f"{name} = {name} - ?" for name in OF_OUTCOME)
        connection.executemany(
            f"UPDATE outcome_day SET {sums} WHERE {of_key}", [(*numbers, *key) for key, numbers in less.items()]
        )
        connection.executemany(f"DELETE FROM outcome_day WHERE {of_key} AND stopped <= 0", list(less))


def _by_day(outcomes: Iterable[Row]) -> dict[tuple[str, str, int], Sequence[int]]:
    found: dict[tuple[str, str, int], Sequence[int]] = {}
    for row in outcomes:
        if row["stopped_at"] is not None:
            key = (row["kind"], row["stopped_at"][:10], size_of(row["seconds"] if row["averaged"] else None))
            numbers = _of_outcome(row)
            found[key] = numbers if key not in found else [a + b for a, b in zip(found[key], numbers, strict=True)]
    return found


def _of_outcome(row: Row) -> Sequence[int]:
    """Return what one outcome adds to each column of `OF_OUTCOME`."""
    seconds = row["seconds"] or 0
    counted = (1, int(not row["met"]), seconds if row["averaged"] else 0)
    if row["paused_seconds"] is None:
        return (*counted, 0, 0, 0, 0, 0)
    passed = int((from_text(row["stopped_at"]) - from_text(row["started_at"])).total_seconds())
    return (*counted, 1, seconds, row["paused_seconds"], row["closed_seconds"] or 0, passed)


def keep_spans(connection: sqlite3.Connection, tickets: Sequence[int]) -> None:
    """Calculate the spans of the outcomes of some tickets again, after their outcomes and events were written."""
    if tickets:
        add_functions(connection)
    for batch in batches(tickets):
        connection.execute(f"DELETE FROM outcome_span WHERE ticket_id IN ({marks(batch)})", batch)
        connection.execute(f"INSERT INTO outcome_span {SPANS.format(f'o.ticket_id IN ({marks(batch)})')}", batch)


def keep_open_counts(connection: sqlite3.Connection, added: Counter[OpenFacts], removed: Counter[OpenFacts]) -> None:
    """Count open tickets with these facts, and do not count others any more."""
    columns, of_facts = ", ".join(OpenFacts._fields), " AND ".join(f"{name} = ?" for name in OpenFacts._fields)
    more, less = added - removed, removed - added
    connection.executemany(
        f"INSERT INTO open_count ({columns}, tickets) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET tickets = tickets + excluded.tickets",
        [(*facts, number) for facts, number in more.items()],
    )
    connection.executemany(
        f"UPDATE open_count SET tickets = tickets - ? WHERE {of_facts}",
        [(number, *facts) for facts, number in less.items()],
    )
    connection.executemany(f"DELETE FROM open_count WHERE {of_facts} AND tickets <= 0", list(less))
