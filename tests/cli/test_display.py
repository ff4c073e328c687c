"""What a terminal shows: times in the display zone that is named once, bars that disappear, lines that fit."""

import json
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import on_terminal

RUN = (sys.executable, "-m", "slactl")
BERLIN = {"SLACTL_TZ": "Europe/Berlin", "NO_COLOR": "1", "SLACTL_PAGER": ""}

#: What shows the cursor again at the end of a progress bar.
BAR_ENDS = "\x1b[?25h"


def shown(*words: str, columns: int = 120, **environment: str) -> list[str]:
    with on_terminal(*RUN, *words, columns=columns, environment={**BERLIN, **environment}) as terminal:
        assert terminal.wait() == 0, terminal.screen
    return [line.rstrip() for line in terminal.screen.splitlines()]


@pytest.fixture
def entries(desk: Path, slactl: Slactl) -> None:
    """A silence, an absence and a ticket of one summer day."""
    day = ("--from", "2027-07-01T10:00Z", "--until", "2027-07-01T12:00Z")
    assert slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", "2026-07-01T10:00:00Z").code == 0
    assert slactl("silence", "add", "--ticket", "1", *day, "--comment", "move").code == 0
    rules = desk.with_name("rules.toml")
    rules.write_text(rules.read_text(encoding="utf-8") + "\n[people.zoe]\n", encoding="utf-8")
    assert slactl("oncall", "away", "zoe", *day).code == 0


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize("words", ["silence list", "oncall list"])
def test_lists_of_periods_are_local_and_name_the_zone_once(words: str, slactl: Slactl) -> None:
    title, line = shown(*words.split())
    assert title.count("Europe/Berlin") == 1
    assert "2027-07-01 12:00  " in line
    assert "2027-07-01 14:00" in line
    assert "Z" not in line
    assert "2027-07-01T10:00:00Z" in slactl(*words.split()).out


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize("words", ["show 1", "history 1"])
def test_a_ticket_names_the_zone_once_and_no_offset(words: str) -> None:
    text = "\n".join(shown(*words.split()))
    assert "2026-07-01 12:00" in text
    assert text.count("Europe/Berlin") == 1
    assert "+02:00" not in text
    assert "2026-07-01 10:00" in "\n".join(shown(*words.split(), SLACTL_TZ="UTC"))


def test_a_time_that_exists_twice_has_its_offset(desk: Path, slactl: Slactl) -> None:
    for hour in (0, 1):
        at = f"2026-10-25T0{hour}:30:00Z"
        assert slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", at).code == 0
    lines = shown("history", "1", "2")
    assert "2026-10-25 02:30 +02:00" in "\n".join(lines)
    assert "2026-10-25 02:30 +01:00" in "\n".join(lines)


def test_a_zone_without_a_name_is_named_by_its_offset(desk: Path, slactl: Slactl) -> None:
    at = "2026-07-01T10:00:00Z"
    assert slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", at).code == 0
    (title, *_) = shown("history", "1", SLACTL_TZ="", TZ="")
    assert title.startswith(("At (UTC", "At (Etc/UTC"))


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_the_bar_of_simulate_is_gone_before_the_output(desk: Path, tmp_path: Path, form: str) -> None:
    file = tmp_path / "tickets.jsonl"
    opening = {"at": "2026-03-02T09:00:00Z", "type": "created"}
    file.write_text("".join(json.dumps({"ticket": f"T-{number}"} | opening) + "\n" for number in range(40)))
    with on_terminal(*RUN, "simulate", str(file), "--format", form, rows=200, environment=BERLIN) as terminal:
        assert terminal.wait() == 0, terminal.screen
    before, ended, output = terminal.screen.rpartition(BAR_ENDS)
    assert ended, "there was no bar"
    assert "T-0" not in before
    assert all(f"T-{number}" in output for number in range(40))


def test_a_calendar_on_a_pipe_has_no_endless_lines(desk: Path, slactl: Slactl) -> None:
    result = slactl("calendar", "show", "office", "--format", "table")
    assert result.code == 0
    assert max(map(len, result.lines)) < 200


@pytest.mark.parametrize("columns", [80, 120])
def test_a_list_of_hostile_subjects_fits_and_does_nothing(desk: Path, slactl: Slactl, columns: int) -> None:
    from rich.cells import cell_len

    subjects = ["\u202egnp.exe", "漢字" * 60, "\x1b]0;owned\x07\x1b[2J", "a\nb\tc", "e" + "\u0301" * 40, "👩‍👩‍👧" * 30]
    for subject in subjects:
        assert slactl("create", subject, "--from", "ann@example.com").code == 0
    lines = shown("list", columns=columns)
    assert len(lines) == len(subjects) + 2
    assert max(map(cell_len, lines)) <= columns
    assert not any(mark in "".join(lines) for mark in ("\x1b", "\x07", "\u202e", "\t"))
