"""Define the tables that each check fills for SQL, which cannot read the rules: goals, and who is on call."""

from sqlalchemy import CheckConstraint, Column, Float
from sqlmodel import Field, SQLModel

from slactl.store.schema.models.columns import instants, key, number, one_of, text_column


class ObjectiveStanding(SQLModel, table=True):
    """How far a goal was reached in its period at the last check."""

    __tablename__ = "objective_standing"
    __table_args__ = (
        *instants("since", "until", "as_of"),
        one_of("state", ("no_data", "kept", "at_risk", "below")),
        CheckConstraint("kept >= 0 AND missed >= 0", name="signs"),
    )
    name: str = key()
    period: str = text_column(nullable=False)
    since: str = text_column(nullable=False)
    until: str = text_column(nullable=False)
    target: str = text_column(nullable=False)
    goal: float = Field(sa_column=Column(Float, nullable=False))
    kept: int = number()
    missed: int = number()
    attained: float | None = Field(default=None, sa_column=Column(Float))
    spare: int | None = number(None)
    needed: int | None = number(None)
    open_at_risk: int | None = number(None)
    credit: float | None = Field(default=None, sa_column=Column(Float))
    state: str = text_column(nullable=False)
    as_of: str = text_column(nullable=False)


class OncallStanding(SQLModel, table=True):
    """Who was on call for a schedule at the last check, and who is next; a null person is nobody."""

    __tablename__ = "oncall_standing"
    __table_args__ = (*instants("since", "until", "next_at", "as_of"),)
    schedule: str = key()
    person: str | None = text_column()
    since: str | None = text_column()
    until: str | None = text_column()
    next_person: str | None = text_column()
    next_at: str | None = text_column()
    source: str | None = text_column()
    instead_of: str | None = text_column()
    as_of: str = text_column(nullable=False)
