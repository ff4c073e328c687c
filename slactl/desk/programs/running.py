"""Start programs in processes of their own without a shell, and kill them when they take too long or print too much.

These are the commands of sources and of addresses, and the sender of messages. The sender runs a command too, so this
file imports nothing of the service desk.
"""

import os
import re
import selectors
import signal
import subprocess
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Thread
from time import monotonic
from typing import IO, Any, NamedTuple

#: How much longer than its parent the child gives itself, in seconds: it ends even if the parent is gone.
GRACE = 2

#: How much of the output of a command is read at once, and how much of its errors is kept, in bytes.
CHUNK, TAIL = 1 << 16, 1 << 18

#: The longest time between two looks whether a command has ended while it prints nothing, in seconds.
LOOK_SECONDS = 0.1


class Ended(NamedTuple):
    """Hold how a command ended: its exit code, negative for a signal, or the reason why slactl killed it.

    `errors` is the end of what it printed on stderr; `is_cut` if there was more.
    """

    code: int
    killed: str | None
    errors: bytes
    is_cut: bool

    @property
    def how(self) -> str:
        """Return how it ended, as part of a sentence."""
        if self.killed is not None:
            return f"was killed: {self.killed}"
        if self.code >= 0:
            return f"ended with exit code {self.code}"
        try:
            return f"ended by the signal {signal.Signals(-self.code).name}"
        except ValueError:
            return f"ended by the signal {-self.code}"


class Limits(NamedTuple):
    """Hold how many seconds a command may take, and how many bytes it may print on stdout."""

    seconds: int
    output: int = 1 << 20


def run_command(
    arguments: Sequence[str],
    limits: Limits,
    output: IO[bytes] | None = None,
    given: bytes = b"",
    environment: Mapping[str, str] | None = None,
    *,
    own_group: bool = True,
) -> Ended:
    """Run a command without a shell, and write its stdout to a file, which may take less than it gets at once, if any.

    `given` is its stdin. Without an `environment` it has that of slactl, but no proxies. slactl kills the command at
    its limits, and every process that it started. Without `own_group` it is in the process group of the caller, who
    ends that group.

    Raises:
        OSError: the command cannot be started, or the file cannot be written.
        ValueError: an argument has a NUL character.
    """
    pipes = {"stdin": subprocess.PIPE if given else subprocess.DEVNULL, "stdout": subprocess.PIPE}
    # A timer outlives the change to another program: the command ends even if slactl is killed.
    child = start(
        arguments,
        environment,
        stderr=subprocess.PIPE,
        start_new_session=own_group,
        preexec_fn=lambda: signal.setitimer(signal.ITIMER_REAL, limits.seconds + GRACE),
        **pipes,
    )
    with ended(child, own_group=own_group):
        if given:  # a thread, because a command need not read it
            Thread(target=_give, args=(child.stdin, given), daemon=True).start()
        errors = _Tail()
        killed = _read_all(child, limits, output, errors)
    return Ended(child.returncode, killed, errors.content, errors.is_cut)


def _read_all(
    child: "subprocess.Popen[bytes]", limits: Limits, output: IO[bytes] | None, errors: "_Tail"
) -> str | None:
    """Keep what a command prints until it ends; return why it must be killed, or None."""
    left = limits.output
    for is_error, part in _printed(child, monotonic() + limits.seconds):
        if part is None:
            return f"it did not end within {limits.seconds} s"
        if is_error:
            errors.add(part)
            continue
        rest = memoryview(part)[:left]
        while rest and output is not None:
            rest = rest[output.write(rest) :]
        left -= len(part)
        if left < 0:
            return f"it printed more than {limits.output:,} bytes"
    return None


def _give(stdin: IO[bytes], given: bytes) -> None:
    with suppress(OSError, ValueError):  # the command ended, or closed its stdin
        stdin.write(given)
        stdin.close()


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


def end_group(*_: object) -> None:
    """Kill this process and those of its group, if it is the first of the group."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    start_new_session: bool = True,
    **options: Any,  # noqa: ANN401  (those of Popen)
) -> "subprocess.Popen[bytes]":
    """Start a program outside of the working directory, in a process group of its own unless told otherwise."""
    if environment is None:
        # Proxies, passwords of ~/.netrc and settings of Apprise could send a message elsewhere.
        unsafe = re.compile(r".*_proxy|NETRC|APPRISE_.*", re.IGNORECASE)
        environment = {name: value for name, value in os.environ.items() if not unsafe.fullmatch(name)}
    # The programs that it starts must not import from the working directory either.
    variables = {**environment, "PYTHONSAFEPATH": "1"}
    return subprocess.Popen(arguments, cwd="/", env=variables, start_new_session=start_new_session, **options)


@contextmanager
def ended(child: "subprocess.Popen[bytes]", *, own_group: bool = True) -> Iterator[None]:
    """End a child at the end of the block, and with a group of its own every process that it started."""
    try:
        yield
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL) if own_group else child.kill()
            child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
