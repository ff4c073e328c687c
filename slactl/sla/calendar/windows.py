"""Read weekly windows as `rules.toml` writes them, and find out until when they go on."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import NamedTuple

from slactl.clock import local_instant
from slactl.sla.calendar.hours import Interval
from slactl.sla.calendar.written import interval, weekdays
from slactl.sla.calendar.zone import DAY

#: The forms of windows, for messages.
FORMS = '"22:00-07:00", "sat-sun" or "fri 15:00-24:00"'

WEEK = 7 * DAY


class Window(NamedTuple):
    """Hold a window: the weekdays on which it begins (0 is Monday), and its hours in seconds since midnight."""

    weekdays: tuple[int, ...]
    hours: Interval


def window(text: str) -> Window:
    """Return a window: hours of every day, whole days, or hours of some weekdays.

    `22:00-07:00` runs into the next day.

    Raises:
        ValueError: the text is not a window.
    """
    words = text.split()
    if not words or len(words) > 2:
        raise ValueError(f"{text!r} is not a valid window; write {FORMS}")
    has_hours = ":" in words[-1]
    if len(words) == 2 and not has_hours:
        raise ValueError(f"{text!r} is not a valid window; write {FORMS}")
    days = weekdays(words[0]) if len(words) == 2 or not has_hours else list(range(7))
    return Window(tuple(days), interval(words[-1]) if has_hours else (0, DAY))


@cache
def windows(texts: Sequence[str]) -> tuple[Window, ...]:
    """Return some windows.

    Raises:
        ValueError: a text is not a window.
    """
    return tuple(window(text) for text in texts)


def is_whole_week(stated: Sequence[Window]) -> bool:
    """Return whether some window goes on at every time of the week."""
    reached = 0
    for start, end in sorted(_in_week(stated)):
        if start > reached:
            return False
        reached = max(reached, end)
    return reached >= WEEK


def _in_week(stated: Sequence[Window]) -> Iterator[Interval]:
    """Yield when windows go on in a week, in seconds since its Monday; a part after Sunday is at its beginning."""
    for days, (start, end) in stated:
        for day in days:
            begin, finish = day * DAY + start, day * DAY + end
            yield begin, min(finish, WEEK)
            if finish > WEEK:
                yield 0, finish - WEEK


def until(stated: Sequence[Window], zone: tzinfo | None, at: datetime) -> datetime | None:
    """Return when the windows that go on at an instant end, in UTC; None if none goes on.

    Windows that touch or overlap are one. Those of a whole week, which never end, end after about a week. None as the
    zone means the machine's.
    """
    end = at
    while (end - at).days < 7 and (
        later := [closes for opens, closes in _around(stated, zone, end) if opens <= end < closes]
    ):
        end = max(later)
    return end if end > at else None


def _around(stated: Sequence[Window], zone: tzinfo | None, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield when the windows of the local date of an instant, and of the date before, begin and end, in UTC."""
    today = at.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  (made aware below, in either zone)
        for days, hours in stated:
            if day.weekday() in days:
                # A local time that the clocks skip moves forward; of one that exists twice the first counts.
                walls = (midnight + timedelta(seconds=seconds) for seconds in hours)
                opens, closes = (
                    local_instant(wall) if zone is None else wall.replace(tzinfo=zone).astimezone(UTC) for wall in walls
                )
                yield opens, closes
