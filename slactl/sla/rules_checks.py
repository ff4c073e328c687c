"""What must hold between the parts of the rules: names that exist, hours that make sense, no secrets in the text."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slactl.clock import zone
from slactl.sla import addresses, rules_views
from slactl.sla import rules_model as model
from slactl.sla.calendar import BusinessCalendar, NoOpenHours
from slactl.sla.enums import Condition, Priority
from slactl.sla.rules_hours import WEEKDAYS, date_intervals, holiday_dates, hours, interval, intervals, weekdays
from slactl.sla.rules_lines import Place, Problem
from slactl.text import did_you_mean

if TYPE_CHECKING:
    from slactl.sla.rules import Rules

#: Whom `notify` may name besides people and roles.
RELATIONS = ("assignee", "previous_assignee", "requester")

#: What messages may have more than the minimum.
INCLUDES = ("subject", "requester_email")


def problems(rules: "Rules", data: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything that is wrong with rules whose parts are each in shape."""
    yield from _nul_problems((), data)
    for name, calendar in rules.calendars.items():
        yield from _calendar_problems(("calendars", name), calendar)
    yield from _duplicates(("policy",), "name", [policy.name for policy in rules.policies])
    for place, policy in enumerate(rules.policies):
        yield from _policy_problems(("policy", place), policy, rules)
    for kind in ("roles", "people"):
        for name, role in getattr(rules, kind).items():
            yield from _role_problems((kind, name), role)
    yield from _customer_problems(rules.settings.customer_mail)
    yield from _heartbeat_problems(rules.settings)
    yield from _duplicates(("escalation",), "id", [escalation.id for escalation in rules.escalations])
    for place, escalation in enumerate(rules.escalations):
        yield from _escalation_problems(("escalation", place), escalation, rules)
    if "manual_escalation" in data.get("settings", {}):
        told = rules.settings.manual_escalation.notify
        yield from _unknown_names(("settings", "manual_escalation"), told, rules, RELATIONS)
    yield from rules_views.problems(rules.views)


def _nul_problems(place: Place, value: object) -> Iterator[Problem]:
    """What the database would keep and no history file could bring back."""
    if isinstance(value, str) and "\x00" in value:
        yield place, "has a NUL character"
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(key, str) and "\x00" in key:
            yield (*place, key), "the name has a NUL character"
        yield from _nul_problems((*place, key), item)


def known_keys(place: Place) -> list[str]:
    """The keys that may stand at a place."""
    names = [part for part in place if isinstance(part, str)]
    found: type[model.Part] | None = _ROOT.get(names[0]) if names else None
    if not names:
        return ["schema", *_ROOT, "views"]
    for name in names[2 if names[0] in ("calendars", "roles", "people") else 1 :]:
        found = _INNER.get(name, found)
    return [field.alias or name for name, field in found.model_fields.items()] if found else []


_ROOT: dict[str, type[model.Part]] = {
    "settings": model.Settings,
    "calendars": model.CalendarRules,
    "policy": model.Policy,
    "roles": model.Role,
    "people": model.Person,
    "escalation": model.Escalation,
    "templates": model.Templates,
}

_INNER: dict[str, type[model.Part]] = {
    "manual_escalation": model.ManualEscalation,
    "match": model.Match,
    "when": model.Match,
    "targets": model.TargetDurations,
    "level": model.Level,
    "repeat": model.Repeat,
    "idle": model.Idle,
    "burst": model.Burst,
}


def _calendar_problems(place: Place, calendar: model.CalendarRules) -> Iterator[Problem]:
    yield from (bad_zone := list(_attempt((*place, "timezone"), zone, calendar.timezone)))
    stated = [key for key in ("weekly", "dates", "country", "holidays") if getattr(calendar, key)]
    if calendar.always_open and stated:
        yield (*place, stated[0]), f"always_open and {stated[0]} exclude each other"
        return
    yield from (bad_hours := list(_hours_problems(place, calendar)))
    yield from _country_problems(place, calendar)
    if not bad_hours and not calendar.always_open:
        try:
            # Hours of special dates may all lie where the clocks of the zone jump over them.
            BusinessCalendar(str(place[-1]), "UTC" if bad_zone else calendar.timezone, hours(calendar))
        except NoOpenHours:
            yield place, "the calendar is never open; give it weekly hours, dates or always_open = true"


def _hours_problems(place: Place, calendar: model.CalendarRules) -> Iterator[Problem]:
    named: dict[int, str] = {}
    for key, texts in calendar.weekly.items():
        yield from _attempt((*place, "weekly", key), _not_twice, key, named)
        yield from _attempt((*place, "weekly", key), intervals, texts)
    for key, texts in calendar.dates.items():
        yield from _attempt((*place, "dates", key), date_intervals, {key: texts})
    yield from _attempt((*place, "holidays"), holiday_dates, calendar.holidays)


def _not_twice(key: str, named: dict[int, str]) -> None:
    for weekday in weekdays(key):
        if named.setdefault(weekday, key) != key:
            raise ValueError(f"{WEEKDAYS[weekday]} has hours in {named[weekday]!r} already")


def _attempt(place: Place, convert: Callable[..., object], *values: object) -> Iterator[Problem]:
    try:
        convert(*values)
    except ValueError as error:
        yield place, str(error)


def _country_problems(place: Place, calendar: model.CalendarRules) -> Iterator[Problem]:
    if calendar.country is None:
        if calendar.subdivision is not None:
            yield (*place, "subdivision"), "a subdivision needs a country"
        return
    if re.fullmatch("[A-Z]{2}", calendar.country) and _is_known(calendar.country, calendar.subdivision):
        return
    # The list of all countries takes long to make, and is only for those who need help.
    from holidays import list_supported_countries

    supported = list_supported_countries()
    if calendar.country not in supported:
        meant = did_you_mean(calendar.country, supported, "; write its two letters, such as DE")
        yield (*place, "country"), f"no holidays are known for country {calendar.country!r}{meant}"
    elif calendar.subdivision is not None and calendar.subdivision not in supported[calendar.country]:
        there = ", ".join(supported[calendar.country]) or "none"
        yield (*place, "subdivision"), f"{calendar.country} has no subdivision {calendar.subdivision!r}; it has {there}"


def _is_known(country: str, subdivision: str | None) -> bool:
    from holidays import country_holidays

    try:
        country_holidays(country, subdiv=subdivision)
    except (NotImplementedError, KeyError):
        return False
    return True


def _policy_problems(place: Place, policy: model.Policy, rules: "Rules") -> Iterator[Problem]:
    for key in policy.targets:
        yield from _unknown((*place, "targets", key), [key], [*Priority, "default"], "priority")
    if policy.calendar not in rules.calendars:
        yield from _unknown((*place, "calendar"), [policy.calendar], rules.calendars, "calendar")
        return
    always = rules.calendars[policy.calendar].always_open
    for priority, promise in policy.targets.items():
        for target in model.TargetDurations.model_fields:
            duration = getattr(promise, target)
            if duration is not None and duration.has_days and not always:
                mend = f'write hours or business days, such as "{max(1, duration.seconds // 86_400)}bd"'
                yield (
                    (*place, "targets", priority, target),
                    f'"{duration}" counts days, but calendar {policy.calendar} is not always open; {mend}',
                )


def _role_problems(place: Place, role: model.Person) -> Iterator[Problem]:
    for url in role.notify:
        yield from _address_problems((*place, "notify"), url)
    yield from _unknown((*place, "include"), role.include, INCLUDES, "field of messages")
    if role.quiet is not None:
        yield from _attempt((*place, "quiet"), interval, role.quiet)
    if role.timezone is not None:
        yield from _attempt((*place, "timezone"), zone, role.timezone)


def _address_problems(place: Place, url: str) -> Iterator[Problem]:
    if addresses.has_literal_secret(url):
        what = "an address has a literal password or token, or what could be one"
        yield place, f"{what}; keep it in ${{env:NAME}} or ${{file:PATH}}"
    elif "://" not in addresses.PLACEHOLDER.sub("x://", url):
        yield place, "an address is no URL; write for example mailtos://…, slack://… or ${env:NAME}"


def _customer_problems(url: str | None) -> Iterator[Problem]:
    place = ("settings", "customer_mail")
    if url is None:
        return
    yield from _address_problems(place, url)
    if not url.startswith("${") and addresses.scheme(url) not in addresses.MAIL_SCHEMES:
        yield place, "customers are told by mail only: mailtos://…"
    elif addresses.has_receiver(url):
        yield place, "slactl adds the customer's address; leave to, cc and bcc out"


def _heartbeat_problems(settings: model.Settings) -> Iterator[Problem]:
    place, url = ("settings", "heartbeat"), settings.heartbeat
    if url is None:
        return
    if addresses.has_literal_secret(url, page=True):
        yield place, "the address is a secret; keep it in ${env:NAME} or ${file:PATH}"
    elif not addresses.PLACEHOLDER.match(url) and addresses.scheme(url) not in ("https", "http"):
        yield place, "this is no URL; write https://… or ${env:NAME}"
    elif addresses.scheme(url) == "http" and not settings.allow_http and not addresses.is_local(url):
        yield place, "the URL is not https; write https://…, or allow_http = true beside it"


def _escalation_problems(place: Place, escalation: model.Escalation, rules: "Rules") -> Iterator[Problem]:
    yield from _duplicates((*place, "level"), "id", [level.id for level in escalation.levels])
    if escalation.fallback is not None and escalation.fallback not in rules.roles:
        yield from _unknown((*place, "fallback"), [escalation.fallback], rules.roles, "role")
    for number, level in enumerate(escalation.levels):
        here = (*place, "level", number)
        if isinstance(escalation.on, Condition) and (level.at.percent is not None or level.at.seconds < 0):
            yield (*here, "at"), f'a condition has no deadline: "{level.at}" must be "0m" or after it began ("+10m")'
        if level.assign is not None:
            yield from _unknown_names((*here, "assign"), [level.assign], rules)
        yield from _unknown_names((*here, "notify"), level.notify, rules, RELATIONS)


def _unknown_names(place: Place, names: Iterable[str], rules: "Rules", also: Sequence[str] = ()) -> Iterator[Problem]:
    yield from _unknown(place, names, [*rules.roles, *rules.people, *also], "role or person")


def _unknown(place: Place, names: Iterable[str], known: Iterable[str], what: str) -> Iterator[Problem]:
    there = list(known)
    for name in names:
        if name not in there:
            meant = did_you_mean(name, there, f" (known: {', '.join(there) or 'none'})")
            yield place, f"there is no {what} {name!r}{meant}"


def _duplicates(place: Place, key: str, names: Sequence[str]) -> Iterator[Problem]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield (*place, number, key), f"another one above has the {key} {name!r}; each needs its own"
