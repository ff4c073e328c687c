"""What every connection that writes relies on: what is acknowledged is on the disk, and no row refers to nothing."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from crash_desk import desk_copy, settings, shelf
from forked import Trouble, run

from slactl.errors import DatabaseError
from slactl.store.database import Database
from slactl.store.sqlite.connection import open_database

#: What a connection is set to: FULL is 2.
SETTINGS = {"synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}

WRITING = (
    "note 1 --body n",
    "check",
    "import {}/history.jsonl",
    "erase --requester ann@example.com --yes",
    "--rules {}/other.toml rules apply --yes",
    "doctor --rebuild",
    "tenant add globex",
)


def found_on(connection: sqlite3.Connection) -> dict[str, int]:
    ask = sqlite3.Connection.execute
    return {name: ask(connection, f"PRAGMA {name}").fetchone()[0] for name in SETTINGS}


def stops_unless(wanted: dict[str, int]) -> Callable[[sqlite3.Connection, str], bool]:
    """Trouble where a transaction that writes begins on a connection that is not set so."""

    def watch(connection: sqlite3.Connection, operation: str) -> bool:
        return operation in ("BEGIN IMMEDIATE", "VACUUM") and not wanted.items() <= found_on(connection).items()

    return watch


@pytest.mark.parametrize("line", WRITING)
def test_every_transaction_that_writes_is_on_a_connection_that_keeps_what_it_says(line: str) -> None:
    with desk_copy() as folder:
        arguments = [*settings(folder), *(word.format(folder) for word in line.split())]
        ended = run(*arguments, trouble=Trouble(watch=stops_unless(SETTINGS)))
        assert ended.code == 0, ended.err
        assert "BEGIN IMMEDIATE" in ended.operations


def test_a_new_desk_is_on_the_disk_when_it_is_said_to_be_there() -> None:
    folder = shelf() / "synchronous"
    wanted = {"synchronous": SETTINGS["synchronous"]}
    ended = run(*settings(folder), "init", trouble=Trouble(watch=stops_unless(wanted)))
    assert ended.code == 0, ended.err
    assert "BEGIN IMMEDIATE" in ended.operations


def test_connections_of_the_store_are_set_so() -> None:
    with desk_copy() as folder:
        database = folder / "slactl.db"
        for query_only in (False, True):
            with closing(open_database(database, query_only=query_only)) as connection:
                assert found_on(connection) == SETTINGS
        for transaction in (Database(database).write(), Database(database).read()):
            with transaction as connection:
                assert found_on(connection) == SETTINGS


DANGLING = (
    "UPDATE timer SET ticket_id = 999 WHERE id = 1",
    "UPDATE ticket SET rules_version = 999 WHERE id = 1",
    "DELETE FROM ticket WHERE id = 1",
    "DELETE FROM rules_version",
)


@pytest.mark.parametrize("statement", DANGLING)
def test_a_row_that_refers_to_nothing_is_refused(statement: str) -> None:
    with desk_copy() as folder:
        database = Path(folder / "slactl.db")
        with pytest.raises(DatabaseError, match="FOREIGN KEY"), Database(database).write() as transaction:
            transaction.execute(statement)
        with closing(open_database(database)) as connection, pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            connection.execute(statement)
