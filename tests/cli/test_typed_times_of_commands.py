"""Commands understand `eod` and business days by the calendar of the ticket, of the schedule, or of the command."""

from pathlib import Path

import pytest
from conftest import Slactl
from freezegun import freeze_time

#: A Friday, 13:00 in Berlin; the office closes at 16:00.
FRIDAY = "2026-11-27T12:00:00Z"

OFFICE_POLICY = """
[[policy]]
name = "office"
match = { plan = ["office"] }
calendar = "office"
[policy.targets]
default = { first_response = { within = "48h", calendar = "always" }, resolution = "2bd" }
"""

ROTA = """
[schedules.first-line]
timezone = "Europe/Berlin"
layer = [{ people = ["ann"], hours = "office" }]
[schedules.second-line]
layer = [{ people = ["ann"] }]
[people.ann]
"""


@pytest.fixture
def tickets(desk: Path, slactl: Slactl) -> Path:
    """Two open tickets: #1 counts in the hours of the office, #2 at all hours."""
    rules = desk.with_name("rules.toml")
    text = rules.read_text().replace("\n[[policy]]\n", f"\n{OFFICE_POLICY}\n[[policy]]\n", 1)
    rules.write_text(f"{text}\n{ROTA}")
    with freeze_time("2026-11-27T09:00:00Z"):
        assert slactl("create", "Printer on fire", "--from", "ann@example.com", "--plan", "office").code == 0
        assert slactl("create", "VPN down", "--from", "ann@example.com").code == 0
    return desk


def field(slactl: Slactl, number: str, name: str) -> str:
    return slactl("show", number, "--fields", name).out.removesuffix("\n").partition("\t")[2]


@freeze_time(FRIDAY)
def test_end_of_the_day_is_the_closing_of_the_calendar_of_each_ticket(tickets: Path, slactl: Slactl) -> None:
    done = slactl("status", "1", "2", "pending", "--until", "eod", "--utc")
    assert done.code == 0, done.err
    assert field(slactl, "1", "pending_until") == "2026-11-27T15:00:00Z"
    assert field(slactl, "2", "pending_until") == "2026-11-28T00:00:00Z"


@freeze_time(FRIDAY)
def test_business_days_are_those_of_the_calendar_of_the_ticket(tickets: Path, slactl: Slactl) -> None:
    assert slactl("status", "1", "pending", "--until", "in 3bd").code == 0
    assert field(slactl, "1", "pending_until") == "2026-12-02T12:30:00Z"  # 13:00 is in the break, which ends at 13:30


@freeze_time(FRIDAY)
def test_deadline_counts_on_the_calendar_of_its_target(tickets: Path, slactl: Slactl) -> None:
    for target, due in (("resolution", "2026-11-30T12:30:00Z"), ("first_response", "2026-11-28T12:00:00Z")):
        assert slactl("due", "1", "--target", target, "--at", "in 1bd", "--reason", "agreed").code == 0
        assert field(slactl, "1", f"{target}_due_at") == due


@freeze_time("2026-11-27T16:00:00Z")
def test_end_of_the_day_may_lie_in_the_past(tickets: Path, slactl: Slactl) -> None:
    assert slactl("reply", "1", "--body", "Done.", "--at", "eod").code == 0
    assert field(slactl, "1", "first_responded_at") == "2026-11-27T15:00:00Z"
    refused = slactl("reply", "2", "--body", "Done.", "--at", "eod")
    assert (refused.code, refused.out) == (2, "")
    assert "--at Sat 2026-11-28 00:00 UTC lies in the future: it is now Fri 2026-11-27 16:00 UTC" in refused.err
    assert field(slactl, "2", "first_responded_at") == ""


@freeze_time(FRIDAY)
def test_schedule_lends_its_hours(tickets: Path, slactl: Slactl) -> None:
    entered = ("oncall", "override", "first-line", "--to", "ann", "--from", "eod", "--until", "in 1bd")
    assert slactl(*entered).code == 0
    assert slactl("oncall", "list", "--fields", "starts_at,ends_at").out == (
        "2026-11-27T15:00:00Z\t2026-12-01T08:00:00Z\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("oncall", "override", "second-line", "--to", "ann", "--from", "now", "--until", "in 1bd"),
        ("oncall", "away", "ann", "--from", "now", "--until", "in 1bd"),
        ("list", "--at", "in 3bd"),
        ("check", "-n", "--at", "in 3bd"),
        ("create", "Printer", "--from", "ann@example.com", "--at", "in 3bd"),
        ("silence", "add", "--escalation", "resolution", "--until", "in 3bd"),
    ],
)
@freeze_time(FRIDAY)
def test_without_a_calendar_business_days_are_refused(tickets: Path, slactl: Slactl, words: tuple[str, ...]) -> None:
    before = slactl("export").out
    refused = slactl(*words)
    assert (refused.code, refused.out) == (2, "")
    assert "needs a calendar, and none is known here" in refused.err
    assert refused.err.endswith("hint: slactl help start\n")
    assert slactl("export").out == before


@freeze_time(FRIDAY)
def test_calendar_command_counts_on_its_calendar(tickets: Path, slactl: Slactl) -> None:
    assert slactl("calendar", "add", "office", "eod", "1h").out == "2026-11-30T09:00:00Z\n"
    assert slactl("calendar", "is-open", "office", "in 1bd").out == "yes\n"


@freeze_time("2026-11-27T16:00:00Z")
def test_wait_until_a_closing_that_has_passed_is_refused(tickets: Path, slactl: Slactl) -> None:
    refused = slactl("status", "1", "pending", "--until", "eod", "--timezone", "Europe/Berlin")
    assert (refused.code, refused.out) == (2, "")
    assert "Fri 2026-11-27 16:00 Europe/Berlin is not after Fri 2026-11-27 17:00 Europe/Berlin" in refused.err
