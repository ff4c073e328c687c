"""Read a message in a process of its own: a message on which the reading fails does no harm to the command."""

import json
import os
import select
import signal
from contextlib import suppress
from dataclasses import asdict
from time import monotonic
from typing import Any, NoReturn

from slactl.clock import from_text, to_text
from slactl.desk.mail.message import Mail, NotAMessage, read_mail
from slactl.errors import SlactlError, TryAgainError

#: How much time of a processor the reading of a message may take, and how much more memory, in seconds and bytes.
SECONDS, MEMORY = 20, 1 << 29

#: How long to wait for the process that reads, in seconds; it takes longer only where the machine has no time for it.
PATIENCE = 120


class UnreadableError(SlactlError):
    """Report a message that stopped the process that read it; the text says how, without any text of the message."""


def read_safely(data: bytes) -> Mail:
    """Read a message in a process of its own, with limits of time and memory.

    Raises:
        NotAMessage: it has no `From`, or is too large.
        UnreadableError: it stopped the process that read it.
        TryAgainError: the machine had no time or no memory for that process.
    """
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        raise TryAgainError(f"no process can be started: {error.strerror}", "slactl doctor") from error
    if child == 0:
        _read(data, writing)
    os.close(writing)
    try:
        answer = _answer(reading)
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)  # it has ended, unless it takes too long
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if answer is None:
        raise TryAgainError(f"the machine did not read the message within {PATIENCE} s", "slactl doctor")
    return _found(answer, code)


def _answer(reading: int) -> bytes | None:
    """Return what the process that reads has to say; None if it did not end in time."""
    end, parts = monotonic() + PATIENCE, list[bytes]()
    while select.select([reading], [], [], max(0.0, end - monotonic()))[0]:
        part = os.read(reading, 1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None


def _found(answer: bytes, code: int) -> Mail:
    try:
        found = json.loads(answer)
    except ValueError:
        how = f"ended by the signal {signal.Signals(-code).name}" if code < 0 else "ended without an answer"
        how = f"took more than {SECONDS} s" if code == -signal.SIGXCPU else how
        raise UnreadableError(f"the process that read it {how}") from None
    if "refused" in found:
        raise NotAMessage(found["refused"])
    if "failed" in found:
        raise UnreadableError(f"{found['failed']} while reading it")
    stated: dict[str, Any] = found["mail"]
    fields: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in stated.items()}
    fields["received"] = from_text(stated["received"]) if stated["received"] is not None else None
    return Mail(**fields)


def _read(data: bytes, writing: int) -> NoReturn:
    """Read a message in the process that was started for it, and write the answer as JSON; never return."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        _limit()
        answer: dict[str, Any]
        try:
            mail = read_mail(data)
            received = to_text(mail.received) if mail.received is not None else None
            answer = {"mail": asdict(mail) | {"received": received}}
        except NotAMessage as error:
            answer = {"refused": error.message}
        except Exception as error:
            answer = {"failed": type(error).__name__}
        with os.fdopen(writing, "wb") as stream:
            stream.write(json.dumps(answer).encode())
    finally:
        os._exit(0)


def _limit() -> None:
    import resource

    # At the hard limit of the time it would be killed, and nobody would see why.
    times, size = (SECONDS, SECONDS + 1), _size() + MEMORY
    for kind, limits in (
        (resource.RLIMIT_CORE, (0, 0)),
        (resource.RLIMIT_CPU, times),
        (resource.RLIMIT_AS, (size, size)),
    ):
        with suppress(OSError, ValueError):  # a lower limit is set already, or this system has none
            resource.setrlimit(kind, limits)


def _size() -> int:
    """Return how much address space this process has, in bytes; much where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:
            return int(stream.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 1 << 30
