"""Warnings about levels that can never fire by their conditions, name unknown people, or tell customers nothing."""

import pytest

from slactl.sla.rules.checks.lint import lint
from slactl.sla.rules.loading import parse

HEAD = """schema = 1
[calendars.always]
always_open = true
[[policy]]
name = "all"
calendar = "always"
targets = { default = { resolution = "4h" } }
[people.ann]
[people.ben]
[roles.lead]
assignee = "mia"
"""
OWN = '[settings]\nmanual_escalation = { notify = ["ann"] }\n'
MAIL = OWN + 'customer_mail = "${env:CUSTOMER_MAIL}"\n'


def warnings(when: str = "", *, on: str = "resolution", level: str = 'notify = ["ann"]', more: str = OWN) -> list[str]:
    """Return the warnings about one escalation rule with one level, without their lines."""
    at = "" if "at =" in level else 'at = "0m", '
    rule = f'[[escalation]]\nid = "e"\non = "{on}"\nwhen = {{ {when} }}\nlevel = [{{ id = "l", {at}{level} }}]\n'
    text = HEAD + rule + more
    return [warning.message for warning in lint(parse(text), text, 2026)]


BOTH = "can never fire: it needs tickets that have an assignee and no assignee"


@pytest.mark.parametrize(
    ("on", "when"),
    [
        ("resolution", 'unassigned = true, assignee = ["ann"]'),
        ("unassigned", 'assignee = ["ann"]'),
        ("unassigned", "unassigned = false"),
        ("unassigned", "not = { unassigned = true }"),
    ],
)
def test_tickets_with_and_without_an_assignee(on: str, when: str) -> None:
    assert warnings(when, on=on) == [f"'e' {BOTH}"]


def test_when_of_a_level_contradicts_that_of_the_rule() -> None:
    level = 'notify = ["ann"], when = { unassigned = true }'
    assert warnings('assignee = ["ann"]', level=level) == [f"level 'l' of 'e' {BOTH}"]


@pytest.mark.parametrize(
    ("on", "when", "statuses"),
    [
        ("resolution", 'status = ["closed"]', "open, pending, waiting_customer"),
        ("created", 'status = ["resolved", "closed"]', "open, pending, waiting_customer"),
        ("waiting", 'status = ["open"]', "pending, waiting_customer"),
        ("waiting", 'not = { status = ["pending", "waiting_customer"] }', "pending, waiting_customer"),
    ],
)
def test_statuses_in_which_no_level_fires(on: str, when: str, statuses: str) -> None:
    said = f"'e' can never fire: its when allows no status in which levels of {on} fire ({statuses})"
    assert warnings(when, on=on) == [said]


@pytest.mark.parametrize(
    ("on", "when"),
    [
        ("resolution", 'unassigned = false, assignee = ["ann"], status = ["pending", "closed"]'),
        ("resolution", 'not = { unassigned = true, priority = ["low"] }, status = ["open"]'),
        ("unassigned", 'status = ["pending"], not = { assignee = ["ann"] }'),
        ("waiting", 'status = ["pending"], assignee = ["mia"]'),
        ("created", 'status = ["open"]'),
    ],
)
def test_conditions_that_can_hold_have_no_warning(on: str, when: str) -> None:
    assert warnings(when, on=on) == []


def test_assignees_who_are_no_people_are_named_with_the_nearest() -> None:
    said = "the assignee 'anne' in when is not a person of the rules; did you mean ann?"
    assert warnings('assignee = ["anne", "ben"]') == [said]
    assert warnings('not = { assignee = ["anne"] }') == [said]
    assert warnings(level='notify = ["ann"], when = { assignee = ["anne"] }') == [said]
    assert warnings('assignee = ["zz9"]') == ["the assignee 'zz9' in when is not a person of the rules"]


ONLY = "customers get messages only after a missed deadline, and while slactl waits for their answer"


@pytest.mark.parametrize(("on", "at"), [("created", "0m"), ("resolution", "80%"), ("resolution", "-1h")])
def test_level_that_tells_customers_nothing(on: str, at: str) -> None:
    level = f'at = "{at}", notify = ["requester"]'
    assert warnings(on=on, level=level, more=MAIL) == [f"level 'l' of 'e' reaches nobody: {ONLY}"]
    both = level.replace('["requester"]', '["requester", "ann"]')
    assert warnings(on=on, level=both, more=MAIL) == [f"level 'l' of 'e' does not reach customers: {ONLY}"]


@pytest.mark.parametrize(("on", "at"), [("waiting", "+1h"), ("resolution", "0m"), ("resolution", "+1h")])
def test_level_that_tells_customers_something(on: str, at: str) -> None:
    assert warnings(on=on, level=f'at = "{at}", notify = ["requester"]', more=MAIL) == []
