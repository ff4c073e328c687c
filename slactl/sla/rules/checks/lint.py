"""Find probable mistakes in valid rules, each with its line."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice, product
from typing import NamedTuple

from slactl.durations import Duration, Offset
from slactl.sla.calendar.calendar import DAY, NoOpenHours
from slactl.sla.enums import Clock, Condition, Priority, Target
from slactl.sla.rules.checks import levels
from slactl.sla.rules.checks.calendars import local_holidays
from slactl.sla.rules.lines import KeyPath, Lines
from slactl.sla.rules.mail import checks as mail
from slactl.sla.rules.match import Facts, Match, MatchKeys
from slactl.sla.rules.model import Policy, TargetTime
from slactl.sla.rules.objectives import checks as objectives
from slactl.sla.rules.rules import Rules

#: A plan that no policy names.
OTHER = "\x00"

#: How many holidays a warning names.
MOST_DAYS = 6

#: The zones that are only an offset, and a place that has summer time.
_FIXED_ZONES = {"EST": "America/New_York", "MST": "America/Denver"}

#: How many kinds of tickets are tried to find one that reaches a policy.
MOST_TRIED = 20_000


class LintWarning(NamedTuple):
    """Hold a warning and its line."""

    line: int
    message: str


def lint(rules: Rules, text: str, year: int) -> list[LintWarning]:
    """Return the warnings about rules, by line; those about holidays are about the holidays of a year."""
    lines = Lines(text)
    warnings = [*_policies(rules), *_targets(rules), *_short_resolutions(rules, year), *_zones(rules)]
    warnings += [
        *_country_days(rules, year),
        *levels.warnings(rules),
        *_days(rules),
        *_roles(rules),
        *objectives.lint(rules, _tickets, MOST_TRIED),
        *mail.lint(rules),
    ]
    return sorted(LintWarning(lines.of(path), message) for path, message in warnings)


def _policies(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    for number, policy in enumerate(rules.policies):
        if next(reaching(rules, policy), None) is None:
            above = next((p.name for p in rules.policies[:number] if covers(p.match, policy.match)), None)
            first = f"{above!r} above matches" if above is not None else "the policies above match"
            yield ("policy", number), f"policy {policy.name!r} is never reached: {first} first"
    if any(rules.match(facts) is None for facts in islice(_tickets(rules, Match()), MOST_TRIED)):
        last = max(0, len(rules.policies) - 1)
        yield ("policy", last), "no catch-all: a ticket that no policy matches gets no deadline"


def reaching(rules: Rules, policy: Policy) -> Iterator[Facts]:
    """Yield kinds of tickets for which a policy is chosen."""
    return (facts for facts in islice(_tickets(rules, policy.match), MOST_TRIED) if rules.match(facts) is policy)


def _tickets(rules: Rules, match: Match) -> Iterator[Facts]:
    """Yield every kind of ticket that a policy matches: with named values, and with values that no policy names."""
    named = [keys for policy in rules.policies for keys in (policy.match, policy.match.not_) if keys is not None]
    plans = match.plan or (OTHER, *{plan for match in named for plan in match.plan})
    tenants: Sequence[str | None] = match.tenant or (None, *{tenant for match in named for tenant in match.tenant})
    domains: Sequence[str | None] = match.requester_domain or (
        None,
        *{domain for match in named for domain in match.requester_domain},
    )
    # The fewer tags a ticket has, the fewer policies above match it; but those that a policy excludes keep it away.
    excluded = {tag for policy in rules.policies if policy.match.not_ is not None for tag in policy.match.not_.tag}
    more: list[tuple[str, ...]] = [(), tuple(sorted(excluded))]
    more += [(tag,) for tag in sorted(excluded)]
    own: Sequence[tuple[str, ...]] = [(tag,) for tag in match.tag] or [()]
    tags = [(*some, *others) for others in more for some in own]
    for plan, priority, tenant, domain, tag in product(plans, match.priority or Priority, tenants, domains, tags):
        yield Facts(plan, tenant, tag, priority, domain.lower() if domain is not None else None)


def covers(earlier: Match, later: Match) -> bool:
    """Return whether `earlier` matches every ticket that `later` matches."""
    for key in MatchKeys.names():
        wanted, given = getattr(earlier, key), getattr(later, key)
        if wanted and (not given or not set(given) <= set(wanted)):
            return False
    return earlier.not_ is None or earlier.not_ == later.not_


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
            plans = dict.fromkeys(facts.plan for facts in bare)
            of_plans = f" of plan {', '.join(plans)}" if OTHER not in plans else ""
            yield ("policy", number), f"policy {policy.name!r} has no targets for {priorities} tickets{of_plans}"
    for plan in rules.plans():
        none = [p.value for p in Priority if rules.match(Facts(plan, None, (), p, None)) is None]
        if none:
            naming = [("policy", n) for n, policy in enumerate(rules.policies) if plan in policy.match.plan]
            where: KeyPath = naming[0] if naming else ("settings", "default_plan")
            yield where, f"plan {plan!r} has no targets for {', '.join(none)} tickets: no policy matches them"


def _short_resolutions(rules: Rules, year: int) -> Iterator[tuple[KeyPath, str]]:
    """Yield resolutions that are due before the first response."""
    for number, policy in enumerate(rules.policies):
        for key, times in policy.targets.items():
            first, resolution = times.first_response, times.resolution
            if first is not None and resolution is not None and _ends_first(rules, policy, resolution, first, year):
                whose = f"policy {policy.name!r}: the resolution of {key} tickets, {resolution},"
                path = ("policy", number, "targets", key, "resolution")
                yield path, f"{whose} is shorter than their first response, {first}"


def _ends_first(rules: Rules, policy: Policy, one: TargetTime, other: TargetTime, year: int) -> bool:
    """Return whether one target is due before another, and never after it, whenever a ticket is opened."""
    name, other_name = one.calendar or policy.calendar, other.calendar or policy.calendar
    pair = one.within, other.within
    alike = pair[0].in_dates == pair[1].in_dates and all(length.until is None for length in pair)
    if name == other_name and alike:
        return pair[0][:2] < pair[1][:2]
    begin = (date(year, 3, 1) - date(1970, 1, 1)).days * DAY
    calendar, other_calendar = rules.calendar(name), rules.calendar(other_name)
    try:
        due = [
            (calendar.after(at, pair[0]), other_calendar.after(at, pair[1]))
            for at in range(begin, begin + 14 * DAY, 3600)
        ]
    except NoOpenHours:  # an instant for comparison needs special dates to come
        return False
    return all(a <= b for a, b in due) and any(a < b for a, b in due)


def _zones(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    """Yield zones that keep one offset all year where a place has summer time."""
    tables = ("calendars", "roles", "people", "schedules")
    stated = {(table, name): part.timezone for table in tables for name, part in getattr(rules, table).items()}
    stated |= {("maintenance", number): planned.timezone for number, planned in enumerate(rules.maintenance)}
    for path, zone in stated.items():
        place = _FIXED_ZONES.get(zone or "")
        if place is None and (zone or "").startswith(("Etc/GMT+", "Etc/GMT-")):
            place = "Europe/Berlin"
        if place is not None:
            yield (*path, "timezone"), f"time zone {zone} has no summer time; write a place, such as {place}"


def _country_days(rules: Rules, year: int) -> Iterator[tuple[KeyPath, str]]:
    """Yield countries with holidays that only parts of them have, where the calendar names no part."""
    for name, calendar in rules.calendars.items():
        if days := local_holidays(calendar, year):
            listed = ", ".join(days[:MOST_DAYS]) + (f" and {len(days) - MOST_DAYS} more" if days[MOST_DAYS:] else "")
            message = f"without a subdivision of {calendar.country} these holidays count as working days: {listed}"
            yield ("calendars", name, "country"), message


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


def _roles(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    assigned = {level.assign for escalation in rules.escalations for level in escalation.levels if level.assign}
    for name, role in rules.roles.items():
        if role.is_vacant and (name in assigned or not role.notify):
            yield ("roles", name), f"the role {name!r} has no assignee"
