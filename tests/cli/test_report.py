"""`report`: what it counts, in which forms it comes, and where it writes a page."""

import csv
import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from busy_desk import Desk
from conftest import Slactl
from freezegun import freeze_time

pytest_plugins = ["busy_desk"]

OFFICE = """
schema = 1
[calendars.office]
timezone = "UTC"
[calendars.office.weekly]
mon-fri = ["09:00-17:00"]
[[policy]]
name = "office"
calendar = "office"
[policy.targets]
default = { first_response = "4h", resolution = "8h" }
[[escalation]]
id = "late"
on = "first_response"
  [[escalation.level]]
  id = "breach"
  at = "0m"
"""


def report(slactl: Slactl, *options: str) -> dict[str, Any]:
    result = slactl("report", "--json", *options)
    assert result.code == 0, result.err
    record: dict[str, Any] = json.loads(result.out)
    return record


def target(found: dict[str, Any], name: str) -> dict[str, Any]:
    each: dict[str, Any] = next(each for each in found["targets"] if each["target"] == name)
    return each


@pytest.mark.usefixtures("busy")
class TestBusyDesk:
    """First responses: 1 in 60 min, 2 in 26 h (late), 5 in 60 min; 3 was resolved without one; 6 is open and late.

    Resolutions: 1 after 96 h (late), 3 after 6 h.
    """

    def test_a_target(self, slactl: Slactl) -> None:
        found = report(slactl)
        assert target(found, "first_response") == {
            "target": "first_response",
            "measured_count": 5,
            "met_count": 3,
            "breached_count": 2,
            "still_open_count": 1,
            "earlier_count": 0,
            "attainment": 0.6,
            "taken_count": 3,
            "avg_seconds": 33600.0,
            "p50_seconds": 3600.0,
            # Between 1 h and 26 h: nine tenths of the way along three values are eight tenths beyond the middle one.
            "p90_seconds": 75600.0,
            "p95_seconds": 84600.0,
            "working_seconds": (1 + 26 + 6 + 1) * 3600,
            "paused_seconds": 0,
            "closed_seconds": 0,
            "off_hours_seconds": 0,
        }
        assert target(found, "next_response")["attainment"] is None
        assert target(found, "resolution")["attainment"] == 0.5
        assert (found["opened_count"], found["ticket_count"], found["breach_rate"]) == (8, 5, 0.6)
        assert (found["escalation_rate"], found["reopen_rate"]) == (0.2, 0.0)

    def test_groups_come_to_the_whole(self, slactl: Slactl) -> None:
        for by in ("plan", "priority", "assignee", "tenant", "policy", "source"):
            found = report(slactl, "--by", by)
            for whole in found["targets"]:
                parts = [target(group, whole["target"]) for group in found["groups"]]
                for name in ("measured_count", "breached_count", "taken_count", "still_open_count"):
                    assert sum(part[name] for part in parts) == whole[name], (by, name)
            assert sum(group["opened_count"] for group in found["groups"]) == found["opened_count"]

    def test_a_group_without_data_is_there(self, slactl: Slactl) -> None:
        groups = {group["group"]: group for group in report(slactl, "--by", "plan")["groups"]}
        assert groups["trial"]["opened_count"] == 1
        assert {each["attainment"] for each in groups["trial"]["targets"]} == {None}

    def test_a_past_period_stays_as_it_was(self, slactl: Slactl) -> None:
        """What ran out undone in it is missed, also when it is done later."""
        options = ("--since", "2026-03-01T00:00:00Z", "--until", "2026-03-02T07:00:00Z")
        found = target(report(slactl, *options), "first_response")
        assert (found["measured_count"], found["breached_count"], found["taken_count"]) == (2, 1, 0)
        later = ("--since", "2026-03-02T07:00:00Z", "--until", "2026-03-02T08:00:01Z")
        found = target(report(slactl, *later), "first_response")
        assert (found["measured_count"], found["breached_count"], found["earlier_count"]) == (1, 1, 1)
        assert (found["taken_count"], found["avg_seconds"]) == (1, 26 * 3600)

    def test_the_time_before(self, slactl: Slactl) -> None:
        found = report(slactl, "--since", "2026-03-02T00:00:00Z")
        assert (found["before"]["since"], found["before"]["until"]) == ("2026-03-01T12:00:00Z", "2026-03-02T00:00:00Z")
        assert target(found["before"], "first_response")["attainment"] == 1.0
        assert report(slactl)["before"] is None

    def test_the_trend_by_the_span(self, slactl: Slactl) -> None:
        trend = report(slactl, "--timezone", "UTC")["trend"]
        assert (trend["unit"], len(trend["steps"])) == ("day", 11)
        steps = {step["start"]: step for step in trend["steps"]}
        # The first response of 2 was missed on the day it was answered; the resolution of 1 a day before it was done.
        assert steps["2026-03-02"]["first_response_breached_count"] == 2
        assert steps["2026-02-23"]["resolution_breached_count"] == 1
        assert steps["2026-02-24"]["resolution_met_count"] == 0
        assert steps["2026-02-25"]["resolution_attainment"] is None
        assert sum(step["opened_count"] for step in trend["steps"]) == 8

    def test_the_days_are_those_of_the_zone(self, slactl: Slactl) -> None:
        found = report(slactl, "--timezone", "Pacific/Kiritimati")  # 14 hours ahead: 3 opened on Monday at 02:00
        assert found["timezone"] == "Pacific/Kiritimati"
        assert found["busiest_hours"][0][2] == 1
        assert report(slactl, "--timezone", "UTC")["busiest_hours"][6][12] == 1

    def test_the_latest_tickets(self, slactl: Slactl) -> None:
        worst = report(slactl)["worst"]
        assert [(row["ticket_id"], row["target"], row["overdue_seconds"]) for row in worst] == [
            (1, "resolution", 24 * 3600),
            (2, "first_response", 2 * 3600),
            (6, "first_response", 3600),
        ]
        assert [row["stopped_at"] is None for row in worst] == [False, False, True]

    def test_escalations(self, slactl: Slactl) -> None:
        (row,) = report(slactl)["escalations"]
        assert (row["source"], row["fired_count"], row["ticket_count"]) == ("manual", 1, 1)
        assert report(slactl, "--until", "2026-03-02T10:00:00Z")["escalations"] == []

    def test_csv_has_a_row_for_each_target_and_group(self, slactl: Slactl) -> None:
        rows = list(csv.DictReader(io.StringIO(slactl("report", "--by", "tenant", "--csv").out)))
        assert [row["group"] for row in rows[::4]] == ["", "acme", "globex", "(no tenant)"]
        assert rows[0]["attainment"] == "0.6"
        assert slactl("report", "--by", "tenant", "--format", "csv").lines[0].startswith("group,target,measured_count")
        assert len(slactl("report").lines) == 4

    def test_on_a_terminal_at_80_columns(self, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        lines = [line.rstrip() for line in slactl("report", "--by", "plan", "--format", "table").lines]
        assert max(map(len, lines)) <= 80
        assert lines[:9] == [
            "All targets so far",
            "8 tickets opened; of 5 with a target met or missed, 60.0 % were overdue, 20.0 %",
            "escalated; 0.0 % of the resolved tickets were reopened",
            "",
            "Target          Met                 Missed  Of    p50     p90      p95  Average",
            "first response  ██████░░░░  60.0 %       2   5     1h     21h  23h 30m   9h 20m",
            "next response                  n/a       0   0    n/a     n/a      n/a      n/a",
            "update                         n/a       0   0    n/a     n/a      n/a      n/a",
            "resolution      █████░░░░░  50.0 %       1   2  2d 3h  3d 15h   3d 19h    2d 3h",
        ]

    def test_the_page(self, slactl: Slactl, tmp_path: Path) -> None:
        target = tmp_path / "report.html"
        done = slactl("report", "--html", str(target))
        assert (done.code, done.out, done.err) == (0, "", f"wrote {target}\n")
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
        assert os.listdir(tmp_path) == ["report.html"]
        assert slactl("report", "--html", "-").out == target.read_text(encoding="utf-8")

    def test_what_is_there_is_not_written_over(self, slactl: Slactl, tmp_path: Path) -> None:
        target = tmp_path / "report.html"
        target.write_text("mine", encoding="utf-8")
        target.chmod(0o644)
        refused = slactl("report", "--html", str(target))
        assert (refused.code, target.read_text(encoding="utf-8")) == (5, "mine")
        assert "--force" in refused.err
        assert slactl("report", "--html", str(target), "--force").code == 0
        assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
        assert stat.S_IMODE(target.stat().st_mode) == 0o600

    @pytest.mark.parametrize("options", [(), ("--force",)])
    def test_a_link_is_not_followed(self, options: tuple[str, ...], slactl: Slactl, tmp_path: Path) -> None:
        mine, link, dangling = tmp_path / "mine", tmp_path / "link", tmp_path / "dangling"
        mine.write_text("mine", encoding="utf-8")
        link.symlink_to(mine)
        dangling.symlink_to(tmp_path / "nothing")
        for name in (link, dangling, tmp_path, Path("/dev/null")):
            assert slactl("report", "--html", str(name), *options).code == 5, name
        assert mine.read_text(encoding="utf-8") == "mine"
        assert link.is_symlink()
        assert sorted(os.listdir(tmp_path)) == ["dangling", "link", "mine"]

    def test_what_is_refused(self, slactl: Slactl, tmp_path: Path) -> None:
        assert slactl("report", "--html", str(tmp_path / "no" / "such" / "folder")).code == 1
        assert slactl("report", "--since", "now", "--until", "2h ago").code == 2
        assert slactl("report", "--format", "ids").code == 2
        assert slactl("report", "--json", "--csv").code == 2
        assert slactl("report", "--html", "x.html", "--json").code == 2
        assert slactl("report", "--force").code == 2
        assert slactl("report", "--timezone", "Europe/Atlantis").code == 3
        assert slactl("report", "--timezone", "../etc/passwd").code == 3


@pytest.fixture
def office(desk: Path, slactl: Slactl) -> None:
    """A desk with office hours: a ticket of a Friday afternoon that was paused, resolved and reopened."""
    desk.with_name("rules.toml").write_text(OFFICE, encoding="utf-8")
    for at, words in (
        ("2026-02-27T16:00:00Z", ("create", "Slow", "--from", "ann@example.com")),
        ("2026-03-02T10:00:00Z", ("status", "1", "waiting_customer")),
        ("2026-03-03T10:00:00Z", ("status", "1", "open")),
        ("2026-03-03T12:00:00Z", ("resolve", "1")),
        ("2026-03-04T09:00:00Z", ("reopen", "1")),
        ("2026-03-04T11:00:00Z", ("resolve", "1")),
    ):
        with freeze_time(at):
            assert slactl(*words).code == 0, words


@pytest.mark.usefixtures("office")
class TestOfficeHours:
    def test_who_had_the_ball(self, slactl: Slactl) -> None:
        with freeze_time("2026-03-05T12:00:00Z"):
            found = report(slactl)
        spent = ("working_seconds", "paused_seconds", "closed_seconds", "off_hours_seconds")
        # The first resolution, 92 hours from Friday 16:00 to Tuesday 12:00: running Fri 1, Mon 1, Tue 2; paused Mon 7,
        # Tue 1. The second, 115 hours to Wednesday 11:00: 2 hours more, and 5 while it was resolved. First response
        # does not pause.
        resolution, first = target(found, "resolution"), target(found, "first_response")
        assert [resolution[name] / 3600 for name in spent] == [4 + 6, 8 + 8, 0 + 5, 80 + 96]
        assert [first[name] / 3600 for name in spent] == [12 + 14, 0, 5, 80 + 96]
        assert (resolution["attainment"], first["attainment"]) == (1.0, 0.0)
        assert (resolution["measured_count"], resolution["p50_seconds"]) == (2, 5 * 3600)

    def test_a_forecast_knows_the_calendar(self, slactl: Slactl) -> None:
        with freeze_time("2026-03-06T16:30:00Z"):
            slactl("create", "Late on Friday", "--from", "ann@example.com")
            found = json.loads(slactl("summary", "--json", "--forecast", "72h").out)["forecast"]
        # Half an hour on Friday, the other three and a half from Monday 09:00 on.
        (hour,) = (hour for hour in found["hours"] if hour["count"])
        assert (hour["since"], hour["first_response_count"]) == ("2026-03-09T12:00:00Z", 1)

    def test_levels_that_fired(self, slactl: Slactl) -> None:
        with freeze_time("2026-03-09T09:00:00Z"):
            slactl("create", "Nobody answers", "--from", "ann@example.com")
        with freeze_time("2026-03-09T14:00:00Z"):
            assert slactl("check", "-q").code == 0
            rows = report(slactl)["escalations"]
        assert [(row["escalation"], row["level"], row["fired_count"], row["expired_count"]) for row in rows] == [
            ("late", "breach", 1, 1)
        ]

    def test_an_older_database_gets_the_columns(self, desk: Path, slactl: Slactl) -> None:
        import sqlite3

        with sqlite3.connect(desk) as connection:
            for column in ("paused_seconds", "closed_seconds"):
                connection.execute(f"ALTER TABLE timer DROP COLUMN {column}")
            connection.execute("DROP TABLE outcome")
            connection.execute("PRAGMA user_version = 1")
        connection.close()
        found = report(slactl)
        # What was never written down is not known; the rest is.
        assert target(found, "resolution")["working_seconds"] is None
        assert target(found, "resolution")["attainment"] == 1.0
        assert slactl("reopen", "1").code == slactl("resolve", "1").code == 0
        assert target(report(slactl), "resolution")["paused_seconds"] == 3 * 8 * 3600


EMPTY_FORMS = [("--json",), ("--csv",), ("--format", "table"), ("--html", "-"), ("--format", "jsonl")]


@pytest.mark.parametrize("form", EMPTY_FORMS)
def test_an_empty_desk(desk: Path, slactl: Slactl, form: tuple[str, ...]) -> None:
    assert slactl("report", "--by", "plan", *form).code == 0
    assert slactl("report", "--since", "2h ago", *form).code == 0


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("form", EMPTY_FORMS)
def test_a_period_in_the_future(busy_desk: Desk, slactl: Slactl, form: tuple[str, ...]) -> None:
    for options in (("--since", "in 2h"), ("--since", "in 2h", "--until", "in 4h"), ("--until", "1971-01-01")):
        assert slactl("report", "--by", "assignee", *options, *form).code == 0, options
    found = report(slactl, "--since", "in 2h", "--by", "plan")
    assert (found["opened_count"], found["groups"], found["trend"]["steps"]) == (0, [], [])
    assert {each["attainment"] for each in found["targets"]} == {None}


def test_one_ticket_that_is_not_late(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    for form in EMPTY_FORMS:
        assert slactl("report", "--by", "tenant", *form).code == 0, form
    slactl("resolve", "1")
    assert "100.0 %" in slactl("report", "--format", "table").out
