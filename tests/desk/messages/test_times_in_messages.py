"""Times in messages: for the team in the zone of the recipient, for customers in words in theirs."""

from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from escalation_desk import at, check, ladder, opened, policy, write_rules
from freezegun.api import FrozenDateTimeFactory

from slactl.desk.messages.digest import to_customer

pytestmark = pytest.mark.usefixtures("clock")


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("", "deadline 2026-03-02T10:00:00Z"),
        ('timezone = "Europe/Berlin"', "deadline Mon 2026-03-02 11:00 CET"),
        ('timezone = "America/Sao_Paulo"', "deadline Mon 2026-03-02 07:00 UTC-0300"),
        ('timezone = "UTC"', "deadline Mon 2026-03-02 10:00 UTC"),
    ],
)
def test_deadline_stands_in_the_zone_of_the_recipient(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, zone: str, said: str
) -> None:
    late = ladder("resolution", 'late 0m notify = ["mia", "ben"]')
    write_rules(desk, policy(resolution="1h"), late, f"[people.mia]\n{zone}\n[people.ben]\n")
    opened(slactl)
    at(clock, "10:05:00")
    to_mia, to_ben = check(slactl)["messages"]
    assert said in to_mia
    assert "deadline 2026-03-02T10:00:00Z" in to_ben


def test_end_of_a_status_stands_in_the_zone_of_the_assignee(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    write_rules(desk, policy(), '[people.mia]\ntimezone = "Asia/Kolkata"\n')
    number = opened(slactl, "--assignee", "mia")
    slactl("status", number, "pending", "--until", "in 30m")
    at(clock, "09:30:00")
    (message,) = check(slactl)["messages"]
    assert "Open again: pending ended at Mon 2026-03-02 15:00 IST" in message
    assert "open again since" not in message


ROW: dict[str, Any] = {
    "ticket_id": 7,
    "external_id": None,
    "kind": "resolution",
    "target": "resolution",
    "deadline": "2026-11-16T09:00:00Z",
    "started_at": "2026-07-31T23:30:00Z",
    "timezone": "Europe/Berlin",
    "sets_status": None,
    "subject": "Printer on fire",
}


def test_customer_reads_the_date_in_words_and_the_own_subject() -> None:
    message = to_customer(ROW)
    assert message.title == "Your request 7 is overdue"
    assert "a solution from us by Monday 16 November 2026, 10:00 CET. We are sorry" in message.body
    assert message.body.endswith("\n\nYour request: 7 Printer on fire")
    waiting = to_customer({**ROW, "kind": "waiting"})
    assert "We have not heard from you since Saturday 1 August 2026, 01:30 CEST. Please" in waiting.body
    assert waiting.body.endswith("\n\nYour request: 7 Printer on fire")


def test_subject_in_a_message_to_a_customer_stays_one_line_and_calls_nobody() -> None:
    body = to_customer({**ROW, "subject": "a\nb @everyone " + "x" * 1000}).body
    last = body.split("\n\n")[-1]
    assert ("\n" in last, "@everyone" in last, len(last) < 250) == (False, False, True)
    assert to_customer({**ROW, "subject": None}).body.endswith("\n\nYour request: 7")
