"""Migrate a database of an older schema, and before that keep a verified copy beside it."""

import filecmp
import os
import sqlite3
import stat
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from slactl.errors import DatabaseError, StorageError
from slactl.files import give_name, give_to, make_durable, new_file, opened_folder, sweep
from slactl.store.schema.migrations import migrate
from slactl.store.schema.version import SCHEMA, schema_of

#: A function that returns what is broken in a database.
Damage = Callable[[sqlite3.Connection], Sequence[str]]


def upgrade(connection: sqlite3.Connection, database: Path, damage: Damage) -> str | None:
    """Migrate a database in the caller's write transaction; do nothing if another process was faster.

    Return the message for people, for after the commit.

    Raises:
        DatabaseError: there is no sound copy; the database stays as it is.
    """
    schema = schema_of(connection)
    if schema >= SCHEMA:
        return None
    real = Path(os.path.realpath(database))
    kept = _keep(connection, real, schema, damage)
    migrate(connection)
    return f"{database} was upgraded from schema {schema} to {SCHEMA}; the old database is kept as {kept}"


def old_copies(database: Path) -> list[Path]:
    """Return the copies that upgrades left beside a database."""
    real = Path(os.path.realpath(database))
    try:
        names = sorted(os.listdir(real.parent))
    except OSError:
        return []
    return [real.with_name(name) for name in names if name.startswith(f"{real.name}.schema-")]


def _keep(connection: sqlite3.Connection, database: Path, schema: int, damage: Damage) -> Path:
    """Copy the database while the caller holds the write lock, verify the copy, and only then give it its name.

    The copy has the group and the mode of the database, so everybody who may upgrade the database may restore it. If a
    killed upgrade left the same copy, byte for byte, slactl uses that one.
    """
    try:
        with opened_folder(database.parent) as folder:
            sweep(folder)
            with new_file(folder) as new:
                draft = database.parent / new.place
                uri = f"{database.as_uri()}?mode=rw"
                with (  # SQLite cannot copy from a connection that holds the write lock
                    closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as source,
                    closing(sqlite3.connect(draft, isolation_level=None)) as made,
                ):
                    source.backup(made)
                    broken = list(damage(made))
                    if broken or schema_of(made) != schema or _events(made) != _events(connection):
                        why = broken[0] if broken else "it differs from the database"
                        what = f"{database} has schema {schema} and was not upgraded: its copy is damaged: {why}"
                        raise DatabaseError(what, f"sqlite3 {_quoted(database)} 'PRAGMA integrity_check'")
                os.fsync(new.handle)
                for number in range(1, 1000):
                    kept = database.with_name(f"{database.name}.schema-{schema}{f'-{number}' if number > 1 else ''}")
                    if not os.path.lexists(kept):
                        found = database.stat()
                        give_to(new.handle, stat.S_IMODE(found.st_mode) & 0o660, group=found.st_gid)
                        give_name(new, kept.name, replace=False)
                        make_durable(folder)
                        return kept
                    if kept.is_file() and not kept.is_symlink() and filecmp.cmp(draft, kept, shallow=False):
                        return kept
    except OSError as error:
        what = f"{database} has schema {schema} and was not upgraded: a copy of it cannot be kept: {error.strerror}"
        raise StorageError(what, f"df -h {_quoted(database.parent)}") from error
    raise DatabaseError(f"{database.parent} has too many old copies", f"ls -l {_quoted(database.parent)}")


def _events(connection: sqlite3.Connection) -> tuple[int, ...]:
    found: tuple[int, ...] = connection.execute("SELECT count(*), coalesce(max(id), 0) FROM event").fetchone()
    return found


def _quoted(path: Path) -> str:
    from slactl.text import quoted

    return quoted(path)
