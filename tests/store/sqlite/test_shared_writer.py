"""Work in parts writes through one connection, and notices when the database under it is another one."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from slactl.errors import DatabaseError
from slactl.store.database import Database
from slactl.store.schema.version import SCHEMA

Notes = list[tuple[str]]


def note(database: Database, name: str, *, keep: bool = True) -> None:
    with database.write(keep=keep) as transaction:
        transaction.execute("INSERT INTO meta (key, value) VALUES (?, '')", (name,))


def notes(path: Path) -> Notes:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT key FROM meta WHERE key LIKE 'note%' ORDER BY key").fetchall()


def test_transactions_share_a_connection_and_are_still_kept_or_rolled_back_one_by_one(desk: Path) -> None:
    with Database(desk).for_many_writes() as database:
        with database.write() as first:
            pass
        note(database, "note 1")
        note(database, "note 2", keep=False)
        with pytest.raises(DatabaseError, match="UNIQUE"):
            note(database, "note 1")
        note(database, "note 3")
        with database.write() as last:
            assert last is first
    assert notes(desk) == [("note 1",), ("note 3",)]
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        first.execute("SELECT 1")


def test_a_file_that_took_the_place_of_the_database_gets_what_is_written_later(desk: Path) -> None:
    old, new = desk.with_name("old.db"), desk.with_name("new.db")
    shutil.copy(desk, new)
    with Database(desk).for_many_writes() as database:
        note(database, "note 1")
        with closing(sqlite3.connect(desk)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.rename(desk, old)
        os.rename(new, desk)
        for end in ("-wal", "-shm"):
            desk.with_name(desk.name + end).unlink()
        note(database, "note 2")
    assert (notes(old), notes(desk)) == ([("note 1",)], [("note 2",)])


def test_a_database_that_a_newer_program_upgraded_meanwhile_is_refused(desk: Path) -> None:
    with Database(desk).for_many_writes() as database:
        note(database, "note 1")
        with closing(sqlite3.connect(desk)) as other:
            other.execute(f"PRAGMA user_version = {SCHEMA + 1}")
        with pytest.raises(DatabaseError, match="newer than this slactl knows"):
            note(database, "note 2")
    assert notes(desk) == [("note 1",)]


def test_a_folder_to_which_everybody_may_write_meanwhile_is_refused(desk: Path) -> None:
    with Database(desk).for_many_writes() as database:
        note(database, "note 1")
        desk.parent.chmod(0o777)
        with pytest.raises(DatabaseError, match="everybody may write"):
            note(database, "note 2")
    assert notes(desk) == [("note 1",)]
