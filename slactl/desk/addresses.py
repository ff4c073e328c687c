"""Where messages for somebody go: the addresses of a role or a person, and their secrets at sending time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slactl.desk.credentials import NotYours, Refused, Secrets, Unresolved, filled_in, secret
from slactl.desk.sender import ON_THIS_MACHINE, is_unencrypted, reads_otherwise, scheme_of, server_of
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
    return Addressee(f"the customer of ticket {ticket_id}", found, allow_http=rules.settings.allow_http)


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
        yield ("settings", "customer_mail"), rules.settings.customer_mail, rules.settings.allow_http


def warnings(rules: Rules, secrets: Secrets) -> Iterator[tuple[Place, str]]:
    """Yield the secrets that are missing here, and those that are not read as they are; their place and why."""
    for place, kind, name in named_secrets(rules):
        found = trouble(kind, name, secrets)
        if found is not None and found[1] is not None:
            yield place, f"{found[0]}: {found[1]}"
        elif found is not None:
            yield place, f"{found[0]} here"


def named_secrets(rules: Rules) -> Iterator[tuple[Place, str, str]]:
    """Yield each secret that the rules name: where, its kind, and the name of its variable or file."""
    urls = [(place, url) for place, url, _ in listed(rules)]
    if rules.settings.heartbeat is not None:
        urls.append((("settings", "heartbeat"), rules.settings.heartbeat))
    for place, url in urls:
        yield from ((place, match[1], match[2]) for match in addresses.PLACEHOLDER.finditer(url))


def trouble(kind: str, name: str, secrets: Secrets) -> tuple[str, str | None] | None:
    """Return why a secret cannot be used, and the fix where there is one; None where it can, or others use it."""
    if secrets.doubts:
        return None
    try:
        secret(kind, name, secrets)
    except NotYours:
        return None
    except Refused as error:
        return str(error), error.fix
    except Unresolved as error:
        return str(error), None
    return None


def problems(rules: Rules, secrets: Secrets) -> Iterator[tuple[Place, str]]:
    """Addresses that nothing can be sent to: unknown to Apprise, or open to whoever listens on the way."""
    for place, url, allow_http in listed(rules):
        service, whole = _service(url, secrets)
        if not allow_http and (plain := _without_tls(service, whole or url)) is not None:
            yield place, plain
        if whole and service is None:
            yield place, f"Apprise does not understand the address {addresses.label(url)}"
        elif whole and reads_otherwise(service, whole):
            yield place, f"Apprise reads another e-mail address than stands in {addresses.label(url)}"
        elif service is None and (scheme := addresses.scheme(url)) and not known_scheme(scheme):
            yield place, f"Apprise does not know {clean(scheme)}://"


def unsafe(rules: Rules, secrets: Secrets) -> Iterator[tuple[Place, str]]:
    """Addresses that are allowed and that somebody on the way can read all the same."""
    for place, url, allow_http in listed(rules):
        service, whole = _service(url, secrets)
        kind = scheme_of(service, whole or url) if service is not None else ""
        if service is None or kind in ON_THIS_MACHINE or addresses.is_loopback(server_of(service)):
            continue
        name = addresses.label(url)
        if not service.verify_certificate:
            yield place, f"verify=no in {name}: anybody on the way can pose as the server and read the messages"
        if allow_http and hasattr(service, "secure_mode") and is_unencrypted(service, kind, ""):
            yield place, f"{name} has no TLS: anybody on the way can read the messages and the password"


def _service(url: str, secrets: Secrets) -> tuple[Any, str]:
    """Return what Apprise makes of an address, or None, and the URL with its secrets.

    The URL is empty where a secret is missing; Apprise then gets a letter in its place, and may make nothing of it.
    """
    import logging

    import apprise

    logging.getLogger("apprise").disabled = True  # what it logs about a URL may have secrets in it
    try:
        whole = resolve(Address(url), secrets)
    except Unresolved:
        whole = ""
    return apprise.Apprise.instantiate(whole or addresses.PLACEHOLDER.sub("x", url)), whole


def _without_tls(service: Any, url: str) -> str | None:  # noqa: ANN401
    """Say why an address needs `allow_http`, and what to write instead; None where it has TLS."""
    if service is not None:
        plugin, kind, host = service, scheme_of(service, url), server_of(service)
    else:
        kind, host = addresses.scheme(url), addresses.host(url)
        plugin = _plugin(kind)
    if plugin is None or not is_unencrypted(plugin, kind, host):
        return None
    secure = plugin.secure_protocol or ()
    names = [secure] if isinstance(secure, str) else list(secure)
    instead = f"use {names[0]}:// without mode=insecure, or " if hasattr(service, "secure_mode") else ""
    if not instead and names and kind not in names:
        instead = f"use {names[0]}://, or "
    return f"{kind}:// goes over the network in the clear; {instead}allow_http = true"


def known_scheme(name: str) -> bool:
    """Whether Apprise knows a scheme on this machine."""
    return _plugin(name) is not None


def _plugin(scheme: str) -> Any:  # noqa: ANN401
    """Return the class of Apprise for a scheme, or None."""
    from apprise import NotificationManager

    manager = NotificationManager()  # type: ignore[no-untyped-call]
    if scheme not in manager:
        return None
    return manager[scheme]
