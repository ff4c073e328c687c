"""Find the recipients of messages: the addresses of a role or a person, with their secrets only when sending."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slactl.desk.messages.by_mail.smtp import reads_otherwise
from slactl.desk.messages.sender import is_unencrypted, scheme_of, server_of
from slactl.desk.programs.secrets import NotYours, Refused, Secrets, Unresolved, filled_in, proxy, secret
from slactl.sla.enums import OnUnknown
from slactl.sla.rules import addresses
from slactl.sla.rules.model import Person, Settings
from slactl.sla.rules.rules import Rules
from slactl.sla.rules.values import CommandAddress
from slactl.text import clean, is_address

# The parts of an address before and after the @. Quotation marks and comments are refused, because they can turn one
# address into two.
_LOCAL_PART = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_DOMAIN = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"

#: The path of a value in the rules: `("roles", "lead", "notify")`.
KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """One address as the rules write it: a URL, or a command that runs once for each ticket.

    `receiver` is the customer's mail address in a message to a customer.
    """

    url: str = ""
    receiver: str | None = None
    command: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return a key that tells the address from the recipient's other addresses."""
        return addresses.command_key(self.command) if self.command else addresses.key(self.url)

    @property
    def label(self) -> str:
        """Return the name of the address for people, without secrets."""
        return addresses.command_label(self.command) if self.command else addresses.label(self.url)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person, role or customer who gets messages: the name, the addresses and the settings of `rules.toml`."""

    name: str
    addresses: tuple[Address, ...] = ()
    on_unknown: OnUnknown = OnUnknown.RESEND
    include: tuple[str, ...] = ()
    timezone: str | None = None
    allow_http: bool = False
    #: Whether the addresses are those of a person, and not of a role that several people may read.
    is_person: bool = False


def recipient_of(rules: Rules, name: str) -> Recipient:
    """Return the recipient with the name of a role or a person, or the assignee of a role without addresses.

    A name that is not in the rules has no address.
    """
    reached = rules.reached(name)
    entry = rules.people.get(reached) if reached != name else rules.roles.get(name) or rules.people.get(name)
    if entry is None:
        return Recipient(reached)
    notify = tuple(
        Address(each) if isinstance(each, str) else Address(command=each.command)
        for each in dict.fromkeys(entry.notify)
    )
    is_person = entry is rules.people.get(reached)
    return Recipient(reached, notify, entry.on_unknown, entry.include, entry.timezone, entry.allow_http, is_person)


def quiet_of(rules: Rules, name: str) -> list[Person]:
    """Return whose quiet times hold the messages to a role or a person: also those of the assignee of a role.

    The assignee's count if the role has no addresses of its own.
    """
    reached = rules.reached(name)
    own = rules.roles.get(name) or rules.people.get(name)
    return [entry for entry in (own, rules.people.get(reached) if reached != name else None) if entry is not None]


def customer(rules: Rules, ticket_id: int, email: str | None) -> Recipient:
    """Return the customer of a ticket as recipient; without `settings.customer_mail` it has no address."""
    url = rules.settings.customer_mail
    mail = () if url is None else (Address(url, email or ""),)
    return Recipient(f"the customer of ticket {ticket_id}", mail, allow_http=rules.settings.allow_http)


def resolve(address: Address, secrets: Secrets) -> str:
    """Return the URL with its secrets, for the sender alone; the customer's address is not part of it.

    Raises:
        Unresolved: a variable or file is missing, or mail to the customer's address could go to another one.
    """
    url = filled_in(address.url, secrets)
    if "://" not in url:
        raise Unresolved("it is not a URL")
    if address.receiver is None:
        return url
    if addresses.scheme(url) not in addresses.MAIL_SCHEMES:
        raise Unresolved("customers get mail only: mailtos://…")
    if not is_address(address.receiver) or not re.fullmatch(f"{_LOCAL_PART}@{_DOMAIN}", address.receiver):
        raise Unresolved("the ticket has no valid e-mail address")
    return url


def route(address: Address, secrets: Secrets, settings: Settings) -> tuple[str, str]:
    """Return the URL of an address and the proxy on the way to it, both with their secrets, for the sender alone.

    Raises:
        Unresolved, Refused: as `resolve` and `proxy`.
    """
    url = resolve(address, secrets)
    return url, proxy(url, settings.proxy, secrets, allow_http=settings.allow_http)


def listed(rules: Rules) -> Iterator[tuple[KeyPath, str, bool]]:
    """Yield every URL of the rules: where it stands, the URL, and whether it may do without TLS."""
    for path, address, allow_http in _notified(rules):
        if isinstance(address, str):
            yield path, address, allow_http
    if rules.settings.customer_mail is not None:
        yield ("settings", "customer_mail"), rules.settings.customer_mail, rules.settings.allow_http


def commands(rules: Rules) -> Iterator[tuple[KeyPath, tuple[str, ...]]]:
    """Yield every command of the rules, of addresses and of sources, and where it stands."""
    for path, address, _ in _notified(rules):
        if not isinstance(address, str):
            yield path, address.command
    for number, source in enumerate(rules.sources):
        yield ("source", number, "command"), source.command


def _notified(rules: Rules) -> Iterator[tuple[KeyPath, str | CommandAddress, bool]]:
    for kind in ("roles", "people"):
        for name, who in getattr(rules, kind).items():
            yield from (((kind, name, "notify"), address, who.allow_http) for address in who.notify)


def warnings(rules: Rules, secrets: Secrets) -> Iterator[tuple[KeyPath, str]]:
    """Yield the secrets that are missing on this machine or that slactl refuses to read: where they stand, and why."""
    for path, kind, name in named_secrets(rules):
        problem = trouble(kind, name, secrets)
        if problem is not None:
            why, fix = problem
            yield path, f"{why}: {fix}" if fix is not None else f"{why} here"


def named_secrets(rules: Rules) -> Iterator[tuple[KeyPath, str, str]]:
    """Yield each secret that the rules name: where it stands, its kind, and the name of its variable or file."""
    urls = [(path, url) for path, url, _ in listed(rules)]
    settings = {"heartbeat": rules.settings.heartbeat, "proxy": rules.settings.proxy}
    urls += [(("settings", name), url) for name, url in settings.items() if url is not None]
    urls += [(path, word) for path, command in commands(rules) for word in command]
    for path, url in urls:
        yield from ((path, match[1], match[2]) for match in addresses.PLACEHOLDER.finditer(url))


def trouble(kind: str, name: str, secrets: Secrets) -> tuple[str, str | None] | None:
    """Return why a secret cannot be used, and the fix or None; return None if it can, or if another user reads it."""
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


def problems(rules: Rules, secrets: Secrets) -> Iterator[tuple[KeyPath, str]]:
    """Yield the addresses that are not sent to, and why: Apprise does not know them, or they need TLS."""
    for path, url, allow_http in listed(rules):
        service, whole = _service(url, secrets)
        if not allow_http and (plain := _without_tls(service, whole or url)) is not None:
            yield path, plain
        if whole and service is None:
            yield path, f"Apprise does not understand the address {addresses.label(url)}"
        elif whole and reads_otherwise(service, whole):
            yield path, f"Apprise reads a different e-mail address from the one in {addresses.label(url)}"
        elif service is None and (scheme := addresses.scheme(url)) and not addresses.known_scheme(scheme):
            yield path, f"Apprise does not know {clean(scheme)}://"


def unsafe(rules: Rules, secrets: Secrets) -> Iterator[tuple[KeyPath, str]]:
    """Yield the addresses that are allowed although others can read their messages on the network, and why."""
    for path, url, allow_http in listed(rules):
        service, whole = _service(url, secrets)
        kind = scheme_of(service, whole or url) if service is not None else ""
        if service is None or kind in addresses.ON_THIS_MACHINE or addresses.is_loopback(server_of(service)):
            continue
        name = addresses.label(url)
        if not service.verify_certificate:
            yield path, f"verify=no in {name}: anybody on the network path can pose as the server and read the messages"
        if allow_http and hasattr(service, "secure_mode") and is_unencrypted(service, kind, ""):
            yield path, f"{name} has no TLS: anybody on the network path can read the messages and the password"


def _service(url: str, secrets: Secrets) -> tuple[Any, str]:
    """Return Apprise's service for an address, or None, and the URL with its secrets.

    Where a secret is missing, the URL is empty, and Apprise gets a letter in place of the secret.
    """
    import logging

    import apprise

    logging.getLogger("apprise").disabled = True  # its log may contain secrets of a URL
    try:
        whole = resolve(Address(url), secrets)
    except Unresolved:
        whole = ""
    return apprise.Apprise.instantiate(whole or addresses.PLACEHOLDER.sub("x", url)), whole


def _without_tls(service: Any, url: str) -> str | None:  # noqa: ANN401
    """Return why an address needs `allow_http`, and what to write instead; None if it has TLS."""
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
    return f"{kind}:// sends messages over the network without TLS; {instead}allow_http = true"


def _plugin(scheme: str) -> Any:  # noqa: ANN401
    """Return the class of Apprise for a scheme, or None."""
    from apprise import NotificationManager

    manager = NotificationManager()  # type: ignore[no-untyped-call]
    if scheme not in manager:
        return None
    return manager[scheme]
