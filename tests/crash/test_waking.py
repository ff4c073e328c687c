"""A check that is killed anywhere: each status that ended by itself is recorded exactly once in the end."""

import signal
import sqlite3
from contextlib import closing

import pytest
from crash_desk import desk_copy, settings
from forked import NOON, Trouble, run
from invariants import content, violations

#: Tickets whose status ends before noon, by the clock of the processes that are killed.
WAITING = "".join(
    f'{{"ticket": "W-{number}", "at": "2026-03-02T09:00:00Z", "type": "created"}}\n'
    f'{{"ticket": "W-{number}", "at": "2026-03-02T09:10:00Z", "type": "status", "status": "pending",'
    f' "until": "2026-03-02T11:{number:02}:00Z"}}\n'
    for number in range(20)
)


@pytest.mark.full
def test_a_check_that_is_killed_anywhere_leaves_each_end_recorded_once() -> None:
    with desk_copy() as usual:
        run(*settings(usual), "import", "-", stdin=WAITING)
        whole = run(*settings(usual), "check")
        assert whole.code == 0, whole.err
        wanted = content(usual / "slactl.db")
    killed = 0
    for place in range(0, len(whole.operations), max(1, len(whole.operations) // 25)):
        with desk_copy() as folder:
            run(*settings(folder), "import", "-", stdin=WAITING)
            killed += run(*settings(folder), "check", trouble=Trouble(place)).code == -signal.SIGKILL
            assert violations(folder / "slactl.db", NOON, all_told=False) == []
            assert run(*settings(folder), "check").code == 0
            assert content(folder / "slactl.db") == wanted
            with closing(sqlite3.connect(folder / "slactl.db")) as connection:
                query = "SELECT ticket_id, count(*) FROM event WHERE detail LIKE '%by_itself%' GROUP BY ticket_id"
                assert [number for _, number in connection.execute(query)] == [1] * 20
    assert killed > 15
