"""What a test for rules consists of: histories, what is expected of them, and what is to fire."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from slactl.clock import from_text
from slactl.sla.history.event import Event

#: The keys of `simulate` that a test can expect a value of: those of the ticket, and those of a timer.
TICKET_KEYS = ("policy", "status", "priority")
INSTANT_KEYS = ("due_at", "started_at", "stopped_at", "breached_at")
SECONDS_KEYS = ("target_seconds", "elapsed_seconds", "remaining_seconds", "paused_seconds", "overdue_seconds")
TIMER_KEYS = ("state", *INSTANT_KEYS, *SECONDS_KEYS)

#: How a test says that there is no such value: TOML has no null.
NONE = "none"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a ticket, or a cycle of one of its targets, is to be; None is the last cycle, and the test's instant."""

    ticket: str
    target: str | None
    cycle: int | None
    at: datetime | None
    #: By the key of `simulate`: texts, seconds, instants as text, None for what is not to be there.
    values: Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class ExpectedFiring:
    """A level that is to fire; what is None may be anything."""

    ticket: str
    escalation: str
    level: str
    at: str | None
    repeat: int | None
    reason: str | None

    def __str__(self) -> str:
        return firing_text(self.escalation, self.level, self.repeat, self.at)


@dataclass(frozen=True, slots=True)
class Case:
    """One test. `fires` is None where it is not asked what fires."""

    file: str
    line: int
    name: str
    histories: Mapping[str, Sequence[Event]]
    expect: Sequence[Expectation]
    fires: Sequence[ExpectedFiring] | None
    at: datetime


def firing_text(escalation: str, level: str, repeat: int | None, at: str | None) -> str:
    """A firing in a few words."""
    return f"{escalation}/{level}" + (f" repeat {repeat}" if repeat else "") + (f" at {at}" if at else "")


def latest_instant(
    histories: Mapping[str, Sequence[Event]], expect: Iterable[Expectation], fires: Iterable[ExpectedFiring]
) -> datetime:
    """The last instant that a test names; a second after a breach or a firing, so that it has come."""
    second = timedelta(seconds=1)
    found = [event.at for events in histories.values() for event in events]
    for expectation in expect:
        for key, value in expectation.values.items():
            if key in INSTANT_KEYS and isinstance(value, str):
                found.append(from_text(value) + (second if key == "breached_at" else timedelta()))
    found += [from_text(firing.at) + second for firing in fires if firing.at is not None]
    return max(found, default=datetime.min.replace(tzinfo=UTC))
