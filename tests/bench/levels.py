"""Time one `check` while 5,000 or 50,000 levels are due: each level, memory, and what others wait meanwhile.

    python tests/bench/levels.py [LEVELS …]

Whole processes; processor time (user and system) as the kernel counts it. A desk is made by slactl's own import: of
three tickets that nobody answered, each is late with its first response, and one with its resolution too. Start-up is
the time of a `check` with one late ticket.
"""

import json
import math
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from processes import SLACTL, Desk, Figure, Waiting, run

CHECK = (*SLACTL, "check", "-q", "--no-send")
CREATE = (*SLACTL, "create", "Alone", "--from", "bench@example.com")

#: An operation, how many levels are due, what is aimed at, and what was measured.
Row = tuple[str, int, str, str]


def rows(folder: Path, levels: Sequence[int], runs: int = 5) -> Iterator[Row]:
    """Yield the rows for each number of levels: medians of some runs, each on a fresh copy of the same desk."""
    bare = late_desk(folder, 1)
    for due in levels:
        desk = late_desk(folder, round(due * 3 / 4))
        begins, figure, alone = Figure(), Figure(), Figure()
        for _ in range(runs):
            run(CHECK, bare.copy("begins.db").environment, begins)
            run(CHECK, desk.copy("run.db").environment, figure)
            run(CREATE, desk.copy("alone.db").environment, alone)
        fired = fired_levels(folder / "run.db")
        each = (figure.seconds - begins.seconds) / fired * 1e6
        busy = desk.copy("busy.db")
        with Waiting(busy) as waiting:
            run(CHECK, busy.environment, Figure())
        longest = statistics.quantiles(waiting.creates, n=20)[-1] if len(waiting.creates) > 1 else math.nan
        waited = longest - statistics.median(alone.wall)
        yield "`check`, each level beyond start-up", fired, "≤ 200 µs", f"{each:.0f} µs"
        yield "`check`, memory", fired, "≤ 120 MiB", f"{figure.peak / 1024:.0f} MiB"
        yield "`check`, write lock never free", fired, "≤ 100 ms", f"{waiting.longest * 1000:.0f} ms"
        waits = f"{waited * 1000:.0f} ms longer at p95, of {len(waiting.creates)}"
        yield "`check`, a `create` meanwhile", fired, "≤ 150 ms", waits


def late_desk(folder: Path, tickets: int) -> Desk:
    """Make a desk with so many late tickets, by import; `Desk.copy` makes copies beside it."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    desk = Desk(tickets, folder / f"late-{tickets}.db", home)
    quiet = {"env": desk.environment, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*SLACTL, "init"], **quiet)
    subprocess.run([*SLACTL, "import", "-"], input="\n".join(histories(tickets)).encode(), **quiet)
    with closing(sqlite3.connect(desk.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return desk


def histories(tickets: int) -> Iterator[str]:
    """Yield a line for each ticket: opened three days ago, and nobody answered."""
    opened = datetime.now(UTC) - timedelta(days=3)
    for number in range(tickets):
        event = {
            "ticket": f"T-{number}",
            "at": (opened + timedelta(seconds=number % 600)).isoformat(timespec="seconds"),
            "type": "created",
            "requester_email": f"person{number % 500}@example.com",
            "subject": f"Ticket {number}",
            "plan": ("free", "pro", "enterprise")[number % 3],
            "assignee": f"agent{number % 12}",
        }
        yield json.dumps(event)


def fired_levels(database: Path) -> int:
    """Return how many levels a database has a decision about."""
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM escalation").fetchone()[0])


def main() -> None:
    """Measure, and print a table."""
    levels = [int(word) for word in sys.argv[1:]] or [5_000, 50_000]
    folder = Path(tempfile.mkdtemp())
    try:
        sys.stdout.write("| operation | levels | goal | measured |\n|---|---|---|---|\n")
        for operation, size, goal, measured in rows(folder, levels):
            sys.stdout.write(f"| {operation} | {size:,} | {goal} | {measured} |\n")
            sys.stdout.flush()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
