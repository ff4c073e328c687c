"""Say how far the goals of the rules are reached in their periods: the numbers of `objectives`."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.clock import to_text
from slactl.desk.reports.measures import By, ordered_groups, share
from slactl.errors import RulesError, UsageError
from slactl.sla.enums import Priority
from slactl.sla.rules.match import Facts, Match
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
    found: list[Record] = []
    for objective in objectives:
        if period is None or period.kind is objective.period:
            found += _standing(transaction, objective, clock, period or current_period(objective, at or clock.now), by)
    return found


def _standing(
    transaction: "Transaction", objective: "Objective", clock: Clock, period: CalendarPeriod, by: By | None
) -> Iterator["Record"]:
    since, until = period.bounds(objective.zone)
    is_now, target = since <= clock.now < until, objective.target.value
    now, soon = to_text(clock.now), to_text(clock.now + timedelta(seconds=clock.due_soon))
    bounds = Period(now, to_text(since), to_text(until))
    rows = reads.counted_outcomes(transaction, bounds, target, by)
    rows += reads.targets_at_risk(transaction, now, soon, target, by) if is_now else []
    counts = _matched(objective.match, rows)
    for group in ordered_groups(counts, by) if by is not None else [None]:
        counted = counts[group]
        margin = Margin(objective.goal, counted["kept"], counted["missed"])
        yield {
            "name": objective.name,
            "period": period.name,
            "since": to_text(since),
            "until": to_text(until),
            "target": target,
            "goal": float(objective.goal.share),
            "kept": margin.kept,
            "missed": margin.missed,
            "attained": share(margin.kept, margin.done),
            "spare": margin.spare,
            "needed": margin.needed,
            "open_at_risk": counted["late"] + counted["soon"] if is_now else None,
            "credit": credit(margin, objective.thresholds),
            "state": _state(margin, counted["soon"]),
            "group": group,
        }


def margin_of(transaction: "Transaction", objective: "Objective", period: CalendarPeriod, now: datetime) -> Margin:
    """Return how many outcomes of a goal were kept and missed in a period, as known at `now`."""
    since, until = period.bounds(objective.zone)
    bounds = Period(to_text(now), to_text(since), to_text(until))
    counted = _matched(objective.match, reads.counted_outcomes(transaction, bounds, objective.target.value))[None]
    return Margin(objective.goal, counted["kept"], counted["missed"])


def missed_tickets(
    transaction: "Transaction", objective: "Objective", period: CalendarPeriod, now: datetime
) -> list[int]:
    """Return the tickets that missed the target of a goal in a period, each once, by the instant of the miss."""
    since, until = period.bounds(objective.zone)
    bounds = Period(to_text(now), to_text(since), to_text(until))
    found = reads.missed_outcomes(transaction, bounds, objective.target.value)
    return list(dict.fromkeys(number for number, row in found if objective.match.matches(_facts(row))))


def _facts(row: reads.Counted) -> Facts:
    return Facts(row.plan, row.tenant, row.tags, Priority(row.priority), row.requester_domain)


def _matched(match: Match, rows: Iterable[reads.Counted]) -> defaultdict[str | None, Counter[str]]:
    """Return the sums of the rows that a goal matches, by group."""
    counts: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if match.matches(_facts(row)):
            counts[row.group].update(kept=row.kept, missed=row.missed, late=row.late, soon=row.soon)
    return counts


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
    more = f" and {left:,} more" if left > 0 else ""
    return f"Goal {goal['objective']} ({goal['goal']}), {goal['period']}: {stand}; missed by ticket {numbers}{more}"
