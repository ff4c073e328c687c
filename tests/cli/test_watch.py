"""`watch` on a real terminal: what it draws, how it leaves, and that the terminal is as it was afterwards."""

import io
import os
import re
import shlex
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import Terminal, on_terminal

from slactl.__main__ import run

PROGRAM = "from slactl.__main__ import main; main()"

HOSTILE = "Graph is \x1b[31mred\x07 [bold]x[/]"

ENTER, LEAVE, SHOW_CURSOR, HOME = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h", "\x1b[H"


@contextmanager
def watching(
    *options: str,
    rows: int = 24,
    columns: int = 80,
    environment: Mapping[str, str] | None = None,
    program: str = PROGRAM,
) -> Iterator[Terminal]:
    plain = {"NO_COLOR": "1", **(environment or {})}
    arguments = (sys.executable, "-c", program, "watch", "--interval", "1s", *options)
    with on_terminal(*arguments, rows=rows, columns=columns, environment=plain) as terminal:
        terminal.nudge = lambda: os.kill(terminal.process.pid, signal.SIGWINCH)
        yield terminal


def frame(terminal: Terminal, text: str) -> list[str]:
    """The lines of the next whole screen that has this text."""
    seen = len(terminal.screen)
    while True:
        terminal.until(text, after=seen)
        place = terminal.screen.rindex(HOME, 0, terminal.screen.index(text, seen))
        terminal.until(HOME, after=place + len(HOME))
        end = terminal.screen.index(HOME, place + len(HOME))
        return terminal.screen[place + len(HOME) : end].replace("\r", "").split("\n")


def assert_given_back(terminal: Terminal) -> None:
    assert terminal.settings() == terminal.before
    assert terminal.screen.count(ENTER) == terminal.screen.count(LEAVE) == 1
    assert terminal.screen.rindex(SHOW_CURSOR) > terminal.screen.index(ENTER)
    assert "Traceback" not in terminal.screen


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Late, due soon, calm, urgent without an assignee, hostile, resolved; and a check that ran."""
    database = tmp_path_factory.mktemp("made") / "slactl.db"
    settings = ("--db", str(database), "--rules", str(database.with_name("rules.toml")), "--actor", "ann")
    enterprise = ("--plan", "enterprise", "--at", "3h ago")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", io.StringIO())
        for arguments in (
            ("init",),
            ("create", "Checkout returns 502", "--from", "ann@example.com", "--priority", "urgent", *enterprise),
            ("create", HOSTILE, "--from", "ann@example.com", "--priority", "high", *enterprise),
            ("create", "Quiet question", "--from", "ann@example.com", "--assignee", "mia"),
            ("create", "Answered long ago", "--from", "ann@example.com", "--priority", "urgent", *enterprise),
            ("resolve", "4"),
            ("check", "-q"),
        ):
            assert run([*settings, *arguments]) == 0, arguments
    return database


@pytest.fixture
def busy_board(made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which the settings point at."""
    database = tmp_path / "slactl.db"
    with sqlite3.connect(made_once) as source, sqlite3.connect(database) as target:
        source.backup(target)
    source.close()
    target.close()
    monkeypatch.setenv("SLACTL_DB", str(database))
    monkeypatch.setenv("SLACTL_RULES", str(made_once.with_name("rules.toml")))
    return database


def test_what_it_shows(busy_board: Path) -> None:
    with watching() as terminal:
        lines = frame(terminal, "q quits")
        assert len(lines) == 24
        assert max(map(len, lines)) <= 80
        text = "\n".join(line.rstrip() for line in lines)
        assert re.search(r"^slactl  \w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d +checked \d+s ago", text)
        assert "Open 3 · overdue 1 · urgent and unassigned 1 · due within 1h 1, 4h 1, 24h 1" in text
        assert re.search(r"OVERDUE: 1\n.*\n> +1 +1:00:\d\d late  first response  urgent", text)
        assert re.search(r"DUE WITHIN 2h: 1\n.*\n *2 +in (59:\d\d|1:00:00)  first response  high", text)
        assert "URGENT AND UNASSIGNED: " not in text  # ticket 1 is listed already
        assert re.search(r"LATER: 1\n.*\n *3 ", text)
        assert re.search(r"^Next escalation or breach in ", lines[2])
        assert "Answered long ago" not in text
        terminal.type("q")
        assert terminal.wait() == 0
        assert_given_back(terminal)


def test_times_tick_without_reading_again(busy_board: Path) -> None:
    with watching() as terminal:
        first = frame(terminal, "q quits")
        shown = re.search(r"as of (\d\d:\d\d:\d\d)", first[-1])
        assert shown is not None
        ticks = set[str]()
        while len(ticks) < 2:  # a screen may be drawn twice in a second
            ticks |= set(re.findall(r"(\d+:\d\d:\d\d) late", "\n".join(frame(terminal, "q quits"))))
        assert shown[0] in frame(terminal, "q quits")[-1]
        terminal.type("q")
        assert terminal.wait() == 0


def test_a_change_shows_up(busy_board: Path, slactl: Slactl) -> None:
    with watching() as terminal:
        frame(terminal, "Open 3")
        slactl("create", "Brand new", "--from", "ann@example.com", "--priority", "urgent")
        assert "Brand new" in "\n".join(frame(terminal, "Open 4"))
        terminal.type("Q")
        assert terminal.wait() == 0


def test_it_follows_the_size_of_the_terminal(busy_board: Path) -> None:
    with watching(environment={"COLUMNS": "300", "LINES": "70"}) as terminal:
        assert len(frame(terminal, "q quits")) == 24
        for rows, columns in ((45, 140), (9, 44), (3, 20), (24, 80)):
            terminal.resize(rows, columns)
            os.kill(terminal.process.pid, signal.SIGWINCH)
            frame(terminal, "Open 3")
            lines = frame(terminal, "Open 3")
            assert (len(lines), max(map(len, lines))) == (rows, columns)
        terminal.type("q")
        assert terminal.wait() == 0
        assert_given_back(terminal)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP), (signal.SIGINT, 130)]
)
def test_a_signal_ends_it_and_the_terminal_is_given_back(busy_board: Path, number: int, code: int) -> None:
    with watching() as terminal:
        frame(terminal, "q quits")
        os.kill(terminal.process.pid, number)
        assert terminal.wait() == code
        assert_given_back(terminal)


def test_control_c_leaves(busy_board: Path) -> None:
    with watching() as terminal:
        frame(terminal, "q quits")
        assert terminal.settings() != terminal.before
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert_given_back(terminal)
        assert "error" not in terminal.screen[terminal.screen.index(LEAVE) :]


def test_an_error_gives_the_terminal_back_before_it_is_told(busy_board: Path) -> None:
    broken = (
        "from slactl.desk.reports.board import Board; real, left = Board.record, [2]\n"
        "def record(*arguments):\n"
        "    left[0] -= 1\n"
        "    return real(*arguments) if left[0] else 1 / 0\n"
        "Board.record = record\n" + PROGRAM
    )
    with watching(program=broken) as terminal:
        assert terminal.wait() == 1
        assert_given_back(terminal)
        assert "error: unexpected ZeroDivisionError" in terminal.screen[terminal.screen.index(LEAVE) :]


def test_nothing_hostile_reaches_the_terminal(busy_board: Path) -> None:
    with watching(columns=120) as terminal:
        text = "\n".join(frame(terminal, "Graph is"))
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "[bold]x[/]" in text


def test_colours_have_words_beside_them(busy_board: Path) -> None:
    with watching(environment={"NO_COLOR": ""}) as terminal:
        coloured = "\n".join(frame(terminal, "q quits"))
    assert "\x1b[1;38;5;163mOVERDUE: 1" in coloured
    assert re.search("\x1b\\[1;38;5;163m *1:0\\d:\\d\\d late", coloured)
    assert "\x1b[38;5;131mDUE WITHIN 2h" in coloured


def test_a_terminal_that_writes_ascii_alone(busy_board: Path) -> None:
    with watching(environment={"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}) as terminal:
        assert "overdue 1" in frame(terminal, "q quits")[1]
        terminal.type("q")
        assert terminal.wait() == 0


def test_an_old_check_and_none_at_all_are_told(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    with watching() as terminal:
        assert "no check has run yet" in frame(terminal, "q quits")[0]
        with sqlite3.connect(desk) as connection:
            at = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-2 hours')"
            connection.execute(f"INSERT INTO run (started_at, ended_at, exit_code) VALUES ({at}, {at}, 0)")
        assert "NO CHECK FOR 2h: is cron running?" in frame(terminal, "NO CHECK")[0]
        slactl("check", "-q")
        assert re.search(r"checked \ds ago", frame(terminal, "checked ")[0])


def test_a_database_that_goes_away_is_told_and_comes_back(busy_board: Path, slactl: Slactl) -> None:
    aside = busy_board.with_suffix(".aside")
    with watching() as terminal:
        frame(terminal, "Open 3")
        busy_board.rename(aside)
        lines = frame(terminal, "CANNOT READ")
        assert "does not exist" in lines[-1]
        assert "Open 3" in lines[1]
        aside.rename(busy_board)
        frame(terminal, "q quits")
        terminal.type("q")
        assert terminal.wait() == 0


def test_an_empty_desk(desk: Path) -> None:
    with watching(rows=10) as terminal:
        lines = frame(terminal, "q quits")
        assert len(lines) == 10
        assert "No ticket is open." in lines[4]


def test_without_a_database_nothing_is_drawn(tmp_path: Path) -> None:
    with watching(environment={"SLACTL_DB": str(tmp_path / "none.db")}) as terminal:
        assert terminal.wait() == 6
        assert ENTER not in terminal.screen
        assert "hint: slactl init" in terminal.screen


def test_it_needs_a_terminal(desk: Path, slactl: Slactl) -> None:
    refused = slactl("watch")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.splitlines()[-1] == "hint: slactl list --due-within 2h"
    with watching(environment={"TERM": "dumb"}) as terminal:
        assert terminal.wait() == 2


@pytest.mark.parametrize("interval", ["0s", "soon", "1bd"])
def test_a_wrong_interval_is_refused(desk: Path, slactl: Slactl, interval: str) -> None:
    refused = slactl("watch", "--interval", interval)
    assert refused.code == 2
    assert refused.err.splitlines()[-1] == "hint: slactl watch --interval 5s"


def test_keys_are_not_needed(busy_board: Path) -> None:
    """Standard input may be something else; then only signals end it."""
    line = shlex.join([sys.executable, "-c", PROGRAM, "watch"]) + " </dev/null"
    with on_terminal("sh", "-c", f"exec {line}", environment={"NO_COLOR": "1"}) as terminal:
        frame(terminal, "q quits")
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert_given_back(terminal)


@pytest.mark.full
def test_control_z_steps_aside_and_fg_comes_back(busy_board: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    with on_terminal(bash, "--norc", "-i", environment={"NO_COLOR": "1", "PS1": "> "}) as terminal:
        terminal.type(shlex.join([sys.executable, "-c", PROGRAM, "watch"]) + "\r")
        frame(terminal, "q quits")
        terminal.type("\x1a")
        left = terminal.until("Stopped", after=terminal.screen.rindex(ENTER))
        assert LEAVE in left
        seen = len(terminal.screen)
        terminal.type("fg\r")
        terminal.until(ENTER, after=seen)
        frame(terminal, "q quits")
        terminal.type("q")
        terminal.until(LEAVE, after=seen)
        terminal.until("> ", after=terminal.screen.rindex(LEAVE))
        terminal.type("echo en''ded $?\r")
        terminal.until("ended 0", after=seen)


@pytest.mark.full
@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (40, 120)])
def test_tmux_shows_the_whole_board(busy_board: Path, rows: int, columns: int) -> None:
    """What a terminal emulator makes of it: the first and the last line are where they belong."""
    import subprocess

    tmux = shutil.which("tmux")
    if tmux is None:
        pytest.skip("tmux is not installed")
    base = [tmux, "-L", f"slactl-{os.getpid()}"]
    command = shlex.join([sys.executable, "-c", PROGRAM, "watch"])
    size = ["-x", str(columns), "-y", str(rows)]
    subprocess.run([*base, "-f", "/dev/null", "new-session", "-d", *size, command], check=True)
    try:
        for _ in range(600):
            shown = subprocess.run([*base, "capture-pane", "-p"], capture_output=True, text=True, check=True).stdout
            if "q quits" in shown:
                break
        lines = shown.split("\n")[:-1]
        assert (len(lines), max(map(len, lines))) == (rows, columns)
        assert lines[0].startswith("slactl  ")
        assert lines[-1].startswith("q quits")
        assert "OVERDUE: 1" in lines
    finally:
        subprocess.run([*base, "kill-server"], check=True)


@pytest.mark.parametrize("words", [("--plan", "enterprize"), ("--tenant", "not:acmee")])
def test_a_filter_that_names_nothing_known_is_refused(busy_board: Path, words: tuple[str, str]) -> None:
    with watching(*words) as terminal:
        assert terminal.wait() == 3
        assert "is not known" in terminal.screen
