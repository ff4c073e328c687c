"""Read history files line by line, for import and simulation; bad lines are reported and left out."""

import codecs
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, AnyStr, BinaryIO, cast

from slactl.clock import to_text
from slactl.errors import UsageError
from slactl.sla.enums import NO_WORDS, PriorityMeanings
from slactl.sla.history.file import TENANT, Line, TenantEntry, parse_line, parse_record, parse_tenant, read_object
from slactl.sla.history.order import by_source, in_order
from slactl.sla.history.readers import LineError
from slactl.store.sqlite.spool import Spool, Spooled

#: The longest line that is read, in bytes: a body of the greatest length, escaped.
LINE_BYTES = 8_000_000

#: The longest row of another help desk, in bytes or characters, of which slactl reports the mistakes.
ROW_BYTES = 16_000_000

BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that was left out or, for a warning, changed: its line, its field, and the reason.

    The same problem in several rows is one problem: `rows` is how many have it, `line` the first of them. Problems
    with the same `kind` are the same though their reasons differ; without a kind, those with the same reason are.
    """

    line: int
    field: str
    reason: str
    warning: bool = False
    rows: int = 1
    kind: str = ""
    #: Whether the file breaks off here, so that nobody knows what else it should have.
    breaks: bool = False

    @property
    def text(self) -> str:
        """Return the reason, and how many rows have the problem if they are several."""
        others = f"; so in {self.rows - 1:,} more {'row' if self.rows == 2 else 'rows'}" if self.rows > 1 else ""
        return f"{self.reason}{others}"

    def __str__(self) -> str:
        place = f"{self.line}:{self.field}" if self.field else f"{self.line}"
        return f"{place}: {self.text}"


Report = Callable[[Problem], None]

#: Takes how many bytes were read.
Ticked = Callable[[int], None]


def read_history(
    source: BinaryIO,
    report: Report,
    ticked: Ticked,
    tenant: Callable[[TenantEntry], None] = lambda _: None,
    meanings: PriorityMeanings = NO_WORDS,
) -> Iterator[Spooled]:
    """Yield the events of a history file, line by line; `ticked` gets how many bytes were read, `tenant` each tenant.

    `meanings` are those of other words for priorities.

    Raises:
        UsageError: it is a table or one JSON document, which needs a map.
    """
    for number, raw in _lines(with_line_feeds(source), report, ticked):
        text = raw.strip()
        if not text:
            continue
        try:
            record = read_object(text)
            if record.get("type") == TENANT:
                tenant(parse_tenant(record))
                continue
            line = parse_record(record, meanings)
        except LineError as error:
            report(Problem(number, error.field, error.reason))
            continue
        yield number, line.ticket, to_text(line.event.at), text


def histories(spool: Spool, report: Report, meanings: PriorityMeanings = NO_WORDS) -> Iterator[tuple[str, list[Line]]]:
    """Yield each ticket of a spooled history file with its history in the order of time.

    Lines that do not fit are reported and left out, and so are tickets without any other line.
    """
    for ticket, texts in spool.tickets():
        numbered: list[tuple[int, Line]] = []
        for number, text in texts:
            try:
                numbered.append((number, parse_line(text, meanings)))
            except LineError as error:
                report(Problem(number, error.field, error.reason))
        found = by_source(numbered)
        for source, own in found.items():
            history, problems = in_order(own)
            for number, unfit in problems:
                report(Problem(number, unfit.field, unfit.reason))
            if history:
                yield f"{source or ''}:{ticket}" if len(found) > 1 else ticket, history


#: A line of a table that ends in a carriage return alone; line ends inside quotes are not its end.
_ENDS_IN_CR = re.compile(r'(?:[^"\r\n]|"[^"]*")*\r(?!\n)')

#: The same of a line of JSON, where a backslash before a quote means that the string goes on.
_JSON_ENDS_IN_CR = re.compile(r'(?:[^"\r\n]|"(?:[^"\\]|\\.)*")*\r(?!\n)', re.DOTALL)


def _kept(error: UnicodeError) -> tuple[str, int]:
    """Turn bytes that a decoder refuses into lone surrogates, also in encodings where such a byte may be ASCII."""
    assert isinstance(error, UnicodeDecodeError)
    refused = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) if byte > 127 else chr(byte) for byte in refused), error.end


_KEPT = "slactl.kept"
codecs.register_error(_KEPT, _kept)


class Reencoded(io.RawIOBase):
    """A stream of text in some encoding, as UTF-8; bytes that are not in that encoding stay as they are."""

    def __init__(self, source: BinaryIO, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)(errors=_KEPT)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  (any buffer)
        while not self._rest:
            raw = self._source.read(1 << 16)
            self._rest = self._decoder.decode(raw, final=not raw).encode("utf-8", errors="surrogateescape")
            if not raw and not self._rest:
                return 0
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


class _LineFeeds(io.RawIOBase):
    """A stream of bytes in which each carriage return is a line feed."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  (any buffer)
        part = self._source.read(len(buffer)).replace(b"\r", b"\n")
        buffer[: len(part)] = part
        return len(part)


def ends_in_cr(start: str) -> bool:
    """Return whether the first line of a text ends in a carriage return alone, as old programs for the Mac write it."""
    line = _JSON_ENDS_IN_CR if start.lstrip()[:1] in ("{", "[") else _ENDS_IN_CR
    return line.match(start[:-1]) is not None


def with_line_feeds(source: BinaryIO) -> BinaryIO:
    """Return a stream that can be peeked into, and whose lines end in LF instead of CR alone."""
    stream = peekable(source)
    start = peek(stream)
    if not ends_in_cr(start.decode("utf-8", "replace")) or start[:2] in UTF16:
        return stream
    return cast("BinaryIO", io.BufferedReader(_LineFeeds(stream)))


def peekable(source: Any) -> BinaryIO:  # noqa: ANN401  (any stream of bytes)
    """Return a stream that can be peeked into: the stream itself, or one that reads from it."""
    return cast("BinaryIO", source if hasattr(source, "peek") else io.BufferedReader(source))


def as_utf8(source: BinaryIO, encoding: str | None) -> BinaryIO:
    """Return a stream of text in UTF-8 that can be peeked into, given the encoding of the text or None for UTF-8.

    A byte order mark of UTF-8 or UTF-16 is heeded in any case.
    """
    stream = peekable(source)
    found = found_encoding(stream.peek(4)[:4], encoding)  # type: ignore[attr-defined]
    if found is None or found == "utf-8":
        return stream
    return cast("BinaryIO", io.BufferedReader(Reencoded(stream, found)))


def found_encoding(start: bytes, named: str | None) -> str | None:
    """Return the encoding of a text that begins with some bytes, given the name in the map; None is UTF-8."""
    if start.startswith(BOM):
        return None
    if start[:2] in UTF16 and named != "utf-32":
        return "utf-16"
    if named in ("utf-16", "utf-32") and start[:2] not in UTF16:
        # Python needs to know the order of the bytes where no mark tells it.
        return f"{named}-be" if start[:1] == b"\0" else f"{named}-le"
    return named


def peek(source: Any) -> bytes:  # noqa: ANN401  (anything that can be peeked into)
    """Return the beginning of a stream, without a byte order mark, and leave the stream where it is."""
    start: bytes = source.peek(4096)[:4096] if hasattr(source, "peek") else b""
    return start.removeprefix(BOM)


def _lines(source: BinaryIO, report: Report, ticked: Ticked) -> Iterator[tuple[int, str]]:
    """Yield the lines as text; report and leave out a line that is not UTF-8 or is far too long."""
    start = peek(source).lstrip()
    document = start[:1] == b"[" or start.splitlines()[:1] == [b"{"]
    if start and (document or not any(line.lstrip().startswith(b"{") for line in start.splitlines())):
        raise UsageError("a history file has a JSON object on each line; a table needs --map", "slactl help import")
    for number, raw in enumerate(bounded_lines(source, LINE_BYTES, ticked), 1):
        if len(raw) > LINE_BYTES:
            report(Problem(number, "", f"the line is longer than {LINE_BYTES:,} bytes"))
            continue
        try:
            yield number, (raw.removeprefix(BOM) if number == 1 else raw).decode("utf-8")
        except UnicodeDecodeError as error:
            report(Problem(number, "", f"not UTF-8 at byte {error.start + 1} of the line"))


def bounded_lines(source: IO[AnyStr], most: int, ticked: Ticked) -> Iterator[AnyStr]:
    """Yield the lines of a stream; of one longer than `most` only `most` + 1, so that memory stays flat."""
    while raw := source.readline(most + 1):
        ticked(len(raw))
        yield raw
        while len(raw) > most and raw[-1:] not in ("\n", b"\n", "\r"):
            raw = source.readline(most + 1)
            ticked(len(raw))
            if len(raw) <= most:
                break
