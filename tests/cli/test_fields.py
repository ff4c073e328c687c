"""`--fields`: its help on every command that has it, and names that do not exist."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from typer.main import get_command

from slactl.cli.app import app
from slactl.cli.commands import COMMANDS, GROUPS
from slactl.cli.panels import fields_of

pytest_plugins = ["busy_desk"]


def with_fields() -> Iterator[tuple[str, Any]]:
    """Every command that has --fields, by the words that people type."""
    root: Any = get_command(app)
    for name in (*COMMANDS, *GROUPS):
        command = root.get_command(None, name)
        for inner, each in getattr(command, "commands", {"": command}).items():
            if any("--fields" in parameter.opts for parameter in each.params):
                yield f"{name} {inner}".strip(), each


#: Some of them with their arguments.
SOME = ["list", "show 6", "history 6", "audit list", "oncall list", "runs list", "rules diff", "tenant list"]

WORDS = [words for words, _ in with_fields()]


def test_many_commands_have_fields() -> None:
    assert {"list", "show", "history", "audit list", "oncall list", "rules diff", "runs list"} <= set(WORDS)


@pytest.mark.parametrize("words", WORDS)
def test_help_lists_the_fields_without_arguments_and_without_a_database(
    words: str, slactl: Slactl, tmp_path: Path
) -> None:
    missing = str(tmp_path / "missing.db")
    result = slactl("--db", missing, *words.split(), "--fields", "help")
    assert (result.code, result.err) == (0, "")
    assert len(result.lines) == len(set(result.lines)) > 3
    assert not Path(missing).exists()


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("words", SOME)
def test_every_field_of_the_help_can_be_asked_for(words: str, slactl: Slactl) -> None:
    named = slactl(*words.split(), "--fields", "help").lines
    assert slactl(*words.split(), "--fields", ",".join(named)).code == 0


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("words", SOME)
def test_a_wrong_name_gets_the_nearest_and_the_command_that_lists_all(words: str, slactl: Slactl) -> None:
    command = next(command for name, command in with_fields() if words.startswith(name))
    field = fields_of(command)[1]
    result = slactl(*words.split(), "--fields", f"{field}x")
    assert (result.code, result.out) == (2, "")
    message, hint = result.err.splitlines()
    assert message == f"error: there is no field '{field}x'; did you mean {field}?"
    assert slactl(*hint.removeprefix("hint: slactl ").split()).lines == list(fields_of(command))


@pytest.mark.usefixtures("busy")
def test_fields_without_a_name_are_refused(slactl: Slactl) -> None:
    result = slactl("list", "--fields", " , ")
    assert (result.code, result.err) == (2, "error: --fields names no field\nhint: slactl list --fields help\n")


@pytest.mark.usefixtures("busy")
def test_a_hostile_field_name_does_nothing(slactl: Slactl) -> None:
    result = slactl("list", "--fields", "\x1b[31m\u202eid" + "x" * 500)
    assert result.code == 2
    assert "\x1b" not in result.err
    assert "\u202e" not in result.err
    assert len(result.err) < 300
