"""Which levels of the ladders fall due for a ticket, and when.

A level's place is a number of counted seconds since its timer started. The clock it is counted on is the
ticket's calendar or the wall clock, less the time in which the timer stood still.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from slactl.sla.calendar import NoOpenHours
from slactl.sla.enums import LevelOutcome, Target
from slactl.sla.offsets import Offset
from slactl.sla.stretches import counted, ended, instant_of, reach, seconds_of

if TYPE_CHECKING:
    from slactl.sla.calendar import BusinessCalendar
    from slactl.sla.evaluation import Course, Evaluation, Timer
    from slactl.sla.rules import Rules
    from slactl.sla.rules_model import Escalation, Facts, Level

_SECOND = timedelta(seconds=1)


class FiringKey(NamedTuple):
    """What is decided once: a level of an escalation, for one cycle of a timer, arming and repeat."""

    kind: str
    cycle: int
    escalation: str
    level: str
    arming: int
    repeat: int


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
    outcome: LevelOutcome
    warning: bool

    @property
    def key(self) -> FiringKey:
        """What must happen only once."""
        return FiringKey(self.kind, self.cycle, self.escalation, self.level, self.arming, self.repeat)


class Due(NamedTuple):
    """A level of an escalation, or a repeat of one, and when it falls due for a timer."""

    course: "Course"
    escalation: "Escalation"
    level: "Level"
    repeat: int
    at: int
    warning: bool
    strict: bool  # at the deadline itself nothing is late yet

    @property
    def key(self) -> FiringKey:
        """What must be decided only once. Only warnings come again when a person moved the deadline."""
        return key_of(self.course, self.escalation, self.level, self.repeat)

    @property
    def is_passed(self) -> bool:
        """Whether it is a warning that comes only after the deadline."""
        return self.warning and self.course.due is not None and self.at > self.course.due


def key_of(course: "Course", escalation: "Escalation", level: "Level", repeat: int = 0) -> FiringKey:
    """What must be decided only once about a level, for a timer."""
    arming = course.arming if course.target is not None and level.at.is_warning else 0
    return FiringKey(course.kind.value, course.cycle, escalation.id, level.id, arming, repeat)


def nominal_instant(timer: "Timer", offset: Offset, *, wall: bool = False, idle: int = 0) -> datetime | None:
    """When a place on a timer's clock comes, or came; None while the clock stands still before it.

    `idle` is how many seconds of quiet make a ticket idle, for such a timer.
    """
    at = _instant(timer.course, offset, 0, wall=wall, idle=idle)
    return instant_of(at) if at is not None else None


def due_levels(
    evaluation: "Evaluation", rules: "Rules", now: datetime, fired: Collection[FiringKey], *, held: bool = False
) -> list[Firing]:
    """Every level that has fallen due by `now` and is not among the decided ones, in the order of due instants.

    Nothing is due while the ticket is acknowledged or the timer stands still. A warning is due on its instant, and
    so is what comes after the deadline; what comes at the deadline is due once that has passed. Levels of a target
    that was missed and is done meanwhile are due as expired. With `held`, what an acknowledgement or a pause holds
    back is among them.
    """
    at, facts = seconds_of(now), evaluation.facts
    found: list[Firing] = []
    acked = evaluation.acked_until is not None and evaluation.acked_until > now
    for timer in evaluation.timers:
        for escalation in watching(timer.course, rules):
            if not escalation.when.matches(facts):
                continue
            if timer.stopped_at is not None:
                found += _overtaken(timer, escalation, fired)
            elif held or (timer.is_counting and not acked):
                found += come(list(levels_of(timer.course, escalation, at)), facts, at, fired)
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
    for escalation in watching(timer.course, rules):
        if not escalation.when.matches(evaluation.facts):
            continue
        if timer.stopped_at is not None:
            instants += [firing.due_at for firing in _overtaken(timer, escalation, fired)]
        elif timer.is_counting:
            for due in undecided(timer.course, escalation, fired):
                come_at = instant_of(due.at + 1 if due.strict else due.at)
                instants.append(max(come_at, evaluation.acked_until or come_at))
    return min(instants, default=None)


def watching(course: "Course", rules: "Rules") -> Iterator["Escalation"]:
    """The escalations that watch a timer, whatever tickets they are for."""
    for escalation in rules.escalations:
        if escalation.on == course.kind and (course.escalations is None or escalation.id in course.escalations):
            yield escalation


def come(levels: Collection[Due], facts: "Facts", now: int, fired: Collection[FiringKey]) -> Iterator[Firing]:
    """What becomes of those levels of one ladder that are due by `now` and not decided; its clock runs."""
    due_by_now = [due for due in levels if due.at < now or (due.at == now and not due.strict)]
    latest = max((due.at for due in due_by_now), default=now)
    for due in due_by_now:
        if due.key not in fired:
            is_past = due.course.due is not None and due.course.due < now
            yield decided(due, facts, expired=due.warning and (due.at < latest or is_past))


def decided(due: Due, facts: "Facts", *, expired: bool) -> Firing:
    """What becomes of a level of a ladder that is meant for the ticket."""
    outcome = LevelOutcome.FIRED
    if expired:
        outcome = LevelOutcome.EXPIRED
    elif not due.level.when.matches(facts):
        outcome = LevelOutcome.SKIPPED
    return Firing(*due.key, instant_of(due.at), due.escalation.reason, outcome, due.warning)


def levels_of(course: "Course", escalation: "Escalation", until: int) -> Iterator[Due]:
    """Each level with a known instant, and its repeats up to `until`."""
    for level in escalation.levels:
        for due in repeats(course, escalation, level):
            yield due
            if due.at > until:
                break


def _overtaken(timer: "Timer", escalation: "Escalation", fired: Collection[FiringKey]) -> Iterator[Firing]:
    """The undecided levels that had come before a target was done late: on the record, but waking nobody."""
    if timer.breached_at is None or timer.stopped_at is None:
        return
    stopped = seconds_of(timer.stopped_at)
    for due in levels_of(timer.course, escalation, stopped - 1):
        if due.at < stopped and due.key not in fired:
            reason, outcome = escalation.reason, LevelOutcome.EXPIRED
            yield Firing(*due.key, instant_of(due.at), reason, outcome, due.warning)


def undecided(course: "Course", escalation: "Escalation", fired: Collection[FiringKey]) -> Iterator[Due]:
    """The next place of each level that is not decided."""
    for level in escalation.levels:
        yield from islice((due for due in repeats(course, escalation, level) if due.key not in fired), 1)


def repeats(course: "Course", escalation: "Escalation", level: "Level") -> Iterator[Due]:
    """A level and its repeats, as far as their instants are known."""
    wall, idle = escalation.clock == "wall", escalation.idle.for_.seconds if escalation.idle is not None else 0
    is_target = course.target is not None
    warning, strict = is_target and level.at.is_warning, is_target and level.at.is_deadline
    times, every = (level.repeat.max + 1, level.repeat.every.seconds) if level.repeat is not None else (1, 0)
    for repeat in range(times):
        at = _instant(course, level.at, repeat * every, wall=wall, idle=idle)
        if at is None:
            return
        yield Due(course, escalation, level, repeat, at, warning, strict and repeat == 0)


def _instant(course: "Course", offset: Offset, after: int, *, wall: bool, idle: int) -> int | None:
    """When an offset comes, and so many counted seconds `after` it."""
    if course.due is not None and not after and offset.is_deadline:
        return course.due
    place = place_of(course, offset, wall=wall, idle=idle)
    if place is None:
        return None
    calendar = wall_clock() if wall else course.calendar
    try:
        return reach(calendar, course.start, place + after, course.stretches)
    except NoOpenHours:  # a level that the calendar has no time left for never comes
        return None


def place_of(course: "Course", offset: Offset, *, wall: bool, idle: int) -> int | None:
    """How many counted seconds after its start a timer reaches an offset; None where that is not known yet."""
    if course.target is None:
        return idle + offset.seconds
    deadline = course.target
    if wall:
        if course.due is None:
            return None
        deadline = max(0, counted(wall_clock(), course.start, course.due, ended(course.stretches, course.due)))
    if offset.percent is not None:
        return deadline * offset.percent // 100
    return max(0, deadline + offset.seconds)


@cache
def wall_clock() -> "BusinessCalendar":
    """The clock on the wall: every second counts."""
    from slactl.sla.calendar import BusinessCalendar, Hours

    return BusinessCalendar("wall", "UTC", Hours(always_open=True))
