"""Whatever period is asked for, the sums give the same figures as each ticket, timer and outcome looked at alone."""

import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_desks import CHANGES
from slow_figures import difference_now, differences_in, is_in, outcomes

from slactl.__main__ import run
from slactl.clock import from_text, now, to_text
from slactl.desk.reports.trends import _Local, busiest_hours, trend
from slactl.sla.enums import Target
from slactl.store.read.outcomes import Period
from slactl.store.schema.sums import shortest_of, size_of

GENERATOR = Path(__file__).parents[1] / "bench" / "generate_history.py"

#: What people do on the desk after its import; each is one command.
WORK = (
    "check --no-send -q",
    f"reopen {' '.join(map(str, range(1, 80)))}",
    f"resolve {' '.join(map(str, range(6, 80)))}",
    *(f"resolve {number}" for number in (1, 2, 3)),
    "undo",
    "reopen 3",
    "resolve 3",
    *(f"escalate {number} --reason late --priority urgent --no-notify" for number in (4, 5, 7)),
    "undo",
    *(f"create Open --from ann@example.com --priority {priority}" for priority in ("low", "urgent")),
    "create Paused --from ann@example.com --plan enterprise --priority urgent",
    "status 93 pending --until 'in 5h'",
    "status 92 pending",
    "reply 91 --no-body --at '1h ago' --reason backdated",
    "due 91 --target resolution --at 'in 3h' --reason agreed",
)


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    folder = tmp_path_factory.mktemp("summed")
    history = folder / "history.jsonl"
    history.write_bytes(subprocess.check_output([sys.executable, str(GENERATOR), "90"]))
    options = ["--db", str(folder / "slactl.db"), "--rules", str(folder / "rules.toml"), "--actor", "ann"]
    assert run([*options, "init"]) == run([*options, "import", str(history)]) == 0
    for words in WORK:
        run([*options, *shlex.split(words)])
    with closing(sqlite3.connect(folder / "slactl.db")) as connection:
        names = ("reopened_at", "escalated_at", "late_since")
        of_spans = f"SELECT MAX(resolutions), {', '.join(f'COUNT({name})' for name in names)} FROM outcome_span"
        most, *counts = connection.execute(of_spans).fetchone()
        assert most > 1
        assert min(counts) > 0, counts
        waking = "SELECT COUNT(wakes_at), (SELECT SUM(paused) FROM open_count) FROM ticket"
        assert min(connection.execute(waking).fetchone()) > 0
        yield connection


def bounds(connection: sqlite3.Connection) -> st.SearchStrategy[str | None]:
    """Instants at, before and after those of outcomes, and the beginnings of their days; or none."""
    query = "SELECT stopped_at FROM outcome UNION SELECT late_since FROM outcome UNION SELECT due_at FROM timer"
    instants = sorted(at for (at,) in connection.execute(query) if at is not None)
    near = st.builds(lambda at, by: to_text(from_text(at) + by), st.sampled_from(instants), st.sampled_from(STEPS))
    return st.none() | near | near.map(lambda at: f"{at[:10]}T00:00:00Z")


STEPS = [timedelta(), timedelta(seconds=1), timedelta(seconds=-1), timedelta(hours=7), timedelta(days=1)]


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_sums_give_the_figures_of_any_period(worked: sqlite3.Connection, data: st.DataObject) -> None:
    later = data.draw(st.sampled_from([timedelta(), timedelta(hours=6), timedelta(days=4)]))
    at, one = to_text(now() + later), bounds(worked)
    since, until = data.draw(one), data.draw(one)
    if since is not None and data.draw(st.booleans()):  # a short period around one outcome
        until = to_text(from_text(since) + timedelta(seconds=2))
    if since is not None and until is not None and until < since:
        since, until = until, since
    assert list(differences_in(worked, Period(at, since, until))) == []
    assert list(difference_now(worked, at)) == []


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_classes_of_business_times_are_in_their_order(one: int, two: int) -> None:
    assert (size_of(one) <= size_of(two)) or one > two
    assert size_of(shortest_of(size_of(one))) == size_of(one)
    assert shortest_of(size_of(one)) <= one


@pytest.mark.parametrize(("name", "change"), [(name, change) for name, change in CHANGES if change > "1990"])
def test_stretches_have_each_quarter_of_an_hour_at_its_local_date_and_hour(name: str, change: str) -> None:
    local, first = _Local(ZoneInfo(name)), datetime.fromisoformat(change).replace(tzinfo=UTC) - timedelta(days=3)
    bounds = [to_text(first), to_text(first + timedelta(days=6))]
    dates, hours = local.dates(bounds), local.hours(bounds)
    for quarter in range(6 * 96):
        at = first.replace(hour=0, minute=0) + timedelta(minutes=15 * quarter)
        wall = at.astimezone(ZoneInfo(name))
        for minute in (0, 14):
            instant = to_text(at + timedelta(minutes=minute))
            assert [date for since, until, date in dates if since <= instant < until] == [wall.toordinal()]
            hour = wall.weekday() * 24 + wall.hour
            assert [place for since, until, place in hours if since <= instant < until] == [hour]


@given(data=st.data(), name=st.sampled_from(sorted({name for name, _ in CHANGES})))
@settings(max_examples=15, deadline=None)
def test_trends_count_what_each_ticket_and_outcome_says(
    worked: sqlite3.Connection, data: st.DataObject, name: str
) -> None:
    at, one, zone = to_text(now()), bounds(worked), ZoneInfo(name)
    since, until = data.draw(one), data.draw(one)
    if since is not None and until is not None and until < since:
        since, until = until, since
    period = Period(at, since, until)

    def wall(instant: str) -> datetime:
        known = from_text(instant)
        return known.replace(minute=known.minute // 15 * 15, second=0).astimezone(zone)

    opened = [wall(at) for (at,) in worked.execute("SELECT created_at FROM ticket") if is_in(at, period)]
    rows = list(outcomes(worked, period))
    found = trend(worked, period, zone)["steps"]
    for kind in Target:
        of_kind = [row for row in rows if row["kind"] == kind]
        met = [row for row in of_kind if not row["late"]]
        assert sum(step[f"{kind}_met_count"] for step in found) == len(met)  # type: ignore[literal-required]
        missed = len(of_kind) - len(met)
        assert sum(step[f"{kind}_breached_count"] for step in found) == missed  # type: ignore[literal-required]
        for step in found if trend(worked, period, zone)["unit"] == "day" else ():
            on_day = [row for row in met if wall(row["stopped_at"]).date().isoformat() == step["start"]]
            assert step[f"{kind}_met_count"] == len(on_day)  # type: ignore[literal-required]
    assert sum(step["opened_count"] for step in found) == len(opened)
    week = [[0] * 24 for _ in range(7)]
    for instant in opened:
        week[instant.weekday()][instant.hour] += 1
    assert busiest_hours(worked, period, zone) == week
