"""Make the events of a ticket from its rows in the export of another help desk; nothing is invented.

A row of a map with `kind = "tickets"` says what the ticket looks like now. Its events are the creation, with the values
at that time, the changes and messages that the row lists, and the end.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slactl.desk.transfer.foreign.tables import CHANGING
from slactl.desk.transfer.maps import Map
from slactl.sla.enums import DONE, EventType, Status, Target

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

#: The columns that say when a ticket was done. The status and these are one fact.
ENDS = ("resolved_at", "closed_at")

#: How the ids begin of the events that a date or the status of a row tells.
TOLD = "row "

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
    first = _with_status(first)
    # A log may begin after the end: the ticket was not done when it was opened, but by its first row.
    begins_late = first.get("status") in DONE and first["at"] > first["created_at"]
    unknown = {"unknown": targets} if (targets := unknown_targets(first, mapping)) else {}
    before = _without_end(first) if begins_late else dict(first)
    yield number, _created(first, before) | unknown
    yield from ((number, event) for event in (*deadlines_of(first), *messages_of(first)))
    before["at"] = first["created_at"]
    for row_number, row in (*([(number, first)] if begins_late else []), *rows[1:]):
        row = _with_status(row)
        yield from ((row_number, event) for event in _changed(before, row))
        emptied = {name for name in ("status", "priority", "plan") if row.get(name) is None}
        before |= {name: value for name, value in row.items() if name not in emptied}


def _with_status(row: Row) -> Row:
    """Return a row of a log with the status that its dates tell, if the log has no status."""
    status = None if "status" in row else status_of(row)
    return row if status is None else {**row, "status": status}


def _changed(before: Row, row: Row) -> Iterator[dict[str, Any]]:
    """Yield an event for each value of a row of a log that differs from the values before."""
    at = max(row["at"], row["created_at"])
    for field, kind in CHANGE_EVENTS.items():
        is_emptied = row.get(field) is None and field not in _EMPTIED
        if field not in row or row[field] == before.get(field) or is_emptied:
            continue
        # A date of an end that lies before an earlier row, which was not done, is an old one.
        ends = [end for end in ends_of(row) if before["at"] <= end[0] <= at] if field == "status" else []
        yield from (_event(row, instant, kind.value, status=end) for instant, end, unknown in ends if not unknown)
        if not ends or ends[-1][2] or ends[-1][1] != row[field]:
            yield _event(row, at, kind.value, **{field: row[field]})
    for column, target in DEADLINES.items():
        if column in row and row[column] != before.get(column):
            yield _event(row, at, EventType.DUE_SET.value, target=target.value, due_at=row[column])
    if row.get("first_responded_at") != before.get("first_responded_at"):
        yield from messages_of(row)


def row_events(row: Row, mapping: Map) -> list[dict[str, Any]]:
    """Return the event records of a ticket that one row tells, in order of time."""
    changes = list(changes_of(row))
    # Without a list of its changes, nobody knows since when a ticket has its status: at the latest since this row.
    has_list = "changes" in row and any("status" in each.fields for each in mapping.changes)
    initial = _without_end(row) | ({} if has_list else {"status": Status.OPEN.value}) | _initial(row)
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
    if not any(name in row for name in ("status", *ENDS, "changes")):
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


def status_of(columns: Row) -> str | None:
    """Return the status that some columns tell; None where they tell none."""
    if columns.get("status") is not None:
        return str(columns["status"])
    if not any(name in columns for name in ENDS):
        return None
    done = {"closed_at": Status.CLOSED, "resolved_at": Status.RESOLVED}
    return next((status.value for name, status in done.items() if columns.get(name) is not None), Status.OPEN.value)


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
        answer = EventType.AGENT_REPLY.value
        yield {"ticket": row["ticket"], "at": first, "type": answer, "id": told_id("answered", first)}


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


def told_id(what: str, at: str) -> str:
    """Return the id of an event that a date or the status of a row tells, so that a later row can take it back."""
    return f"{TOLD}{what} {at}"


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
    return initial | ({"status": Status.OPEN.value} if initial.get("status", "") in (*DONE, None) else {})


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
    if status is None or status != values.get("status"):
        yield from _end_events(row, values.get("status"))
    for field in CHANGING:
        if field == "status" or field not in row or row[field] == values.get(field):
            continue
        if row[field] is not None or field in _EMPTIED:
            yield _event(row, last_instant(row), CHANGE_EVENTS[field].value, **{str(field): row[field]})


def _end_events(row: Row, before: str | None) -> Iterator[dict[str, Any]]:
    """Yield the events that lead from the status after the last listed change to the end or status of the row."""
    status = row.get("status")
    ends = late_ends(row)
    if before in DONE:
        ends = [end for end in ends if end[1] == status] if status is not None else []
    for at, end in ends:
        yield _event(row, at, "status", status=end, id=told_id(end, at))
    if status is not None and not ends:
        # The list of changes does not lead to this status.
        at = last_instant(row)
        unknown = {"unknown_instant": True} if status in DONE and before not in DONE else {}
        yield _event(row, at, "status", status=status, id=told_id(status, at), **unknown)


def late_ends(row: Row) -> list[tuple[str, str]]:
    """Return the ends of a row that have a date, without those before a listed change of the status.

    The ticket had other statuses since such a date.
    """
    last = max((each["at"] for each in row.get("changes", ()) if each["field"] == "status"), default="")
    return [(at, status) for at, status, unknown in ends_of(row) if not unknown and at >= last]
