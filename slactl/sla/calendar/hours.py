"""Find the hours and the holidays of each date of a calendar."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from slactl.sla.calendar.zone import DAY, date_of, day_number, merged

#: Country, subdivision, year → the public holidays of that year and their names.
HolidayProvider = Callable[[str, str | None, int], Mapping[date, str]]

#: Seconds since midnight of the date an interval starts on; an end past 86,400 runs into the next date.
Interval = tuple[int, int]

#: The first and the last year that a calendar knows.
FIRST_YEAR, LAST_YEAR = 1900, 2400

#: The name of a holiday that has none.
UNNAMED = "holiday"


@dataclass(frozen=True, slots=True)
class Hours:
    """Hold opening hours. Special `dates` replace holidays, and holidays replace the weekly hours.

    The key of `weekly` is the weekday, 0 is Monday. `yearly` holidays are (month, day). `ranges` of holidays are first
    and last date, both inclusive.
    """

    weekly: Mapping[int, Sequence[Interval]] = field(default_factory=dict)
    dates: Mapping[date, Sequence[Interval]] = field(default_factory=dict)
    yearly: frozenset[tuple[int, int]] = frozenset()
    ranges: Sequence[tuple[date, date]] = ()
    country: str | None = None
    subdivision: str | None = None
    always_open: bool = False


def library_holidays(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    """Return the public holidays of one year from the `holidays` library.

    Raises:
        ValueError: the library does not know the country or its subdivision.
    """
    # Importing the library takes longer than most commands do.
    from holidays import country_holidays

    try:
        return dict(country_holidays(country, subdiv=subdivision, years=year))
    except (NotImplementedError, KeyError) as error:
        region = f"{country}-{subdivision}" if subdivision else country
        raise ValueError(f"the holidays library does not know {region}") from error


class Schedule:
    """Answer for each day, as a number since 1970, when it is open.

    The holidays of a country are asked for once a year.
    """

    def __init__(self, hours: Hours, provider: HolidayProvider) -> None:
        """Make a schedule from its hours.

        Raises:
            ValueError: an interval does not start within its date, is empty, or is longer than a day.
        """
        weekly = {day: ((0, DAY),) for day in range(7)} if hours.always_open else hours.weekly
        # 1970 began on a Thursday.
        self._weekly = tuple(_checked(weekly.get((day + 3) % 7, ())) for day in range(7))
        self._dates = {day_number(day): _checked(intervals) for day, intervals in hours.dates.items()}
        self._ranges = merged([(day_number(first), day_number(last) + 1) for first, last in hours.ranges])
        self._hours = hours
        self._provider = provider
        self._named: dict[int, Mapping[date, str]] = {}
        self._closed: dict[int, frozenset[int]] = {}

    def intervals(self, day: int) -> tuple[Interval, ...]:
        """Return the intervals that start on a day, in order."""
        special = self._dates.get(day)
        if special is not None:
            return special
        weekly = self._weekly[day % 7]
        if not weekly:
            return weekly
        year = date_of(day).year
        if year not in self._closed:
            self._closed[year] = self._own_holidays(year) | {day_number(each) for each in self._public(year)}
        return () if day in self._closed[year] else weekly

    def local_intervals(self, day: int) -> list[Interval]:
        """Return the intervals that start on a day, in local seconds since 1970."""
        return [(day * DAY + start, day * DAY + end) for start, end in self.intervals(day)]

    def holiday_name(self, day: date) -> str | None:
        """Return the name of the holiday on a date, or None; special hours on the date do not matter."""
        own = day_number(day) in self._own_holidays(day.year)
        return self._public(day.year).get(day) or (UNNAMED if own else None)

    def open_dates(self) -> Iterator[int]:
        """Yield the days that have open hours of their own."""
        return (day for day, intervals in self._dates.items() if intervals)

    def opens_weekly(self) -> bool:
        """Return whether some weekday is open on at least one date that is not one of the calendar's own holidays."""
        for year in range(FIRST_YEAR, LAST_YEAR + 1) if any(self._weekly) else ():
            closed, first = self._own_holidays(year), day_number(date(year, 1, 1))
            if any(self._weekly[day % 7] and day not in closed for day in range(first, first + 365)):
                return True
        return False

    def _own_holidays(self, year: int) -> frozenset[int]:
        first, beyond = day_number(date(year, 1, 1)), day_number(date(year + 1, 1, 1))
        holidays = {day for start, end in self._ranges for day in range(max(start, first), min(end, beyond))}
        for month, day in self._hours.yearly:
            if (month, day) != (2, 29) or beyond - first == 366:
                holidays.add(day_number(date(year, month, day)))
        return frozenset(holidays)

    def _public(self, year: int) -> Mapping[date, str]:
        country = self._hours.country
        if country is None:
            return {}
        if year not in self._named:
            self._named[year] = self._provider(country, self._hours.subdivision, year)
        return self._named[year]


def _checked(intervals: Sequence[Interval]) -> tuple[Interval, ...]:
    for start, end in intervals:
        if not (0 <= start < DAY and start < end <= start + DAY):
            raise ValueError(f"({start}, {end}) is not an interval of a day")
    return tuple(sorted(intervals))
