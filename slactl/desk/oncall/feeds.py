"""Read calendar feeds that stand beside the rules; the last good copy of a broken feed serves in its place."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from slactl.clock import now, to_text
from slactl.config import state_folder
from slactl.files import BY_HAND, read_regular, read_text, write_whole
from slactl.sla.calendar.calendar import in_seconds
from slactl.sla.oncall.feed import PlainEvent, PlannedFeed, planned
from slactl.sla.rules.rules import Rules
from slactl.text import clean, counted

#: The largest feed in bytes, and how long reading it may take in seconds.
MOST_BYTES, MOST_SECONDS = 1_000_000, 10

#: The years before and after the one that is asked about in which the events of a feed are read.
_BEFORE, _AFTER = 1, 5


class BadFeed(Exception):
    """Report why a feed cannot be used."""


class Copy(NamedTuple):
    """Hold a feed that was good: the hash of its content, when it was read, and its events in a span of seconds."""

    of: str
    timezone: str
    span: tuple[int, int]
    at: str
    content: str
    events: list[PlainEvent]


class ReadFeed(NamedTuple):
    """Hold a feed (None if there is neither a good file nor a copy), what is wrong with it, and what it leaves out.

    `unnamed` has the summaries of the events that name nobody.
    """

    feed: PlannedFeed | None
    problem: str | None = None
    unnamed: tuple[str, ...] = ()


def read(rules: Rules, path: Path, name: str, around: datetime) -> ReadFeed:
    """Return the feed of a schedule of a rules file, with its events in the years around an instant."""
    stated = rules.schedules[name]
    events, problem = _read(path, name, str(stated.ical), stated.timezone or "UTC", around)
    if events is None:
        return ReadFeed(None, problem)
    feed, left = planned(events, {person: entry.emails for person, entry in rules.people.items()})
    return ReadFeed(feed, problem, tuple(left))


def problems(path: Path, around: datetime) -> list[str]:
    """Read the feeds of a rules file that are new or changed, and return what is wrong with feeds.

    Call it where nobody waits for the database. The file is not validated.
    """
    import tomllib

    found: list[str] = []
    with suppress(OSError, ValueError, AttributeError, RecursionError):
        text = read_text(path, BY_HAND)
        for name, stated in tomllib.loads(text).get("schedules", {}).items() if "ical" in text else ():
            if isinstance(ical := stated.get("ical"), str) and isinstance(zone := stated.get("timezone"), str):
                problem = _read(path, name, ical, zone, around)[1]
                found += [problem] if problem is not None else []
    return found


def unnamed(rules: Rules, path: Path, around: datetime) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the feeds that have events which name nobody: where they stand, and the message."""
    for name, stated in rules.schedules.items():
        if stated.ical is not None and (left := read(rules, path, name, around).unnamed):
            some = ", ".join(repr(clean(summary)[:60]) for summary in left[:3])
            what = f"{counted(len(left), 'kind')} of events in {stated.ical} name no person of [people]: {some}"
            yield ("schedules", name, "ical"), what


def _read(path: Path, name: str, ical: str, timezone: str, around: datetime) -> "Events":
    file = path.absolute().parent / ical
    try:
        found = os.stat(file)
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
    except OSError:
        state = (0, 0, 0)
    return _events_of(file, name, timezone, around.year, state)


#: The events of a feed, or None if there is neither a good file nor a copy; and what is wrong with the feed.
Events = tuple[Sequence[PlainEvent] | None, str | None]


# A run asks about a feed once for each level that fires. A broken feed must not cost its time-out each time.
@lru_cache(maxsize=64)
def _events_of(file: Path, name: str, timezone: str, year: int, state: tuple[int, int, int]) -> Events:
    place = state_folder(os.environ) / f"feed-{sha256(os.fsencode(file)).hexdigest()[:16]}.json"
    first, last = (in_seconds(datetime(each, 1, 1, tzinfo=UTC)) for each in (year - _BEFORE, year + _AFTER))
    copy = _recall(place)
    try:
        content = _content(file)
        wanted = (sha256(content).hexdigest(), timezone, (first, last))
        if copy is None or copy[:3] != wanted:
            events = _expanded(content, timezone, (first, last))
            copy = Copy(*wanted, to_text(now()), content.decode(), events)
            _keep(place, copy)
        return copy.events, None
    except BadFeed as error:
        why = f"schedule {clean(name)}: the feed {clean(str(file))} cannot be used: {error}"
    if copy is None:
        return None, f"{why}; nobody is on call by it"
    events = copy.events
    with suppress(BadFeed):
        if copy[1:3] != (timezone, (first, last)):
            events = _expanded(copy.content.encode(), timezone, (first, last))
    return events, f"{why}; its copy of {clean(copy.at)} serves"


def _content(file: Path) -> bytes:
    try:
        content = read_regular(file, MOST_BYTES)
        content.decode()
    except OSError as error:
        raise BadFeed(error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise BadFeed(f"it is not UTF-8 at byte {error.start}") from error
    return content


def _expanded(content: bytes, timezone: str, span: tuple[int, int]) -> list[PlainEvent]:
    """Return the events of a feed, which a process of its own reads within some seconds.

    Raises:
        BadFeed: it is not valid, or takes too long.
    """
    command = [sys.executable, "-P", "-m", "slactl.sla.oncall.feed", timezone, *map(str, span)]
    try:
        child = subprocess.run(command, input=content, capture_output=True, timeout=MOST_SECONDS, check=False)
        answer = json.loads(child.stdout)
        events = list(map(_event, answer.get("events", [])))
    except subprocess.TimeoutExpired as error:
        raise BadFeed(f"reading it takes longer than {MOST_SECONDS} s") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BadFeed("the process that reads it ended without an answer") from error
    if "error" in answer:
        raise BadFeed(clean(str(answer["error"]))[:200])
    return events


def _recall(place: Path) -> Copy | None:
    """Return the good copy that this user's last command stored; None if there is none."""
    try:
        of, timezone, (first, last), at, content, events = json.loads(read_regular(place))
        return Copy(str(of), str(timezone), (int(first), int(last)), str(at), str(content), list(map(_event, events)))
    except (OSError, ValueError, TypeError):
        return None


def _event(stored: tuple[int, int, str, list[str]]) -> PlainEvent:
    start, end, summary, addresses = stored
    return PlainEvent(int(start), int(end), str(summary), [str(address) for address in addresses])


def _keep(place: Path, copy: Copy) -> None:
    """Store a good copy; if that fails, there is none when the feed breaks."""
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(place, json.dumps(copy).encode(), mode=0o600)
