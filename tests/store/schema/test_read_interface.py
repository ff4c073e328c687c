"""The public views: their columns are those that are promised, and the recipes of the guide work."""

import csv
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl

from slactl.show import guide

SECTION = guide.page("sql")

#: What scripts rely on: columns may be added after these, never renamed, moved or removed.
PROMISED = {
    "ticket_view": "id external_id source tenant plan requester_email subject status priority assignee tags policy"
    " created_at updated_at first_response_due_at first_responded_at first_response_state next_response_due_at"
    " next_response_state update_due_at update_state resolution_due_at resolved_at resolution_state due_at due_target"
    " overdue_seconds breached ever_breached escalated escalation_level acked_until"
    " pending_until",
    "escalation_view": "id ticket_id source escalation level repeat reason due_at fired_at outcome actor from_priority"
    " to_priority from_assignee to_assignee run_id",
    "event_view": "id ticket_id at recorded_at actor actor_type action detail change unix_user",
    "breach_view": "ticket_id external_id target cycle due_at breached_at stopped_at detected_at overdue_seconds"
    " priority plan tenant assignee policy",
    "summary_view": "at open_count unassigned_count urgent_open_count escalated_count first_response_breached_count"
    " next_response_breached_count update_breached_count resolution_breached_count",
}


def blocks(language: str) -> list[str]:
    """The recipes of the section that are written in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)


@pytest.fixture
def missed(desk: Path, slactl: Slactl) -> Path:
    """Two enterprise tickets that nobody answered in time, one of them answered since, and one free ticket in time."""
    for options in (
        ("--plan", "enterprise", "--priority", "urgent", "--at", "4h ago"),
        ("--plan", "enterprise", "--at", "10h ago"),
        ("--at", "1h ago"),
    ):
        assert slactl("create", "Printer, on fire", "--from", "ann@example.com", *options).code == 0
    assert slactl("reply", "2", "--no-body", "--status", "open").code == 0
    assert slactl("check", "-q").code == 0
    return desk


@pytest.fixture
def reader(missed: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{missed.as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


@pytest.mark.parametrize("view", PROMISED)
def test_the_columns_are_those_that_are_promised_and_documented(reader: sqlite3.Connection, view: str) -> None:
    promised = PROMISED[view].split()
    columns = [row[1] for row in reader.execute(f"PRAGMA table_info({view})")]
    assert columns[: len(promised)] == promised
    documented = re.search(rf"^\| `{view}` \| `([a-z_ ]+)` \|$", SECTION, re.MULTILINE)
    assert documented is not None
    assert documented[1].split() == columns


def test_every_view_is_documented(reader: sqlite3.Connection) -> None:
    views = {name for (name,) in reader.execute("SELECT name FROM sqlite_master WHERE type = 'view'")}
    assert views == set(re.findall(r"^\| `([a-z_]+_view)` \|", SECTION, re.MULTILINE)) == set(PROMISED)


@pytest.mark.parametrize(("view", "command"), [("ticket_view", ("list", "--all")), ("event_view", ("audit", "list"))])
def test_they_say_what_slactl_says(
    reader: sqlite3.Connection, slactl: Slactl, view: str, command: tuple[str, ...]
) -> None:
    said = {record["id"]: record for record in json.loads(slactl(*command, "--json").out)}
    reader.row_factory = sqlite3.Row
    rows = {row["id"]: dict(row) for row in reader.execute(f"SELECT * FROM {view}")}
    assert set(rows) == set(said)
    for number, row in rows.items():
        for name, value in row.items():
            told = said[number][name]
            if name in ("tags", "detail"):
                value = json.loads(value)
            # One second may pass between the two.
            assert value == told or (name == "overdue_seconds" and abs(value - told) <= 2), (number, name)


def test_they_take_now_from_sqlites_clock(reader: sqlite3.Connection, missed: Path) -> None:
    """A deadline passes, and without a write the views know."""
    query = "SELECT count(*) FROM ticket_view WHERE breached", "SELECT count(*) FROM breach_view"
    assert [reader.execute(each).fetchone()[0] for each in query] == [1, 2]
    with closing(sqlite3.connect(missed, isolation_level=None)) as writer:
        writer.execute("UPDATE timer SET due_at = '2026-01-01T00:00:00Z' WHERE ticket_id = 3 AND kind = 'resolution'")
        writer.execute("UPDATE ticket SET due_at = '2026-01-01T00:00:00Z' WHERE id = 3")
        changes = writer.total_changes
    assert changes == 2
    assert [reader.execute(each).fetchone()[0] for each in query] == [2, 3]
    columns = "at", "open_count", "first_response_breached_count", "resolution_breached_count"
    at, *counts = reader.execute(f"SELECT {', '.join(columns)} FROM summary_view").fetchone()
    assert abs(datetime.fromisoformat(at) - datetime.now(UTC)) < timedelta(seconds=5)
    assert counts == [3, 1, 1]


def test_they_cannot_be_written(reader: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("UPDATE ticket_view SET status = 'closed'")


@pytest.mark.full
def test_the_recipes_for_sqlite3(missed: Path) -> None:
    if shutil.which("sqlite3") is None:
        pytest.skip("sqlite3 is not installed")
    block = blocks("sh")[0]
    late, counted = (_shell(line) for line in block.splitlines() if line.startswith("sqlite3"))
    (row,) = late.splitlines()
    assert row.startswith("1|Printer, on fire|20")
    assert list(csv.DictReader(io.StringIO(counted))) == [
        {"plan": "enterprise", "target": "first_response", "missed": "2"}
    ]


def test_the_statements_of_these_recipes(reader: sqlite3.Connection) -> None:
    """The same without the program."""
    block = blocks("sh")[0]
    late, counted = re.findall(r'"(SELECT [^"]+)"', block)
    assert [row[:2] for row in reader.execute(late)] == [(1, "Printer, on fire")]
    assert reader.execute(counted).fetchall() == [("enterprise", "first_response", 2)]


@pytest.mark.full
def test_the_recipe_for_views_of_your_own(missed: Path, slactl: Slactl, tmp_path: Path) -> None:
    if shutil.which("sqlite3") is None:
        pytest.skip("sqlite3 is not installed")
    slactl("assign", "1", "--to", "mia")
    assert _shell(f"cd {tmp_path}\n{blocks('sh')[1]}") == "billing|1\n"
    assert (tmp_path / "dashboard.db").is_file()
    assert slactl("audit", "verify").code == 0


def test_the_statements_of_this_recipe(missed: Path, slactl: Slactl, tmp_path: Path) -> None:
    """The same without the program."""
    slactl("assign", "1", "--to", "mia")
    *statements, query = blocks("sh")[1].partition("<<END\n")[2].partition("\nEND")[0].split(";\n")
    with closing(sqlite3.connect(tmp_path / "dashboard.db", uri=True)) as connection:
        connection.executescript(";".join(statements).replace("$SLACTL_DB", str(missed)))
        assert connection.execute(query.rstrip(";")).fetchall() == [("billing", 1)]
    assert slactl("audit", "verify").code == 0


def test_the_recipe_for_datasette(reader: sqlite3.Connection) -> None:
    statement = blocks("sql")[0]
    # Datasette runs one statement that begins with SELECT, and makes parameters of `:name`.
    assert re.match(r"select\b", statement.strip(), re.IGNORECASE)
    assert re.findall(r":(\w+)", statement) == ["plan"]
    ((ticket, target, breached_at, hours),) = reader.execute(statement, {"plan": "enterprise"}).fetchall()
    assert (ticket, target) == (1, "first_response")
    assert datetime.fromisoformat(breached_at) < datetime.now(UTC)
    assert hours == pytest.approx(2, abs=0.01)
    assert reader.execute(statement, {"plan": "free"}).fetchall() == []


def test_the_recipe_for_grafana(reader: sqlite3.Connection) -> None:
    now = datetime.now(UTC)
    statement = blocks("sql")[1]
    rows = reader.execute(_as_grafana(statement, now - timedelta(days=7), now)).fetchall()
    assert sum(row[2] for row in rows) == 2
    for time, target, _ in rows:
        assert (time % 86_400, target) == (0, "first_response")
        assert abs(datetime.fromtimestamp(time, UTC) - now) < timedelta(days=2)
    long_ago = now - timedelta(days=700)
    assert reader.execute(_as_grafana(statement, long_ago, long_ago + timedelta(days=7))).fetchall() == []


@pytest.mark.full
def test_the_recipe_for_pandas(missed: Path) -> None:
    pytest.importorskip("pandas")
    (program,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ.copy(), check=True
    )
    assert re.search(r"enterprise +first_response +2 +\d+", done.stdout), done.stdout
    assert done.stderr == ""


def _shell(line: str) -> str:
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=os.environ.copy(), check=True)
    assert done.stderr == ""
    return done.stdout


def _as_grafana(statement: str, since: datetime, until: datetime) -> str:
    """The statement as the SQLite data source of Grafana sends it: times in milliseconds, then its macros.

    A macro takes everything up to the first closing bracket, so that no argument can have one.
    """
    for name, instant in (("$__from", since), ("$__to", until)):
        statement = statement.replace(name, str(int(instant.timestamp()) * 1000))

    def replaced(macro: "re.Match[str]") -> str:
        assert macro[1] == "unixEpochGroupSeconds"
        column, seconds = macro[2].split(",")
        return f"cast(({column} / {int(seconds)}) as int) * {int(seconds)}"

    found: Any = re.sub(r"\$__([_a-zA-Z0-9]+)\(([^)]*)\)", replaced, statement)
    assert "$" not in found
    return str(found)
