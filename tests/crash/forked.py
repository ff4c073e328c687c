"""slactl in a process of its own that fails, dies or stands still at the database operation a test chooses.

The child is a fork of the test process, so that a command costs no start of Python. It counts what the program asks
of SQLite, through connections that it is given in the place of the ordinary ones; slactl itself knows nothing of it.
"""

import codecs
import importlib
import io
import logging
import os
import random
import secrets
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

#: What every child believes to be now, unless it is told otherwise.
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

#: How many work at once.
PROCESSES = 8


class Fault(StrEnum):
    """What happens in the place of an operation."""

    #: SQLite refuses it; its transaction goes on.
    ERROR = "error"
    #: SQLite refuses it and has rolled its transaction back, as it does when the disk fails or is full.
    ROLLED_BACK = "rolled back"
    #: The process is killed.
    DEATH = "death"
    #: The process stands still until somebody lets it go on.
    STOP = "stop"


@dataclass(frozen=True)
class Trouble:
    """At which operation something goes wrong (from 0 on; None is never), and what."""

    at: int | None = None
    fault: Fault = Fault.DEATH
    #: Told every operation; it may prepare the connection, or return that trouble begins here.
    watch: Callable[[sqlite3.Connection, str], bool] | None = None


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code, or minus the signal that ended it; and what it asked of SQLite."""

    code: int
    out: str
    err: str
    operations: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Child:
    """A child that may still run; at the end of a `with` it is killed where it does."""

    pid: int
    folder: tempfile.TemporaryDirectory[str]

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def wait(self) -> Ended:
        """How it ended."""
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        said = [Path(self.folder.name, name) for name in ("out", "err", "operations")]
        out, err, operations = (path.read_text(errors="replace") if path.exists() else "" for path in said)
        self.folder.cleanup()
        return Ended(code, out, err, operations.splitlines())

    def wait_until_stopped(self) -> None:
        """Until it stands still."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"it ended with {os.waitstatus_to_exitcode(status)}"

    def send(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)


def run(*arguments: str, **settings: Any) -> Ended:  # noqa: ANN401  (what `start` takes)
    """Run a command in a child to its end."""
    return start(*arguments, **settings).wait()


def start(
    *arguments: str,
    trouble: Trouble = Trouble(),
    now: datetime | None = NOON,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    before: Callable[[], None] = lambda: None,
) -> Child:
    """Start a command in a child; `before` runs in it first. With `now` None it reads the real clock."""

    def work() -> int:
        from slactl.__main__ import run

        os.environ.update(environment or {})
        os.environ["SLACTL_TRUST_CLOCK"] = "1"
        before()
        if now is not None:
            _freeze(now)
        return run(arguments)

    return fork(work, trouble=trouble, stdin=stdin)


def fork(work: Callable[[], int], *, trouble: Trouble = Trouble(), stdin: str = "") -> Child:
    """Start `work` in a child; what it returns is the exit code."""
    _import_all()
    folder = tempfile.TemporaryDirectory(prefix="slactl-")
    Path(folder.name, "in").write_text(stdin)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _live(work, Path(folder.name), trouble)
    return Child(pid, folder)


def at_once(count: int, work: Callable[[int], int]) -> list[Child]:
    """So many children that all begin at the same moment, each knowing its number."""
    reading, writing = os.pipe()

    def begin(number: int) -> int:
        os.close(writing)
        os.read(reading, 1)  # until everybody is there
        return work(number)

    children = [fork(lambda number=number: begin(number)) for number in range(count)]  # type: ignore[misc]
    os.close(writing)
    os.close(reading)
    return children


def call(*arguments: str) -> tuple[int, str, str]:
    """Run a command in this process."""
    from slactl.__main__ import run as slactl

    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = slactl(arguments)
    return code, out.getvalue(), err.getvalue()


@cache
def _import_all() -> None:
    """What a command imports is imported once, before the fork."""
    import slactl

    codecs.lookup("ascii")  # a child that became another user may read no library any more
    for name in ("grp", "pwd"):
        importlib.import_module(name)
    package = Path(slactl.__file__).parent
    for room in ("cli", "desk", "store", "sla", "show"):
        for path in (package / room).rglob("*.py"):
            if path.stem != "sender":
                importlib.import_module(".".join(path.relative_to(package.parent).with_suffix("").parts))


def _live(work: Callable[[], int], folder: Path, trouble: Trouble) -> NoReturn:
    code = 120
    try:
        for number, name, flags in ((0, "in", os.O_RDONLY), (1, "out", os.O_WRONLY), (2, "err", os.O_WRONLY)):
            os.dup2(os.open(folder / name, flags | os.O_CREAT), number)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
            for number, mode in ((0, "r"), (1, "w"), (2, "w"))
        )
        signal.signal(signal.SIGINT, signal.default_int_handler)
        logging.getLogger().handlers.clear()  # pytest's, which would keep what libraries log from stderr
        random.seed(os.getpid())
        _stand_in(folder / "operations", trouble)
        code = work()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        import traceback

        traceback.print_exc(file=sys.stderr)
        sys.stderr.flush()
    finally:
        os._exit(code)


def _freeze(now: datetime) -> None:
    """Everything that differs from one run of a command to the next: the clock and the salts."""
    import slactl.cli.options
    import slactl.clock

    slactl.cli.options.now = slactl.clock.now = lambda: now
    secrets.token_hex = lambda count=16: "5a" * (count or 16)  # type: ignore[assignment]


def _stand_in(log: Path, trouble: Trouble) -> None:
    """Give the program connections that count, and that meet trouble."""
    record = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    done = 0

    def meet(connection: sqlite3.Connection, operation: str) -> None:
        nonlocal done
        number, done = done, done + 1
        os.write(record, f"{' '.join(operation.split())[:400]}\n".encode())
        here = trouble.watch is not None and trouble.watch(connection, operation)
        if not here and number != trouble.at:
            return
        if trouble.fault is Fault.DEATH:
            os.kill(os.getpid(), signal.SIGKILL)
        if trouble.fault is Fault.STOP:
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        if trouble.fault is Fault.ROLLED_BACK and connection.in_transaction:
            sqlite3.Connection.rollback(connection)
        raise sqlite3.OperationalError("disk I/O error")

    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:  # noqa: ANN401
            meet(self.connection, sql)
            return super().execute(sql, *rest)

        def executemany(self, sql: str, *rest: Any) -> sqlite3.Cursor:  # noqa: ANN401
            meet(self.connection, sql)
            return super().executemany(sql, *rest)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:  # noqa: ANN401
            return super().cursor(factory)

        def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:  # noqa: ANN401
            meet(self, sql)
            return super().execute(sql, *rest)

        def executemany(self, sql: str, *rest: Any) -> sqlite3.Cursor:  # noqa: ANN401
            meet(self, sql)
            return super().executemany(sql, *rest)

        def executescript(self, sql: str) -> sqlite3.Cursor:
            meet(self, sql)
            return super().executescript(sql)

        def backup(self, target: sqlite3.Connection, **options: Any) -> None:  # noqa: ANN401
            meet(self, "BACKUP")
            super().backup(target, **options)

        def commit(self) -> None:
            meet(self, "COMMIT")
            super().commit()

        def rollback(self) -> None:
            meet(self, "ROLLBACK")
            super().rollback()

    ordinary = sqlite3.connect

    def connect(database: Any, **options: Any) -> sqlite3.Connection:  # noqa: ANN401
        connection = ordinary(database, **options, factory=Connection)
        meet(connection, f"CONNECT {Path(str(database).split('?')[0]).name}")
        return connection

    sqlite3.connect = connect  # type: ignore[assignment]


def words(ended: Sequence[Ended]) -> str:
    """What children said, for the message of a failed test."""
    return "\n".join(f"{each.code}: {each.out[-300:]} {each.err[-500:]}" for each in ended)
