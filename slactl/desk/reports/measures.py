"""Measure attainment in a period: which targets count, and how much time they took."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from slactl.clock import from_text, to_text
from slactl.display_zone import describe
from slactl.errors import UsageError
from slactl.sla.enums import Priority
from slactl.store.read import measures as reads
from slactl.store.read.outcomes import Period
from slactl.store.read.sums.targets import Times

if TYPE_CHECKING:
    from slactl.store.database import Transaction

#: The decimals that fractions are rounded to.
DECIMALS = 6

#: What people type as the beginning of a period that has none.
EVERYTHING = "all"

#: No period begins before this.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class By(StrEnum):
    """Name what tickets and outcomes can be broken down by; a ticket counts in each of its tags."""

    PLAN = "plan"
    PRIORITY = "priority"
    ASSIGNEE = "assignee"
    TENANT = "tenant"
    POLICY = "policy"
    TAG = "tag"
    SOURCE = "source"


def period_before(period: Period) -> Period | None:
    """Return the period of the same length that ends where this one begins.

    It is None if this one has no beginning, or has not begun.
    """
    if period.since is None:
        return None
    since, end = from_text(period.since), from_text(min(period.until or period.now, period.now))
    if end <= since or (end - since) >= since - EARLIEST:
        return None
    return Period(period.now, to_text(since - (end - since)), period.since)


def between(now: datetime, since: datetime | None, until: datetime | None, command: str) -> Period:
    """Return the period [since, until) as seen from `now`, for a command.

    Raises:
        UsageError: it ends before it begins.
    """
    if since is not None and until is not None and until < since:
        raise UsageError(
            f"the period ends ({describe(until)}) before it begins ({describe(since)})",
            f"slactl {command} --since '7d ago' --until now",
        )
    return Period(to_text(now), to_text(since) if since else None, to_text(until) if until else None)


@dataclass(slots=True)
class Measured:
    """Count the outcomes of one kind of target in a period: its clock stopped, or its deadline passed.

    `taken` has the business time of each that ended, unless nobody answered.
    """

    count: int = 0
    late: int = 0
    taken: Times = field(default_factory=lambda: Times.of(()))

    @property
    def attainment(self) -> float | None:
        """Return the share of the targets that were met; None without targets."""
        return share(self.count - self.late, self.count)

    def average(self, unit: int = 1) -> float | None:
        """Return the mean of the business times, in units of `unit` seconds; None without any."""
        return round(self.taken.total / self.taken.number / unit, DECIMALS) if self.taken.number else None

    def quantiles(self, *parts: float, unit: int = 1) -> list[float | None]:
        """Return the quantiles of the business times, in units of `unit` seconds; 0.5 is the median."""
        return [round(quantile(self.taken, part) / unit, DECIMALS) if self.taken.number else None for part in parts]


def quantile(times: Times, part: float) -> float:
    """Return the quantile of some times, interpolated between the two nearest."""
    position = part * (times.number - 1)
    below = int(position)
    lower, *upper = times.ranked(below, 2)
    return lower + ((upper or [lower])[0] - lower) * (position - below)


def share(part: int, whole: int) -> float | None:
    """Return the share that a part has of a whole, rounded; None if the whole is 0."""
    return round(part / whole, DECIMALS) if whole else None


def measure(transaction: "Transaction", period: Period, kind: str, by: By | None = None) -> dict[str | None, Measured]:
    """Return the counts and times of one kind of target in a period, by group; without `by` the one group is None."""
    rows = reads.measured_targets(transaction, period, kind, by)
    return {row.group: Measured(row.total, row.late, row.taken) for row in rows}


def ordered_groups(names: Iterable[str | None], by: By) -> list[str | None]:
    """Return the groups by name, the one without a name last; priorities from urgent down."""
    if by is By.PRIORITY:
        present = set(names)
        return [priority.value for priority in reversed(Priority) if priority.value in present]
    return sorted(names, key=lambda name: (name is None, name or ""))
