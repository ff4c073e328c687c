"""Thousands of tickets late at once: how long one `check` takes, and how long it holds the write lock.

    python tests/bench/storm.py [TICKETS]

A desk is made in a throw-away folder through slactl's own import. Then `check` runs, and each of its write
transactions is timed from the moment it has the lock until it is committed.
"""

import gc
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from processes import SLACTL, Desk, Figure, Row, Waiting, bring_in, run, settle_outbox

from slactl.clock import now
from slactl.config import resolve
from slactl.desk.escalation.check import check
from slactl.desk.ledger.desk import Desk as ServiceDesk
from slactl.store.sqlite import connection
from slactl.store.sqlite.connection import transaction

OPENED = datetime.now(UTC) - timedelta(days=3)


def slactl(*arguments: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a command of slactl, which must succeed."""
    return subprocess.run(
        [sys.executable, "-m", "slactl", *arguments], input=text, check=True, capture_output=True, text=True
    )


def histories(count: int) -> Iterator[str]:
    """Tickets that nobody answered: the first response of each is late, its resolution not yet."""
    for number in range(count):
        opened = {
            "ticket": f"T-{number}",
            "at": (OPENED + timedelta(seconds=number % 600)).isoformat(timespec="seconds"),
            "type": "created",
            "requester_email": f"person{number % 500}@example.com",
            "subject": f"Ticket {number}",
            "plan": ("free", "pro", "enterprise")[number % 3],
            "assignee": f"agent{number % 12}",
        }
        yield json.dumps(opened)


@contextmanager
def timed(holds: list[float], *arguments: Any, **options: Any) -> Iterator[Any]:  # noqa: ANN401  (as the original)
    """`connection.transaction` with a clock: how long each write transaction held the lock, without its wait for it."""
    begun = time.perf_counter()
    with transaction(*arguments, **options):
        begun = time.perf_counter()
        yield
    holds += [time.perf_counter() - begun] if options.get("write") else []


def rows(desks: Sequence[Desk], runs: int) -> Iterator[Row]:
    """Yield the rows of one `check` on the largest desk while many tickets are late; `runs` is for the start-up alone.

    Beside it another process writes: how long the lock was never free, and how long each `create` took.
    """
    desk, figure, idle, alone = desks[-1].copy("late.db"), Figure(), Figure(), Figure()
    due = min(50_000, max(100, desk.size // 20))
    for _ in range(runs):
        run([*SLACTL, "check", "-q", "--no-send"], desk.environment, idle)
        run([*SLACTL, "create", "Alone", "--from", "bench@example.com"], desk.environment, alone)
    bring_in(desk, due, "--late", "--prefix", "L-", "--seed", "11")
    settle_outbox(desk)
    before = levels(desk)
    with Waiting(desk) as waiting:
        run([*SLACTL, "check", "-q", "--no-send"], desk.environment, figure)
    fired = levels(desk) - before
    name = f"`check`, {fired:,} levels due"
    each = (figure.seconds - idle.seconds) / max(1, fired) * 1e6
    yield Row(f"{name}, each beyond start-up", desk.size, "≤ 200 µs", f"{each:.0f} µs", each <= 200)
    memory = figure.peak / 1024
    yield Row(f"{name}, memory", desk.size, "≤ 120 MiB", f"{memory:.0f} MiB", memory <= 120)
    longest = waiting.longest * 1000
    yield Row(f"{name}, lock never free", desk.size, "≤ 100 ms", f"{longest:.0f} ms", longest <= 100)
    # Of a check that ends soon only the first `create` may be known.
    longer = statistics.quantiles([*waiting.creates] * 2, n=20)[-1] - statistics.median(alone.wall)
    text = f"{longer * 1000:.0f} ms longer at p95, of {len(waiting.creates)}"
    yield Row(f"{name}, a `create` meanwhile", desk.size, "≤ 150 ms", text, longer <= 0.15)
    desk.remove()


def levels(desk: Desk) -> int:
    """Return how many levels became due on a desk so far."""
    with closing(sqlite3.connect(desk.path)) as opened:
        return int(opened.execute("SELECT COUNT(*) FROM escalation").fetchone()[0])


def main() -> None:
    """Make the desk, run `check` in this process as `slactl` itself does, print the figures."""
    count, holds = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000, list[float]()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"SLACTL_DB": f"{folder}/slactl.db", "SLACTL_RULES": f"{folder}/rules.toml"}
        slactl("init")
        slactl("import", "-", text="\n".join(histories(count)))
        connection.transaction = partial(timed, holds)
        gc.disable()
        begun, worked = time.perf_counter(), time.process_time()
        report = check(ServiceDesk.of(resolve(os.environ)), now())
        took, busy = time.perf_counter() - begun, time.process_time() - worked
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(  # noqa: T201
            f"{report.breached:,} breaches, {report.escalated:,} levels fired in {took:.2f} s"
            f" ({busy:.2f} s of a processor), {peak} MiB;"
            f" {len(holds)} write transactions, the longest {max(holds):.3f} s"
        )


if __name__ == "__main__":
    main()
