"""Runs of `check` and their messages, as types: the fields in the order in which slactl prints them."""

from collections.abc import Iterator
from typing import TypedDict


class Notification(TypedDict):
    """A message in the outbox as `notifications list` prints it: about an escalation, or about an event."""

    id: int
    escalation_id: int | None
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
    event_id: int | None


class Notice(TypedDict):
    """What became of a message of `escalate`: `by` are the addresses that got it, `why` says why others did not.

    The recipient `nobody` says why nobody was told: its message waits for `check`, which prints it, or there is none.
    `person` is who gets the messages of a role without addresses. `stands_in_for` is whom the recipient replaces.
    """

    ticket_id: int
    recipient: str
    person: str | None
    stands_in_for: str | None
    state: str
    by: list[str]
    why: str | None


class Silence(TypedDict):
    """A silence as `silence list` prints it; `active` says whether it holds messages back now."""

    id: int
    tenant: str | None
    ticket_id: int | None
    escalation: str | None
    comment: str | None
    actor: str
    created_at: str
    starts_at: str
    ends_at: str
    active: bool


class Run(TypedDict):
    """A run of `check` as `runs list` prints it; `skipped` counts levels by outcome.

    `messages_sent` is None in runs of before it was counted.
    """

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
    messages_sent: int | None


class SyncRun(TypedDict):
    """A run of the command of a source as `sync --json` prints it; without an error its output was imported.

    In a dry run `id` is None.
    """

    id: int | None
    source: str
    started_at: str
    ended_at: str
    since: str
    opened: int
    changed: int
    events: int
    bad: int
    exit_code: int
    duration_ms: int
    error: str | None
    dry_run: bool


class Firing(TypedDict):
    """A level that a run decided, as `check --json` prints it; in a dry run `id` and `run_id` are None.

    `arming` is the deadline revision of a warning. `told` are the recipients of the messages. `fallback` is the role
    that gets a message because `notify` or `assign` found nobody; `unreached` says why. With `reaches_nobody` the
    fallback found nobody either, and `check` prints the message. `tags` are the new ones.
    """

    id: int | None
    ticket_id: int
    kind: str
    cycle: int
    escalation: str
    level: str
    arming: int
    repeat: int
    source: str
    reason: str
    due_at: str
    fired_at: str
    outcome: str
    actor: str
    from_priority: str
    to_priority: str
    from_assignee: str | None
    to_assignee: str | None
    run_id: int | None
    fallback: str | None
    told: list[str]
    unreached: list[str]
    reaches_nobody: bool
    from_status: str
    to_status: str
    tags: list[str]
    note: str | None


class GoalAlert(TypedDict):
    """A goal that a miss of a ticket brought to thresholds, as `check --json` prints it; `tickets` missed the target.

    `thresholds` are `below`, or `spare` with a number of misses; `told` are the recipients.
    """

    objective: str
    goal: str
    kept: int
    missed: int
    spare: int | None
    needed: int | None
    period: str
    thresholds: list[str]
    tickets: list[int]
    ticket_id: int
    told: list[str]


class CheckReport(TypedDict):
    """The report of a run as `check --json` prints it.

    In a dry run there is no `run_id`. The firings can be read once.
    """

    run_id: int | None
    at: str
    dry_run: bool
    scanned: int
    breached: int
    escalated: int
    notified: int
    messages_sent: int
    failed: int
    skipped: int
    skipped_by_reason: dict[str, int]
    firings: Iterator[Firing]
    goals: list[GoalAlert]
    messages: list[str]
    audit_head: str | None
    interrupted: bool
    duration_ms: int
    exit_code: int


class NextStep(TypedDict):
    """The next instant at which a level can fire or a deadline can pass, as the board shows it."""

    ticket_id: int
    kind: str
    next_at: str
    priority: str
    assignee: str | None
    subject: str


class SampleAddress(TypedDict):
    """The result of a test message at one address of a recipient; nothing was sent where `outcome` is None."""

    recipient: str
    address: str
    outcome: str | None
    detail: str | None


class Sample(TypedDict):
    """A test message as `notify test --json` prints it."""

    recipient: str
    title: str
    body: str
    dry_run: bool
    template_problem: str | None
    addresses: list[SampleAddress]
