"""What must hold of every database at every moment, whatever happened to the programs that used it."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import slow_figures

from slactl.clock import from_text, to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.projection import outcome_rows, ticket_columns
from slactl.desk.upkeep.audit import verify
from slactl.desk.upkeep.expected import NOT_OF_OUTCOMES
from slactl.sla.enums import Target
from slactl.sla.history.event import Event
from slactl.sla.rules.loading import parse
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.evaluate import evaluate
from slactl.sla.timers.timer import Evaluation, TimerState
from slactl.store.database import Database
from slactl.store.read.tickets import tickets, timers
from slactl.store.schema.events import COLUMNS, from_row
from slactl.store.schema.views import breach_columns, breach_source, select

#: What differs from one run of the program to the next although the same was done: what each run noted of itself, and
#: which state of the rules file was read, told by its inode and instants.
OF_RUNS = {"run_id", "audit_head", "salt", "digest", "rules_fingerprint"}

#: The same of what is known about the whole: that the database file has yet to be rewritten, and what it signs with.
OF_FILES = ("unwiped", "reply_key")


def violations(database: Path, now: datetime, *, all_told: bool = True) -> list[str]:
    """Everything that does not hold, in words; with `all_told` each level that fired has told somebody."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        found = [*_file(connection), *_escalations(connection), *_outbox(connection, all_told)]
        found += [*_cache(connection, now), *_reads(connection, now)]
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        found += slow_figures.differences(connection, to_text(now))
    desk = Desk(Database(database), database.with_name("rules.toml"), "auditor", {})
    return found + [finding.message for finding in verify(desk, now).findings]


def content(database: Path) -> dict[str, list[str]]:
    """Everything in a database that two runs of the same command have in common, table by table."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: _rows(connection, name) for name in sorted(names) if name not in ("run", "sqlite_sequence")}
        schema = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")
        return rows | {"the schema": [repr(tuple(row)) for row in schema]}


def content_without_changes(database: Path) -> dict[str, list[str]]:
    """The content but for the numbers of changes: a command that goes on after a kill is another change."""
    sealed = r"'hash': '\w+'|\"change\":\d+,?"
    return {name: [re.sub(sealed, "", row) for row in rows] for name, rows in content(database).items()}


def _rows(connection: sqlite3.Connection, table: str) -> list[str]:
    rows = (dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid"))
    common = (row for row in rows if row.get("key") not in OF_FILES)
    if table not in ("outcome", "outcome_day", "outcome_span", "open_count"):
        return [repr({name: value for name, value in row.items() if name not in OF_RUNS}) for row in common]
    # A batch writes the outcomes of its tickets anew, under numbers that hang on how many were in the batch, and adds
    # to sums in that order.
    return sorted(repr({name: value for name, value in row.items() if name not in ("id", *OF_RUNS)}) for row in common)


def _file(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"integrity: {line}"
    for row in connection.execute("PRAGMA foreign_key_check"):
        yield f"foreign key: {tuple(row)}"


def _escalations(connection: sqlite3.Connection) -> Iterator[str]:
    """Each that fired has its event; each event of one has its row; nothing fired twice."""
    events: dict[int, dict[str, Any]] = {
        row["id"]: json.loads(row["detail"]) | {"ticket_id": row["ticket_id"]}
        for row in connection.execute("SELECT id, ticket_id, detail FROM event WHERE action = 'ticket.escalate'")
    }
    keys: set[tuple[Any, ...]] = set()
    told: set[int] = set()
    for row in connection.execute("SELECT * FROM escalation"):
        event = events.get(row["event_id"])
        told.add(row["event_id"])
        names = ("ticket_id", "kind", "cycle", "escalation", "level", "arming", "repeat")
        key = tuple(row[name] for name in names)
        if row["source"] == "automatic":
            if key in keys:
                yield f"fired twice: {key}"
            keys.add(key)
        if (row["outcome"] == "fired") != (event is not None):
            yield f"escalation {row['id']} is {row['outcome']}, its event {row['event_id']} is {event}"
        # The log has the number of the cycle as it was then; what came to light later may have moved it.
        elif event is not None and any(event.get(n, row[n]) != row[n] for n in names if key[1] and n != "cycle"):
            yield f"escalation {row['id']} is {key}, its event {event}"
    for number in events.keys() - told:
        yield f"event {number} tells of an escalation that is not there"


def _outbox(connection: sqlite3.Connection, all_told: bool) -> Iterator[str]:
    silent = "SELECT id FROM escalation WHERE outcome = 'fired' AND id NOT IN (SELECT escalation_id FROM notification)"
    for (number,) in connection.execute(silent) if all_told else ():
        yield f"escalation {number} fired and nobody is told"
    for row in connection.execute("SELECT * FROM notification"):
        waits = row["state"] in ("waiting", "sending")
        if waits != (row["next_try_at"] is not None and row["ended_at"] is None):
            yield f"message {row['id']} is {row['state']}, next try {row['next_try_at']}, ended {row['ended_at']}"


def histories(connection: sqlite3.Connection) -> dict[int, list[Event]]:
    """The history of each ticket in the order of time."""
    found: dict[int, list[Event]] = {number: [] for (number,) in connection.execute("SELECT id FROM ticket")}
    query = f"SELECT ticket_id, {COLUMNS} FROM event ORDER BY at, id"
    for number, *row in connection.execute(query):
        event = from_row(*row)
        if event is not None:
            found[number].append(event)
    return found


def states(connection: sqlite3.Connection, now: datetime, *, as_stored: bool = False) -> dict[int, Evaluation]:
    """What each history says at `now`, or at its last event where that is later.

    With `as_stored` a status that ended by itself holds as long as the columns have it: no check recorded its end.
    """
    versions: dict[str, Rules] = {}
    for rules_hash, text in connection.execute("SELECT hash, canonical FROM rules_version"):
        versions[rules_hash] = parse(text, "kept", {rules_hash})
    stored = {row["id"]: row["status"] for row in connection.execute("SELECT id, status FROM ticket")}

    def state(number: int, history: list[Event], at: datetime) -> Evaluation:
        found = evaluate(history, lambda rules_hash: versions[rules_hash or ""], at, with_outcomes=True)
        if as_stored and found.woke and stored[number] != found.status and found.woke[-1][1] > history[-1].at:
            return state(number, history, found.woke[-1][1] - timedelta(seconds=1))
        return found

    return {
        number: state(number, history, max(now, history[-1].at)) for number, history in histories(connection).items()
    }


def _cache(connection: sqlite3.Connection, now: datetime) -> Iterator[str]:
    """The columns follow from the histories: those that change by themselves are compared as they are at `now`."""
    timers: dict[int, dict[tuple[str, int], Any]] = {}
    for row in connection.execute("SELECT * FROM timer"):
        timers.setdefault(row["ticket_id"], {})[row["kind"], row["cycle"]] = row
    rows = {row["id"]: row for row in connection.execute("SELECT * FROM ticket")}
    outcomes: dict[int, list[Any]] = {}
    for row in connection.execute("SELECT * FROM outcome"):
        outcomes.setdefault(row["ticket_id"], []).append(row)
    breaches: dict[int, list[Any]] = {}
    for row in connection.execute(select(breach_columns(":now"), breach_source(":now")), {"now": to_text(now)}):
        breaches.setdefault(row["ticket_id"], []).append(row)
    decided: dict[int, list[Any]] = {}
    for row in connection.execute("SELECT * FROM escalation WHERE source = 'automatic'"):
        decided.setdefault(row["ticket_id"], []).append(row)
    for number, state in states(connection, now, as_stored=True).items():
        yield from _ticket(number, rows[number], state)
        yield from _timers(number, timers.get(number, {}), state)
        yield from _outcomes(number, outcomes.get(number, []), timers.get(number, {}), state)
        yield from _breaches(number, breaches.get(number, []), outcomes.get(number, []), state)
        yield from _decided(decided.get(number, []), state)


def _reads(connection: sqlite3.Connection, now: datetime) -> Iterator[str]:
    """What is read of a ticket is true at `now`, also if its status ended and no check has recorded that yet."""
    at, shown = to_text(now), {row["id"]: row for row in tickets(connection, to_text(now))}
    for number, state in states(connection, now).items():
        if state.now > now:
            continue  # something was recorded by another clock
        wanted = ticket_columns(state)
        for name in ("status", "updated_at", "due_at", "due_target", "assignee", "resolved_at"):
            if shown[number][name] != wanted[name]:
                yield f"{name} of ticket {number} reads {shown[number][name]!r}, by its history {wanted[name]!r}"
        rows = {(row["target"], row["cycle"]): row for row in timers(connection, number, at)}
        for timer in (each for each in state.timers if each.kind in tuple(Target)):
            row, due_at = rows[timer.kind.value, timer.cycle], to_text(timer.due_at) if timer.due_at else None
            since = to_text(timer.running_since) if timer.running_since else None
            found = (row["state"], row["due_at"], row["running_since"], row["breached_at"] is not None)
            expected = (timer.state.value, due_at, since, timer.breached_at is not None)
            if found != expected:
                yield f"the {timer.kind} timer {timer.cycle} of ticket {number} reads {found}, not {expected}"


def _outcomes(number: int, rows: list[Any], timers: dict[tuple[str, int], Any], state: Evaluation) -> Iterator[str]:
    """What is stored follows from the history; only a deadline that passed since the last change is not stored yet."""
    left = [{name: row[name] for name in row.keys() if name not in NOT_OF_OUTCOMES} for row in rows]  # noqa: SIM118
    for row in outcome_rows(number, state, {}):
        wanted = {name: value for name, value in row.items() if name != "detected_at"}
        timer = timers.get((row["kind"], row["cycle"]))  # none where a policy has that target no more
        runs_on = timer and row["stopped_at"] is None and timer["stopped_at"] is None and not timer["counted"]
        if wanted in left:
            left.remove(wanted)
        elif not (runs_on and timer["due_at"] == row["missed_at"] and timer["agreement"] == row["agreement"]):
            yield f"the outcome {wanted} of ticket {number} is missing"
    for row in left:
        yield f"the outcome {row} of ticket {number} is in no history"


def _breaches(number: int, rows: list[Any], outcomes: list[Any], state: Evaluation) -> Iterator[str]:
    """Each missed deadline of the history is a row of `breach_view`, and no other; no outcome counts one twice."""
    missed = [(each.kind.value, each.cycle, to_text(breach.at)) for each in state.timers for breach in each.breaches]
    # What was missed before the end became unknown stays a fact.
    unknown = {
        (each.kind, each.cycle) for each in state.timers if each.state is TimerState.UNKNOWN and not each.breaches
    }
    kept = (each for each in state.outcomes if (each.kind, each.cycle) in unknown)
    missed += [(each.kind.value, each.cycle, to_text(each.missed_at)) for each in kept if each.missed_at is not None]
    shown = [(row["target"], row["cycle"], row["breached_at"]) for row in rows]
    if sorted(missed) != sorted(shown):
        yield f"ticket {number} missed {sorted(missed)}, and breach_view has {sorted(shown)}"
    counted = Counter((row["kind"], row["cycle"], row["agreement"]) for row in outcomes if row["missed_at"] is not None)
    for key, times in counted.items():
        if times > 1:
            yield f"the miss {key} of ticket {number} is counted {times} times"
    for row in rows:
        if row["detected_at"] is not None and row["detected_at"] < row["breached_at"]:
            yield f"ticket {number}: the breach of {row['breached_at']} was noticed at {row['detected_at']}"
    for each in (timer for timer in state.timers if timer.state is TimerState.UNKNOWN):
        if each.due_at is not None or each.stopped_at is not None:
            yield f"the unknown {each.kind} timer {each.cycle} of ticket {number} is judged: {each.due_at}"


def _decided(rows: list[Any], state: Evaluation) -> Iterator[str]:
    """Nothing is decided for a cycle or an episode that had not begun."""
    starts = {(timer.kind.value, timer.cycle): timer.started_at for timer in state.timers}
    for row in rows:
        start = starts.get((row["kind"], row["cycle"]))
        if start is not None and from_text(row["fired_at"]) < start:
            yield f"escalation {row['id']} of {row['fired_at']} is said to be of a cycle that began at {start}"


def _ticket(number: int, row: Any, state: Evaluation) -> Iterator[str]:  # noqa: ANN401
    at = state.now
    if (row["next_at"] and from_text(row["next_at"])) != state.ends_at:
        yield f"ticket {number} sleeps until {row['next_at']}, but its status ends at {state.ends_at}"
    for name, expected in ticket_columns(state).items():
        stored = row[name]
        if name == "acked_until":
            stored = stored if stored is not None and from_text(stored) > at else None
        if name == "missed":
            stored = int(stored or (row["due_at"] is not None and from_text(row["due_at"]) < at))
        if stored != expected:
            yield f"{name} of ticket {number} is {stored!r}, by its history {expected!r}"


def _timers(number: int, rows: dict[tuple[str, int], Any], state: Evaluation) -> Iterator[str]:
    at, by_history = state.now, {(timer.kind.value, timer.cycle): timer for timer in state.timers}
    for key in rows.keys() - by_history.keys():
        yield f"timer {key} of ticket {number} is in no history"
    for key, timer in by_history.items():
        row = rows.get(key)
        if row is None:
            if timer.kind in tuple(Target):
                yield f"timer {key} of ticket {number} is missing"
            continue
        due = from_text(row["due_at"]) if row["due_at"] is not None else None
        late = row["stopped_at"] is None and due is not None and due < at
        breached = row["breached_at"] or (row["due_at"] if late else None)
        stored = {
            "state": "breached" if late and timer.kind in tuple(Target) else row["state"],
            "breached_at": from_text(breached) if breached else None,
            **{name: from_text(row[name]) if row[name] else None for name in ("due_at", "stopped_at", "started_at")},
            **{name: row[name] for name in ("target_seconds", "manual")},
            "deadline_revision": row["arming"],
            "agreement": row["agreement"],
            "running_since": from_text(row["running_since"]) if row["running_since"] else None,
        }
        for name, value in stored.items():
            expected = timer.clock_run.agreement if name == "agreement" else getattr(timer, name)
            # What counts up to a deadline set by hand shrinks while the clock stands still: known as of the last event.
            shrinks = name == "target_seconds" and timer.manual and not timer.is_counting and timer.stopped_at is None
            if value < expected if shrinks else value != expected:
                yield f"{name} of timer {key} of ticket {number} is {value!r}, by its history {expected!r}"
        missed = any(breach.agreement == timer.clock_run.agreement for breach in timer.breaches)
        if row["counted"] != missed and not (late and not row["counted"]):
            yield f"timer {key} of ticket {number} has counted = {row['counted']}, by its history {missed}"
        if row["detected_at"] is not None and timer.breached_at is None:
            yield f"timer {key} of ticket {number} was noticed at {row['detected_at']}, but was not missed"
    latest = [key for key, row in rows.items() if row["latest"]]
    if sorted(latest) != sorted((kind, max(c for k, c in rows if k == kind)) for kind in {k for k, _ in rows}):
        yield f"of ticket {number} the latest timers are said to be {latest}"
