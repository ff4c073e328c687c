"""The goals of the real incidents, against arithmetic in SQL on the rows of the file itself.

The SQL reads nothing that slactl wrote: it lays the rows of each incident end to end, and sums how long the clock ran.
"""

import csv
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conftest import Slactl
from escalation_desk import policy, write_rules

INCIDENTS = Path(__file__).parents[2] / "data" / "servicenow_incidents.csv"

#: The target in hours, and the zones of the goals.
HOURS, ZONES = 48, ("UTC", "Europe/Berlin", "America/New_York")

GOAL = """
[[objective]]
name = "{zone} {kind} {number}"
target = "resolution"
goal = "95%"
period = "{kind}"
timezone = "{zone}"
{match}
"""

#: What goals match, and the same as a condition in SQL on the priority of that time.
MATCHES = {
    "": "1",
    'match = { priority = ["high", "urgent"] }': "priority IN ('1 - Critical', '2 - High')",
    'match = { not = { priority = ["low"] } }': "priority <> '4 - Low'",
}

#: How long the clock ran before and after each row, and from when to when it ran on; a pause of the clock is a gap.
ARITHMETIC = """
WITH line AS (
    SELECT number, max(updated, opened) AS at, state, place, priority, opened FROM incident
    UNION ALL SELECT number, opened, 'New', -1, NULL, opened FROM incident GROUP BY number),
lasting AS (
    SELECT *, state IN ('Resolved', 'Closed') AS done, state LIKE 'Awaiting%' AS waits,
        lead(at) OVER one AS next, lag(state) OVER one IN ('Resolved', 'Closed') AS was_done FROM line
    WINDOW one AS (PARTITION BY number ORDER BY at, place)),
running AS (
    SELECT number, at, next - at AS length, coalesce(sum(next - at) OVER (
        PARTITION BY number ORDER BY at, place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
    FROM lasting WHERE NOT done AND NOT waits),
breach AS (
    SELECT number, min(at + :target - before) AS at FROM running
    WHERE before <= :target AND (length IS NULL OR before + length > :target) GROUP BY number),
stop AS (SELECT number, at FROM lasting WHERE done AND was_done IS NOT 1),
judged AS (
    SELECT s.number, s.at, b.at < s.at AS missed, coalesce(min(b.at, s.at), s.at) AS counted FROM stop s
    LEFT JOIN breach b USING (number) WHERE s.at >= :since AND s.at < :until
    UNION ALL SELECT b.number, b.at, 1, b.at FROM breach b WHERE b.at >= :since AND b.at < :until AND NOT EXISTS (
        SELECT 1 FROM stop s WHERE s.number = b.number AND s.at >= b.at AND s.at < :until))
SELECT coalesce(missed, 0) AS missed, (SELECT l.priority FROM line l WHERE l.number = j.number
    AND l.priority IS NOT NULL AND l.at <= j.counted ORDER BY l.at DESC, l.place DESC LIMIT 1) AS priority FROM judged j
"""


def seconds(text: str) -> int:
    return int(datetime.strptime(text, "%d-%m-%Y %H:%M").replace(tzinfo=UTC).timestamp())


@pytest.fixture
def rows() -> Iterator[sqlite3.Connection]:
    """Hold the rows of the file, with their instants as seconds."""
    with sqlite3.connect(":memory:") as connection, INCIDENTS.open(encoding="utf-8") as file:
        connection.execute("CREATE TABLE incident (number, opened, updated, state, priority, place)")
        for place, row in enumerate(csv.DictReader(file)):
            instants = seconds(row["opened_at"]), seconds(row["sys_updated_at"])
            values = row["number"], *instants, row["incident_state"], row["priority"], place
            connection.execute("INSERT INTO incident VALUES (?, ?, ?, ?, ?, ?)", values)
        yield connection
    connection.close()


def bounds(period: str, zone: str) -> dict[str, int]:
    """Return when a period of 2016 begins and ends in a zone."""
    _, _, rest = period.partition("-")
    first, months = date(2016, 1, 1), 12
    if rest.startswith("W"):
        first, months = date.fromisocalendar(2016, int(rest[1:]), 1), 0
    elif rest:
        quarter = rest.startswith("Q")
        first, months = date(2016, int(rest[1:]) * 3 - 2 if quarter else int(rest), 1), 3 if quarter else 1
    past = first.month - 1 + months
    after = date(2016 + past // 12, past % 12 + 1, 1) if months else first + timedelta(days=7)
    midnights = (datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) for day in (first, after))
    return dict(zip(("since", "until"), (int(at.timestamp()) for at in midnights), strict=True))


def counted(rows: sqlite3.Connection, within: dict[str, int], condition: str) -> Counter[int]:
    """Return how many outcomes in a period were kept, 0, and missed, 1."""
    found = rows.execute(f"SELECT missed FROM ({ARITHMETIC}) WHERE {condition}", within | {"target": HOURS * 3600})
    return Counter(missed for (missed,) in found)


PERIODS = (
    *("2016", "2016-Q1", "2016-Q2", "2016-Q3", "2016-Q4"),
    *(f"2016-{month:02d}" for month in range(1, 13)),
    *(f"2016-W{week:02d}" for week in range(8, 18)),
)


def test_a_year_of_real_incidents_gives_the_figures_of_separate_arithmetic(
    desk: Path, slactl: Slactl, rows: sqlite3.Connection
) -> None:
    kinds = ("week", "month", "quarter", "year")
    goals = [
        GOAL.format(zone=zone, kind=kind, number=number, match=match)
        for zone in ZONES
        for kind in kinds
        for number, match in enumerate(MATCHES)
    ]
    write_rules(desk, policy(resolution=f"{HOURS}h"), *goals)
    assert slactl("import", str(INCIDENTS), "--map", "servicenow-log").code == 0
    total = Counter[int]()
    for period in PERIODS:
        found = json.loads(slactl("objectives", "--period", period, "--json").out)
        wanted = [(zone, condition) for zone in ZONES for condition in MATCHES.values()]
        for goal, (zone, condition) in zip(found, wanted, strict=True):
            separate = counted(rows, bounds(period, zone), condition)
            assert (goal["kept"], goal["missed"]) == (separate[0], separate[1]), goal
            total += separate
    assert total[0] > 1000 < total[1]
