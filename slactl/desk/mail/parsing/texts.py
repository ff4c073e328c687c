"""Make the text that people read from the bytes of one part: transfer encoding, character set, HTML, wrapped lines."""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from html import unescape

from slactl.desk.mail.parsing.headers import storable
from slactl.desk.tickets.input import BODY_LENGTH

#: Character sets as mail programs name them, and what they then really write.
_REALLY = {
    **{"iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949"},
    **{"shift_jis": "cp932", "tis-620": "cp874"},
}
#: Codecs of Python that are no character set of a text, and take long or fail.
_NO_CHARSETS = ("punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined")

_UUENCODED = re.compile(r"^begin [0-7]{3,4} (\S[^\n]*)\n((?:[!-`][ -`]{0,90}\n)*)[ `]?\n?end[ \t]*$", re.M)


@dataclass(frozen=True, slots=True)
class Reading:
    """The text of a part, the names of files that stand inside it (uuencode), and whether its end is left out."""

    text: str
    names: tuple[str, ...] = ()
    is_cut: bool = False


def readable(raw: bytes, kind: str, encoding: str, param: Callable[[str], str]) -> Reading:
    """Read the text of a part.

    Args:
        raw: the bytes of its body.
        kind: its content type.
        encoding: its transfer encoding in small letters.
        param: returns a parameter of the content type, or an empty text.
    """
    content = _transferred(raw, encoding)
    charset = param("charset") or (_meta_charset(content) if kind == "text/html" else "")
    text = tidy(_characters(content, charset))
    if kind == "text/html":
        return _without_tags(text)
    names = tuple(match[1] for match in _UUENCODED.finditer(text)) if "\nend" in text else ()
    if names:
        text = tidy(_UUENCODED.sub("", text))
    if param("format").lower() == "flowed" and len(text) <= BODY_LENGTH:
        text = unwrapped(text, delsp=param("delsp").lower() == "yes")
    return Reading(text, names)


def _without_tags(html: str) -> Reading:
    from slactl.desk.mail.parsing.html_text import html_to_text

    try:
        text, is_cut = html_to_text(html)
    except Exception:  # a slip of the library must not lose what a person wrote
        text, is_cut = unescape(re.sub("<[^<>]*>", " ", html)), False
    return Reading(tidy(text), is_cut=is_cut)


def tidy(text: str) -> str:
    """Return a text for storage: line breaks as `\\n`, no blank lines around it, no NUL and no lone surrogate."""
    lines = storable(text).replace("\r\n", "\n").replace("\r", "\n")
    first = len(lines) - len(lines.lstrip())
    return lines[lines.rfind("\n", 0, first) + 1 :].rstrip()


def _transferred(raw: bytes, encoding: str) -> bytes:
    message = Message()
    word = re.match(r"quoted-printable|base64", encoding.strip())
    if word is None:
        return raw
    message["Content-Transfer-Encoding"] = word[0]
    raw = raw.translate(None, b"\r\n\t ") if word[0] == "base64" else raw
    message.set_payload(raw.decode("ascii", "surrogateescape"))
    content = message.get_payload(decode=True)
    return content if isinstance(content, bytes) else raw


def _meta_charset(content: bytes) -> str:
    found = re.search(rb"<meta[^>]{1,200}charset\s*=\s*[\"']?([\w.:-]+)", content[:2000], re.IGNORECASE)
    return found[1].decode() if found else ""


def _characters(content: bytes, charset: str) -> str:
    """Return the characters of a text; a wrong or missing character set is guessed: UTF-8, else Western European."""
    for mark, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return content.decode(name, "replace").lstrip("\ufeff")
    try:
        name = codecs.lookup(charset).name if charset else "ascii"
        if name.replace("-", "_") not in ("ascii", *_NO_CHARSETS):
            return content.decode(_REALLY.get(name, name), "replace")
    except (LookupError, ValueError, OverflowError):
        pass  # not a character set, or one that cannot read these bytes at all
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def unwrapped(text: str, *, delsp: bool) -> str:
    """Return a text of `format=flowed` (RFC 3676) with each paragraph on one line again."""
    paragraphs: list[list[str]] = []
    last: int | None = None  # how deep the line before is quoted, if it goes on
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        words = line[depth:].removeprefix(" ")
        goes_on = words.endswith(" ") and words != "-- "
        if last != depth or words == "-- ":
            paragraphs.append([f"{'>' * depth} "] if depth else [])
        paragraphs[-1].append(words[:-1] if goes_on and delsp else words)
        last = depth if goes_on else None
    lines = map("".join, paragraphs)
    return "\n".join(line if line == "-- " else line.rstrip(" ") for line in lines)
