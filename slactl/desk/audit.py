"""The audit of a desk: whether the log is the one that was written, and the tickets are what it makes of them.

1. Chain: the hash of each event follows from the event and the hash before it; a head that was kept elsewhere, and
   the head at the end of each run, are in it.
2. Texts: what persons wrote fits the hashes in the log; what is gone was erased, and the log says so.
3. Escalations: each that fired is in the history of its ticket, as its event says, and the other way round.
4. Tickets: the columns of each ticket and its timers follow from its history under the rules it is pinned to.

All of it sees one state of the database, reads row by row, and writes nothing.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from slactl.config import Config
from slactl.desk.cache import Law, differences, shown
from slactl.desk.entries import CUSTOMER
from slactl.errors import SlactlError, UsageError
from slactl.sla.history import ActorType
from slactl.store import audit, reads
from slactl.store.chain import BEGINNING, missing_triggers, seal
from slactl.store.words import Outcome
from slactl.text import is_utf8

#: How many findings are kept; the rest is counted.
KEPT = 100

#: After how many rows the progress is told.
STEP = 5_000

#: Told of a phase: its name, how many rows of it are done, and about how many there are.
Progress = Callable[[str, int, int], None]


class Kind(StrEnum):
    """What a finding is about."""

    EVENT = "event"
    HEAD = "head"
    RUN = "run"
    LOG = "log"
    TEXT = "text"
    ESCALATION = "escalation"
    TICKET = "ticket"


class Finding(NamedTuple):
    """Something that is not as it was written."""

    kind: Kind
    event_id: int | None
    ticket_id: int | None
    message: str


@dataclass(slots=True)
class Audited:
    """What an audit looked at and found; `findings` has the first of them, `found` is how many there are."""

    audit_head: str | None = None
    events: int = 0
    texts: int = 0
    erased: int = 0
    tickets: int = 0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)

    def note(self, kind: Kind, message: str, *, event: int | None = None, ticket: int | None = None) -> None:
        """Keep a finding, or count it where there are too many."""
        self.found += 1
        if len(self.findings) < KEPT:
            self.findings.append(Finding(kind, event, ticket, message))

    def record(self) -> dict[str, Any]:
        """The audit as `audit verify --json` prints it."""
        names = ("audit_head", "events", "texts", "erased", "tickets", "found")
        findings = [each._asdict() for each in self.findings]
        return {"ok": not self.found} | {name: getattr(self, name) for name in names} | {"findings": findings}


def verify(config: Config, now: datetime, head: str | None = None, progress: Progress = lambda *_: None) -> Audited:
    """Audit the database; with `head`, the last hash that somebody kept, also that nothing before it is gone.

    Raises:
        UsageError: the head is no hash.
        DatabaseError: the database cannot be read.
    """
    wanted = _checked(head)
    found = Audited()
    with reads.reading(config.database) as connection:
        _chain(connection, wanted, found, progress)
        audit.take_any_text(connection)
        _texts(connection, found, progress)
        _escalations(connection, found)
        _tickets(connection, now, found, progress)
    return found


def _checked(head: str | None) -> str | None:
    if head is None:
        return None
    text = head.strip().lower()
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise UsageError("--head needs a whole hash of 64 hexadecimal digits", "slactl runs show RUN")
    return text


def _chain(connection: sqlite3.Connection, wanted: str | None, found: Audited, progress: Progress) -> None:
    total, before = audit.length(connection, "event"), BEGINNING
    missing = wanted is not None
    for *event, kept in audit.readable_links(connection):
        if not _fits(connection, before, event, kept):
            found.note(Kind.EVENT, _broken(event), event=event[0], ticket=event[1])
        before = kept if isinstance(kept, str) else ""
        missing = missing and kept != wanted
        found.events += 1
        if not found.events % STEP:
            progress("chain", found.events, total)
    progress("chain", found.events, found.events)
    found.audit_head = before if found.events else None
    if missing:
        found.note(Kind.HEAD, f"the head {wanted} is not in the log: its tail was cut off, or all of it written anew")
    for run, lost in audit.lost_heads(connection):
        found.note(Kind.RUN, f"run {run} ended with the head {lost}, which is not in the log any more")
    for name in missing_triggers(connection):
        found.note(Kind.LOG, f"the trigger {name}, which keeps the log append-only, is gone or was changed")


def _fits(connection: sqlite3.Connection, before: str, event: list[Any], kept: object) -> bool:
    try:
        fits = seal(before, event) == kept
    except TypeError:  # bytes, where there was text
        return False
    # Once something was met that is no UTF-8, what cannot be written fits nothing, whatever its hash.
    return fits and (connection.text_factory is str or all(is_utf8(str(each)) for each in event))


def _broken(event: list[Any]) -> str:
    number, ticket, at, _, actor, _, action, _ = event
    what = f" ({at} {action} of ticket {ticket} by {actor})" if at is not None else ""
    return (
        f"event {number}{what} does not follow from the one before it:"
        " it was changed or inserted, or something before it was removed or moved"
    )


def _texts(connection: sqlite3.Connection, found: Audited, progress: Progress) -> None:
    total, counted = audit.length(connection, "event"), 0
    for counted, written in enumerate(audit.words(connection), 1):
        try:
            _one_event(connection, written, found)
        except (ValueError, TypeError, AttributeError):
            found.note(Kind.TEXT, f"the detail of event {written.event_id} cannot be read", event=written.event_id)
        if not counted % STEP:
            progress("texts", written.event_id, total)
    progress("texts", total, total)


def _one_event(connection: sqlite3.Connection, written: audit.Words, found: Audited) -> None:
    where = {"event": written.event_id, "ticket": written.ticket_id}
    hashes = written.hashes
    for name, (salt, text) in written.kept.items():
        found.texts += 1
        if name not in hashes:
            found.note(Kind.TEXT, f"event {written.event_id} has a {name} that the log does not know", **where)
        elif audit.text_hash(salt, text) != hashes[name]:
            found.note(Kind.TEXT, f"the {name} of event {written.event_id} was changed", **where)
    gone = [name for name in hashes if name not in written.kept and name not in written.imported_erased]
    found.erased += len(hashes) - len(written.kept.keys() & hashes.keys())
    if gone:
        named = audit.erased(connection, written.ticket_id)
        for name in gone:
            if (written.event_id, name) not in named:
                why = f"the {name} of event {written.event_id} is gone, and no erasure is on the record for it"
                found.note(Kind.TEXT, why, **where)


def _unlike_event(told: audit.Told) -> Iterator[tuple[str, Any, Any]]:
    """Where the row of an escalation is not what its event says: column, stored, by the event.

    The number of the cycle is left out: what comes to light later moves it, and not what the log has.

    Raises:
        ValueError, TypeError, AttributeError: the event has no detail of its kind.
    """
    row, event = told.row, told.event or {}
    facts = json.loads(event["detail"])
    by_log = event["actor"]
    if by_log == CUSTOMER and "actor_hash" in facts:
        # Who that customer was may have been erased; then nothing holds the name to the log.
        by_log = told.by if told.by is not None else row["actor"]
    expected = {
        **_place(facts, by_system=event["actor_type"] == ActorType.SYSTEM),
        "reason": facts.get("reason") or "escalated",
        "outcome": Outcome.FIRED.value,
        "fired_at": event["at"],
        "actor": by_log,
    }
    for name, value in expected.items():
        if row[name] != value:
            yield name, row[name], value


def _place(facts: dict[str, Any], *, by_system: bool) -> dict[str, Any]:
    """Of which level an escalation is by its event; nothing where a level fell due in a log that did not say all."""
    names = ("kind", "escalation", "level")
    if all(facts.get(name) for name in names):
        source = "automatic" if by_system else "manual"
        numbers = {name: facts.get(name) or 0 for name in ("arming", "repeat")}
        return {"source": source} | {name: facts[name] for name in names} | numbers
    return {} if by_system else {"source": "manual"} | dict.fromkeys(names) | {"arming": 0, "repeat": 0}


def _escalations(connection: sqlite3.Connection, found: Audited) -> None:
    for told in audit.told_escalations(connection):
        event, ticket = told.row["event_id"], told.row["ticket_id"]
        name = f"escalation {told.row['id']} of ticket {ticket}"
        if told.event is None:
            message = f"{name} fired, but its history does not have it"
            found.note(Kind.ESCALATION, message, event=event, ticket=ticket)
            continue
        try:
            differing = list(_unlike_event(told))
        except (ValueError, TypeError, AttributeError):
            found.note(Kind.ESCALATION, f"the event {event} of {name} cannot be read", event=event, ticket=ticket)
            continue
        for column, stored, expected in differing:
            message = f"{column} of {name} is {shown(stored)}, by event {event} {shown(expected)}"
            found.note(Kind.ESCALATION, message, event=event, ticket=ticket)
    for event, number in audit.doubled_escalations(connection):
        found.note(Kind.ESCALATION, f"escalation {number} is not the only one of event {event}", event=event)
    for event, ticket in audit.unrecorded_escalations(connection):
        message = f"event {event} is an escalation of ticket {ticket} whose record is gone"
        found.note(Kind.ESCALATION, message, event=event, ticket=ticket)


def _tickets(connection: sqlite3.Connection, now: datetime, found: Audited, progress: Progress) -> None:
    from slactl.desk.pinned_rules import PinnedRules

    rules, total, last = PinnedRules(connection), audit.length(connection, "ticket"), 0
    law = Law(rules.version, rules.holidays, now)
    versions = {number: rules_hash for number, (rules_hash, _) in audit.rules_versions(connection).items()}
    while numbers := audit.numbers(connection, last, audit.BATCH):
        for kept in audit.stored(connection, numbers):
            found.tickets += 1
            try:
                for difference in differences(kept, law, versions):
                    found.note(Kind.TICKET, str(difference), ticket=kept.number)
            except (SlactlError, ValueError, KeyError, TypeError, AttributeError) as error:
                message = f"ticket {kept.number} cannot be judged by its history: {error}"
                found.note(Kind.TICKET, message, ticket=kept.number)
        last = numbers[-1]
        progress("tickets", last, total)
