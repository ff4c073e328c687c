"""One message to one address, with real servers: what became of it is known, and nothing hangs."""

import resource
import socket
import ssl
from pathlib import Path

import pytest
from conftest import Receivers

from slactl.desk.messages.digest import Message
from slactl.desk.messages.failures import unexpected
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


@pytest.mark.parametrize("scheme", ["json", "xml", "form"])
def test_a_webhook_gets_the_id_of_the_message(receiver: Receivers, scheme: str) -> None:
    hook = receiver("ok")
    assert send(Order(HELLO, hook.url.replace("json:", f"{scheme}:"), "4711"), 20).outcome is DeliveryOutcome.SENT
    (took,) = hook.took
    assert (took["headers"]["idempotency-key"], hook.ids) == ("4711", ["4711"])
    if scheme == "json":
        assert took["body"]["message_id"] == "4711"


def test_a_chat_gets_the_id_of_the_message_but_no_key_that_its_requests_would_share(receiver: Receivers) -> None:
    hook = receiver("hooks")
    assert send(Order(HELLO, f"mmost://127.0.0.1:{hook.port}/{hook.name}", "4711"), 20).outcome is DeliveryOutcome.SENT
    (took,) = hook.took
    assert ("idempotency-key" in took["headers"], hook.ids) == (False, ["4711"])


@pytest.mark.parametrize("receiver_", [None, "jo@example.com"])
def test_mail_has_the_id_of_the_message_in_a_header(receiver: Receivers, receiver_: str | None) -> None:
    mailbox = receiver("smtp")
    order = Order(HELLO, mailbox.url, "4711", receiver_)
    assert send(order, 20).outcome is DeliveryOutcome.SENT
    assert mailbox.ids == ["4711"]


def test_a_refusal_in_an_answer_that_says_success_is_a_failure(receiver: Receivers) -> None:
    result = send(Order(HELLO, f"onebot://127.0.0.1:{receiver('ok').port}/200"), 20)
    refused = "the server refused the message in its answer, or Apprise could not send it"
    assert result == Result(DeliveryOutcome.RETRY, refused)


@pytest.mark.parametrize(("users", "graver"), [("408/410", 408), ("404/503", 503)])
def test_of_two_failures_the_one_that_a_retry_may_help_decides(receiver: Receivers, users: str, graver: int) -> None:
    result = send(Order(HELLO, f"onebot://127.0.0.1:{receiver('ok').port}/{users}"), 20)
    assert result == Result(DeliveryOutcome.RETRY, f"HTTP {graver}")


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


def test_a_server_that_no_route_leads_to_is_named_with_its_errno() -> None:
    """The address of all machines at once takes no connection."""
    for url in (
        "json://255.255.255.255/hook",
        "mailto://255.255.255.255?from=a@b.example&to=c@d.example&mode=insecure",
    ):
        result = send(Order(HELLO, url, allow_http=True), 20)
        assert (result.outcome, result.reached) == (DeliveryOutcome.RETRY, False)
        assert "(ENETUNREACH: Network is unreachable)" in result.detail


def test_a_sender_that_cannot_be_started_is_named_with_its_errno(tmp_path: Path) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with (tmp_path / "one").open("w") as last:
        resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno() + 1, most[1]))
        try:
            result = send(Order(HELLO, "json://127.0.0.1:1/hook"), 20)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, most)
    told = "the sender cannot be started (EMFILE: Too many open files)"
    assert result == Result(DeliveryOutcome.RETRY, told, reached=False)


def test_an_error_that_nobody_expects_is_named_with_the_kind_of_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/SENTINEL.pem")
    result = send(Order(HELLO, "jsons://localhost:1/SENTINEL"), 20)
    assert result == Result(DeliveryOutcome.UNKNOWN, "unexpected OSError at a jsons:// address")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "SENTINEL"), "unexpected OSError (ENOSPC: No space left on device) at a json:// address"),
        (ssl.SSLError(1, "SENTINEL"), "unexpected SSLError at a json:// address"),
        (socket.gaierror(-2, "SENTINEL"), "unexpected gaierror at a json:// address"),
        (ValueError("SENTINEL"), "unexpected ValueError at a json:// address"),
    ],
)
def test_only_the_numbers_of_the_system_are_named(error: Exception, said: str) -> None:
    assert unexpected(error, "json") == said


def test_an_errno_behind_another_error_is_named() -> None:
    error = RuntimeError("SENTINEL")
    error.__cause__ = PermissionError(13, "SENTINEL")
    assert unexpected(error, "") == "unexpected RuntimeError (EACCES: Permission denied) at an unknown address"
