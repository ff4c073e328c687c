"""Whole processes and what they cost; desks of any size, made by slactl's own import; what others feel meanwhile."""

import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
GENERATOR, YARDSTICK = HERE / "generate_history.py", HERE / "yardstick.py"
SLACTL = (str(Path(sys.executable).with_name("slactl")),)
NOTHING = (sys.executable, "-c", "pass")


class Row(NamedTuple):
    """A row of the table: an operation on a number of tickets, its goal, and what was measured."""

    operation: str
    size: int
    goal: str
    measured: str
    met: bool


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


@dataclass(frozen=True)
class Desk:
    """A database with so many tickets, on which nothing is due."""

    size: int
    path: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """The settings under which slactl uses it."""
        bare = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        return bare | {"HOME": str(self.home), "SLACTL_DB": str(self.path), "SLACTL_ACTOR": "bench", "TZ": "UTC"}

    def copy(self, name: str) -> "Desk":
        """The same desk in a file of its own."""
        other = Desk(self.size, self.path.with_name(name), self.home)
        other.remove()
        shutil.copyfile(self.path, other.path)
        return other

    def remove(self) -> None:
        """Delete the database and what stands beside it."""
        for left in self.path.parent.glob(f"{self.path.name}*"):
            left.unlink()


def make_desk(folder: Path, size: int) -> Desk:
    """A desk with a history of so many tickets, made by import unless it is there."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    desk = Desk(size, folder / f"desk-{size}.db", home)
    if not desk.path.exists():
        sys.stderr.write(f"making a desk of {size:,} tickets …" + "\n")
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


class Waiting:
    """What others feel while a run writes: how long the lock is never found free, and how long a `create` takes."""

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
