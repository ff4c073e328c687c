"""Define the tables of who is on call: overrides of schedules, and absences of people."""

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from slactl.store.schema.models.columns import instants, sizes, text_column

IN_ORDER = "starts_at < ends_at"


class Override(SQLModel, table=True):
    """A time in which one person is on call for a schedule; `removed_at` ends it early, and its row stays."""

    __table_args__ = (
        *instants("starts_at", "ends_at", "created_at", "removed_at"),
        *sizes(schedule=200, person=200, reason=1000, actor=200),
        CheckConstraint(IN_ORDER, name="in_order"),
        Index("override_ends", "ends_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    schedule: str = text_column(nullable=False)
    person: str = text_column(nullable=False)
    starts_at: str = text_column(nullable=False)
    ends_at: str = text_column(nullable=False)
    reason: str | None = text_column()
    actor: str = text_column(nullable=False)
    created_at: str = text_column(nullable=False)
    removed_at: str | None = text_column()
    removed_by: str | None = text_column()


class Absence(SQLModel, table=True):
    """A time in which a person is away, and who replaces the person. Its ids are told apart from those of overrides."""

    __table_args__ = (
        *instants("starts_at", "ends_at", "created_at", "removed_at"),
        *sizes(person=200, substitute=200, actor=200),
        CheckConstraint(IN_ORDER, name="in_order"),
        Index("absence_ends", "ends_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    person: str = text_column(nullable=False)
    substitute: str | None = text_column()
    starts_at: str = text_column(nullable=False)
    ends_at: str = text_column(nullable=False)
    actor: str = text_column(nullable=False)
    created_at: str = text_column(nullable=False)
    removed_at: str | None = text_column()
    removed_by: str | None = text_column()
