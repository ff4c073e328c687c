"""Read the rows of a JSON document one by one, so that memory stays flat however large the document is."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from slactl.desk.transfer.foreign.paths import ABSENT, find, parse_path
from slactl.desk.transfer.json_text import ROW_CHARACTERS, Bad, BrokenError, JsonText, after_blanks
from slactl.desk.transfer.lines import Problem, Report, Ticked
from slactl.desk.transfer.maps import Map
from slactl.errors import UsageError
from slactl.sla.history.file import DECODER, read_object
from slactl.sla.history.readers import LineError
from slactl.text import clean

#: How long a document is at most, in characters, that is one ticket, or the first line of one with a ticket on each.
TICKET_CHARACTERS = 2_000_000

#: How deep objects may be nested in which slactl looks for a list of rows.
DEPTH = 8

#: How many lists an error names.
LISTS = 20

Path = tuple[str, ...]


class Item(NamedTuple):
    """An item of a list: the path of the list, the item's place in it from 1, and its value."""

    path: Path
    number: int
    value: Any


#: The number of an object in its list, or of its line, and the object.
NumberedRow = tuple[int, Mapping[str, Any]]


def json_rows(source: BinaryIO, mapping: Map, report: Report, ticked: Ticked) -> Iterator[NumberedRow]:
    """Yield the objects of the list that the map names, or of the only list with the ticket column; or one a line.

    The number is the object's in the list, or the line's. If the document ends too early, the rows before that place
    count.

    Raises:
        UsageError: there is no such list, or more than one; or the text breaks before the first row.
    """
    document, column = _Document(source, ticked), mapping.column("ticket")
    rows: Path | None = None
    bad, others, number, is_read = dict[int, str](), dict[Path, None](), 0, False
    try:
        for path, number, value in document.items(mapping):
            if rows is None and (path == () or mapping.rows is not None or has(value, mapping)):
                rows = path
                for before in range(1, number):
                    report(Problem(before, "", bad.get(before, f"{column} is missing")))
            elif rows is not None and path == rows and path and number == 1:
                raise UsageError(f"the list {list_name(path)} appears twice", "slactl import --help")
            elif rows is not None and path != rows:
                if has(value, mapping):
                    raise UsageError(two_lists(rows, path, column), "slactl help import")
                continue
            elif rows is None:
                others |= {path: None} if len(others) < LISTS else {}
                bad = ({} if number == 1 else bad) | ({number: value.reason} if isinstance(value, Bad) else {})
                continue
            if isinstance(value, dict):
                is_read = True
                yield number, value
            else:
                report(Problem(number, "", value.reason if isinstance(value, Bad) else "must be a JSON object"))
    except BrokenError as error:
        if not is_read:
            raise UsageError(f"the file is not JSON: {error}", "slactl import --help") from None
        report(Problem(number + 1, "", f"the file breaks here: {error}; slactl does not read the rest", breaks=True))
    if rows is None and (others or not document.has_empty_list):
        raise UsageError(document.fault or _without_rows(mapping, column, list(others)), "slactl help import")


def _without_rows(mapping: Map, column: str, others: list[Path]) -> str:
    """Return the message about a document without a list of rows; it names the lists of objects that are there."""
    if mapping.rows is not None:
        return f"the file has no list at {clean(mapping.rows)!r}, which the map names as rows"
    missing = f"no list of objects in the file has {clean(column)!r}, which the map needs for ticket"
    there = ", ".join(list_name(path) for path in others if path)
    return f"{missing} (lists of objects: {there})" if there else missing


def two_lists(first: Path, second: Path, column: str) -> str:
    which = f'rows = "{list_name(first)}" in a map of your own says which list to read'
    return f"the lists {list_name(first)} and {list_name(second)} both have {column!r}; {which}"


def list_name(path: Path) -> str:
    return clean(".".join(path))[:60]


def has(value: Any, mapping: Map) -> bool:  # noqa: ANN401  (parsed JSON)
    """Return whether a value has everything that identifies a ticket."""
    paths = map(parse_path, mapping.columns["ticket"])
    return isinstance(value, dict) and all(find(value, path) not in (ABSENT, None) for path in paths)


def _needed_there(value: Any, mapping: Map) -> set[str]:  # noqa: ANN401
    """Return which of the needed columns of ours besides the ticket, such as `created_at`, an object has."""
    others = {name: map(parse_path, mapping.columns[name]) for name in mapping.needed - {"ticket"}}
    return {name for name, paths in others.items() if any(find(value, path) not in (ABSENT, None) for path in paths)}


def _is_ticket(value: Any, mapping: Map) -> bool:  # noqa: ANN401
    """Return whether a value has every column that a row needs."""
    return has(value, mapping) and len(_needed_there(value, mapping)) == len(mapping.needed) - 1


def _is_page(value: Any, mapping: Map) -> bool:  # noqa: ANN401
    """Return whether an object is no ticket, but has a list of tickets inside, as a page of an answer has."""
    if not isinstance(value, dict) or has(value, mapping) or _needed_there(value, mapping):
        return False
    return any(_is_ticket(each, mapping) for _, listed in _lists_in(value, ()) for each in listed)


def _lists_in(value: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, list[Any]]]:
    """Yield the lists in an object, with the paths to them."""
    for name, each in value.items():
        if isinstance(each, list):
            yield (*path, name), each
        elif isinstance(each, dict) and len(path) < DEPTH:
            yield from _lists_in(each, (*path, name))


class _Document(JsonText):
    """A JSON text with rows in it."""

    def __init__(self, source: BinaryIO, ticked: Ticked) -> None:
        super().__init__(source, ticked)
        #: Whether an empty list was found that may be the list of rows.
        self.has_empty_list = False
        #: Why the whole document is not valid JSON, if it is short enough to be read at once.
        self.fault = ""
        #: How many items each list had so far, over all pages, and how many lists of pages the place is in.
        self._numbers, self._pages = dict[Path, int](), 0

    def items(self, mapping: Map) -> Iterator[Item]:
        """Yield the items of every list that may be the list of rows; the items of pages, if the first item is one.

        Raises:
            BrokenError: the text is not JSON from here on, or one of the pages cannot be read.
        """
        is_paged: bool | None = None
        for item in self._items(mapping):
            if is_paged is None:
                is_paged = item.path == () and _is_page(item.value, mapping)
            if not is_paged:
                yield item
            elif isinstance(item.value, dict):
                yield from self._items_of_page(item.value, mapping.rows)
            else:
                why = item.value.reason if isinstance(item.value, Bad) else "must be a JSON object"
                raise self.broken(f"page {item.number} {why}")

    def _items_of_page(self, page: Mapping[str, Any], rows: str | None) -> Iterator[Item]:
        for path, listed in _lists_in(page, ()):
            may_be_rows = leads_to(path, rows)
            self.has_empty_list = self.has_empty_list or (may_be_rows and not listed)
            for value in listed if may_be_rows and (rows or any(isinstance(each, dict) for each in listed)) else ():
                self._numbers[path] = self._numbers.get(path, 0) + 1
                yield Item(path, self._numbers[path], value)

    def _items(self, mapping: Map) -> Iterator[Item]:
        start = self.next()
        if start == "[":
            yield from self._list((), mapping)
        elif self._has_an_object_a_line():
            yield from self._objects_a_line()
            return
        elif (ticket := self._ticket(mapping)) is not None:
            yield Item((), 1, ticket)
        else:
            yield from self._object((), mapping)
        if self.next():
            raise self.broken("the document ends too early")

    def _has_an_object_a_line(self) -> bool:
        end = self.line_end(TICKET_CHARACTERS)
        if end is None:
            return False
        while (place := after_blanks(self.text, end)) == len(self.text) and place <= 2 * TICKET_CHARACTERS:
            if not self.more():
                return False
            end = self.line_end(TICKET_CHARACTERS) or 0
        return place < len(self.text) and isinstance(_object(self.text[self.at : end]), dict)

    def _objects_a_line(self) -> Iterator[Item]:
        number = self.line()
        while self.at < len(self.text) or self.more():
            end = self.line_end(ROW_CHARACTERS)
            if end is None:
                yield Item((), number, Bad(f"the line is longer than {ROW_CHARACTERS:,} characters"))
                end = self._end_of_long_line()
            elif line := self.text[self.at : end].strip():
                yield Item((), number, _object(line))
            self.at, number = end + 1, number + 1

    def _end_of_long_line(self) -> int:
        while (end := self.text.find("\n", self.at)) < 0:
            self.at = len(self.text)
            if not self.more():
                return len(self.text)
        return end

    def _ticket(self, mapping: Map) -> dict[str, Any] | None:
        """Return the whole document if it is one object that is itself a row."""
        while len(self.text) - self.at <= TICKET_CHARACTERS and self.more():
            pass
        if not self.is_over:
            return None
        try:
            value, end = DECODER.raw_decode(self.text, self.at)
        except (ValueError, RecursionError) as error:
            self.fault = "" if isinstance(error, json.JSONDecodeError) else f"the file is not valid JSON: {error}"
            return None
        if not _is_ticket(value, mapping):
            return None
        self.at = end
        return dict(value)

    def _object(self, path: Path, mapping: Map) -> Iterator[Item]:
        self.at += 1
        separator = "}" if self.next() == "}" else ","
        self.at += separator == "}"
        while separator != "}":
            name = self.value() if self.next() == '"' else None
            if not isinstance(name, str) or self.next() != ":":
                raise self.broken("a name and a colon are needed")
            self.at += 1
            here, start = (*path, name), self.next()
            if start == "[":
                yield from self._list(here, mapping)
            elif start == "{" and len(here) < DEPTH:
                yield from self._object(here, mapping)
            else:
                self.skip()
            separator = self.separator("}")

    def _list(self, path: Path, mapping: Map) -> Iterator[Item]:
        """Yield the items of a list, if it may be the list of rows, or of the lists in its items."""
        self.at += 1
        start, separator = self.next(), ","
        has_pages = leads_through(path, mapping.rows)
        is_rows = not has_pages and (not path or leads_to(path, mapping.rows))
        if start == "]":
            self.has_empty_list = self.has_empty_list or is_rows or has_pages
            self.at += 1
            separator = start
        is_rows = is_rows and (start == "{" or mapping.rows is not None or not path)
        self._numbers[path] = self._numbers.get(path, 0) if self._pages else 0
        self._pages += has_pages
        while separator != "]":
            if (begin := self.next()) == "{" and has_pages:
                yield from self._object(path, mapping)
            elif begin == "[" and is_rows:
                yield from self._page(path)
            elif is_rows:
                yield self._item(path)
            else:
                self.skip()
            separator = self.separator("]")
        self._pages -= has_pages

    def _page(self, path: Path) -> Iterator[Item]:
        """Yield the items of a list of rows that is itself an item of the list of rows."""
        self.at += 1
        separator = "]" if self.next() == "]" else ","
        self.at += separator == "]"
        while separator != "]":
            yield self._item(path)
            separator = self.separator("]")

    def _item(self, path: Path) -> Item:
        self._numbers[path] += 1
        return Item(path, self._numbers[path], self.value())


def leads_to(path: Path, rows: str | None) -> bool:
    """Return whether a list may be the list of rows: without a name for it, any may be."""
    return rows is None or ".".join(path) == rows.replace("[]", "").strip(".")


def leads_through(path: Path, rows: str | None) -> bool:
    """Return whether the lists of rows are in the items of a list, as the pages of an answer are."""
    here, wanted = ".".join(path), (rows or "").replace("[]", "").strip(".")
    return wanted.startswith(f"{here}.") if here else bool(wanted) and (rows or "").startswith("[]")


def _object(line: str) -> dict[str, Any] | Bad:
    try:
        return read_object(line)
    except LineError as error:
        return Bad(error.reason)
