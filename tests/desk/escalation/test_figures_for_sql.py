"""Each `check` fills the views that SQL cannot compute: goals, and who is on call; and outcomes agree with goals."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from escalation_desk import policy, write_rules
from freezegun.api import FrozenDateTimeFactory

Clock = FrozenDateTimeFactory
pytestmark = pytest.mark.usefixtures("clock")

RULES = """
[people.ann]
[people.ben]
[schedules.days]
timezone = "UTC"
[[schedules.days.layer]]
people = ["ann", "ben"]
rotate = "1d"
from = "2026-03-02 00:00"
[[objective]]
name = "in time"
target = "resolution"
goal = "75%"
period = "month"
credits = [{ below = "75%", percent = 5 }]
"""


def rows(desk: Path, query: str) -> list[dict[str, Any]]:
    with sqlite3.connect(f"{desk.as_uri()}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


def said(slactl: Slactl, *words: str) -> Any:  # noqa: ANN401  (JSON)
    return json.loads(slactl(*words, "--json").out)


@pytest.fixture
def goals(desk: Path, slactl: Slactl, clock: Clock) -> Path:
    write_rules(desk, policy(resolution="4h"), RULES)
    clock.move_to("2026-03-10T12:00:00Z")
    for hour, resolved in ((6, 8), (7, None), (5, 11), (10, None)):
        made = slactl("create", "x", "--from", "a@b.example", "--at", f"2026-03-10T{hour:02d}:00Z", "-q")
        if resolved:
            slactl("resolve", made.out.strip(), "--at", f"2026-03-10T{resolved:02d}:00Z", "-q")
    return desk


def test_they_say_what_the_commands_say_and_when(goals: Path, slactl: Slactl, clock: Clock) -> None:
    assert rows(goals, "SELECT * FROM objective_view UNION ALL SELECT *, 1, 1, 1, 1, 1, 1 FROM oncall_view") == []
    for at in ("2026-03-10T12:00:00Z", "2026-03-11T12:01:00Z", "2026-03-12T12:02:00Z"):  # the last two have nothing due
        clock.move_to(at)
        assert slactl("check", "-q").code == 0
        [goal] = rows(goals, "SELECT * FROM objective_view")
        [record] = said(slactl, "objectives")
        assert goal == {name: value for name, value in record.items() if name != "group"} | {"as_of": at}
        [duty] = rows(goals, "SELECT * FROM oncall_view")
        assert duty == said(slactl, "oncall")[0] | {"as_of": at}
    assert (goal["kept"], goal["missed"]) == (1, 3)


def test_they_are_empty_when_the_rules_have_none_any_more(goals: Path, slactl: Slactl) -> None:
    slactl("check", "-q")
    write_rules(goals, policy(resolution="4h"))
    assert slactl("check", "-q").code == 0
    assert rows(goals, "SELECT name FROM objective_view UNION ALL SELECT schedule FROM oncall_view") == []


def test_a_dry_run_and_invalid_rules_leave_them_as_they_are(goals: Path, slactl: Slactl, clock: Clock) -> None:
    slactl("check", "-n")
    assert rows(goals, "SELECT * FROM objective_view") == []
    slactl("check", "-q")
    goals.with_name("rules.toml").write_text("nonsense = 1")
    clock.move_to("2026-03-10T12:05:00Z")
    assert slactl("check", "-q").code == 4
    [goal] = rows(goals, "SELECT * FROM objective_view")
    assert goal["as_of"] == "2026-03-10T12:05:00Z"  # by the last valid rules


def test_outcomes_sum_up_to_the_goals(goals: Path, slactl: Slactl) -> None:
    query = """SELECT SUM(kept) AS kept, SUM(NOT kept) AS missed FROM outcome_view
    WHERE target = 'resolution' AND at >= '2026-03-01T00:00:00Z' AND at < '2026-04-01T00:00:00Z'"""
    [found] = rows(goals, query)  # by SQLite's own clock, by which every open ticket is late
    slactl("check", "-q")
    assert (found["kept"], found["missed"]) == (1, 3)
    assert rows(goals, query) == [found]
