"""Walk through the parts of a message: find its text and the names of its attachments.

Python's parser needs several times the size of a message in memory, and fails on deep messages. So the parts are found
by their borders in the bytes, and only texts are decoded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from slactl.desk.mail.parsing.headers import (
    LONGEST,
    Headers,
    decoded,
    first,
    header_end,
    one_line,
    parsed,
    read_headers,
)
from slactl.desk.mail.parsing.texts import readable

#: The deepest part that is looked into, the most parts, and the most borders of parts in one message.
DEEPEST, MOST_PARTS, MOST_BORDERS = 20, 1000, 20_000

#: The most forms of one text among which one that can be read is sought.
MOST_FORMS = 10

#: The most bytes of all texts of a message, before decoding.
LONGEST_TEXT = 4 << 20

#: The most names of attachments, the longest name, and the longest header with one.
MOST_NAMES, LONGEST_NAME, LONGEST_NAMING = 100, 200, 2000

#: What programs tell programs: signatures, and the parts of reports. Nobody attached it.
_FOR_PROGRAMS = (
    *("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"),
    *("application/pgp-encrypted", "message/delivery-status", "message/disposition-notification"),
    *("message/global-delivery-status", "message/feedback-report", "text/rfc822-headers"),
)
_TEXTS = ("text/plain", "text/html", "text/enriched", "text/richtext")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message: what its headers say, and where its body is."""

    headers: Headers
    start: int
    end: int
    #: The content type of a part that does not say it.
    default: str = "text/plain"

    @property
    def kind(self) -> str:
        """Return the content type in small letters."""
        found = re.match(r"\s*([\w.+-]+/[\w.+-]+)\s*(?:[;(]|$)", first(self.headers, "content-type"))
        return found[1].lower() if found else self.default

    def param(self, name: str) -> str:
        """Return a parameter of the content type, or an empty text."""
        value = first(self.headers, "content-type")
        found = re.search(rf'[;\s]{name}\s*=\s*(?:"([^"]*)"|([^\s;"]+))', value, re.IGNORECASE)
        return (found[1] or found[2] or "").rstrip() if found else ""

    @property
    def is_attached(self) -> bool:
        """Return whether the part says that it is an attachment."""
        return first(self.headers, "content-disposition").lower().startswith("attachment")

    @property
    def has_name(self) -> bool:
        """Return whether the headers name a file, as those of an attachment do."""
        said = first(self.headers, "content-disposition") + first(self.headers, "content-type")
        return re.search(r"\b(?:file)?name[*\d]*\s*=", said, re.IGNORECASE) is not None

    @property
    def name(self) -> str:
        """Return the name of the file in this part, or an empty text."""
        for header, param in (("content-disposition", "filename"), ("content-type", "name")):
            value = first(self.headers, header)[:LONGEST_NAMING]
            if not (found := re.search(rf'\b{param}[*\d]*\s*=\s*(?:"([^"]*)|([^";]+))', value, re.IGNORECASE)):
                continue
            params = getattr(parsed(header, value), "params", {})
            if name := one_line(decoded(str(params.get(param) or found[1] or found[2] or "")), LONGEST_NAME):
                return name
        return ""


@dataclass(slots=True)
class Walk:
    """The way through the parts of one message, and what is found on it."""

    data: bytes
    names: list[str] = field(default_factory=list)
    #: Whether the end of a text is left out.
    is_cut: bool = False
    _parts: int = 0
    _borders: int = 0
    _read: int = 0

    def attachments(self) -> tuple[str, ...]:
        """Return the names of the attachments; the last one says how many have no room."""
        more = len(self.names) - MOST_NAMES
        return (*self.names[:MOST_NAMES], f"… and {more:,} more") if more > 0 else tuple(self.names)

    def text_of(self, part: Part, depth: int = 0, *, is_wanted: bool = True) -> str:
        """Return the text of a part and of the parts in it, and note the names of attachments."""
        kind = part.kind
        if kind.startswith("multipart/") and depth < DEEPEST:
            inner = list(self._inner(part))
            if kind == "multipart/alternative":
                return self._one_of(inner, depth + 1, is_wanted)
            texts = [self.text_of(each, depth + 1, is_wanted=is_wanted) for each in inner]
            # Without borders everything is text.
            return "\n\n".join(filter(None, texts)) if inner else self._decoded(part, "text/plain", is_wanted)
        if kind in _TEXTS and not part.is_attached and not (depth and part.has_name):
            return self._decoded(part, kind, is_wanted)
        if kind not in _FOR_PROGRAMS:
            self.names.append(self._name_of(part))
        return ""

    def _one_of(self, forms: list[Part], depth: int, is_wanted: bool) -> str:
        """Return the plain one of several forms of a text, else the last one that can be read."""
        text = ""
        ordered = sorted(reversed(forms), key=lambda each: each.kind != "text/plain")
        for number, form in enumerate(ordered):
            is_text = form.kind in _TEXTS or form.kind.startswith("multipart/")
            # What is in other forms counts only if it is attached, or if nothing else can be read.
            if is_text or form.is_attached or not text:
                text = self.text_of(form, depth, is_wanted=is_wanted and not text and number < MOST_FORMS) or text
        return text

    def _decoded(self, part: Part, kind: str, is_wanted: bool) -> str:
        if not is_wanted:
            return ""
        end = min(part.end, part.start + LONGEST_TEXT - self._read)
        self._read += end - part.start
        encoding = first(part.headers, "content-transfer-encoding").lower()
        reading = readable(self.data[part.start : end], kind, encoding, part.param)
        self.names += [one_line(name, LONGEST_NAME) for name in reading.names]
        self.is_cut = self.is_cut or end < part.end or reading.is_cut
        return reading.text

    def _name_of(self, part: Part) -> str:
        """Return the name of an attachment; a message that is attached has its subject for a name."""
        if len(self.names) >= MOST_NAMES:
            return ""  # it is only counted
        name = part.name
        if name or part.kind != "message/rfc822":
            return name or f"unnamed {part.kind}"
        end = header_end(self.data, part.start, min(part.end, part.start + LONGEST))
        subject = decoded(first(read_headers(self.data, part.start, end), "subject"))
        return f"{one_line(subject, LONGEST_NAME - 4) or 'unnamed message'}.eml"

    def _inner(self, part: Part) -> Iterator[Part]:
        """Yield the parts between the borders of a part."""
        default = "message/rfc822" if part.kind == "multipart/digest" else "text/plain"
        start = None
        for at, after in [*self._borders_in(part), (part.end, part.end)]:
            if start is not None and self._parts < MOST_PARTS:
                self._parts += 1
                yield part_at(self.data, start, max(start, at), default)
            start = after
            if after is None:
                return

    def _borders_in(self, part: Part) -> Iterator[tuple[int, int | None]]:
        """Yield where the border lines of a part begin and end; the last border has no end."""
        mark = b"--" + part.param("boundary").encode()
        after = part.start
        while len(mark) > 2 and self._borders < MOST_BORDERS:
            at = self.data.find(mark, after, part.end)
            if at < 0:
                return
            self._borders += 1
            after = at + len(mark)
            if at > part.start and self.data[at - 1] != ord("\n"):
                continue
            found = re.compile(rb"(--)?[ \t]*\r?(?:\n|\Z)").match(self.data, after, min(part.end, after + 200))
            if found:
                before = at - (2 if self.data[max(at - 2, 0) : at] == b"\r\n" else 1)
                yield before, None if found[1] else found.end()


def part_at(data: bytes, start: int, end: int, default: str = "text/plain") -> Part:
    """Return the part between two positions."""
    body = header_end(data, start, min(end, start + LONGEST))
    headers = read_headers(data, start, body)
    return Part(headers, after_blank_line(data, body, end), end, default)


def after_blank_line(data: bytes, at: int, end: int) -> int:
    """Return the position behind the blank line at a position; the position itself if there is none."""
    blank = re.compile(rb"\r?\n").match(data, at, end)
    return blank.end() if blank else at
