"""A disk that is full, and places where nothing may be written: told in one line, nothing half done, all readable."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from crash_desk import desk_copy, settings, template
from forked import NOON, Ended, Trouble, run
from invariants import content, violations

LONG = "words " * 30_000

#: Commands that need room, with what they read from stdin.
HUNGRY = (
    ("note 1 --body -", LONG),
    ("create Fire --from ann@example.com --body -", LONG),
    ("check --no-send", ""),
    (
        "import -",
        "".join(f'{{"ticket":"I-{n}","at":"2026-03-02T08:00:00Z","type":"created"}}\n' for n in range(300)),
    ),
    ("escalate 1 2 5 --reason " + "r" * 900, ""),
)

NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


def limit(pages: int) -> Callable[[sqlite3.Connection, str], bool]:
    """Let the database grow by so many pages and no more."""

    def watch(connection: sqlite3.Connection, operation: str) -> bool:
        if operation == "CONNECT slactl.db":
            [count] = sqlite3.Connection.execute(connection, "PRAGMA page_count").fetchone()
            sqlite3.Connection.execute(connection, f"PRAGMA max_page_count = {count + pages}")
        return False

    return watch


def arguments(folder: Path, line: str) -> list[str]:
    return [*settings(folder), *(word.format(folder) for word in line.split())]


def is_told(ended: Ended, *texts: str) -> None:
    """It changed nothing and ended with 1, one line that says why, and one hint."""
    assert ended.code == 1, (ended.code, ended.err)
    lines = ended.err.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["error", "hint"], ended.err
    assert all(text in lines[0] for text in texts), ended.err
    assert ended.out == ""


@pytest.mark.parametrize(("line", "stdin"), HUNGRY, ids=[line[:12] for line, _ in HUNGRY])
def test_a_full_disk_is_told_and_nothing_is_half_done(line: str, stdin: str) -> None:
    with desk_copy() as folder:
        database = folder / "slactl.db"
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("VACUUM")  # so that there is no free page left
        before = content(database)
        ended = run(*arguments(folder, line), stdin=stdin, trouble=Trouble(watch=limit(0)))
        is_told(ended, "the disk of", "is full")
        assert content(database) == before
        assert violations(database, NOON) == []
        assert run(*settings(folder), "list", "--all").code == 0
        again = run(*arguments(folder, line), stdin=stdin)
        assert again.code == 0, again.err
        assert violations(database, NOON) == []


@contextmanager
def mounted(size: str) -> Iterator[Path]:
    """A small file system of one's own."""
    with desk_copy() as folder:
        place = folder / "small"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", place], check=True)
        try:
            yield place
        finally:
            subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.full
@needs_root
def test_a_file_system_that_fills_up_keeps_all_that_was_acknowledged() -> None:
    with mounted("2m") as place:
        shutil.copytree(template(), place, dirs_exist_ok=True)
        database, done = place / "slactl.db", 0
        while (ended := run(*settings(place), "note", "2", "--body", "-", stdin=f"{done} {LONG[:60_000]}")).code == 0:
            done += 1
            assert done < 100
        is_told(ended, "full")
        for line in ("check --no-send", "create T --from me@example.com"):
            run(*arguments(place, line))
            assert violations(database, NOON) == []
        with closing(sqlite3.connect(database)) as connection:
            bodies = connection.execute("SELECT text FROM event_text WHERE field = 'body' AND length(text) > 50000")
            assert {int(text.split()[0]) for (text,) in bodies} == set(range(done))
        assert run(*settings(place), "list", "--all").code == 0
        subprocess.run(["mount", "-o", "remount,size=20m", place], check=True)
        for line in ("check --no-send", "note 2 --body enough"):
            ended = run(*arguments(place, line))
            assert ended.code == 0, ended.err
        assert violations(database, NOON) == []


@pytest.mark.full
@needs_root
def test_a_full_temporary_folder_is_told() -> None:
    lines = "".join(
        f'{{"ticket":"I-{n}","at":"2026-03-02T08:00:00Z","type":"created","subject":"{"s" * 900}"}}\n'
        for n in range(30_000)
    )
    with mounted("4m") as place, desk_copy() as folder:
        before = content(folder / "slactl.db")
        # SQLite looks for its temporary folder once, so this is a process from the beginning.
        ended = subprocess.run(
            [sys.executable, "-m", "slactl", *settings(folder), "import", "-"],
            input=lines,
            env=os.environ | {"SQLITE_TMPDIR": str(place)},
            capture_output=True,
            text=True,
            check=False,
        )
        is_told(Ended(ended.returncode, ended.stdout, ended.stderr), "temporary")
        assert content(folder / "slactl.db") == before


TEMPORARY = """
import os, sqlite3
from slactl.store.sqlite.folders import temporary_folder
with sqlite3.connect("") as connection:
    connection.execute("CREATE TABLE large AS SELECT zeroblob(9000000)")
    places = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
    files = [os.readlink(place) for place in places if os.path.lexists(place)]
    [folder] = {os.path.dirname(file) for file in files if "etilqs_" in file}
print(folder, os.path.realpath(temporary_folder()))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs a system that tells which files are open")
@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"TEMP": "{}"},
        {"TMPDIR": "{}"},
        {"SQLITE_TMPDIR": "{}", "TMPDIR": "/dev/shm"},
        {"SQLITE_TMPDIR": "{}/missing", "TMPDIR": "{}"},
        {"SQLITE_TMPDIR": "", "TMPDIR": "{}/missing", "TMP": "{}"},
    ],
    ids=str,
)
def test_the_temporary_folder_is_the_one_that_sqlite_takes(tmp_path: Path, environment: dict[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if "TMP" not in name and "TEMP" not in name}
    asked = kept | {name: value.format(tmp_path) for name, value in environment.items()}
    done = subprocess.run([sys.executable, "-c", TEMPORARY], env=asked, capture_output=True, text=True, check=True)
    taken, told = done.stdout.split()
    assert taken == told


@pytest.mark.full
@needs_root
def test_a_read_only_file_system_is_told_and_can_be_read_from() -> None:
    with mounted("8m") as place:
        shutil.copytree(template(), place, dirs_exist_ok=True)
        before = content(place / "slactl.db")
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        for line in ("note 1 --body n", "check", "create T --from me@example.com", "import {}/history.jsonl"):
            is_told(run(*arguments(place, line)), "slactl.db")
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
        assert content(place / "slactl.db") == before
        assert run(*settings(place), "note", "1", "--body", "n").code == 0


@contextmanager
def others_desk() -> Iterator[Path]:
    """A desk of an ordinary user, whom modes of files bind."""
    with desk_copy() as folder:
        if os.geteuid() == 0:
            folder.parent.chmod(0o711)
            for path in (folder, *folder.iterdir()):
                os.chown(path, NOBODY, NOBODY)
        yield folder
        folder.chmod(0o700)


def become_ordinary() -> None:
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def seen(folder: Path) -> dict[str, list[str]]:
    """The content, looked at in a copy: a look would leave files beside the database."""
    with desk_copy() as other:
        for path in folder.glob("slactl.db*"):
            shutil.copyfile(path, other / path.name)
        return content(other / "slactl.db")


WRITING = ("note 1 --body n", "check", "create T --from me@example.com", "import {}/history.jsonl", "tenant add t")


@pytest.mark.parametrize("line", WRITING)
def test_a_read_only_folder_is_told(line: str) -> None:
    with others_desk() as folder:
        before = seen(folder)
        folder.chmod(0o500)
        is_told(run(*arguments(folder, line), before=become_ordinary), "slactl.db")
        folder.chmod(0o700)
        assert seen(folder) == before
        again = run(*arguments(folder, line), before=become_ordinary)
        assert again.code == 0, again.err


@pytest.mark.parametrize("line", WRITING)
def test_a_read_only_file_is_told_and_can_be_read(line: str) -> None:
    with others_desk() as folder:
        database = folder / "slactl.db"
        before = seen(folder)
        database.chmod(0o400)
        is_told(run(*arguments(folder, line), before=become_ordinary), "slactl.db")
        looked = run(*settings(folder), "list", "--all", "-q", before=become_ordinary)
        assert (looked.code, len(looked.out.split())) == (0, 7), looked.err
        assert seen(folder) == before
        for path in folder.glob("slactl.db*"):  # SQLite gives the files beside it the mode of the database
            path.chmod(0o600)
        again = run(*arguments(folder, line), before=become_ordinary)
        assert again.code == 0, again.err


def test_a_new_desk_in_a_read_only_folder_is_told() -> None:
    with others_desk() as folder:
        where = folder / "closed"
        where.mkdir(mode=0o500)
        os.chown(where, NOBODY, NOBODY) if os.geteuid() == 0 else None
        for place in (where, where / "deeper"):
            is_told(run(*settings(place), "init", before=become_ordinary), "cannot be created")
        assert list(where.iterdir()) == []
        where.chmod(0o700)


@pytest.mark.parametrize(
    ("moment", "said"),
    [("INSERT INTO event", ""), ("COMMIT", "; ticket 1 was changed")],
)
def test_an_interrupt_while_writing_is_no_error_of_the_database(moment: str, said: str) -> None:
    """Until the commit begins, an interrupt changes nothing; from then on it waits for the commit, and says so."""

    def interrupt(_: sqlite3.Connection, operation: str) -> bool:
        if operation.startswith(moment):
            os.kill(os.getpid(), signal.SIGINT)
        return False

    with desk_copy() as folder:
        before = content(folder / "slactl.db")
        ended = run(*settings(folder), "note", "1", "--body", "n", trouble=Trouble(watch=interrupt))
        assert (ended.code, ended.err) == (130, f"error: interrupted{said}\n")
        assert (seen(folder) == before) is (not said)
