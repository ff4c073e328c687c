"""Hold the rules of a service desk as one value, with its calendars and the choice of a policy."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from slactl.sla.calendar.calendar import BusinessCalendar, HolidayProvider, library_holidays
from slactl.sla.calendar.hours import Region
from slactl.sla.oncall.schedule import Feed, Schedule
from slactl.sla.rules.calendars import CalendarRules, parts
from slactl.sla.rules.mail.model import MailRules
from slactl.sla.rules.match import Facts
from slactl.sla.rules.model import (
    Escalation,
    Maintenance,
    Person,
    Policy,
    Role,
    Settings,
    Source,
    Templates,
)
from slactl.sla.rules.objectives.model import Objective
from slactl.sla.rules.oncall import schedules as oncall
from slactl.sla.rules.part import Form, Part, must
from slactl.sla.rules.values import PriorityWords, from_list


class Rules(Part):
    """Hold everything that `rules.toml` says."""

    schema_: Annotated[int, must(lambda value: value == 1, "this version reads schema 1 only; write schema = 1")]
    settings: Settings = Settings()
    #: Other words for the four priorities, on input and in imports.
    priorities: PriorityWords = PriorityWords()
    calendars: Mapping[str, CalendarRules] = {}
    policies: Annotated[tuple[Policy, ...], Form(before=from_list)] = ()
    roles: Mapping[str, Role] = {}
    people: Mapping[str, Person] = {}
    schedules: Mapping[str, oncall.ScheduleRules] = {}
    escalations: Annotated[tuple[Escalation, ...], Form(before=from_list)] = ()
    sources: Annotated[tuple[Source, ...], Form(before=from_list)] = ()
    maintenance: Annotated[tuple[Maintenance, ...], Form(before=from_list)] = ()
    objectives: Annotated[tuple[Objective, ...], Form(before=from_list)] = ()
    mail: MailRules | None = None
    templates: Templates = Templates()
    views: Mapping[str, Mapping[str, Any]] = {}
    #: The data of the file as canonical TOML, which the database stores.
    canonical: str = ""

    @cached_property
    def hash(self) -> str:
        """Return the SHA-256 of the canonical TOML, in hex; it identifies this version of the rules."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @cached_property
    def _watching(self) -> dict[str, tuple[Escalation, ...]]:
        names = dict.fromkeys(str(escalation.on) for escalation in self.escalations)
        return {name: tuple(each for each in self.escalations if each.on == name) for name in names}

    def watching(self, kind: str) -> tuple[Escalation, ...]:
        """Return the escalation rules that watch a target or a condition, in the order of the file."""
        return self._watching.get(kind, ())

    @cached_property
    def _calendars(self) -> dict[tuple[object, ...], BusinessCalendar]:
        return {}

    def calendar(
        self,
        name: str,
        timezone: str | None = None,
        holidays: HolidayProvider | None = None,
        region: Region | None = None,
    ) -> BusinessCalendar:
        """Return a calendar of the rules; equal questions get the same object.

        A zone and a region of a tenant replace those of the calendar, unless it is fixed. The members of a union keep
        their own.

        Raises:
            KeyError: there is no calendar of this name.
            NoOpenHours: the calendar is never open.
        """
        key = (name, timezone, holidays, region)
        if key not in self._calendars:
            stated = self.calendars[name]
            zone = (None if stated.fixed else timezone) or stated.timezone
            own = None if stated.fixed else region
            members = [self.calendar(member, None, holidays) for member in stated.any_of or ()]
            provider = holidays or library_holidays
            self._calendars[key] = BusinessCalendar(name, zone, stated.hours(own), provider, members)
        return self._calendars[key]

    @cached_property
    def _schedules(self) -> dict[str, Schedule]:
        return {}

    def schedule(self, name: str, feed: Feed | None = None) -> Schedule:
        """Return a schedule of the rules, with the feed where it has one; equal questions get the same object.

        Raises:
            KeyError: there is no schedule of this name.
        """
        known = self._schedules.get(name)
        if known is None or known.feed is not feed:
            known = self._schedules[name] = oncall.built(name, self.schedules[name], self.calendar, feed)
        return known

    def reached(self, name: str) -> str:
        """Return whom messages to a role or a person reach: a role without addresses has those of its assignee."""
        role = self.roles.get(name)
        if role is None or role.notify or role.assignee is None or role.assignee not in self.people:
            return name
        return role.assignee

    def is_open_all_day(self, name: str) -> bool:
        """Return whether every hour of every day counts on a calendar, so that each day has 24 counted hours."""
        return any(self.calendars[part].is_open_all_day for part in parts(name, self.calendars))

    def match(self, facts: Facts) -> Policy | None:
        """Return the first policy, from the top, that matches a ticket, or None."""
        return next((policy for policy in self.policies if policy.match.matches(facts)), None)

    def explain_match(self, facts: Facts) -> list[tuple[Policy, str | None]]:
        """Return every policy up to the one that matches, each with the reason why it does not (None: it matches)."""
        tried: list[tuple[Policy, str | None]] = []
        for policy in self.policies:
            reason = policy.match.mismatch(facts)
            tried.append((policy, reason))
            if reason is None:
                break
        return tried

    def plans(self) -> list[str]:
        """Return the plans that policies name, in the order of the file, and the default plan."""
        named = [plan for policy in self.policies for plan in policy.match.plan]
        return list(dict.fromkeys([*named, self.settings.default_plan]))

    def named(self, key: Literal["plan", "tenant"]) -> set[str]:
        """Return the plans or tenants that the rules name anywhere; any other word may be a typing error."""
        conditions = [*(policy.match for policy in self.policies), *(planned.match for planned in self.maintenance)]
        for rule in self.escalations:
            conditions += [rule.when, *(level.when for level in rule.levels)]
        keys = [keys for condition in conditions for keys in (condition, condition.not_) if keys is not None]
        default = {self.settings.default_plan} if key == "plan" else set[str]()
        return default.union(*(getattr(each, key) for each in keys))
