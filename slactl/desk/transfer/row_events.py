"""Make the events of a ticket from its rows in the export of another help desk; nothing is invented.

A row of a map with `kind = "tickets"` says what the ticket looks like now. Its events are the creation, with the values
at that time, the changes and messages that the row lists, and the end.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slactl.desk.transfer.foreign.tables import CHANGING
from slactl.desk.transfer.lines import Problem
from slactl.desk.transfer.maps import Map
from slactl.sla.enums import DONE, EventType, Status, Target
from slactl.sla.history.readers import LineError

#: A row as a record of our columns.
Row = Mapping[str, Any]

#: The event of each column of ours that changes.
CHANGE_EVENTS = {
    "priority": EventType.PRIORITY,
    "plan": EventType.PLAN,
    "tenant": EventType.TENANT,
    "assignee": EventType.ASSIGNED,
    "tags": EventType.TAGS,
    "status": EventType.STATUS,
}

#: The columns that may become empty: nobody is responsible, the ticket belongs to no tenant, or it has no tags.
_EMPTIED = ("assignee", "tenant")

#: What ends a target, for messages.
_ENDS = {Target.FIRST_RESPONSE: "an agent answered", Target.RESOLUTION: "a ticket was resolved"}

#: The column of each deadline that the source sets itself.
DEADLINES = {
    "first_response_due_at": Target.FIRST_RESPONSE,
    "next_response_due_at": Target.NEXT_RESPONSE,
    "resolution_due_at": Target.RESOLUTION,
}


def events_of(rows: Sequence[tuple[int, Row]], mapping: Map) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the event records of a new ticket from its rows, which are in order of time.

    With many rows a ticket: created at `created_at` with the first row's values, then an event for each value
    that changed. With one: what `row_events` returns.
    """
    number, first = rows[0]
    if mapping.kind == "tickets":
        yield from ((number, event) for event in row_events(first, mapping))
        return
    # A log may begin after the end: the ticket was not done when it was opened, but by its first row.
    begins_late = first.get("status") in DONE and first["at"] > first["created_at"]
    unknown = {"unknown": targets} if (targets := unknown_targets(first, mapping)) else {}
    yield number, _created(first, _without_end(first) if begins_late else first) | unknown
    if begins_late:
        yield number, _event(first, first["at"], "status", status=first["status"])
    before = first
    for row_number, row in rows[1:]:
        for field, kind in CHANGE_EVENTS.items():
            is_emptied = row.get(field) is None and field not in _EMPTIED
            if field in mapping.columns and row.get(field) != before.get(field) and not is_emptied:
                at = max(row["at"], first["created_at"])
                yield row_number, _event(row, at, kind.value, **{field: row.get(field)})
        kept = ("status", "priority", "plan")
        before = {**row, **{name: before.get(name) for name in kept if row.get(name) is None}}


def row_events(row: Row, mapping: Map) -> list[dict[str, Any]]:
    """Return the event records of a ticket that one row tells, in order of time."""
    changes = list(changes_of(row))
    initial = _without_end(row) | _initial(row)
    created = _created(row, initial)
    if unknown := unknown_targets(row, mapping):
        created["unknown"] = unknown
    deadlines = list(deadlines_of(row))
    # A deadline follows the message that it answers, but goes before an end at the instant of the creation.
    early = [each for each in deadlines if each["at"] == row["created_at"]]
    late = [each for each in deadlines if each["at"] != row["created_at"]]
    events = [*early, *messages_of(row), *late, *changes, *_corrected(row, initial, changes)]
    return [created, *sorted(events, key=lambda event: str(event["at"]))]


def unknown_targets(row: Row, mapping: Map) -> list[str]:
    """Return the targets whose end the source cannot tell for the ticket of a row."""
    if mapping.answers == "here":
        return []
    unknown = list[str]()
    messages = row.get("messages")
    if "first_responded_at" not in row:
        is_told = messages is not None and all(each["is_agent"] is not None for each in messages)
        answers = (Target.FIRST_RESPONSE, Target.NEXT_RESPONSE, Target.UPDATE)
        unknown += [] if is_told else [target.value for target in answers]
    if not any(name in row for name in ("status", "resolved_at", "closed_at", "changes")):
        unknown.append(Target.RESOLUTION.value)
    return unknown


def ends_of(row: Row) -> list[tuple[str, str, bool]]:
    """Return when a ticket was resolved and closed, as its row says: instant, status, and whether it is unknown.

    The status wins over the dates. A ticket that is done without a date was done by the last instant of its row.
    """
    status, resolved, closed = row.get("status"), row.get("resolved_at"), row.get("closed_at")
    if status is not None and status not in DONE:
        return []
    if status is None:
        ends = [(resolved, Status.RESOLVED.value, False)] if resolved is not None else []
        return ends + ([(max(closed, resolved or closed), Status.CLOSED.value, False)] if closed is not None else [])
    if resolved is None and closed is None:
        return [(last_instant(row), status, True)]
    if status == Status.RESOLVED or resolved is None or closed is None or closed <= resolved:
        return [(str(resolved or closed), str(status), False)]
    return [(resolved, Status.RESOLVED.value, False), (closed, status, False)]


def last_instant(row: Row) -> str:
    """Return the last instant that a row knows, as text."""
    named = (row.get(name) for name in ("created_at", "at", "first_responded_at"))
    listed = (each["at"] for name in ("messages", "changes") for each in row.get(name, ()))
    return max(str(instant) for instant in (*named, *listed) if instant is not None)


def messages_of(row: Row) -> Iterator[dict[str, Any]]:
    """Yield the events of the answers and messages in a row; a message from before the creation is left out."""
    answers = list[str]()
    for each in row.get("messages", ()):
        if each["at"] < row["created_at"]:
            continue
        is_note = not each["is_public"] or each["is_agent"] is None
        kind = EventType.NOTE if is_note else EventType.AGENT_REPLY if each["is_agent"] else EventType.CUSTOMER_REPLY
        answers += [each["at"]] if kind is EventType.AGENT_REPLY else []
        texts = {name: each[key] for name, key in (("body", "body"), ("actor", "author")) if each[key] is not None}
        yield {"ticket": row["ticket"], "at": each["at"], "type": kind.value, **texts}
    first = row.get("first_responded_at")
    if first is not None and not any(at <= first for at in answers):
        yield {"ticket": row["ticket"], "at": first, "type": EventType.AGENT_REPLY.value}


def deadlines_of(row: Row) -> Iterator[dict[str, Any]]:
    """Yield an event for each deadline that the source set; a next response waits since the customer's message."""
    for column, target in DEADLINES.items():
        if row.get(column) is None:
            continue
        at = row["created_at"]
        if target is Target.NEXT_RESPONSE:
            for event in sorted(messages_of(row), key=lambda event: str(event["at"])):
                is_waiting = at != row["created_at"]
                if event["type"] == EventType.CUSTOMER_REPLY and not is_waiting:
                    at = event["at"]
                elif event["type"] == EventType.AGENT_REPLY:
                    at = row["created_at"]
        yield _event(row, at, EventType.DUE_SET.value, target=target.value, due_at=row[column])


def _event(row: Row, at: str, kind: str, **fields: object) -> dict[str, Any]:
    actor = {"actor": row["actor"]} if row.get("actor") is not None else {}
    return {"ticket": row["ticket"], "at": at, "type": kind, **fields, **actor}


def _created(row: Row, values: Row) -> dict[str, Any]:
    names = ("plan", "tenant", "priority", "status", "assignee", "tags", "subject", "requester_email", "body")
    return _event(row, row["created_at"], "created", **{name: values[name] for name in names if values.get(name)})


def _without_end(row: Row) -> dict[str, Any]:
    """Return the values of a row at the creation of the ticket, which was open then if it is done now."""
    return {**row, "status": Status.OPEN.value} if row.get("status") in DONE else dict(row)


def _initial(row: Row) -> dict[str, Any]:
    """Return the values at the creation that the changes in a row tell."""
    initial = dict[str, Any]()
    for change in row.get("changes", ()):
        field = change["field"]
        if change["at"] < row["created_at"]:
            initial[field] = change["to"]
        elif field not in initial:
            initial[field] = change.get("from", Status.OPEN.value if field == "status" else row.get(field))
    return initial | ({"status": Status.OPEN.value} if initial.get("status") in (*DONE, None) else {})


def changes_of(row: Row) -> Iterator[dict[str, Any]]:
    """Yield an event for each change in a row that alters a value."""
    values = _without_end(row) | _initial(row)
    for change in row.get("changes", ()):
        field, to = change["field"], change["to"]
        is_lost = to is None and field not in _EMPTIED
        if change["at"] < row["created_at"] or to == values.get(field) or is_lost:
            continue
        values[field] = to
        actor = {"actor": change["author"]} if change.get("author") is not None else {}
        kind = CHANGE_EVENTS[field].value
        yield {"ticket": row["ticket"], "at": change["at"], "type": kind, field: to} | actor


def _corrected(row: Row, initial: Row, changes: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield the events that lead from the values after the last listed change to the values of the row."""
    values = dict(initial)
    for change in changes:
        field = next(name for name in CHANGING if name in change)
        values[field] = change[field]
    status = row.get("status")
    if "status" not in row or status not in (values.get("status"), None) or status is None:
        if values.get("status") in DONE and status is not None:
            yield _event(row, last_instant(row), "status", status=status)
        else:
            yield from _end_events(row, values)
    for field in CHANGING:
        if field == "status" or field not in row or row[field] == values.get(field):
            continue
        if row[field] is not None or field in _EMPTIED:
            yield _event(row, last_instant(row), CHANGE_EVENTS[field].value, **{str(field): row[field]})


def _end_events(row: Row, values: Row) -> Iterator[dict[str, Any]]:
    status = row.get("status")
    if status is not None and status not in DONE:
        # The list of changes does not lead to this status.
        yield _event(row, last_instant(row), "status", status=status)
    elif values.get("status") not in DONE:
        for at, end, unknown in ends_of(row):
            yield _event(row, at, "status", status=end, **({"unknown_instant": True} if unknown else {}))


def check_row(row: Row, mapping: Map, latest: str | None) -> None:
    """Refuse a row whose instants contradict each other or lie after `latest`.

    Raises:
        LineError: that is so.
    """
    created = row["created_at"]
    used = {"first_responded_at": row.get("first_responded_at")}
    if row.get("status") is None or row["status"] in DONE:
        used |= {name: row.get(name) for name in ("resolved_at", "closed_at")}
    for name, instant in used.items():
        if mapping.kind == "tickets" and instant is not None and instant < created:
            raise LineError(name, f"{instant} is before the ticket was created, at {created}")
    if latest is None:
        return
    for name, instant in {"created_at": created, "at": row.get("at"), **used}.items():
        if instant is not None and instant > latest:
            raise LineError(name, f"{instant} lies in the future")
    for name in ("messages", "changes"):
        for each in row.get(name, ()):
            if each["at"] > latest:
                raise LineError(name, f"{each['at']} lies in the future")


def warnings(row: Row, mapping: Map) -> Iterator[Problem]:
    """Yield a warning for each thing that the row of a ticket does not tell, or tells twice."""
    if mapping.kind == "tickets":
        yield from _doubts(row, mapping)
    if unknown := unknown_targets(row, mapping):
        when = " or ".join(what for target, what in _ENDS.items() if target in unknown)
        names = ", ".join(each.replace("_", " ") for each in unknown)
        yield Problem(0, "", f"the source does not tell when {when}; these targets are unknown: {names}")


def _doubts(row: Row, mapping: Map) -> Iterator[Problem]:
    """Yield a warning for each date and message of a snapshot that slactl does not use, and for an end without date."""
    status = row.get("status")
    for name in ("resolved_at", "closed_at"):
        if row.get(name) is not None and status is not None and status not in DONE:
            yield Problem(0, name, f"the ticket is {status}, so slactl does not use this date")
    if any(each["at"] < row["created_at"] for each in row.get("messages", ())):
        yield Problem(0, "messages", "a message is from before the ticket was created; slactl leaves it out")
    has_date = row.get("resolved_at") is not None or row.get("closed_at") is not None
    if status in DONE and not has_date and any(event.get("unknown_instant") for event in row_events(row, mapping)):
        yield Problem(0, "status", f"{status} without a date: nobody knows since when, so its open targets are unknown")
