"""Compare how far goals are reached under two sets of rules on the same histories."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from slactl.desk.reports.objectives import current_period
from slactl.sla.enums import EventType
from slactl.sla.history.event import Event
from slactl.sla.rules.match import Facts
from slactl.sla.rules.objectives.goal import Margin
from slactl.sla.rules.objectives.period import CalendarPeriod
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.facts import TicketFacts
from slactl.sla.timers.timer import Outcome

#: How many outcomes were kept and missed.
Counts = list[int]

#: The domain of a requester, after the instant from which it holds.
Domain = tuple[datetime, str | None]


class GoalTally:
    """Count the outcomes of the goals of one set of rules, by goal and period."""

    def __init__(self, rules: Rules) -> None:
        self._objectives = {objective.name: objective for objective in rules.objectives}
        self._counts: defaultdict[tuple[str, CalendarPeriod], Counts] = defaultdict(lambda: [0, 0])

    def add(self, outcomes: Sequence[Outcome], history: Sequence[Event]) -> None:
        """Count the outcomes of one ticket with a history.

        A late stop and the deadline that passed before it are one miss in each of their periods, as in a report.
        """
        domains = _domains(history) if self._objectives else []
        for objective in self._objectives.values():
            for outcome in outcomes:
                instants = [at for at in (outcome.late_since, outcome.stopped_at) if at is not None]
                if outcome.kind is objective.target and objective.match.matches(_facts(outcome, domains, instants[0])):
                    for period in {current_period(objective, at) for at in instants}:
                        self._counts[objective.name, period][not outcome.met] += 1

    def __iter__(self) -> Iterator[tuple[str, CalendarPeriod]]:
        return iter(self._counts)

    def record(self, name: str, period: CalendarPeriod) -> dict[str, Any] | None:
        """Return the figures of a goal in a period; None if these rules do not have the goal."""
        if name not in self._objectives:
            return None
        kept, missed = self._counts.get((name, period), [0, 0])
        margin = Margin(self._objectives[name].goal, kept, missed)
        return {
            "goal": float(margin.goal.share),
            "kept": kept,
            "missed": missed,
            "spare": margin.spare,
            "needed": margin.needed,
            "is_kept": margin.is_kept,
        }


def _facts(outcome: Outcome, domains: Sequence[Domain], at: datetime) -> Facts:
    """Return the facts of a ticket at the instant of an outcome."""
    groups = outcome.groups
    domain = next((known for since, known in reversed(domains) if since <= at), domains[0][1])
    return Facts(groups.plan, groups.tenant, groups.tags, groups.priority, domain)


def _domains(history: Sequence[Event]) -> list[Domain]:
    """Return the domains that the requester of a ticket had, each with the instant from which it held."""
    facts = TicketFacts(history[0].detail, "")
    found = [(history[0].at, facts.domain)]
    for event in history:
        if event.type is EventType.EDITED:
            facts.take(event, "")
            found.append((event.at, facts.domain))
    return found


def compared(sides: tuple[GoalTally, GoalTally], names: tuple[str, str]) -> list[dict[str, Any]]:
    """Return each goal and period with outcomes under one of the rules, and whether the other rules gain or lose it."""
    found = sorted({*sides[0], *sides[1]}, key=lambda key: (key[0], key[1].first, key[1].kind))
    records = []
    for name, period in found:
        mine, other = (side.record(name, period) for side in sides)
        change = None
        if mine is not None and other is not None and mine["is_kept"] != other["is_kept"]:
            change = "gained" if other["is_kept"] else "lost"
        records.append({"name": name, "period": period.name, names[0]: mine, names[1]: other, "change": change})
    return records
