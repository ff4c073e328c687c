"""Start programs in processes of their own, and kill them when they take too long.

These are the sender of one message to one address, and the command of a source whose output `sync` imports.
"""

import json
import os
import re
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import IO, Any, NamedTuple

from slactl.clock import uptime
from slactl.desk.messages.digest import Message
from slactl.desk.messages.failures import with_errno
from slactl.lease import Claimant, this_process

#: The program that sends, started by path so that nothing in the working directory can stand in for a module.
SENDER = Path(__file__).with_name("sender.py")

#: How much longer than its parent the child gives itself, in seconds: it ends even if the parent is gone.
GRACE = 2

#: The longest that one message may take, in seconds, however long the rules allow: leases have an end.
MOST_SECONDS = 3600

#: How much of the output of a command is read at once, and how much of its errors is kept, in bytes.
CHUNK, TAIL = 1 << 16, 1 << 18

#: The longest time between two looks whether a command has ended while it prints nothing, in seconds.
LOOK_SECONDS = 0.1


class DeliveryOutcome(StrEnum):
    """The result of one try to deliver a message to an address."""

    SENT = "sent"
    RETRY = "retry"
    DEAD = "dead"
    UNKNOWN = "unknown"
    #: slactl did not try: it refuses to read a secret until a person fixes its file or the rules.
    WAITS = "waits"


@dataclass(frozen=True, slots=True)
class Result:
    """Hold the outcome of one try and the reason, without any secret; `retry_after` is the header of the server.

    `reached` is false if no server can have received the message.
    """

    outcome: DeliveryOutcome
    detail: str
    retry_after: str | None = None
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Order:
    """Hold what the sender sends, and where: a URL and the proxy, with their secrets.

    `message_id` is part of the message and is the same at each try. Mail goes to no other address than `receiver`.
    """

    message: Message
    url: str = field(repr=False)
    message_id: str = ""
    receiver: str | None = None
    allow_http: bool = False
    proxy: str = field(default="", repr=False)


def new_message_id() -> str:
    """Return an id for a message, by which a receiver can recognise a duplicate."""
    return os.urandom(16).hex()


class Sender:
    """A process that waits for one message to send; without one, it ends with this process.

    It exists before the message is claimed, so that the claim can name it: as long as it lives, it may be sending.
    """

    def __init__(self, child: "subprocess.Popen[bytes] | Exception", seconds: int) -> None:
        """Use a child, or the error why there is none."""
        self._child, self._seconds = child, min(seconds, MOST_SECONDS)
        #: What `claimed_by` says of the messages that it sends.
        self.claimed_by = this_process() if isinstance(child, Exception) else str(Claimant.of(child.pid))

    @property
    def seconds(self) -> int:
        """Return after how many seconds from a claim it has ended, whatever happens to this process."""
        return self._seconds + GRACE

    def send(self, order: Order, until: float) -> Result:
        """Send a message; the sender does not begin after `until` (uptime) and ends then.

        The URL goes through a pipe, never through the command line.
        """
        if isinstance(self._child, OSError):
            problem = with_errno("the sender cannot be started", self._child)
            return Result(DeliveryOutcome.RETRY, problem, reached=False)
        if isinstance(self._child, Exception):
            raise self._child
        text = asdict(order) | {"title": order.message.title, "body": order.message.body, "until": until}
        try:
            answer, _ = self._child.communicate(json.dumps(text).encode(), timeout=self._seconds)
        except subprocess.TimeoutExpired:
            return Result(DeliveryOutcome.UNKNOWN, f"no answer within {self._seconds} s")
        return _result(answer, self._seconds)


@contextmanager
def started_sender(seconds: int) -> Iterator[Sender]:
    """Start a sender that may take some seconds for its message; kill it at the end of the block."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    try:
        child = _start([sys.executable, "-P", str(SENDER)], **pipes)
    except Exception as error:  # the message is claimed before anybody reports it
        yield Sender(error, seconds)
        return
    with _ended(child):
        yield Sender(child, seconds)


def send(order: Order, seconds: int) -> Result:
    """Send a message that nobody has to claim, within some seconds."""
    with started_sender(seconds) as sender:
        return sender.send(order, uptime() + sender.seconds)


class Ended(NamedTuple):
    """Hold how a command ended: its exit code, negative for a signal, or the reason why slactl killed it.

    `errors` is the end of what it printed on stderr; `is_cut` if there was more.
    """

    code: int
    killed: str | None
    errors: bytes
    is_cut: bool


def run_command(arguments: Sequence[str], seconds: int, output: IO[bytes], most: int) -> Ended:
    """Run a command without a shell within `seconds`, and write at most `most` bytes of its stdout to a file.

    slactl kills the command, and every process that it started, if it takes longer or prints more. `output` may write
    less than it gets, as a file without a buffer does.

    Raises:
        OSError: the command cannot be started, or the file cannot be written.
        ValueError: an argument has a NUL character.
    """
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # A timer outlives the change to another program: the command ends even if slactl is killed.
    child = _start(arguments, preexec_fn=lambda: signal.setitimer(signal.ITIMER_REAL, seconds + GRACE), **pipes)
    errors, killed = _Tail(), None
    with _ended(child):
        left = most
        for is_error, part in _printed(child, monotonic() + seconds):
            if part is None:
                killed = f"it did not end within {seconds} s"
            elif is_error:
                errors.add(part)
            else:
                rest = memoryview(part)[:left]
                while rest:
                    rest = rest[output.write(rest) :]
                left -= len(part)
                killed = f"it printed more than {most:,} bytes" if left < 0 else None
            if killed is not None:
                break
    return Ended(child.returncode, killed, errors.content, errors.is_cut)


def _printed(child: "subprocess.Popen[bytes]", deadline: float) -> Iterator[tuple[bool, bytes | None]]:
    """Yield what a command prints, and whether on stderr; None when the deadline has passed.

    It ends with the command. A process that the command left behind can hold its pipes open for ever.
    """
    with selectors.DefaultSelector() as pipes:
        pipes.register(child.stdout, selectors.EVENT_READ, False)  # type: ignore[arg-type]
        pipes.register(child.stderr, selectors.EVENT_READ, True)  # type: ignore[arg-type]
        while (seconds := deadline - monotonic()) > 0:
            # Nobody waits for the child before this ends, so that no other process gets its number.
            is_over = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
            ready = pipes.select(0 if is_over else min(seconds, LOOK_SECONDS))
            if is_over and not ready:
                return
            for key, _ in ready:
                part = os.read(key.fd, CHUNK)
                if part:
                    yield key.data, part
                else:
                    pipes.unregister(key.fileobj)
    yield False, None


class _Tail:
    """Keep the end of what a program prints."""

    def __init__(self) -> None:
        self._parts, self._size, self.is_cut = deque[bytes](), 0, False

    def add(self, part: bytes) -> None:
        """Add a part, and drop the first ones while the others are long enough."""
        self._parts.append(part)
        self._size += len(part)
        while self._size - len(self._parts[0]) >= TAIL:
            self._size -= len(self._parts.popleft())
            self.is_cut = True

    @property
    def content(self) -> bytes:
        """Return the parts as one."""
        return b"".join(self._parts)


def _start(arguments: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401  (those of Popen)
    """Start a program in a process group of its own, outside of the working directory."""
    # The programs that it starts must not import from the working directory either.
    environment = _environment() | {"PYTHONSAFEPATH": "1"}
    return subprocess.Popen(arguments, cwd="/", env=environment, start_new_session=True, **options)


def _environment() -> dict[str, str]:
    # Proxies, passwords of ~/.netrc and settings of Apprise could send a message elsewhere.
    unsafe = re.compile(r".*_proxy|NETRC|APPRISE_.*", re.IGNORECASE)
    return {name: value for name, value in os.environ.items() if not unsafe.fullmatch(name)}


@contextmanager
def _ended(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """End a child, and every process that it started, at the end of the block."""
    try:
        yield
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _result(answer: bytes, seconds: int) -> Result:
    try:
        result = json.loads(answer)
        outcome, detail = DeliveryOutcome(result["outcome"]), str(result["detail"])
        return Result(outcome, detail, result["retry_after"], bool(result["reached"]))
    except (ValueError, KeyError, TypeError):
        return Result(DeliveryOutcome.UNKNOWN, f"the sender ended without an answer within {seconds} s")


def seconds_to_wait(retry_after: str | None, now: datetime) -> int:
    """Return how many seconds from `now` a server asks to wait by Retry-After; 0 if the header cannot be read."""
    header = (retry_after or "").strip()
    try:
        if header.isdecimal() and header.isascii():
            return int(header[:9])
        return max(0, int((parsedate_to_datetime(header) - now).total_seconds()))
    except Exception:  # a stranger wrote this text, and any date in it can be invalid
        return 0
