"""Define the tables of `rules.toml`: a frozen class for each, which refuses unknown keys and wrong types."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from slactl.clock import Duration, parse_duration
from slactl.sla.enums import (
    Clock,
    Condition,
    CountFrom,
    LateTargets,
    NextResponseFrom,
    OnUnknown,
    Priority,
    Reopen,
    Status,
    Target,
)
from slactl.sla.rules.match import AnyPriority, Match, Name, Names, Part, as_tuple, from_list, word_of
from slactl.sla.rules.offset import Offset


def _duration(value: object) -> object:
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        raise ValueError('a duration must be a text such as "90s", "30m", "2h", "1h30m", "2d" or "3bd"')
    return parse_duration(value)


def _offset(value: object) -> object:
    if isinstance(value, Offset):
        return value
    if not isinstance(value, str):
        raise ValueError('an offset must be a text such as "80%", "-30m", "0m" or "+1h"')
    return Offset.parse(value)


def _list_of_addresses(value: object) -> object:
    # The text may contain a secret, so the message does not repeat it.
    return as_tuple("…" if isinstance(value, str) else value)


def _stated(value: object) -> object:
    return None if value == "" else value


Length = Annotated[Duration, BeforeValidator(_duration)]
#: An address that may be missing; an empty text is none.
MaybeAddress = Annotated[Name | None, BeforeValidator(_stated)]
Addresses = Annotated[tuple[Name, ...], BeforeValidator(partial(as_tuple, shown="…"))]  # the text may contain a secret
AnyStatus = Annotated[Status, word_of(Status)]
AnyTarget = Annotated[Target, word_of(Target)]
Statuses = Annotated[tuple[AnyStatus, ...], BeforeValidator(as_tuple)]
Targets = Annotated[tuple[AnyTarget, ...], BeforeValidator(as_tuple)]
AnyReopen = Annotated[Reopen, word_of(Reopen)]
AnyStart = Annotated[NextResponseFrom, word_of(NextResponseFrom)]
AnyCountFrom = Annotated[CountFrom, word_of(CountFrom)]
AnyLateTargets = Annotated[LateTargets, word_of(LateTargets)]


class ManualEscalation(Part):
    """Hold what `escalate` does without options."""

    priority: AnyPriority | None = None
    notify: Names = ()


class Settings(Part):
    """Hold the settings of the service desk, and the defaults of every policy."""

    default_plan: Name = "free"
    pause_statuses: Statuses = (Status.PENDING, Status.WAITING_CUSTOMER)
    pause: Targets = (Target.RESOLUTION, Target.UPDATE)
    reopen: AnyReopen = Reopen.CONTINUE
    next_response_from: AnyStart = NextResponseFrom.FIRST_REPLY
    count_from: AnyCountFrom = CountFrom.CREATION
    late_targets: AnyLateTargets = LateTargets.KEEP
    due_soon: Length = Duration(2 * 3600)
    ack_for: Length = Duration(4 * 3600)
    manual_escalation: ManualEscalation = ManualEscalation(priority=Priority.HIGH, notify=("support_manager",))
    ticket_url: str | None = None
    #: The mail server for messages to customers; without it customers get none.
    customer_mail: MaybeAddress = None
    #: How long the delivery of one message may take before its sender is killed.
    send_timeout: Length = Duration(30)
    #: The URL that is requested after every `check` without problems, and whether it may be plain http.
    heartbeat: MaybeAddress = None
    allow_http: bool = False
    #: The proxy for messages and the heartbeat; the proxies of the environment are never used.
    proxy: MaybeAddress = None
    #: The one folder in which `${file:PATH}` reads secrets, from the folder of the rules.
    secrets: Name = "secrets"


class Priorities(Part):
    """Hold other words for each priority, such as "P1"; capital and small letters are the same."""

    low: Names = ()
    normal: Names = ()
    high: Names = ()
    urgent: Names = ()

    @model_validator(mode="after")
    def _one_meaning(self) -> "Priorities":
        meanings = {str(priority): str(priority) for priority in Priority}
        for priority in Priority:
            for word in getattr(self, priority.value):
                if meanings.setdefault(word.casefold(), priority.value) != priority.value:
                    raise ValueError(f"{word!r} cannot mean {priority} and {meanings[word.casefold()]}")
        return self


class CalendarRules(Part):
    """Hold when time counts, as the file writes it."""

    timezone: Name = "UTC"
    country: Name | None = None
    subdivision: Name | None = None
    holidays: Names = ()
    always_open: bool = False
    weekly: Mapping[str, Names] = {}
    dates: Mapping[str, Names] = {}


class TargetDurations(Part):
    """Hold how long each target may take."""

    first_response: Length | None = None
    next_response: Length | None = None
    update: Length | None = None
    resolution: Length | None = None


class Policy(Part):
    """Hold an SLA policy: the tickets it matches and their targets. Missing keys come from the settings."""

    name: Name
    match: Match = Match()
    calendar: Name
    targets: Mapping[str, TargetDurations] = {}
    pause_statuses: Statuses = (Status.PENDING, Status.WAITING_CUSTOMER)
    pause: Targets = (Target.RESOLUTION, Target.UPDATE)
    reopen: AnyReopen = Reopen.CONTINUE
    next_response_from: AnyStart = NextResponseFrom.FIRST_REPLY
    count_from: AnyCountFrom = CountFrom.CREATION
    late_targets: AnyLateTargets = LateTargets.KEEP

    def target(self, priority: Priority, target: Target) -> Duration | None:
        """Return how long a target may take at a priority, or None if the policy does not have it."""
        durations = self.targets.get(priority.value) or self.targets.get("default")
        duration: Duration | None = getattr(durations, target.value, None)
        return duration


class Repeat(Part):
    """Hold how often a level fires again."""

    every: Length
    max: Annotated[int, Field(ge=1, le=1000)]


class Level(Part):
    """Hold one level of an escalation rule: when it fires, and what it does."""

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
    """Hold how long nobody may have worked on a ticket."""

    for_: Length = Field(alias="for")


class Burst(Part):
    """Hold how many open tickets one requester opens within a wall time."""

    count: Annotated[int, Field(ge=2, le=10_000)]
    within: Length


class Escalation(Part):
    """Hold an escalation rule: what it watches, for which tickets, and its levels."""

    id: Name
    on: Annotated[Target | Condition, word_of(Target, Condition)]
    when: Match = Match()
    reason: Annotated[str, Field(min_length=1, max_length=1000)] = ""
    clock: Annotated[Clock, word_of(Clock)] = Clock.CALENDAR
    fallback: Name | None = None
    idle: Idle | None = None
    burst: Burst | None = None
    levels: Annotated[tuple[Level, ...], BeforeValidator(from_list)] = Field(alias="level", min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _default_reason(cls, data: Any) -> Any:  # noqa: ANN401  (pydantic hands over any value)
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
                example = idle if condition is Condition.IDLE else burst
                need = f'{example} is required with on = "{condition}" and allowed only there'
                raise ValueError(need)
        return self


class Person(Part):
    """Hold a person who gets messages, and the addresses and form of them."""

    notify: Addresses = ()
    on_unknown: Annotated[OnUnknown, word_of(OnUnknown)] = OnUnknown.RESEND
    include: Names = ()
    quiet: Name | None = None
    timezone: Name | None = None
    allow_http: bool = False


class Role(Person):
    """Hold a function, who fills it, and where its messages go."""

    assignee: Name | None = None


class Templates(Part):
    """Hold the templates of messages."""

    title: str | None = None
    body: str | None = None
