"""How fast the log is written and audited: `python tests/bench/audit_log.py [events] [tickets]`.

Prints what each phase took: chaining events on their way into the log, the same rows without a chain, the audit of the
chain, of the texts, and of the tickets by their histories. Peak memory is that of the whole process.
"""

import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from slactl.clock import to_text
from slactl.config import shipped_rules
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import Entry, ledger
from slactl.desk.upkeep import audit
from slactl.sla.enums import ActorType, EventType
from slactl.sla.history.event import Event
from slactl.store.database import Database
from slactl.store.schema import chain
from slactl.store.sqlite.file import create_database
from slactl.store.write.statements import append_events, insert_rows

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHUNK = 1_000


def main() -> None:
    """Measure, and print one line for each phase."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    tickets = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slactl.db"
        desk = Desk(Database(path), shipped_rules(), "bench", {"database": "", "rules": ""})
        create_database(path)
        took("opening tickets", tickets, lambda: open_tickets(desk, tickets))
        rest = events - count(path)
        plain = took("inserting without a chain", rest, lambda: insert(path, rest, tickets, chained=False))
        drop(path, events - rest)
        chained = took("inserting with the chain", rest, lambda: insert(path, rest, tickets, chained=True))
        rate = rest / max(chained - plain, 1e-9)
        print(f"{'the chain alone':28} {rate:12,.0f} events a second")  # noqa: T201
        phases(desk)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{'peak memory':28} {peak:12,.0f} MiB")  # noqa: T201


def open_tickets(desk: Desk, tickets: int) -> None:
    """Open tickets with a subject, a body, three replies and a change of the priority."""
    for first in range(0, tickets, CHUNK):
        with ledger(desk, NOW, strict=True) as book:
            version = book.rulebook.current_version()
            assert version.id is not None
            for number in range(first, min(first + CHUNK, tickets)):
                at = NOW - timedelta(hours=number % 500 + 10)
                detail = {"plan": "pro", "priority": "normal", "status": "open", "rules": version.hash}
                texts = {"subject": f"Ticket {number}", "body": "It burns.", "requester_email": "ann@example.com"}
                ticket = book.open_ticket(Entry(Event(at, EventType.CREATED, detail), texts), version.id)
                for hours in (1, 2, 3):
                    book.append(ticket, Entry(Event(at + timedelta(hours=hours), EventType.AGENT_REPLY)))
                raised = Event(at + timedelta(hours=4), EventType.PRIORITY, {"priority": "high", "from": "normal"})
                book.append(ticket, Entry(raised))


def insert(path: Path, events: int, tickets: int, *, chained: bool) -> None:
    """Append notes of slactl's own, from which no column follows."""
    for first in range(0, events, CHUNK):
        with Database(path).write() as connection:
            start = int(connection.execute("SELECT max(id) FROM event").fetchone()[0] or 0) + 1
            rows = [row(start + place, tickets) for place in range(min(CHUNK, events - first))]
            if chained:
                append_events(connection, rows)
            else:
                insert_rows(connection, "event", [each | {"hash": chain.BEGINNING} for each in rows])


def row(number: int, tickets: int) -> dict[str, Any]:
    """An event as it stands in the database."""
    return {
        "id": number,
        "ticket_id": number % tickets + 1,
        "at": to_text(NOW),
        "recorded_at": to_text(NOW),
        "actor": "slactl",
        "actor_type": ActorType.SYSTEM.value,
        "action": "sla.due",
        "detail": '{"because":"priority changed","policy":"pro","resolution":"2026-03-05T09:00:00Z"}',
    }


def drop(path: Path, last: int) -> None:
    """Take away every event after `last`."""
    connection = sqlite3.connect(path, isolation_level=None)
    for name in chain.TRIGGERS:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("DELETE FROM event WHERE id > ?", (last,))
    chain.make_triggers(connection)
    connection.execute("VACUUM")
    connection.close()


def phases(desk: Desk) -> None:
    """Audit, and print what each phase took."""
    began: dict[str, float] = {}
    ended: dict[str, tuple[float, int]] = {}

    def tell(phase: str, done: int, _: int) -> None:
        began.setdefault(phase, max([start, *(end for end, _ in ended.values())]))
        ended[phase] = (time.perf_counter(), done)

    start = time.perf_counter()
    found = audit.verify(desk, NOW, progress=tell)
    assert not found.found, found.findings[:3]
    for phase, (end, done) in ended.items():
        told(f"auditing {phase}", found.tickets if phase == "tickets" else done, end - began[phase])
    told("auditing all of it", found.events, time.perf_counter() - start)


def took(what: str, number: int, work: Callable[[], None]) -> float:
    """Do some work, print what it took, and return the time of the processor, which no other program disturbs."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    told(what, number, time.perf_counter() - start)
    return time.process_time() - cpu


def told(what: str, number: int, seconds: float) -> None:
    """Print one line."""
    print(f"{what:28} {number:12,} in {seconds:7.2f} s  {number / seconds:12,.0f} a second")  # noqa: T201


def count(path: Path) -> int:
    """How many events there are."""
    connection = sqlite3.connect(path)
    found = int(connection.execute("SELECT count(*) FROM event").fetchone()[0])
    connection.close()
    return found


if __name__ == "__main__":
    main()
