"""Backups: of a desk that is in use, whole or not there at all, private, and never over something else."""

import json
import os
import re
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Slactl

from slactl.__main__ import run
from slactl.config import resolve
from slactl.desk.ledger.desk import Desk
from slactl.desk.upkeep import backup as desk_backup
from slactl.store.schema import chain
from slactl.store.sqlite import file

#: The group of nobody who runs these tests.
NO_GROUP = 65_534


@pytest.fixture
def told(desk: Path, slactl: Slactl) -> Path:
    for number in range(3):
        slactl("create", f"Printer {number}", "--from", "ann@example.com", "--body", "It burns. " * 200)
    return desk


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "copy.db"


def leftovers(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_a_backup_is_the_same_desk_private_and_verified(told: Path, slactl: Slactl, target: Path) -> None:
    before = os.umask(0)
    try:
        made = slactl("backup", str(target), "--json")
    finally:
        os.umask(before)
    assert made.code == 0, made.err
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert leftovers(target) == ["copy.db"]
    for command in (("list", "--json"), ("audit", "list", "--json"), ("export",)):
        assert slactl("--db", str(target), *command).out == slactl(*command).out
    verified = json.loads(slactl("--db", str(target), "audit", "verify", "--json").out)
    record = json.loads(made.out)
    assert verified["ok"]
    assert (record["audit_head"], record["events"]) == (verified["audit_head"], verified["events"])
    assert (record["file"], record["size"]) == (str(target), target.stat().st_size)


def test_a_backup_of_a_desk_in_use_is_of_one_instant(
    told: Path, slactl: Slactl, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others write after each page that is copied; the copy has none of it, and does not begin anew either."""
    monkeypatch.setattr(file, "PAGES", 1)
    before, steps = slactl("export").out, list[int]()

    def write(done: int, total: int) -> None:
        steps.append(done)
        if len(steps) < 20:
            assert slactl("note", "1", "--body", f"note {len(steps)} " * 1000).code == 0

    desk_backup.backup(Desk.of(resolve(os.environ)), target, progress=write)
    assert steps == sorted(steps)
    assert slactl("export").out != before
    assert slactl("--db", str(target), "export").out == before
    assert slactl("--db", str(target), "audit", "verify").code == 0


def test_what_is_there_is_replaced_only_when_forced(told: Path, slactl: Slactl, target: Path) -> None:
    target.write_text("precious")
    refused = slactl("backup", str(target))
    assert (refused.code, target.read_text()) == (5, "precious")
    assert f"slactl backup --force {target}" in refused.err
    assert slactl("backup", "--force", str(target)).code == 0
    assert slactl("--db", str(target), "list", "-q").code == 0
    assert leftovers(target) == ["copy.db"]


@pytest.mark.parametrize("kind", ["link to a file", "link to nothing", "named pipe", "device"])
def test_only_a_plain_file_is_replaced(told: Path, slactl: Slactl, target: Path, tmp_path: Path, kind: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    if kind == "link to a file":
        elsewhere.write_text("precious")
    if kind == "named pipe":
        os.mkfifo(target)
    elif kind == "device":
        target = Path("/dev/null")
    else:
        target.symlink_to(elsewhere)
    before = target.lstat()
    # The device is the machine's own: should the defence be broken, at least this test does not replace it.
    for force in ((), ("--force", "-n"), *([("--force",)] if kind != "device" else [])):
        refused = slactl("backup", *force, str(target))
        assert refused.code == 5
        assert refused.err.splitlines() == [
            f"error: {target} is not a regular file; slactl does not replace it",
            f"hint: ls -ld {target}",
        ]
    assert target.lstat() == before
    assert elsewhere.exists() == (kind == "link to a file")


def test_a_name_that_is_taken_meanwhile_stays_as_it_is(
    told: Path, slactl: Slactl, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "PAGES", 1)
    with pytest.raises(desk_backup.RefusedError):
        desk_backup.backup(
            Desk.of(resolve(os.environ)), target, progress=lambda *_: target.write_text("precious") and None
        )
    assert target.read_text() == "precious"
    assert leftovers(target) == ["copy.db"]


def test_what_is_no_plain_file_any_more_is_not_replaced(told: Path, target: Path) -> None:
    target.write_text("to be replaced")

    def change(done: int, total: int) -> None:
        target.unlink(missing_ok=True)
        os.mkfifo(target)

    with pytest.raises(desk_backup.RefusedError, match="not a regular file"):
        desk_backup.backup(Desk.of(resolve(os.environ)), target, force=True, progress=change)
    assert stat.S_ISFIFO(target.stat().st_mode)
    assert leftovers(target) == ["copy.db"]


def test_a_draft_that_was_replaced_is_not_taken(
    told: Path, slactl: Slactl, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(done: int, total: int) -> None:
        if done == total:
            [draft] = target.parent.glob(".slactl-*/new")
            other = draft.with_name("other")
            other.write_bytes(draft.read_bytes())
            other.rename(draft)

    with pytest.raises(desk_backup.DatabaseError, match="somebody replaced the copy"):
        desk_backup.backup(Desk.of(resolve(os.environ)), target, progress=replace)
    assert leftovers(target) == []


@pytest.mark.parametrize("end", ["-wal", "-journal"])
def test_the_log_of_another_database_is_not_taken_for_its_own(
    told: Path, slactl: Slactl, target: Path, end: str
) -> None:
    target.with_name(target.name + end).write_text("pages of another database")
    for force in ((), ("--force",)):
        refused = slactl("backup", *force, str(target))
        assert refused.code == 5
        assert not target.exists()


@pytest.mark.parametrize("name", ["slactl.db", "slactl.db-wal", "slactl.db-shm", "slactl.db-journal", "slactl.db.lock"])
@pytest.mark.parametrize(
    "way",
    ["itself", "a link to the folder", "a hard link", "by the link that the settings name", "where that leads to"],
)
def test_the_database_and_the_files_beside_it_are_no_target(
    told: Path, slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, way: str
) -> None:
    same = told.with_name(name)
    if way == "a link to the folder":
        (tmp_path / "link").symlink_to(told.parent)
        same = tmp_path / "link" / name
    elif way in ("by the link that the settings name", "where that leads to"):
        (tmp_path / "slactl.db").symlink_to(told)
        monkeypatch.setenv("SLACTL_DB", str(tmp_path / "slactl.db"))
        same = tmp_path / name if way == "by the link that the settings name" else same
    with sqlite3.connect(told) as connection:  # one that stays open keeps the files beside the database
        connection.execute("SELECT count(*) FROM ticket").fetchone()
        if way == "a hard link":
            same.touch()
            same = tmp_path / "hard"
            same.hardlink_to(told.with_name(name))
        before = os.path.lexists(same)
        for force in ((), ("--force",), ("--force", "-n")):
            refused = slactl("backup", *force, str(same))
            assert (refused.code, "--force" in refused.err) == (5, False), refused.err
            assert "the database" in refused.err
            assert os.path.lexists(same) == before
    if way == "a hard link" and name.endswith("-journal"):
        told.with_name(name).unlink()
    assert slactl("list", "-q").lines == ["1", "2", "3"]


@pytest.mark.parametrize("exists", [True, False])
def test_the_rules_are_no_target(told: Path, slactl: Slactl, tmp_path: Path, exists: bool) -> None:
    rules, hard = told.with_name("rules.toml"), tmp_path / "hard"
    text = rules.read_text()
    hard.hardlink_to(rules)
    if not exists:
        rules.unlink()
    for target in (rules, hard) if exists else (rules,):
        refused = slactl("backup", "--force", str(target))
        assert (refused.code, "the rules" in refused.err) == (5, True), refused.err
    assert rules.exists() == exists
    assert hard.read_text() == text


@pytest.mark.parametrize("mode", [0o777, *([0o775, 0o2770] if os.geteuid() == 0 else [])])
def test_a_folder_in_which_others_may_replace_files_takes_no_backup(
    told: Path, slactl: Slactl, target: Path, mode: int
) -> None:
    own = Path.home() / "slactl-backups"
    if os.geteuid() == 0:
        os.chown(target.parent, -1, NO_GROUP)
    target.parent.chmod(mode)
    for words in ((), ("--force",), ("-n",)):
        refused = slactl("backup", *words, str(target))
        assert refused.code == 5
        assert refused.err.splitlines() == [
            f"error: others may replace files in the folder {target.parent}",
            f"hint: mkdir -p -m 700 {own} && slactl backup {own / 'copy.db'}",
        ]
    assert leftovers(target) == []
    hint = refused.err.splitlines()[1].removeprefix("hint: ").replace("slactl ", f"{sys.executable} -m slactl ")
    own.parent.mkdir()
    assert subprocess.run(hint, shell=True, check=False, stdout=subprocess.DEVNULL).returncode == 0
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    target.parent.chmod(0o1777)
    assert slactl("backup", str(target)).code == 0
    assert leftovers(target) == ["copy.db"]


def older(told: Path, other: Path) -> None:
    """An event less; the log still ends as a log does."""
    desk_backup.backup(Desk.of(resolve(os.environ)), other)
    assert run(["note", "1", "--body", "after that"]) == 0


def of_another_desk(told: Path, other: Path) -> None:
    """As many events, and others."""
    for words in (["init"], *(["create", f"Toner {number}", "--from", "bob@example.com"] for number in range(3))):
        assert run(["--db", str(other), *words]) == 0


def with_an_event_less(told: Path, other: Path) -> None:
    """The log ends as it should, but one event before is gone."""
    desk_backup.backup(Desk.of(resolve(os.environ)), other)
    with closing(sqlite3.connect(other, isolation_level=None)) as connection:
        for name in chain.TRIGGERS:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM event_text WHERE event_id = 1")
        connection.execute("DELETE FROM event WHERE id = 1")


@pytest.mark.parametrize("make", [older, of_another_desk, with_an_event_less])
def test_a_copy_of_another_state_is_not_taken(
    told: Path, slactl: Slactl, target: Path, tmp_path: Path, make: Callable[[Path, Path], None]
) -> None:
    """Whole in itself, but not what was to be copied."""
    other = tmp_path / "other.db"
    make(told, other)

    def overwrite(done: int, total: int) -> None:
        if done == total:
            [draft] = target.parent.glob(".slactl-*/new")
            draft.write_bytes(other.read_bytes())

    with pytest.raises(desk_backup.DatabaseError, match="does not end with the last hash of the database"):
        desk_backup.backup(Desk.of(resolve(os.environ)), target, progress=overwrite)
    assert leftovers(target) == []


#: Makes a backup and prints, in their order, what is made durable and what gets a name.
WATCHED = """
import os, sys
from slactl.__main__ import run

def watched(name, function):
    def call(first, *arguments, **options):
        what = os.readlink(f"/proc/self/fd/{first}") if isinstance(first, int) else os.fspath(first)
        print(name, what, *map(os.fspath, arguments), file=sys.stderr)
        return function(first, *arguments, **options)
    return call

for name in ("fsync", "link", "replace", "rename"):
    setattr(os, name, watched(name, getattr(os, name)))
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc, to know which file is made durable")
@pytest.mark.parametrize("force", [False, True])
def test_the_copy_is_durable_before_it_gets_its_name_and_the_name_before_it_is_told(
    told: Path, target: Path, force: bool
) -> None:
    arguments = [sys.executable, "-c", WATCHED, "backup", *(["--force"] if force else []), str(target)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    calls = [line.split() for line in done.stderr.splitlines()]
    draft = Path(calls[0][1])
    assert re.fullmatch(r"\.slactl-[0-9a-f]{16}", draft.parent.name)
    named = ["rename" if force else "link", "new", "copy.db"]
    assert calls == [["fsync", str(draft)], named, ["fsync", str(target.parent)]]


def test_a_folder_or_no_folder_is_no_target(told: Path, slactl: Slactl, target: Path, tmp_path: Path) -> None:
    assert slactl("backup", str(target.parent)).code == 5
    for rehearsal in ((), ("-n",)):
        missing = slactl("backup", *rehearsal, str(tmp_path / "none" / "copy.db"))
        assert missing.code == 1
        assert f"mkdir -p {tmp_path / 'none'}" in missing.err


def test_a_damaged_database_gives_no_backup(told: Path, slactl: Slactl, target: Path) -> None:
    with sqlite3.connect(told) as connection:
        connection.execute("INSERT INTO event_text VALUES (999, 'body', 'salt', 'of an event there is not')")
    damaged = slactl("backup", str(target))
    assert damaged.code == 6
    assert "event_text" in damaged.err
    assert leftovers(target) == []


def test_a_full_disk_leaves_nothing_behind(told: Path, target: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    done = subprocess.run(
        [sys.executable, "-m", "slactl", "backup", str(target)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode == 1
    said, hint = done.stderr.splitlines()
    assert said == f"error: the disk of {target} is full or failing: disk I/O error; nothing was written"
    assert hint == f"hint: df -h {target.parent}"
    assert leftovers(target) == []


#: Makes a backup with `--force` and sends itself a signal: while it copies, or when it makes the whole copy durable.
BACKUP = """
import os, sys
from pathlib import Path
from slactl.config import resolve
from slactl.desk.ledger.desk import Desk
from slactl.desk.upkeep import backup
from slactl.store.sqlite import file

moment, signal, target = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
steps, fsync = 0, os.fsync

def told(done, total):
    global steps
    steps += 1
    if (moment == "first" and steps == 1) or (moment == "last" and done == total):
        os.kill(os.getpid(), signal)

def durable(handle):
    fsync(handle)
    if moment == "durable":
        os.kill(os.getpid(), signal)

os.fsync, file.PAGES = durable, 1
backup.backup(Desk.of(resolve(os.environ)), target, force=True, progress=told)
"""


@pytest.mark.parametrize("moment", ["first", "last", "durable"])
def test_what_a_killed_backup_left_goes_with_the_next_in_that_folder(
    told: Path, slactl: Slactl, target: Path, moment: str
) -> None:
    arguments = [sys.executable, "-c", BACKUP, moment, str(int(signal.SIGKILL)), str(target)]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    assert any(name.startswith(".slactl-") for name in leftovers(target))
    left = leftovers(target)
    assert slactl("backup", "-n", str(target)).code == 0
    assert leftovers(target) == left
    assert slactl("backup", str(target.with_name("other.db"))).code == 0
    assert leftovers(target) == ["other.db"]


@pytest.mark.parametrize("moment", ["first", "last", "durable"])
def test_the_draft_of_a_backup_that_is_at_work_stays(told: Path, slactl: Slactl, target: Path, moment: str) -> None:
    arguments = [sys.executable, "-c", BACKUP, moment, str(int(signal.SIGSTOP)), str(target)]
    with subprocess.Popen(arguments) as other:
        try:
            os.waitid(os.P_PID, other.pid, os.WSTOPPED | os.WNOWAIT)
            left = leftovers(target)
            assert slactl("backup", "--force", str(target)).code == 0
            assert leftovers(target) == [*left, "copy.db"]
            os.kill(other.pid, signal.SIGCONT)
            if moment == "durable":  # which comes a second time, for the folder
                os.waitid(os.P_PID, other.pid, os.WSTOPPED | os.WNOWAIT)
                os.kill(other.pid, signal.SIGCONT)
            assert other.wait() == 0
        finally:
            other.kill()
    assert leftovers(target) == ["copy.db"]
    assert slactl("--db", str(target), "audit", "verify").code == 0


def test_only_what_a_killed_backup_left_is_swept(told: Path, slactl: Slactl, target: Path) -> None:
    names = [".slactl-notes", f".slactl-{'0' * 15}", f"x.slactl-{'0' * 16}", f".slactl-{'1' * 16}.d"]
    for name in names:
        target.with_name(name).mkdir()
        (target.with_name(name) / "new").write_text("precious")
    file, link, empty = (f".slactl-{digit * 16}" for digit in "234")
    target.with_name(file).write_text("precious")
    target.with_name(link).symlink_to(names[0])
    target.with_name(empty).mkdir()
    assert slactl("backup", str(target)).code == 0
    assert leftovers(target) == sorted(["copy.db", *names, file, link, empty])
    assert [(target.with_name(name) / "new").read_text() for name in names] == ["precious"] * 4


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a folder away")
def test_what_a_backup_of_somebody_else_left_stays(told: Path, slactl: Slactl, target: Path) -> None:
    left = target.with_name(f".slactl-{'0' * 16}")
    left.mkdir(0o700)
    (left / "new").touch()
    os.chown(left, 65_534, 65_534)
    assert slactl("backup", str(target)).code == 0
    assert leftovers(target) == [left.name, "copy.db"]


def test_a_rehearsal_writes_nothing_and_refuses_the_same(told: Path, slactl: Slactl, target: Path) -> None:
    rehearsed = slactl("backup", "-n", str(target))
    assert (rehearsed.code, leftovers(target)) == (0, [])
    assert rehearsed.out.startswith("would copy ")
    target.write_text("precious")
    assert slactl("backup", "-n", str(target)).code == 5
