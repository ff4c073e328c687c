"""How promises were kept in a period: which targets count, and what the times they took come to."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from slactl.clock import from_text, to_text
from slactl.errors import UsageError
from slactl.sla.enums import Priority
from slactl.store import views

#: Fractions are told to this many decimals.
DECIMALS = 6


#: Nothing happened before this.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class By(StrEnum):
    """What tickets can be broken down by."""

    PLAN = "plan"
    PRIORITY = "priority"
    ASSIGNEE = "assignee"
    TENANT = "tenant"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Period:
    """The time in [since, until), as instants in stored text, seen from `now`; None is no bound."""

    now: str
    since: str | None = None
    until: str | None = None

    @property
    def parameters(self) -> Mapping[str, str | None]:
        """What the conditions refer to."""
        return {"now": self.now, "since": self.since, "until": self.until}

    @property
    def is_bounded(self) -> bool:
        """Whether it is less than all the time there is."""
        return self.since is not None or self.until is not None

    @property
    def late(self) -> str:
        """The condition on a timer `r`: late when it ended, or late and still open."""
        return views.breach_condition(":now")

    @property
    def before(self) -> "Period | None":
        """As long a time before it; None where it has no beginning, or has not begun."""
        if self.since is None:
            return None
        since, end = from_text(self.since), from_text(min(self.until or self.now, self.now))
        if end <= since or (end - since) >= since - EARLIEST:
            return None
        return Period(self.now, to_text(since - (end - since)), self.since)

    def holds(self, instant: str) -> str:
        """The condition that an instant lies in the period; never true of null."""
        parts = [f"{instant} >= :since"] if self.since else []
        parts += [f"{instant} < :until"] if self.until else []
        return " AND ".join(parts) or f"{instant} IS NOT NULL"

    @property
    def done(self) -> str:
        """The condition on `r`: it ended in the period."""
        return f"({self.holds('r.stopped_at')})"

    @property
    def missed(self) -> str:
        """The condition on `r`: its deadline passed undone in the period."""
        return f"({self.late} AND {self.holds(MISSED_AT)})"

    @property
    def measured(self) -> str:
        """The condition on `r`: done, or its deadline passed undone, in the period."""
        return f"({self.done} OR {self.missed})"


def between(now: datetime, since: datetime | None, until: datetime | None) -> Period:
    """The period [since, until) as seen from `now`.

    Raises:
        UsageError: it ends before it begins.
    """
    if since is not None and until is not None and until < since:
        raise UsageError(
            f"the period ends ({to_text(until)}) before it begins ({to_text(since)})",
            "slactl summary --since '7d ago' --until now",
        )
    return Period(to_text(now), to_text(since) if since else None, to_text(until) if until else None)


#: The instant at which a late timer `r` became late.
MISSED_AT = "COALESCE(r.breached_at, r.due_at)"

#: Of a kind of target, the condition that its end is a time taken. Resolving without a reply ends first response, but
#: is no response: it is judged and not averaged.
TAKEN = {"first_response": "r.stopped_at = t.first_responded_at"}


@dataclass(slots=True)
class Measured:
    """The targets of one kind that are done, or whose deadline passed undone; `seconds` of business time each.

    Of those that are `late`, `still_open` are not done to this day, and `earlier` were late before the period began.
    """

    count: int = 0
    late: int = 0
    still_open: int = 0
    earlier: int = 0
    seconds: list[int] = field(default_factory=list)

    def add(self, other: "Measured") -> None:
        """Count the targets of another group too."""
        self.count += other.count
        self.late += other.late
        self.still_open += other.still_open
        self.earlier += other.earlier
        self.seconds += other.seconds

    @property
    def attainment(self) -> float | None:
        """The share that was kept."""
        return share(self.count - self.late, self.count)

    def average(self, unit: int = 1) -> float | None:
        """The mean of the business time taken, in units of `unit` seconds."""
        return round(sum(self.seconds) / len(self.seconds) / unit, DECIMALS) if self.seconds else None

    def quantiles(self, *parts: float, unit: int = 1) -> list[float | None]:
        """The business time within which each part was done; between two values in proportion, so 0.5 is the median."""
        ordered = sorted(self.seconds)
        return [round(quantile(ordered, part) / unit, DECIMALS) if ordered else None for part in parts]


def quantile(ordered: Sequence[int], part: float) -> float:
    """The value below which `part` of some ascending values lie, between two of them in proportion."""
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def share(part: int, whole: int) -> float | None:
    """A part of a whole; None of nothing."""
    return round(part / whole, DECIMALS) if whole else None


def measure(
    connection: sqlite3.Connection, period: Period, kind: str, by: By | None = None
) -> dict[str | None, Measured]:
    """What counts of one kind of target in a period, by group; one group, None, where there are none."""
    taken = TAKEN.get(kind, "1")
    join = " JOIN ticket t ON t.id = r.ticket_id" if by or kind in TAKEN else ""
    counts = (
        period.late,
        f"{period.late} AND r.stopped_at IS NULL",
        f"{period.late} AND {MISSED_AT} < :since" if period.since else "0",
    )
    columns = f"COUNT(*), {sums(counts)}, GROUP_CONCAT(CASE WHEN {period.done} AND {taken} THEN r.consumed_seconds END)"
    group, end = (f"t.{by}", " GROUP BY 1") if by else ("NULL", "")
    query = f"SELECT {group}, {columns} FROM timer r{join} WHERE r.kind = :kind AND {period.measured}{end}"
    found = connection.execute(query, {**period.parameters, "kind": kind})
    return {
        name: Measured(count, late, still_open, earlier, list(map(int, seconds.split(","))) if seconds else [])
        for name, count, late, still_open, earlier, seconds in found
    }


def sums(conditions: Iterable[str]) -> str:
    """How many rows meet each condition; 0, not null, where there are none."""
    return ", ".join(f"COUNT(CASE WHEN {condition} THEN 1 END)" for condition in conditions)


def ordered_groups(names: Iterable[str | None], by: By) -> list[str | None]:
    """The groups by name, those without one last; priorities from urgent down."""
    if by is By.PRIORITY:
        present = set(names)
        return [priority.value for priority in reversed(Priority) if priority.value in present]
    return sorted(names, key=lambda name: (name is None, name or ""))


def ever(connection: sqlite3.Connection, period: Period, by: By | None = None) -> dict[str | None, dict[str, Any]]:
    """How many tickets there are by group, and of how many of them ever: `all`, `escalated`, `breached`.

    In a bounded period they are those of which something was measured in it, breached where that was late.
    """
    source, breached = "ticket t", "t.missed OR t.due_at < :now"
    if period.is_bounded:
        found = f"SELECT r.ticket_id, MAX({period.late}) AS late FROM timer r"
        found += f" WHERE r.kind IN {views.TARGETS} AND {period.measured} GROUP BY r.ticket_id"
        source, breached = f"({found}) m JOIN ticket t ON t.id = m.ticket_id", "m.late"
    group, end = (f"t.{by}", " GROUP BY 1") if by else ("NULL", "")
    query = f"SELECT {group}, {sums(('1', 't.escalated', breached))} FROM {source}{end}"
    return {
        name: dict(zip(("all", "escalated", "breached"), numbers, strict=True))
        for name, *numbers in connection.execute(query, period.parameters)
    }
