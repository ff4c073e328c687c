"""A command that writes the live page and is killed at any system call leaves the old page or the new one, whole."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crash_desk import desk_copy, settings
from forked import Ended, run

#: The system calls at which the command is killed, before and after each.
CALLS = ("link", "rename", "unlink", "fsync", "mkdir", "rmdir", "fchmod", "open", "fstat")

COMMANDS = ("board {}/pages/board.html", "check --no-send --board {}/pages/board.html")
OLD = '<!doctype html>\n<meta name="generator" content="slactl board">\nold\n'


def killed_at(place: int, note: Path | None = None) -> Callable[[], None]:
    """Kill the process at one of the system calls that it makes in the folder of the page; or count them."""

    def before() -> None:
        from slactl import files

        count, write_whole = 0, files.write_whole

        def pass_by() -> None:
            nonlocal count
            if count == place:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

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
        done = written(folder, line, killed_at(-1, note))
        assert done.code == 0, done.err
        new, count = page.read_text(), int(note.read_text())
        assert count > 20
        seen = set()
        for place in range(count):
            page.write_text(OLD)
            assert written(folder, line, killed_at(place)).code == -signal.SIGKILL
            found = page.read_text()
            seen.add(found == OLD)
            assert found == OLD or is_like(found, new)
            if found != OLD:
                assert page.stat().st_mode & 0o777 == 0o600
        assert seen == {True, False}
        assert written(folder, line, lambda: None).code == 0
        assert is_like(page.read_text(), new)


def is_like(found: str, page: str) -> bool:
    """Return whether a page is another but for what depends on the number of runs."""
    return re.sub('old-after="[0-9]+"', "", found) == re.sub('old-after="[0-9]+"', "", page)
