"""Show of a message what its writer wrote: without the quoted history and the signature.

This is a view; the whole text is kept. Only what is certainly quoted is left out: a text with answers between quoted
lines stays whole.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from slactl.sla.enums import EventType

#: The most lines of a signature, and of the line that introduces a quotation, which programs wrap.
LONGEST_SIGNATURE, LONGEST_INTRODUCTION = 15, 3

#: A line that a program wrapped, and the first word of the next one, have at least so many characters.
SHORTEST_WRAPPED = 60

#: The fewest quoted lines that count as history without a line that introduces them.
FEWEST_QUOTED = 3

#: The longest text of which a screen leaves out history, in characters: it may go on where the reading ends.
READ = 20_000

#: The longest first line, in characters, and the most lines of a text in which history is sought.
LONGEST_LINE, MOST_LINES = 2000, 20_000

#: The word "From" in the languages of mail programs: the first line of the headers above history that has no `>`.
_FROM = (
    *("from", "von", "de", "van", "från", "fra", "lähettäjä", "da", "od", "feladó", "kimden", "από", "от", "від"),
    *("expéditeur", "remitente", "mittente", "发件人", "寄件者", "差出人", "보낸 사람"),
)
_FIELD = re.compile(r"\*?([^\W\d_][\w .-]{0,24}?)\*?\s?[:\uff1a]\*?(?:\s|$)")
_SEPARATOR = re.compile(r"_{10,}|-{2,} ?[^\W\d_][^-]{2,60}-{2,}|-{10,}")
_DATE = re.compile(r"\d{1,2}[:.]\d\d|\d{4}")
_FORWARDED = re.compile(
    "forwarded|weitergeleitet|transf[eé]r|reenviad|inoltrat|doorgestuurd|vidarebef|пересыл", re.IGNORECASE
)
_DELIMITER = re.compile("-- ?")


def on_screen(messages: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield messages as a screen shows them: answers without the history that they quote (`left_out` lines)."""
    for message in messages:
        body = message["body"] or ""
        is_whole = message["type"] == EventType.CREATED or len(body) > READ
        shown = body if is_whole else without_quotes(body)
        left_out = body.rstrip().count("\n") - shown.rstrip().count("\n")
        yield {**message, "body": shown or message["body"], "left_out": left_out}


def first_line(text: str) -> str:
    """Return the first line that the writer of a message wrote, or an empty text."""
    lines = (line.strip() for line in without_quotes(text).split("\n"))
    return next((line for line in lines if line and not line.startswith(">")), "")[:LONGEST_LINE]


def without_quotes(text: str) -> str:
    """Return a text without the history that it quotes at its beginning or end, and without the signature.

    A text of which nothing would be left stays whole, and so does one of very many lines.
    """
    whole = text.split("\n")
    if len(whole) > MOST_LINES:
        return text
    lines = _without_quotation(whole[: _history_start(whole)])
    delimiters = [number for number, line in enumerate(lines) if _DELIMITER.fullmatch(line)]
    if delimiters and len(lines) - delimiters[-1] <= LONGEST_SIGNATURE + 1:
        lines = lines[: delimiters[-1]]
    shown = "\n".join(lines).strip("\n").rstrip()
    return shown if shown.strip() and len(lines) < len(whole) else text


def _history_start(lines: Sequence[str]) -> int:
    """Return the number of the line at which history begins that has headers above it and no `>`.

    Programs such as Outlook write it so. There are at least three headers, one of the first is "From". A message that
    was forwarded is no history.
    """
    begin = next((number for number, line in enumerate(lines) if line.strip()), 0) + 1
    for number, line in enumerate(lines[begin:], begin):
        field = _FIELD.match(line)
        if field is None or field[1].strip().lower() not in _FROM:
            continue
        following = [each for each in lines[number + 1 : number + 8] if each.strip()]
        if sum(1 for each in following[:4] if _FIELD.match(each)) < 2:
            continue
        start = number
        while start > begin and _FIELD.match(lines[start - 1]) and _DATE.search(lines[start - 1][:200]):
            start -= 1
        above = start - 1
        while above and not lines[above].strip():
            above -= 1
        separator = lines[above].strip()
        if not _FORWARDED.search(separator[:200]):
            return above if above and _SEPARATOR.fullmatch(separator) else start
    return len(lines)


def _without_quotation(lines: Sequence[str]) -> list[str]:
    """Return the lines without their only quotation, if it stands at the beginning or at the end."""
    quoted = [number for number, line in enumerate(lines) if line.startswith(">")]
    if not quoted:
        return list(lines)
    first, last = quoted[0], quoted[-1]
    if any(line.strip() and not line.startswith(">") for line in lines[first:last]):
        return list(lines)  # answers stand between quoted lines
    start = _introduction_start(lines, first)
    if start == first and len(quoted) < FEWEST_QUOTED:
        return list(lines)
    above, below = lines[:start], lines[last + 1 :]
    is_end = not any(map(str.strip, below)) or any(_DELIMITER.fullmatch(line) for line in below[:3])
    return [*above, *below] if is_end or not any(map(str.strip, above)) else list(lines)


def _introduction_start(lines: Sequence[str], quoted: int) -> int:
    """Return the number of the first line of `On …, Ann wrote:`, in any language, above a quoted line.

    It ends with a colon, and has a date or an address. Without such a line, return the number of the quoted line.
    """
    end = quoted
    while end and not lines[end - 1].strip():
        end -= 1
    if not end or not lines[end - 1].rstrip().endswith((":", "\uff1a")):
        return quoted
    found = quoted
    for start in range(end - 1, max(end - 1 - LONGEST_INTRODUCTION, -1), -1):
        words = lines[start].split()
        is_whole = start < end - 1 and len(lines[start]) + len(lines[start + 1].split()[0]) < SHORTEST_WRAPPED
        if not words or is_whole:
            break
        if _DATE.search(lines[start][:500]):
            return start
        if "@" in lines[start]:
            found = start
    return found
