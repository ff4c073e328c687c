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
from slactl.sla.oncall.feed import Expanded, PlainEvent, PlannedFeed, planned
from slactl.sla.rules.rules import Rules
from slactl.text import clean, counted

#: The largest feed in bytes, and how long reading it may take in seconds.
MOST_BYTES, MOST_SECONDS = 1_000_000, 10

#: The events of a feed are read from the begin of the month before an instant on, for so many months.
_MONTHS = 15

#: [first, last) in seconds since 1970.
Span = tuple[int, int]


class BadFeed(Exception):
    """Report why a feed cannot be used."""


class Copy(NamedTuple):
    """Hold a feed that was good: the hash of its content, when it was read, and its events in a span of seconds.

    `left_out` says of other events why they do not count.
    """

    of: str
    timezone: str
    span: Span
    at: str
    content: str
    events: list[PlainEvent]
    left_out: list[str]


class Events(NamedTuple):
    """Hold the events of a feed in a span, None if there is neither a good file nor a copy, and what is wrong."""

    events: Sequence[PlainEvent] | None
    span: Span
    problem: str | None = None


class ReadFeed(NamedTuple):
    """Hold a feed (None if there is neither a good file nor a copy), what is wrong with it, and what it leaves out.

    `unnamed` has the summaries of the events that name nobody.
    """

    feed: PlannedFeed | None
    problem: str | None = None
    unnamed: tuple[str, ...] = ()


def read(rules: Rules, path: Path, name: str, around: datetime) -> ReadFeed:
    """Return the feed of a schedule of a rules file, with its events in the months around an instant.

    Equal questions get the same object.
    """
    stated = rules.schedules[name]
    people = tuple((person, entry.emails) for person, entry in rules.people.items())
    return _planned(_question(path, name, str(stated.ical), stated.timezone or "UTC", around), people)


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
                problem = _events_of(_question(path, name, ical, zone, around)).problem
                found += [problem] if problem is not None else []
    return found


def unnamed(rules: Rules, path: Path, around: datetime) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the feeds that have events which name nobody: where they stand, and the message."""
    for name, stated in rules.schedules.items():
        if stated.ical is not None and (left := read(rules, path, name, around).unnamed):
            some = ", ".join(repr(clean(summary)[:60]) for summary in left[:3])
            what = f"{counted(len(left), 'kind')} of events in {stated.ical} name no person of [people]: {some}"
            yield ("schedules", name, "ical"), what


class Question(NamedTuple):
    """Hold which feed is wanted: its file and the state of the file, its schedule, and the span of its events."""

    file: Path
    state: tuple[int, int, int]
    name: str
    timezone: str
    span: Span


def _question(path: Path, name: str, ical: str, timezone: str, around: datetime) -> Question:
    file = path.absolute().parent / ical
    try:
        found = os.stat(file)
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
    except OSError:
        state = (0, 0, 0)
    return Question(file, state, name, timezone, _span(around))


def _span(around: datetime) -> Span:
    """Return the months that are read for questions about an instant."""
    month = around.year * 12 + around.month - 2
    first, last = (datetime(each // 12, each % 12 + 1, 1, tzinfo=UTC) for each in (month, month + _MONTHS))
    return in_seconds(first), in_seconds(last)


# A transaction asks about a feed, and a run has many. None of them may plan it again or wait for a broken one.
@lru_cache(maxsize=64)
def _planned(wanted: Question, people: tuple[tuple[str, tuple[str, ...]], ...]) -> ReadFeed:
    found = _events_of(wanted)
    if found.events is None:
        return ReadFeed(None, found.problem)
    feed, left = planned(found.events, dict(people), found.span)
    return ReadFeed(feed, found.problem, tuple(left))


@lru_cache(maxsize=64)
def _events_of(wanted: Question) -> Events:
    file, timezone, span = wanted.file, wanted.timezone, wanted.span
    place = state_folder(os.environ) / f"feed-{sha256(os.fsencode(file)).hexdigest()[:16]}.json"
    copy = _recall(place)
    which = f"schedule {clean(wanted.name)}: the feed {clean(str(file))}"
    try:
        content = _content(file)
        key = (sha256(content).hexdigest(), timezone, span)
        if copy is None or copy[:3] != key:
            before, copy = copy, Copy(*key, to_text(now()), content.decode(), *_expanded(content, timezone, span))
            # A question about another time does not replace the copy that the next run needs.
            if before is None or before[:2] != copy[:2] or span == _span(now()):
                with suppress(OSError):  # without a stored copy, there is none when the feed breaks
                    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    write_whole(place, json.dumps(copy).encode(), mode=0o600)
        left_out = "; ".join(copy.left_out[:3])
        return Events(copy.events, span, f"{which}: {left_out}" if left_out else None)
    except BadFeed as error:
        why = f"{which} cannot be used: {error}"
    if copy is None:
        return Events(None, span, f"{why}; nobody is on call by it")
    events, known = copy.events, copy.span
    with suppress(BadFeed):
        if copy[1:3] != (timezone, span):
            events, known = _expanded(copy.content.encode(), timezone, span).events, span
    return Events(events, known, f"{why}; its copy of {clean(copy.at)} serves")


def _content(file: Path) -> bytes:
    try:
        content = read_regular(file, MOST_BYTES)
        content.decode()
    except OSError as error:
        raise BadFeed(error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise BadFeed(f"it is not UTF-8 at byte {error.start}") from error
    return content


def _expanded(content: bytes, timezone: str, span: Span) -> Expanded:
    """Return the events of a feed in a span, which a process of its own reads within some seconds.

    Raises:
        BadFeed: it is not valid, or takes too long.
    """
    command = [sys.executable, "-P", "-m", "slactl.sla.oncall.feed", timezone, *map(str, span)]
    try:
        child = subprocess.run(command, input=content, capture_output=True, timeout=MOST_SECONDS, check=False)
        answer = json.loads(child.stdout)
        found = Expanded(list(map(_event, answer.get("events", []))), list(map(clean, answer.get("left_out", []))))
    except subprocess.TimeoutExpired as error:
        raise BadFeed(f"reading it takes longer than {MOST_SECONDS} s") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BadFeed("the process that reads it ended without an answer") from error
    if "error" in answer:
        raise BadFeed(clean(str(answer["error"]))[:200])
    return found


def _recall(place: Path) -> Copy | None:
    """Return the good copy that this user's last command stored; None if there is none."""
    try:
        of, timezone, (first, last), at, content, events, *left_out = json.loads(read_regular(place))
        span, left = (int(first), int(last)), list(map(str, *left_out)) if left_out else []
        return Copy(str(of), str(timezone), span, str(at), str(content), list(map(_event, events)), left)
    except (OSError, ValueError, TypeError):
        return None


def _event(stored: tuple[int, int, str, list[str]]) -> PlainEvent:
    start, end, summary, *addresses = stored
    return PlainEvent(int(start), int(end), str(summary), *(list(map(str, each)) for each in addresses))
