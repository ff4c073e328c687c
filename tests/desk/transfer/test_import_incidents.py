"""The real incident log, against what the CSV says when read by hand."""

import csv
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import Slactl

INCIDENTS = Path(__file__).parents[2] / "data" / "servicenow_incidents.csv"
NOON = datetime(2016, 3, 2, 12, tzinfo=UTC)

STATES = {
    "New": "open",
    "Active": "open",
    "Awaiting User Info": "waiting_customer",
    "Awaiting Problem": "pending",
    "Awaiting Vendor": "pending",
    "Awaiting Evidence": "pending",
    "Resolved": "resolved",
    "Closed": "closed",
    "-100": "open",
}
PRIORITIES = {"1 - Critical": "urgent", "2 - High": "high", "3 - Moderate": "normal", "4 - Low": "low"}

#: What the shipped rules promise to the free plan, in hours: first response, resolution.
PROMISES = {"urgent": (24, 96), "high": (36, 120), "normal": (48, 168), "low": (72, 240)}

PAUSED = ("waiting_customer", "pending")
DONE = ("resolved", "closed")


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%d-%m-%Y %H:%M").replace(tzinfo=UTC)


class Incident:
    """One incident as the rows tell it, judged with plain arithmetic on plain hours."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.opened = instant(rows[0]["opened_at"])
        moved = [(max(instant(row["sys_updated_at"]), self.opened), row) for row in rows]
        self.rows = [row for _, row in moved]
        self.changes = [(self.opened, STATES[rows[0]["incident_state"]])]
        self.priorities = [(self.opened, PRIORITIES[rows[0]["priority"]])]
        for at, row in moved[1:]:
            status, priority = STATES[row["incident_state"]], PRIORITIES[row["priority"]]
            if status != self.changes[-1][1]:
                self.changes.append((at, status))
            if priority != self.priorities[-1][1]:
                self.priorities.append((at, priority))

    def status(self, now: datetime) -> str:
        return [status for at, status in self.changes if at <= now][-1]

    def first_response_missed(self, now: datetime) -> bool:
        """Nobody replies in this log: first response ends with resolving, goes on when reopened, and never pauses."""
        return self._missed(now, 0, DONE)

    def resolution_missed(self, now: datetime) -> bool:
        """Pauses and closed time do not count."""
        return self._missed(now, 1, PAUSED + DONE)

    def _missed(self, now: datetime, which: int, uncounted: tuple[str, ...]) -> bool:
        """Whether the counted time was over the target of its moment before it was done; late is late for good."""
        target = timedelta(hours=PROMISES[self.priorities[0][1]][which])
        counted, late = timedelta(), False
        marks = sorted({at for at, _ in self.changes + self.priorities if at <= now} | {now})
        for begin, end in pairwise(marks):
            if self.status(begin) not in uncounted:
                counted += end - begin
                late = late or counted > target
            for at, priority in self.priorities[1:]:
                if at == end and not late and self.status(begin) not in DONE:
                    target = timedelta(hours=PROMISES[priority][which])
                    late = late or counted > target
        return late


@pytest.fixture(scope="module")
def incidents() -> dict[str, Incident]:
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with INCIDENTS.open(newline="") as stream:
        for row in csv.DictReader(stream):
            rows[row["number"]].append(row)
    return {
        number: Incident(sorted(found, key=lambda row: instant(row["sys_updated_at"])))
        for number, found in rows.items()
    }


def tickets(slactl: Slactl, *options: str) -> dict[str, dict[str, object]]:
    listed = slactl("list", "--json", *options)
    assert listed.code == 0, listed.err
    return {ticket["external_id"]: ticket for ticket in json.loads(listed.out)}


def test_all_incidents_come_in_with_their_histories_and_a_second_time_changes_nothing(
    desk: Path, slactl: Slactl, incidents: dict[str, Incident]
) -> None:
    done = slactl("import", str(INCIDENTS), "--map", "servicenow")
    assert (done.code, done.out.split(",")[0]) == (0, "300 tickets opened")
    found = tickets(slactl, "--all")
    assert found.keys() == incidents.keys()
    before = slactl("export").out
    again = slactl("import", str(INCIDENTS), "--map", "servicenow")
    assert again.out == "0 tickets opened, 0 changed, 0 events added\n"
    assert slactl("export").out == before
    for number, incident in incidents.items():
        ticket = found[number]
        assert ticket["created_at"] == incident.opened.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert ticket["status"] == incident.changes[-1][1]
        assert ticket["priority"] == incident.priorities[-1][1]
    statuses = [json.loads(line) for line in before.splitlines()]
    told = [(e["ticket"], e["at"], e["status"]) for e in statuses if e["type"] == "status"]
    derived = [
        (number, at.strftime("%Y-%m-%dT%H:%M:%SZ"), status)
        for number, incident in incidents.items()
        for at, status in incident.changes[1:]
    ]
    assert sorted(told) == sorted(derived)


def test_breaches_and_summary_equal_a_separate_computation(
    desk: Path, slactl: Slactl, incidents: dict[str, Incident]
) -> None:
    slactl("import", str(INCIDENTS), "--map", "servicenow")
    now = datetime.now(UTC)
    first = {number for number, incident in incidents.items() if incident.first_response_missed(now)}
    resolution = {number for number, incident in incidents.items() if incident.resolution_missed(now)}
    assert set(tickets(slactl, "--all", "--ever-breached")) == first | resolution
    found = tickets(slactl, "--all")
    assert {number for number, each in found.items() if each["first_response_state"] == "breached"} == first
    assert {number for number, each in found.items() if each["resolution_state"] == "breached"} == resolution
    # Attainment and times count each resolution of a ticket that was reopened: see the tests of reports.
    summary = json.loads(slactl("summary", "--since", "all", "--json").out)
    open_now = [number for number, incident in incidents.items() if incident.changes[-1][1] not in DONE]
    assert summary["open_count"] == len(open_now)
    assert summary["breach_rate"] == pytest.approx(len(first | resolution) / 300, abs=1e-6)


def test_cut_at_noon_it_leaves_open_tickets_that_check_escalates_once(
    desk: Path, slactl: Slactl, incidents: dict[str, Incident]
) -> None:
    done = slactl("import", str(INCIDENTS), "--map", "servicenow", "--until", "2016-03-02T12:00:00Z")
    assert done.code == 0
    known = {number: incident for number, incident in incidents.items() if incident.opened <= NOON}
    still_open = {number for number, incident in known.items() if incident.status(NOON) not in DONE}
    assert set(tickets(slactl)) == still_open
    report = json.loads(slactl("check", "--json").out)
    assert report["escalated"] > 0
    fired = [(each["ticket_id"], each["escalation"], each["level"]) for each in report["firings"]]
    assert len(fired) == len(set(fired))
    names = {each["id"]: name for name, each in tickets(slactl, "--all").items()}
    assert {names[each["ticket_id"]] for each in report["firings"] if each["outcome"] == "fired"} == still_open
    again = json.loads(slactl("check", "--json").out)
    assert (again["breached"], again["firings"]) == (0, [])


def test_the_rest_of_the_log_goes_in_later(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    slactl("import", str(INCIDENTS), "--map", "servicenow", "--until", "2016-03-02T12:00:00Z")
    slactl("import", str(INCIDENTS), "--map", "servicenow")
    in_two_steps = [json.loads(line) for line in slactl("export").out.splitlines()]
    other = tmp_path / "other.db"
    slactl("--db", str(other), "init")
    slactl("--db", str(other), "import", str(INCIDENTS), "--map", "servicenow")
    at_once = [json.loads(line) for line in slactl("--db", str(other), "export").out.splitlines()]

    def facts(events: list[dict[str, object]]) -> list[str]:
        own = ("recorded_at", "rules_version")
        return sorted(json.dumps({k: v for k, v in e.items() if k not in own}, sort_keys=True) for e in events)

    assert facts(in_two_steps) == facts(at_once)


def test_baseline_wakes_nobody_for_what_is_late_already(desk: Path, slactl: Slactl) -> None:
    slactl("import", str(INCIDENTS), "--map", "servicenow", "--until", "2016-03-02T12:00:00Z", "--baseline")
    report = json.loads(slactl("check", "--json").out)
    assert (report["breached"], report["escalated"], report["firings"]) == (0, 0, [])
    assert len(tickets(slactl, "--breached")) > 0


def test_a_dry_run_writes_nothing(desk: Path, slactl: Slactl) -> None:
    shown = slactl("import", str(INCIDENTS), "--map", "servicenow", "--dry-run")
    assert shown.out.startswith("300 tickets would be opened")
    assert slactl("list", "--all", "-q").out == ""
