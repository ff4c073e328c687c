"""Define the schedules of `rules.toml`, and make the values that say who is on call."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated

from slactl.clock import FIRST_YEAR, LAST_YEAR
from slactl.durations import Duration, parse_duration
from slactl.sla.calendar.calendar import BusinessCalendar, Hours
from slactl.sla.calendar.written import week_hours
from slactl.sla.calendar.zone import DAY, Zone, day_number
from slactl.sla.oncall.rotation import DayRotation, Rotation, WallRotation
from slactl.sla.oncall.schedule import Feed, Layer, Schedule
from slactl.sla.rules.part import Form, Part
from slactl.sla.rules.values import Name, Names, from_list

#: Returns a calendar of the rules by its name.
Calendars = Callable[[str], BusinessCalendar]

#: The forms of the length of a turn, for messages.
TURNS = "12h, 1d, 1w or 1bd"


def _turn_length(value: object) -> object:
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        raise ValueError(f"a rotation must be a text: {TURNS}")
    length = parse_duration(value, TURNS)
    if length.seconds % 3600:
        raise ValueError(f"{value!r} is not in whole hours; use {TURNS}")
    return length


def _wall_time(value: object) -> object:
    """Return a date with or without a time of day, as the file writes it, as a naive datetime."""
    found = value if isinstance(value, datetime) else None
    if found is None and isinstance(value, date):
        found = datetime(value.year, value.month, value.day)  # noqa: DTZ001  (in the zone of the schedule)
    if isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}|$)", value.strip()):
        try:
            found = datetime.fromisoformat(value.strip())
        except ValueError:
            found = None
    if found is None:
        raise ValueError(f'{str(value)[:60]!r} is not a valid time; write a date and a time of day, "2026-01-05 09:00"')
    if found.tzinfo is not None:
        raise ValueError("must be a time of the schedule's time zone, without an offset")
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"is outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return found.replace(microsecond=0)


def _some_hours(value: object) -> object:
    if isinstance(value, list | tuple) and value and all(isinstance(text, str) for text in value):
        return tuple(value)
    if not isinstance(value, str) or not value:
        raise ValueError('must be the name of a calendar, or a list: ["mon-fri 08:00-18:00"]')
    return value


class LayerRules(Part):
    """Hold people who are on call one after the other, and when."""

    people: Annotated[Names, Form(size=(1, None))]
    rotate: Annotated[Duration, Form(only=_turn_length)] | None = None
    from_: Annotated[datetime, Form(only=_wall_time)] | None = None
    hours: Annotated[str | tuple[str, ...], Form(only=_some_hours)] | None = None


class ScheduleRules(Part):
    """Hold who is on call: layers, of which the first that has somebody wins, or a calendar feed."""

    timezone: Name | None = None
    layers: Annotated[tuple[LayerRules, ...], Form(before=from_list)] = ()
    ical: Name | None = None


def built(name: str, stated: ScheduleRules, calendar: Calendars, feed: Feed | None) -> Schedule:
    """Return the schedule that says who is on call; `calendar` returns a calendar of the rules by its name."""
    zone = Zone(stated.timezone or "UTC")
    layers = tuple(_built_layer(f"{name}.{number}", layer, zone, stated.timezone or "UTC", calendar)
                   for number, layer in enumerate(stated.layers, 1))  # fmt: skip
    return Schedule(name, stated.timezone or "UTC", layers, feed)


def _built_layer(name: str, stated: LayerRules, zone: Zone, timezone: str, calendar: Calendars) -> Layer:
    hours: BusinessCalendar | None = None
    if isinstance(stated.hours, str):
        hours = calendar(stated.hours)
    elif stated.hours is not None:
        hours = BusinessCalendar(name, timezone, Hours(weekly=week_hours(stated.hours)))
    rotation: Rotation | None = None
    if stated.from_ is None:
        return Layer(stated.people, None, None, hours)
    clock = stated.from_
    local = day_number(clock.date()) * DAY + clock.hour * 3600 + clock.minute * 60 + clock.second
    if stated.rotate is not None and stated.rotate.business_days:
        assert hours is not None
        rotation = DayRotation(zone, local, stated.rotate.business_days, hours)
    elif stated.rotate is not None:
        rotation = WallRotation(zone, local, stated.rotate.seconds)
    return Layer(stated.people, rotation, zone.instant(local), hours)
