"""Find probable mistakes in valid rules, each with its line."""

from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import NamedTuple

from slactl.durations import Duration, Offset
from slactl.sla.enums import Clock, Condition, Priority, Target
from slactl.sla.rules.lines import KeyPath, Lines
from slactl.sla.rules.match import Facts, Match
from slactl.sla.rules.model import Escalation, Level, Policy
from slactl.sla.rules.rules import Rules

#: A plan that no policy names.
OTHER = "\x00"

#: How many kinds of tickets are tried to find one that reaches a policy.
MOST_TRIED = 20_000


class LintWarning(NamedTuple):
    """Hold a warning and its line."""

    line: int
    message: str


def lint(rules: Rules, text: str) -> list[LintWarning]:
    """Return the warnings about rules, by line."""
    lines = Lines(text)
    warnings = [*_policies(rules), *_targets(rules), *_levels(rules), *_days(rules), *_roles(rules), *_customers(rules)]
    return sorted(LintWarning(lines.of(path), message) for path, message in warnings)


def _policies(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    for number, policy in enumerate(rules.policies):
        if next(reaching(rules, policy), None) is None:
            above = next((p.name for p in rules.policies[:number] if covers(p.match, policy.match)), None)
            first = f"{above!r} above matches" if above is not None else "the policies above match"
            yield ("policy", number), f"policy {policy.name!r} is never reached: {first} first"
    if any(rules.match(Facts(OTHER, None, (), priority, None)) is None for priority in Priority):
        last = max(0, len(rules.policies) - 1)
        yield ("policy", last), "no catch-all: a ticket that no policy matches gets no deadline"


def reaching(rules: Rules, policy: Policy) -> Iterator[Facts]:
    """Yield kinds of tickets for which a policy is chosen."""
    return (facts for facts in islice(_tickets(rules, policy.match), MOST_TRIED) if rules.match(facts) is policy)


def _tickets(rules: Rules, match: Match) -> Iterator[Facts]:
    """Yield every kind of ticket that a policy matches: with named values, and with values that no policy names."""
    named = [policy.match for policy in rules.policies]
    plans = match.plan or (OTHER, *{plan for match in named for plan in match.plan})
    tenants: Sequence[str | None] = match.tenant or (None, *{tenant for match in named for tenant in match.tenant})
    domains: Sequence[str | None] = match.requester_domain or (
        None,
        *{domain for match in named for domain in match.requester_domain},
    )
    # The fewer tags a ticket has, the fewer policies above match it.
    tags: Sequence[tuple[str, ...]] = [(tag,) for tag in match.tag] or [()]
    for plan, priority, tenant, domain, tag in product(plans, match.priority or Priority, tenants, domains, tags):
        yield Facts(plan, tenant, tag, priority, domain.lower() if domain is not None else None)


def covers(earlier: Match, later: Match) -> bool:
    """Return whether `earlier` matches every ticket that `later` matches."""
    for key in Match.model_fields:
        wanted, given = getattr(earlier, key), getattr(later, key)
        if wanted and (not given or not set(given) <= set(wanted)):
            return False
    return True


def _targets(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    """Yield plans and priorities without a target, at the policy that matches them or names the plan."""
    for number, policy in enumerate(rules.policies):
        bare = [
            facts
            for facts in reaching(rules, policy)
            if not any(policy.target(facts.priority, target) for target in Target)
        ]
        if bare:
            priorities = ", ".join(dict.fromkeys(facts.priority.value for facts in bare))
            yield ("policy", number), f"policy {policy.name!r} has no targets for {priorities} tickets{_of_plans(bare)}"
    for plan in rules.plans():
        none = [p.value for p in Priority if rules.match(Facts(plan, None, (), p, None)) is None]
        if none:
            naming = [("policy", n) for n, policy in enumerate(rules.policies) if plan in policy.match.plan]
            where: KeyPath = naming[0] if naming else ("settings", "default_plan")
            yield where, f"plan {plan!r} has no targets for {', '.join(none)} tickets: no policy matches them"


def _of_plans(tickets: Sequence[Facts]) -> str:
    plans = dict.fromkeys(facts.plan for facts in tickets if facts.plan != OTHER)
    return f" of plan {', '.join(plans)}" if plans and all(facts.plan != OTHER for facts in tickets) else ""


def _levels(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    for number, escalation in enumerate(rules.escalations):
        for index, level in enumerate(escalation.levels):
            reason = _idle_reason(escalation, level)
            if reason:
                where = f"level {level.id!r} of {escalation.id!r}"
                yield ("escalation", number, "level", index), f"{where} {reason}"
        watched = escalation.on
        if isinstance(watched, Target) and not _can_have_target(rules, watched, escalation.when):
            yield (
                ("escalation", number),
                f"{escalation.id!r} can never fire: no policy has a {watched.value} target for its tickets",
            )


def _days(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    """Yield the days of offsets, repeats and quiet times that are counted in open hours: 24 of them are no day."""
    for number, escalation in enumerate(rules.escalations):
        shorter = [name for name in _calendars(rules, escalation.on) if not rules.is_open_all_day(name)]
        if not shorter or escalation.clock is Clock.WALL:
            continue
        lengths: list[tuple[KeyPath, Offset | Duration]] = [
            (("level", index, "at"), level.at) for index, level in enumerate(escalation.levels)
        ]
        lengths += [
            (("level", index, "repeat", "every"), level.repeat.every)
            for index, level in enumerate(escalation.levels)
            if level.repeat is not None
        ]
        lengths += [(("idle", "for"), escalation.idle.for_)] if escalation.idle is not None else []
        for key, length in lengths:
            if length.has_days:
                seconds = abs(length.seconds)
                days, hours = Duration(seconds, has_days=True), Duration(seconds)
                counted = f'"{days}" counts {hours} of open time on calendar {shorter[0]}'
                advice = f'write "{seconds // 86_400}bd" for open dates, or "{hours}"'
                yield ("escalation", number, *key), f"{counted}; {advice}"


def _calendars(rules: Rules, watched: Target | Condition) -> list[str]:
    """Return the calendars on which policies count a target, or a condition."""
    names = list[str]()
    for policy in rules.policies:
        own = [policy.own_calendars(one).get(watched) for one in Priority] if isinstance(watched, Target) else []
        names += [name or policy.calendar for name in own or [None]]
    return list(dict.fromkeys(names))


def _idle_reason(escalation: Escalation, level: Level) -> str | None:
    """Return why a level can never have an effect, or None."""
    if not any((level.priority, level.assign, level.note, level.tag, level.notify)):
        return "does nothing: no priority, assign, note, tag, notify"
    for key in Match.model_fields:
        outer, inner = getattr(escalation.when, key), getattr(level.when, key)
        if key != "tag" and outer and inner and not set(outer) & set(inner):
            return f"can never fire: its when excludes the {key} of the escalation rule"
    wanted = level.when.priority or escalation.when.priority
    only_raises = not any((level.assign, level.note, level.tag, level.notify))
    if only_raises and level.priority and wanted and all(priority.rank >= level.priority.rank for priority in wanted):
        return f"changes nothing: its tickets already have priority {level.priority.value} or higher"
    return None


def _can_have_target(rules: Rules, target: Target, when: Match) -> bool:
    """Return whether a ticket that an escalation rule matches can have a target."""
    return any(
        policy.target(priority, target)
        for policy in rules.policies
        for priority in when.priority or Priority
        if not policy.match.priority or priority in policy.match.priority
        if not when.plan or not policy.match.plan or set(when.plan) & set(policy.match.plan)
    )


def _roles(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    assigned = {level.assign for escalation in rules.escalations for level in escalation.levels if level.assign}
    for name, role in rules.roles.items():
        if role.assignee is None and (name in assigned or not role.notify):
            yield ("roles", name), f"the role {name!r} has no assignee"


def _customers(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    if rules.settings.customer_mail is not None:
        return
    for number, escalation in enumerate(rules.escalations):
        for index, level in enumerate(escalation.levels):
            if "requester" in level.notify:
                yield (
                    ("escalation", number, "level", index),
                    "customers get no message: settings.customer_mail is not set",
                )
