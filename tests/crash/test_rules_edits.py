"""Several people who edit the rules file at once: no acknowledged change is lost, and nobody's own edit."""

import os
import shlex
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from crash_desk import RULES, desk_copy, settings
from forked import Child, run, start, words

#: As many people, each with a value of his own.
EDITS = {"due_soon": "3h", "ack_for": "5h", "ticket_url": "https://desk/{id}", "reopen": "reset", "send_timeout": "9s"}


def edit(folder: Path, key: str, *, before: Callable[[], None] = lambda: None) -> Child:
    return start(*settings(folder), "rules", "set", f"settings.{key}", EDITS[key], before=before)


def stop_before(name: str) -> Callable[[], None]:
    """Stand still right before a call of `os`."""

    def prepare() -> None:
        ordinary = getattr(os, name)

        def call(*arguments: object, **options: object) -> object:
            os.kill(os.getpid(), signal.SIGSTOP)
            return ordinary(*arguments, **options)

        setattr(os, name, call)

    return prepare


def missing(folder: Path, *keys: str) -> list[str]:
    """The values that are not in the file."""
    text = (folder / "rules.toml").read_text()
    return [key for key in keys if f'{key} = "{EDITS[key]}"' not in text]


@pytest.mark.parametrize("turn", range(4))
def test_everything_that_was_acknowledged_is_in_the_file(turn: int) -> None:
    with desk_copy() as folder:
        before = sorted(os.listdir(folder))
        ended = [child.wait() for child in [edit(folder, key) for key in EDITS]]
        assert [each.code for each in ended] == [0] * len(EDITS), words(ended)
        assert missing(folder, *EDITS) == []
        assert sorted(os.listdir(folder)) == before


def test_who_comes_while_another_edits_waits_for_it() -> None:
    with desk_copy() as folder, edit(folder, "due_soon", before=stop_before("rename")) as first:
        first.wait_until_stopped()
        with edit(folder, "ack_for") as second:
            tried = run(*settings(folder), "rules", "set", "settings.reopen", "reset", "-n")
            assert (tried.code, '+reopen = "reset"' in tried.out) == (0, True)
            first.send(signal.SIGCONT)
            ended = [first.wait(), second.wait()]
        assert [each.code for each in ended] == [0, 0], words(ended)
        assert missing(folder, "due_soon", "ack_for") == []


def test_who_waits_too_long_says_so_and_writes_nothing() -> None:
    def impatient() -> None:
        import slactl.store.sqlite.lock

        slactl.store.sqlite.lock.EDIT_SECONDS = 0.1

    with desk_copy() as folder, edit(folder, "due_soon", before=stop_before("rename")) as first:
        first.wait_until_stopped()
        for command in (("rules", "set", "settings.ack_for", "5h"), ("init", "--force")):
            given_up = run(*settings(folder), *command, before=impatient)
            assert (given_up.code, given_up.out) == (75, "")
            assert given_up.err.startswith("error: another command is writing ")
            assert given_up.err.endswith(f"\nhint: {shlex.join(('slactl', *settings(folder)[:4], *command))}\n")
        assert (folder / "rules.toml").read_text() == RULES
        assert not (folder / "rules.toml.bak").exists()


def test_what_an_editor_saved_meanwhile_is_not_overwritten() -> None:
    with desk_copy() as folder, edit(folder, "due_soon", before=stop_before("fsync")) as first:
        first.wait_until_stopped()
        path, saved = folder / "rules.toml", RULES + "# by hand\n"
        path.with_name("draft").write_text(saved)
        path.with_name("draft").rename(path)
        first.send(signal.SIGCONT)
        refused = first.wait()
        assert (refused.code, refused.out) == (5, "")
        assert "was edited in the meantime; nothing was written" in refused.err
        again = shlex.join(("slactl", *settings(folder)[:4], "rules", "set", "settings.due_soon", "3h"))
        assert f"hint: {again}\n" in refused.err
        assert path.read_text() == saved
        assert not [name for name in os.listdir(folder) if name.startswith(".rules")]
