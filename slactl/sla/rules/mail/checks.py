"""Check the table `[mail]`: real addresses, and agents who are not everybody."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slactl.sla.rules.lines import KeyPath, Problem
from slactl.text import clean, domain_of, is_address, meaning

if TYPE_CHECKING:
    from slactl.sla.rules.rules import Rules


def problems(rules: "Rules") -> Iterator[Problem]:
    """Yield what is wrong with the support address and with the addresses of agents."""
    if rules.mail is None:
        return
    if not is_address(rules.mail.address) or set(rules.mail.address) & set('*?<>,;:"'):
        yield ("mail", "address"), f"{clean(rules.mail.address)!r} is not an e-mail address such as support@example.com"
    for number, agent in enumerate(rules.mail.agents):
        if not is_address(agent):
            domain = agent.lstrip("*@.")
            like = meaning([f"*@{domain}"]) if domain and "@" not in domain else ""
            what = f"{clean(agent)!r} is neither an e-mail address nor a pattern such as '*@example.com'{like}"
            yield ("mail", "agents", number), what
        elif not (domain_of(agent) or "").strip("*?."):
            yield ("mail", "agents", number), f"{clean(agent)!r} makes everybody an agent; name a domain"


def lint(rules: "Rules") -> Iterator[tuple[KeyPath, str]]:
    """Yield probable mistakes: nobody is an agent, or the support address itself belongs to a person."""
    if rules.mail is None:
        return
    if not rules.mail.agents and not any(person.emails for person in rules.people.values()):
        why = "mail.agents and the emails of people are empty, so no message is an answer"
        yield ("mail",), f"nobody is an agent: {why}"
    for name, person in rules.people.items():
        if rules.mail.address.casefold() in map(str.casefold, person.emails):
            what = f"{clean(rules.mail.address)} is mail.address, which is nobody's own address"
            yield ("people", name, "emails"), what
