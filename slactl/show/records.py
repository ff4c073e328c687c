"""Records for programs: tab-separated, JSON, JSON lines, CSV, ids. Never imports Rich."""

import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TextIO

from slactl.errors import StorageError, UsageError
from slactl.show.form import ESCAPING, Form, escaped, speaks_unicode
from slactl.text import HIDDEN, clean, did_you_mean, quoted

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Record = Mapping[str, Any]

#: How many records are kept in memory before a temporary file takes them.
MANY = 5_000
CHUNK = 65_536
#: How many bytes of other output are kept in memory before a temporary file takes them.
SPOOLED = 8_000_000

#: Characters that begin a formula in a spreadsheet, full-width forms included.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

# A spreadsheet with decimal commas splits at semicolons, and ignores a quote that is not the first character of a cell.
# There the text after a semicolon begins a cell even inside quotes.
_LATER_START = f';(?=[\\s"]*[{re.escape("".join(FORMULA_STARTS))}])'

# The json module leaves these unescaped, but a terminal obeys or hides them.
# The expression is compiled when first needed: most output is plain ASCII.
_DECEPTIVE = f"[\x7f-\x9f\u2028\u2029{HIDDEN}]"


def choose_fields(asked: str | None, known: Sequence[str], hint: str | None = None) -> tuple[str, ...]:
    """Return the fields named in `--fields a,b,c`, in that order; all of them if it is not given.

    `hint` is the command that lists the fields.

    Raises:
        UsageError: a name that is not among `known`, or no name at all.
    """
    if asked is None:
        return tuple(known)
    names = tuple(dict.fromkeys(name for name in (part.strip() for part in asked.split(",")) if name))
    if not names:
        raise UsageError("--fields names no field", hint)
    for name in names:
        if name not in known:
            meant = did_you_mean(name, known)
            raise UsageError(f"there is no field {clean(name)[:100]!r}{meant}", hint)
    return names


def write(
    records: Iterable[Record],
    form: Form,
    fields: Sequence[str],
    stream: TextIO,
    *,
    key: str = "id",
    header: bool = False,
) -> None:
    """Write the records in a form for programs, one at a time as they come; `ids` prints the field `key`.

    With `header` tab-separated lines begin with the names of the fields; CSV always does.
    """
    if not speaks_unicode(stream):
        pour(spooled(records, form, fields, key=key, header=header), stream)
        return
    if header and form is Form.PLAIN:
        stream.write("\t".join(fields) + "\n")
    _WRITERS[form](records, fields, stream, key)


def spooled(
    records: Iterable[Record], form: Form, fields: Sequence[str], *, key: str = "id", header: bool = False
) -> TextIO:
    """Return all of the output of `write` in a stream, in memory or, if it is long, in a temporary file.

    The transaction can then end before a pager or a slow pipe has taken the records.

    Raises:
        StorageError: the temporary file cannot be written.
    """
    rest = iter(records)
    first = list(islice(rest, MANY))
    stream = io.StringIO() if len(first) < MANY else _temporary_file()
    write(chain(first, rest), form, fields, stream, key=key, header=header)
    stream.seek(0)
    return stream


class Spool:
    """A stream that keeps what is written to it: in memory, or in a temporary file if it is long.

    Methods raise StorageError when the temporary file cannot be written.
    """

    encoding = "utf-8"

    def __init__(self) -> None:
        self._kept: TextIO = io.StringIO()
        self._size = 0

    def write(self, text: str) -> int:
        """Write text, and move all of it to a temporary file if it gets too long for the memory."""
        self._size += len(text)
        if self._size > SPOOLED and isinstance(self._kept, io.StringIO):
            file = _temporary_file()
            file.write(self._kept.getvalue())
            self._kept = file
        return self._kept.write(text)

    def writelines(self, texts: Iterable[str]) -> None:
        """Write some texts."""
        for text in texts:
            self.write(text)

    def pour(self, stream: TextIO) -> None:
        """Copy everything to a stream, and forget it."""
        self._kept.seek(0)
        pour(self._kept, stream)


class _TemporaryFile(io.FileIO):
    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.close()  # so that nothing tries once more to write the rest
            raise _unwritable(error) from error


def _temporary_file() -> TextIO:
    """Open a file without a name, which is gone when it is closed."""
    from tempfile import TemporaryFile

    try:
        with TemporaryFile(buffering=0) as file:
            raw = _TemporaryFile(os.dup(file.fileno()), "r+")
    except OSError as error:
        raise _unwritable(error) from error
    return io.TextIOWrapper(io.BufferedRandom(raw), encoding="utf-8", errors=ESCAPING, newline="\n")


def _unwritable(error: OSError) -> StorageError:
    from tempfile import gettempdir

    try:
        folder = gettempdir()
    except OSError:  # no temporary folder takes a file
        folder = os.environ.get("TMPDIR") or "/tmp"
    reason = f"a temporary file cannot be written: {error.strerror}; set TMPDIR to a folder with free space"
    return StorageError(reason, f"df -h {quoted(folder)}")


def pour(spool: TextIO, stream: TextIO) -> None:
    """Copy spooled records to a stream, and close the spool."""
    with spool:
        while part := spool.read(CHUNK):
            put(part, stream)


def put(text: str, stream: TextIO) -> None:
    """Write text for programs: to a stream that is not Unicode in ASCII alone, the rest escaped as in JSON."""
    stream.write(text if speaks_unicode(stream) else text.encode("ascii", ESCAPING).decode("ascii"))


def write_pairs(record: Record, stream: TextIO) -> None:
    """Write one record as lines of field TAB value; each item of a list of records has a line of its own."""
    for name, value in record.items():
        items = iter(value) if isinstance(value, (list, Iterator)) else iter(())
        first = next(items, None)
        if isinstance(first, Mapping):
            for item in chain([first], items):
                put("\t".join([name.removesuffix("s"), *map(cell, item.values())]) + "\n", stream)
        else:
            put(f"{name}\t{cell(value) if not isinstance(value, Iterator) else ''}\n", stream)


def write_object(record: Record, stream: TextIO) -> None:
    """Write one record as an indented JSON object."""
    for piece in json_pieces(record, indent=2):
        put(piece, stream)
    put("\n", stream)


def write_line(record: Record, stream: TextIO) -> None:
    """Write one record as a line of JSON."""
    put(to_json(record) + "\n", stream)


def to_json(value: object, *, indent: int | None = None) -> str:
    """Return JSON that keeps the data exactly; characters that could deceive a reader on a terminal are escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    if text.isascii() and "\x7f" not in text:
        return text
    return re.sub(_DECEPTIVE, lambda mark: escaped(mark[0]) if mark[0] != "\x7f" else "\\u007f", text)


def json_pieces(record: Record, *, indent: int | None = None) -> Iterator[str]:
    """Yield the JSON of a record piece by piece; of a value that is an iterator one item is in memory at a time."""
    if not any(isinstance(value, Iterator) for value in record.values()):
        yield to_json(record, indent=indent)
        return
    outer = f"\n{' ' * indent}" if indent else ""
    before = "{" + outer
    for name, value in record.items():
        yield f"{before}{to_json(name)}: "
        before = f",{outer or ' '}"
        if isinstance(value, Iterator):
            yield from _list_pieces(value, indent, outer)
        else:
            yield to_json(value, indent=indent).replace("\n", outer)
    yield "\n}" if indent else "}"


def _list_pieces(items: Iterator[object], indent: int | None, outer: str) -> Iterator[str]:
    inner, before = f"{outer}{' ' * indent}" if indent else "", "["
    for item in items:
        yield before + inner + to_json(item, indent=indent).replace("\n", inner)
        before = "," if indent else ", "
    yield "[]" if before == "[" else f"{outer}]"


def cell(value: object) -> str:
    """Return a value as one cell of text: null is empty, lists have commas, mappings are JSON."""
    if isinstance(value, Iterator):
        value = list(value)
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return ",".join(clean(item) for item in value)
    return clean(to_json(value)) if isinstance(value, (list, tuple, Mapping)) else str(value)


def defused(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe."""
    text = cell(value)
    if isinstance(value, (int, float)):
        return text
    raw = value if isinstance(value, str) else text
    if ";" in text:
        text = re.sub(_LATER_START, ";'", text)
    return "'" + text if raw.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS) else text


def write_plain(records: Iterable[Record], fields: Sequence[str], stream: TextIO, key: str) -> None:
    """Write lines of cells with tabs between them."""
    for record in records:
        stream.write("\t".join([cell(record[field]) for field in fields]) + "\n")


def write_json(records: Iterable[Record], fields: Sequence[str], stream: TextIO, key: str) -> None:
    """Write a JSON array with an object on each line."""
    before = "[\n"
    for record in records:
        stream.write(before)
        stream.writelines(json_pieces({field: record[field] for field in fields}))
        before = ",\n"
    stream.write("[]\n" if before == "[\n" else "\n]\n")


def write_jsonl(records: Iterable[Record], fields: Sequence[str], stream: TextIO, key: str) -> None:
    """Write an object of JSON on each line."""
    for record in records:
        stream.writelines(json_pieces({field: record[field] for field in fields}))
        stream.write("\n")


def write_csv(records: Iterable[Record], fields: Sequence[str], stream: TextIO, key: str) -> None:
    """Write CSV with a header that no spreadsheet takes for formulas."""
    import csv

    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows([defused(record[field]) for field in fields] for record in records)


def write_ids(records: Iterable[Record], fields: Sequence[str], stream: TextIO, key: str) -> None:
    """Write the field `key` of each record on a line of its own."""
    for record in records:
        stream.write(f"{cell(record[key])}\n")


_WRITERS: dict[Form, Callable[[Iterable[Record], Sequence[str], TextIO, str], None]] = {
    Form.PLAIN: write_plain,
    Form.JSON: write_json,
    Form.JSONL: write_jsonl,
    Form.CSV: write_csv,
    Form.IDS: write_ids,
}
