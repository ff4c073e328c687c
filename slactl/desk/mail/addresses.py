"""Read the recipients of a message: the support address with what stands after its `+`, and other people."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from slactl.text import split_address


class Answered(NamedTuple):
    """The notification that a reply address names, and the token that came with it."""

    notification: int
    token: str


class Recipients(NamedTuple):
    """What the recipients of a message say: tickets, a notification that it answers, and everybody who is not us."""

    tickets: tuple[int, ...] = ()
    answered: Answered | None = None
    others: tuple[str, ...] = ()


_NUMBER = "[1-9][0-9]{0,17}"
_TICKET = re.compile(_NUMBER)
_NOTIFICATION = re.compile(rf"[nN]({_NUMBER})\.([A-Za-z0-9_-]{{1,200}})")


def tag_of(recipient: str, address: str) -> str | None:
    """Return what stands after the `+` of our address, which is empty without one; None for the address of others."""
    (local, domain), (own, our_domain) = split_address(recipient), split_address(address)
    rest = local[len(own) :]
    is_ours = domain.casefold() == our_domain.casefold() and local[: len(own)].casefold() == own.casefold()
    return rest[1:] if is_ours and rest[:1] in ("", "+") else None


def read_recipients(recipients: Iterable[str], address: str) -> Recipients:
    """Return what the recipients of a message say, each once; `address` is the support address."""
    tickets, others = dict[int, None](), dict[str, str]()
    answered: Answered | None = None
    for recipient in recipients:
        tag = tag_of(recipient, address)
        if tag is None:
            others.setdefault(recipient.casefold(), recipient)
        elif _TICKET.fullmatch(tag):
            tickets[int(tag)] = None
        elif named := _NOTIFICATION.fullmatch(tag):
            answered = answered or Answered(int(named[1]), named[2])
    return Recipients(tuple(tickets), answered, tuple(others.values()))


def without_tokens(text: str, address: str) -> str:
    """Return a text whose reply addresses have no tokens: mail programs quote the addresses that somebody wrote to."""
    local, domain = map(re.escape, split_address(address))
    return re.sub(rf"({local}\+n{_NUMBER}\.)[A-Za-z0-9_-]{{1,200}}(?=@{domain})", r"\1…", text, flags=re.IGNORECASE)
