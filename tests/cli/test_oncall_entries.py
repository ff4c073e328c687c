"""Overrides and absences that name who left the rules, or are over, and those entered while the rules are broken."""

import json
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import at, check, ladder, opened, policy, write_rules
from freezegun.api import FrozenDateTimeFactory

Clock = FrozenDateTimeFactory
pytestmark = pytest.mark.usefixtures("clock")

PEOPLE = "[people.ann]\n[people.ben]\n[people.dan]\n"
DAYS = '[schedules.days]\n[[schedules.days.layer]]\npeople = ["ann", "ben"]\n[roles.lead]\non_call = "days"\n'
LATE = ladder("resolution", 'late +1m assign = "lead"; notify = ["lead"]', more='fallback = "manager"')
SPAN = ("--from", "now", "--until", "in 3d")


@pytest.fixture
def rota(desk: Path, slactl: Slactl) -> Path:
    """A desk whose schedule has had an override and a substitute."""
    write_rules(desk, policy(resolution="1h"), PEOPLE, DAYS, LATE)
    run(slactl, "oncall", "override", "days", "--to", "dan", *SPAN)
    run(slactl, "oncall", "away", "ann", "--substitute", "dan", *SPAN)
    return desk


def run(slactl: Slactl, *arguments: str) -> str:
    result = slactl(*arguments)
    assert result.code == 0, result.err
    return result.out.strip()


OVERRIDE = "override 1 does not count: the rules have no person 'dan'"
SUBSTITUTE = "the substitute in absence 2 does not count: the rules have no person 'dan'"


def test_who_left_the_rules_swallows_no_message_and_everybody_says_so(rota: Path, slactl: Slactl, clock: Clock) -> None:
    number = opened(slactl)
    assert run(slactl, "oncall", "--fields", "person") == "dan"
    write_rules(rota, policy(resolution="1h"), PEOPLE.replace("[people.dan]\n", ""), DAYS, LATE)
    for command in (("oncall",), ("oncall", "show", "days"), ("oncall", "list"), ("check", "-n"), ("check",)):
        result = slactl(*command)
        assert result.code == 0
        assert [OVERRIDE in result.err, SUBSTITUTE in result.err] == [True, True], command
    doctor = slactl("doctor")
    assert all(
        said in doctor.out for said in (OVERRIDE, SUBSTITUTE, "slactl oncall remove 1", "slactl oncall remove 2")
    )
    assert run(slactl, "oncall", "--fields", "person,source,instead_of") == "ben\tlayer 1\tann"
    at(clock, "10:05:00")
    check(slactl)
    assert json.loads(run(slactl, "show", number, "--json"))["assignee"] == "ben"
    assert run(slactl, "notifications", "list", "--fields", "recipient") == "ben"
    run(slactl, "oncall", "remove", "1", "2")
    assert "does not count" not in slactl("oncall").err + slactl("check").err + slactl("doctor").out


def test_message_to_an_assignee_whose_substitute_left_goes_to_the_fallback(
    rota: Path, slactl: Slactl, clock: Clock
) -> None:
    level = ladder("resolution", 'late +1m notify = ["assignee"]', more='fallback = "manager"')
    write_rules(rota, policy(resolution="1h"), "[people.ann]\n[people.ben]\n", DAYS, level)
    opened(slactl, "--assignee", "ann")
    at(clock, "10:05:00")
    check(slactl)
    assert run(slactl, "notifications", "list", "--fields", "recipient") == "manager"


def test_schedule_that_was_renamed_is_named_with_the_nearest(rota: Path, slactl: Slactl) -> None:
    write_rules(rota, policy(resolution="1h"), PEOPLE, DAYS.replace("days", "day"), LATE)
    said = "override 1 does not count: the rules have no schedule 'days'; did you mean day?"
    assert said in slactl("oncall").err
    assert said in slactl("check").err
    assert said in slactl("doctor").out


def test_entries_that_are_over_are_no_longer_told(rota: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(rota, policy(resolution="1h"), "[people.ann]\n[people.ben]\n", DAYS, LATE)
    at(clock, "09:00:01", day=5)
    assert slactl("oncall", "list").err == ""
    assert slactl("oncall", "--at", "2026-03-03T09:00Z").err == ""


def test_ticket_of_somebody_who_is_no_person_of_the_rules_still_has_a_recipient(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, policy(resolution="1h"), PEOPLE, ladder("resolution", 'late +1m notify = ["assignee"]'))
    opened(slactl, "--assignee", "imported")
    at(clock, "10:05:00")
    (text,) = check(slactl)["messages"]
    assert text.startswith("To imported")


@pytest.mark.parametrize("words", [("override", "days", "--to", "ben"), ("away", "ben")])
def test_entry_wholly_in_the_past_is_refused_and_one_that_goes_on_is_not(
    rota: Path, slactl: Slactl, words: tuple[str, ...]
) -> None:
    for until in ("2026-03-01T09:00Z", "now"):
        refused = slactl("oncall", *words, "--from", "2026-02-01T09:00Z", "--until", until)
        assert refused.code == 2
        assert refused.err.startswith("error: it is over: it ends at 2026-03-0")
        assert refused.err.splitlines()[-1].startswith(f"hint: slactl oncall {words[0]} ")
    assert len(json.loads(run(slactl, "oncall", "list", "--all", "--json"))) == 2
    run(slactl, "oncall", *words, "--from", "2026-02-01T09:00Z", "--until", "in 1m")
    hint = refused.err.splitlines()[-1].removeprefix("hint: slactl ").replace("'in 8h'", "in-8h").split()
    run(slactl, *(word.replace("in-8h", "in 8h") for word in hint))


def test_each_change_is_told_once_when_several_entries_are_removed(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, policy(resolution="1h"), PEOPLE, DAYS.replace('"ann", "ben"', '"ann"'), LATE)
    for hours in ("4", "2", "3"):
        run(slactl, "oncall", "override", "days", "--to", "dan", "--from", "now", "--until", f"in {hours}h")
    run(slactl, "oncall", "override", "days", "--to", "ben", "--from", "in 6h", "--until", "in 7h")
    receipt = run(slactl, "oncall", "remove", "3", "2", "1", "4", "-n").splitlines()
    assert [line for line in receipt if line.startswith(" ")] == [
        "  days, Mon 2026-03-02 09:00 to Mon 2026-03-02 13:00: dan → ann",
        "  days, Mon 2026-03-02 15:00 to Mon 2026-03-02 22:00: ben → ann",
    ]
    removed = json.loads(run(slactl, "oncall", "remove", "1", "2", "3", "4", "--json"))
    assert [[change["was"] for change in entry["changes"]] for entry in removed] == [["dan"]] * 3 + [["ben"]]


def test_broken_rules_leave_the_last_valid_version_in_force(rota: Path, slactl: Slactl) -> None:
    run(slactl, "check")
    rules = rota.with_name("rules.toml")
    rules.write_text(rules.read_text().replace('on_call = "days"', 'on_call = "days"\nx = 1'))
    for command in (("oncall", "--fields", "person"), ("oncall", "show", "days", "-q"), ("oncall", "export", "days")):
        result = slactl(*command)
        assert (result.code, bool(result.out)) == (4, True), command
        assert "unknown key x" in result.err
        assert "the last valid rules are used" in result.err
    assert slactl("oncall", "list").out.startswith("1\t")
    added = slactl("oncall", "override", "days", "--to", "ben", *SPAN)
    assert (added.code, added.out, added.err.count("the last valid rules are used")) == (0, "3\n", 1)
    assert slactl("oncall", "--fields", "person").out == "ben\n"
    assert slactl("oncall", "away", "ben", *SPAN).code == slactl("oncall", "remove", "3").code == 0
    assert slactl("oncall", "override", "days", "--to", "zoe", *SPAN).code == 3
    status = slactl()
    assert (status.code, "on call: days" in status.out, "last valid rules" in status.out) == (0, True, True)


def test_broken_rules_without_a_valid_version_are_an_error(desk: Path, slactl: Slactl) -> None:
    desk.with_name("rules.toml").write_text("schema = 1\n[schedules.x]\n")
    assert slactl("oncall").code == slactl("oncall", "away", "ann", *SPAN).code == 4
    assert slactl("oncall", "list").code == 0


def test_misspelt_subcommand_leads_to_the_right_one_and_a_schedule_stays_a_schedule(rota: Path, slactl: Slactl) -> None:
    refused = slactl("oncall", "shwo", "days", "--days", "3")
    said = ["error: there is no schedule and no command 'shwo'", "hint: slactl oncall show days --days 3"]
    assert (refused.code, refused.err.splitlines()) == (2, said)
    refused = slactl("oncall", "overide", "days", "--to", "ben", "--from", "now", "--until", "in 8h")
    assert refused.err.splitlines()[-1] == "hint: slactl oncall override days --to ben --from now --until 'in 8h'"
    assert slactl("oncall", "dayz").code == 3
    write_rules(rota, policy(resolution="1h"), PEOPLE, DAYS.replace("days", "shows"), LATE)
    assert slactl("oncall", "shows", "--fields", "person").code == 0
