"""Calculate when a clock reaches an offset: the instant of a level."""

from functools import cache
from typing import TYPE_CHECKING

from slactl.durations import Duration, Offset
from slactl.sla.calendar.calendar import NoOpenHours
from slactl.sla.timers.pauses import clipped, counted, ended, reach, reach_all

if TYPE_CHECKING:
    from slactl.sla.calendar.calendar import BusinessCalendar
    from slactl.sla.rules.model import Escalation
    from slactl.sla.timers.timer import ClockRun

#: No time at all.
NOTHING = Duration()


def quiet_time(escalation: "Escalation") -> Duration:
    """Return how long a ticket is quiet before it is idle; nothing for every other condition and for targets."""
    return escalation.idle.for_ if escalation.idle is not None else NOTHING


def offset_reached(clock_run: "ClockRun", offset: Offset, after: Duration, *, wall: bool, idle: Duration) -> int | None:
    """Return the instant so long after an offset, or None while it is not known."""
    try:
        if offset.business_days or after.business_days or idle.business_days:
            return _instant_in_days(clock_run, offset, after, wall=wall, idle=idle)
        if clock_run.due is not None and not after.seconds and offset.is_deadline:
            return clock_run.due
        counted_seconds = seconds_until(clock_run, offset, wall=wall, idle=idle.seconds)
        if counted_seconds is None:
            return None
        calendar = wall_clock() if wall else clock_run.calendar
        return reach(calendar, clock_run.start, counted_seconds + after.seconds, clock_run.known_pauses)
    except NoOpenHours:  # a level for which the calendar has no time left never becomes due
        return None


def _instant_in_days(
    clock_run: "ClockRun", offset: Offset, after: Duration, *, wall: bool, idle: Duration
) -> int | None:
    """Do `offset_reached` where some length is in business days: one after the other, on the timer's calendar."""
    past = Duration(offset.seconds, offset.business_days)
    if clock_run.target is None:
        return reach_all(clock_run.calendar, clock_run.start, (idle, past, after), clock_run.pauses)
    start, lengths = clock_run.due, [past, after]
    if not offset.business_days:
        start, lengths = offset_reached(clock_run, offset, NOTHING, wall=wall, idle=NOTHING), [after]
    if start is None:
        return None
    later = clipped(clock_run.known_pauses, start)
    instant = reach_all(clock_run.calendar, start, lengths, later)
    # The hours of a following date can lie before an instant of a long night.
    return max(start, instant) if instant is not None else None


def seconds_until(clock_run: "ClockRun", offset: Offset, *, wall: bool, idle: int) -> int | None:
    """Return after how many counted seconds a timer reaches an offset, or None while it is not known."""
    if clock_run.target is None:
        return idle + offset.seconds
    deadline = clock_run.target
    if wall:
        if clock_run.due is None:
            return None
        pauses = ended(clock_run.known_pauses, clock_run.due)
        deadline = max(0, counted(wall_clock(), clock_run.start, clock_run.due, pauses))
    if offset.percent is not None:
        return deadline * offset.percent // 100
    return max(0, deadline + offset.seconds)


@cache
def wall_clock() -> "BusinessCalendar":
    """Return the calendar on which every second counts."""
    from slactl.sla.calendar.calendar import BusinessCalendar, Hours

    return BusinessCalendar("wall", "UTC", Hours(always_open=True))
