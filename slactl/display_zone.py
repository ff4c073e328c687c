"""The display zone: the time zone in which people read times, and in which they type times without an offset.

Each command chooses it once, at its start. All that reads and prints times for people asks this file.
"""

import os
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from slactl import clock
from slactl.errors import NotKnownError, UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

#: Monday first.
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

#: The zone that `use` chose; None is the machine's.
_chosen: "ZoneInfo | None" = None


def use(name: str | None, source: str = "--timezone") -> None:
    """Choose the display zone of this command; None is the machine's.

    Raises:
        UsageError: there is no such zone; the message names the `source`, and the nearest zone.
    """
    global _chosen
    try:
        _chosen = clock.typed_zone(name) if name is not None else None
    except NotKnownError as error:
        hint = "unset SLACTL_TZ" if source == "SLACTL_TZ" else "slactl --timezone Europe/Berlin list"
        raise UsageError(f"{source}: {error.message}", hint) from error


def zone() -> tzinfo | None:
    """Return the display zone; None stands for the machine's, as `astimezone` takes it."""
    return _chosen


def zone_name() -> str:
    """Return the name of the display zone; "local time" if the machine's has no name."""
    if _chosen is not None:
        return _chosen.key
    named = os.environ.get("TZ", "").lstrip(":")
    if named and not named.startswith("/"):
        return named
    _, found, name = os.path.realpath("/etc/localtime").partition("/zoneinfo/")
    return name if found else "local time"


def heading() -> str:
    """Return what stands once above times without an offset: the name of the display zone, or "UTC+01:00"."""
    if zone_name() != "local time":
        return zone_name()
    import time

    minutes = -time.timezone // 60
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def is_twice(there: datetime) -> bool:
    """Return whether the clocks of the display zone show this time of it twice."""
    wall = there.replace(tzinfo=None)
    return instant_of(wall.replace(fold=0)) != instant_of(wall.replace(fold=1))


def shown(instant: datetime) -> datetime:
    """Return an aware instant as the clocks of the display zone show it."""
    return instant.astimezone(_chosen)


def instant_of(wall: datetime) -> datetime:
    """Return the UTC instant of a naive time of the display zone.

    If the clocks skip the time, it moves forward by the skipped time. If the time exists twice, the first one counts.
    """
    return clock.local_instant(wall) if _chosen is None else wall.replace(tzinfo=_chosen).astimezone(UTC)


def describe(instant: datetime) -> str:
    """Return an instant with date, time and zone: "Mon 2026-03-02 09:00 Europe/Berlin".

    It has seconds unless they are 0, and the offset too where the zone has no name or the clocks show the time twice.
    """
    there = shown(instant)
    seconds = f":{there.second:02d}" if there.second else ""
    name = zone_name()
    parts = [offset(there)] if is_twice(there) or name == "local time" else []
    parts += [name] if name != "local time" else []
    return f"{WEEKDAYS[there.weekday()]} {there:%Y-%m-%d %H:%M}{seconds} {' '.join(parts)}"


def offset(there: datetime) -> str:
    """Return the offset of an aware time from UTC: "+01:00"."""
    shift = there.strftime("%z")
    return f"{shift[:3]}:{shift[3:5]}"
