"""What is added to the database, taken from it or changed in it is told, and put right."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from terminal import on_terminal

from slactl.store.read.ids import ids_like
from slactl.store.schema.migrations import STEPS
from slactl.store.schema.version import SCHEMA
from slactl.store.schema.views import definitions
from slactl.store.sqlite.connection import open_database
from slactl.store.sqlite.structure import odd_parts

SCHEMAS = {n: Path(__file__).parents[2] / "data" / "schemas" / f"schema_{n}.sql" for n in range(1, SCHEMA)}


@contextmanager
def stranger(desk: Path) -> Iterator[sqlite3.Connection]:
    """A connection as another program opens it."""
    connection = sqlite3.connect(desk, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def audited(slactl: Slactl) -> list[tuple[str, str]]:
    """The findings of an audit, by kind and message; its exit code fits them."""
    result = slactl("audit", "verify", "--json")
    findings = json.loads(result.out)["findings"]
    assert result.code == (6 if findings else 0)
    return [(each["kind"], each["message"]) for each in findings]


def examined(slactl: Slactl) -> tuple[int, list[dict[str, Any]]]:
    """How doctor ends, and what it says of the structure where that is not as it should be."""
    result = slactl("doctor", "--json")
    checks = [each for each in json.loads(result.out)["checks"] if each["check"] == "structure" and not each["ok"]]
    return result.code, checks


STRANGERS = {
    "trigger mute": "CREATE TRIGGER mute AFTER INSERT ON notification BEGIN DELETE FROM notification; END",
    "trigger run": "CREATE TRIGGER run AFTER INSERT ON run BEGIN UPDATE timer SET next_at = NULL; END",
    "view mine": "CREATE VIEW mine AS SELECT * FROM ticket",
    "trigger of_view": "CREATE TRIGGER of_view INSTEAD OF INSERT ON ticket_view BEGIN SELECT 1; END",
    "index bar": "CREATE UNIQUE INDEX bar ON notification (state)",
    'index odd"name': 'CREATE INDEX "odd""name" ON event (actor)',
    "table mine": "CREATE TABLE mine (id INTEGER PRIMARY KEY AUTOINCREMENT, note TEXT UNIQUE)",
    "table mine_too": "CREATE TABLE mine_too (id TEXT PRIMARY KEY, ticket REFERENCES ticket (id)) WITHOUT ROWID",
    "table words": "CREATE VIRTUAL TABLE words USING fts5(text)",
}


@pytest.mark.parametrize("part", STRANGERS)
def test_what_is_not_slactls_is_named_and_dropped(desk: Path, slactl: Slactl, part: str) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    with stranger(desk) as connection:
        connection.execute(STRANGERS[part])
    told = f"the {part}"
    assert ("structure", f"{told} was not created by slactl") in audited(slactl)
    code, [finding] = examined(slactl)
    assert (code, f"{told} was not created by slactl" in finding["found"]) == (7, True)
    rehearsed = slactl("doctor", "--rebuild", "--dry-run")
    assert (rehearsed.code, "would be dropped because slactl did not create it: CREATE" in rehearsed.out) == (7, True)
    assert slactl(*finding["fix"].split()[1:]).code == 0
    assert (audited(slactl), examined(slactl)) == ([], (0, []))


def test_a_trigger_that_mutes_is_gone_before_the_rebuilding_writes(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", "9d ago")
    with stranger(desk) as connection:
        connection.execute("UPDATE ticket SET subject = 'x'")
        connection.execute("CREATE TRIGGER mute BEFORE UPDATE ON ticket BEGIN SELECT RAISE(IGNORE); END")
    assert slactl("doctor", "--rebuild").code == 0
    assert audited(slactl) == []


def test_a_table_of_somebody_elses_keeps_its_rows_until_it_may_go(desk: Path, slactl: Slactl) -> None:
    with stranger(desk) as connection:
        connection.execute("CREATE TABLE mine (note TEXT)")
        connection.execute("INSERT INTO mine VALUES ('dear')")
    kept = slactl("doctor", "--rebuild", "--json")
    assert (kept.code, json.loads(kept.out)["unmade"], json.loads(kept.out)["dropped"]) == (7, ["mine"], {})
    assert kept.err == "error: the table mine was not created by slactl: it has rows; add --yes to drop it\n"
    with stranger(desk) as connection:
        assert connection.execute("SELECT note FROM mine").fetchall() == [("dear",)]
    _, [finding] = examined(slactl)
    assert finding["fix"] == "slactl doctor --rebuild --yes"
    gone = slactl("doctor", "--rebuild", "--yes", "--json")
    assert (gone.code, json.loads(gone.out)["dropped"]) == (0, {"mine": "CREATE TABLE mine (note TEXT)"})
    assert audited(slactl) == []


def test_a_terminal_is_asked_before_anything_is_dropped(desk: Path, slactl: Slactl) -> None:
    with stranger(desk) as connection:
        connection.execute('CREATE TABLE "mine\x1b[31m" (note TEXT)')
    for answer, left in (("n", 1), ("y", 0)):
        with on_terminal(sys.executable, "-m", "slactl", "doctor", "--rebuild") as terminal:
            question = terminal.until("which slactl did not create? [y/N]")
            assert "\x1b[31m" not in question
            terminal.type(f"{answer}\n")
            assert (terminal.wait() == 0) == (not left)
        with stranger(desk) as connection:
            assert len(odd_parts(connection)) == left


def rewritten(old: str, new: str) -> str:
    return f"UPDATE sqlite_master SET sql = replace(sql, '{old}', '{new}') WHERE type = 'table'"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE notification ADD COLUMN extra TEXT", "the table notification"),
        ("ALTER TABLE timer ADD COLUMN late AS (next_at)", "the table timer"),
        (rewritten("outcome IN", "1 OR outcome IN"), "the table escalation"),
        (rewritten(", \n\tFOREIGN KEY(run_id) REFERENCES run (id)", ""), "the table"),
        (rewritten("REFERENCES event (id)", "REFERENCES event (id) ON DELETE SET NULL"), "the table"),
        (rewritten("UNIQUE (escalation_id, recipient)", "UNIQUE (recipient, escalation_id)"), "the table notification"),
        (rewritten("id INTEGER NOT NULL", "id INTEGER"), "the table"),
        ("UPDATE sqlite_master SET sql = sql || ' STRICT' WHERE name = 'meta'", "the table meta"),
    ],
)
def test_a_table_that_was_changed_is_damage(desk: Path, slactl: Slactl, change: str, told: str) -> None:
    with stranger(desk) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        assert connection.execute(change).rowcount
        connection.execute(f"PRAGMA schema_version = {connection.execute('PRAGMA schema_version').fetchone()[0] + 1}")
    kinds = [kind for kind, message in audited(slactl) if message.startswith(told)]
    assert kinds
    assert set(kinds) == {"structure"}
    code, [finding] = examined(slactl)
    assert (code, finding["found"].startswith(told), "backup" in finding["fix"]) == (6, True, True)
    assert slactl("doctor", "--rebuild").code == 7


def test_what_sqlite_makes_itself_is_nobodys(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    with stranger(desk) as connection:
        connection.execute("CREATE TABLE mine (id INTEGER PRIMARY KEY AUTOINCREMENT)")
        connection.execute("DROP TABLE mine")  # sqlite_sequence stays, and nobody can drop it
        connection.execute("ANALYZE")
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"sqlite_sequence", "sqlite_stat1"} <= names
    assert (audited(slactl), examined(slactl)) == ([], (0, []))


def test_what_hides_behind_a_name_of_sqlites_is_found(desk: Path, slactl: Slactl) -> None:
    trigger = "CREATE TRIGGER mute AFTER INSERT ON notification BEGIN DELETE FROM notification; END"
    for sql in (trigger, "CREATE TABLE sqlite_stat1(tbl, idx, stat, more AS (1))"):
        sound = desk.read_bytes()
        with stranger(desk) as connection:
            connection.execute("ANALYZE")
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'sqlite_stat1'", (sql,))
        assert (slactl("audit", "verify").code, slactl("doctor").code) == (6, 7 if "TABLE" in sql else 6)
        desk.write_bytes(sound)


def migrated(path: Path, made: str, seen: int) -> Path:
    """A database of an older schema, which the first command brings to this one."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with stranger(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(made)
        for view in definitions():  # SQLite renames no table while a view names another that is gone
            connection.execute(f"DROP VIEW IF EXISTS {view}")
        for step in STEPS[connection.execute("PRAGMA user_version").fetchone()[0] : seen]:
            step(connection)
        connection.execute(f"PRAGMA user_version = {seen}")
    path.chmod(0o600)
    open_database(path).close()
    return path


@pytest.mark.parametrize("schema", range(1, SCHEMA))
def test_every_earlier_schema_becomes_the_one_of_today(
    desk: Path, slactl: Slactl, schema: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made new by the program of that time, and brought to it from the first one."""
    first, made = SCHEMAS[1].read_text(), SCHEMAS[schema].read_text()
    for name, sql, seen in (("new.db", made, schema), ("old.db", first, schema)):
        path = migrated(tmp_path / name, sql, seen)
        monkeypatch.setenv("SLACTL_DB", str(path))
        assert slactl("rules", "check").code == 0
        assert audited(slactl) == []
        assert examined(slactl)[1] == []
        assert slactl("create", "Printer on fire", "--from", "ann@example.com").code == 0
        assert slactl("check", "-q").code in (0, 7)
        assert audited(slactl) == []


@pytest.mark.parametrize("version", [-1, 0, -(2**31), SCHEMA + 1])
def test_a_schema_that_no_slactl_made_is_refused(desk: Path, slactl: Slactl, version: int) -> None:
    with stranger(desk) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    before = desk.read_bytes()
    for command in (["list"], ["check"], ["audit", "verify"], ["doctor"], ["create", "x", "--from", "a@example.com"]):
        result = slactl(*command)
        assert (result.code, f"has schema {version}, " in result.out + result.err) == (6, True), command
    assert desk.read_bytes() == before


@pytest.mark.parametrize("application", [-1, 0, 1])
def test_a_database_of_another_program_is_refused(desk: Path, slactl: Slactl, application: int) -> None:
    with stranger(desk) as connection:
        connection.execute(f"PRAGMA application_id = {application}")
    assert (slactl("list").code, slactl("doctor").code) == (6, 6)


def test_every_connection_distrusts_the_file(desk: Path) -> None:
    ours = open_database(desk)
    trusted = int(sqlite3.sqlite_version_info < (3, 41))
    assert ours.execute("PRAGMA cell_size_check").fetchone() == (1,)
    assert ours.execute("PRAGMA trusted_schema").fetchone() == (trusted,)
    if hasattr(ours, "getconfig"):
        assert ours.getconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE)
        with pytest.raises(sqlite3.OperationalError, match="may not be modified"):
            ours.execute("UPDATE sqlite_master SET sql = '' WHERE 0")
    ours.close()
    assert ids_like(desk, "1") == []


def test_schema_is_the_number_of_steps() -> None:
    assert len(STEPS) == SCHEMA
