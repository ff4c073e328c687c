"""Measure slactl on desks of several sizes, and print one table: each goal, what was measured, and why one is missed.

    python tests/bench/desk.py                         # a desk of a thousand tickets
    python tests/bench/desk.py 1000 100000 1000000     # the whole table; the desk of a million takes a while to make
    python tests/bench/desk.py --folder DIR            # keep the desks there, and use those that are there
    python tests/bench/desk.py --only commands storm   # some modules only: commands, storm, bulk

Whole processes; CPU (user and system) as the kernel counts it; medians of interleaved runs. F is a Python that does
nothing, measured in the same rounds. The desks are made by slactl's own import of a generated history.
"""

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import bulk
import commands
import storm
from processes import Desk, Row, make_desk

#: The modules, and how each yields its rows from the desks and the number of runs.
MODULES: Mapping[str, Callable[[Sequence[Desk], int], Iterator[Row]]] = {
    "commands": commands.rows,
    "storm": storm.rows,
    "bulk": bulk.rows,
}

#: Why a goal is missed, by the beginning of an operation.
REASONS: Mapping[str, str] = {
    "completion": "the shell starts a whole process; importing Typer takes most of it",
    "`check`": "Python evaluates each history and writes each event with its hash",
    "`report": "it lists the longest overdue of all targets and the hours of all openings, which have no sums",
    "`import": "Python evaluates each history; SQLite writes each event into three indexes",
    "`simulate": "Python evaluates each history under the rules",
}

HEAD = ("| operation | tickets | goal | measured | met | why not |", "|---|---|---|---|---|---|")


def line(row: Row) -> str:
    """Return a row of the table."""
    why = "" if row.met else next((text for start, text in REASONS.items() if row.operation.startswith(start)), "")
    cells = (row.operation, f"{row.size:,}", row.goal, row.measured, "yes" if row.met else "no", why)
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Make the desks, measure, print each row when it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=int, nargs="*", default=[1000])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--folder", type=Path, default=None, help="where the desks are kept; by default nowhere")
    parser.add_argument("--only", choices=tuple(MODULES), nargs="+", default=list(MODULES))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        desks = [make_desk(folder, size) for size in sorted(chosen.sizes)]
        machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
        sys.stdout.write(f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {chosen.runs} runs\n\n")
        sys.stdout.write("\n".join(HEAD) + "\n")
        for name in chosen.only:
            for row in MODULES[name](desks, chosen.runs):
                sys.stdout.write(line(row) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
