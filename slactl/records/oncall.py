"""Who is on call, as types: the fields in the order in which slactl prints them."""

from typing import TypedDict


class Standing(TypedDict):
    """Who is on call for a schedule as `oncall` prints it; `person` is None if nobody is.

    `source` is `layer 1`, `override` or `feed`; `instead_of` is the person who is away and replaced.
    """

    schedule: str
    person: str | None
    since: str | None
    until: str | None
    next_person: str | None
    next_at: str | None
    source: str | None
    instead_of: str | None


class Shift(TypedDict):
    """A time in which one person is on call, as `oncall show` prints it; `person` is None in a gap."""

    schedule: str
    start: str
    end: str
    person: str | None
    source: str | None
    instead_of: str | None


class RotaEntry(TypedDict):
    """An override (of a `schedule`) or an absence (`kind` is `away`) as `oncall list` prints it."""

    id: int
    kind: str
    schedule: str | None
    person: str
    substitute: str | None
    starts_at: str
    ends_at: str
    reason: str | None
    actor: str
    created_at: str
    removed_at: str | None
    removed_by: str | None


class Replaced(TypedDict):
    """A time in which somebody else is on call because of a change: `was` before it, `person` after it."""

    schedule: str
    start: str
    end: str
    was: str | None
    person: str | None
