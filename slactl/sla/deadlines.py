"""One promise of a ticket while its history is read: when it started, what it is, and whether it was kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from slactl.clock import Duration
from slactl.sla.enums import Target
from slactl.sla.evaluation import Course, Timer, TimerState
from slactl.sla.stretches import Stretch, StretchLog, counted, ended, instant_of, open_seconds, reach, seconds_of

if TYPE_CHECKING:
    from slactl.sla.calendar import BusinessCalendar
    from slactl.sla.terms import Terms


@dataclass(slots=True)
class Deadline:
    """A cycle of a target. Without a duration and without a deadline set by hand it is no timer (yet).

    It is judged by the duration and the terms it was last given. `missed` remembers a deadline that had passed
    when a person set another one by hand.
    """

    kind: Target
    cycle: int
    start: int
    log: StretchLog
    terms: "Terms"
    duration: Duration | None = None
    base: int = 0
    stopped: int | None = None
    manual: int | None = None
    missed: int | None = None
    arming: int = 0

    @property
    def calendar(self) -> "BusinessCalendar":
        """What its time is counted on."""
        return self.terms.calendar

    @property
    def is_set(self) -> bool:
        """Whether there is anything to keep."""
        return self.duration is not None or self.manual is not None

    def aim(self, duration: Duration | None, terms: "Terms") -> None:
        """Promise this from now on, measured from the start (None promises nothing).

        Raises:
            NoOpenHours: the calendar has not that many dates with open time left.
        """
        self.duration, self.terms, self.base = duration, terms, self.start
        if duration is not None and duration.business_days:
            self.base = seconds_of(terms.calendar.add_days(instant_of(self.start), duration.business_days))

    def retarget(self, at: int, duration: Duration | None, terms: "Terms") -> None:
        """A person changed what the promise hangs on: it changes too, unless it was kept or missed already."""
        if self.is_set and (self.stopped is not None or self.is_late(at)):
            return
        before = self.due_if_resumed(at)
        self.aim(duration, terms)
        self._arm(before, at)

    def set_by_hand(self, at: int, due: int | None) -> None:
        """A person set the deadline to an instant, or cleared (None) the one set before."""
        if self.stopped is not None or due == self.manual:
            return
        if self.is_late(at) and self.missed is None:
            self.missed = self.due_if_resumed(at)
        before = self.due_if_resumed(at)
        self.manual = due
        self._arm(before, at)

    def is_late(self, at: int) -> bool:
        """Whether a deadline was missed by `at`: strictly, on the deadline is in time."""
        if self.missed is not None:
            return True
        due = self._due(self.log.clipped(self.start, self.stopped))
        return due is not None and at > due

    def due_if_resumed(self, at: int) -> int | None:
        """The deadline if the clock runs from `at` on; None without a promise."""
        return self._due(ended(self.log.clipped(self.start, self.stopped), at))

    def course(self, now: int) -> Course | None:
        """How the clock ran up to `now`; None while it stands still or after it stopped."""
        stretches = self.log.clipped(self.start, None)
        if self.stopped is not None or (stretches and stretches[-1].end is None):
            return None
        return self._course(stretches, now)

    def timer(self, now: int) -> Timer:
        """The timer of this promise as of `now`."""
        stretches = self.log.clipped(self.start, self.stopped)
        past = ended(stretches, now)
        course = self._course(stretches, now)
        due, target, calendar = course.due, course.target or 0, self.calendar
        end = self.stopped if self.stopped is not None else max(now, self.start)
        late = due is not None and end > due
        pausing = self.stopped is None and bool(stretches) and stretches[-1].end is None
        since = None if pausing or self.stopped is not None else self._running_since(stretches)
        elapsed = counted(calendar, self.start, end, past)
        missed = self.missed if self.missed is not None else due if late else None
        return Timer(
            kind=self.kind,
            cycle=self.cycle,
            state=self._state(missed is not None, pausing),
            target_seconds=target,
            started_at=instant_of(self.start),
            due_at=_instant(due),
            stopped_at=_instant(self.stopped),
            breached_at=_instant(missed),
            running_since=_instant(since),
            elapsed_seconds=elapsed,
            remaining_seconds=max(0, target - elapsed),
            paused_seconds=sum(open_seconds(calendar, (s,), self.start, end) for s in past if s.why == "paused"),
            overdue_seconds=self._overdue(due, end, now) if late and due is not None else 0,
            consumed_seconds=elapsed if since is None else elapsed - calendar.between_seconds(since, end),
            manual=self.manual is not None,
            arming=self.arming,
            course=course,
            promised=self.duration,
            terms=self.terms,
        )

    def _course(self, stretches: tuple[Stretch, ...], now: int) -> Course:
        due = self._due(stretches)
        target = self._target(due, ended(stretches, now))
        return Course(self.kind, self.cycle, self.start, due, target, stretches, self.calendar, self.arming)

    def _due(self, stretches: Sequence[Stretch]) -> int | None:
        if self.manual is not None:
            return self.manual
        if self.duration is None:
            return None
        # A target in business days is used up on its last day; what was not counted comes on top of that.
        seconds = 0 if self.duration.business_days else self.duration.seconds
        return reach(self.calendar, self.base, seconds, stretches)

    def _target(self, due: int | None, past: Sequence[Stretch]) -> int:
        """The counted seconds from the start to the deadline."""
        if self.manual is not None and due is not None:
            return max(0, counted(self.calendar, self.start, due, past))
        assert self.duration is not None
        if self.duration.business_days:
            # The hours of a following date can lie before an instant of a long night.
            return max(0, self.calendar.between_seconds(self.start, self.base))
        return self.duration.seconds

    def _overdue(self, due: int, end: int, now: int) -> int:
        """What was counted after the deadline; one set by hand may lie before the start."""
        return counted(self.calendar, due, end, ended(self.log.clipped(min(due, self.start), self.stopped), now))

    def _state(self, missed: bool, pausing: bool) -> TimerState:
        if missed:
            return TimerState.BREACHED
        if self.stopped is not None:
            return TimerState.MET
        return TimerState.PAUSED if pausing else TimerState.RUNNING

    def _running_since(self, stretches: Sequence[Stretch]) -> int:
        last = stretches[-1].end if stretches else None
        return self.start if last is None else last

    def _arm(self, before: int | None, at: int) -> None:
        """Warnings may come again when the deadline really moved to later."""
        after = self.due_if_resumed(at)
        if before is not None and after is not None and after > before:
            self.arming += 1


def _instant(seconds: int | None) -> datetime | None:
    return instant_of(seconds) if seconds is not None else None
