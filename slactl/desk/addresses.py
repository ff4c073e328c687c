"""Where messages for somebody go: the addresses of a role or a person, and their secrets at sending time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from slactl.desk.credentials import Secrets, Unresolved, filled_in, is_exposed, secret
from slactl.desk.sender import reads_otherwise
from slactl.sla import addresses
from slactl.sla.enums import OnUnknown
from slactl.sla.rules import Rules
from slactl.sla.rules_model import Person, Role
from slactl.text import clean, is_address

# What stands before the @ of an address, and what after it; quotation marks and comments are left out, for they can
# make two addresses of one.
_LOCAL_PART = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_DOMAIN = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"

#: Whom the word stands for in `notify`: the customer of the ticket.
REQUESTER = "requester"

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """One address as the rules write it; `receiver` is the customer's, where the mail goes to one."""

    url: str
    receiver: str | None = None

    @property
    def key(self) -> str:
        """What tells it from the recipient's other addresses."""
        return addresses.key(self.url)

    @property
    def label(self) -> str:
        """What it is called where people read it."""
        return addresses.label(self.url)


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody who is told: under which name, where, and how they want it."""

    name: str
    addresses: tuple[Address, ...] = ()
    on_unknown: OnUnknown = OnUnknown.RESEND
    include: tuple[str, ...] = ()
    quiet: str | None = None
    timezone: str | None = None
    allow_http: bool = False


def addressee(rules: Rules, name: str) -> Addressee:
    """Where messages for a role or a person go; a role without addresses is told where its holder is.

    A name the rules do not know has no address.
    """
    entry: Person | None = rules.roles.get(name) or rules.people.get(name)
    if isinstance(entry, Role) and not entry.notify and (holder := rules.people.get(entry.assignee or "")) is not None:
        name, entry = str(entry.assignee), holder
    if entry is None:
        return Addressee(name)
    found = tuple(Address(url) for url in dict.fromkeys(entry.notify))
    return Addressee(
        name, found, entry.on_unknown, entry.include, entry.quiet, entry.timezone, allow_http=entry.allow_http
    )


def customer(rules: Rules, ticket_id: int, email: str | None) -> Addressee:
    """Where the customer of a ticket is told; nowhere unless `settings.customer_mail` says through what."""
    url = rules.settings.customer_mail
    found = () if url is None else (Address(url, email or ""),)
    return Addressee(f"the customer of ticket {ticket_id}", found)


def resolve(address: Address, secrets: Secrets) -> str:
    """The URL with its secrets, for the sender alone; the customer's address is no part of it.

    Raises:
        Unresolved: a variable or file is missing, or mail to the customer's address could go to another one.
    """
    url = filled_in(address.url, secrets)
    if "://" not in url:
        raise Unresolved("it is no URL")
    if address.receiver is None:
        return url
    if addresses.scheme(url) not in addresses.MAIL_SCHEMES:
        raise Unresolved("customers are told by mail only: mailtos://…")
    if not is_address(address.receiver) or not re.fullmatch(f"{_LOCAL_PART}@{_DOMAIN}", address.receiver):
        raise Unresolved("the ticket has no e-mail address that can be written to")
    return url


def listed(rules: Rules) -> Iterator[tuple[Place, str, bool]]:
    """Every address of the rules, its place, and whether it may go without TLS."""
    for kind in ("roles", "people"):
        for name, who in getattr(rules, kind).items():
            yield from (((kind, name, "notify"), url, who.allow_http) for url in who.notify)
    if rules.settings.customer_mail is not None:
        yield ("settings", "customer_mail"), rules.settings.customer_mail, False


def warnings(rules: Rules, secrets: Secrets) -> Iterator[tuple[Place, str]]:
    """The secrets that are missing here, or that everybody on this machine can read."""
    for place, url, _ in listed(rules):
        for match in addresses.PLACEHOLDER.finditer(url):
            try:
                secret(match[1], match[2], secrets)
            except Unresolved as error:
                yield place, f"{error} here"
                continue
            if match[1] == "file" and is_exposed(match[2], secrets):
                yield place, f"the file {clean(match[2])} can be read by everybody: chmod 400"


def problems(rules: Rules, secrets: Secrets) -> Iterator[tuple[Place, str]]:
    """Addresses that nothing can be sent to: unknown to Apprise, or open to whoever listens on the way."""
    found = list(listed(rules))
    if not found:
        return
    import logging

    import apprise

    logging.getLogger("apprise").disabled = True  # what it logs about a URL may have secrets in it
    for place, url, allow_http in found:
        try:
            whole = resolve(Address(url), secrets)
        except Unresolved:
            whole = ""
        if addresses.is_plain_webhook(whole or url) and not allow_http:
            plain = addresses.scheme(whole or url)
            yield place, f"{plain}:// goes over the network in the clear; use {plain}s://, or allow_http = true"
        if whole and (service := apprise.Apprise.instantiate(whole)) is None:
            yield place, f"Apprise does not understand the address {addresses.label(url)}"
        elif whole and reads_otherwise(service, whole):
            yield place, f"Apprise reads another e-mail address than stands in {addresses.label(url)}"
        elif not whole and (scheme := addresses.scheme(url)) and not known_scheme(scheme):
            yield place, f"Apprise does not know {clean(scheme)}://"


def known_scheme(name: str) -> bool:
    """Whether Apprise knows a scheme on this machine."""
    from apprise import NotificationManager

    return name in NotificationManager()  # type: ignore[no-untyped-call]
