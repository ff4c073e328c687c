"""Define the tables of the clocks: the timers of each ticket, and the outcomes that reports count."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from slactl.sla.enums import Condition, Priority, Target
from slactl.store.schema.models.columns import instants, number, one_of, partial, reference, sizes, text_column

#: The columns of an outcome that find the other outcomes of its cycle.
_OF_CYCLE = ("ticket_id", "cycle", "agreement")

#: What a clock can be in; a condition is never met or breached.
STATES = ("running", "paused", "met", "breached", "unknown")


class Timer(SQLModel, table=True):
    """One clock of a ticket: a target's cycle or a condition's episode."""

    __table_args__ = (
        one_of("kind", (*Target, *Condition)),
        one_of("state", STATES),
        one_of("woken_state", STATES),
        *instants("started_at", "due_at", "running_since", "stopped_at", "breached_at", "detected_at", "next_at"),
        *instants("wakes_at", "woken_due_at"),
        CheckConstraint("cycle > 0 AND consumed_seconds >= 0 AND arming >= 0 AND agreement >= 0", name="signs"),
        CheckConstraint("target_seconds IS NULL OR target_seconds >= 0", name="target_sign"),
        UniqueConstraint("ticket_id", "kind", "cycle"),
        partial("timer_latest", "ticket_id", "kind", unique=True, rows="latest = 1"),
        partial("timer_next", "next_at", "ticket_id", rows="next_at IS NOT NULL"),
        partial("timer_due", "kind", "due_at", "wakes_at", rows="stopped_at IS NULL AND due_at IS NOT NULL"),
        # The deadlines that pass before a check counts them; the condition is the one of `outcomes`.
        partial("timer_uncounted", "due_at", rows="stopped_at IS NULL AND counted = 0 AND due_at IS NOT NULL"),
    )
    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = reference("ticket.id")
    kind: str = text_column(nullable=False)
    cycle: int = number(1)
    latest: bool = number(1)
    state: str = text_column(nullable=False)
    target_seconds: int | None = number(None)
    started_at: str = text_column(nullable=False)
    due_at: str | None = text_column()
    running_since: str | None = text_column()
    consumed_seconds: int = number()
    paused_seconds: int | None = number(None)
    closed_seconds: int | None = number(None)
    stopped_at: str | None = text_column()
    breached_at: str | None = text_column()
    detected_at: str | None = text_column()
    next_at: str | None = text_column()
    manual: bool = number()
    arming: int = number()
    #: How often a later deadline was agreed on after a miss, and whether an outcome counts the miss of this one.
    agreement: int = number()
    counted: bool = number()
    #: When the clock runs on because the status of the ticket ends by itself, and what holds from then on.
    wakes_at: str | None = text_column()
    woken_state: str | None = text_column()
    woken_due_at: str | None = text_column()


class Outcome(SQLModel, table=True):
    """A fact about a target: its clock stopped, or its deadline passed, or both; a cache of the histories.

    `missed_at` is the deadline that passed, where no other row of the cycle has it. A period counts it at `late_since`:
    at the deadline, or at the later change that set it to the past, so that no change alters a period that is over.
    `detected_at` is when it was noticed. What reports group by is as it was then.
    """

    __table_args__ = (
        one_of("kind", Target),
        one_of("priority", Priority),
        *instants("started_at", "stopped_at", "missed_at", "late_since", "detected_at"),
        *sizes(tenant=200, plan=200, assignee=200),
        CheckConstraint("COALESCE(stopped_at, missed_at) IS NOT NULL", name="about_something"),
        CheckConstraint("cycle > 0 AND agreement >= 0", name="signs"),
        CheckConstraint("json_valid(tags)", name="tags_json"),
        Index("outcome_ticket", "ticket_id"),
        # Both hold all that a summary asks of an outcome, so that it reads no row of the table.
        Index("outcome_stopped", "kind", "stopped_at", "met", "averaged", "seconds", "late_since", *_OF_CYCLE),
        partial(
            "outcome_late", "kind", "stopped_at", "late_since", *_OF_CYCLE, rows="met = 0 AND stopped_at IS NOT NULL"
        ),
        # In the order of the business times, for medians.
        partial("outcome_seconds", "kind", "seconds", "stopped_at", rows="averaged = 1 AND stopped_at IS NOT NULL"),
        partial("outcome_missed", "kind", "late_since", "stopped_at", *_OF_CYCLE, rows="late_since IS NOT NULL"),
    )
    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = reference("ticket.id")
    kind: str = text_column(nullable=False)
    cycle: int = number(1)
    agreement: int = number()
    started_at: str = text_column(nullable=False)
    stopped_at: str | None = text_column()
    missed_at: str | None = text_column()
    late_since: str | None = text_column()
    detected_at: str | None = text_column()
    met: bool = number()
    averaged: bool = number()
    seconds: int | None = number(None)
    paused_seconds: int | None = number(None)
    closed_seconds: int | None = number(None)
    plan: str = text_column(nullable=False)
    tenant: str | None = text_column()
    priority: str = text_column(nullable=False)
    assignee: str | None = text_column()
    policy: str | None = text_column()
    tags: str = text_column(nullable=False, default="[]")
