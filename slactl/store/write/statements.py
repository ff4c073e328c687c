"""Read and write many tickets at once, each function in as few statements as possible, and the tenants."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.engine import Connection
from sqlmodel import Session, SQLModel
from sqlmodel import select as select_models

from slactl.errors import RefusedError
from slactl.sla.history.event import Event
from slactl.store.read.filters import by_number
from slactl.store.read.rows import Row, batches
from slactl.store.schema.chain import BEGINNING, sealed_rows
from slactl.store.schema.events import COLUMNS, NAME_LENGTH, from_row
from slactl.store.schema.models import Escalation, Snapshot, Tenant, Ticket
from slactl.store.schema.models import Event as EventRow
from slactl.store.schema.timers import Outcome, Timer

if TYPE_CHECKING:
    from slactl.records.tickets import Ticket as TicketRecord


def next_id(connection: Connection, model: type[SQLModel]) -> int:
    """Return the next free id. Rows are never removed from these tables, and the caller holds the write lock."""
    column = table_of(model).c.id
    return (connection.execute(select(func.max(column))).scalar() or 0) + 1


def insert_rows(connection: Connection, model: type[SQLModel], rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns."""
    if rows:
        connection.execute(insert(table_of(model)), rows)


def append_events(connection: Connection, rows: Sequence[Row]) -> None:
    """Append events to the log, in the order of their ids, and to the chain that seals it."""
    if rows:
        table = table_of(EventRow)
        last = connection.execute(select(table.c.hash).order_by(table.c.id.desc()).limit(1)).scalar()
        insert_rows(connection, EventRow, sealed_rows(last or BEGINNING, rows))


def update_rows(connection: Connection, model: type[SQLModel], rows: Sequence[Row]) -> None:
    """Update rows by `id`; those that set the same columns go together, in the order of the first of them."""
    table = table_of(model)
    for columns, alike in _by_columns(rows).items():
        values: Row = {name: bindparam(f"new_{name}") for name in columns}
        statement = update(table).where(table.c.id == bindparam("old_id")).values(values)
        renamed = [{"old_id": row["id"]} | {f"new_{name}": row[name] for name in columns} for row in alike]
        connection.execute(statement, renamed)


def delete_rows(connection: Connection, model: type[SQLModel], numbers: Sequence[int]) -> None:
    """Remove timers or outcomes that no longer follow from a history."""
    for batch in batches(numbers):
        connection.execute(delete(table_of(model)).where(table_of(model).c.id.in_(batch)))


def ticket_records(connection: Connection, numbers: Sequence[int], now: str) -> "list[TicketRecord]":
    """Return tickets as in `ticket_view` at `now` (text), as this transaction sees them."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return list(by_number(driver, now, numbers))


def histories(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Event]]:
    """Return the events from which the timers of each ticket are calculated, by time."""
    found: dict[int, list[Event]] = {number: [] for number in numbers}
    table = table_of(EventRow)
    columns = [table.c[name] for name in ("ticket_id", *COLUMNS.split(", "))]
    for batch in batches(numbers):
        query = select(*columns).where(table.c.ticket_id.in_(batch)).order_by(table.c.ticket_id, table.c.at, table.c.id)
        for number, *row in connection.execute(query):
            event = from_row(*row)
            if event is not None:
                found[number].append(event)
    return found


def requester(connection: Connection, number: int) -> str | None:
    """Return the address of the requester of a ticket."""
    table = table_of(Ticket)
    found = connection.execute(select(table.c.requester_email).where(table.c.id == number)).scalar()
    return str(found) if found is not None else None


def update_tickets(connection: Connection, rows: Sequence[Row], read: Mapping[int, int | None]) -> None:
    """Update tickets that still have the versions they were read with.

    Raises:
        RefusedError: somebody changed one of them since.
    """
    table = table_of(Ticket)
    for columns, alike in _by_columns(rows).items():
        values: Row = {name: bindparam(f"new_{name}") for name in columns}
        same = (table.c.id == bindparam("old_id")) & (table.c.version == bindparam("old_version"))
        renamed = [
            {"old_id": row["id"], "old_version": read.get(row["id"])} | {f"new_{name}": row[name] for name in columns}
            for row in alike
        ]
        if connection.execute(update(table).where(same).values(values), renamed).rowcount != len(alike):
            named = ", ".join(str(row["id"]) for row in alike[:10])
            raise RefusedError(f"somebody else changed a ticket in the meantime (one of {named}); nothing was written")


def versions(connection: Connection, numbers: Sequence[int]) -> dict[int, int]:
    """Return the version of each ticket, which changes with every change of it."""
    table, found = table_of(Ticket), dict[int, int]()
    for batch in batches(numbers):
        query = select(table.c.id, table.c.version).where(table.c.id.in_(batch))
        found |= {number: version for number, version in connection.execute(query)}
    return found


def timers(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Row]]:
    """Return the stored timers of each ticket."""
    return _grouped(connection, select(table_of(Timer)), table_of(Timer).c.ticket_id, numbers)


def outcomes(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Row]]:
    """Return the stored outcomes of each ticket, in the order in which they were written."""
    query = select(table_of(Outcome)).order_by(table_of(Outcome).c.id)
    return _grouped(connection, query, table_of(Outcome).c.ticket_id, numbers)


def decisions(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Row]]:
    """Return the key, the instants, the outcome and the event of each level that became due, by ticket and id."""
    table = table_of(Escalation)
    keys = (table.c.kind, table.c.cycle, table.c.escalation, table.c.level, table.c.arming, table.c.repeat)
    place = (table.c.source, table.c.due_at, table.c.fired_at, table.c.outcome)
    event = table_of(EventRow)
    own = func.coalesce(func.json_extract(event.c.detail, "$.id"), func.substr(event.c.hash, 1, NAME_LENGTH))
    query = select(table.c.id, table.c.ticket_id, table.c.event_id, own.label("event_name"), *keys, *place)
    query = query.outerjoin(event, event.c.id == table.c.event_id).where(table.c.level.is_not(None))
    return _grouped(connection, query.order_by(table.c.id), table.c.ticket_id, numbers)


def move_decisions(connection: Connection, cycles: Mapping[int, int]) -> None:
    """Move escalations to other cycles; afterwards no two escalations have the same cycle."""
    if not cycles:
        return
    table = table_of(Escalation)
    change = update(table).where(table.c.id == bindparam("moved")).values(cycle=bindparam("to"))
    # First move all of them to unused cycles, because the old cycle of one may be the new cycle of another.
    connection.execute(change, [{"moved": number, "to": -(2**40) - number} for number in cycles])
    connection.execute(change, [{"moved": number, "to": cycle} for number, cycle in cycles.items()])


def keep_snapshots(connection: Connection, kept: Sequence[Row]) -> None:
    """Write the last rows of tickets in place of those before."""
    for batch in batches(kept):
        numbers = [row["ticket_id"] for row in batch]
        connection.execute(delete(table_of(Snapshot)).where(table_of(Snapshot).c.ticket_id.in_(numbers)))
        insert_rows(connection, Snapshot, batch)


def tickets_of_requester(connection: Connection, address: str, since: str, until: str) -> list[int]:
    """Return the tickets that an address, in any case of letters, opened in [since, until]."""
    table = table_of(Ticket)
    # Use the index of the instants: few tickets are opened within the time of a burst.
    query = select(table.c.id).where(
        table.c.created_at.between(since, until), func.lower(table.c.requester_email) == address.lower()
    )
    return list(connection.execute(query.order_by(table.c.id)).scalars())


def tenants(session: Session) -> list[Tenant]:
    """Return every tenant."""
    return list(session.exec(select_models(Tenant)))


def tenant(session: Session, name: str) -> Tenant | None:
    """Return the tenant of this name, or None."""
    return session.get(Tenant, name)


def keep_tenant(session: Session, kept: Tenant) -> None:
    """Write a tenant that is new or was changed."""
    session.add(kept)
    session.flush()


def postpone(connection: Connection, number: int, until: str) -> None:
    """Put off a ticket and its timers, as far as their next instants have come."""
    for table, of_ticket in ((table_of(Timer), "ticket_id"), (table_of(Ticket), "id")):
        has_come = (table.c[of_ticket] == number, table.c.next_at < until)
        connection.execute(update(table).where(*has_come).values(next_at=until))


def _grouped(
    connection: Connection, query: Select[Any], column: ColumnElement[int], numbers: Sequence[int]
) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {number: [] for number in numbers}
    for batch in batches(numbers):
        for row in connection.execute(query.where(column.in_(batch))).mappings():
            found[row["ticket_id"]].append(dict(row))
    return found


def _by_columns(rows: Iterable[Row]) -> Mapping[tuple[str, ...], list[Row]]:
    alike: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        alike.setdefault(tuple(name for name in row if name != "id"), []).append(row)
    return alike


def table_of(model: type[SQLModel]) -> Table:
    """Return the table of a model, for statements of SQLAlchemy Core."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
