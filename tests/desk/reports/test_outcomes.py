"""What counts in the reports of two weeks: office hours in Berlin, 09 to 17 from Monday to Friday, clocks in UTC+1."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun import freeze_time

RULES = """
schema = 1
[settings]
default_plan = "free"
[calendars.office]
timezone = "Europe/Berlin"
[calendars.office.weekly]
mon-fri = ["09:00-17:00"]
[[policy]]
name = "gold"
match = { tag = ["gold"] }
calendar = "office"
[policy.targets]
default = { first_response = "1h", resolution = "4h" }
[[policy]]
name = "all"
calendar = "office"
[policy.targets]
urgent = { first_response = "1h", resolution = "2h" }
default = { first_response = "8h", resolution = "3bd" }
[roles.lead]
[[escalation]]
id = "first"
on = "first_response"
  [[escalation.level]]
  id = "warn"
  at = "50%"
  notify = ["lead"]
  [[escalation.level]]
  id = "late"
  at = "+1h"
  notify = ["lead"]
"""

#: Two weeks, as periods.
FIRST = ("--since", "2026-03-02", "--until", "2026-03-09")
SECOND = ("--since", "2026-03-09", "--until", "2026-03-16")

Figures = dict[str, Any]


class Desk:
    """Say what happens when, and read the figures of a period."""

    def __init__(self, slactl: Slactl) -> None:
        self.slactl = slactl

    def at(self, day: int, clock: str, *words: str) -> None:
        """Run a command at a time of Berlin in March."""
        with freeze_time(f"2026-03-{day:02d}T{clock}+01:00"):
            result = self.slactl(*words)
        assert result.code == 0, result.err

    def create(self, day: int, clock: str, *options: str) -> None:
        self.at(day, clock, "create", "Printer on fire", "--from", "ann@example.com", *options)

    def report(self, *options: str, at: str = "2026-03-31T12:00:00Z") -> Figures:
        with freeze_time(at):
            record: Figures = json.loads(self.slactl("report", "--json", *options).out)
        return record

    def counts(self, target: str, *options: str, at: str = "2026-03-31T12:00:00Z") -> tuple[int, int]:
        """Return how many outcomes of a target were met and missed."""
        [found] = [each for each in self.report(*options, at=at)["targets"] if each["target"] == target]
        return found["met_count"], found["breached_count"]


@pytest.fixture
def berlin(desk: Path, slactl: Slactl) -> Desk:
    desk.with_name("rules.toml").write_text(RULES, encoding="utf-8")
    return Desk(slactl)


def test_deadline_set_by_hand_met_then_reopened_stays_met(berlin: Desk, slactl: Slactl) -> None:
    berlin.create(2, "09:00")
    berlin.at(2, "09:10", "due", "1", "--target", "resolution", "--at", "2026-03-02T13:00+01:00", "--reason", "agreed")
    berlin.at(2, "12:00", "resolve", "1")
    week = ("--since", "2026-03-01", "--until", "2026-03-05")
    before = berlin.report(*week, at="2026-03-05T00:00:00Z")
    assert berlin.counts("resolution", *week) == (1, 0)
    berlin.at(5, "09:06", "receive", "1")
    with freeze_time("2026-03-05T09:06:00+01:00"):
        [ticket] = json.loads(slactl("list", "--json").out)
    assert (ticket["resolution_due_at"], ticket["resolution_state"]) == ("2026-03-05T09:06:00Z", "running")
    # Now it is missed: an hour after 10:06 in Berlin it is late, in its own week.
    berlin.at(5, "11:06", "resolve", "1")
    assert berlin.report(*week) == {**before, "at": "2026-03-31T12:00:00Z"}
    assert berlin.counts("resolution", "--since", "2026-03-05", "--until", "2026-03-06") == (0, 1)


def test_met_resolution_stays_met_when_the_ticket_is_reopened_later(berlin: Desk) -> None:
    berlin.create(2, "09:00")
    berlin.at(3, "10:00", "reply", "1", "--no-body", "--status", "open")
    berlin.at(4, "10:00", "resolve", "1")
    before = berlin.report(*FIRST, at="2026-03-09T00:00:00Z")
    assert berlin.counts("resolution", *FIRST) == (1, 0)
    berlin.at(10, "09:00", "receive", "1", "--body", "Still on fire")
    berlin.at(13, "16:00", "resolve", "1")
    assert berlin.report(*FIRST) == {**before, "at": "2026-03-31T12:00:00Z"}
    assert berlin.counts("resolution", *SECOND) == (0, 1)
    # The deadline passed and the clock stopped in the second week. In both weeks, a resolution and a miss.
    assert berlin.counts("resolution", "--since", "2026-03-02", "--until", "2026-03-16") == (1, 1)


def test_deadline_and_the_late_stop_are_one_miss_in_each_period(berlin: Desk) -> None:
    berlin.create(6, "09:00", "--tag", "gold")
    assert berlin.counts("first_response", *FIRST) == (0, 1)  # nothing is written yet: the timer tells it
    berlin.at(6, "12:00", "check", "-q")
    assert berlin.counts("first_response", *FIRST) == (0, 1)
    berlin.at(9, "09:30", "reply", "1", "--no-body", "--status", "open")
    assert berlin.counts("first_response", *FIRST) == (0, 1)
    assert berlin.counts("first_response", *SECOND) == (0, 1)
    assert berlin.counts("first_response", "--since", "2026-03-02", "--until", "2026-03-16") == (0, 1)
    [target] = [each for each in berlin.report(*FIRST)["targets"] if each["target"] == "first_response"]
    assert (target["still_open_count"], target["earlier_count"], target["taken_count"]) == (1, 0, 0)
    [target] = [each for each in berlin.report(*SECOND)["targets"] if each["target"] == "first_response"]
    assert (target["still_open_count"], target["earlier_count"], target["taken_count"]) == (0, 1, 1)
    # In the first week it was overdue up to the end of the week, and the answer is not known yet.
    worst = berlin.report(*FIRST)["worst"][0]
    assert (worst["target"], worst["breached_at"], worst["stopped_at"]) == (
        *("first_response", "2026-03-06T09:00:00Z", None),
    )
    assert worst["overdue_seconds"] == (2 * 24 + 15) * 3600


def test_each_missed_agreement_counts(berlin: Desk) -> None:
    berlin.create(2, "08:00", "--tag", "gold")
    berlin.at(2, "09:30", "reply", "1", "--no-body", "--status", "open")
    berlin.at(2, "14:00", "due", "1", "--target", "resolution", "--at", "2026-03-03T12:00+01:00", "--reason", "agreed")
    assert berlin.counts("resolution", "--until", "2026-03-03") == (0, 1)
    assert berlin.counts("resolution", *FIRST) == (0, 2)
    berlin.at(3, "13:00", "due", "1", "--target", "resolution", "--at", "2026-03-04T12:00+01:00", "--reason", "again")
    berlin.at(4, "11:00", "resolve", "1")
    [target] = [each for each in berlin.report(*FIRST)["targets"] if each["target"] == "resolution"]
    assert (target["met_count"], target["breached_count"], target["still_open_count"]) == (1, 2, 0)
    [target] = [each for each in berlin.report("--until", "2026-03-04")["targets"] if each["target"] == "resolution"]
    assert (target["met_count"], target["breached_count"], target["still_open_count"]) == (0, 2, 2)


def test_deadline_that_a_change_sets_to_the_past_counts_in_the_period_of_the_change(berlin: Desk) -> None:
    berlin.create(6, "16:00")
    before = berlin.report(*FIRST, at="2026-03-09T00:00:00Z")
    assert berlin.counts("first_response", *FIRST) == (0, 0)
    berlin.at(9, "10:00", "priority", "1", "urgent")  # so that it was due on Friday at 17:00
    assert berlin.report(*FIRST) == {**before, "at": "2026-03-31T12:00:00Z"}
    assert berlin.counts("first_response", *SECOND) == (0, 1)
    assert [group["group"] for group in berlin.report(*SECOND, "--by", "priority")["groups"]] == ["urgent"]


def test_deadline_in_the_closed_hours_of_a_pause_is_late_once_the_pause_ends(berlin: Desk) -> None:
    berlin.create(5, "09:00", "--tag", "gold")
    berlin.at(5, "09:30", "reply", "1", "--no-body", "--status", "open")
    berlin.at(5, "13:00", "status", "1", "pending")  # on the deadline, which saves it
    before = berlin.report(*FIRST, at="2026-03-09T00:00:00Z")
    assert berlin.counts("resolution", *FIRST) == (0, 0)
    berlin.at(9, "08:00", "status", "1", "open")  # no time is left: it was due on Friday at 17:00
    berlin.at(9, "10:00", "resolve", "1")
    assert berlin.report(*FIRST) == {**before, "at": "2026-03-31T12:00:00Z"}
    assert berlin.counts("resolution", *SECOND) == (0, 1)


def test_resolution_by_a_person_without_a_reply_is_judged_but_not_averaged(berlin: Desk) -> None:
    berlin.create(2, "09:00")
    berlin.at(2, "10:00", "resolve", "1")
    [target] = [each for each in berlin.report(*FIRST)["targets"] if each["target"] == "first_response"]
    assert (target["met_count"], target["taken_count"], target["avg_seconds"]) == (1, 0, None)


def test_resolution_by_a_level_without_a_reply_is_no_outcome(berlin: Desk, slactl: Slactl) -> None:
    events = [
        {"at": "2026-03-02T09:00:00+01:00", "type": "created", "subject": "S", "requester_email": "ann@example.com"},
        {"at": "2026-03-02T10:00:00+01:00", "type": "status", "status": "resolved", "actor_type": "system"},
    ]
    lines = "".join(json.dumps({"ticket": "A", **event}) + "\n" for event in events)
    with freeze_time("2026-03-03T09:00:00Z"):
        assert slactl("import", "-", stdin=lines).code == 0
    assert (berlin.counts("first_response", *FIRST), berlin.counts("resolution", *FIRST)) == ((0, 0), (1, 0))


def test_ticket_without_a_target_is_counted_as_opened_and_is_no_outcome(berlin: Desk, slactl: Slactl) -> None:
    """Nothing was promised, so nothing was kept: a hundred such tickets must not improve the attainment."""
    for_gold = RULES.replace('name = "all"\n', 'name = "all"\nmatch = { plan = ["pro"] }\n')
    Path(os.environ["SLACTL_RULES"]).write_text(for_gold, encoding="utf-8")
    berlin.create(2, "09:00")
    berlin.create(2, "09:00", "--plan", "pro")
    with freeze_time("2026-03-02T09:00:00Z"):
        assert json.loads(slactl("summary", "--json").out)["open_count"] == 2
    for day, word in ((3, "resolve"), (4, "reopen"), (5, "resolve")):
        berlin.at(day, "09:00", word, "1")
    berlin.at(2, "10:00", "resolve", "2")
    report = berlin.report(*FIRST)
    assert (berlin.counts("first_response", *FIRST), berlin.counts("resolution", *FIRST)) == ((1, 0), (1, 0))
    assert (report["opened_count"], report["reopen_rate"], report["breach_rate"]) == (2, 0.0, 0.0)


def test_reopen_rate_is_of_the_tickets_resolved_in_the_period(berlin: Desk) -> None:
    for number in ("1", "2", "3", "4"):
        berlin.create(2, "09:00")
        berlin.at(3, "09:00", "resolve", number) if number != "4" else None
    assert berlin.report(*FIRST)["reopen_rate"] == 0.0
    berlin.at(4, "09:00", "receive", "1")
    berlin.at(5, "09:00", "resolve", "1")
    berlin.at(10, "09:00", "reopen", "2")
    # 1 was reopened in the week in which it was resolved; 2 in the next one, in which nothing was resolved.
    assert berlin.report(*FIRST)["reopen_rate"] == pytest.approx(1 / 3, abs=1e-6)
    assert berlin.report(*SECOND)["reopen_rate"] is None
    both = berlin.report("--since", "2026-03-02", "--until", "2026-03-16")
    assert both["reopen_rate"] == pytest.approx(2 / 3, abs=1e-6)


def test_escalations_count_up_to_the_end_of_the_period_and_warnings_do_not(berlin: Desk) -> None:
    berlin.create(6, "09:00", "--tag", "gold")
    berlin.create(6, "09:00")
    berlin.at(6, "09:40", "check", "-q")  # warns about 1
    berlin.at(6, "10:30", "reply", "1", "--no-body", "--status", "open")
    berlin.at(6, "10:40", "reply", "2", "--no-body", "--status", "open")
    assert berlin.report(*FIRST)["escalation_rate"] == 0.0
    berlin.at(9, "12:00", "escalate", "1", "--reason", "angry", "--priority", "urgent")
    assert berlin.report(*FIRST)["escalation_rate"] == 0.0
    assert berlin.report("--since", "2026-03-02", "--until", "2026-03-16")["escalation_rate"] == 0.5


def test_outcomes_are_in_the_groups_of_then(berlin: Desk) -> None:
    berlin.create(2, "09:00", "--assignee", "mia", "--tag", "gold", "--tag", "vip")
    berlin.at(2, "09:30", "reply", "1", "--no-body", "--status", "open")
    berlin.at(2, "10:00", "assign", "1", "--to", "jo")
    berlin.at(2, "10:00", "tag", "1", "--remove", "vip")
    berlin.at(2, "11:00", "resolve", "1")

    def groups(by: str, target: str) -> dict[str | None, int]:
        found = {}
        for group in berlin.report(*FIRST, "--by", by)["groups"]:
            [figures] = [each for each in group["targets"] if each["target"] == target]
            found[group["group"]] = figures["measured_count"]
        return found

    assert groups("assignee", "first_response") == {"mia": 1, "jo": 0}
    assert groups("assignee", "resolution") == {"mia": 0, "jo": 1}
    assert groups("tag", "first_response") == {"gold": 1, "vip": 1}
    assert groups("tag", "resolution") == {"gold": 1, "vip": 0}
    assert groups("policy", "resolution") == {"gold": 1}
    assert groups("source", "resolution") == {None: 1}
    opened = {group["group"]: group["opened_count"] for group in berlin.report(*FIRST, "--by", "assignee")["groups"]}
    assert opened == {"mia": 1, "jo": 0}


def test_all_begins_with_the_first_ticket(berlin: Desk, slactl: Slactl) -> None:
    berlin.create(2, "09:00")
    berlin.at(2, "09:30", "reply", "1", "--no-body", "--status", "open")
    with freeze_time("2026-06-01T00:00:00Z"):
        assert json.loads(slactl("summary", "--json").out)["first_response_n"] == 0
        assert json.loads(slactl("summary", "--json", "--since", "all").out)["first_response_n"] == 1
        reports = [slactl("report", "--json", *options).out for options in ((), ("--since", "all"))]
    assert reports[0] == reports[1]


@pytest.mark.parametrize(("retractions", "rate"), [(0, 1.0), (1, 0.0), (2, 1.0), (3, 0.0)])
def test_no_rate_counts_an_event_that_was_retracted(
    berlin: Desk, slactl: Slactl, retractions: int, rate: float
) -> None:
    lines: list[dict[str, Any]] = [
        {"type": "created", "at": "2026-03-02T09:00:00+01:00"},
        {"type": "escalated", "at": "2026-03-02T09:30:00+01:00", "reason": "angry", "id": "escalated"},
        {"type": "status", "at": "2026-03-02T10:00:00+01:00", "status": "resolved"},
        {"type": "status", "at": "2026-03-02T11:00:00+01:00", "status": "open", "id": "reopened"},
        {"type": "escalated", "at": "2026-03-10T09:00:00+01:00", "reason": "angrier", "id": "later"},
    ]
    named = ["escalated", "reopened"]
    for number in range(retractions):
        at = f"2026-03-03T09:0{number}:00+01:00"
        lines.append({"type": "retracted", "at": at, "events": named, "id": f"retraction {number}"})
        named = [f"retraction {number}"]
    file = "".join(json.dumps({"ticket": "A-1", **line}) + "\n" for line in lines)
    with freeze_time("2026-03-20T08:00:00Z"):
        assert slactl("import", "-", stdin=file).code == 0
        summary = json.loads(slactl("summary", "--json", *FIRST).out)
    for figures in (berlin.report(*FIRST), summary):
        assert (figures["reopen_rate"], figures["escalation_rate"]) == (rate, rate)


def test_imported_tickets_are_counted_by_the_policy_of_their_opening(desk: Path, berlin: Desk, slactl: Slactl) -> None:
    file = [
        {"ticket": "A-1", "type": "created", "at": "2026-03-02T09:00:00+01:00", "tags": ["vip", "gold"]},
        {"ticket": "A-2", "type": "created", "at": "2026-03-02T09:00:00+01:00", "priority": "low"},
    ]
    with freeze_time("2026-03-03T08:00:00Z"):
        assert slactl("import", "-", stdin="".join(json.dumps(line) + "\n" for line in file)).code == 0

    def opened() -> dict[str | None, int]:
        groups = berlin.report(*FIRST, "--by", "policy")["groups"]
        return {group["group"]: group["opened_count"] for group in groups if group["opened_count"]}

    assert opened() == {"gold": 1, "all": 1}
    berlin.at(9, "09:00", "tag", "1", "--remove", "gold")
    assert opened() == {"gold": 1, "all": 1}
    path = desk.with_name("rules.toml")
    path.write_text(RULES.replace('name = "all"', 'name = "rest"'), encoding="utf-8")
    berlin.at(10, "09:00", "rules", "apply", "--yes")
    berlin.at(10, "09:00", "create", "Printer on fire", "--from", "ann@example.com", "--at", "2026-03-03T09:00+01:00")
    assert opened() == {"gold": 1, "all": 1, "rest": 1}
