"""`rules.toml`: read, checked as a whole, and asked which policy a ticket is under."""

import hashlib
import tomllib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from slactl.errors import RulesError
from slactl.sla.calendar import BusinessCalendar, HolidayProvider, Hours, library_holidays
from slactl.sla.rules_lines import TOO_DEEP, Lines, misread, path_text, too_deep
from slactl.sla.rules_model import (
    CalendarRules,
    Clock,
    Escalation,
    Facts,
    Level,
    ManualEscalation,
    Match,
    NextResponseFrom,
    OnUnknown,
    Part,
    Person,
    Policy,
    Reopen,
    Role,
    Settings,
    Templates,
)
from slactl.sla.rules_text import read
from slactl.text import nearest, quoted

__all__ = [
    "Clock",
    "Escalation",
    "Facts",
    "Level",
    "Match",
    "NextResponseFrom",
    "OnUnknown",
    "Policy",
    "Reopen",
    "Rules",
    "load",
    "parse",
]

#: What a policy may say itself, and otherwise takes from the settings.
INHERITED = ("pause_statuses", "pause", "reopen", "next_response_from")


class Rules(Part):
    """All the rules of a desk."""

    schema_: int = Field(alias="schema")
    settings: Settings = Settings()
    calendars: Mapping[str, CalendarRules] = {}
    policies: tuple[Policy, ...] = Field(default=(), alias="policy")
    roles: Mapping[str, Role] = {}
    people: Mapping[str, Person] = {}
    escalations: tuple[Escalation, ...] = Field(default=(), alias="escalation")
    templates: Templates = Templates()
    views: Mapping[str, Mapping[str, Any]] = {}
    #: The data as written, in canonical TOML: what the database keeps.
    canonical: str = Field(default="", repr=False)

    @field_validator("policies", "escalations", mode="before")
    @classmethod
    def _tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("schema_")
    @classmethod
    def _known_schema(cls, value: int) -> int:
        if value != 1:
            raise ValueError(f"schema {value} is not known to this slactl; it reads schema = 1")
        return value

    @cached_property
    def hash(self) -> str:
        """What tells this version of the rules from every other: SHA-256 of the canonical TOML, in hex."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @cached_property
    def _calendars(self) -> dict[tuple[str, str | None, HolidayProvider | None], BusinessCalendar]:
        return {}

    def calendar(
        self, name: str, timezone: str | None = None, holidays: HolidayProvider | None = None
    ) -> BusinessCalendar:
        """A calendar of the rules, in its own zone or in another; the same one for the same question.

        Raises:
            KeyError: there is no calendar of this name.
            NoOpenHours: it can never be open.
        """
        key = (name, timezone, holidays)
        if key not in self._calendars:
            stated = self.calendars[name]
            zone = timezone or stated.timezone
            self._calendars[key] = BusinessCalendar(name, zone, hours(stated), holidays or library_holidays)
        return self._calendars[key]

    def match(self, facts: Facts) -> Policy | None:
        """The first policy that matches, from the top; None where none does."""
        return next((policy for policy in self.policies if policy.match.matches(facts)), None)

    def explain_match(self, facts: Facts) -> list[tuple[Policy, str | None]]:
        """Every policy up to the one that matches, with the reason why it was passed over (None: it matched)."""
        found: list[tuple[Policy, str | None]] = []
        for policy in self.policies:
            reason = policy.match.passed_over(facts)
            found.append((policy, reason))
            if reason is None:
                break
        return found

    def plans(self) -> list[str]:
        """The plans that policies name, in the order of the file, and the default plan."""
        named = [plan for policy in self.policies for plan in policy.match.plan]
        return list(dict.fromkeys([*named, self.settings.default_plan]))


def load(path: Path, known: Container[str] = ()) -> Rules:
    """The rules in a file; those whose hash is known were found right before, and are not checked again.

    Raises:
        RulesError: the file cannot be read, or anything in it is wrong; each problem has its line.
    """
    return parse(read(path), str(path), known)


def parse(text: str, source: str = "rules.toml", known: Container[str] = ()) -> Rules:
    """The rules in a text; `source` is what its problems are reported under, `known` as for `load`.

    Raises:
        RulesError: anything in it is wrong; each problem has its line.
    """
    import tomli_w

    from slactl.sla.rules_checks import problems

    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RulesError(f"{source}:{misread(error, text)}", f"slactl rules check {quoted(source)}") from error
    if (deep := too_deep(data)) is not None:
        raise as_error([(deep, TOO_DEEP)], Lines(text), source)
    try:
        rules = Rules.model_validate({**_inherited(data), "canonical": tomli_w.dumps(_sorted(data))})
    except ValidationError as error:
        raise as_error(_shape_problems(error, data), Lines(text), source) from error
    found = [] if rules.hash in known else list(problems(rules, data))
    if found:
        raise as_error(found, Lines(text), source)
    return _without_missing_role(rules, data)


def shipped_text() -> str:
    """The rules that come with slactl: what `init` writes for a start."""
    from slactl.config import shipped_rules

    return shipped_rules().read_text(encoding="utf-8")


def hours(stated: CalendarRules) -> Hours:
    """What a calendar of the file says, as seconds and dates.

    Raises:
        ValueError: an interval, a weekday, a date or a holiday is none.
    """
    from slactl.sla.rules_hours import date_intervals, holiday_dates, weekly_intervals

    yearly, ranges = holiday_dates(stated.holidays)
    return Hours(
        weekly=weekly_intervals(stated.weekly),
        dates=date_intervals(stated.dates),
        yearly=yearly,
        ranges=ranges,
        country=stated.country,
        subdivision=stated.subdivision,
        always_open=stated.always_open,
    )


def _inherited(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data in which each policy says itself what it takes from the settings."""
    settings, policies = data.get("settings"), data.get("policy")
    if not isinstance(settings, dict) or not isinstance(policies, list):
        return dict(data)
    given = {key: settings[key] for key in INHERITED if key in settings}
    return dict(data) | {"policy": [given | each if isinstance(each, dict) else each for each in policies]}


def _without_missing_role(rules: Rules, data: Mapping[str, Any]) -> Rules:
    """The default of `manual_escalation` names a role; where the file does not have it, it is left out."""
    if "manual_escalation" in data.get("settings", {}):
        return rules
    default = rules.settings.manual_escalation
    told = tuple(name for name in default.notify if name in rules.roles or name in rules.people)
    manual = ManualEscalation(priority=default.priority, notify=told)
    return rules.model_copy(update={"settings": rules.settings.model_copy(update={"manual_escalation": manual})})


Problem = tuple[tuple[str | int, ...], str]


def _shape_problems(error: ValidationError, data: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with keys and types, without what a policy only inherited."""
    found = error.errors(include_url=False, include_context=False)
    places = [_place(each["loc"], data) for each in found]
    for each, place in zip(found, places, strict=True):
        if place[:1] == ("policy",) and len(place) > 2 and place[2] in INHERITED and not _has(data, place[:3]):
            continue
        # What is wrong itself does not count, and so there may seem to be too few.
        if each["type"] == "too_short" and any(
            len(other) > len(place) and other[: len(place)] == place for other in places
        ):
            continue
        yield place, _message(each["type"], each["msg"], place)


def _place(steps: Sequence[str | int], data: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Pydantic names the steps it took inside a value too; people know only keys, whatever those look like."""
    place: tuple[str | int, ...] = ()
    for step in steps:
        internal = isinstance(step, str) and ("[" in step or step in ("is-instance", "function-before"))
        place += () if internal and not _has(data, (*place, step)) else (step,)
    return place


def _has(data: Any, place: Sequence[str | int]) -> bool:  # noqa: ANN401  (a step into parsed TOML)
    for part in place:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


#: What pydantic calls a value of a wrong type, and what people call the right one.
_NEEDED = {
    "string_type": "a text is needed",
    "string_too_short": "it is empty",
    "bool_type": "true or false is needed",
    "int_type": "a whole number is needed",
    "tuple_type": "a list is needed",
    "dict_type": "a table is needed",
    "mapping_type": "a table is needed",
    "model_type": "a table is needed",
    "model_attributes_type": "a table is needed",
}


def _message(kind: str, message: str, place: tuple[str | int, ...]) -> str:
    if kind == "extra_forbidden":
        from slactl.sla.rules_checks import known_keys

        near = nearest(str(place[-1]), known_keys(place[:-1]))
        return f"unknown key {place[-1]}" + (f"; did you mean {near}?" if near else "")
    if kind == "too_short":
        return "at least one is needed"
    if kind == "missing":
        return f"{place[-1]} is missing"
    if kind == "tuple_type" and place in (("policy",), ("escalation",)):
        return f"write [[{place[-1]}]], with two brackets"
    if kind in _NEEDED:
        return _NEEDED[kind]
    return message.removeprefix("Value error, ")


def as_error(found: Iterable[Problem], lines: Lines, source: str) -> RulesError:
    """One error for everything that was found, each with its line."""
    told = sorted({(lines.of(place), path_text(place), message) for place, message in found})
    texts = [f"{source}:{line}: {f'{path}: ' if path else ''}{message}" for line, path, message in told]
    return RulesError.of(texts, f"slactl rules check {quoted(source)}")


def _sorted(data: Any) -> Any:  # noqa: ANN401  (parsed TOML)
    """The same data with keys in order; the order of arrays means something and stays."""
    if isinstance(data, dict):
        return {key: _sorted(data[key]) for key in sorted(data)}
    return [_sorted(each) for each in data] if isinstance(data, list) else data
