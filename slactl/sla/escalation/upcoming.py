"""Find the level of a ticket that fires next, and the levels that a person fires ahead of their time."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from slactl.sla.escalation.levels import (
    DueLevel,
    FiringKey,
    key_of,
    place_of,
    repeats,
    rules_watching,
    undecided,
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
    evaluation: "Evaluation", rules: "Rules", fired: Collection[FiringKey], is_baseline: IsBaseline
) -> NextLevel | None:
    """Return the next level of a ticket that is not in `fired` and would fire as the ticket is now.

    A level that is due already and waits for the next `check` counts, unless it is older than its rule. None while
    every watched clock is paused.
    """
    candidates = list[NextLevel]()
    acked = evaluation.acked_until
    for timer in evaluation.timers:
        if not timer.is_counting:
            continue
        for escalation in rules_watching(timer.clock_run, rules):
            if escalation.when.matches(evaluation.facts):
                for due in undecided(timer.clock_run, escalation, fired):
                    at = instant_of(due.at)
                    if will_fire(due, evaluation, is_baseline):
                        candidates.append(NextLevel(escalation.id, due.level.id, max(at, acked or at)))
    return min(candidates, key=lambda candidate: candidate.at, default=None)


def will_fire(due: DueLevel, evaluation: "Evaluation", is_baseline: IsBaseline) -> bool:
    """Return whether a level of a rule that matches the ticket fires, if the ticket stays as it is.

    These levels do not fire: a warning whose deadline has passed, a level for other tickets, and a level that is older
    than its rule.
    """
    now = seconds_of(evaluation.now)
    is_late = due.warning and due.clock_run.due is not None and due.clock_run.due < now
    if due.is_passed or is_late or not due.level.when.matches(evaluation.facts):
        return False
    return due.at >= now or not is_baseline(due.escalation.id, due.level.id, instant_of(due.at))


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
    in_order = sorted(escalation.levels, key=lambda one: place_of(clock_run, escalation, one))
    decided: list[ManualLevel] = []
    for earlier in in_order[: in_order.index(level)]:
        known = [due for due in repeats(clock_run, escalation, earlier) if not due.repeat or due.at <= seconds_of(now)]
        levels = (
            [ManualLevel(due.key, instant_of(due.at), due.warning) for due in known]
            if known
            else [ManualLevel(key_of(clock_run, escalation, earlier), None, _is_warning(clock_run, earlier))]
        )
        decided += [manual for manual in levels if manual.key not in fired]
    at = next((instant_of(due.at) for due in repeats(clock_run, escalation, level)), None)
    return [*decided, ManualLevel(key_of(clock_run, escalation, level), at, _is_warning(clock_run, level))]


def _is_warning(clock_run: "ClockRun", level: "Level") -> bool:
    return clock_run.target is not None and level.at.is_warning
