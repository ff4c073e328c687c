"""Read the dates and times of day that people type: which dates some words may mean, seen from a date."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple, NoReturn

from slactl.errors import UsageError

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FULL_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}

#: Stands for the end of the day, which a calendar may know, in place of a time of day in seconds.
END = -1

#: Where the forms of times are explained.
HELP = "slactl help start"

FILLERS = ("at", "on")


class Written(NamedTuple):
    """The dates that a text may mean, and the time of day in seconds or `END`."""

    days: Sequence[date]
    seconds: int
    has_clock: bool


class Said(ValueError):
    """The reason why a text is not a time, for people."""


def written_dates(words: Sequence[str], today: date) -> Written:
    """Return what some words mean: a date, a time of day, or both in either order.

    Raises:
        ValueError: they are no date and no time of day.
    """
    joined = re.sub(r"([0-9]) ([ap]m)\b", r"\1\2", " ".join(word for word in words if word not in FILLERS))
    rest, clocks = list[str](), list[int]()
    for word in joined.split():
        seconds = _time_of_day(word)
        if seconds is not None:
            clocks.append(seconds)
        else:
            rest.append(word)
    if len(clocks) > 1 or not joined:
        raise ValueError("there are two times of day")
    is_end = clocks == [END]
    days = _dates(rest, today) if rest else [today] if is_end else [today + timedelta(days=n) for n in (-1, 0, 1)]
    return Written(days, clocks[0] if clocks else 0, bool(clocks))


def _time_of_day(word: str) -> int | None:
    """Return a time of day in seconds, `END` for the end of the day, or None for another word."""
    if word in ("noon", "eod"):
        return 12 * 3600 if word == "noon" else END
    if word == "midnight":
        raise Said("'midnight' could mean two dates; write 00:00 or 24:00 with the date")
    match = re.fullmatch(r"([0-9]{1,2})(?::([0-9]{2})(?::([0-9]{2}))?)?([ap]m)?", word)
    if match is None or not (match[2] or match[4]):
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    if match[4]:
        if not 1 <= hour <= 12:
            raise ValueError("there is no such hour")
        hour = hour % 12 + (12 if match[4] == "pm" else 0)
    if minute > 59 or second > 59 or not (hour < 24 or (hour, minute, second) == (24, 0, 0)):
        raise ValueError("there is no such time of day")
    return hour * 3600 + minute * 60 + second


def _dates(words: Sequence[str], today: date) -> Sequence[date]:
    """Return the dates that some words may mean, seen from today.

    Raises:
        ValueError: they are no date.
    """
    first, *rest = words
    if not rest and first in _DAYS:
        return [today + timedelta(days=_DAYS[first])]
    if (weekday := _place(first, _WEEKDAYS, _FULL_WEEKDAYS)) is not None:
        days = [today + timedelta(days=n) for n in range(-7, 8)] if not rest else _dates(rest, today)
        if not (matching := [day for day in days if day.weekday() == weekday]):
            raise Said(f"{' '.join(words)[:100]!r} contradicts itself: that date is not a {_FULL_WEEKDAYS[weekday]}")
        return matching
    if first in ("next", "last") and len(rest) == 1:
        weekday = _place(rest[0], _WEEKDAYS, _FULL_WEEKDAYS)
        steps = range(1, 8) if first == "next" else range(-7, 0)
        return [day for n in steps if (day := today + timedelta(days=n)).weekday() == weekday] or _not_a_date()
    if not rest and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", first):
        return [date.fromisoformat(first)]
    return _month_dates(words, today)


def _month_dates(words: Sequence[str], today: date) -> Sequence[date]:
    """Return the dates of `26 nov`, `nov 26` or one of them with a year."""
    day, month, *year = words if words[0][0].isdigit() else [*words[1:2], words[0], *words[2:]]
    number, named = re.fullmatch(r"([0-9]{1,2})(?:st|nd|rd|th)?\.?", day), _place(month, _MONTHS, _FULL_MONTHS)
    if number is None or named is None or len(year) > 1 or (year and not re.fullmatch(r"[0-9]{4}", year[0])):
        _not_a_date()
    if year:
        return [date(int(year[0]), named + 1, int(number[1]))]
    found = list[date]()
    for each in range(max(today.year - 8, 1), today.year + 9):
        try:
            found.append(date(each, named + 1, int(number[1])))
        except ValueError:
            continue
    return found or _not_a_date()


def _not_a_date() -> NoReturn:
    raise ValueError("it is not a date")


def _place(word: str, short: Sequence[str], full: Sequence[str]) -> int | None:
    """Return which month or weekday a word names, in its short or its full form."""
    name = word.rstrip(".")
    return short.index(name[:3]) if name[:3] in short and name in (*short, *full) else None


def refuse_ambiguous(text: str) -> None:
    """Refuse a date of which nobody can say what is the day and what the month.

    Raises:
        UsageError: it is such a date; the message has the dates that it could mean.
    """
    match = re.search(r"(?<!\S)([0-9]{1,2})([./-])([0-9]{1,2})(?:\2([0-9]{4}|[0-9]{2})|\2)?(?=$|[\sT,])", text)
    if match is None:
        return
    first, second, typed = int(match[1]), int(match[3]), match[4]
    year = int(typed if len(typed) == 4 else f"20{typed}") if typed else None
    readings = list[str]()
    for day, month in dict.fromkeys([(first, second), (second, first)]):
        try:
            meant = date(year or 2000, month, day)
        except ValueError:
            continue
        readings.append(meant.isoformat() if year else f"'{day} {_MONTHS[month - 1].capitalize()}'")
    if readings:
        could = "could mean two dates" if len(readings) > 1 else "does not say what is the month"
        raise UsageError(f"{match[0]!r} {could}; write {' or '.join(readings)}", HELP)
