"""Define the goals of `rules.toml`: which share of the outcomes of a target must be kept in each period."""

from datetime import tzinfo
from functools import cached_property
from typing import Annotated

from slactl.clock import zone
from slactl.sla.rules.match import Match
from slactl.sla.rules.objectives.goal import Goal, Margin, parse_goal
from slactl.sla.rules.objectives.period import PeriodKind
from slactl.sla.rules.part import Form, Part, must
from slactl.sla.rules.values import AnyTarget, Name, Names, from_list, text_of, word_of

AnyGoal = Annotated[Goal, Form(only=text_of(Goal, parse_goal, 'must be a text such as "95%"'))]


class Credit(Part):
    """Hold what a customer gets back, in percent, when attainment falls below a threshold."""

    below: AnyGoal
    percent: Annotated[int | float, must(lambda value: 0 < value <= 100, "must be a number above 0 and up to 100")]


class NotifyAt(Part):
    """Hold when a goal tells people: when few misses are spare, and when attainment falls below it."""

    spare: Annotated[int, must(lambda value: value >= 0, "must be a whole number, 0 or more")] | None = None
    below: bool = True

    @property
    def thresholds(self) -> tuple[str, ...]:
        """Return the names of the thresholds at which the goal tells people."""
        return (f"spare {self.spare}",) * (self.spare is not None) + ("below",) * self.below

    def is_passed(self, threshold: str, margin: Margin) -> bool:
        """Return whether a goal with this margin, after a miss, has reached one of its thresholds."""
        if threshold == "below":
            return not margin.is_kept
        return self.spare is not None and (margin.spare or 0) <= self.spare


class Objective(Part):
    """Hold a goal: a share of the outcomes of one target, of the tickets that it matches, in each period."""

    name: Name
    match: Match = Match()
    target: AnyTarget
    goal: AnyGoal
    period: Annotated[PeriodKind, word_of(PeriodKind)]
    notify: Names = ()
    notify_at: NotifyAt = NotifyAt()
    timezone: Name = "UTC"
    credits: Annotated[tuple[Credit, ...], Form(before=from_list)] = ()

    @cached_property
    def zone(self) -> tzinfo:
        """Return the zone in which its periods begin and end."""
        return zone(self.timezone)

    @property
    def thresholds(self) -> dict[Goal, float]:
        """Return the percentage of each credit, by its threshold."""
        return {credit.below: credit.percent for credit in self.credits}
