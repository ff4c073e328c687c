"""Read the exports of other help desks through a map: CSV or JSON rows become records of our own columns."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from slactl.clock import parse_offset_instant, to_text
from slactl.desk.transfer.lines import Problem, Report, Ticked, peek, with_line_feeds
from slactl.desk.transfer.maps import Map, Ours
from slactl.desk.transfer.rows_csv import csv_rows
from slactl.desk.transfer.rows_json import dig, json_rows
from slactl.sla.enums import NO_WORDS, PriorityMeanings, as_priority_word
from slactl.sla.history.readers import BODY_LENGTH, LineError, at_most_tags, kind_of, read_name
from slactl.store.sqlite.spool import Spooled
from slactl.text import clean, did_you_mean, is_utf8


def read_rows(
    source: BinaryIO, mapping: Map, report: Report, ticked: Ticked, meanings: PriorityMeanings = NO_WORDS
) -> Iterator[Spooled]:
    """Yield the rows of a CSV or JSON file, each as a record of our own columns, from which events are made later.

    `meanings` are those of words for priorities that the map does not translate.

    Raises:
        UsageError: it is empty, begins like JSON and is not, or has no list of rows.
    """
    reader = with_line_feeds(source)
    is_json = peek(reader).lstrip()[:1] in (b"[", b"{")
    rows = json_rows(reader, mapping, report, ticked) if is_json else csv_rows(reader, mapping, report, ticked)
    for number, row in rows:
        try:
            record = _record(row, mapping, meanings)
            yield number, record["ticket"], record.get("at") or record["created_at"], json.dumps(record)
        except LineError as error:
            report(Problem(number, mapping.columns.get(error.field, error.field), error.reason))


def _record(row: Mapping[str, Any], mapping: Map, meanings: PriorityMeanings) -> dict[str, Any]:
    """Return a row with slactl's names, words and times.

    Raises:
        LineError: a cell is missing, or its word or time is not known.
    """
    record: dict[str, Any] = {}
    for ours, theirs in mapping.columns.items():
        value = _converted(ours, dig(row, theirs), mapping, meanings)
        if value is not None:
            record[ours] = value
    for needed in ("ticket", "created_at", "at"):
        if needed in mapping.needed and needed not in record:
            raise LineError(needed, "is missing")
    return record


def _converted(ours: str, value: Any, mapping: Map, meanings: PriorityMeanings) -> Any:  # noqa: ANN401  (any cell)
    if ours == Ours.TAGS:
        return _tags(value)
    if isinstance(value, list):
        value = next((each for each in value if each), None)
    if value is None or (isinstance(value, str) and value.strip() in mapping.missing.any):
        return None
    if isinstance(value, str) and not is_utf8(value):
        raise LineError(ours, "not UTF-8")
    if isinstance(value, (dict, list, bool)) or (ours == Ours.TICKET and isinstance(value, float)):
        what = "a number with a fraction" if isinstance(value, float) else kind_of(value)
        raise LineError(ours, f"must be a text, not {what}")
    text = value if isinstance(value, str) and ours in (Ours.BODY, Ours.SUBJECT) else str(value).strip()
    if len(text) > BODY_LENGTH:
        raise LineError(ours, f"{len(text):,} characters; at most {BODY_LENGTH:,} are allowed")
    if ours in (Ours.AT, Ours.CREATED_AT, Ours.FIRST_RESPONDED_AT, Ours.RESOLVED_AT, Ours.CLOSED_AT):
        return _instant(ours, text, mapping)
    words = mapping.values.get(ours)
    if words is not None and text in words:
        return words[text]
    if ours == Ours.PRIORITY and (meant := as_priority_word(text, meanings)) != text:
        return meant
    if words is None:
        return text
    if ours in (Ours.STATUS, Ours.PRIORITY):
        meant = did_you_mean(text, list(words))
        raise LineError(ours, f"{clean(text)[:60]!r} has no meaning in the map ([values.{ours}]){meant}")
    return text


def _tags(value: Any) -> list[str] | None:  # noqa: ANN401
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, list):
        return None
    words = [tag if isinstance(tag, (str, int)) else read_name(tag, "tags") for tag in value if tag]
    return at_most_tags("-".join(str(tag).replace(",", " ").split())[:100] for tag in words)


def _instant(ours: str, text: str, mapping: Map) -> str:
    """Return an instant of the source in slactl's form; without an offset it is in the map's zone."""
    try:
        if mapping.time.format is not None:
            parsed = datetime.strptime(text, mapping.time.format)  # noqa: DTZ007  (the zone is put in below)
        else:
            parsed = datetime.fromisoformat(text)
        aware = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=ZoneInfo(mapping.time.timezone))
        return to_text(parse_offset_instant(aware.astimezone(UTC).isoformat()))
    except (ValueError, OverflowError) as error:
        wanted = f"the form {mapping.time.format}" if mapping.time.format else "ISO 8601"
        reason = "outside the years 1970 to 2199" if "outside" in str(error) else f"not a time in {wanted}"
        raise LineError(ours, f"{clean(text)[:60]!r} is {reason}") from None
