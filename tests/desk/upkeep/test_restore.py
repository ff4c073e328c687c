"""`restore`: a backup comes back whole, the replaced database stays beside it, and what is not ours is refused."""

import fcntl
import json
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import on_terminal

from slactl.config import resolve
from slactl.desk.ledger.desk import Desk
from slactl.desk.upkeep.restore import examine, restore
from slactl.store.schema.version import SCHEMA
from slactl.store.sqlite import connection, replace
from slactl.store.sqlite.lock import lock_path

#: Databases as earlier schemas kept them.
SCHEMAS = sorted((Path(__file__).parents[2] / "data" / "schemas").glob("*.sql"))


@pytest.fixture
def backup(desk: Path, slactl: Slactl, tmp_path: Path) -> Path:
    """A backup with one ticket; the database has two."""
    slactl("create", "Printer", "--from", "ann@example.com", "--body", "It burns. " * 200)
    path = tmp_path / "copy.db"
    assert slactl("backup", str(path)).code == 0
    slactl("create", "Mouse", "--from", "bob@example.com")
    return path


def subjects(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as opened:
        return [row[0] for row in opened.execute("SELECT subject FROM ticket ORDER BY id")]


def kept(desk: Path) -> list[Path]:
    return sorted(path for path in desk.parent.iterdir() if ".before-restore-" in path.name)


def beside(desk: Path) -> set[str]:
    """What is beside a database, without its lock files."""
    return {path.name for path in desk.parent.iterdir() if not path.name.endswith(".lock")}


def test_the_backup_is_back_and_the_present_database_is_kept(backup: Path, desk: Path, slactl: Slactl) -> None:
    inode = desk.stat().st_ino
    done = slactl("restore", str(backup), "--yes", "--json")
    assert done.code == 0, done.err
    assert subjects(desk) == subjects(backup) == ["Printer"]
    [old] = kept(desk)
    assert re.fullmatch(r"slactl\.db\.before-restore-\d{8}T\d{6}Z", old.name)
    assert subjects(old) == ["Printer", "Mouse"]
    assert beside(desk) == {"slactl.db", "rules.toml", old.name}
    assert desk.stat().st_ino == inode  # who has it open sees the restored content
    record = json.loads(done.out)
    verified = json.loads(slactl("audit", "verify", "--json").out)
    assert verified["ok"]
    assert (record["audit_head"], record["events"]) == (verified["audit_head"], verified["events"])
    assert (record["kept"], record["file"], record["database"]) == (str(old), str(backup), str(desk))
    assert (record["replaced_events"], record["sent_since"], record["dry_run"]) == (4, 0, False)
    assert slactl("create", "Keyboard", "--from", "ann@example.com").out == "2\n"
    again = slactl("restore", str(old), "--yes")
    assert again.code == 0, again.err
    assert subjects(desk) == ["Printer", "Mouse"]


def test_messages_that_were_sent_since_the_backup_are_counted(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    slactl("create", "Printer", "--from", "ann@example.com", "--priority", "urgent", "--at", "30d ago")
    assert slactl("check", "-q", "--no-send").code == 0
    assert slactl("backup", str(tmp_path / "copy.db")).code == 0
    assert slactl("check", "-q").code in (0, 7)
    done = slactl("restore", str(tmp_path / "copy.db"), "--yes")
    assert "waiting messages 1" in done.lines
    assert "Messages sent since the backup (1) may be sent again by the next check." in done.lines
    assert "support_manager" in slactl("check").out  # told again rather than never


def test_a_connection_that_is_open_meanwhile_sees_the_restored_content(
    backup: Path, desk: Path, slactl: Slactl
) -> None:
    with closing(sqlite3.connect(desk, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM ticket").fetchone() == (2,)
        assert slactl("restore", str(backup), "--yes").code == 0
        assert reader.execute("SELECT count(*) FROM ticket").fetchone() == (2,)  # the snapshot of its transaction
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM ticket").fetchone() == (1,)


def test_a_rehearsal_changes_nothing(backup: Path, desk: Path, slactl: Slactl) -> None:
    before, names = desk.read_bytes(), beside(desk)
    rehearsed = slactl("restore", str(backup), "-n")
    assert rehearsed.code == 0, rehearsed.err
    assert rehearsed.lines[0].startswith("would restore 2 events, the last of ")
    assert (desk.read_bytes(), beside(desk)) == (before, names)


def test_without_a_terminal_it_needs_yes(backup: Path, desk: Path, slactl: Slactl) -> None:
    refused = slactl("restore", str(backup))
    assert refused.code == 2
    assert "add --yes" in refused.err
    assert subjects(desk) == ["Printer", "Mouse"]


@pytest.mark.parametrize(("answer", "left"), [("n", ["Printer", "Mouse"]), ("y", ["Printer"])])
def test_a_terminal_is_asked(backup: Path, desk: Path, answer: str, left: list[str]) -> None:
    import sys

    with on_terminal(sys.executable, "-m", "slactl", "restore", str(backup)) as terminal:
        terminal.until("[y/N]")
        terminal.type(f"{answer}\r")
        assert terminal.wait() == (0 if answer == "y" else 130)
    assert subjects(desk) == left


def test_a_missing_database_is_made_private_without_a_question(backup: Path, desk: Path, slactl: Slactl) -> None:
    desk.unlink()
    done = slactl("restore", str(backup))
    assert done.code == 0, done.err
    assert (subjects(desk), kept(desk)) == (["Printer"], [])
    assert stat.S_IMODE(desk.stat().st_mode) == 0o600


def test_the_log_of_a_missing_database_is_kept_and_not_applied(backup: Path, desk: Path, slactl: Slactl) -> None:
    with closing(sqlite3.connect(desk, isolation_level=None)) as opened:
        opened.execute("UPDATE ticket SET subject = 'Later'")
        log = desk.with_name("slactl.db-wal").read_bytes()
        assert log
        desk.unlink()
        assert slactl("restore", str(backup)).code == 0
    assert subjects(desk) == ["Printer"]
    [old] = kept(desk)
    assert (old.name[-4:], old.read_bytes()) == ("-wal", log)


@pytest.mark.parametrize("torn", [b"", b"x" * 605, b"SQLite format 3\0" + b"\0" * 5000])
def test_a_damaged_database_is_kept_byte_for_byte_with_its_log(
    backup: Path, desk: Path, slactl: Slactl, torn: bytes
) -> None:
    desk.write_bytes(torn)
    desk.chmod(0o640)
    desk.with_name("slactl.db-wal").write_bytes(b"a log")
    done = slactl("restore", str(backup), "--yes")
    assert done.code == 0, done.err
    assert subjects(desk) == ["Printer"]
    assert stat.S_IMODE(desk.stat().st_mode) == 0o640
    old = kept(desk)
    if torn:
        assert [path.read_bytes() for path in old] == [torn, b"a log"]
        assert "a database that slactl cannot read" in done.out
    assert slactl("audit", "verify").code == 0


def test_a_database_that_lacks_a_table_is_replaced(backup: Path, desk: Path, slactl: Slactl) -> None:
    with closing(sqlite3.connect(desk, isolation_level=None)) as opened:
        opened.execute("PRAGMA foreign_keys = OFF")
        for (view,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
            opened.execute(f"DROP VIEW {view}")
        opened.execute("DROP TABLE notification")
    assert slactl("restore", str(backup), "--yes").code == 0
    assert slactl("doctor").out.count("\nbad") == slactl("doctor").out.count("bad\tlast check")
    assert subjects(desk) == ["Printer"]


def test_mode_and_page_size_of_the_database_stay(backup: Path, desk: Path, slactl: Slactl) -> None:
    with closing(sqlite3.connect(desk, isolation_level=None)) as opened:
        opened.execute("PRAGMA journal_mode = DELETE")
        opened.execute("PRAGMA page_size = 8192")
        opened.execute("VACUUM")
    desk.chmod(0o660)
    assert slactl("restore", str(backup), "--yes").code == 0
    assert (subjects(desk), stat.S_IMODE(desk.stat().st_mode)) == (["Printer"], 0o660)
    [old] = kept(desk)
    assert stat.S_IMODE(old.stat().st_mode) == 0o660
    with closing(sqlite3.connect(desk)) as opened:
        assert opened.execute("PRAGMA page_size").fetchone() == (8192,)
        assert opened.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert slactl("audit", "verify").code == 0


@pytest.mark.parametrize("script", SCHEMAS, ids=lambda script: script.stem)
def test_a_backup_of_an_earlier_schema_is_restored_and_upgraded(desk: Path, slactl: Slactl, script: Path) -> None:
    old = desk.parent.parent / "old.db"
    with closing(sqlite3.connect(old, isolation_level=None)) as opened:
        opened.executescript(script.read_text())
    content = old.read_bytes()
    done = slactl("restore", str(old), "--yes")
    assert done.code == 0, done.err
    assert old.read_bytes() == content
    assert slactl("audit", "verify").code == 0
    with closing(sqlite3.connect(desk)) as opened:
        assert opened.execute("PRAGMA user_version").fetchone() == (SCHEMA,)


def broken(backup: Path) -> Iterator[tuple[str, bytes, str]]:
    """Files that are no backups: what they are, their content, and what is said of them."""
    sound = backup.read_bytes()
    yield "text", b"not a database at all" * 50, "cannot be read as a database"
    yield "empty", b"", "is empty"
    yield "cut", sound[:-20_000], "malformed"
    yield "torn page", sound[:8192] + b"\xff" * 4096 + sound[12_288:], "malformed"
    other = backup.with_name("made.db")
    for name, change in (
        ("another program's", "PRAGMA application_id = 7"),
        ("newer", f"PRAGMA user_version = {SCHEMA + 1}"),
        ("a table less", "DROP TABLE notification"),
        ("a row too many", "INSERT INTO event_text VALUES (999, 'body', 'salt', 'of an event there is not')"),
    ):
        other.write_bytes(sound)
        with closing(sqlite3.connect(other, isolation_level=None)) as opened:
            for (view,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
                opened.execute(f"DROP VIEW {view}")
            opened.execute(change)
        said = {"another program's": "is not a slactl database", "newer": "newer than this slactl knows"}
        yield name, other.read_bytes(), said.get(name, "damaged")
        other.unlink()


def test_what_is_no_sound_backup_is_refused_and_nothing_changes(backup: Path, desk: Path, slactl: Slactl) -> None:
    before, names = desk.read_bytes(), beside(desk)
    for what, content, said in broken(backup):
        bad = backup.with_name("bad.db")
        bad.write_bytes(content)
        refused = slactl("restore", str(bad), "--yes")
        assert (refused.code, refused.out) == (6, ""), (what, refused.err)
        assert said in refused.err, what
        assert "init" not in refused.err.partition("hint: ")[2], what
        assert (desk.read_bytes(), beside(desk)) == (before, names), what


def test_a_missing_backup_and_the_database_itself_are_refused(backup: Path, desk: Path, slactl: Slactl) -> None:
    missing = slactl("restore", str(backup.with_name("none.db")), "--yes")
    assert missing.code == 6
    assert f"{backup.with_name('none.db')} does not exist" in missing.err
    link = backup.with_name("link.db")
    link.symlink_to(desk)
    for itself in (desk, link):
        refused = slactl("restore", str(itself), "--yes")
        assert refused.code == 5
        assert "is the database itself" in refused.err
    assert slactl("restore", str(backup.parent), "--yes").code == 6
    assert subjects(desk) == ["Printer", "Mouse"]


def test_the_database_of_another_program_is_not_replaced(backup: Path, desk: Path, slactl: Slactl) -> None:
    desk.unlink()
    with closing(sqlite3.connect(desk)) as opened:
        opened.execute("CREATE TABLE precious (x)")
    refused = slactl("restore", str(backup), "--yes")
    assert refused.code == 6
    assert "is not a slactl database" in refused.err
    assert beside(desk) == {"slactl.db", "rules.toml"}
    with closing(sqlite3.connect(desk)) as opened:
        assert opened.execute("SELECT count(*) FROM precious").fetchone() == (0,)


@pytest.mark.parametrize("command", ["check", "sync"])
def test_while_a_check_or_a_sync_runs_it_says_try_again(backup: Path, desk: Path, slactl: Slactl, command: str) -> None:
    with lock_path(desk, command).open("w") as lock:
        lock_path(desk, command).chmod(0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = slactl("restore", str(backup), "--yes")
    assert refused.code == 75
    assert f"another {command} is running" in refused.err
    assert (subjects(desk), kept(desk)) == (["Printer", "Mouse"], [])
    assert slactl("restore", str(backup), "--yes").code == 0


def test_while_another_program_writes_it_says_try_again(
    backup: Path, desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0)
    with closing(sqlite3.connect(desk, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        refused = slactl("restore", str(backup), "--yes")
        assert refused.code == 75, refused.err
        writer.execute("UPDATE ticket SET subject = 'written meanwhile' WHERE id = 2")
        writer.execute("COMMIT")
    assert (subjects(desk), kept(desk)) == (["Printer", "written meanwhile"], [])


def test_a_restore_that_fails_midway_leaves_the_old_database_and_no_copy(
    backup: Path, desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, names, calls = os.fsync, beside(desk), list[int]()

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 1:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(replace, "PAGES", 4)
    monkeypatch.setattr(os, "fsync", full)
    failed = slactl("restore", str(backup), "--yes")
    assert failed.code == 1
    assert "No space left on device" in failed.err
    assert (subjects(desk), beside(desk)) == (["Printer", "Mouse"], names)


def test_a_restore_that_is_interrupted_after_the_old_database_was_kept_removes_that_copy(
    backup: Path, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, seen = beside(desk), list[Path]()

    def interrupt(*_: int) -> None:
        if kept(desk):
            seen.extend(kept(desk))
            raise KeyboardInterrupt

    monkeypatch.setattr(replace, "PAGES", 4)
    here = Desk.of(resolve(os.environ))
    with pytest.raises(KeyboardInterrupt):
        restore(here, examine(here, backup), datetime(2026, 3, 2, tzinfo=UTC), progress=interrupt)
    assert [path.name for path in seen] == ["slactl.db.before-restore-20260302T000000Z"]
    assert (subjects(desk), beside(desk)) == (["Printer", "Mouse"], names)


def test_a_link_to_the_database_stays_a_link(backup: Path, desk: Path, slactl: Slactl) -> None:
    real = desk.parent.parent / "real"
    real.mkdir(mode=0o700)
    desk.rename(real / "desk.db")
    desk.symlink_to(real / "desk.db")
    assert slactl("restore", str(backup), "--yes").code == 0
    assert desk.is_symlink()
    assert subjects(real / "desk.db") == ["Printer"]
    assert len(kept(real / "desk.db")) == 1
