"""Calendars for tests, written the way the worked examples write them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from slactl.sla.calendar.calendar import BusinessCalendar, Hours, Interval

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE = {day: [("09:00", "17:00")] for day in WEEKDAYS[:5]}
NIGHTS = {day: [("22:00", "06:00")] for day in WEEKDAYS[:5]}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def seconds(text: str) -> int:
    hour, minute, *second = (int(part) for part in text.split(":"))
    return hour * 3600 + minute * 60 + sum(second)


def interval(ends: Sequence[str]) -> Interval:
    start, end = (seconds(text) for text in ends)
    return start, end if end > start else end + 86_400


def calendar(
    timezone: str = "UTC",
    weekly: Mapping[str, Sequence[Sequence[str]]] | None = None,
    holidays: Sequence[str] = (),
    dates: Mapping[str, Sequence[Sequence[str]]] | None = None,
    **more: Any,  # noqa: ANN401  (whatever else `Hours` takes)
) -> BusinessCalendar:
    """A calendar as the worked examples describe one."""
    provider = {"provider": more.pop("provider")} if "provider" in more else {}
    once = [text.partition("..") for text in holidays if len(text) > 5]
    hours = Hours(
        weekly={WEEKDAYS.index(day): [interval(each) for each in found] for day, found in (weekly or {}).items()},
        dates={date.fromisoformat(day): [interval(each) for each in found] for day, found in (dates or {}).items()},
        yearly=frozenset((int(text[:2]), int(text[3:])) for text in holidays if len(text) == 5),
        ranges=[(date.fromisoformat(first), date.fromisoformat(last or first)) for first, _, last in once],
        **more,
    )
    return BusinessCalendar("test", timezone, hours, **provider)
