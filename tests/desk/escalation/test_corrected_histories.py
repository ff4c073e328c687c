"""What was said late about an earlier time makes nothing fire again, and lets nothing that is due go by.

Cycles and episodes are numbered in the order of time: one that comes to light afterwards moves the numbers of those
that follow. What was decided and noticed goes with them.
"""

import json
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import at, came, check, ladder, opened, policy, rows, ticket, write_rules
from freezegun.api import FrozenDateTimeFactory

Clock = FrozenDateTimeFactory

IDLE = ladder("idle", "nudge 0m", more='idle = { for = "2h" }')


pytestmark = pytest.mark.usefixtures("clock")


def said_late(slactl: Slactl, command: str, number: str, time: str, *options: str) -> None:
    """Say now, with a reason, what happened at an earlier time."""
    result = slactl(command, number, "--at", f"2026-03-02T{time}Z", "--reason", "seen in the mailbox", *options)
    assert result.code == 0, result.err


def clean(slactl: Slactl) -> bool:
    """Whether the audit finds nothing, and a rebuilding has nothing to mend."""
    verified, rebuilt = slactl("audit", "verify"), slactl("doctor", "--rebuild", "--dry-run")
    assert (verified.code, rebuilt.code) == (0, 0), verified.out + verified.err + rebuilt.out + rebuilt.err
    return True


def late_exchange(slactl: Slactl, clock: Clock) -> str:
    """A ticket that was answered at 09:10 and whose exchange since 11:00 is late: somebody was told at 12:30."""
    number = opened(slactl)
    at(clock, "09:10:00")
    slactl("reply", number, "--no-body")
    at(clock, "11:00:00")
    slactl("receive", number)
    at(clock, "12:30:00")
    assert came(slactl) == ["breach fired"]
    return number


def test_an_earlier_exchange_moves_no_escalation_to_another_one(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(next_response="1h"), ladder("next_response", "breach 0m"))
    number = late_exchange(slactl, clock)
    said_late(slactl, "receive", number, "09:20:00")
    said_late(slactl, "reply", number, "09:30:00", "--no-body")
    assert clean(slactl)
    found = check(slactl)
    assert (found["firings"], found["breached"]) == ([], 0), found["firings"]
    assert rows(desk, "SELECT kind, cycle, outcome FROM escalation") == [("next_response", 2, "fired")]
    assert rows(desk, "SELECT cycle, detected_at FROM timer WHERE detected_at IS NOT NULL") == [
        (2, "2026-03-02T12:30:00Z")
    ]


def test_an_exchange_that_came_to_light_is_judged_by_itself(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(next_response="1h"), ladder("next_response", "breach 0m"))
    number = opened(slactl)
    at(clock, "09:10:00")
    slactl("reply", number, "--no-body")
    at(clock, "13:00:00")
    slactl("receive", number)
    at(clock, "14:30:00")
    assert came(slactl) == ["breach fired"]
    said_late(slactl, "receive", number, "09:20:00")
    said_late(slactl, "reply", number, "12:00:00", "--no-body")
    found = check(slactl)
    assert ([firing["outcome"] for firing in found["firings"]], found["breached"]) == (["expired"], 1)
    assert rows(desk, "SELECT cycle, outcome FROM escalation ORDER BY cycle") == [(1, "expired"), (2, "fired")]
    assert came(slactl) == []
    assert clean(slactl)


def test_an_act_on_the_record_late_begins_no_quiet_spell_anew(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(resolution="90h"), IDLE)
    number = opened(slactl, "--assignee", "joe")
    at(clock, "10:00:00")
    slactl("note", number, "--body", "looking into it")
    at(clock, "12:30:00")
    assert came(slactl) == ["nudge fired"]
    said_late(slactl, "note", number, "09:30:00", "--body", "rang her")
    assert came(slactl) == []
    at(clock, "13:00:00")
    slactl("note", number, "--body", "still looking")
    at(clock, "15:00:00")
    assert came(slactl) == ["nudge fired"]
    assert rows(desk, "SELECT cycle FROM escalation ORDER BY id") == [(3,), (4,)]
    assert clean(slactl)


def test_an_act_within_the_spell_for_which_somebody_was_told_wakes_nobody_again(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, policy(resolution="90h"), IDLE)
    number = opened(slactl, "--assignee", "joe")
    at(clock, "12:00:00")
    assert came(slactl) == ["nudge fired"]
    said_late(slactl, "note", number, "10:30:00", "--body", "rang her")
    at(clock, "12:30:00")
    assert came(slactl) == []
    assert rows(desk, "SELECT cycle FROM escalation") == [(2,)]


def test_an_act_at_the_instant_at_which_a_level_fired_begins_a_spell_of_its_own(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, policy(resolution="90h"), IDLE)
    number = opened(slactl, "--assignee", "joe")
    at(clock, "12:00:00")
    assert came(slactl) == ["nudge fired"]
    slactl("note", number, "--body", "at once")
    said_late(slactl, "note", number, "09:30:00", "--body", "rang her")
    at(clock, "14:00:00")
    assert came(slactl) == ["nudge fired"]
    assert rows(desk, "SELECT cycle FROM escalation ORDER BY id") == [(2,), (3,)]


def test_an_earlier_hand_over_lets_no_episode_fire_again(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(resolution="90h"), ladder("unassigned", "grab +10m", 'again +1h notify = ["manager"]'))
    number = opened(slactl)
    at(clock, "10:30:00")
    assert came(slactl) == ["grab fired", "again fired"]
    said_late(slactl, "assign", number, "09:01:00", "--to", "joe")
    said_late(slactl, "assign", number, "09:05:00", "--none")
    at(clock, "11:00:00")
    assert came(slactl) == []
    assert rows(desk, "SELECT cycle FROM escalation ORDER BY id") == [(2,), (2,)]


def test_an_earlier_reopening_moves_the_cycles_of_the_resolution(desk: Path, slactl: Slactl, clock: Clock) -> None:
    rules = write_rules(desk, policy(resolution="1h"), ladder("resolution", "breach 0m"))
    rules.write_text(rules.read_text().replace("[settings]", '[settings]\nreopen = "reset"'))
    number = opened(slactl)
    at(clock, "09:50:00")
    slactl("resolve", number)
    at(clock, "10:00:00")
    slactl("reopen", number)
    at(clock, "11:30:00")
    assert came(slactl) == ["breach fired"]
    said_late(slactl, "resolve", number, "09:10:00")
    said_late(slactl, "reopen", number, "09:20:00")
    assert came(slactl) == []
    assert rows(desk, "SELECT cycle FROM escalation") == [(3,)]
    assert clean(slactl)


def test_other_rules_that_count_exchanges_otherwise_let_nothing_fire_again(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    rules = write_rules(desk, policy(next_response="1h"), ladder("next_response", "breach 0m"))
    late_exchange(slactl, clock)
    text = rules.read_text()
    for setting in ("creation", "first_reply", "creation"):
        rules.write_text(text.replace("[settings]", f'[settings]\nnext_response_from = "{setting}"'))
        assert slactl("rules", "apply", "--yes").code == 0
        assert came(slactl) == []
        assert rows(desk, "SELECT cycle FROM escalation") == [(1,)]
        assert clean(slactl)


def test_what_people_did_by_hand_twice_stays_with_its_exchange(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(next_response="1h"), ladder("next_response", "breach 0m"))
    number = opened(slactl)
    at(clock, "09:10:00")
    slactl("reply", number, "--no-body")
    at(clock, "11:00:00")
    slactl("receive", number)
    at(clock, "11:10:00")
    for _ in range(2):
        slactl("escalate", number, "--escalation", "next_response", "--level", "breach", "--reason", "again")
    said_late(slactl, "receive", number, "09:20:00")
    said_late(slactl, "reply", number, "09:30:00", "--no-body")
    assert rows(desk, "SELECT cycle FROM escalation") == [(2,), (2,)]
    at(clock, "12:30:00")
    assert came(slactl) == []
    assert clean(slactl)


@pytest.mark.parametrize("time", ["09:00:00", "09:00:01"])
def test_an_episode_that_never_was_holds_back_no_other(desk: Path, slactl: Slactl, clock: Clock, time: str) -> None:
    write_rules(desk, policy(resolution="90h"), ladder("unassigned", "grab +10m"))
    number = opened(slactl)
    at(clock, "09:20:00")
    assert came(slactl) == ["grab fired"]
    said_late(slactl, "assign", number, time, "--to", "joe")
    assert clean(slactl)
    at(clock, "10:00:00")
    slactl("assign", number, "--none")
    at(clock, "10:10:00")
    assert came(slactl) == ["grab fired"]
    assert [row["outcome"] for row in ticket(slactl, number)["escalations"]] == ["fired", "fired"]
    assert clean(slactl)
    assert came(slactl) == []


def test_an_episode_that_ended_in_the_second_in_which_it_fired_holds_back_no_other(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, policy(resolution="90h"), ladder("unassigned", "grab +0m"))
    number = opened(slactl)
    assert came(slactl) == ["grab fired"]
    slactl("assign", number, "--to", "joe")
    at(clock, "10:00:00")
    slactl("assign", number, "--none")
    assert came(slactl) == ["grab fired"]
    assert came(slactl) == []


def test_what_no_ladder_watches_for_a_while_is_not_lost_sight_of(desk: Path, slactl: Slactl, clock: Clock) -> None:
    grab = ladder("unassigned", "grab +10m")
    write_rules(desk, policy(resolution="90h"), grab)
    number = opened(slactl)
    at(clock, "09:20:00")
    assert came(slactl) == ["grab fired"]
    write_rules(desk, policy(resolution="90h"))
    assert came(slactl) == []
    said_late(slactl, "assign", number, "09:01:00", "--to", "joe")
    said_late(slactl, "assign", number, "09:05:00", "--none")
    write_rules(desk, policy(resolution="90h"), grab)
    assert came(slactl) == []
    assert rows(desk, "SELECT cycle FROM escalation") == [(2,)]


def test_a_desk_brought_elsewhere_knows_what_was_decided_for_which_exchange(
    desk: Path, slactl: Slactl, clock: Clock, tmp_path: Path
) -> None:
    write_rules(desk, policy(next_response="1h"), ladder("next_response", "breach 0m"))
    number = late_exchange(slactl, clock)
    said_late(slactl, "receive", number, "09:20:00")
    said_late(slactl, "reply", number, "09:30:00", "--no-body")
    exported = slactl("export")
    assert exported.code == 0, exported.err
    log = tmp_path / "log.jsonl"
    log.write_text(exported.out)
    elsewhere = ("--db", str(tmp_path / "elsewhere.db"))
    assert slactl(*elsewhere, "init").code == 0
    assert slactl(*elsewhere, "import", str(log)).code == 0
    found = json.loads(slactl(*elsewhere, "check", "--json").out)
    assert (found["firings"], found["breached"]) == ([], 0)
    assert slactl(*elsewhere, "audit", "verify").code == 0


def test_a_breach_that_came_to_light_is_not_taken_for_the_one_that_was_noticed(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, policy(next_response="1h"), ladder("created", "old +900h"))
    number = opened(slactl)
    at(clock, "09:10:00")
    slactl("reply", number, "--no-body")
    at(clock, "12:00:00")
    slactl("receive", number)
    at(clock, "14:00:00")
    check(slactl)
    # The exchange that was late was answered in time, and one before it was not.
    said_late(slactl, "reply", number, "12:30:00", "--no-body")
    said_late(slactl, "receive", number, "09:20:00")
    said_late(slactl, "reply", number, "11:30:00", "--no-body")
    assert clean(slactl)
    found = check(slactl)
    assert (found["firings"], found["breached"]) == ([], 1)
    assert clean(slactl)


def test_a_late_answer_on_the_record_later_leaves_the_next_deadline_to_be_noticed(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    """The miss that was noticed is that of the deadline before the answer, not of the one after it."""
    write_rules(desk, policy(update="1h"), ladder("update", "breach 0m"))
    number = opened(slactl)
    at(clock, "09:10:00")
    slactl("reply", number, "--no-body")
    at(clock, "10:30:00")
    assert check(slactl)["breached"] == 1
    said_late(slactl, "reply", number, "10:20:00", "--no-body")
    assert clean(slactl)
    assert check(slactl)["breached"] == 0
    at(clock, "11:20:01")
    assert check(slactl)["breached"] == 1
    noticed = rows(desk, "SELECT cycle, missed_at, detected_at FROM outcome WHERE kind = 'update' ORDER BY cycle")
    assert noticed == [
        (1, "2026-03-02T10:10:00Z", "2026-03-02T10:30:00Z"),
        (2, "2026-03-02T11:20:00Z", "2026-03-02T11:20:01Z"),
    ]
    assert clean(slactl)


def test_an_answer_in_time_on_the_record_later_takes_the_noticed_miss_back(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, policy(update="1h"), ladder("update", "breach 0m"))
    number = opened(slactl)
    at(clock, "09:10:00")
    slactl("reply", number, "--no-body")
    at(clock, "10:30:00")
    assert check(slactl)["breached"] == 1
    said_late(slactl, "reply", number, "10:00:00", "--no-body")
    assert clean(slactl)
    at(clock, "11:00:01")
    assert check(slactl)["breached"] == 1
    assert rows(desk, "SELECT cycle, detected_at FROM outcome WHERE missed_at IS NOT NULL") == [
        (2, "2026-03-02T11:00:01Z")
    ]
