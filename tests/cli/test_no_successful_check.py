"""`list`, `summary`, `watch` and bare `slactl` warn alike when levels are due and no check was successful."""

import shlex
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun import freeze_time
from terminal import on_terminal

from slactl.clock import boot_clock

PROGRAM = "from slactl.__main__ import main; main()"

NEVER = "levels are due, but no check fires them: no successful check yet"


def on_screen(*words: str) -> str:
    """Return what a command draws on a terminal, on one line; `watch` is left with q."""
    with on_terminal(sys.executable, "-c", PROGRAM, *words, columns=120, environment={"NO_COLOR": "1"}) as terminal:
        if words == ("watch",):
            terminal.until("q quits")
            terminal.type("q")
        assert terminal.wait() == 0
    return " ".join(terminal.screen.split())


def change(desk: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(desk)) as connection, connection:
        connection.execute(statement, values)


@pytest.fixture
def late(desk: Path, slactl: Slactl) -> Path:
    """A desk with an overdue ticket and no check."""
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--plan", "enterprise", "--at", "2d ago")
    return desk


@pytest.mark.parametrize("words", ["", "list", "summary"])
def test_a_warning_comes_until_a_check_was_successful(late: Path, slactl: Slactl, words: str) -> None:
    screen = on_screen(*words.split())
    assert screen.count(NEVER) == 1
    assert "hint: slactl check" in screen
    assert slactl("check", "-q").code == 0
    assert "no check fires them" not in on_screen(*words.split())
    slactl("create", "Screen", "--from", "ann@example.com", "--plan", "enterprise", "--at", "2d ago")
    assert "no check fires them" not in on_screen(*words.split())
    before = (datetime.now(UTC) - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    change(late, "UPDATE run SET ended_at = ?", before)
    assert "no check fires them: the last check that fired levels ended 2h ago" in on_screen(*words.split())


def two_hours_later(late: Path, slactl: Slactl) -> None:
    """Let the runs be over for two hours, and open a ticket that is overdue."""
    before = (datetime.now(UTC) - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    change(late, "UPDATE run SET ended_at = ?", before)
    slactl("create", "Screen", "--from", "ann@example.com", "--plan", "enterprise", "--at", "2d ago")


def asks_for_a_check(slactl: Slactl) -> bool:
    return "levels are due, but no check fires them" in slactl().err


@pytest.mark.parametrize("code", [4, 7])
def test_a_check_that_fires_with_problems_is_a_check_too(late: Path, slactl: Slactl, code: int) -> None:
    rules, metrics = late.with_name("rules.toml"), late / "no-folder"
    sound = rules.read_text()
    assert slactl("check", "-q").code == 0
    two_hours_later(late, slactl)
    assert asks_for_a_check(slactl)
    rules.write_text("nonsense" if code == 4 else sound)
    assert slactl("check", "-q", *(["--metrics", str(metrics)] if code == 7 else [])).code == code
    rules.write_text(sound)
    slactl("create", "Mouse", "--from", "ann@example.com", "--plan", "enterprise", "--at", "2d ago")
    assert not asks_for_a_check(slactl)
    assert f"ago, exit code {code}" in on_screen("watch")
    two_hours_later(late, slactl)
    assert asks_for_a_check(slactl)


@pytest.mark.skipif(boot_clock() is None, reason="needs a clock that nobody can set")
def test_a_check_that_doubts_the_clock_fires_nothing(
    late: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACTL_TRUST_CLOCK")
    assert slactl("check", "-q").code == 0
    slactl("create", "Screen", "--from", "ann@example.com", "--plan", "enterprise", "--at", "2d ago")
    with freeze_time(datetime.now(UTC) + timedelta(days=1)):
        assert slactl("check", "-q").code == 7
        assert asks_for_a_check(slactl)


def test_watch_warns_too_and_also_where_every_check_is_killed(late: Path, slactl: Slactl) -> None:
    assert "LEVELS ARE DUE, no successful check yet: is cron running?" in on_screen("watch")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    change(late, "INSERT INTO run (started_at) VALUES (?)", now)  # as a run that was killed leaves it
    assert "LEVELS ARE DUE, no successful check yet: is cron running?" in on_screen("watch")
    assert slactl("check", "-q").code == 0
    assert "LEVELS ARE DUE" not in on_screen("watch")


def test_bare_slactl_warns_on_a_pipe_and_data_stays_clean(late: Path, slactl: Slactl) -> None:
    bare = slactl()
    assert (bare.code, NEVER in bare.err, NEVER in bare.out) == (0, True, False)
    for words in ("list", "summary", "summary --json"):
        assert slactl(*words.split()).err == ""
    typed = shlex.split(f"--db {late}")
    assert slactl(*typed).err.splitlines()[-1] == f"hint: slactl --db {late} check"
