"""The rules as values: what `rules.toml` may say, each part a frozen model that refuses what it does not know."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from slactl.clock import Duration, parse_duration
from slactl.sla.enums import Clock, Condition, NextResponseFrom, OnUnknown, Priority, Reopen, Status, Target
from slactl.sla.offsets import Offset
from slactl.text import not_one_of

Word = TypeVar("Word", bound=StrEnum)


def _duration(value: object) -> object:
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        raise ValueError('a duration is a text, such as "90s", "30m", "2h", "1h30m", "2d" or "3bd"')
    return parse_duration(value)


def _offset(value: object) -> object:
    if isinstance(value, Offset):
        return value
    if not isinstance(value, str):
        raise ValueError('an offset is a text, such as "80%", "-30m", "0m" or "+1h"')
    return Offset.parse(value)


def _word(kind: type[Word]) -> BeforeValidator:
    def convert(value: object) -> object:
        if not isinstance(value, str) or isinstance(value, kind):
            return value
        if value not in list(kind):
            raise ValueError(not_one_of(value, kind))
        return kind(value)

    return BeforeValidator(convert)


def _watched(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value not in (*Target, *Condition):
        raise ValueError(not_one_of(value, (*Target, *Condition)))
    return Target(value) if value in list(Target) else Condition(value)


def _list(value: object) -> object:
    if isinstance(value, str):
        raise ValueError(f'a list is needed: ["{value}"]')
    return tuple(value) if isinstance(value, list) else value


def _list_of_addresses(value: object) -> object:
    # The text may have a secret in it, and is not told.
    return _list("…" if isinstance(value, str) else value)


Length = Annotated[Duration, BeforeValidator(_duration)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_list)]
Addresses = Annotated[tuple[Name, ...], BeforeValidator(_list_of_addresses)]
AnyStatus = Annotated[Status, _word(Status)]
AnyPriority = Annotated[Priority, _word(Priority)]
AnyTarget = Annotated[Target, _word(Target)]
Statuses = Annotated[tuple[AnyStatus, ...], BeforeValidator(_list)]
Targets = Annotated[tuple[AnyTarget, ...], BeforeValidator(_list)]
AnyReopen = Annotated[Reopen, _word(Reopen)]
AnyStart = Annotated[NextResponseFrom, _word(NextResponseFrom)]


class Part(BaseModel):
    """A part of the rules: strict, frozen, and without keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class Facts:
    """What policies and ladders match on."""

    plan: str
    tenant: str | None
    tags: tuple[str, ...]
    priority: Priority
    requester_domain: str | None


class Match(Part):
    """A condition on a ticket: every key that is there must have the ticket's value, or one of its tags."""

    tenant: Names = ()
    plan: Names = ()
    tag: Names = ()
    priority: Annotated[tuple[AnyPriority, ...], BeforeValidator(_list)] = ()
    requester_domain: Names = ()

    @field_validator("*")
    @classmethod
    def _not_empty(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if not value:
            raise ValueError("an empty list matches nothing; leave the key out to match everything")
        return value

    def matches(self, facts: Facts) -> bool:
        """Whether a ticket with these facts is meant."""
        return not (
            (self.plan and facts.plan not in self.plan)
            or (self.priority and facts.priority not in self.priority)
            or (self.tenant and facts.tenant not in self.tenant)
            or (self.tag and not any(tag in self.tag for tag in facts.tags))
            or (self.requester_domain and not self._has_domain(facts.requester_domain))
        )

    def passed_over(self, facts: Facts) -> str | None:
        """Why a ticket with these facts is not meant, or None where it is."""
        for key, value in (("plan", facts.plan), ("tenant", facts.tenant), ("priority", facts.priority)):
            wanted = getattr(self, key)
            if wanted and value not in wanted:
                return f"{key} is {value or 'none'}, not {' or '.join(wanted)}"
        if self.tag and not any(tag in self.tag for tag in facts.tags):
            return f"no tag is {' or '.join(self.tag)}"
        if self.requester_domain and not self._has_domain(facts.requester_domain):
            return f"requester_domain is {facts.requester_domain or 'none'}, not {' or '.join(self.requester_domain)}"
        return None

    def _has_domain(self, domain: str | None) -> bool:
        return domain is not None and domain in {each.lower() for each in self.requester_domain}


class ManualEscalation(Part):
    """What `escalate` does without options."""

    priority: AnyPriority | None = None
    notify: Names = ()


class Settings(Part):
    """What holds where nothing else is said."""

    default_plan: Name = "free"
    pause_statuses: Statuses = (Status.PENDING, Status.WAITING_CUSTOMER)
    pause: Targets = (Target.RESOLUTION,)
    reopen: AnyReopen = Reopen.CONTINUE
    next_response_from: AnyStart = NextResponseFrom.FIRST_REPLY
    due_soon: Length = Duration(2 * 3600)
    ack_for: Length = Duration(4 * 3600)
    manual_escalation: ManualEscalation = ManualEscalation(priority=Priority.HIGH, notify=("support_manager",))
    ticket_url: str | None = None
    #: Through which mail server customers are told; nobody tells them anything without it.
    customer_mail: Name | None = None
    #: How long one message may take before its sender is killed.
    send_timeout: Length = Duration(30)
    #: The URL that is asked for after every clean `check`, and whether it may be plain http.
    heartbeat: Name | None = None
    allow_http: bool = False


class CalendarRules(Part):
    """When time counts, as the file says it."""

    timezone: Name = "UTC"
    country: Name | None = None
    subdivision: Name | None = None
    holidays: Names = ()
    always_open: bool = False
    weekly: Mapping[str, Names] = {}
    dates: Mapping[str, Names] = {}


class TargetDurations(Part):
    """How long each target may take."""

    first_response: Length | None = None
    next_response: Length | None = None
    resolution: Length | None = None


class Policy(Part):
    """What is promised to the tickets it matches; what it does not say itself the settings say."""

    name: Name
    match: Match = Match()
    calendar: Name
    targets: Mapping[str, TargetDurations] = {}
    pause_statuses: Statuses = (Status.PENDING, Status.WAITING_CUSTOMER)
    pause: Targets = (Target.RESOLUTION,)
    reopen: AnyReopen = Reopen.CONTINUE
    next_response_from: AnyStart = NextResponseFrom.FIRST_REPLY

    def target(self, priority: Priority, target: Target) -> Duration | None:
        """How long a target may take at a priority; None where nothing is promised."""
        promise = self.targets.get(priority.value) or self.targets.get("default")
        found: Duration | None = getattr(promise, target.value, None)
        return found


class Repeat(Part):
    """A level that fires again and again."""

    every: Length
    max: Annotated[int, Field(ge=1, le=1000)]


class Level(Part):
    """One rung of a ladder: when, and what it does."""

    id: Name
    at: Annotated[Offset, BeforeValidator(_offset)]
    when: Match = Match()
    priority: AnyPriority | None = None
    assign: Name | None = None
    note: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    tag: Names = ()
    notify: Names = ()
    repeat: Repeat | None = None


class Idle(Part):
    """How long nobody may have done anything."""

    for_: Length = Field(alias="for")


class Burst(Part):
    """How many open tickets of one requester within a wall time."""

    count: Annotated[int, Field(ge=2, le=10_000)]
    within: Length


class Escalation(Part):
    """A ladder: what it watches, for which tickets, and its levels."""

    id: Name
    on: Annotated[Target | Condition, BeforeValidator(_watched)]
    when: Match = Match()
    reason: Annotated[str, Field(min_length=1, max_length=1000)] = ""
    clock: Annotated[Clock, _word(Clock)] = Clock.CALENDAR
    fallback: Name | None = None
    idle: Idle | None = None
    burst: Burst | None = None
    levels: tuple[Level, ...] = Field(alias="level", min_length=1)

    @field_validator("levels", mode="before")
    @classmethod
    def _tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="before")
    @classmethod
    def _default_reason(cls, data: Any) -> Any:  # noqa: ANN401  (what pydantic hands over is anything)
        if isinstance(data, dict) and "reason" not in data:
            watched = data.get("on")
            default = f"{watched}_sla_breached" if watched in list(Target) else data.get("id")
            return data | ({"reason": default} if isinstance(default, str) and default else {})
        return data

    @model_validator(mode="after")
    def _conditions(self) -> "Escalation":
        for condition in (Condition.IDLE, Condition.BURST):
            stated = getattr(self, condition.value) is not None
            if stated != (self.on is condition):
                idle, burst = 'idle = { for = "8h" }', 'burst = { count = 3, within = "1h" }'
                need = (
                    f'{idle if condition is Condition.IDLE else burst} goes with on = "{condition}", and only with it'
                )
                raise ValueError(need)
        return self


class Person(Part):
    """Somebody who can be told, and where and how."""

    notify: Addresses = ()
    on_unknown: Annotated[OnUnknown, _word(OnUnknown)] = OnUnknown.RESEND
    include: Names = ()
    quiet: Name | None = None
    timezone: Name | None = None
    allow_http: bool = False


class Role(Person):
    """A function somebody fills, and where its messages go."""

    assignee: Name | None = None


class Templates(Part):
    """The words of messages."""

    title: str | None = None
    body: str | None = None
