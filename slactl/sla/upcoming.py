"""What of a ticket's ladders is still to come: the next level, and what a person takes ahead of its time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from slactl.sla.ladders import Due, FiringKey, key_of, place_of, repeats, undecided, watching
from slactl.sla.stretches import instant_of, seconds_of

if TYPE_CHECKING:
    from slactl.sla.evaluation import Course, Evaluation, Timer
    from slactl.sla.rules import Rules
    from slactl.sla.rules_model import Escalation, Level


class NextLevel(NamedTuple):
    """The level that fires next if nobody does anything, and when: its instant, or the end of an acknowledgement."""

    escalation: str
    level: str
    at: datetime


def next_level(evaluation: "Evaluation", rules: "Rules", fired: Collection[FiringKey]) -> NextLevel | None:
    """The first level of all ladders of a ticket that has not been decided and would fire as things stand.

    What is due already and waits for the next `check` counts. None while every clock with a ladder stands still.
    """
    found, now, acked = list[NextLevel](), seconds_of(evaluation.now), evaluation.acked_until
    for timer in evaluation.timers:
        if not timer.is_counting:
            continue
        for escalation in watching(timer.course, rules):
            if escalation.when.matches(evaluation.facts):
                for due in undecided(timer.course, escalation, fired):
                    at = instant_of(due.at)
                    if _would_fire(due, evaluation, now):
                        found.append(NextLevel(escalation.id, due.level.id, max(at, acked or at)))
    return min(found, key=lambda each: each.at, default=None)


def _would_fire(due: Due, evaluation: "Evaluation", now: int) -> bool:
    is_past = due.course.due is not None and due.course.due < now
    return due.level.when.matches(evaluation.facts) and not due.is_passed and not (due.warning and is_past)


class Step(NamedTuple):
    """A level that is decided by hand, and when it fell due or would have; None where that is not known."""

    key: FiringKey
    at: datetime | None
    warning: bool


def open_timer(evaluation: "Evaluation", escalation: "Escalation") -> "Timer | None":
    """The timer that a ladder watches and that has not stopped, its clock may stand still."""
    watched = (timer for timer in evaluation.timers if timer.stopped_at is None and timer.kind == escalation.on)
    mine = [timer for timer in watched if escalation.id in (timer.course.escalations or (escalation.id,))]
    return mine[-1] if mine else None


def up_to(
    course: "Course", escalation: "Escalation", level: "Level", now: datetime, fired: Collection[FiringKey]
) -> Sequence[Step]:
    """What a ladder has up to a level and has not been decided, that level last; for taking it ahead of its time.

    Of the levels before it, the repeats that have come by `now` are among them; later ones go on as they would have.
    """
    idle = escalation.idle.for_.seconds if escalation.idle is not None else 0
    # Where an offset stands on the calendar is known while a clock stands still too.
    places = [place_of(course, each.at, wall=False, idle=idle) or 0 for each in escalation.levels]
    in_order = sorted(range(len(places)), key=lambda place: (places[place], place))
    before = [escalation.levels[place] for place in in_order]
    found: list[Step] = []
    for each in before[: before.index(level)]:
        found += [step for step in _steps(course, escalation, each, now) if step.key not in fired]
    at = next((instant_of(due.at) for due in repeats(course, escalation, level)), None)
    return [*found, Step(key_of(course, escalation, level), at, _warns(course, level))]


def _steps(course: "Course", escalation: "Escalation", level: "Level", now: datetime) -> list[Step]:
    known = [due for due in repeats(course, escalation, level) if not due.repeat or due.at <= seconds_of(now)]
    if known:
        return [Step(due.key, instant_of(due.at), due.warning) for due in known]
    return [Step(key_of(course, escalation, level), None, _warns(course, level))]


def _warns(course: "Course", level: "Level") -> bool:
    return course.target is not None and level.at.is_warning
