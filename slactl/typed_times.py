"""Read the times and ranges that people type, in the display zone.

A weekday, a time of day or a date without a year can mean several instants: the last one counts where something
happened, the next one where something will happen.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from slactl import clock
from slactl.clock import FIRST_YEAR, LAST_YEAR, within_years
from slactl.display_zone import instant_of, shown
from slactl.errors import UsageError
from slactl.text import clean
from slactl.typed_dates import END, FILLERS, HELP, Said, refuse_ambiguous, written_dates

if TYPE_CHECKING:
    from slactl.durations import Duration

EXAMPLES = "2026-03-02T09:00Z, '2026-03-02 9:00', now, '2h ago', 'in 30m', 'yesterday 17:00', 'fri 9am' or '26 Nov'"

DAY = 86_400

#: The words of a unit of time, and the unit as durations have it.
_UNITS = (
    *(("s", "s|secs?|seconds?"), ("m", "m|mins?|minutes?"), ("h", "h|hrs?|hours?"), ("d", "d|days?")),
    *(("w", "w|weeks?"), ("bd", "bd|business days?")),
)


class Hours(Protocol):
    """The calendar on which a typed time is counted."""

    @property
    def timezone(self) -> str:
        """Return the name of its zone."""

    def add_days(self, start: datetime, n: int) -> datetime:
        """Return the n-th following open date from an instant."""

    def closing(self, day: date) -> datetime | None:
        """Return when the hours of a date end; None where it has none, or never closes."""


class OnCalendar(NamedTuple):
    """A typed time that depends on a calendar: `eod`, `in 3bd`. `on` returns the instant, without a calendar too."""

    text: str
    on: Callable[[Hours | None], datetime]


class Range(NamedTuple):
    """The instants [since, until) of a filter; None where a side is open."""

    since: datetime | None
    until: datetime | None


#: A time as a person typed it: an instant, or what a calendar makes one.
TypedTime = datetime | OnCalendar


def parse_instant(text: str, now: datetime, *, ahead: bool = False) -> datetime:
    """Parse a time that a person typed, to UTC, where no calendar is known.

    Raises:
        UsageError: it is not a time, could mean two dates, needs a calendar, or lies outside the years 1970 to 2199.
    """
    found = parse_time(text, now, ahead=ahead)
    return found if isinstance(found, datetime) else found.on(None)


def parse_time(text: str, now: datetime, *, ahead: bool = False) -> TypedTime:
    """Parse a time that a person typed, to UTC; without an offset it is in the display zone.

    A weekday, a time of day or a date without a year means the last one, or with `ahead` the next one.

    Raises:
        UsageError: it is not a time, could mean two dates, or lies outside the years 1970 to 2199.
    """
    typed = " ".join(text.split())
    refuse_ambiguous(typed)
    try:
        found = _relative(typed.lower(), now) or _absolute(typed) or _natural(typed, now, ahead)
        return found if isinstance(found, OnCalendar) else within_years(found, text)
    except (ValueError, OverflowError, OSError) as error:
        said = str(error) if isinstance(error, Said) or "outside the years" in str(error) else ""
        raise UsageError(said or f"{clean(text)[:100]!r} is not a valid time; use {EXAMPLES}", HELP) from error


def parse_range(text: str, now: datetime, *, ahead: bool = False) -> Range:
    """Parse `SINCE..UNTIL`, of which a side may be empty, or a bare date, which is that day.

    An `UNTIL` with a time is excluded; one that is a bare date includes that day. It is the first one after `SINCE`
    where the last one would lie before it.

    Raises:
        UsageError: a side is not a time, or needs a calendar; or it ends before it begins.
    """
    since_text, dots, until_text = (part.strip() for part in text.partition(".."))
    if not dots:
        days = _bare_dates(text, now)
        if days is None:
            parse_instant(text, now, ahead=ahead)
            shown_text = clean(text.strip())[:100]
            raise UsageError(f"{shown_text!r} is not a range; write '{shown_text}..' or '..{shown_text}'", HELP)
        day = _nearest_day(days, now, ahead=ahead)
        return Range(_at(day, 0), _at(day, DAY))
    if not since_text and not until_text:
        raise UsageError(f"{clean(text)[:100]!r} has no time; write SINCE..UNTIL, such as 'mon..' or '..26 Nov'", HELP)
    since = parse_instant(since_text, now, ahead=ahead) if since_text else None
    until = _until(until_text, now, since, ahead) if until_text else None
    if since is not None and until is not None and until <= since:
        raise UsageError(f"the range {clean(text.strip())[:100]!r} ends before it begins", HELP)
    return Range(since, until)


def _until(text: str, now: datetime, since: datetime | None, ahead: bool) -> datetime:
    if re.search("(?i)^in | ago$", text):  # a distance is one from now, never from SINCE
        return parse_instant(text, now, ahead=ahead)
    base = max(now, since) if since is not None and ahead else now
    days = _bare_dates(text, now)
    if days is None:
        until = parse_instant(text, base, ahead=ahead)
        return until if since is None or until > since else parse_instant(text, since, ahead=True)
    if len(days) > 1:  # weekdays and dates without a year repeat; those around SINCE are meant
        days = _bare_dates(text, base) or days
    until = _at(_nearest_day(days, base, ahead=ahead), DAY)
    if since is not None and until <= since:
        until = _at(_nearest_day(_bare_dates(text, since) or days, since, ahead=True), DAY)
    return until


def _nearest_day(days: Sequence[date], now: datetime, *, ahead: bool) -> date:
    """Return the day that is meant; today counts as ahead and as past."""
    if len(days) == 1:
        return days[0]
    return min(day for day in days if _at(day, DAY) > now) if ahead else max(d for d in days if _at(d, 0) <= now)


def _bare_dates(text: str, now: datetime) -> Sequence[date] | None:
    """Return the dates that a text without a time of day may mean; None for any other text."""
    typed = " ".join(text.split())
    refuse_ambiguous(typed)
    try:
        written = written_dates(typed.lower().replace(",", " ").split(), shown(now).date())
    except ValueError:
        return None
    return None if written.has_clock else written.days


def _relative(text: str, now: datetime) -> TypedTime | None:
    if text == "now":
        return now
    match = re.fullmatch(r"(?:in (?P<ahead>.+)|(?P<ago>.+) ago)", text)
    if match is None:
        _refuse_bare_duration(text)
        return None
    duration = _duration(match["ahead"] or match["ago"])
    if duration.business_days:
        if match["ago"]:
            raise Said(f"{text[:100]!r}: business days are not counted back; use a date")
        return OnCalendar(text, lambda calendar: _business_days(text, now, duration.business_days, calendar))
    span = timedelta(seconds=duration.seconds)
    return now + span if match["ahead"] else now - span


def _duration(text: str) -> "Duration":
    from slactl.durations import parse_duration

    short = re.sub(r"^an? ", "1 ", text)
    for unit, words in _UNITS:
        short = re.sub(rf"(?<=[0-9])\s*(?:{words})(?![a-z])", unit, short)
    return parse_duration(re.sub(r"\s*(?:,|and)\s*", "", short))


def _refuse_bare_duration(text: str) -> None:
    try:
        _duration(text)
    except ValueError:
        return
    raise Said(f"{text[:100]!r} is a duration; write 'in {text[:100]}' or '{text[:100]} ago'")


def _business_days(text: str, now: datetime, days: int, calendar: Hours | None) -> datetime:
    if calendar is None:
        raise UsageError(f"{text!r} needs a calendar, and none is known here; use a date, or 'in {days}d'", HELP)
    return calendar.add_days(now, days)


def _absolute(text: str) -> datetime | None:
    """Return the instant of a text in ISO 8601, or of a time with a zone behind it; None for any other text."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is not None:
        return found
    # Python cannot convert local time in the first and the last year of datetime.
    far = not FIRST_YEAR <= found.year <= LAST_YEAR
    return found.replace(tzinfo=UTC) if far else instant_of(found)


def _natural(text: str, now: datetime, ahead: bool) -> TypedTime:
    words = text.replace(",", " ").split()
    if len(words) > 2 and (zoned := _zoned(words)) is not None:
        return zoned
    written = written_dates([word.lower() for word in words], shown(now).date())
    if written.seconds != END:
        return _nearest([_at(day, written.seconds) for day in written.days], now, ahead)
    is_today = [word.lower() for word in words if word.lower() not in FILLERS] == ["eod"]
    return OnCalendar(text, lambda calendar: _end(calendar, None if is_today else written.days, now, ahead))


def _zoned(words: Sequence[str]) -> datetime | None:
    """Return the instant of a date and a time with an offset or zones behind it, as slactl prints them, or None."""
    *rest, last = words
    if not re.fullmatch(r"[+-][0-9]{2}:[0-9]{2}|UTC|Z|[A-Z]\w+/[\w/+-]+", last):
        return None
    if last[0] in "+-":
        return datetime.fromisoformat(f"{_wall(rest).isoformat()}{last}")
    if re.fullmatch(r"[+-][0-9]{2}:[0-9]{2}", rest[-1]):
        return datetime.fromisoformat(f"{_wall(rest[:-1]).isoformat()}{rest[-1]}")
    return _wall(rest).replace(tzinfo=clock.new_zone("UTC" if last == "Z" else last))


def _wall(words: Sequence[str]) -> datetime:
    """Return the only wall time that the words can mean.

    Raises:
        ValueError: they could mean several.
    """
    written = written_dates([word.lower() for word in words], date(FIRST_YEAR, 1, 1))
    (day,) = written.days
    if written.seconds == END or not written.has_clock:
        raise ValueError("there is no time of day")
    return datetime.combine(day, time()) + timedelta(seconds=written.seconds)


def _nearest(instants: Sequence[datetime], now: datetime, ahead: bool) -> datetime:
    """Return the only instant, or the next one after now, or the last one up to now."""
    if len(instants) == 1:
        return instants[0]
    return min(each for each in instants if each > now) if ahead else max(each for each in instants if each <= now)


def _end(calendar: Hours | None, days: Sequence[date] | None, now: datetime, ahead: bool) -> datetime:
    """Return the end of the hours on one of the days; of today, or of a night shift that still lasts, without days."""
    if days is not None:
        return _nearest([_closing(calendar, day) for day in days], now, ahead)
    today = (shown(now) if calendar is None else now.astimezone(clock.zone(calendar.timezone))).date()
    before = calendar.closing(today - timedelta(days=1)) if calendar is not None else None
    return before if before is not None and before > now else _closing(calendar, today)


def _closing(calendar: Hours | None, day: date) -> datetime:
    closes = calendar.closing(day) if calendar is not None else None
    return closes if closes is not None else _at(day, DAY)


def _at(day: date, seconds: int) -> datetime:
    """Return the instant of a time of day in the display zone; `DAY` is 24:00."""
    return instant_of(datetime.combine(day, time()) + timedelta(seconds=seconds))
