"""Disks that fill up, fail or become read-only while slactl works: what it says is what is in the database."""

import email.parser  # noqa: F401  (a process that became another user may read no library any more)
import os
import re
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from crash_desk import desk_copy, settings, template
from forked import NOON, Ended, run
from invariants import content, violations
from test_disk import become_ordinary, mounted, needs_root, others_desk

READING = ("list --all", "show 1", "summary", "history 1", "explain 1", "audit verify", "runs list", "export")

#: Commands that write, each in one transaction.
WRITING = ("create T --from me@example.com", "note 1 --body n", "check", "tenant add t", "rules apply --yes")

MANY = 1_200

HISTORY = "".join(
    f'{{"ticket":"M-{n}","at":"2026-03-02T08:00:00Z","type":"created","subject":"{"s" * 400}"}}\n' for n in range(MANY)
)

DISK_HINT = "hint: df -h "


def slactl(folder: Path, line: str, **more: object) -> Ended:
    return run(*settings(folder), *(word.format(folder) for word in line.split()), **more)


def counted(folder: Path, table: str) -> int:
    """How many rows there are, read in a copy: a look must not need the disk."""
    with desk_copy() as other:
        for path in folder.glob("slactl.db*"):
            shutil.copyfile(path, other / path.name)
        with closing(sqlite3.connect(other / "slactl.db")) as connection:
            [number] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            return int(number)


def number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1].replace(",", "")) if found is not None else 0


def all_can_be_read(folder: Path, why: str, before: Callable[[], None] = lambda: None) -> None:
    """Every reading command answers as before, and one line on stderr says why nothing can be written."""
    for line in READING:
        ended = slactl(folder, line, before=before)
        warning = f"warning: {folder / 'slactl.db'} cannot be written: {why}; slactl only reads it\n"
        assert (ended.code, ended.err) == (0, warning), (line, ended.err)
        assert ended.out
    health = slactl(folder, "doctor", before=before)
    assert (health.code, f"writing\t{folder / 'slactl.db'} cannot be written: {why}" in health.out) == (7, True)
    assert "integrity\tok" in health.out


def nothing_can_be_written(folder: Path, *, hint: str = DISK_HINT, before: Callable[[], None] = lambda: None) -> None:
    for line in WRITING:
        if line.startswith("rules apply"):
            continue
        ended = slactl(folder, line, before=before)
        assert ended.code == 1, (line, ended.err)
        said, advice = ended.err.splitlines()
        assert said.startswith("error: ")
        assert said.endswith("; nothing was written"), said
        assert advice.startswith(hint), advice


def fill(folder: Path) -> None:
    with (folder / "fill").open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(b"x" * 4096)
        except OSError:
            return


@contextmanager
def small_desk(size: str) -> Iterator[Path]:
    with mounted(size) as place:
        shutil.copytree(template(), place, dirs_exist_ok=True)
        yield place


@pytest.mark.full
@needs_root
def test_an_import_on_a_disk_that_fills_midway_says_what_is_in_and_again_does_the_rest() -> None:
    with small_desk("3m") as place:
        before = counted(place, "ticket")
        ended = slactl(place, "import -", stdin=HISTORY)
        created = number(r"is full; ([\d,]+) tickets were created; run the command again to do", ended.err)
        assert (ended.code, ended.out) == (7, ""), ended.err
        assert 0 < created == counted(place, "ticket") - before
        subprocess.run(["mount", "-o", "remount,size=40m", place], check=True)
        again = slactl(place, "import - --json", stdin=HISTORY)
        assert (again.code, f'"opened": {MANY - created}' in again.out) == (0, True), again.err
        assert violations(place / "slactl.db", NOON) == []


@pytest.mark.full
@needs_root
def test_a_check_on_a_disk_that_fills_midway_says_what_fired_and_the_next_one_fires_the_rest() -> None:
    with small_desk("40m") as place:
        assert slactl(place, "import -", stdin=HISTORY).code == 0
        fired = counted(place, "escalation")
        used = sum(path.stat().st_size for path in place.iterdir()) + 1_800_000
        subprocess.run(["mount", "-o", f"remount,size={used}", place], check=True)
        ended = slactl(place, "check --no-send")
        assert ended.code == 7, ended.err
        assert number(r"([\d,]+) escalations were recorded", ended.err) == counted(place, "escalation") - fired > 0
        assert "is full; " in ended.err
        subprocess.run(["mount", "-o", "remount,size=40m", place], check=True)
        assert slactl(place, "check --no-send").code == 0
        assert violations(place / "slactl.db", NOON) == []
        with closing(sqlite3.connect(place / "slactl.db")) as connection:
            twice = "SELECT 1 FROM escalation GROUP BY ticket_id, escalation, level, cycle, repeat, arming"
            assert connection.execute(f"{twice} HAVING count(*) > 1 AND level IS NOT NULL").fetchall() == []


@pytest.mark.full
@needs_root
@pytest.mark.parametrize("has_log", [False, True], ids=["no log", "a log"])
def test_all_can_be_read_on_a_disk_without_a_free_byte(has_log: bool) -> None:
    with small_desk("4m") as place:
        if has_log:
            leave_a_log(place)
        before = counted(place, "event")
        fill(place)
        nothing_can_be_written(place)
        all_can_be_read(place, "its disk is full")
        (place / "fill").unlink()
        assert counted(place, "event") == before
        assert slactl(place, "check").code == 0
        assert violations(place / "slactl.db", NOON) == []


@pytest.mark.full
@needs_root
def test_a_change_that_still_fits_on_a_full_disk_is_not_told_as_one_that_cannot_be_written() -> None:
    with small_desk("4m") as place, closing(sqlite3.connect(place / "slactl.db")) as kept:
        kept.execute("SELECT 1 FROM ticket").fetchone()  # the log stays, so that later changes need no new space
        assert slactl(place, "check --no-send").code == 0
        for _ in range(5):
            assert slactl(place, "create Logged --from me@example.com").code == 0
        kept.execute("PRAGMA wal_checkpoint(RESTART)")
        fill(place)
        before = counted(place, "run")
        checked = slactl(place, "check --no-send -q")
        assert (checked.code, checked.err) == (0, ""), checked.err
        assert counted(place, "run") == before + 1
        assert "slactl only reads it" in slactl(place, "list").err


def leave_a_log(place: Path) -> None:
    """Leave a write-ahead log that has the last ticket, as a crash does."""
    with desk_copy() as other, closing(sqlite3.connect(other / "slactl.db")) as connection:
        connection.execute("SELECT 1 FROM ticket").fetchone()  # the last connection would empty the log
        assert slactl(other, "create Logged --from me@example.com").code == 0
        for end in ("", "-wal"):
            shutil.copyfile(other / f"slactl.db{end}", place / f"slactl.db{end}")


@pytest.mark.full
@needs_root
@pytest.mark.parametrize("has_log", [False, True], ids=["no log", "a log"])
def test_all_can_be_read_on_a_read_only_file_system(has_log: bool) -> None:
    with small_desk("8m") as place:
        if has_log:
            leave_a_log(place)
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        all_can_be_read(place, "its file system is read-only")
        nothing_can_be_written(place)
        assert ("Logged" in slactl(place, "list --all").out) is has_log
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
        assert slactl(place, "check").code == 0
        assert violations(place / "slactl.db", NOON) == []


@pytest.mark.parametrize("closed", ["folder", "file", "both"])
def test_all_can_be_read_by_a_user_who_may_only_read(closed: str) -> None:
    with others_desk() as folder:
        for path in folder.glob("slactl.db-*"):
            path.unlink()
        if closed != "folder":
            (folder / "slactl.db").chmod(0o444)
        if closed != "file":
            folder.chmod(0o555)
        why = "you may not write to its folder" if closed == "folder" else "you may only read it"
        all_can_be_read(folder, why, become_ordinary)
        nothing_can_be_written(folder, hint="hint: ls -ld ", before=become_ordinary)


@contextmanager
def linked(folder: Path) -> Iterator[Path]:
    """A folder in which links lead to the files of a desk."""
    with TemporaryDirectory() as made:
        links = Path(made)
        links.chmod(0o755)
        for path in folder.iterdir():
            if not path.name.startswith("slactl.db-"):
                (links / path.name).symlink_to(path)
        yield links


def test_a_closed_folder_of_the_database_is_told_through_a_link_too() -> None:
    with others_desk() as folder, linked(folder) as links:
        os.chown(links, folder.stat().st_uid, folder.stat().st_gid)
        folder.chmod(0o555)
        told = f"{links / 'slactl.db'} cannot be written: you may not write to its folder"
        ended = slactl(links, "note 1 --body n", before=become_ordinary)
        assert ended.err == f"error: {told}; nothing was written\nhint: ls -ld {folder}\n"
        assert f"warning: {told}; " in slactl(links, "list", before=become_ordinary).err
        assert f"writing\t{told}\tls -ld {folder}\n" in slactl(links, "doctor", before=become_ordinary).out
        folder.chmod(0o600)
        ended = slactl(links, "list", before=become_ordinary)
        assert ended.err == f"error: {links / 'slactl.db'} cannot be opened: Permission denied\nhint: ls -ld {folder}\n"


@pytest.mark.full
@needs_root
def test_the_full_disk_of_the_database_is_named_through_a_link_too() -> None:
    with small_desk("4m") as place, linked(place) as links:
        fill(place)
        for line in ("note 1 --body n", "check"):
            said, advice = slactl(links, line).err.splitlines()
            assert said.startswith(f"error: the disk of {links / 'slactl.db'} is full")
            assert advice == f"hint: df -h {place}"
        found = f"{links / 'slactl.db'} cannot be written: its disk is full\tdf -h {place}\n"
        assert found in slactl(links, "doctor").out


@pytest.mark.full
@needs_root
def test_what_was_changed_while_it_was_read_without_locks_is_not_taken_for_the_truth() -> None:
    from slactl.errors import LockedError
    from slactl.store.database import Database

    with small_desk("8m") as place:

        def read_meanwhile() -> None:
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
            with Database(place / "slactl.db").read() as transaction:
                assert transaction.execute("SELECT count(*) FROM ticket").fetchone() == (7,)
                subprocess.run(["mount", "-o", "remount,rw", place], check=True)
                os.utime(place / "slactl.db")

        with pytest.raises(LockedError):
            read_meanwhile()


@contextmanager
def failing_disk() -> Iterator[Path]:
    """A disk whose writes fail from some point on: a file system in a file that cannot grow any more."""
    with mounted("6m") as place:
        image, folder = place / "image", place / "disk"
        with image.open("wb") as stream:
            stream.truncate(64 << 20)
        folder.mkdir()
        made = ["mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", "-E", "lazy_itable_init=1", str(image)]
        if shutil.which("mkfs.ext4") is None or subprocess.run(made, check=False).returncode:
            pytest.skip("no ext4 here")
        if subprocess.run(["mount", "-o", "loop,errors=continue", image, folder], check=False).returncode:
            pytest.skip("no loop devices here")
        try:
            folder.chmod(0o700)
            yield folder
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.full
@needs_root
def test_a_disk_whose_writes_fail_is_told_as_a_failing_disk_and_not_as_a_damaged_database() -> None:
    with failing_disk() as place:
        shutil.copytree(template(), place, dirs_exist_ok=True)
        os.sync()
        fill(place.parent)
        ended = slactl(place, "import -", stdin=HISTORY)
        assert ended.code in (1, 7), (ended.code, ended.err)
        said, advice = ended.err.splitlines()
        assert "full or failing: disk I/O error" in said
        assert advice == f"{DISK_HINT}{place}"
        assert "integrity_check" not in ended.err


def tight() -> None:
    """Let no file of this process grow beyond the size that the database has: the nearest to a quota."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))


def test_a_quota_is_told_as_a_full_or_failing_disk() -> None:
    with desk_copy() as folder:
        before = content(folder / "slactl.db")
        for line in ("note 1 --body -", "import -"):
            ended = slactl(folder, line, stdin=HISTORY[:90_000].rpartition("\n")[0], before=tight)
            assert (ended.code, ended.out) == (1, ""), ended.err
            said = r"error: the disk of .* is full or failing: disk I/O error; nothing was written\n"
            assert re.match(said, ended.err), ended.err
            assert DISK_HINT in ended.err
        assert content(folder / "slactl.db") == before


PAGES = (
    "report --html {}/own/page.html --force",
    "backup {}/own/page.html --force",
    "check --no-send --metrics {}/own/page.html",
    "check --no-send --board {}/own/page.html",
    "board {}/own/page.html --force",
)


@pytest.mark.full
@needs_root
@pytest.mark.parametrize("fault", ["full", "ro"])
@pytest.mark.parametrize("line", PAGES)
def test_a_file_that_cannot_be_written_whole_leaves_the_old_one_and_nothing_else(line: str, fault: str) -> None:
    with mounted("1m") as place, desk_copy() as folder:
        (folder / "own").symlink_to(place)
        (place / "page.html").write_text("old")
        fill(place) if fault == "full" else subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        there = sorted(os.listdir(place))
        ended = slactl(folder, line)
        assert ended.code == (7 if line.startswith("check") else 1), ended.err
        assert sorted(os.listdir(place)) == there
        assert (place / "page.html").read_text() == "old"
        assert str(folder / "own" / "page.html") in ended.err
        assert ("No space left" in ended.err or "is full" in ended.err) if fault == "full" else "Read-only" in ended.err
        assert ".slactl-" not in ended.err
        assert "mkdir" not in ended.err


@pytest.mark.full
@needs_root
def test_rules_that_cannot_be_written_again_stay_with_their_old_copy() -> None:
    with mounted("1m") as place, desk_copy() as folder:
        rules, copy = place / "rules.toml", place / "rules.toml.bak"
        shutil.copyfile(folder / "rules.toml", rules)
        copy.write_text("older")
        before = rules.read_text()
        fill(place)
        there = sorted(os.listdir(place))
        for line in ("init --force", "rules set settings.due_soon 3h"):
            ended = slactl(folder, f"--rules {rules} {line}")
            said = f"error: {rules} cannot be written: No space left on device; nothing was written\n"
            assert (ended.code, ended.err) == (1, f"{said}{DISK_HINT}{place}\n")
            assert (rules.read_text(), copy.read_text()) == (before, "older")
            assert sorted(os.listdir(place)) == there
