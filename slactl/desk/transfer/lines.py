"""Reading histories that are to be imported or replayed, line by line; bad lines are reported, not fatal."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, AnyStr, BinaryIO

from slactl.clock import to_text
from slactl.errors import UsageError
from slactl.sla.history.fields import LineError
from slactl.sla.history.file import TENANT, TenantEntry, parse_record, parse_tenant, read_object
from slactl.store.sqlite.spool import Spooled

#: The longest line that is read, in bytes: a body of the greatest length, escaped.
LINE_BYTES = 8_000_000

#: The longest row of another help desk, in bytes or characters, that is read to say what is wrong with it.
ROW_BYTES = 16_000_000

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that could not be taken, or (a warning) only with a change: where, and why."""

    line: int
    field: str
    reason: str
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.line}:{self.field}" if self.field else f"{self.line}"
        return f"{place}: {self.reason}"


Report = Callable[[Problem], None]

#: Is told how many bytes were read.
Ticked = Callable[[int], None]


def read_history(
    source: BinaryIO,
    report: Report,
    ticked: Ticked,
    tenant: Callable[[TenantEntry], None] = lambda _: None,
) -> Iterator[Spooled]:
    """The events of a history file, line by line; `ticked` is told how many bytes were read, `tenant` of tenants.

    Raises:
        UsageError: it is no history but a table or one JSON document, which a map is needed for.
    """
    for number, raw in _lines(source, report, ticked):
        text = raw.strip()
        if not text:
            continue
        try:
            record = read_object(text)
            if record.get("type") == TENANT:
                tenant(parse_tenant(record))
                continue
            line = parse_record(record)
        except LineError as error:
            report(Problem(number, error.field, error.reason))
            continue
        yield number, line.ticket, to_text(line.event.at), text


def peek(source: Any) -> bytes:  # noqa: ANN401  (anything that can be peeked into)
    """The beginning of a stream, without a byte order mark; reading begins there all the same."""
    start: bytes = source.peek(4096)[:4096] if hasattr(source, "peek") else b""
    return start.removeprefix(BOM)


def _lines(source: BinaryIO, report: Report, ticked: Ticked) -> Iterator[tuple[int, str]]:
    """The lines as text; one that is not UTF-8 or is far too long is reported and left out."""
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
    """Yield the lines of a stream; of one longer than `most` only so much and one more, so that memory stays flat."""
    while raw := source.readline(most + 1):
        ticked(len(raw))
        yield raw
        while len(raw) > most and raw[-1:] not in ("\n", b"\n"):
            raw = source.readline(most + 1)
            ticked(len(raw))
            if len(raw) <= most:
                break
