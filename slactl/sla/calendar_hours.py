"""What a calendar says about dates: the hours of each, and which are holidays."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from slactl.sla.calendar_zone import DAY, merged

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
    """Answers for each date; the holidays of a country are asked for year by year, each year once."""

    def __init__(self, hours: Hours, provider: HolidayProvider) -> None:
        """A schedule from its hours.

        Raises:
            ValueError: an interval does not start within its date, is empty, or is longer than a day.
        """
        whole = {day: ((0, DAY),) for day in range(7)} if hours.always_open else {}
        self._weekly = tuple(_checked(whole.get(day) or hours.weekly.get(day, ())) for day in range(7))
        self._dates = {day: _checked(intervals) for day, intervals in hours.dates.items()}
        closed = merged([(first.toordinal(), last.toordinal() + 1) for first, last in hours.ranges])
        self._closed_from, self._closed_until = [a for a, _ in closed], [b for _, b in closed]
        self._hours = hours
        self._provider = provider
        self._named: dict[int, Mapping[date, str]] = {}

    def intervals(self, day: date) -> tuple[Interval, ...]:
        """The intervals that start on a date, in order."""
        special = self._dates.get(day)
        if special is not None:
            return special
        weekly = self._weekly[day.weekday()]
        return () if weekly and (self._is_own_holiday(day) or day in self._public(day.year)) else weekly

    def holiday_name(self, day: date) -> str | None:
        """What holiday a date is, or None; special hours on that date do not matter here."""
        return self._public(day.year).get(day) or (UNNAMED if self._is_own_holiday(day) else None)

    def open_dates(self) -> Iterator[date]:
        """The dates that have hours of their own and are open."""
        return (day for day, intervals in self._dates.items() if intervals)

    def opens_weekly(self) -> bool:
        """Whether some weekday is open that is not always a holiday of the calendar's own."""
        if not any(self._weekly):
            return False
        first, last = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)
        days = (first + timedelta(days) for days in range((last - first).days + 1))
        return any(self._weekly[day.weekday()] and not self._is_own_holiday(day) for day in days)

    def _is_own_holiday(self, day: date) -> bool:
        if (day.month, day.day) in self._hours.yearly:
            return True
        place = bisect_right(self._closed_from, day.toordinal())
        return place > 0 and day.toordinal() < self._closed_until[place - 1]

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
