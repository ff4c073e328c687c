"""Define the tables of `rules.toml`: a frozen class for each, which refuses unknown keys and wrong types."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

from slactl.durations import TARGET_FORMS, Duration, parse_target_duration
from slactl.sla.enums import (
    Clock,
    Condition,
    CountFrom,
    LateTargets,
    NextResponseFrom,
    OnUnknown,
    Priority,
    Reopen,
    Spread,
    Status,
    Target,
)
from slactl.sla.rules.match import Match, When
from slactl.sla.rules.part import Form, Part, must
from slactl.sla.rules.values import (
    Addresses,
    AnyCountFrom,
    AnyLateTargets,
    AnyOffset,
    AnyPriority,
    AnyReopen,
    AnyStart,
    AnyStatus,
    Command,
    Length,
    MaybeAddress,
    Name,
    Names,
    Priorities,
    SourceName,
    Statuses,
    Targets,
    WallLength,
    Windows,
    from_list,
    length,
    word_of,
)

#: The word in `notify` that means the customer of the ticket.
REQUESTER = "requester"


class ManualEscalation(Part):
    """Hold what `escalate` does without options."""

    priority: AnyPriority | None = None
    notify: Names = ()


_NOT_DONE = "must be open, pending or waiting_customer: a reply does not end a ticket"


class Settings(Part):
    """Hold the settings of the service desk, and the defaults of every policy."""

    default_plan: Name = "free"
    pause_statuses: Statuses = (Status.PENDING, Status.WAITING_CUSTOMER)
    pause: Targets = (Target.RESOLUTION, Target.UPDATE)
    reopen: AnyReopen = Reopen.CONTINUE
    next_response_from: AnyStart = NextResponseFrom.FIRST_REPLY
    #: The status that a reply of an agent sets, unless the ticket is resolved.
    reply_status: Annotated[AnyStatus, must(lambda status: not status.is_done, _NOT_DONE)] = Status.WAITING_CUSTOMER
    count_from: AnyCountFrom = CountFrom.CREATION
    late_targets: AnyLateTargets = LateTargets.KEEP
    due_soon: WallLength = Duration(2 * 3600)
    ack_for: Length = Duration(4 * 3600)
    manual_escalation: ManualEscalation = ManualEscalation(priority=Priority.HIGH, notify=("support_manager",))
    ticket_url: str | None = None
    #: The mail server for messages to customers; without it customers get none.
    customer_mail: MaybeAddress = None
    #: How long the delivery of one message may take before its sender is killed.
    send_timeout: WallLength = Duration(30)
    #: The URL that is requested after every `check` without problems, and whether it may be plain http.
    heartbeat: MaybeAddress = None
    allow_http: bool = False
    #: The proxy for messages and the heartbeat; the proxies of the environment are never used.
    proxy: MaybeAddress = None
    #: The one folder in which `${file:PATH}` reads secrets, from the folder of the rules.
    secrets: Name = "secrets"


class TargetTime(Part):
    """Hold how long a target may take, and the calendar that counts it; None is the calendar of the policy."""

    within: Annotated[Duration, Form(only=length(parse_target_duration, TARGET_FORMS))]
    calendar: Name | None = None

    def __str__(self) -> str:
        return f"{self.within} on {self.calendar}" if self.calendar is not None else str(self.within)


def _target_time(value: object) -> object:
    if isinstance(value, str):
        return TargetTime(within=parse_target_duration(value))
    if not isinstance(value, dict | TargetTime):
        raise ValueError(f'a target must be a text: {TARGET_FORMS}, or {{ within = "1h", calendar = "office" }}')
    return value


AnyTargetTime = Annotated[TargetTime, Form(before=_target_time)]


class TargetDurations(Part):
    """Hold how long each target may take."""

    first_response: AnyTargetTime | None = None
    next_response: AnyTargetTime | None = None
    update: AnyTargetTime | None = None
    resolution: AnyTargetTime | None = None


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
        stated = self.target_time(priority, target)
        return stated.within if stated is not None else None

    def target_time(self, priority: Priority, target: Target) -> TargetTime | None:
        """Return how long a target may take at a priority and on which calendar, or None where there is none."""
        durations = self.targets.get(priority.value) or self.targets.get("default")
        stated: TargetTime | None = getattr(durations, target.value, None)
        return stated

    def own_calendars(self, priority: Priority) -> dict[Target, str]:
        """Return the targets that are counted on another calendar than the policy's, and its name."""
        if not self._has_own:
            return {}
        times = {target: self.target_time(priority, target) for target in Target}
        return {target: time.calendar for target, time in times.items() if time is not None and time.calendar}

    @cached_property
    def _has_own(self) -> bool:
        """Return whether any target names a calendar; most policies have none, and each change of a ticket asks."""
        times = (getattr(stated, key) for stated in self.targets.values() for key in TargetDurations.names())
        return any(time is not None and time.calendar for time in times)


class Repeat(Part):
    """Hold how often a level fires again."""

    every: Length
    max: Annotated[int, Form(between=(1, 1000))]


class Level(Part):
    """Hold one level of an escalation rule: when it fires, and what it does."""

    id: Name
    at: AnyOffset
    when: When = When()
    priority: AnyPriority | None = None
    assign: Name | None = None
    status: AnyStatus | None = None
    note: Annotated[str, Form(size=(1, 10_000))] | None = None
    tag: Names = ()
    notify: Names = ()
    repeat: Repeat | None = None


class Idle(Part):
    """Hold how long nobody may have worked on a ticket."""

    for_: Length


class Burst(Part):
    """Hold how many open tickets one requester opens within a wall time."""

    count: Annotated[int, Form(between=(2, 10_000))]
    within: WallLength


class Escalation(Part):
    """Hold an escalation rule: what it watches, for which tickets, and its levels."""

    id: Name
    on: Annotated[Target | Condition, word_of(Target, Condition)]
    when: When = When()
    reason: Annotated[str, Form(size=(1, 1000))] = ""
    clock: Annotated[Clock, word_of(Clock)] = Clock.CALENDAR
    fallback: Name | None = None
    idle: Idle | None = None
    burst: Burst | None = None
    levels: Annotated[tuple[Level, ...], Form(before=from_list, size=(1, None))]

    @classmethod
    def completed(cls, data: Any) -> Any:  # noqa: ANN401  (pydantic hands over any value)
        """Return the data with the reason of a rule that states none."""
        if isinstance(data, dict) and "reason" not in data:
            watched = data.get("on")
            default = f"{watched}_sla_breached" if watched in list(Target) else data.get("id")
            return data | ({"reason": default} if isinstance(default, str) and default else {})
        return data

    def reason_of(self, warning: bool) -> str:
        """Return the reason of its levels: without one of its own, a warning has another than a missed deadline."""
        is_own = self.reason != f"{self.on}_sla_breached"
        return self.reason if is_own or not warning else f"{self.on}_sla_warning"

    def check(self) -> None:
        """Refuse a condition without its own table, and such a table without the condition."""
        for condition in (Condition.IDLE, Condition.BURST):
            stated = getattr(self, condition.value) is not None
            if stated != (self.on is condition):
                idle, burst = 'idle = { for = "8h" }', 'burst = { count = 3, within = "1h" }'
                example = idle if condition is Condition.IDLE else burst
                need = f'{example} is required with on = "{condition}" and allowed only there'
                raise ValueError(need)


class Person(Part):
    """Hold a person who gets messages, and the addresses and form of them."""

    #: The person's own addresses, by which a calendar feed may name the person.
    emails: Names = ()
    notify: Addresses = ()
    on_unknown: Annotated[OnUnknown, word_of(OnUnknown)] = OnUnknown.RESEND
    include: Names = ()
    #: The windows in which messages wait, the calendar outside of which they wait, and the priorities that do not wait.
    quiet: Windows = ()
    only: Name | None = None
    quiet_except: Priorities = ()
    timezone: Name | None = None
    allow_http: bool = False


class Role(Person):
    """Hold a function, who fills it, and where its messages go."""

    assignee: Name | None = None
    #: The schedule that says who fills the role now; where nobody is on call, the assignee does.
    on_call: Name | None = None
    #: Whom `assign` picks, before `on_call` and `assignee`.
    members: Names = ()
    spread: Annotated[Spread, word_of(Spread)] | None = None

    @property
    def is_vacant(self) -> bool:
        """Return whether nobody can ever fill the role."""
        return not (self.assignee or self.on_call or self.members)


class Source(Part):
    """Hold a command that prints tickets of another help desk, and the map that reads them."""

    name: SourceName
    #: The name of a map that comes with slactl, or a file beside the rules; None if the command prints a history file.
    map: Name | None = None
    command: Command
    #: How long the command may run before it is killed.
    timeout: WallLength = Duration(60)


class Maintenance(Part):
    """Hold weekly windows in which the messages about some tickets wait."""

    match: Match = Match()
    weekly: Annotated[Windows, Form(size=(1, None))]
    timezone: Name | None = None


class Templates(Part):
    """Hold the templates of messages."""

    title: str | None = None
    body: str | None = None
