"""What a calendar says about dates: the hours of each, and which are holidays."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from slactl.sla.calendar_zone import DAY, date_of, day_number, merged

#: Country, subdivision, year → the public holidays of that year and their names.
HolidayProvider = Callable[[str, str | None, int], Mapping[date, str]]

#: Seconds since midnight of the date an interval starts on; an end past 86,400 runs into the next date.
Interval = tuple[int, int]

#: The years a calendar knows.
FIRST_YEAR, LAST_YEAR = 1900, 2400

#: What a holiday without a name of its own is called.
UNNAMED = "holiday"


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening hours: `dates` beat holidays beat weekly hours.

    `weekly` goes by weekday, 0 is Monday. `yearly` are (month, day), `ranges` first and last date, both inclusive.
    """

    weekly: Mapping[int, Sequence[Interval]] = field(default_factory=dict)
    dates: Mapping[date, Sequence[Interval]] = field(default_factory=dict)
    yearly: frozenset[tuple[int, int]] = frozenset()
    ranges: Sequence[tuple[date, date]] = ()
    country: str | None = None
    subdivision: str | None = None
    always_open: bool = False


def library_holidays(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    """The public holidays of one year as the `holidays` library knows them.

    Raises:
        ValueError: it does not know the country or its subdivision.
    """
    # Importing the library takes longer than most commands do.
    from holidays import country_holidays

    try:
        return dict(country_holidays(country, subdiv=subdivision, years=year))
    except (NotImplementedError, KeyError) as error:
        place = f"{country}-{subdivision}" if subdivision else country
        raise ValueError(f"the holidays library does not know {place}") from error


class Schedule:
    """Answers for each day, as a number since 1970; the holidays of a country are asked for year by year, each once."""

    def __init__(self, hours: Hours, provider: HolidayProvider) -> None:
        """A schedule from its hours.

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
        """The intervals that start on a day, in order."""
        special = self._dates.get(day)
        if special is not None:
            return special
        weekly = self._weekly[day % 7]
        return () if weekly and day in self._holidays(date_of(day).year) else weekly

    def local_intervals(self, day: int) -> list[Interval]:
        """The same in local seconds since 1970."""
        return [(day * DAY + start, day * DAY + end) for start, end in self.intervals(day)]

    def holiday_name(self, day: date) -> str | None:
        """What holiday a date is, or None; special hours on that date do not matter here."""
        own = day_number(day) in self._own_holidays(day.year)
        return self._public(day.year).get(day) or (UNNAMED if own else None)

    def open_dates(self) -> Iterator[int]:
        """The days that have hours of their own and are open."""
        return (day for day, intervals in self._dates.items() if intervals)

    def opens_weekly(self) -> bool:
        """Whether some weekday is open that is not always a holiday of the calendar's own."""
        for year in range(FIRST_YEAR, LAST_YEAR + 1) if any(self._weekly) else ():
            closed, first = self._own_holidays(year), day_number(date(year, 1, 1))
            if any(self._weekly[day % 7] and day not in closed for day in range(first, first + 365)):
                return True
        return False

    def _holidays(self, year: int) -> frozenset[int]:
        if year not in self._closed:
            self._closed[year] = self._own_holidays(year) | {day_number(day) for day in self._public(year)}
        return self._closed[year]

    def _own_holidays(self, year: int) -> frozenset[int]:
        first, beyond = day_number(date(year, 1, 1)), day_number(date(year + 1, 1, 1))
        found = {day for start, end in self._ranges for day in range(max(start, first), min(end, beyond))}
        for month, day in self._hours.yearly:
            if (month, day) != (2, 29) or beyond - first == 366:
                found.add(day_number(date(year, month, day)))
        return frozenset(found)

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
            raise ValueError(f"({start}, {end}) is no interval of a day")
    return tuple(sorted(intervals))
