"""A restore that is killed anywhere leaves the old database or the new one, and loses nothing that was written."""

import os
import re
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from crash_desk import desk_copy, settings
from forked import PROCESSES, Ended, Trouble, at_once, call, run, words
from invariants import content

#: The system calls at which a restore is killed, before and after each.
CALLS = ("link", "rename", "unlink", "fsync", "mkdir", "rmdir", "fchmod")


@contextmanager
def desk_with_backup() -> Iterator[tuple[Path, Path]]:
    """A desk, and a backup that lacks its last tickets."""
    with desk_copy() as folder:
        backup = folder / "backup.db"
        assert run(*settings(folder), "backup", str(backup)).code == 0
        for number in range(3):
            assert run(*settings(folder), "create", f"Later {number}", "--from", "me@example.com").code == 0
        yield folder, backup


def counting(place: int, steps: Callable[[int], object]) -> Callable[[], None]:
    """Count the system calls and the steps of the copies, and kill the process at one of them."""

    def before() -> None:
        import slactl.cli.progress
        from slactl.store.sqlite import file, replace

        count = 0

        def pass_by() -> None:
            nonlocal count
            if count == place:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            steps(count)

        def watched(call: Callable[..., Any]) -> Callable[..., Any]:
            def calling(*given: Any, **named: Any) -> Any:  # noqa: ANN401
                pass_by()
                result = call(*given, **named)
                pass_by()
                return result

            return calling

        @contextmanager
        def phases() -> Iterator[Callable[[str, int, int], None]]:
            yield lambda *_: pass_by()

        for name in CALLS:
            setattr(os, name, watched(getattr(os, name)))
        slactl.cli.progress.phases = phases
        file.PAGES = replace.PAGES = 16

    return before


def places(folder: Path, backup: Path) -> int:
    """How many places there are in a restore that nobody kills."""
    note = folder / "places"
    before = counting(-1, lambda count: note.write_text(str(count)))
    done = run(*settings(folder), "restore", str(backup), "--yes", before=before)
    assert done.code == 0, done.err
    return int(note.read_text())


def whole(folder: Path) -> Any:  # noqa: ANN401
    """The content of a database that must be whole."""
    with closing(sqlite3.connect(folder / "slactl.db")) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return content(folder / "slactl.db")


def kept(folder: Path) -> list[Path]:
    """The databases that were kept aside, without the side files of those that were opened."""
    return [path for path in folder.iterdir() if re.search(r"\.before-restore-\w+(-\d+)?$", path.name)]


def some(total: int, count: int) -> list[int]:
    """So many places from the first to the last."""
    return sorted({round(number * (total - 1) / (count - 1)) for number in range(count)})


def kill_at_steps(choose: Callable[[int], Sequence[int]]) -> None:
    """Kill restores at system calls and steps of the copies."""
    with desk_with_backup() as (folder, backup):
        old, new = content(folder / "slactl.db"), content(backup)
        total = places(folder, backup)
        assert total > 30
    seen = set[str]()
    for place in choose(total):
        with desk_with_backup() as (folder, backup):
            ended = run(*settings(folder), "restore", str(backup), "--yes", before=counting(place, lambda _: None))
            assert ended.code == -signal.SIGKILL, ended.err
            found = whole(folder)
            assert found in (old, new), place
            seen.add("old" if found == old else "new")
            if found == new:
                assert [content(each) for each in kept(folder)] == [old], place
            again = run(*settings(folder), "restore", str(backup), "--yes")
            assert again.code == 0, again.err
            assert whole(folder) == new
            assert old in [content(each) for each in kept(folder)]
            left = [path for path in folder.iterdir() if path.name.startswith(".slactl-")]
            assert not [name for path in left for name in path.iterdir()], place  # nobody sweeps an empty folder
    assert seen == {"old", "new"}


def test_killed_at_system_calls_and_steps_it_leaves_the_old_or_the_new_database() -> None:
    kill_at_steps(lambda total: some(total, 12))


@pytest.mark.full
def test_killed_at_any_system_call_or_step_it_leaves_the_old_or_the_new_database() -> None:
    kill_at_steps(range)


def kill_at_operations(choose: Callable[[int], Sequence[int]]) -> None:
    """Kill restores at operations of the database."""
    with desk_with_backup() as (folder, backup):
        old, new = content(folder / "slactl.db"), content(backup)
        usual = run(*settings(folder), "restore", str(backup), "--yes")
        assert usual.code == 0, usual.err
    for place in choose(len(usual.operations)):
        with desk_with_backup() as (folder, backup):
            ended = run(*settings(folder), "restore", str(backup), "--yes", trouble=Trouble(place))
            assert ended.code == -signal.SIGKILL
            assert whole(folder) in (old, new), usual.operations[place]


def test_killed_at_operations_of_the_database_it_leaves_the_old_or_the_new_one() -> None:
    kill_at_operations(lambda total: some(total, 8))


@pytest.mark.full
def test_killed_at_any_operation_of_the_database_it_leaves_the_old_or_the_new_one() -> None:
    kill_at_operations(range)


@pytest.mark.parametrize("missing", [False, True])
def test_killed_while_a_damaged_or_missing_database_is_replaced_it_can_be_run_again(missing: bool) -> None:
    kill_without_database(lambda total: some(total, 8), missing=missing)


@pytest.mark.full
@pytest.mark.parametrize("missing", [False, True])
def test_killed_anywhere_while_a_damaged_or_missing_database_is_replaced_it_can_be_run_again(missing: bool) -> None:
    kill_without_database(range, missing=missing)


def kill_without_database(choose: Callable[[int], Sequence[int]], *, missing: bool) -> None:
    """Kill restores that replace a file which is damaged or missing."""

    def harm(folder: Path) -> None:
        if missing:
            (folder / "slactl.db").unlink()
        else:
            (folder / "slactl.db").write_bytes(b"damaged" * 1000)
            (folder / "slactl.db-wal").write_bytes(b"its log")

    with desk_with_backup() as (folder, backup):
        new = content(backup)
        harm(folder)
        total = places(folder, backup)
    for place in choose(total):
        with desk_with_backup() as (folder, backup):
            harm(folder)
            ended = run(*settings(folder), "restore", str(backup), "--yes", before=counting(place, lambda _: None))
            assert ended.code == -signal.SIGKILL, ended.err
            there = folder / "slactl.db"
            if there.exists() and there.read_bytes() != b"damaged" * 1000:
                assert whole(folder) == new, place
            else:
                assert there.exists() != missing, place
            again = run(*settings(folder), "restore", str(backup), "--yes")
            assert again.code == 0, again.err
            assert whole(folder) == new
            if not missing:
                contents = [path.read_bytes() for path in folder.iterdir() if path.is_file()]
                assert {b"damaged" * 1000, b"its log"} <= set(contents), place


def test_what_others_write_during_a_restore_is_in_one_of_the_two_databases() -> None:
    with desk_with_backup() as (folder, backup):

        def work(number: int) -> int:
            if number == 0:
                code, out, err = call(*settings(folder), "restore", str(backup), "--yes")
            else:
                code, out, err = call(*settings(folder), "create", f"T{number}", "--from", "me@example.com")
            print(out, err, flush=True)  # noqa: T201
            return code

        ended: list[Ended] = [child.wait() for child in at_once(PROCESSES, work)]
        assert [each.code for each in ended] == [0] * PROCESSES, words(ended)
        subjects = set[str]()
        for database in (folder / "slactl.db", *kept(folder)):
            with closing(sqlite3.connect(database)) as opened:
                subjects |= {row[0] for row in opened.execute("SELECT subject FROM ticket")}
        assert {f"T{number}" for number in range(1, PROCESSES)} <= subjects


def test_a_copy_of_the_old_database_waits_for_no_writer_and_misses_none() -> None:
    """Somebody commits in the moment before the restore takes the write lock: the kept database has it."""
    with desk_with_backup() as (folder, backup):

        def before() -> None:
            from slactl.store.sqlite import replace

            real = replace.replace_content

            def late(*given: Any) -> None:  # noqa: ANN401
                assert call(*settings(folder), "create", "Just now", "--from", "me@example.com")[0] == 0
                real(*given)

            replace.replace_content = late

        done = run(*settings(folder), "restore", str(backup), "--yes", before=before)
        assert done.code == 0, done.err
        [old] = kept(folder)
        with closing(sqlite3.connect(old)) as opened:
            assert opened.execute("SELECT count(*) FROM ticket WHERE subject = 'Just now'").fetchone() == (1,)
