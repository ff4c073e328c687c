"""Who got a ticket last, for `round_robin`: among the newest events, however long the log is."""

import sqlite3

from slactl.sla.enums import EventType
from slactl.store.read.tickets import ASSIGNED_LATELY, last_assigned
from slactl.store.schema.events import ACTIONS


def log(events: int, **assigned: int) -> sqlite3.Connection:
    """A log of assignments to zoe; `assigned` says which event was one to somebody else."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, action TEXT, detail TEXT)")
    rows = ((number, ACTIONS[EventType.ASSIGNED], '{"assignee": "zoe"}') for number in range(1, events + 1))
    connection.executemany("INSERT INTO event VALUES (?, ?, ?)", rows)
    for name, number in assigned.items():
        connection.execute("UPDATE event SET detail = json_object('assignee', ?) WHERE id = ?", (name, number))
    return connection


def steps(connection: sqlite3.Connection) -> int:
    calls: list[int] = []
    connection.set_progress_handler(lambda: calls.append(1), 100)
    assert last_assigned(connection, ["ann", "ben"]) is None
    return len(calls)


def test_last_of_some_people_counts_if_it_is_among_the_newest_events() -> None:
    size = ASSIGNED_LATELY + 100
    assert last_assigned(log(size, ann=size - 3, ben=size - 9), ["ann", "ben"]) == "ann"
    assert last_assigned(log(size, ann=size - 3, ben=size - 9), ["ben", "cem"]) == "ben"
    assert last_assigned(log(size, ann=101), ["ann"]) == "ann"
    assert last_assigned(log(size, ann=100), ["ann"]) is None
    assert last_assigned(log(0), ["ann"]) is None


def test_work_does_not_grow_with_the_log() -> None:
    short, long = (steps(log(ASSIGNED_LATELY * times)) for times in (1, 3))
    assert long <= short + 1
