"""Define the tables of tickets and messages. Instants are UTC text such as `2026-03-02T08:00:00Z`; null means not yet.

SQLModel does not validate table classes: values come validated from `sla/` and `desk/`, and the CHECK
constraints here are the last line.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from slactl.sla.enums import ActorType, LevelOutcome, NotificationState, Priority, Status, Target
from slactl.store.schema import views
from slactl.store.schema.events import COUNTED
from slactl.store.schema.models.columns import (
    TEXT,
    instants,
    key,
    number,
    one_of,
    partial,
    reference,
    sizes,
    text_column,
)


class Meta(SQLModel, table=True):
    """One fact about the database as a whole."""

    key: str = key()
    value: str = text_column(nullable=False)


class Tenant(SQLModel, table=True):
    """A customer organisation: its plan, its time zone, and where its holidays are kept."""

    __table_args__ = (
        *sizes(name=200, plan=200, timezone=100, country=100, subdivision=100),
        *instants("created_at"),
    )
    name: str = key()
    plan: str | None = text_column()
    timezone: str | None = text_column()
    country: str | None = text_column()
    subdivision: str | None = text_column()
    created_at: str = text_column(nullable=False)


class RulesVersion(SQLModel, table=True):
    """A version of the rules that was used; never changed afterwards."""

    __tablename__ = "rules_version"
    __table_args__ = (*instants("first_used_at"),)
    id: int | None = Field(default=None, primary_key=True)
    hash: str = Field(sa_column=Column(TEXT, nullable=False, unique=True))
    canonical: str = text_column(nullable=False)
    first_used_at: str = text_column(nullable=False)
    holidays_version: str | None = text_column()


class HolidayYear(SQLModel, table=True):
    """The public holidays of one country and year, from one version of the `holidays` library."""

    __tablename__ = "holiday_year"
    country: str = key()
    subdivision: str = key()
    library_version: str = key()
    year: int = Field(sa_column=Column(Integer, primary_key=True))
    days: str = text_column(nullable=False)


class Ticket(SQLModel, table=True):
    """The present state of a ticket: a cache of its history, indexed for the lists."""

    __table_args__ = (
        one_of("status", Status),
        one_of("priority", Priority),
        one_of("due_target", Target),
        *sizes(external_id=200, source=200, tenant=200, plan=200, assignee=200),
        CheckConstraint("length(subject) <= 1000", name="subject_length"),
        CheckConstraint("length(requester_email) BETWEEN 1 AND 1000", name="requester_email_length"),
        *instants("created_at", "updated_at", "first_responded_at", "resolved_at", "due_at", "acked_until"),
        *instants("next_level_at", "next_at", "wakes_at", "woken_due_at", "woken_level_at"),
        one_of("woken_due_target", Target),
        CheckConstraint("id > 0 AND version > 0 AND escalation_level >= 0", name="signs"),
        CheckConstraint("json_valid(tags)", name="tags_json"),
        # Unique also among the tickets without a source, which null alone would not make them.
        Index("ticket_external", "external_id", text("COALESCE(source, '')"), unique=True),
        # The condition is the one of `views.OPEN`: a query has to say it in the same words.
        partial("ticket_open", "due_at", "id", rows=views.OPEN.removeprefix("t.")),
        partial("ticket_urgency", "priority", "due_at", "wakes_at", rows=views.OPEN.removeprefix("t.")),
        partial("ticket_wakes", "wakes_at", rows="wakes_at IS NOT NULL"),
        partial("ticket_next", "next_at", "id", rows="next_at IS NOT NULL"),
        Index("ticket_created", "created_at"),
        Index("ticket_updated", "updated_at"),
        Index("ticket_assignee", "assignee", "due_at", "id"),
        Index("ticket_tenant", "tenant", "due_at", "id"),
        Index("ticket_requester", "requester_email"),
    )
    id: int | None = Field(default=None, primary_key=True)
    external_id: str | None = text_column()
    #: Where the ticket comes from; external ids are unique within one source.
    source: str | None = text_column()
    tenant: str | None = text_column()
    plan: str = text_column(nullable=False)
    requester_email: str | None = text_column()
    subject: str | None = text_column()
    status: str = text_column(nullable=False)
    priority: str = text_column(nullable=False)
    assignee: str | None = text_column()
    tags: str = text_column(nullable=False, default="[]")
    policy: str | None = text_column()
    calendar: str | None = text_column()
    timezone: str | None = text_column()
    created_at: str = text_column(nullable=False)
    updated_at: str = text_column(nullable=False)
    first_responded_at: str | None = text_column()
    resolved_at: str | None = text_column()
    first_resolved_at: str | None = text_column()
    due_at: str | None = text_column()
    due_target: str | None = text_column()
    missed: bool = number()
    escalated: bool = number()
    escalation_level: int = number()
    acked_until: str | None = text_column()
    next_escalation: str | None = text_column()
    next_level: str | None = text_column()
    next_level_at: str | None = text_column()
    #: The next instant at which `check` has to record that a status ended by itself, also where there is no timer.
    next_at: str | None = text_column()
    #: When the status ends by itself, and what holds from then on until the ticket changes.
    wakes_at: str | None = text_column()
    woken_due_at: str | None = text_column()
    woken_due_target: str | None = text_column()
    woken_escalation: str | None = text_column()
    woken_level: str | None = text_column()
    woken_level_at: str | None = text_column()
    rules_version: int = reference("rules_version.id")
    version: int = number(1)


class Snapshot(SQLModel, table=True):
    """The last row that a source sent about a ticket, with which its next row is compared.

    `columns` has our columns, with a salted hash in the place of each text that a person wrote, and null where that
    text was erased. `older` has the instants of the columns that only earlier rows had. `digest` is that of the row.
    """

    __table_args__ = (
        *instants("at"),
        CheckConstraint("json_valid(columns) AND json_valid(older)", name="columns_json"),
    )
    ticket_id: int = Field(sa_column=Column(Integer, ForeignKey("ticket.id"), primary_key=True))
    at: str = text_column(nullable=False)
    salt: str = text_column(nullable=False)
    digest: str = text_column(nullable=False)
    columns: str = text_column(nullable=False)
    older: str = text_column(nullable=False, default="{}")


class Event(SQLModel, table=True):
    """One entry of a ticket's history, which is also the audit log; never changed or removed."""

    __table_args__ = (
        one_of("actor_type", ActorType),
        *instants("at", "recorded_at"),
        *sizes(actor=200, action=100),
        CheckConstraint("json_valid(detail)", name="detail_json"),
        Index("event_ticket", "ticket_id", "at", "id"),
        # SQLite knows that one of the conditions implies the whole; of `IN` it does not know this.
        partial("event_counted", "ticket_id", "action", "at", rows=" OR ".join(f"action = '{one}'" for one in COUNTED)),
    )
    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = reference("ticket.id")
    at: str = text_column(nullable=False)
    recorded_at: str = text_column(nullable=False)
    actor: str = text_column(nullable=False)
    actor_type: str = text_column(nullable=False)
    action: str = text_column(nullable=False)
    detail: str = text_column(nullable=False, default="{}")
    hash: str = text_column(nullable=False)


class EventText(SQLModel, table=True):
    """A text that a person wrote. The event holds only a salted hash of it, so that this row can be erased."""

    __tablename__ = "event_text"
    __table_args__ = (one_of("field", ("body", "subject", "requester_email", "actor")),)
    event_id: int = Field(sa_column=Column(Integer, ForeignKey("event.id"), primary_key=True))
    field: str = key()
    salt: str = text_column(nullable=False)
    text: str = text_column(nullable=False)


class Escalation(SQLModel, table=True):
    """A level that became due, or a manual escalation. The unique index keeps a level from firing twice."""

    __table_args__ = (
        one_of("source", ("automatic", "manual")),
        one_of("outcome", LevelOutcome),
        *instants("due_at", "fired_at"),
        CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="reason_length"),
        CheckConstraint("source = 'manual' OR (kind IS NOT NULL AND escalation IS NOT NULL)", name="automatic_key"),
        partial(
            "escalation_once",
            *("ticket_id", "kind", "cycle", "escalation", "level", "arming", "repeat"),
            unique=True,
            rows="source = 'automatic'",
        ),
        Index("escalation_ticket", "ticket_id"),
        Index("escalation_run", "run_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = reference("ticket.id")
    source: str = text_column(nullable=False)
    kind: str | None = text_column()
    cycle: int | None = number(None)
    escalation: str | None = text_column()
    level: str | None = text_column()
    arming: int = number()
    repeat: int = number()
    reason: str = text_column(nullable=False)
    due_at: str | None = text_column()
    fired_at: str = text_column(nullable=False)
    outcome: str = text_column(nullable=False)
    actor: str = text_column(nullable=False)
    from_priority: str | None = text_column()
    to_priority: str | None = text_column()
    from_assignee: str | None = text_column()
    to_assignee: str | None = text_column()
    run_id: int | None = reference("run.id", nullable=True)
    event_id: int | None = reference("event.id", nullable=True)


class Notification(SQLModel, table=True):
    """A message of the outbox, for one recipient: about an escalation, or about an event that is none."""

    __table_args__ = (
        one_of("state", NotificationState),
        *instants("created_at", "next_try_at", "ended_at", "claimed_until"),
        *sizes(claimed_by=300),
        CheckConstraint("(escalation_id IS NULL) <> (event_id IS NULL)", name="about_one"),
        UniqueConstraint("escalation_id", "recipient"),
        UniqueConstraint("event_id", "recipient"),
        partial("notification_waiting", "next_try_at", rows="state IN ('waiting', 'sending')"),
    )
    id: int | None = Field(default=None, primary_key=True)
    escalation_id: int | None = reference("escalation.id", nullable=True)
    event_id: int | None = reference("event.id", nullable=True)
    ticket_id: int = reference("ticket.id")
    recipient: str = text_column(nullable=False)
    state: str = text_column(nullable=False)
    tries: int = number()
    created_at: str = text_column(nullable=False)
    next_try_at: str | None = text_column()
    ended_at: str | None = text_column()
    error: str | None = text_column()
    run_id: int | None = reference("run.id", nullable=True)
    #: The state of each of the recipient's addresses, by key: sent, dead or held; the others are yet to be tried.
    addresses: str = text_column(nullable=False, default="{}")
    #: The key of the address in use; what holds the message back; the recipient whom it could not reach before.
    address: str | None = text_column()
    held_by: str | None = text_column()
    instead_of: str | None = text_column()
    #: Whom the recipient of a message to a fallback replaces; of other messages the event of their cause says it.
    stands_in_for: str | None = text_column()
    #: The id that the message carries to each address, by key, from the first try on.
    message_ids: str = text_column(nullable=False, default="{}")
    #: The process that is sending the message, and until when at the latest: see `slactl.lease`.
    claimed_by: str | None = text_column()
    claimed_until: str | None = text_column()


class Silence(SQLModel, table=True):
    """A time in which messages are held back; of tenant, ticket and escalation, all that are set must match."""

    __table_args__ = (
        *instants("created_at", "starts_at", "ends_at"),
        *sizes(tenant=200, actor=200, comment=1000),
        # PostgreSQL wants values of one type.
        CheckConstraint("COALESCE(tenant, ticket_id, escalation) IS NOT NULL", name="about_something").ddl_if("sqlite"),
        CheckConstraint("num_nonnulls(tenant, ticket_id, escalation) > 0", name="about_something").ddl_if("postgresql"),
        Index("silence_ends", "ends_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    tenant: str | None = text_column()
    ticket_id: int | None = reference("ticket.id", nullable=True)
    escalation: str | None = text_column()
    comment: str | None = text_column()
    actor: str = text_column(nullable=False)
    created_at: str = text_column(nullable=False)
    starts_at: str = text_column(nullable=False)
    ends_at: str = text_column(nullable=False)
    expired_by: str | None = text_column()
