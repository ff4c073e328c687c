"""Whatever bytes come in: a message, or the one error, in bounded time, and only texts that can be stored."""

import random
import re
import time
from datetime import UTC
from email import message_from_bytes, policy
from html import escape
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from slactl.desk.mail.message import Mail, NotAMessage, read_mail
from slactl.desk.mail.parsing.html_text import _ATTRIBUTES, _simplified, html_to_text
from slactl.desk.mail.quotes import first_line, without_quotes
from slactl.text import is_address, is_utf8

CORPUS = [path.read_bytes() for path in sorted((Path(__file__).parent / "corpus").glob("*.eml"))]

#: What parsers stumble over.
PIECES = [
    *(b"\n", b"\r\n", b"\r", b"\n\n", b" ", b"\t", b"\x00", b"\xff", b"\xed\xa0\x80", b"\xe2\x80\xae", b"--", b"--b\n"),
    *(b"From: ", b"From ", b"To: ", b"Subject: ", b"Received: ", b"Message-ID: ", b"References: ", b"<a@b>", b"a@b, "),
    *(b"Content-Type: ", b"multipart/mixed; boundary=b\n\n", b"text/html\n\n", b"text/plain; charset=", b"utf-7"),
    *(
        b"multipart/alternative; boundary=b\n\n",
        b"message/rfc822\n\n",
        b"Content-Disposition: attachment; filename*=x''%",
    ),
    *(b"Content-Transfer-Encoding: ", b"base64\n", b"quoted-printable\n", b"=?utf-8?q?", b"=?utf-8?b?", b"?=", b"=0A"),
    *(
        b'"',
        b"(",
        b")",
        b"\\",
        b";",
        b":",
        b",",
        b"<",
        b">",
        b"=",
        b"[",
        b"]",
        b"@",
        b"% ",
        b"begin 644 x\n",
        b"\nend\n",
    ),
    *(
        b"<blockquote>",
        b"<p class=Mso>",
        b"<a href='http://x'>",
        b"<!--",
        b"&#x110000;",
        b"<svg><![CDATA[",
        b"> ",
        b"-- ",
    ),
]


def check(data: bytes) -> Mail | None:
    """Read bytes, and return the message; each of its values must be fit to be stored."""
    begin = time.process_time()
    try:
        mail = read_mail(data)
    except NotAMessage:
        return None
    shown = without_quotes(mail.text)
    assert time.process_time() - begin < 2
    assert is_address(mail.sender)
    assert all(map(is_address, (*mail.recipients, *mail.written_to)))
    assert set(mail.written_to) <= set(mail.recipients)
    names = (mail.sender_name, mail.subject, *mail.attachments, mail.automatic or "", mail.message_id, *mail.references)
    for name in names:
        assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", name)
        assert is_utf8(name)
    assert mail.message_id
    assert mail.subject == mail.subject.strip() != ""
    assert len(mail.subject) <= 1000
    assert len(mail.sender_name) <= 200
    for text in (mail.text, shown, first_line(mail.text)):
        assert "\x00" not in text
        assert "\r" not in text
        assert is_utf8(text)
    assert len(mail.text) <= 1_000_000
    assert mail.received is None or mail.received.tzinfo is UTC
    assert read_mail(data) == mail
    return mail


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes(data: bytes) -> None:
    check(data)
    check(b"From: a@b\n" + data)


@given(st.lists(st.sampled_from(PIECES), max_size=60))
@settings(max_examples=400, deadline=None)
def test_pieces_of_messages_in_any_order(pieces: list[bytes]) -> None:
    check(b"From: a@b\n" + b"".join(pieces))


@pytest.mark.parametrize("seed", range(4))
def test_broken_messages_of_the_corpus(seed: int) -> None:
    chance = random.Random(seed)
    for data in CORPUS:
        for _ in range(4):
            broken = bytearray(data)
            for _ in range(chance.randint(1, 8)):
                at = chance.randrange(len(broken) + 1)
                until = at + chance.choice((0, 1, 5, 100))
                broken[at:until] = chance.choice((b"", chance.randbytes(3), chance.choice(PIECES), broken[:200]))
            check(bytes(broken))


word = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), min_size=1, max_size=20)
line = st.lists(word, min_size=1, max_size=6).map(" ".join)
local = st.from_regex(r"[a-z0-9]+([.+_-][a-z0-9]+)*", fullmatch=True).filter(lambda text: len(text) < 60)


@given(line, st.lists(line, min_size=1, max_size=8), local, st.lists(line, max_size=3), st.booleans())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_python_writes_is_read_again(
    subject: str, lines: list[str], sender: str, files: list[str], is_html: bool
) -> None:
    """Python's own writer of messages is the other side: subject, text, sender and names come back."""
    written = message_from_bytes(b"", policy=policy.SMTP)
    written["From"] = f"{sender}@example.net"
    written["Subject"] = subject
    written.set_content("\n".join(lines), charset="utf-8")
    if is_html:
        written.add_alternative("<p>not this</p>", subtype="html")
    for file in files:
        written.add_attachment(b"x", "application", "octet-stream", filename=file)
    mail = read_mail(written.as_bytes())
    assert mail.sender == f"{sender}@example.net"
    assert "".join(mail.subject.split()) == "".join(subject.split())  # Python loses blanks between encoded words
    assert [text.split() for text in mail.text.split("\n")] == [text.split() for text in lines]
    assert [file.split() for file in mail.attachments] == [file.split() for file in files]


NAMES = (
    "a b p div table tr td li ul ol blockquote pre br img svg math title style script textarea template xmp plaintext "
    "select option noscript iframe html body head !-- ![CDATA[ !doctype ? / /p /a /svg /style /script /title x:y"
)
TAGS = st.sampled_from(NAMES.split())
ATTRIBUTE = st.sampled_from(
    [
        "a",
        "href=x",
        'b="',
        "c='",
        "'",
        '"',
        'd="<e f>"',
        "=",
        "/",
        "//",
        'style="color:red"',
        "hidden",
        ">",
        "-->",
        "]]>",
        "\n",
    ]
)
HTML = st.lists(
    st.one_of(
        st.tuples(TAGS, st.lists(ATTRIBUTE, max_size=12)).map(lambda tag: f"<{tag[0]} {' '.join(tag[1])}>"),
        st.tuples(TAGS, st.lists(ATTRIBUTE, max_size=12)).map(lambda tag: f"<{tag[0]}{''.join(tag[1])}"),
        TAGS.map(lambda tag: f"</{tag}>"),
        st.sampled_from(["text", "&amp;", "<", ">", "<!--", "-->", "\f", "<3", "< b", "é"]),
    ),
    max_size=40,
).map("".join)


@given(HTML)
@example("<<!-- -->p a b c>x")
@example("<<style></style>p a b c>x")
@example('<svg><<!-- -->![CDATA[ <p b="]]><p a c d>">')
@example('<!-- <a b="--><p a c d>">')
@example('<style> <a b="</style><p a c d>">')
@example("<textarea><a href='</textarea><p a c d>'>")
@settings(max_examples=200, deadline=None)
def test_no_tag_keeps_attributes_that_take_time(html: str) -> None:
    """What the parser sees has few attributes, however quotes, comments and sections are nested."""
    tree = HTMLTree.parse("".join(_simplified(html)))
    assert tree.document is not None
    for element in tree.document.query_selector_all("*"):
        assert set(element.attribute_names) <= set(_ATTRIBUTES)
    html_to_text(html)


@given(st.lists(st.tuples(st.sampled_from(["p", "div", "b", "pre", "blockquote", "span"]), word), max_size=10))
@settings(max_examples=100, deadline=None)
def test_each_word_of_html_is_in_the_text(elements: list[tuple[str, str]]) -> None:
    html = "".join(f'<{tag} title="a > b" class=c>{escape(text)} </{tag}>' for tag, text in elements)
    text, is_cut = html_to_text(html)
    assert not is_cut
    shown = (
        re.sub(r"^>+ ?", "", text, flags=re.M).split()
        if all(not each.startswith(">") for _, each in elements)
        else None
    )
    assert shown is None or shown == [each for _, text in elements for each in text.split()]
