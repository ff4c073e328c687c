"""Times slactl on desks of a thousand, a hundred thousand and a million tickets, and prints one table.

    python tests/bench/desk.py                      # everything; the desk of a million takes a while to make
    python tests/bench/desk.py --sizes 1000 20000   # a quick look
    python tests/bench/desk.py --folder DIR         # keep the desks there, and use those that are there

Whole processes; CPU (user and system) as the kernel counts it; medians of interleaved runs. F is a Python that does
nothing, measured in the same rounds. The desks are made by slactl's own import of a generated history.
"""

import argparse
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from processes import (
    GENERATOR,
    HERE,
    NOTHING,
    SLACTL,
    YARDSTICK,
    Desk,
    Figure,
    Waiting,
    bring_in,
    make_desk,
    run,
    settle_outbox,
)


@dataclass
class Row:
    """One line of the table: what was asked, of how many tickets, what it took, and what was aimed at."""

    operation: str
    tickets: str
    measured: str
    peak: int
    goal: str
    met: bool

    def __str__(self) -> str:
        cells = (self.operation, self.tickets, self.measured, f"{self.peak / 1024:.0f} MiB", self.goal)
        return f"| {' | '.join(cells)} | {'yes' if self.met else 'no'} |"


HEAD = ("| operation | tickets | measured | peak memory | goal | met |", "|---|---|---|---|---|---|")

#: Operations that change nothing, at any size: words, and how many F they may take.
READS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("`list --breached`, pipe, 50 rows", ("list", "--breached", "--limit", "50"), 6),
    ("`list --breached --json`", ("list", "--breached", "--json", "--limit", "50"), 6),
    ("`list --breached`, table of 50", ("list", "--breached", "--format", "table", "--limit", "50"), 10),
    ("`check`, nothing due", ("check", "-q"), 6.5),
)
FILTERED: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("`list`, one assignee", ("list", "--assignee", "agent-07", "--limit", "50"), 7),
    ("`list`, one tenant", ("list", "--tenant", "tenant-123", "--limit", "50"), 7),
    ("`list`, nobody matches", ("list", "--assignee", "nobody-has-this-name"), 7),
)


class Bench:
    """The rounds and what they came to."""

    def __init__(self, desks: Sequence[Desk], runs: int) -> None:
        self.desks = desks
        self.runs = runs
        self.rows: list[Row] = []
        self.figures: dict[tuple[str, int], Figure] = {}

    def measure(self) -> None:
        """Run everything and fill the rows."""
        self._rounds()
        floor = self.figures["floor", 0].seconds
        sys.stderr.write(f"F = {floor * 1000:.1f} ms" + "\n")
        self._start_rows(floor)
        self._read_rows(floor)
        self._write_rows()
        self._summary_rows(floor)

    def _rounds(self) -> None:
        commands = list(self._commands())
        for name, size, command, environment in commands:  # once, so that files are in memory
            run(command, environment, Figure())
            self.figures[name, size] = Figure()
        for _ in range(self.runs):
            for name, size, command, environment in commands:
                run(command, environment, self.figures[name, size])

    def _commands(self) -> Iterator[tuple[str, int, Sequence[str], Mapping[str, str]]]:
        largest = self.desks[-1]
        bare = self.desks[0].environment
        yield "floor", 0, NOTHING, bare
        yield "sqlmodel", 0, (sys.executable, "-c", "import sqlmodel, typer"), bare
        yield "`--version`", 0, (*SLACTL, "--version"), bare
        yield "`--help`", 0, (*SLACTL, "--help"), bare
        words = {"_SLACTL_COMPLETE": "complete_bash", "COMP_WORDS": "slactl show 1", "COMP_CWORD": "2"}
        yield "completion of ids", largest.size, SLACTL, largest.environment | words
        for desk in self.desks:
            for name, arguments, _ in READS:
                yield name, desk.size, (*SLACTL, *arguments), desk.environment
            for name, arguments in self._changes():
                yield name, desk.size, (*SLACTL, *arguments), desk.environment
            yield "`summary`", desk.size, (*SLACTL, "summary", "--json"), desk.environment
        for name, arguments, _ in FILTERED:
            yield name, largest.size, (*SLACTL, *arguments), largest.environment

    def _changes(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        yield "`create`", ("create", "Bench", "--from", "bench@example.com", "--plan", "free")
        yield "`reply`", ("reply", "11", "--body", "On it.", "--status", "open")
        yield "`show`", ("show", "12")

    def _add(self, operation: str, size: int, measured: str, goal: str, met: bool, peak: int = 0) -> None:
        peak = peak or self.figures[operation, size].peak
        self.rows.append(Row(operation, f"{size:,}" if size else "any", measured, peak, goal, met))

    def _in_floors(self, operation: str, size: int, floor: float, most: float) -> None:
        taken = self.figures[operation, size].seconds
        text = f"{taken * 1000:.0f} ms = {taken / floor:.1f} F"
        self._add(operation, size, text, f"≤ {most:g} F", taken <= most * floor)

    def _start_rows(self, floor: float) -> None:
        largest = self.desks[-1].size
        for name, size, most in (("`--version`", 0, 5), ("completion of ids", largest, 6), ("`--help`", 0, 10)):
            self._in_floors(name, size, floor, most)

    def _read_rows(self, floor: float) -> None:
        for name, _, most in READS:
            for desk in self.desks:
                self._in_floors(name, desk.size, floor, most)
            self._flat(name)
        for name, _, most in FILTERED:
            self._in_floors(name, self.desks[-1].size, floor, most)

    def _flat(self, name: str) -> None:
        small, large = (self.figures[name, desk.size] for desk in (self.desks[0], self.desks[-1]))
        ratio = large.seconds / small.seconds
        sizes = f"{self.desks[-1].size:,} : {self.desks[0].size:,}"
        self.rows.append(Row(name, sizes, f"{ratio:.2f} times", large.peak, "≤ 1.1 times", ratio <= 1.1))

    def _write_rows(self) -> None:
        start = self.figures["sqlmodel", 0].seconds
        for name, _ in self._changes():
            for desk in self.desks:
                taken = self.figures[name, desk.size].seconds
                text = f"{taken * 1000:.0f} ms; importing SQLModel and Typer alone {start * 1000:.0f} ms"
                self._add(name, desk.size, text, "flat", True)
            self._flat(name)

    def _summary_rows(self, floor: float) -> None:
        for desk in self.desks:
            self._in_floors("`summary`", desk.size, floor, 10 if desk.size <= 100_000 else 25)

    def check_due(self, desk: Desk, due: int) -> None:
        """A check with so many tickets due, against the raw script that does the same writes."""
        name = f"`check`, {due:,} due"
        late, figure = desk.copy("late.db"), Figure()
        bring_in(late, due, "--late", "--prefix", "L-", "--seed", "11")
        settle_outbox(late)
        raw = late.copy("raw.db")
        with Waiting(late) as waiting:
            run([*SLACTL, "check", "-q", "--no-send"], late.environment, figure)
        if due < 10_000:
            self._add(name, desk.size, f"{figure.wall[0]:.2f} s", "≤ 0.8 s", figure.wall[0] <= 0.8, figure.peak)
        else:
            said = subprocess.check_output([sys.executable, str(YARDSTICK), str(raw.path), str(late.path)], text=True)
            self._storm_rows(name, due, desk.size, figure, float(said.split()[0]), waiting)
        for copy in (late, raw):
            copy.remove()

    def _storm_rows(self, name: str, due: int, size: int, figure: Figure, raw: float, waiting: Waiting) -> None:
        beyond = figure.seconds - self.figures["sqlmodel", 0].seconds
        each = f"beyond start-up {beyond / due * 1e6:.0f} µs a ticket, raw {raw / due * 1e6:.0f}"
        text = f"{figure.seconds:.1f} s; {each} = {beyond / raw:.1f} times"
        self._add(f"{name}, against raw", size, text, "≤ 2 times", beyond <= 2 * raw, figure.peak)
        met = figure.peak <= 120 * 1024
        self._add(f"{name}, memory", size, f"{figure.peak / 1024:.0f} MiB", "≤ 120 MiB", met, figure.peak)
        longest = waiting.longest
        text = f"{longest * 1000:.0f} ms at most"
        self._add(f"{name}, write lock never found free", size, text, "≤ 100 ms", longest <= 0.1, figure.peak)
        longer = max(waiting.creates) - statistics.median(self.figures["`create`", size].wall)
        text = f"{longer * 1000:.0f} ms longer at most, of {len(waiting.creates)}"
        self._add(f"{name}, a `create` meanwhile", size, text, "≤ 150 ms", longer <= 0.15, figure.peak)

    def bulk(self, folder: Path, size: int) -> None:
        """Import and simulation of a history of so many tickets."""
        home = folder / "home"
        desk, figure, asked = Desk(size, folder / "import.db", home), Figure(), Figure()
        desk.remove()
        subprocess.run([*SLACTL, "init"], env=desk.environment, check=True, stdout=subprocess.DEVNULL)
        history = folder / "history.jsonl"
        with history.open("wb") as target:
            subprocess.run([sys.executable, str(GENERATOR), str(size)], stdout=target, check=True)
        with history.open("rb") as source:
            events = sum(1 for _ in source)
        run([*SLACTL, "import", str(history)], desk.environment, figure)
        run([*SLACTL, "simulate", str(history), "--json"], desk.environment, asked)
        a_minute = size / figure.wall[0] * 60
        text = f"{figure.wall[0]:.0f} s = {a_minute:,.0f} a minute"
        met = a_minute >= 60_000 and figure.peak <= 150 * 1024
        self._add(f"`import`, {events:,} events", size, text, "≥ 60,000 a minute, ≤ 150 MiB", met, figure.peak)
        met = asked.wall[0] <= 30 and asked.peak <= 150 * 1024
        self._add("`simulate`", size, f"{asked.wall[0]:.0f} s", "≤ 30 s, ≤ 150 MiB", met, asked.peak)
        history.unlink()
        desk.remove()


def calendar_row() -> Row:
    """How long one `BusinessCalendar.add` takes once its years are filled."""
    from slactl.sla.rules.loading import load

    calendar = load(HERE.parents[1] / "rules.toml").calendar("office")
    start, span = datetime(2026, 3, 2, 9, tzinfo=UTC), timedelta(hours=16)
    starts = [start + timedelta(hours=7 * number) for number in range(1000)]
    rounds = []
    for _ in range(15):
        began = time.perf_counter()
        for each in starts:
            calendar.add(each, span)
        rounds.append((time.perf_counter() - began) / len(starts) * 1e6)
    taken = statistics.median(rounds)
    return Row("`BusinessCalendar.add`, warm", "any", f"{taken:.1f} µs", 0, "≤ 5 µs", taken <= 5)


def main() -> None:
    """Make the desks, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 100_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--folder", type=Path, default=None, help="where the desks are kept; by default nowhere")
    parser.add_argument("--only", choices=("reads", "due", "bulk"), nargs="+", default=["reads", "due", "bulk"])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        desks = [make_desk(folder, size) for size in sorted(chosen.sizes)]
        bench = Bench(desks, chosen.runs)
        bench.measure()
        if "due" in chosen.only:
            bench.check_due(desks[-1], min(50_000, desks[-1].size // 20))
            bench.check_due(desks[len(desks) // 2], 500)
        if "bulk" in chosen.only:
            bench.bulk(folder, min(100_000, desks[-1].size))
    bench.rows.append(calendar_row())
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    floor = bench.figures["floor", 0].seconds * 1000
    lines = [f"{datetime.now(UTC):%Y-%m-%d}, {machine}, F = {floor:.1f} ms, {bench.runs} runs\n", *HEAD]
    sys.stdout.write("\n".join([*lines, *map(str, bench.rows)]) + "\n")


if __name__ == "__main__":
    main()
