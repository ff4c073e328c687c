"""Calculate which levels of the escalation rules become due for a ticket, and when.

A level becomes due when a number of seconds has been counted since its timer started. They are counted on the ticket's
calendar or on the wall clock, without the pauses of the timer.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from slactl.durations import Duration, Offset
from slactl.sla.calendar.calendar import NoOpenHours
from slactl.sla.enums import Clock, Condition, LevelOutcome, Target
from slactl.sla.timers.pauses import clipped, counted, ended, instant_of, reach, reach_all, seconds_of
from slactl.sla.timers.timer import TimerState

if TYPE_CHECKING:
    from slactl.sla.calendar.calendar import BusinessCalendar
    from slactl.sla.rules.match import Facts
    from slactl.sla.rules.model import Escalation, Level
    from slactl.sla.rules.rules import Rules
    from slactl.sla.timers.timer import ClockRun, Evaluation, Timer

_SECOND, _NOTHING = timedelta(seconds=1), Duration()

#: A place behind every level that is known to fall due.
_NEVER = 2**62


class FiringKey(NamedTuple):
    """Identify what is decided only once: a level, for one cycle of a timer, and each of its repeats.

    The fields are named as the columns in which they are stored. `arming` grows when a person moves the deadline to
    later: for a warning each time, for every other level only if the deadline before was missed.
    """

    kind: str
    cycle: int
    escalation: str
    level: str
    arming: int
    repeat: int


@dataclass(frozen=True, slots=True)
class Firing:
    """Hold a level that became due at `due_at`, its nominal instant, and its outcome."""

    kind: str
    cycle: int
    escalation: str
    level: str
    deadline_revision: int
    repeat: int
    due_at: datetime
    reason: str
    outcome: LevelOutcome
    warning: bool

    @property
    def key(self) -> FiringKey:
        """Return what must be decided only once."""
        return FiringKey(self.kind, self.cycle, self.escalation, self.level, self.deadline_revision, self.repeat)


class DueLevel(NamedTuple):
    """Hold a level, or a repeat of one, and the instant `at` which it becomes due for a timer.

    A `strict` level lies on the deadline itself: it fires one second later, once the deadline has been missed.
    """

    clock_run: "ClockRun"
    escalation: "Escalation"
    level: "Level"
    repeat: int
    at: int
    warning: bool
    strict: bool

    @property
    def key(self) -> FiringKey:
        """Return what must be decided only once."""
        return key_of(self.clock_run, self.escalation, self.level, self.repeat)

    @property
    def is_passed(self) -> bool:
        """Return whether it is a warning that becomes due only after the deadline."""
        return self.warning and self.clock_run.due is not None and self.at > self.clock_run.due

    @property
    def tells_customers(self) -> bool:
        """Return whether customers get its messages: after a missed deadline, and while slactl waits for an answer."""
        return self.clock_run.kind == Condition.WAITING or (self.clock_run.target is not None and not self.warning)

    def is_due(self, now: int) -> bool:
        """Return whether it is due by `now`."""
        return self.at + self.strict <= now


def key_of(clock_run: "ClockRun", escalation: "Escalation", level: "Level", repeat: int = 0) -> FiringKey:
    """Return what must be decided only once about a level, for a timer."""
    is_warning = clock_run.target is not None and level.at.is_warning
    revision = clock_run.deadline_revision if is_warning else clock_run.agreement
    return FiringKey(clock_run.kind.value, clock_run.cycle, escalation.id, level.id, revision, repeat)


def due_levels(
    evaluation: "Evaluation", rules: "Rules", now: datetime, fired: Collection[FiringKey], *, held: bool = False
) -> list[Firing]:
    """Return every level that has become due by `now` and is not in `fired`, in the order of due instants.

    No level is due while the ticket is acknowledged or the timer is paused, except with `held`. A level at the
    deadline is due one second after it, every other level at its instant. The levels of a target that was missed
    and has stopped since are due as expired.
    """
    at, facts = seconds_of(now), evaluation.facts
    firings: list[Firing] = []
    acked = evaluation.acked_until is not None and evaluation.acked_until > now
    for timer in evaluation.timers:
        for escalation in rules_watching(timer.clock_run, rules):
            if timer.state is TimerState.UNKNOWN or not escalation.when.matches(facts):
                continue
            if timer.stopped_at is not None:
                firings += overtaken(timer, escalation, fired)
            elif held or (timer.is_counting and not acked):
                firings += decide_due(list(levels_of(timer.clock_run, escalation, at)), facts, at, fired)
    return sorted(firings, key=lambda firing: firing.due_at)


def next_instant(
    evaluation: "Evaluation", timer: "Timer", rules: "Rules", fired: Collection[FiringKey], detected: Collection[int]
) -> datetime | None:
    """Return the next instant at which `check` has something to do about a timer, or None if it never has.

    That is a breach whose agreement is not yet `detected`, or a level that is not in `fired`. A breach, and a level
    at the deadline, come one second after it. Levels wait until an acknowledgement ends. The instant may lie in the
    past.
    """
    instants = []
    if isinstance(timer.kind, Target):
        unseen = [breach.at for breach in timer.breaches if breach.agreement not in detected]
        if timer.stopped_at is None and timer.due_at is not None and timer.clock_run.agreement not in detected:
            unseen.append(timer.due_at)
        instants += [min(unseen) + _SECOND] if unseen else []
    instants += [evaluation.ends_at] if evaluation.ends_at is not None else []
    for escalation in rules_watching(timer.clock_run, rules):
        if timer.state is TimerState.UNKNOWN or not escalation.when.matches(evaluation.facts):
            continue
        if timer.stopped_at is not None:
            instants += [firing.due_at for firing in overtaken(timer, escalation, fired)]
        elif timer.is_counting:
            for due in undecided(timer.clock_run, escalation, fired):
                fires_at = instant_of(due.at + due.strict)
                instants.append(max(fires_at, evaluation.acked_until or fires_at))
    return min(instants, default=None)


def rules_watching(clock_run: "ClockRun", rules: "Rules") -> Iterator["Escalation"]:
    """Yield the escalation rules that watch a timer, whichever tickets they match."""
    for escalation in rules.escalations:
        only = clock_run.escalations
        if escalation.on == clock_run.kind and (only is None or escalation.id in only):
            yield escalation


def decide_due(
    levels: Collection[DueLevel], facts: "Facts", now: int, fired: Collection[FiringKey]
) -> Iterator[Firing]:
    """Decide the levels of one escalation rule that are due by `now` and not in `fired`; their clock runs."""
    due_by_now = [due for due in levels if due.is_due(now)]
    latest = max((due.at for due in due_by_now), default=now)
    for due in due_by_now:
        if due.key not in fired:
            is_past = due.clock_run.due is not None and due.clock_run.due < now
            yield decide(due, facts, expired=due.warning and (due.at < latest or is_past))


def decide(due: DueLevel, facts: "Facts", *, expired: bool) -> Firing:
    """Decide what becomes of a level whose escalation rule matches the ticket."""
    outcome = LevelOutcome.FIRED
    if expired:
        outcome = LevelOutcome.EXPIRED
    elif not due.level.when.matches(facts):
        outcome = LevelOutcome.SKIPPED
    return Firing(*due.key, instant_of(due.at), due.escalation.reason_of(due.warning), outcome, due.warning)


def levels_of(clock_run: "ClockRun", escalation: "Escalation", until: int) -> Iterator[DueLevel]:
    """Yield each level whose instant is known, with its repeats up to `until`."""
    for level in escalation.levels:
        for due in repeats(clock_run, escalation, level):
            yield due
            if due.at > until:
                break


def overtaken(timer: "Timer", escalation: "Escalation", fired: Collection[FiringKey]) -> Iterator[Firing]:
    """Yield, as expired, the undecided levels that became due before a missed target stopped."""
    if timer.breached_at is None or timer.stopped_at is None:
        return
    stopped = seconds_of(timer.stopped_at)
    for due in levels_of(timer.clock_run, escalation, stopped - 1):
        if due.at < stopped and due.key not in fired:
            yield Firing(
                *due.key, instant_of(due.at), escalation.reason_of(due.warning), LevelOutcome.EXPIRED, due.warning
            )


def undecided(clock_run: "ClockRun", escalation: "Escalation", fired: Collection[FiringKey]) -> Iterator[DueLevel]:
    """Yield each level that is not in `fired`, or its first repeat that is not."""
    for level in escalation.levels:
        yield from islice((due for due in repeats(clock_run, escalation, level) if due.key not in fired), 1)


def repeats(clock_run: "ClockRun", escalation: "Escalation", level: "Level") -> Iterator[DueLevel]:
    """Yield a level and its repeats, as far as their instants are known."""
    wall, idle = escalation.clock == Clock.WALL, quiet_time(escalation)
    is_target = clock_run.target is not None
    warning, strict = is_target and level.at.is_warning, is_target and level.at.is_deadline
    for repeat in range(level.repeat.max + 1 if level.repeat is not None else 1):
        after = level.repeat.every.times(repeat) if level.repeat is not None and repeat else _NOTHING
        at = offset_reached(clock_run, level.at, after, wall=wall, idle=idle)
        if at is None:
            return
        yield DueLevel(clock_run, escalation, level, repeat, at, warning, strict and repeat == 0)


def quiet_time(escalation: "Escalation") -> Duration:
    """Return how long a ticket is quiet before it is idle; nothing for every other condition and for targets."""
    return escalation.idle.for_ if escalation.idle is not None else _NOTHING


def place_of(clock_run: "ClockRun", escalation: "Escalation", level: "Level") -> int:
    """Return the instant at which a level would fall due without pauses, which puts the levels of a rule in order."""
    calendar, target = clock_run.calendar, clock_run.target
    due = calendar.add_seconds(clock_run.start, target) if target is not None else None
    bare = clock_run._replace(pauses=(), due=due)
    at = offset_reached(bare, level.at, _NOTHING, wall=False, idle=quiet_time(escalation))
    return at if at is not None else _NEVER


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
        start, lengths = offset_reached(clock_run, offset, _NOTHING, wall=wall, idle=_NOTHING), [after]
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
