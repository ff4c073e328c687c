"""The list of messages: each column shows what it names."""

import csv
import io
import re
import sqlite3
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import on_terminal


@pytest.fixture
def messages(desk: Path, slactl: Slactl) -> Path:
    """Messages to people without an address, of which a silence holds one back and one failed twice."""
    for priority in ("high", "urgent", "low"):
        slactl("create", "Printer on fire", "--from", "ann@example.com", "--priority", priority)
    for number in ("1", "2", "3"):
        assert slactl("escalate", number, "--reason", "it burns").code == 0
    rows = (
        "state = 'waiting', next_try_at = '2026-03-03T04:05:06Z', ended_at = NULL, held_by = 'silence 5'",
        "state = 'dead', tries = 2, ended_at = '2026-03-02T03:04:05Z', next_try_at = NULL, error = 'smtp://…: no'",
        "state = 'partly', created_at = '2026-03-01T02:03:04Z'",
    )
    with sqlite3.connect(desk) as connection:
        for number, changes in enumerate(rows, start=1):
            connection.execute(f"UPDATE notification SET {changes} WHERE ticket_id = ?", (number,))
    return desk


def test_the_table_shows_each_fact_below_its_title(messages: Path) -> None:
    command = (sys.executable, "-m", "slactl", "--color", "never", "notifications", "list")
    with on_terminal(*command, columns=200, environment={"TZ": "UTC"}) as terminal:
        assert terminal.wait() == 0
        title, *lines = [line.rstrip() for line in terminal.screen.splitlines() if line.strip()]
    names = re.split(r"\s{2,}", title.strip())
    assert names == [
        "Message",
        "Ticket",
        "To",
        "State",
        "Held by",
        "Created (UTC)",
        "Tries",
        "Ended",
        "Next try",
        "Error",
    ]
    places = [(title.index(name), title.index(name) + len(name)) for name in names]

    def cell(line: str, name: str) -> str:
        """What stands below a title: the words that touch its place, whether they are left or right of it."""
        begin, end = places[names.index(name)]
        words = re.finditer(r"\S+(?: \S+)*", line)
        return next((word[0] for word in words if word.start() < end and word.end() > begin), "")

    by_ticket = {cell(line, "Ticket"): line for line in lines}
    assert list(by_ticket) == ["3", "2", "1"]  # the newest first
    shown = {(number, name): cell(line, name) for number, line in by_ticket.items() for name in names}
    assert [shown["1", name] for name in ("Message", "State", "Held by", "Tries", "Ended")] == [
        *("1", "waiting", "silence 5"),
        *("", ""),
    ]
    assert "04:05" in shown["1", "Next try"]
    assert [shown["2", name] for name in ("State", "Tries", "Next try")] == ["dead", "2", ""]
    assert ("03:04" in shown["2", "Ended"], shown["2", "Error"]) == (True, "smtp://…: no")
    assert (shown["3", "State"], "02:03" in shown["3", "Created (UTC)"]) == ("partly", True)
    assert {shown[number, "To"] for number in by_ticket} == {"support_manager"}


def test_csv_has_every_field(messages: Path, slactl: Slactl) -> None:
    [first, *_] = list(csv.DictReader(io.StringIO(slactl("notifications", "list", "--format", "csv").out)))
    assert list(first) == [
        *("id", "escalation_id", "ticket_id", "recipient", "state", "tries", "created_at", "next_try_at", "ended_at"),
        *("error", "run_id", "held_by", "instead_of", "event_id"),
    ]
    assert (first["ticket_id"], first["recipient"], first["state"]) == ("3", "support_manager", "partly")
