"""Find the hours and the holidays of each date of a calendar."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from slactl.sla.calendar.zone import DAY, date_of, day_number, merged
from slactl.text import did_you_mean

#: The categories of the `holidays` library that a calendar keeps unless it says otherwise, and the one that names
#: shorter days, whose hours only the calendar knows.
PUBLIC, HALF_DAY = "public", "half_day"


class HolidaySet(NamedTuple):
    """Name a set of holidays of the `holidays` library; `english` asks for English names, not those of the country."""

    country: str
    subdivision: str | None = None
    categories: tuple[str, ...] = (PUBLIC,)
    english: bool = False

    @property
    def part(self) -> str:
        """Return the set within its country as one word, which is the subdivision for its public holidays."""
        kind = "" if self.categories == (PUBLIC,) else f":{','.join(sorted(self.categories))}"
        return f"{self.subdivision or ''}{kind}{':en' if self.english else ''}"


#: Returns the holidays of a set in one year, and their names.
HolidayProvider = Callable[[HolidaySet, int], Mapping[date, str]]

#: Seconds since midnight of the date an interval starts on; an end past 86,400 runs into the next date.
Interval = tuple[int, int]

#: A country and its subdivision.
Region = tuple[str, str | None]

#: A day of every year, as month and day.
YearDay = tuple[int, int]

#: The hours of a special date: a list for all of it, or lists for some weekdays, 0 is Monday.
SpecialHours = Sequence[Interval] | Mapping[int, Sequence[Interval]]

#: The first and the last year that a calendar knows.
FIRST_YEAR, LAST_YEAR = 1900, 2400

#: Years beyond all single dates, in which every date falls on every weekday.
_LATER_YEARS = range(2201, 2229)

#: The name of a holiday that has none.
UNNAMED = "holiday"


@dataclass(frozen=True, slots=True)
class Hours:
    """Hold opening hours. Special dates replace holidays, and holidays replace the weekly hours.

    The key of `weekly` is the weekday, 0 is Monday. Of the special dates `dates` come first, then `date_ranges`,
    `yearly_dates` and `yearly_ranges`, which may run over New Year. Lists of hours replace holidays. Hours by weekday
    replace `weekly`, and holidays replace them. `yearly` and `ranges` are holidays. All ranges are inclusive. On the
    holidays of the country that `work_on` names, time counts as on other days.
    """

    weekly: Mapping[int, Sequence[Interval]] = field(default_factory=dict)
    dates: Mapping[date, SpecialHours] = field(default_factory=dict)
    yearly: frozenset[YearDay] = frozenset()
    ranges: Sequence[tuple[date, date]] = ()
    country: str | None = None
    subdivision: str | None = None
    always_open: bool = False
    date_ranges: Sequence[tuple[date, date, SpecialHours]] = ()
    yearly_dates: Mapping[YearDay, SpecialHours] = field(default_factory=dict)
    yearly_ranges: Sequence[tuple[YearDay, YearDay, SpecialHours]] = ()
    categories: tuple[str, ...] = (PUBLIC,)
    work_on: frozenset[str] = frozenset()


def library_holidays(wanted: HolidaySet, year: int) -> Mapping[date, str]:
    """Return the holidays of one year from the `holidays` library.

    A category that the library does not know in the country has no holidays.

    Raises:
        ValueError: the library does not know the country or its subdivision.
    """
    # Importing the library takes longer than most commands do.
    from holidays import country_holidays

    country, subdivision, categories, english = wanted
    try:
        known = country_holidays(country, subdiv=subdivision)
        asked = tuple(category for category in categories if category in known.supported_categories)
        if not asked:
            return {}
        language = "en_US" if english and "en_US" in known.supported_languages else None
        return dict(country_holidays(country, subdiv=subdivision, years=year, categories=asked, language=language))
    except (NotImplementedError, KeyError) as error:
        region = f"{country}-{subdivision}" if subdivision else country
        raise ValueError(f"the holidays library does not know {region}") from error


def is_known_region(country: str, subdivision: str | None) -> bool:
    """Return whether the `holidays` library knows a country and, where one is given, its subdivision."""
    from holidays import country_holidays

    try:
        country_holidays(country, subdiv=subdivision)
    except (NotImplementedError, KeyError):
        return False
    return len(country) == 2


def check_region(country: str | None, subdivision: str | None) -> tuple[str, str] | None:
    """Return which of country and subdivision is wrong, and why; None where holidays are known for them."""
    if country is None:
        return ("subdivision", "needs a country") if subdivision is not None else None
    if is_known_region(country, subdivision):
        return None
    # The list of all countries takes long to make, so it is made for the error message only.
    from holidays import list_supported_countries

    supported = list_supported_countries(include_aliases=False)
    if country not in supported:
        meant = did_you_mean(country, supported, "; write its two letters, such as DE")
        return "country", f"no holidays are known for country {country[:60]!r}{meant}"
    known = f" (known: {', '.join(supported[country]) or 'none'})"
    meant = did_you_mean(str(subdivision), supported[country])
    return "subdivision", f"{country} has no subdivision {str(subdivision)[:60]!r}{meant}{known}"


class SpecialDates:
    """Answer for each day whether it has special hours, and which."""

    def __init__(self, hours: Hours) -> None:
        """Check the special hours of a calendar.

        Raises:
            ValueError: an interval is not valid.
        """
        self._dates = {day_number(day): _checked_special(special) for day, special in hours.dates.items()}
        self._ranges = [
            (day_number(a), day_number(b), _checked_special(special)) for a, b, special in hours.date_ranges
        ]
        self._yearly = {day: _checked_special(special) for day, special in hours.yearly_dates.items()}
        self._seasons = [(first, last, _checked_special(special)) for first, last, special in hours.yearly_ranges]
        self._repeat = bool(self._yearly or self._seasons)
        self._any = bool(self._dates or self._ranges or self._repeat)

    def of(self, day: int) -> tuple[Sequence[Interval], bool] | None:
        """Return the special hours of a day, and whether they replace a holiday; None where it has none."""
        if self._any:
            for special in self._candidates(day):
                if not isinstance(special, Mapping):
                    return special, True
                # 1970 began on a Thursday.
                if (weekday := (day + 3) % 7) in special:
                    return special[weekday], False
        return None

    def _candidates(self, day: int) -> Iterator[SpecialHours]:
        """Yield the special hours of a day, the most specific first."""
        if day in self._dates:
            yield self._dates[day]
        yield from (special for first, last, special in self._ranges if first <= day <= last)
        if self._repeat:
            on = date_of(day)
            place = on.month, on.day
            if place in self._yearly:
                yield self._yearly[place]
            yield from (special for first, last, special in self._seasons if within_season(place, first, last))

    def once(self) -> Iterator[range]:
        """Yield the days of single dates and ranges that can be open."""
        yield from (range(day, day + 1) for day, special in self._dates.items() if special)
        yield from (range(first, last + 1) for first, last, special in self._ranges if special)


def within_season(day: YearDay, first: YearDay, last: YearDay) -> bool:
    """Return whether a day of the year lies in a range that may run over New Year."""
    return first <= day <= last if first <= last else day >= first or day <= last


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
        self._special = SpecialDates(hours)
        self._ranges = merged([(day_number(first), day_number(last) + 1) for first, last in hours.ranges])
        self._hours = hours
        self._provider = provider
        self._named: dict[int, Mapping[date, str]] = {}
        self._short: dict[int, Mapping[date, str]] = {}
        self._closed: dict[int, frozenset[int]] = {}

    def intervals(self, day: int) -> Sequence[Interval]:
        """Return the intervals that start on a day, in order."""
        stated, beats_holidays = self._stated(day)
        return () if stated and not beats_holidays and day in self._holidays(date_of(day).year) else stated

    def local_intervals(self, day: int) -> list[Interval]:
        """Return the intervals that start on a day, in local seconds since 1970."""
        return [(day * DAY + start, day * DAY + end) for start, end in self.intervals(day)]

    def is_special(self, day: date) -> bool:
        """Return whether a date has special hours."""
        return self._special.of(day_number(day)) is not None

    def is_closed_by_holiday(self, day: date) -> bool:
        """Return whether a date would be open if it were not a holiday."""
        number = day_number(day)
        return bool(self._stated(number)[0]) and not self.intervals(number)

    def holiday_name(self, day: date) -> str | None:
        """Return the name of the holiday on a date, or None; special hours on the date do not matter."""
        own = day_number(day) in self._own_holidays(day.year)
        return self._of_country(day.year).get(day) or (UNNAMED if own else None) or self._half_days(day.year).get(day)

    def once(self) -> Iterator[range]:
        """Yield the days of the single special dates and ranges that may be open."""
        return self._special.once()

    def opens_every_year(self) -> bool:
        """Return whether it is open again and again, if the holidays of the country are left out."""
        for year in _LATER_YEARS:
            closed, first = self._own_holidays(year), day_number(date(year, 1, 1))
            for day in range(first, day_number(date(year + 1, 1, 1))):
                stated, beats_holidays = self._stated(day)
                if stated and (beats_holidays or day not in closed):
                    return True
        return False

    def _stated(self, day: int) -> tuple[Sequence[Interval], bool]:
        """Return the special or weekly hours of a day, and whether they replace a holiday."""
        return self._special.of(day) or (self._weekly[day % 7], False)

    def _holidays(self, year: int) -> frozenset[int]:
        if year not in self._closed:
            self._closed[year] = self._own_holidays(year) | {day_number(day) for day in self._of_country(year)}
        return self._closed[year]

    def _own_holidays(self, year: int) -> frozenset[int]:
        first, beyond = day_number(date(year, 1, 1)), day_number(date(year + 1, 1, 1))
        holidays = {day for start, end in self._ranges for day in range(max(start, first), min(end, beyond))}
        for month, day in self._hours.yearly:
            if (month, day) != (2, 29) or beyond - first == 366:
                holidays.add(day_number(date(year, month, day)))
        return frozenset(holidays)

    def _of_country(self, year: int) -> Mapping[date, str]:
        """Return the holidays of the country on which this calendar does not work."""
        if year not in self._named:
            categories = tuple(category for category in self._hours.categories if category != HALF_DAY)
            named = self._asked(categories, year).items()
            work_on = self._hours.work_on
            kept = ((day, "; ".join(part for part in name.split("; ") if part not in work_on)) for day, name in named)
            self._named[year] = {day: name for day, name in kept if name}
        return self._named[year]

    def _half_days(self, year: int) -> Mapping[date, str]:
        if year not in self._short:
            self._short[year] = self._asked((HALF_DAY,) if HALF_DAY in self._hours.categories else (), year)
        return self._short[year]

    def _asked(self, categories: tuple[str, ...], year: int) -> Mapping[date, str]:
        hours = self._hours
        if hours.country is None or not categories:
            return {}
        wanted = HolidaySet(hours.country, hours.subdivision, categories, english=bool(hours.work_on))
        return self._provider(wanted, year)


def _checked_special(special: SpecialHours) -> SpecialHours:
    if isinstance(special, Mapping):
        return {weekday: _checked(intervals) for weekday, intervals in special.items()}
    return _checked(special)


def _checked(intervals: Sequence[Interval]) -> tuple[Interval, ...]:
    for start, end in intervals:
        if not (0 <= start < DAY and start < end <= start + DAY):
            raise ValueError(f"({start}, {end}) is not an interval of a day")
    return tuple(sorted(intervals))
