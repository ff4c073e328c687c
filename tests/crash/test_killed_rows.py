"""Imports of rows that break off at any operation: what is done later is what a whole import would have done."""

import json
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from crash_desk import desk_copy, settings
from forked import NOON, Ended, Fault, Trouble, run, start
from hypothesis import Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from invariants import content_without_changes, violations

MAP = """source = "web"
answers = "here"
[columns]
ticket = "id"
created_at = "created"
at = "updated"
status = "status"
priority = "priority"
assignee = "assignee"
resolved_at = "resolved"
first_responded_at = "answered"
[[messages]]
path = "comments"
at = "at"
author = "who"
body = "text"
agent_when = { staff = [true] }
"""

#: Tickets in one transaction of the imports here.
BATCH = 2


def small_batches() -> None:
    import slactl.desk.transfer.importing

    slactl.desk.transfer.importing.BATCH = BATCH


def at(minute: int) -> str:
    """An instant, given in minutes after the tickets were opened."""
    return f"2026-03-02T{6 + minute // 60:02}:{minute % 60:02}:00Z"


class Said(NamedTuple):
    """What a source says about one of its tickets; the messages are the first of all that it will ever have."""

    status: str
    priority: str
    assignee: str | None
    resolved: int
    answered: int | None
    messages: int

    def row(self, number: int, updated: int, messages: Sequence[int]) -> dict[str, Any]:
        return {
            **{"id": f"R-{number}", "created": at(0), "updated": at(updated)},
            **{"status": self.status, "priority": self.priority, "assignee": self.assignee},
            "resolved": at(self.resolved) if self.status == "resolved" else None,
            "answered": at(self.answered) if self.answered is not None else None,
            "comments": [
                {"at": at(minute), "who": "mia", "text": f"text {place}", "staff": True}
                for place, minute in enumerate(messages[: self.messages])
            ],
        }

    def facts(self, messages: Sequence[int]) -> tuple[Any, ...]:
        """What slactl has to show, if no row is newer."""
        answers = [*messages[: self.messages], *([self.answered] if self.answered is not None else [])]
        resolved = at(self.resolved) if self.status == "resolved" else None
        first = at(min(answers)) if answers else None
        return self.status, self.priority, self.assignee, resolved, first


SAID = st.builds(
    Said,
    st.sampled_from(["open", "pending", "resolved"]),
    st.sampled_from(["low", "normal", "high"]),
    st.sampled_from([None, "ann", "bob"]),
    st.integers(1, 180),
    st.none() | st.integers(1, 180),
    st.integers(0, 3),
)


class Story(NamedTuple):
    """Two exports of some tickets in the order of time, and where their imports are killed."""

    exports: Sequence[Sequence[Said]]
    messages: Sequence[int]
    is_newer_first: bool
    places: Sequence[float]

    def rows(self, number: int) -> str:
        found = [said.row(place, 200 + number, self.messages) for place, said in enumerate(self.exports[number])]
        return json.dumps(found)

    @property
    def order(self) -> Sequence[int]:
        return (1, 0) if self.is_newer_first else (0, 1)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    pairs = draw(st.lists(st.tuples(SAID, SAID), min_size=3, max_size=7))
    # The list of messages of the newer row begins with that of the older one.
    older = [one._replace(messages=min(one.messages, two.messages)) for one, two in pairs]
    newer = [two._replace(messages=max(one.messages, two.messages)) for one, two in pairs]
    # Two messages may be of one second.
    messages = draw(st.lists(st.integers(1, 180), min_size=3, max_size=3))
    places = draw(st.lists(st.floats(0, 0.999), min_size=2, max_size=2))
    return Story((older, newer), messages, draw(st.booleans()), places)


def take(folder: Path, rows: str, trouble: Trouble | None = None) -> Ended:
    words = (*settings(folder), "import", "-", "--map", str(folder / "web.toml"))
    return run(*words, stdin=rows, before=small_batches, trouble=trouble or Trouble())


def change_by_people(folder: Path) -> None:
    """A person changes the first ticket, after all rows."""
    for line in (["priority", "web:R-0", "urgent"], ["assign", "web:R-0", "--to", "lena"]):
        ended = run(*settings(folder), *line)
        assert ended.code == 0, ended.err


def shown(database: Path) -> list[tuple[Any, ...]]:
    names = "status, priority, assignee, resolved_at, first_responded_at"
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(f"SELECT {names} FROM ticket WHERE source = 'web' ORDER BY external_id").fetchall()


def tell(story: Story) -> int:
    """Tell a story with and without kills, and compare; return how many imports were killed."""
    killed = 0
    with desk_copy() as usual, desk_copy() as folder:
        for place in (usual, folder):
            (place / "web.toml").write_text(MAP)
        for step, number in enumerate(story.order):
            rows = story.rows(number)
            usually = take(usual, rows)
            assert usually.code == 0, usually.err
            ended = take(folder, rows, Trouble(int(story.places[step] * len(usually.operations))))
            killed += ended.code == -signal.SIGKILL
            assert violations(folder / "slactl.db", NOON) == []
            assert take(folder, rows).code == 0
            for place in (usual, folder) if step == 0 else ():
                change_by_people(place)
        wanted = content_without_changes(usual / "slactl.db")
        assert content_without_changes(folder / "slactl.db") == wanted
        _, priority, assignee, *_ = shown(folder / "slactl.db")[0]
        newest = [said.facts(story.messages) for said in story.exports[1]]
        assert shown(folder / "slactl.db")[1:] == newest[1:]
        assert (priority, assignee) == ("urgent", "lena")
        for number in (*story.order, *story.order):
            assert "0 tickets opened, 0 changed, 0 events added" in take(folder, story.rows(number)).out
        assert content_without_changes(folder / "slactl.db") == wanted
    return killed


@examples(max_examples=3, phases=[Phase.generate])
@given(story=stories())
def test_killed_imports_in_any_order_end_as_whole_ones(story: Story) -> None:
    assert tell(story) == 2


@pytest.mark.full
@examples(max_examples=100, phases=[Phase.generate])
@given(story=stories())
def test_a_hundred_killed_imports_in_any_order_end_as_whole_ones(story: Story) -> None:
    assert tell(story) == 2


# Sources.

TICKETS = 6


def add_source(folder: Path) -> None:
    """A source whose command prints a file beside the rules."""
    said = Said("open", "low", None, 1, 30, 2)
    (folder / "rows.json").write_text(json.dumps([said.row(number, 200, [10, 20]) for number in range(TICKETS)]))
    (folder / "web.toml").write_text(MAP)
    (folder / "list.sh").write_text('#!/bin/sh\nexec cat "$(dirname "$0")/rows.json"\n')
    (folder / "list.sh").chmod(0o755)
    with open(folder / "rules.toml", "a") as rules:
        rules.write('\n[[source]]\nname = "web"\nmap = "web.toml"\ncommand = ["./list.sh"]\n')


def in_transaction(number: int, beginning: str, fault: Fault) -> Trouble:
    """Trouble in the transaction of this number, from 1 on, at the first operation that begins so; only once."""
    begun, is_over = 0, False

    def watch(_: sqlite3.Connection, operation: str) -> bool:
        nonlocal begun, is_over
        begun += operation == "BEGIN IMMEDIATE"
        is_here = not is_over and begun == number and operation.startswith(beginning)
        is_over |= is_here
        return is_here

    return Trouble(fault=fault, watch=watch)


def last_run(folder: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(folder / "slactl.db")) as connection:
        connection.row_factory = sqlite3.Row
        return dict(connection.execute("SELECT * FROM sync_run ORDER BY id DESC LIMIT 1").fetchone())


def opened(folder: Path) -> int:
    return len(shown(folder / "slactl.db"))


@pytest.mark.parametrize("beginning", ["INSERT INTO event", "INSERT INTO snapshot", "COMMIT"])
@pytest.mark.parametrize("fault", [Fault.ROLLED_BACK, Fault.STOP])
def test_record_of_a_sync_that_broke_off_has_what_was_committed(beginning: str, fault: Fault) -> None:
    """The first transaction is that of the record, and the third one of the import fails or is interrupted."""
    with desk_copy() as folder:
        add_source(folder)
        trouble = in_transaction(4, beginning, fault)
        with start(*settings(folder), "sync", before=small_batches, trouble=trouble) as child:
            if fault is Fault.STOP:
                child.wait_until_stopped()
                child.send(signal.SIGINT)
                child.send(signal.SIGCONT)
            ended = child.wait()
        # After what was committed, the command was done in part.
        assert ended.code == (130 if fault is Fault.STOP else 7), ended.err
        found = last_run(folder)
        assert found["ended_at"] is not None
        assert (found["error"] is not None, found["exit_code"]) == (True, 130 if fault is Fault.STOP else 1)
        assert found["opened"] == opened(folder) >= 2 * BATCH
        assert found["events"] == 3 * found["opened"]
        assert run(*settings(folder), "sync", before=small_batches).code == 0
        assert last_run(folder)["opened"] == TICKETS - found["opened"]
        assert violations(folder / "slactl.db", NOON) == []


@pytest.mark.parametrize("part", [0.1, 0.45, 0.7, 0.95])
def test_sync_that_is_killed_is_done_by_the_next_one(part: float) -> None:
    with desk_copy() as usual, desk_copy() as folder:
        add_source(usual)
        add_source(folder)
        usually = run(*settings(usual), "sync", before=small_batches)
        assert usually.code == 0, usually.err
        trouble = Trouble(int(part * len(usually.operations)))
        assert run(*settings(folder), "sync", before=small_batches, trouble=trouble).code == -signal.SIGKILL
        assert violations(folder / "slactl.db", NOON) == []
        assert run(*settings(folder), "sync", before=small_batches).code == 0
        both = [content_without_changes(each / "slactl.db") for each in (usual, folder)]
        assert [both[0][name] for name in ("ticket", "event", "timer", "snapshot")] == [
            both[1][name] for name in ("ticket", "event", "timer", "snapshot")
        ]
