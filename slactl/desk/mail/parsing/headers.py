"""Read the headers of a message: addresses, ids, texts, and the instant of delivery.

Strangers write headers, and Python's parser fails on some and takes seconds for others. Every value has a limit, and a
value that the parser cannot read is read by simpler means.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.headerregistry import AddressHeader, BaseHeader
from email.policy import default as policy

from slactl.text import domain_of, is_address

#: The values of each header, in the order of the message, under its name in small letters.
Headers = Mapping[str, Sequence[str]]

#: The most bytes of one value, and the most values of one name, that are read.
LONGEST, MOST_VALUES = 1 << 16, 10

#: The longest value that Python's parsers of addresses and of texts get: their time grows with the square of it.
LONGEST_ADDRESSES, LONGEST_WORDS = 500, 16_000

#: The most addresses, and the most ids, that one message has for us.
MOST_ADDRESSES, MOST_IDS = 500, 100

#: What stands for the null return path in the line `From …`, in small letters.
NOBODY = ("mailer-daemon", "<>")

#: The longest id of a message: a line has at most 998 characters.
LONGEST_ID = 998

_NAMES = (
    *(b"from", b"sender", b"return-path", b"to", b"cc", b"delivered-to", b"x-original-to", b"received"),
    *(b"message-id", b"in-reply-to", b"references", b"subject", b"auto-submitted", b"precedence", b"x-slactl"),
    *(b"x-autoreply", b"x-autorespond", b"content-type", b"content-disposition", b"content-transfer-encoding"),
)
_WANTED = re.compile(rb"^(%b)[ \t]*:(.*+(?:\n[ \t].*+)*+)" % b"|".join(map(re.escape, _NAMES)), re.IGNORECASE | re.M)
#: The first line that belongs to no header: an empty one, or text where a blank line is missing.
_END = re.compile(rb"^(?:\r?$|(?![ \t]|>?From |[!-9;-~]+[ \t]*:))", re.M)

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_ENCODED = re.compile(r"=\?[^?\s]{1,75}\?[BbQq]\?[^?]*\?=")
#: What stands around addresses and may hold anything: quoted names and comments.
_ASIDE = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|$)|\([^()]*\)', re.S)
_BETWEEN = re.compile(r'[\s<>,;:"()\[\]]+')


def header_end(data: bytes, start: int, end: int) -> int:
    """Return where the headers that begin at `start` end: at a blank line, or at the first line that is no header."""
    found = _END.search(data, start, end)
    return found.start() if found else end


def read_headers(data: bytes, start: int, end: int) -> Headers:
    """Return the headers that slactl uses, from the lines between two positions."""
    found: dict[str, list[str]] = {}
    for match in _WANTED.finditer(data, start, end):
        values = found.setdefault(match[1].decode().lower(), [])
        if len(values) < MOST_VALUES:
            first, last = match.span(2)
            # The newest references stand at the end of a value, everything else at its beginning.
            is_long = last - first > LONGEST
            cut = slice(last - LONGEST, last) if is_long and match[1].lower() == b"references" else slice(first, last)
            values.append(_unfolded(data[cut][:LONGEST]))
    return found


def _unfolded(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    return _CONTROLS.sub("", re.sub(r"[\r\n]+", " ", text).replace("\t", " ")).strip(" ")


def first(headers: Headers, name: str) -> str:
    """Return the first value of a header, or an empty text."""
    return next(iter(headers.get(name, ())), "")


def storable(text: str) -> str:
    """Return a text without NUL, and with a replacement character for each lone surrogate.

    Two halves of one character that came in two encoded words become that character.
    """
    if not text.isascii():
        with suppress(UnicodeEncodeError):
            text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        text = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
    return text.replace("\x00", "")


def one_line(text: str, most: int) -> str:
    """Return a text as one line for storage: no control characters, single blanks, at most `most` characters."""
    line = " ".join(_CONTROLS.sub(" ", storable(text)).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def parsed(name: str, value: str) -> BaseHeader | None:
    """Return the header as Python's modern policy reads it, or None if it cannot."""
    try:
        header: BaseHeader = policy.header_factory(name, value)
    except Exception:  # the parser raises whatever its own slips raise: IndexError, ValueError, RecursionError, …
        return None
    return header


def decoded(value: str) -> str:
    """Return a value with its encoded words decoded."""
    if "=?" not in value:
        return value
    header = parsed("subject", value[:LONGEST_WORDS])
    return value if header is None else str(header)


def addresses(value: str) -> tuple[list[tuple[str, str]], bool]:
    """Return names and addresses of a value, and whether every reader finds the same ones.

    Programs disagree about what is malformed, such as `ann@example.com <ben@example.net>`; then the part in brackets
    counts, as people see it.
    """
    header = parsed("to", value) if len(value) <= LONGEST_ADDRESSES else None
    if isinstance(header, AddressHeader) and not header.defects:
        found = [(each.display_name, _plain(each.addr_spec)) for each in header.addresses]
        return [(name, address) for name, address in found if address], True
    bare = _ASIDE.sub(" ", _ENCODED.sub(" ", value))
    pairs = []
    for part in re.split("[,;]", bare)[: MOST_ADDRESSES * 2]:
        _, _, inside = part.rpartition("<")
        mentioned = _mentioned(inside) or _mentioned(part)
        if mentioned and (address := _plain(mentioned[-1])):
            pairs.append((address, address))
    if len(pairs) == 1:
        name = _ENCODED.sub(lambda match: decoded(match[0]), value).rpartition("<")[0].strip(' "')
        pairs = [(name, pairs[0][1])]
    return pairs, len({address.lower() for address in _mentioned(value)}) == 1


def _mentioned(text: str) -> list[str]:
    return [word for word in _BETWEEN.split(text) if "@" in word]


def _plain(address: str) -> str:
    """Return an address with its domain in small letters; an empty text if slactl cannot keep it."""
    kept = storable(address)
    domain = domain_of(kept)
    plain = f"{kept[: kept.rindex('@')]}@{domain}" if domain else ""
    return plain if is_address(plain) else ""


def recipients(headers: Headers, *names: str) -> tuple[str, ...]:
    """Return the addresses in the headers of these names, each once."""
    values = [value for name in names for value in headers.get(name, ())]
    found = dict.fromkeys(address for value in values for _, address in addresses(value)[0])
    return tuple(found)[:MOST_ADDRESSES]


def message_ids(values: Sequence[str]) -> list[str]:
    """Return the ids in some values, without their brackets, in the order of the values.

    Some programs fold a long id, encode it as a word of text, or forget the brackets.
    """
    text = " ".join(decoded(value) for value in values)
    found = re.findall(r"<([^<>]*)>", text) or [word for word in text.split() if "@" in word]
    ids = [storable("".join(each.split())) for each in found]
    return [each for each in ids if 0 < len(each) <= LONGEST_ID and each.isprintable()]


def references(headers: Headers) -> tuple[str, ...]:
    """Return the ids of earlier messages: the one that was answered, then the others from the newest back."""
    newest_first = message_ids(headers.get("references", ()))[::-1]
    return tuple(dict.fromkeys([*message_ids(headers.get("in-reply-to", ())), *newest_first]))[:MOST_IDS]


def received_at(headers: Headers) -> datetime | None:
    """Return the instant in UTC at which our server received the message, by its topmost `Received`."""
    from email.utils import parsedate_to_datetime

    _, semicolon, date = first(headers, "received").rpartition(";")
    try:
        instant = parsedate_to_datetime(date.strip()[:200]) if semicolon else None
        if instant is None:
            return None
        return (instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def automatic(headers: Headers, envelope: str) -> str | None:
    """Return why a program sent the message, or None if a person may have written it.

    Args:
        headers: the headers of the message.
        envelope: the sender in a line `From …` above the headers, as mailboxes and pipes have it.
    """
    for name, title in (("auto-submitted", "Auto-Submitted"), ("precedence", "Precedence")):
        for value in headers.get(name, ()):
            word = re.split(r"[\s;(]", value.strip().lower(), maxsplit=1)[0]
            if (word not in ("", "no")) if name == "auto-submitted" else (word in ("bulk", "junk", "list")):
                return f"{title}: {one_line(value, 100)}"
    for name, title in (("x-slactl", "X-Slactl"), ("x-autoreply", "X-Autoreply"), ("x-autorespond", "X-Autorespond")):
        if name in headers:
            return f"header {title}"
    if re.fullmatch(r"<\s*(mailer-daemon)?\s*>", first(headers, "return-path").lower()) or envelope in NOBODY:
        return "null return path"
    kind = first(headers, "content-type").lower()
    return "report of a mail server or mail program" if kind.startswith("multipart/report") else None
