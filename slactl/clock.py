"""The clock, which is read once per command; conversion of instants and durations from text and to text.

Inside slactl every instant is an aware UTC datetime in whole seconds. People type and see local time.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from slactl.errors import NotKnownError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

#: Instants outside these years are refused: they are typing errors.
FIRST_YEAR, LAST_YEAR = 1970, 2199


def now() -> datetime:
    """Return the current instant, aware UTC, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


class BootClock(NamedTuple):
    """A clock that nobody can set: the seconds since the machine started, sleep included, and the id of that start."""

    boot_id: str
    seconds: int


def boot_clock() -> BootClock | None:
    """Read the boot clock; None if the system has none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as stream:
            return BootClock(stream.read().strip(), int(uptime()))
    except (OSError, UnicodeDecodeError):
        return None


def uptime() -> float:
    """Return the seconds since the machine started, by a clock that nobody can set; all processes read the same.

    Time in which the machine sleeps counts where the system counts it.
    """
    import time as machine

    return machine.clock_gettime(getattr(machine, "CLOCK_BOOTTIME", machine.CLOCK_MONOTONIC))


def jumped(since: datetime, then: BootClock, at: datetime, boot: BootClock) -> int:
    """Return by how many seconds the wall clock was set between two readings; 0 across a restart."""
    if then.boot_id != boot.boot_id:
        return 0
    return int((at - since).total_seconds()) - (boot.seconds - then.seconds)


def stopwatch() -> Callable[[], float]:
    """Start a stopwatch; the function returned gives the seconds since then, also after a change of the wall clock."""
    from time import monotonic

    begun = monotonic()
    return lambda: monotonic() - begun


def until_next_second() -> float:
    """Return how long it takes, in seconds, until `now` changes."""
    return 1.0 - datetime.now(UTC).microsecond / 1_000_000


def to_text(instant: datetime) -> str:
    """Return an aware instant as text for storage and programs: `2026-03-02T08:00:00Z`."""
    # Two times of a zone that are an hour apart when clocks go back are equal to a cache.
    return _utc_text(instant if instant.tzinfo is UTC else instant.astimezone(UTC))


@lru_cache(maxsize=1024)
def _utc_text(instant: datetime) -> str:
    return instant.isoformat()[:19] + "Z"


def from_text(text: str) -> datetime:
    """Parse text that `to_text` returned."""
    return datetime.fromisoformat(text)


def parse_offset_instant(text: str) -> datetime:
    """Parse an ISO 8601 instant with an offset; fractions of a second are cut off.

    Raises:
        ValueError: it is not a time, has no offset, or lies outside the years 1970 to 2199; the message says which.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:100]!r} is not an ISO 8601 time such as 2026-03-02T09:00:00+01:00") from None
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write 2026-03-02T09:00:00Z or …+01:00")
    return within_years(instant, text)


def within_years(instant: datetime, text: str) -> datetime:
    """Return an aware instant in UTC and whole seconds.

    Raises:
        ValueError: it lies outside the years 1970 to 2199; the message has the `text`.
    """
    if FIRST_YEAR < instant.year < LAST_YEAR:
        return instant.astimezone(UTC).replace(microsecond=0)
    try:
        there = instant.astimezone(UTC).replace(microsecond=0)
    except (OverflowError, ValueError, OSError):
        there = None
    if there is None or not FIRST_YEAR <= there.year <= LAST_YEAR:
        raise ValueError(f"{text[:100]!r} is outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return there


def local_instant(wall: datetime) -> datetime:
    """Return the UTC instant of a naive time of the machine's zone; `display_zone.instant_of` is for what people type.

    If the clocks skip the time, it moves forward by the skipped time. If the time exists twice, the first one counts
    (PEP 495). `astimezone` of a naive time would move a skipped time back.
    """
    return datetime.fromtimestamp(wall.timestamp(), UTC)


@lru_cache(maxsize=10_000)
def is_zone(name: str) -> bool:
    """Return whether this machine can load a zone of this name, for rules and histories accepted before."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def zone(name: str) -> "ZoneInfo":
    """Return the time zone of this name, to calculate with it.

    Raises:
        ValueError: there is no zone of this name; the message has the nearest one.
    """
    from zoneinfo import ZoneInfo

    if not is_zone(name):
        raise _no_zone(name)
    return ZoneInfo(name)


def new_zone(name: str) -> "ZoneInfo":
    """Return the time zone that somebody writes into rules, a map or a command.

    `localtime` and `posixrules` depend on the machine, and the zones under `right/` count leap seconds. All of them
    would give other instants elsewhere and are refused, as are the aliases under `posix/`.

    Raises:
        ValueError: there is no zone of this name, or it is one of these; the message has the nearest name.
    """
    if name in ("localtime", "posixrules") or name.startswith(("posix/", "right/")):
        raise _no_zone(name)
    return zone(name)


def typed_zone(name: str) -> "ZoneInfo":
    """Return the time zone that a person typed.

    Raises:
        NotKnownError: it is not a zone that may be written; the message has the nearest name.
    """
    try:
        return new_zone(name)
    except ValueError as error:
        raise NotKnownError(str(error)) from None


def zone_names() -> list[str]:
    """Return the names of the time zones that this machine knows, in order."""
    from zoneinfo import available_timezones

    return sorted(available_timezones())


def _no_zone(name: str) -> ValueError:
    from slactl.text import clean, did_you_mean

    return ValueError(f"there is no time zone {clean(name)[:100]!r}{did_you_mean(name, zone_names())}")
