"""`check`: what is due fires once, in one transaction with all that belongs to it; and what stops it does not stop."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

LADDER = """
[[escalation]]
id = "ladder"
on = "resolution"
  [[escalation.level]]
  id = "warn"
  at = "80%"
  notify = ["support_manager"]
  [[escalation.level]]
  id = "breach"
  at = "0m"
  priority = "high"
  notify = ["support_manager"]
  [[escalation.level]]
  id = "manager"
  at = "+1h"
  priority = "urgent"
  assign = "support_manager"
  note = "Taken over by the manager."
  tag = ["sla-escalated"]
  notify = ["support_manager", "previous_assignee"]
"""


pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def rules(desk: Path) -> Path:
    return desk.with_name("rules.toml")


@pytest.fixture
def ladder(rules: Path, slactl: Slactl) -> Path:
    """Rules whose only ladder watches resolution, in three steps."""
    text = rules.read_text()
    rules.write_text(text[: text.index("[[escalation]]")] + LADDER)
    assert slactl("rules", "check").code == 0
    return rules


def opened(slactl: Slactl, *options: str) -> str:
    made = slactl("create", "Printer on fire", "--from", "ann@example.com", "--assignee", "mia", *options)
    assert made.code == 0, made.err
    return made.out.strip()


def report(slactl: Slactl, *options: str, code: int = 0) -> dict[str, Any]:
    result = slactl("check", "--json", *options)
    assert result.code == code, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def rows(desk: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(desk) as connection:
        return connection.execute(query).fetchall()


def test_a_level_writes_its_change_its_event_its_record_and_its_message_together(
    ladder: Path, desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-09T10:00:00Z")
    found = report(slactl)
    assert [(f["level"], f["outcome"]) for f in found["firings"]] == [
        ("warn", "expired"),
        ("breach", "fired"),
        ("manager", "fired"),
    ]
    ticket = json.loads(slactl("show", number, "--json").out)
    assert (ticket["priority"], ticket["assignee"], ticket["tags"]) == ("urgent", "support-manager", ["sla-escalated"])
    assert [message["body"] for message in ticket["messages"]] == ["Taken over by the manager."]
    assert [(e["from_priority"], e["to_priority"]) for e in ticket["escalations"][1:]] == [
        ("normal", "high"),
        ("high", "urgent"),
    ]
    assert [(e["due_at"], e["fired_at"]) for e in ticket["escalations"][1:]] == [
        ("2026-03-09T09:00:00Z", "2026-03-09T10:00:00Z"),
        ("2026-03-09T10:00:00Z", "2026-03-09T10:00:00Z"),
    ]
    assert ticket["escalation_level"] == 2
    told = rows(desk, "SELECT e.level, n.recipient FROM notification n JOIN escalation e ON e.id = n.escalation_id")
    assert ("manager", "mia") in told  # the previous assignee
    assert ("warn", "support_manager") not in told


def test_a_dry_run_lists_exactly_what_the_run_then_does(
    ladder: Path, desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    for _ in range(3):
        opened(slactl)
    clock.move_to("2026-03-09T12:00:00Z")
    before = rows(desk, "SELECT count(*) FROM event")
    dry = report(slactl, "--dry-run")
    assert rows(desk, "SELECT count(*) FROM event") == before
    assert rows(desk, "SELECT count(*) FROM run") == [(0,)]
    real = report(slactl)
    own = ("id", "run_id", "fired_at")
    assert [{k: v for k, v in f.items() if k not in own} for f in dry["firings"]] == [
        {k: v for k, v in f.items() if k not in own} for f in real["firings"]
    ]
    assert {f["id"] for f in dry["firings"]} == {None}
    assert (dry["breached"], dry["escalated"]) == (real["breached"], real["escalated"])


def test_a_dry_run_can_look_ahead_and_a_real_one_cannot(desk: Path, slactl: Slactl) -> None:
    opened(slactl)
    assert report(slactl, "--dry-run", "--at", "2026-03-10T10:00:00Z")["escalated"] > 0
    assert report(slactl)["escalated"] == 0
    assert slactl("check", "--at", "in 2h").code == 2


def test_warnings_are_inclusive_and_the_deadline_is_not(
    ladder: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    opened(slactl)
    clock.move_to("2026-03-07T23:23:59Z")
    assert report(slactl)["escalated"] == 0
    clock.move_to("2026-03-07T23:24:00Z")  # 80 % of 7 days
    assert [f["level"] for f in report(slactl)["firings"]] == ["warn"]
    clock.move_to("2026-03-09T09:00:00Z")
    assert report(slactl)["firings"] == []
    clock.move_to("2026-03-09T09:00:01Z")
    assert [f["level"] for f in report(slactl)["firings"]] == ["breach"]


def test_each_run_leaves_one_row_and_an_idle_one_writes_nothing_else(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    opened(slactl)
    slactl("check")
    before = rows(desk, "SELECT (SELECT count(*) FROM event), (SELECT max(version) FROM ticket)")
    found = report(slactl)
    assert found["run_id"] == 2
    assert rows(desk, "SELECT (SELECT count(*) FROM event), (SELECT max(version) FROM ticket)") == before
    listed = json.loads(slactl("runs", "list", "--json").out)
    assert [run["id"] for run in listed] == [2, 1]
    assert json.loads(slactl("runs", "show", "2", "--json").out)["exit_code"] == 0
    assert slactl("runs", "show", "99").code == 3


def test_broken_rules_do_not_stop_the_night(
    desk: Path, rules: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    opened(slactl)
    slactl("check")
    rules.write_text(rules.read_text().replace('at = "0m"', 'at = "soon"'))
    clock.move_to("2026-03-05T09:00:00Z")
    night = slactl("check", "--json")
    assert night.code == 4
    assert json.loads(night.out)["escalated"] == 1
    assert "soon" in night.err
    assert "rules.toml:" in night.err
    again = slactl("check", "-q")
    assert (again.code, json.loads(slactl("check", "--json").out)["firings"]) == (4, [])
    assert slactl("create", "Another", "--from", "ann@example.com").code == 4
    assert slactl("reply", "1", "--no-body").code == 0


def test_a_rule_that_is_new_wakes_nobody_for_the_past(
    desk: Path, rules: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    text = rules.read_text()
    rules.write_text(text[: text.index("[[escalation]]")])
    opened(slactl)
    clock.move_to("2026-03-05T09:00:00Z")
    assert report(slactl)["firings"] == []
    rules.write_text(text)
    found = report(slactl)
    assert [(f["level"], f["outcome"]) for f in found["firings"]] == [("breach", "baseline")]
    assert found["notified"] == 0
    later = opened(slactl)
    clock.move_to("2026-03-07T09:00:01Z")
    assert [(f["ticket_id"], f["outcome"]) for f in report(slactl)["firings"]] == [(int(later), "fired")]


def test_baseline_records_without_firing(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-05T09:00:00Z")
    found = report(slactl, "--baseline")
    assert [(f["outcome"]) for f in found["firings"]] == ["baseline"]
    assert (found["breached"], found["escalated"], found["notified"]) == (1, 0, 0)
    assert json.loads(slactl("show", number, "--json").out)["priority"] == "normal"
    assert report(slactl)["firings"] == []


def test_a_ticket_that_cannot_be_judged_does_not_stop_the_others(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    broken, sound = opened(slactl), opened(slactl)
    with sqlite3.connect(desk) as connection:
        connection.execute("DROP TRIGGER event_never_changes")
        connection.execute("UPDATE event SET detail = json_set(detail, '$.rules', 'gone') WHERE ticket_id = 1")
    clock.move_to("2026-03-05T09:00:00Z")
    result = slactl("check", "--json")
    found = json.loads(result.out)
    assert (result.code, found["failed"]) == (7, 1)
    assert [f["ticket_id"] for f in found["firings"]] == [int(sound)]
    assert f"ticket {broken}" in result.err
    assert report(slactl)["failed"] == 0  # an hour later, not at once
    clock.move_to("2026-03-05T10:00:00Z")
    assert report(slactl, code=7)["failed"] == 1


def test_a_message_without_an_address_is_printed_and_kept(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-05T09:00:00Z")
    shown = slactl("check")
    assert "To support_manager" in shown.out
    assert f"ticket {number}" in shown.out
    assert "Printer on fire" not in shown.out  # no word of a customer
    listed = json.loads(slactl("notifications", "list", "--json").out)
    assert [(message["recipient"], message["state"]) for message in listed] == [("support_manager", "printed")]
    assert slactl("check", "-q").out == ""


def test_no_send_leaves_messages_waiting(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    opened(slactl)
    clock.move_to("2026-03-05T09:00:00Z")
    assert report(slactl, "--no-send")["notified"] == 0
    assert json.loads(slactl("notifications", "list", "--json").out)[0]["state"] == "waiting"
    assert report(slactl)["notified"] == 1


def test_a_message_about_a_ticket_that_was_resolved_meanwhile_is_obsolete(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-05T09:00:00Z")
    report(slactl, "--no-send")
    slactl("resolve", number)
    assert report(slactl)["notified"] == 0
    assert json.loads(slactl("notifications", "list", "--json").out)[0]["state"] == "obsolete"


def test_exit_code_10_only_when_something_fired(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    opened(slactl)
    assert slactl("check", "--exit-code").code == 0
    clock.move_to("2026-03-05T09:00:00Z")
    assert slactl("check", "--exit-code", "--dry-run").code == 10
    assert slactl("check", "--exit-code").code == 10
    assert slactl("check", "--exit-code").code == 0
    assert slactl("list", "--exit-code").code == 10
    assert slactl("list").code == 0


def test_nothing_fires_for_a_paused_clock_and_everything_after_it(
    ladder: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-09T08:00:00Z")
    slactl("reply", number, "--no-body")  # the customer has the ball, one hour before the deadline
    clock.move_to("2026-03-20T08:00:00Z")
    assert report(slactl)["escalated"] == 0
    slactl("receive", number)
    clock.move_to("2026-03-20T09:00:01Z")
    fired = [f for f in report(slactl)["firings"] if f["outcome"] == "fired"]
    assert [(f["level"], f["due_at"]) for f in fired] == [("breach", "2026-03-20T09:00:00Z")]


def test_six_hours_without_cron_give_each_person_one_message(
    ladder: Path, desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    opened(slactl)
    clock.move_to("2026-03-09T15:00:00Z")
    report(slactl)
    told = rows(desk, "SELECT recipient, count(*) FROM notification GROUP BY recipient ORDER BY recipient")
    assert told == [("mia", 1), ("support_manager", 1)]
