"""The text and the attachments of messages with several parts, character sets and encodings."""

import base64
import quopri

import pytest

from slactl.desk.mail.message import LEFT_OUT, Mail, read_mail


def raw(headers: str, body: bytes) -> Mail:
    return read_mail(f"From: ann@example.net\n{headers}\n\n".encode() + body)


def parts(kind: str, *inner: str, boundary: str = "b1") -> str:
    """Return a part with parts in it, from its content type on."""
    lines = "".join(f"--{boundary}\n{each}\n" for each in inner)
    return f"Content-Type: multipart/{kind}; boundary={boundary}\n\nThis is a message in MIME.\n{lines}--{boundary}--\n"


def read(part: str) -> tuple[str, tuple[str, ...]]:
    found = read_mail(f"From: ann@example.net\n{part}".encode())
    return found.text, found.attachments


PLAIN = "Content-Type: text/plain\n\nHello\n"
HTML = "Content-Type: text/html\n\n<p>Hello in <b>HTML</b></p>\n"
PDF = "Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment; filename=a.pdf\n\nJVBERi0=\n"
CALENDAR = "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n"


@pytest.mark.parametrize(
    ("part", "text", "attachments"),
    [
        (PLAIN, "Hello", ()),
        (HTML, "Hello in HTML", ()),
        (PDF, "", ("a.pdf",)),
        (parts("alternative", PLAIN, HTML), "Hello", ()),
        (parts("alternative", HTML, PLAIN), "Hello", ()),
        (parts("alternative", "Content-Type: text/plain\n\n \n\n", HTML), "Hello in HTML", ()),
        (parts("alternative", PLAIN, HTML, CALENDAR), "Hello", ()),
        (parts("alternative", CALENDAR), "", ("unnamed text/calendar",)),
        (parts("mixed", PLAIN, PDF), "Hello", ("a.pdf",)),
        (parts("mixed", PLAIN, PDF, PLAIN), "Hello\n\nHello", ("a.pdf",)),
        (parts("mixed", parts("alternative", PLAIN, HTML, boundary="b2"), PDF), "Hello", ("a.pdf",)),
        (parts("alternative", PLAIN, parts("mixed", HTML, PDF, HTML, boundary="b2")), "Hello", ("a.pdf",)),
        (parts("alternative", PLAIN, parts("related", HTML, PDF, boundary="b2")), "Hello", ("a.pdf",)),
        (parts("related", HTML, "Content-Type: image/png\n\nx\n"), "Hello in HTML", ("unnamed image/png",)),
        (parts("signed", PLAIN, "Content-Type: application/pgp-signature; name=s.asc\n\nx\n"), "Hello", ()),
        (parts("encrypted", "Content-Type: application/pgp-encrypted\n\nx\n", PDF), "", ("a.pdf",)),
        (parts("mixed", PLAIN, "Content-Type: message/rfc822\n\nSubject: Old\n\nBye\n"), "Hello", ("Old.eml",)),
        (parts("digest", "\nSubject: One\n\nBye\n", "\nFrom: x\n\n"), "", ("One.eml", "unnamed message.eml")),
        (parts("mixed", PLAIN, "Content-Type: text/plain; name=log.txt\n\nlog\n"), "Hello", ("log.txt",)),
        (parts("mixed", PLAIN, "Content-Disposition: attachment\n\nlog\n"), "Hello", ("unnamed text/plain",)),
        (parts("mixed"), "This is a message in MIME.\n--b1--", ()),
        ("Content-Type: text/plain; name=body.txt\n\nHello\n", "Hello", ()),
        ("Content-Type: multipart/mixed; boundary=other\n\nHello\n", "Hello", ()),
        ("Content-Type: multipart/mixed\n\nHello\n", "Hello", ()),
        ("Content-Type: nonsense\n\nHello\n", "Hello", ()),
        ("Content-Type: text/plain\nHello without a blank line\n", "Hello without a blank line", ()),
        (
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nHello without a blank line",
            "Hello without a blank line",
            (),
        ),
        ('Content-Type: MULTIPART/MIXED; Boundary="b c"\n\n--b c  \n\nHello\n--b c--\nafter', "Hello", ()),
        ("Content-Type: multipart/mixed; boundary=----=_P.1\n\n------=_P.1\n\nHello\n------=_P.1--", "Hello", ()),
        (parts("mixed", "\nsee --b1 and\n--b11\n--b1x--\n"), "see --b1 and\n--b11\n--b1x--", ()),
        (parts("mixed", PLAIN, PDF).replace("\n", "\r\n"), "Hello", ("a.pdf",)),
    ],
)
def test_text_and_attachments(part: str, text: str, attachments: tuple[str, ...]) -> None:
    assert read(part) == (text, attachments)


def test_what_stands_above_and_below_the_parts_is_no_text() -> None:
    assert read(parts("mixed", PLAIN) + "Epilogue") == ("Hello", ())


def test_a_last_part_without_an_end_is_read_to_the_end() -> None:
    assert read("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n\nBen")[0] == "Hello\n\nBen"


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ("Content-Disposition: attachment; filename=a.txt", "a.txt"),
        ('Content-Disposition: ATTACHMENT; FileName="a b.txt"', "a b.txt"),
        ("Content-Type: image/png; name=a.png", "a.png"),
        ("Content-Disposition: attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt", "Grüße.txt"),
        (
            "Content-Disposition: attachment; filename*0*=UTF-8''Gr%C3%BC; filename*1*=%C3%9Fe; filename*2=.txt",
            "Grüße.txt",
        ),
        ('Content-Disposition: attachment; filename="=?utf-8?q?Gr=C3=BC=C3=9Fe=2Etxt?="', "Grüße.txt"),
        ('Content-Disposition: attachment; filename="Grüße.txt"', "Grüße.txt"),
        ("Content-Disposition: attachment; filename*=nonsense''%FF.txt", "\ufffd.txt"),
        ("Content-Disposition: attachment; filename=", "unnamed image/png"),
        ('Content-Disposition: attachment; filename="unfinished', "unfinished"),
        ('Content-Disposition: attachment; filename="=?utf-8?q?a=0AX-Evil:_=1B[1m=00?="', "a X-Evil: [1m"),
        ('Content-Disposition: attachment; filename="' + "x" * 300 + '"', "x" * 199 + "…"),
        ("Content-Disposition: attachment; filename=" + "x" * 9000, "x" * 199 + "…"),
    ],
)
def test_names_of_attachments(headers: str, name: str) -> None:
    kind = "" if "Content-Type" in headers else "Content-Type: image/png\n"
    assert read(parts("mixed", f"{kind}{headers}\n\nx\n"))[1] == (name,)


def test_very_many_attachments_are_counted() -> None:
    _, names = read(parts("mixed", *[PDF.replace("a.pdf", f"{number}.pdf") for number in range(150)]))
    assert (names[0], names[99], names[100:]) == ("0.pdf", "99.pdf", ("… and 50 more",))


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("utf-8", "utf-8"),
        ("UTF8", "utf-8"),
        ("us-ascii", "utf-8"),
        ("us-ascii", "cp1252"),
        ("", "utf-8"),
        ("", "cp1252"),
        ("nonsense", "utf-8"),
        ("x-unknown", "cp1252"),
        ("hex", "utf-8"),
        ("zlib", "utf-8"),
        ("punycode", "utf-8"),
        ("unicode_escape", "utf-8"),
        ("../../etc/passwd", "utf-8"),
        ("\x00", "utf-8"),
        ("iso-8859-1", "cp1252"),
        ("latin1", "latin1"),
        ("windows-1252", "cp1252"),
        ("iso-8859-15", "iso-8859-15"),
        ("utf-16", "utf-16"),
        ("utf-7", "utf-7"),
        ("utf-8", "utf-8-sig"),
    ],
)
def test_character_sets(charset: str, codec: str) -> None:
    body = base64.encodebytes("Grüße".encode(codec))
    headers = f'Content-Type: text/plain; charset="{charset}"\nContent-Transfer-Encoding: base64'
    assert raw(headers, body).text == "Grüße"


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "rot13"])
def test_codecs_that_are_no_character_sets_are_not_used(charset: str) -> None:
    assert raw(f"Content-Type: text/plain; charset={charset}", b"abc-def \\u0041").text == "abc-def \\u0041"


@pytest.mark.parametrize(
    ("charset", "codec", "words"),
    [
        ("iso-8859-1", "cp1252", "“quoted” 5 €"),
        ("koi8-r", "koi8-r", "Привет"),
        ("iso-2022-jp", "iso-2022-jp", "こんにちは"),
        ("shift_jis", "cp932", "①こんにちは"),
        ("gb2312", "gb18030", "朱镕基"),
        ("big5", "big5", "你好"),
        ("ks_c_5601-1987", "cp949", "안녕"),
    ],
)
def test_character_sets_of_the_world(charset: str, codec: str, words: str) -> None:
    headers = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: quoted-printable"
    assert raw(headers, quopri.encodestring(words.encode(codec))).text == words


def test_bytes_that_are_no_characters_become_replacement_characters() -> None:
    assert (
        raw("Content-Type: text/plain; charset=utf-8", b"a\xff\xed\xa0\x80b\x00c").text == "a\ufffd\ufffd\ufffd\ufffdbc"
    )


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("base64", b"SGVsbG8="),
        ("BASE64 ", b"SGVs\nbG8"),
        ("base64", b"SG!!Vs*bG8=\n\nnot base64"),
        ("quoted-printable", b"He=6Clo="),
        ("7bit", b"Hello"),
        ("nonsense", b"Hello"),
        ("", b"Hello"),
    ],
)
def test_transfer_encodings(encoding: str, body: bytes) -> None:
    assert raw(f"Content-Transfer-Encoding: {encoding}", body).text.startswith("Hello")


def test_a_broken_encoding_keeps_the_bytes() -> None:
    assert raw("Content-Transfer-Encoding: base64", b"x").text == "x"
    assert raw("Content-Transfer-Encoding: quoted-printable", b"a=ZZb=").text == "a=ZZb"


def test_line_breaks_become_line_feeds_and_blank_lines_around_the_text_go() -> None:
    assert raw("", b"\r\n \r\na  \r\n\r\nb\rc\r\n\r\n").text == "a  \n\nb\nc"


def test_a_message_whose_lines_end_in_carriage_returns_is_read() -> None:
    assert read_mail(b"From: ann@example.net\rSubject: Old\r\rHello\r").subject == "Old"


def test_a_file_inside_a_plain_text_is_named_as_an_attachment() -> None:
    body = b"See the file.\nbegin 644 re port.txt\n#0V%T\n`\nend\nThanks\nbegin 12 of them\nend\n"
    found = raw("", body)
    assert (found.text, found.attachments) == ("See the file.\n\nThanks\nbegin 12 of them\nend", ("re port.txt",))


def test_flowed_paragraphs_become_one_line() -> None:
    body = b"A long \nparagraph.\nNext\n> quoted \n> line\n>> deep \nown\n From the start\n-- \nAnn \nSmith\n"
    text = "A long paragraph.\nNext\n> quoted line\n>> deep\nown\nFrom the start\n-- \nAnn Smith"
    assert raw("Content-Type: text/plain; format=flowed", body).text == text
    assert raw("Content-Type: text/plain; format=flowed; delsp=yes", b"Donau \ndampf\n").text == "Donaudampf"
    assert raw("Content-Type: text/plain", b"A long \nparagraph.\n").text == "A long \nparagraph."


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One<p>Two<br>Three", "One\n\nTwo\nThree"),
        ("<p>a &amp;lt;b&amp;gt; &lt; &amp;nbsp;", "a &lt;b&gt; < &nbsp;"),
        ("<pre>a\n  b\n    c</pre>", "a\n  b\n    c"),
        ('see <a href="https://example.net/x?a=1&amp;b=2">this</a>!', "see this <https://example.net/x?a=1&b=2>!"),
        ('<a href="https://example.net">https://example.net</a>', "https://example.net"),
        ('<a href="mailto:ann@example.net">Ann</a> <a href="javascript:alert(1)">x</a> <a href="#y">y</a>', "Ann x y"),
        ("<blockquote>One<blockquote>Two</blockquote></blockquote>Three", "> One\n>> Two\nThree"),
        ("<ul><li>One<li>Two</ul>", "  • One\n  • Two"),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a\t\tb\nc\t\td"),
        ("<title>t</title><style>p {}</style><script>alert(1)</script><!-- c -->Hello", "Hello"),
        ('<p style="display : none">Hidden</p><span style="mso-hide:all">too</span>Hello', "Hello"),
        (
            '<p class=MsoNormal>One</p><p class="MsoNormal">Two</p><p class=MsoNormal><o:p>&nbsp;</o:p></p><p>x',
            "One\nTwo\n\nx",
        ),
        ('<img alt="Logo" src="data:image/png;base64,' + "iVBORw0KGgo" * 200_000 + '">: Hello', "Logo: Hello"),
        ("<!--[if mso]><p>for Word</p><![endif]-->Hello<![if !vml]> you<![endif]><!-- a > b -->", "Hello you"),
        ("no tags at all", "no tags at all"),
        ("\ue000a\ue001\ue001b", "ab"),
        ("<p>a<p>\x00b\ud800", "a\n\nb\ufffd\ufffd\ufffd"),
        ("<", "<"),
        ("", ""),
    ],
)
def test_html_becomes_the_text_that_people_read(html: str, text: str) -> None:
    body = html.encode("utf-8", "surrogatepass")
    assert raw("Content-Type: text/html; charset=utf-8", body).text == text


def test_html_may_name_its_character_set_itself() -> None:
    body = '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r"><p>Привет'.encode("koi8-r")
    assert raw("Content-Type: text/html", body).text == "Привет"


def test_html_that_is_too_long_is_cut_and_says_so() -> None:
    text = raw("Content-Type: text/html", b"<p>Hello</p>" + b"<!-- -->" * 100_000 + b"<p>End</p>").text
    assert text == f"Hello\n\n{LEFT_OUT}"


def test_a_text_that_is_too_long_is_cut_and_says_so() -> None:
    text = raw("", b"x" * 1_000_001).text
    assert len(text) == 1_000_000
    assert text.endswith(f"x\n\n{LEFT_OUT}")
    assert raw("", b"x" * 1_000_000).text == "x" * 1_000_000
    assert raw("", b"Hello" + b"\n" * 5_000_000 + b"Ben").text == f"Hello\n\n{LEFT_OUT}"
