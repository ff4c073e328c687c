"""Name the periods of goals: the week, month, quarter or year of an instant in a time zone, and its bounds."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

#: The years in which a period can lie.
FIRST_YEAR, LAST_YEAR = 1970, 9998

#: How people write each kind of period.
FORMS = "2026-11, 2026-W48, 2026-Q4 or 2026"


class PeriodKind(StrEnum):
    """Name the lengths of periods; weeks are those of ISO 8601 and begin on Monday."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class CalendarPeriod(NamedTuple):
    """Hold a period of the calendar: its kind, its name, its first date and the first date after it."""

    kind: PeriodKind
    name: str
    first: date
    after: date

    def bounds(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """Return the instants [since, until) of the period in a zone, in UTC.

        A midnight that a clock change skips is the instant of the change; one that exists twice is the first.
        """
        since, until = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (self.first, self.after))
        return since.astimezone(UTC), until.astimezone(UTC)


def period_of(kind: PeriodKind, day: date) -> CalendarPeriod:
    """Return the period of a kind in which a date lies."""
    if kind is PeriodKind.WEEK:
        first = day - timedelta(days=day.weekday())
        year, week, _ = day.isocalendar()
        return CalendarPeriod(kind, f"{year}-W{week:02d}", first, first + timedelta(days=7))
    if kind is PeriodKind.YEAR:
        return CalendarPeriod(kind, f"{day.year}", date(day.year, 1, 1), date(day.year + 1, 1, 1))
    months = 1 if kind is PeriodKind.MONTH else 3
    begin = (day.month - 1) // months * months + 1
    name = f"{day.year}-{begin:02d}" if months == 1 else f"{day.year}-Q{(begin + 2) // 3}"
    end = begin + months
    after = date(day.year + 1, 1, 1) if end > 12 else date(day.year, end, 1)
    return CalendarPeriod(kind, name, date(day.year, begin, 1), after)


def parse_period(text: str) -> CalendarPeriod:
    """Return the period with a name, such as `2026-11`, `2026-W48`, `2026-Q4` or `2026`.

    Raises:
        ValueError: it is not the name of a period.
    """
    if (found := re.fullmatch(r"([0-9]{4})(?:-(?:W([0-9]{2})|Q([1-4])|([0-9]{2})))?", text)) is None:
        raise ValueError(f"{text[:40]!r} is not a period: write {FORMS}")
    year, week, quarter, month = (int(part) if part else None for part in found.groups())
    assert year is not None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"{text} is not between {FIRST_YEAR} and {LAST_YEAR}")
    try:
        if week is not None:
            return period_of(PeriodKind.WEEK, date.fromisocalendar(year, week, 1))
        if quarter is not None:
            return period_of(PeriodKind.QUARTER, date(year, 3 * quarter, 1))
        if month is not None:
            return period_of(PeriodKind.MONTH, date(year, month, 1))
    except ValueError as error:
        raise ValueError(f"{text} is not a period: {error}") from error
    return period_of(PeriodKind.YEAR, date(year, 1, 1))
