"""Write overrides of schedules and absences of people, and mark them as removed."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from slactl.store.schema.oncall import Absence, Override

#: The tables, by the kind of an entry.
TABLES: Mapping[str, type[Override | Absence]] = {"override": Override, "away": Absence}


def add(transaction: Session, kind: str, values: Mapping[str, Any]) -> int:
    """Add an override or an absence with these columns; return its number, which no entry of either kind has yet."""
    last = [transaction.connection().execute(select(func.max(table.id))).scalar() for table in TABLES.values()]
    number = max(found or 0 for found in last) + 1
    transaction.add(TABLES[kind](id=number, **values))
    transaction.flush()
    return number


def remove(transaction: Session, kind: str, number: int, at: str, actor: str) -> None:
    """Mark an entry as removed: it holds up to this instant, and no longer."""
    row = transaction.get_one(TABLES[kind], number)
    row.removed_at, row.removed_by = at, actor
    transaction.add(row)
    transaction.flush()
