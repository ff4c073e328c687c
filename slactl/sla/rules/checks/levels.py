"""Find escalation rules and levels that can never fire, change nothing, or reach nobody."""

from collections.abc import Iterator

from slactl.sla.enums import Condition, Priority, Status, Target
from slactl.sla.rules.lines import KeyPath
from slactl.sla.rules.match import Match, MatchKeys, MomentKeys, When
from slactl.sla.rules.model import Escalation, Level
from slactl.sla.rules.rules import Rules
from slactl.text import clean, did_you_mean

#: The statuses in which the levels of a condition fire; those of other rules fire in all of them.
_STATUSES = {
    Condition.WAITING: {Status.PENDING, Status.WAITING_CUSTOMER},
    Condition.IDLE: {Status.OPEN},
}
_FIRING = {status for status in Status if not status.is_done}

#: Whether the tickets of a condition are unassigned.
_UNASSIGNED = {Condition.UNASSIGNED: True, Condition.IDLE: False}


def warnings(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is probably wrong with escalation rules and their levels, each with its place."""
    yield from _idle(rules)
    yield from _unknown_people(rules)
    yield from _customers(rules)
    yield from _unheard(rules)


def _idle(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    """Yield escalation rules and levels that can never fire or change nothing."""
    for number, escalation in enumerate(rules.escalations):
        contradiction = _contradiction(escalation.on, escalation.when)
        for index, level in enumerate(escalation.levels):
            reason = _idle_reason(escalation, level)
            if reason is None and contradiction is None:
                reason = _contradiction(escalation.on, escalation.when, level.when)
            if reason:
                where = f"level {level.id!r} of {escalation.id!r}"
                yield ("escalation", number, "level", index), f"{where} {reason}"
        watched, when = escalation.on, escalation.when
        if _excludes_all(when.not_, when):
            yield (
                ("escalation", number),
                f"{escalation.id!r} can never fire: its when excludes all tickets that it matches",
            )
        elif contradiction is not None:
            yield ("escalation", number), f"{escalation.id!r} {contradiction}"
        elif isinstance(watched, Target) and not _can_have_target(rules, watched, escalation.when):
            yield (
                ("escalation", number),
                f"{escalation.id!r} can never fire: no policy has the target {watched.value} for its tickets",
            )


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


def _contradiction(watched: Target | Condition, *conditions: When) -> str | None:
    """Return why no ticket is in a state that all conditions allow while the levels can fire, or None."""
    allowed = _STATUSES.get(watched, _FIRING) if isinstance(watched, Condition) else _FIRING
    left, unassigned = set(allowed), {True, False}
    if watched in _UNASSIGNED:
        unassigned &= {_UNASSIGNED[Condition(watched)]}
    for each in conditions:
        left &= set(each.status or Status)
        unassigned &= {each.unassigned} if each.unassigned is not None else {True, False}
        unassigned -= {True} if each.assignee else set()
        alone = each.not_ if each.not_ is not None and len(each.not_.given()) == 1 else MomentKeys()
        left -= set(alone.status)
        unassigned -= {alone.unassigned} if alone.unassigned is not None else set()
    if not left:
        fire = ", ".join(status for status in Status if status in allowed)
        return f"can never fire: its when allows no status in which levels of {watched} fire ({fire})"
    if not unassigned:
        return "can never fire: it needs tickets that have an assignee and no assignee"
    return None


def _unknown_people(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    """Yield assignees in conditions who are no people of the rules; tickets of an import may have such assignees."""
    known = dict.fromkeys([*rules.people, *(role.assignee for role in rules.roles.values() if role.assignee)])
    for number, escalation in enumerate(rules.escalations):
        conditions: list[tuple[KeyPath, When]] = [(("escalation", number, "when"), escalation.when)]
        for index, level in enumerate(escalation.levels):
            conditions.append((("escalation", number, "level", index, "when"), level.when))
        for path, when in conditions:
            for name in (*when.assignee, *(when.not_.assignee if when.not_ is not None else ())):
                if name not in known:
                    what = f"the assignee {clean(name)!r} in when is not a person of the rules"
                    yield (*path, "assignee"), f"{what}{did_you_mean(name, known)}"


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


def _customers(rules: Rules) -> Iterator[tuple[KeyPath, str]]:
    """Yield levels whose messages to the customer slactl never sends."""
    for number, escalation in enumerate(rules.escalations):
        for index, level in enumerate(escalation.levels):
            if "requester" not in level.notify:
                continue
            path, where = ("escalation", number, "level", index), f"level {level.id!r} of {escalation.id!r}"
            is_warning = isinstance(escalation.on, Target) and level.at.is_warning
            is_news = escalation.on is Condition.WAITING or (isinstance(escalation.on, Target) and not is_warning)
            if rules.settings.customer_mail is None:
                yield path, "customers get no message: settings.customer_mail is not set"
            elif not is_news:
                alone = set(level.notify) == {"requester"} and escalation.fallback is None
                what = "reaches nobody" if alone else "does not reach customers"
                when = "a missed deadline, and while slactl waits for their answer"
                yield path, f"{where} {what}: customers get messages only after {when}"


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
    nobody = {"previous_assignee", "requester"}
    if nobody.issuperset(told):
        named = f"has only {' and '.join(told)} in notify" if told else "has no notify"
        yield ("settings", "manual_escalation"), f"slactl escalate notifies nobody: settings.manual_escalation {named}"
