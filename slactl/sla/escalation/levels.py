"""Calculate which levels of the escalation rules become due for a ticket, and when.

A level becomes due when a number of seconds has been counted since its timer started. They are counted on the ticket's
calendar or on the wall clock, without the pauses of the timer.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice
from typing import TYPE_CHECKING, NamedTuple

from slactl.sla.enums import Clock, Condition, LevelOutcome, Target
from slactl.sla.escalation.offsets import NOTHING, offset_reached, quiet_time
from slactl.sla.timers.pauses import instant_of, seconds_of
from slactl.sla.timers.timer import TimerState

if TYPE_CHECKING:
    from slactl.sla.rules.match import Facts
    from slactl.sla.rules.model import Escalation, Level
    from slactl.sla.rules.rules import Rules
    from slactl.sla.timers.timer import ClockRun, Evaluation, Timer

_SECOND = timedelta(seconds=1)

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

    `key` is what must be decided only once. A `strict` level lies on the deadline itself: it fires one second later,
    once the deadline has been missed.
    """

    clock_run: "ClockRun"
    escalation: "Escalation"
    level: "Level"
    key: FiringKey
    at: int
    warning: bool
    strict: bool

    @property
    def repeat(self) -> int:
        """Return the number of the repeat; 0 is the level itself."""
        return self.key.repeat

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


def repeats(clock_run: "ClockRun", escalation: "Escalation", level: "Level") -> Iterator[DueLevel]:
    """Yield a level and its repeats, as far as their instants are known."""
    wall, idle = escalation.clock == Clock.WALL, quiet_time(escalation)
    is_target = clock_run.target is not None
    warning, strict = is_target and level.at.is_warning, is_target and level.at.is_deadline
    for repeat in range(level.repeat.max + 1 if level.repeat is not None else 1):
        after = level.repeat.every.times(repeat) if level.repeat is not None and repeat else NOTHING
        at = offset_reached(clock_run, level.at, after, wall=wall, idle=idle)
        if at is None:
            return
        key = key_of(clock_run, escalation, level, repeat)
        yield DueLevel(clock_run, escalation, level, key, at, warning, strict and repeat == 0)


#: Yields a level and its repeats for a clock: `repeats`, or the same from a `Walk`.
Repeats = Callable[["ClockRun", "Escalation", "Level"], Iterator[DueLevel]]


class Walk:
    """Remember when the levels of one ticket become due by some rules, as long as its clocks run as they did.

    A level can fire, change the ticket and be judged several times. Its instants follow from its clock alone.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        #: The instants of each level that are known, and the rest of them; None where all are known.
        self._known: dict[tuple[str, int, str, str], tuple[ClockRun, list[DueLevel], Iterator[DueLevel] | None]] = {}

    def repeats(self, clock_run: "ClockRun", escalation: "Escalation", level: "Level") -> Iterator[DueLevel]:
        """Yield a level and its repeats, as `repeats`; each instant is calculated when it is first asked for."""
        name = (clock_run.kind, clock_run.cycle, escalation.id, level.id)
        known = self._known.get(name)
        if known is None or known[0] is not clock_run:
            due = repeats(clock_run, escalation, level)
            known = (clock_run, list(due), None) if level.repeat is None else (clock_run, [], due)
            self._known[name] = known
        _, found, further = known
        return iter(found) if further is None else _lengthened(found, further)


def _lengthened(found: list[DueLevel], further: Iterator[DueLevel]) -> Iterator[DueLevel]:
    """Yield the levels that were found, and those that are found further on, which are kept."""
    for number in count():
        if number == len(found):
            due = next(further, None)
            if due is None:
                return
            found.append(due)
        yield found[number]


def due_levels(
    evaluation: "Evaluation",
    rules: "Rules",
    now: datetime,
    fired: Collection[FiringKey],
    *,
    held: bool = False,
    repeats: Repeats = repeats,
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
                firings += overtaken(timer, escalation, fired, repeats)
            elif held or (timer.is_counting and not acked):
                levels = list(levels_of(timer.clock_run, escalation, at, repeats))
                firings += decide_due(levels, facts, at, fired)
    return sorted(firings, key=lambda firing: firing.due_at)


def next_instant(
    evaluation: "Evaluation",
    timer: "Timer",
    rules: "Rules",
    fired: Collection[FiringKey],
    detected: Collection[int],
    repeats: Repeats = repeats,
) -> datetime | None:
    """Return the next instant at which `check` has something to do about a timer, or None if it never has.

    That is a breach whose agreement is not yet `detected`, or a level that is not in `fired`. A breach, and a level
    at the deadline, come one second after it. Levels wait until an acknowledgement ends. The instant may lie in the
    past.
    """
    instants, at = [], list[int]()
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
            instants += [firing.due_at for firing in overtaken(timer, escalation, fired, repeats)]
        elif timer.is_counting:
            for due in undecided(timer.clock_run, escalation, fired, repeats):
                at.append(due.at + due.strict)
    if at:
        fires_at = instant_of(min(at))
        instants.append(max(fires_at, evaluation.acked_until or fires_at))
    return min(instants, default=None)


def rules_watching(clock_run: "ClockRun", rules: "Rules") -> Sequence["Escalation"]:
    """Return the escalation rules that watch a timer, whichever tickets they match."""
    watching, only = rules.watching(clock_run.kind), clock_run.escalations
    return watching if only is None else [escalation for escalation in watching if escalation.id in only]


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


def levels_of(
    clock_run: "ClockRun", escalation: "Escalation", until: int, repeats: Repeats = repeats
) -> Iterator[DueLevel]:
    """Yield each level whose instant is known, with its repeats up to `until`."""
    for level in escalation.levels:
        for due in repeats(clock_run, escalation, level):
            yield due
            if due.at > until:
                break


def overtaken(
    timer: "Timer", escalation: "Escalation", fired: Collection[FiringKey], repeats: Repeats = repeats
) -> Iterator[Firing]:
    """Yield, as expired, the undecided levels that became due before a missed target stopped."""
    if timer.breached_at is None or timer.stopped_at is None:
        return
    stopped = seconds_of(timer.stopped_at)
    for due in levels_of(timer.clock_run, escalation, stopped - 1, repeats):
        if due.at < stopped and due.key not in fired:
            yield Firing(
                *due.key, instant_of(due.at), escalation.reason_of(due.warning), LevelOutcome.EXPIRED, due.warning
            )


def undecided(
    clock_run: "ClockRun", escalation: "Escalation", fired: Collection[FiringKey], repeats: Repeats = repeats
) -> Iterator[DueLevel]:
    """Yield each level that is not in `fired`, or its first repeat that is not."""
    for level in escalation.levels:
        yield from islice((due for due in repeats(clock_run, escalation, level) if due.key not in fired), 1)


def place_of(clock_run: "ClockRun", escalation: "Escalation", level: "Level") -> int:
    """Return the instant at which a level would fall due without pauses, which puts the levels of a rule in order."""
    calendar, target = clock_run.calendar, clock_run.target
    due = calendar.add_seconds(clock_run.start, target) if target is not None else None
    bare = clock_run._replace(pauses=(), due=due)
    at = offset_reached(bare, level.at, NOTHING, wall=False, idle=quiet_time(escalation))
    return at if at is not None else _NEVER
