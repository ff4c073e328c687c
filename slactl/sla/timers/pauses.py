"""Track the pauses of a clock, and calculate how they move its deadline.

Instants are whole seconds since 1970-01-01 UTC here, because these functions run for every timer of every ticket.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from slactl.durations import Duration

if TYPE_CHECKING:
    from slactl.sla.calendar.calendar import BusinessCalendar

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds_of(instant: datetime) -> int:
    """Return the seconds from 1970 to an aware instant."""
    return int(instant.timestamp())


@lru_cache(maxsize=4096)
def instant_of(seconds: int) -> datetime:
    """Return the aware UTC instant that many seconds after 1970."""
    return _EPOCH + timedelta(0, seconds)


def optional_instant(seconds: int | None) -> datetime | None:
    """Return the aware UTC instant, or None for None."""
    return instant_of(seconds) if seconds is not None else None


class PauseReason(StrEnum):
    """Name why a clock stands still."""

    PAUSED = "paused"
    CLOSED = "closed"


class Pause(NamedTuple):
    """Hold the time [begin, end) that a clock does not count; `end` is None while the pause goes on."""

    begin: int
    end: int | None
    reason: PauseReason


class PauseLog:
    """Record when one clock of a ticket stood still, while its history is read from the beginning to the end."""

    __slots__ = ("_ended", "_reason", "_since")

    def __init__(self) -> None:
        self._ended: list[Pause] = []
        self._since = 0
        self._reason: PauseReason | None = None

    @property
    def stands_still(self) -> bool:
        """Return whether the clock stands still after what was read."""
        return self._reason is not None

    def turn(self, at: int, reason: PauseReason | None) -> None:
        """Let the clock run from `at` on (None), or stand still for this reason."""
        if reason is self._reason:
            return
        if self._reason is not None and at > self._since:
            self._ended.append(Pause(self._since, at, self._reason))
        self._since, self._reason = at, reason
        # Two pauses for the same reason that touch are one pause.
        if reason is not None and self._ended and self._ended[-1].end == at and self._ended[-1].reason is reason:
            self._since = self._ended.pop().begin

    def clipped(self, start: int, stop: int | None) -> tuple[Pause, ...]:
        """Return the pauses within [start, stop), cut at both ends; without a stop the last one may still go on."""
        if (self._reason is None and not self._ended) or (stop is not None and stop <= start):
            return ()
        pauses = [
            Pause(begin if begin > start else start, end if stop is None or end < stop else stop, reason)
            for begin, end, reason in self._ended
            if end is not None and end > start and (stop is None or begin < stop)
        ]
        if self._reason is not None and (stop is None or self._since < stop):
            pauses.append(Pause(max(self._since, start), stop, self._reason))
        return tuple(pauses)


def clipped(pauses: Sequence[Pause], start: int) -> list[Pause]:
    """Return what lies after an instant of some pauses."""
    later = (pause for pause in pauses if pause.end is None or pause.end > start)
    return [pause._replace(begin=max(pause.begin, start)) for pause in later]


def ended(pauses: Sequence[Pause], now: int) -> Sequence[Pause]:
    """Return the pauses, with one that goes on ended at `now`."""
    if not pauses or pauses[-1].end is not None:
        return pauses
    *before, last = pauses
    return (*before, last._replace(end=max(now, last.begin)))


def open_seconds(calendar: "BusinessCalendar", pauses: Sequence[Pause], start: int, end: int) -> int:
    """Return how much open time of ended pauses lies in [start, end)."""
    total = 0
    for begin, finish, _ in pauses:
        assert finish is not None
        first, last = max(begin, start), min(finish, end)
        if last > first:
            total += calendar.between_seconds(first, last)
    return total


def counted(calendar: "BusinessCalendar", start: int, end: int, pauses: Sequence[Pause]) -> int:
    """Return how much time in [start, end) is open and in none of the pauses, which must have ended."""
    total = calendar.between_seconds(start, end)
    return total - open_seconds(calendar, pauses, start, end) if pauses else total


def reach(calendar: "BusinessCalendar", start: int, seconds: int, pauses: Sequence[Pause]) -> int | None:
    """Return the instant at which `seconds` have been counted since `start`, or None while it is not known.

    Each pause that begins on or before that instant moves it by the open time of the pause. While such a pause
    goes on, the instant is not known.

    Raises:
        NoOpenHours: the calendar has too little open time left.
    """
    return _moved(calendar, calendar.add_seconds(start, seconds), pauses)


def reach_all(
    calendar: "BusinessCalendar", start: int, lengths: Sequence[Duration], pauses: Sequence[Pause]
) -> int | None:
    """Return the instant at which lengths of time have been counted since `start`, one after the other, as `reach`.

    Raises:
        NoOpenHours: the calendar has too little open time left.
    """
    instant: int | None = start
    for length in lengths:
        before = instant
        if before is None:
            return None
        # A pause that began by the instant before has moved it already.
        left = pauses if before == start else [pause for pause in pauses if pause.begin > before]
        instant = _moved(calendar, calendar.after(before, length), left)
    return instant


def after_pause(instant: int, pauses: Sequence[Pause]) -> int:
    """Return an instant, or the end of the pause in which it lies. A pause that begins later changes nothing."""
    for begin, end, _ in pauses:
        if end is not None and begin <= instant < end:
            return end
    return instant


def _moved(calendar: "BusinessCalendar", instant: int, pauses: Sequence[Pause]) -> int | None:
    for begin, end, _ in pauses:
        if begin > instant:
            break
        if end is None:
            return None
        instant = calendar.add_seconds(instant, calendar.between_seconds(begin, end))
    return instant
