"""A check that is killed anywhere, and two at once: each threshold of a goal is told exactly once in the end."""

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from crash_desk import GOALS, desk_copy, settings
from forked import NOON, Trouble, run, start, words
from invariants import content_without_changes, violations

#: Tickets that are late at noon, by the clock of the processes that are killed.
LATE = "".join(
    f'{{"ticket": "G-{number}", "at": "2026-03-02T0{number % 4 + 1}:00:00Z", "type": "created"}}\n'
    for number in range(20)
)


@contextmanager
def late_desk() -> Iterator[Path]:
    with desk_copy() as folder:
        with (folder / "rules.toml").open("a") as rules:
            rules.write(GOALS)
        assert run(*settings(folder), "import", "-", stdin=LATE).code == 0
        yield folder


def told(folder: Path) -> tuple[list[str], list[tuple[str, str, int]]]:
    """Return the thresholds that were told, and how many messages each goal sent to each recipient."""
    with closing(sqlite3.connect(folder / "slactl.db")) as connection:
        alerts = connection.execute("SELECT objective || ' ' || period || ' ' || threshold FROM objective_alert")
        messages = connection.execute("""SELECT json_extract(e.detail, '$.objective'), n.recipient, count(*)
            FROM notification n JOIN event e ON e.id = n.event_id WHERE e.action = 'objective.alert' GROUP BY 1, 2""")
        return sorted(each for (each,) in alerts), sorted(messages)


ONCE = (
    ["answers 2026-03 below", "answers 2026-03 spare 3", "solutions 2026-W10 below"],
    [("answers", "boss", 1), ("answers", "desk", 1), ("solutions", "writer", 1)],
)


def patient() -> None:
    """Let no batch end because it takes long: where batches end decides in which order the log has its events."""
    import slactl.desk.escalation.scan

    slactl.desk.escalation.scan.WORK = 60.0


@pytest.mark.parametrize("step", [40, pytest.param(1, marks=[pytest.mark.full, pytest.mark.timeout(1800)])])
def test_a_check_that_is_killed_anywhere_tells_each_threshold_once(step: int) -> None:
    with late_desk() as usual:
        whole = run(*settings(usual), "check", before=patient)
        assert whole.code == 0, whole.err
        wanted = content_without_changes(usual / "slactl.db")
        assert told(usual) == ONCE
    killed = 0
    for place in range(0, len(whole.operations), step):
        with late_desk() as folder:
            killed += run(*settings(folder), "check", before=patient, trouble=Trouble(place)).code == -signal.SIGKILL
            assert violations(folder / "slactl.db", NOON, all_told=False) == []
            again = run(*settings(folder), "check", "--json", before=patient)
            assert again.code == 0, again.err
            assert told(folder) == ONCE
            assert content_without_changes(folder / "slactl.db") == wanted
    assert killed > 3


def test_two_checks_at_once_tell_each_threshold_once() -> None:
    with late_desk() as folder:
        children = [start(*settings(folder), "check", "-q") for _ in range(4)]
        ended = [child.wait() for child in children]
        assert told(folder) == ONCE
        assert {each.code for each in ended} <= {0, 7, 75}, words(ended)
        assert run(*settings(folder), "check").code == 0
        assert told(folder) == ONCE
        assert json.loads(run(*settings(folder), "check", "--json").out)["goals"] == []
