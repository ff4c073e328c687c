"""The pager of `show`, `history`, `explain` and `help`: on a terminal, for long output, without any loss."""

import sys
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import on_terminal

RUN = (sys.executable, "-m", "slactl")
COMMANDS = ["show 1", "history 1", "explain 1", "help rules"]


@pytest.fixture
def ticket(desk: Path, slactl: Slactl) -> None:
    """A ticket with a long history."""
    assert slactl("create", "Printer on fire", "--from", "ann@example.com", "--plan", "enterprise").code == 0
    for number in range(8):
        assert slactl("note", "1", "--body", f"note {number}").code == 0


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A pager that says that it was asked."""
    file = tmp_path / "my pager"
    file.write_text('#!/bin/sh\necho "paged with $LESS"\ncat\n', encoding="utf-8")
    file.chmod(0o755)
    return file


def shown(*words: str, rows: int = 8, **environment: str) -> str:
    settings = {"NO_COLOR": "1", "PAGER": "cat", **environment}
    with on_terminal(*RUN, *words, rows=rows, environment=settings) as terminal:
        assert terminal.wait() == 0, terminal.screen
    return terminal.screen.replace("\r\n", "\n")


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("command", COMMANDS)
def test_long_output_goes_through_the_pager(command: str, program: Path) -> None:
    asked = shown(*command.split(), rows=8, PAGER=f"'{program}'")
    assert asked.startswith("paged with FRX\n")
    assert len(asked.splitlines()) > 8


@pytest.mark.usefixtures("ticket")
def test_the_pager_gets_all_of_it_and_the_settings_of_the_person(program: Path) -> None:
    words, plain = ("history", "1"), shown("history", "1")
    mine = f"'{program}'"
    assert shown(*words, rows=8, PAGER="false", SLACTL_PAGER=mine) == f"paged with FRX\n{plain}"
    assert shown(*words, rows=8, PAGER=mine, LESS="iR") == f"paged with iR\n{plain}"


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("pager", ["/no/such/program", "false", "'", "sh -c 'kill -9 $$'"])
def test_a_pager_that_is_missing_or_fails_loses_nothing(pager: str) -> None:
    lines = shown("history", "1", PAGER=pager).splitlines()
    assert lines == shown("history", "1").splitlines()
    assert len(lines) > 8


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("command", COMMANDS[1:])
def test_without_a_pager_where_it_is_not_wanted(command: str, program: Path) -> None:
    asked = {"PAGER": f"'{program}'"}
    assert "paged" not in shown(*command.split(), "--no-pager", rows=8, **asked)
    assert "paged" not in shown(*command.split(), rows=2000, **asked)
    assert "paged" not in shown(*command.split(), rows=8, TERM="dumb", **asked)


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_never_gets_a_pager(
    command: str, program: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", f"'{program}'")
    result = slactl(*command.split())
    assert len(result.lines) > 4
    assert "paged" not in result.out


@pytest.mark.usefixtures("ticket")
def test_an_error_comes_after_what_was_shown(program: Path) -> None:
    settings = {"NO_COLOR": "1", "PAGER": f"'{program}'"}
    with on_terminal(*RUN, "show", "1", "99", rows=8, environment=settings) as terminal:
        assert terminal.wait() == 7
    assert terminal.screen.startswith("error: no ticket has the number 99")
    assert "Printer on fire" in terminal.screen
