"""Define the tables of sums: each follows from other tables by the query that `schema.sums` has."""

from sqlalchemy import Index
from sqlmodel import SQLModel

from slactl.sla.enums import Priority, Target
from slactl.store.schema.models.columns import (
    instants,
    key,
    number,
    number_key,
    one_of,
    partial,
    reference,
    text_column,
)


class OutcomeDay(SQLModel, table=True):
    """Sum up the outcomes of one kind whose clocks stopped on one day of UTC, with about the same business time.

    `size` is the class of the business time of the target, -1 where it is not averaged. `seconds` is the sum of the
    averaged times. `spent` counts the outcomes with a known time by state; the columns after it have its sums.
    """

    __tablename__ = "outcome_day"
    __table_args__ = (one_of("kind", Target),)
    kind: str = key()
    day: str = key()
    size: int = number_key()
    stopped: int = number()
    late: int = number()
    seconds: int = number()
    spent: int = number()
    working: int = number()
    paused: int = number()
    closed: int = number()
    passed: int = number()


class OutcomeSpan(SQLModel, table=True):
    """Hold when the first and the last outcome of a ticket counted, and the first and the last that was late.

    `resolutions` counts the ends of its resolution. `escalated_at` is its first escalation, `reopened_at` the last
    time that it was reopened.
    """

    __tablename__ = "outcome_span"
    __table_args__ = (
        *instants("since", "until", "late_since", "late_until", "escalated_at", "reopened_at"),
        Index("span_since", "since", "until"),
        Index("span_until", "until", "since"),
        partial("span_late_since", "late_since", "late_until", rows="late_since IS NOT NULL"),
        partial("span_late_until", "late_until", "late_since", rows="late_until IS NOT NULL"),
        partial("span_escalated", "escalated_at", "until", "since", rows="escalated_at IS NOT NULL"),
        partial("span_resolved", "resolutions", "until", "since", rows="resolutions > 1"),
        partial("span_reopened", "reopened_at", rows="reopened_at IS NOT NULL"),
    )
    ticket_id: int = reference("ticket.id", primary=True)
    since: str = text_column(nullable=False)
    until: str = text_column(nullable=False)
    late_since: str | None = text_column()
    late_until: str | None = text_column()
    resolutions: int = number()
    escalated_at: str | None = text_column()
    reopened_at: str | None = text_column()


class OpenCount(SQLModel, table=True):
    """Count the open tickets with the same priority of which the same holds; `dated` means with an open deadline."""

    __tablename__ = "open_count"
    __table_args__ = (one_of("priority", Priority),)
    priority: str = key()
    unassigned: int = number_key()
    escalated: int = number_key()
    paused: int = number_key()
    dated: int = number_key()
    tickets: int = number()
