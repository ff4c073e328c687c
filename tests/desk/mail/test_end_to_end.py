"""A day of a service desk by mail, with a real mail server on loopback between everybody."""

import json
import smtplib
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_string, policy
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any

import pytest
from conftest import Receiver, Receivers, Slactl
from freezegun.api import FrozenDateTimeFactory

RULES = """schema = 1
[settings]
default_plan = "all"
[calendars.always]
always_open = true
[[policy]]
name = "all"
calendar = "always"
[policy.targets]
default = { first_response = "1h", resolution = "4h" }
[people.mia]
emails = ["mia@desk.example"]
[people.boss]
emails = ["boss@desk.example"]
notify = ["${env:BOSS_URL}"]
[[escalation]]
id = "resolution"
on = "resolution"
  [[escalation.level]]
  id = "late"
  at = "0m"
  notify = ["boss"]
  [[escalation.level]]
  id = "later"
  at = "+1h"
  notify = ["boss"]
[mail]
address = "support@desk.example"
"""


class MailServer:
    """A mail server that hands mail to the support address over to slactl, and keeps other mail for its readers."""

    def __init__(self, receiver: Receiver, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
        self._receiver, self._slactl, self._clock, self._queue = receiver, slactl, clock, list[bytes]()
        self._seen = 0

    def send(
        self, at: str, sender: str, to: str, text: str, answers: EmailMessage | None = None, **headers: str
    ) -> EmailMessage:
        """Send a message from a mail program at a time of day; mail to the support address waits in the queue."""
        self._clock.move_to(f"2026-03-02T{at}Z")
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, to, "Printer on fire"
        mail["Message-ID"] = f"<{at.replace(':', '')}.{parseaddr(sender)[1]}>"
        if answers is not None:
            mail["In-Reply-To"] = answers["Message-ID"]
            text += f"\n\nOn Mon, 2 Mar 2026 at 09:00, {answers['From']} wrote:\n> ack 8h\n> It burns.\n"
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        with smtplib.SMTP("127.0.0.1", self._receiver.port) as server:
            server.send_message(mail)
        (found,) = self._new()
        if any(each.startswith("support") for each in found["to"]):
            received = f"Received: from client by mx.desk.example; {format_datetime(datetime.now(UTC))}\n"
            self._queue.append((received + found["body"].replace("\r\n", "\n")).encode())
        return mail

    def deliver(self, at: str) -> list[str]:
        """Hand the queue over to slactl at a time of day; return what it printed."""
        self._clock.move_to(f"2026-03-02T{at}Z")
        done = [self._slactl("mail", stdin=data) for data in self._queue]
        assert [(each.code, each.err) for each in done] == [(0, "")] * len(done)
        self._queue.clear()
        return [each.out.rstrip("\n") for each in done]

    def arrived(self, reader: str) -> list[EmailMessage]:
        """Return the new mail of somebody."""
        found = [each["body"] for each in self._new() if each["to"] == [reader]]
        return [message_from_string(body, policy=policy.default) for body in found]  # type: ignore[misc]

    def _new(self) -> Sequence[dict[str, Any]]:
        took = self._receiver.took
        new, self._seen = took[self._seen :], len(took)
        return new


@pytest.fixture
def server(
    desk: Path,
    slactl: Slactl,
    receiver: Receivers,
    clock: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> MailServer:
    found = receiver("smtp")
    to = "from=desk@desk.example&to=boss@desk.example&mode=insecure"
    monkeypatch.setenv("BOSS_URL", f"mailto://127.0.0.1:{found.port}?{to}")
    desk.with_name("rules.toml").write_text(RULES)
    return MailServer(found, slactl, clock)


def check(slactl: Slactl, clock: FrozenDateTimeFactory, at: str) -> int:
    """Run a check at a time of day; return how many levels fired."""
    clock.move_to(f"2026-03-02T{at}Z")
    done = slactl("check", "--json")
    assert (done.code, done.err) == (0, "")
    return len(json.loads(done.out)["firings"])


def test_a_day_by_mail(server: MailServer, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    customer, support = "Bob <bob@acme.example>", "support@desk.example"
    asked = server.send("09:00:05", customer, support, "It burns.")
    assert server.deliver("09:02:00") == ["opened\t1\tnew message"]

    answered = server.send("09:30:07", "mia@desk.example", f"bob@acme.example, {support}", "Water is coming.", asked)
    check(slactl, clock, "09:40:00")
    assert server.deliver("09:45:00") == ["agent_reply\t1\treply to a message"]
    server.send("09:50:09", customer, f"mia@desk.example, {support}", "It still burns.", answered)
    assert server.deliver("09:51:00") == ["customer_reply\t1\treply to a message"]
    (ticket,) = json.loads(slactl("list", "--json").out)
    assert (ticket["created_at"], ticket["first_responded_at"]) == ("2026-03-02T09:00:05Z", "2026-03-02T09:30:07Z")
    assert (ticket["first_response_state"], ticket["status"]) == ("met", "open")
    # It did not count for 20 minutes and 2 seconds, in which it waited for the customer.
    assert ticket["resolution_due_at"] == "2026-03-02T13:20:07Z"

    assert check(slactl, clock, "13:20:08") == 1
    (told,) = server.arrived("boss@desk.example")
    assert "Ticket 1" in told["Subject"]
    assert server.arrived("bob@acme.example") == []

    server.send("13:30:00", "boss@desk.example", str(told["Reply-To"]), "ack 2h\n\n-- \nThe boss", told)
    assert server.deliver("13:31:00") == ["command\t1\tack 2h by boss"]
    (ticket,) = json.loads(slactl("list", "--json").out)
    assert ticket["acked_until"] == "2026-03-02T15:30:00Z"
    assert [check(slactl, clock, at) for at in ("14:20:08", "14:30:00", "15:29:59")] == [0, 0, 0]
    assert server.arrived("boss@desk.example") == []

    assert check(slactl, clock, "15:30:01") == 1
    (again,) = server.arrived("boss@desk.example")
    assert again["Reply-To"] != told["Reply-To"]
    assert slactl("audit", "verify").code == 0


def test_reply_to_a_digest_names_its_tickets(server: MailServer, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    for number in (1, 2):
        server.send(f"09:00:0{number}", f"bob{number}@acme.example", "support@desk.example", "It burns.")
        server.deliver(f"09:02:0{number}")
    assert check(slactl, clock, "13:00:03") == 2
    (told,) = server.arrived("boss@desk.example")
    assert "2 tickets need attention" in told["Subject"]
    for at, text, said in (
        ("13:10:00", "ack 2h", "note\t1\tthe message was about several tickets; write their ids: ack [ID…] [2h]"),
        ("13:11:00", "ack 1 3 2h", "note\t1\tthe message was not about ticket 3"),
        ("13:12:00", "ack 1 2 2h", "command\t1\tack 2h by boss: tickets 1, 2"),
    ):
        server.send(at, "boss@desk.example", str(told["Reply-To"]), text, told)
        assert server.deliver(at) == [said]
    assert check(slactl, clock, "14:00:03") == 0


def test_two_programs_do_not_answer_each_other(
    server: MailServer, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    """The boss is away; a vacation program answers to the reply address, and nothing goes out because of it."""
    server.send("09:00:05", "Bob <bob@acme.example>", "support@desk.example", "It burns.")
    server.deliver("09:02:00")
    assert check(slactl, clock, "13:00:06") == 1
    (told,) = server.arrived("boss@desk.example")
    assert told["Auto-Submitted"] == "auto-generated"  # a well-behaved program does not answer at all
    away = {"Auto_Submitted": "auto-replied"}
    server.send("13:01:00", "boss@desk.example", str(told["Reply-To"]), "ack 2h", **away)
    assert server.deliver("13:02:00") == ["note\t1\tautomatic mail: Auto-Submitted: auto-replied"]
    assert server.arrived("boss@desk.example") == []
    assert check(slactl, clock, "13:03:00") == 0
