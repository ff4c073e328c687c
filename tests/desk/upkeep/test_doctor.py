"""The doctor: a healthy desk is told so, and each finding comes with a command that really mends it."""

import fcntl
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result, Slactl, write_secret
from freezegun import freeze_time

from slactl.desk.upkeep.environment import NETWORK, file_system, lock_holder
from slactl.store.schema import chain
from slactl.store.schema.version import SCHEMA

#: A desk as the first schema kept it.
SCHEMAS = Path(__file__).parents[2] / "data" / "schemas"


def examined(slactl: Slactl) -> tuple[int, dict[str, Any]]:
    result = slactl("doctor", "--json")
    assert "Traceback" not in result.err
    found: dict[str, Any] = json.loads(result.out)
    assert found["exit_code"] == result.code
    assert found["ok"] == (result.code == 0)
    return result.code, found


def bad(slactl: Slactl) -> list[dict[str, Any]]:
    return [check for check in examined(slactl)[1]["checks"] if not check["ok"]]


def test_a_fresh_desk_is_healthy(desk: Path, slactl: Slactl) -> None:
    code, found = examined(slactl)
    assert (code, bad(slactl)) == (0, [])
    told = {check["check"]: check["found"] for check in found["checks"]}
    assert told["sqlite"] == sqlite3.sqlite_version
    assert {"slactl", "python", "tzdata", "holidays", "schema", "integrity", "permissions", "clock"} <= told.keys()
    assert {"file system", "run lock", "rules", "secrets", "last check", "notifications"} <= told.keys()
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    assert slactl("doctor").code == 0


def test_quiet_prints_the_problems_alone(desk: Path, slactl: Slactl) -> None:
    assert slactl("check", "-q").code == 0
    assert (slactl("doctor", "-q").code, slactl("doctor", "-q").out) == (0, "")
    desk.chmod(0o644)
    found = slactl("doctor", "-q")
    assert (found.code, [line.split("\t")[0] for line in found.lines]) == (7, ["bad"])
    [check] = json.loads(slactl("doctor", "-q", "--json").out)["checks"]
    assert not check["ok"]


def test_it_changes_nothing(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    before = {path: path.read_bytes() for path in desk.parent.iterdir()}
    slactl("doctor")
    assert {path: path.read_bytes() for path in desk.parent.iterdir()} == before


@pytest.fixture
def pasted(tmp_path: Path) -> Callable[[str], None]:
    """Runs a fix as a person pastes it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "slactl"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m slactl "$@"\n')
    program.chmod(0o755)

    def paste(line: str) -> None:
        environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr

    return paste


def expose(desk: Path) -> None:
    desk.chmod(0o644)


def open_folder(desk: Path) -> None:
    desk.parent.chmod(0o757)


def open_way(desk: Path) -> None:
    desk.parent.parent.chmod(0o757)


def open_sticky_folder(desk: Path) -> None:
    desk.parent.chmod(0o1777)


def open_rules(desk: Path) -> None:
    desk.with_name("rules.toml").chmod(0o666)


def open_lock(desk: Path) -> None:
    desk.with_name("slactl.db.lock").touch(0o666)
    desk.with_name("slactl.db.lock").chmod(0o666)


def drop_trigger(desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("DROP TRIGGER event_never_replaced")


def weaken_trigger(desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("DROP TRIGGER event_never_changes")
        connection.execute("CREATE TRIGGER event_never_changes BEFORE UPDATE ON event WHEN 0 BEGIN SELECT 1; END")


def change_view(desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("DROP VIEW breach_view")
        connection.execute("CREATE VIEW breach_view AS SELECT * FROM timer WHERE 0")


def drop_index(desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("DROP INDEX ticket_open")


def drop_unique_index(desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("DROP INDEX escalation_once")


def weaken_index(desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("DROP INDEX timer_latest")
        connection.execute("CREATE INDEX timer_latest ON timer (ticket_id, kind) WHERE latest = 1")


def hide(desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("UPDATE timer SET next_at = NULL")


def put_off(desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("UPDATE timer SET next_at = '9999-01-01T00:00:00Z' WHERE detected_at IS NULL")


def expose_secret(desk: Path) -> None:
    secret = write_secret(desk, "slack-url", "jsons://example.com/sentinel")
    secret.chmod(0o644)
    rules = desk.with_name("rules.toml")
    rules.write_text(rules.read_text().replace("notify = []", f'notify = ["${{file:{secret}}}"]', 1))


def kill_message(desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("UPDATE notification SET state = 'dead', next_try_at = NULL")


def leave_pages(desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("INSERT INTO meta VALUES ('unwiped', '1')")


@pytest.mark.parametrize(
    ("harm", "check"),
    [
        (expose, "permissions"),
        (open_folder, "database"),
        (open_way, "permissions"),
        (open_sticky_folder, "permissions"),
        (open_rules, "trust"),
        (open_lock, "permissions"),
        (drop_trigger, "structure"),
        (weaken_trigger, "structure"),
        (change_view, "structure"),
        (drop_index, "structure"),
        (drop_unique_index, "structure"),
        (weaken_index, "structure"),
        (hide, "overlooked"),
        (put_off, "overlooked"),
        (expose_secret, "secrets"),
        (kill_message, "notifications"),
        (leave_pages, "erasure"),
    ],
)
def test_the_fix_that_is_told_mends_it(
    desk: Path, slactl: Slactl, pasted: Callable[[str], None], harm: Callable[[Path], None], check: str
) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", "3d ago")
    assert slactl("check", "-q").code == 0
    harm(desk)
    [finding] = bad(slactl)
    assert finding["check"] == check
    assert slactl("doctor").code == (6 if check == "database" else 7)
    pasted(finding["fix"])
    assert bad(slactl) == []


def test_every_table_and_index_is_looked_for(desk: Path, slactl: Slactl) -> None:
    with sqlite3.connect(desk) as connection:
        query = "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL"
        made = connection.execute(query).fetchall()
    connection.close()
    assert len(made) > 20
    sound = desk.read_bytes()
    for kind, name in made:
        with sqlite3.connect(desk) as connection:
            connection.execute(f"DROP {kind} {name}")
        connection.close()
        [finding] = bad(slactl)
        assert (finding["check"], name in finding["found"]) == ("structure", True)
        desk.write_bytes(sound)


def test_a_table_that_is_gone_comes_back_from_a_backup(
    desk: Path, slactl: Slactl, pasted: Callable[[str], None], tmp_path: Path
) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    beside = desk.with_name("slactl.db.backup")
    assert slactl("backup", str(beside)).code == 0
    for harm in ("DROP TABLE silence", "ALTER TABLE notification DROP COLUMN held_by"):
        with sqlite3.connect(desk) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            for (view,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
                connection.execute(f"DROP VIEW {view}")
            connection.execute(harm)
        connection.close()
        [finding] = bad(slactl)
        assert (finding["check"], finding["found"].startswith("missing: ")) == ("structure", True)
        assert slactl("doctor").code == 6
        pasted(finding["fix"])
        assert bad(slactl) == []
        assert beside.exists()  # a backup that is kept beside the database stays where it is
        [kept] = desk.parent.glob("*.before-restore-*Z")
        kept.unlink()


#: What is said of a level that was decided.
DECIDED = "ticket_id, source, kind, cycle, escalation, level, reason, fired_at"


def test_a_unique_index_of_doubled_rows_is_told(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", "3d ago")
    assert slactl("check", "-q").code == 0
    with sqlite3.connect(desk) as connection:
        connection.execute("DROP INDEX escalation_once")
        connection.execute("DROP INDEX ticket_open")
        connection.execute(
            f"INSERT INTO escalation ({DECIDED}, outcome, actor)"
            f" SELECT {DECIDED}, 'expired', actor FROM escalation WHERE source = 'automatic'"
        )
    connection.close()
    rebuilt = slactl("doctor", "--rebuild", "--json")
    assert (rebuilt.code, json.loads(rebuilt.out)["unmade"]) == (7, ["escalation_once"])
    assert "error: the index escalation_once cannot be created again, because rows are duplicated" in rebuilt.err
    [finding] = bad(slactl)
    assert finding["found"] == "the index escalation_once is missing"  # the other one is there again
    with sqlite3.connect(desk) as connection:
        connection.execute("DELETE FROM escalation WHERE outcome = 'expired'")
    assert slactl("doctor", "--rebuild").code == 0
    assert bad(slactl) == []


def test_rows_that_rebuilding_mends_hold_no_index_back(desk: Path, slactl: Slactl) -> None:
    with freeze_time("2026-03-02T09:00:00Z") as clock:
        rules = desk.with_name("rules.toml")
        rules.write_text(rules.read_text().replace('reopen = "continue"', 'reopen = "reset"', 1))
        slactl("create", "Printer on fire", "--from", "ann@example.com")
        for minute, command in enumerate(("resolve", "reopen"), 1):
            clock.move_to(f"2026-03-02T09:0{minute}:00Z")
            assert slactl(command, "1").code == 0
        with sqlite3.connect(desk) as connection:
            connection.execute("DROP INDEX timer_latest")
            assert connection.execute("UPDATE timer SET latest = 1 WHERE latest = 0").rowcount
        connection.close()
        assert slactl("doctor", "--rebuild").code == 0
        assert bad(slactl) == []


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the sqlite3 shell")
def test_another_journal_is_told(desk: Path, slactl: Slactl, pasted: Callable[[str], None]) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    [finding] = bad(slactl)
    assert (finding["check"], finding["found"]) == ("journal", "delete")
    pasted(finding["fix"])
    assert bad(slactl) == []


def test_missing_secrets_are_told_by_name_only(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = desk.with_name("rules.toml")
    secrets = 'notify = ["${env:SLACK_URL}", "${file:none}"]'
    rules.write_text(rules.read_text().replace("notify = []", secrets, 1))
    found = bad(slactl)
    assert [finding["check"] for finding in found] == ["secrets", "secrets"]
    assert "SLACK_URL is not set" in found[0]["found"]
    assert "the file none does not exist" in found[1]["found"]
    assert str(desk.with_name("secrets") / "none") in found[1]["fix"]
    write_secret(desk, "none", "jsons://example.com/sentinel-of-the-file")
    monkeypatch.setenv("SLACK_URL", "jsons://example.com/sentinel-of-the-environment")
    result = slactl("doctor", "--json")
    assert result.code == 0
    assert "sentinel" not in result.out + result.err


def test_a_database_that_is_missing_damaged_or_another_programs_is_6(desk: Path, slactl: Slactl) -> None:
    whole = desk.read_bytes()
    with sqlite3.connect(desk.with_name("other.db")) as connection:
        connection.execute("CREATE TABLE theirs (id)")
    other = desk.with_name("other.db").read_bytes()
    torn = bytearray(whole)
    torn[4096 : 4096 * 4] = b"\xff" * 4096 * 3
    for content, check in ((None, "database"), (b"", "database"), (other, "database"), (bytes(torn), "integrity")):
        desk.unlink()
        if content is not None:
            desk.write_bytes(content)
            desk.chmod(0o600)
        else:
            assert not desk.exists()
        code, found = examined(slactl)
        assert code == 6
        finding = next(each for each in found["checks"] if not each["ok"])
        assert finding["check"] == check
        assert ("restore a backup; there is none in" in finding["fix"]) == (content in (b"", bytes(torn)))
        # The rest is looked at all the same.
        assert {"rules", "run lock", "permissions"} <= {each["check"] for each in found["checks"]}
        desk.touch()


@pytest.mark.parametrize("left", [0, 50, 4096, 6000, 40_000])
def test_a_file_that_is_cut_off_comes_back_from_a_backup(
    desk: Path, slactl: Slactl, pasted: Callable[[str], None], tmp_path: Path, left: int
) -> None:
    assert slactl("backup", str(desk.with_name("slactl-1.db"))).code == 0
    assert desk.stat().st_size > left
    os.truncate(desk, left)
    finding = next(check for check in examined(slactl)[1]["checks"] if not check["ok"])
    pasted(finding["fix"])
    assert bad(slactl) == []


def test_a_torn_header_comes_back_from_a_backup(
    desk: Path, slactl: Slactl, pasted: Callable[[str], None], tmp_path: Path
) -> None:
    assert slactl("backup", str(desk.with_name("slactl-1.db"))).code == 0
    desk.write_bytes(b"\0" * 100 + desk.read_bytes()[100:])
    [finding] = bad(slactl)
    pasted(finding["fix"])
    assert bad(slactl) == []


def test_doctor_names_the_newest_sound_backup_of_this_database(desk: Path, slactl: Slactl) -> None:
    names = ("slactl-1.db", "slactl-2.db", "slactl-torn.db", "other.db")
    for age, name in enumerate(names):
        assert slactl("backup", str(desk.with_name(name))).code == 0
        os.utime(desk.with_name(name), (2_000_000_000 + age,) * 2)
    os.truncate(desk.with_name("slactl-torn.db"), 6000)
    desk.with_name("slactl-link.db").symlink_to(desk.with_name("other.db"))
    desk.with_name("slactl-notes.txt").write_text("no database")
    os.truncate(desk, 6000)
    finding = next(check for check in examined(slactl)[1]["checks"] if not check["ok"])
    assert finding["fix"] == f"slactl restore {desk.with_name('slactl-2.db')} --yes"


def test_doctor_does_not_name_a_database_that_a_restore_replaced(desk: Path, slactl: Slactl) -> None:
    backup = desk.with_name("slactl-1.db")
    assert slactl("backup", str(backup)).code == 0
    assert slactl("restore", str(backup), "--yes").code == 0
    os.truncate(desk, 6000)
    finding = next(check for check in examined(slactl)[1]["checks"] if not check["ok"])
    assert finding["fix"] == f"slactl restore {backup} --yes"


def test_a_backup_in_the_users_own_folder_is_found(
    desk: Path, slactl: Slactl, pasted: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "slactl-backups").mkdir(mode=0o700)
    assert slactl("backup", str(tmp_path / "slactl-backups" / "slactl.db")).code == 0
    os.truncate(desk, 50)
    finding = next(check for check in examined(slactl)[1]["checks"] if not check["ok"])
    pasted(finding["fix"])
    assert bad(slactl) == []


def test_the_fix_of_a_missing_variable_asks_for_it(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    rules = desk.with_name("rules.toml")
    rules.write_text(rules.read_text().replace("notify = []", 'notify = ["${env:SLACK_URL}"]', 1))
    [finding] = bad(slactl)
    line = f"{finding['fix']}; {shlex.quote(sys.executable)} -m slactl doctor --json"
    done = subprocess.run(["bash", "-c", line], input="json://127.0.0.1\n", capture_output=True, text=True, check=False)
    assert (done.returncode, "127.0.0.1" in done.stdout + done.stderr) == (0, False), done.stdout


def test_a_newer_schema_asks_for_a_newer_slactl(desk: Path, slactl: Slactl) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    code, found = examined(slactl)
    [finding] = [check for check in found["checks"] if not check["ok"]]
    assert (code, finding["check"], finding["fix"]) == (6, "database", "pip install --upgrade slactl")
    assert f"schema {SCHEMA + 1}" in finding["found"]


@pytest.mark.parametrize("schema", [1, 6])
def test_an_older_schema_is_told_and_left_as_it_is(
    desk: Path, slactl: Slactl, pasted: Callable[[str], None], tmp_path: Path, schema: int
) -> None:
    old = tmp_path / "old.db"
    with sqlite3.connect(old) as connection:
        connection.executescript((SCHEMAS / f"schema_{schema}.sql").read_text())
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    shutil.move(old, desk)
    desk.chmod(0o600)
    before = desk.read_bytes()
    [finding] = bad(slactl)
    assert (finding["check"], finding["found"].startswith(f"{schema}; ")) == ("schema", True)
    assert slactl("doctor").code == 7
    assert desk.read_bytes() == before
    pasted(finding["fix"])
    assert "schema" not in {check["check"] for check in bad(slactl)}
    assert "structure" not in {check["check"] for check in bad(slactl)}


def test_outcomes_from_before_an_upgrade_are_told_until_they_are_rebuilt(
    desk: Path, slactl: Slactl, tmp_path: Path
) -> None:
    old = tmp_path / "old.db"
    with sqlite3.connect(old) as connection:
        connection.executescript((SCHEMAS / "schema_6.sql").read_text())
    connection.close()
    shutil.move(old, desk)
    desk.chmod(0o600)
    assert slactl("list", "-q").code == 0  # upgrades
    [check] = [check for check in examined(slactl)[1]["checks"] if check["check"] == "outcomes"]
    assert (check["ok"], check["fix"]) == (True, "slactl doctor --rebuild")
    assert f"ok\toutcomes\t{check['found']}\tslactl doctor --rebuild" in slactl("doctor").lines
    assert slactl(*check["fix"].split()[1:]).code == 0
    assert "outcomes" not in {check["check"] for check in examined(slactl)[1]["checks"]}


def test_what_one_may_not_write_is_told(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    slactl("check", "-q")
    lock = desk.with_name("slactl.db.lock")
    if os.geteuid() == 0:  # root may write everything
        real = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != lock and real(path, mode))
    lock.chmod(0o400)
    [finding] = bad(slactl)
    assert finding == {
        "check": "permissions",
        "ok": False,
        "found": f"{lock} cannot be written by you",
        "fix": f"ls -ld {lock}",
    }


def test_a_check_that_ended_badly_is_told_until_one_ends_well(desk: Path, slactl: Slactl) -> None:
    rules = desk.with_name("rules.toml")
    sound = rules.read_text()
    slactl("check", "-q")
    rules.write_text("nonsense")
    assert slactl("check", "-q").code == 4
    rules.write_text(sound)
    [finding] = bad(slactl)
    assert (finding["check"], finding["found"]) == ("last exit code", "the last check ended with 4")
    assert slactl("check", "-q").code == 0
    assert bad(slactl) == []


def test_references_to_what_is_not_there_are_6(desk: Path, slactl: Slactl) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("INSERT INTO event_text VALUES (999, 'body', 'salt', 'lost')")
    code, found = examined(slactl)
    assert code == 6
    assert "row 1 of event_text" in next(each for each in found["checks"] if not each["ok"])["found"]


def test_invalid_rules_and_probable_mistakes_are_told(desk: Path, slactl: Slactl) -> None:
    rules = desk.with_name("rules.toml")
    text = rules.read_text()
    rules.write_text(text.replace("schema = 1", "schema = 1\nnonsense = 2", 1))
    [finding] = bad(slactl)
    assert (finding["check"], "nonsense" in finding["found"]) == ("rules", True)
    rules.write_text(text + '\n[[policy]]\nname = "never"\nmatch = {}\ncalendar = "always"\n')
    assert any("never" in finding["found"] for finding in bad(slactl))
    assert {finding["check"] for finding in bad(slactl)} == {"rules"}


def test_a_check_that_does_not_come_is_told(desk: Path, slactl: Slactl) -> None:
    with freeze_time("2026-03-02T09:00:00Z") as clock:
        slactl("create", "Printer on fire", "--from", "ann@example.com")
        clock.move_to("2026-03-02T10:00:00Z")
        assert bad(slactl) == []
        clock.move_to("2026-03-02T10:00:01Z")
        [finding] = bad(slactl)
        assert (finding["check"], "crontab" in finding["fix"]) == ("last check", True)
        assert slactl("check", "-q").code == 0
        assert bad(slactl) == []
        clock.move_to("2026-03-06T09:00:00Z")
        assert {finding["check"] for finding in bad(slactl)} == {"last check", "overdue"}
        rules = desk.with_name("rules.toml")
        sound = rules.read_text()
        rules.write_text("nonsense")
        assert slactl("check", "-q").code == 4  # by the last valid rules
        assert {finding["check"] for finding in bad(slactl)} == {"rules", "last exit code"}
        rules.write_text(sound)
        slactl("check", "-q")
        slactl("resolve", "1")
        clock.move_to("2026-03-09T09:00:00Z")
        assert bad(slactl) == []  # nothing is open


def test_a_clock_that_went_back_is_told(desk: Path, slactl: Slactl) -> None:
    with freeze_time("2026-03-02T09:00:00Z") as clock:
        slactl("create", "Printer on fire", "--from", "ann@example.com")
        clock.move_to("2026-03-02T08:56:00Z")
        assert bad(slactl) == []  # the clocks of two machines differ by minutes
        clock.move_to("2026-03-01T09:00:00Z")
        [finding] = bad(slactl)
        assert finding["check"] == "clock"
        assert "2026-03-02T09:00:00Z" in finding["found"]


def test_the_holder_of_the_run_lock_is_named(desk: Path, slactl: Slactl) -> None:
    lock = desk.with_name("slactl.db.lock")
    with open(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        told = {check["check"]: check for check in examined(slactl)[1]["checks"]}
        assert re.fullmatch(rf"held by {os.getpid()} \(\S+\), which is running", told["run lock"]["found"])
        assert told["run lock"]["ok"]
        os.utime(lock, (1_000_000_000, 1_000_000_000))  # whoever just holds it does not note when it got it
        [finding] = bad(slactl)
        assert (finding["check"], finding["fix"]) == ("run lock", f"kill {os.getpid()}")
        assert "no check could take it for " in finding["found"]
        assert slactl("check", "-q") == Result(75, "", "")
    assert slactl("check", "-q").code == 0
    assert lock.stat().st_mtime > 1_000_000_000
    assert {check["check"]: check["found"] for check in examined(slactl)[1]["checks"]}["run lock"] == "free"


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs a system that tells its locks")
@pytest.mark.parametrize("take", [fcntl.flock, fcntl.lockf])
def test_a_lock_that_keeps_nobody_out_has_no_holder(tmp_path: Path, take: Callable[[int, int], object]) -> None:
    """A lock for reading is shared, and a lock of POSIX does not exclude the run lock."""
    lock = tmp_path / "slactl.db.lock"
    with open(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "w") as handle:
        take(handle.fileno(), fcntl.LOCK_EX if take is fcntl.lockf else fcntl.LOCK_SH)
        assert lock_holder(lock) is None
        fcntl.flock(handle, fcntl.LOCK_EX)
        holder = lock_holder(lock)
    assert holder is not None
    assert holder.pid == os.getpid()


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs a system that tells its locks")
def test_whoever_keeps_others_from_writing_is_told(
    desk: Path, slactl: Slactl, pasted: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    assert {check["check"]: check["found"] for check in examined(slactl)[1]["checks"]}["write lock"] == "free"
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        " c.execute('BEGIN IMMEDIATE'); print(flush=True); input()"
    )
    arguments = ["/opt/tools/hold\x1b[2Jer", "-c", program, str(desk), "--password=sentinel"]
    environment = os.environ | {"PYTHONHOME": sys.base_prefix}
    monkeypatch.setattr("slactl.store.sqlite.connection.BUSY_SECONDS", 0)
    monkeypatch.setattr("slactl.desk.upkeep.database_checks.LASTING", 0.2)
    with subprocess.Popen(
        arguments, executable=sys.executable, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            code, found = examined(slactl)
            [finding] = [check for check in found["checks"] if not check["ok"]]
            assert (code, finding["check"], finding["fix"]) == (7, "write lock", f"kill {holder.pid}")
            assert finding["found"].startswith(f"held by {holder.pid} (holder) for 0.2 s")
            assert "sentinel" not in json.dumps(found)
            given_up = slactl("note", "1", "--body", "?")
            assert (given_up.code, given_up.err.splitlines()[-1]) == (75, "hint: slactl doctor")
            holder.communicate(b"\n")
            assert bad(slactl) == []
        finally:
            holder.kill()


MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:35 / /srv rw,relatime shared:20 - nfs4 server:/export rw,vers=4.2
41 40 8:2 / /srv/local rw,relatime shared:21 - xfs /dev/sdb1 rw
42 22 0:36 / /mnt/with\040blank rw - cifs //server/share rw
43 22 8:3 / /over rw - ext4 /dev/sdc1 rw
44 43 0:37 / /over rw - fuse.sshfs server: rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/slactl.db", "ext4"),
        ("/srv/desk/slactl.db", "nfs4"),
        ("/srv/local/slactl.db", "xfs"),
        ("/srvlocal/slactl.db", "ext4"),
        ("/mnt/with blank/slactl.db", "cifs"),
        ("/over/slactl.db", "fuse.sshfs"),
    ],
)
def test_the_kind_of_file_system_is_that_of_the_innermost_mount(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind
    assert (kind in NETWORK) == (kind not in ("ext4", "xfs"))


def test_a_network_file_system_is_a_finding(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    from slactl.desk.upkeep import environment

    monkeypatch.setattr(environment, "mounts", lambda: "40 22 0:35 / / rw - nfs4 server:/export rw")
    [finding] = bad(slactl)
    assert finding["check"] == "file system"


def test_on_a_terminal_each_finding_has_its_fix_below(desk: Path, slactl: Slactl, capsys: Any) -> None:  # noqa: ANN401
    from slactl.show.form import Screen
    from slactl.show.upkeep import draw_health

    expose(desk)
    found = examined(slactl)[1]
    capsys.readouterr()
    draw_health(found, Screen(sys.stdout, width=80))
    lines = capsys.readouterr().out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("✗ permissions"))
    assert lines[place + 1] == f"  fix: chmod o-rwx {desk}"
    assert lines[-1] == "1 problem to fix"


# Rebuilding the cache.


def dump(desk: Path) -> list[str]:
    with sqlite3.connect(desk) as connection:
        return [line for line in connection.iterdump() if "INTO" in line]


@pytest.fixture
def told(desk: Path, slactl: Slactl) -> Path:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", "3d ago")
    slactl("create", "Toner is out", "--from", "bob@example.com", "--external-id", "T-2", "--at", "3d ago")
    slactl("reply", "2", "--body", "On it.")
    slactl("escalate", "2", "--reason", "called twice")
    assert slactl("check", "-q").code == 0
    return desk


def harmed(desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute(
            "UPDATE ticket SET status = 'closed', subject = 'All is well', tags = '[\"x\"]' WHERE id = 1"
        )
        connection.execute("UPDATE ticket SET external_id = 'T-9', next_level = 'none' WHERE id = 2")
        connection.execute("UPDATE timer SET next_at = NULL, detected_at = NULL")
        connection.execute(
            "UPDATE timer SET due_at = '2027-01-01T00:00:00Z' WHERE ticket_id = 1 AND kind = 'resolution'"
        )
        connection.execute("DELETE FROM timer WHERE ticket_id = 2 AND kind = 'resolution'")


def test_a_sound_cache_stays_as_it_is(told: Path, slactl: Slactl) -> None:
    before = dump(told)
    rebuilt = slactl("doctor", "--rebuild", "--json")
    assert rebuilt.code == 0
    record = json.loads(rebuilt.out)
    assert (record["tickets"], record["changed"], record["found"]) == (2, 0, [])
    assert dump(told) == before


def shown(slactl: Slactl) -> str:
    """The tickets as `show` tells them, but for how late they are, which grows every second."""
    return re.sub(r'("overdue_seconds": )\d+', r"\1…", slactl("show", "1", "2", "--json").out)


def test_what_differs_is_shown_and_mended(told: Path, slactl: Slactl) -> None:
    before = shown(slactl)
    harmed(told)
    broken = dump(told)
    rehearsed = slactl("doctor", "--rebuild", "-n", "--json")
    assert (rehearsed.code, dump(told)) == (7, broken)
    rebuilt = slactl("doctor", "--rebuild", "--json")
    assert rebuilt.code == 0
    record = json.loads(rebuilt.out)
    assert record["found"] == json.loads(rehearsed.out)["found"]
    assert (record["changed"], record["failed"]) == (2, 0)
    found = {(each["ticket_id"], each["column"], each["stored"]) for each in record["found"]}
    assert {(1, "status", "closed"), (1, "subject", "All is well"), (2, "external_id", "T-9")} <= found
    assert {"next_at", "next_level"} <= {column for _, column, _ in found}
    assert shown(slactl) == before
    assert slactl("audit", "verify").code == 0
    assert json.loads(slactl("doctor", "--rebuild", "--json").out)["found"] == []
    assert json.loads(slactl("check", "--json").out)["breached"] == 0  # what was noticed stays noticed


def test_a_ticket_of_which_only_the_history_is_left_comes_back(told: Path, slactl: Slactl) -> None:
    before = slactl("show", "2", "--json").out
    with sqlite3.connect(told) as connection:
        connection.execute("DELETE FROM ticket WHERE id = 2")
    assert slactl("doctor", "--rebuild").code == 0
    assert slactl("show", "2", "--json").out == before
    assert slactl("doctor").code == 0


def test_a_ticket_that_cannot_be_computed_keeps_nobody_else_from_it(told: Path, slactl: Slactl) -> None:
    with sqlite3.connect(told) as connection:
        for name in chain.TRIGGERS:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(
            "UPDATE event SET detail = '{\"status\": \"nonsense\"}' WHERE action = 'ticket.create' AND id = 1"
        )
        connection.execute("UPDATE ticket SET priority = 'low' WHERE id = 2")
    rebuilt = slactl("doctor", "--rebuild")
    assert rebuilt.code == 7
    assert "ticket 1" in rebuilt.err
    assert "event_never_changes differed from slactl's definition" in rebuilt.lines
    with sqlite3.connect(told) as connection:
        assert connection.execute("SELECT priority FROM ticket WHERE id = 2").fetchone() == ("high",)


def test_a_dry_run_goes_with_rebuild_only(desk: Path, slactl: Slactl) -> None:
    assert slactl("doctor", "-n").code == 2


@pytest.mark.parametrize("place", ["/", ".", "..", "folder"])
def test_a_folder_is_no_database(place: str, desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = desk.parent / "folder"
    (folder / "folder").mkdir(parents=True, mode=0o777)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SLACTL_DB", place)
    (found,) = bad(slactl)
    assert (found["check"], found["fix"]) == ("database", f"slactl --db {Path(place) / 'slactl.db'} init")
    assert f"the database {place} is a folder" in found["found"]
    commands = ("doctor", "doctor --rebuild", "init", "list", "check", "check -n", "tenant add x", "backup x.db")
    for words in map(str.split, commands):
        result = slactl(*words)
        assert (result.code, "is a folder" in result.out + result.err) == (6, True), words
    assert [path.name for path in folder.iterdir()] == ["folder"]


@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize("place", ["/", ".", "folder"])
def test_a_folder_is_no_file_of_rules(
    place: str, force: tuple[str, ...], desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.parent)
    Path("folder").mkdir()
    monkeypatch.setenv("SLACTL_RULES", place)
    result = slactl("init", *force)
    assert (result.code, result.err.split("\n")[0]) == (4, f"error: the rules file {place} is a folder")
    assert Path("folder").is_dir()
    assert slactl("rules", "check").code == 4


def test_the_folder_that_everybody_needs_is_not_to_be_closed(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.parent.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(desk.parent))
    fixes = [each["fix"] for each in json.loads(slactl("doctor", "--json").out)["checks"] if each["fix"]]
    assert any(fix.startswith("slactl backup ") for fix in fixes)
    assert not any("chmod o-w" in fix for fix in fixes)
