"""Who gets the tickets and the messages of a role when a level fires: whoever is on call, or stands in."""

import json
import sqlite3
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import at, check, ladder, opened, policy, ticket, write_rules
from freezegun.api import FrozenDateTimeFactory

Clock = FrozenDateTimeFactory
pytestmark = pytest.mark.usefixtures("clock")

LONG = policy(resolution="1h")
PEOPLE = "[people.ann]\n[people.ben]\n[people.cem]\n[people.dan]\n"
ROTA = """
[schedules.first-line]
timezone = "UTC"
[[schedules.first-line.layer]]
people = ["ann", "ben"]
rotate = "1d"
from = "2026-03-02 09:00"
"""
FIRST = '[roles.first]\nassignee = "dan"\non_call = "first-line"\n'
LATE = ladder("resolution", 'late +1m assign = "first"; notify = ["first"]')


def recipients(desk: Path) -> list[str]:
    with sqlite3.connect(desk) as connection:
        return [name for (name,) in connection.execute("SELECT recipient FROM notification ORDER BY id")]


def said(desk: Path, key: str) -> object:
    """Return what the last event with this key says."""
    with sqlite3.connect(desk) as connection:
        query = "SELECT json_extract(detail, '$.' || :key) AS said FROM event WHERE said IS NOT NULL ORDER BY id DESC"
        return connection.execute(query, {"key": key}).fetchone()[0]


def run(slactl: Slactl, *arguments: str) -> str:
    result = slactl(*arguments)
    assert result.code == 0, result.err
    return result.out.strip()


def test_level_that_fires_late_reaches_who_is_on_call_then(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, PEOPLE, FIRST, ROTA, LATE)
    number = opened(slactl)
    clock.move_to("2026-03-03T09:30:00Z")  # due at 10:01 on the day before, when ann was on call
    check(slactl)
    assert ticket(slactl, number)["assignee"] == "ben"
    assert recipients(desk) == ["ben"]


def test_substitute_gets_ticket_and_message_and_the_record_says_for_whom(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG, PEOPLE, FIRST, ROTA, LATE)
    number = opened(slactl)
    run(slactl, "oncall", "away", "ann", "--from", "now", "--until", "in 1d", "--substitute", "cem")
    at(clock, "10:05:00")
    check(slactl)
    assert ticket(slactl, number)["assignee"] == "cem"
    assert recipients(desk) == ["cem"]
    assert said(desk, "instead_of") == "ann"
    assert said(desk, "stand_ins") == '["cem for ann"]'


@pytest.mark.parametrize("notify", ["first", "assignee"])
def test_message_and_receipt_say_for_whom_the_substitute_gets_them(
    desk: Path, slactl: Slactl, clock: Clock, notify: str
) -> None:
    level = f'late +1m assign = "first"; notify = ["{notify}", "ben"]'
    path = write_rules(desk, LONG, PEOPLE, FIRST, ROTA, ladder("resolution", level))
    path.write_text(path.read_text().replace('"high", notify = ["manager"]', '"high", notify = ["first"]'))
    number = opened(slactl)
    run(slactl, "oncall", "away", "ann", "--from", "now", "--until", "in 1d", "--substitute", "cem")
    (notice,) = json.loads(run(slactl, "escalate", number, "--reason", "called", "--json"))["notices"]
    assert (notice["recipient"], notice["stands_in_for"]) == ("cem", "ann")
    at(clock, "10:05:00")
    texts = {text.split(":")[0]: text for text in check(slactl)["messages"]}
    assert "for ann, who is away" in texts["To cem"]
    assert "who is away" not in texts["To ben"]


def test_test_message_goes_to_the_substitute_of_the_person_of_a_role(desk: Path, slactl: Slactl) -> None:
    people = PEOPLE.replace("[people.cem]", '[people.cem]\nnotify = [{ command = ["true"] }]')
    write_rules(desk, LONG, people.replace("[people.ann]", "[people.mia]\n[people.ann]"))
    run(slactl, "oncall", "away", "mia", "--from", "now", "--until", "in 8h", "--substitute", "cem")
    assert run(slactl, "notify", "test", "manager") == "cem: command true: sent"


def test_fallback_of_a_message_that_is_given_up_is_who_is_on_call(desk: Path, slactl: Slactl, clock: Clock) -> None:
    people = PEOPLE.replace("[people.dan]", '[people.dan]\nnotify = [{ command = ["false"] }]')
    rules = LONG, people, '[roles.first]\non_call = "first-line"\n', ROTA
    write_rules(desk, *rules, ladder("resolution", 'late +1m notify = ["dan"]', more='fallback = "first"'))
    opened(slactl)
    run(slactl, "oncall", "away", "ann", "--from", "now", "--until", "in 8h", "--substitute", "cem")
    at(clock, "10:05:00")
    done = check(slactl, code=7)
    assert recipients(desk) == ["dan", "cem"]
    [text] = done["messages"]
    assert text.startswith("To cem")
    assert "for ann, who is away" in text
    assert "instead of dan, who could not be reached" in text


@pytest.mark.parametrize(("substitute", "expected"), [(("--substitute", "dan"), ["dan"]), ((), ["nobody"])])
def test_substitute_is_told_that_a_status_of_an_absent_assignee_ended(
    desk: Path, slactl: Slactl, clock: Clock, substitute: tuple[str, ...], expected: list[str]
) -> None:
    write_rules(desk, LONG, PEOPLE)
    number = opened(slactl, "--assignee", "ann")
    run(slactl, "status", number, "pending", "--until", "in 30m")
    run(slactl, "oncall", "away", "ann", "--from", "now", "--until", "in 8h", *substitute)
    at(clock, "10:05:00")
    texts = check(slactl)["messages"]
    assert recipients(desk) == expected
    assert ["Open again" in text and "for ann, who is away" in text for text in texts] == [True for _ in expected]
    assert said(desk, "stand_ins") == f'["{"".join(expected)} for ann"]'
    assert ticket(slactl, number)["status"] == "open"
    assert slactl("audit", "verify").code == 0


def test_override_decides_and_its_removal_too(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, PEOPLE, FIRST, ROTA, LATE)
    first, second = opened(slactl), ""
    number = run(slactl, "oncall", "override", "first-line", "--to", "cem", "--from", "now", "--until", "in 8h")
    at(clock, "10:05:00")
    check(slactl)
    assert ticket(slactl, first)["assignee"] == "cem"
    second = opened(slactl)
    run(slactl, "oncall", "remove", number)
    at(clock, "11:10:00")
    check(slactl)
    assert ticket(slactl, second)["assignee"] == "ann"


def test_assignee_of_the_role_where_nobody_is_on_call_then_fallback(desk: Path, slactl: Slactl, clock: Clock) -> None:
    later = ROTA.replace("2026-03-02", "2026-04-02")
    level = 'late +1m assign = "first"; notify = ["first"]'
    write_rules(desk, LONG, PEOPLE, FIRST, later, ladder("resolution", level, more='fallback = "manager"'))
    number = opened(slactl)
    at(clock, "10:05:00")
    check(slactl)
    assert (ticket(slactl, number)["assignee"], recipients(desk)) == ("dan", ["dan"])
    run(slactl, "oncall", "away", "dan", "--from", "now", "--until", "in 8h")
    second = opened(slactl)
    at(clock, "11:10:00")
    (fired,) = check(slactl)["firings"]
    assert ticket(slactl, second)["assignee"] is None
    assert (recipients(desk)[1:], fired["fallback"]) == (["manager"], "manager")


def test_assignee_who_is_away_gets_no_message_and_check_prints_it_without_a_substitute(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG, PEOPLE, ladder("resolution", 'late +1m notify = ["assignee"]'))
    numbers = [opened(slactl, "--assignee", name) for name in ("ann", "ben", "cem")]
    run(slactl, "oncall", "away", "ann", "--from", "now", "--until", "in 8h", "--substitute", "dan")
    run(slactl, "oncall", "away", "ben", "--from", "now", "--until", "in 8h")
    at(clock, "10:05:00")
    check(slactl)
    assert recipients(desk) == ["dan", "nobody", "cem"]
    assert [ticket(slactl, number)["assignee"] for number in numbers] == ["ann", "ben", "cem"]


def test_role_with_addresses_and_a_person_with_addresses_tells_both(desk: Path, slactl: Slactl, clock: Clock) -> None:
    role = '[roles.first]\non_call = "first-line"\nnotify = ["json://127.0.0.1:9/team"]\n'
    people = PEOPLE.replace("[people.ann]", '[people.ann]\nnotify = ["json://127.0.0.1:9/ann"]')
    write_rules(desk, LONG, people, role, ROTA, ladder("resolution", 'late +1m notify = ["first"]'))
    opened(slactl)
    at(clock, "10:05:00")
    slactl("check", "--no-send")
    assert recipients(desk) == ["first", "ann"]


@pytest.mark.parametrize(
    ("spread", "expected"),
    [("least_open", ["ben", "cem", "ben", "cem"]), ("round_robin", ["cem", "ann", "ben", "cem"])],
)
def test_members_get_tickets_in_turn(
    desk: Path, slactl: Slactl, clock: Clock, spread: str, expected: list[str]
) -> None:
    role = f'[roles.first]\nassignee = "dan"\nmembers = ["ann", "ben", "cem"]\nspread = "{spread}"\n'
    write_rules(desk, LONG, PEOPLE, role, ladder("resolution", 'late +1m assign = "first"'))
    for name in ("ann", "ann", "ann", "ben"):
        run(slactl, "assign", opened(slactl), "--to", name)
    run(slactl, "ack", "1", "2", "3", "4", "--for", "9h")
    numbers = [opened(slactl) for _ in expected]
    run(slactl, "resolve", "4")  # ben has no open ticket, as cem
    at(clock, "10:05:00")
    check(slactl)
    assert [ticket(slactl, number)["assignee"] for number in numbers] == expected


def test_members_who_are_away_are_left_out_and_the_assignee_is_last(desk: Path, slactl: Slactl, clock: Clock) -> None:
    role = '[roles.first]\nassignee = "dan"\nmembers = ["ann", "ben"]\nspread = "least_open"\n'
    write_rules(desk, LONG, PEOPLE, role, ladder("resolution", 'late +1m assign = "first"'))
    run(slactl, "oncall", "away", "ann", "--from", "now", "--until", "in 8h", "--substitute", "cem")
    first = opened(slactl)
    at(clock, "10:05:00")
    check(slactl)
    assert ticket(slactl, first)["assignee"] == "ben"
    run(slactl, "oncall", "away", "ben", "--from", "now", "--until", "in 8h")
    second = opened(slactl)
    at(clock, "11:10:00")
    check(slactl)
    assert ticket(slactl, second)["assignee"] == "dan"


@pytest.mark.parametrize(("substitute", "expected"), [(None, "ben"), ("cem", "cem")])
def test_explain_says_whom_a_level_would_reach_when_it_fires(
    desk: Path, slactl: Slactl, clock: Clock, substitute: str | None, expected: str
) -> None:
    level = (
        'late +24h assign = "first"; notify = ["first", "previous_assignee"]'  # the rota has moved on to ben by then
    )
    write_rules(desk, LONG, PEOPLE, FIRST, ROTA, ladder("resolution", level))
    number = opened(slactl, "--assignee", "dan")
    if substitute is not None:
        away = ("oncall", "away", "ben", "--from", "2026-03-03", "--until", "2026-03-05", "--substitute", substitute)
        run(slactl, *away)
    explained = json.loads(run(slactl, "explain", number, "--json"))
    (upcoming,) = [each for timer in explained["timers"] for each in timer["levels"]]
    assert (upcoming["assigns"], upcoming["tells"]) == (expected, [expected, "dan"])
    shown = run(slactl, "explain", number, "--format", "table")
    assert f"upcoming: resolution/late, at +24h, assigns {expected}, tells {expected}, dan" in shown
    at(clock, "10:30:00", day=3)
    check(slactl)
    assert (ticket(slactl, number)["assignee"], recipients(desk)) == (expected, [expected, "dan"])


def test_explain_names_the_fallback_of_a_level_that_reaches_nobody(desk: Path, slactl: Slactl) -> None:
    level = 'late +1m notify = ["assignee"]'
    write_rules(desk, LONG, PEOPLE, ladder("resolution", level, more='fallback = "manager"'))
    number = opened(slactl)
    explained = json.loads(run(slactl, "explain", number, "--json"))
    (upcoming,) = [each for timer in explained["timers"] for each in timer["levels"]]
    assert (upcoming["assigns"], upcoming["tells"]) == (None, ["manager"])
