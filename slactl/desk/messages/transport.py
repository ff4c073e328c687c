"""Start the sender, a process of its own that sends one message to one address, and read how that went."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from slactl.desk.messages.digest import Message
from slactl.desk.messages.failures import with_errno
from slactl.desk.programs.commands import shown
from slactl.desk.programs.running import GRACE, ended, start

#: The program that sends, started by path so that nothing in the working directory can stand in for a module.
SENDER = Path(__file__).with_name("sender.py")


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

    `reached` is false if no server can have received the message. `said` is the end of what a command printed on
    stderr; it is shown to people and not stored, because it may be about a customer.
    """

    outcome: DeliveryOutcome
    detail: str
    retry_after: str | None = None
    reached: bool = True
    said: str = ""

    @property
    def shown(self) -> str:
        """Return the reason for people, with what a command said."""
        return f"{self.detail}: {self.said}" if self.said else self.detail


@dataclass(frozen=True, slots=True)
class Order:
    """Hold what the sender sends, and where: a URL and the proxy, or a command to run, with their secrets.

    `message_id` is part of the message and is the same at each try. Mail goes to no other address than `receiver`. A
    command gets `facts` as JSON on stdin, and its whole `environment`.
    """

    message: Message
    url: str = field(default="", repr=False)
    message_id: str = ""
    receiver: str | None = None
    allow_http: bool = False
    proxy: str = field(default="", repr=False)
    command: tuple[str, ...] = field(default=(), repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def numbered(self, message_id: str) -> "Order":
        """Return the order with the id of the message."""
        facts = {"message_id": message_id, **self.facts} if self.command else {}
        return replace(self, message_id=message_id, facts=facts)


def new_message_id() -> str:
    """Return an id for a message, by which a receiver can recognise a duplicate."""
    return os.urandom(16).hex()


def send(order: Order, seconds: int, *, lock: int | None = None) -> Result:
    """Send a message within `seconds`.

    The URL goes through a pipe, never through the command line. The child inherits the run lock, so that no other
    run begins while it may still be sending.
    """
    text = asdict(order) | {"title": order.message.title, "body": order.message.body, "seconds": seconds}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    try:
        child = start([sys.executable, "-P", str(SENDER)], pass_fds=() if lock is None else (lock,), **pipes)
    except OSError as error:
        return Result(DeliveryOutcome.RETRY, with_errno("the sender cannot be started", error), reached=False)
    with ended(child):
        try:
            # The sender itself stops a command after `seconds`.
            timeout = seconds + GRACE / 2 if order.command else seconds
            answer, _ = child.communicate(json.dumps(text).encode(), timeout=timeout)
        except subprocess.TimeoutExpired:
            return Result(DeliveryOutcome.UNKNOWN, f"no answer within {seconds} s")
    return _result(answer, seconds)


def _result(answer: bytes, seconds: int) -> Result:
    try:
        result = json.loads(answer)
        outcome, detail = DeliveryOutcome(result["outcome"]), str(result["detail"])
        said = shown(bytes.fromhex(result["said"]), is_cut=result["is_cut"])
        return Result(outcome, detail, result["retry_after"], bool(result["reached"]), said)
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
