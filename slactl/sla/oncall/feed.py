"""Read the events of an iCalendar feed: who is named, and when, with repetitions, exceptions, whole days and zones.

`python -m slactl.sla.oncall.feed` does that in a process of its own, which its caller ends when it takes too long.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.sla.calendar.zone import DAY, EPOCH, Zone, day_number
from slactl.sla.oncall.schedule import FeedEvent

if TYPE_CHECKING:
    from icalendar import Calendar

#: The most events, repetitions counted, that a feed may have in the years that are read.
MOST_EVENTS = 50_000

#: The most memory that the reading process may use, in bytes.
MEMORY = 1 << 30

#: Marks each event with its place in the file, which its repetitions inherit.
_PLACE = "X-SLACTL-PLACE"

#: How often an event may repeat.
_FREQUENCIES = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")


class PlainEvent(NamedTuple):
    """Hold [start, end) of an event in seconds since 1970, its summary, and the addresses of its attendees."""

    start: int
    end: int
    summary: str
    addresses: Sequence[str]


class PlannedFeed:
    """Answer which events of a feed lie around some instants; they are in the order of the file."""

    def __init__(self, events: Sequence[FeedEvent]) -> None:
        self._events = events

    def events(self, a: int, b: int) -> Sequence[FeedEvent]:
        """Return the events that name a person and overlap [a, b), in the order of the file."""
        return [event for event in self._events if event.start < b and event.end > a]


def planned(events: Iterable[PlainEvent], people: Mapping[str, Iterable[str]]) -> tuple[PlannedFeed, list[str]]:
    """Return the events that name one of some people, and the summaries of the others; `people` has their addresses."""
    by_word = {name.casefold(): name for name in people}
    by_address = {email.casefold(): name for name, emails in people.items() for email in emails}
    known, unknown = list[FeedEvent](), dict[str, None]()
    for event in events:
        words = (event.summary.strip().casefold(), *(address.casefold() for address in event.addresses))
        named = (by_word.get(words[0]), *(by_address.get(word) for word in words))
        person = next(filter(None, named), None)
        if person is None:
            unknown[event.summary] = None
        else:
            known.append(FeedEvent(event.start, event.end, person))
    return PlannedFeed(known), list(unknown)


def expanded(content: bytes, timezone: str, first: int, last: int) -> list[PlainEvent]:
    """Return the events of a feed that overlap [first, last), repetitions one by one, in the order of the file.

    Whole days and times without a zone are in `timezone`; a time that the clocks skip or double is read as section
    "Hand-overs" of the guide says. Events that were cancelled are left out.

    Raises:
        ValueError: it is not an iCalendar file, an event is not valid, or there are too many.
    """
    import recurring_ical_events
    from icalendar import Calendar

    calendar = Calendar.from_ical(content)
    if calendar.name != "VCALENDAR":
        raise ValueError("it is not an iCalendar file")
    _mark(calendar)
    zone, found = Zone(timezone), list[tuple[int, PlainEvent]]()
    a, b = (datetime.fromtimestamp(t, EPOCH.tzinfo) for t in (first - DAY, last + DAY))
    for event in recurring_ical_events.of(calendar).between(a, b):
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        start, end = (_instant(value, zone) for value in (event.start, event.end))
        if start < end and start < last and end > first:
            place, plain = int(event[_PLACE]), PlainEvent(start, end, str(event.get("SUMMARY", "")), _addresses(event))
            found.append((place, plain))
        if len(found) > MOST_EVENTS:
            raise ValueError(f"it has more than {MOST_EVENTS:,} events")
    return [event for _, event in sorted(found, key=lambda entry: (entry[0], entry[1].start))]


def _mark(calendar: "Calendar") -> None:
    """Mark each event with its place.

    Raises:
        ValueError: the begin, the end or the repetition of an event cannot be read, or it repeats each minute.
    """
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


_TIMES = ("DTSTART", "DTEND", "DURATION", "RRULE", "EXDATE", "RDATE", "RECURRENCE-ID")


def _instant(value: date, zone: Zone) -> int:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return int((value - EPOCH).total_seconds())
    clock = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001
    seconds = clock.hour * 3600 + clock.minute * 60 + clock.second
    return zone.instant(day_number(clock.date()) * DAY + seconds)


def _addresses(event: Any) -> list[str]:  # noqa: ANN401  (an event of the library)
    attendees = event.get("ATTENDEE", [])
    texts = map(str, attendees if isinstance(attendees, list) else [attendees])
    return [text[7:] if text[:7].casefold() == "mailto:" else text for text in texts]


def _answer(arguments: Sequence[str], content: bytes) -> Iterator[str]:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    timezone, first, last = arguments
    try:
        yield json.dumps({"events": expanded(content, timezone, int(first), int(last))})
    except Exception as error:  # the library raises errors of many kinds for what it cannot read
        yield json.dumps({"error": str(error) or type(error).__name__})


if __name__ == "__main__":
    sys.stdout.writelines(_answer(sys.argv[1:], sys.stdin.buffer.read()))
