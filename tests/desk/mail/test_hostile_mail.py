"""Messages that are made to exhaust time or memory, or to make the parser fail."""

import subprocess
import sys
import time
from email.headerregistry import HeaderRegistry
from pathlib import Path

import pytest
from resiliparse.extract import html2text

from slactl.desk.mail.message import NotAMessage, read_mail
from slactl.desk.mail.quotes import first_line, without_quotes

FROM = b"From: ann@example.net\n"
MIXED = FROM + b"Content-Type: multipart/mixed; boundary=b\n\n"
ALTERNATIVE = FROM + b"Content-Type: multipart/alternative; boundary=b\n\n"
HTML = FROM + b"Content-Type: text/html\n\n"
FLOWED = FROM + b"Content-Type: text/plain; format=flowed\n\n"
BASE64 = FROM + b"Content-Transfer-Encoding: base64\n\n"
IMAGE = b"--b\nContent-Type: image/png; name="


def nested(depth: int) -> bytes:
    parts = (b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number) for number in range(depth))
    return b"".join(parts) + b"\nHello"


def charset(name: str) -> bytes:
    return FROM + f"Content-Type: text/plain; charset={name}\n\n".encode()


#: What stands before, what is repeated to the given size, and what stands after it.
MESSAGES: dict[str, tuple[bytes, bytes, bytes]] = {
    "text": (FROM + b"\n", b"Hello world\n", b""),
    "blank lines": (FROM + b"\n", b"\n", b""),
    "zeros": (FROM, b"\x00", b""),
    "base64": (BASE64, b"A" * 76 + b"\n", b""),
    "base64 of blank lines": (BASE64, b"\n", b""),
    "quoted-printable": (FROM + b"Content-Transfer-Encoding: quoted-printable\n\n", b"=C3=BC=", b""),
    "headers": (FROM, b"X: y\n", b""),
    "the same header": (FROM, b"Received: y; 1 Jan 2026 00:00:00 +0000\n", b""),
    "recipients": (FROM, b"To: a@b.example\n", b""),
    "senders": (FROM, b"From: a@b.example\n", b""),
    "a long header": (FROM + b"Subject: ", b"x", b""),
    "a folded header": (FROM + b"Subject: ", b"\n ", b""),
    "folded recipients": (FROM + b"To: ", b"a@b.example,\n ", b""),
    "folded references": (FROM + b"References: ", b"<a@b>\n ", b""),
    "no end of the headers": (FROM, b"a" * 100, b""),
    "colons": (FROM, b"a:", b""),
    "blanks": (FROM, b" ", b""),
    "blanks above": (b"", b" ", FROM),
    "a long line of a mailbox": (b"From ", b"x", b""),
    "carriage returns only": (FROM.replace(b"\n", b"\r"), b"\r", b""),
    "carriage returns in a header": (FROM + b"Subject: x", b"\r", b""),
    "depth": (FROM + nested(100_000), b"", b""),
    "depth and borders": (FROM + nested(19), b"--b18\n\n", b""),
    "depth and what looks like borders": (FROM + nested(19), b"--b", b""),
    "borders": (MIXED, b"--b\n", b""),
    "what looks like borders": (MIXED, b"x--b", b""),
    "borders with blanks": (MIXED, b"--b" + b" " * 3000, b""),
    "attachments": (MIXED, IMAGE + b"a; name*0*=UTF-8''a%20; name*1=b\n\nx\n", b""),
    "attached messages": (MIXED, b"--b\nContent-Type: message/rfc822\n\n" + b"Subject: x\n" * 200, b""),
    "headers of a part": (MIXED + b"--b\n", b"Content-Type: x\n", b""),
    "one border for all": (MIXED, b"--b\nContent-Type: multipart/mixed; boundary=b\n\n", b""),
    "alternatives": (ALTERNATIVE, b"--b\nContent-Type: text/html\n\n<p>" + b"<b>" * 500 + b"\n", b""),
    "alternatives in alternatives": (
        ALTERNATIVE,
        b"--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\n \n",
        b"",
    ),
    "names with comments": (MIXED + (IMAGE[:-1] + b"*0=" + b"((" * 900 + b"\n\nx\n") * 1000, b"", b""),
    "names in pieces": (MIXED + (IMAGE + b";a*0=b" * 300 + b"\n\nx\n") * 1000, b"", b""),
    "parameters": (FROM + b"Content-Type: multipart/mixed; " + b"boundary=" * 7000 + b"\n\n", b"", b""),
    "a long type": (FROM + b"Content-Type: " + b"a" * 65_000 + b"\n\n", b"", b""),
    "uuencode": (FROM + b"\n", b"begin 644 a\nM\n", b"\nend"),
    "uuencode without an end": (FROM + b"\nbegin 644 a\n", b"M" * 60 + b"\n", b""),
    "flowed lines": (FLOWED, b"a \n", b""),
    "flowed quotations": (FLOWED, b">", b""),
    "quotations": (FROM + b"\n", b"> a\n", b""),
    "what looks like history": (FROM + b"\n\na\n", b"From: a\n", b""),
    "what looks like history, apart": (FROM + b"\n\na\n", b"From: a\n\n\n\n\n\n\n\n\n\n\n", b""),
    "blank lines and what looks like history": (FROM + b"\na\n", b"\n" * 5000 + b"From: a\nTo:", b""),
    "a quotation below blank lines": (FROM + b"\na\n" + b"\n" * 900_000 + b"> x", b"", b""),
    "UTF-7": (charset("utf-7"), b"+AGE-", b""),
    "Punycode": (charset("punycode"), b"abc-def", b""),
    "ISO-2022-JP": (charset("iso-2022-jp"), b"\x1b$B\x1b(B", b""),
    "emoji": (charset("utf-8"), "\U0001f600".encode(), b""),
    "no characters": (charset("utf-8"), b"\xff", b""),
    "encoded words": (FROM + b"Subject: " + b"=?utf-8?q?a?= " * 4500 + b"\n", b"", b""),
    "an encoded word in Punycode": (FROM + b"Subject: =?punycode?q?" + b"abc-d" * 13_000 + b"?=\n", b"", b""),
    "encoded references": (FROM + (b"References: " + b"=?utf-8?q?a?=" * 5000 + b"\n") * 100, b"", b""),
    "quoted names": (b"From: " + b'"\\"a" <a@b>, ' * 5000 + b"\n", b"", b""),
    "open quotes": ((b"From: " + b'"\\" ' * 230 + b"\n") * 100, b"", b""),
    "open comments": ((b"From: " + b"(" * 990 + b"\n") * 100, b"", b""),
    "open brackets": ((b"From: " + b"<" * 60_000 + b"\n") * 100, b"", b""),
    "names without addresses": ((b"To: " + b"a, " * 330 + b"\nCc: " + b"a, " * 330 + b"\n") * 100 + FROM, b"", b""),
    "very many names": ((b"From: " + b"a, " * 14_000 + b"\n") * 10, b"", b""),
    "one long address": ((b"From: " + b"a@" * 30_000 + b"\n") * 100, b"", b""),
    "HTML": (HTML, b"<p>a<b>b", b""),
    "HTML: links": (HTML, b'<a href="http://x">y</a>', b""),
    "HTML: quotations": (HTML, b"<blockquote>a<p class=Mso>b", b""),
    "HTML: tables": (HTML, b"<table><tr><td>x", b""),
    "HTML: hidden": (HTML, b'<i style="display:none">', b""),
    "HTML: attributes": (HTML + b"<p " + b" ".join(b"a%d" % number for number in range(100_000)), b"", b""),
    "HTML: comments": (HTML, b"<!-- -", b""),
    "HTML: emoji": (HTML, "\U0001f600".encode(), b""),
    "HTML: open tags": (HTML, b'<a b="<a c=', b""),
    "HTML: names of tags": (HTML, b"<a<a", b""),
    "HTML: styles": (HTML, b"<style></styl", b""),
    "HTML: blanks in tags": (HTML, b"<a b" + b" " * 1000, b""),
    "HTML: entities": (HTML, b"&notit", b""),
    "HTML: pictures": (HTML, b"data:image/", b""),
}


def message(name: str, size: int) -> bytes:
    before, repeated, after = MESSAGES[name]
    times = (size - len(before) - len(after)) // len(repeated) if repeated else 0
    return before + repeated * times + after


@pytest.mark.parametrize("name", MESSAGES)
def test_a_hostile_message_is_read_in_a_second(name: str) -> None:
    data = message(name, 2 << 20)
    begin = time.process_time()
    try:
        mail = read_mail(data)
    except NotAMessage:
        mail = None
    if mail is not None:
        first_line(mail.text)
        without_quotes(mail.text)
    assert time.process_time() - begin < 3  # a busy machine takes twice as long


#: Prints the peak of the memory of a process that has read a message, in bytes.
MEMORY = """
import re, sys
from pathlib import Path
from slactl.desk.mail.message import read_mail
from slactl.desk.mail.quotes import without_quotes
mail = read_mail(Path(sys.argv[1]).read_bytes())
without_quotes(mail.text)
print(int(re.search("VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) << 10)
"""

LARGE = [
    *("text", "base64", "blank lines", "base64 of blank lines", "a folded header", "folded references", "flowed lines"),
    *("carriage returns only", "attachments", "HTML", "HTML: quotations", "HTML: links", "HTML: emoji", "emoji"),
]


@pytest.mark.parametrize("name", LARGE)
def test_the_largest_message_needs_less_than_150_mib(name: str, tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_bytes(message(name, 25 << 20))
    done = subprocess.run([sys.executable, "-c", MEMORY, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 130 << 20  # `slactl mail` needs the rest for the database and the rules


def test_a_deep_message_does_not_exhaust_the_stack() -> None:
    assert read_mail(FROM + nested(19)).text == "Hello"
    assert read_mail(FROM + nested(21)).attachments == ("unnamed multipart/mixed",)


@pytest.mark.parametrize("slip", [ValueError, IndexError, RecursionError, KeyError])
def test_a_slip_of_a_parser_loses_no_text(slip: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise slip

    monkeypatch.setattr(html2text, "extract_plain_text", fail)
    monkeypatch.setattr(HeaderRegistry, "__call__", fail)
    mail = read_mail(
        b"From: Ann <ann@example.net>\nSubject: =?utf-8?q?a?=\nContent-Type: text/html\n\n<p>Hello &amp; <b>bye"
    )
    assert (mail.sender, mail.subject, " ".join(mail.text.split())) == (
        "ann@example.net",
        "=?utf-8?q?a?=",
        "Hello & bye",
    )
