"""Show what a map makes of the first rows of a file, without importing anything."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypedDict

from slactl.desk.transfer.foreign.fitting import fitting
from slactl.desk.transfer.foreign.paths import ABSENT
from slactl.desk.transfer.foreign.records import RowReader
from slactl.desk.transfer.lines import Report, as_utf8, peek, with_line_feeds
from slactl.desk.transfer.maps import Map
from slactl.desk.transfer.rows_csv import csv_rows
from slactl.desk.transfer.rows_json import json_rows
from slactl.sla.history.readers import LineError
from slactl.sla.rules.loading import load

#: How many rows are shown, and how much of a value.
ROWS, LONGEST = 3, 200


class SampleCell(TypedDict):
    """A cell of a sample: our column, theirs, their value, what it becomes, and why not if it becomes nothing."""

    row: int | None
    column: str | None
    theirs: str
    value: str | None
    becomes: str | None
    note: str | None


#: The fields of a cell, in the order in which they are shown.
FIELDS = tuple(SampleCell.__annotations__)


def sample(source: BinaryIO, mapping: Map, report: Report, rules: Path) -> list[SampleCell]:
    """Return the cells of the first rows of a file, then the columns that the map does not use or the file lacks.

    The rules file names other words for priorities.

    Raises:
        RulesError: the rules are invalid.
        UsageError: the file does not have the rows or the columns of the map.
    """
    stream, chosen = fitting(source, mapping)
    reader = with_line_feeds(as_utf8(stream, chosen.encoding))
    is_json = peek(reader).lstrip()[:1] in (b"[", b"{")
    rows = (json_rows if is_json else csv_rows)(reader, chosen, report, lambda _: None)
    meanings = load(rules).priorities.meanings
    work, cells, first = RowReader(chosen, meanings, is_json=is_json), list[SampleCell](), dict[str, Any]()
    for number, row in islice(rows, ROWS):
        first = first or dict(row)
        cells += _cells(number, row, work, chosen)
    used = {path.split(".")[0].removesuffix("[]") for path in chosen.paths()}
    cells += [
        _cell(None, None, name, value, None, "the map does not use this column")
        for name, value in first.items()
        if name not in used and not any(path == name for path in chosen.paths())
    ]
    missing = sorted(work.unseen) if first else []
    return cells + [_cell(None, ours, chosen.column(ours), None, None, "not in the sample") for ours in missing]


def _cells(number: int, row: Mapping[str, Any], work: RowReader, mapping: Map) -> Iterator[SampleCell]:
    if work.is_skipped(row):
        yield _cell(number, None, "skip_when", None, None, "the map leaves this row out")
        return
    for ours, theirs, value, result in work.cells(row):
        if value is ABSENT:
            continue
        note = result.reason if isinstance(result, LineError) else None
        yield _cell(number, ours, theirs, value, None if note else result, note)
    try:
        record = work.record(row)
    except LineError as error:
        if error.field not in mapping.columns:
            yield _cell(number, None, error.field, None, None, error.reason)
        return
    for ours in (*mapping.constants, *mapping.from_tags):
        yield _cell(number, ours, "constants" if ours in mapping.constants else "from_tags", None, record[ours], None)
    for name, tables in (("messages", mapping.messages), ("changes", mapping.changes)):
        for each in record.get(name, ()):
            yield _cell(number, name, " and ".join(table.path for table in tables), None, each, None)
        if tables and name not in record:
            yield _cell(number, name, tables[0].path, None, None, "the row has no such list")


def _cell(
    row: int | None, column: str | None, theirs: str, value: object, becomes: object, note: str | None
) -> SampleCell:
    return SampleCell(row=row, column=column, theirs=theirs, value=_text(value), becomes=_text(becomes), note=note)


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
