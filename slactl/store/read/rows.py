"""Turn rows of SQLite into dictionaries."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

Row = dict[str, Any]

Item = TypeVar("Item")

#: The most ids in one `IN (…)`: far below SQLite's limit on parameters, and enough to be fast.
BATCH = 500


def rows(
    transaction: sqlite3.Connection, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
) -> Iterator[Row]:
    """Yield each row of a query by the names of its columns."""
    cursor = transaction.execute(query, parameters)
    names = [column[0] for column in cursor.description]
    for values in cursor:
        yield dict(zip(names, values, strict=True))


def by_ticket(found: Iterable[Row]) -> dict[int, list[Row]]:
    """Group rows by their `ticket_id`."""
    groups: dict[int, list[Row]] = {}
    for row in found:
        groups.setdefault(row["ticket_id"], []).append(row)
    return groups


def marks(values: Sequence[object]) -> str:
    """Return as many question marks as there are values, for `IN (…)`."""
    return ", ".join("?" * len(values))


def numbers(values: Iterable[int]) -> str:
    """Return numbers as SQL text for `IN (…)`, which takes more of them than there may be parameters."""
    return ", ".join(f"{value:d}" for value in values)


def batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Yield parts of a sequence that are short enough for one statement."""
    for first in range(0, len(items), BATCH):
        yield items[first : first + BATCH]
