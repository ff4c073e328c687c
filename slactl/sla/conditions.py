"""Conditions that ladders can watch besides deadlines: unassigned, idle, burst, created."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from slactl.sla.enums import Condition
from slactl.sla.evaluation import Course, Timer, TimerState
from slactl.sla.stretches import Stretch, StretchLog, Uncounted, counted, instant_of

if TYPE_CHECKING:
    from slactl.sla.calendar import BusinessCalendar
    from slactl.sla.rules import Rules


class Episodes:
    """When one condition held, noted as a history is read from the beginning to the end."""

    __slots__ = ("spans",)

    def __init__(self) -> None:
        self.spans: list[tuple[int, int | None]] = []

    @property
    def holds(self) -> bool:
        """Whether the condition holds."""
        return bool(self.spans) and self.spans[-1][1] is None

    def turn(self, at: int, holds: bool) -> None:
        """From `at` on the condition holds, or does not; what held for no time at all is no episode."""
        if holds == self.holds:
            return
        if holds:
            self.spans.append((at, None))
            return
        begin, _ = self.spans.pop()
        if begin < at:
            self.spans.append((begin, at))


class Conditions:
    """The condition episodes of one ticket.

    A quiet spell is the time since anybody last did something about an assigned ticket. It is `idle` once it has
    lasted as long as a ladder asks for, so that ladders may ask for different lengths. `created` and `burst` begin
    with the ticket, and their clock stands still while it is closed.
    """

    __slots__ = ("_bursts", "_closed", "_created", "_quiet", "_unassigned")

    def __init__(self, created: int, bursts: Sequence[str]) -> None:
        self._created = created
        self._bursts = tuple(bursts)
        self._unassigned, self._quiet, self._closed = Episodes(), Episodes(), StretchLog()

    def turn(self, at: int, *, done: bool, assigned: bool, pausing: bool) -> None:
        """What is true of the ticket from `at` on."""
        self._unassigned.turn(at, not done and not assigned)
        self._quiet.turn(at, assigned and not done and not pausing)
        self._closed.turn(at, Uncounted.CLOSED if done else None)

    def act(self, at: int) -> None:
        """Somebody did something about the ticket: a quiet spell ends, and the next one begins."""
        if self._quiet.holds:
            self._quiet.turn(at, False)
            self._quiet.turn(at, True)

    def timers(self, now: int, calendar: "BusinessCalendar", wanted: Collection[Condition]) -> Iterator[Timer]:
        """The episodes of the wanted conditions as of `now`, numbered from 1."""
        for kind in wanted:
            for cycle, (begin, end) in enumerate(self._spans(kind), 1):
                yield _timer(self._course(kind, cycle, begin, calendar), end, now)

    def courses(self, calendar: "BusinessCalendar", wanted: Collection[Condition]) -> Iterator[Course]:
        """How the clocks of the wanted conditions that hold ran so far."""
        for kind in wanted:
            spans = self._spans(kind)
            if spans and spans[-1][1] is None:
                yield self._course(kind, len(spans), spans[-1][0], calendar)

    def _spans(self, kind: Condition) -> Sequence[tuple[int, int | None]]:
        """When a condition held."""
        if kind is Condition.UNASSIGNED:
            return self._unassigned.spans
        if kind is Condition.IDLE:
            return self._quiet.spans
        if kind is Condition.BURST and not self._bursts:
            return ()
        closed = self._closed.clipped(self._created, None)
        return ((self._created, closed[-1].begin if closed and closed[-1].end is None else None),)

    def _course(self, kind: Condition, cycle: int, begin: int, calendar: "BusinessCalendar") -> Course:
        stretches: tuple[Stretch, ...] = ()
        if kind in (Condition.CREATED, Condition.BURST):
            stretches = tuple(each for each in self._closed.clipped(self._created, None) if each.end is not None)
        only = self._bursts if kind is Condition.BURST else None
        return Course(kind, cycle, begin, None, None, stretches, calendar, escalations=only)


def _timer(course: Course, stopped: int | None, now: int) -> Timer:
    begin, stretches, calendar = course.start, course.stretches, course.calendar
    end = max(begin, now) if stopped is None else stopped
    since = None
    if stopped is None:
        since = stretches[-1].end if stretches else begin
    elapsed = counted(calendar, begin, end, stretches)
    return Timer(
        kind=course.kind,
        cycle=course.cycle,
        state=TimerState.RUNNING if stopped is None else TimerState.MET,
        target_seconds=None,
        started_at=instant_of(begin),
        due_at=None,
        stopped_at=instant_of(stopped) if stopped is not None else None,
        breached_at=None,
        running_since=instant_of(since) if since is not None else None,
        elapsed_seconds=elapsed,
        remaining_seconds=None,
        paused_seconds=0,
        overdue_seconds=0,
        consumed_seconds=elapsed - calendar.between_seconds(since, end) if since is not None else elapsed,
        manual=False,
        arming=0,
        course=course,
    )


def bursts_begun(rules: "Rules", opened_at: datetime, others: Sequence[datetime]) -> list[str]:
    """The ids of the `burst` escalations for which a ticket is the count-th open one of its requester.

    `others` are the instants at which those tickets of the same requester were opened, before this one, that
    were still open at `opened_at`.
    """
    found = []
    for escalation in rules.escalations:
        if escalation.on == Condition.BURST and escalation.burst is not None:
            recent = [each for each in others if (opened_at - each).total_seconds() <= escalation.burst.within.seconds]
            if len(recent) + 1 == escalation.burst.count:
                found.append(escalation.id)
    return found
