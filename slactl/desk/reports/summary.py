"""Summarize open work now, and how targets were met in a period: the numbers of `summary`."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from slactl.clock import to_text
from slactl.desk.reports.forecast import by_urgency, forecast
from slactl.desk.reports.measures import EARLIEST, By, Measured, between, measure, ordered_groups, period_before, share
from slactl.store.read import reports as reads
from slactl.store.read.measures import tickets_judged
from slactl.store.read.outcomes import Period
from slactl.store.read.sums.open import tickets as open_tickets

if TYPE_CHECKING:
    from slactl.records.figures import ComingTicket, Counts, Group, MeasuredBefore, Objective, Summary
    from slactl.records.figures import Measured as MeasuredFields
    from slactl.store.database import Transaction

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
    "update_breached_count",
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
    "reopen_rate",
)

#: The fields that are measured over the period and not counted now.
MEASURED = FIELDS[FIELDS.index("avg_first_response_minutes") :]

#: The length of the period without `--since`, and of the periods that are compared where it has no beginning.
MONTH, WEEK = timedelta(days=30), timedelta(days=7)

#: How many tickets the list of next breaches has, and their fields.
NEXT = 5
NEXT_FIELDS = ("id", "external_id", "due_at", "due_target", "priority", "assignee", "tenant", "plan", "subject")


@dataclass(slots=True)
class Tally:
    """Hold the counts of one group of tickets, or of all tickets."""

    now: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    first_response: Measured = field(default_factory=Measured)
    resolution: Measured = field(default_factory=Measured)

    def measured(self) -> "MeasuredFields":
        """Return the fields that are measured over the period."""
        response, resolution = self.first_response, self.resolution
        [response_median] = response.quantiles(0.5, unit=60)
        [resolution_median] = resolution.quantiles(0.5, unit=3600)
        return {
            "avg_first_response_minutes": response.average(60),
            "median_first_response_minutes": response_median,
            "first_response_n": response.taken.number,
            "avg_resolution_hours": resolution.average(3600),
            "median_resolution_hours": resolution_median,
            "resolution_n": resolution.taken.number,
            "first_response_attainment": response.attainment,
            "resolution_attainment": resolution.attainment,
            "escalation_rate": share(self.judged["escalated"], self.judged["all"]),
            "breach_rate": share(self.judged["breached"], self.judged["all"]),
            "reopen_rate": share(self.judged["reopened"], self.judged["resolved"]),
        }

    def record(self, at: str) -> "Counts":
        """Return the fields of a summary."""
        fields = {**dict.fromkeys(FIELDS, 0), **self.now, "at": at, **self.measured()}
        return cast("Counts", fields)


def usual_since(now: datetime, until: datetime | None) -> datetime:
    """Return the default beginning of the period of a summary: 30 days before its end, or before now."""
    return max(EARLIEST, min(until or now, now) - MONTH)


def summarize(
    transaction: "Transaction",
    now: datetime,
    *,
    due_soon: int,
    by: By | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    ahead: timedelta | None = None,
    goals: "Sequence[Objective]" = (),
) -> "Summary":
    """Return the summary at `now`, with `groups` if `by` is given; `due_soon` is seconds of wall time.

    Counts are of now. Averages, attainment and rates are of the outcomes in [since, until). `before` has them for the
    period of the same length before it, where it has a beginning. `ahead` adds a forecast of that length.

    Raises:
        UsageError: the period ends before it begins, or the forecast is too long.
    """
    period, soon = between(now, since, until, "summary"), to_text(now + timedelta(seconds=due_soon))
    tickets = open_tickets(transaction, period.now, soon)
    whole = _tallies(transaction, period, {None: tickets.counts})[None]
    tallies = _tallies(transaction, period, reads.open_counts(transaction, period.now, soon, by), by) if by else {}
    names = ordered_groups(tallies, by) if by else []
    groups: list[Group] = [{"group": name, **tallies[name].record(period.now)} for name in names]
    return {
        **whole.record(period.now),
        "since": period.since,
        "until": period.until,
        "by": by.value if by else None,
        "groups": groups if by else None,
        "before": _before(transaction, period),
        "due_soon_seconds": due_soon,
        "urgency": by_urgency(tickets),
        "next": [
            cast("ComingTicket", {name: value for name, value in ticket.items() if name in NEXT_FIELDS})
            for ticket in reads.coming_tickets(transaction, period.now, NEXT)
        ],
        "forecast": forecast(transaction, now, ahead) if ahead else None,
        "goals": [*goals],
    }


def _before(transaction: "Transaction", period: Period) -> "MeasuredBefore | None":
    before = period_before(period)
    if before is None:
        return None
    return {"since": before.since, "until": before.until, **_measured(transaction, before)[None].measured()}


def _tallies(
    transaction: "Transaction", period: Period, open_now: reads.Groups, by: By | None = None
) -> defaultdict[str | None, Tally]:
    tallies = _measured(transaction, period, by)
    for group, counts in open_now.items():
        tallies[group].now.update(counts)
    for group, counts in reads.overdue_counts(transaction, period.now, by).items():
        tallies[group].now.update(counts)
    return tallies


def _measured(transaction: "Transaction", period: Period, by: By | None = None) -> defaultdict[str | None, Tally]:
    tallies: defaultdict[str | None, Tally] = defaultdict(Tally)
    for group, response in measure(transaction, period, "first_response", by).items():
        tallies[group].first_response = response
    for group, resolution in measure(transaction, period, "resolution", by).items():
        tallies[group].resolution = resolution
    for row in tickets_judged(transaction, period, by):
        numbers = row._asdict()
        tallies[numbers.pop("group")].judged.update(numbers)
    return tallies


def change(transaction: "Transaction", now: datetime, summary: "Summary") -> Mapping[str, Mapping[str, object]]:
    """Return how targets were met in the period of a summary and in the period before it.

    Where the period has no beginning, these are the last seven days and the seven days before.
    """
    if summary["before"] is not None:
        lately = {name: value for name, value in summary.items() if name in ("since", "until", *MEASURED)}
        return {"lately": lately, "before": summary["before"]}
    week, two_weeks = to_text(now - WEEK), to_text(now - 2 * WEEK)
    periods = {"lately": Period(summary["at"], week), "before": Period(summary["at"], two_weeks, week)}
    kinds = ("first_response", "resolution")
    return {
        name: {"since": period.since, "until": period.until}
        | {f"{kind}_attainment": measure(transaction, period, kind)[None].attainment for kind in kinds}
        for name, period in periods.items()
    }
