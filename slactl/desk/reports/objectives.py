"""Say how far the goals of the rules are reached in their periods: the numbers of `objectives`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.clock import to_text
from slactl.desk.reports.measures import By, ordered_groups, share
from slactl.errors import RulesError, UsageError
from slactl.sla.enums import Priority, Target
from slactl.sla.rules.match import Facts
from slactl.sla.rules.objectives.goal import Margin, credit
from slactl.sla.rules.objectives.period import CalendarPeriod, parse_period, period_of
from slactl.store.read import outcomes as reads
from slactl.store.read.outcomes import Period
from slactl.text import counted

if TYPE_CHECKING:
    from slactl.desk.ledger.desk import Desk
    from slactl.records.figures import Objective as Record
    from slactl.sla.rules.objectives.model import Objective
    from slactl.store.database import Transaction

#: The fields of a goal, in the order of the output.
FIELDS = (
    *("name", "period", "since", "until", "target", "goal", "kept", "missed", "attained"),
    *("spare", "needed", "open_at_risk", "credit", "state", "group"),
)


#: By group, how many outcomes were kept and missed, and how many targets are late or due soon.
Sums = defaultdict[str | None, list[int]]

#: Counted targets with the facts that goals match.
Matched = tuple[Facts, reads.Counted]


class Clock(NamedTuple):
    """Hold the present instant, and the seconds of wall time in which a deadline is due soon."""

    now: datetime
    due_soon: int


def named_period(name: str) -> CalendarPeriod:
    """Return the period with a name.

    Raises:
        UsageError: it is not the name of a period.
    """
    try:
        return parse_period(name)
    except ValueError as error:
        raise UsageError(str(error), "slactl objectives --help") from error


def standings_by_rules(
    desk: "Desk", transaction: "Transaction", clock: Clock, at: datetime | None = None
) -> list["Record"]:
    """Return how far the goals of the rules in force are reached, in the periods of `at`; none without valid rules."""
    from slactl.desk.ledger.rules_versions import CommandRules

    with suppress(RulesError):
        current = CommandRules(desk).current(transaction, strict=False)
        return standings(transaction, current.rules.objectives, clock, at=at)
    return []


def current_period(objective: "Objective", now: datetime) -> CalendarPeriod:
    """Return the period of a goal in which an instant lies, in the zone of the goal."""
    return period_of(objective.period, now.astimezone(objective.zone).date())


def standings(
    transaction: "Transaction",
    objectives: Sequence["Objective"],
    clock: Clock,
    *,
    period: CalendarPeriod | None = None,
    by: By | None = None,
    at: datetime | None = None,
) -> list["Record"]:
    """Return how far goals are reached, in the order of the rules: each in its present period, or in that of `at`.

    With `period` only goals with periods of that kind are there, in this one. With `by` each goal has a record for each
    group of the outcomes, and none where it has no outcomes.
    """
    wanted = [
        (objective, period or current_period(objective, at or clock.now))
        for objective in objectives
        if period is None or period.kind is objective.period
    ]
    counted = Counts(clock, [objective for objective, _ in wanted], by)
    return [record for objective, its in wanted for record in _standing(transaction, objective, its, counted)]


class Counts:
    """Read outcomes and targets at risk, once; goals with the same target share what is read about a period."""

    def __init__(self, clock: Clock, objectives: Sequence["Objective"], by: By | None = None) -> None:
        self.clock, self.by = clock, by
        self._objectives = objectives
        self._outcomes: dict[tuple[Target, Period], list[Matched]] = {}
        self._at_risk: dict[Target, list[Matched]] = {}

    def of(
        self, transaction: "Transaction", objective: "Objective", period: CalendarPeriod, *, at_risk: bool = False
    ) -> "Sums":
        """Return the sums of what a goal matches in a period, by group; the targets `at_risk` are of now."""
        now, target, bounds = to_text(self.clock.now), objective.target, _bounds(objective, period, self.clock.now)
        keys = {key for other in self._objectives if other.target is target for key in other.match.keys_used()}
        if (target, bounds) not in self._outcomes:
            rows = reads.counted_outcomes(transaction, bounds, target.value, keys, self.by)
            self._outcomes[target, bounds] = [(_facts(row), row) for row in rows]
        if at_risk and target not in self._at_risk:
            soon = to_text(self.clock.now + timedelta(seconds=self.clock.due_soon))
            rows = reads.targets_at_risk(transaction, now, soon, target.value, keys, self.by)
            self._at_risk[target] = [(_facts(row), row) for row in rows]
        return _matched(objective, self._outcomes[target, bounds], self._at_risk[target] if at_risk else ())

    def margin(self, transaction: "Transaction", objective: "Objective", period: CalendarPeriod) -> Margin:
        """Return how many outcomes of a goal were kept and missed in a period."""
        kept, missed, *_ = self.of(transaction, objective, period)[None]
        return Margin(objective.goal, kept, missed)


def _standing(
    transaction: "Transaction", objective: "Objective", period: CalendarPeriod, counted: Counts
) -> Iterator["Record"]:
    since, until = period.bounds(objective.zone)
    is_now = since <= counted.clock.now < until
    counts = counted.of(transaction, objective, period, at_risk=is_now)
    for group in ordered_groups(counts, counted.by) if counted.by is not None else [None]:
        kept, missed, late, soon = counts[group]
        margin = Margin(objective.goal, kept, missed)
        yield {
            "name": objective.name,
            "period": period.name,
            "since": to_text(since),
            "until": to_text(until),
            "target": objective.target.value,
            "goal": float(objective.goal.share),
            "kept": margin.kept,
            "missed": margin.missed,
            "attained": share(margin.kept, margin.done),
            "spare": margin.spare,
            "needed": margin.needed,
            "open_at_risk": late + soon if is_now else None,
            "credit": credit(margin, objective.thresholds),
            "state": _state(margin, soon),
            "group": group,
        }


def missed_tickets(
    transaction: "Transaction", objective: "Objective", period: CalendarPeriod, now: datetime
) -> list[int]:
    """Return the tickets that missed the target of a goal in a period, each once, by the instant of the miss."""
    bounds, keys = _bounds(objective, period, now), objective.match.keys_used()
    found = reads.missed_outcomes(transaction, bounds, objective.target.value, keys)
    return list(dict.fromkeys(number for number, row in found if objective.match.matches(_facts(row))))


def _bounds(objective: "Objective", period: CalendarPeriod, now: datetime) -> Period:
    since, until = period.bounds(objective.zone)
    return Period(to_text(now), to_text(since), to_text(until))


def _facts(row: reads.Counted) -> Facts:
    return Facts(row.plan, row.tenant, row.tags, Priority(row.priority), row.requester_domain)


def _matched(objective: "Objective", *parts: Iterable[Matched]) -> Sums:
    """Return the sums of the rows that a goal matches, by group."""
    sums: Sums = defaultdict(lambda: [0, 0, 0, 0])
    for facts, row in chain(*parts):
        if objective.match.matches(facts):
            counts = (row.kept, row.missed, row.late, row.soon)
            sums[row.group] = [before + more for before, more in zip(sums[row.group], counts, strict=True)]
    return sums


def _state(margin: Margin, soon: int) -> str:
    """Return the state of a goal: it is at risk if missing every target that is due soon would miss it."""
    if not margin.done:
        return "no_data"
    if not margin.is_kept:
        return "below"
    return "kept" if margin._replace(missed=margin.missed + soon).is_kept else "at_risk"


def alert_words(goal: Mapping[str, Any]) -> str:
    """Return what an alert says of a goal: its margin, and which tickets missed the target."""
    share = f"{goal['kept']:,} of {goal['kept'] + goal['missed']:,} kept"
    if goal["needed"] == 0:
        stand = f"{counted(goal['spare'], 'more miss', 'es')} allowed, {share}"
    else:
        back = f"{goal['needed']:,} in a row bring it back" if goal["needed"] else "out of reach in this period"
        stand = f"below {goal['goal']}, {share}, {back}"
    numbers, left = ", ".join(map(str, goal["tickets"])), goal["missed"] - len(goal["tickets"])
    missed = f"ticket{'s' if left > 0 or len(goal['tickets']) > 1 else ''} {numbers}"
    missed += f" and {left:,} more" if left > 0 else ""
    return f"Goal {goal['objective']} ({goal['goal']}), {goal['period']}: {stand}; missed by {missed}"
