"""Define the public read views, and the same SELECTs for slactl's own reads, from one source.

A view takes the present instant from SQLite's clock; slactl binds `:now`, so that one command sees one instant.
"""

import sqlite3

from slactl.sla.enums import DONE, Status, Target

#: The present instant by SQLite's clock, in the form in which instants are stored.
CLOCK = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"


def seconds_of(instant: str) -> str:
    """Return the SQL for an instant as seconds since 1970."""
    return f"CAST(strftime('%s', {instant}) AS INTEGER)"


def state_of(timer: str, now: str) -> str:
    """Return the state of a timer at `now`: the stored one, unless its deadline has passed since."""
    return (
        f"CASE WHEN {timer}.id IS NULL THEN 'none' WHEN {timer}.stopped_at IS NULL AND {timer}.due_at < {now} "
        f"THEN 'breached' ELSE {timer}.state END"
    )


def ticket_columns(now: str) -> dict[str, str]:
    """Return each column of `ticket_view` and its SQL at `now`."""
    return {
        "id": "t.id",
        "external_id": "t.external_id",
        "source": "t.source",
        "tenant": "t.tenant",
        "plan": "t.plan",
        "requester_email": "t.requester_email",
        "subject": "COALESCE(t.subject, t.external_id, '(erased)')",
        "status": "t.status",
        "priority": "t.priority",
        "assignee": "t.assignee",
        "tags": "t.tags",
        "policy": "t.policy",
        "created_at": "t.created_at",
        "updated_at": "t.updated_at",
        "first_response_due_at": "fr.due_at",
        "first_responded_at": "t.first_responded_at",
        "first_response_state": state_of("fr", now),
        "next_response_due_at": "CASE WHEN nr.stopped_at IS NULL THEN nr.due_at END",
        "next_response_state": state_of("nr", now),
        "update_due_at": "CASE WHEN up.stopped_at IS NULL THEN up.due_at END",
        "update_state": state_of("up", now),
        "resolution_due_at": "rs.due_at",
        "resolved_at": "t.resolved_at",
        "resolution_state": state_of("rs", now),
        "due_at": "t.due_at",
        "due_target": "t.due_target",
        "overdue_seconds": f"CASE WHEN t.due_at < {now} THEN {seconds_of(now)} - {seconds_of('t.due_at')} END",
        "breached": f"COALESCE(t.due_at < {now}, 0)",
        "ever_breached": f"(t.missed OR COALESCE(t.due_at < {now}, 0))",
        "escalated": "t.escalated",
        "escalation_level": "t.escalation_level",
        "acked_until": f"CASE WHEN t.acked_until > {now} THEN t.acked_until END",
        "pending_until": "t.pending_until",
        "next_escalation": "t.next_escalation",
        "next_level": "t.next_level",
        "next_level_at": "t.next_level_at",
    }


#: What changes when the status of a ticket ends by itself: columns of `ticket` and `timer`, and their values then.
_WOKEN_TICKET = {
    "status": f"CAST('{Status.OPEN.value}' AS TEXT)",
    "updated_at": "wakes_at",
    "due_at": "woken_due_at",
    "due_target": "woken_due_target",
    "next_escalation": "woken_escalation",
    "next_level": "woken_level",
    "next_level_at": "woken_level_at",
    "pending_until": "CAST(NULL AS TEXT)",
}
_WOKEN_TIMER = {"state": "woken_state", "due_at": "woken_due_at", "running_since": "wakes_at"}

#: The other columns of both tables that reads use.
_TICKET = (
    *("id", "external_id", "source", "tenant", "plan", "requester_email", "subject", "priority", "assignee", "tags"),
    *(
        "policy",
        "created_at",
        "first_responded_at",
        "resolved_at",
        "missed",
        "escalated",
        "escalation_level",
        "acked_until",
    ),
)
_TIMER = (
    *("id", "ticket_id", "kind", "cycle", "latest", "target_seconds", "started_at", "consumed_seconds"),
    *("stopped_at", "breached_at", "detected_at", "manual", "agreement", "counted", "wakes_at"),
)


def tickets(now: str) -> str:
    """Return the tickets `t` as they are at `now`, also those whose status has ended and no `check` recorded it yet.

    The latter are few and have an index, so that SQLite reads the others in the order of theirs and merges the two.
    """
    names = (*_TICKET, *_WOKEN_TICKET)
    asleep = ", ".join("wakes_at AS pending_until" if name == "pending_until" else name for name in names)
    return f"(SELECT {asleep} FROM ticket WHERE wakes_at IS NULL OR wakes_at > {now} UNION ALL {_woken(now)}) t"


def woken_tickets(now: str) -> str:
    """Return the tickets `t` whose status has ended by itself at `now`, and no `check` recorded it yet."""
    return f"({_woken(now)}) t"


def _woken(now: str) -> str:
    columns = ", ".join((*_TICKET, *(f"{sql} AS {name}" for name, sql in _WOKEN_TICKET.items())))
    return f"SELECT {columns} FROM ticket WHERE unlikely(wakes_at <= {now})"


def timers(now: str, name: str = "r") -> str:
    """Return the timers as they are at `now`, also those that run on since the status of their ticket has ended."""
    chosen = [f"CASE WHEN wakes_at <= {now} THEN {sql} ELSE {own} END AS {own}" for own, sql in _WOKEN_TIMER.items()]
    return f"(SELECT {', '.join((*_TIMER, *chosen))} FROM timer) {name}"


def ticket_source(now: str) -> str:
    """Return the tickets `t` at `now` with the latest timer of each target."""
    named = {"fr": Target.FIRST_RESPONSE, "nr": Target.NEXT_RESPONSE, "up": Target.UPDATE, "rs": Target.RESOLUTION}
    joined = (
        f"\nLEFT JOIN {timers(now, name)} ON {name}.ticket_id = t.id AND {name}.kind = '{kind}' AND {name}.latest = 1"
        for name, kind in named.items()
    )
    return tickets(now) + "".join(joined)


ESCALATION_COLUMNS = [
    "id",
    "ticket_id",
    "source",
    "escalation",
    "level",
    "repeat",
    "reason",
    "due_at",
    "fired_at",
    "outcome",
    "actor",
    "from_priority",
    "to_priority",
    "from_assignee",
    "to_assignee",
    "run_id",
]

#: The columns of the table `event`. Its `detail` also seals which Unix user ran the command, and who imported it.
EVENT_STORED = ["id", "ticket_id", "at", "recorded_at", "actor", "actor_type", "action", "detail"]
EVENT_COLUMNS = [*EVENT_STORED, "change", "unix_user"]

#: What `detail` seals and the view shows elsewhere or not at all. A retraction names events by parts of their hashes,
#: and people by their numbers.
SEALED = ("unix_user", "imported_by", "change", "command", "numbers")

#: The SQL with which the view reads the columns that `detail` seals.
EVENT = {name: name for name in EVENT_STORED} | {
    "detail": "json_remove(CASE WHEN json_extract(detail, '$.numbers') IS NULL THEN detail"
    " ELSE json_set(detail, '$.events', json_extract(detail, '$.numbers')) END"
    f", {str([f'$.{name}' for name in SEALED])[1:-1]})",
    "change": "json_extract(detail, '$.change')",
    "unix_user": "json_extract(detail, '$.unix_user')",
}


#: The targets in the order in which people read them, as plain text: SQL statements contain their `repr`.
TARGETS = tuple(target.value for target in Target)


def timer_columns(now: str) -> dict[str, str]:
    """Return each column of a target's timer in `show` and its SQL at `now`."""
    return {
        "target": "r.kind",
        "cycle": "r.cycle",
        "target_seconds": "r.target_seconds",
        "started_at": "r.started_at",
        "due_at": "r.due_at",
        "state": state_of("r", now),
        "stopped_at": "r.stopped_at",
        "breached_at": f"CASE WHEN {breach_condition(now)} THEN COALESCE(r.breached_at, r.due_at) END",
        "detected_at": "r.detected_at",
        "running_since": "r.running_since",
        "consumed_seconds": "r.consumed_seconds",
        "manual": "r.manual",
    }


def breach_columns(now: str) -> dict[str, str]:
    """Return each column of `breach_view` and its SQL: a row for each deadline that was missed.

    A deadline that was missed and replaced by a later one is not overdue any more.
    """
    # Not every end is an outcome: a level may have ended a first response that nobody gave.
    stopped = "COALESCE(b.stopped_at, CASE WHEN b.agreement = r.agreement THEN r.stopped_at END)"
    overdue = f"{seconds_of(f'COALESCE({stopped}, {now})')} - {seconds_of('b.missed_at')}"
    return {
        "ticket_id": "b.ticket_id",
        "external_id": "t.external_id",
        "target": "b.kind",
        "cycle": "b.cycle",
        "due_at": "r.due_at",
        "breached_at": "b.missed_at",
        "stopped_at": stopped,
        "detected_at": "b.detected_at",
        "overdue_seconds": f"CASE WHEN b.stopped_at IS NOT NULL OR b.agreement = r.agreement THEN {overdue} END",
        "priority": "t.priority",
        "plan": "t.plan",
        "tenant": "t.tenant",
        "assignee": "t.assignee",
        "policy": "t.policy",
    }


def breach_source(now: str) -> str:
    """Return the missed deadlines `b` with their timers and tickets: those of outcomes, and those that passed since."""
    return f"""(SELECT ticket_id, kind, cycle, agreement, missed_at, stopped_at, detected_at FROM outcome
WHERE missed_at IS NOT NULL UNION ALL SELECT ticket_id, kind, cycle, agreement, due_at, NULL, NULL FROM {timers(now)}
WHERE stopped_at IS NULL AND counted = 0 AND due_at < {now}) b JOIN ticket t ON t.id = b.ticket_id
JOIN {timers(now)} ON r.ticket_id = b.ticket_id AND r.kind = b.kind AND r.cycle = b.cycle"""


#: A timer `r` with its ticket.
TIMER_SOURCE = "timer r JOIN ticket t ON t.id = r.ticket_id"


def breach_condition(now: str) -> str:
    """Return the condition on a timer `r` that it was missed: overdue when it ended, or overdue and still open."""
    return f"(r.breached_at IS NOT NULL OR r.due_at < COALESCE(r.stopped_at, {now}))"


def select(columns: dict[str, str], source: str) -> str:
    """Return `SELECT … FROM …` without a condition."""
    return "SELECT " + ", ".join(f"{sql} AS {name}" for name, sql in columns.items()) + f"\nFROM {source}"


def summary_columns(now: str) -> dict[str, str]:
    """Return each column of `summary_view` and its SQL: the counts of the open tickets of `summary_source`."""

    def late(timer: str) -> str:
        return f"COALESCE(SUM(t.{timer}_late), 0)"

    return {
        "at": now,
        "open_count": "COUNT(*)",
        "unassigned_count": "COALESCE(SUM(t.assignee IS NULL), 0)",
        "urgent_open_count": "COALESCE(SUM(t.priority = 'urgent'), 0)",
        "escalated_count": "COALESCE(SUM(t.escalated), 0)",
        "first_response_breached_count": late("fr"),
        "next_response_breached_count": late("nr"),
        "update_breached_count": late("up"),
        "resolution_breached_count": late("rs"),
    }


def summary_source(now: str) -> str:
    """Return the open tickets `t` at `now`, with whether each target is overdue."""
    # A query of its own: SQLite does not read the parts of `tickets` one by one where it counts.
    columns = {name: f"t.{name}" for name in ("assignee", "priority", "escalated")}
    for timer in ("fr", "nr", "up", "rs"):
        columns[f"{timer}_late"] = f"t.due_at < {now} AND {timer}.stopped_at IS NULL AND {timer}.due_at < {now}"
    return f"({select(columns, ticket_source(now))} WHERE {OPEN}) t"


#: Open means: neither resolved nor closed.
OPEN = f"t.status NOT IN {tuple(status.value for status in DONE)}"


def last_event(connection: sqlite3.Connection) -> tuple[int, str] | None:
    """Return the number and the hash of the last event of the audit log; None while it is empty."""
    row = connection.execute("SELECT id, hash FROM event ORDER BY id DESC LIMIT 1").fetchone()
    return (row[0], row[1]) if row is not None else None
