"""When the customer is a recipient of a level, and who gets the message where slactl sends customers nothing."""

import json
import sqlite3
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import at, check, ladder, opened, policy, write_rules
from freezegun.api import FrozenDateTimeFactory

pytestmark = pytest.mark.usefixtures("clock")

LEVELS = 'soon 50% notify = ["requester"]', 'late +0m notify = ["requester"]'


def recipients(desk: Path) -> list[str]:
    with sqlite3.connect(desk) as connection:
        return [name for (name,) in connection.execute("SELECT recipient FROM notification ORDER BY id")]


@pytest.fixture
def rules(desk: Path) -> Path:
    """A desk that may write to customers, and whose rules have a warning, a late level and a greeting for them."""
    greeting = ladder("created", 'hello 0m notify = ["requester"]', more='fallback = "dispatch"')
    late = ladder("resolution", *LEVELS, more='fallback = "manager"')
    path = write_rules(desk, policy(resolution="1h"), late, greeting)
    customers = 'customer_mail = "${env:CUSTOMER_MAIL}"\n'
    text = path.read_text().replace('notify = ["manager"] }', 'notify = ["requester"] }', 1)
    path.write_text(text.replace("[settings]\n", "[settings]\n" + customers))
    return desk


def test_fallback_gets_what_slactl_does_not_send_to_customers(
    rules: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    opened(slactl)
    at(clock, "09:35:00")
    firings = {firing["level"]: firing for firing in check(slactl, "--no-send")["firings"]}
    assert [firings[level]["fallback"] for level in ("hello", "soon")] == ["dispatch", "manager"]
    assert sorted(recipients(rules)) == ["dispatch", "manager"]
    at(clock, "10:05:00")
    (late,) = check(slactl, "--no-send")["firings"]
    assert (late["fallback"], recipients(rules)[-1]) == (None, "requester")


def test_escalating_by_hand_to_the_customer_alone_would_tell_nobody(rules: Path, slactl: Slactl) -> None:
    number = opened(slactl, "--priority", "urgent")
    refused = slactl("escalate", number, "--reason", "called")
    assert (refused.code, recipients(rules)) == (5, [])
    assert "nobody would be told" in refused.err


def test_level_of_a_missed_deadline_by_hand_tells_the_customer_only_once_it_is_missed(
    rules: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    words = ("--escalation", "resolution", "--level", "late", "--reason", "called")
    first, second = opened(slactl), opened(slactl)
    slactl("escalate", first, *words)
    assert recipients(rules) == ["manager"]
    at(clock, "10:05:00")
    slactl("escalate", second, *words)
    assert recipients(rules) == ["manager", "requester"]


def test_customer_may_be_reminded_again_by_hand_while_slactl_waits(rules: Path, slactl: Slactl) -> None:
    path = rules.with_name("rules.toml")
    path.write_text(path.read_text() + ladder("waiting", 'remind +1h notify = ["requester"]'))
    number = opened(slactl)
    assert slactl("status", number, "pending").code == 0
    for _ in range(2):
        slactl("escalate", number, "--escalation", "waiting", "--level", "remind", "--reason", "called")
    assert recipients(rules) == ["requester", "requester"]


def test_explain_says_who_gets_what_customers_do_not(rules: Path, slactl: Slactl) -> None:
    explained = json.loads(slactl("explain", opened(slactl), "--target", "resolution", "--json").out)
    levels = {level["level"]: level["tells"] for target in explained["timers"] for level in target["levels"]}
    assert levels == {"soon": ["manager"], "late": ["requester"]}
