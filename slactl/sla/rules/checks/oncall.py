"""Check the schedules of rules: known people and calendars, possible hours, and roles that name schedules."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slactl.sla.calendar.written import week_hours
from slactl.sla.rules.checks.calendars import attempt, unknown_words
from slactl.sla.rules.lines import KeyPath, Problem
from slactl.sla.rules.oncall.schedules import LayerRules, ScheduleRules

if TYPE_CHECKING:
    from slactl.sla.rules.rules import Rules

#: The subcommands of `oncall`, which no schedule may be named like.
SUBCOMMANDS = ("now", "show", "override", "away", "list", "remove", "export")


def problems(rules: "Rules") -> Iterator[Problem]:
    """Yield everything that is wrong with the schedules, and with the roles that name them or spread tickets."""
    for name, schedule in rules.schedules.items():
        path = ("schedules", name)
        if name in SUBCOMMANDS:
            yield path, f"a schedule may not be named {name}, because slactl oncall {name} is a command"
        if schedule.ical is not None:
            yield from _feed_problems(path, schedule.ical, schedule)
        elif not schedule.layers:
            yield path, f'the schedule has nobody; write [[schedules.{name}.layer]], or ical = "{name}.ics"'
        for number, layer in enumerate(schedule.layers):
            yield from _layer_problems((*path, "layer", number), layer, rules)
    for name, role in rules.roles.items():
        if role.on_call is not None:
            yield from unknown_words(("roles", name, "on_call"), [role.on_call], rules.schedules, "schedule")
        yield from unknown_words(("roles", name, "members"), role.members, rules.people, "person")
        if role.spread is not None and not role.members:
            yield ("roles", name, "spread"), 'needs members: members = ["ann", "ben"]'


def _feed_problems(path: KeyPath, ical: str, schedule: ScheduleRules) -> Iterator[Problem]:
    if schedule.layers:
        yield (*path, "layer"), "ical and layer cannot be used together"
    if schedule.timezone is None:
        yield path, "a feed needs a timezone, which holds for its all-day events"
    if "://" in ical:
        yield (*path, "ical"), "must be a file beside rules.toml, not a URL; let cron fetch it"
    elif ical.startswith(("/", "~")) or ".." in ical.split("/") or "\x00" in ical:
        yield (*path, "ical"), "must be a file beside rules.toml, such as managers.ics"


def _layer_problems(path: KeyPath, layer: LayerRules, rules: "Rules") -> Iterator[Problem]:
    yield from unknown_words((*path, "people"), layer.people, rules.people, "person")
    if layer.rotate is not None and layer.from_ is None:
        yield (*path, "rotate"), 'needs from, when the first person begins: from = "2026-01-05 09:00"'
    if layer.rotate is not None and layer.rotate.business_days and layer.hours is None:
        yield (*path, "rotate"), f'"{layer.rotate}" counts open days, so it needs hours: a calendar, or a list'
    if isinstance(layer.hours, str):
        yield from unknown_words((*path, "hours"), [layer.hours], rules.calendars, "calendar")
    elif layer.hours is not None:
        yield from attempt((*path, "hours"), week_hours, layer.hours)
