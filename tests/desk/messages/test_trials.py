"""`notify test`: it reaches whom a real message reaches, and says why it reaches nobody."""

import json
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import BASE, at, opened, policy, ticket
from freezegun.api import FrozenDateTimeFactory

pytestmark = pytest.mark.usefixtures("clock")

#: On 2 March 2026 nobody is on call before 10:00.
RULES = (
    BASE.replace('notify = ["manager"] }', 'notify = ["boss"] }')
    + policy(resolution="1h")
    + """
[roles.first]
on_call = "days"
[roles.boss]
assignee = "cem"
notify = [{ command = ["true"] }]
[roles.alone]
assignee = "ben"
[people.ann]
notify = [{ command = ["true", "ann"] }]
[people.ben]
[people.cem]
notify = [{ command = ["false"] }]
[schedules.days]
timezone = "UTC"
[[schedules.days.layer]]
people = ["ann"]
from = "2026-03-02 10:00"
"""
)


@pytest.fixture(autouse=True)
def _rules(desk: Path) -> None:
    desk.with_name("rules.toml").write_text(RULES)


def test_role_with_addresses_and_a_person_tries_the_addresses_that_a_real_message_gets(slactl: Slactl) -> None:
    number = opened(slactl)
    tried = slactl("notify", "test", "boss", "--json")
    real = slactl("escalate", number, "--reason", "help", "--json")
    assert (tried.code, real.code) == (7, 7)
    found = [(each["recipient"], each["outcome"]) for each in json.loads(tried.out)["addresses"]]
    assert found == [("boss", "sent"), ("cem", "dead")]
    assert [each["recipient"] for each in json.loads(real.out)["notices"]] == ["boss", "cem"]
    lines = slactl("notify", "test", "boss", "-n").out
    assert ("boss: command true: would be sent" in lines, "cem: command false: would be sent" in lines) == (True, True)


def test_role_that_nobody_has_now_is_refused_with_the_reason_and_a_way_out(
    slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    refused = slactl("notify", "test", "first")
    assert (refused.code, refused.out) == (5, "")
    error, hint = refused.err.splitlines()
    why = "nobody is on call for days until 2026-03-02T10:00:00Z"
    assert error == f"error: {why}, so a message to first reaches nobody"
    assert hint == "hint: slactl oncall override days --to joe --from now --until 'in 8h'"
    at(clock, "10:00:00")
    assert slactl("notify", "test", "first").out == "ann: command true: sent\n"


def test_role_whose_person_has_no_address_and_person_who_is_away(slactl: Slactl) -> None:
    refused = slactl("notify", "test", "alone")
    assert (refused.code, "alone has no address, so check prints the messages" in refused.err) == (5, True)
    slactl("oncall", "away", "ben", "--from", "now", "--until", "in 5h")
    refused = slactl("notify", "test", "alone")
    why = "ben is away and has no substitute, so a message to alone reaches nobody"
    assert (refused.code, why in refused.err) == (5, True)


def test_new_ticket_for_a_role_goes_to_the_person_who_has_it(slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    refused = slactl("create", "Printer", "--from", "ann@example.com", "--assignee", "first")
    why = "nobody is on call for days until 2026-03-02T10:00:00Z, so nobody would get the ticket"
    assert (refused.code, why in refused.err) == (5, True)
    assert slactl("list", "--all", "-q").out == ""
    at(clock, "10:00:00")
    for name, person in (("first", "ann"), ("boss", "cem"), ("ann", "ann"), ("zoe", "zoe")):
        assert ticket(slactl, opened(slactl, "--assignee", name))["assignee"] == person
    slactl("oncall", "away", "cem", "--from", "now", "--until", "in 5h", "--substitute", "ben")
    number = opened(slactl, "--assignee", "boss")
    found = ticket(slactl, number)
    assert (found["assignee"], found["events"][0]["detail"]["instead_of"]) == ("ben", "cem")
    assert slactl("audit", "verify").code == 0
