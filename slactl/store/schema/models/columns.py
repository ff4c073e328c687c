"""Build the columns and constraints of the tables in `models`."""

from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Text, text
from sqlmodel import Field

#: Text that is compared byte by byte in every kind of database, so that the order of instants is that of time.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")

#: The form of an instant, for `LIKE`.
INSTANT = "____-__-__T__:__:__Z"


def one_of(column: str, words: type[StrEnum] | tuple[str, ...]) -> CheckConstraint:
    """Return the constraint that a column holds one of some words."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(str(word)) for word in words)})", name=f"{column}_known")


def instants(*columns: str) -> list[CheckConstraint]:
    """Return the constraints that columns hold instants or null."""
    return [CheckConstraint(f"{c} IS NULL OR {c} LIKE '{INSTANT}'", name=f"{c}_instant") for c in columns]


def sizes(**most: int) -> list[CheckConstraint]:
    """Return the constraints that each column has from one to `most` characters."""
    return [CheckConstraint(f"length({c}) BETWEEN 1 AND {n}", name=f"{c}_length") for c, n in most.items()]


def partial(name: str, *columns: str, rows: str, unique: bool = False) -> Index:
    """Return the index of the rows for which a condition holds."""
    condition = text(rows)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def key() -> Any:  # noqa: ANN401  (as SQLModel's Field)
    """Return a column of text that is the primary key, or a part of it."""
    return Field(sa_column=Column(TEXT, primary_key=True))


def number_key() -> Any:  # noqa: ANN401  (as SQLModel's Field)
    """Return a column of whole numbers that is a part of the primary key."""
    return Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))


def text_column(*, nullable: bool = True, default: str | None = None) -> Any:  # noqa: ANN401  (as SQLModel's Field)
    """Return a column of text."""
    server_default = None if default is None else text(f"'{default}'")
    return Field(default=default, sa_column=Column(TEXT, nullable=nullable, server_default=server_default))


def reference(column: str, *, nullable: bool = False, primary: bool = False) -> Any:  # noqa: ANN401  (as Field)
    """Return a column that refers to the key of another table, and that may be the primary key itself."""
    return Field(default=None, sa_column=Column(Integer, ForeignKey(column), nullable=nullable, primary_key=primary))


def number(default: int | None = 0) -> Any:  # noqa: ANN401  (as SQLModel's Field)
    """Return a column of whole numbers; without a default it may be null."""
    server_default = None if default is None else text(str(default))
    return Field(default=default, sa_column=Column(Integer, nullable=default is None, server_default=server_default))
