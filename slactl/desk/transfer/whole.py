"""Move a whole service desk: every row with its number, the chain of the log, what was told, and what waits.

The first line names the schema, then comes one line a row, and the last line has the number of rows of each table and
a digest of all lines before it. So a file that was cut off or changed on its way is not imported.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO

from slactl import committed
from slactl.desk.ledger.desk import Desk
from slactl.desk.transfer.lines import peek
from slactl.errors import RefusedError, UsageError
from slactl.store.schema import whole
from slactl.store.schema.version import SCHEMA

if TYPE_CHECKING:
    from slactl.store.database import Transaction

#: What the first line has under "slactl".
KIND = "whole"

_BEGINNING = json.dumps({"slactl": KIND})[:-1].encode()

_HELP = "slactl help operations"


def whole_lines(transaction: "Transaction") -> Iterator[str]:
    """Yield the lines of a file that has the whole database, each with its line break."""
    digest, counts = sha256(), Counter[str]()

    def line(record: dict[str, Any]) -> str:
        text = json.dumps(record, ensure_ascii=False) + "\n"
        digest.update(text.encode())
        return text

    yield line({"slactl": KIND, "schema": SCHEMA})
    for table, row in whole.rows(transaction):
        counts[table] += 1
        yield line({"table": table, **row})
    yield json.dumps({"rows": dict(counts), "sha256": digest.hexdigest()}) + "\n"


def is_whole(stream: BinaryIO) -> bool:
    """Return whether a stream begins as such a file does; nothing is read from it."""
    return peek(stream).startswith(_BEGINNING)


def import_whole(
    desk: Desk, stream: BinaryIO, read: Callable[[int], None] = lambda _: None, *, dry_run: bool = False
) -> dict[str, int]:
    """Import a whole database into an empty one, all of it or nothing; return the number of rows by table.

    `read` gets the number of bytes of each line.

    Raises:
        UsageError: the file is not whole, was changed, or is of another schema.
        RefusedError: the database is not empty.
        DatabaseError: the database cannot be written.
    """
    with desk.database.write(keep=not dry_run) as transaction:
        if (used := whole.first_used(transaction)) is not None:
            what = f"a file of export --whole goes only into an empty database; this one has rows in {used}"
            raise RefusedError(what, "slactl --db moved.db init")
        file = _File(stream, read)
        try:
            counts = whole.insert(transaction, file.rows())
        except ValueError as error:
            raise UsageError(f"line {file.number}: {error}; nothing was imported", _HELP) from error
        file.check_end(counts)
        committed.add("service desk", "imported", [desk.database.path])
    return counts


class _File:
    """Read such a file line by line; `number` is the line that was read last."""

    def __init__(self, stream: BinaryIO, read: Callable[[int], None]) -> None:
        self.number = 0
        self._stream, self._read = stream, read
        self._end: dict[str, Any] | None = None
        self._digest = sha256()

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the table and the columns of each row.

        Raises:
            UsageError: the file is of another schema.
            ValueError: a line is not valid.
        """
        self.number, raw = 1, self._stream.readline()
        self._digest.update(raw)
        if (schema := _object(raw).get("schema")) != SCHEMA:
            what = f"the file has schema {schema}, and this version of slactl imports schema {SCHEMA} only"
            raise UsageError(f"{what}; nothing was imported", _HELP)
        for raw in self._stream:
            self.number += 1
            self._read(len(raw))
            record = _object(raw)
            if "sha256" in record:
                self._end = record
                return
            self._digest.update(raw)
            table = record.pop("table", None)
            if not isinstance(table, str):
                raise ValueError("it names no table")
            yield table, record

    def check_end(self, counts: dict[str, int]) -> None:
        """Compare what was read with the last line.

        Raises:
            UsageError: the file ends too early, goes on after its end, or was changed.
        """
        if self._end is None:
            raise UsageError("the file ends before its last line; nothing was imported", _HELP)
        if self._end.get("rows") != counts or self._end["sha256"] != self._digest.hexdigest() or self._stream.read(1):
            raise UsageError("the file was changed after it was written; nothing was imported", _HELP)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error
    if not isinstance(record, dict):
        raise ValueError("it is not a JSON object")
    return record
