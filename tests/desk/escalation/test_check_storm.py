"""Many tickets that are late at once: `check` judges each history once, whatever number of levels fire for it."""

import json
import os
import shutil
import sqlite3
import sys
import tracemalloc
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, cast

import pytest
from conftest import Slactl
from escalation_desk import ladder, policy, write_rules

from slactl import clock
from slactl.config import resolve
from slactl.desk.escalation import due, scan
from slactl.desk.escalation.check import check
from slactl.desk.escalation.run import Firings, Report, RunOptions
from slactl.desk.ledger.desk import Desk
from slactl.sla.enums import LevelOutcome
from slactl.sla.timers.deadline import TrackedTarget
from slactl.sla.timers.replay import Replay

if TYPE_CHECKING:
    from slactl.records.runs import Firing

LATE = datetime(2026, 3, 2, 20, tzinfo=UTC)

#: Three levels that are due for each ticket: one changes its priority and its tags, one its assignee.
LEVELS = ladder(
    "resolution",
    'raise 0m priority = "urgent"; tag = ["late"]; note = "Late."',
    'manager +1h assign = "manager"; notify = ["manager", "previous_assignee"]',
    "again +2h",
)

#: What a run is counted by.
COUNTED: dict[CodeType, str] = {
    Replay.__init__.__code__: "evaluations",
    TrackedTarget.timer.__code__: "timers",
    clock._utc_text.__wrapped__.__code__: "instants",
}


class Storm:
    """Count what one run of `check` does for some tickets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls, self.statements, self.connections = Counter[str](), list[str](), 0
        connect = sqlite3.connect

        def traced(*arguments: object, **options: object) -> sqlite3.Connection:
            connection = connect(*arguments, **options)  # type: ignore[call-overload]
            self.connections += 1
            connection.set_trace_callback(self.statements.append)
            assert isinstance(connection, sqlite3.Connection)
            return connection

        monkeypatch.setattr(sqlite3, "connect", traced)

    def run(self) -> Report:
        def watch(frame: FrameType, event: str, _: object) -> None:
            if event == "call" and frame.f_code in COUNTED:
                self.calls[COUNTED[frame.f_code]] += 1

        sys.setprofile(watch)
        try:
            return check(Desk.of(resolve(os.environ)), LATE, RunOptions(send=False))
        finally:
            sys.setprofile(None)

    def begun_with(self, *words: str) -> int:
        return sum(statement.startswith(words) for statement in self.statements)


def storm(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, tickets: int, work: float = 3600) -> Storm:
    """Import tickets that are all late, and run `check`, whose batches take tickets for `work` seconds."""
    monkeypatch.setattr(scan, "WORK", work)
    write_rules(desk, policy(resolution="4h", first_response="1h"), LEVELS)
    opened = [
        json.dumps({"ticket": f"T-{number}", "at": f"2026-03-02T09:{number:02}:00Z", "type": "created", "subject": "S"})
        for number in range(tickets)
    ]
    assert slactl("import", "-", stdin="\n".join(opened)).code == 0
    with monkeypatch.context() as patch:
        counted = Storm(patch)
        report = counted.run()
    assert (report.problems, report.scanned, report.breached) == ([], tickets, 2 * tickets)
    assert report.escalated == 3 * tickets
    return counted


@pytest.mark.parametrize("tickets", [10, 30])
def test_each_history_is_read_once(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, tickets: int) -> None:
    calls = storm(desk, slactl, monkeypatch, tickets).calls
    assert calls["evaluations"] == tickets
    assert calls["timers"] == 2 * tickets
    assert calls["instants"] < 75 * tickets + 100, calls


@pytest.mark.parametrize("tickets", [10, 30])
def test_a_batch_reads_as_often_for_many_tickets_as_for_few(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, tickets: int
) -> None:
    counted = storm(desk, slactl, monkeypatch, tickets)
    assert counted.begun_with("SELECT", "WITH") < 50


def test_an_update_names_only_columns_that_change(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = storm(desk, slactl, monkeypatch, 10)
    updates = [each for each in counted.statements if each.startswith(("UPDATE ticket", "UPDATE timer"))]
    named = {word.split(" = ")[0] for each in updates for word in each.partition(" SET ")[2].split(", ")}
    assert len(updates) == 30
    assert not named & {"plan", "created_at", "tenant", "subject", "ticket_id", "kind", "started_at", "due_at"}, named
    assert not counted.begun_with("DELETE FROM outcome WHERE", "DELETE FROM timer")


def test_all_batches_share_a_connection(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "TOGETHER", 1)
    counted = storm(desk, slactl, monkeypatch, 12, work=-1)
    assert counted.begun_with("COMMIT") > 12
    assert counted.connections < 8


def rows_of(desk: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(desk)) as connection:
        queries = {
            "ticket": "SELECT * FROM ticket",
            "timer": "SELECT * FROM timer ORDER BY id",
            "escalation": "SELECT * FROM escalation ORDER BY id",
            "event": "SELECT id, ticket_id, at, action FROM event ORDER BY id",
            "notification": "SELECT ticket_id, escalation_id, recipient FROM notification ORDER BY id",
            "outcome": "SELECT ticket_id, kind, missed_at, detected_at, met FROM outcome ORDER BY ticket_id, kind",
        }
        return {table: connection.execute(query).fetchall() for table, query in queries.items()}


def test_a_batch_that_takes_too_long_ends_and_the_next_one_goes_on(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = shutil.copy(desk, desk.with_name("fresh.db"))
    whole = storm(desk, slactl, monkeypatch, 12)
    expected = rows_of(desk)
    for path in desk.parent.glob("slactl.db*"):
        path.unlink()
    shutil.copy(fresh, desk)
    monkeypatch.setattr(scan, "TOGETHER", 1)
    single = storm(desk, slactl, monkeypatch, 12, work=-1)
    assert single.begun_with("COMMIT") == whole.begun_with("COMMIT") + 11
    assert rows_of(desk) == expected


def test_what_is_due_is_looked_for_once_for_many_batches(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "AHEAD", 8)
    monkeypatch.setattr(scan, "BATCH", 2)
    counted = storm(desk, slactl, monkeypatch, 20)
    assert counted.begun_with("SELECT ticket_id FROM timer WHERE next_at <=") == 4  # after 0, 8, 16 and 20


def test_a_ticket_that_was_solved_while_earlier_ones_fired_does_not_fire(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rules(desk, policy(resolution="4h", first_response="1h"), LEVELS)
    opened = [
        json.dumps({"ticket": f"T-{number}", "at": "2026-03-02T09:00:00Z", "type": "created"}) for number in range(6)
    ]
    assert slactl("import", "-", stdin="\n".join(opened)).code == 0
    monkeypatch.setattr(scan, "BATCH", 2)
    done = list[int]()

    def solve(scanned: int) -> None:
        done.append(scanned)
        if len(done) == 1:  # the numbers of all six are read already
            resolved = {"ticket": "T-3", "at": "2026-03-02T09:30:00Z", "type": "status", "status": "resolved"}
            assert slactl("import", "-", stdin=json.dumps(resolved)).code == 0

    report = check(Desk.of(resolve(os.environ)), LATE, RunOptions(send=False, progress=solve))
    assert done == [2, 1, 2, 0]
    assert sorted({firing["ticket_id"] for firing in report.firings}) == [1, 2, 3, 5, 6]


def test_levels_are_packed_and_come_back_in_their_order() -> None:
    def record(number: int) -> dict[str, object]:
        outcome = LevelOutcome.FIRED.value if number % 5 else LevelOutcome.SKIPPED.value
        lost = {"reaches_nobody": number % 4 == 0, "unreached": ["ann is away"]}
        return {"id": number, "ticket_id": number, "escalation": "e", "level": "l", "outcome": outcome, **lost}

    tracemalloc.start()
    kept = Firings()
    for number in range(10_000):
        kept.append(cast("Firing", record(number)))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 2_000_000
    assert list(kept) == [record(number) for number in range(10_000)] == list(kept)
    assert (len(kept), kept.outcomes) == (10_000, {"fired": 8_000, "skipped": 2_000})
    assert kept.unreached == {"e/l reaches nobody: ann is away": list(range(0, 10_000, 4))}
