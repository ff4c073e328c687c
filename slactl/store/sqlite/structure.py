"""Compare the structure of the database with the one that slactl makes, and repair it.

Everything in `sqlite_master` is compared, so that nothing foreign goes unseen: a trigger that removes messages, a view
in the place of a table, an index that refuses rows.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from enum import StrEnum
from typing import NamedTuple

from slactl.store.schema.migrations import ADDED, migrate

#: The tables that SQLite itself makes, for `ANALYZE` and for numbers that it does not use again; slactl ignores them.
SQLITES_OWN = {
    "sqlite_sequence": "CREATE TABLE sqlite_sequence(name,seq)",
    "sqlite_stat1": "CREATE TABLE sqlite_stat1(tbl,idx,stat)",
    "sqlite_stat4": "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
}

#: The order in which foreign parts are dropped: a table takes its indexes and triggers with it.
_ORDER = ("trigger", "view", "index", "table")


class Oddity(StrEnum):
    """The ways in which a part of the structure differs from what slactl makes."""

    MISSING = "missing"
    CHANGED = "changed"
    FOREIGN = "foreign"


class Odd(NamedTuple):
    """A part of the structure that differs from what slactl makes; `sql` is its statement in this database."""

    kind: str
    name: str
    oddity: Oddity
    sql: str | None

    def __str__(self) -> str:
        what = {
            Oddity.MISSING: "is missing",
            Oddity.CHANGED: "differs from the definition of slactl",
            Oddity.FOREIGN: "was not created by slactl",
        }
        return f"the {self.kind} {self.name} {what[self.oddity]}"


class _Part(NamedTuple):
    kind: str
    name: str
    table: str
    sql: str | None


def odd_parts(connection: sqlite3.Connection) -> list[Odd]:
    """Return the parts that are missing, that differ from what slactl makes, or that are not slactl's."""
    wanted, found = _made_by_slactl(), _parts(connection)
    odd = [Odd(*key, Oddity.MISSING, None) for key in wanted if key not in found]
    for key, part in found.items():
        if key not in wanted:
            if part.kind != "table" or SQLITES_OWN.get(part.name) != part.sql:
                odd.append(Odd(*key, Oddity.FOREIGN, part.sql))
        elif not _alike(part, wanted[key]):
            odd.append(Odd(*key, Oddity.CHANGED, part.sql))
    return odd


def restore(connection: sqlite3.Connection, *, tables: bool) -> dict[str, str]:
    """Drop foreign parts and create slactl's own again, within the caller's transaction.

    A foreign table with rows is dropped only with `tables`. Returns why each remaining part still differs, by name: a
    table of slactl's own is never created again, and neither is a unique index with duplicate rows.
    """
    wanted, failed = _made_by_slactl(), dict[str, str]()
    for odd in sorted(odd_parts(connection), key=lambda each: _ORDER.index(each.kind) if each.kind in _ORDER else 9):
        name = '"' + odd.name.replace('"', '""') + '"'
        try:
            if odd.oddity is Oddity.FOREIGN:
                if (
                    odd.kind == "table"
                    and not tables
                    and connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()
                ):
                    raise sqlite3.Error("it has rows; add --yes to drop it")
                if odd.kind in _ORDER:
                    connection.execute(f"DROP {odd.kind} IF EXISTS {name}")
            elif odd.kind != "table" and (sql := wanted[odd.kind, odd.name].sql) is not None:
                connection.execute(f"DROP {odd.kind} IF EXISTS {name}")
                connection.execute(sql)
        except sqlite3.IntegrityError as error:
            failed[odd.name] = f"the index {odd.name} cannot be created again, because rows are duplicated: {error}"
        except sqlite3.Error as error:
            failed[odd.name] = f"{odd}: {error}"
    return {odd.name: failed.get(odd.name, str(odd)) for odd in odd_parts(connection)}


def forget_upgrade(connection: sqlite3.Connection) -> None:
    """Note that all outcomes follow from the histories, those from before an upgrade too."""
    connection.execute("DELETE FROM meta WHERE key = 'outcomes_from'")


def _made_by_slactl() -> Mapping[tuple[str, str], _Part]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        return _parts(connection)


def _parts(connection: sqlite3.Connection) -> Mapping[tuple[str, str], _Part]:
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
    return {(part.kind, part.name): part for part in map(_Part._make, rows)}


def _alike(found: _Part, wanted: _Part) -> bool:
    """Compare two parts but for white space; the columns of a table that later steps add may stand elsewhere."""
    if found.table != wanted.table:
        return False
    texts = [" ".join((part.sql or "").split()) for part in (found, wanted)]
    if texts[0] == texts[1]:
        return True
    added = ADDED.get(found.name, {}) if found.kind == "table" else {}
    items, others = (list(_items(text)) for text in texts)
    for new, later in added.items():
        # A table has what was added after it was made as `later`, and nothing of a constraint.
        others.remove(new)
        item = new if new in items else later
        if item and item not in items:
            return False
        if item:
            items.remove(item)
    return bool(added) and items == others


def _items(sql: str) -> Iterator[str]:
    """Split at the outermost parentheses, and at the commas between them."""
    depth, start, quote = 0, 0, ""
    for place, sign in enumerate(sql):
        if quote:
            quote = "" if sign == quote else quote
            continue
        quote = sign if sign in "'\"`" else ""
        before, depth = depth, depth + (sign == "(") - (sign == ")")
        if (sign == "," and depth == 1) or {before, depth} == {0, 1}:
            yield sql[start:place].strip()
            start = place + 1
    yield sql[start:].strip()
