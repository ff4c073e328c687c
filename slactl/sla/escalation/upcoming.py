"""Find the level of a ticket that fires next, and the levels that a person fires ahead of their time."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from slactl.sla.escalation.levels import (
    DueLevel,
    FiringKey,
    Repeats,
    key_of,
    levels_of,
    place_of,
    repeats,
    rules_watching,
)
from slactl.sla.timers.pauses import instant_of, seconds_of

if TYPE_CHECKING:
    from slactl.sla.rules.model import Escalation, Level
    from slactl.sla.rules.rules import Rules
    from slactl.sla.timers.timer import ClockRun, Evaluation, Timer


class NextLevel(NamedTuple):
    """Hold the level that fires next if nobody acts, and when: at its instant, or when an acknowledgement ends."""

    escalation: str
    level: str
    at: datetime


#: Returns whether an escalation rule is too new for a level to fire at its instant.
IsBaseline = Callable[[str, str, datetime], bool]


def next_level(
    evaluation: "Evaluation",
    rules: "Rules",
    fired: Collection[FiringKey],
    is_baseline: IsBaseline,
    repeats: Repeats = repeats,
) -> NextLevel | None:
    """Return the next level of a ticket that is not in `fired` and would fire as the ticket is now.

    A level that is due already and waits for the next `check` counts, unless it is older than its rule. None while
    every watched clock is paused.
    """
    first: tuple[int, DueLevel] | None = None
    acked = seconds_of(evaluation.acked_until) if evaluation.acked_until is not None else 0
    for timer in evaluation.timers:
        if not timer.is_counting:
            continue
        for escalation in rules_watching(timer.clock_run, rules):
            for due in to_come(timer.clock_run, escalation, evaluation, fired, is_baseline, repeats):
                at = max(due.at, acked)
                if first is None or at < first[0]:
                    first = (at, due)
    if first is None:
        return None
    at, due = first
    return NextLevel(due.escalation.id, due.level.id, instant_of(at))


def to_come(
    clock_run: "ClockRun",
    escalation: "Escalation",
    evaluation: "Evaluation",
    fired: Collection[FiringKey],
    is_baseline: IsBaseline,
    repeats: Repeats = repeats,
) -> Iterator[DueLevel]:
    """Yield each level of an escalation rule, or the first repeat of it, that will fire and is not in `fired`.

    The ticket stays as it is, and the next `check` runs now, or when its acknowledgement ends.
    """
    if not escalation.when.matches(evaluation.facts):
        return
    for level in escalation.levels:
        for due in repeats(clock_run, escalation, level):
            if due.key in fired:
                continue
            if _will_fire(due, evaluation, is_baseline, repeats):
                yield due
                break
            if due.at >= seconds_of(evaluation.now):
                break


def _will_fire(due: DueLevel, evaluation: "Evaluation", is_baseline: IsBaseline, repeats: Repeats) -> bool:
    """Return whether a level of a rule that matches the ticket fires, if the ticket stays as it is.

    These levels do not fire: a warning whose deadline, or a later level, comes before the next `check`; a level for
    other tickets; and a level that is older than its rule.
    """
    now = seconds_of(evaluation.now)
    acked = evaluation.acked_until
    if due.is_passed or not due.level.when.matches(evaluation.facts):
        return False
    if due.warning and _is_overtaken(due, max(now, seconds_of(acked)) if acked is not None else now, repeats):
        return False
    return due.at >= now or not is_baseline(due.escalation.id, due.level.id, instant_of(due.at))


def _is_overtaken(due: DueLevel, checked: int, repeats: Repeats) -> bool:
    """Return whether a `check` at an instant finds a warning expired."""
    clock_run, escalation = due.clock_run, due.escalation
    if due.at > checked:
        return False
    if clock_run.due is not None and clock_run.due < checked:
        return True
    later = (other.at for other in levels_of(clock_run, escalation, checked, repeats) if other.is_due(checked))
    return any(at > due.at for at in later)


class ManualLevel(NamedTuple):
    """Hold a level that a person decides, and when it became or would become due; None if that is not known."""

    key: FiringKey
    at: datetime | None
    warning: bool


def open_timer(evaluation: "Evaluation", escalation: "Escalation") -> "Timer | None":
    """Return the timer that an escalation rule watches and that has not stopped; it may be paused."""
    candidates = [
        timer
        for timer in evaluation.timers
        if timer.stopped_at is None
        and timer.kind == escalation.on
        and escalation.id in (timer.clock_run.escalations or (escalation.id,))
    ]
    return candidates[-1] if candidates else None


def up_to(
    clock_run: "ClockRun", escalation: "Escalation", level: "Level", now: datetime, fired: Collection[FiringKey]
) -> Sequence[ManualLevel]:
    """Return the levels of an escalation rule that a person decides by firing `level` ahead of its time.

    They are the earlier levels that are not in `fired`, with the repeats that have become due by `now`, and `level`
    itself as the last one. Later repeats fire as they would have.
    """
    is_target = clock_run.target is not None
    in_order = sorted(escalation.levels, key=lambda one: place_of(clock_run, escalation, one))
    decided: list[ManualLevel] = []
    for earlier in in_order[: in_order.index(level)]:
        known = [due for due in repeats(clock_run, escalation, earlier) if not due.repeat or due.at <= seconds_of(now)]
        levels = (
            [ManualLevel(due.key, instant_of(due.at), due.warning) for due in known]
            if known
            else [ManualLevel(key_of(clock_run, escalation, earlier), None, is_target and earlier.at.is_warning)]
        )
        decided += [manual for manual in levels if manual.key not in fired]
    at = next((instant_of(due.at) for due in repeats(clock_run, escalation, level)), None)
    return [*decided, ManualLevel(key_of(clock_run, escalation, level), at, is_target and level.at.is_warning)]
