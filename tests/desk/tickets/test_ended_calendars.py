"""Changes that need an instant after the end of a calendar: they are refused whole, and other tickets are changed."""

import json
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import at, ladder, opened, policy, ticket, write_rules
from freezegun.api import FrozenDateTimeFactory

#: A calendar that ends on Tuesday at noon, and policies for tickets of a plan and for urgent tickets.
FAIR = """
[calendars.fair]
dates = { "2026-03-02" = ["09:00-17:00"], "2026-03-03" = ["09:00-12:00"] }
[[policy]]
name = "fair"
match = { plan = ["fair"] }
calendar = "fair"
[policy.targets]
default = { resolution = "8h" }
[[policy]]
name = "urgent"
match = { priority = ["urgent"] }
calendar = "fair"
[policy.targets]
default = { resolution = "2bd" }
"""
TOO_LITTLE = "calendar fair has no open hours left after the year 2027"


@pytest.fixture(autouse=True)
def _rules(desk: Path, clock: FrozenDateTimeFactory) -> None:
    write_rules(desk, FAIR, policy(resolution="8h"), ladder("resolution", "breach 0m"))


def test_a_change_that_cannot_be_evaluated_stops_no_other_ticket(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    short, free = opened(slactl, "--plan", "fair"), opened(slactl)
    at(clock, "10:00:00")
    assert slactl("status", short, free, "pending").code == 0
    at(clock, "16:00:00")
    before = ticket(slactl, short)
    refused = slactl("status", short, free, "open")
    assert (refused.code, refused.out) == (7, f"{free}\n")
    assert refused.err == f"error: ticket {short}: {TOO_LITTLE}\nhint: slactl rules check\n"
    assert (ticket(slactl, short), ticket(slactl, free)["status"]) == (before, "open")
    assert slactl("audit", "verify").code == 0


def test_an_acknowledgement_beyond_the_end_of_the_calendar_is_refused(slactl: Slactl) -> None:
    short, free = opened(slactl, "--plan", "fair"), opened(slactl)
    refused = slactl("ack", short, free, "--for", "3bd")
    assert (refused.code, f"ticket {short}: {TOO_LITTLE}" in refused.err) == (7, True)
    assert ticket(slactl, short)["acked_until"] is None
    assert ticket(slactl, free)["acked_until"] == "2026-03-05T09:00:00Z"


def test_a_refused_change_leaves_nothing_behind(slactl: Slactl) -> None:
    free, short = opened(slactl), opened(slactl, "--plan", "fair")
    before = ticket(slactl, free)
    refused = slactl("priority", free, short, "urgent")
    assert (refused.code, f"ticket {free}: {TOO_LITTLE}" in refused.err) == (7, True)
    assert (ticket(slactl, free), ticket(slactl, short)["priority"]) == (before, "urgent")
    assert slactl("audit", "verify").code == 0


def test_a_ticket_whose_deadline_cannot_be_calculated_is_not_opened(slactl: Slactl) -> None:
    refused = slactl("create", "Printer on fire", "--from", "ann@example.com", "--priority", "urgent")
    assert refused.code == 5
    assert refused.err == f"error: the new ticket: {TOO_LITTLE}\nhint: slactl rules check\n"
    assert json.loads(slactl("list", "--json").out) == []


def test_ticket_that_is_named_twice_is_changed_once(slactl: Slactl) -> None:
    number = opened(slactl, "--external-id", "abc")
    done = slactl("resolve", number, "abc", f"#{number}")
    assert (done.code, done.out, done.err) == (0, f"{number}\n", "")
    assert ticket(slactl, number)["status"] == "resolved"


def test_an_overdue_target_gets_a_proposal_that_the_ended_calendar_does_not_limit(
    slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    at(clock, "09:00:00", day=4)
    changed = slactl("priority", number, "urgent")
    assert (changed.code, "--target resolution --at 'in 1d'" in changed.err) == (0, True), changed.err
    shown = slactl("explain", number)
    assert (shown.code, "in 1d" in shown.out) == (0, True)
