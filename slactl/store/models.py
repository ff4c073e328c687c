"""The tables. Instants are UTC text such as `2026-03-02T08:00:00Z`; `null` means not yet.

SQLModel does not validate table classes: values come validated from `sla/` and `desk/`, and the CHECK
constraints here are the last line.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from slactl.sla.enums import ActorType, Condition, LevelOutcome, NotificationState, Priority, Status, Target
from slactl.store import views

INSTANT = "____-__-__T__:__:__Z"


def _one_of(column: str, words: type[StrEnum] | tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(str(word)) for word in words)})", name=f"{column}_known")


def _instants(*columns: str) -> list[CheckConstraint]:
    return [CheckConstraint(f"{c} IS NULL OR {c} LIKE '{INSTANT}'", name=f"{c}_instant") for c in columns]


def _sizes(**most: int) -> list[CheckConstraint]:
    return [CheckConstraint(f"length({c}) BETWEEN 1 AND {n}", name=f"{c}_length") for c, n in most.items()]


def _text(*, nullable: bool = True, default: str | None = None) -> Any:  # noqa: ANN401  (what SQLModel's Field returns)
    server_default = None if default is None else text(f"'{default}'")
    return Field(default=default, sa_column=Column(Text, nullable=nullable, server_default=server_default))


def _reference(column: str, *, nullable: bool = False) -> Any:  # noqa: ANN401  (what SQLModel's Field returns)
    return Field(default=None, sa_column=Column(Integer, ForeignKey(column), nullable=nullable))


def _number(default: int | None = 0) -> Any:  # noqa: ANN401  (what SQLModel's Field returns)
    server_default = None if default is None else text(str(default))
    return Field(default=default, sa_column=Column(Integer, nullable=default is None, server_default=server_default))


class Meta(SQLModel, table=True):
    """One fact about the database as a whole."""

    key: str = Field(sa_column=Column(Text, primary_key=True))
    value: str = _text(nullable=False)


class Tenant(SQLModel, table=True):
    """A customer organisation: its plan and its time zone."""

    __table_args__ = (*_sizes(name=200, plan=200, timezone=100), *_instants("created_at"))
    name: str = Field(sa_column=Column(Text, primary_key=True))
    plan: str | None = _text()
    timezone: str | None = _text()
    created_at: str = _text(nullable=False)


class RulesVersion(SQLModel, table=True):
    """A version of the rules that was used; never changed afterwards."""

    __tablename__ = "rules_version"
    __table_args__ = (*_instants("first_used_at"),)
    id: int | None = Field(default=None, primary_key=True)
    hash: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    canonical: str = _text(nullable=False)
    first_used_at: str = _text(nullable=False)
    holidays_version: str | None = _text()


class HolidayYear(SQLModel, table=True):
    """The public holidays of one country and year as one version of the library told them."""

    __tablename__ = "holiday_year"
    country: str = Field(sa_column=Column(Text, primary_key=True))
    subdivision: str = Field(sa_column=Column(Text, primary_key=True))
    library_version: str = Field(sa_column=Column(Text, primary_key=True))
    year: int = Field(sa_column=Column(Integer, primary_key=True))
    days: str = _text(nullable=False)


class Ticket(SQLModel, table=True):
    """What is true of a ticket now: a cache of its history, indexed for the lists."""

    __table_args__ = (
        _one_of("status", Status),
        _one_of("priority", Priority),
        _one_of("due_target", Target),
        *_sizes(external_id=200, tenant=200, plan=200, assignee=200),
        CheckConstraint("length(subject) <= 1000", name="subject_length"),
        CheckConstraint("length(requester_email) BETWEEN 1 AND 1000", name="requester_email_length"),
        *_instants("created_at", "updated_at", "first_responded_at", "resolved_at", "due_at", "acked_until"),
        *_instants("next_level_at"),
        CheckConstraint("id > 0 AND version > 0 AND escalation_level >= 0", name="signs"),
        CheckConstraint("json_valid(tags)", name="tags_json"),
        # The condition is the one of `views.OPEN`: a query has to say it in the same words.
        Index("ticket_open", "due_at", "id", sqlite_where=text(views.OPEN.removeprefix("t."))),
        Index("ticket_created", "created_at"),
        Index("ticket_updated", "updated_at"),
        Index("ticket_assignee", "assignee", "due_at", "id"),
        Index("ticket_tenant", "tenant", "due_at", "id"),
        Index("ticket_requester", "requester_email"),
    )
    id: int | None = Field(default=None, primary_key=True)
    external_id: str | None = Field(default=None, sa_column=Column(Text, unique=True))
    tenant: str | None = _text()
    plan: str = _text(nullable=False)
    requester_email: str | None = _text()
    subject: str | None = _text()
    status: str = _text(nullable=False)
    priority: str = _text(nullable=False)
    assignee: str | None = _text()
    tags: str = _text(nullable=False, default="[]")
    policy: str | None = _text()
    calendar: str | None = _text()
    timezone: str | None = _text()
    created_at: str = _text(nullable=False)
    updated_at: str = _text(nullable=False)
    first_responded_at: str | None = _text()
    resolved_at: str | None = _text()
    first_resolved_at: str | None = _text()
    due_at: str | None = _text()
    due_target: str | None = _text()
    missed: bool = _number()
    escalated: bool = _number()
    escalation_level: int = _number()
    acked_until: str | None = _text()
    next_escalation: str | None = _text()
    next_level: str | None = _text()
    next_level_at: str | None = _text()
    rules_version: int = _reference("rules_version.id")
    version: int = _number(1)


class Event(SQLModel, table=True):
    """One entry of a ticket's history, which is also the audit log; never changed or removed."""

    __table_args__ = (
        _one_of("actor_type", ActorType),
        *_instants("at", "recorded_at"),
        *_sizes(actor=200, action=100),
        CheckConstraint("json_valid(detail)", name="detail_json"),
        Index("event_ticket", "ticket_id", "at", "id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = _reference("ticket.id")
    at: str = _text(nullable=False)
    recorded_at: str = _text(nullable=False)
    actor: str = _text(nullable=False)
    actor_type: str = _text(nullable=False)
    action: str = _text(nullable=False)
    detail: str = _text(nullable=False, default="{}")
    hash: str = _text(nullable=False)


class EventText(SQLModel, table=True):
    """What a person wrote; the event holds only a salted hash, so this row can be erased."""

    __tablename__ = "event_text"
    __table_args__ = (_one_of("field", ("body", "subject", "requester_email", "actor")),)
    event_id: int = Field(sa_column=Column(Integer, ForeignKey("event.id"), primary_key=True))
    field: str = Field(sa_column=Column(Text, primary_key=True))
    salt: str = _text(nullable=False)
    text: str = _text(nullable=False)


class Timer(SQLModel, table=True):
    """One clock of a ticket: a target's cycle or a condition's episode."""

    __table_args__ = (
        _one_of("kind", (*Target, *Condition)),
        _one_of("state", ("running", "paused", "met", "breached")),
        *_instants("started_at", "due_at", "running_since", "stopped_at", "breached_at", "detected_at", "next_at"),
        CheckConstraint("cycle > 0 AND consumed_seconds >= 0 AND arming >= 0", name="signs"),
        CheckConstraint("target_seconds IS NULL OR target_seconds >= 0", name="target_sign"),
        UniqueConstraint("ticket_id", "kind", "cycle"),
        Index("timer_latest", "ticket_id", "kind", unique=True, sqlite_where=text("latest = 1")),
        Index("timer_next", "next_at", "ticket_id", sqlite_where=text("next_at IS NOT NULL")),
    )
    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = _reference("ticket.id")
    kind: str = _text(nullable=False)
    cycle: int = _number(1)
    latest: bool = _number(1)
    state: str = _text(nullable=False)
    target_seconds: int | None = _number(None)
    started_at: str = _text(nullable=False)
    due_at: str | None = _text()
    running_since: str | None = _text()
    consumed_seconds: int = _number()
    paused_seconds: int | None = _number(None)
    closed_seconds: int | None = _number(None)
    stopped_at: str | None = _text()
    breached_at: str | None = _text()
    detected_at: str | None = _text()
    next_at: str | None = _text()
    manual: bool = _number()
    arming: int = _number()


class Run(SQLModel, table=True):
    """What one `check` did."""

    __table_args__ = (*_instants("started_at", "ended_at"),)
    id: int | None = Field(default=None, primary_key=True)
    started_at: str = _text(nullable=False)
    ended_at: str | None = _text()
    scanned: int = _number()
    breached: int = _number()
    fired: int = _number()
    notified: int = _number()
    failed: int = _number()
    skipped: str = _text(nullable=False, default="{}")
    exit_code: int | None = _number(None)
    duration_ms: int | None = _number(None)
    rules_version: int | None = _reference("rules_version.id", nullable=True)
    #: What the clock that nobody can set showed at `started_at`; null where the wall clock was not trusted.
    boot_id: str | None = _text()
    boot_seconds: int | None = _number(None)
    #: The head of the event log when the run ended, and the number of the event that it is the hash of.
    audit_head: str | None = _text()
    audit_event: int | None = _number(None)


class Escalation(SQLModel, table=True):
    """A level that fell due, or a person's escalation. The unique index is what makes firing happen once."""

    __table_args__ = (
        _one_of("source", ("automatic", "manual")),
        _one_of("outcome", LevelOutcome),
        *_instants("due_at", "fired_at"),
        CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="reason_length"),
        CheckConstraint("source = 'manual' OR (kind IS NOT NULL AND escalation IS NOT NULL)", name="automatic_key"),
        Index(
            "escalation_once",
            *("ticket_id", "kind", "cycle", "escalation", "level", "arming", "repeat"),
            unique=True,
            sqlite_where=text("source = 'automatic'"),
        ),
        Index("escalation_ticket", "ticket_id"),
        Index("escalation_run", "run_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = _reference("ticket.id")
    source: str = _text(nullable=False)
    kind: str | None = _text()
    cycle: int | None = _number(None)
    escalation: str | None = _text()
    level: str | None = _text()
    arming: int = _number()
    repeat: int = _number()
    reason: str = _text(nullable=False)
    due_at: str | None = _text()
    fired_at: str = _text(nullable=False)
    outcome: str = _text(nullable=False)
    actor: str = _text(nullable=False)
    from_priority: str | None = _text()
    to_priority: str | None = _text()
    from_assignee: str | None = _text()
    to_assignee: str | None = _text()
    run_id: int | None = _reference("run.id", nullable=True)
    event_id: int | None = _reference("event.id", nullable=True)


class Notification(SQLModel, table=True):
    """A message that has to reach somebody: the outbox."""

    __table_args__ = (
        _one_of("state", NotificationState),
        *_instants("created_at", "next_try_at", "ended_at"),
        UniqueConstraint("escalation_id", "recipient"),
        Index("notification_waiting", "next_try_at", sqlite_where=text("state IN ('waiting', 'sending')")),
    )
    id: int | None = Field(default=None, primary_key=True)
    escalation_id: int = _reference("escalation.id")
    ticket_id: int = _reference("ticket.id")
    recipient: str = _text(nullable=False)
    state: str = _text(nullable=False)
    tries: int = _number()
    created_at: str = _text(nullable=False)
    next_try_at: str | None = _text()
    ended_at: str | None = _text()
    error: str | None = _text()
    run_id: int | None = _reference("run.id", nullable=True)
    #: What became of each of the recipient's addresses, by key: sent, dead or held; others may yet be tried.
    addresses: str = _text(nullable=False, default="{}")
    #: The key of the address it is being sent to; what it waits for; who could not be reached in whose place it is.
    address: str | None = _text()
    held_by: str | None = _text()
    instead_of: str | None = _text()


class Silence(SQLModel, table=True):
    """A time in which messages wait: of a tenant, a ticket or a ladder, or where several are named of what is all."""

    __table_args__ = (
        *_instants("created_at", "ends_at"),
        *_sizes(tenant=200, actor=200, comment=1000),
        CheckConstraint("COALESCE(tenant, ticket_id, escalation) IS NOT NULL", name="about_something"),
        Index("silence_ends", "ends_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    tenant: str | None = _text()
    ticket_id: int | None = _reference("ticket.id", nullable=True)
    escalation: str | None = _text()
    comment: str | None = _text()
    actor: str = _text(nullable=False)
    created_at: str = _text(nullable=False)
    ends_at: str = _text(nullable=False)
    expired_by: str | None = _text()
