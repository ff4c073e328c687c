"""What `oncall`, `check`, `rules check` and `doctor` say of the events of a feed that do not count."""

from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import policy, write_rules

pytestmark = pytest.mark.usefixtures("clock")

RULES = '[people.ann]\n[schedules.managers]\ntimezone = "UTC"\nical = "managers.ics"\n'
FEED = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:test
BEGIN:VEVENT
UID:1
SUMMARY:ann
DTSTART{zone}:20260302T000000
DTEND{zone}:20260303T000000
{more}
END:VEVENT
END:VCALENDAR
"""


def test_everybody_says_that_an_event_in_an_unknown_zone_is_left_out(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, policy(resolution="1h"), RULES)
    desk.with_name("managers.ics").write_text(FEED.format(zone=";TZID=Foo/Bar", more="COMMENT:x"))
    for _ in range(2):  # the second time from the copy
        for command in (("oncall",), ("check",), ("check", "-n"), ("rules", "check"), ("doctor",)):
            result = slactl(*command)
            said = "event 1 ('ann') is left out: its time zone 'Foo/Bar' is unknown"
            assert said in result.out + result.err, command
    assert slactl("oncall", "--fields", "person").out == "\n"


def test_hourly_event_of_many_years_can_be_used(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, policy(resolution="1h"), RULES)
    hourly = FEED.format(zone="", more="RRULE:FREQ=HOURLY").replace("0302T", "0101T").replace("0303T000", "0101T010")
    desk.with_name("managers.ics").write_text(hourly.replace("20260101", "20180101"))
    result = slactl("oncall", "--fields", "person,since,until,next_person")
    assert (result.code, result.out, result.err) == (0, "ann\t\t\t\n", "")
    assert slactl("oncall", "--at", "2030-03-02T09:00Z", "--fields", "person").out == "ann\n"
