"""Thousands of tickets late at once: how long one `check` takes, and how long others wait for the write lock.

    python tests/bench/storm.py [TICKETS]

A desk is made in a throw-away folder through slactl's own import. While `check` runs, this process asks for the
write lock again and again, as any other command would, and keeps the longest wait.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

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


def longest_wait(database: Path, process: "subprocess.Popen[str]") -> float:
    """The longest time in seconds that this process waited for the write lock until the other one ended."""
    connection = sqlite3.connect(database, timeout=60, isolation_level=None)
    longest = 0.0
    while process.poll() is None:
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        longest = max(longest, time.perf_counter() - begun)
        connection.execute("ROLLBACK")
        time.sleep(0.005)
    return longest


def main() -> None:
    """Make the desk, run `check`, print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "slactl.db"
        os.environ |= {"SLACTL_DB": str(database), "SLACTL_RULES": str(Path(folder) / "rules.toml")}
        slactl("init")
        slactl("import", "-", text="\n".join(histories(count)))
        begun = time.perf_counter()
        arguments = [sys.executable, "-m", "slactl", "check", "--json"]
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, text=True) as process:
            waited = longest_wait(database, process)
        print(count, time.perf_counter() - begun, waited)


if __name__ == "__main__":
    main()
