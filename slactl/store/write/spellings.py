"""Find an address in texts, however it is spelled: in HTML, in URLs, in mail, in JSON, or with hidden marks."""

import re
import unicodedata
from enum import Enum
from typing import NamedTuple

from slactl.text import HIDDEN

#: How many nested encodings of a text are decoded.
ROUNDS = 4

_ENCODED = re.compile(r"[&%=]|\\u")
_HIDDEN = re.compile(f"[{HIDDEN}\ufe0e\ufe0f]")
_PAIR = re.compile(r"[^\W\d_][\u0300-\u036f]")
_WORD = re.compile(r"=\?[\w.:*-]{1,80}\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?)")
_ENTITY = re.compile(r"&(?:#0{0,20}[0-9]{1,7}|#[xX]0{0,20}[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_QUOTED = re.compile(r"(?:=[0-9a-fA-F]{2})+")
_SOFT_BREAK = re.compile(r"=[ \t]*\r?\n")

#: Signs that belong to words as well as to addresses, and the longest name before an @.
_BORDER, _LONGEST_NAME = "._+%-'", 64

#: The characters with which a domain goes on: a letter, also after a dot or hyphens.
_GOES_ON = re.compile(r"[^\W_]|-+[^\W_]|\.[^\W_]|[\ufffd\u0300-\u036f]")


class Mention(Enum):
    """The way in which a text has an address: plain, encoded, perhaps as a part of another address, or not at all."""

    PLAIN = "plain"
    SPELLED = "spelled"
    PERHAPS = "perhaps"
    NONE = "none"


class Readings(NamedTuple):
    """A text normalised as it is, decoded, and with quoted-printable decoded too.

    That comes last and by itself, for `=3d` stands in many a URL that is not encoded.
    """

    plain: str
    decoded: str
    whole: str


def mention(address: str, text: str) -> Mention:
    """Return how a text has an address, which is normalised.

    It is certain where the address stands alone, and decoding does not show it as a part of another one.
    """
    found = readings(text)
    alone = {reading: _stands_alone(address, reading) for reading in set(found)}
    if not any(alone.values()):
        return Mention.NONE if set(alone.values()) == {None} else Mention.PERHAPS
    if alone[found.decoded] is False or alone[found.whole] is False:
        return Mention.PERHAPS
    return Mention.PLAIN if alone[found.plain] and address in text.casefold() else Mention.SPELLED


def readings(text: str) -> Readings:
    """Return a text as a person, a program and a mail program read it."""
    plain = text if text.isascii() else unmasked(text)
    if _ENCODED.search(plain) is None:
        return Readings(*[plain.casefold()] * 3)
    decoded = _decoded(plain, quoted_printable=False)
    whole = _decoded(plain, quoted_printable=True) if "=" in plain or "=" in decoded else decoded
    return Readings(plain.casefold(), decoded.casefold(), whole.casefold())


def normalised(text: str) -> str:
    """Return a text in small letters of the ordinary width, without hidden marks."""
    return readings(text).plain


def _decoded(text: str, *, quoted_printable: bool) -> str:
    for _ in range(ROUNDS):
        before, text = text, _without_a_layer(text, quoted_printable=quoted_printable)
        if text == before:
            break
    return text


def _without_a_layer(text: str, *, quoted_printable: bool) -> str:
    """Take one layer of each encoding off a text."""
    if quoted_printable and "=" in text:
        text = _SOFT_BREAK.sub("", text)  # it may be in the middle of another encoded character
    if "=?" in text:
        text = _WORD.sub(_of_word, _BETWEEN_WORDS.sub(r"\1", text))
    if "&" in text:
        from html import unescape

        text = _ENTITY.sub(lambda match: unescape(match[0]), text)
    if "%" in text:
        text = _PERCENT.sub(lambda match: _of_hex(match[0].replace("%", "")), text)
    if "\\u" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    if quoted_printable and "=" in text:
        text = _QUOTED.sub(lambda match: _of_hex(match[0].replace("=", "")), text)
    return text if text.isascii() else unmasked(text)


def _of_word(match: re.Match[str]) -> str:
    """Decode an encoded word of a mail header; return it unchanged if it is not valid."""
    from binascii import a2b_base64, a2b_qp

    try:
        raw = a2b_qp(match[2], header=True) if match[1] in "qQ" else a2b_base64(match[2] + "=" * (-len(match[2]) % 4))
    except ValueError:
        return match[0]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _of_hex(digits: str) -> str:
    return bytes.fromhex(digits).decode("utf-8", errors="replace")


def unmasked(text: str) -> str:
    """Drop hidden marks, and make letters of other widths and forms ordinary ones; each by itself, in linear time."""
    shown = _HIDDEN.sub("", text)
    forms = {sign: unicodedata.normalize("NFKC", sign) for sign in set(shown) if sign > "\x7f"}
    # A sign that is a whole sentence stays as it is.
    ordinary = shown.translate({ord(sign): form for sign, form in forms.items() if len(form) <= 3})
    return _PAIR.sub(lambda match: unicodedata.normalize("NFC", match[0]), ordinary)


def _stands_alone(address: str, text: str) -> bool | None:
    """Return whether a text has an address that cannot be part of another address; None if it has none.

    A character that could not be decoded may be a letter.
    """
    if not address:
        return None
    place, found = text.find(address), None
    while place >= 0:
        before = text[max(0, place - _LONGEST_NAME) : place].rstrip(_BORDER)[-1:]
        is_part = before.isalnum() or before == "\ufffd" or unicodedata.category(before or " ")[0] == "M"
        if not is_part and _GOES_ON.match(text, place + len(address)) is None:
            return True
        found, place = False, text.find(address, place + 1)
    return found
