"""Check goals: known names, credits that differ, and matches for which the policies promise the target."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from slactl.sla.rules.checks.calendars import attempt, unknown_names
from slactl.sla.rules.lines import KeyPath, Problem
from slactl.sla.rules.match import Facts, Match
from slactl.sla.rules.objectives.goal import Goal

if TYPE_CHECKING:
    from slactl.sla.rules.rules import Rules


def problems(rules: "Rules", check: Callable[[str], object]) -> Iterator[Problem]:
    """Yield what is wrong with goals; `check` refuses time zones."""
    for number, objective in enumerate(rules.objectives):
        here: KeyPath = ("objective", number)
        yield from attempt((*here, "timezone"), check, objective.timezone)
        yield from unknown_names((*here, "notify"), objective.notify, rules)
        seen = set[Goal]()
        for place, credit in enumerate(objective.credits):
            if credit.below in seen:
                yield (*here, "credits", place), f"another credit has the threshold {credit.below} too"
            seen.add(credit.below)


def lint(
    rules: "Rules", tickets: Callable[["Rules", Match], Iterator[Facts]], most: int
) -> Iterator[tuple[KeyPath, str]]:
    """Yield the goals that no ticket can count for, and the goals whose messages are never sent.

    At most so many kinds of tickets that match are tried.
    """
    for number, objective in enumerate(rules.objectives):
        chosen = [(facts, rules.match(facts)) for facts in islice(tickets(rules, objective.match), most)]
        served = [(facts, policy) for facts, policy in chosen if policy is not None and objective.match.matches(facts)]
        name, target = objective.name, objective.target
        if not served:
            yield ("objective", number, "match"), f"no policy serves the tickets of goal {name!r}"
        elif not any(policy.target(facts.priority, target) for facts, policy in served):
            yield ("objective", number, "target"), f"no policy promises {target} to the tickets of goal {name!r}"
        if objective.notify and not objective.notify_at.thresholds:
            why = f"goal {name!r} never sends a message: notify_at has neither spare nor below"
            yield ("objective", number, "notify_at"), why
        elif "notify_at" in objective.given() and not objective.notify:
            yield ("objective", number, "notify_at"), f"goal {name!r} sends its messages to nobody: it has no notify"
