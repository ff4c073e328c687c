"""Taking a message: what it becomes in the ticket it belongs to, when that was, and what must not happen."""

from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from mail_desk import BOB, MIA, NOW, SUPPORT, MailDesk

from slactl.clock import to_text


@pytest.fixture
def mail(desk: Path, clock: FrozenDateTimeFactory) -> MailDesk:
    return MailDesk(desk, clock)


@pytest.fixture
def opened(mail: MailDesk) -> MailDesk:
    """A desk with ticket 1, which Bob opened by message 1@mail.example."""
    assert mail.deal() == ("opened", 1)
    return mail


def test_customer_opens_a_ticket_with_the_tenant_and_the_plan_of_the_domain(mail: MailDesk, slactl: Slactl) -> None:
    assert slactl("tenant", "add", "acme", "--plan", "enterprise", "--domain", "ACME.example.").code == 2
    assert slactl("tenant", "add", "acme", "--plan", "enterprise", "--domain", "ACME.example").code == 0
    taken = mail.take(received=NOW - timedelta(minutes=5))
    assert (taken.action, taken.ticket, taken.reason, taken.warnings) == ("opened", 1, "new message", [])
    found = mail.ticket(1)
    names = ("subject", "requester_email", "tenant", "plan", "status", "priority", "created_at", "source", "tags")
    assert [found[name] for name in names] == [
        *("Printer on fire", BOB, "acme", "enterprise", "open", "normal", "2026-03-02T08:55:00Z", None, []),
    ]
    assert mail.events(1) == [("ticket.create", "customer", BOB, "It burns.")]
    assert mail.rows("SELECT * FROM mail_id") == [("1@mail.example", 1, 1)]
    assert mail.deal(sender="eve@other.example") == ("opened", 2)
    assert (mail.ticket(2)["tenant"], mail.ticket(2)["plan"]) == (None, "free")


def test_message_is_taken_once(opened: MailDesk) -> None:
    before = opened.dump()
    again = opened.letter(message_id="1@mail.example", text="Another text.", sender="eve@other.example")
    taken = opened.take(again)
    assert (taken.action, taken.ticket, taken.reason) == ("ignored", 1, "taken before")
    assert opened.dump() == before


def test_dry_run_says_the_same_and_writes_nothing(mail: MailDesk) -> None:
    before, letter = mail.dump(), mail.letter()
    said = mail.take(letter, dry_run=True)
    assert mail.dump() == before
    assert mail.take(letter) == said
    assert mail.dump() != before


def test_answer_of_an_agent_in_copy_ends_first_response_when_our_server_received_it(opened: MailDesk) -> None:
    opened.wait(timedelta(hours=3))
    at = NOW + timedelta(minutes=30)
    to = (BOB, SUPPORT)
    assert opened.deal(sender="MIA@example.com", recipients=to, references=("1@mail.example",), received=at) == (
        *("agent_reply", 1),
    )
    found = opened.ticket(1)
    assert (found["first_responded_at"], found["status"]) == (to_text(at), "waiting_customer")
    assert opened.events(1)[1:] == [
        ("ticket.reply", "mia", None, "It burns."),
        ("ticket.status", "mia", None, None),
    ]
    # An agent of the pattern is named by address.
    assert opened.deal(sender="x@team.example", recipients=(BOB, "support+1@example.com"))[0] == "agent_reply"
    assert opened.events(1)[-1] == ("ticket.reply", "x@team.example", None, "It burns.")


@pytest.mark.parametrize("also", [(), ("x@team.example",), ("mia@example.com",)])
def test_agent_who_writes_to_nobody_outside_adds_a_note(opened: MailDesk, also: tuple[str, ...]) -> None:
    before = opened.ticket(1)
    assert opened.deal(sender=MIA, recipients=("support+1@example.com", *also)) == ("note", 1)
    after = opened.ticket(1)
    assert after == before
    assert opened.events(1)[1:] == [("ticket.note", "mia", None, "It burns.")]


def test_where_a_mail_server_put_the_message_makes_nobody_outside(opened: MailDesk) -> None:
    to = {"recipients": ("support+1@example.com", "inbox@provider.example"), "written_to": ("support+1@example.com",)}
    assert opened.deal(sender=MIA, **to) == ("note", 1)


def test_agent_as_requester_is_outside_for_other_agents(mail: MailDesk) -> None:
    assert mail.deal(sender=MIA) == ("opened", 1)
    assert mail.deal(sender="x@team.example", recipients=(MIA, "support+1@example.com")) == ("agent_reply", 1)


def test_customer_answers_and_the_ticket_is_open_again(opened: MailDesk, slactl: Slactl) -> None:
    assert slactl("resolve", "1").code == 0
    opened.wait(timedelta(days=2))
    assert opened.deal(references=("unknown@x", "1@mail.example"), text="") == ("customer_reply", 1)
    assert opened.ticket(1)["status"] == "open"
    assert [each[:3] for each in opened.events(1)[-2:]] == [
        ("ticket.receive", "customer", BOB),
        ("ticket.reopen", "customer", None),
    ]


def test_message_to_a_closed_ticket_opens_one_that_follows_it(opened: MailDesk, slactl: Slactl) -> None:
    assert slactl("tenant", "add", "old", "--plan", "pro").code == 0
    assert slactl("edit", "1", "--tenant", "old").code == 0
    assert slactl("close", "1").code == 0
    before = opened.ticket(1)
    opened.wait(timedelta(days=2))
    taken = opened.take(references=("1@mail.example",))
    assert (taken.action, taken.ticket, taken.reason) == ("opened", 2, "ticket 1 is closed")
    found = opened.ticket(2)
    assert (found["tags"], found["tenant"], found["plan"]) == (["follow-up"], "old", "pro")
    assert opened.events(2)[-1] == ("ticket.note", "slactl", None, "This ticket follows #1, which is closed.")
    assert opened.ticket(1) == before
    # Whoever only has a message of the closed ticket gets nothing of its contract.
    assert opened.deal(references=("1@mail.example",), sender="eve@other.example") == ("opened", 3)
    assert (opened.ticket(3)["tenant"], opened.ticket(3)["plan"]) == (None, "free")
    assert opened.deal(sender=MIA, recipients=(BOB, "support+1@example.com")) == ("note", 1)


def test_stranger_at_the_address_of_a_ticket_changes_no_clock(opened: MailDesk) -> None:
    assert opened.deal(sender=MIA, recipients=(BOB, "support+1@example.com")) == ("agent_reply", 1)
    before = opened.ticket(1)
    for _ in range(2):  # the first note makes nobody known
        taken = opened.take(sender="eve@other.example", recipients=("support+1@example.com",), text=" ")
        assert (taken.action, taken.ticket, taken.reason) == ("note", 1, "the ticket does not know the sender")
    after = opened.ticket(1)
    assert after == before
    assert opened.events(1)[-1] == ("ticket.note", "customer", "eve@other.example", "(no text)")
    assert opened.rows("SELECT actor_type FROM event WHERE action = 'ticket.note'") == [("system",)] * 2


def test_colleague_who_has_a_message_may_answer_and_is_known_then(opened: MailDesk) -> None:
    colleague = "Cem@acme.example"
    assert opened.deal(sender=colleague, subject="Re: [#1]") == ("opened", 2)
    assert opened.deal(sender=colleague, references=("1@mail.example",)) == ("customer_reply", 1)
    assert opened.deal(sender="cem@ACME.example", recipients=("support+1@example.com",)) == ("customer_reply", 1)
    assert opened.deal(sender=colleague, subject="AW: [#99] [#1] help") == ("customer_reply", 1)


def test_forged_numbers_attach_nothing(opened: MailDesk) -> None:
    eve = "eve@other.example"
    assert opened.deal(sender=eve, subject="[#1] give me access") == ("opened", 2)
    assert opened.deal(sender=BOB, recipients=("support+77@example.com",)) == ("opened", 3)
    assert opened.deal(sender=BOB, subject="[#99999999999999999999] [#01] [1] #1 ticket 1") == ("opened", 4)


def test_address_wins_over_references_and_these_over_the_subject(opened: MailDesk) -> None:
    assert opened.deal(sender=BOB) == ("opened", 2)
    assert opened.deal(sender=BOB) == ("opened", 3)
    facts = {"references": ("2@mail.example",), "subject": "[#3]"}
    assert opened.deal(recipients=("support+1@example.com",), **facts) == ("customer_reply", 1)
    assert opened.deal(**facts) == ("customer_reply", 2)
    assert opened.deal(subject="[#3]") == ("customer_reply", 3)


def test_automatic_mail_opens_and_answers_nothing(opened: MailDesk) -> None:
    before = opened.dump()
    taken = opened.take(automatic="Precedence: bulk", sender=MIA, recipients=(SUPPORT, "list@acme.example"))
    assert (taken.action, taken.ticket, taken.reason) == ("ignored", None, "automatic mail: Precedence: bulk")
    assert opened.dump() == before
    state = opened.ticket(1)
    for sender in (MIA, BOB, ""):
        reply = {"sender": sender, "recipients": (BOB, SUPPORT), "references": ("1@mail.example",)}
        assert opened.deal(automatic="Auto-Submitted: auto-replied", **reply) == ("note", 1)
    assert opened.ticket(1) == state


def test_agent_who_writes_first_opens_a_ticket_of_the_customer(mail: MailDesk, slactl: Slactl) -> None:
    assert slactl("tenant", "add", "acme", "--domain", "acme.example").code == 0
    taken = mail.take(sender=MIA, recipients=("x@team.example", BOB, SUPPORT))
    assert (taken.action, taken.ticket, taken.reason) == ("opened", 1, "an agent wrote first")
    found = mail.ticket(1)
    assert (found["requester_email"], found["tenant"], found["first_response_state"]) == (BOB, "acme", "none")
    assert mail.events(1) == [("ticket.create", "mia", None, "It burns.")]
    assert mail.deal(references=("1@mail.example",)) == ("customer_reply", 1)


def test_names_of_attachments_are_noted(mail: MailDesk) -> None:
    assert mail.deal(attachments=("a.pdf", "b.png")) == ("opened", 1)
    noted = [text for action, _, _, text in mail.events(1) if action == "ticket.note"]
    assert noted == ["Attachments, which slactl does not store: a.pdf, b.png"]
    assert mail.deal(references=("1@mail.example",), attachments=("c.txt",)) == ("customer_reply", 1)
    assert mail.events(1)[-1] == ("ticket.note", "slactl", None, "Attachments, which slactl does not store: c.txt")


def test_sender_without_a_valid_address_still_opens_a_ticket(mail: MailDesk) -> None:
    assert mail.deal(sender="root") == ("opened", 1)
    assert mail.ticket(1)["requester_email"] == "root"


def test_sender_about_whom_programs_disagree_is_nobody_who_is_known(opened: MailDesk) -> None:
    forged = {"is_sender_certain": False}
    assert opened.deal(sender=MIA, recipients=(BOB, "support+1@example.com"), **forged) == ("note", 1)
    assert opened.deal(sender=BOB, recipients=("support+1@example.com",), **forged) == ("note", 1)
    assert opened.deal(sender=BOB, subject="[#1]", **forged) == ("opened", 2)
    assert opened.ticket(1)["first_responded_at"] is None
