"""`check` tells people that a miss used up the margin of a goal: once for each threshold and period."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from escalation_desk import policy, traced, write_rules
from freezegun.api import FrozenDateTimeFactory

Clock = FrozenDateTimeFactory
pytestmark = pytest.mark.usefixtures("clock")

GOAL = """
[roles.boss]
assignee = "max"
[[objective]]
name = "in time"
match = { priority = ["high"] }
target = "resolution"
goal = "80%"
period = "month"
timezone = "Europe/Berlin"
notify = ["boss"]
notify_at = { spare = 1 }
"""

LEVEL = """
[[escalation]]
id = "late"
on = "resolution"
[[escalation.level]]
id = "now"
at = "0m"
notify = ["boss"]
"""


def alerts(desk: Path) -> list[tuple[str, str, str]]:
    with sqlite3.connect(desk) as connection:
        query = "SELECT objective, period, threshold FROM objective_alert ORDER BY id"
        return connection.execute(query).fetchall()


def kept(slactl: Slactl, count: int, day: str) -> None:
    for _ in range(count):
        made = slactl("create", "Kept", "--from", "a@b.example", "--priority", "high", "--at", f"{day}T08:00Z", "-q")
        assert slactl("resolve", made.out.strip(), "--at", f"{day}T09:00Z", "-q").code == 0, made.err


def missed(slactl: Slactl, at: str, priority: str = "high") -> str:
    """Open a ticket that is due four hours after it was opened; return its number."""
    made = slactl("create", "Late", "--from", "a@b.example", "--priority", priority, "--at", at, "-q")
    assert made.code == 0, made.err
    return made.out.strip()


def check(slactl: Slactl, *words: str) -> dict[str, Any]:
    done = slactl("check", "--json", *words)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def told(slactl: Slactl, *words: str) -> list[tuple[list[str], list[str]]]:
    """Return the thresholds that a check tells, and who gets a message."""
    return [(goal["thresholds"], goal["told"]) for goal in check(slactl, *words)["goals"]]


@pytest.fixture
def ten(desk: Path, slactl: Slactl, clock: Clock) -> Path:
    """Make a desk on which ten of ten targets of March were kept: two may be missed."""
    write_rules(desk, policy(resolution="4h"), GOAL)
    clock.move_to("2026-03-10T12:00:00Z")
    kept(slactl, 10, "2026-03-03")
    assert told(slactl) == []
    return desk


def test_a_miss_that_leaves_few_spare_is_told_once_with_its_reasons(ten: Path, slactl: Slactl, clock: Clock) -> None:
    first = missed(slactl, "2026-03-10T07:00Z")
    report = check(slactl)
    assert report["goals"] == [
        {
            **{"objective": "in time", "goal": "80%", "kept": 10, "missed": 1, "spare": 1, "needed": 0},
            **{"period": "2026-03", "thresholds": ["spare 1"], "tickets": [int(first)], "ticket_id": int(first)},
            "told": ["boss"],
        }
    ]
    [message] = report["messages"]
    said = "Goal in time (80%), 2026-03: 1 more miss allowed, 10 of 11 kept; missed by ticket 11"
    assert message.splitlines() == [f"To boss: {said}", f"  {said}"]
    assert alerts(ten) == [("in time", "2026-03", "spare 1")]
    history = slactl("history", first, "--json").out
    assert json.loads(history)[-1]["action"] == "objective.alert"
    second = missed(slactl, "2026-03-10T07:30Z")
    assert told(slactl) == []  # the threshold was told before
    assert slactl("resolve", second, "-q").code == 0
    clock.move_to("2026-03-11T12:00:00Z")
    missed(slactl, "2026-03-11T07:00Z")
    report = check(slactl)
    assert [goal["thresholds"] for goal in report["goals"]] == [["below"]]
    assert "below 80%, 10 of 13 kept, 2 in a row bring it back; missed by tickets 11, 12, 13" in report["messages"][0]
    missed(slactl, "2026-03-11T07:30Z")
    assert told(slactl) == []
    assert slactl("audit", "verify").code == 0


def test_two_thresholds_at_once_are_one_message(ten: Path, slactl: Slactl) -> None:
    for minute in range(3):
        missed(slactl, f"2026-03-10T07:0{minute}Z")
    report = check(slactl)
    assert [goal["thresholds"] for goal in report["goals"]] == [["spare 1", "below"]]
    [message] = report["messages"]
    assert sum("Goal in time" in line for line in message.splitlines()[1:]) == 1
    with sqlite3.connect(ten) as connection:
        assert connection.execute("SELECT recipient, state FROM notification").fetchall() == [("boss", "printed")]


def test_others_tickets_and_the_beginning_of_a_month_tell_nothing(ten: Path, slactl: Slactl, clock: Clock) -> None:
    for _ in range(5):
        missed(slactl, "2026-03-10T07:00Z", "low")
    assert told(slactl) == []
    clock.move_to("2026-04-02T12:00:00Z")
    assert told(slactl) == []
    kept(slactl, 1, "2026-04-02")  # nothing is spare, and nothing was missed
    assert told(slactl) == []
    assert alerts(ten) == []


def test_the_next_period_tells_again_and_the_last_one_until_it_was_checked(
    ten: Path, slactl: Slactl, clock: Clock
) -> None:
    clock.move_to("2026-03-31T21:50:00Z")
    for minute in (1, 2, 3):
        missed(slactl, f"2026-03-31T17:5{minute - 1}Z")
    clock.move_to("2026-03-31T21:51:30Z")
    assert [thresholds for thresholds, _ in told(slactl)] == [["spare 1"]]  # two of three are late
    clock.move_to("2026-03-31T23:00:00Z")  # April in Berlin
    assert [goal["period"] for goal in check(slactl)["goals"]] == ["2026-03"]
    clock.move_to("2026-04-10T12:00:00Z")
    missed(slactl, "2026-04-10T07:00Z")
    assert [goal["period"] for goal in check(slactl)["goals"]] == ["2026-04"]
    assert slactl("create", "Old", "--from", "a@b.example", "--priority", "high", "--at", "2026-02-20T07:00Z").code == 0
    assert told(slactl) == []  # February was over long before
    assert [period for _, period, _ in alerts(ten)] == ["2026-03", "2026-03", "2026-04", "2026-04"]


def test_a_dry_run_shows_it_and_writes_nothing(ten: Path, slactl: Slactl) -> None:
    missed(slactl, "2026-03-10T07:00Z")
    report = check(slactl, "--dry-run")
    assert [(goal["thresholds"], goal["told"]) for goal in report["goals"]] == [(["spare 1"], ["boss"])]
    assert report["notified"] == 1
    assert "goal in time, 2026-03: spare 1 (10 of 11 kept), notifies boss" in slactl("check", "-n").out
    assert alerts(ten) == []
    assert told(slactl) == [(["spare 1"], ["boss"])]


def test_a_baseline_records_it_and_tells_nobody(ten: Path, slactl: Slactl) -> None:
    missed(slactl, "2026-03-10T07:00Z")
    assert told(slactl, "--baseline") == [(["spare 1"], [])]
    missed(slactl, "2026-03-10T07:10Z")
    assert told(slactl) == []
    with sqlite3.connect(ten) as connection:
        assert connection.execute("SELECT COUNT(*) FROM notification").fetchone() == (0,)


def test_undoing_the_miss_does_not_tell_again(ten: Path, slactl: Slactl) -> None:
    number = missed(slactl, "2026-03-10T07:00Z")
    assert told(slactl) == [(["spare 1"], ["boss"])]
    assert slactl("resolve", number, "--at", "2026-03-10T08:00Z", "--reason", "it was").code == 0
    [goal] = json.loads(slactl("objectives", "--json").out)
    assert (goal["missed"], goal["spare"]) == (0, 2)
    missed(slactl, "2026-03-10T07:00Z")
    assert told(slactl) == []


def test_a_late_answer_before_the_check_is_told_although_the_ticket_is_done(ten: Path, slactl: Slactl) -> None:
    number = missed(slactl, "2026-03-10T07:00Z")
    assert slactl("resolve", number, "-q").code == 0
    report = check(slactl)
    assert [goal["told"] for goal in report["goals"]] == [["boss"]]
    assert "Goal in time" in report["messages"][0]


def test_quiet_hours_and_silences_hold_it(desk: Path, slactl: Slactl, clock: Clock) -> None:
    quiet = GOAL.replace('assignee = "max"\n', 'assignee = "max"\nquiet = "00:00-13:00"\ntimezone = "UTC"\n')
    write_rules(desk, policy(resolution="4h"), quiet)
    clock.move_to("2026-03-10T12:00:00Z")
    number = missed(slactl, "2026-03-10T07:00Z")
    report = check(slactl)
    assert (len(report["goals"]), report["messages"]) == (1, [])
    clock.move_to("2026-03-10T13:00:00Z")
    assert slactl("silence", "add", "--ticket", number, "--for", "1h").code == 0
    assert check(slactl)["messages"] == []
    clock.move_to("2026-03-10T14:00:00Z")
    [message] = check(slactl)["messages"]
    assert "below 80%" in message
    assert "held back by silence 1 until now" in message


def test_a_goal_and_many_tickets_are_one_message_that_leaves_out_no_goal(ten: Path, slactl: Slactl) -> None:
    rules = ten.with_name("rules.toml")
    rules.write_text(rules.read_text() + LEVEL)
    assert told(slactl) == []
    missed(slactl, "2026-03-10T07:00Z")
    [message] = check(slactl)["messages"]
    title, goal, ticket = message.splitlines()
    assert title == "To boss: 1 ticket and 1 goal need attention: ticket 11, high: Resolution overdue by 1h"
    assert goal == "  Goal in time (80%), 2026-03: 1 more miss allowed, 10 of 11 kept; missed by ticket 11"
    assert ticket.startswith("  ticket 11: Resolution overdue by 1h; high, ")
    for _ in range(25):
        missed(slactl, "2026-03-10T07:30Z")
    title, goal, *tickets, rest = check(slactl)["messages"][0].splitlines()
    assert title.startswith("To boss: 25 tickets and 1 goal need attention: ticket 12, high: ")
    assert goal.startswith("  Goal in time (80%), 2026-03: below 80%, 10 of 36 kept, ")
    assert (len(tickets), rest) == (20, "  and 5 more tickets")


def test_templates_are_for_tickets_and_hide_no_goal(ten: Path, slactl: Slactl) -> None:
    rules = ten.with_name("rules.toml")
    own = '[templates]\ntitle = "{{ count }} for you"\nbody = "#{{ id }} is late"\n'
    rules.write_text(rules.read_text() + own)
    missed(slactl, "2026-03-10T07:00Z")
    goal = "Goal in time (80%), 2026-03: 1 more miss allowed, 10 of 11 kept; missed by ticket 11"
    assert check(slactl)["messages"] == [f"To boss: {goal}\n  {goal}"]
    rules.write_text(rules.read_text() + LEVEL)
    assert told(slactl) == []
    for _ in range(2):
        missed(slactl, "2026-03-10T07:30Z")
    title, goal, *tickets = check(slactl)["messages"][0].splitlines()
    assert title == "To boss: 3 for you"
    assert goal.startswith("  Goal in time (80%), 2026-03: below 80%")
    assert tickets == ["  #12 is late", "  #13 is late"]


def test_a_check_counts_goals_once_however_many_tickets_are_late(
    ten: Path, slactl: Slactl, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = ten.with_name("rules.toml")
    second = GOAL.partition("[[objective]]")[2].replace("in time", "some of them").replace("80%", "2%")
    rules.write_text(f"{rules.read_text()}\n[[objective]]{second}")
    statements, counts = traced(monkeypatch), []
    for day, number in (("10", 5), ("11", 250)):
        created = {"at": f"2026-03-{day}T07:00:00Z", "type": "created", "priority": "high"}
        lines = "".join(json.dumps({"ticket": f"{day}-{place}", **created}) + "\n" for place in range(number))
        clock.move_to(f"2026-03-{day}T12:00:00Z")
        assert slactl("import", "-", stdin=lines).code == 0
        statements.clear()
        assert check(slactl)["breached"] == number
        counts.append(sum("NOT o.late" in statement for statement in statements))
    assert counts == [2, 2]  # once for the messages, once for the figures that SQL reads


def test_several_goals_are_one_message(ten: Path, slactl: Slactl) -> None:
    rules = ten.with_name("rules.toml")
    second = GOAL.partition("[[objective]]")[2].replace("in time", "all of them").replace("80%", "100%")
    rules.write_text(f"{rules.read_text()}\n[[objective]]{second}")
    missed(slactl, "2026-03-10T07:00Z")
    [message] = check(slactl)["messages"]
    title, first, other = message.splitlines()
    assert title == f"To boss: 2 goals need attention: goal{first[6:]}"
    assert first.startswith("  Goal in time (80%)")
    assert other == (
        "  Goal all of them (100%), 2026-03: below 100%, 10 of 11 kept, out of reach in this period; "
        "missed by ticket 11"
    )


def test_a_goal_that_cannot_be_judged_keeps_no_level_from_firing(ten: Path, slactl: Slactl) -> None:
    rules = ten.with_name("rules.toml")
    by_tag = rules.read_text().replace('["high"] }', '["high"], not = { tag = ["test"] } }')
    rules.write_text(by_tag + LEVEL)
    assert told(slactl) == []
    number = missed(slactl, "2026-03-10T07:00Z")
    with sqlite3.connect(ten) as connection:
        connection.execute("UPDATE outcome SET tags = '7' WHERE ticket_id = 1")
    done = slactl("check")
    assert (done.code, "error: goals: " in done.err) == (7, True), done.err
    with sqlite3.connect(ten) as connection:
        assert connection.execute("SELECT ticket_id, level FROM escalation").fetchall() == [(int(number), "now")]
    assert alerts(ten) == []
