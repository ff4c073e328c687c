"""Opening hours and holidays from the words of `rules.toml`."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from slactl.sla.calendar import DAY, Hours, Interval
from slactl.text import did_you_mean

if TYPE_CHECKING:
    from slactl.sla.rules_model import CalendarRules

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_INTERVAL = re.compile(r"(\d{2}):(\d{2})(?::(\d{2}))?-(\d{2}):(\d{2})(?::(\d{2}))?")


def hours(stated: "CalendarRules") -> Hours:
    """What a calendar of the file says, as seconds and dates.

    Raises:
        ValueError: an interval, a weekday, a date or a holiday is none.
    """
    yearly, ranges = holiday_dates(stated.holidays)
    return Hours(
        weekly=weekly_intervals(stated.weekly),
        dates=date_intervals(stated.dates),
        yearly=yearly,
        ranges=ranges,
        country=stated.country,
        subdivision=stated.subdivision,
        always_open=stated.always_open,
    )


def interval(text: str) -> Interval:
    """`09:00-12:30` as seconds since midnight; `22:00-06:00` runs into the next day, `24:00` may end one.

    Raises:
        ValueError: it is no interval, or its ends are equal.
    """
    match = _INTERVAL.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'{text!r} is no interval; write "09:00-17:30", "22:00-06:00" or "00:00-24:00"')
    start, end = _time(match.groups()[:3], text), _time(match.groups()[3:], text)
    if start == DAY:
        raise ValueError(f"{text!r} starts at 24:00; that is 00:00 of the next day")
    if start == end:
        raise ValueError(f'{text!r} has equal ends; a whole day is "00:00-24:00"')
    return start, end if end > start else end + DAY


def interval_text(stated: Interval) -> str:
    """The inverse of `interval`: seconds only where they are not 0."""
    start, end = stated
    return f"{_clock_text(start)}-{_clock_text(end if end <= DAY else end - DAY)}"


def _clock_text(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}" + (f":{rest:02d}" if rest else "")


def _time(parts: Sequence[str | None], text: str) -> int:
    hour, minute, second = (int(part or 0) for part in parts)
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second)):
        raise ValueError(f"{text!r} has no such time of day")
    return hour * 3600 + minute * 60 + second


def intervals(texts: Sequence[str]) -> tuple[Interval, ...]:
    """The intervals of one date, in order.

    Raises:
        ValueError: one is none, or two overlap.
    """
    found = sorted(interval(text) for text in texts)
    for (_, end), (start, _) in pairwise(found):
        if start < end:
            raise ValueError(f"hours overlap: {', '.join(texts)}; each begins where the one before has ended, or later")
    return tuple(found)


def weekdays(key: str) -> list[int]:
    """`mon` or `mon-thu` as numbers, 0 is Monday; `fri-mon` goes over the weekend.

    Raises:
        ValueError: it names no weekday.
    """
    names = key.strip().lower().split("-")
    for name in names:
        if name not in WEEKDAYS:
            meant = did_you_mean(name, WEEKDAYS, "; write mon … sun or mon-fri")
            raise ValueError(f"{key!r} is not a weekday{meant}")
    if len(names) > 2:
        raise ValueError(f"{key!r} is no range of weekdays; write mon-fri")
    first, last = WEEKDAYS.index(names[0]), WEEKDAYS.index(names[-1])
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def weekly_intervals(weekly: Mapping[str, Sequence[str]]) -> dict[int, tuple[Interval, ...]]:
    """The hours of each weekday.

    Raises:
        ValueError: a key or an interval is none, hours overlap, or a weekday is named twice.
    """
    found: dict[int, tuple[Interval, ...]] = {}
    for key, texts in weekly.items():
        for weekday in weekdays(key):
            if weekday in found:
                raise ValueError(f"{WEEKDAYS[weekday]} is named twice")
            found[weekday] = intervals(texts)
    return found


def date_intervals(dates: Mapping[str, Sequence[str]]) -> dict[date, tuple[Interval, ...]]:
    """The hours of special dates; none is closed.

    Raises:
        ValueError: a date or an interval is none, or hours overlap.
    """
    return {one_date(key): intervals(texts) for key, texts in dates.items()}


def one_date(text: str) -> date:
    """`2026-12-24`.

    Raises:
        ValueError: it is no date, or outside the years 1970 to 2199.
    """
    try:
        found = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year <= 2199:
        raise ValueError(f"{text!r} is no date; write 2026-12-24")
    return found


def holiday_dates(texts: Sequence[str]) -> tuple[frozenset[tuple[int, int]], tuple[tuple[date, date], ...]]:
    """Holidays of every year as (month, day), and those that are once as first and last date.

    Raises:
        ValueError: one is none.
    """
    yearly: set[tuple[int, int]] = set()
    ranges: list[tuple[date, date]] = []
    for text in texts:
        if re.fullmatch(r"\d{2}-\d{2}", text):
            yearly.add(_month_day(text))
            continue
        first, _, last = text.partition("..")
        span = (one_date(first), one_date(last or first))
        if span[1] < span[0]:
            raise ValueError(f"{text!r} ends before it begins")
        ranges.append(span)
    return frozenset(yearly), tuple(ranges)


def _month_day(text: str) -> tuple[int, int]:
    try:
        day = date.fromisoformat(f"2000-{text}")
    except ValueError:
        raise ValueError(f"{text!r} is no day of the year; write 12-24") from None
    return day.month, day.day
