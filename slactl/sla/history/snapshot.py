"""Read and write what a source said last about a ticket: a field of the line that opens the ticket."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slactl.sla.history.readers import LineError, kind_of, read_instant_text, read_name

#: The most columns that a row has.
_MOST = 100


class LastRow(NamedTuple):
    """The last row of a ticket, by column, and since when; `older` has the instants of columns of earlier rows alone.

    `salt` is that of the hashes in it, `digest` the salted hash of the row, which is empty after an erasure.
    """

    at: str
    salt: str
    digest: str
    columns: Mapping[str, Any]
    older: Mapping[str, str]


def read_last_row(value: object, field: str) -> LastRow:
    """Return the last row of a ticket.

    Raises:
        LineError: the value is not such an object.
    """
    row = _table(value, field)
    wrong = set(row) ^ set(LastRow._fields)
    if wrong:
        raise LineError(field, f"must have exactly the keys {', '.join(LastRow._fields)}")
    names = (read_name(row["salt"], f"{field}.salt"), read_name(row["digest"], f"{field}.digest"))
    columns, older = _table(row["columns"], f"{field}.columns"), _table(row["older"], f"{field}.older")
    instants = {name: read_instant_text(instant, f"{field}.older") for name, instant in older.items()}
    return LastRow(read_instant_text(row["at"], f"{field}.at"), names[0] or "", names[1] or "", columns, instants)


def _table(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise LineError(field, f"must be an object, not {kind_of(value)}")
    if len(value) > _MOST:
        raise LineError(field, f"has {len(value):,} keys; at most {_MOST} are allowed")
    return value
