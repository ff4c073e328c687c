"""The time a clock does not count (pauses, and the time a ticket was closed), and what that does to it.

Instants are whole seconds since 1970-01-01 UTC here: these few functions run for every timer of every ticket.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from slactl.sla.calendar import BusinessCalendar

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds_of(instant: datetime) -> int:
    """The seconds from 1970 to an aware instant."""
    return int(instant.timestamp())


def instant_of(seconds: int) -> datetime:
    """The aware UTC instant some seconds after 1970."""
    return _EPOCH + timedelta(0, seconds)


class Uncounted(StrEnum):
    """Why a clock stands still."""

    PAUSED = "paused"
    CLOSED = "closed"


class Stretch(NamedTuple):
    """Time that is not counted, from `begin` up to `end`; None while it goes on."""

    begin: int
    end: int | None
    why: Uncounted


class StretchLog:
    """When one clock of a ticket stood still, noted as its history is read from the beginning to the end."""

    __slots__ = ("_ended", "_since", "_why")

    def __init__(self) -> None:
        self._ended: list[Stretch] = []
        self._since = 0
        self._why: Uncounted | None = None

    def turn(self, at: int, why: Uncounted | None) -> None:
        """From `at` on the clock runs (None), or stands still for this reason."""
        if why is self._why:
            return
        if self._why is not None and at > self._since:
            self._ended.append(Stretch(self._since, at, self._why))
        self._since, self._why = at, why
        # What was interrupted for no time at all was not interrupted.
        if why is not None and self._ended and self._ended[-1].end == at and self._ended[-1].why is why:
            self._since = self._ended.pop().begin

    def clipped(self, start: int, stop: int | None) -> tuple[Stretch, ...]:
        """The stretches after `start`; those at `stop` end there, and without one the last may still go on."""
        if self._why is None and not self._ended:
            return ()
        found = [
            Stretch(begin if begin > start else start, end if stop is None or end < stop else stop, why)
            for begin, end, why in self._ended
            if end is not None and end > start and (stop is None or begin < stop)
        ]
        if self._why is not None and (stop is None or self._since < stop):
            found.append(Stretch(max(self._since, start), stop, self._why))
        return tuple(found)


def ended(stretches: Sequence[Stretch], now: int) -> Sequence[Stretch]:
    """The same stretches, the one that goes on taken to end now."""
    if not stretches or stretches[-1].end is not None:
        return stretches
    *before, last = stretches
    return (*before, last._replace(end=max(now, last.begin)))


def open_seconds(calendar: "BusinessCalendar", stretches: Sequence[Stretch], start: int, end: int) -> int:
    """How much open time of some ended stretches lies in [start, end)."""
    total = 0
    for begin, finish, _ in stretches:
        assert finish is not None
        first, last = max(begin, start), min(finish, end)
        if last > first:
            total += calendar.between_seconds(first, last)
    return total


def counted(calendar: "BusinessCalendar", start: int, end: int, stretches: Sequence[Stretch]) -> int:
    """How much time counts in [start, end): open, and in none of the (ended) stretches."""
    total = calendar.between_seconds(start, end)
    return total - open_seconds(calendar, stretches, start, end) if stretches else total


def reach(calendar: "BusinessCalendar", start: int, seconds: int, stretches: Sequence[Stretch]) -> int | None:
    """The instant at which `seconds` have been counted since `start`, as far as can be known.

    The open time of every stretch that began on or before that instant moves it, in order of time. None while
    such a stretch goes on.

    Raises:
        NoOpenHours: the calendar is not open for that long any more.
    """
    instant = calendar.add_seconds(start, seconds)
    for begin, end, _ in stretches:
        if begin > instant:
            break
        if end is None:
            return None
        instant = calendar.add_seconds(instant, calendar.between_seconds(begin, end))
    return instant
