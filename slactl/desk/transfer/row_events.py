"""Make the events of one ticket from its rows in the export of another help desk."""

from collections.abc import Iterator, Mapping
from typing import Any

from slactl.desk.transfer.maps import Map
from slactl.sla.enums import DONE


def events_of(rows: list[tuple[int, Mapping[str, Any]]], mapping: Map) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the event records of one ticket from its rows, which are in order of time.

    With many rows a ticket: created at `created_at` with the first row's values, then an event for each value
    that changed. With one: created, and what its dates tell.
    """
    number, first = rows[0]
    yield number, _created(first, mapping)
    if mapping.kind == "tickets":
        for row_number, row in rows:
            yield from ((row_number, event) for event in _events_from_dates(row))
        return
    before = first
    for row_number, row in rows[1:]:
        for field, kind in _CHANGES.items():
            is_emptied = row.get(field) is None and field not in ("assignee", "tenant")
            if field in mapping.columns and row.get(field) != before.get(field) and not is_emptied:
                changed = {"ticket": row["ticket"], "at": max(row["at"], first["created_at"]), "type": kind}
                yield row_number, changed | {field: row.get(field)} | _actor(row)
        before = {**row, **{f: before[f] for f in ("status", "priority", "plan") if f in before and f not in row}}


#: Which changes of a row are events, and of which type.
_CHANGES = {
    "priority": "priority",
    "plan": "plan",
    "tenant": "tenant",
    "assignee": "assigned",
    "tags": "tags",
    "status": "status",
}


def _created(row: Mapping[str, Any], mapping: Map) -> dict[str, Any]:
    names = ("plan", "tenant", "priority", "status", "assignee", "tags", "subject", "requester_email", "body")
    created = {"ticket": row["ticket"], "at": row["created_at"], "type": "created"}
    created |= {name: row[name] for name in names if name in row}
    if mapping.kind == "tickets" and created.get("status") in DONE:
        created["status"] = "open"
    return created | _actor(row)


def _events_from_dates(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the events after the opening that follow from the dates of one row."""
    ticket, opened = row["ticket"], row["created_at"]
    if "first_responded_at" in row:
        yield {"ticket": ticket, "at": max(row["first_responded_at"], opened), "type": "agent_reply"}
    ended = row.get("status") if row.get("status") in DONE else None
    resolved_at = row.get("resolved_at")
    if resolved_at is not None:
        yield {"ticket": ticket, "at": max(resolved_at, opened), "type": "status", "status": "resolved"}
    if row.get("closed_at") is not None or (ended == "closed" and resolved_at is None):
        at = row.get("closed_at") or row.get("at") or opened
        yield {"ticket": ticket, "at": max(at, resolved_at or opened, opened), "type": "status", "status": "closed"}
    elif ended == "resolved" and resolved_at is None:
        yield {"ticket": ticket, "at": max(row.get("at") or opened, opened), "type": "status", "status": "resolved"}


def _actor(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"actor": row["actor"]} if "actor" in row else {}
