"""Check what must hold between the parts of the rules: known names, possible hours, no literal secrets."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slactl.clock import is_zone, new_zone, zone
from slactl.sla.calendar.calendar import BusinessCalendar, NoOpenHours
from slactl.sla.enums import Condition, Priority
from slactl.sla.rules import addresses, match, model
from slactl.sla.rules import views as rules_views
from slactl.sla.rules.hours import WEEKDAYS, date_intervals, holiday_dates, hours, interval, intervals, weekdays
from slactl.sla.rules.lines import KeyPath, Problem
from slactl.text import clean, did_you_mean

if TYPE_CHECKING:
    from slactl.sla.rules.rules import Rules

#: The recipients that `notify` may name besides people and roles.
RELATIONS = ("assignee", "previous_assignee", "requester")

#: The fields that messages may include.
INCLUDES = ("subject", "requester_email")


def problems(rules: "Rules", data: Mapping[str, Any], *, pinned: bool = False) -> Iterator[Problem]:
    """Yield everything that is wrong with rules whose parts have the right shape.

    Rules that tickets are `pinned` to may name zones that new rules may not: they keep the meaning they had.
    """
    yield from nul_problems((), data)
    check = zone if pinned else new_zone
    for table in ("calendars", "roles", "people"):
        for unique, part in getattr(rules, table).items():
            if part.timezone is not None:
                yield from attempt((table, unique, "timezone"), check, part.timezone)
    for name, calendar in rules.calendars.items():
        yield from _calendar_problems(("calendars", name), calendar)
    yield from duplicates(("policy",), "name", [policy.name for policy in rules.policies])
    for number, policy in enumerate(rules.policies):
        yield from _policy_problems(("policy", number), policy, rules)
    for kind in ("roles", "people"):
        for name, role in getattr(rules, kind).items():
            path = (kind, name)
            for url in role.notify:
                yield from _address_problems((*path, "notify"), url)
            yield from unknown_words((*path, "include"), role.include, INCLUDES, "field of messages")
            if role.quiet is not None:
                yield from attempt((*path, "quiet"), interval, role.quiet)
    yield from _customer_problems(rules.settings.customer_mail)
    yield from _heartbeat_problems(rules.settings)
    yield from _proxy_problems(rules.settings)
    yield from duplicates(("escalation",), "id", [escalation.id for escalation in rules.escalations])
    for number, escalation in enumerate(rules.escalations):
        yield from _escalation_problems(("escalation", number), escalation, rules)
    if "manual_escalation" in data.get("settings", {}):
        recipients = rules.settings.manual_escalation.notify
        yield from _unknown_names(("settings", "manual_escalation"), recipients, rules, RELATIONS)
    yield from rules_views.problems(rules.views)


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
    part: type[match.Part] | None = _ROOT.get(names[0]) if names else None
    if not names:
        return ["schema", *_ROOT, "views"]
    for name in names[2 if names[0] in ("calendars", "roles", "people") else 1 :]:
        part = _INNER.get(name, part)
    return [field.alias or name for name, field in part.model_fields.items()] if part else []


_ROOT: dict[str, type[match.Part]] = {
    "settings": model.Settings,
    "priorities": model.Priorities,
    "calendars": model.CalendarRules,
    "policy": model.Policy,
    "roles": model.Role,
    "people": model.Person,
    "escalation": model.Escalation,
    "templates": model.Templates,
}

_INNER: dict[str, type[match.Part]] = {
    "manual_escalation": model.ManualEscalation,
    "match": match.Match,
    "not": match.MatchKeys,
    "when": match.Match,
    "targets": model.TargetDurations,
    "level": model.Level,
    "repeat": model.Repeat,
    "idle": model.Idle,
    "burst": model.Burst,
}


def _calendar_problems(path: KeyPath, calendar: model.CalendarRules) -> Iterator[Problem]:
    stated = [key for key in ("weekly", "dates", "country", "holidays") if getattr(calendar, key)]
    if calendar.always_open and stated:
        yield (*path, stated[0]), f"always_open and {stated[0]} cannot be used together"
        return
    yield from (bad_hours := list(_hours_problems(path, calendar)))
    yield from _country_problems(path, calendar)
    if not bad_hours and not calendar.always_open:
        try:
            # The clocks of the zone may jump over all hours of the special dates.
            BusinessCalendar(str(path[-1]), calendar.timezone if is_zone(calendar.timezone) else "UTC", hours(calendar))
        except NoOpenHours:
            yield path, "the calendar is never open; give it weekly hours, dates or always_open = true"


def _hours_problems(path: KeyPath, calendar: model.CalendarRules) -> Iterator[Problem]:
    named: dict[int, str] = {}
    for key, texts in calendar.weekly.items():
        yield from attempt((*path, "weekly", key), _not_twice, key, named)
        yield from attempt((*path, "weekly", key), intervals, texts)
    for key, texts in calendar.dates.items():
        yield from attempt((*path, "dates", key), date_intervals, {key: texts})
    yield from attempt((*path, "holidays"), holiday_dates, calendar.holidays)


def _not_twice(key: str, named: dict[int, str]) -> None:
    for weekday in weekdays(key):
        if named.setdefault(weekday, key) != key:
            raise ValueError(f"{WEEKDAYS[weekday]} already has hours in {named[weekday]!r}")


def attempt(path: KeyPath, convert: Callable[..., object], *values: object) -> Iterator[Problem]:
    """Yield the problem of values that `convert` refuses."""
    try:
        convert(*values)
    except ValueError as error:
        yield path, str(error)


def _country_problems(path: KeyPath, calendar: model.CalendarRules) -> Iterator[Problem]:
    if calendar.country is None:
        if calendar.subdivision is not None:
            yield (*path, "subdivision"), "a subdivision needs a country"
        return
    if re.fullmatch("[A-Z]{2}", calendar.country) and _is_known(calendar.country, calendar.subdivision):
        return
    # The list of all countries takes long to make, so it is made for the error message only.
    from holidays import list_supported_countries

    supported = list_supported_countries()
    if calendar.country not in supported:
        meant = did_you_mean(calendar.country, supported, "; write its two letters, such as DE")
        yield (*path, "country"), f"no holidays are known for country {calendar.country!r}{meant}"
    elif calendar.subdivision is not None and calendar.subdivision not in supported[calendar.country]:
        known = ", ".join(supported[calendar.country]) or "none"
        yield (*path, "subdivision"), f"{calendar.country} has no subdivision {calendar.subdivision!r} (known: {known})"


def _is_known(country: str, subdivision: str | None) -> bool:
    from holidays import country_holidays

    try:
        country_holidays(country, subdiv=subdivision)
    except (NotImplementedError, KeyError):
        return False
    return True


def _policy_problems(path: KeyPath, policy: model.Policy, rules: "Rules") -> Iterator[Problem]:
    for key in policy.targets:
        yield from unknown_words((*path, "targets", key), [key], [*Priority, "default"], "priority")
    if policy.calendar not in rules.calendars:
        yield from unknown_words((*path, "calendar"), [policy.calendar], rules.calendars, "calendar")
        return
    always = rules.calendars[policy.calendar].always_open
    for priority, durations in policy.targets.items():
        for target in model.TargetDurations.model_fields:
            duration = getattr(durations, target)
            if duration is not None and duration.has_days and not always:
                advice = f'write hours or business days, such as "{max(1, duration.seconds // 86_400)}bd"'
                yield (
                    (*path, "targets", priority, target),
                    f'"{duration}" counts days, but calendar {policy.calendar} is not always open; {advice}',
                )


def _address_problems(path: KeyPath, url: str) -> Iterator[Problem]:
    if addresses.has_literal_secret(url) and (kind := addresses.scheme(url)) and not addresses.known_scheme(kind):
        yield path, f"Apprise does not know {clean(kind)[:50]}://"
    elif addresses.has_literal_secret(url):
        what = "the address has a literal secret or a text that could be one"
        readable = "only addresses of mail, syslog and this machine may be readable, without their passwords"
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
            yield from _unknown_names((*here, "assign"), [level.assign], rules)
        yield from _unknown_names((*here, "notify"), level.notify, rules, RELATIONS)


def _unknown_names(path: KeyPath, names: Iterable[str], rules: "Rules", also: Sequence[str] = ()) -> Iterator[Problem]:
    yield from unknown_words(path, names, [*rules.roles, *rules.people, *also], "role or person")


def unknown_words(path: KeyPath, names: Iterable[str], known: Iterable[str], what: str) -> Iterator[Problem]:
    """Yield a problem for each name that is not known."""
    choices = list(known)
    for name in names:
        if name not in choices:
            meant = did_you_mean(name, choices, f" (known: {', '.join(choices) or 'none'})")
            yield path, f"there is no {what} {name!r}{meant}"


def duplicates(path: KeyPath, key: str, names: Sequence[str]) -> Iterator[Problem]:
    """Yield a problem for each name that is used above."""
    for number, name in enumerate(names):
        if name in names[:number]:
            yield (*path, number, key), f"the {key} {name!r} is used above; each must be different"
