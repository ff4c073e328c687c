"""Read the ranges of time that people type: `SINCE..UNTIL`, in the display zone."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from slactl.display_zone import instant_of, shown
from slactl.errors import UsageError
from slactl.typed_times import parse_instant

#: What makes a typed time an instant and not a whole day: a clock time, a distance from now, or a word for a time.
_INSTANT = r"\d:\d|\d(?i:t)\d|\d ?(?i:am|pm)\b|(?i:^in |\bago$|\b(?:now|noon|midnight|eod)\b)"

#: What lies a stated distance from now; no other day can be meant.
_DISTANT = r"(?i:^in |\bago$|^(?:now|today|yesterday|tomorrow)\b)"


class Range(NamedTuple):
    """The instants from `since` up to `until`, which is excluded; None has no limit on that side."""

    since: datetime | None
    until: datetime | None


def parse_range(text: str, now: datetime, *, ahead: bool = False) -> Range:
    """Parse a range that a person typed; an UNTIL that is a bare date includes that day, and a date alone is that day.

    A weekday means the last one, or with `ahead` the next one; as UNTIL it is the first one after SINCE if the other
    would lie before it.

    Raises:
        UsageError: it is not a range, a side is not a time, or the range ends before it begins.
    """
    written = " ".join(text.split())
    first, dots, last = (part.strip() for part in written.partition(".."))
    if not dots:
        if not written or not _is_day(written):
            raise UsageError(f"{text[:100]!r} is not a range; use SINCE..UNTIL, such as 'yesterday..' or 'mon..fri'")
        first = last = written
    since = parse_instant(first, now, ahead=ahead) if first else None
    until = _end(last, now, since, ahead=ahead) if last else None
    if since is not None and until is not None and until <= since:
        raise UsageError(f"the range {text[:100]!r} ends before it begins")
    return Range(since, until)


def _end(text: str, now: datetime, since: datetime | None, *, ahead: bool) -> datetime:
    until = parse_instant(text, now, ahead=ahead)
    if since is not None and until < since and not re.search(_DISTANT, text):
        until = parse_instant(text, since, ahead=True)
    return _next_midnight(until) if _is_day(text) else until


def _is_day(text: str) -> bool:
    return re.search(_INSTANT, text) is None


def _next_midnight(begin: datetime) -> datetime:
    """Return the end of the day that begins at `begin`."""
    day = shown(begin).date() + timedelta(days=1)
    return instant_of(datetime(day.year, day.month, day.day))  # noqa: DTZ001  (the wall time of the zone)
