"""Whatever period is asked for, the sums give the same figures as each ticket, timer and outcome looked at alone."""

import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_figures import difference_now, differences_in

from slactl.__main__ import run
from slactl.clock import from_text, now, to_text
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
@settings(max_examples=80, deadline=None)
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
