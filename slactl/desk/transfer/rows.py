"""Read the exports of other help desks through a map: CSV or JSON rows become records of our own columns."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO

from slactl.clock import to_text
from slactl.desk.transfer.foreign.cells import WrongTimeError
from slactl.desk.transfer.foreign.columns import warn_missing
from slactl.desk.transfer.foreign.records import RowReader
from slactl.desk.transfer.foreign.tally import Tally
from slactl.desk.transfer.lines import Problem, Report, Ticked, as_utf8, peek, with_line_feeds
from slactl.desk.transfer.maps import Map
from slactl.desk.transfer.row_checks import check_row, warnings
from slactl.desk.transfer.rows_csv import csv_rows
from slactl.desk.transfer.rows_json import json_rows
from slactl.sla.enums import NO_WORDS, PriorityMeanings
from slactl.sla.history.readers import LineError
from slactl.store.sqlite.spool import Spooled


def read_rows(
    source: BinaryIO,
    mapping: Map,
    report: Report,
    ticked: Ticked,
    meanings: PriorityMeanings = NO_WORDS,
    now: datetime | None = None,
) -> Iterator[Spooled]:
    """Yield the rows of a CSV or JSON file, each as a record of our own columns, from which events are made later.

    In a record, a column with an empty cell is null. A column that the map or the file does not have is not there.
    `messages` and `changes` are lists of objects, if the row has such lists. `meanings` are those of words for
    priorities that the map does not translate. A row with an instant after `now` is a bad row. The same problem of
    several rows is reported once, after the last row.

    Raises:
        UsageError: the file is empty, begins like JSON and is not, or does not have the rows or columns of the map.
    """
    reader = with_line_feeds(as_utf8(source, mapping.encoding))
    is_json = peek(reader).lstrip()[:1] in (b"[", b"{")
    tally, latest = Tally(report), to_text(now) if now is not None else None
    rows = json_rows(reader, mapping, tally, ticked) if is_json else csv_rows(reader, mapping, tally, ticked)
    work = RowReader(mapping, meanings, is_json=is_json)
    for number, row in rows:
        if (column := work.skipped_by(row)) is not None:
            tally(Problem(number, column, "the map leaves out rows with this value (skip_when)", warning=True))
            continue
        try:
            record = work.record(row)
            check_row(record, mapping, latest)
        except LineError as error:
            kind = error.wanted if isinstance(error, WrongTimeError) else ""
            tally(Problem(number, work.place(error.field, row), error.reason, kind=kind))
            continue
        for warning in (*work.cut(row, record), *warnings(record, mapping)):
            tally(replace(warning, line=number, field=work.place(warning.field, row), warning=True))
        yield number, record["ticket"], record.get("at") or record["created_at"], json.dumps(record)
    if is_json and work.read:
        warn_missing(work.unseen, work.names, mapping, tally)
    tally.end()
