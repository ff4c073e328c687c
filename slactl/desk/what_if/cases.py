"""Define the tables of a file of tests for rules: histories, expected values, and the levels that must fire."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from slactl.clock import from_text, parse_offset_instant, to_text
from slactl.durations import parse_duration
from slactl.sla.calendar.calendar import in_seconds
from slactl.sla.enums import NO_WORDS, Priority, Status, as_priority_word
from slactl.sla.history.event import Event
from slactl.sla.oncall.schedule import NO_EXCEPTIONS, Absence, Exceptions, Override
from slactl.sla.rules.lines import KeyPath
from slactl.sla.rules.values import AnyTarget, from_list, word_of
from slactl.sla.timers.timer import TimerState
from slactl.text import clean

#: The keys of `simulate` for which a test can expect a value: keys of the ticket, and keys of a timer.
TICKET_KEYS = ("policy", "status", "priority")
INSTANT_KEYS = ("due_at", "started_at", "stopped_at", "breached_at")
SECONDS_KEYS = ("target_seconds", "elapsed_seconds", "remaining_seconds", "paused_seconds", "overdue_seconds")
TIMER_KEYS = ("state", *INSTANT_KEYS, "breaches", *SECONDS_KEYS)

#: The word for a gap in a schedule.
NOBODY = "nobody"

#: The word for "there is no such value", because TOML has no null.
NONE = "none"


class Part(BaseModel):
    """Refuse unknown keys, loose types and changes, as the base of every table of a file of tests."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)


def plain(value: Any) -> Any:  # noqa: ANN401  (parsed TOML)
    """Return a value as JSON has it: TOML's own dates and times become text."""
    return value.isoformat() if isinstance(value, (date, time)) else value


def as_instant(value: object) -> datetime:
    """Return an instant in UTC; it must have an offset."""
    text = plain(value)
    if not isinstance(text, str):
        raise ValueError("must be an instant such as 2026-03-02T09:00:00+01:00")
    return parse_offset_instant(text).astimezone(UTC)


def as_instants(value: object) -> list[str]:
    """Return the instants of a list as texts in UTC."""
    if not isinstance(value, list):
        raise ValueError('must be a list of instants: ["2026-03-02T09:00:00+01:00"]')
    return [to_text(as_instant(item)) for item in value]


def as_seconds(value: object) -> int:
    """Return a length in seconds, given as a number or as a duration."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    try:
        length = parse_duration(value) if isinstance(value, str) else None
    except ValueError:
        length = None
    if length is None or length.business_days:
        raise ValueError(f"{clean(str(value))!r} is neither a number of seconds nor a duration such as 1h30m")
    return length.seconds


def or_none(convert: Callable[[object], object]) -> BeforeValidator:
    """Return the validator of a value that may be `NONE`."""
    return BeforeValidator(lambda value: None if value == NONE else convert(value))


Text = Annotated[str, Field(min_length=1)]
TextOrNone = Annotated[Text | None, or_none(lambda value: value)]
InstantOrNone = Annotated[str | None, or_none(lambda value: to_text(as_instant(value)))]
SecondsOrNone = Annotated[int | None, or_none(as_seconds)]


class Expectation(Part):
    """Hold the values expected of a ticket, or of one cycle of a target; without `cycle` of the last one."""

    ticket: Text
    target: AnyTarget | None = None
    cycle: Annotated[int, Field(ge=1)] | None = None
    at: Annotated[datetime, BeforeValidator(as_instant)] | None = None
    policy: TextOrNone = None
    status: Annotated[Status | None, word_of(Status), or_none(lambda value: value)] = None
    priority: Annotated[
        Priority | None,
        word_of(Priority),
        or_none(lambda value: value),
        BeforeValidator(lambda value, info: as_priority_word(value, (info.context or {}).get("meanings", NO_WORDS))),
    ] = None
    state: Annotated[TimerState, word_of(TimerState)] = TimerState.NONE
    due_at: InstantOrNone = None
    started_at: InstantOrNone = None
    stopped_at: InstantOrNone = None
    breached_at: InstantOrNone = None
    breaches: Annotated[list[str] | None, or_none(as_instants)] = None
    target_seconds: SecondsOrNone = None
    elapsed_seconds: SecondsOrNone = None
    remaining_seconds: SecondsOrNone = None
    paused_seconds: SecondsOrNone = None
    overdue_seconds: SecondsOrNone = None

    _values: Mapping[str, str | int | list[str] | None] = PrivateAttr()

    @property
    def values(self) -> Mapping[str, str | int | list[str] | None]:
        """Return the expected values by key of `simulate`, as written; None is a value that must not be there."""
        return self._values

    @model_validator(mode="wrap")
    @classmethod
    def _keep_order(cls, data: Any, handler: ModelWrapValidatorHandler["Expectation"]) -> "Expectation":  # noqa: ANN401
        expectation = handler(data)
        expectation._values = {
            key: getattr(expectation, key) for key in data if key in TICKET_KEYS or key in TIMER_KEYS
        }
        if not expectation._values:
            raise ValueError("it states no expected value for the ticket")
        return expectation


class ExpectedFiring(Part):
    """Hold a level that must fire; a field that is None may have any value."""

    ticket: Text
    escalation: Text
    level: Text
    at: Annotated[str, BeforeValidator(lambda value: to_text(as_instant(value)))] | None = None
    repeat: Annotated[int, Field(ge=0)] | None = None
    reason: Text | None = None

    def __str__(self) -> str:
        return firing_text(self.escalation, self.level, self.repeat, self.at)


AnyInstant = Annotated[datetime, BeforeValidator(as_instant)]


class ExpectedOnCall(Part):
    """Hold who must be on call for a schedule at an instant; `NOBODY` is a gap."""

    schedule: Text
    at: AnyInstant
    person: Text


class _Range(Part):
    """Hold [from, until)."""

    from_: AnyInstant = Field(alias="from")
    until: AnyInstant

    @model_validator(mode="after")
    def _in_order(self) -> "_Range":
        if self.until <= self.from_:
            raise ValueError("until must be after from")
        return self


class OverrideTable(_Range):
    """Hold an override as a test states it."""

    schedule: Text
    person: Text

    def override(self, number: int) -> Override:
        """Return the override; of several, the highest number counts."""
        return Override(self.schedule, self.person, in_seconds(self.from_), in_seconds(self.until), number)


class AwayTable(_Range):
    """Hold an absence as a test states it."""

    person: Text
    substitute: Text | None = None

    def absence(self, number: int) -> Absence:
        """Return the absence; of several, the highest number counts."""
        return Absence(self.person, in_seconds(self.from_), in_seconds(self.until), self.substitute, number)


class CaseTable(Part):
    """Hold one test as the file writes it. Without `fires` any level may fire."""

    name: Text | None = None
    at: Annotated[datetime, BeforeValidator(as_instant)] | None = None
    on_call: Annotated[tuple[ExpectedOnCall, ...], BeforeValidator(from_list)] = ()
    overrides: Annotated[tuple[OverrideTable, ...], BeforeValidator(from_list)] = ()
    away: Annotated[tuple[AwayTable, ...], BeforeValidator(from_list)] = ()
    history: Annotated[tuple[Mapping[str, Any], ...], BeforeValidator(from_list)] = Field(
        default=(), validate_default=True
    )
    expect: Annotated[tuple[Expectation, ...], BeforeValidator(from_list)] = ()
    fires: Annotated[tuple[ExpectedFiring, ...], BeforeValidator(from_list)] | None = None

    @field_validator("history")
    @classmethod
    def _has_history(cls, value: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        if not value and not info.data.get("on_call"):
            raise ValueError("a history is needed: what happened to the tickets")
        return value

    @model_validator(mode="after")
    def _not_empty(self) -> "CaseTable":
        if not self.expect and self.fires is None and not self.on_call:
            raise ValueError("the test expects nothing; add expect, fires or on_call")
        if not self.history and (self.expect or self.fires is not None):
            raise ValueError("a history is needed: what happened to the tickets")
        return self

    @model_validator(mode="after")
    def _no_circle(self) -> "CaseTable":
        for number, away in enumerate(self.away):
            if circle := self.exceptions(number).circle(away.absence(number)):
                raise ValueError(f"the substitutes are a circle: {' → '.join(circle)}")
        return self

    def exceptions(self, absences: int | None = None) -> Exceptions:
        """Return the overrides and the absences, only the first so many of them if a number is given."""
        overrides = tuple(stated.override(number) for number, stated in enumerate(self.overrides))
        return Exceptions(
            overrides, tuple(stated.absence(number) for number, stated in enumerate(self.away[:absences]))
        )


class CaseFile(Part):
    """Hold a file of tests for rules."""

    tests: Annotated[tuple[CaseTable, ...], BeforeValidator(from_list)] = Field(default=(), alias="test")

    @model_validator(mode="after")
    def _not_empty(self) -> "CaseFile":
        if not self.tests:
            raise ValueError("the file has no [[test]]")
        return self


def known_keys(path: KeyPath) -> list[str]:
    """Return the keys that a table of the file may have."""
    tables: dict[str, type[Part]] = {"test": CaseTable, "expect": Expectation, "fires": ExpectedFiring}
    tables |= {"on_call": ExpectedOnCall, "overrides": OverrideTable, "away": AwayTable}
    names = [part for part in path if isinstance(part, str)]
    fields = tables[names[-1]].model_fields.items() if names else ()
    return [field.alias or name for name, field in fields] or ["test"]


@dataclass(frozen=True, slots=True)
class Case:
    """Hold one test, its histories read, and where it is written. `fires` is None if any level may fire."""

    file: str
    line: int
    name: str
    histories: Mapping[str, Sequence[Event]]
    expect: Sequence[Expectation]
    fires: Sequence[ExpectedFiring] | None
    at: datetime
    on_call: Sequence[ExpectedOnCall] = ()
    exceptions: Exceptions = NO_EXCEPTIONS


def firing_text(escalation: str, level: str, repeat: int | None, at: str | None) -> str:
    """Return a firing in a few words."""
    return f"{escalation}/{level}" + (f" repeat {repeat}" if repeat else "") + (f" at {at}" if at else "")


def latest_instant(
    histories: Mapping[str, Sequence[Event]], expect: Iterable[Expectation], fires: Iterable[ExpectedFiring]
) -> datetime:
    """Return the last instant that a test names; breaches and firings count one second later, when they are past."""
    second = timedelta(seconds=1)
    instants = [event.at for events in histories.values() for event in events]
    for expectation in expect:
        for key, value in expectation.values.items():
            if key in INSTANT_KEYS and isinstance(value, str):
                instants.append(from_text(value) + (second if key == "breached_at" else timedelta()))
        instants += [from_text(breach) + second for breach in expectation.breaches or ()]
    instants += [from_text(firing.at) + second for firing in fires if firing.at is not None]
    return max(instants, default=datetime.min.replace(tzinfo=UTC))
