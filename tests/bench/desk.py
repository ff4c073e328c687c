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
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
GENERATOR, YARDSTICK = HERE / "generate_history.py", HERE / "yardstick.py"
SLACTL = (str(Path(sys.executable).with_name("slactl")),)
NOTHING = (sys.executable, "-c", "pass")


@dataclass
class Figure:
    """What the runs of one command came to."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    peak: int = 0

    @property
    def seconds(self) -> float:
        """The median CPU time."""
        return statistics.median(self.cpu)


def run(command: Sequence[str], environment: Mapping[str, str], figure: Figure) -> None:
    """Run a command once, its output thrown away, and note what it cost.

    Raises:
        RuntimeError: it failed.
    """
    quiet = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
    began = time.perf_counter()
    process = os.posix_spawn(command[0], list(command), dict(environment), file_actions=quiet)
    _, status, usage = os.wait4(process, 0)
    figure.wall.append(time.perf_counter() - began)
    figure.cpu.append(usage.ru_utime + usage.ru_stime)
    figure.peak = max(figure.peak, usage.ru_maxrss)
    if os.waitstatus_to_exitcode(status) not in (0, 10):
        raise RuntimeError(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")


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
        mark = "yes" if self.met else "no"
        return f"| {self.operation} | {self.tickets} | {self.measured} | {self.peak / 1024:.0f} MiB | {self.goal} | {mark} |"


@dataclass(frozen=True)
class Desk:
    """A database with so many tickets, on which nothing is due."""

    size: int
    path: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """The settings under which slactl uses it."""
        bare = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return bare | {"HOME": str(self.home), "SLACTL_DB": str(self.path), "SLACTL_ACTOR": "bench", "TZ": "UTC"}

    def copy(self, name: str) -> "Desk":
        """The same desk in a file of its own."""
        path = self.path.with_name(name)
        for left in path.parent.glob(f"{name}*"):
            left.unlink()
        shutil.copyfile(self.path, path)
        return Desk(self.size, path, self.home)


def make_desk(folder: Path, size: int) -> Desk:
    """A desk with a history of so many tickets, made by import unless it is there."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    desk = Desk(size, folder / f"desk-{size}.db", home)
    if not desk.path.exists():
        print(f"making a desk of {size:,} tickets …", file=sys.stderr, flush=True)
        subprocess.run([*SLACTL, "init"], env=desk.environment, check=True, stdout=subprocess.DEVNULL)
        bring_in(desk, size)
        subprocess.run([*SLACTL, "check", "-q", "--no-send"], env=desk.environment, check=False, capture_output=True)
        settle_outbox(desk)
    return desk


def settle_outbox(desk: Desk) -> None:
    """Nothing waits to be sent, and the write-ahead log is empty."""
    with sqlite3.connect(desk.path, isolation_level=None) as connection:
        connection.execute("UPDATE notification SET state = 'dropped', next_try_at = NULL WHERE state = 'waiting'")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA optimize")
    connection.close()


def bring_in(desk: Desk, size: int, *options: str, figure: Figure | None = None) -> None:
    """Import a generated history of so many tickets."""
    history = desk.path.with_suffix(".jsonl")
    with history.open("wb") as target:
        subprocess.run([sys.executable, str(GENERATOR), str(size), *options], stdout=target, check=True)
    run([*SLACTL, "import", str(history)], desk.environment, figure or Figure())
    history.unlink()


#: Operations that change nothing, at any size: words, and how many F they may take.
READS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("`list --breached`, pipe", ("list", "--breached"), 6),
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
        print(f"F = {floor * 1000:.1f} ms", file=sys.stderr, flush=True)
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
        for name, size, most in (("`--version`", 0, 6), ("completion of ids", self.desks[-1].size, 6), ("`--help`", 0, 10)):
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
        raw_desk = late.copy("raw.db")
        with Waiting(late) as waiting:
            run([*SLACTL, "check", "-q", "--no-send"], late.environment, figure)
        beyond = figure.seconds - self.figures["sqlmodel", 0].seconds
        said = subprocess.check_output([sys.executable, str(YARDSTICK), str(raw_desk.path), str(late.path)], text=True)
        yard = float(said.split()[0])
        if due >= 10_000:
            text = f"{figure.seconds:.1f} s; beyond start-up {beyond / due * 1e6:.0f} µs a ticket, raw {yard / due * 1e6:.0f}"
            self._add(f"{name}, against raw", desk.size, f"{text} = {beyond / yard:.1f} times", "≤ 2 times", beyond <= 2 * yard, figure.peak)
            self._add(f"{name}, memory", desk.size, f"{figure.peak / 1024:.0f} MiB", "≤ 120 MiB", figure.peak <= 120 * 1024, figure.peak)
            self._add(f"{name}, write lock", desk.size, f"{waiting.longest * 1000:.0f} ms at most", "≤ 100 ms", waiting.longest <= 0.1, figure.peak)
            usual = statistics.median(self.figures["`create`", desk.size].wall)
            wait = max(waiting.creates) - usual
            self._add(f"{name}, a `create` meanwhile", desk.size, f"{wait * 1000:.0f} ms longer at most, of {len(waiting.creates)}", "≤ 150 ms", wait <= 0.15, figure.peak)
        else:
            self._add(name, desk.size, f"{figure.wall[0]:.2f} s", "≤ 0.8 s", figure.wall[0] <= 0.8, figure.peak)
        for copy in (late, raw_desk):
            for left in copy.path.parent.glob(f"{copy.path.name}*"):
                left.unlink()

    def bulk(self, folder: Path, size: int) -> None:
        """Import and simulation of a history of so many tickets."""
        home = folder / "home"
        desk, figure, asked = Desk(size, folder / "import.db", home), Figure(), Figure()
        desk.path.unlink(missing_ok=True)
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
        for left in folder.glob("import.db*"):
            left.unlink()


class Waiting:
    """What others feel while a run writes: how long the lock is held, and how long a `create` takes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._probe), threading.Thread(target=self._create)]
        self.longest = 0.0
        self.creates: list[float] = []

    def __enter__(self) -> "Waiting":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _probe(self) -> None:
        connection = sqlite3.connect(self._desk.path, timeout=30, isolation_level=None)
        connection.execute("PRAGMA busy_timeout = 0")
        blocked: float | None = None
        while not self._done.is_set():
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                blocked = None
            except sqlite3.OperationalError:
                blocked = blocked or time.perf_counter()
                self.longest = max(self.longest, time.perf_counter() - blocked)
            self._done.wait(0.001)
        connection.close()

    def _create(self) -> None:
        figure = Figure()
        while not self._done.is_set():
            run([*SLACTL, "create", "Meanwhile", "--from", "bench@example.com"], self._desk.environment, figure)
            self._done.wait(0.2)
        self.creates = figure.wall


def calendar_row() -> Row:
    """How long one `BusinessCalendar.add` takes once its years are filled."""
    from datetime import timedelta

    from slactl.sla.rules import load

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
    return Row("`BusinessCalendar.add`, warm", "–", f"{taken:.1f} µs", 0, "≤ 5 µs", taken <= 5)


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
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}, ", end="")
    print(f"SQLite {sqlite3.sqlite_version}, F = {bench.figures['floor', 0].seconds * 1000:.1f} ms, {bench.runs} runs\n")
    print("| operation | tickets | measured | peak memory | goal | met |\n|---|---|---|---|---|---|")
    for row in bench.rows:
        print(row)


if __name__ == "__main__":
    main()
