"""Mail that answers a message of slactl: the person's command is carried out once, and everything else is a note."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Receivers, Slactl
from freezegun.api import FrozenDateTimeFactory
from replies import REPLIED, TOLD, actions, service_desk, tell, ticket, token, write_rules

from slactl.desk.mail.maildir import take_message
from slactl.desk.mail.take import Taken

BOSS = "boss@example.com"


@pytest.fixture
def told(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    """A desk whose boss was told of three late tickets an hour ago."""
    write_rules(desk)
    clock.move_to(TOLD)
    tell(desk, slactl, 3)
    clock.move_to(REPLIED)
    return desk


def reply(
    desk: Path,
    text: str,
    *headers: str,
    sender: str = BOSS,
    tag: str | None = None,
    number: str = "r1",
    dry_run: bool = False,
    minutes: int = 0,
    **token_of: bool,
) -> Taken:
    """Take a reply to the message about the first ticket."""
    tag = tag if tag is not None else f"n1.{token(desk, **token_of)}"
    to = f"support{f'+{tag}' if tag else ''}@example.com"
    top = [f"From: {sender}", f"To: {to}", f"Message-ID: <{number}@example.com>", *headers, "Subject: Re: late"]
    data = "\n".join([*top, "", text, ""]).encode()
    return take_message(service_desk(desk, "postfix"), REPLIED + timedelta(minutes=minutes), data, dry_run=dry_run)


def notes(slactl: Slactl, number: int) -> list[str]:
    return [action for _, action in actions(slactl, number) if action == "ticket.note"]


def test_command_is_carried_out_in_the_name_of_the_person_and_the_text_is_kept(told: Path, slactl: Slactl) -> None:
    taken = reply(told, "Ack 2h.\n\nI am calling the customer.")
    assert (taken.action, taken.ticket, taken.reason) == ("command", 1, "ack 2h by boss")
    assert ticket(slactl, 1)["acked_until"] == "2026-03-04T13:00:00Z"
    assert actions(slactl, 1)[-2:] == [("boss", "ticket.ack"), ("boss", "ticket.note")]
    assert "I am calling the customer." in slactl("show", "1").out


def test_command_runs_once_for_one_message_id(told: Path, slactl: Slactl) -> None:
    assert reply(told, "ack 2h").action == "command"
    slactl("unack", "1")
    before = actions(slactl, 1)
    assert (reply(told, "ack 2h", minutes=5).action, actions(slactl, 1)) == ("ignored", before)
    assert ticket(slactl, 1)["acked_until"] is None


@pytest.mark.parametrize(
    ("text", "options", "why"),
    [
        ("ack 2h", {"sender": "mia@example.com"}, "mia@example.com is not one of the emails of boss"),
        ("resolve", {"sender": "ann@example.com"}, "ann@example.com is not one of the emails of boss"),
        ("resolve", {"sender": "boss@example.com, eve@example.com"}, "nobody knows which address in From"),
        ("ack 2h", {"is_single": False}, "the message was about several tickets; write their ids"),
        ("ack 9", {}, "the message was not about ticket 9"),
        ("akc 2h", {}, "'akc 2h' is not a command; write ack [ID…] [2h]"),
        ("Thanks, I look at it.", {}, "answer to a notification"),
        ("Hello\nack 2h", {}, "answer to a notification"),
        ("unack", {}, "ticket 1 is not acknowledged"),
    ],
)
def test_every_other_reply_is_a_note_and_stops_no_clock(
    told: Path, slactl: Slactl, text: str, options: dict[str, object], why: str
) -> None:
    before = ticket(slactl, 1)
    taken = reply(told, text, **options)  # type: ignore[arg-type]
    assert (taken.action, taken.ticket) == ("note", 1)
    assert why in taken.reason
    after = ticket(slactl, 1)
    assert {name for name in before if before[name] != after[name]} <= {"updated_at", "overdue_seconds"}
    assert actions(slactl, 1)[-1][1] == "ticket.note"


def test_reply_with_the_customer_in_copy_is_no_answer_to_the_customer(told: Path, slactl: Slactl) -> None:
    taken = reply(told, "We are on it.", "Cc: ann@example.com")
    assert (taken.action, ticket(slactl, 1)["first_responded_at"]) == ("note", None)


def test_token_of_the_past_gives_no_command(told: Path, slactl: Slactl) -> None:
    taken = reply(told, "resolve", minutes=14 * 24 * 60)
    assert (taken.action, ticket(slactl, 1)["status"]) == ("note", "open")
    assert taken.reason == "the message is older than 14 days, so the reply is a note"


@pytest.mark.parametrize("tag", ["n1.aaaaaaaaaaaaaaaaaaaaaaaa", "n1.", "n1", "n999.aaaa", "n1.x", ""])
def test_nobody_writes_in_a_ticket_with_a_guessed_token(told: Path, slactl: Slactl, tag: str) -> None:
    taken = reply(told, "resolve", sender="eve@example.org", tag=tag)
    assert (taken.action, taken.ticket) == ("opened", 4)
    assert (ticket(slactl, 1)["status"], notes(slactl, 1)) == ("open", [])


@pytest.mark.parametrize("header", ["Auto-Submitted: auto-replied", "Precedence: bulk", "X-Slactl: notification"])
def test_automatic_mail_gives_no_command(told: Path, slactl: Slactl, header: str) -> None:
    taken = reply(told, "resolve", header)
    assert (taken.action, ticket(slactl, 1)["status"]) == ("note", "open")


def test_command_for_several_tickets_of_a_digest_says_what_it_did(told: Path, slactl: Slactl) -> None:
    slactl("close", "3")
    taken = reply(told, "ack 1 2 3 2h", is_single=False)
    refused = "ticket 3 is closed: none of its levels can fire"
    assert (taken.action, taken.ticket, taken.reason) == ("command", 1, f"ack 2h by boss: tickets 1, 2; {refused}")
    assert [bool(ticket(slactl, number)["acked_until"]) for number in (1, 2, 3)] == [True, True, False]


def test_resolve_takes_effect_when_our_server_received_it(told: Path, slactl: Slactl) -> None:
    reply(told, "resolve", "Received: from a by b; Wed, 4 Mar 2026 10:30:00 +0000")
    assert ticket(slactl, 1)["resolved_at"] == "2026-03-04T10:30:00Z"


def test_dry_run_says_the_same_and_changes_nothing(told: Path, slactl: Slactl) -> None:
    before = ticket(slactl, 1)
    rehearsed = reply(told, "escalate no answer", dry_run=True)
    assert ticket(slactl, 1) == before
    assert rehearsed == reply(told, "escalate no answer")


def test_escalate_notifies_at_once(
    told: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = receiver("ok")
    monkeypatch.setenv("MIA_URL", hook.url)
    rules = told.with_name("rules.toml")
    rules.write_text(rules.read_text().replace("[people.mia]", '[people.mia]\nnotify = ["${env:MIA_URL}"]'))
    taken = reply(told, "escalate the customer is furious")
    assert (taken.action, taken.warnings) == ("command", [])
    (body,) = hook.bodies
    assert "Escalated by boss: the customer is furious" in body


def test_command_is_taken_although_the_messages_cannot_be_sent(
    told: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = told.with_name("rules.toml")
    rules.write_text(rules.read_text().replace("[people.mia]", '[people.mia]\nnotify = ["${env:MISSING_URL}"]'))
    taken = reply(told, "escalate now")
    assert taken.action == "command"
    assert ticket(slactl, 1)["priority"] == "urgent"


def test_command_cannot_be_undone(told: Path, slactl: Slactl) -> None:
    reply(told, "ack 2h")
    assert slactl("--actor", "boss", "undo").code == 5
    assert ticket(slactl, 1)["acked_until"] is not None


def test_reply_of_a_customer_to_a_command_mail_finds_the_ticket(told: Path, slactl: Slactl) -> None:
    """The Message-ID of a command is kept like that of every message."""
    reply(told, "ack 2h")
    taken = reply(told, "me too", "In-Reply-To: <r1@example.com>", tag="", number="r2", sender="ann@example.com")
    assert (taken.action, taken.ticket) == ("customer_reply", 1)


@pytest.mark.parametrize("tag", [None, "", "1"])
def test_token_in_the_text_of_a_message_is_not_kept(told: Path, tag: str | None) -> None:
    """Outlook quotes the address that somebody wrote to."""
    secret = token(told)
    quoted = (
        f"I see.\n\n> To: Support+N1.{secret.upper()}@EXAMPLE.com; support+n1.{secret}@example.com, x+n1.a@y.example"
    )
    subject = f"Subject: support+n1.{secret}@example.com"
    taken = reply(told, quoted, subject, sender="mia@example.com", tag=tag)
    assert taken.action in ("note", "opened")
    with closing(sqlite3.connect(told)) as connection:
        everything = "\n".join(connection.iterdump())
    assert secret not in everything.lower()
    assert "> To: Support+N1.…@EXAMPLE.com; support+n1.…@example.com, x+n1.a@y.example" in everything


def test_nothing_is_sent_to_anybody_who_writes(told: Path, slactl: Slactl) -> None:
    before = slactl("notifications", "list").lines
    for number, text in enumerate(("ack 2h", "akc", "resolve", "text")):
        reply(told, text, number=str(number))
    assert slactl("notifications", "list").lines == before
