"""Read and write the messages of the outbox: find those to send, claim them before sending, record the result."""

import json
import os
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from slactl.sla.enums import NotificationState, Status
from slactl.store.read.rows import Row, batches, marks, numbers, rows
from slactl.store.schema.compiled import tables
from slactl.store.schema.events import GOAL
from slactl.store.schema.version import REPLY_KEY

WAITING, SENDING = NotificationState.WAITING.value, NotificationState.SENDING.value

#: The statuses of tickets that are done, as SQL for `IN (…)`.
_DONE = ", ".join(f"'{status.value}'" for status in Status if status.is_done)

_WAITING = f"""SELECT n.id, n.recipient, n.ticket_id, n.escalation_id, n.event_id, n.tries, n.addresses, n.held_by,
n.next_try_at, n.instead_of, n.stands_in_for, n.message_ids,
f.reason, f.kind, f.cycle, f.source, f.escalation, f.level, f.actor,
e.at AS happened_at, json_extract(e.detail, '$.status') AS sets_status, json_extract(e.detail, '$.from') AS was_status,
json_extract(e.detail, '$.stand_ins') AS stand_ins, CASE WHEN e.action = '{GOAL}' THEN e.detail END AS goal,
t.external_id, t.tenant, t.plan, t.status, t.priority, t.assignee, t.subject, t.requester_email, t.tags, t.timezone,
t.due_at, t.due_target, t.acked_until, t.source AS ticket_source,
r.id AS timer_id, r.due_at AS timer_due_at, r.stopped_at, r.started_at
FROM notification n LEFT JOIN escalation f ON f.id = n.escalation_id
LEFT JOIN event e ON e.id = COALESCE(f.event_id, n.event_id) JOIN ticket t ON t.id = n.ticket_id
LEFT JOIN timer r ON r.ticket_id = n.ticket_id AND r.kind = f.kind AND r.cycle = f.cycle
WHERE n.state = '{WAITING}'
AND (n.next_try_at <= ? OR (n.tries = 0 AND n.next_try_at = n.created_at) OR n.held_by IS NOT NULL) ORDER BY n.id"""


def waiting(transaction: sqlite3.Connection, now: str) -> list[Row]:
    """Return the messages whose time has come, each with its ticket, the timer that it is about, and its cause.

    The cause is an escalation or an event; `sets_status` is the status that the level set. Among them are messages that
    were added after `now` and not postponed: a person escalated while a run sends. Among them are also messages that
    are held back: what holds them may have ended early.
    """
    found = list(rows(transaction, _WAITING, (now,)))
    for row in found:
        row.update({name: json.loads(row[name]) for name in ("addresses", "message_ids", "tags")})
        row["goal"] = json.loads(row["goal"] or "null")
        _say_for_whom(row)
    return found


def _say_for_whom(row: Row) -> None:
    """Put whom the recipient replaces into the row: what it has itself, else what its event says ("cem for ann")."""
    own = f"{row['recipient']} for "
    names = [each.removeprefix(own) for each in json.loads(row.pop("stand_ins") or "[]") if each.startswith(own)]
    row["stands_in_for"] = row["stands_in_for"] or " and ".join(dict.fromkeys(names)) or None


def of_escalations(transaction: sqlite3.Connection, escalations: Collection[int]) -> list[Row]:
    """Return the messages of some escalations, with the mail address of their tickets' requesters."""
    query = (
        "SELECT n.id, n.recipient, n.ticket_id, n.state, n.addresses, n.error, n.held_by, n.next_try_at,"
        " n.stands_in_for, t.requester_email, json_extract(e.detail, '$.stand_ins') AS stand_ins"
        " FROM notification n JOIN ticket t ON t.id = n.ticket_id JOIN escalation f ON f.id = n.escalation_id"
        f" LEFT JOIN event e ON e.id = f.event_id WHERE n.escalation_id IN ({numbers(escalations)}) ORDER BY n.id"
    )
    found = list(rows(transaction, query))
    for row in found:
        row["addresses"] = json.loads(row["addresses"])
        _say_for_whom(row)
    return found


def being_sent(transaction: sqlite3.Connection) -> list[Row]:
    """Return the messages that are being sent, or were when the process that sent them died."""
    columns = "id, recipient, ticket_id, escalation_id, tries, addresses, address, run_id, claimed_by, claimed_until"
    query = f"SELECT {columns} FROM notification WHERE state = '{SENDING}' ORDER BY id"
    found = list(rows(transaction, query))
    for row in found:
        row["addresses"] = json.loads(row["addresses"])
    return found


class Claim(NamedTuple):
    """A claim to messages: for an address, by a process until an instant, in a run, under the id that they go out with.

    They keep the id, so that a retry has the same one. A message that `check` prints has neither address nor id.
    """

    address: str
    claimed_by: str
    claimed_until: str
    run_id: int | None
    message_id: str | None


def claim(
    transaction: sqlite3.Connection, messages: Sequence[int], claimed: Claim, closing: Sequence[int] = ()
) -> set[int]:
    """Claim messages for sending; return the claimed ones, without those dropped meanwhile or of a resolved ticket.

    The `closing` messages tell of the resolution itself.
    """
    values: dict[str, Any] = {"state": SENDING, "address": claimed.address, "run_id": claimed.run_id}
    values |= {"claimed_by": claimed.claimed_by, "claimed_until": claimed.claimed_until}
    settings, parameters = [f"{name} = ?" for name in values], list(values.values())
    if claimed.message_id is not None:
        settings.append("message_ids = json_set(message_ids, ?, ?)")
        parameters += [f'$."{claimed.address}"', claimed.message_id]
    live = f"SELECT id FROM ticket WHERE status NOT IN ({_DONE})"
    taken: set[int] = set()
    for batch in batches(messages):
        statement = (
            f"UPDATE notification SET {', '.join(settings)} WHERE id IN ({marks(batch)}) AND state = '{WAITING}'"
            f" AND (ticket_id IN ({live}) OR id IN ({numbers(closing) or 'NULL'})) RETURNING id"
        )
        taken |= {number for (number,) in transaction.execute(statement, (*parameters, *batch))}
    return taken


def forget_id(transaction: sqlite3.Connection, address: str, message_id: str) -> None:
    """Remove an id from the messages that are not being sent: a receiver that knows the id would ignore them."""
    place = f'$."{address}"'  # the path to the address in the JSON of the column
    statement = (
        "UPDATE notification SET message_ids = json_remove(message_ids, ?)"
        f" WHERE json_extract(message_ids, ?) = ? AND state <> '{SENDING}'"
    )
    transaction.execute(statement, (place, place, message_id))


def reply_key(transaction: sqlite3.Connection) -> bytes:
    """Return the key that signs the reply addresses of messages; this database makes it when it first needs it.

    It never leaves the database: nothing exports, prints or logs it.
    """
    made = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING"
    transaction.execute(made, (REPLY_KEY, os.urandom(32).hex()))
    (key,) = transaction.execute("SELECT value FROM meta WHERE key = ?", (REPLY_KEY,)).fetchone()
    return bytes.fromhex(key)


def record(transaction: sqlite3.Connection, changes: Mapping[int, Mapping[str, Any]]) -> None:
    """Change messages that still wait; those with the same changes share a statement."""
    _change(transaction, changes, "state = ?", (WAITING,))


def withdraw(transaction: sqlite3.Connection, events: Sequence[int], now: str) -> int:
    """Give up the messages about escalations of these events that nobody has got yet; return how many there are.

    A message that is being sent stays as it is; one that some of several addresses got goes to no other.
    """
    partly, obsolete, count = NotificationState.PARTLY.value, NotificationState.OBSOLETE.value, 0
    for batch in batches(events):
        statement = (
            f"UPDATE notification SET state = CASE WHEN instr(addresses, '\"sent\"') > 0 THEN '{partly}'"
            f" ELSE '{obsolete}' END, ended_at = ?, next_try_at = NULL, error = 'the escalation was undone'"
            f" WHERE escalation_id IN (SELECT id FROM escalation WHERE event_id IN ({marks(batch)}))"
            f" AND state = '{WAITING}'"
        )
        count += transaction.execute(statement, (now, *batch)).rowcount
    return count


def record_sent(
    transaction: sqlite3.Connection, changes: Mapping[int, Mapping[str, Any]], claimed_by: str | None
) -> set[int]:
    """Change messages that a process is sending, and end its lease on them; return those that were still its own."""
    unclaimed = {"claimed_by": None, "claimed_until": None}
    own = {number: {**values, **unclaimed} for number, values in changes.items()}
    if claimed_by is None:
        return _change(transaction, own, "state = ? AND claimed_by IS NULL", (SENDING,))
    return _change(transaction, own, "state = ? AND claimed_by = ?", (SENDING, claimed_by))


def _change(
    transaction: sqlite3.Connection,
    changes: Mapping[int, Mapping[str, Any]],
    condition: str,
    parameters: Sequence[str],
) -> set[int]:
    changed = set[int]()
    alike: dict[str, list[int]] = {}
    for number, values in changes.items():
        alike.setdefault(json.dumps(values, sort_keys=True), []).append(number)
    for values_text, messages in alike.items():
        values = json.loads(values_text)
        for name in values.keys() & {"addresses", "message_ids"}:
            values[name] = json.dumps(values[name], sort_keys=True)
        settings = ", ".join(f"{name} = ?" for name in values)
        for batch in batches(messages):
            statement = f"UPDATE notification SET {settings} WHERE id IN ({marks(batch)}) AND {condition} RETURNING id"
            given = (*values.values(), *batch, *parameters)
            changed |= {number for (number,) in transaction.execute(statement, given)}
    return changed


def add(transaction: sqlite3.Connection, new: Sequence[Row]) -> None:
    """Add messages; ignore one whose recipient already has a message about the same escalation."""
    if new:
        table = tables()["notification"]
        transaction.executemany(f"{table.insert} ON CONFLICT DO NOTHING", map(table.whole, new))


def notified_breaches(
    transaction: sqlite3.Connection, tickets: Sequence[int]
) -> set[tuple[int, str | None, int | None]]:
    """Return the breaches (ticket, kind, cycle) of which customers of some tickets got, or may have got, a message."""
    ended = [each.value for each in NotificationState if each not in (WAITING, "obsolete", "dropped", "dead")]
    breaches: set[tuple[int, str | None, int | None]] = set()
    for batch in batches(tickets):
        query = (
            "SELECT n.ticket_id, f.kind, f.cycle FROM notification n JOIN escalation f ON f.id = n.escalation_id"
            f" WHERE n.ticket_id IN ({marks(batch)}) AND n.recipient = 'requester' AND n.state IN ({marks(ended)})"
        )
        breaches |= set(transaction.execute(query, (*batch, *ended)))
    return breaches


def silences(transaction: sqlite3.Connection, now: str) -> list[Row]:
    """Return the silences in force at `now`, the latest end first."""
    query = "SELECT * FROM silence WHERE ends_at > ? AND starts_at <= ? ORDER BY ends_at DESC"
    return list(rows(transaction, query, (now, now)))


def release(transaction: sqlite3.Connection, held_by: str, now: str) -> None:
    """Have the next run look again at the messages that a silence held back."""
    statement = f"UPDATE notification SET next_try_at = ? WHERE state = '{WAITING}' AND held_by = ? AND next_try_at > ?"
    transaction.execute(statement, (now, held_by, now))


def last_starts(transaction: sqlite3.Connection, before: int, most: int | None, since: str = "") -> list[str]:
    """Return when the last `most` runs before a run started, at `since` or later, the latest first."""
    query = "SELECT started_at FROM run WHERE id < ? AND started_at >= ? ORDER BY id DESC"
    given: tuple[object, ...] = (before, since)
    if most is not None:
        query, given = f"{query} LIMIT ?", (*given, most)
    return [started_at for (started_at,) in transaction.execute(query, given)]


def state_of(transaction: sqlite3.Connection, number: int) -> tuple[NotificationState | None, str | None]:
    """Return the state of a message and what holds or held it back; None if there is no such message."""
    if number >= 2**63:
        return None, None
    row = transaction.execute("SELECT state, held_by FROM notification WHERE id = ?", (number,)).fetchone()
    return (NotificationState(row[0]), row[1]) if row is not None else (None, None)


def start_over(transaction: sqlite3.Connection, number: int, values: Mapping[str, Any]) -> None:
    """Change a message by hand, and forget the states of its addresses, except of addresses that got it."""
    known = transaction.execute("SELECT addresses FROM notification WHERE id = ?", (number,)).fetchone()[0]
    sent = {key: word for key, word in json.loads(known).items() if word == NotificationState.SENT}
    changed = {**values, "addresses": json.dumps(sent)}
    settings = ", ".join(f"{name} = ?" for name in changed)
    transaction.execute(f"UPDATE notification SET {settings} WHERE id = ?", (*changed.values(), number))
