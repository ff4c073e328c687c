"""The progress of long work on a terminal: a bar, in colour only where colour is wanted."""

import json
import re
import sys
from pathlib import Path

import pytest
from terminal import on_terminal

#: What sets colours or bold face on a terminal.
STYLE = re.compile(r"\x1b\[[0-9;]*[1-9][0-9;]*m")


@pytest.mark.parametrize(
    ("options", "environment", "colored"),
    [
        (["--color", "never"], {}, False),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
        ([], {"NO_COLOR": "1"}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        ([], {}, True),
    ],
)
@pytest.mark.parametrize("command", [["import", "{file}"], ["simulate", "{file}"], ["audit", "verify"]])
def test_a_bar_is_in_colour_only_where_colour_is_wanted(
    desk: Path, tmp_path: Path, command: list[str], options: list[str], environment: dict[str, str], colored: bool
) -> None:
    file = tmp_path / "tickets.jsonl"
    opening = {"at": "2026-03-02T09:00:00Z", "type": "created"}
    file.write_text("".join(json.dumps({"ticket": f"T-{number}"} | opening) + "\n" for number in range(300)))
    words = [word.format(file=file) for word in command]
    with on_terminal(sys.executable, "-m", "slactl", *options, *words, environment=environment) as terminal:
        assert terminal.wait() == 0, terminal.screen
        bar = terminal.screen.rpartition("\x1b[2K")[0]
    assert "\x1b[?25l" in terminal.screen, "there was no bar"
    assert bool(STYLE.search(bar)) == colored
