"""`slactl` without a command: a few lines about the service desk, or how to begin."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import on_terminal

pytest_plugins = ["busy_desk"]

RUN = (sys.executable, "-m", "slactl")


@pytest.mark.usefixtures("busy")
def test_a_pipe_gets_counts_deadlines_and_the_last_check(slactl: Slactl) -> None:
    result = slactl()
    warned = "warning: levels are due, but no check fires them: no successful check yet\nhint: slactl check\n"
    assert (result.code, result.err) == (0, warned)
    assert result.lines == [
        "6 open tickets · 1 overdue · 1 due soon · 3 unassigned",
        "#6 first response 1h late, urgent, nobody: VPN is down",
        "#4 first response in 1h, normal, mia: Invoice is wrong",
        "#8 first response in 23h, normal, nobody: [bold red]Sale[/] now  ⟨U+202E⟩fdp.exe second line",
        "#5 resolution in 2d 20h, high, bob: Slow report",
        "no successful check yet",
        "next: slactl check · slactl list --breached · slactl list --unassigned · slactl show 6",
    ]


@pytest.mark.usefixtures("busy")
def test_the_commands_that_come_next_work(slactl: Slactl) -> None:
    commands = slactl().lines[-1].removeprefix("next: ").split(" · ")
    for command in commands[1:]:
        assert slactl(*command.removeprefix("slactl ").split()).code == 0, command


def test_an_empty_desk_says_what_to_type(desk: Path, slactl: Slactl) -> None:
    lines = slactl().lines
    assert lines[0] == "0 open tickets · 0 overdue · 0 due soon · 0 unassigned"
    assert lines[-1].startswith("next: slactl create 'Printer on fire' --from ann@example.com")


def test_one_ticket_is_in_the_singular(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    assert slactl().lines[0].startswith("1 open ticket · ")


def test_without_a_database_the_introduction_is_printed_and_nothing_is_made(slactl: Slactl, tmp_path: Path) -> None:
    missing = tmp_path / "none" / "slactl.db"
    result = slactl("--db", str(missing))
    assert (result.code, result.err) == (0, "")
    assert "slactl init" in result.out
    assert len(result.lines) <= 24
    assert max(map(len, result.lines)) <= 80
    assert not missing.parent.exists()


def test_it_only_reads(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    before = desk.read_bytes()
    assert slactl().code == 0
    assert desk.read_bytes() == before


def test_it_imports_nothing_heavy(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    program = (
        "import sys; from slactl.__main__ import run; code = run([]);"
        " heavy = ('pydantic', 'sqlmodel', 'sqlalchemy', 'rich', 'holidays', 'tomlkit', 'tomli_w');"
        " print(code, [name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ.copy(), check=False
    )
    assert done.stderr.splitlines()[-1] == "0 []"


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_it_fits_one_screen(desk: Path, slactl: Slactl, columns: int) -> None:
    for number in range(5):
        assert slactl("create", f"\x1b[31mPrinter \u202e漢字 {number}", "--from", "ann@example.com").code == 0
    with on_terminal(*RUN, columns=columns, environment={"NO_COLOR": "1"}) as terminal:
        assert terminal.wait() == 0
    lines = [line.rstrip() for line in terminal.screen.splitlines()]
    assert lines[0] == "5 open tickets · 0 overdue · 0 due soon · 5 unassigned"
    assert lines[2].split()[:2] == ["ID", "Due"]
    assert len(lines) < 24
    assert max(map(len, lines)) <= columns
    assert not any(mark in terminal.screen for mark in ("\x1b", "\u202e"))
