"""Check the table `[mail]`: real addresses, and agents who are not everybody."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slactl.sla.rules.addresses import MAIL_SCHEMES, scheme
from slactl.sla.rules.lines import KeyPath, Problem
from slactl.text import clean, domain_of, is_address, meaning

if TYPE_CHECKING:
    from slactl.sla.rules.rules import Rules


#: The longest support address before its @ with which reply addresses, such as `support+n123456.TOKEN`, stay valid.
LONGEST_LOCAL = 30


def problems(rules: "Rules") -> Iterator[Problem]:
    """Yield what is wrong with the support address and with the addresses of agents."""
    if rules.mail is None:
        return
    if not is_address(rules.mail.address) or set(rules.mail.address) & set('*?<>,;:"'):
        yield ("mail", "address"), f"{clean(rules.mail.address)!r} is not an e-mail address such as support@example.com"
    if not rules.mail.address.isascii():
        what = f"{clean(rules.mail.address)!r} has letters outside of ASCII; write the domain as xn--…"
        yield ("mail", "address"), what
    for number, agent in enumerate(rules.mail.agents):
        if not is_address(agent):
            domain = agent.lstrip("*@.")
            like = meaning([f"*@{domain}"]) if domain and "@" not in domain else ""
            what = f"{clean(agent)!r} is neither an e-mail address nor a pattern such as '*@example.com'{like}"
            yield ("mail", "agents", number), what
        elif not (domain_of(agent) or "").strip("*?."):
            yield ("mail", "agents", number), f"{clean(agent)!r} makes everybody an agent; name a domain"


def lint(rules: "Rules") -> Iterator[tuple[KeyPath, str]]:
    """Yield probable mistakes: nobody is an agent, an address is not what it should be, or replies are only notes."""
    if rules.mail is None:
        return
    if not rules.mail.agents and not any(person.emails for person in rules.people.values()):
        why = "mail.agents and the emails of people are empty, so no message is an answer"
        yield ("mail",), f"nobody is an agent: {why}"
    for name, person in rules.people.items():
        if rules.mail.address.casefold() in map(str.casefold, person.emails):
            what = f"{clean(rules.mail.address)} is mail.address, which is nobody's own address"
            yield ("people", name, "emails"), what
        if not person.emails and any(scheme(each) in MAIL_SCHEMES for each in person.notify if isinstance(each, str)):
            what = f"{clean(name)} gets mail and has no emails, so that replies with commands are only notes"
            yield ("people", name, "notify"), what
    local = rules.mail.address.removesuffix(f"@{domain_of(rules.mail.address)}")
    if len(local) > LONGEST_LOCAL:
        what = f"{clean(local)} is too long for reply addresses; at most {LONGEST_LOCAL} characters stand before the @"
        yield ("mail", "address"), what
