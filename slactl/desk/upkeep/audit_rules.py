"""The audit of what decides which levels fire: the versions of the rules, and what the next check believes of the file.

A level that fell due before any rules had it does not fire, so whoever moves `first_used_at` mutes a ladder. The events
that open tickets, move them to other rules or notice a breach seal every version that was known then.
"""

from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.last_rules import rules_fingerprint
from slactl.desk.upkeep.audit_log import Audited, Kind
from slactl.errors import RulesError
from slactl.sla.rules.loading import load
from slactl.sla.rules.rules import Rules
from slactl.store.read import audit, rules_versions, runs

if TYPE_CHECKING:
    from slactl.store.database import Transaction


def look_at_rules(connection: "Transaction", now: datetime, found: Audited) -> None:
    """Examine the versions of the rules: their texts, the seals in the log, and when they were first used."""
    for number, (rules_hash, text) in audit.rules_versions(connection).items():
        if not isinstance(text, str) or sha256(text.encode(errors="replace")).hexdigest() != rules_hash:
            found.note(Kind.RULES, f"the text of rules version {number} is not the one that its hash was made of")
    known = rules_versions.known_seals(connection)
    for event, ticket, seal in audit.rules_seals(connection):
        last, _, sealed = str(seal).partition(" ")
        if not last.isdecimal() or known.get(int(last)) != sealed:
            message = f"rules version {last[:20]} or one before it is not as event {event} sealed it"
            found.note(Kind.RULES, message, event=event, ticket=ticket)
            break
    for version, since in rules_versions.later_than_used(connection, to_text(now)):
        found.note(Kind.RULES, f"rules version {version} was used before {since}, when it is said to be first used")


def current_ladders(desk: Desk, connection: "Transaction", found: Audited) -> Rules | None:
    """Return the rules of the file where every next instant is said to be computed with them; None elsewhere."""
    facts = runs.facts(connection)
    ladders = facts.get(runs.LADDERS)
    try:
        rules = load(desk.rules, {rules_hash for rules_hash, _ in audit.rules_versions(connection).values()})
    except RulesError:
        return None
    if ladders == rules.hash:
        return rules
    if ladders is not None and facts.get(runs.FINGERPRINT) == rules_fingerprint(desk.rules):
        found.note(
            Kind.RULES, "the next check would take the rules of the file for those of the last run, and they are not"
        )
    return None
