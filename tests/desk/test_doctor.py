"""The doctor: a healthy desk is told so, and each finding comes with a command that really mends it."""

import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun import freeze_time

from slactl.desk.surroundings import NETWORK, file_system
from slactl.store import chain


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
    desk.parent.chmod(0o777)


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


def expose_secret(desk: Path) -> None:
    secret = desk.with_name("slack-url")
    secret.write_text("jsons://example.com/sentinel")
    secret.chmod(0o644)
    rules = desk.with_name("rules.toml")
    rules.write_text(rules.read_text().replace("notify = []", f'notify = ["${{file:{secret}}}"]', 1))


def kill_message(desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("UPDATE notification SET state = 'dead', next_try_at = NULL")


@pytest.mark.parametrize(
    ("harm", "check"),
    [
        (expose, "permissions"),
        (open_folder, "permissions"),
        (open_sticky_folder, "permissions"),
        (open_rules, "permissions"),
        (open_lock, "permissions"),
        (drop_trigger, "structure"),
        (weaken_trigger, "structure"),
        (change_view, "structure"),
        (expose_secret, "secrets"),
        (kill_message, "notifications"),
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
    assert slactl("doctor").code == 7
    pasted(finding["fix"])
    assert bad(slactl) == []


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the sqlite3 shell")
def test_another_journal_is_told(desk: Path, slactl: Slactl, pasted: Callable[[str], None]) -> None:
    with sqlite3.connect(desk) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    [finding] = bad(slactl)
    assert (finding["check"], finding["found"]) == ("journal", "delete")
    pasted(finding["fix"])
    assert bad(slactl) == []


def test_missing_secrets_are_told_by_name_only(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rules = desk.with_name("rules.toml")
    secrets = f'notify = ["${{env:SLACK_URL}}", "${{file:{tmp_path / "none"}}}"]'
    rules.write_text(rules.read_text().replace("notify = []", secrets, 1))
    found = bad(slactl)
    assert [finding["check"] for finding in found] == ["secrets", "secrets"]
    assert "SLACK_URL is not set" in found[0]["found"]
    assert str(tmp_path / "none") in found[1]["found"]
    (tmp_path / "none").write_text("jsons://example.com/sentinel-of-the-file")
    (tmp_path / "none").chmod(0o600)
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
        assert finding["fix"]
        # The rest is looked at all the same.
        assert {"rules", "run lock", "permissions"} <= {each["check"] for each in found["checks"]}
        desk.touch()


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


def test_the_holder_of_the_run_lock_is_told_and_one_that_was_stopped_is_a_finding(desk: Path, slactl: Slactl) -> None:
    lock = desk.with_name("slactl.db.lock")
    with open(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        told = {check["check"]: check for check in examined(slactl)[1]["checks"]}
        assert told["run lock"]["found"] == f"held by {os.getpid()}, which is at work"
        assert told["run lock"]["ok"]
    assert {check["check"]: check["found"] for check in examined(slactl)[1]["checks"]}["run lock"] == "free"
    program = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); input()"
    arguments = [sys.executable, "-c", program, str(lock)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            os.kill(holder.pid, signal.SIGSTOP)
            os.waitid(os.P_PID, holder.pid, os.WSTOPPED | os.WNOWAIT)
            [finding] = bad(slactl)
            assert (finding["check"], finding["fix"]) == ("run lock", f"kill -CONT {holder.pid}")
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
    from slactl.desk import surroundings

    monkeypatch.setattr(surroundings, "mounted", lambda: "40 22 0:35 / / rw - nfs4 server:/export rw")
    [finding] = bad(slactl)
    assert finding["check"] == "file system"


def test_on_a_terminal_each_finding_has_its_fix_below(desk: Path, slactl: Slactl, capsys: Any) -> None:  # noqa: ANN401
    from slactl.show.doctor import draw_health
    from slactl.show.form import Screen

    expose(desk)
    found = examined(slactl)[1]
    capsys.readouterr()
    draw_health(found, Screen(sys.stdout, width=80))
    lines = capsys.readouterr().out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("✗ permissions"))
    assert lines[place + 1] == f"  fix: chmod o-rwx {desk}"
    assert lines[-1] == "1 to mend"


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
    assert "event_never_changes was not as slactl makes it" in rebuilt.lines
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
    assert (result.code, result.err.split("\n")[0]) == (4, f"error: the rules {place} are a folder")
    assert Path("folder").is_dir()
    assert slactl("rules", "check").code == 4
