"""Read opening hours and holidays as `rules.toml` writes them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from slactl.sla.calendar.hours import Interval, SpecialHours, YearDay, within_season
from slactl.sla.calendar.zone import DAY
from slactl.text import did_you_mean

#: The hours of a special date, as the file writes them: a list, or lists by weekday.
StatedHours = tuple[str, ...] | Mapping[str, tuple[str, ...]]

#: The forms of special dates, for messages.
DATE_FORMS = "2026-12-24, 2026-12-24..2026-12-31, 12-24 (every year) or 05-01..08-31 (every year)"

_YEAR_DAY = re.compile(r"\d{2}-\d{2}")

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_INTERVAL = re.compile(r"(\d{2}):(\d{2})(?::(\d{2}))?-(\d{2}):(\d{2})(?::(\d{2}))?")


def interval(text: str) -> Interval:
    """Return `09:00-12:30` as seconds since midnight.

    `22:00-06:00` runs into the next day, and `24:00` may end an interval.

    Raises:
        ValueError: the text is not an interval, or its ends are equal.
    """
    match = _INTERVAL.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'{text!r} is not a valid interval; write "09:00-17:30", "22:00-06:00" or "00:00-24:00"')
    start, end = _time(match.groups()[:3], text), _time(match.groups()[3:], text)
    if start == DAY:
        raise ValueError(f"{text!r} starts at 24:00; write 00:00 and the next day")
    if start == end:
        raise ValueError(f'{text!r} starts and ends at the same time; write a whole day as "00:00-24:00"')
    return start, end if end > start else end + DAY


def interval_text(stated: Interval) -> str:
    """Return an interval as text, the inverse of `interval`, with seconds only if they are not 0."""
    start, end = stated
    return f"{_clock_text(start)}-{_clock_text(end if end <= DAY else end - DAY)}"


def _clock_text(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}" + (f":{rest:02d}" if rest else "")


def _time(parts: Sequence[str | None], text: str) -> int:
    hour, minute, second = (int(part or 0) for part in parts)
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second)):
        raise ValueError(f"{text!r} has a time of day that does not exist")
    return hour * 3600 + minute * 60 + second


def intervals(texts: Sequence[str]) -> tuple[Interval, ...]:
    """Return the intervals of one date, in order.

    Raises:
        ValueError: a text is not an interval, or two intervals overlap.
    """
    in_order = sorted(interval(text) for text in texts)
    for (_, end), (start, _) in pairwise(in_order):
        if start < end:
            raise ValueError(
                f"hours overlap: {', '.join(texts)}; each must begin at or after the end of the hours before it"
            )
    return tuple(in_order)


def weekdays(key: str) -> list[int]:
    """Return `mon` or `mon-thu` as numbers, 0 is Monday; `fri-mon` includes the weekend.

    Raises:
        ValueError: the text does not name weekdays.
    """
    names = key.strip().lower().split("-")
    for name in names:
        if name not in WEEKDAYS:
            meant = did_you_mean(name, WEEKDAYS, "; write mon … sun or mon-fri")
            raise ValueError(f"{key!r} is not a weekday{meant}")
    if len(names) > 2:
        raise ValueError(f"{key!r} is not a range of weekdays; write mon-fri")
    first, last = WEEKDAYS.index(names[0]), WEEKDAYS.index(names[-1])
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def weekly_intervals(weekly: Mapping[str, Sequence[str]]) -> dict[int, tuple[Interval, ...]]:
    """Return the hours of each weekday.

    Raises:
        ValueError: a key or an interval is not valid, hours overlap, or a weekday is named twice.
    """
    by_weekday: dict[int, tuple[Interval, ...]] = {}
    for key, texts in weekly.items():
        for weekday in weekdays(key):
            if weekday in by_weekday:
                raise ValueError(f"{WEEKDAYS[weekday]} is named twice")
            by_weekday[weekday] = intervals(texts)
    return by_weekday


def week_hours(texts: Sequence[str]) -> dict[int, tuple[Interval, ...]]:
    """Return the hours of each weekday in a list of windows.

    A window is `mon-fri 08:00-18:00`, `sat-sun` for whole days, or `22:00-07:00` for every day. Windows may overlap.
    Where a night runs into the hours of the next day, the next day has the rest of them.

    Raises:
        ValueError: a window is not valid.
    """
    stated: dict[int, list[Interval]] = {}
    for text in texts:
        days, _, hours = text.strip().rpartition(" ") if ":" in text else (text, "", "00:00-24:00")
        for weekday in weekdays(days) if days else range(7):
            stated.setdefault(weekday, []).append(interval(hours))
    week = {weekday: union(found) for weekday, found in stated.items()}
    opens = {weekday: found[0][0] for weekday, found in week.items()}
    rests: dict[int, list[Interval]] = {}
    for weekday, found in week.items():
        following = (weekday + 1) % 7
        if found[-1][1] - DAY > opens.get(following, DAY):
            rests[following] = [(opens[following], found[-1][1] - DAY)]
    whole = {weekday: union([*found, *rests.get(weekday, ())]) for weekday, found in week.items()}
    ends = {weekday: DAY + opens.get((weekday + 1) % 7, DAY) for weekday in week}
    return {
        weekday: tuple((start, min(end, ends[weekday])) for start, end in found) for weekday, found in whole.items()
    }


def union(stated: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the intervals of one date in order; those that overlap or touch become one, of 24 hours at most."""
    found: list[Interval] = []
    for start, end in sorted(stated):
        if found and start <= found[-1][1]:
            start, end = found[-1][0], max(end, found.pop()[1])
        if end > start + DAY:
            found.append((start, end - DAY))
            start = end - DAY
        found.append((start, end))
    return tuple(found)


class SpecialRules(NamedTuple):
    """Hold the special dates of a calendar by kind, from the most specific kind to the least."""

    dates: dict[date, SpecialHours]
    ranges: list[tuple[date, date, SpecialHours]]
    yearly: dict[YearDay, SpecialHours]
    seasons: list[tuple[YearDay, YearDay, SpecialHours]]


def special_dates(stated: Mapping[str, StatedHours]) -> SpecialRules:
    """Return the hours of special dates; a date without intervals is closed.

    Raises:
        ValueError: a date or an interval is not valid, hours overlap, or two ranges of one kind do.
    """
    special = SpecialRules({}, [], {}, [])
    for key, texts in stated.items():
        found = weekly_intervals(texts) if isinstance(texts, Mapping) else intervals(texts)
        first, dots, last = (part.strip() for part in key.partition(".."))
        if _YEAR_DAY.fullmatch(first):
            begin, end = year_day(first), year_day(last if dots else first)
            if dots:
                _refuse_overlap(key, (begin, end), [(a, b) for a, b, _ in special.seasons])
                special.seasons.append((begin, end, found))
            else:
                special.yearly[begin] = found
        elif dots:
            ends = one_date(first), one_date(last)
            if ends[1] < ends[0]:
                raise ValueError(f"{key!r} ends before it begins")
            if any(ends[0] <= b and a <= ends[1] for a, b, _ in special.ranges):
                raise ValueError(f"{key!r} overlaps another range; each date may be in one of them")
            special.ranges.append((*ends, found))
        else:
            special.dates[one_date(first)] = found
    return special


def _refuse_overlap(key: str, season: tuple[YearDay, YearDay], others: Sequence[tuple[YearDay, YearDay]]) -> None:
    for first, last in others:
        if any(within_season(day, first, last) for day in season) or within_season(first, *season):
            raise ValueError(f"{key!r} overlaps another range of every year; each date may be in one of them")


def year_day(text: str) -> YearDay:
    """Return the month and day in `12-24`.

    Raises:
        ValueError: the text is not a day of the year.
    """
    try:
        day = date.fromisoformat(f"2000-{text}") if _YEAR_DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError(f"{text!r} is not a day of the year; write 12-24")
    return day.month, day.day


def one_date(text: str) -> date:
    """Return the date in `2026-12-24`.

    Raises:
        ValueError: the text is not a date, or lies outside the years 1970 to 2199.
    """
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year <= 2199:
        raise ValueError(f"{text!r} is not a valid date; write {DATE_FORMS}")
    return day


def holiday_dates(texts: Sequence[str]) -> tuple[frozenset[YearDay], tuple[tuple[date, date], ...]]:
    """Return yearly holidays as (month, day), and the others as first and last date.

    Raises:
        ValueError: a text is not a date, a day of the year, or a range of dates.
    """
    yearly: set[YearDay] = set()
    ranges: list[tuple[date, date]] = []
    for text in texts:
        if _YEAR_DAY.fullmatch(text):
            yearly.add(year_day(text))
            continue
        first, _, last = text.partition("..")
        if _YEAR_DAY.fullmatch(first) and _YEAR_DAY.fullmatch(last):
            raise ValueError(f'{text!r} is a range of every year, which belongs into dates: "{text}" = []')
        dates = (one_date(first), one_date(last or first))
        if dates[1] < dates[0]:
            raise ValueError(f"{text!r} ends before it begins")
        ranges.append(dates)
    return frozenset(yearly), tuple(ranges)
