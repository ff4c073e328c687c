"""Quiet hours by weekday and calendar, planned silences, maintenance, and the pause that a message mentions."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from escalation_desk import check, ladder, opened, policy, write_rules
from freezegun.api import FrozenDateTimeFactory

pytestmark = pytest.mark.usefixtures("clock")

#: Fires when the ticket is opened, and every hour from then on.
EVERY_HOUR = ladder("created", 'hourly 0m notify = ["mia"]; repeat = { every = "1h", max = 1000 }')


def person(*lines: str) -> str:
    return "[people.mia]\n" + "\n".join(lines) + "\n"


def outbox(slactl: Slactl) -> list[dict[str, Any]]:
    return list(reversed(json.loads(slactl("notifications", "list", "--json").out)))


def held(slactl: Slactl) -> tuple[str | None, str | None]:
    last = outbox(slactl)[-1]
    return (last["held_by"], last["next_try_at"]) if last["state"] == "waiting" else (None, None)


@pytest.mark.parametrize(
    ("lines", "at", "until"),
    [
        (['quiet = "22:00-07:00"'], "2026-03-06T22:00:00Z", "2026-03-07T07:00:00Z"),
        (['quiet = ["22:00-07:00", "sat-sun"]'], "2026-03-06T22:00:00Z", "2026-03-09T07:00:00Z"),
        (['quiet = ["fri 15:00-24:00"]'], "2026-03-06T15:00:00Z", "2026-03-07T00:00:00Z"),
        (['quiet = ["fri 15:00-24:00"]'], "2026-03-05T15:00:00Z", None),
        (['quiet = ["22:00-07:00"]', 'timezone = "Asia/Tokyo"'], "2026-03-06T13:30:00Z", "2026-03-06T22:00:00Z"),
        (['only = "office"'], "2026-03-06T16:59:59Z", None),
        (['only = "office"'], "2026-03-06T17:00:00Z", "2026-03-09T09:00:00Z"),
        (['only = "office"', 'quiet = ["mon 08:00-10:00"]'], "2026-03-06T17:00:00Z", "2026-03-09T10:00:00Z"),
        (['quiet = ["sat-sun"]', 'quiet_except = ["urgent"]'], "2026-03-07T12:00:00Z", "2026-03-09T00:00:00Z"),
        (['quiet = ["sat-sun"]', 'quiet_except = ["urgent", "normal"]'], "2026-03-07T12:00:00Z", None),
        (['only = "office"', 'quiet_except = ["normal"]'], "2026-03-07T12:00:00Z", None),
    ],
)
def test_messages_wait_until_the_quiet_time_ends(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, lines: list[str], at: str, until: str | None
) -> None:
    write_rules(desk, policy(), EVERY_HOUR, person(*lines))
    clock.move_to(at)
    opened(slactl)
    report = check(slactl)
    assert held(slactl) == (("quiet hours", until) if until else (None, None))
    assert (report["notified"], report["messages_sent"]) == ((0, 0) if until else (1, 1))
    if until:
        clock.move_to(until)
        (message,) = check(slactl)["messages"]
        assert "held back by quiet hours until now" in message


#: The role is quiet before 10:00, but not for normal tickets where it says so.
ROLE = '[roles.night]\nassignee = "mia"\ntimezone = "UTC"\nquiet = ["00:00-10:00"]\n'


@pytest.mark.parametrize(
    ("role", "lines", "until"),
    [
        (ROLE, [], "10:00"),
        (ROLE, ['quiet = ["09:30-11:00"]', 'timezone = "UTC"'], "11:00"),
        (ROLE, ['quiet = ["10:30-11:00"]', 'timezone = "UTC"'], "10:00"),
        (ROLE, ['quiet = ["08:00-09:30"]', 'timezone = "UTC"'], "10:00"),
        (ROLE + 'quiet_except = ["normal"]\n', [], None),
        (ROLE + 'quiet_except = ["normal"]\n', ['quiet = ["08:00-09:30"]', 'timezone = "UTC"'], "09:30"),
        (ROLE + 'notify = [{ command = ["true"] }]\n', ['quiet = ["09:00-11:00"]', 'timezone = "UTC"'], "10:00"),
    ],
)
def test_role_without_addresses_is_quiet_when_it_or_its_assignee_is(
    desk: Path, slactl: Slactl, role: str, lines: list[str], until: str | None
) -> None:
    write_rules(desk, policy(), ladder("created", 'told 0m notify = ["night"]'), role, person(*lines))
    opened(slactl)
    check(slactl)
    assert held(slactl) == (("quiet hours", f"2026-03-02T{until}:00Z") if until else (None, None))


def test_message_for_a_person_and_a_role_of_the_person_is_one_digest(desk: Path, slactl: Slactl) -> None:
    both = ladder("created", 'told 0m notify = ["mia"]', name="one"), ladder("created", 'told 0m notify = ["night"]')
    write_rules(desk, policy(), *both, ROLE + 'quiet_except = ["normal"]\n', person())
    opened(slactl)
    assert check(slactl)["messages_sent"] == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('quiet = ["22:00-07:00", "fri 22:00"]', "'22:00' is not a valid interval"),
        ('quiet = ["funday"]', "'funday' is not a weekday"),
        ('quiet = ["mon-sun"]', "is the whole week; no message would ever be sent"),
        ('quiet = ["08:00-20:00", "20:00-08:00"]', "is the whole week; no message would ever be sent"),
        ('only = "offise"', "did you mean office?"),
        ('quiet_except = ["vip"]', "'vip' is not one of"),
    ],
)
def test_wrong_quiet_times_are_named_with_their_line(desk: Path, slactl: Slactl, lines: str, said: str) -> None:
    path = write_rules(desk, policy(), EVERY_HOUR, person(lines))
    found = slactl("rules", "check")
    number = path.read_text().splitlines().index(lines) + 1
    assert (found.code, f"rules.toml:{number}: people.mia" in found.err, said in found.err) == (4, True, True), (
        found.err
    )


def test_a_planned_silence_holds_messages_from_its_beginning_to_its_end(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy(), EVERY_HOUR, person())
    number = opened(slactl)
    planned = ("--from", "2026-03-02T10:00:00Z", "--until", "2026-03-02T12:00:00Z")
    assert slactl("silence", "add", "--ticket", number, *planned).out == "1\n"
    (listed,) = json.loads(slactl("silence", "list", "--json").out)
    assert (listed["starts_at"], listed["active"]) == ("2026-03-02T10:00:00Z", False)
    sent = {}
    for at in ("09:00:00", "09:59:59", "10:00:00", "11:00:00", "11:59:59", "12:00:00", "13:00:00"):
        clock.move_to(f"2026-03-02T{at}Z")
        sent[at] = check(slactl)["notified"]
        is_active = [each["active"] for each in json.loads(slactl("silence", "list", "--json").out)]
        assert is_active == ([True] if "10:00:00" <= at < "12:00:00" else [False] if at < "12:00:00" else [])
    assert sent == {
        **{"09:00:00": 1, "09:59:59": 0, "10:00:00": 0, "11:00:00": 0, "11:59:59": 0},
        **{"12:00:00": 3, "13:00:00": 1},
    }


def test_a_planned_silence_can_be_cancelled_before_it_begins(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy(), EVERY_HOUR, person())
    number = opened(slactl)
    slactl("silence", "add", "--ticket", number, "--from", "2026-03-02T10:00:00Z", "--for", "2h")
    assert slactl("silence", "expire", "1").code == 0
    clock.move_to("2026-03-02T10:30:00Z")
    assert check(slactl)["notified"] == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--for", "2h", "--until", "2026-03-02T12:00:00Z"],
        [],
        ["--until", "2026-03-02T09:00:00Z"],
        ["--from", "2026-03-02T12:00:00Z", "--until", "2026-03-02T12:00:00Z"],
        ["--from", "2026-03-01T12:00:00Z", "--for", "2h"],
        ["--from", "sometime", "--for", "2h"],
    ],
)
def test_an_impossible_silence_is_refused(desk: Path, slactl: Slactl, options: list[str]) -> None:
    number = opened(slactl)
    refused = slactl("silence", "add", "--ticket", number, *options)
    assert (refused.code, "hint" in refused.err or "valid time" in refused.err) == (2, True), refused.err
    assert slactl("silence", "list", "--all", "-q").out == ""


def test_maintenance_holds_messages_about_its_tickets_and_no_others(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    planned = '[[maintenance]]\nmatch = { tenant = ["acme"], not = { tag = ["vip"] } }\nweekly = ["mon 09:00-11:00"]\n'
    write_rules(desk, policy(), EVERY_HOUR, person(), planned + 'timezone = "UTC"\n')
    slactl("tenant", "add", "acme")
    acme = ("--tenant", "acme")
    for options in (acme, (*acme, "--tag", "vip"), ()):
        opened(slactl, *options)
    (message,) = check(slactl)["messages"]
    assert ["ticket 1:" in message, "ticket 2:" in message, "ticket 3:" in message] == [False, True, True]
    assert [(row["held_by"], row["next_try_at"]) for row in outbox(slactl) if row["state"] == "waiting"] == [
        ("maintenance", "2026-03-02T11:00:00Z")
    ]
    assert slactl("show", "1", "--fields", "escalated").out.strip().endswith("true")
    clock.move_to("2026-03-02T11:00:00Z")
    (message,) = check(slactl)["messages"]
    assert "held back by maintenance until now" in message


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("weekly = []", "must have at least one entry"),
        ('weekly = ["mon-sun"]', "is the whole week"),
        ('weekly = ["mon"]\ntimezone = "Mars/Base"', "Mars/Base"),
        ('weekly = ["mon"]\nwhen = {}', "unknown key when"),
    ],
)
def test_wrong_maintenance_is_refused(desk: Path, slactl: Slactl, lines: str, said: str) -> None:
    write_rules(desk, policy(), EVERY_HOUR, person(), f"[[maintenance]]\n{lines}\n")
    found = slactl("rules", "check")
    assert (found.code, said in found.err) == (4, True), found.err


def test_cron_in_office_hours_is_not_told_every_morning_that_it_slept(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy(), EVERY_HOUR, person())
    opened(slactl)
    said = dict[str, bool]()
    for day in (2, 3, 4, 5, 6, 9, 10, 16):  # Monday to Friday, Monday, Tuesday, and the Monday after a week of holidays
        for hour in (9, 12, 15, 18):
            clock.move_to(f"2026-03-{day:02d}T{hour:02d}:00:00Z")
            said |= {f"{day} {hour}": "No check ran" in text for text in check(slactl)["messages"]}
    # The first evening, the first weekend and the holidays are news; no other morning is.
    assert [when for when, was_said in said.items() if was_said] == ["3 9", "9 9", "16 9"]
