"""Tickets, what belongs to them, and lists of them, as types: the fields in the order in which slactl prints them.

Instants are UTC text that ends in `Z`. A field without a value is None.
"""

from typing import Any, TypedDict


class Ticket(TypedDict):
    """A ticket as `list` prints it and `ticket_view` stores it."""

    id: int
    external_id: str | None
    source: str | None
    tenant: str | None
    plan: str
    requester_email: str | None
    subject: str
    status: str
    priority: str
    assignee: str | None
    tags: list[str]
    policy: str | None
    created_at: str
    updated_at: str
    first_response_due_at: str | None
    first_responded_at: str | None
    first_response_state: str
    next_response_due_at: str | None
    next_response_state: str
    update_due_at: str | None
    update_state: str
    resolution_due_at: str | None
    resolved_at: str | None
    resolution_state: str
    due_at: str | None
    due_target: str | None
    overdue_seconds: int | None
    breached: bool
    ever_breached: bool
    escalated: bool
    escalation_level: int
    acked_until: str | None
    pending_until: str | None
    next_escalation: str | None
    next_level: str | None
    next_level_at: str | None


class Timer(TypedDict):
    """The timer of one target as `show` prints it; `target_seconds` and `consumed_seconds` are business time."""

    target: str
    cycle: int
    target_seconds: int | None
    started_at: str
    due_at: str | None
    state: str
    stopped_at: str | None
    breached_at: str | None
    detected_at: str | None
    running_since: str | None
    consumed_seconds: int
    manual: bool


class Message(TypedDict):
    """A message in a ticket as `show` prints it; `body` is None if it was erased, a `retracted` one does not count."""

    event_id: int
    at: str
    type: str
    actor: str
    body: str | None
    retracted: bool


class Escalation(TypedDict):
    """A level that fired or was skipped, or a manual escalation, as `escalation_view` stores it."""

    id: int
    ticket_id: int
    source: str
    escalation: str | None
    level: str | None
    repeat: int
    reason: str
    due_at: str | None
    fired_at: str
    outcome: str
    actor: str
    from_priority: str | None
    to_priority: str | None
    from_assignee: str | None
    to_assignee: str | None
    run_id: int | None


class Event(TypedDict):
    """An event of a ticket's history, which is also an entry of the audit log, as `event_view` stores it."""

    id: int
    ticket_id: int
    at: str
    recorded_at: str
    actor: str
    actor_type: str
    action: str
    detail: dict[str, Any]
    change: int | None
    unix_user: str | None


class TicketDetails(Ticket):
    """A ticket with everything that belongs to it, as `show` prints it."""

    timers: list[Timer]
    messages: list[Message]
    escalations: list[Escalation]
    events: list[Event]


class ScreenMessage(Message):
    """A message as a screen shows it; `written` says whether a person wrote a text, which may be erased since.

    `left_out` counts the lines of quoted history and signature that are not in `body`.
    """

    written: bool
    left_out: int


class ScreenTicket(Ticket):
    """As much of a ticket as a screen shows; `totals` counts the records of each part.

    `retracted` has the ids of the manual escalations that do not count. `next_reaches` says whom the next level will
    reach; empty text if nobody knows.
    """

    timers: list[Timer]
    messages: list[ScreenMessage]
    escalations: list[Escalation]
    events: list[Event]
    totals: dict[str, int]
    retracted: list[int]
    next_reaches: str


class Tenant(TypedDict):
    """A tenant as `tenant list` prints it."""

    name: str
    plan: str | None
    timezone: str | None
    country: str | None
    subdivision: str | None
    created_at: str
    domains: list[str]


#: A field of a record that a command changed, as the `changes` of a receipt have it.
FieldChange = TypedDict("FieldChange", {"field": str, "from": Any, "to": Any})


class ChangedTicket(Ticket):
    """A ticket as a command prints it that changed it; `dry_run` says that it did not store the change."""

    changes: list[FieldChange]
    dry_run: bool


class View(TypedDict):
    """A saved view as `list @` prints it; `source` is ready-made or rules."""

    name: str
    source: str
    options: str
