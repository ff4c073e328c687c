"""Forecast the work: open tickets by urgency, and the deadlines that pass if nobody acts, hour by hour."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from slactl.clock import from_text, to_text
from slactl.errors import UsageError
from slactl.sla.enums import Priority, Target
from slactl.store.read import reports as reads
from slactl.store.read.sums.open import OpenTickets

if TYPE_CHECKING:
    from slactl.records.figures import Band, Forecast, ForecastHour
    from slactl.store.database import Transaction

HOUR = timedelta(hours=1)

#: The longest forecast. It exists to plan a shift or a week.
LONGEST = timedelta(days=31)

#: The bands of urgency, most urgent first. `due_later` is running and not due soon.
BANDS = ("late", "due_soon", "due_later", "paused", "no_deadline")

#: The fields of an hour of a forecast, in the order of the output.
HOUR_FIELDS = ("since", "until", "count", *(f"{target}_count" for target in Target), "tickets")


def by_urgency(tickets: OpenTickets) -> "list[Band]":
    """Return the number of open tickets in each band, in total and by priority.

    Each ticket is in the band of its earliest deadline.
    """
    bands = {band: dict.fromkeys((priority.value for priority in reversed(Priority)), 0) for band in BANDS}
    for (band, priority), count in tickets.urgencies.items():
        bands[band][priority] = count
    return [cast("Band", {"band": band, "count": sum(counts.values()), **counts}) for band, counts in bands.items()]


def forecast(transaction: "Transaction", now: datetime, span: timedelta) -> "Forecast":
    """Return the deadlines in [now, now + span) that pass if nobody acts, by hours of UTC.

    Paused targets are not counted; `paused_count` is their number. The first hour and the last may be shorter.

    Raises:
        UsageError: the span is longer than 31 days.
    """
    if span > LONGEST:
        raise UsageError(f"a forecast reaches {LONGEST.days} days at most", "slactl summary --forecast 24h")
    end = now + span
    hours = _hours(now, end)
    first = now.replace(minute=0, second=0)
    for deadline in reads.coming_deadlines(transaction, to_text(now), to_text(end)):
        hour = hours[int((from_text(deadline.due_at) - first) / HOUR)]
        hour["count"] += 1
        cast("dict[str, int]", hour)[f"{deadline.target}_count"] += 1
        if deadline.ticket not in hour["tickets"]:
            hour["tickets"].append(deadline.ticket)
    return {
        "since": to_text(now),
        "until": to_text(end),
        "count": sum(hour["count"] for hour in hours),
        "paused_count": reads.paused_target_count(transaction, to_text(now)),
        "hours": hours,
    }


def _hours(now: datetime, end: datetime) -> "list[ForecastHour]":
    """Return an empty record for each hour of a forecast."""
    counts = dict.fromkeys(("count", *(f"{target}_count" for target in Target)), 0)
    marks = [now]
    while (following := marks[-1].replace(minute=0, second=0) + HOUR) < end:
        marks.append(following)
    return [
        cast("ForecastHour", {"since": to_text(start), "until": to_text(finish), **counts, "tickets": []})
        for start, finish in pairwise([*marks, end])
    ]
