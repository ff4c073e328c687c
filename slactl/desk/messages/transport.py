"""Send one message to one address in a child process, and kill the process when it takes too long."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path

from slactl.desk.messages.digest import Message
from slactl.desk.messages.failures import with_errno

#: The program that sends, started by path so that nothing in the working directory can stand in for a module.
SENDER = Path(__file__).with_name("sender.py")

#: How much longer than its parent the child gives itself, in seconds: it ends even if the parent is gone.
GRACE = 2


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


def send(order: Order, seconds: int, *, lock: int | None = None) -> Result:
    """Send a message within `seconds`.

    The URL goes through a pipe, never through the command line. The child inherits the run lock, so that no other
    run begins while it may still be sending.
    """
    text = asdict(order) | {"title": order.message.title, "body": order.message.body, "seconds": seconds + GRACE}
    try:
        child = _start(lock)
    except OSError as error:
        return Result(DeliveryOutcome.RETRY, with_errno("the sender cannot be started", error), reached=False)
    try:
        answer, _ = child.communicate(json.dumps(text).encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        return Result(DeliveryOutcome.UNKNOWN, f"no answer within {seconds} s")
    finally:
        if child.poll() is None:  # end it, and every process that it started
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return _result(answer, seconds)


def _start(lock: int | None) -> "subprocess.Popen[bytes]":
    # Proxies, passwords of ~/.netrc and settings of Apprise could send a message elsewhere.
    unsafe = re.compile(r".*_proxy|NETRC|APPRISE_.*", re.IGNORECASE)
    environment = {name: value for name, value in os.environ.items() if not unsafe.fullmatch(name)}
    return subprocess.Popen(
        [sys.executable, "-P", str(SENDER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # The programs that the child starts must not import from the working directory either.
        cwd="/",
        env=environment | {"PYTHONSAFEPATH": "1"},
        pass_fds=() if lock is None else (lock,),
        start_new_session=True,
    )


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
