"""Commands whose stdin comes late: the clock counts from when the text is there, not from the start of the command."""

import io
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

from slactl.__main__ import run

LATER = "2026-03-02T11:30:00Z"


class Slow(io.BytesIO):
    """A stdin whose writer needs two and a half hours."""

    clock: FrozenDateTimeFactory

    def read(self, size: int | None = -1, /) -> bytes:
        self.clock.move_to(LATER)
        return super().read(size)


@pytest.fixture
def slow(clock: FrozenDateTimeFactory, desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desk with one ticket, and a stdin that gives its number late."""
    made = slactl("create", "Printer on fire", "--from", "ann@example.com", "--assignee", "mia")
    assert made.code == 0, made.err
    stdin = Slow(b"1\n")
    stdin.clock = clock
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin, encoding="utf-8"))
    return desk


def value(desk: Path, query: str) -> Any:  # noqa: ANN401  (what SQLite returns)
    with closing(sqlite3.connect(desk)) as connection:
        return connection.execute(query).fetchone()[0]


@pytest.mark.parametrize(
    "words",
    [
        "create Fire --from ann@example.com --body -",
        "reply 1 --body -",
        "note 1 --body -",
        "receive 1 --body -",
        "resolve -",
        "close -",
        "status - pending",
        "priority - high",
        "tag - --add vip",
        "assign - --to max",
        "edit - --subject Smoke",
        "escalate - --reason fire",
        "ack -",
        "due - --target resolution --at 2026-03-02T18:00Z --reason agreed",
    ],
)
def test_a_change_happens_when_its_text_is_there(slow: Path, words: str) -> None:
    before = value(slow, "SELECT count(*) FROM event")
    assert run(words.split()) == 0
    assert value(slow, "SELECT count(*) FROM event") > before
    assert value(slow, "SELECT recorded_at FROM event ORDER BY id DESC") == LATER
    assert value(slow, "SELECT at FROM event ORDER BY id DESC") == LATER


def test_a_deadline_is_set_from_the_moment_at_which_the_ids_are_there(slow: Path) -> None:
    assert run(["due", "-", "--target", "resolution", "--at", "in 2h", "--reason", "agreed"]) == 0
    assert value(slow, "SELECT due_at FROM timer WHERE kind = 'resolution'") == "2026-03-02T13:30:00Z"


def test_a_silence_ends_when_its_number_is_there(slow: Path) -> None:
    assert run(["silence", "add", "--ticket", "1", "--for", "8h"]) == 0
    assert run(["silence", "expire", "-"]) == 0
    assert value(slow, "SELECT ends_at FROM silence") == LATER


def test_a_ticket_that_is_resolved_by_late_ids_missed_its_deadline(slow: Path, slactl: Slactl) -> None:
    due = "2026-03-02T11:29:59Z"
    assert run(["due", "1", "--target", "resolution", "--at", due, "--reason", "soon"]) == 0
    assert run(["resolve", "-"]) == 0
    timers = {timer["target"]: timer for timer in json.loads(slactl("show", "1", "--json").out)["timers"]}
    found = [timers["resolution"][name] for name in ("due_at", "breached_at", "stopped_at")]
    assert found == [due, due, LATER]
