"""Audit the event log alone: find events and texts that were changed since they were written."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from slactl.store.read import audit
from slactl.store.schema.chain import BEGINNING, TRIGGERS, seal
from slactl.store.sqlite.structure import Oddity, odd_parts
from slactl.text import is_utf8

if TYPE_CHECKING:
    from slactl.records.upkeep import Audit
    from slactl.records.upkeep import Finding as FindingRecord
    from slactl.store.database import Transaction

#: How many findings are kept; the others are only counted.
KEPT = 100

#: After how many rows progress is reported.
STEP = 5_000

#: Takes the name of a phase, how many rows of it are done, and about how many there are.
Progress = Callable[[str, int, int], None]


class Kind(StrEnum):
    """The subject of a finding."""

    EVENT = "event"
    HEAD = "head"
    RUN = "run"
    LOG = "log"
    STRUCTURE = "structure"
    RULES = "rules"
    TEXT = "text"
    ESCALATION = "escalation"
    TICKET = "ticket"
    SUMS = "sums"


class Finding(NamedTuple):
    """A part of the database that was changed since slactl wrote it."""

    kind: Kind
    event_id: int | None
    ticket_id: int | None
    message: str


@dataclass(slots=True)
class AuditReport:
    """The result of an audit; `findings` has the first findings, `found` is how many there are."""

    audit_head: str | None = None
    events: int = 0
    texts: int = 0
    erased: int = 0
    tickets: int = 0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)

    def note(self, kind: Kind, message: str, *, event: int | None = None, ticket: int | None = None) -> None:
        """Keep a finding, or only count it if there are too many."""
        self.found += 1
        if len(self.findings) < KEPT:
            self.findings.append(Finding(kind, event, ticket, message))

    def record(self) -> "Audit":
        """Return the audit as `audit verify --json` prints it."""
        return {
            "ok": not self.found,
            "audit_head": self.audit_head,
            "events": self.events,
            "texts": self.texts,
            "erased": self.erased,
            "tickets": self.tickets,
            "found": self.found,
            "findings": [cast("FindingRecord", finding._asdict()) for finding in self.findings],
        }


def audit_log(transaction: "Transaction", expected_hash: str | None, report: AuditReport, progress: Progress) -> None:
    """Audit the chain of the log, and the texts that belong to it."""
    _chain(transaction, expected_hash, report, progress)
    audit.take_any_text(transaction)
    total = audit.length(transaction, "event")
    for counted, written in enumerate(audit.words(transaction), 1):
        try:
            _audit_texts_of(transaction, written, report)
        except (ValueError, TypeError, AttributeError):
            report.note(Kind.TEXT, f"the detail of event {written.event_id} cannot be read", event=written.event_id)
        if not counted % STEP:
            progress("texts", written.event_id, total)
    progress("texts", total, total)


def _chain(transaction: "Transaction", expected_hash: str | None, report: AuditReport, progress: Progress) -> None:
    total, before = audit.length(transaction, "event"), BEGINNING
    missing = expected_hash is not None
    for number, array, kept in audit.readable_links(transaction):
        # For nearly every row the array that SQLite makes is enough. Otherwise compare the row column by column.
        if array is None or sha256((before + array).encode()).hexdigest() != kept:
            event = audit.sealed_columns(transaction, number)
            if not _has_hash(transaction, before, event, kept):
                position, ticket, at, _, actor, _, action, _ = event
                what = f" ({at} {action} of ticket {ticket} by {actor})" if at is not None else ""
                report.note(
                    Kind.EVENT,
                    f"event {position}{what} does not follow from the event before it:"
                    " it was changed or inserted, or an event before it was removed or moved",
                    event=number,
                    ticket=event[1],
                )
        before = kept if isinstance(kept, str) else ""
        missing = missing and kept != expected_hash
        report.events += 1
        if not report.events % STEP:
            progress("chain", report.events, total)
    progress("chain", report.events, report.events)
    report.audit_head = before if report.events else None
    if missing:
        why = "the end of the log was cut off, or the log was written again"
        report.note(Kind.HEAD, f"the hash {expected_hash} is not in the log: {why}")
    for run, lost in audit.lost_heads(transaction):
        report.note(Kind.RUN, f"run {run} ended with the last hash {lost}, which is no longer in the log")
    for odd in odd_parts(transaction):
        if odd.name in TRIGGERS and odd.oddity is not Oddity.FOREIGN:
            report.note(Kind.LOG, f"the trigger {odd.name}, which keeps the log append-only, is missing or was changed")
        else:
            report.note(Kind.STRUCTURE, str(odd))


def _has_hash(transaction: "Transaction", before: str, event: list[Any], kept: object) -> bool:
    try:
        fits = seal(before, event) == kept
    except TypeError:  # bytes instead of text
        return False
    # From the first text on that is not UTF-8, an event that cannot be written as UTF-8 fits no hash.
    return fits and (not audit.reads_any_text(transaction) or all(is_utf8(str(each)) for each in event))


def _audit_texts_of(transaction: "Transaction", written: audit.Words, report: AuditReport) -> None:
    where = {"event": written.event_id, "ticket": written.ticket_id}
    hashes = written.hashes
    for name, (salt, text) in written.kept.items():
        report.texts += 1
        if name not in hashes:
            report.note(Kind.TEXT, f"event {written.event_id} has a {name} whose hash is not in the log", **where)
        elif audit.text_hash(salt, text) != hashes[name]:
            report.note(Kind.TEXT, f"the {name} of event {written.event_id} was changed", **where)
    gone = [name for name in hashes if name not in written.kept and name not in written.imported_erased]
    report.erased += len(hashes) - len(written.kept.keys() & hashes.keys())
    if gone:
        named = audit.erased(transaction, written.ticket_id)
        for name in gone:
            if (written.event_id, name) not in named:
                why = f"the {name} of event {written.event_id} is missing, and the log records no erasure of this text"
                report.note(Kind.TEXT, why, **where)
