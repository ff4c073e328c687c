"""Several people and cron at once, each a process of its own: everything is done, once, and nobody is shown a lock."""

import fcntl
import json
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from crash_desk import desk_copy, settings, shelf
from forked import NOON, PROCESSES, Child, Fault, Trouble, at_once, call, fork, run, start, words
from invariants import violations

from slactl.store.schema.version import SCHEMA

#: Databases as earlier schemas kept them.
SCHEMAS = {number: Path(__file__).parents[1] / "data" / "schemas" / f"schema_{number}.sql" for number in (1, 6)}


def first_starts(rounds: int) -> None:
    """Everybody makes the desk, and opens a ticket in it."""
    for turn in range(rounds):
        folder = shelf() / f"first-{os.getpid()}-{turn}"

        def begin(number: int, folder: Path = folder) -> int:
            for arguments in (("init",), ("create", f"T{number}", "--from", "me@example.com")):
                code, out, err = call(*settings(folder), *arguments)
                print(out, err, flush=True)  # noqa: T201
                if code != 0:
                    return code
            return 0

        ended = [child.wait() for child in at_once(PROCESSES, begin)]
        assert [each.code for each in ended] == [0] * PROCESSES, words(ended)
        assert sum("created" in each.out for each in ended) == 1, words(ended)
        with closing(sqlite3.connect(folder / "slactl.db")) as connection:
            subjects = connection.execute("SELECT count(*), count(DISTINCT subject), max(id) FROM ticket").fetchone()
        assert subjects == (PROCESSES,) * 3
        assert sorted(path.name for path in folder.iterdir()) == ["rules.toml", "slactl.db"]


def test_eight_first_starts_make_one_desk() -> None:
    first_starts(rounds=3)


def test_rules_that_somebody_else_wrote_meanwhile_are_left_as_they_are() -> None:
    folder = shelf() / f"faster-{os.getpid()}"

    def somebody_is_faster() -> None:
        import slactl.desk.upkeep.init

        shipped = slactl.desk.upkeep.init.shipped_rules

        def meanwhile() -> Path:
            (folder / "rules.toml").write_text("schema = 1\n")
            return shipped()

        slactl.desk.upkeep.init.shipped_rules = meanwhile

    ended = run(*settings(folder), "init", before=somebody_is_faster)
    assert ended.code == 0, ended.err
    assert "already exists, unchanged" in ended.out
    assert (folder / "rules.toml").read_text() == "schema = 1\n"
    assert sorted(path.name for path in folder.iterdir()) == ["rules.toml", "slactl.db"]


@pytest.mark.full
def test_fifty_times_eight_first_starts_make_one_desk() -> None:
    first_starts(rounds=50)


def test_an_init_that_dies_anywhere_leaves_nothing_in_the_way() -> None:
    folder = shelf() / f"dying-{os.getpid()}"
    usual = run(*settings(folder / "usual"), "init")
    assert usual.code == 0, usual.err
    last = len(usual.operations)
    for place in (0, 1, 2, 3, 4, last // 2, last - 2, last - 1):
        where = folder / str(place)
        assert run(*settings(where), "init", trouble=Trouble(place)).code == -signal.SIGKILL
        again = run(*settings(where), "init")
        assert again.code == 0, again.err
        made = run(*settings(where), "create", "T", "--from", "me@example.com")
        assert (made.code, made.out) == (0, "1\n"), made.err


def half_done(place: int) -> Trouble:
    """Stop an `init` at one of its operations."""
    return Trouble(place, Fault.STOP)


@pytest.mark.parametrize("place", [0, 1, 2, 3, 5, 9, 20])
def test_who_comes_while_the_database_is_initialised_may_try_again(place: int) -> None:
    """The first operations are those before the tables exist; then all happens in one transaction."""
    folder = shelf() / f"half-done-{place}-{os.getpid()}"
    commands = ("create T --from me@example.com", "list", "check -q", "doctor", "note - --body x")
    with start(*settings(folder), "init", trouble=half_done(place)) as stopped:
        stopped.wait_until_stopped()
        tried = [run(*settings(folder), *line.split(), stdin="1", before=patience(1)) for line in commands]
        again = run(*settings(folder), "init", before=patience(1))
        stopped.send(signal.SIGCONT)
        assert stopped.wait().code == 0
    assert [each.code for each in (*tried, again)] == [75] * (len(commands) + 1), words([*tried, again])
    for each in (*tried, again):
        said = each.err or each.out
        assert "is being initialised" in said or "is busy" in said, said
    made = run(*settings(folder), *commands[0].split())
    assert (made.code, made.out) == (0, "1\n"), made.err


def test_a_writer_without_the_lock_of_init_is_waited_for_too(tmp_path: Path) -> None:
    """Another program may fill the file, as `sqlite3 slactl.db .restore` does."""
    folder = tmp_path / "filled"
    folder.mkdir()
    place = settings(folder)[1]
    with closing(sqlite3.connect(place, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("BEGIN IMMEDIATE")
        tried = run(*settings(folder), "list", before=patience(1))
        assert (tried.code, "is being initialised" in tried.err) == (75, True), tried.err
        writer.execute("ROLLBACK")
        tried = run(*settings(folder), "list", before=patience(1))
        assert (tried.code, "is empty" in tried.err) == (6, True), tried.err


def test_an_init_that_was_killed_is_not_said_to_be_at_work() -> None:
    folder = shelf() / f"killed-{os.getpid()}"
    assert run(*settings(folder), "init", trouble=Trouble(4)).code == -signal.SIGKILL
    database = folder / "slactl.db"
    found = run(*settings(folder), "list")
    assert (found.code, "is empty: an init was interrupted" in found.err) == (6, True), found.err
    hint = found.err.splitlines()[-1]
    assert hint == f"hint: slactl --db {database} init"
    assert run(*settings(folder), "init").code == 0
    assert run(*settings(folder), "list").code == 0


def old_desk(folder: Path, schema: int) -> Path:
    """A desk of an earlier schema."""
    made = run(*settings(folder), "init")
    assert made.code == 0, made.err
    database = folder / "slactl.db"
    database.unlink()
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(SCHEMAS[schema].read_text())
        connection.execute("PRAGMA journal_mode = WAL")
    return database


def history(database: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        names = "id, ticket_id, at, recorded_at, actor, actor_type, action, detail"
        return connection.execute(f"SELECT {names} FROM event ORDER BY id").fetchall()


def schema(database: Path) -> dict[str, set[tuple[str, str]]]:
    with closing(sqlite3.connect(database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {
            table: {(row[1], row[2]) for row in connection.execute(f"PRAGMA table_info({table})")} for table in tables
        }
        others = connection.execute("SELECT type, name FROM sqlite_master WHERE type != 'table'").fetchall()
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        return columns | {"others": set(others), "version": {("", str(version))}}


@pytest.mark.parametrize("old", SCHEMAS)
def test_eight_commands_that_find_an_old_schema_bring_it_up_to_date_once(old: int) -> None:
    folder = shelf() / f"old-{old}-{os.getpid()}"
    database = old_desk(folder, old)
    before = history(database)
    commands = (
        "list",
        "note 1 --body n",
        "show 2",
        "check",
        "summary",
        "tag 2 --add x",
        "runs list",
        "assign 1 --to max",
    )

    def begin(number: int) -> int:
        code, out, err = call(*settings(folder), *commands[number].split())
        print(out, err, flush=True)  # noqa: T201
        return code

    ended = [child.wait() for child in at_once(PROCESSES, begin)]
    assert [each.code for each in ended] == [0] * PROCESSES, words(ended)
    assert history(database)[: len(before)] == before
    assert [path.name for path in folder.glob("*.schema-*")] == [f"slactl.db.schema-{old}"]
    assert sum("the old database is kept as" in each.out for each in ended) == 1, words(ended)
    assert run(*settings(folder / "new"), "init").code == 0
    assert schema(database) == schema(folder / "new" / "slactl.db")
    assert ("", str(SCHEMA)) in schema(database)["version"]
    run(*settings(folder), "check", now=None)
    from slactl.clock import now

    assert violations(database, now(), all_told=False) == []


@pytest.mark.parametrize("fault", [Fault.DEATH, Fault.ROLLED_BACK])
def test_a_migration_that_fails_or_dies_is_begun_anew(fault: Fault) -> None:
    folder = shelf() / f"migrating-{fault.name}-{os.getpid()}"
    for place in (6, 12, 20):
        where = folder / str(place)
        before = history(old_desk(where, 1))
        ended = run(*settings(where), "list", trouble=Trouble(place, fault))
        assert ended.code == (-signal.SIGKILL if fault is Fault.DEATH else 1), ended.err
        assert history(where / "slactl.db") == before
        again = run(*settings(where), "note", "1", "--body", "n")
        assert again.code == 0, again.err
        assert run(*settings(where / "new"), "init").code == 0
        assert schema(where / "slactl.db") == schema(where / "new" / "slactl.db")


def words_on(folder: Path, number: int) -> list[str]:
    """What was written on a ticket."""
    shown = run(*settings(folder), "show", str(number), "--json")
    assert shown.code == 0, shown.err
    return [each["body"] for each in json.loads(shown.out)["messages"] if each["body"] is not None]


def at_commit(_: sqlite3.Connection, operation: str) -> bool:
    return operation == "COMMIT"


def patience(seconds: int) -> Callable[[], None]:
    """How long a child waits for the lock."""

    def wait() -> None:
        import slactl.store.sqlite.connection
        import slactl.store.sqlite.file

        slactl.store.sqlite.connection.BUSY_SECONDS = seconds
        slactl.store.sqlite.file.BUSY_SECONDS = seconds

    return wait


def test_a_writer_that_was_stopped_keeps_others_waiting_and_then_they_say_so() -> None:
    trouble = Trouble(fault=Fault.STOP, watch=at_commit)
    with desk_copy() as folder, start(*settings(folder), "note", "2", "--body", "a", trouble=trouble) as stopped:
        stopped.wait_until_stopped()
        assert words_on(folder, 2) == ["which", "this-one"]
        given_up = run(*settings(folder), "note", "2", "--body", "b", before=patience(1))
        assert (given_up.code, given_up.out) == (75, "")
        assert "is busy: another program has held it for 1 s" in given_up.err
        cron = run(*settings(folder), "check", before=patience(1))
        assert cron.code == 75, cron.err
        assert "is busy" in cron.err
        ids = run(*settings(folder), "resolve", "-", stdin="2\n", before=patience(1))
        assert (ids.code, "is busy" in ids.err) == (75, True)
        examined = run(*settings(folder), "doctor", before=patience(1))
        assert (examined.code, "bad\twrite lock" in examined.out) == (7, True), examined.out
        waiting = start(*settings(folder), "note", "2", "--body", "c")
        stopped.send(signal.SIGCONT)
        ended = [stopped.wait(), waiting.wait()]
        assert [each.code for each in ended] == [0, 0], words(ended)
        assert words_on(folder, 2) == ["which", "this-one", "a", "c"]
        assert violations(folder / "slactl.db", NOON) == []


def test_a_check_that_was_stopped_keeps_only_other_checks_out() -> None:
    def sending(_: sqlite3.Connection, operation: str) -> bool:
        return operation.startswith("SELECT n.id, n.recipient")

    trouble = Trouble(fault=Fault.STOP, watch=sending)
    with desk_copy() as folder, start(*settings(folder), "check", trouble=trouble) as stopped:
        stopped.wait_until_stopped()
        second = run(*settings(folder), "check", "-q")
        assert (second.code, second.err) == (75, "")
        noted = run(*settings(folder), "note", "1", "--body", "meanwhile", before=patience(1))
        assert noted.code == 0, noted.err
        while stopped_again(stopped):
            pass
        assert violations(folder / "slactl.db", NOON) == []


def stopped_again(child: Child) -> bool:
    """Let a child go on; whether it stood still once more."""
    child.send(signal.SIGCONT)
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    child.folder.cleanup()
    return False


def test_a_long_reader_keeps_no_writer_waiting_and_sees_one_state() -> None:
    with desk_copy() as folder:
        database = folder / "slactl.db"

        def read() -> int:
            with closing(sqlite3.connect(database, isolation_level=None)) as connection:
                connection.execute("BEGIN")
                before = connection.execute("SELECT count(*) FROM event").fetchone()
                os.kill(os.getpid(), signal.SIGSTOP)
                return int(connection.execute("SELECT count(*) FROM event").fetchone() != before)

        sizes = []
        with fork(read) as reader:
            reader.wait_until_stopped()
            for number in range(6):
                written = run(*settings(folder), "note", "2", "--body", f"n{number}", before=patience(1))
                assert written.code == 0, written.err
                sizes.append(database.with_name("slactl.db-wal").stat().st_size)
            reader.send(signal.SIGCONT)
            assert reader.wait().code == 0
        assert sizes == sorted(sizes)
        assert sizes[-1] > sizes[0]
        assert run(*settings(folder), "note", "2", "--body", "last").code == 0
        assert words_on(folder, 2) == ["which", "this-one", *(f"n{number}" for number in range(6)), "last"]
        assert violations(database, NOON) == []


#: The byte of the file beside the database that SQLite locks while somebody copies the write-ahead log back.
COPYING = 121


def test_an_erasure_waits_for_whoever_copies_the_log_back() -> None:
    tries = 0

    def second_try(_: sqlite3.Connection, operation: str) -> bool:
        nonlocal tries
        tries += operation.startswith("PRAGMA wal_checkpoint")
        return tries == 2 and operation.startswith("PRAGMA wal_checkpoint")

    trouble = Trouble(fault=Fault.STOP, watch=second_try)
    erase = ("erase", "--requester", "ann@example.com", "--yes")
    with desk_copy() as folder, closing(sqlite3.connect(folder / "slactl.db")) as connection:
        connection.execute("SELECT count(*) FROM event").fetchone()
        with open(folder / "slactl.db-shm", "rb+") as beside:
            fcntl.lockf(beside, fcntl.LOCK_EX, 1, COPYING)
            with start(*settings(folder), *erase, trouble=trouble) as erasing:
                erasing.wait_until_stopped()
                fcntl.lockf(beside, fcntl.LOCK_UN, 1, COPYING)
                erasing.send(signal.SIGCONT)
                ended = erasing.wait()
        assert (ended.code, "not erased: " in ended.out) == (0, False), words([ended])


@pytest.mark.parametrize("number", [True, False])
def test_an_undo_that_eight_people_type_at_once_is_done_once(number: bool) -> None:
    with desk_copy() as folder:
        database = folder / "slactl.db"
        assert run(*settings(folder), "--actor", "eve", "close", "1", "2", "5").code == 0
        with closing(sqlite3.connect(database)) as connection:
            change = connection.execute("SELECT change FROM event_view WHERE actor = 'eve' LIMIT 1").fetchone()[0]

        def begin(_: int) -> int:
            code, out, err = call(*settings(folder), "--actor", "eve", "undo", *([str(change)] if number else []))
            print(out, err, flush=True)  # noqa: T201
            return code

        ended = [child.wait() for child in at_once(PROCESSES, begin)]
        assert sorted(each.code for each in ended) == [0] + [5] * (PROCESSES - 1), words(ended)
        with closing(sqlite3.connect(database)) as connection:
            retracted = "SELECT ticket_id, count(*) FROM event WHERE action = 'ticket.retract' GROUP BY 1"
            assert connection.execute(retracted).fetchall() == [(1, 1), (2, 1), (5, 1)]
        from slactl.clock import now

        assert violations(database, now(), all_told=False) == []
