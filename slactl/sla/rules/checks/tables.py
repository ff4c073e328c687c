"""Check what must hold between the parts of the rules: known names, possible hours, no literal secrets."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slactl.clock import new_zone, zone
from slactl.durations import WALL_FORMS, Duration, Offset
from slactl.sla.calendar.windows import is_whole_week, windows
from slactl.sla.enums import Clock, Condition, Priority
from slactl.sla.rules import addresses, calendars, match, model, values
from slactl.sla.rules import views as rules_views
from slactl.sla.rules.checks import calendars as calendar_checks
from slactl.sla.rules.checks import oncall
from slactl.sla.rules.checks.calendars import attempt, unknown_names, unknown_words
from slactl.sla.rules.lines import KeyPath, Problem
from slactl.sla.rules.mail import checks as mail
from slactl.sla.rules.mail.model import MailRules
from slactl.sla.rules.objectives import checks as objectives
from slactl.sla.rules.objectives import model as goals
from slactl.sla.rules.oncall import schedules
from slactl.sla.rules.part import Part
from slactl.text import clean, dashed

if TYPE_CHECKING:
    from slactl.sla.rules.rules import Rules

#: The recipients that `notify` may name besides people and roles.
RELATIONS = ("assignee", "previous_assignee", "requester")

#: The fields that messages may include.
INCLUDES = ("subject", "requester_email")

#: What the command of a source may have in its arguments: the instant from which it lists changes.
SINCE = "{since}"


def problems(rules: "Rules", data: Mapping[str, Any], *, pinned: bool = False) -> Iterator[Problem]:
    """Yield everything that is wrong with rules whose parts have the right shape.

    Rules that tickets are `pinned` to may name zones that new rules may not: they keep the meaning they had.
    """
    yield from nul_problems((), data)
    yield from _zone_problems(rules, zone if pinned else new_zone)
    yield from (wrong := list(calendar_checks.problems(rules.calendars, data.get("calendars", {}), pinned=pinned)))
    if not pinned:
        yield from _tag_problems(rules)
    yield from duplicates(("policy",), "name", [policy.name for policy in rules.policies])
    for number, policy in enumerate(rules.policies):
        yield from _policy_problems(("policy", number), policy, rules, measure=not wrong)
    for kind in ("roles", "people"):
        for name, role in getattr(rules, kind).items():
            yield from _recipient_problems((kind, name), role)
            yield from _window_problems((kind, name, "quiet"), role.quiet, pinned=pinned)
            if role.only is not None:
                yield from unknown_words((kind, name, "only"), [role.only], rules.calendars, "calendar")
    for number, planned in enumerate(rules.maintenance):
        yield from _window_problems(("maintenance", number, "weekly"), planned.weekly, pinned=pinned)
    yield from _customer_problems(rules.settings.customer_mail)
    yield from _heartbeat_problems(rules.settings)
    yield from _proxy_problems(rules.settings)
    yield from duplicates(("escalation",), "id", [escalation.id for escalation in rules.escalations])
    for number, escalation in enumerate(rules.escalations):
        yield from _escalation_problems(("escalation", number), escalation, rules)
        if not pinned and escalation.clock is Clock.WALL:
            yield from _wall_problems(("escalation", number), escalation)
    yield from duplicates(("source",), "name", [source.name for source in rules.sources])
    for number, source in enumerate(rules.sources if not pinned else ()):
        yield from addresses.command_problems(("source", number, "command"), source.command, (SINCE,))
    if "manual_escalation" in data.get("settings", {}):
        recipients = rules.settings.manual_escalation.notify
        yield from unknown_names(("settings", "manual_escalation"), recipients, rules, RELATIONS)
    yield from oncall.problems(rules)
    yield from duplicates(("objective",), "name", [objective.name for objective in rules.objectives])
    yield from objectives.problems(rules, zone if pinned else new_zone)
    yield from mail.problems(rules)
    yield from rules_views.problems(rules.views, rules.priorities.meanings)


def _zone_problems(rules: "Rules", check: Callable[[str], object]) -> Iterator[Problem]:
    """Yield each time zone that `check` refuses."""
    for table in ("calendars", "roles", "people", "schedules"):
        for name, part in getattr(rules, table).items():
            if part.timezone is not None:
                yield from attempt((table, name, "timezone"), check, part.timezone)
    for number, planned in enumerate(rules.maintenance):
        if planned.timezone is not None:
            yield from attempt(("maintenance", number, "timezone"), check, planned.timezone)


def _window_problems(path: KeyPath, texts: Sequence[str], *, pinned: bool) -> Iterator[Problem]:
    yield from (wrong := list(attempt(path, windows, texts)))
    if not pinned and not wrong and is_whole_week(windows(texts)):
        yield path, f"{', '.join(texts)} is the whole week; no message would ever be sent"


def nul_problems(path: KeyPath, value: object) -> Iterator[Problem]:
    """Yield texts with a NUL character, which no history file could hold."""
    if isinstance(value, str) and "\x00" in value:
        yield path, "has a NUL character"
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(key, str) and "\x00" in key:
            yield (*path, key), "the key has a NUL character"
        yield from nul_problems((*path, key), item)


def known_keys(path: KeyPath) -> list[str]:
    """Return the keys that a table may have."""
    names = [key for key in path if isinstance(key, str)]
    part: type[Part] | None = _ROOT.get(names[0]) if names else None
    if not names:
        return ["schema", *_ROOT, "views"]
    for name in names[2 if names[0] in ("calendars", "roles", "people", "schedules") else 1 :]:
        if names[0] == "schedules" and name == "layer":
            part = schedules.LayerRules
        elif name == "not" and part is match.When:
            part = match.MomentKeys
        else:
            part = _INNER.get(name, part)
    return part.file_keys() if part else []


_ROOT: dict[str, type[Part]] = {
    "settings": model.Settings,
    "priorities": values.PriorityWords,
    "calendars": calendars.CalendarRules,
    "policy": model.Policy,
    "roles": model.Role,
    "people": model.Person,
    "schedules": schedules.ScheduleRules,
    "escalation": model.Escalation,
    "source": model.Source,
    "objective": goals.Objective,
    "maintenance": model.Maintenance,
    "mail": MailRules,
    "templates": model.Templates,
}

_INNER: dict[str, type[Part]] = {
    "manual_escalation": model.ManualEscalation,
    "match": match.Match,
    "not": match.MatchKeys,
    "when": match.When,
    "targets": model.TargetDurations,
    "level": model.Level,
    "repeat": model.Repeat,
    "idle": model.Idle,
    "burst": model.Burst,
    "notify": values.CommandAddress,
    "notify_at": goals.NotifyAt,
    "credits": goals.Credit,
    **dict.fromkeys(model.TargetDurations.names(), model.TargetTime),
}


def _policy_problems(path: KeyPath, policy: model.Policy, rules: "Rules", *, measure: bool) -> Iterator[Problem]:
    """Yield wrong names and, with `measure`, days on a calendar that is not always open."""
    if policy.calendar not in rules.calendars:
        yield from unknown_words((*path, "calendar"), [policy.calendar], rules.calendars, "calendar")
    for priority, times in policy.targets.items():
        yield from unknown_words((*path, "targets", priority), [priority], [*Priority, "default"], "priority")
        for target in model.TargetDurations.names():
            time: model.TargetTime | None = getattr(times, target)
            if time is None:
                continue
            here, calendar = (*path, "targets", priority, target), time.calendar or policy.calendar
            if time.calendar is not None:
                yield from unknown_words((*here, "calendar"), [time.calendar], rules.calendars, "calendar")
            if measure and time.within.has_days and calendar in rules.calendars and not rules.is_open_all_day(calendar):
                advice = f'write hours or business days, such as "{max(1, time.within.seconds // 86_400)}bd"'
                yield here, f'"{time.within}" counts days, but calendar {calendar} is not always open; {advice}'


def _tag_problems(rules: "Rules") -> Iterator[Problem]:
    """Yield the tags that no ticket can have, because a tag is written without blanks."""
    tags: list[tuple[KeyPath, Iterable[str]]] = []
    conditions: list[tuple[KeyPath, match.Match]] = [
        (("policy", number, "match"), policy.match) for number, policy in enumerate(rules.policies)
    ]
    conditions += [(("objective", number, "match"), goal.match) for number, goal in enumerate(rules.objectives)]
    for number, escalation in enumerate(rules.escalations):
        conditions.append((("escalation", number, "when"), escalation.when))
        for index, level in enumerate(escalation.levels):
            here = ("escalation", number, "level", index)
            conditions.append(((*here, "when"), level.when))
            tags.append(((*here, "tag"), level.tag))
    for path, condition in conditions:
        tags.append(((*path, "tag"), condition.tag))
        tags.append(((*path, "not", "tag"), condition.not_.tag if condition.not_ is not None else ()))
    for path, names in tags:
        for name in names:
            if (better := dashed(name)) != name:
                better = better or "needs-review"
                yield path, f"the tag {name!r} has a comma or a blank, and no ticket has such a tag; write {better!r}"


def _recipient_problems(path: KeyPath, role: model.Person) -> Iterator[Problem]:
    for index, address in enumerate(role.notify):
        here = (*path, "notify")
        if isinstance(address, str):
            yield from _address_problems(here, address)
        else:
            yield from addresses.address_command_problems((*here, index, "command"), address.command)
    yield from unknown_words((*path, "include"), role.include, INCLUDES, "field of messages")


def _address_problems(path: KeyPath, url: str) -> Iterator[Problem]:
    if addresses.has_literal_secret(url) and (kind := addresses.scheme(url)) and not addresses.known_scheme(kind):
        yield path, f"Apprise does not know {clean(kind)[:50]}://"
    elif addresses.has_literal_secret(url):
        what = "the address has a literal secret or a text that could be one"
        readable = "only addresses of mail, syslog and this machine may be in clear text, except their passwords"
        yield path, f"{what}; store it in ${{env:NAME}} or ${{file:PATH}} ({readable})"
    elif "://" not in addresses.PLACEHOLDER.sub("x://", url):
        yield path, "an address must be a URL, for example mailtos://…, slack://… or ${env:NAME}"


def _customer_problems(url: str | None) -> Iterator[Problem]:
    path = ("settings", "customer_mail")
    if url is None:
        return
    yield from _address_problems(path, url)
    if not url.startswith("${") and addresses.scheme(url) not in addresses.MAIL_SCHEMES:
        yield path, "customers get mail only; write mailtos://…"
    elif addresses.has_receiver(url):
        yield path, "slactl adds the customer's address; remove to, cc and bcc"


def _heartbeat_problems(settings: model.Settings) -> Iterator[Problem]:
    path, url = ("settings", "heartbeat"), settings.heartbeat
    if url is None:
        return
    if not addresses.PLACEHOLDER.match(url) and addresses.scheme(url) not in ("https", "http"):
        yield path, "must be a URL: https://… or ${env:NAME}"
    elif addresses.has_literal_secret(url):
        yield path, "the address is a secret; store it in ${env:NAME} or ${file:PATH}"
    elif addresses.scheme(url) == "http" and not settings.allow_http and not addresses.is_local(url):
        yield path, "the URL is not https; write https://…, or add allow_http = true"


def _proxy_problems(settings: model.Settings) -> Iterator[Problem]:
    path, url = ("settings", "proxy"), settings.proxy
    if url is None or addresses.PLACEHOLDER.fullmatch(url):
        return
    if addresses.scheme(url) not in ("http", "https") or addresses.host(url) == "":
        yield path, "must be the URL of an HTTP proxy: http://proxy.example.com:3128 or ${env:NAME}"
    elif addresses.has_literal_login(url):
        yield (
            path,
            "the login of the proxy is a secret; store the login, or the whole URL, in ${env:NAME} or ${file:PATH}",
        )
    elif addresses.sends_login(url) and not settings.allow_http:
        yield path, "the login goes to the proxy without TLS; write https://…, or add allow_http = true"


def _escalation_problems(path: KeyPath, escalation: model.Escalation, rules: "Rules") -> Iterator[Problem]:
    yield from duplicates((*path, "level"), "id", [level.id for level in escalation.levels])
    if escalation.fallback is not None and escalation.fallback not in rules.roles:
        yield from unknown_words((*path, "fallback"), [escalation.fallback], rules.roles, "role")
    for number, level in enumerate(escalation.levels):
        here = (*path, "level", number)
        if isinstance(escalation.on, Condition) and (level.at.percent is not None or level.at.seconds < 0):
            yield (
                (*here, "at"),
                f'a condition has no deadline: "{level.at}" must be "0m" or a later offset, such as "+10m"',
            )
        if level.assign is not None:
            yield from unknown_names((*here, "assign"), [level.assign], rules)
        yield from unknown_names((*here, "notify"), level.notify, rules, RELATIONS)


def _wall_problems(path: KeyPath, escalation: model.Escalation) -> Iterator[Problem]:
    """Yield the business days of an escalation rule that counts every hour."""
    lengths: list[tuple[KeyPath, Offset | Duration]] = []
    if escalation.idle is not None:
        lengths.append((("idle", "for"), escalation.idle.for_))
    for number, level in enumerate(escalation.levels):
        lengths.append((("level", number, "at"), level.at))
        if level.repeat is not None:
            lengths.append((("level", number, "repeat", "every"), level.repeat.every))
    for key, length in lengths:
        if length.business_days:
            advice = f'clock = "wall" counts every hour; use {WALL_FORMS}, or clock = "calendar"'
            yield (*path, *key), f'"{length}" is in business days, but {advice}'


def duplicates(path: KeyPath, key: str, names: Sequence[str]) -> Iterator[Problem]:
    """Yield a problem for each name that is used above."""
    for number, name in enumerate(names):
        if name in names[:number]:
            yield (*path, number, key), f"the {key} {name!r} is used above; each must be different"
