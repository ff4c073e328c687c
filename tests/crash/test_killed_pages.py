"""A command that writes the live page and dies or fails at any system call leaves a whole page, old or new."""

import errno
import os
import re
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from crash_desk import desk_copy, settings
from forked import Ended, run
from test_disk import become_ordinary, others_desk

#: The system calls at which the command is killed, before and after each.
CALLS = ("link", "rename", "unlink", "fsync", "mkdir", "rmdir", "fchmod", "open", "fstat")

COMMANDS = ("board {}/pages/board.html", "check --no-send --board {}/pages/board.html")
OLD = '<!doctype html>\n<meta name="generator" content="slactl board">\nold\n'


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def troubled_at(place: int, trouble: Callable[[], None], note: Path | None = None) -> Callable[[], None]:
    """Bring trouble before or after one of the system calls in the folder of the page; or count them."""

    def before() -> None:
        from slactl import files

        count, write_whole = 0, files.write_whole

        def pass_by() -> None:
            nonlocal count
            count += 1
            if count == place + 1:
                trouble()

        def watched(call: Callable[..., Any]) -> Callable[..., Any]:
            def calling(*given: Any, **named: Any) -> Any:  # noqa: ANN401
                pass_by()
                result = call(*given, **named)
                pass_by()
                return result

            return calling

        def writing(path: Path, content: bytes, **options: Any) -> None:  # noqa: ANN401
            ordinary = {name: getattr(os, name) for name in CALLS}
            for name, call in ordinary.items():
                setattr(os, name, watched(call))
            write_whole(path, content, **options)
            for name, call in ordinary.items():
                setattr(os, name, call)
            if note is not None:
                note.write_text(str(count))

        import slactl.cli.files

        slactl.cli.files.write_whole = writing

    return before


def written(folder: Path, line: str, before: Callable[[], None]) -> Ended:
    return run(*settings(folder), *line.format(folder).split(), before=before)


@pytest.mark.parametrize("line", COMMANDS, ids=["board", "check"])
def test_a_killed_command_leaves_the_whole_old_page_or_the_whole_new_one(line: str) -> None:
    with desk_copy() as folder:
        (folder / "pages").mkdir(mode=0o700)
        page, note = folder / "pages" / "board.html", folder / "places"
        done = written(folder, line, troubled_at(-1, killed, note))
        assert done.code == 0, done.err
        new, count = page.read_text(), int(note.read_text())
        assert count > 20
        seen = set()
        for place in range(count):
            page.write_text(OLD)
            assert written(folder, line, troubled_at(place, killed)).code == -signal.SIGKILL
            found = page.read_text()
            seen.add(found == OLD)
            assert found == OLD or is_like(found, new)
            if found != OLD:
                assert page.stat().st_mode & 0o777 == 0o600
        assert seen == {True, False}
        assert written(folder, line, lambda: None).code == 0
        assert is_like(page.read_text(), new)


def fired(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "slactl.db")) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM escalation").fetchone()[0])


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.full)])
@pytest.mark.parametrize("line", COMMANDS, ids=["board", "check"])
def test_a_disk_that_is_full_at_any_moment_leaves_a_whole_page_and_check_escalates(line: str, step: int) -> None:
    with desk_copy() as usual:
        (usual / "pages").mkdir(mode=0o700)
        note, before = usual / "places", fired(usual)
        assert written(usual, line, troubled_at(-1, full, note)).code == 0
        new, count, wanted = (usual / "pages" / "board.html").read_text(), int(note.read_text()), fired(usual)
    assert wanted > before or not line.startswith("check")
    failed = 0
    for place in range(0, count, step):
        with desk_copy() as folder:
            (folder / "pages").mkdir(mode=0o700)
            page = folder / "pages" / "board.html"
            page.write_text(OLD)
            ended = written(folder, line, troubled_at(place, full))
            found = page.read_text()
            assert found == OLD or is_like(found, new)
            assert ended.code in (0, 7 if line.startswith("check") else 1), ended.err
            assert found != OLD or ended.code
            assert fired(folder) == wanted
            if ended.code:
                failed += 1
                said, hint = ended.err.splitlines()
                assert f"{page} cannot be written: {os.strerror(errno.ENOSPC)}" in said
                assert hint == f"hint: df -h {page.parent}"
            assert written(folder, line, lambda: None).code == 0
            assert is_like(page.read_text(), new)
    assert failed > 2


@pytest.mark.parametrize("line", COMMANDS, ids=["board", "check"])
def test_a_page_in_a_folder_that_this_user_may_only_read_stays_and_check_escalates(line: str) -> None:
    with others_desk() as folder:
        pages, before = folder / "pages", fired(folder)
        pages.mkdir()
        page = pages / "board.html"
        page.write_text(OLD)
        for path in (page, pages):
            os.chown(path, folder.stat().st_uid, folder.stat().st_gid)
        pages.chmod(0o500)
        ended = written(folder, line, become_ordinary)
        assert ended.code == (7 if line.startswith("check") else 1)
        said, hint = ended.err.splitlines()
        assert f"{page} cannot be written: {os.strerror(errno.EACCES)}" in said
        assert hint == f"hint: ls -ld {pages}"
        assert (page.read_text(), os.listdir(pages)) == (OLD, ["board.html"])
        assert fired(folder) > before or not line.startswith("check")
        pages.chmod(0o700)
        assert written(folder, line, become_ordinary).code == 0
        assert page.read_text() != OLD


def is_like(found: str, page: str) -> bool:
    """Return whether a page is another but for what depends on the number of runs."""
    return re.sub('old-after="[0-9]+"', "", found) == re.sub('old-after="[0-9]+"', "", page)
