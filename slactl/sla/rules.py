"""`rules.toml`: read, checked as a whole, and asked which policy a ticket is under."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import Field, field_validator

from slactl.sla.calendar import BusinessCalendar, HolidayProvider, library_holidays
from slactl.sla.rules_hours import hours
from slactl.sla.rules_model import CalendarRules, Escalation, Facts, Part, Person, Policy, Role, Settings, Templates


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
