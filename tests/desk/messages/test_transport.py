"""One message to one address, with real servers: what became of it is known, and nothing hangs."""

from pathlib import Path

import pytest
from conftest import Receivers

from slactl.desk.messages.digest import Message
from slactl.desk.messages.transport import DeliveryOutcome, Order, Result, seconds_to_wait, send

HELLO = Message("Ticket 1 is late", "ticket 1: late\nticket <b>2</b>: late")


def test_a_webhook_takes_the_message_as_it_is(receiver: Receivers) -> None:
    hook = receiver("ok")
    assert send(Order(HELLO, hook.url), 20) == Result(DeliveryOutcome.SENT, "sent")
    (took,) = hook.took
    assert (took["body"]["title"], took["body"]["message"]) == (HELLO.title, HELLO.body)


def test_a_mail_server_takes_the_message(receiver: Receivers) -> None:
    mailbox = receiver("smtp")
    assert send(Order(HELLO, mailbox.url), 20).outcome is DeliveryOutcome.SENT
    (took,) = mailbox.took
    assert took["to"] == ["mia@example.com"]
    assert "Subject: Ticket 1 is late" in took["body"]
    assert "ticket <b>2</b>: late" in took["body"]


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("500", Result(DeliveryOutcome.RETRY, "HTTP 500")),
        ("429", Result(DeliveryOutcome.RETRY, "HTTP 429", "1800")),
        ("404", Result(DeliveryOutcome.DEAD, "HTTP 404")),
        ("smtp550", Result(DeliveryOutcome.DEAD, "SMTP 550")),
    ],
)
def test_a_refusal_says_whether_to_try_again(receiver: Receivers, kind: str, result: Result) -> None:
    assert send(Order(HELLO, receiver(kind).url), 20) == result


def test_redirects_are_not_followed_even_if_the_url_asks_for_it(receiver: Receivers) -> None:
    hook = receiver("redirect")
    assert send(Order(HELLO, f"{hook.url}?redirect=yes"), 20) == Result(
        DeliveryOutcome.DEAD, "HTTP 307: redirects are not followed"
    )
    assert len(hook.took) == 1


def test_an_answer_without_end_is_cut(receiver: Receivers) -> None:
    assert send(Order(HELLO, receiver("endless").url), 20).outcome is DeliveryOutcome.SENT


@pytest.mark.parametrize("url", ["json://127.0.0.1:1/hook", "mailto://127.0.0.1:1?from=a@b.example&to=c@d.example"])
def test_a_server_that_is_not_there_is_tried_again(url: str) -> None:
    insecure = url + ("&mode=insecure" if "?" in url else "")
    assert send(Order(HELLO, insecure), 20) == Result(DeliveryOutcome.RETRY, "connection refused", reached=False)


def test_a_slow_drip_is_killed_at_the_deadline_and_may_have_gone_out(receiver: Receivers) -> None:
    assert send(Order(HELLO, receiver("drip").url), 2) == Result(DeliveryOutcome.UNKNOWN, "no answer within 2 s")


def test_a_server_nobody_vouches_for_gets_nothing(receiver: Receivers, tmp_path: Path) -> None:
    import trustme

    certificate = tmp_path / "certificate.pem"
    trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    hook = receiver("ok", str(certificate))
    result = send(Order(HELLO, hook.url.replace("json://127.0.0.1", "jsons://localhost")), 20)
    assert result == Result(DeliveryOutcome.DEAD, "TLS: the server's certificate is not trusted")
    assert hook.took == []


def test_nothing_goes_over_the_network_in_the_clear() -> None:
    result = send(Order(HELLO, "json://192.0.2.1/hook"), 20)
    assert (result.outcome, "the address has no TLS" in result.detail) == (DeliveryOutcome.DEAD, True)


def test_an_address_that_apprise_does_not_know_is_dead() -> None:
    assert send(Order(HELLO, "nosuch://example.com"), 20) == Result(
        DeliveryOutcome.DEAD, "Apprise does not know this address"
    )


def test_a_servers_retry_after_is_seconds_or_a_date() -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert seconds_to_wait("120", now) == 120
    assert seconds_to_wait("Mon, 02 Mar 2026 09:05:00 GMT", now) == 300
    assert seconds_to_wait("Mon, 02 Mar 2026 08:05:00 GMT", now) == 0
    assert [seconds_to_wait(text, now) for text in (None, "soon", "-5", "")] == [0, 0, 0, 0]
