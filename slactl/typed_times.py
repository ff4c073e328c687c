"""Read the times that people type, in the display zone."""

import re
from datetime import UTC, datetime, time, timedelta

from slactl.clock import FIRST_YEAR, LAST_YEAR, within_years
from slactl.display_zone import instant_of, shown
from slactl.errors import UsageError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EXAMPLES = "2026-03-02T09:00+01:00, 2026-03-02 09:00, now, '2h ago', 'in 30m', 'yesterday 17:00' or 'fri 09:00'"


def parse_instant(text: str, now: datetime, *, ahead: bool = False) -> datetime:
    """Parse a time that a person typed, to UTC; without an offset it is in the display zone.

    A weekday or a time of day means the last one, or with `ahead` the next one.

    Raises:
        UsageError: it is not a time, or lies outside the years 1970 to 2199.
    """
    written = " ".join(text.split())
    try:
        found = _relative(written.lower(), now) or _named_day(written.lower(), now, ahead) or _absolute(written)
        return within_years(found, text)
    except (ValueError, OverflowError, OSError) as error:
        is_far = "outside the years" in str(error)
        raise UsageError(str(error) if is_far else f"{text[:100]!r} is not a valid time; use {EXAMPLES}") from error


def _relative(text: str, now: datetime) -> datetime | None:
    if text == "now":
        return now
    match = re.fullmatch(r"(?:in (?P<ahead>.+)|(?P<ago>.+) ago)", text)
    if match is None:
        return None
    from slactl.durations import parse_duration

    duration = parse_duration(match["ahead"] or match["ago"])
    if duration.business_days:
        raise ValueError("business days need a calendar")
    span = timedelta(seconds=duration.seconds)
    return now + span if match["ahead"] else now - span


def _named_day(text: str, now: datetime, ahead: bool) -> datetime | None:
    match = re.fullmatch(r"(?:(?P<day>[a-z]+) ?)?(?P<clock>\d{1,2}:\d{2}(?::\d{2})?)?", text)
    if match is None or not text:
        return None
    today = shown(now)
    typed = match["clock"]
    clock = time.fromisoformat(typed.zfill(5) if typed.count(":") == 1 else typed.zfill(8)) if typed else time()
    days = {"yesterday": -1, "today": 0, "tomorrow": 1}
    name = match["day"]
    if name is None:
        return _nearest([today + timedelta(days=each) for each in (-1, 0, 1)], clock, now, ahead)
    if name in days:
        return _local(today + timedelta(days=days[name]), clock)
    if name[:3] in WEEKDAYS and name in (name[:3], *_FULL_WEEKDAYS):
        wanted = WEEKDAYS.index(name[:3])
        near = [today + timedelta(days=each) for each in range(-7, 8)]
        return _nearest([day for day in near if day.weekday() == wanted], clock, now, ahead)
    return None


_FULL_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _nearest(days: list[datetime], clock: time, now: datetime, ahead: bool) -> datetime:
    instants = [_local(day, clock) for day in days]
    return min(each for each in instants if each > now) if ahead else max(each for each in instants if each <= now)


def _local(day: datetime, clock: time) -> datetime:
    return instant_of(datetime.combine(day.date(), clock))


def _absolute(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    # Python cannot convert local time in the first and the last year of datetime.
    far = not FIRST_YEAR <= found.year <= LAST_YEAR
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC) if far else instant_of(found)
