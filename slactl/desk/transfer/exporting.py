"""Export histories: every event with its actor, instants and texts, and the rules that its ticket is pinned to.

A ticket is named by its external id, or by its number where it has none. The export also has the tenants, the number
of each ticket, and each version of the rules with the first event that names it, so that nothing is lost.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from slactl.clock import from_text
from slactl.sla.enums import ActorType, EventType
from slactl.sla.history.event import Event
from slactl.sla.history.file import TENANT, RulesText, rules_record, to_record
from slactl.sla.history.snapshot import LastRow
from slactl.store.read import events as event_reads
from slactl.store.read import messages, rules_versions
from slactl.store.read import tickets as reads
from slactl.store.schema.events import ACTIONS, DEADLINES, NOTED, from_row

if TYPE_CHECKING:
    from slactl.store.database import Transaction

Record = dict[str, Any]

RETRACT = ACTIONS[EventType.RETRACTED]


def export_records(transaction: "Transaction") -> Iterator[Record]:
    """Yield the tenants, then the events of one ticket after the other in the history format, in order of time."""
    for tenant in reads.tenants(transaction):
        facts: Record = {**tenant}
        yield {"type": TENANT, "at": facts.pop("created_at"), "tenant": facts.pop("name"), **facts}
    versions = _Versions(
        {
            row["hash"]: RulesText(
                row["hash"], row["canonical"], from_text(row["first_used_at"]), row["holidays_version"]
            )
            for row in rules_versions.all_versions(transaction)
        }
    )
    for number, external_id, source in reads.names(transaction):
        name = external_id if external_id is not None else free_name(transaction, number)
        records = _records(transaction, number, (source, name), versions)
        instant, same = "", list[Record]()
        for record in records:
            if record["at"] != instant:
                instant, same = record["at"], []
            copies = same.count(record)
            same.append(record)
            yield record | {"copy": copies + 1} if copies else record


@dataclass(slots=True)
class _Versions:
    """The versions of the rules, each of which is exported once."""

    known: dict[str, RulesText]
    exported: set[str] = field(default_factory=set)

    def first_mention(self, event: Event) -> Record:
        """Return the version as a field of the first event that names it; nothing for a later event."""
        name = event.detail.get("rules")
        if name is None or name in self.exported or name not in self.known:
            return {}
        self.exported.add(name)
        return {"rules_version": rules_record(self.known[name])}


def free_name(transaction: "Transaction", number: int) -> str:
    """Return a name for a ticket without an external id that is not the external id of another ticket."""
    name = str(number)
    while reads.has_external_id(transaction, name):
        name = f"#{name}"
    return name


def _records(
    transaction: "Transaction", number: int, named: tuple[str | None, str], versions: _Versions
) -> Iterator[Record]:
    texts, mail = event_reads.texts(transaction, number), messages.mail_of_ticket(transaction, number)
    decisions = reads.decisions(transaction, number)
    fired = {row["event_id"]: row for row in decisions if row["event_id"] is not None}
    events = event_reads.event_rows(transaction, number)
    retracted = {name for row in events if row["action"] == RETRACT for name in json.loads(row["detail"])["events"]}
    rows = [(row["at"], 0, row["id"], 1, row) for row in events] + list(_without_event(decisions))
    for *_, row in sorted(rows, key=lambda each: each[:4]):
        is_decision, key = "fired_at" in row, row["id"]
        written, recorded_at = ({}, None) if is_decision else (texts.get(key, {}), row["recorded_at"])
        if is_decision:
            by = ActorType.SYSTEM if row["source"] == "automatic" else ActorType.USER
            detail, at = _decision_fields(row) | {"warning": False}, from_text(row["fired_at"])
            event: Event | None = Event(at, EventType.ESCALATED, detail, row["actor"], by)
        else:
            event = _event(row | {"actor": written.get("actor", row["actor"])}, fired, retracted)
        if event is None:
            continue
        exported_number = number if event.type is EventType.CREATED else None
        source, name = named
        record = to_record(name, event, written, recorded_at, exported_number, source)
        is_first = event.type is EventType.CREATED
        said = reads.snapshots(transaction, [number]).get(number) if is_first else None
        last_row = {"last_row": {name: said[name] for name in LastRow._fields}} if said is not None else {}
        came_in = {"message_id": mail[key]} if not is_decision and key in mail else {}
        yield record | came_in | versions.first_mention(event) | last_row


def _without_event(decisions: Sequence[Record]) -> Iterator[tuple[str, int, int, int, Record]]:
    """Yield the decisions that have no event, with their places among the events of their instant.

    A level that expired when a person escalated to a higher one stands before the event of that escalation.
    """
    event_id = 0
    for row in reversed(decisions):
        if row["event_id"] is not None:
            event_id = row["event_id"]
        elif row["source"] == "manual":
            yield row["fired_at"], 0, event_id, row["id"] - 2**62, row
        else:
            yield row["fired_at"], 1, row["id"], 0, row


def _event(row: Record, fired: dict[int, Record], named: Collection[str]) -> Event | None:
    """Return an event to export; it has the id that it brought along, or by which a retraction names it."""
    noted = {**NOTED, DEADLINES: EventType.DEADLINES}.get(row["action"])
    event = from_row(row["at"], row["actor"], row["actor_type"], row["action"], row["detail"], row["hash"])
    if event is None:
        if noted is None:
            return None
        detail = json.loads(row["detail"])
        return Event(from_text(row["at"]), noted, detail, row["actor"], ActorType(row["actor_type"]), detail.get("id"))
    detail = dict(event.detail)
    if row["id"] in fired:
        detail |= _decision_fields(fired[row["id"]])
    return replace(event, detail=detail, id=event.id if "id" in detail or event.id in named else None)


def _decision_fields(row: Record) -> Record:
    names = ("reason", "due_at", "from_priority", "to_priority", "from_assignee", "to_assignee")
    key = ("kind", "cycle", "escalation", "level", "arming", "repeat", "outcome") if row["kind"] is not None else ()
    return {name: row[name] for name in (*names, *key) if row[name] is not None}
