"""Measure the targets of a period by the sums of whole days; only outcomes of the first and last day are read."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from slactl.store.read.outcomes import Period, misses, uncounted
from slactl.store.read.rows import Row, rows
from slactl.store.schema.sums import AVERAGED, NO_SIZE, OF_OUTCOME, shortest_of, size_of


class Times(NamedTuple):
    """Hold business times in seconds: how many, their total, and the times of some ranks, from 0 on in ascending order.

    `ranked` takes the first rank and how many times follow; it may read them, so ask within the transaction.
    """

    number: int
    total: int
    ranked: Callable[[int, int], Sequence[int]]

    @classmethod
    def of(cls, seconds: Iterable[int]) -> "Times":
        """Return times that are in memory."""
        ordered = sorted(seconds)
        return cls(len(ordered), sum(ordered), lambda first, most: ordered[first : first + most])


class MeasuredTargets(NamedTuple):
    """Count the outcomes of one kind of target in a period, in one group, and those that are late.

    `taken` has the business time of each that ended, unless nobody answered.
    """

    group: str | None
    total: int
    late: int
    taken: Times


class TimeSpent(NamedTuple):
    """Sum up the seconds that targets took: business time, pauses, time while closed, and all the time that passed."""

    group: str | None
    working: int
    paused: int
    closed: int
    passed: int


def measured(connection: sqlite3.Connection, period: Period, kind: str) -> MeasuredTargets:
    """Return the counts and times of one kind of target in a period."""
    sizes = sums(connection, period, kind, ("stopped", "late", "seconds"))
    missed = f"SELECT COUNT(*) FROM outcome o WHERE {misses(period, kind)}"
    passed = f"SELECT COUNT(*) FROM ({uncounted('1', _passed(period, kind))})"
    open_late = sum(connection.execute(query, period.parameters).fetchone()[0] for query in (missed, passed))
    stopped, late = (sum(row[name] for row in sizes) for name in ("stopped", "late"))
    taken = [row for row in sizes if row["size"] != NO_SIZE]
    times = Times(
        sum(row["stopped"] for row in taken),
        sum(row["seconds"] for row in taken),
        partial(_ranked, connection, period, kind, {row["size"]: row["stopped"] for row in taken}),
    )
    return MeasuredTargets(None, stopped + open_late, late + open_late, times)


def _passed(period: Period, kind: str) -> str:
    return f"+r.kind = '{kind}' AND {period.holds('r.due_at')}"


def sums(connection: sqlite3.Connection, period: Period, kind: str, names: Sequence[str]) -> list[Row]:
    """Return sums of the outcomes whose clocks stopped in a period, by class of business time, in their order.

    Whole days have sums; the outcomes of the other days are read.
    """
    columns = ", ".join(("size", *names))
    of_rows = ", ".join((f"size_of({AVERAGED}) AS size", *(f"{OF_OUTCOME[name]} AS {name}" for name in names)))
    days, *edges = period.days()
    parts = [f"SELECT {columns} FROM outcome_day WHERE kind = :kind AND {days}"]
    parts += [f"SELECT {of_rows} FROM outcome o WHERE o.kind = :kind AND {edge}" for edge in edges]
    sums = ", ".join(f"SUM({name}) AS {name}" for name in names)
    query = f"SELECT size, {sums} FROM ({' UNION ALL '.join(parts)}) GROUP BY size"
    connection.create_function("size_of", 1, size_of, deterministic=True)
    return list(rows(connection, query, {**period.parameters, "kind": kind}))


def stopped(connection: sqlite3.Connection, period: Period, kind: str) -> int:
    """Return how many clocks of one kind stopped in a period."""
    days, *edges = period.days()
    parts = [f"SELECT SUM(stopped) AS number FROM outcome_day WHERE kind = :kind AND {days}"]
    parts += [f"SELECT COUNT(*) FROM outcome o WHERE o.kind = :kind AND {edge}" for edge in edges]
    query = f"SELECT SUM(number) FROM ({' UNION ALL '.join(parts)})"
    return connection.execute(query, {**period.parameters, "kind": kind}).fetchone()[0] or 0


def _ranked(
    connection: sqlite3.Connection, period: Period, kind: str, sizes: Mapping[int, int], first: int, most: int
) -> list[int]:
    """Return averaged business times of a period from a rank on, given how many there are of each class."""
    least, before = 0, 0
    for size, number in sorted(sizes.items()):
        if before + number > first:
            least = shortest_of(size)
            break
        before += number
    # An index has the times in their order.
    query = f"""SELECT o.seconds FROM outcome o WHERE o.kind = :kind AND o.seconds >= :least AND o.averaged = 1
    AND {period.holds("o.stopped_at")} ORDER BY o.seconds LIMIT {most:d} OFFSET {first - before:d}"""
    parameters = {**period.parameters, "kind": kind, "least": least}
    return [seconds for (seconds,) in connection.execute(query, parameters)]


def spent(connection: sqlite3.Connection, period: Period, kind: str) -> TimeSpent | None:
    """Return the time that the targets of one kind took that ended in a period; None where it is not known."""
    names = ("spent", "working", "paused", "closed", "passed")
    sizes = sums(connection, period, kind, names)
    known, *times = (sum(row[name] for row in sizes) for name in names)
    return TimeSpent(None, *times) if known else None
