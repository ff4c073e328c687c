"""Track one target of a ticket while its history is read: its start, its deadline, and whether it was met."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from slactl.durations import Duration
from slactl.sla.enums import Target
from slactl.sla.timers.numbers import Numbers
from slactl.sla.timers.pauses import (
    Pause,
    PauseLog,
    PauseReason,
    after_pause,
    counted,
    ended,
    instant_of,
    open_seconds,
    optional_instant,
    reach,
)
from slactl.sla.timers.timer import Breach, ClockRun, Missed, Timer, TimerState

if TYPE_CHECKING:
    from slactl.sla.calendar.calendar import BusinessCalendar
    from slactl.sla.timers.terms import Terms


@dataclass(slots=True)
class TrackedTarget:
    """Track one cycle of a target. Without a duration and without a deadline set by hand it makes no timer.

    It is evaluated with the duration and the terms it was given last. Time counts from `counted_from`: the start, or a
    person's change. `missed` holds the deadlines that had passed before a person set other ones by hand.
    `is_unknown` says that the history cannot tell its end.
    """

    kind: Target
    cycle: int
    start: int
    log: PauseLog
    terms: "Terms"
    duration: Duration | None = None
    counted_from: int = 0
    base: int = 0
    stopped: int | None = None
    manual: int | None = None
    missed: list[Missed] = field(default_factory=list)
    #: All of them, including those that are not missed under the present duration.
    replaced: list[Missed] = field(default_factory=list)
    numbers: Numbers = field(default_factory=Numbers)
    is_unknown: bool = False
    #: What was missed before a reopening: certain, even if nobody knows the end that follows.
    certain: tuple[Breach, ...] = ()
    #: Since when it has its deadline: a change may set one that has passed already.
    set_at: int = 0
    #: Whether it was set only after it had ended, so that its end does not count as the end of a target.
    set_after_end: bool = False
    #: How it ended: as a first response that nobody gave before the ticket was resolved, and by a level.
    ended_unanswered: bool = False
    ended_by_level: bool = False

    @property
    def calendar(self) -> "BusinessCalendar":
        """Return the calendar on which its time is counted."""
        return self.terms.calendar_of(self.kind)

    @property
    def is_set(self) -> bool:
        """Return whether it has a duration or a deadline set by hand."""
        return self.duration is not None or self.manual is not None

    def aim(self, duration: Duration | None, terms: "Terms", counted_from: int | None = None) -> None:
        """Set the duration, counted from the start or from a later instant; None takes the target away.

        Raises:
            NoOpenHours: the calendar has too few open dates left.
        """
        self.duration, self.terms = duration, terms
        self.base = self.counted_from = self.start if counted_from is None else counted_from
        if duration is not None and duration.in_dates:
            # The hours of a following date can lie before an instant of a long night; no deadline is before its start.
            self.base = max(self.counted_from, self.calendar.after(self.counted_from, duration))

    def retarget(self, at: int, duration: Duration | None, terms: "Terms", *, by_person: bool = False) -> None:
        """Apply other terms, unless the target has been met by `at`, or missed and the terms keep late targets."""
        late = self.is_set and not self.is_unknown and self.is_late(at)
        follows = not late or (by_person and terms.recounts_late and duration is not None)
        if not follows or (self.is_set and self.stopped is not None and not late):
            return
        self.set_after_end |= not self.is_set and self.stopped is not None
        before, calendar = self.due_if_resumed(at), self.calendar
        counted_from = self.counted_from if terms.counts_from_change else None
        alters = duration != self.duration
        open_or_new = self.stopped is None or not self.is_set  # what ended before counts from its start
        if by_person and terms.counts_from_change and open_or_new and duration is not None:
            self.terms = terms
            counted_from = at if alters or self.calendar is not calendar else counted_from
        self.aim(duration, terms, counted_from)
        self.set_at = at
        if late:
            self._judge_anew()
        after = self.due_if_resumed(at)
        is_later = self.numbers.move(before, after)
        if late and self.missed and after is not None and after <= self.missed[-1].due:
            # Only a deadline later than the last one that was missed is a new agreement.
            self.numbers.rejoin(self.missed[-1].agreement)
            return
        if late and is_later:
            self.numbers.agree_again(self.numbers.agreement)
        if is_later or (not late and after != before):
            self.numbers.count_lost()

    def set_by_hand(self, at: int, due: int | None) -> None:
        """Set the deadline to an instant that a person chose, or clear (None) the one set before."""
        if self.stopped is not None or due == self.manual:
            return
        before, last = self.due_if_resumed(at), self.missed[-1].due if self.missed else None
        late = not self.is_unknown and self._is_past_due(at)
        if late and before is not None and (last is None or before > last):
            late_since = self._late_since(before, ended(self._pauses(), at))
            missed = Missed(before, at, self.manual is not None, self.numbers.agreement, late_since)
            self.missed.append(missed)
            self.replaced.append(missed)
        self.manual, self.set_at = due, at
        after, latest = self.due_if_resumed(at), self.missed[-1] if self.missed else None
        self.numbers.move(before, after)
        if latest is not None and after is not None and after <= latest.due:
            # Only a deadline later than the last one that was missed is a new agreement.
            self.numbers.agreement = latest.agreement
            return
        if latest is not None:
            self.numbers.agree_again(latest.agreement)
        if after != before:
            self.numbers.count_lost()

    def as_stopped(self) -> "TrackedTarget":
        """Return a copy of the target as it stopped, which no later event changes."""
        return replace(self, missed=[*self.missed], replaced=[*self.replaced], numbers=replace(self.numbers))

    def reopen(self, at: int) -> None:
        """Let the clock run on from `at`; a deadline set by hand that was met keeps the time that was left.

        With no counted time left it is late from `at` on, although the deadline may lie before.
        """
        if self.is_set and self.stopped is not None and not self.is_unknown:
            self.certain = self.timer(self.stopped).breaches
        if self.stopped is not None and self.manual is not None and self.stopped <= self.manual:
            left = self.calendar.between_seconds(self.stopped, self.manual)
            self.manual = self.calendar.add_seconds(at, left)
        self.stopped, self.ended_unanswered, self.ended_by_level, self.set_after_end = None, False, False, False
        self.set_at = at

    def know(self, at: int) -> None:
        """Let the history tell the end from `at` on; a deadline that has passed meanwhile is late since then."""
        if self.is_unknown:
            self.is_unknown, self.set_at = False, at

    def is_late(self, at: int) -> bool:
        """Return whether a deadline was missed by `at`. At the deadline itself it is not missed yet."""
        return bool(self.missed) or self._is_past_due(at)

    def due_if_resumed(self, at: int) -> int | None:
        """Return the deadline if the clock runs from `at` on, or None without a target."""
        return self._due(ended(self._pauses(), at))

    def clock_run(self, now: int) -> ClockRun | None:
        """Return how the clock ran up to `now`, or None while it is paused, after it stopped, and while unknown."""
        pauses = self._pauses()
        if self.stopped is not None or self.is_unknown or (self.manual is None and _goes_on(pauses)):
            return None
        return self._clock_run(pauses, now)

    def timer(self, now: int) -> Timer:
        """Return the timer of this target as of `now`."""
        pauses = self._pauses()
        past = ended(pauses, now)
        clock_run = self._clock_run(pauses, now)
        due, target, calendar = clock_run.due, self._target(clock_run.due, past), self.calendar
        # A target that appears with a person's change may have been done before it.
        end = max(self.counted_from, self.stopped if self.stopped is not None else now)
        late = due is not None and end > due
        breaches = self._breaches((due, self._late_since(due, past)) if late and due is not None else None)
        breaches = max(breaches, self.certain, key=len) if self.is_unknown else breaches
        stands_still = self.stopped is not None or self.is_unknown or _goes_on(pauses)
        last_end = pauses[-1].end if pauses else self.counted_from
        since = None if stands_still else last_end
        elapsed = counted(calendar, self.counted_from, end, past) if not self.is_unknown else 0
        paused = [pause for pause in past if pause.reason is PauseReason.PAUSED]
        return Timer(
            kind=self.kind,
            cycle=self.cycle,
            state=self._state(bool(breaches), self.manual is None and _goes_on(pauses)),
            target_seconds=target,
            started_at=instant_of(self.start),
            due_at=optional_instant(due),
            stopped_at=optional_instant(self.stopped) if not self.is_unknown else None,
            breaches=breaches,
            running_since=optional_instant(since),
            elapsed_seconds=elapsed,
            remaining_seconds=max(0, target - elapsed) if not self.is_unknown else None,
            paused_seconds=open_seconds(calendar, paused, self.start, end) if not self.is_unknown else 0,
            overdue_seconds=self._overdue(due, end, now) if late and due is not None else 0,
            consumed_seconds=elapsed if since is None else elapsed - calendar.between_seconds(since, end),
            manual=self.manual is not None,
            deadline_revision=self.numbers.revision,
            clock_run=clock_run,
            target_duration=self.duration,
            terms=self.terms,
        )

    def _pauses(self) -> tuple[Pause, ...]:
        return self.log.clipped(self.counted_from, self.stopped)

    def _clock_run(self, pauses: tuple[Pause, ...], now: int) -> ClockRun:
        due = self._due(pauses) if not self.is_unknown else None
        # A deadline set by hand goes on in a pause: its levels do not move with each second of it.
        past = pauses[:-1] if self.manual is not None and _goes_on(pauses) else ended(pauses, now)
        return ClockRun(
            self.kind,
            self.cycle,
            self.counted_from,
            due,
            self._target(due, past),
            pauses,
            self.calendar,
            self.numbers.revision,
            self.numbers.agreement,
            self.manual is not None,
        )

    def _due(self, pauses: Sequence[Pause]) -> int | None:
        return self.manual if self.manual is not None else self._policy_due(pauses)

    def _policy_due(self, pauses: Sequence[Pause]) -> int | None:
        if self.duration is None:
            return None
        # A target in business days is used up on its last day; the pauses come on top of that.
        return reach(self.calendar, self.base, self.duration.seconds, pauses)

    def _target(self, due: int | None, past: Sequence[Pause]) -> int:
        """Return the counted seconds from the start to the deadline."""
        if self.manual is not None and due is not None:
            return max(0, counted(self.calendar, self.counted_from, due, past))
        if self.duration is None:
            return 0
        if self.duration.in_dates:
            return self.calendar.between_seconds(self.counted_from, self.base)
        return self.duration.seconds

    def _is_past_due(self, at: int) -> bool:
        due = self._due(self._pauses())
        return due is not None and (at if self.stopped is None else self.stopped) > due

    def _late_since(self, due: int, pauses: Sequence[Pause]) -> int:
        """Return since when a missed deadline is late: not before it was set, nor before the pause it lies in ends."""
        return max(after_pause(due, pauses) if self.manual is None else due, self.set_at)

    def _breaches(self, late: tuple[int, int] | None) -> tuple[Breach, ...]:
        """Return the first deadline that was missed under each agreement, and since when it is late.

        `late` is the present one, if it was missed.
        """
        missed = {one.agreement: (one.due, one.late_since) for one in reversed(self.missed)}
        if late is not None and (not self.missed or late[0] > self.missed[-1].due):
            missed.setdefault(self.numbers.agreement, late)
        return tuple(
            Breach(instant_of(due), agreement, instant_of(since)) for agreement, (due, since) in sorted(missed.items())
        )

    def _judge_anew(self) -> None:
        """Keep the missed deadlines that a person set, and that of the policy if it passed before it was replaced."""
        judged = list[Missed]()
        for missed in self.replaced:
            due = missed.due
            if not missed.manual:
                past = ended(self.log.clipped(self.counted_from, missed.at), missed.at)
                due = self._policy_due(past) or missed.at
            if missed.at > due and (not judged or due > judged[-1].due):
                judged.append(missed._replace(due=due, late_since=max(due, missed.late_since)))
        self.missed = judged

    def _overdue(self, due: int, end: int, now: int) -> int:
        """Return the seconds counted after the deadline. A deadline set by hand may lie before the start."""
        since = min(due, self.counted_from)
        return counted(self.calendar, due, end, ended(self.log.clipped(since, self.stopped), now))

    def _state(self, missed: bool, pausing: bool) -> TimerState:
        if self.is_unknown:
            return TimerState.UNKNOWN
        if missed:
            return TimerState.BREACHED
        if self.stopped is not None:
            return TimerState.MET
        return TimerState.PAUSED if pausing else TimerState.RUNNING


def _goes_on(pauses: Sequence[Pause]) -> bool:
    return bool(pauses) and pauses[-1].end is None
