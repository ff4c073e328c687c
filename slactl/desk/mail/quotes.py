"""Show of a message what its writer wrote: without the quoted history and the signature.

This is a view; the whole text is kept. Only what is certainly quoted is left out: a text with answers between quoted
lines stays whole.
"""

import re
from collections.abc import Sequence

#: The most lines of a signature, and of the line that introduces a quotation, which programs wrap.
LONGEST_SIGNATURE, LONGEST_INTRODUCTION = 15, 3

#: The fewest quoted lines that count as history without a line that introduces them.
FEWEST_QUOTED = 3

#: The longest first line, in characters.
LONGEST_LINE = 2000

#: The word "From" in the languages of mail programs: the first line of the headers above history that has no `>`.
_FROM = (
    *("from", "von", "de", "van", "från", "fra", "lähettäjä", "da", "od", "feladó", "kimden", "από", "от", "від"),
    *("expéditeur", "remitente", "mittente", "发件人", "寄件者", "差出人", "보낸 사람"),
)
_FIELD = re.compile(r"\*?([^\W\d_][\w .-]{0,24}?)\*?\s?[:\uff1a]\*?(?:\s|$)")
_SEPARATOR = re.compile(r"_{10,}|-{2,} ?[^\W\d_][^-]{2,60}-{2,}|-{10,}")
_DELIMITER = re.compile("-- ?")


def first_line(text: str) -> str:
    """Return the first line that the writer of a message wrote, or an empty text."""
    lines = (line.strip() for line in without_quotes(text).split("\n"))
    return next((line for line in lines if line and not line.startswith(">")), "")[:LONGEST_LINE]


def without_quotes(text: str) -> str:
    """Return a text without the history that it quotes at its beginning or end, and without the signature.

    A text of which nothing would be left stays whole.
    """
    lines = text.split("\n")
    lines = lines[: _history_start(lines)]
    lines = _without_quotation(lines)
    delimiters = [number for number, line in enumerate(lines) if _DELIMITER.fullmatch(line)]
    if delimiters and len(lines) - delimiters[-1] <= LONGEST_SIGNATURE + 1:
        lines = lines[: delimiters[-1]]
    shown = "\n".join(lines).strip("\n").rstrip()
    return shown if shown.strip() else text


def _history_start(lines: Sequence[str]) -> int:
    """Return the number of the line at which history begins that has headers above it and no `>`.

    Programs such as Outlook write it so. There are at least three headers, the first is "From".
    """
    for number, line in enumerate(lines):
        field = _FIELD.match(line)
        if field is None or field[1].strip().lower() not in _FROM or not any(map(str.strip, lines[:number])):
            continue
        following = [each for each in lines[number + 1 : number + 8] if each.strip()]
        if sum(1 for each in following[:4] if _FIELD.match(each)) < 2:
            continue
        above = number
        while above and not lines[above - 1].strip():
            above -= 1
        return above - 1 if above and _SEPARATOR.fullmatch(lines[above - 1].strip()) else number
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
    for start in range(end - 1, max(end - 1 - LONGEST_INTRODUCTION, -1), -1):
        if not lines[start].strip():
            break
        if re.search(r"\d{1,2}[:.]\d\d|\d{4}|\S@\S", " ".join(lines[start:end])[:1000]):
            return start
    return quoted
