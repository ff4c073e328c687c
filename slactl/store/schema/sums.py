"""Define what the tables of sums have to hold: each follows from other tables by one query.

`store.write.sums` keeps them in the transactions that write those tables. A migration and `doctor --rebuild` make them
anew, and an audit compares them with the queries.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping

from slactl.sla.enums import ActorType, EventType
from slactl.sla.history.effective import retracted
from slactl.store.schema.events import ACTIONS, REOPEN, named_in
from slactl.store.schema.views import OPEN

#: The class of a business time that is not averaged.
NO_SIZE = -1

#: The business time of an outcome `o` that is averaged; null otherwise.
AVERAGED = "CASE WHEN o.averaged THEN o.seconds END"

#: The columns of `outcome_day` that sum up, each with its SQL for one outcome `o`.
OF_OUTCOME: Mapping[str, str] = {
    "stopped": "1",
    "late": "o.met = 0",
    "seconds": f"COALESCE({AVERAGED}, 0)",
    "spent": "o.paused_seconds IS NOT NULL",
    "working": "CASE WHEN o.paused_seconds IS NOT NULL THEN COALESCE(o.seconds, 0) ELSE 0 END",
    "paused": "COALESCE(o.paused_seconds, 0)",
    "closed": "CASE WHEN o.paused_seconds IS NOT NULL THEN COALESCE(o.closed_seconds, 0) ELSE 0 END",
    "passed": "CASE WHEN o.paused_seconds IS NOT NULL"
    " THEN strftime('%s', o.stopped_at) - strftime('%s', o.started_at) ELSE 0 END",
}

#: Whether an event `e` counts: no retraction leaves it out.
COUNTS = f"""NOT is_retracted({named_in("e")}, (SELECT json_group_array(json_array({named_in("gone")},
json(gone.detail))) FROM (SELECT detail, hash FROM event WHERE ticket_id = e.ticket_id AND action = 'ticket.retract'
ORDER BY at, id) gone))"""

#: Whether an event `e` escalates its ticket. Warnings, which slactl gives before a deadline, are no escalations.
ESCALATES = f"""e.action = '{ACTIONS[EventType.ESCALATED]}'
AND (e.actor_type = '{ActorType.USER}' OR instr(e.detail, '"warning":true') = 0) AND {COUNTS}"""

#: Whether an event `e` reopened its ticket.
REOPENS = f"e.action = '{REOPEN}' AND {COUNTS}"

#: The instants at which an outcome `o` counts, the earlier and the later one, and those at which it counts as late.
_FIRST, _LAST = (
    f"{which}(COALESCE(o.stopped_at, o.late_since), COALESCE(o.late_since, o.stopped_at))" for which in ("MIN", "MAX")
)
_LATE_STOP = "CASE WHEN o.met = 0 THEN o.stopped_at END"
_LATE_FIRST, _LATE_LAST = (
    f"{which}(COALESCE({_LATE_STOP}, o.late_since), COALESCE(o.late_since, {_LATE_STOP}))" for which in ("MIN", "MAX")
)

#: The spans of the outcomes of tickets; `{}` takes a condition on an outcome `o`.
SPANS = f"""SELECT o.ticket_id, MIN({_FIRST}), MAX({_LAST}), MIN({_LATE_FIRST}), MAX({_LATE_LAST}),
COUNT(CASE WHEN o.kind = 'resolution' THEN o.stopped_at END),
CASE WHEN t.escalated THEN (SELECT MIN(e.at) FROM event e WHERE e.ticket_id = o.ticket_id AND {ESCALATES}) END,
(SELECT MAX(e.at) FROM event e WHERE e.ticket_id = o.ticket_id AND {REOPENS})
FROM outcome o JOIN ticket t ON t.id = o.ticket_id WHERE {{}} GROUP BY o.ticket_id"""

#: The condition that a clock `r` is paused.
IS_PAUSED = "r.stopped_at IS NULL AND r.state = 'paused'"

#: What `open_count` groups by, in its order, of a ticket `t` as it is stored.
_OF_OPEN = f"""t.priority, t.assignee IS NULL, t.escalated, EXISTS (SELECT 1 FROM timer r WHERE r.ticket_id = t.id
AND {IS_PAUSED}), t.due_at IS NOT NULL"""

#: The query of each table of sums, with its columns in order.
QUERIES: Mapping[str, str] = {
    "outcome_day": f"""SELECT o.kind, substr(o.stopped_at, 1, 10), size_of({AVERAGED}),
{", ".join(f"SUM({sql})" for sql in OF_OUTCOME.values())} FROM outcome o WHERE o.stopped_at IS NOT NULL
GROUP BY 1, 2, 3""",
    "outcome_span": SPANS.format("1"),
    "open_count": f"SELECT {_OF_OPEN}, COUNT(*) FROM ticket t WHERE {OPEN} GROUP BY 1, 2, 3, 4, 5",
}


def size_of(seconds: int | None) -> int:
    """Return the class of a business time: four classes for each power of two, in the order of the times."""
    if not isinstance(seconds, int):  # null, or what somebody else wrote
        return NO_SIZE
    shift = max(0, seconds.bit_length() - 3)
    return shift * 4 + (seconds >> shift)


def shortest_of(size: int) -> int:
    """Return the shortest business time of a class."""
    shift = max(0, size // 4 - 1)
    return (size - shift * 4) << shift


def _is_retracted(name: str, retractions: str) -> bool:
    """Return whether the retractions of a ticket, in order, leave out the event of this id."""
    return name in retracted(json.loads(retractions))


def add_functions(connection: sqlite3.Connection) -> None:
    """Let the queries of sums use `size_of` and `is_retracted`."""
    connection.create_function("size_of", 1, size_of, deterministic=True)
    connection.create_function("is_retracted", 2, _is_retracted, deterministic=True)


def make_anew(connection: sqlite3.Connection) -> None:
    """Fill the tables of sums from the tables that they follow from."""
    add_functions(connection)
    for table, query in QUERIES.items():
        connection.execute(f"DELETE FROM {table}")
        connection.execute(f"INSERT INTO {table} {query}")


def make_right(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Make sums anew that are wrong, as far as the other tables can be read; return the wrong rows of each table."""
    wrong = wrong_rows(connection)
    try:
        if wrong:
            make_anew(connection)
    except sqlite3.OperationalError as error:
        if not any(words in str(error) for words in _UNREADABLE):
            raise
    return wrong


def wrong_rows(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Return how many rows of each table of sums are missing or do not follow from the other tables; only if any."""
    add_functions(connection)
    wrong = Counter[str]()
    for table, query in QUERIES.items():
        stored = f"SELECT * FROM {table}"
        for one, other in ((stored, query), (query, stored)):
            count = f"SELECT COUNT(*) FROM (SELECT * FROM ({one}) EXCEPT SELECT * FROM ({other}))"
            try:
                wrong[table] = max(wrong[table], connection.execute(count).fetchone()[0])
            except sqlite3.OperationalError as error:
                if not any(words in str(error) for words in _UNREADABLE):
                    raise
                wrong[table] += 1
    return +wrong


#: Words of SQLite's errors about values that slactl did not write.
_UNREADABLE = ("malformed JSON", "user-defined function", "decode", "JSON cannot hold BLOB")
