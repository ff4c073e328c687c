"""What asking who is on call costs in a run that fires many levels: counted in plans of feeds and in statements."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import ladder, policy, write_rules

PROGRAM = """
import gc, sqlite3, sys
from slactl.__main__ import run
from slactl.sla.oncall.feed import PlannedFeed
from slactl.sla.oncall.schedule import Schedule
connect, statements = sqlite3.connect, []
def traced(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_trace_callback(statements.append)
    return connection
sqlite3.connect = traced
code = run(["check", "-q", "--no-send"])
alive = [each for each in gc.get_objects() if isinstance(each, (PlannedFeed, Schedule))]
print(code, sum(isinstance(each, PlannedFeed) for each in alive), len(alive))
print(sum("FROM override UNION ALL" in statement for statement in statements))
print(sum(statement.startswith("BEGIN IMMEDIATE") for statement in statements))
"""

HOURLY = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:test
BEGIN:VEVENT
UID:1
SUMMARY:ann
DTSTART:20240101T000000Z
DTEND:20240101T010000Z
RRULE:FREQ=HOURLY
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.usefixtures("clock")
def test_run_plans_a_feed_once_and_reads_overrides_once_a_transaction(desk: Path, slactl: Slactl) -> None:
    feed = '[people.ann]\n[schedules.lead]\ntimezone = "UTC"\nical = "lead.ics"\n[roles.lead]\non_call = "lead"\n'
    level = ladder("unassigned", 'wait +5m assign = "lead"; notify = ["lead"]')
    write_rules(desk, policy(resolution="1h"), feed, level)
    desk.with_name("lead.ics").write_text(HOURLY)
    lines = [{"ticket": f"A-{n}", "at": "2026-03-02T08:00:00Z", "type": "created"} for n in range(250)]
    tickets = desk.with_name("tickets.jsonl")
    tickets.write_text("\n".join(map(json.dumps, lines)))
    assert slactl("import", str(tickets)).code == 0
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    (code, plans, alive), (reads,), (transactions,) = (map(int, line.split()) for line in done.stdout.splitlines()[-3:])
    assert code == 0, done.stderr
    assert (plans, reads <= transactions) == (1, True)
    assert alive <= 1 + transactions
    assert slactl("list", "--assignee", "ann", "--format", "ids", "--limit", "0").out.count("\n") == 250
