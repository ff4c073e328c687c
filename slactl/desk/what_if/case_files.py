"""Read files of tests for rules: TOML, read strictly, so that a typing error never makes a test pass."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slactl.desk.what_if.cases import (
    TIMER_KEYS,
    Case,
    CaseFile,
    CaseTable,
    Expectation,
    ExpectedFiring,
    known_keys,
    latest_instant,
    plain,
)
from slactl.errors import RulesError
from slactl.files import BY_HAND, read_text
from slactl.sla.enums import NO_WORDS, PriorityMeanings
from slactl.sla.history.event import Event
from slactl.sla.history.file import Line, parse_record
from slactl.sla.history.order import in_order
from slactl.sla.history.readers import LineError
from slactl.sla.rules.lines import TOO_DEEP, KeyPath, Lines, Problem, misread, path_text, too_deep
from slactl.sla.rules.loading import as_error, shape_problems
from slactl.text import did_you_mean, quoted


def read_cases(file: Path, meanings: PriorityMeanings = NO_WORDS) -> list[Case]:
    """Return the tests in a file; `meanings` are those of other words for priorities.

    Raises:
        RulesError: the file cannot be read, or anything in it is not valid; each problem is a line of the message.
    """
    hint = f"slactl rules test {quoted(file)}"
    try:
        text = read_text(file, BY_HAND)
        data = tomllib.loads(text)
    except OSError as error:
        raise RulesError(f"{file} cannot be read: {error.strerror}", f"ls -ld {quoted(file)}") from error
    except UnicodeDecodeError as error:
        raise RulesError(f"{file} is not UTF-8 at byte {error.start}", f"file {quoted(file)}") from error
    except (ValueError, RecursionError) as error:
        raise RulesError(f"{file}:{misread(error, text)}", hint) from error
    lines = Lines(text)
    if (deep := too_deep(data)) is not None:
        raise as_error([(deep, TOO_DEEP)], lines, str(file), hint)
    try:
        tables = CaseFile.model_validate(data, context={"meanings": meanings}).tests
    except ValidationError as error:
        raise as_error(shape_problems(error, data, known_keys), lines, str(file), hint) from error
    problems: list[Problem] = []
    cases = [_case(table, ("test", number), file, lines, problems, meanings) for number, table in enumerate(tables)]
    if problems:
        raise as_error(problems, lines, str(file), hint)
    return cases


def _case(
    table: CaseTable,
    key_path: KeyPath,
    file: Path,
    lines: Lines,
    problems: list[Problem],
    meanings: PriorityMeanings,
) -> Case:
    """Return a test, and add what is wrong with it to `problems`."""
    histories = _histories(table.history, (*key_path, "history"), problems, meanings)
    for number, expectation in enumerate(table.expect):
        problems += misplaced(expectation, (*key_path, "expect", number), histories)
    for number, firing in enumerate(table.fires or ()):
        problems += misplaced(firing, (*key_path, "fires", number), histories)
    at = table.at or latest_instant(histories, table.expect, table.fires or ())
    name = table.name or path_text(key_path)
    of_test = (str(file), lines.of(key_path), name, histories, table.expect, table.fires, at)
    return Case(*of_test, table.on_call, table.exceptions())


def misplaced(
    about: Expectation | ExpectedFiring, key_path: KeyPath, histories: Mapping[str, Sequence[Event]]
) -> Iterator[Problem]:
    """Yield a problem if the test has no such ticket, or if a value of a timer is expected without a target."""
    if histories and about.ticket not in histories:
        reason = f"the history has no ticket {about.ticket!r}{did_you_mean(about.ticket, histories)}"
        yield (*key_path, "ticket"), reason
    if isinstance(about, Expectation) and about.target is None:
        for key in [key for key in about.values if key in TIMER_KEYS][:1]:
            yield (*key_path, key), f'{key} needs a target, such as target = "resolution"'


def _histories(
    tables: Sequence[Mapping[str, Any]], key_path: KeyPath, problems: list[Problem], meanings: PriorityMeanings
) -> dict[str, list[Event]]:
    """Return the events of each ticket in the order of time, and add what is wrong with them to `problems`."""
    lines: dict[str, list[tuple[int, Line]]] = {}
    for number, table in enumerate(tables):
        try:
            line = parse_record({key: plain(value) for key, value in table.items()}, meanings)
        except LineError as error:
            place = (error.field,) if error.field in table else ()
            problems.append(((*key_path, number, *place), error.reason if place else str(error)))
            continue
        # As in a history file, an event that is there twice counts once.
        if table not in tables[:number]:
            lines.setdefault(line.ticket, []).append((number, line))
    histories: dict[str, list[Event]] = {}
    for ticket, numbered in lines.items():
        ordered, unfit = in_order(numbered)
        problems += [((*key_path, number), str(error)) for number, error in unfit]
        histories[ticket] = [_event_of(line) for line in ordered]
    return histories


def _event_of(line: Line) -> Event:
    """Return the event with the requester's address, which policies match."""
    address = line.texts.get("requester_email")
    detail = {"requester_email": address, **line.event.detail} if address else line.event.detail
    return replace(line.event, detail=detail)
