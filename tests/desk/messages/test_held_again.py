"""Messages that are held back go out when their reason ends early, and how often each address is tried."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from escalation_desk import BASE, at, check, ladder, opened, policy, rows, write_rules
from freezegun.api import FrozenDateTimeFactory

pytestmark = pytest.mark.usefixtures("clock")

CREATED = ladder("created", 'told 0m notify = ["mia"]')
QUIET = '[people.mia]\nquiet = ["00:00-12:00"]\nquiet_except = ["urgent"]\ntimezone = "UTC"\n'
MAINTAINED = '[people.mia]\n[[maintenance]]\nweekly = ["mon 08:00-12:00"]\ntimezone = "UTC"\n'


def outbox(slactl: Slactl) -> list[dict[str, Any]]:
    return list(reversed(json.loads(slactl("notifications", "list", "--json").out)))


def test_message_goes_out_when_its_ticket_gets_a_priority_that_comes_through(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy(), CREATED, QUIET)
    number = opened(slactl)
    assert check(slactl)["messages"] == []
    slactl("priority", number, "high")
    at(clock, "09:05:00")
    assert check(slactl)["messages"] == []
    at(clock, "09:10:00")
    assert check(slactl)["messages"] == []
    slactl("priority", number, "urgent", "--at", "2026-03-02T09:02:00Z")
    at(clock, "09:15:00")
    (message,) = check(slactl)["messages"]
    assert "held back by quiet hours until now" in message


@pytest.mark.parametrize(("before", "after"), [(QUIET, "[people.mia]\n"), (MAINTAINED, "[people.mia]\n")])
def test_message_goes_out_when_its_quiet_time_is_taken_out_of_the_rules(
    desk: Path, slactl: Slactl, before: str, after: str
) -> None:
    write_rules(desk, policy(), CREATED, before)
    opened(slactl)
    assert check(slactl)["messages"] == []
    write_rules(desk, policy(), CREATED, after)
    assert len(check(slactl)["messages"]) == 1


def test_message_goes_out_when_the_acknowledgement_is_released_and_not_before(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy(), CREATED, "[people.mia]\n")
    number = opened(slactl)
    check(slactl, "--no-send")
    slactl("ack", number, "--for", "8h")
    assert check(slactl)["messages"] == []
    assert [(each["held_by"], each["next_try_at"]) for each in outbox(slactl)] == [
        ("an acknowledgement", "2026-03-02T17:00:00Z")
    ]
    at(clock, "10:00:00")
    assert check(slactl)["messages"] == []
    slactl("unack", number)
    assert len(check(slactl)["messages"]) == 1


def test_retry_releases_a_message_that_is_held_back_and_no_other(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, policy(), CREATED, QUIET)
    opened(slactl), opened(slactl)
    waits = slactl("notifications", "retry", "1")
    assert waits.code == 3
    assert check(slactl)["messages"] == []
    assert slactl("notifications", "retry", "1", "-n").code == 0
    assert check(slactl)["messages"] == []
    assert slactl("notifications", "retry", "1").out == "1\n"
    assert [each["held_by"] for each in outbox(slactl)] == ["quiet hours, released", "quiet hours"]
    (message,) = check(slactl)["messages"]
    assert ("ticket 1: " in message, "ticket 2: " in message) == (True, False)
    assert "held back by quiet hours until now" in message
    assert [each["state"] for each in outbox(slactl)] == ["printed", "waiting"]


def test_message_that_waits_and_is_not_held_back_cannot_be_released(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, policy(), CREATED, "[people.mia]\n")
    opened(slactl)
    check(slactl, "--no-send")
    assert slactl("notifications", "retry", "1").code == 5


def test_held_message_is_not_written_anew_by_each_run(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, policy(), CREATED, QUIET)
    opened(slactl)
    check(slactl)
    before = rows(desk, "SELECT * FROM notification")
    check(slactl)
    assert rows(desk, "SELECT * FROM notification") == before


def test_silence_that_ends_before_it_begins_never_holds_and_never_ends_before_its_begin(
    desk: Path, slactl: Slactl
) -> None:
    write_rules(desk, policy(), CREATED, "[people.mia]\n")
    number = opened(slactl)
    slactl("silence", "add", "--ticket", number, "--from", "in 2h", "--for", "1h")
    assert slactl("silence", "expire", "1").code == 0
    assert rows(desk, "SELECT starts_at <= ends_at, ends_at FROM silence") == [(1, "2026-03-02T09:00:00Z")]
    assert slactl("silence", "expire", "1").code == 5
    assert slactl("silence", "list", "-q").out == ""


# How often.


def test_each_address_is_tried_as_often_as_the_only_one(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    log = desk.with_name("log")
    fails = json.dumps(["sh", "-c", f"echo >> {log}; exit 75"])
    notify = f'notify = [{{ command = ["true"] }}, {{ command = ["true", "2"] }}, {{ command = {fails} }}]\n'
    write_rules(desk, policy(), CREATED, f"[people.mia]\n{notify}")
    opened(slactl)
    waits = []
    for tries in range(1, 6):
        check(slactl, code=7)
        assert len(log.read_text().splitlines()) == tries
        (message,) = outbox(slactl)
        waits.append(message["next_try_at"])
        if message["next_try_at"] is not None:
            clock.move_to(message["next_try_at"])
    assert waits == [
        *("2026-03-02T09:01:00Z", "2026-03-02T09:06:00Z", "2026-03-02T09:21:00Z", "2026-03-02T09:51:00Z"),
        None,
    ]
    assert (message["state"], message["tries"]) == ("partly", 5)


def test_tries_of_an_older_version_go_on_where_they_were(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy(), CREATED, '[people.mia]\nnotify = [{ command = ["sh", "-c", "exit 75"] }]\n')
    opened(slactl)
    check(slactl, code=7)
    rows(desk, "UPDATE notification SET tries = 4, addresses = replace(addresses, 'Z 1', 'Z')")
    assert rows(desk, "SELECT addresses LIKE '%Z\"%' FROM notification") == [(1,)]
    at(clock, "09:01:00")
    check(slactl, code=7)
    assert [each["state"] for each in outbox(slactl)] == ["dead"]


# How many.


def test_dry_run_counts_the_messages_that_the_run_sends(desk: Path, slactl: Slactl) -> None:
    people = '[people.mia]\nnotify = [{ command = ["true"] }, "${env:NOT_SET}"]\n[people.ann]\n'
    both = ladder("created", 'told 0m notify = ["mia", "ann"]')
    rules = BASE.replace("[people.joe]", "") + policy() + both + people
    desk.with_name("rules.toml").write_text(rules.replace(', "${env:NOT_SET}"', ', { command = ["true", "2"] }'))
    for _ in range(3):
        opened(slactl)
    dry = check(slactl, "--dry-run")
    done = check(slactl)
    assert (dry["messages_sent"], dry["notified"]) == (done["messages_sent"], done["notified"]) == (7, 6)


def test_dry_run_does_not_count_addresses_that_got_the_message(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    flag = desk.with_name("flag")
    once = json.dumps(["sh", "-c", f"test -e {flag} || exit 75"])
    write_rules(desk, policy(), CREATED, f'[people.mia]\nnotify = [{{ command = ["true"] }}, {{ command = {once} }}]\n')
    opened(slactl)
    assert check(slactl, code=7)["messages_sent"] == 1
    assert check(slactl, "--dry-run")["messages_sent"] == 0
    flag.touch()
    at(clock, "09:01:00")
    assert check(slactl, "--dry-run")["messages_sent"] == check(slactl)["messages_sent"] == 1
