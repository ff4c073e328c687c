"""Start the sender, a process of its own that sends one message to one address, and read how that went."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from slactl.clock import uptime
from slactl.desk.messages.digest import Message
from slactl.desk.messages.failures import with_errno
from slactl.desk.programs.commands import shown
from slactl.desk.programs.running import GRACE, ended, start
from slactl.lease import Claimant, this_process

#: The program that sends, started by path so that nothing in the working directory can stand in for a module.
SENDER = Path(__file__).with_name("sender.py")

#: The longest that one message may take, in seconds, however long the rules allow: leases have an end.
MOST_SECONDS = 3600


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

    `reached` is false if no server can have received the message. `for_all` is true if the try would fail in the same
    way for every user who runs `check`. `said` is the end of what a command printed on
    stderr; it is shown to people and not stored, because it may be about a customer.
    """

    outcome: DeliveryOutcome
    detail: str
    retry_after: str | None = None
    reached: bool = True
    said: str = ""
    for_all: bool = False

    @property
    def is_failure(self) -> bool:
        """Return whether the try failed: the message is neither sent nor left to the next run."""
        return self.outcome not in (DeliveryOutcome.SENT, DeliveryOutcome.WAITS)

    @property
    def shown(self) -> str:
        """Return the reason for people, with what a command said."""
        return f"{self.detail}: {self.said}" if self.said else self.detail


@dataclass(frozen=True, slots=True)
class Order:
    """Hold what the sender sends, and where: a URL and the proxy, or a command to run, with their secrets.

    `message_id` is part of the message and is the same at each try. Mail goes to no other address than `receiver`, and
    has these `headers`. A command gets `facts` as JSON on stdin, and its whole `environment`.
    """

    message: Message
    url: str = field(default="", repr=False)
    message_id: str = ""
    receiver: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_http: bool = False
    proxy: str = field(default="", repr=False)
    command: tuple[str, ...] = field(default=(), repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def numbered(self, message_id: str, headers: Mapping[str, str]) -> "Order":
        """Return the order with the id of the message, and with the headers that a mail has."""
        facts = {"message_id": message_id, **self.facts} if self.command else {}
        return replace(self, message_id=message_id, headers=headers, facts=facts)


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
        text = asdict(order) | {"title": order.message.title, "body": order.message.body}
        text |= {"seconds": self._seconds, "until": until}
        # The sender itself stops a command after its time.
        timeout = self._seconds + GRACE / 2 if order.command else self._seconds
        try:
            answer, _ = self._child.communicate(json.dumps(text).encode(), timeout=timeout)
        except subprocess.TimeoutExpired:
            return Result(DeliveryOutcome.UNKNOWN, f"no answer within {self._seconds} s")
        try:
            result = json.loads(answer)
            outcome, detail = DeliveryOutcome(result["outcome"]), str(result["detail"])
            said = shown(bytes.fromhex(result["said"]), is_cut=result["is_cut"])
            return Result(outcome, detail, result["retry_after"], bool(result["reached"]), said)
        except (ValueError, KeyError, TypeError):
            detail = f"the sender ended without an answer within {self._seconds} s"
            return Result(DeliveryOutcome.UNKNOWN, detail)


@contextmanager
def started_sender(seconds: int) -> Iterator[Sender]:
    """Start a sender that may take some seconds for its message; kill it at the end of the block."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    try:
        child = start([sys.executable, "-P", str(SENDER)], **pipes)
    except Exception as error:  # the message is claimed before anybody reports it
        yield Sender(error, seconds)
        return
    with ended(child):
        yield Sender(child, seconds)


def send(order: Order, seconds: int) -> Result:
    """Send a message that nobody has to claim, within some seconds."""
    with started_sender(seconds) as sender:
        return sender.send(order, uptime() + sender.seconds)


def seconds_to_wait(retry_after: str | None, now: datetime) -> int:
    """Return how many seconds from `now` a server asks to wait by Retry-After; 0 if the header cannot be read."""
    header = (retry_after or "").strip()
    try:
        if header.isdecimal() and header.isascii():
            return int(header[:9])
        return max(0, int((parsedate_to_datetime(header) - now).total_seconds()))
    except Exception:  # a stranger wrote this text, and any date in it can be invalid
        return 0
