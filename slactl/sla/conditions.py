"""Conditions that ladders can watch besides deadlines: unassigned, idle, burst, created."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from slactl.sla.evaluation import Timer, TimerState
from slactl.sla.history import Condition
from slactl.sla.stretches import Stretch, StretchLog, Uncounted, counted, ended, instant_of

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

    def timers(
        self, now: int, calendar: "BusinessCalendar", wanted: Collection[Condition], *, only_open: bool = False
    ) -> Iterator[Timer]:
        """The episodes of the wanted conditions as of `now`, numbered from 1; all, or those still open."""
        for kind, episodes in ((Condition.UNASSIGNED, self._unassigned), (Condition.IDLE, self._quiet)):
            if kind in wanted:
                before = len(episodes.spans) - 1 if only_open and episodes.spans else 0
                for cycle, (begin, end) in enumerate(episodes.spans[before:], before + 1):
                    yield _timer(kind, cycle, begin, end, (), now, calendar)
        for kind in (Condition.BURST, Condition.CREATED):
            if kind in wanted and (kind is Condition.CREATED or self._bursts):
                yield self._from_creation(kind, now, calendar)

    def _from_creation(self, kind: Condition, now: int, calendar: "BusinessCalendar") -> Timer:
        stretches = self._closed.clipped(self._created, None)
        stopped = None
        if stretches and stretches[-1].end is None:
            stopped = stretches[-1].begin
            stretches = stretches[:-1]
        only = self._bursts if kind is Condition.BURST else None
        return _timer(kind, 1, self._created, stopped, stretches, now, calendar, only)


def _timer(
    kind: Condition,
    cycle: int,
    begin: int,
    stopped: int | None,
    stretches: tuple[Stretch, ...],
    now: int,
    calendar: "BusinessCalendar",
    only: tuple[str, ...] | None = None,
) -> Timer:
    end = max(begin, now) if stopped is None else stopped
    since = None if stopped is not None else begin
    if since is not None and stretches:
        since = stretches[-1].end
    elapsed = counted(calendar, begin, end, ended(stretches, now))
    return Timer(
        kind=kind,
        cycle=cycle,
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
        stretches=stretches,
        calendar=calendar,
        escalations=only,
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
