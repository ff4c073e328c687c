"""Read the events of an iCalendar feed: who is named, and when, with repetitions, exceptions, whole days and zones.

`python -m slactl.sla.oncall.feed` does that in a process of its own, which its caller ends when it takes too long.
"""

import json
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from heapq import heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.sla.calendar.zone import DAY, EPOCH, Zone, day_number
from slactl.sla.oncall.schedule import FeedEvent

if TYPE_CHECKING:
    from icalendar import Calendar

#: The most events, repetitions counted, that a feed may have in the months that are read.
MOST_EVENTS = 50_000

#: The most memory that the reading process may use, in bytes.
MEMORY = 1 << 30

#: Marks each event with its place in the file, which its repetitions inherit.
_PLACE = "X-SLACTL-PLACE"

#: How often an event may repeat.
_FREQUENCIES = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")


class PlainEvent(NamedTuple):
    """Hold [start, end) of an event in seconds since 1970, its summary, and the addresses of its attendees.

    `declined` are the addresses of attendees who do not take part.
    """

    start: int
    end: int
    summary: str
    addresses: Sequence[str]
    declined: Sequence[str] = ()


class Expanded(NamedTuple):
    """Hold the events of a feed, and why others are left out, for people."""

    events: list[PlainEvent]
    left_out: list[str]


class PlannedFeed:
    """Answer who is on call by a feed; of events that overlap, the first in the file counts."""

    def __init__(self, events: Sequence[FeedEvent], span: tuple[int, int]) -> None:
        """Take events in the order of the file, and the [first, last) in which they are known."""
        self.span = span
        self._events = list(_without_overlaps(events))
        self._starts = [event.start for event in self._events]
        self._ends = [event.end for event in self._events]

    def events(self, a: int, b: int) -> Sequence[FeedEvent]:
        """Return the parts of events that count and overlap [a, b), by time."""
        return self._events[bisect_right(self._ends, a) : bisect_left(self._starts, b)]


def _without_overlaps(events: Sequence[FeedEvent]) -> Iterator[FeedEvent]:
    """Yield the parts of events in which no earlier event of the list counts, by time."""
    by_start = sorted(range(len(events)), key=lambda place: events[place].start)
    edges = sorted({t for event in events for t in (event.start, event.end)})
    open_, next_ = list[int](), 0
    for start, end in pairwise(edges):
        while next_ < len(by_start) and events[by_start[next_]].start <= start:
            heappush(open_, by_start[next_])
            next_ += 1
        while open_ and events[open_[0]].end <= start:
            heappop(open_)
        if open_:
            yield FeedEvent(start, end, events[open_[0]].person)


def planned(
    events: Iterable[PlainEvent], people: Mapping[str, Iterable[str]], span: tuple[int, int]
) -> tuple[PlannedFeed, list[str]]:
    """Return the events that name one of some people, and the summaries of the others.

    `people` has the addresses of each person, and `span` the [first, last) in which the events are known.
    """
    by_word = {name.casefold(): name for name in people}
    by_address = {email.casefold(): name for name, emails in people.items() for email in emails}
    known, unknown = list[FeedEvent](), dict[str, None]()
    for event in events:
        words = (event.summary.strip().casefold(), *(address.casefold() for address in event.addresses))
        named = (by_word.get(words[0]), *(by_address.get(word) for word in words))
        declined = {by_address.get(address.casefold()) for address in event.declined}
        person = next((name for name in named if name is not None and name not in declined), None)
        if person is None:
            unknown[event.summary] = None
        else:
            known.append(FeedEvent(event.start, event.end, person))
    return PlannedFeed(known, span), list(unknown)


def expanded(content: bytes, timezone: str, first: int, last: int) -> Expanded:
    """Return the events of a feed that overlap [first, last), repetitions one by one, in the order of the file.

    Whole days and times without a zone are in `timezone`; a time that the clocks skip or double is read as section
    "Hand-overs" of the guide says. Events that were cancelled are left out, and those in a zone that nobody knows.

    Raises:
        ValueError: it is not an iCalendar file, an event is not valid, or there are too many.
    """
    import recurring_ical_events
    from icalendar import Calendar

    calendar = Calendar.from_ical(content)
    if calendar.name != "VCALENDAR":
        raise ValueError("it is not an iCalendar file")
    left_out = _mark(calendar)
    zone, found = Zone(timezone), list[tuple[int, PlainEvent]]()
    a, b = (datetime.fromtimestamp(t, EPOCH.tzinfo) for t in (first - DAY, last + DAY))
    for event in recurring_ical_events.of(calendar).between(a, b):
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        start, end = (_instant(value, zone) for value in (event.start, event.end))
        if start < end and start < last and end > first:
            plain = PlainEvent(start, end, str(event.get("SUMMARY", "")), *_addresses(event))
            found.append((int(event[_PLACE]), plain))
        if len(found) > MOST_EVENTS:
            raise ValueError(f"it has more than {MOST_EVENTS:,} events")
    return Expanded([event for _, event in sorted(found, key=lambda entry: (entry[0], entry[1].start))], left_out)


def _mark(calendar: "Calendar") -> list[str]:
    """Mark each event with its place, and remove those in a zone that nobody knows; return why these are left out.

    Raises:
        ValueError: the begin, the end or the repetition of an event cannot be read, or it repeats each minute.
    """
    unknown = dict[str, str]()
    for place, event in enumerate(calendar.walk("VEVENT")):
        which = f"event {place + 1}"
        wrong = [f"{name}: {why}" for name, why in event.errors if name in _TIMES]
        if wrong or "DTSTART" not in event:
            raise ValueError(f"{which} has no valid time: {wrong[0] if wrong else 'DTSTART is missing'}")
        rules = event.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            if rule.get("FREQ", [""])[0] not in _FREQUENCIES or "BYSECOND" in rule or "BYMINUTE" in rule:
                raise ValueError(f"{which} repeats more often than each hour")
        event[_PLACE] = str(place)
        if zone := _unknown_zone(event):
            why = f"{which} ({str(event.get('SUMMARY', ''))[:40]!r}) is left out: its time zone {zone!r} is unknown"
            unknown.setdefault(str(event.get("UID", place)), why)
    # An exception to a series has the UID of the series. Without one of the two, the other says something else.
    calendar.subcomponents = [
        part for part in calendar.subcomponents if str(part.get("UID", part.get(_PLACE))) not in unknown
    ]
    return list(unknown.values())


def _unknown_zone(event: Any) -> str | None:  # noqa: ANN401  (an event of the library)
    """Return a time zone that the event names and nobody knows, or None; the library then returns naive times."""
    for name in _TIMES:
        stated = event.get(name, [])
        for each in stated if isinstance(stated, list) else [stated]:
            values = [one.dt for one in each.dts] if hasattr(each, "dts") else [getattr(each, "dt", None)]
            is_naive = any(isinstance(value, datetime) and value.tzinfo is None for value in values)
            if is_naive and (zone := each.params.get("TZID")):
                return str(zone)
    return None


_TIMES = ("DTSTART", "DTEND", "DURATION", "RRULE", "EXDATE", "RDATE", "RECURRENCE-ID")


def _instant(value: date, zone: Zone) -> int:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return int((value - EPOCH).total_seconds())
    clock = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001
    seconds = clock.hour * 3600 + clock.minute * 60 + clock.second
    return zone.instant(day_number(clock.date()) * DAY + seconds)


def _addresses(event: Any) -> tuple[list[str], list[str]]:  # noqa: ANN401  (an event of the library)
    """Return the addresses of the attendees who did not decline, and of those who did."""
    stated, attending, declined = event.get("ATTENDEE", []), list[str](), list[str]()
    for attendee in stated if isinstance(stated, list) else [stated]:
        text = str(attendee)
        address = text[7:] if text[:7].casefold() == "mailto:" else text
        has_declined = str(attendee.params.get("PARTSTAT", "")).upper() == "DECLINED"
        (declined if has_declined else attending).append(address)
    return attending, declined


def _answer(arguments: Sequence[str], content: bytes) -> Iterator[str]:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    timezone, first, last = arguments
    try:
        yield json.dumps(expanded(content, timezone, int(first), int(last))._asdict())
    except Exception as error:  # the library raises errors of many kinds for what it cannot read
        yield json.dumps({"error": str(error) or type(error).__name__})


if __name__ == "__main__":
    sys.stdout.writelines(_answer(sys.argv[1:], sys.stdin.buffer.read()))
