"""Files of tests for rules: TOML, read strictly, so that a slip never makes a test pass."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slactl.clock import parse_duration, parse_offset_instant, to_text
from slactl.desk.rules_test_cases import (
    INSTANT_KEYS,
    NONE,
    SECONDS_KEYS,
    TICKET_KEYS,
    TIMER_KEYS,
    Case,
    Expectation,
    ExpectedFiring,
    latest_instant,
)
from slactl.errors import RulesError
from slactl.files import BY_HAND, read_text
from slactl.sla.enums import Priority, Status, Target
from slactl.sla.evaluation import TimerState
from slactl.sla.history import Event
from slactl.sla.rules_lines import Lines, misread, path_text
from slactl.text import clean, did_you_mean, not_one_of, quoted

if TYPE_CHECKING:
    from slactl.sla.history_file import Line

TEST_KEYS = ("name", "at", "history", "expect", "fires")
PLACE_KEYS = ("ticket", "target", "cycle", "at")
FIRING_KEYS = ("ticket", "escalation", "level", "at", "repeat", "reason")

Place = tuple[str | int, ...]


def read_cases(path: Path) -> list[Case]:
    """The tests in a file.

    Raises:
        RulesError: it cannot be read, or anything in it is wrong; each problem is a line of the message.
    """
    try:
        text = read_text(path, BY_HAND)
        data = tomllib.loads(text)
    except OSError as error:
        raise RulesError(f"{path} cannot be read: {error.strerror}", f"ls -ld {quoted(path)}") from error
    except UnicodeDecodeError as error:
        raise RulesError(f"{path} is not UTF-8 at byte {error.start}", f"file {quoted(path)}") from error
    except (ValueError, RecursionError) as error:
        raise RulesError(f"{path}:{misread(error, text)}", f"slactl rules test {quoted(path)}") from error
    reader = _Reader(str(path), Lines(text))
    cases = reader.cases(data)
    if reader.problems:
        raise RulesError.of(reader.problems, f"slactl rules test {quoted(path)}")
    return cases


@dataclass
class _Reader:
    """Reads one file and gathers everything that is wrong with it."""

    file: str
    lines: Lines
    problems: list[str] = field(default_factory=list)

    def cases(self, data: Mapping[str, Any]) -> list[Case]:
        self._known_keys(data, ("test",), ())
        tests = self._tables(data.get("test", []), ("test",))
        if not tests and not self.problems:
            self._complain((), "there is no [[test]] in it")
        return [case for place, table in tests if (case := self._case(table, place)) is not None]

    def _case(self, table: Mapping[str, Any], place: Place) -> Case | None:
        before = len(self.problems)
        self._known_keys(table, TEST_KEYS, place)
        name = self._text(table, "name", place) or path_text(place)
        histories = self._histories(table.get("history", []), (*place, "history"))
        expect = [
            self._expectation(each, where, histories)
            for where, each in self._tables(table.get("expect", []), (*place, "expect"))
        ]
        fires = None
        if "fires" in table:
            listed = self._tables(table["fires"], (*place, "fires"))
            fires = [self._firing(each, where, histories) for where, each in listed]
        elif not expect and len(self.problems) == before:
            self._complain(place, "it expects nothing: neither expect nor fires")
        at = self._instant(table, "at", place)
        if len(self.problems) > before:
            return None
        at = at or latest_instant(histories, expect, fires or ())
        return Case(self.file, self.lines.of(place), name, histories, expect, fires, at)

    def _histories(self, value: object, place: Place) -> dict[str, list[Event]]:
        from slactl.sla.history_file import Line, in_order

        found: dict[str, list[tuple[int, Line]]] = {}
        tables = self._tables(value, place)
        for number, (where, table) in enumerate(tables):
            line = self._event(table, where)
            # As in a history file an event that is there twice counts once.
            if line is not None and table not in [each for _, each in tables[:number]]:
                found.setdefault(line.ticket, []).append((number, line))
        if not tables:
            self._complain(place, "a history is needed: what happened to the tickets")
        histories: dict[str, list[Event]] = {}
        for ticket, lines in found.items():
            ordered, problems = in_order(lines)
            for number, problem in problems:
                self._complain((*place, number), str(problem))
            histories[ticket] = [_event_of(line) for line in ordered]
        return histories

    def _event(self, table: Mapping[str, Any], place: Place) -> "Line | None":
        from slactl.sla.history_file import known_fields, parse_record

        try:
            line = parse_record(_plain(table))
        except ValueError as error:
            self._complain(place, str(error))
            return None
        self._known_keys(table, known_fields(line.event.type), place)
        return line

    def _expectation(self, table: Mapping[str, Any], place: Place, histories: Collection[str]) -> Expectation:
        self._known_keys(table, (*PLACE_KEYS, *TICKET_KEYS, *TIMER_KEYS), place)
        target = self._word(table, "target", Target, place)
        of_timer = [key for key in TIMER_KEYS if key in table]
        if target is None and "target" not in table and of_timer:
            self._complain((*place, of_timer[0]), f'{of_timer[0]} is about a target: target = "resolution", say')
        values = {key: self._value(table, key, place) for key in table if key in (*TICKET_KEYS, *TIMER_KEYS)}
        if table.keys() <= set(PLACE_KEYS):
            self._complain(place, "it expects nothing of the ticket")
        return Expectation(
            ticket=self._ticket(table, place, histories),
            target=target,
            cycle=self._count(table, "cycle", place, least=1),
            at=self._instant(table, "at", place),
            values=values,
        )

    def _firing(self, table: Mapping[str, Any], place: Place, histories: Collection[str]) -> ExpectedFiring:
        self._known_keys(table, FIRING_KEYS, place)
        at = self._instant(table, "at", place)
        return ExpectedFiring(
            ticket=self._ticket(table, place, histories),
            escalation=self._text(table, "escalation", place, needed=True) or "",
            level=self._text(table, "level", place, needed=True) or "",
            at=to_text(at) if at is not None else None,
            repeat=self._count(table, "repeat", place, least=0),
            reason=self._text(table, "reason", place),
        )

    def _ticket(self, table: Mapping[str, Any], place: Place, histories: Collection[str]) -> str:
        ticket = self._text(table, "ticket", place, needed=True)
        if ticket and histories and ticket not in histories:
            self._complain((*place, "ticket"), f"the history has no ticket {ticket!r}{did_you_mean(ticket, histories)}")
        return ticket or ""

    def _value(self, table: Mapping[str, Any], key: str, place: Place) -> str | int | None:
        if table[key] == NONE and key != "state":
            return None
        if key in SECONDS_KEYS:
            return self._seconds(table[key], (*place, key))
        if key in INSTANT_KEYS:
            instant = self._instant(table, key, place)
            return to_text(instant) if instant is not None else None
        kinds: dict[str, type[StrEnum]] = {"state": TimerState, "status": Status, "priority": Priority}
        return self._word(table, key, kinds[key], place) if key in kinds else self._text(table, key, place)

    def _seconds(self, value: object, place: Place) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        try:
            length = parse_duration(value) if isinstance(value, str) else None
        except ValueError:
            length = None
        if length is None or length.business_days:
            self._complain(place, f"{clean(str(value))!r} is neither a number of seconds nor a duration such as 1h30m")
            return None
        return length.seconds

    def _instant(self, table: Mapping[str, Any], key: str, place: Place) -> datetime | None:
        if key not in table:
            return None
        try:
            value = _plain_value(table[key])
            if not isinstance(value, str):
                raise ValueError("an instant is needed, such as 2026-03-02T09:00:00+01:00")
            return parse_offset_instant(value).astimezone(UTC)
        except ValueError as error:
            self._complain((*place, key), str(error))
            return None

    def _word(self, table: Mapping[str, Any], key: str, kind: type[StrEnum], place: Place) -> str | None:
        value = self._text(table, key, place)
        words = [str(word) for word in kind]
        if value is not None and value not in words:
            self._complain((*place, key), not_one_of(value, words))
        return value

    def _text(self, table: Mapping[str, Any], key: str, place: Place, *, needed: bool = False) -> str | None:
        value = table.get(key)
        if isinstance(value, str) and value:
            return value
        if key in table:
            self._complain((*place, key), f"{key} is a text")
        elif needed:
            self._complain(place, f"{key} is missing")
        return None

    def _count(self, table: Mapping[str, Any], key: str, place: Place, *, least: int) -> int | None:
        value = table.get(key)
        if key in table and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            self._complain((*place, key), f"{key} is a number from {least} on")
            return None
        return value

    def _tables(self, value: object, place: Place) -> list[tuple[Place, Mapping[str, Any]]]:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self._complain(place, f"{place[-1]} is a list of tables")
            return []
        return [((*place, number), each) for number, each in enumerate(value)]

    def _known_keys(self, table: Mapping[str, Any], known: Sequence[str], place: Place) -> None:
        for key in table:
            if key not in known:
                self._complain((*place, key), f"unknown key {clean(key)}{did_you_mean(key, known)}")

    def _complain(self, place: Place, message: str) -> None:
        where = path_text(place)
        self.problems.append(f"{self.file}:{self.lines.of(place)}: {f'{where}: ' if where else ''}{message}")


def _event_of(line: "Line") -> Event:
    """The event, with what policies match of the requester's address."""
    address = line.texts.get("requester_email")
    detail = {"requester_email": address, **line.event.detail} if address else line.event.detail
    return replace(line.event, detail=detail)


def _plain(table: Mapping[str, Any]) -> dict[str, Any]:
    """An event as a history file would have it: TOML's own dates and times as text."""
    return {key: _plain_value(value) for key, value in table.items()}


def _plain_value(value: Any) -> Any:  # noqa: ANN401  (parsed TOML)
    return value.isoformat() if isinstance(value, (datetime, date, time)) else value
