"""The keys of `watch` in a real terminal: what a person sees after each, at 80 by 24 and 120 by 40."""

import json
import os
import re
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import PATIENCE, Terminal, on_terminal
from vt import Screen

PROGRAM = "from slactl.__main__ import main; main()"
UP, DOWN, ESCAPE, ENTER, BACKSPACE = "\x1b[A", "\x1b[B", "\x1b", "\r", "\x7f"

SIZES = [(24, 80), (40, 120)]


class Person:
    """Somebody who types and looks at the screen."""

    def __init__(self, terminal: Terminal, rows: int, columns: int) -> None:
        self.terminal, self.rows, self.columns = terminal, rows, columns

    @property
    def screen(self) -> Screen:
        """What is seen now."""
        return Screen.of(self.terminal.screen, self.rows, self.columns)

    def sees(self, wanted: str | Callable[[Screen], bool]) -> Screen:
        """Wait until the whole screen has a text, or is as wanted; return it."""
        end = time.monotonic() + PATIENCE
        while True:
            # Only whole frames: the last one may still be on its way.
            screen = Screen.of(self.terminal.screen.rpartition("\x1b[H")[0], self.rows, self.columns)
            assert time.monotonic() < end, f"{wanted!r} is not seen on\n{screen.text}"
            if screen.is_alternate and (wanted in screen.text if isinstance(wanted, str) else wanted(screen)):
                return screen
            seen = len(self.terminal.screen)
            try:
                self.terminal.until("\x1b[H", after=seen)
            except AssertionError as error:
                raise AssertionError(f"{wanted!r} is not seen on\n{screen.text}") from error

    def types(self, text: str, wanted: str | Callable[[Screen], bool]) -> Screen:
        self.terminal.type(text)
        return self.sees(wanted)

    def leaves(self, text: str = "q") -> None:
        """Leave, and see that the terminal is as it was."""
        self.terminal.type(text)
        assert self.terminal.wait() == 0
        assert_restored(self)


def assert_restored(person: Person) -> None:
    screen = person.screen
    assert person.terminal.settings() == person.terminal.before
    assert (screen.is_alternate, screen.cursor_is_shown) == (False, True)


@contextmanager
def watching(*options: str, rows: int = 24, columns: int = 80, program: str = PROGRAM) -> Iterator[Person]:
    arguments = (sys.executable, "-c", program, "watch", "--interval", "1s", *options)
    environment = {"NO_COLOR": "1", "SLACTL_ACTOR": "ann"}
    with on_terminal(*arguments, rows=rows, columns=columns, environment=environment) as terminal:
        terminal.nudge = lambda: os.kill(terminal.process.pid, signal.SIGWINCH)
        yield Person(terminal, rows, columns)


def row(number: int) -> Callable[[Screen], bool]:
    """Whether the mark is before a ticket."""
    return lambda screen: any(re.match(rf"> +{number} ", line) for line in screen.lines)


@pytest.fixture
def night(desk: Path, slactl: Slactl) -> Path:
    """Two overdue tickets, one of them urgent and unassigned, one due soon, one for later, one without a deadline."""
    for subject, priority, at, *more in (
        ("Checkout returns 502", "urgent", "4h ago"),
        ("Invoice is wrong", "high", "8h ago", "--assignee", "mia"),
        ("Graph is \x1b[31mred\x07", "high", "3h ago"),
        ("Quiet question", "low", "1h ago"),
        ("Printer on fire", "normal", "20h ago", "--outbound"),
    ):
        words = ("create", subject, "--from", "ann@example.com", "--plan", "enterprise", "--priority", priority)
        assert slactl(*words, "--at", at, *more).code == 0
    assert slactl("status", "5", "pending").code == 0
    assert slactl("check", "-q").code == 0
    return desk


def listed(screen: Screen) -> list[int]:
    return [int(found[1]) for line in screen.lines if (found := re.match(r"[> ] +(\d+) ", line))]


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_each_ticket_is_listed_once_and_every_line_fits(night: Path, rows: int, columns: int) -> None:
    with watching(rows=rows, columns=columns) as person:
        screen = person.sees("q quits")
        assert listed(screen) == [2, 1, 3, 4, 5]
        headings = [line for line in screen.lines if re.match(r"[A-Z][A-Z 0-9h]+: \d", line)]
        assert headings == ["OVERDUE: 2", "DUE WITHIN 2h: 1", "LATER: 2"]
        assert screen.lines[0].startswith("slactl  ")
        assert screen.lines[-1].startswith("q quits")
        assert "[31mred" not in screen.text.replace("?[31mred", "")
        person.leaves()


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_keys_choose_a_ticket_and_the_choice_stays_with_it(
    night: Path, slactl: Slactl, rows: int, columns: int
) -> None:
    with watching(rows=rows, columns=columns) as person:
        person.sees(row(2))
        person.types(DOWN, row(1))
        person.types("j", row(3))
        person.types("k", row(1))
        person.types("\x1bOA", row(2))
        person.types(UP, row(2))
        person.types("\x1b[F", row(5))
        person.types(DOWN, row(5))
        person.types("\x1b[H", row(2))
        person.types(DOWN * 2, row(3))
        assert slactl("resolve", "2").code == 0
        screen = person.sees(lambda screen: 2 not in listed(screen))
        assert row(3)(screen)
        assert slactl("resolve", "3").code == 0
        screen = person.sees("#3 is not listed any more")
        assert not any(line.startswith(">") for line in screen.lines)
        person.types("a", "choose a ticket")  # nobody acknowledges the ticket that took its place
        person.types(DOWN, lambda screen: any(line.startswith(">") for line in screen.lines))
        person.leaves("Q")


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_enter_shows_the_ticket_and_any_key_goes_back(night: Path, rows: int, columns: int) -> None:
    with watching(rows=rows, columns=columns) as person:
        person.sees(row(2))
        for key in ("x", "q", ENTER, DOWN):
            screen = person.types(ENTER, "any key goes back")
            assert "Invoice is wrong" in screen.lines[0]
            assert "ann@example.com" in screen.text
            assert "Timers" in screen.text
            screen = person.types(key, "q quits")
            assert row(2)(screen)
        person.leaves()


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_a_acknowledges_and_a_refusal_is_shown(night: Path, slactl: Slactl, rows: int, columns: int) -> None:
    with watching(rows=rows, columns=columns) as person:
        person.sees(row(2))
        screen = person.types("a", lambda screen: "2" in screen.lines[-1] and "q quits" not in screen.lines[-1])
        assert "error" not in screen.lines[-1]
        person.types(DOWN, "q quits")
        with closing(sqlite3.connect(night)) as opened:
            acknowledged = opened.execute("SELECT id FROM ticket WHERE acked_until IS NOT NULL").fetchall()
            assert acknowledged == [(2,)]
        person.leaves()
    [event] = json.loads(slactl("audit", "list", "--action", "ticket.ack", "--json").out)
    assert event["actor"] == "ann"


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_e_escalates_with_a_typed_reason(night: Path, slactl: Slactl, rows: int, columns: int) -> None:
    with watching(rows=rows, columns=columns) as person:
        person.sees(row(2))
        person.types("e", "Reason to escalate #2: _")
        person.types("calls agian, q?", "Reason to escalate #2: calls agian, q?_")
        person.types(BACKSPACE * 8 + "gain", lambda screen: "calls again_" in screen.lines[-1])
        person.types(ESCAPE, "q quits")
        person.types("e", "Reason to escalate #2: _")
        screen = person.types(ENTER, "reason")
        assert "q quits" not in screen.lines[-1]
        assert slactl("show", "2", "--fields", "escalations", "--json").out.count('"source": "manual"') == 0
        person.types("e", "Reason to escalate #2: _")
        person.types("-- käme \N{EURO SIGN} $(rm)", "-- käme \N{EURO SIGN} $(rm)_")
        person.types(ENTER, lambda screen: "Reason" not in screen.text and "q quits" not in screen.lines[-1])
        assert '"reason": "-- käme \N{EURO SIGN} $(rm)"' in slactl("show", "2", "--fields", "escalations", "--json").out
        person.leaves()


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_search_shows_only_what_matches_until_escape(night: Path, rows: int, columns: int) -> None:
    with watching(rows=rows, columns=columns) as person:
        person.sees(row(2))
        person.types("/", lambda screen: screen.lines[-1] == "/_")
        person.types("INVOICE", "/INVOICE_")
        screen = person.types(ENTER, "Matching 1")
        assert listed(screen) == [2]
        person.types("/nothing" + ENTER, "No ticket matches.")
        screen = person.types(ESCAPE, "Open 5")
        assert listed(screen) == [2, 1, 3, 4, 5]
        person.types("/x" + ESCAPE, "q quits")
        person.leaves()


def test_help_names_every_key(night: Path) -> None:
    with watching() as person:
        person.sees("q quits")
        screen = person.types("?", "Keys of the live board")
        assert all(word in screen.text for word in ("acknowledge", "escalate", "choose", "quit", "search"))
        person.types("?", "q quits")
        person.leaves("\x04")


def test_filters_and_views_are_those_of_list(night: Path, slactl: Slactl) -> None:
    with watching("--assignee", "mia") as person:
        assert listed(person.sees("Matching 1")) == [2]
        slactl("assign", "4", "--to", "mia")
        assert listed(person.sees("Matching 2")) == [2, 4]
        person.leaves()
    with watching("@past-first-response", "--priority", "urgent") as person:
        assert listed(person.sees("Matching 1")) == [1]
        person.leaves()
    for words, code in ((("@nothing",), 3), (("@",), 2), (("--status", "opn"), 2)):
        with watching(*words) as person:
            assert person.terminal.wait() == code
            assert "\x1b[?1049h" not in person.terminal.screen


def test_the_bell_rings_once_for_a_new_breach_and_only_if_asked(night: Path, slactl: Slactl) -> None:
    for options, rung in ((("--bell",), 1), ((), 0)):
        with watching(*options) as person:
            person.sees("OVERDUE: ")
            late = int(person.screen.text.partition("OVERDUE: ")[2].split()[0])
            assert person.screen.bells == 0
            words = ("create", "Late", "--from", "a@b.de", "--plan", "enterprise", "--priority", "urgent")
            assert slactl(*words, "--at", "9h ago").code == 0
            person.sees(f"OVERDUE: {late + 1}")
            person.types("/Late" + ENTER, "Matching ")
            person.types(ESCAPE, f"OVERDUE: {late + 1}")
            person.types("?", "Keys of")
            person.leaves(" q")
            assert person.screen.bells == rung


def test_while_another_program_writes_a_line_says_so_and_the_board_goes_on(night: Path) -> None:
    with watching() as person:
        person.sees(row(2))
        with closing(sqlite3.connect(night, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            person.types("a", "the database is busy: another program writes; press the key again")
            person.types(DOWN, row(1))
            writer.execute("ROLLBACK")
        screen = person.types("a", lambda screen: "1" in screen.lines[-1] and "q quits" not in screen.lines[-1])
        assert "busy" not in screen.lines[-1]
        person.leaves()


def test_a_database_that_nobody_may_read_for_a_while_is_told(night: Path) -> None:
    with watching() as person:
        person.sees("q quits")
        aside = night.rename(night.with_suffix(".aside"))
        screen = person.sees("CANNOT READ")
        assert listed(screen) == [2, 1, 3, 4, 5]
        person.types(ENTER, "CANNOT READ")
        person.types("a", "CANNOT READ")
        assert not night.exists()
        aside.rename(night)
        person.sees(lambda screen: "CANNOT READ" not in screen.text)
        person.leaves("  q")


@pytest.mark.parametrize("prefix", ["", "e", "/some", ENTER])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_any_moment_restores_the_terminal(night: Path, prefix: str, number: int) -> None:
    with watching() as person:
        person.sees(row(2))
        if prefix:
            person.types(prefix, lambda screen: "q quits" not in screen.text)
        os.kill(person.terminal.process.pid, number)
        assert person.terminal.wait() == (130 if number == signal.SIGINT else -number)
        assert_restored(person)


def test_an_error_while_a_key_is_handled_restores_the_terminal(night: Path) -> None:
    broken = f"import slactl.cli.viewer as v; v.Viewer._move = lambda *_: 1 / 0; {PROGRAM}"
    with watching(program=broken) as person:
        person.sees(row(2))
        person.terminal.type(DOWN)
        assert person.terminal.wait() == 1
        assert_restored(person)
        assert "error: unexpected ZeroDivisionError" in person.terminal.screen


def test_a_terminal_that_goes_away_ends_it(night: Path) -> None:
    with watching() as person:
        person.sees("q quits")
        terminal = person.terminal
        os.close(terminal._ours)
        os.close(terminal._theirs)
        terminal._ours, terminal._theirs = os.pipe()
        assert terminal.process.wait(timeout=20) in (-signal.SIGHUP, 1, 0)
