"""Read for an audit: the log as it was written, the texts of people, and what is cached of both.

Rows are read one by one, so that memory does not grow with the log. Stdlib `sqlite3` only.
"""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from json.encoder import encode_basestring_ascii as quoted
from operator import itemgetter
from typing import Any

from slactl.sla.history.event import Event
from slactl.store.read.rows import Row, by_ticket, rows
from slactl.store.read.rows import numbers as number_list
from slactl.store.schema.chain import SEALED
from slactl.store.schema.events import (
    BREACH,
    COLUMNS,
    CORRECTION,
    DEADLINES,
    ERASE,
    OF_HISTORY,
    from_row,
)

_LINKS = "SELECT id, {}, hash FROM event WHERE :last IS NULL OR id > :last ORDER BY id"
#: The condition for events of deadlines without a target: nothing follows from them.
_ABOUT_NO_TARGET = f"action = '{DEADLINES}' AND instr(detail, '\"target\"') = 0"
#: The characters that the seal escapes and SQLite does not.
_ESCAPED = re.compile("[^\0-\x7e]")
_OF_EVENT = COLUMNS.split(", ")
#: Words of SQLite's errors about text that is not valid UTF-8, and about bytes in the place of text.
_UNREADABLE = ("decode", "JSON cannot hold BLOB")


def length(connection: sqlite3.Connection, table: str) -> int:
    """Return about how many rows a table has: its greatest id, which is quick to find."""
    return int(connection.execute(f"SELECT COALESCE(max(id), 0) FROM {table}").fetchone()[0])


def take_any_text(connection: sqlite3.Connection) -> None:
    """Read text that is not valid UTF-8 from now on, with a mark for each wrong byte, instead of failing.

    Different bytes stay different, so that no changed text passes for the original one.
    """
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")


def reads_any_text(connection: sqlite3.Connection) -> bool:
    """Return whether `take_any_text` was called since plain text was read at full speed."""
    return connection.text_factory is not str


def readable_links(connection: sqlite3.Connection) -> Iterator[tuple[int, str | None, str]]:
    """Yield each event as its number, the array that is sealed, and its hash; the array is None if it is unreadable.

    SQLite writes the array in a third of the time that Python needs. It escapes fewer characters than the seal does,
    and writes null where text is missing.
    """
    last: int | None = None
    try:
        for number, array, kept in connection.execute(
            _LINKS.format(f"json_array({', '.join(SEALED)})"), {"last": last}
        ):
            if not array.isascii() or "\x7f" in array:
                array = _ESCAPED.sub(lambda match: quoted(match[0])[1:-1], array)
            yield number, None if ",null" in array else array, kept
            last = number
    except sqlite3.OperationalError as error:
        if not any(why in str(error) for why in _UNREADABLE):
            raise
        take_any_text(connection)
        yield from connection.execute(_LINKS.format("NULL"), {"last": last})


def sealed_columns(connection: sqlite3.Connection, number: int) -> list[Any]:
    """Return the sealed columns of one event."""
    [row] = connection.execute(f"SELECT {', '.join(SEALED)} FROM event WHERE id = ?", (number,))
    return list(row)


def lost_heads(connection: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the number and the last hash of each run whose last hash is no longer in the log."""
    yield from connection.execute(
        "SELECT r.id, r.audit_head FROM run r LEFT JOIN event e ON e.id = r.audit_event"
        " WHERE r.audit_head IS NOT NULL AND e.hash IS NOT r.audit_head ORDER BY r.id"
    )


@dataclass(slots=True)
class Words:
    """One event with texts of people: the hashes in the log by field, and the salts and texts that are not erased."""

    event_id: int
    ticket_id: int
    detail: str
    kept: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def hashes(self) -> dict[str, str]:
        """Return the hash that the log has of each text, by field."""
        return {name.removesuffix("_hash"): value for name, value in self._facts.items() if name.endswith("_hash")}

    @property
    def imported_erased(self) -> Sequence[str]:
        """Return the fields whose texts were erased before the event was imported."""
        return self._facts.get("erased") or ()

    @property
    def _facts(self) -> Mapping[str, Any]:
        facts = json.loads(self.detail)
        return facts if isinstance(facts, dict) else {}


def text_hash(salt: str, text: str) -> str:
    """Return the hash that the log has of a text; for text that is not valid UTF-8, the hash of its bytes."""
    return sha256((salt + text).encode("utf-8", "surrogateescape")).hexdigest()


def words(connection: sqlite3.Connection) -> Iterator[Words]:
    """Yield each event with texts of people, in the log or in the table of texts, in the order of the log."""
    query = (
        "SELECT e.id, e.ticket_id, e.detail, t.field, t.salt, t.text FROM event e"
        " LEFT JOIN event_text t ON t.event_id = e.id WHERE e.detail LIKE '%_hash%' OR t.field IS NOT NULL"
        " ORDER BY e.id"
    )
    current: Words | None = None
    for event_id, ticket_id, detail, name, salt, text in connection.execute(query):
        if current is None or current.event_id != event_id:
            if current is not None:
                yield current
            current = Words(event_id, ticket_id, detail)
        if name is not None:
            current.kept[name] = (salt, text)
    if current is not None:
        yield current


def erased(connection: sqlite3.Connection, ticket: int) -> set[tuple[int, str]]:
    """Return the texts of a ticket that recorded erasures name, as event and field."""
    query = "SELECT detail FROM event WHERE ticket_id = ? AND action = ?"
    found: set[tuple[int, str]] = set()
    for (detail,) in connection.execute(query, (ticket, ERASE)):
        for name, events in json.loads(detail).items():
            found |= {(event_id, name) for event_id in events} if isinstance(events, list) else set()
    return found


@dataclass(frozen=True, slots=True)
class EscalationPair:
    """An escalation that fired or has an event: its row, and its event or None.

    `by` names the customer who escalated, whose name is not in the log; None if it was erased.
    """

    row: Row
    event: Row | None
    by: str | None


def escalation_pairs(connection: sqlite3.Connection) -> Iterator[EscalationPair]:
    """Yield each escalation that fired or that has an event."""
    query = (
        "SELECT x.*, e.at AS event_at, e.actor AS event_actor, e.actor_type AS event_actor_type,"
        " e.detail AS event_detail, t.text AS by FROM escalation x LEFT JOIN event e"
        " ON e.id = x.event_id AND e.ticket_id = x.ticket_id AND e.action = 'ticket.escalate'"
        " LEFT JOIN event_text t ON t.event_id = e.id AND t.field = 'actor'"
        " WHERE x.outcome = 'fired' OR x.event_id IS NOT NULL ORDER BY x.id"
    )
    for row in rows(connection, query):
        event = {name: row.pop(f"event_{name}") for name in ("at", "actor", "actor_type", "detail")}
        by = row.pop("by")
        yield EscalationPair(row, event if event["at"] is not None else None, by)


def doubled_escalations(connection: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    """Yield each event that several escalations refer to, and the last of these escalations."""
    yield from connection.execute(
        "SELECT event_id, max(id) FROM escalation WHERE event_id IS NOT NULL GROUP BY event_id HAVING count(*) > 1"
    )


def unrecorded_escalations(connection: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    """Yield the event and the ticket of each escalation that the log has and the table of escalations has not."""
    yield from connection.execute(
        "SELECT id, ticket_id FROM event WHERE action = 'ticket.escalate'"
        " AND id NOT IN (SELECT event_id FROM escalation WHERE event_id IS NOT NULL) ORDER BY id"
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything that the database has of one ticket. `ticket` is None where only its history is left.

    `outcomes` is None where an upgrade wrote them from the timers, and the ticket has not changed since.
    """

    number: int
    ticket: Row | None
    timers: Sequence[Row]
    events: Sequence[sqlite3.Row]
    texts: Mapping[int, Mapping[str, str]]
    fired: Sequence[Row]
    outcomes: Sequence[Row] | None

    @property
    def history(self) -> list[Event]:
        """Return the events that columns follow from, by time."""
        found = (from_row(*(row[name] for name in _OF_EVENT)) for row in self.events if row["action"] in OF_HISTORY)
        return [event for event in found if event is not None]

    @property
    def last_event(self) -> datetime:
        """Return when the last event that columns follow from took effect; without a history: ValueError."""
        return max(event.at for event in self.history)

    @property
    def breaches(self) -> list[tuple[str, str, Row]]:
        """Return each breach that was noticed and not corrected since: its target, when that was, and its detail."""
        found: list[tuple[str, str, Row]] = []
        for row in sorted(self.events, key=itemgetter("id")):
            if row["action"] not in (BREACH, CORRECTION):
                continue
            facts = facts_of(row["detail"])
            if row["action"] == BREACH:
                found.append((str(facts.get("target")), row["at"], facts))
            else:
                found = [each for each in found if any(each[2].get(x) != facts.get(x) for x in ("target", "due_at"))]
        return found


def facts_of(detail: str) -> Row:
    """Return the fields of an event's detail; none where it is not an object."""
    found = json.loads(detail)
    return found if isinstance(found, dict) else {}


def numbers(connection: sqlite3.Connection, after: int, most: int) -> list[int]:
    """Return numbers of tickets in ascending order, also of tickets of which only the history is left."""
    # Two sorted streams that SQLite merges: it reads no further than the limit.
    query = (
        "SELECT id FROM ticket WHERE id > :after UNION SELECT ticket_id FROM event WHERE ticket_id > :after"
        " ORDER BY 1 LIMIT :most"
    )
    return [number for (number,) in connection.execute(query, {"after": after, "most": most})]


def stored(connection: sqlite3.Connection, wanted: Sequence[int], *, upgraded: bool = False) -> Iterator[Stored]:
    """Yield everything that the database has of some tickets; valid text is read at full speed.

    The outcomes that an upgrade wrote from the timers are read only if they are `upgraded`.
    """
    since = -1 if upgraded else outcomes_from(connection)
    connection.text_factory = str
    try:
        found = list(_stored(connection, wanted, since))
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
        take_any_text(connection)
        found = list(_stored(connection, wanted, since))
    yield from found


def outcomes_from(connection: sqlite3.Connection) -> int:
    """Return the event after which outcomes follow from the histories, where an upgrade wrote earlier ones; else -1."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'outcomes_from'").fetchone()
    return int(row[0]) if row is not None else -1


def _stored(connection: sqlite3.Connection, wanted: Sequence[int], since: int) -> Iterator[Stored]:
    marks = number_list(wanted)
    tickets = {row["id"]: row for row in rows(connection, f"SELECT * FROM ticket WHERE id IN ({marks})")}
    of_tickets, in_order = f"ticket_id IN ({marks})", "ORDER BY ticket_id, id"
    timers = by_ticket(rows(connection, f"SELECT * FROM timer WHERE {of_tickets} {in_order}"))
    outcomes = by_ticket(rows(connection, f"SELECT * FROM outcome WHERE {of_tickets} {in_order}"))
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    condition = f"{of_tickets} AND NOT ({_ABOUT_NO_TARGET}) ORDER BY ticket_id, at, id"
    statement = f"SELECT ticket_id, id, {COLUMNS} FROM event WHERE {condition}"
    events = {number: list(events) for number, events in groupby(cursor.execute(statement), key=itemgetter(0))}
    levels = f"SELECT * FROM escalation WHERE level IS NOT NULL AND {of_tickets} {in_order}"
    fired = by_ticket(rows(connection, levels))
    texts: dict[int, dict[int, dict[str, str]]] = {}
    query = f"""SELECT e.ticket_id, t.event_id, t.field, t.text FROM event e JOIN event_text t ON t.event_id = e.id
    WHERE e.ticket_id IN ({marks}) AND t.field IN ('subject', 'requester_email')"""
    for number, event_id, name, text in connection.execute(query):
        texts.setdefault(number, {}).setdefault(event_id, {})[name] = text
    for number in wanted:
        history = events.get(number, [])
        ticket, written = tickets.get(number), texts.get(number, {})
        is_exact = max((event["id"] for event in history), default=since) > since
        known = outcomes.get(number, []) if is_exact else None
        yield Stored(number, ticket, timers.get(number, []), history, written, fired.get(number, []), known)
