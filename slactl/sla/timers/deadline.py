"""Track one target of a ticket while its history is read: its start, its deadline, and whether it was met."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slactl.durations import Duration
from slactl.sla.enums import Target
from slactl.sla.timers.pauses import (
    Pause,
    PauseLog,
    PauseReason,
    counted,
    ended,
    instant_of,
    open_seconds,
    optional_instant,
    reach,
)
from slactl.sla.timers.timer import ClockRun, Timer, TimerState

if TYPE_CHECKING:
    from slactl.sla.calendar.calendar import BusinessCalendar
    from slactl.sla.timers.terms import Terms


@dataclass(slots=True)
class TrackedTarget:
    """Track one cycle of a target. Without a duration and without a deadline set by hand it makes no timer.

    It is evaluated with the duration and the terms it was given last. `missed` keeps a deadline that had passed before
    a person set another one by hand.
    """

    kind: Target
    cycle: int
    start: int
    log: PauseLog
    terms: "Terms"
    duration: Duration | None = None
    base: int = 0
    stopped: int | None = None
    manual: int | None = None
    missed: int | None = None
    deadline_revision: int = 0

    @property
    def calendar(self) -> "BusinessCalendar":
        """Return the calendar on which its time is counted."""
        return self.terms.calendar_of(self.kind)

    @property
    def is_set(self) -> bool:
        """Return whether it has a duration or a deadline set by hand."""
        return self.duration is not None or self.manual is not None

    def aim(self, duration: Duration | None, terms: "Terms") -> None:
        """Set the duration, measured from the start; None takes the target away.

        Raises:
            NoOpenHours: the calendar has too few open dates left.
        """
        self.duration, self.terms, self.base = duration, terms, self.start
        if duration is not None and duration.in_dates:
            self.base = self.calendar.after(self.start, duration)

    def retarget(self, at: int, duration: Duration | None, terms: "Terms") -> None:
        """Apply another duration after a person's change, unless the target has been met or missed by `at`."""
        if self.is_set and (self.stopped is not None or self.is_late(at)):
            return
        before = self.due_if_resumed(at)
        self.aim(duration, terms)
        self._count_revision(before, at)

    def set_by_hand(self, at: int, due: int | None) -> None:
        """Set the deadline to an instant that a person chose, or clear (None) the one set before."""
        if self.stopped is not None or due == self.manual:
            return
        if self.is_late(at) and self.missed is None:
            self.missed = self.due_if_resumed(at)
        before = self.due_if_resumed(at)
        self.manual = due
        self._count_revision(before, at)

    def is_late(self, at: int) -> bool:
        """Return whether a deadline was missed by `at`. At the deadline itself it is not missed yet."""
        if self.missed is not None:
            return True
        due = self._due(self.log.clipped(self.start, self.stopped))
        return due is not None and at > due

    def due_if_resumed(self, at: int) -> int | None:
        """Return the deadline if the clock runs from `at` on, or None without a target."""
        return self._due(ended(self.log.clipped(self.start, self.stopped), at))

    def clock_run(self, now: int) -> ClockRun | None:
        """Return how the clock ran up to `now`, or None while it is paused or after it stopped."""
        pauses = self.log.clipped(self.start, None)
        if self.stopped is not None or (pauses and pauses[-1].end is None):
            return None
        return self._clock_run(pauses, now)

    def timer(self, now: int) -> Timer:
        """Return the timer of this target as of `now`."""
        pauses = self.log.clipped(self.start, self.stopped)
        past = ended(pauses, now)
        clock_run = self._clock_run(pauses, now)
        due, target, calendar = clock_run.due, clock_run.target or 0, self.calendar
        end = self.stopped if self.stopped is not None else max(now, self.start)
        late = due is not None and end > due
        pausing = self.stopped is None and bool(pauses) and pauses[-1].end is None
        last = pauses[-1].end if pauses else None
        since = None if pausing or self.stopped is not None else self.start if last is None else last
        elapsed = counted(calendar, self.start, end, past)
        missed = self.missed if self.missed is not None else due if late else None
        paused = [pause for pause in past if pause.reason is PauseReason.PAUSED]
        return Timer(
            kind=self.kind,
            cycle=self.cycle,
            state=self._state(missed is not None, pausing),
            target_seconds=target,
            started_at=instant_of(self.start),
            due_at=optional_instant(due),
            stopped_at=optional_instant(self.stopped),
            breached_at=optional_instant(missed),
            running_since=optional_instant(since),
            elapsed_seconds=elapsed,
            remaining_seconds=max(0, target - elapsed),
            paused_seconds=open_seconds(calendar, paused, self.start, end),
            overdue_seconds=self._overdue(due, end, now) if late and due is not None else 0,
            consumed_seconds=elapsed if since is None else elapsed - calendar.between_seconds(since, end),
            manual=self.manual is not None,
            deadline_revision=self.deadline_revision,
            clock_run=clock_run,
            target_duration=self.duration,
            terms=self.terms,
        )

    def _clock_run(self, pauses: tuple[Pause, ...], now: int) -> ClockRun:
        due = self._due(pauses)
        target = self._target(due, ended(pauses, now))
        return ClockRun(self.kind, self.cycle, self.start, due, target, pauses, self.calendar, self.deadline_revision)

    def _due(self, pauses: Sequence[Pause]) -> int | None:
        if self.manual is not None:
            return self.manual
        if self.duration is None:
            return None
        # A target in business days is used up on its last day; the pauses come on top of that.
        return reach(self.calendar, self.base, self.duration.seconds, pauses)

    def _target(self, due: int | None, past: Sequence[Pause]) -> int:
        """Return the counted seconds from the start to the deadline."""
        if self.manual is not None and due is not None:
            return max(0, counted(self.calendar, self.start, due, past))
        assert self.duration is not None
        if self.duration.in_dates:
            # The hours of a following date can lie before an instant of a long night.
            return max(0, self.calendar.between_seconds(self.start, self.base))
        return self.duration.seconds

    def _overdue(self, due: int, end: int, now: int) -> int:
        """Return the seconds counted after the deadline. A deadline set by hand may lie before the start."""
        return counted(self.calendar, due, end, ended(self.log.clipped(min(due, self.start), self.stopped), now))

    def _state(self, missed: bool, pausing: bool) -> TimerState:
        if missed:
            return TimerState.BREACHED
        if self.stopped is not None:
            return TimerState.MET
        return TimerState.PAUSED if pausing else TimerState.RUNNING

    def _count_revision(self, before: int | None, at: int) -> None:
        """Count a revision if the deadline moved to later, so that its warnings may fire again."""
        after = self.due_if_resumed(at)
        if before is not None and after is not None and after > before:
            self.deadline_revision += 1
