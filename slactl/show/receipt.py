"""Receipts: what a command changed in a record, and what follows from it."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.clock import from_text
from slactl.show.records import Record
from slactl.show.times import described, moment, relative_due, words
from slactl.sla.enums import DONE, NotificationState, Target

if TYPE_CHECKING:
    from slactl.records.runs import Notification, Silence
    from slactl.records.tickets import FieldChange, Tenant, Ticket

#: The fields of a ticket that change with the clock or with any other field, so that `changes` leaves them out.
DERIVED = ("updated_at", "overdue_seconds")

#: The most characters of a text in a line; `--json` has all of it.
TEXT = 60

#: The fields that a line names in this order, and the words for them.
FIELDS = {
    "subject": "subject",
    "requester_email": "requester",
    "external_id": "external id",
    "tenant": "tenant",
    "plan": "plan",
    "policy": "policy",
    "status": "status",
    "priority": "priority",
    "assignee": "assignee",
}


class Receipt(NamedTuple):
    """Hold what a command did to one record: the line for people, and the data for programs.

    `key` is the id or the name that a pipe gets; `record` is the record afterwards, `more` what JSON has beside it.
    """

    key: str
    line: str
    record: Record
    changes: "Sequence[FieldChange]"
    more: Record = MappingProxyType({})

    def as_record(self, *, dry_run: bool) -> dict[str, Any]:
        """Return the whole record with what changed, for programs."""
        return {**self.record, "changes": self.changes, **self.more, "dry_run": dry_run}


class Told(NamedTuple):
    """Hold what a receipt says beside the fields of a ticket.

    `did` is said first, such as "note added"; `also` last. `dated` writes deadlines with their date and zone.
    """

    did: str = ""
    also: Sequence[str] = ()
    dated: bool = False


_NOTHING = Told()


def changes(before: Record | None, after: Record, without: Collection[str] = ()) -> "list[FieldChange]":
    """Return each field that has another value than before; a new record had no value in any field."""
    was = before or dict.fromkeys(after)
    return [
        {"field": name, "from": was.get(name), "to": value}
        for name, value in after.items()
        if name not in without and was.get(name) != value
    ]


def ticket_receipt(before: "Ticket | None", after: "Ticket", now: datetime, told: Told = _NOTHING) -> Receipt:
    """Return the receipt of a ticket from its records before and after a command; None is a new ticket."""
    parts = [told.did] if told.did else []
    if before is None:
        parts += _opened(after, now)
    else:
        parts += _changed(before, after, now, dated=told.dated)
    if not (parts := [*parts, *told.also]):
        # What holds on: an acknowledgement may come twice in a second.
        until = after["acked_until"]
        holds = [f"acknowledged until {described(until)}, {relative_due(until, now)}"] if until else []
        parts = ["no field changed", *holds]
    return Receipt(str(after["id"]), f"#{after['id']} {' · '.join(parts)}", after, changes(before, after, DERIVED))


def tenant_receipt(before: "Tenant | None", after: "Tenant") -> Receipt:
    """Return the receipt of a tenant; None is a new one."""
    was, has = dict[str, Any](before or dict.fromkeys(after)), dict[str, Any](after)
    named = {"plan": "plan", "timezone": "time zone", "country": "country", "subdivision": "subdivision"}
    named |= {"domains": "mail domains"}
    for record in (was, has):
        record["domains"] = ", ".join(record["domains"] or ()) or None
    steps = [(word, was[field], has[field]) for field, word in named.items() if was[field] != has[field]]
    if before is None:
        parts = ["added", *(f"{word} {_cut(value, 'none')}" for word, _, value in steps)]
    else:
        parts = [f"{word} {_cut(old, 'none')} → {_cut(new, 'none')}" for word, old, new in steps]
        parts = [*parts, "for tickets that are opened from now on"] if parts else ["no field changed"]
    return Receipt(after["name"], f"{after['name']} {' · '.join(parts)}", after, changes(before, after))


def silence_receipt(before: "Silence | None", after: "Silence", now: datetime) -> Receipt:
    """Return the receipt of a silence, which is new (None) or ended before its time."""
    if before is None:
        about = {"tenant": after["tenant"], "ticket": after["ticket_id"], "escalation": after["escalation"]}
        which = " and ".join(f"{word} {_cut(value, '')}" for word, value in about.items() if value is not None)
        begins = f"from {described(after['starts_at'])} " if from_text(after["starts_at"]) > now else ""
        until = f"until {described(after['ends_at'])}, {relative_due(after['ends_at'], now)}"
        said = f"holds messages about {which} {begins}{until}"
    else:
        said = f"ended; it would have ended {described(before['ends_at'])}"
    return Receipt(str(after["id"]), f"silence {after['id']} {said}", after, changes(before, after))


def message_receipt(before: "Notification", after: "Notification") -> Receipt:
    """Return the receipt of a message in the outbox that is sent again or dropped."""
    follows = "the next check sends it" if after["state"] == NotificationState.WAITING else "slactl does not send it"
    step = f"{before['state']} → {after['state']}" if before["state"] != after["state"] else after["state"]
    line = f"message {after['id']} to {after['recipient']}: {step}, {follows}"
    return Receipt(str(after["id"]), line, after, changes(before, after))


def undo_line(change: int) -> str:
    """Return the last line of a receipt: the command that takes the whole command back."""
    return f"undo: slactl undo {change}"


def _opened(ticket: "Ticket", now: datetime) -> Iterator[str]:
    yield "opened"
    yield f"policy {ticket['policy']}" if ticket["policy"] else "no policy matches"
    if ticket["assignee"]:
        yield f"assignee {ticket['assignee']}"
    deadlines = [part for target in Target if (part := _target(None, ticket, target, now, dated=False))]
    yield from deadlines or ["no deadlines"]


def _changed(before: "Ticket", after: "Ticket", now: datetime, *, dated: bool) -> Iterator[str]:
    was, has = dict[str, Any](before), dict[str, Any](after)
    for name, word in FIELDS.items():
        if was[name] != has[name]:
            none = "nobody" if name == "assignee" else "none"
            yield f"{word} {_cut(was[name], none, name)} → {_cut(has[name], none, name)}"
    added = [f"+{tag}" for tag in after["tags"] if tag not in before["tags"]]
    removed = [f"-{tag}" for tag in before["tags"] if tag not in after["tags"]]
    if added or removed:
        yield f"tags {' '.join((*added, *removed))}"
    for target in Target:
        if part := _target(before, after, target, now, dated=dated):
            yield part
    if (until := after["pending_until"]) and before["pending_until"] != until:
        yield f"opens again {described(until)}, {relative_due(until, now)}"
    elif before["pending_until"] and not until and before["status"] == after["status"]:
        yield "does not open by itself any more"
    if before["acked_until"] != (until := after["acked_until"]):
        resumes = "acknowledgement released, escalation resumes"
        yield f"acknowledged until {described(until)}, {relative_due(until, now)}" if until else resumes


def _target(before: "Ticket | None", after: "Ticket", target: Target, now: datetime, *, dated: bool) -> str:
    """Return what became of a target, in words; empty text if nothing."""
    state_was, due_was = _state(before, target)
    state, due = _state(after, target)
    if (state_was, due_was) == (state, due):
        return ""
    name = words(target.value)
    if state in ("none", "unknown", "met", "late"):
        return f"{name} {_ended(after, target, state)}"
    if state == "paused":
        return f"{name} paused" if state_was in ("none", "running", "breached") else f"{name} runs again, paused"
    assert due is not None
    say = described(due) if dated else moment(due, now)
    left = relative_due(due, now)
    if state_was == "paused":
        return f"{name} resumes, due {say}, {left}"
    if state_was in ("met", "late") and before is not None:
        return f"{name} runs again, due {say}, {left}"
    arrow = f"{described(due_was) if dated else moment(due_was, now)} → " if due_was is not None else ""
    return f"{name} due {arrow}{say}, {left}"


def _state(ticket: "Ticket | None", target: Target) -> tuple[str, str | None]:
    """Return the state of a target and its open deadline; `late` is a target that was done late."""
    if ticket is None:
        return "none", None
    fields = dict[str, Any](ticket)
    state, due = fields[f"{target.value}_state"], fields[f"{target.value}_due_at"]
    if state not in ("running", "paused", "breached"):
        return state, None
    is_answered = target is Target.FIRST_RESPONSE and ticket["first_responded_at"] is not None
    if due is None and state == "running":
        return "none", None
    if state == "breached" and (due is None or is_answered or ticket["status"] in DONE):
        return "late", None
    return state, due


def _ended(ticket: "Ticket", target: Target, state: str) -> str:
    if state in ("none", "unknown"):
        return "has no deadline" if state == "none" else "is not known"
    if state == "met":
        return "met"
    fields = dict[str, Any](ticket)
    done = fields["resolved_at"] if target is Target.RESOLUTION else fields["first_responded_at"]
    due = fields[f"{target.value}_due_at"]
    if target in (Target.RESOLUTION, Target.FIRST_RESPONSE) and done and due and done > due:
        return f"done {relative_due(due, from_text(done))}"
    return "done late"


def _cut(value: object, none: str, field: str = "") -> str:
    """Return a value as a line shows it."""
    if value is None or value == "":
        return none
    text = words(str(value)) if field == "status" else str(value)
    shown = text if len(text) <= TEXT else f"{text[: TEXT - 1]}…"
    return f'"{shown}"' if field == "subject" else shown
