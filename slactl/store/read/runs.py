"""Read what `check` needs to know before it starts, and the rows of past runs.

Most runs are idle and must be fast, so that this file uses stdlib `sqlite3` only and not SQLModel.
"""

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from slactl.clock import BootClock, from_text
from slactl.config import host_name
from slactl.errors import FIRED
from slactl.store.read.rows import Row, rows
from slactl.store.schema.views import ESCALATION_COLUMNS, OPEN, last_event

if TYPE_CHECKING:
    from slactl.records.runs import Run
    from slactl.records.tickets import Escalation

COLUMNS = [
    "id",
    "started_at",
    "ended_at",
    "scanned",
    "breached",
    "fired",
    "notified",
    "failed",
    "skipped",
    "exit_code",
    "rules_version",
    "duration_ms",
    "audit_head",
    "messages_sent",
]

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM run"

#: Two keys in `meta`: the hash of the rules with which every next instant was calculated, and the hash of the last own
#: rules of which a version was stored. Addresses of messages are never read from the database.
LEVELS_HASH, OWN_HASH = "ladders_hash", "own_rules_hash"


#: The condition for a run that fired what was due. A run that doubts the clock or finds no valid rules fires nothing:
#: its row has neither a version of the rules nor the boot clock.
_HAS_FIRED = (
    f"(exit_code IN ({', '.join(str(int(code)) for code in FIRED)})"
    " AND (exit_code = 0 OR rules_version IS NOT NULL OR boot_id IS NOT NULL))"
)

#: How long after such a run `list` does not warn that `check` may have stopped running, in seconds.
FRESH_SECONDS = 1800


class LastReading(NamedTuple):
    """The clocks as the last run read them: the wall clock as text, and the boot clock, which nobody can set."""

    started_at: str
    boot: BootClock


class BeforeRun(NamedTuple):
    """The state before a run. `idle`: nothing is due, no message waits, the rules are those of the last run."""

    idle: bool
    clocks: LastReading | None


def before_run(connection: sqlite3.Connection, now: str, fingerprint: str, boot: BootClock | None) -> BeforeRun:
    """Return what a run at `now` (text) finds; the number of statements does not depend on the size."""
    known = levels_made_with(connection)
    same = known is not None and known.fingerprint == fingerprint
    waiting = (
        "SELECT EXISTS (SELECT 1 FROM notification WHERE state IN ('waiting', 'sending') AND"
        " (state = 'sending' OR next_try_at <= ? OR (held_by IS NOT NULL AND ?)))"
    )
    # What people do with tickets can end what holds messages back. A silence that ends changes `next_try_at`.
    last = connection.execute("SELECT audit_head FROM run ORDER BY id DESC LIMIT 1").fetchone()
    changed = last is None or last[0] != audit_head(connection)
    due = are_due(connection, now) or bool(connection.execute(waiting, (now, changed)).fetchone()[0])
    return BeforeRun(same and not due, last_reading(connection, boot))


class LevelsMadeWith(NamedTuple):
    """Hold the hash of the rules with which every next level was calculated.

    `fingerprint` is that of the rules file of this host when it had these rules; None if it is not known to have them.
    """

    hash: str
    fingerprint: str | None


def levels_made_with(connection: sqlite3.Connection) -> LevelsMadeWith | None:
    """Return the rules with which every next level was calculated; None if these were not the same for all tickets."""
    query = (
        "SELECT m.value, h.rules_fingerprint FROM meta m LEFT JOIN host h ON h.name = ? AND h.rules_hash = m.value"
        " WHERE m.key = ?"
    )
    row = connection.execute(query, (host_name(), LEVELS_HASH)).fetchone()
    return LevelsMadeWith(*row) if row is not None else None


def last_reading(connection: sqlite3.Connection, boot: BootClock | None) -> LastReading | None:
    """Return the clocks as the last run on this machine read them since its start; None if no run read them.

    Each machine has a boot clock of its own. The runs of other machines say nothing about the clock of this one.
    """
    if boot is None:
        return None
    query = "SELECT started_at, boot_id, boot_seconds FROM run WHERE boot_id = ? ORDER BY id DESC LIMIT 1"
    row = connection.execute(query, (boot.boot_id,)).fetchone()
    return LastReading(row[0], BootClock(row[1], row[2])) if row else None


class LeaseHolder(NamedTuple):
    """The process that holds a lease, and the instant at which the lease runs out unless it is renewed, as text."""

    claimed_by: str
    claimed_until: str


def lease_holder(connection: sqlite3.Connection, name: str) -> LeaseHolder | None:
    """Return who holds the lease of a command, perhaps dead or too late; None if nobody does."""
    row = connection.execute("SELECT claimed_by, claimed_until FROM lease WHERE name = ?", (name,)).fetchone()
    return LeaseHolder(*row) if row is not None else None


def are_due(connection: sqlite3.Connection, now: str) -> bool:
    """Return whether something is due that no run has looked at."""
    due = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE next_at <= :now)" for table in ("timer", "ticket"))
    return bool(connection.execute(f"SELECT {due}", {"now": now}).fetchone()[0])


def audit_head(connection: sqlite3.Connection) -> str | None:
    """Return the last hash of the audit log; None while it is empty."""
    last = last_event(connection)
    return last[1] if last is not None else None


def runs(connection: sqlite3.Connection, limit: int = 0) -> "list[Run]":
    """Return the runs, newest first."""
    query = f"{_SELECT} ORDER BY id DESC" + (f" LIMIT {limit:d}" if limit else "")
    return [_decoded(row) for row in rows(connection, query)]


def run(connection: sqlite3.Connection, number: int) -> "Run | None":
    """Return one run; None if there is no such run."""
    row = next(rows(connection, f"{_SELECT} WHERE id = ?", (number,)), None)
    return _decoded(row) if row is not None else None


def escalations(connection: sqlite3.Connection, number: int) -> "list[Escalation]":
    """Return the due levels of one run, fired or not, as in `escalation_view`, in the order of the run."""
    query = f"SELECT {', '.join(ESCALATION_COLUMNS)} FROM escalation WHERE run_id = ? ORDER BY id"
    return cast("list[Escalation]", list(rows(connection, query, (number,))))


def last_good(connection: sqlite3.Connection) -> str | None:
    """Return when the last good run ended, as text: one with exit code 0; None if there was none."""
    return _last_end(connection, "exit_code = 0")


def last_fired(connection: sqlite3.Connection) -> str | None:
    """Return when the last run ended that fired what was due, as text; None if there was none."""
    return _last_end(connection, _HAS_FIRED)


def _last_end(connection: sqlite3.Connection, condition: str) -> str | None:
    row = connection.execute(f"SELECT ended_at FROM run WHERE {condition} ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0]) if row else None


def last_failure(connection: sqlite3.Connection) -> int | None:
    """Return the exit code of the last run that ended if it was not 0; else None."""
    row = connection.execute("SELECT exit_code FROM run WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT 1").fetchone()
    return int(row[0]) if row is not None and row[0] else None


def asleep_since(connection: sqlite3.Connection, now: str) -> str | None:
    """Return when the last run that fired ended if none fires any more at `now` (text); empty text if there was none.

    None if nothing is due, or if that run is not older than `FRESH_SECONDS`.
    """
    return asleep(first_due(connection), last_fired(connection), now)


def first_due(connection: sqlite3.Connection) -> str | None:
    """Return the instant from which a run has something to do; None if there is none."""
    queries = (f"SELECT min(next_at) FROM {table} WHERE next_at IS NOT NULL" for table in ("timer", "ticket"))
    found = [connection.execute(query).fetchone()[0] for query in queries]
    return min((str(instant) for instant in found if instant is not None), default=None)


def asleep(due: str | None, fired: str | None, now: str) -> str | None:
    """Return what `asleep_since` does, from when the first level is due and when the last run that fired ended."""
    if due is None or due > now:
        return None
    if fired is not None and (from_text(now) - from_text(fired)).total_seconds() <= FRESH_SECONDS:
        return None
    return fired or ""


def tallies(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return counts for a monitor: decisions by escalation, level and outcome; messages by state."""
    decided = "SELECT COALESCE(escalation, ''), COALESCE(level, ''), outcome, source, COUNT(*) FROM escalation"
    return {
        "escalations": connection.execute(f"{decided} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4").fetchall(),
        "outbox": connection.execute("SELECT state, COUNT(*) FROM notification GROUP BY 1 ORDER BY 1").fetchall(),
    }


def overdue_unfired(connection: sqlite3.Connection, now: str) -> int:
    """Return how many tickets have something due at `now` that no run has handled, also if it was put off."""
    query = (
        "SELECT COUNT(*) FROM (SELECT ticket_id FROM timer WHERE next_at <= :now UNION"
        " SELECT id FROM ticket WHERE next_at <= :now UNION SELECT r.ticket_id"
        " FROM ticket t JOIN timer r ON r.ticket_id = t.id WHERE t.due_at < :now"
        f" AND {OPEN}"
        " AND r.due_at < :now AND r.stopped_at IS NULL AND r.detected_at IS NULL)"
    )
    return int(connection.execute(query, {"now": now}).fetchone()[0])


def _decoded(row: Row) -> "Run":
    import json

    return cast("Run", row | {"skipped": json.loads(row["skipped"])})


class SourceState(NamedTuple):
    """Hold the last runs of a source's command: when the last one began, and how it ended; instants as text.

    `good` are the beginnings of the last good runs, newest first. A run without an end was killed, or is under way.
    """

    source: str
    started_at: str | None
    ended_at: str | None
    exit_code: int | None
    error: str | None
    good: tuple[str, ...]


#: The condition for a run of a source's command whose output was imported, bad rows or not.
_WAS_GOOD = "ended_at IS NOT NULL AND error IS NULL"


def source_state(connection: sqlite3.Connection, source: str, most: int = 1) -> SourceState:
    """Return the last run of a source's command, and the beginnings of the last good ones, at most `most`."""
    last = connection.execute(
        "SELECT started_at, ended_at, exit_code, error FROM sync_run WHERE source = ? ORDER BY id DESC LIMIT 1",
        (source,),
    ).fetchone()
    good = f"SELECT started_at FROM sync_run WHERE source = ? AND {_WAS_GOOD} ORDER BY id DESC LIMIT ?"
    starts = [start for (start,) in connection.execute(good, (source, most))]
    started, ended, code, error = last or (None, None, None, None)
    return SourceState(source, started, ended, code, error, tuple(starts))


def synced_sources(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the sources whose commands were run."""
    found: list[str] = []
    # One step through the index for each source, however many runs it had.
    query = "SELECT min(source) FROM sync_run WHERE source > ?"
    while (name := connection.execute(query, (found[-1] if found else "",)).fetchone()[0]) is not None:
        found.append(name)
    return found


class PastCheck(NamedTuple):
    """Hold when a `check` began, and the last event that it knew."""

    started_at: str
    audit_event: int


def last_checks(connection: sqlite3.Connection) -> Iterator[tuple[int, PastCheck]]:
    """Yield, for each version of the rules, the last `check` that ran with it before another version was used.

    A run that found nothing due names no version: it ran with that of the run before.
    """
    query = "SELECT rules_version, max(id) FROM run WHERE rules_version IS NOT NULL GROUP BY rules_version"
    for version, last in connection.execute(query).fetchall():
        found = connection.execute(
            "SELECT started_at, COALESCE(audit_event, 9e18) FROM run WHERE id >= :last AND id < COALESCE("
            "(SELECT min(id) FROM run WHERE id > :last AND rules_version IS NOT NULL), 9e18) AND ended_at IS NOT NULL"
            f" AND {_HAS_FIRED} ORDER BY id DESC LIMIT 1",
            {"last": last},
        ).fetchone()
        if found is not None:
            yield version, PastCheck(*found)


def first_event(connection: sqlite3.Connection, ticket: int) -> int | None:
    """Return the number of the event that was recorded first for a ticket; None before it is written."""
    row = connection.execute("SELECT min(id) FROM event WHERE ticket_id = ?", (ticket,)).fetchone()
    return row[0] if row is not None else None
