"""Read a message (RFC 5322): who wrote it, what it answers, its text, and the names of its attachments."""

import re
from codecs import BOM_UTF8
from dataclasses import dataclass
from datetime import datetime

from slactl.desk.mail.parsing.headers import (
    Headers,
    addresses,
    automatic,
    decoded,
    first,
    header_end,
    message_ids,
    one_line,
    read_headers,
    received_at,
    recipients,
    references,
)
from slactl.desk.mail.parsing.parts import Part, Walk, after_blank_line
from slactl.desk.tickets.input import BODY_LENGTH
from slactl.errors import ExitCode, SlactlError

#: The largest message, in bytes.
LARGEST = 25 << 20

#: The longest subject, and the longest name of a person, in characters.
LONGEST_SUBJECT, LONGEST_NAME = 1000, 200

#: The last line of a text that is longer than slactl keeps.
LEFT_OUT = "[slactl left out the rest of this message: it is too long]"

NO_SUBJECT = "(no subject)"

#: The sender of a message without any address.
UNKNOWN = "unknown@invalid"


class NotAMessage(SlactlError):
    """The input is not a message, or it is too large."""

    code = ExitCode.NOT_A_MESSAGE


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as slactl uses it. Every text can be stored as it is."""

    #: Without its brackets; without any, `sha256:` and the hash of the whole message.
    message_id: str
    #: The address in `From`, with its domain in small letters.
    sender: str
    sender_name: str
    #: The addresses of To, Cc, Delivered-To and X-Original-To, with their domains in small letters.
    recipients: tuple[str, ...]
    #: The ids of earlier messages: In-Reply-To first, then References from the newest back.
    references: tuple[str, ...]
    subject: str
    #: The whole text, with quotations and signatures.
    text: str
    #: The names of the attachments.
    attachments: tuple[str, ...]
    #: When our server received it, by the topmost `Received`, in UTC.
    received: datetime | None
    #: Why it is automatic mail; None if a person wrote it.
    automatic: str | None
    #: The addresses of To and Cc alone: to whom the writer wrote.
    written_to: tuple[str, ...] = ()
    #: Whether every program reads this one address from `From`. Else nobody may act as the sender.
    is_sender_certain: bool = True


def read_mail(data: bytes) -> Mail:
    """Read a message.

    Raises:
        NotAMessage: it has no `From`, or is larger than `LARGEST`.
    """
    if len(data) > LARGEST:
        raise NotAMessage(f"the message has {len(data):,} bytes; at most {LARGEST:,} are allowed")
    whole, data = data, data.removeprefix(BOM_UTF8)
    if b"\n" not in data[:4096] and b"\r" in data[:4096]:  # lines that end in carriage returns only
        data = data.replace(b"\r", b"\n")
    start, envelope = _start(data)
    end = header_end(data, start, len(data))
    headers = read_headers(data, start, end)
    if "from" not in headers:
        raise NotAMessage("this is not a message: it has no From header")
    from hashlib import sha256

    walk = Walk(data)
    text = walk.text_of(Part(headers, after_blank_line(data, end, len(data)), len(data)))
    name, sender, is_certain = _sender(headers)
    own_id = next(iter(message_ids(headers.get("message-id", ()))), None)
    written_to = recipients(headers, "to", "cc")
    return Mail(
        message_id=own_id or f"sha256:{sha256(whole).hexdigest()}",
        sender=sender,
        sender_name=one_line(name, LONGEST_NAME),
        recipients=tuple(dict.fromkeys([*written_to, *recipients(headers, "delivered-to", "x-original-to")])),
        references=references(headers),
        subject=one_line(decoded(first(headers, "subject")), LONGEST_SUBJECT) or NO_SUBJECT,
        text=kept(text, is_cut=walk.is_cut),
        attachments=walk.attachments(),
        received=received_at(headers),
        automatic=automatic(headers, envelope),
        written_to=written_to,
        is_sender_certain=is_certain,
    )


def _start(data: bytes) -> tuple[int, str]:
    """Return where the headers begin, and the sender in the line `From …` that mailboxes and pipes put above them."""
    found = re.compile(rb"\s*+(?:>?From ([^\r\n]{0,500}+)[^\r\n]*+\r?\n)?").match(data)
    line = (found[1] or b"").decode("ascii", "replace") if found else ""
    return found.end() if found else 0, line.partition(" ")[0].lower()


def _sender(headers: Headers) -> tuple[str, str, bool]:
    """Return name and address of the sender, and whether every program reads this one address from `From`."""
    read = [addresses(value) for value in headers["from"]]
    found = [pair for pairs, _ in read for pair in pairs]
    if found:
        is_one = len({address.lower() for _, address in found}) == 1
        return *found[0], is_one and all(is_certain for _, is_certain in read)
    written = decoded(headers["from"][0])
    # A local program writes a name without a domain.
    local = re.fullmatch(r"<?([A-Za-z0-9._+-]{1,200})>?(?:\s*\(.*)?", written.strip())
    others = [f"{local[1]}@localhost"] if local else []
    for name in ("sender", "return-path"):
        others += [address for value in headers.get(name, ()) for _, address in addresses(value)[0]]
    return written.partition("<")[0], next(iter(others), UNKNOWN), False


def kept(text: str, *, is_cut: bool = False) -> str:
    """Return as much of a text as slactl keeps; the last line says if there is more, or if it `is_cut` already."""
    if len(text) <= BODY_LENGTH and not is_cut:
        return text
    return f"{text[: BODY_LENGTH - len(LEFT_OUT) - 2].rstrip()}\n\n{LEFT_OUT}"
