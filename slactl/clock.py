"""The clock, which is read once per command; conversion of instants and durations from text and to text.

Inside slactl every instant is an aware UTC datetime in whole seconds. People type and see local time.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from slactl.errors import NotKnownError, UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

#: Instants outside these years are refused: they are typing errors.
FIRST_YEAR, LAST_YEAR = 1970, 2199

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EXAMPLES = "2026-03-02T09:00+01:00, 2026-03-02 09:00, now, '2h ago', 'in 30m', 'yesterday 17:00' or 'fri 09:00'"


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


@lru_cache(maxsize=1024)
def to_text(instant: datetime) -> str:
    """Return an aware instant as text for storage and programs: `2026-03-02T08:00:00Z`."""
    return instant.astimezone(UTC).isoformat()[:19] + "Z"


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
    return _within_years(instant, text)


def _within_years(instant: datetime, text: str) -> datetime:
    if FIRST_YEAR < instant.year < LAST_YEAR:
        return instant.astimezone(UTC).replace(microsecond=0)
    try:
        there = instant.astimezone(UTC).replace(microsecond=0)
    except (OverflowError, ValueError, OSError):
        there = None
    if there is None or not FIRST_YEAR <= there.year <= LAST_YEAR:
        raise ValueError(f"{text[:100]!r} is outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return there


def parse_instant(text: str, now: datetime, *, ahead: bool = False) -> datetime:
    """Parse a time that a person typed, to UTC; without an offset it is local to this machine.

    A weekday or a time of day means the last one, or with `ahead` the next one.

    Raises:
        UsageError: it is not a time, or lies outside the years 1970 to 2199.
    """
    written = " ".join(text.split())
    try:
        found = _relative(written.lower(), now) or _named_day(written.lower(), now, ahead) or _absolute(written)
        return _within_years(found, text)
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
    today = now.astimezone()
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


def local_instant(wall: datetime) -> datetime:
    """Return the UTC instant of a naive time of the machine's zone.

    If the clocks skip the time, it moves forward by the skipped time. If the time exists twice, the first one counts
    (PEP 495). `astimezone` of a naive time would move a skipped time back.
    """
    return datetime.fromtimestamp(wall.timestamp(), UTC)


def _local(day: datetime, clock: time) -> datetime:
    return local_instant(datetime.combine(day.date(), clock))


def _absolute(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    # Python cannot convert local time in the first and the last year of datetime.
    far = not FIRST_YEAR <= found.year <= LAST_YEAR
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC) if far else local_instant(found)


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


def _no_zone(name: str) -> ValueError:
    from zoneinfo import available_timezones

    from slactl.text import clean, did_you_mean

    return ValueError(f"there is no time zone {clean(name)[:100]!r}{did_you_mean(name, available_timezones())}")
