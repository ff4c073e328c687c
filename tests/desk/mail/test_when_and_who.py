"""When a message takes effect, who may write, floods, and what erasing, exporting and broken rules do with mail."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from mail_desk import BOB, MIA, NOW, RULES, SUPPORT, MailDesk

from slactl.clock import to_text
from slactl.desk.mail.message import LEFT_OUT
from slactl.desk.tickets.input import BODY_LENGTH
from slactl.errors import ExitCode, RulesError, SenderRefusedError, TryAgainError

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVE = "eve@other.example"


@pytest.fixture
def mail(desk: Path, clock: FrozenDateTimeFactory) -> MailDesk:
    return MailDesk(desk, clock)


def set_rules(mail: MailDesk, old: str, new: str) -> None:
    text = mail.desk.rules.read_text()
    assert old in text
    mail.desk.rules.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("received", "is_used"),
    [
        (NOW, True),
        (NOW + MINUTE, True),  # the instant of the command
        (NOW + 2 * MINUTE, False),
        (NOW + MINUTE - 7 * DAY, True),
        (NOW + MINUTE - 7 * DAY - timedelta(seconds=1), False),
        (None, False),
    ],
)
def test_instant_is_when_our_server_received_it_within_seven_days(
    mail: MailDesk, received: datetime | None, is_used: bool
) -> None:
    mail.take(received=received)
    assert mail.ticket(1)["created_at"] == to_text(received if is_used and received else NOW + MINUTE)


def test_message_from_before_the_ticket_takes_effect_when_it_was_opened(mail: MailDesk) -> None:
    mail.take(received=NOW)
    assert mail.deal(received=NOW - HOUR, recipients=("support+1@example.com",)) == ("customer_reply", 1)
    assert mail.rows("SELECT at FROM event WHERE action = 'ticket.receive'") == [(to_text(NOW),)]


def test_answer_that_came_in_time_corrects_a_breach_that_was_recorded_meanwhile(mail: MailDesk, slactl: Slactl) -> None:
    assert slactl("tenant", "add", "acme", "--plan", "enterprise", "--domain", "acme.example").code == 0
    mail.take(received=NOW)
    mail.wait(9 * HOUR)
    assert slactl("check", "-q").code == 0
    assert mail.ticket(1)["ever_breached"]
    reply = {"sender": MIA, "recipients": (BOB, SUPPORT), "references": ("1@mail.example",)}
    assert mail.deal(received=NOW + HOUR, **reply) == ("agent_reply", 1)
    found = mail.ticket(1)
    assert (found["first_response_state"], found["ever_breached"]) == ("met", 0)
    details = mail.rows("SELECT detail FROM event WHERE action IN ('ticket.reply', 'sla.correct') ORDER BY id")
    assert [json.loads(each)["reason"] for (each,) in details] == ["our mail server received the message then"] * 2
    assert slactl("audit", "verify").code == 0


def test_message_that_somebody_resolved_unread_opens_the_ticket_again_now(mail: MailDesk, slactl: Slactl) -> None:
    mail.take()
    mail.wait(HOUR)
    assert slactl("resolve", "1").code == 0
    received = mail.now - MINUTE
    assert mail.deal(received=received, references=("1@mail.example",)) == ("customer_reply", 1)
    assert mail.ticket(1)["status"] == "open"
    last = mail.rows("SELECT action, at FROM event WHERE ticket_id = 1 AND action <> 'sla.due' ORDER BY id")[-2:]
    assert last == [("ticket.receive", to_text(received)), ("ticket.reopen", to_text(mail.now))]


def test_message_from_the_time_when_a_reopened_ticket_was_closed_counts_now(mail: MailDesk, slactl: Slactl) -> None:
    mail.take()
    for command, at in (("close", HOUR), ("reopen", HOUR)):
        mail.wait(at)
        assert slactl(command, "1").code == 0
    assert mail.deal(received=mail.now - MINUTE, references=("1@mail.example",)) == ("customer_reply", 1)
    assert mail.rows("SELECT at FROM event WHERE action = 'ticket.receive'") == [(to_text(mail.now),)]


def test_unknown_senders_are_refused_and_nothing_is_written(mail: MailDesk, slactl: Slactl) -> None:
    set_rules(mail, "burst = 3", 'unknown_senders = "refuse"')
    before = mail.dump()
    with pytest.raises(SenderRefusedError, match=f"mail of {EVE} is refused: the sender is not known") as refused:
        mail.take(sender=EVE)
    assert refused.value.code == ExitCode.SENDER_REFUSED
    assert mail.deal(sender=EVE, automatic="Precedence: list") == ("ignored", None)
    assert mail.dump() == before
    assert slactl("tenant", "add", "acme", "--domain", "acme.example").code == 0
    assert slactl("create", "T", "--from", "Cem@Third.example").code == 0
    assert mail.deal(sender=BOB) == ("opened", 2)
    assert mail.deal(sender="cem@third.example") == ("opened", 3)
    assert mail.deal(sender="x@team.example") == ("opened", 4)
    # Who answers a message belongs to the ticket.
    assert mail.deal(sender=EVE, references=(mail.rows("SELECT message_id FROM mail_id")[0][0],)) == (
        *("customer_reply", 2),
    )
    with pytest.raises(SenderRefusedError):
        mail.take(sender="bob@sub.acme.example")


def test_flood_becomes_notes_on_the_newest_ticket_and_is_told_once(mail: MailDesk, slactl: Slactl) -> None:
    assert slactl("create", "T", "--from", BOB).code == 0  # what mail did not open does not count
    assert [mail.deal() for _ in range(3)] == [("opened", 2), ("opened", 3), ("opened", 4)]
    before = mail.ticket(4)
    taken = mail.take(sender="BOB@acme.example")
    assert (taken.action, taken.ticket) == ("note", 4)
    assert taken.reason == "the sender opened too many tickets within an hour"
    assert mail.deal() == ("note", 4)
    assert mail.ticket(4) == before
    told = "The sender opened too many tickets within an hour (mail.burst); more messages become notes on this ticket."
    note = "Subject: Printer on fire\n\nIt burns."
    assert [(actor, text) for _, actor, _, text in mail.events(4)[1:]] == [
        *(("customer", note), ("slactl", told), ("customer", note)),
    ]
    assert mail.deal(sender=EVE) == ("opened", 5)
    assert mail.deal(references=("1@mail.example",)) == ("customer_reply", 2)
    mail.wait(56 * MINUTE)
    assert mail.deal() == ("opened", 6)


def test_note_of_a_flood_without_a_text_has_the_subject_and_a_long_one_says_what_is_left_out(mail: MailDesk) -> None:
    for _ in range(3):
        mail.take()
    for text in ("", "x" * BODY_LENGTH):
        assert mail.deal(subject="Call me", text=text) == ("note", 3)
    short, long = (text for _, actor, _, text in mail.events(3)[1:] if text is not None and actor == "customer")
    assert short == "Subject: Call me"
    assert long.startswith("Subject: Call me\n\nxxx")
    assert (len(long) <= BODY_LENGTH, long.endswith(LEFT_OUT)) == (True, True)


def test_flood_counts_by_when_our_server_received_it(mail: MailDesk) -> None:
    """A queue that comes at once after an outage is no flood."""
    assert [mail.deal(received=NOW - HOUR * (6 - n))[0] for n in range(6)] == ["opened"] * 6


def test_closed_ticket_is_no_way_around_the_flood(mail: MailDesk, slactl: Slactl) -> None:
    assert [mail.deal()[0] for _ in range(3)] == ["opened"] * 3
    assert slactl("close", "1").code == 0
    assert mail.deal(references=("1@mail.example",)) == ("note", 3)


def test_mail_cannot_be_undone(mail: MailDesk, slactl: Slactl) -> None:
    mail.take()
    mail.take(sender=MIA, recipients=(BOB, "support+1@example.com"))
    change = mail.rows("SELECT max(event_id) FROM mail_id")[0][0]
    done = slactl("undo", str(change))
    assert (done.code, f"change {change} is of mail, which cannot be undone" in done.err) == (5, True)


def test_erasing_removes_texts_and_message_ids(mail: MailDesk, slactl: Slactl) -> None:
    mail.take(message_id="secret-1@mail.example", text="secret", attachments=("secret.pdf",))
    mail.take(message_id="secret-2@mail.example", sender=MIA, recipients=(BOB, "support+1@example.com"), text="secret")
    mail.take(message_id="secret-4@mail.example", sender=MIA, recipients=(BOB, "support+1@example.com"), text="")
    mail.take(sender=EVE)
    mail.take(message_id="secret-3@mail.example", recipients=("support+2@example.com",), text="secret")
    mail.take(message_id=f"x-{BOB}", sender=EVE, recipients=("support+2@example.com",))
    assert slactl("erase", "--requester", BOB.upper(), "--yes").code == 0
    assert [found for found, *_ in mail.rows("SELECT message_id FROM mail_id")] == ["4@mail.example"]
    assert not [line for line in mail.dump() if "secret" in line or BOB in line]
    assert slactl("audit", "verify").code == 0
    assert mail.deal(sender=EVE, references=("4@mail.example",)) == ("customer_reply", 2)


def test_export_and_import_keep_what_people_wrote_and_who_can_be_erased(
    mail: MailDesk, slactl: Slactl, tmp_path: Path
) -> None:
    mail.take(text="first")
    mail.take(sender=MIA, recipients=(BOB, "support+1@example.com"), text="second")
    mail.take(sender="cem@acme.example", references=("1@mail.example",), text="third")
    mail.take(sender=EVE, recipients=("support+1@example.com",), text="fourth")
    exported = slactl("export").out
    (tmp_path / "export.jsonl").write_text(exported)
    other = mail.database.with_name("other.db")
    for words in ("init", f"import {tmp_path}/export.jsonl"):
        assert slactl("--db", str(other), *words.split()).code == 0
    assert slactl("--db", str(other), "export").out == exported
    ids = "SELECT message_id, ticket_id FROM mail_id ORDER BY event_id"
    known = mail.rows(ids)
    assert slactl("--db", str(other), "erase", "--requester", EVE, "--yes").code == 0
    written = [each for each in mail.events(1) if each[3] is not None]
    mail.database = other
    assert (mail.rows(ids), len(known)) == (known[:-1], 4)
    assert [each for each in mail.events(1) if each[3] is not None] == written[:-1]


def test_broken_rules_leave_the_last_valid_ones_in_force(mail: MailDesk) -> None:
    mail.take()
    set_rules(mail, "\n[mail]", "\n[mial]")
    taken = mail.take()
    assert (taken.action, taken.ticket) == ("opened", 2)
    [warning] = taken.warnings
    assert "unknown key mial; did you mean mail?" in warning
    assert warning.endswith("; the last valid rules are used")


def test_without_valid_rules_or_without_mail_in_them_nothing_is_taken(mail: MailDesk) -> None:
    before = mail.dump()
    set_rules(mail, "\n[mail]", "\n[mial]")
    with pytest.raises(RulesError):
        mail.take()
    set_rules(mail, RULES.replace("[mail]", "[mial]"), "")
    with pytest.raises(TryAgainError, match=r"the rules have no \[mail\]") as refused:
        mail.take()
    assert (refused.value.code, refused.value.hint) == (75, "slactl rules set mail.address support@example.com")
    assert mail.dump() == before


def test_stranger_does_not_end_a_quiet_period(mail: MailDesk, slactl: Slactl) -> None:
    set_rules(
        mail,
        "\n[mail]\n",
        '\n[[escalation]]\nid = "quiet"\non = "idle"\nidle = { for = "8h" }\nfallback = "support_manager"\n'
        '[[escalation.level]]\nid = "ask"\nat = "0m"\nnotify = ["support_manager"]\n[mail]\n',
    )
    mail.take()
    assert slactl("assign", "1", "mia").code == 0
    mail.wait(7 * HOUR)
    for sender, automatic in ((EVE, None), (MIA, "Auto-Submitted: auto-replied")):
        assert mail.deal(sender=sender, automatic=automatic, recipients=("support+1@example.com",)) == ("note", 1)
    mail.wait(HOUR)
    assert slactl("check", "-q").code == 0
    assert mail.rows("SELECT escalation FROM escalation WHERE outcome = 'fired'") == [("quiet",)]
