"""Silences, quiet hours and acknowledgements: tickets change, messages wait, and one says what is still true."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

from slactl.sla.calendar.windows import until as until_of
from slactl.sla.calendar.windows import windows

LADDER = """
[[escalation]]
id = "ladder"
on = "first_response"
  [[escalation.level]]
  id = "breach"
  at = "0m"
  priority = "high"
  notify = ["support_manager"]
  [[escalation.level]]
  id = "manager"
  at = "+1h"
  priority = "urgent"
  notify = ["support_manager"]
"""


pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def rules(desk: Path) -> Path:
    """Rules with one ladder of two levels; its messages are printed."""
    path = desk.with_name("rules.toml")
    text = path.read_text()
    path.write_text(text[: text.index("[[escalation]]")] + LADDER)
    return path


def opened(slactl: Slactl, *options: str) -> str:
    return slactl("create", "Printer on fire", "--from", "ann@example.com", *options).out.strip()


def check(slactl: Slactl) -> Any:  # noqa: ANN401  (what JSON holds)
    result = slactl("check", "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


def outbox(slactl: Slactl) -> list[tuple[str, str | None, str | None]]:
    found = json.loads(slactl("notifications", "list", "--json").out)
    return [(each["state"], each["held_by"], each["next_try_at"]) for each in reversed(found)]


@pytest.mark.parametrize("about", [("--ticket", "1"), ("--tenant", "acme"), ("--escalation", "ladder")])
def test_a_silence_holds_messages_while_tickets_change_and_one_says_what_is_still_true(
    rules: Path, slactl: Slactl, clock: FrozenDateTimeFactory, about: tuple[str, str]
) -> None:
    slactl("tenant", "add", "acme")
    opened(slactl, "--tenant", "acme")
    clock.move_to("2026-03-04T08:00:00Z")
    assert slactl("silence", "add", *about, "--for", "3h", "--comment", "moving house").out == "1\n"
    clock.move_to("2026-03-04T09:30:00Z")
    assert (check(slactl)["escalated"], outbox(slactl)) == (1, [("waiting", "silence 1", "2026-03-04T11:00:00Z")])
    clock.move_to("2026-03-04T10:30:00Z")
    found = check(slactl)
    assert (found["escalated"], found["notified"]) == (1, 0)
    assert json.loads(slactl("show", "1", "--json").out)["priority"] == "urgent"
    clock.move_to("2026-03-04T11:00:00Z")
    (message,) = check(slactl)["messages"]
    assert message.count("ticket 1") == 1
    assert "ticket 1: First response overdue by 2h; urgent" in message
    assert "held back by silence 1 until now" in message
    assert {state for state, _, _ in outbox(slactl)} == {"printed"}


def test_what_is_no_longer_true_when_the_silence_ends_is_never_sent(
    rules: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-04T09:30:00Z")
    slactl("silence", "add", "--ticket", number, "--for", "1h")
    check(slactl)
    slactl("reply", number, "--no-body")
    clock.move_to("2026-03-04T10:31:00Z")
    assert check(slactl)["notified"] == 0
    assert [state for state, _, _ in outbox(slactl)] == ["obsolete"]


def test_other_messages_go_out_during_a_silence(rules: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    opened(slactl)
    opened(slactl)
    clock.move_to("2026-03-04T09:30:00Z")
    slactl("silence", "add", "--ticket", "1", "--for", "1h")
    (message,) = check(slactl)["messages"]
    assert "ticket 2" in message
    assert "ticket 1" not in message


def test_a_silence_can_end_early(rules: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-04T09:30:00Z")
    slactl("silence", "add", "--ticket", number, "--for", "5h", "--comment", "known")
    check(slactl)
    (listed,) = json.loads(slactl("silence", "list", "--json").out)
    assert (listed["ticket_id"], listed["comment"], listed["actor"], listed["active"]) == (1, "known", "ann", True)
    assert listed["ends_at"] == "2026-03-04T14:30:00Z"
    assert slactl("silence", "expire", "-", "-n", stdin=slactl("silence", "list", "-q").out).code == 0
    assert check(slactl)["notified"] == 0
    clock.move_to("2026-03-04T09:40:00Z")
    assert slactl("silence", "expire", "1").out == "1\n"
    assert slactl("silence", "expire", "1").code == 5
    assert slactl("silence", "expire", "9").code == 3
    assert slactl("silence", "list", "-q").out == ""
    assert slactl("silence", "list", "--all", "-q").out == "1\n"
    assert check(slactl)["notified"] == 1


def test_a_silence_is_about_something_that_is_there(rules: Path, slactl: Slactl) -> None:
    opened(slactl)
    assert slactl("silence", "add", "--for", "2h").code == 2
    assert slactl("silence", "add", "--ticket", "1", "--for", "2bd").code == 2
    assert slactl("silence", "add", "--ticket", "1", "--for", "soon").code == 2
    assert slactl("silence", "add", "--ticket", "9", "--for", "2h").code == 3
    assert slactl("silence", "add", "--tenant", "acme", "--for", "2h").code == 3
    assert "did you mean ladder?" in slactl("silence", "add", "--escalation", "lader", "--for", "2h").err
    assert slactl("silence", "add", "--ticket", "1", "--for", "2h", "-n").code == 0
    assert slactl("silence", "list", "-q").out == ""


def test_quiet_hours_of_a_role_hold_its_messages_until_morning(
    rules: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    zone = 'quiet = "22:00-07:00"\ntimezone = "Europe/Berlin"'
    rules.write_text(rules.read_text().replace("[roles.support_manager]", f"[roles.support_manager]\n{zone}"))
    clock.move_to("2026-03-02T22:00:00Z")
    opened(slactl)
    clock.move_to("2026-03-04T22:10:00Z")  # ten past eleven at night in Berlin
    assert check(slactl)["escalated"] == 1
    assert outbox(slactl) == [("waiting", "quiet hours", "2026-03-05T06:00:00Z")]
    clock.move_to("2026-03-05T06:00:00Z")
    (message,) = check(slactl)["messages"]
    assert "held back by quiet hours until now" in message


def test_a_message_that_could_not_go_out_before_somebody_had_the_ticket_waits_for_that(
    rules: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    number = opened(slactl)
    clock.move_to("2026-03-04T09:30:00Z")
    slactl("check", "--no-send")
    slactl("ack", number, "--for", "2h")
    check(slactl)
    assert outbox(slactl) == [("waiting", "an acknowledgement", "2026-03-04T11:30:00Z")]
    slactl("unack", number)
    assert check(slactl)["notified"] == 1


@pytest.mark.parametrize(
    ("quiet", "zone", "now", "until"),
    [
        ("22:00-07:00", "UTC", "2026-03-02T21:59:59Z", None),
        ("22:00-07:00", "UTC", "2026-03-02T22:00:00Z", "2026-03-03T07:00:00Z"),
        ("22:00-07:00", "UTC", "2026-03-03T06:59:59Z", "2026-03-03T07:00:00Z"),
        ("22:00-07:00", "UTC", "2026-03-03T07:00:00Z", None),
        ("12:00-13:00", "UTC", "2026-03-03T12:30:00Z", "2026-03-03T13:00:00Z"),
        ("22:00-07:00", None, "2026-03-03T00:00:00Z", "2026-03-03T07:00:00Z"),  # the machine of the tests is in UTC
        ("22:00-07:00", "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T05:00:00Z"),  # clocks go forward
        ("22:00-07:00", "Asia/Tokyo", "2026-03-02T13:00:00Z", "2026-03-02T22:00:00Z"),
        ("00:00-24:00", "UTC", "2026-03-02T13:00:00Z", "2026-03-10T00:00:00Z"),
    ],
)
def test_quiet_hours_end_by_the_wall_clock_of_their_zone(
    quiet: str, zone: str | None, now: str, until: str | None
) -> None:
    found = until_of(windows((quiet,)), ZoneInfo(zone) if zone else None, datetime.fromisoformat(now))
    assert (found.astimezone(UTC).isoformat()[:19] + "Z" if found else None) == until
