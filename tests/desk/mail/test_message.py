"""What one message means: the sender, the texts, the attachments, and whether a program sent it."""

import hashlib
from datetime import UTC, datetime

import pytest

from slactl.desk.mail.message import LARGEST, LEFT_OUT, Mail, NotAMessage, read_mail
from slactl.desk.tickets.input import BODY_LENGTH


def mail(*headers: str, body: str = "Hello", sender: str = "ann@example.net", charset: str = "utf-8") -> Mail:
    lines = [f"From: {sender}", *headers]
    return read_mail("\n".join([*lines, "", body]).encode(charset, "surrogateescape"))


def test_a_plain_message_is_read_whole() -> None:
    data = (
        b"Return-Path: <ann@example.net>\n"
        b"Received: from mx.example.net by mail.example.com (Postfix)\n"
        b"\tid 4ABC for <support@example.com>; Thu, 26 Nov 2026 10:11:12 +0100 (CET)\n"
        b"Received: from laptop by mx.example.net; Thu, 26 Nov 2026 01:00:00 +0000\n"
        b"Message-ID: <one@example.net>\n"
        b"In-Reply-To: <b@example.com>\n"
        b"References: <a@example.com>\n\t<b@example.com>\n"
        b"From: Ann Smith <ann@Example.NET>\n"
        b"To: Support <support@example.com>, Ben <ben@example.org>\n"
        b"Cc: cem@EXAMPLE.org\n"
        b"Delivered-To: support+12@example.com\n"
        b"Subject: Printer\n  on fire\n"
        b"\n"
        b"It burns.\n\n-- \nAnn\n"
    )
    assert read_mail(data) == Mail(
        message_id="one@example.net",
        sender="ann@example.net",
        sender_name="Ann Smith",
        recipients=("support@example.com", "ben@example.org", "cem@example.org", "support+12@example.com"),
        references=("b@example.com", "a@example.com"),
        subject="Printer on fire",
        text="It burns.\n\n-- \nAnn",
        attachments=(),
        received=datetime(2026, 11, 26, 9, 11, 12, tzinfo=UTC),
        automatic=None,
        written_to=("support@example.com", "ben@example.org", "cem@example.org"),
        is_sender_certain=True,
    )


def test_a_message_that_has_only_a_sender_is_a_message() -> None:
    data = b"From: ann@example.net\n"
    read = read_mail(data)
    assert read.message_id == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert (read.subject, read.text, read.received, read.references) == ("(no subject)", "", None, ())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"Hello\n",
        b"Subject: x\n\nFrom: ann@example.net\n",
        b"From ann@example.net\n\nHello\n",
        b"\x00" * 99,
    ],
)
def test_what_has_no_from_is_not_a_message(data: bytes) -> None:
    with pytest.raises(NotAMessage) as raised:
        read_mail(data)
    assert raised.value.code == 65


def test_the_largest_message_is_read_and_a_larger_one_is_not() -> None:
    largest = b"From: ann@example.net\n\n".ljust(LARGEST, b"x")
    read = read_mail(largest)
    assert len(read.text) == BODY_LENGTH
    assert read.text.endswith(f"x\n\n{LEFT_OUT}")
    with pytest.raises(NotAMessage, match="26,214,401 bytes; at most 26,214,400"):
        read_mail(largest + b"x")


@pytest.mark.parametrize(
    ("written", "name", "address", "is_certain"),
    [
        ("ann@example.net", "", "ann@example.net", True),
        ("Ann <ann@Example.NET>", "Ann", "ann@example.net", True),
        ("Ann.Smith@example.net (Ann Smith)", "", "Ann.Smith@example.net", True),
        ("=?utf-8?q?J=C3=B6rg?= <j@example.net>", "Jörg", "j@example.net", True),
        ("Jörg <j@example.net>", "Jörg", "j@example.net", True),
        ("Smith, Ann <ann@example.net>", "Smith, Ann", "ann@example.net", True),
        ("<mailto:ann@example.net>", "", "ann@example.net", True),
        ("ann@example.net <ann@example.net>", "ann@example.net", "ann@example.net", True),
        ('"boss@example.com" <eve@example.net>', "boss@example.com", "eve@example.net", True),
        # What follows is read in different ways, so nobody may act by it.
        ("boss@example.com <eve@example.net>", "boss@example.com", "eve@example.net", False),
        ('"boss@example.com" eve@example.net', "", "eve@example.net", False),
        ("eve@example.net, boss@example.com", "", "eve@example.net", False),
        ("Team: boss@example.com, eve@example.net;", "", "boss@example.com", False),
        ("<eve@example.net><boss@example.com>", "<eve@example.net>", "boss@example.com", False),
        ("eve@example.net\nFrom: boss@example.com", "", "eve@example.net", False),
        ("boss@example.com\x00 <eve@example.net>", "boss@example.com", "eve@example.net", False),
        # No address that can be kept.
        ("undisclosed-recipients:;", "undisclosed-recipients:;", "unknown@invalid", False),
        ("root (Cron Daemon)", "root (Cron Daemon)", "root@localhost", False),
        ("<>", "", "unknown@invalid", False),
        ("", "", "unknown@invalid", False),
        ('"a b"@example.net', '"a b"@example.net', "unknown@invalid", False),
        ("ann@\u202eexample.net", "ann@\u202eexample.net", "unknown@invalid", False),
        ("=?utf-8?q?boss=40example.com?=", "boss@example.com", "unknown@invalid", False),
    ],
)
def test_the_sender_is_the_one_address_of_from(written: str, name: str, address: str, is_certain: bool) -> None:
    read = mail(sender=written)
    assert (read.sender_name, read.sender, read.is_sender_certain) == (name, address, is_certain)


def test_a_from_without_an_address_falls_back_on_the_sender_and_the_return_path() -> None:
    assert mail("Sender: <Ann@example.net>", sender="Ann").sender == "Ann@localhost"
    assert mail("Sender: ann@example.net", sender="Ann Smith").sender == "ann@example.net"
    assert mail("Return-Path: <ann@example.net>", sender="Ann Smith").sender == "ann@example.net"


@pytest.mark.parametrize(
    "written",
    [
        "=?utf-8?q?Ann=0D=0ABcc:_eve=40example.org?= <ann@example.net>",
        "=?utf-8?b?QW5uCkJjYzogZXZl?= <ann@example.net>",
        '"Ann\x0bBcc: eve" <ann@example.net>',
        "=?utf-8?q?Ann=00=1B[31m?= <ann@example.net>",
        "=?utf-8?q?Ann=E2=80=A8Bcc:?= <ann@example.net>",
    ],
)
def test_a_name_has_no_line_breaks_and_no_control_characters(written: str) -> None:
    read = mail(sender=written)
    assert read.sender == "ann@example.net"
    assert read.sender_name.startswith("Ann")
    assert all(character.isprintable() for character in read.sender_name)


@pytest.mark.parametrize(
    ("written", "subject"),
    [
        ("", "(no subject)"),
        ("=?utf-8?q?=20=0A?=", "(no subject)"),
        ("=?UTF-8?B?R3LDvMOf?= =?UTF-8?B?ZQ==?=", "Grüße"),
        ("=?utf-8?q?Gr=C3?= =?utf-8?q?=BC=C3=9Fe?=", "Grüße"),  # one letter, cut in two by a careless program
        ("=?nonsense?q?abc?=", "abc"),
        ("=?utf-8?q?a=0Ab=00c?=", "a bc"),
        ("=?utf-8?b?7aCA?=", "\ufffd\ufffd\ufffd"),  # a lone surrogate
        ("=?utf-8?q?unfinished", "=?utf-8?q?unfinished"),
        ("Grüße", "Grüße"),
        ("[#12] \u202egnp.exe", "[#12] \u202egnp.exe"),
        ("x" * 1001, "x" * 999 + "…"),
    ],
)
def test_a_subject_is_one_line_that_can_be_stored(written: str, subject: str) -> None:
    assert mail(f"Subject: {written}").subject == subject


def test_headers_may_be_of_eight_bits_in_an_old_character_set() -> None:
    read = mail("Subject: Grüße", sender="Jörg <j@example.net>", charset="cp1252", body="Grüße")
    assert (read.sender_name, read.subject, read.text) == ("Jörg", "Grüße", "Grüße")


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("<a@b>", "a@b"),
        ("a@b", "a@b"),
        (" <a@b> (added by mx)", "a@b"),
        ("<a\n @b>", "a@b"),
        ("=?us-ascii?q?=3Ca=40b=3E?=", "a@b"),
        ("<" + "x" * 998 + ">", "x" * 998),
    ],
)
def test_an_id_has_no_brackets(written: str, found: str) -> None:
    assert mail(f"Message-ID: {written}").message_id == found
    assert mail(f"In-Reply-To: {written}").references == (found,)


@pytest.mark.parametrize("written", ["", "<>", "nothing", "<" + "x" * 999 + ">", "<a\u202eb@c>", "<a\x07b@c>x" * 0])
def test_a_message_without_a_valid_id_is_known_by_its_hash(written: str) -> None:
    read = mail(f"Message-ID: {written}")
    assert read.message_id.startswith("sha256:")
    assert read.message_id != mail(f"Message-ID: {written}", body="Other").message_id


def test_references_come_from_the_newest_back_each_once() -> None:
    read = mail("In-Reply-To: <c@x> (Ben's message of today)", "References: <a@x> <b@x>", "\t<c@x> <d@x>")
    assert read.references == ("c@x", "d@x", "b@x", "a@x")


def test_of_very_many_references_the_newest_count() -> None:
    read = mail("References: " + " ".join(f"<{number}@x>" for number in range(50_000)))
    assert read.references[:2] == ("49999@x", "49998@x")
    assert len(read.references) == 100


@pytest.mark.parametrize(
    ("date", "instant"),
    [
        ("Thu, 26 Nov 2026 10:11:12 +0100", datetime(2026, 11, 26, 9, 11, 12, tzinfo=UTC)),
        ("26 Nov 2026 10:11 -0000", datetime(2026, 11, 26, 10, 11, tzinfo=UTC)),
        ("Thu, 26 Nov 2026 10:11:12 +0100 (CET) (envelope-from x)", datetime(2026, 11, 26, 9, 11, 12, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        ("Fri, 31 Dec 9999 23:59:59 -1400", None),
        ("Thu, 99 Nov 2026 10:11:12 +9999", None),
        ("Thu, 26 Nov 99999999999999999999 10:11:12 +0100", None),
    ],
)
def test_the_instant_is_that_of_the_topmost_received(date: str, instant: datetime | None) -> None:
    assert mail(f"Received: by mx; {date}", "Received: by y; Thu, 1 Jan 2026 00:00:00 +0000").received == instant


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Auto-Submitted: auto-replied", "Auto-Submitted: auto-replied"),
        ("Auto-Submitted: AUTO-GENERATED (by cron)", "Auto-Submitted: AUTO-GENERATED (by cron)"),
        ("Auto-Submitted: no\nAuto-Submitted: auto-replied", "Auto-Submitted: auto-replied"),
        ("Precedence: Bulk", "Precedence: Bulk"),
        ("precedence: junk", "Precedence: junk"),
        ("Precedence: list", "Precedence: list"),
        ("Return-Path: <>", "null return path"),
        ("Return-Path: < >", "null return path"),
        ("Return-Path: <MAILER-DAEMON>", "null return path"),
        ("X-Slactl: 1", "header X-Slactl"),
        ("X-Slactl:", "header X-Slactl"),
        ("X-Autoreply: yes", "header X-Autoreply"),
        ("Content-Type: multipart/report; boundary=b", "report of a mail server or mail program"),
    ],
)
def test_mail_of_programs_is_automatic(header: str, reason: str) -> None:
    assert mail(header).automatic == reason


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "Auto-Submitted: No (a person)",
        "Auto-Submitted:",
        "Precedence: first-class",
        "Precedence: normal",
        "Return-Path: <ann@example.net>",
        "Return-Path: <bounces@example.net>\nReturn-Path: <>",  # only the topmost is of our server
        "X-Auto-Response-Suppress: All",  # people's programs set it too
        "Subject: Auto-Submitted: auto-replied",
        "List-Id: <x.example.net>",
    ],
)
def test_mail_of_people_is_not_automatic(header: str) -> None:
    assert mail(header).automatic is None


def test_the_line_of_a_mailbox_above_the_headers_is_left_out_and_may_say_that_nobody_sent_it() -> None:
    message = b"From: ann@example.net\nSubject: x\n\nHello\n"
    for line in (
        b"From ann@example.net Thu Nov 26 10:11:12 2026\n",
        b">From ann@example.net  x\r\n",
        b"\xef\xbb\xbf",
        b"\n",
    ):
        read = read_mail(line + message)
        assert (read.subject, read.text, read.automatic) == ("x", "Hello", None)
    assert read_mail(b"From MAILER-DAEMON  Thu Nov 26 10:11:12 2026\n" + message).automatic == "null return path"
    assert read_mail(b"Subject: y\nFrom nobody\n" + message).text == "Hello"
