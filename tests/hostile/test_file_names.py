"""Files whose names, and what is beside them, are as hostile as a ticket: in every window they are text."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from hostile_desk import HostileDesk
from payloads import FILE_NAME, PAYLOADS, harm
from terminal import on_terminal

pytest_plugins = ["hostile_fixtures"]

#: What is done in an empty folder with a file called FILE_NAME in it that is a copy of the rules.
FILES = {
    "init": (0, ["--db", f"{FILE_NAME}.db", "--rules", f"{FILE_NAME}.toml", "init"]),
    "init again": (0, ["--db", f"{FILE_NAME}.db", "--rules", FILE_NAME, "init", "--force"]),
    "rules checked": (0, ["--rules", FILE_NAME, "rules", "check"]),
    "rules tested": (4, ["rules", "test", "--", FILE_NAME]),
    "backup": (0, ["backup", "--", f"{FILE_NAME}.db"]),
    "doctor": (7, ["--rules", f"{FILE_NAME}.toml", "doctor"]),
    "live page": (0, ["board", "--force", FILE_NAME]),
    "page": (0, ["report", "--html", FILE_NAME, "--force"]),
    "no map": (4, ["import", "/dev/null", "--map", FILE_NAME]),
}


@pytest.mark.parametrize("window", FILES)
def test_the_name_of_a_file_does_nothing(
    hostile_desk: HostileDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(hostile_desk.folder / "rules.toml", FILE_NAME)
    code, words = FILES[window]
    result = hostile_desk(*words)
    assert result.code == code, result
    assert "fdp.exe" in result.out + result.err
    assert harm(result.out, tabs=window == "doctor") == []
    assert harm(result.err) == []


def test_what_is_beside_a_changed_value_does_nothing(
    hostile_desk: HostileDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TOML has no control characters of ASCII, but all the others."""
    monkeypatch.chdir(tmp_path)
    beside = "\n".join(f"# {text}" for text in ("\x9b31mx", "\u202eboo", PAYLOADS["zalgo"]))
    Path(FILE_NAME).write_text(f'schema = 1\n[settings]\n{beside}\ndue_soon = "2h"\n')
    result = hostile_desk.done("rules", "set", "settings.due_soon", "3h", "--dry-run", SLACTL_RULES=FILE_NAME)
    assert "⟨U+202E⟩boo" in result.out
    assert harm(result.out) == []


def test_the_name_of_a_file_in_a_progress_bar_is_text(messed: HostileDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(messed.folder)
    name = PAYLOADS["colour"] + "\x9b6m"
    Path(name).write_text('{"ticket": "A", "at": "2026-03-02T09:00:00Z", "type": "created"}\n')
    settings = messed.settings | {"TERM": "xterm", "LINES": "", "COLUMNS": ""}
    words = (sys.executable, "-m", "slactl", "simulate", name)
    with on_terminal(*words, rows=50, columns=300, environment=settings) as terminal:
        assert terminal.wait() == 0, terminal.screen
        screen = terminal.screen
    assert "reading blink" in screen
    # The bar hides the cursor, and goes up to draw itself anew.
    own = re.sub("\x1b\\[(?:\\?25[lh]|1A|2K|38;2?5?;?[0-9;]*)m?|\r", "", screen)
    assert not re.search("\x1b\\[6m|\x9b|38;5;201m", screen)
    assert harm(own, colours=True) == []
