"""The records that scripts read, as types: their fields in the order in which slactl prints them.

Instants are UTC text that ends in `Z`. A field without a value is None.
"""

from typing import Any, TypedDict


class Ticket(TypedDict):
    """A ticket as `list` prints it and `ticket_view` stores it."""

    id: int
    external_id: str | None
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
    """A message in a ticket as `show` prints it; `body` is None if it was erased."""

    event_id: int
    at: str
    type: str
    actor: str
    body: str | None


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
    unix_user: str | None


class TicketDetails(Ticket):
    """A ticket with everything that belongs to it, as `show` prints it."""

    timers: list[Timer]
    messages: list[Message]
    escalations: list[Escalation]
    events: list[Event]


class Notification(TypedDict):
    """A message in the outbox as `notifications list` prints it."""

    id: int
    escalation_id: int
    ticket_id: int
    recipient: str
    state: str
    tries: int
    created_at: str
    next_try_at: str | None
    ended_at: str | None
    error: str | None
    run_id: int | None
    held_by: str | None
    instead_of: str | None


class Run(TypedDict):
    """A run of `check` as `runs list` prints it; `skipped` counts levels by outcome."""

    id: int
    started_at: str
    ended_at: str | None
    scanned: int
    breached: int
    fired: int
    notified: int
    failed: int
    skipped: dict[str, int]
    exit_code: int | None
    rules_version: int | None
    duration_ms: int | None
    audit_head: str | None


class CheckReport(TypedDict):
    """The report of a run as `check --json` prints it.

    In a dry run there is no `run_id`, and `firings` are escalations without ids.
    """

    run_id: int | None
    at: str
    dry_run: bool
    scanned: int
    breached: int
    escalated: int
    notified: int
    failed: int
    skipped: int
    skipped_by_reason: dict[str, int]
    firings: list[dict[str, Any]]
    messages: list[str]
    audit_head: str | None
    interrupted: bool
    duration_ms: int
    exit_code: int


class Counts(TypedDict):
    """The numbers of a summary; averages and medians are business time, attainment and rates lie in [0, 1]."""

    at: str
    open_count: int
    unassigned_count: int
    urgent_open_count: int
    escalated_count: int
    paused_count: int
    due_soon_count: int
    first_response_breached_count: int
    next_response_breached_count: int
    resolution_breached_count: int
    avg_first_response_minutes: float | None
    median_first_response_minutes: float | None
    first_response_n: int
    avg_resolution_hours: float | None
    median_resolution_hours: float | None
    resolution_n: int
    first_response_attainment: float | None
    resolution_attainment: float | None
    escalation_rate: float | None
    breach_rate: float | None


class Group(Counts):
    """The numbers of one group of a summary; the group without a name is None."""

    group: str | None


class Summary(Counts):
    """The summary as `summary --json` prints it; the period is [since, until)."""

    since: str | None
    until: str
    by: str | None
    groups: list[Group] | None
    before: dict[str, Any] | None
    due_soon_seconds: int
    urgency: list[dict[str, Any]]
    next: list[dict[str, Any]]
    forecast: dict[str, Any] | None
