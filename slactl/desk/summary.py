"""How the desk stands now, and how its promises were kept: the numbers of `summary`."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from slactl.clock import to_text
from slactl.sla.history import Priority
from slactl.store import views

if TYPE_CHECKING:
    import sqlite3

#: The fields of a summary, and of each of its groups, in the order of the output.
FIELDS = (
    "at",
    "open_count",
    "unassigned_count",
    "urgent_open_count",
    "escalated_count",
    "paused_count",
    "due_soon_count",
    "first_response_breached_count",
    "next_response_breached_count",
    "resolution_breached_count",
    "avg_first_response_minutes",
    "median_first_response_minutes",
    "first_response_n",
    "avg_resolution_hours",
    "median_resolution_hours",
    "resolution_n",
    "first_response_attainment",
    "resolution_attainment",
    "escalation_rate",
    "breach_rate",
)

#: Fractions are told to this many decimals.
DECIMALS = 6


class By(StrEnum):
    """What a summary can be broken down by."""

    PLAN = "plan"
    PRIORITY = "priority"
    ASSIGNEE = "assignee"
    TENANT = "tenant"
    POLICY = "policy"


@dataclass(slots=True)
class Measured:
    """The targets of one kind that are done, or whose deadline passed undone; `seconds` of business time each."""

    count: int = 0
    late: int = 0
    seconds: list[int] = field(default_factory=list)

    @property
    def attainment(self) -> float | None:
        """The share that was kept."""
        return _share(self.count - self.late, self.count)

    def average(self, unit: int) -> float | None:
        """The mean of the business time taken, in units of `unit` seconds."""
        return round(sum(self.seconds) / len(self.seconds) / unit, DECIMALS) if self.seconds else None

    def median(self, unit: int) -> float | None:
        """The median of the business time taken, in units of `unit` seconds."""
        if not self.seconds:
            return None
        ordered, middle = sorted(self.seconds), len(self.seconds) // 2
        value = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
        return round(value / unit, DECIMALS)


@dataclass(slots=True)
class Tally:
    """What was counted in one group of tickets, or in all of them."""

    now: Counter[str] = field(default_factory=Counter)
    ever: Counter[str] = field(default_factory=Counter)
    first_response: Measured = field(default_factory=Measured)
    resolution: Measured = field(default_factory=Measured)

    def add(self, other: "Tally") -> None:
        """Count the tickets of another group too."""
        self.now.update(other.now)
        self.ever.update(other.ever)
        for mine, theirs in ((self.first_response, other.first_response), (self.resolution, other.resolution)):
            mine.count += theirs.count
            mine.late += theirs.late
            mine.seconds += theirs.seconds

    def record(self, at: str) -> dict[str, Any]:
        """The fields of a summary."""
        response, resolution = self.first_response, self.resolution
        measured = {
            "avg_first_response_minutes": response.average(60),
            "median_first_response_minutes": response.median(60),
            "first_response_n": len(response.seconds),
            "avg_resolution_hours": resolution.average(3600),
            "median_resolution_hours": resolution.median(3600),
            "resolution_n": len(resolution.seconds),
            "first_response_attainment": response.attainment,
            "resolution_attainment": resolution.attainment,
            "escalation_rate": _share(self.ever["escalated"], self.ever["all"]),
            "breach_rate": _share(self.ever["breached"], self.ever["all"]),
        }
        return {name: at if name == "at" else measured[name] if name in measured else self.now[name] for name in FIELDS}


@dataclass(frozen=True, slots=True)
class _Desk:
    """The database as one summary asks it: by which column, and at which instants in stored text."""

    connection: "sqlite3.Connection"
    by: By | None
    now: str
    soon: str
    since: str | None

    def rows(self, columns: str, source: str) -> list[tuple[Any, ...]]:
        """Aggregates over `t` by group; the first column is the group, null where there are none."""
        group, end = (f"t.{self.by}", " GROUP BY 1") if self.by else ("NULL", "")
        parameters = {"now": self.now, "soon": self.soon, "since": self.since}
        return self.connection.execute(f"SELECT {group}, {columns} FROM {source}{end}", parameters).fetchall()

    @property
    def measured(self) -> str:
        """The condition on `r`: done, or its deadline passed undone, in the period."""
        done = f"(r.stopped_at IS NOT NULL OR {views.breach_condition(':now')})"
        return f"{done} AND COALESCE(r.stopped_at, r.breached_at, r.due_at) >= :since" if self.since else done


def summarize(
    connection: "sqlite3.Connection",
    now: datetime,
    *,
    due_soon: int,
    by: By | None = None,
    since: datetime | None = None,
) -> dict[str, Any]:
    """The summary at `now`, with `groups` where it is broken down; `due_soon` in seconds of wall time.

    Counts are of now. Averages, attainment and rates take what was done, or passed undone, from `since` on.
    """
    soon = to_text(now + timedelta(seconds=due_soon))
    desk = _Desk(connection, by, to_text(now), soon, to_text(since) if since else None)
    tallies: defaultdict[str | None, Tally] = defaultdict(Tally)
    _count_open(desk, tallies)
    _count_late(desk, tallies)
    _measure(desk, tallies)
    _count_ever(desk, tallies)
    whole = Tally()
    for tally in tallies.values():
        whole.add(tally)
    groups = [{"group": name, **tallies[name].record(desk.now)} for name in _ordered(tallies, by)] if by else None
    return {**whole.record(desk.now), "since": desk.since, "by": by.value if by else None, "groups": groups}


def _count_open(desk: _Desk, tallies: defaultdict[str | None, Tally]) -> None:
    paused = "EXISTS (SELECT 1 FROM timer r WHERE r.ticket_id = t.id AND r.stopped_at IS NULL AND r.state = 'paused')"
    counts = {
        "open_count": "1",
        "unassigned_count": "t.assignee IS NULL",
        "urgent_open_count": "t.priority = 'urgent'",
        "escalated_count": "t.escalated",
        "paused_count": paused,
        "due_soon_count": "t.due_at BETWEEN :now AND :soon",
    }
    for name, *numbers in desk.rows(_sums(counts.values()), f"ticket t WHERE {views.OPEN}"):
        tallies[name].now.update(dict(zip(counts, numbers, strict=True)))


def _count_late(desk: _Desk, tallies: defaultdict[str | None, Tally]) -> None:
    # The earliest open deadline of a ticket is in an index; only tickets that it makes late are looked at.
    source = "ticket t JOIN timer r ON r.ticket_id = t.id"
    late = f"{views.OPEN} AND t.due_at < :now AND r.stopped_at IS NULL AND r.due_at < :now"
    kinds = [f"r.kind = '{target}'" for target in views.TARGETS]
    for name, *numbers in desk.rows(_sums(kinds), f"{source} WHERE {late}"):
        fields = (f"{target}_breached_count" for target in views.TARGETS)
        tallies[name].now.update(dict(zip(fields, numbers, strict=True)))


def _measure(desk: _Desk, tallies: defaultdict[str | None, Tally]) -> None:
    for kind, taken in (
        # Resolving without a reply ends first response, but is no response: it is judged and not averaged.
        ("first_response", "r.stopped_at = t.first_responded_at"),
        ("resolution", "r.stopped_at IS NOT NULL"),
    ):
        late = views.breach_condition(":now")
        columns = f"COUNT(*), {_sums([late])}, GROUP_CONCAT(CASE WHEN {taken} THEN r.consumed_seconds END)"
        joined = " JOIN ticket t ON t.id = r.ticket_id" if desk.by or "t." in taken else ""
        source = f"timer r{joined} WHERE r.kind = '{kind}' AND {desk.measured}"
        for name, count, missed, seconds in desk.rows(columns, source):
            found = Measured(count, missed, list(map(int, seconds.split(","))) if seconds else [])
            tallies[name].add(Tally(first_response=found) if kind == "first_response" else Tally(resolution=found))


def _count_ever(desk: _Desk, tallies: defaultdict[str | None, Tally]) -> None:
    source, breached = "ticket t", "t.missed OR t.due_at < :now"
    if desk.since:
        # In a period the rates are of the tickets of which something was measured in it.
        late = f"SELECT r.ticket_id, MAX({views.breach_condition(':now')}) AS late FROM timer r"
        measured = f"{late} WHERE r.kind IN {views.TARGETS} AND {desk.measured} GROUP BY r.ticket_id"
        source, breached = f"({measured}) m JOIN ticket t ON t.id = m.ticket_id", "m.late"
    for name, *numbers in desk.rows(_sums(["1", "t.escalated", breached]), source):
        tallies[name].ever.update(dict(zip(("all", "escalated", "breached"), numbers, strict=True)))


def _sums(conditions: Iterable[str]) -> str:
    """How many rows meet each condition; 0, not null, where there are none."""
    return ", ".join(f"COUNT(CASE WHEN {condition} THEN 1 END)" for condition in conditions)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, DECIMALS) if whole else None


def _ordered(names: Iterable[str | None], by: By) -> list[str | None]:
    """The groups by name, those without one last; priorities from urgent down."""
    if by is By.PRIORITY:
        present = set(names)
        return [priority.value for priority in reversed(Priority) if priority.value in present]
    return sorted(names, key=lambda name: (name is None, name or ""))
