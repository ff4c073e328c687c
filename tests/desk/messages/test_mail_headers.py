"""The headers of mail that goes out: by which programs, servers and slactl itself know it, and where replies go."""

import re
from email import message_from_string
from email.message import Message
from email.utils import getaddresses
from pathlib import Path

import pytest
from conftest import Receiver, Receivers, Slactl
from freezegun.api import FrozenDateTimeFactory
from test_notifications import LADDER, check, opened
from test_notifications import clock as clock

from slactl.desk.messages.by_mail.smtp import with_headers

#: Who gets the messages about late tickets; the boss is a person, the team a role that several people read.
PEOPLE = """
[people.boss]
emails = ["boss@example.com"]
notify = ["${env:LEAD_URL}"]
[roles.deputy]
assignee = "boss"
[roles.team]
notify = ["${env:LEAD_URL}"]
[roles.shift]
assignee = "boss"
notify = ["${env:LEAD_URL}"]
"""

MAIL = '[mail]\naddress = "support@desk.example.com"\n'


def told(desk: Path, who: str, extra: str = MAIL, settings: str = "") -> None:
    """Write rules that tell somebody of each late ticket."""
    path = desk.with_name("rules.toml")
    text = path.read_text().replace("manual_escalation =", "# manual_escalation =")
    text = text[: text.index("# Roles and people, and")].replace("[settings]", f"[settings]\n{settings}")
    path.write_text(text + PEOPLE + LADDER % ("", f'["{who}"]') + extra)


@pytest.fixture
def server(receiver: Receivers, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """A mail server; it takes mail to `mia@example.com`."""
    mailbox = receiver("smtp")
    monkeypatch.setenv("LEAD_URL", mailbox.url)
    return mailbox


def mails(server: Receiver) -> list[Message]:
    return [message_from_string(each["body"]) for each in server.took]


def late(slactl: Slactl, clock: FrozenDateTimeFactory, count: int = 1, *options: str) -> None:
    for _ in range(count):
        opened(slactl, "--at", "2026-03-02T08:00:00Z", *options)
    clock.move_to("2026-03-04T08:30:00Z")


@pytest.mark.parametrize("name", ["boss", "deputy"])
def test_mail_to_a_person_says_that_it_is_automatic_and_has_an_address_for_the_reply(
    desk: Path, slactl: Slactl, server: Receiver, clock: FrozenDateTimeFactory, name: str
) -> None:
    told(desk, name)
    late(slactl, clock)
    check(slactl)
    (mail,) = mails(server)
    assert (mail["X-Slactl"], mail["Auto-Submitted"]) == ("notification", "auto-generated")
    assert re.fullmatch(r"support\+n1\.[a-z2-7]{24}@desk\.example\.com", mail["Reply-To"])
    assert mail["Message-ID"] == f"<slactl.{mail['X-Slactl-Message']}@desk.example.com>"
    assert all(len(mail.get_all(header)) == 1 for header in ("Message-ID", "Reply-To", "Auto-Submitted"))


def test_mail_to_a_role_has_no_address_for_the_reply(
    desk: Path, slactl: Slactl, server: Receiver, clock: FrozenDateTimeFactory
) -> None:
    told(desk, "team")
    late(slactl, clock)
    check(slactl)
    (mail,) = mails(server)
    assert (mail["X-Slactl"], mail["Reply-To"]) == ("notification", None)


def test_of_a_role_with_a_person_only_the_person_gets_an_address_for_the_reply(
    desk: Path, slactl: Slactl, server: Receiver, clock: FrozenDateTimeFactory
) -> None:
    told(desk, "shift")
    late(slactl, clock)
    check(slactl)
    assert sorted(mail["Reply-To"] is None for mail in mails(server)) == [False, True]


def test_reply_of_a_customer_goes_to_the_ticket(
    desk: Path, slactl: Slactl, server: Receiver, clock: FrozenDateTimeFactory
) -> None:
    told(desk, "requester", settings='customer_mail = "${env:LEAD_URL}"\n')
    late(slactl, clock)
    check(slactl)
    (mail,) = mails(server)
    assert (mail["Reply-To"], mail["Auto-Submitted"]) == ("support+1@desk.example.com", "auto-generated")


def test_digest_has_the_number_of_the_message_about_its_most_urgent_ticket(
    desk: Path, slactl: Slactl, server: Receiver, clock: FrozenDateTimeFactory
) -> None:
    told(desk, "boss")
    late(slactl, clock)
    opened(slactl, "--at", "2026-03-02T08:00:00Z", "--priority", "urgent")
    check(slactl)
    (mail,) = mails(server)
    assert "2 tickets need attention: ticket 2, urgent" in str(mail["Subject"])
    assert mail["Reply-To"].startswith("support+n2.")


def test_mail_without_the_table_in_the_rules_is_as_apprise_writes_it(
    desk: Path, slactl: Slactl, server: Receiver, clock: FrozenDateTimeFactory
) -> None:
    told(desk, "boss", extra="")
    late(slactl, clock)
    check(slactl)
    (mail,) = mails(server)
    assert [mail[header] for header in ("X-Slactl", "Auto-Submitted", "Reply-To")] == [None] * 3
    assert "slactl." not in mail["Message-ID"]


def test_retry_has_the_same_message_id_and_the_same_address_for_the_reply(
    desk: Path,
    slactl: Slactl,
    server: Receiver,
    clock: FrozenDateTimeFactory,
    receiver: Receivers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told(desk, "boss")
    late(slactl, clock)
    monkeypatch.setenv("LEAD_URL", receiver("smtp451").url)
    check(slactl, code=7)
    monkeypatch.setenv("LEAD_URL", server.url)
    clock.move_to("2026-03-04T08:40:00Z")
    check(slactl)
    (first, again) = mails(server)
    assert [first[name] for name in ("Message-ID", "Reply-To")] == [again[name] for name in ("Message-ID", "Reply-To")]
    assert first["Reply-To"] is not None


def test_test_message_has_no_address_for_the_reply(desk: Path, slactl: Slactl, server: Receiver) -> None:
    told(desk, "boss")
    assert slactl("notify", "test", "boss").code == 0
    (mail,) = mails(server)
    assert (mail["Auto-Submitted"], mail["Reply-To"]) == ("auto-generated", None)


def test_no_text_of_a_stranger_becomes_a_header(
    desk: Path, slactl: Slactl, server: Receiver, clock: FrozenDateTimeFactory
) -> None:
    told(desk, "boss", extra=f'{MAIL}[templates]\ntitle = "{{{{ external_id }}}} {{{{ subject }}}}"\n')
    text = desk.with_name("rules.toml").read_text()
    desk.with_name("rules.toml").write_text(text.replace("[people.boss]", '[people.boss]\ninclude = ["subject"]'))
    hostile = "a\nReply-To: eve@example.com\r\nBcc: eve@example.com\n\nbody =?utf-8?q?=0AX-Evil:_1?="
    made = slactl(
        "create", hostile, "--from", "eve@example.com", "--at", "2026-03-02T08:00:00Z", "--external-id", "E\n1"
    )
    assert made.code == 0, made.err
    clock.move_to("2026-03-04T08:30:00Z")
    check(slactl)
    (taken,) = server.took
    mail = message_from_string(taken["body"])
    assert taken["to"] == ["mia@example.com"]
    assert (mail["Bcc"], mail["X-Evil"]) == (None, None)
    assert [address for _, address in getaddresses(mail.get_all("Reply-To"))] == [mail["Reply-To"]]
    assert "eve" not in mail["Reply-To"]


def test_headers_stand_in_place_of_the_mails_own_and_nothing_else_changes() -> None:
    mail = "To: a@example.com\nreply-to: b@example.com,\n c@example.com\nSubject: hi\nX: 1\n\nReply-To: stays\n\nend\n"
    assert with_headers(mail, {"Reply-To": "d@example.com", "Message-ID": "<1@example.com>"}) == (
        "Reply-To: d@example.com\nMessage-ID: <1@example.com>\n"
        "To: a@example.com\nSubject: hi\nX: 1\n\nReply-To: stays\n\nend\n"
    )


@pytest.mark.parametrize("text", ["a\nBcc: b@example.com", "a\rb", "ü@example.com", "a\x00"])
def test_header_of_more_than_one_line_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more than one line"):
        with_headers("To: a@example.com\n\n", {"Reply-To": text})
