"""What every test may use: a desk of its own in a temporary folder, and slactl run as a person runs it."""

import atexit
import gc
import io
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from hypothesis import HealthCheck, settings

from slactl.__main__ import run

gc.enable()  # one command needs no collections, but thousands of tests do


def memory() -> str | None:
    """Return a folder in memory that has room for the files of the tests and may hold programs; None without one."""
    folder = "/dev/shm"
    if not os.access(folder, os.W_OK):
        return None
    system = os.statvfs(folder)
    has_room = system.f_bavail * system.f_frsize >= 2**30
    return folder if has_room and not system.f_flag & os.ST_NOEXEC else None


# Each command waits for the disk several times, which takes longer than all else it does. Programs are killed here,
# not machines, so that files in memory show the same. What programs leave in the temporary folder goes with it.
if "TMPDIR" not in os.environ and (place := memory()) is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", place)
    temporary, owner = tempfile.mkdtemp(prefix="slactl-tests-", dir=place), os.getpid()
    os.chmod(temporary, 0o1777)  # as /tmp is
    os.environ["TMPDIR"] = tempfile.tempdir = temporary
    atexit.register(lambda: shutil.rmtree(temporary, ignore_errors=True) if os.getpid() == owner else None)

# How fast Hypothesis makes its examples depends on what else the machine does; the timeout of pytest limits each test.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")

#: When the clock of tests stands still that use it: a Monday morning.
MONDAY = "2026-03-02T09:00:00Z"


@dataclass(frozen=True)
class Result:
    """What one command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Slactl = Callable[..., Result]


#: How long a test with the mark `full` may take, in seconds; pyproject.toml limits the others.
FULL_SECONDS = 1800


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Share whole folders of tests between the cores, and run named files in this process, which starts faster.

    The long tests are not shared, because some of them measure times; nor is what `-s` prints.
    """
    has_folder = any(Path(each.split("::")[0]).is_dir() for each in config.args)
    is_shared = has_folder and config.option.markexpr == "not full" and config.option.capture != "no"
    return None if is_shared else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the long tests more time than the others, unless they name their own limit."""
    for item in items:
        if item.get_closest_marker("full") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(FULL_SECONDS))


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings, the home or the terminal of the person who runs it."""
    base = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
    for name in ("SLACTL_DB", "SLACTL_RULES", "SLACTL_TZ", "NO_COLOR", "FORCE_COLOR", "COLUMNS", *base):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLACTL_ACTOR", "ann")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("PAGER", "cat")  # nobody presses a key
    # Tests set the wall clock as they like; those about that say themselves what the other clock shows.
    monkeypatch.setenv("SLACTL_TRUST_CLOCK", "1")


@pytest.fixture
def slactl(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Slactl:
    """Run a command in this process; `stdin` is what it reads, as text or bytes."""

    def invoke(*arguments: str, stdin: str | bytes = b"") -> Result:
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        capsys.readouterr()
        code = run(list(arguments))
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return invoke


@pytest.fixture(scope="session")
def new_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `init` makes, for copies: its database has no row, so that nothing in it tells desks apart."""
    folder = tmp_path_factory.mktemp("new") / "desk"
    assert run(["--db", str(folder / "slactl.db"), "--rules", str(folder / "rules.toml"), "init"]) == 0
    return folder


@pytest.fixture
def desk(new_desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh database with the shipped rules; returns its path, which the settings point at."""
    folder = shutil.copytree(new_desk, tmp_path / "desk")
    monkeypatch.setenv("SLACTL_DB", str(folder / "slactl.db"))
    monkeypatch.setenv("SLACTL_RULES", str(folder / "rules.toml"))
    return folder / "slactl.db"


def write_secret(desk: Path, name: str, content: str | bytes) -> Path:
    """Write a file that only its owner reads into the folder of the secrets beside the rules."""
    folder = desk.with_name("secrets")
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return path


@dataclass(frozen=True)
class Receiver:
    """A real server on loopback that takes messages and answers as its kind says; `name` keeps tests apart."""

    kind: str
    port: int
    log: Path
    name: str
    before: int

    @property
    def url(self) -> str:
        """Its Apprise URL."""
        if self.kind.startswith("smtp"):
            return f"mailto://127.0.0.1:{self.port}?from={self.kind}@example.com&to=mia@example.com&mode=insecure"
        return f"json://127.0.0.1:{self.port}/{self.kind}/{self.name}"

    @property
    def took(self) -> list[Any]:
        """The messages so far."""
        lines = self.log.read_text().splitlines()[self.before :] if self.log.exists() else []
        found = [json.loads(line) for line in lines]
        return [each for each in found if each["path"].split("?")[0] in ("mail", f"/{self.kind}/{self.name}")]

    @property
    def ids(self) -> list[str]:
        """The id that each carries, by the header of its kind."""
        if self.kind.startswith("smtp"):
            return [message_from_string(each["body"])["X-Slactl-Message"] for each in self.took]
        return [each["headers"]["x-slactl-message"] for each in self.took]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let a slow server answer nothing before the end of the block."""
        hold = self.log.with_suffix(".hold")
        hold.touch()
        try:
            yield
        finally:
            hold.unlink()

    @property
    def bodies(self) -> list[str]:
        """The text of each."""
        return [each["body"] if self.kind.startswith("smtp") else each["body"]["message"] for each in self.took]


def is_alive(process: int) -> bool:
    """Return whether a process runs; one that only waits for its parent to ask for its end does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def until(done: Callable[[], bool], patience: float = 30) -> None:
    """Ask every millisecond until something is so; fail if it is not so within the patience, in seconds."""
    end = time.monotonic() + patience
    while not done():
        assert time.monotonic() < end, f"not so within {patience} s"
        time.sleep(0.001)


Receivers = Callable[..., Receiver]
PROGRAM = Path(__file__).with_name("receivers.py")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., tuple[int, Path]]]:
    """Start a server, a process of its own, once for all tests: `servers("http")` gives its port and its log."""
    folder = tmp_path_factory.mktemp("receivers")
    running: dict[tuple[str, ...], tuple[subprocess.Popen[str], int, Path]] = {}

    def start(*arguments: str) -> tuple[int, Path]:
        if arguments not in running:
            log = folder / f"{len(running)}.jsonl"
            process = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(log), *arguments], stdout=subprocess.PIPE, text=True
            )
            assert process.stdout is not None
            running[arguments] = process, int(process.stdout.readline()), log
        return running[arguments][1:]

    yield start
    for process, _, _ in running.values():
        process.kill()
        process.communicate()


@pytest.fixture
def receiver(servers: Callable[..., tuple[int, Path]]) -> Receivers:
    """Servers that take messages: `receiver("ok")`, `receiver("smtp")` and more; see `receivers.py`."""

    def start(kind: str, *arguments: str) -> Receiver:
        port, log = servers("smtp" if kind.startswith("smtp") else "http", *arguments)
        before = len(log.read_text().splitlines()) if log.exists() else 0
        return Receiver(kind, port, log, secrets.token_hex(4), before)

    return start


@pytest.fixture
def clock() -> Iterator[FrozenDateTimeFactory]:
    """A clock that stands still on a Monday morning until it is set."""
    with freeze_time(MONDAY) as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        yield frozen
