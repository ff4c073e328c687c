"""Bring a database to the schema of this program in numbered steps."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slactl.store.schema.chain import chain
from slactl.store.schema.version import APPLICATION_ID, SCHEMA
from slactl.store.schema.views import definitions

if TYPE_CHECKING:
    from sqlalchemy import Table


def index_statements() -> dict[str, str]:
    """Return the statement that creates each index, by its name."""
    from sqlalchemy.dialects import sqlite
    from sqlalchemy.schema import CreateIndex

    indexes = [index for table in all_tables() for index in table.indexes]
    return {str(index.name): str(CreateIndex(index).compile(dialect=sqlite.dialect())) for index in indexes}


def all_tables() -> "Sequence[Table]":
    """Return every table, a table before those that refer to it."""
    from sqlmodel import SQLModel

    from slactl.store.schema import models  # noqa: F401  (fills the metadata)

    return SQLModel.metadata.sorted_tables


def tables(connection: sqlite3.Connection) -> None:
    """Create every table and its indexes: step 1."""
    from sqlalchemy.dialects import sqlite
    from sqlalchemy.schema import CreateTable

    for table in all_tables():
        connection.execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
    for _, statement in sorted(index_statements().items()):
        connection.execute(statement)


def silences(connection: sqlite3.Connection) -> None:
    """Add silences, and the columns of messages about addresses and about what holds a message back."""
    from sqlalchemy.dialects import sqlite
    from sqlalchemy.schema import CreateIndex, CreateTable
    from sqlmodel import SQLModel

    from slactl.store.schema import models

    known = {row[1] for row in connection.execute("PRAGMA table_info(notification)")}
    for column in ("addresses TEXT NOT NULL DEFAULT '{}'", "address TEXT", "held_by TEXT", "instead_of TEXT"):
        if column.split()[0] not in known:
            connection.execute(f"ALTER TABLE notification ADD COLUMN {column}")
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'silence'").fetchone():
        table = SQLModel.metadata.tables[str(models.Silence.__tablename__)]
        connection.execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
        for index in table.indexes:
            connection.execute(str(CreateIndex(index).compile(dialect=sqlite.dialect())))


def uncounted_seconds(connection: sqlite3.Connection) -> None:
    """Add the paused and the closed time of timers; it is null until the ticket changes next."""
    known = {name for _, name, *_ in connection.execute("PRAGMA table_info(timer)")}
    for column in ("paused_seconds", "closed_seconds"):
        if column not in known:
            connection.execute(f"ALTER TABLE timer ADD COLUMN {column} INTEGER")


def upcoming(connection: sqlite3.Connection) -> None:
    """Add the next level of each ticket, and the duration and the boot clock of each run."""
    columns = {
        "ticket": ("next_escalation TEXT", "next_level TEXT", "next_level_at TEXT"),
        "run": ("duration_ms INTEGER", "boot_id TEXT", "boot_seconds INTEGER"),
    }
    for table, wanted in columns.items():
        known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for column in wanted:
            if column.split()[0] not in known:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    # The next check computes the new columns of every ticket, as after a change of the rules.
    connection.execute("DELETE FROM meta WHERE key = 'ladders_hash'")


def chained(connection: sqlite3.Connection) -> None:
    """Chain the event log and make it append-only, and keep customers' names as erasable texts."""
    from sqlalchemy.dialects import sqlite
    from sqlalchemy.schema import CreateTable

    from slactl.store.schema.models import EventText

    known = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'event_text'").fetchone()[0]
    if "'actor'" not in known:
        table: Any = EventText
        connection.execute("ALTER TABLE event_text RENAME TO event_text_before")
        connection.execute(str(CreateTable(table.__table__).compile(dialect=sqlite.dialect())))
        connection.execute("INSERT INTO event_text SELECT event_id, field, salt, text FROM event_text_before")
        connection.execute("DROP TABLE event_text_before")
    chain(connection)


def unix_users(connection: sqlite3.Connection) -> None:
    """Add the Unix user to the view of events; `migrate` creates the views again."""


def message_ids(connection: sqlite3.Connection) -> None:
    """Add the ids that messages carry and the state `partly`; a constraint changes only with its whole table."""
    from sqlalchemy.dialects import sqlite
    from sqlalchemy.schema import CreateIndex, CreateTable

    from slactl.store.schema.models import Notification

    columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(notification)")]
    if "message_ids" in columns:
        return
    table: Any = Notification
    names, dialect = ", ".join(columns), sqlite.dialect()
    connection.execute("DROP INDEX IF EXISTS notification_waiting")
    connection.execute("ALTER TABLE notification RENAME TO notification_before")
    connection.execute(str(CreateTable(table.__table__).compile(dialect=dialect)))
    connection.execute(f"INSERT INTO notification ({names}) SELECT {names} FROM notification_before")
    connection.execute("DROP TABLE notification_before")
    for index in table.__table__.indexes:
        connection.execute(str(CreateIndex(index).compile(dialect=dialect)))


#: What the steps add to tables that are there already: each column or constraint as a new table has it, and as it is
#: written when it was added; a constraint cannot be added, and is missing then. SQLite puts them after the others.
ADDED: Mapping[str, Mapping[str, str]] = {
    "event": {"hash TEXT NOT NULL": "hash TEXT NOT NULL DEFAULT ''"},
    "run": {
        column: column
        for column in (
            *("duration_ms INTEGER", "boot_id TEXT", "boot_seconds INTEGER"),
            *("audit_head TEXT", "audit_event INTEGER"),
        )
    },
    "ticket": {
        **{column: column for column in ("next_escalation TEXT", "next_level TEXT", "next_level_at TEXT")},
        "CONSTRAINT next_level_at_instant CHECK"
        " (next_level_at IS NULL OR next_level_at LIKE '____-__-__T__:__:__Z')": "",
    },
    "timer": {column: column for column in ("paused_seconds INTEGER", "closed_seconds INTEGER")},
}

#: In order; a database stores how many of them it has seen.
STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    *(tables, silences, uncounted_seconds, upcoming),
    *(chained, unix_users, message_ids),
)


def migrate(connection: sqlite3.Connection) -> None:
    """Run the steps that this database has not seen, and create the views again.

    The caller holds the write transaction, and rolls back when a step fails.
    """
    seen = connection.execute("PRAGMA user_version").fetchone()[0]
    for step in STEPS[seen:]:
        step(connection)
    for name, body in definitions().items():
        connection.execute(f"DROP VIEW IF EXISTS {name}")
        connection.execute(f"CREATE VIEW {name} AS {body}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
