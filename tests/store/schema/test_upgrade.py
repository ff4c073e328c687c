"""An upgrade of the schema keeps a verified copy of the old database beside it, says so, and doctor lists it."""

import json
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import check, ladder, policy, write_rules
from freezegun.api import FrozenDateTimeFactory

from slactl.store.schema.version import SCHEMA

SCHEMAS = {
    int(path.stem.rpartition("_")[2]): path.read_text()
    for path in (Path(__file__).parents[2] / "data" / "schemas").glob("*.sql")
}


def make_old(database: Path, schema: int) -> None:
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(SCHEMAS[schema])
        connection.execute("PRAGMA journal_mode = WAL")
    database.chmod(0o600)


def dump(database: Path) -> list[str]:
    """Return everything in a database as statements."""
    with closing(sqlite3.connect(database)) as connection:
        return [f"{connection.execute('PRAGMA user_version').fetchone()[0]}", *connection.iterdump()]


def kept(desk: Path) -> list[str]:
    return sorted(path.name for path in desk.parent.iterdir() if ".schema-" in path.name or path.name[0] == ".")


@pytest.mark.parametrize("schema", range(1, SCHEMA))
@pytest.mark.parametrize("words", ["list -q", "create T --from t@example.com", "check -q"])
def test_the_first_command_keeps_the_old_database(desk: Path, slactl: Slactl, schema: int, words: str) -> None:
    make_old(desk, schema)
    before = dump(desk)
    done = slactl(*words.split())
    copy = desk.with_name(f"slactl.db.schema-{schema}")
    said = f"{desk} was upgraded from schema {schema} to {SCHEMA}; the old database is kept as {copy}\n"
    assert (done.code, said in done.err) == (0, True), done.err
    assert dump(copy) == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert said not in slactl(*words.split()).err
    assert kept(desk) == [copy.name]
    found = json.loads(slactl("doctor", "--json").out)["checks"]
    [told] = [check for check in found if check["check"] == "old copy"]
    assert (told["ok"], told["found"].startswith(f"{copy} of 20"), f"rm {copy}" in told["found"]) == (True, True, True)


@pytest.mark.parametrize("schema", range(1, SCHEMA))
def test_rows_refer_to_tickets_after_an_upgrade(desk: Path, slactl: Slactl, schema: int) -> None:
    make_old(desk, schema)
    assert slactl("create", "T", "--from", "t@example.com").code == 0
    with closing(sqlite3.connect(desk)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        for table in ("timer", "escalation", "snapshot", "event", "notification", "outcome", "silence"):
            referred = {row[2] for row in connection.execute(f"PRAGMA foreign_key_list({table})")}
            assert "ticket" in referred, table
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("DELETE FROM ticket")
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_copy_is_a_database_that_can_be_restored(desk: Path, slactl: Slactl) -> None:
    make_old(desk, 5)
    before = dump(desk)
    assert slactl("note", "1", "--body", "n").code == 0
    copy = desk.with_name("slactl.db.schema-5")
    for path in desk.parent.glob("slactl.db*"):
        if path != copy:
            path.unlink()
    shutil.copy(copy, desk)
    assert dump(desk) == before
    assert slactl("note", "1", "--body", "n").code == 0
    assert kept(desk) == [copy.name]  # the same state needs no second copy
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("UPDATE ticket SET subject = 'somebody changed it'")
    for path in desk.parent.glob("slactl.db*"):
        if path != copy:
            path.unlink()
    make_old(desk, 5)
    assert slactl("list").code == 0
    assert kept(desk) == [copy.name, f"{copy.name}-2"]


def test_a_database_of_today_gets_no_copy(desk: Path, slactl: Slactl) -> None:
    assert slactl("create", "Printer", "--from", "ann@example.com").err == ""
    assert kept(desk) == []


def test_a_database_that_is_not_sound_is_not_upgraded(desk: Path, slactl: Slactl) -> None:
    make_old(desk, 4)
    with closing(sqlite3.connect(desk)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("INSERT INTO event_text VALUES (999, 'body', 'salt', 'lost')")
    before = dump(desk)
    refused = slactl("list")
    assert (refused.code, "was not upgraded: its copy is damaged: row " in refused.err) == (6, True), refused.err
    assert (dump(desk), kept(desk)) == (before, [])


def test_a_ticket_that_was_pending_before_the_upgrade_opens_by_itself(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    make_old(desk, 8)
    statuses = []
    for now in ("2026-03-02T13:05:00Z", "2026-03-02T14:59:59Z", "2026-03-02T15:00:00Z"):
        clock.move_to(now)
        statuses.append(json.loads(slactl("show", "A-3", "--json").out)["status"])
        assert slactl("audit", "verify").code == 0
        if not statuses[1:]:
            assert slactl("check", "-q").code in (0, 7)  # the first one calculates what the upgrade added
    assert statuses == ["pending", "pending", "open"]


def test_message_that_was_being_sent_before_the_upgrade_is_taken_over(desk: Path, slactl: Slactl) -> None:
    make_old(desk, 10)
    query = "SELECT state, claimed_by, claimed_until FROM notification WHERE id = 1"
    with closing(sqlite3.connect(desk)) as connection:
        assert connection.execute("SELECT state FROM notification WHERE id = 1").fetchone() == ("sending",)
    assert slactl("check").code == 0
    with closing(sqlite3.connect(desk)) as connection:
        assert connection.execute(query).fetchone() == ("printed", None, None)
        assert connection.execute("SELECT key FROM meta WHERE key = 'rules_fingerprint'").fetchone() is None
        assert connection.execute("SELECT count(*) FROM host").fetchone() == (1,)
        assert connection.execute("SELECT * FROM lease").fetchall() == []


def test_a_deadline_after_an_undo_from_before_the_upgrade_has_its_level(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    """Ticket 5: a deadline was set, missed, escalated and undone, and another one was set."""
    clock.move_to("2026-11-28T06:00Z")
    make_old(desk, 17)
    write_rules(desk, policy(resolution="8h"), ladder("resolution", "late 0m"))
    assert slactl("list", "-q").code == 0  # upgrades
    verified = slactl("audit", "verify")
    assert verified.code == 0, verified.out
    assert [each for each in check(slactl)["firings"] if each["ticket_id"] == 5] == []
    assert slactl("audit", "verify").code == 0
    clock.move_to("2026-11-28T10:00:01Z")
    fired = [each for each in check(slactl, "--trust-clock")["firings"] if each["ticket_id"] == 5]
    assert [(each["level"], each["outcome"], each["arming"]) for each in fired] == [("late", "fired", 1)]
    assert slactl("doctor", "--rebuild").code == 0
    assert slactl("audit", "verify").code == 0


def test_an_upgrade_whose_commit_fails_is_not_reported(desk: Path) -> None:
    make_old(desk, 5)
    before, limit = dump(desk), desk.stat().st_size + 4 * 4096  # enough for the copy and for the first pages of the log
    with closing(sqlite3.connect(desk, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM event").fetchone()
        with closing(sqlite3.connect(desk, isolation_level=None)) as writer:
            while desk.with_name("slactl.db-wal").stat().st_size < limit - 4096:
                writer.execute("PRAGMA user_version = 5")
        done = subprocess.run(
            [sys.executable, "-m", "slactl", "note", "1", "--body", "n"],
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
    assert (done.returncode, done.stderr.startswith("error: the disk of ")) == (1, True), done.stderr
    assert "upgraded" not in done.stderr
    assert kept(desk) == ["slactl.db.schema-5"]
    assert dump(desk) == before


@pytest.mark.parametrize("schema", range(1, SCHEMA))
@pytest.mark.parametrize("room", [0, 40_960])
def test_an_old_database_that_cannot_be_written_is_read(desk: Path, slactl: Slactl, schema: int, room: int) -> None:
    make_old(desk, schema)
    before, other = dump(desk), desk.with_name("other.db")
    shutil.copy(desk, other)
    reads = ("list --all --fields id,status,resolution_due_at", "audit list", "runs list")
    answers = {words: slactl("--db", str(other), *words.split()).out for words in reads}
    for words, answer in answers.items():
        done = subprocess.run(
            [sys.executable, "-m", "slactl", *words.split()],
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        )
        warning = f"warning: {desk} cannot be written: there is no room to upgrade it; slactl only reads it\n"
        assert (done.returncode, done.stderr) == (0, warning), done.stderr
        assert done.stdout == answer
    assert (dump(desk), kept(desk)) == (before, [f"other.db.schema-{schema}"])


def test_an_upgrade_is_not_a_change_that_a_command_made(desk: Path) -> None:
    make_old(desk, 5)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "slactl", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    upgraded, lost = done.stderr.splitlines()
    assert (done.returncode, lost) == (1, "error: the output could not be written: No space left on device")
    assert upgraded.startswith(f"{desk} was upgraded from schema 5 to {SCHEMA}; ")


@pytest.fixture
def small(slactl: Slactl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A desk on a disk of its own with little space."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    monkeypatch.setenv("SLACTL_DB", str(folder / "slactl.db"))
    yield folder / "slactl.db"
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk")
def test_without_room_for_the_copy_nothing_is_upgraded(small: Path, slactl: Slactl) -> None:
    make_old(small, 5)
    filler = small.with_name("filler")
    free = os.statvfs(small.parent)
    filler.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - 40_960))
    refused = slactl("note", "1", "--body", "n")
    assert refused.code in (1, 6), refused.err
    assert f"hint: df -h {small.parent}" in refused.err
    filler.unlink()
    assert (dump(small)[0], kept(small)) == ("5", [])
    assert slactl("note", "1", "--body", "n").code == 0
    assert kept(small) == ["slactl.db.schema-5"]
