"""Calculate with a calendar of the rules: add open time, measure it, and list the dates of a month."""

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from slactl.clock import FIRST_YEAR, LAST_YEAR, to_text, typed_zone
from slactl.durations import SECOND, parse_target_duration
from slactl.errors import RefusedError, UsageError
from slactl.sla.calendar.calendar import BusinessCalendar, NoOpenHours
from slactl.sla.calendar.written import WEEKDAYS, interval_text
from slactl.sla.rules.loading import load
from slactl.sla.timers.pauses import instant_of, seconds_of
from slactl.text import clean, known_or_refuse, nearest, quoted

Record = dict[str, Any]

#: The fields of a date of a month, in the order of the output.
DATE_FIELDS = ("date", "weekday", "intervals", "open_seconds", "holiday", "special", "clock_change_seconds")


def calendar(rules: Path, name: str, timezone: str | None = None) -> BusinessCalendar:
    """Return a calendar of a rules file, in its own zone or in another.

    Raises:
        RulesError: the rules are invalid.
        NotKnownError: there is no such calendar or zone; the message has the nearest name.
    """
    known = load(rules)
    if name not in known.calendars:
        near = nearest(name, known.calendars) or next(iter(known.calendars), None)
        hint = f"slactl calendar show {quoted(near)}" if near is not None else "slactl rules show"
        known_or_refuse(name, known.calendars, "calendar", hint)
    if timezone is not None:
        typed_zone(timezone)
    return known.calendar(name, timezone)


def add(asked: BusinessCalendar, start: datetime, duration: str) -> Record:
    """Return the instant at which a duration of open time, or a number of business days, is used up.

    Raises:
        UsageError: it is not a valid duration, or has days under a calendar that is not always open.
        RefusedError: the calendar has not that much open time left.
    """
    try:
        wanted = parse_target_duration(duration)
    except ValueError as error:
        raise UsageError(str(error), f"slactl calendar add {quoted(asked.name)} now 4h") from error
    if wanted.has_days and not asked.always_open:
        raise UsageError(
            f"{duration} cannot be used with calendar {asked.name}, because a day is not always 24h; use 2bd or 16h",
            f"slactl calendar add {quoted(asked.name)} now 2bd",
        )
    try:
        end = instant_of(asked.after(seconds_of(start), wanted))
        open_seconds = asked.between(start, end) // SECOND
    except ValueError as error:
        raise RefusedError(str(error), f"slactl calendar show {quoted(asked.name)}") from error
    return {**named_calendar(asked), "start": to_text(start), "duration": str(wanted), "open_seconds": open_seconds,
            "end": to_text(end)}  # fmt: skip


def between(asked: BusinessCalendar, start: datetime, end: datetime) -> Record:
    """Return the open time from one instant to another, negative if the second is earlier."""
    return {
        **named_calendar(asked),
        "start": to_text(start),
        "end": to_text(end),
        "open_seconds": asked.between(start, end) // SECOND,
    }


def is_open(asked: BusinessCalendar, at: datetime) -> Record:
    """Return whether time counts at an instant, until when, and when it counts next; null if it never counts again."""
    opens: datetime | None
    try:
        opens = asked.next_open(at)
    except NoOpenHours:
        opens = None
    open_now = opens == at
    return {
        **named_calendar(asked),
        "at": to_text(at),
        "open": open_now,
        "opens_at": to_text(opens) if opens is not None and not open_now else None,
        "closes_at": _closing(asked, at) if open_now else None,
        "holiday": asked.holiday_name(local_date(asked, at)),
    }


def month(asked: BusinessCalendar, first: date) -> list[Record]:
    """Return each date of the month that begins with `first`: its intervals, and the open seconds they really have."""
    beyond = (first + timedelta(days=31)).replace(day=1)
    start = datetime.combine(first, time(), UTC) - timedelta(days=2)
    changes: dict[date, int] = {}
    for at, seconds in asked.clock_changes(start, start + timedelta(days=36)):
        day = local_date(asked, at)
        changes[day] = changes.get(day, 0) + seconds
    days = [first + timedelta(days=number) for number in range((beyond - first).days)]
    return [
        {
            "date": day.isoformat(),
            "weekday": WEEKDAYS[day.weekday()],
            "intervals": [interval_text(interval) for interval in asked.intervals(day)],
            "open_seconds": sum((end - start) // SECOND for start, end in asked.opening(day)),
            "holiday": asked.holiday_name(day),
            "special": asked.is_special(day),
            "clock_change_seconds": changes.get(day, 0),
        }
        for day in days
    ]


def this_month(asked: BusinessCalendar, now: datetime) -> date:
    """Return the first date of the current month in the zone of the calendar."""
    return local_date(asked, now).replace(day=1)


def today(asked: BusinessCalendar, now: datetime) -> str:
    """Return the current date in the zone of the calendar, as in the records of a month."""
    return local_date(asked, now).isoformat()


def described(asked: BusinessCalendar) -> Record:
    """Return the name and zone of a calendar, its members, and the countries whose holidays it keeps."""
    members = [member.name for member in asked.members]
    return {**named_calendar(asked), "any_of": members or None, "holidays_of": ", ".join(asked.regions()) or None}


def parse_month(text: str) -> date:
    """Return the first date of a month such as `2026-12`.

    Raises:
        UsageError: it is not a month, or outside the years 1970 to 2199.
    """
    try:
        first = date.fromisoformat(f"{text.strip()}-01") if re.fullmatch(r"\d{4}-\d{2}", text.strip()) else None
    except ValueError:
        first = None
    if first is None or not FIRST_YEAR <= first.year <= LAST_YEAR:
        raise UsageError(f"{clean(text)[:100]!r} is not a valid month; use a month such as 2026-12")
    return first


def _closing(asked: BusinessCalendar, at: datetime) -> str | None:
    """Return when the calendar closes next; None if it does not within a year."""
    for days in () if asked.always_open else (8, 400):
        limit = at + timedelta(days=days)
        _, end = asked.pieces(at, limit)[0]
        if end < limit:
            return to_text(end)
    return None


def named_calendar(asked: BusinessCalendar) -> Record:
    """Return the name and the zone of a calendar as data."""
    return {"calendar": asked.name, "timezone": asked.timezone}


def local_date(asked: BusinessCalendar, at: datetime) -> date:
    """Return the date of an instant in the zone of a calendar."""
    return at.astimezone(ZoneInfo(asked.timezone)).date()
