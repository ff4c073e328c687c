"""Check that the live board is read again only when something changed, and is right at every instant in between."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun import freeze_time

from slactl.desk.reports.board import MOST, Watched, watched
from slactl.errors import DatabaseError
from slactl.store.database import Database

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def three(desk: Path, slactl: Slactl) -> Path:
    """Create urgent enterprise tickets that are due at 11:00, 12:30 and 15:00."""
    for at in ("09:00", "10:30", "13:00"):
        with freeze_time(f"2026-03-02T{at}:00Z"):
            made = slactl("create", at, "--from", "a@b.de", "--plan", "enterprise", "--priority", "urgent")
            assert made.code == 0
    return desk


@pytest.fixture
def source(three: Path) -> Iterator[Watched]:
    with watched(Database(three)) as found:
        yield found


def statements(source: Watched) -> list[str]:
    """Return the list that takes every statement from now on."""
    asked: list[str] = []
    source._file._connection.set_trace_callback(asked.append)
    return asked


def test_unchanged_database_is_not_read_again(source: Watched, three: Path) -> None:
    first = source.look(None, NOW)
    asked = statements(source)
    assert source.look(first, NOW + timedelta(seconds=5)) is first
    assert asked == ["PRAGMA data_version"]
    with sqlite3.connect(three) as other:
        other.execute("UPDATE ticket SET assignee = 'mia' WHERE id = 1")
    second = source.look(first, NOW + timedelta(seconds=10))
    assert [ticket["assignee"] for ticket in second.late] == ["mia"]
    assert source.look(second, NOW + timedelta(seconds=15)) is second


def test_time_alone_makes_a_ticket_late(source: Watched) -> None:
    board = source.look(None, NOW)
    early, late = board.record(NOW, 7200, 5), board.record(NOW + timedelta(minutes=30, seconds=1), 7200, 5)
    assert [ticket["id"] for ticket in early["late"]] == [1]
    assert [ticket["id"] for ticket in early["soon"]] == [2]
    assert (early["late_count"], early["soon_count"]) == (1, 1)
    assert early["forecast"] == [(1, 1), (4, 2), (24, 2)]
    assert [ticket["id"] for ticket in late["late"]] == [1, 2]
    assert (late["late_count"], late["soon_count"], late["forecast"]) == (2, 0, [(1, 0), (4, 1), (24, 1)])
    on_the_deadline = board.record(NOW + timedelta(minutes=30), 7200, 5)
    assert on_the_deadline["late_count"] == 1


def test_kept_board_shows_the_same_as_one_read_anew(source: Watched) -> None:
    board = source.look(None, NOW)
    for minutes in range(0, 59, 7):
        at = NOW + timedelta(minutes=minutes)
        kept, fresh = board.record(at, 7200, 5), source.look(None, at).record(at, 7200, 5)
        for name in ("late_count", "soon_count", "forecast", "urgent_count", "open_count"):
            assert kept[name] == fresh[name], (minutes, name)
        for name in ("late", "soon"):
            assert [ticket["id"] for ticket in kept[name]] == [ticket["id"] for ticket in fresh[name]]


def test_board_is_read_again_after_an_hour(source: Watched) -> None:
    board = source.look(None, NOW)
    assert source.look(board, NOW + timedelta(minutes=59)) is board
    assert source.look(board, NOW + timedelta(hours=1)) is not board
    assert source.look(board, NOW - timedelta(seconds=1)) is not board  # a clock that was set back


def test_all_tickets_are_counted_but_only_some_are_kept(three: Path) -> None:
    with sqlite3.connect(three) as other:
        columns = "plan, status, priority, created_at, updated_at, due_at, rules_version"
        row = "'pro', 'open', 'low', '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z', '2026-03-02T12:10:00Z', 1"
        for _ in range(MOST + 50):
            other.execute(f"INSERT INTO ticket ({columns}) VALUES ({row})")
    with watched(Database(three)) as source:
        board = source.look(None, NOW)
        assert (len(board.coming), board.record(NOW, 7200, 5)["soon_count"]) == (MOST, MOST + 51)
        later = NOW + timedelta(minutes=11)
        assert board.record(later, 7200, 5)["late_count"] == MOST + 51
        assert source.look(board, later) is not board


def test_urgent_tickets_with_a_deadline_are_kept_before_those_without(three: Path) -> None:
    with sqlite3.connect(three) as other:
        columns = "plan, status, priority, created_at, updated_at, rules_version"
        row = "'pro', 'open', 'urgent', '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z', 1"
        for _ in range(MOST):
            other.execute(f"INSERT INTO ticket ({columns}) VALUES ({row})")
    with watched(Database(three)) as source:
        board = source.look(None, NOW)
    assert [ticket["id"] for ticket in board.urgent[:3]] == [1, 2, 3]
    assert (len(board.urgent), board.urgent_count) == (MOST, MOST + 3)


def test_replaced_database_file_is_read_again(source: Watched, three: Path) -> None:
    board = source.look(None, NOW)
    other = three.with_suffix(".other")
    with closing(sqlite3.connect(three)) as here, closing(sqlite3.connect(other, isolation_level=None)) as there:
        here.backup(there)
        there.execute("UPDATE ticket SET status = 'closed' WHERE id = 1")
    other.replace(three)
    assert source.look(board, NOW).late_count == 0


def test_missing_database_leaves_the_board_with_a_problem(source: Watched, three: Path) -> None:
    board = source.look(None, NOW)
    aside = three.rename(three.with_suffix(".aside"))
    gone = source.look(board, NOW)
    assert gone.problem == "the database slactl.db does not exist"
    assert gone.late == board.late
    aside.rename(three)
    assert source.look(gone, NOW).problem is None


def test_database_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError), watched(Database(tmp_path / "none.db")):
        pass


def test_check_is_old_after_15_minutes(source: Watched, three: Path) -> None:
    assert source.look(None, NOW).record(NOW, 7200, 5)["last_check"] is None
    with sqlite3.connect(three) as other:
        at = "2026-03-02T11:45:00Z"
        other.execute("INSERT INTO run (started_at, ended_at, exit_code) VALUES (?, ?, 0)", (at, at))
    board = source.look(None, NOW)
    assert not board.record(NOW, 7200, 5)["is_check_old"]
    assert board.record(NOW + timedelta(seconds=1), 7200, 5)["is_check_old"]
