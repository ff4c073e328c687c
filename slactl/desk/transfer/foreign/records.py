"""Make a record of our own columns from a row of another help desk."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from slactl.desk.transfer.foreign.cells import CUT, TAG_LENGTH, Convert, UnknownWordError, converter, is_cut, tag_words
from slactl.desk.transfer.foreign.lists import changes_of, messages_of
from slactl.desk.transfer.foreign.paths import ABSENT, Path, agrees, find, parse_path
from slactl.desk.transfer.foreign.tables import Ours, word
from slactl.desk.transfer.lines import Problem
from slactl.desk.transfer.maps import Map
from slactl.sla.enums import PriorityMeanings
from slactl.sla.history.readers import LineError


class _Column(NamedTuple):
    """A column of ours, the paths to its values, and the function that converts them."""

    ours: str
    paths: Sequence[Path]
    convert: Convert


class RowReader:
    """Read rows one by one, and note which columns no row has."""

    def __init__(self, mapping: Map, meanings: PriorityMeanings, *, is_json: bool) -> None:
        self._mapping, self._is_json = mapping, is_json
        self._convert = {str(ours): converter(ours, mapping, meanings) for ours in Ours}
        self._columns = [
            _Column(ours, [parse_path(each) for each in theirs], self._convert[ours])
            for ours, theirs in mapping.columns.items()
            if ours != Ours.TICKET
        ]
        self._cut = [column for column in self._columns if column.ours in (*CUT, Ours.TAGS)]
        self._ticket = [parse_path(each) for each in mapping.columns[Ours.TICKET]]
        constants = mapping.constants.items()
        self._constants = {name: list(value) if isinstance(value, tuple) else value for name, value in constants}
        #: The number of rows that were read.
        self.read = 0
        #: The columns of ours that no row had yet, in the order of the map.
        self.unseen = {column.ours: column.paths for column in self._columns}
        #: The names in the first rows.
        self.names: dict[str, None] = {}

    def skipped_by(self, row: Mapping[str, Any]) -> str | None:
        """Return the column because of which the map leaves a row out; None if it does not."""
        wanted = self._mapping.skip_when.items()
        return next((path for path, values in wanted if agrees((row,), {path: values}, word)), None)

    def record(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row under our names, words and times.

        Raises:
            LineError: a cell is missing, or its word or time is not known.
        """
        self.read += 1
        if self._is_json and self.read <= 1000:
            self.names.update(dict.fromkeys(list(row)[:1000]))
        for ours, paths in list(self.unseen.items()):
            if any(self._find(row, path) is not ABSENT for path in paths):
                del self.unseen[ours]
        record: dict[str, Any] = {"ticket": self._name(row)}
        for column in self._columns:
            value = self._value(row, column)
            if value is not ABSENT:
                record[column.ours] = value
        for needed in self._mapping.needed:
            if record.get(needed) is None:
                raise LineError(needed, "is missing")
        self._add_tagged(row, record)
        record |= self._constants
        for messages in self._mapping.messages:
            found = messages_of(row, record, messages, self._mapping)
            if found and messages.opening:
                opening, *found = found
                record["body"] = record.get("body") or opening["body"]
            if found is not None:
                record["messages"] = [*record.get("messages", ()), *found]
        for changes in self._mapping.changes:
            changed = changes_of(row, changes, self._mapping, self._convert)
            if changed is not None:
                record["changes"] = [*record.get("changes", ()), *changed]
        return record

    def cells(self, row: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, Any]]:
        """Yield for each column of ours theirs, the value there, and what it becomes or the error that it is."""
        ticket = _Column(Ours.TICKET, self._ticket, self._convert[Ours.TICKET])
        for column in (ticket, *self._columns):
            found = [value for path in column.paths if (value := self._find(row, path)) is not ABSENT]
            value = ABSENT if not found else found[0] if len(found) == 1 else found
            try:
                result = self._name(row) if column is ticket else self._value(row, column)
            except LineError as error:
                result = error
            yield column.ours, self._mapping.column(column.ours), value, result

    def cut(self, row: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield a warning for each text of a row whose end slactl does not keep, given the record of the row."""
        has_long_tag = any(len(tag) == TAG_LENGTH for tag in record.get("tags", ()))
        for column in self._cut:
            if column.ours == Ours.TAGS and not has_long_tag:
                continue
            values = (value for path in column.paths if (value := self._find(row, path)) is not ABSENT)
            if any(is_cut(value, column.ours, self._mapping) for value in values):
                yield Problem(0, column.ours, "the text is longer than slactl keeps; its end is left out")
        for place in dict.fromkeys(each["cut_at"] for each in record.get("messages", ()) if "cut_at" in each):
            yield Problem(0, place, "the text is longer than slactl keeps; its end is left out")

    def place(self, ours: str, row: Mapping[str, Any]) -> str:
        """Return what the source calls a column of ours in a row, for messages."""
        paths = self._mapping.columns.get(ours, ())
        there = (text for text in paths if self._find(row, parse_path(text)) not in (ABSENT, None))
        return self._mapping.column(ours) if ours == Ours.TICKET else next(there, self._mapping.column(ours))

    def _find(self, row: Mapping[str, Any], path: Path) -> Any:  # noqa: ANN401  (any cell)
        return find(row, path) if self._is_json else row.get(path.text, ABSENT)

    def _name(self, row: Mapping[str, Any]) -> str:
        convert = self._convert[Ours.TICKET]
        parts = [convert(None if (value := self._find(row, path)) is ABSENT else value) for path in self._ticket]
        if None in parts:
            raise LineError(Ours.TICKET, "is missing")
        # Converted once more, because the parts together may be too long.
        return str(convert("#".join(parts)) if len(parts) > 1 else parts[0])

    def _value(self, row: Mapping[str, Any], column: _Column) -> Any:  # noqa: ANN401
        """Return the converted value of a column: of several paths, of the first that has a value."""
        if len(column.paths) == 1:
            value = self._find(row, column.paths[0])
            return value if value is ABSENT else column.convert(value)
        result: Any = ABSENT
        found = [value for path in column.paths if (value := self._find(row, path)) is not ABSENT]
        words = self._mapping.values.get(column.ours, {})
        # A word that the map names goes before a word that only "*" translates.
        found.sort(key=lambda value: "*" in words and not (isinstance(value, (str, int)) and word(value) in words))
        unknown: LineError | None = None
        for value in found:
            try:
                result = column.convert(value)
            except UnknownWordError as error:
                unknown = unknown or error
                continue
            if result is not None and result != []:
                return result
        if unknown is not None:
            raise unknown
        return result

    def _add_tagged(self, row: Mapping[str, Any], record: dict[str, Any]) -> None:
        """Take the values that the map reads from tags; where no tag has the prefix, the column counts."""
        if not self._mapping.from_tags or "tags" not in record:
            return
        paths = [parse_path(each) for each in self._mapping.columns[Ours.TAGS]]
        values = (value for path in paths if (value := self._find(row, path)) is not ABSENT)
        words = [text.strip() for text in tag_words(next((each for each in values if each), None), self._mapping)]
        for ours, table in self._mapping.from_tags.items():
            tagged = next((text for text in words if text.startswith(table.prefix) and text != table.prefix), None)
            if tagged is not None:
                record[ours] = self._convert[ours](tagged[len(table.prefix) :])
            else:
                record.setdefault(ours, None)
