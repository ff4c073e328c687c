"""Find probable mistakes in valid rules, each with its line."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice, product
from typing import NamedTuple

from slactl.durations import Duration, Offset
from slactl.sla.calendar.calendar import DAY, NoOpenHours
from slactl.sla.enums import Clock, Condition, Priority, Target
from slactl.sla.rules.checks.calendars import local_holidays
from slactl.sla.rules.lines import KeyPath, Lines
from slactl.sla.rules.match import Facts, Match, MatchKeys
from slactl.sla.rules.model import Escalation, Level, Policy, TargetTime
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
        *_levels(rules),
        *_days(rules),
        *_roles(rules),
        *_customers(rules),
        *_unheard(rules),
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


def _levels(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    for number, escalation in enumerate(rules.escalations):
        for index, level in enumerate(escalation.levels):
            reason = _idle_reason(escalation, level)
            if reason:
                where = f"level {level.id!r} of {escalation.id!r}"
                yield ("escalation", number, "level", index), f"{where} {reason}"
        watched, when = escalation.on, escalation.when
        if _excludes_all(when.not_, when):
            yield (
                ("escalation", number),
                f"{escalation.id!r} can never fire: its when excludes all tickets that it matches",
            )
        elif isinstance(watched, Target) and not _can_have_target(rules, watched, escalation.when):
            yield (
                ("escalation", number),
                f"{escalation.id!r} can never fire: no policy has the target {watched.value} for its tickets",
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
    if not any((level.priority, level.assign, level.status, level.note, level.tag, level.notify)):
        return "does nothing: no priority, assign, status, note, tag, notify"
    outer, inner = _values(escalation.when), _values(level.when)
    for key in outer.keys() & inner.keys() - {"tag"}:
        if not outer[key] & inner[key]:
            return f"can never fire: its when and the when of the escalation rule have no {key} in common"
    both, of_rule = (escalation.when, level.when), _excludes_all(escalation.when.not_, escalation.when)
    if not of_rule and any(_excludes_all(one.not_, *both) for one in both):
        return "can never fire: its when excludes all tickets that the rule matches"
    wanted = level.when.priority or escalation.when.priority
    only_raises = not any((level.assign, level.status, level.note, level.tag, level.notify))
    if only_raises and level.priority and wanted and all(priority.rank >= level.priority.rank for priority in wanted):
        return f"changes nothing: its tickets already have priority {level.priority.value} or higher"
    return None


def _excludes_all(excluded: MatchKeys | None, *required: MatchKeys) -> bool:
    """Return whether `excluded` matches every ticket that matches what is `required`."""
    owned = [_values(one) for one in required]
    return excluded is not None and all(
        any(key in own and own[key] <= values for own in owned) for key, values in _values(excluded).items()
    )


def _values(keys: MatchKeys) -> dict[str, set[object]]:
    """Return the values that keys list, by the name of each key that is set."""
    stated = {key: value for key, value in keys.given().items() if key != "not_"}
    return {key: set(value) if isinstance(value, tuple) else {value} for key, value in stated.items()}


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
        if role.is_vacant and (name in assigned or not role.notify):
            yield ("roles", name), f"the role {name!r} has no assignee"


def _customers(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    why = "customers get no message: settings.customer_mail is not set"
    for number, escalation in enumerate(rules.escalations):
        for index, level in enumerate(escalation.levels):
            if "requester" in level.notify and rules.settings.customer_mail is None:
                yield ("escalation", number, "level", index), why


def _unheard(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    """Yield levels whose recipients are nobody, and a manual escalation that notifies nobody."""
    for number, escalation in enumerate(rules.escalations):
        for index, level in enumerate(escalation.levels):
            unassigned = escalation.on is Condition.UNASSIGNED, escalation.when.unassigned, level.when.unassigned
            is_unassigned, stays = any(unassigned), level.assign is None
            nobody = {"assignee"} if is_unassigned and stays else set()
            nobody |= {"previous_assignee"} if is_unassigned or stays else set()
            if level.notify and escalation.fallback is None and nobody.issuperset(level.notify):
                where = f"level {level.id!r} of {escalation.id!r} reaches nobody"
                message = f"{where}: its tickets have no {' and no '.join(level.notify)}, and the rule has no fallback"
                yield ("escalation", number, "level", index), message
    told = rules.settings.manual_escalation.notify
    nobody = {"previous_assignee"} | ({"requester"} if rules.settings.customer_mail is None else set())
    if nobody.issuperset(told):
        named = f"has only {' and '.join(told)} in notify" if told else "has no notify"
        yield ("settings", "manual_escalation"), f"slactl escalate notifies nobody: settings.manual_escalation {named}"
