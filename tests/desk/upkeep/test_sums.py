"""The sums that summaries read: an audit compares them with the rows, a rebuild and an upgrade make them anew."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Slactl
from slow_figures import differences

from slactl.desk.reports.summary import MEASURED
from slactl.store.schema.sums import QUERIES, wrong_rows
from slactl.store.schema.version import SCHEMA

SCHEMAS = Path(__file__).parents[2] / "data" / "schemas"


@pytest.fixture
def worked(desk: Path, slactl: Slactl) -> Path:
    """A desk with a ticket that was resolved twice, an open one, a paused one and one that is late."""
    for words in (
        ("create", "One", "--from", "ann@example.com", "--at", "5d ago", "--plan", "pro"),
        ("reply", "1", "--no-body", "--status", "open", "--at", "5d ago", "--reason", "r"),
        ("resolve", "1"),
        ("reopen", "1"),
        ("resolve", "1"),
        ("create", "Two", "--from", "ann@example.com", "--priority", "urgent"),
        ("create", "Three", "--from", "ann@example.com", "--assignee", "mia"),
        ("reply", "3", "--no-body"),
        ("create", "Four", "--from", "ann@example.com", "--at", "9d ago"),
        ("check", "--no-send"),
        ("escalate", "4", "--reason", "late", "--priority", "urgent", "--no-notify"),
    ):
        done = slactl(*words)
        assert done.code == 0, done.err
    return desk


def change(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        assert connection.execute(statement).rowcount > 0, statement


def figures(slactl: Slactl) -> dict[str, object]:
    found: dict[str, object] = json.loads(slactl("summary", "--since", "all", "--json").out)
    return {name: found[name] for name in (*MEASURED, "open_count", "paused_count", "urgent_open_count")}


def wrong(database: Path) -> dict[str, int]:
    with closing(sqlite3.connect(database)) as connection:
        return dict(wrong_rows(connection))


def test_every_table_of_sums_has_rows_that_follow_from_the_others(worked: Path, slactl: Slactl) -> None:
    assert wrong(worked) == {}
    with closing(sqlite3.connect(worked)) as connection:
        now = json.loads(slactl("summary", "--json").out)["at"]
        assert list(differences(connection, now)) == []
        for table in QUERIES:
            assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] > 0, table
        assert connection.execute("SELECT MAX(resolutions), COUNT(reopened_at) FROM outcome_span").fetchone() == (2, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE outcome_day SET stopped = stopped + 1",
        "UPDATE outcome_day SET seconds = seconds + 60 WHERE kind = 'resolution'",
        "DELETE FROM outcome_day WHERE kind = 'first_response'",
        "INSERT INTO outcome_day (kind, day, size, stopped) VALUES ('update', '2026-01-01', 3, 1)",
        "UPDATE outcome_span SET until = '2030-01-01T00:00:00Z' WHERE ticket_id = 1",
        "UPDATE outcome_span SET escalated_at = NULL WHERE escalated_at IS NOT NULL",
        "DELETE FROM outcome_span WHERE ticket_id = 4",
        "UPDATE open_count SET tickets = tickets + 1",
        "DELETE FROM open_count WHERE priority = 'urgent'",
    ],
)
def test_audit_finds_wrong_sums_and_rebuild_makes_them_anew(worked: Path, slactl: Slactl, statement: str) -> None:
    before = figures(slactl)
    change(worked, statement)
    [finding] = json.loads(slactl("audit", "verify", "--json").out)["findings"]
    table = next(name for name in QUERIES if name in statement)
    assert (finding["kind"], table in finding["message"]) == ("sums", True)
    told = json.loads(slactl("doctor", "--rebuild", "--dry-run", "--json").out)
    assert ([each["row"] for each in told["found"]], told["changed"]) == ([table], 0)
    assert list(wrong(worked)) == [table]
    assert slactl("doctor", "--rebuild", "--yes").code == 0
    assert wrong(worked) == {}
    assert slactl("audit", "verify").code == 0
    assert figures(slactl) == before


def test_sums_of_a_wrong_ticket_are_no_findings_of_their_own(worked: Path, slactl: Slactl) -> None:
    change(worked, "UPDATE ticket SET priority = 'low' WHERE id = 2")
    kinds = {each["kind"] for each in json.loads(slactl("audit", "verify", "--json").out)["findings"]}
    assert kinds == {"ticket"}
    assert slactl("doctor", "--rebuild", "--yes").code == 0
    assert wrong(worked) == {}


def test_a_command_on_a_ticket_with_wrong_sums_does_not_fail(worked: Path, slactl: Slactl) -> None:
    for table in QUERIES:
        change(worked, f"DELETE FROM {table}")
    assert slactl("reopen", "1").code == slactl("resolve", "1", "2", "3").code == 0
    assert slactl("doctor", "--rebuild", "--yes").code == 0
    assert wrong(worked) == {}


@pytest.mark.parametrize("schema", range(1, SCHEMA))
def test_an_upgrade_makes_the_sums(desk: Path, slactl: Slactl, schema: int) -> None:
    desk.unlink()
    with closing(sqlite3.connect(desk)) as connection:
        connection.executescript((SCHEMAS / f"schema_{schema}.sql").read_text(encoding="utf-8"))
        connection.execute("PRAGMA journal_mode = WAL")
    desk.chmod(0o600)
    now = json.loads(slactl("summary", "--json").out)["at"]
    with closing(sqlite3.connect(desk)) as connection:
        assert wrong_rows(connection) == {}
        assert list(differences(connection, now)) == []


def test_a_rehearsed_command_changes_no_sum(worked: Path, slactl: Slactl) -> None:
    with closing(sqlite3.connect(worked)) as connection:
        before = list(connection.iterdump())
        assert slactl("resolve", "2", "3", "4", "-n").code == 0
        assert list(connection.iterdump()) == before
