"""Find the levels of a ticket that are to come, and whom they will reach."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from slactl.clock import to_text
from slactl.desk.ledger.baselines import Baselines
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.rules_versions import RulesVersions, rules_in_force
from slactl.desk.oncall.duty import Presence
from slactl.desk.tickets.deadlines import refusing_ended_calendars
from slactl.errors import RefusedError
from slactl.sla.enums import Condition
from slactl.sla.escalation.levels import FiringKey, rules_watching
from slactl.sla.escalation.renumbering import counted
from slactl.sla.escalation.upcoming import IsBaseline, to_come
from slactl.sla.history.effective import effective, retracted_names
from slactl.sla.history.event import Event
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.evaluate import evaluate
from slactl.sla.timers.pauses import instant_of
from slactl.sla.timers.timer import Evaluation, Timer, TimerState
from slactl.store.read import events as event_reads
from slactl.store.read import tickets as reads

if TYPE_CHECKING:
    from slactl.store.database import Transaction

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One ticket with everything that its deadlines follow from."""

    number: int
    history: Sequence[Event]
    evaluation: Evaluation
    versions: RulesVersions
    in_force: Rules
    fired: Collection[FiringKey]
    is_baseline: IsBaseline
    presence_at: Callable[[datetime], Presence]


def case_of(
    desk: Desk, transaction: "Transaction", number: int, now: datetime, conditions: Collection[Condition] = ()
) -> Case:
    """Return a ticket as of now, with the timers of its targets and of some conditions.

    Raises:
        RefusedError: the ticket is opened only later, or its calendar has ended.
    """
    history, versions = event_reads.history(transaction, number), RulesVersions.of_ticket(transaction, number)
    if history[0].at > now:
        opened = to_text(history[0].at)
        raise RefusedError(f"ticket {number} was opened later, at {opened}", f"slactl show {number}")
    with refusing_ended_calendars(f"ticket {number}"):
        evaluation = evaluate(history, versions.version, now, versions.holidays, conditions)
    decisions = counted(reads.decisions(transaction, number), retracted_names(history))
    fired = [FiringKey(**{name: row[name] for name in FiringKey._fields}) for row in decisions if row["kind"]]
    is_baseline = Baselines(transaction).of_ticket(number)
    happened, in_force = effective(history, now), rules_in_force(desk, transaction).rules
    presence_at = partial(Presence.by, transaction, in_force, desk.rules)
    return Case(number, happened, evaluation, versions, in_force, fired, is_baseline, presence_at)


def levels(timer: Timer, case: Case) -> Iterator[Record]:
    """Yield the next firing of each level in force, if its instant is known."""
    evaluation = case.evaluation
    if timer.stopped_at is not None or timer.state is TimerState.UNKNOWN:
        return
    for escalation in rules_watching(timer.clock_run, case.in_force):
        for due in to_come(timer.clock_run, escalation, evaluation, case.fired, case.is_baseline):
            presence = case.presence_at(max(instant_of(due.at), evaluation.now))
            who = presence.reached(due, escalation.fallback, evaluation.assignee)
            yield {
                "escalation": escalation.id,
                "level": due.level.id,
                "repeat": due.repeat,
                "offset": str(due.level.at),
                "due_at": to_text(instant_of(due.at)),
                "assigns": who[0],
                "tells": who[1],
            }


def whom_next(desk: Desk, transaction: "Transaction", number: int, now: datetime, escalation: str, level: str) -> str:
    """Return whom the next firing of a level will reach, in words; empty text if it reaches nobody or is not to come.

    Raises:
        SlactlError: the levels of the ticket cannot be calculated.
    """
    case = case_of(desk, transaction, number, now, tuple(Condition))
    found = [each for timer in case.evaluation.timers for each in levels(timer, case)]
    named = [each for each in found if (each["escalation"], each["level"]) == (escalation, level)]
    if not named:
        return ""
    first = min(named, key=lambda each: each["due_at"])
    parts = [f"assigns {first['assigns']}"] if first["assigns"] else []
    return ", ".join([*parts, *([f"tells {', '.join(first['tells'])}"] if first["tells"] else [])])
