"""What is probably a mistake in rules that are valid: each with its line."""

from collections.abc import Iterator
from typing import NamedTuple

from slactl.sla.history import Priority, Target
from slactl.sla.rules import Rules
from slactl.sla.rules_lines import Lines
from slactl.sla.rules_model import Level, Match

Place = tuple[str | int, ...]


class LintWarning(NamedTuple):
    """Something to look at, and where."""

    line: int
    message: str


def lint(rules: Rules, text: str) -> list[LintWarning]:
    """The warnings about rules, by line."""
    lines = Lines(text)
    found = [*_policies(rules), *_targets(rules), *_levels(rules), *_roles(rules), *_customers(rules)]
    return sorted(LintWarning(lines.of(place), message) for place, message in found)


def _policies(rules: Rules) -> Iterator[tuple[Place, str]]:
    for place, policy in enumerate(rules.policies):
        for earlier in rules.policies[:place]:
            if _covers(earlier.match, policy.match):
                why = f"policy {policy.name!r} is never reached: {earlier.name!r} above matches first"
                yield ("policy", place), why
                break
    if not any(policy.match == Match() for policy in rules.policies):
        last = max(0, len(rules.policies) - 1)
        yield ("policy", last), "no catch-all: a ticket that no policy matches gets no deadline"


def _covers(earlier: Match, later: Match) -> bool:
    """Whether everything that `later` matches is matched by `earlier` already."""
    for key in Match.model_fields:
        wanted, given = getattr(earlier, key), getattr(later, key)
        if wanted and (not given or not set(given) <= set(wanted)):
            return False
    return True


def _targets(rules: Rules) -> Iterator[tuple[Place, str]]:
    for place, policy in enumerate(rules.policies):
        missing = [
            priority.value
            for priority in policy.match.priority or tuple(Priority)
            if not any(policy.target(priority, target) for target in Target)
        ]
        if missing:
            yield ("policy", place), f"policy {policy.name!r} promises nothing to {', '.join(missing)} tickets"


def _levels(rules: Rules) -> Iterator[tuple[Place, str]]:
    for place, escalation in enumerate(rules.escalations):
        for number, level in enumerate(escalation.levels):
            if not _does_something(level):
                where = f"level {level.id!r} of {escalation.id!r}"
                nothing = f"{where} does nothing: no priority, assign, note, tag, notify"
                yield ("escalation", place, "level", number), nothing
        watched = escalation.on
        if isinstance(watched, Target) and not _is_promised(rules, watched):
            yield ("escalation", place), f"{escalation.id!r} can never fire: no policy promises a {watched.value}"


def _does_something(level: Level) -> bool:
    return any((level.priority, level.assign, level.note, level.tag, level.notify))


def _is_promised(rules: Rules, target: Target) -> bool:
    return any(policy.target(priority, target) for policy in rules.policies for priority in Priority)


def _roles(rules: Rules) -> Iterator[tuple[Place, str]]:
    assigned = {level.assign for escalation in rules.escalations for level in escalation.levels if level.assign}
    for name, role in rules.roles.items():
        if role.assignee is None and (name in assigned or not role.notify):
            yield ("roles", name), f"nobody holds the role {name!r}: it has no assignee"


def _customers(rules: Rules) -> Iterator[tuple[Place, str]]:
    if rules.settings.customer_mail is not None:
        return
    for place, escalation in enumerate(rules.escalations):
        for number, level in enumerate(escalation.levels):
            if "requester" in level.notify:
                yield ("escalation", place, "level", number), "no customer is told: settings.customer_mail is not set"
