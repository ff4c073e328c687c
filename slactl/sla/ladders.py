"""Which levels of the ladders fall due for a ticket, and when.

A level's place is a number of counted seconds since its timer started. The clock it is counted on is the
ticket's calendar or the wall clock, less the time in which the timer stood still.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from slactl.sla.history import Target
from slactl.sla.offsets import Offset
from slactl.sla.stretches import counted, ended, instant_of, reach, seconds_of

if TYPE_CHECKING:
    from slactl.sla.calendar import BusinessCalendar
    from slactl.sla.evaluation import Evaluation, Timer
    from slactl.sla.rules import Escalation, Facts, Level, Rules

__all__ = ["Firing", "FiringKey", "FiringOutcome", "Offset", "due_levels", "next_instant", "nominal_instant"]

_SECOND = timedelta(seconds=1)


class FiringKey(NamedTuple):
    """What is decided once: a level of an escalation, for one cycle of a timer, arming and repeat."""

    kind: str
    cycle: int
    escalation: str
    level: str
    arming: int
    repeat: int


class FiringOutcome(StrEnum):
    """What becomes of a level that fell due.

    `expired`: a warning that something later has overtaken, or a level whose timer has stopped meanwhile.
    `skipped`: what its `when` asks for was no longer so.
    """

    FIRED = "fired"
    EXPIRED = "expired"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Firing:
    """A level that fell due at `due_at`, its nominal instant."""

    kind: str
    cycle: int
    escalation: str
    level: str
    arming: int
    repeat: int
    due_at: datetime
    reason: str
    outcome: FiringOutcome
    warning: bool

    @property
    def key(self) -> FiringKey:
        """What must happen only once."""
        return FiringKey(self.kind, self.cycle, self.escalation, self.level, self.arming, self.repeat)


class Due(NamedTuple):
    """A level, or a repeat of one, and when it falls due."""

    key: FiringKey
    level: "Level"
    at: int
    warning: bool
    strict: bool  # at the deadline itself nothing is late yet

    def has_come(self, now: int) -> bool:
        """Whether it is due by `now`."""
        return self.at < now if self.strict else self.at <= now


def nominal_instant(timer: "Timer", offset: Offset, *, wall: bool = False, idle: int = 0) -> datetime | None:
    """When a place on a timer's clock comes, or came; None while the clock stands still before it.

    `idle` is how many seconds of quiet make a ticket idle, for such a timer.
    """
    at = _instant(timer, offset, 0, wall=wall, idle=idle)
    return instant_of(at) if at is not None else None


def due_levels(evaluation: "Evaluation", rules: "Rules", now: datetime, fired: Collection[FiringKey]) -> list[Firing]:
    """Every level that has fallen due by `now` and is not among the decided ones, in the order of due instants.

    Nothing is due while the ticket is acknowledged or the timer stands still. A warning is due on its instant, and
    so is what comes after the deadline; what comes at the deadline is due once that has passed. Levels of a target
    that was missed and is done meanwhile are due as expired.
    """
    at, facts = seconds_of(now), evaluation.facts
    found: list[Firing] = []
    acked = evaluation.acked_until is not None and evaluation.acked_until > now
    for timer in evaluation.timers:
        for escalation in watching(timer, rules, facts):
            if timer.stopped_at is not None:
                found += overtaken(timer, escalation, fired)
            elif timer.is_counting and not acked:
                found += come(timer, escalation, facts, at, fired)
    return sorted(found, key=lambda firing: firing.due_at)


def next_instant(
    evaluation: "Evaluation",
    timer: "Timer",
    rules: "Rules",
    now: datetime,
    fired: Collection[FiringKey],
    detected: bool,
) -> datetime | None:
    """The next instant at which something is to be done about a timer, also in the past; None when nothing can be.

    That is a breach nobody noticed yet, or a level that is not among the decided ones. Both come a second after
    the deadline, and levels wait until an acknowledgement ends.
    """
    instants = []
    if isinstance(timer.kind, Target) and not detected:
        missed = timer.breached_at or (timer.due_at if timer.stopped_at is None else None)
        instants += [missed + _SECOND] if missed is not None else []
    for escalation in watching(timer, rules, evaluation.facts):
        if timer.stopped_at is not None:
            instants += [firing.due_at for firing in overtaken(timer, escalation, fired)]
        elif timer.is_counting:
            for due in _undecided(timer, escalation, fired):
                come_at = instant_of(due.at + 1 if due.strict else due.at)
                instants.append(max(come_at, evaluation.acked_until or come_at))
    return min(instants, default=None)


def watching(timer: "Timer", rules: "Rules", facts: "Facts") -> Iterator["Escalation"]:
    """The escalations that watch a timer of a ticket with these facts."""
    for escalation in rules.escalations:
        concerned = escalation.on == timer.kind and (timer.escalations is None or escalation.id in timer.escalations)
        if concerned and escalation.when.matches(facts):
            yield escalation


def come(
    timer: "Timer", escalation: "Escalation", facts: "Facts", now: int, fired: Collection[FiringKey]
) -> Iterator[Firing]:
    """The undecided levels of a running timer that are due by `now`, and what becomes of each."""
    latest = max((due.at for due in levels_of(timer, escalation, now) if due.has_come(now)), default=now)
    for due in levels_of(timer, escalation, now):
        if not due.has_come(now) or due.key in fired:
            continue
        outcome = FiringOutcome.FIRED
        if due.warning and (due.at < latest or is_past_deadline(timer, now)):
            outcome = FiringOutcome.EXPIRED
        elif not due.level.when.matches(facts):
            outcome = FiringOutcome.SKIPPED
        yield firing_of(due, escalation, outcome)


def overtaken(timer: "Timer", escalation: "Escalation", fired: Collection[FiringKey]) -> Iterator[Firing]:
    """The undecided levels that had come before a target was done late: on the record, but waking nobody."""
    if timer.breached_at is None or timer.stopped_at is None:
        return
    stopped = seconds_of(timer.stopped_at)
    for due in levels_of(timer, escalation, stopped - 1):
        if due.at < stopped and due.key not in fired:
            yield firing_of(due, escalation, FiringOutcome.EXPIRED)


def firing_of(due: Due, escalation: "Escalation", outcome: FiringOutcome) -> Firing:
    """What became of a level that fell due."""
    return Firing(*due.key, instant_of(due.at), escalation.reason, outcome, due.warning)


def levels_of(timer: "Timer", escalation: "Escalation", until: int) -> Iterator[Due]:
    """Each level with a known instant, and its repeats up to `until`."""
    for level in escalation.levels:
        for due in _repeats(timer, escalation, level):
            yield due
            if due.at > until:
                break


def is_past_deadline(timer: "Timer", now: int) -> bool:
    """Whether the deadline of a timer had passed by `now`."""
    return timer.due_at is not None and seconds_of(timer.due_at) < now


def _undecided(timer: "Timer", escalation: "Escalation", fired: Collection[FiringKey]) -> Iterator[Due]:
    """The next place of each level that is not decided."""
    for level in escalation.levels:
        undecided = (due for due in _repeats(timer, escalation, level) if due.key not in fired)
        yield from islice(undecided, 1)


def _repeats(timer: "Timer", escalation: "Escalation", level: "Level") -> Iterator[Due]:
    """A level and its repeats, as far as their instants are known."""
    wall, idle = escalation.clock == "wall", escalation.idle.for_.seconds if escalation.idle is not None else 0
    is_target = isinstance(timer.kind, Target)
    warning = is_target and level.at.is_warning
    times, every = (level.repeat.max + 1, level.repeat.every.seconds) if level.repeat is not None else (1, 0)
    for repeat in range(times):
        at = _instant(timer, level.at, repeat * every, wall=wall, idle=idle)
        if at is None:
            return
        arming = timer.arming if warning else 0
        key = FiringKey(timer.kind.value, timer.cycle, escalation.id, level.id, arming, repeat)
        yield Due(key, level, at, warning, strict=is_target and level.at.is_deadline and repeat == 0)


def _instant(timer: "Timer", offset: Offset, after: int, *, wall: bool, idle: int) -> int | None:
    """When an offset comes, and so many counted seconds `after` it."""
    if timer.due_at is not None and offset.is_deadline and not after:
        return seconds_of(timer.due_at)
    place = _place(timer, offset, wall=wall, idle=idle)
    if place is None:
        return None
    return reach(_clock(timer, wall=wall), seconds_of(timer.started_at), place + after, timer.stretches)


def _place(timer: "Timer", offset: Offset, *, wall: bool, idle: int) -> int | None:
    """How many counted seconds after its start a timer reaches an offset; None where that is not known yet."""
    if timer.target_seconds is None:
        return idle + offset.seconds
    deadline = timer.target_seconds
    if wall:
        if timer.due_at is None:
            return None
        deadline = max(0, _counted_until(timer, seconds_of(timer.due_at), wall=wall))
    if offset.percent is not None:
        return deadline * offset.percent // 100
    return max(0, deadline + offset.seconds)


def _counted_until(timer: "Timer", instant: int, *, wall: bool) -> int:
    start = seconds_of(timer.started_at)
    return counted(_clock(timer, wall=wall), start, instant, ended(timer.stretches, instant))


def _clock(timer: "Timer", *, wall: bool) -> "BusinessCalendar":
    return wall_clock() if wall else timer.calendar


@cache
def wall_clock() -> "BusinessCalendar":
    """The clock on the wall: every second counts."""
    from slactl.sla.calendar import BusinessCalendar, Hours

    return BusinessCalendar("wall", "UTC", Hours(always_open=True))
