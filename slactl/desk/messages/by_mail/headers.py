"""Make the headers of mail that goes out, and the address that a reply to it goes to."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slactl.desk.messages.digest import by_urgency
from slactl.desk.messages.recipients import Recipient
from slactl.sla.rules.addresses import MAIL_SCHEMES, scheme
from slactl.sla.rules.model import REQUESTER
from slactl.sla.rules.rules import Rules
from slactl.store.write.outbox import reply_key
from slactl.text import domain_of

if TYPE_CHECKING:
    from slactl.store.database import Transaction

#: The header by which slactl knows its own mail, whatever a mail server does to the other headers.
OWN_HEADER = "X-Slactl"

#: How much of the keyed hash a token has, in bytes: nobody can guess so much by sending mail.
TOKEN_BYTES = 15

#: The longest part of a mail address before the @, in characters.
LOCAL_PART = 64

Row = Mapping[str, Any]


def mail_headers(rules: Rules, url: str, message_id: str, reply_to: str | None) -> dict[str, str]:
    """Return the headers of a message besides those of its text; none for other addresses, or rules without `[mail]`.

    A retry has the same Message-ID, so that a mail program shows one message.
    """
    if rules.mail is None or scheme(url) not in MAIL_SCHEMES:
        return {}
    own = {OWN_HEADER: "notification", "Auto-Submitted": "auto-generated"}
    own |= {"Message-ID": f"<slactl.{message_id}@{domain_of(rules.mail.address)}>"}
    return own | ({"Reply-To": reply_to} if reply_to is not None else {})


def reply_address(transaction: "Transaction", rules: Rules, recipient: Recipient, rows: Sequence[Row]) -> str | None:
    """Return the address that a reply to a message goes to; None without `[mail]`, or where no ticket would get it.

    That of a person has a token and the number of the message about the most urgent ticket. The reply of a customer is
    a message to the ticket. Mail to a role has no such address, because several people may read it.
    """
    about = by_urgency([row for row in rows if not row["goal"]])
    if rules.mail is None or not about:
        return None
    if rows[0]["recipient"] == REQUESTER:
        return tagged(rules.mail.address, str(max(rows, key=lambda row: int(row["id"]))["ticket_id"]))
    if not recipient.is_person:
        return None
    number = about[0]["id"]
    token = token_of(reply_key(transaction), number, recipient.name, is_single=len(about) == 1)
    return tagged(rules.mail.address, f"n{number}.{token}")


def tagged(address: str, tag: str) -> str | None:
    """Return a mail address with a tag: `support+12@example.com`; None if it would be too long."""
    domain = domain_of(address) or ""
    local = address[: -len(domain) - 1]
    return f"{local}+{tag}@{domain}" if len(local) + 1 + len(tag) <= LOCAL_PART else None


def token_of(key: bytes, notification: int, person: str, *, is_single: bool) -> str:
    """Return the token of the message that a notification went out in, for a person; `is_single` if about one ticket.

    It has small letters and digits, and mail servers may change their case.
    """
    import hmac
    from base64 import b32encode

    said = f"{notification} {'one' if is_single else 'several'} {person}"
    return b32encode(hmac.digest(key, said.encode(), "sha256")[:TOKEN_BYTES]).decode().lower()
