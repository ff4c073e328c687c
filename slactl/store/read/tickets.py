"""Read tickets as their public view shows them, at one instant.

Files of `store.read` use stdlib `sqlite3` only, because SQLModel takes long to load.
"""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from slactl.errors import NotKnownError, UsageError
from slactl.sla.enums import DONE, EventType
from slactl.store.read.rows import Row, batches, marks, rows
from slactl.store.schema import views
from slactl.text import clean, quoted

if TYPE_CHECKING:
    from slactl.records.tickets import Escalation, Tenant, Ticket, Timer

#: The fields of a ticket in the order in which they are printed.
TICKET_COLUMNS = tuple(views.ticket_columns(""))

#: Every reference of this form means slactl's own number.
NUMBER = r"#?([1-9][0-9]*)"


def tickets(
    transaction: sqlite3.Connection,
    now: str,
    condition: str = "1",
    parameters: Mapping[str, Any] | None = None,
    order: str = "t.due_at IS NULL, t.due_at, t.id",
    limit: int = 0,
) -> "Iterator[Ticket]":
    """Yield tickets as in `ticket_view` at `now` (text): `condition` and `order` are SQL over the `TICKET_SOURCE`."""
    columns = views.ticket_columns(":now")
    query = f"{views.select(columns, views.ticket_source(':now'))} WHERE {condition} ORDER BY {order}"
    if limit:
        query += f" LIMIT {limit:d}"
    for row in rows(transaction, query, {**(parameters or {}), "now": now}):
        for flag in ("breached", "ever_breached", "escalated"):
            row[flag] = bool(row[flag])
        row["tags"] = json.loads(row["tags"])
        yield cast("Ticket", row)


def ticket_id(transaction: sqlite3.Connection, reference: str) -> int:
    """Return the number of the ticket that a person names.

    Digits without leading zeros, also after `#`, are always slactl's number. Anything else is an external id, and so
    is everything after `ext:`. `SOURCE:ID` names the external id of one source.

    Raises:
        NotKnownError: there is no such ticket.
        UsageError: several tickets fit, which come from different sources.
    """
    typed = re.fullmatch(NUMBER, reference)
    if typed is None:
        name = reference.removeprefix("ext:")
        found = _meant(transaction, name, with_source=name == reference)
        if len(found) > 1:
            fitting = ", ".join(f"{number} ({clean(source or 'no source')})" for number, source in found)
            what = f"{clean(name)[:200]} fits several tickets: {fitting}"
            raise UsageError(what, f"slactl show {found[0][0]}")
        if found:
            return found[0][0]
        digits = reference.removeprefix("#").lstrip("0")
        hint = f"slactl show {digits}" if has_number(transaction, digits) else "slactl list --all"
        raise NotKnownError(f"no ticket has the external id {clean(name)[:200]}", hint)
    digits = typed[1]
    if has_number(transaction, digits):
        return int(digits)
    named = next((name for name in (digits, reference) if has_external_id(transaction, name)), None)
    hint = f"slactl show {quoted(f'ext:{named}')}" if named is not None else "slactl list --all"
    raise NotKnownError(f"no ticket has the number {digits[:40]}", hint)


def _meant(transaction: sqlite3.Connection, name: str, *, with_source: bool) -> list[tuple[int, str | None]]:
    """Return the number and the source of each ticket that a name fits: its external id, or `SOURCE:ID`."""
    query = "SELECT id, source FROM ticket WHERE external_id = ?"
    found = dict(transaction.execute(f"{query} ORDER BY id", (name,)).fetchall())
    colons = [place for place, sign in enumerate(name) if sign == ":"] if with_source else []
    for place in colons:
        found |= dict(transaction.execute(f"{query} AND source = ?", (name[place + 1 :], name[:place])).fetchall())
    return list(found.items())


def has_number(transaction: sqlite3.Connection, digits: str) -> bool:
    """Return whether a ticket has this number of slactl's, in digits without leading zeros."""
    if re.fullmatch(NUMBER, digits) is None or digits[0] == "#" or len(digits) > 18:
        return False
    return transaction.execute("SELECT 1 FROM ticket WHERE id = ?", (int(digits),)).fetchone() is not None


def has_external_id(transaction: sqlite3.Connection, name: str) -> bool:
    """Return whether a ticket of any source has this external id."""
    return transaction.execute("SELECT 1 FROM ticket WHERE external_id = ?", (name,)).fetchone() is not None


def names(transaction: sqlite3.Connection) -> Iterator[tuple[int, str | None, str | None]]:
    """Yield the number, the external id and the source of every ticket."""
    yield from transaction.execute("SELECT id, external_id, source FROM ticket ORDER BY id")


def timers(transaction: sqlite3.Connection, number: int, now: str) -> "list[Timer]":
    """Return the timers of one ticket's targets at `now`: first response, next responses, resolution."""
    query = views.select(views.timer_columns(":now"), views.timers(":now"))
    query += f" WHERE r.ticket_id = :id AND r.kind IN {views.TARGETS} ORDER BY r.id"
    found = [row | {"manual": bool(row["manual"])} for row in rows(transaction, query, {"now": now, "id": number})]
    found.sort(key=lambda timer: (views.TARGETS.index(timer["target"]), timer["cycle"]))
    return cast("list[Timer]", found)


def escalations(transaction: sqlite3.Connection, number: int, *, last: int = 0) -> "list[Escalation]":
    """Return the escalations of one ticket as in `escalation_view`, oldest first; with `last` the last ones alone."""
    return cast("list[Escalation]", _escalations(transaction, views.ESCALATION_COLUMNS, number, last))


def decisions(transaction: sqlite3.Connection, number: int) -> list[Row]:
    """Return the escalations of one ticket with the columns that keep each from firing twice, oldest first."""
    from slactl.store.schema.events import named_in

    name = f"(SELECT {named_in('e')} FROM event e WHERE e.id = event_id) AS event_name"
    columns = [*views.ESCALATION_COLUMNS, "kind", "cycle", "arming", "event_id", name]
    return _escalations(transaction, columns, number)


def _escalations(transaction: sqlite3.Connection, columns: list[str], number: int, last: int = 0) -> list[Row]:
    query = f"SELECT {', '.join(columns)} FROM escalation WHERE ticket_id = ? ORDER BY id"
    if last:
        query = f"SELECT * FROM ({query} DESC LIMIT {last:d}) ORDER BY id"
    return list(rows(transaction, query, (number,)))


def retracted_names(transaction: sqlite3.Connection, number: int) -> set[str]:
    """Return the names of the events of one ticket that do not count."""
    from slactl.store.schema.events import ACTIONS, named_in

    query = f"SELECT {named_in('e')}, detail FROM event e WHERE ticket_id = ? AND action = ? ORDER BY at, id"
    found = transaction.execute(query, (number, ACTIONS[EventType.RETRACTED])).fetchall()
    if not found:
        return set()
    from slactl.sla.history.effective import retracted

    return retracted([(name, json.loads(detail)) for name, detail in found])


def retracted_escalations(transaction: sqlite3.Connection, number: int) -> set[int]:
    """Return the ids of the manual escalations of one ticket that do not count."""
    if not (gone := retracted_names(transaction, number)):
        return set()
    from slactl.store.schema.events import named_in

    query = f"""SELECT x.id, {named_in("e")} FROM escalation x JOIN event e ON e.id = x.event_id
    WHERE x.ticket_id = ? AND x.source = 'manual'"""
    return {identity for identity, name in transaction.execute(query, (number,)) if name in gone}


def escalation_count(transaction: sqlite3.Connection, number: int) -> int:
    """Return the number of escalations of one ticket."""
    return int(transaction.execute("SELECT count(*) FROM escalation WHERE ticket_id = ?", (number,)).fetchone()[0])


def tenants(transaction: sqlite3.Connection) -> "list[Tenant]":
    """Return every tenant, by name."""
    query = """SELECT name, plan, timezone, country, subdivision, created_at, (SELECT json_group_array(domain) FROM
    (SELECT domain FROM tenant_domain WHERE tenant = name ORDER BY domain)) AS domains FROM tenant ORDER BY name"""
    found = [row | {"domains": json.loads(row["domains"])} for row in rows(transaction, query)]
    return cast("list[Tenant]", found)


def is_known(transaction: sqlite3.Connection, column: str, value: str) -> bool:
    """Return whether a ticket or a tenant's entry has this `plan` or `tenant`."""
    own = {"plan": "plan", "tenant": "name"}[column]
    sources = (f"tenant WHERE {own}", f"ticket WHERE {column}")
    return any(transaction.execute(f"SELECT 1 FROM {source} = ? LIMIT 1", (value,)).fetchone() for source in sources)


def known(transaction: sqlite3.Connection, column: str) -> list[str]:
    """Return every `plan` or `tenant` that a ticket or a tenant's entry has."""
    own = {"plan": "plan", "tenant": "name"}[column]
    query = f"SELECT {own} AS word FROM tenant UNION SELECT {column} FROM ticket ORDER BY word"
    return [word for (word,) in transaction.execute(query) if word is not None]


class Known(NamedTuple):
    """The number, external id, source and beginning of a stored ticket."""

    number: int
    external_id: str | None
    source: str | None
    created_at: str


def tickets_named(transaction: sqlite3.Connection, external_ids: Sequence[str]) -> dict[str, list[Known]]:
    """Return the tickets that have these external ids, each of another source."""
    found: dict[str, list[Known]] = {}
    for row in _known(transaction, "external_id", external_ids):
        found.setdefault(str(row.external_id), []).append(row)
    return found


def tickets_numbered(transaction: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, Known]:
    """Return the tickets that have these numbers."""
    return {row.number: row for row in _known(transaction, "id", numbers)}


def _known(transaction: sqlite3.Connection, column: str, values: Sequence[object]) -> Iterator[Known]:
    for batch in batches(values):
        query = f"SELECT id, external_id, source, created_at FROM ticket WHERE {column} IN ({marks(batch)})"
        yield from map(Known._make, transaction.execute(query, batch))


def due_tickets(
    transaction: sqlite3.Connection, now: str, after: int, most: int, until: int | None = None
) -> list[int]:
    """Return the tickets whose next instant, or a timer's, has come, above `after` and up to `until`, ascending."""
    parts = (
        f"SELECT {number} FROM {table} WHERE next_at <= :now AND {number} > :after"
        + (f" AND {number} <= :until" if until is not None else "")
        for table, number in (("timer", "ticket_id"), ("ticket", "id"))
    )
    query = " UNION ".join(parts) + " ORDER BY 1 LIMIT :most"
    found = transaction.execute(query, {"now": now, "after": after, "until": until, "most": most})
    return [number for (number,) in found]


def still_due(transaction: sqlite3.Connection, now: str, numbers: Sequence[int]) -> list[int]:
    """Return those of some tickets whose next instant, or a timer's, has come, ascending."""
    parts = (
        f"SELECT {number} FROM {table} WHERE {number} IN ({marks(numbers)}) AND next_at <= ?"
        for table, number in (("timer", "ticket_id"), ("ticket", "id"))
    )
    found = transaction.execute(" UNION ".join(parts) + " ORDER BY 1", (*numbers, now) * 2)
    return [number for (number,) in found]


def has_more_tickets(transaction: sqlite3.Connection, count: int) -> bool:
    """Return whether there are more tickets than `count`."""
    return transaction.execute("SELECT 1 FROM ticket LIMIT 1 OFFSET ?", (count,)).fetchone() is not None


def live_tickets(transaction: sqlite3.Connection, after: int, most: int) -> list[int]:
    """Return the tickets that are open or have a next instant, above `after`, ascending."""
    waits = "t.next_at IS NOT NULL OR EXISTS (SELECT id FROM timer WHERE ticket_id = t.id AND next_at IS NOT NULL)"
    query = f"SELECT id FROM ticket t WHERE id > ? AND ({views.OPEN} OR {waits}) ORDER BY id LIMIT ?"
    return [number for (number,) in transaction.execute(query, (after, most))]


def tickets_on_other_rules(transaction: sqlite3.Connection, rules_hash: str, after: int, most: int) -> list[Row]:
    """Return the open tickets under another version of the rules, with that version, above `after`, ascending."""
    query = (
        "SELECT t.id, t.external_id, t.updated_at, t.version, v.hash AS rules FROM ticket t"
        f" JOIN rules_version v ON v.id = t.rules_version WHERE t.id > ? AND {views.OPEN} AND v.hash <> ?"
        " ORDER BY t.id LIMIT ?"
    )
    return list(rows(transaction, query, (after, rules_hash, most)))


def snapshots(transaction: sqlite3.Connection, wanted: Sequence[int]) -> dict[int, Row]:
    """Return the last row that a source sent about each ticket, if it sent one, with its columns read from JSON."""
    found: dict[int, Row] = {}
    for batch in batches(wanted):
        query = f"SELECT ticket_id, at, salt, digest, columns, older FROM snapshot WHERE ticket_id IN ({marks(batch)})"
        for row in rows(transaction, query, batch):
            found[row["ticket_id"]] = row | {name: json.loads(row[name]) for name in ("columns", "older")}
    return found


def open_counts(transaction: sqlite3.Connection, assignees: Sequence[str]) -> dict[str, int]:
    """Return how many open tickets each of some people has; people without one are left out."""
    done = ", ".join(f"'{status}'" for status in DONE)
    query = f"SELECT assignee, COUNT(*) FROM ticket WHERE assignee IN ({marks(assignees)}) AND status NOT IN ({done})"
    return dict(transaction.execute(f"{query} GROUP BY assignee", list(assignees)).fetchall())


#: How many of the newest events `round_robin` looks through: all of them would take seconds in a long log.
ASSIGNED_LATELY = 50_000


def last_assigned(transaction: sqlite3.Connection, people: Sequence[str]) -> str | None:
    """Return who of some people got a ticket last, if that is one of the last `ASSIGNED_LATELY` events."""
    from slactl.store.schema.events import ACTIONS

    assignee = "json_extract(detail, '$.assignee')"
    lately = "id > (SELECT MAX(id) FROM event) - ?"
    query = f"SELECT {assignee} FROM event WHERE {lately} AND action = ? AND {assignee} IN ({marks(people)})"
    values = [ASSIGNED_LATELY, ACTIONS[EventType.ASSIGNED], *people]
    found = transaction.execute(f"{query} ORDER BY id DESC LIMIT 1", values).fetchone()
    return str(found[0]) if found is not None else None
