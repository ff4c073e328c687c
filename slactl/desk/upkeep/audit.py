"""Audit a database: find changes of the log, and tickets that do not follow from it.

1. Chain: the hash of each event follows from the event and the hash before it. The chain contains the last hash of each
   run, and the last hash that a person stored elsewhere.
2. Texts: each text that a person wrote matches its hash in the log. For each missing text the log has an erasure.
3. Escalations: each escalation that fired has a matching event in the history of its ticket, and the reverse.
4. Tickets: the columns of each ticket and its timers follow from its history under the rules it is pinned to. A check
   will examine each timer in time.
5. Sums: those that summaries read follow from the tickets and their outcomes.
6. Structure and rules: the database has no trigger, view or index that slactl did not make. The versions of the rules
   match their seals in the log.

The audit reads row by row in one read transaction and writes nothing.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk, rules_fingerprint
from slactl.desk.ledger.entry import CUSTOMER
from slactl.desk.upkeep.audit_log import AuditReport, Kind, Progress, audit_log
from slactl.desk.upkeep.expected import AuditContext, differences, shown
from slactl.errors import RulesError, SlactlError, UsageError
from slactl.sla.enums import ActorType, LevelOutcome
from slactl.sla.rules.loading import load
from slactl.sla.rules.rules import Rules
from slactl.store.read import audit, rules_versions, runs
from slactl.store.read.rows import BATCH
from slactl.store.schema.sums import wrong_rows
from slactl.text import counted

if TYPE_CHECKING:
    from slactl.store.database import Transaction


def verify(desk: Desk, now: datetime, head: str | None = None, progress: Progress = lambda *_: None) -> AuditReport:
    """Audit the database; `head`, a last hash that was kept elsewhere, must be in the log.

    Raises:
        UsageError: the head is not a hash.
        DatabaseError: the database cannot be read.
    """
    expected_hash = head.strip().lower() if head is not None else None
    if expected_hash is not None and re.fullmatch("[0-9a-f]{64}", expected_hash) is None:
        raise UsageError("--head needs a whole hash of 64 hexadecimal digits", "slactl runs list --fields audit_head")
    report = AuditReport()
    with desk.database.read() as transaction:
        audit_log(transaction, expected_hash, report, progress)
        _escalations(transaction, report)
        _tickets(transaction, now, report, progress, _current_rules(desk, transaction, report))
        # The sums that summaries read follow from the tickets: if one is wrong, so are they.
        follows = all(finding.kind is not Kind.TICKET for finding in report.findings)
        for table, count in wrong_rows(transaction).items() if follows else ():
            what = f"{counted(count, 'row')} of {table} cannot be right by the tickets and their outcomes"
            report.note(Kind.SUMS, what)
        _rules(transaction, now, report)
    return report


def _escalations(transaction: "Transaction", report: AuditReport) -> None:
    for escalation in audit.escalation_pairs(transaction):
        event, ticket = escalation.row["event_id"], escalation.row["ticket_id"]
        name = f"escalation {escalation.row['id']} of ticket {ticket}"
        if escalation.event is None:
            message = f"{name} fired, but the history has no event for it"
            report.note(Kind.ESCALATION, message, event=event, ticket=ticket)
            continue
        try:
            differing = list(_differences_from_event(escalation))
        except (ValueError, TypeError, AttributeError):
            report.note(Kind.ESCALATION, f"the event {event} of {name} cannot be read", event=event, ticket=ticket)
            continue
        for column, stored, expected in differing:
            message = f"{column} of {name} is {shown(stored)}, but {shown(expected)} in event {event}"
            report.note(Kind.ESCALATION, message, event=event, ticket=ticket)
    for event, number in audit.doubled_escalations(transaction):
        report.note(Kind.ESCALATION, f"escalation {number} is not the only escalation of event {event}", event=event)
    for event, ticket in audit.unrecorded_escalations(transaction):
        message = f"event {event} escalated ticket {ticket}, but its escalation is missing"
        report.note(Kind.ESCALATION, message, event=event, ticket=ticket)


def _differences_from_event(escalation: audit.EscalationPair) -> Iterator[tuple[str, Any, Any]]:
    """Yield where the row of an escalation differs from its event: column, value in the row, value by the event.

    The number of the cycle is left out: an event that is recorded later can move it in the row, but not in the log.

    Raises:
        ValueError, TypeError, AttributeError: the event has no detail of its kind.
    """
    row, event = escalation.row, escalation.event or {}
    facts = json.loads(event["detail"])
    by_log = event["actor"]
    if by_log == CUSTOMER and "actor_hash" in facts:
        # If the name of that customer was erased, the log cannot prove the name in the row.
        by_log = escalation.by if escalation.by is not None else row["actor"]
    expected = {
        **level_of(facts, by_system=event["actor_type"] == ActorType.SYSTEM),
        "reason": facts.get("reason") or "escalated",
        "outcome": LevelOutcome.FIRED.value,
        "fired_at": event["at"],
        "actor": by_log,
    }
    for name, value in expected.items():
        if row[name] != value:
            yield name, row[name], value


def level_of(facts: dict[str, Any], *, by_system: bool) -> dict[str, Any]:
    """Return the level that an event names; nothing where an older version of slactl did not record it."""
    names = ("kind", "escalation", "level")
    if all(facts.get(name) for name in names):
        source = "automatic" if by_system else "manual"
        numbers = {name: facts.get(name) or 0 for name in ("arming", "repeat")}
        return {"source": source} | {name: facts[name] for name in names} | numbers
    return {} if by_system else {"source": "manual"} | dict.fromkeys(names) | {"arming": 0, "repeat": 0}


def _tickets(
    transaction: "Transaction", now: datetime, report: AuditReport, progress: Progress, current_rules: Rules | None
) -> None:
    from slactl.desk.ledger.rules_versions import RulesVersions

    rules, total, last = RulesVersions(transaction), audit.length(transaction, "ticket"), 0
    context = AuditContext(rules.version, rules.holidays, now, current_rules)
    versions = {number: rules_hash for number, (rules_hash, _) in rules_versions.versions(transaction).items()}
    while numbers := audit.numbers(transaction, last, BATCH):
        for kept in audit.stored(transaction, numbers):
            report.tickets += 1
            try:
                for difference in differences(kept, context, versions):
                    report.note(Kind.TICKET, str(difference), ticket=kept.number)
            except (SlactlError, ValueError, KeyError, TypeError, AttributeError) as error:
                message = f"the history of ticket {kept.number} cannot be evaluated: {error}"
                report.note(Kind.TICKET, message, ticket=kept.number)
        last = numbers[-1]
        progress("tickets", last, total)


def _rules(transaction: "Transaction", now: datetime, report: AuditReport) -> None:
    """Audit the versions of the rules: their texts, the seals in the log, and when they were first used.

    A level does not fire for an instant before its rules were in use, so a changed `first_used_at` silences levels.
    Events that open a ticket, move it to other rules or record a breach seal every version that was known then.
    """
    for number, (rules_hash, text) in rules_versions.versions(transaction).items():
        if not isinstance(text, str) or sha256(text.encode(errors="replace")).hexdigest() != rules_hash:
            report.note(Kind.RULES, f"the text of rules version {number} does not match its hash")
    known = rules_versions.known_seals(transaction)
    for event, ticket, seal in rules_versions.used_seals(transaction):
        last, _, sealed = str(seal).partition(" ")
        if not last.isdecimal() or known.get(int(last)) != sealed:
            message = f"rules version {last[:20]} or an earlier version does not match its hash in event {event}"
            report.note(Kind.RULES, message, event=event, ticket=ticket)
            break
    for version, since in rules_versions.later_than_used(transaction, to_text(now)):
        report.note(Kind.RULES, f"rules version {version} was used before {since}, the recorded time of its first use")


def _current_rules(desk: Desk, transaction: "Transaction", report: AuditReport) -> Rules | None:
    """Return the rules of the file if the last check calculated every next instant with them, otherwise None."""
    known = runs.levels_made_with(transaction)
    try:
        rules = load(desk.rules, {rules_hash for rules_hash, _ in rules_versions.versions(transaction).values()})
    except RulesError:
        return None
    if known is not None and known.hash == rules.hash:
        return rules
    if known is not None and known.fingerprint == rules_fingerprint(desk.rules):
        message = "the next check would assume that the rules file has not changed since the last run, but it has"
        report.note(Kind.RULES, message)
    return None
