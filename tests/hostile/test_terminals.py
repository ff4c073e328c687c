"""Windows on a real terminal in colour: nothing of a stranger's is obeyed by it."""

import re
import sys

import pytest
from hostile_desk import TEXTS, HostileDesk
from payloads import PAYLOADS, harm
from terminal import on_terminal

pytestmark = pytest.mark.full
pytest_plugins = ["hostile_fixtures"]

PROGRAM = (sys.executable, "-m", "slactl")

WINDOWS = {
    "list": ["list", "--all", "--limit", "0"],
    "show": ["show", *map(str, range(1, len(TEXTS) + 1))],
    "history": ["history", *map(str, range(1, len(TEXTS) + 1))],
    "audit": ["audit", "list", "--limit", "0"],
    "explain": ["explain", "3"],
    "summary": ["summary", "--by", "assignee"],
    "report": ["report", "--by", "tenant"],
    "notifications": ["notifications", "list", "--limit", "0"],
    "silences": ["silence", "list", "--all"],
    "tenants": ["tenant", "list"],
    "runs": ["runs", "show", "1"],
    "rules": ["rules", "show"],
    "calendar": ["calendar", "show", PAYLOADS["bidi"]],
    "check": ["check", "--dry-run", "--at", "in 300h"],
    "doctor": ["doctor"],
    "an error": ["show", PAYLOADS["cursor"]],
}


def run(desk: HostileDesk, *words: str, columns: int = 300) -> tuple[int, str]:
    settings = desk.settings | {"TERM": "xterm", "LINES": "", "COLUMNS": ""}
    with on_terminal(*PROGRAM, *words, rows=50, columns=columns, environment=settings) as terminal:
        return terminal.wait(), terminal.screen.replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 300])
@pytest.mark.parametrize("window", WINDOWS)
def test_a_terminal_obeys_slactl_alone(hostile_desk: HostileDesk, window: str, columns: int) -> None:
    code, screen = run(hostile_desk, *WINDOWS[window], columns=columns)
    assert code in (0, 3, 7), screen
    # A word is folded between a letter and its marks.
    assert harm(screen, colours=True, tabs=window == "runs", marks=columns == 80) == []
    assert "owned" not in screen or "touch owned" in screen


def test_one_frame_of_the_board(hostile_desk: HostileDesk) -> None:
    settings = hostile_desk.settings | {"TERM": "xterm", "LINES": "", "COLUMNS": ""}
    with on_terminal(*PROGRAM, "watch", rows=200, columns=300, environment=settings) as terminal:
        terminal.until("as of")
        terminal.type("q")
        assert terminal.wait() == 0
        screen = terminal.screen.replace("\r\n", "\n").replace("\r", "")
    drawn = re.sub("\x1b\\[(?:\\?(?:1049|25)[lh]|H|[0-9;]*H)", "", screen)
    assert harm(drawn, colours=True) == []
    assert PAYLOADS["html"][:40] in drawn
    assert "⟨U+202E⟩" in drawn
