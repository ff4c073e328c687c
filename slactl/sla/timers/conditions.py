"""Track the conditions that escalation rules watch besides deadlines: unassigned, idle, waiting, burst, created."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from slactl.sla.enums import Condition
from slactl.sla.timers.pauses import Pause, PauseLog, PauseReason, counted, instant_of, optional_instant
from slactl.sla.timers.timer import ClockRun, Timer, TimerState

if TYPE_CHECKING:
    from slactl.sla.calendar.calendar import BusinessCalendar
    from slactl.sla.rules.rules import Rules


class ConditionPeriods:
    """Record when one condition held, while a history is read from the beginning to the end."""

    __slots__ = ("periods",)

    def __init__(self) -> None:
        self.periods: list[tuple[int, int | None]] = []

    @property
    def holds(self) -> bool:
        """Return whether the condition holds."""
        return bool(self.periods) and self.periods[-1][1] is None

    def turn(self, at: int, holds: bool) -> None:
        """Let the condition begin or end at `at`; a period of no length is dropped."""
        if holds == self.holds:
            return
        if holds:
            self.periods.append((at, None))
            return
        begin, _ = self.periods.pop()
        if begin < at:
            self.periods.append((begin, at))


class Conditions:
    """Record the periods in which the conditions of one ticket held.

    A quiet period is the time since anybody last worked on an assigned ticket. Each escalation rule states after
    how much quiet time a ticket is `idle`. A ticket is `waiting` in a status that pauses clocks, from the status or the
    last reply of an agent after it on, until the customer writes. `created` and `burst` begin with the ticket, and
    their clock is paused while the ticket is closed.
    """

    __slots__ = ("_bursts", "_closed", "_created", "_pausing", "_quiet", "_timers", "_unassigned", "_waiting")

    def __init__(self, created: int, bursts: Sequence[str]) -> None:
        self._created = created
        self._bursts = tuple(bursts)
        self._unassigned, self._quiet, self._waiting = ConditionPeriods(), ConditionPeriods(), ConditionPeriods()
        self._closed, self._pausing = PauseLog(), False
        #: The timers as they were asked for last, until an event changes one.
        self._timers: tuple[tuple[int, BusinessCalendar, Collection[Condition]], Sequence[Timer]] | None = None

    def turn(self, at: int, *, done: bool, assigned: bool, pausing: bool) -> None:
        """Record the facts of the ticket from `at` on."""
        self._timers = None
        self._unassigned.turn(at, not done and not assigned)
        self._quiet.turn(at, assigned and not done and not pausing)
        self._closed.turn(at, PauseReason.CLOSED if done else None)
        if pausing is not self._pausing:
            self._pausing = pausing
            self._waiting.turn(at, pausing)

    def ask(self, at: int) -> None:
        """Begin to wait for the customer anew, because of another status or a reply of an agent."""
        if self._pausing:
            self._timers = None
            self._waiting.turn(at, False)
            self._waiting.turn(at, True)

    def hear(self, at: int) -> None:
        """End the time of waiting for the customer, who wrote."""
        self._timers = None
        self._waiting.turn(at, False)

    def act(self, at: int) -> None:
        """End a quiet period and begin the next one, because somebody worked on the ticket."""
        if self._quiet.holds:
            self._timers = None
            self._quiet.turn(at, False)
            self._quiet.turn(at, True)

    def timers(self, now: int, calendar: "BusinessCalendar", wanted: Collection[Condition]) -> Sequence[Timer]:
        """Return a timer for each period of the wanted conditions as of `now`, numbered from 1."""
        asked = (now, calendar, wanted)
        if self._timers is None or self._timers[0] != asked:
            timers = [
                _timer(self._clock_run(kind, cycle, begin, calendar), end, now)
                for kind in wanted
                for cycle, (begin, end) in enumerate(self._periods(kind), 1)
            ]
            self._timers = (asked, timers)
        return self._timers[1]

    def clock_runs(self, calendar: "BusinessCalendar", wanted: Collection[Condition]) -> Iterator[ClockRun]:
        """Yield how the clocks of the wanted conditions that hold ran so far."""
        for kind in wanted:
            periods = self._periods(kind)
            if periods and periods[-1][1] is None:
                yield self._clock_run(kind, len(periods), periods[-1][0], calendar)

    def _periods(self, kind: Condition) -> Sequence[tuple[int, int | None]]:
        """Return when a condition held, as [begin, end) in seconds since 1970."""
        if kind is Condition.UNASSIGNED:
            return self._unassigned.periods
        if kind is Condition.IDLE:
            return self._quiet.periods
        if kind is Condition.WAITING:
            return self._waiting.periods
        if kind is Condition.BURST and not self._bursts:
            return ()
        closed = self._closed.clipped(self._created, None)
        return ((self._created, closed[-1].begin if closed and closed[-1].end is None else None),)

    def _clock_run(self, kind: Condition, cycle: int, begin: int, calendar: "BusinessCalendar") -> ClockRun:
        pauses: tuple[Pause, ...] = ()
        if kind in (Condition.CREATED, Condition.BURST):
            pauses = tuple(pause for pause in self._closed.clipped(self._created, None) if pause.end is not None)
        only = self._bursts if kind is Condition.BURST else None
        return ClockRun(kind, cycle, begin, None, None, pauses, calendar, escalations=only)


def _timer(clock_run: ClockRun, stopped: int | None, now: int) -> Timer:
    begin, pauses, calendar = clock_run.start, clock_run.pauses, clock_run.calendar
    end = max(begin, now) if stopped is None else stopped
    since = None
    if stopped is None:
        since = pauses[-1].end if pauses else begin
    elapsed = counted(calendar, begin, end, pauses)
    return Timer(
        kind=clock_run.kind,
        cycle=clock_run.cycle,
        state=TimerState.RUNNING if stopped is None else TimerState.MET,
        target_seconds=None,
        started_at=instant_of(begin),
        due_at=None,
        stopped_at=optional_instant(stopped),
        breaches=(),
        running_since=optional_instant(since),
        elapsed_seconds=elapsed,
        remaining_seconds=None,
        paused_seconds=0,
        overdue_seconds=0,
        consumed_seconds=elapsed - calendar.between_seconds(since, end) if since is not None else elapsed,
        manual=False,
        deadline_revision=0,
        clock_run=clock_run,
    )


def bursts_begun(rules: "Rules", opened_at: datetime, others: Sequence[datetime]) -> list[str]:
    """Return the ids of the `burst` escalation rules whose count a new ticket of a requester reaches.

    `others` are the instants at which earlier tickets of the same requester were opened that were still open at
    `opened_at`.
    """
    reached = []
    for escalation in rules.escalations:
        if escalation.on == Condition.BURST and escalation.burst is not None:
            within = escalation.burst.within.seconds
            recent = [other for other in others if (opened_at - other).total_seconds() <= within]
            if len(recent) + 1 == escalation.burst.count:
                reached.append(escalation.id)
    return reached
