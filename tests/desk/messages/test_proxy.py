"""Messages and the heartbeat go through the proxy that the rules name, and through no other."""

import json
from pathlib import Path

import pytest
from conftest import Receiver, Receivers, Slactl, write_secret
from freezegun.api import FrozenDateTimeFactory

from slactl.desk.messages.digest import Message
from slactl.desk.messages.transport import DeliveryOutcome, Order, Result, send

HELLO = Message("Ticket 1 is late", "ticket 1: late")

#: A server that nobody can reach but through a proxy.
ELSEWHERE = "192.0.2.1"


def proxy_of(server: Receiver, login: str = "") -> str:
    return f"http://{login}127.0.0.1:{server.port}"


def with_settings(desk: Path, *lines: str, notify: str = "") -> None:
    path = desk.with_name("rules.toml")
    text = path.read_text().replace("[settings]", "\n".join(["[settings]", *lines]))
    path.write_text(text + (f'\n[roles.lead]\nallow_http = true\nnotify = ["{notify}"]\n' if notify else ""))


def test_a_message_to_another_machine_goes_through_the_proxy(receiver: Receivers) -> None:
    server = receiver("ok")
    url = f"json://{ELSEWHERE}/ok/{server.name}"
    order = Order(HELLO, url, allow_http=True, proxy=proxy_of(server, "ann:secret@"))
    assert send(order, 20) == Result(DeliveryOutcome.SENT, "sent")
    (took,) = server.took
    assert (took["headers"]["host"], took["body"]["title"]) == (ELSEWHERE, HELLO.title)
    assert took["headers"]["proxy-authorization"].startswith("Basic ")


def test_a_message_with_tls_asks_the_proxy_for_a_tunnel_and_tells_it_nothing_else(receiver: Receivers) -> None:
    server = receiver("ok")
    order = Order(HELLO, f"jsons://{ELSEWHERE}/ok/{server.name}", proxy=proxy_of(server))
    refused = Result(DeliveryOutcome.RETRY, "the proxy refused with HTTP 403", reached=False)
    assert send(order, 20) == refused
    asked = json.loads(server.log.read_text().splitlines()[-1])
    assert (asked["path"], server.name in json.dumps(asked)) == (f"{ELSEWHERE}:443", False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_message_to_this_machine_goes_past_the_proxy(receiver: Receivers, host: str) -> None:
    server = receiver("ok")
    url = server.url.replace("127.0.0.1", host)
    assert send(Order(HELLO, url, proxy="http://127.0.0.1:1"), 20).outcome is DeliveryOutcome.SENT
    assert len(server.took) == 1


def test_a_proxy_that_is_not_there_is_named(receiver: Receivers) -> None:
    result = send(Order(HELLO, f"jsons://{ELSEWHERE}/x", proxy="http://127.0.0.1:1"), 20)
    assert (result.outcome, result.reached) == (DeliveryOutcome.RETRY, False)
    assert result.detail == "the proxy cannot be reached (ECONNREFUSED: Connection refused)"


def test_the_proxy_does_not_make_plain_http_to_another_machine_allowed(receiver: Receivers) -> None:
    server = receiver("ok")
    order = Order(HELLO, f"json://{ELSEWHERE}/ok/{server.name}", proxy=proxy_of(server))
    assert send(order, 20).outcome is DeliveryOutcome.DEAD
    assert server.took == []


def test_the_rules_name_the_proxy_of_messages_with_its_secrets(
    desk: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = receiver("ok")
    monkeypatch.setenv("URL", f"json://{ELSEWHERE}/ok/{server.name}")
    with_settings(desk, f'proxy = "http://${{env:LOGIN}}@127.0.0.1:{server.port}"', notify="${env:URL}")
    shown = slactl("notify", "test", "lead")
    assert (shown.code, "the environment variable LOGIN is not set" in shown.out) == (7, True)
    monkeypatch.setenv("LOGIN", "ann:hunter2")
    assert slactl("notify", "test", "lead").code == 0
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    assert slactl("escalate", "1", "--reason", "it burns").code == 0
    path = desk.with_name("rules.toml")
    path.write_text(path.read_text().replace('notify = ["support_manager"]', 'notify = ["lead"]'))
    assert slactl("escalate", "1", "--reason", "it burns").code == 0
    assert slactl("check", "-q").code == 0
    assert len(server.took) == 2
    assert all("proxy-authorization" in each["headers"] for each in server.took)


@pytest.mark.parametrize("kind", ["ok", "smtp"])
def test_a_message_that_goes_past_the_proxy_does_not_need_its_secrets(
    desk: Path, slactl: Slactl, receiver: Receivers, kind: str
) -> None:
    server = receiver(kind)
    with_settings(desk, 'proxy = "${env:PROXY}"')
    escalated_to_lead(desk, slactl, server.url)
    assert slactl("notify", "test", "lead").code == 0
    ended = slactl("check", "-q")
    assert (ended.code, ended.err, len(server.took)) == (0, "", 2)


def test_messages_wait_until_the_proxy_can_be_used(
    desk: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch, clock: FrozenDateTimeFactory
) -> None:
    server = receiver("ok")
    with_settings(desk, 'proxy = "${env:PROXY}"')
    escalated_to_lead(desk, slactl, "${env:URL}")
    clock.tick(2)
    monkeypatch.setenv("URL", f"json://{ELSEWHERE}/ok/{server.name}")
    for proxy, why in (("", "the environment variable PROXY is not set"), ("nowhere", "it is not the URL of an HTTP")):
        monkeypatch.setenv("PROXY", proxy)
        ended = slactl("check", "-q")
        assert (ended.code, f"lead: ${{env:URL}}: settings.proxy: {why}" in ended.err) == (7, True), ended.err
        (waiting,) = json.loads(slactl("notifications", "list", "--json").out)
        assert (waiting["state"], waiting["tries"]) == ("waiting", 0)
        clock.tick(60)
    monkeypatch.setenv("PROXY", proxy_of(server))
    assert slactl("check", "-q").code == 0
    assert len(server.took) == 1


def escalated_to_lead(desk: Path, slactl: Slactl, url: str) -> None:
    """A ticket that was escalated to a role with this address."""
    path = desk.with_name("rules.toml")
    text = path.read_text().replace('notify = ["support_manager"]', 'notify = ["lead"]')
    path.write_text(text + f'\n[roles.lead]\nallow_http = true\nnotify = ["{url}"]\n')
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    assert slactl("escalate", "1", "--reason", "it burns").code == 0


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1080", "http:///x", "127.0.0.1:3128", "http://ann:x@proxy.example"]
)
def test_a_secret_that_is_no_proxy_is_refused_when_it_is_read(
    desk: Path, slactl: Slactl, receiver: Receivers, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    server = receiver("ok")
    write_secret(desk, "proxy", proxy)
    monkeypatch.setenv("URL", f"json://{ELSEWHERE}/ok/{server.name}")
    with_settings(desk, 'proxy = "${file:proxy}"', notify="${env:URL}")
    shown = slactl("notify", "test", "lead")
    assert (shown.code, "lead: ${env:URL}: settings.proxy: " in shown.out, proxy in shown.out) == (7, True, False)
    assert server.took == []


def test_a_heartbeat_goes_through_the_proxy(desk: Path, slactl: Slactl, receiver: Receivers) -> None:
    server = receiver("ok")
    write_secret(desk, "beat", f"http://{ELSEWHERE}/ok/{server.name}")
    with_settings(desk, 'heartbeat = "${file:beat}"', f'proxy = "{proxy_of(server)}"', "allow_http = true")
    for _ in range(2):  # the second one without reading the rules again
        told = slactl("check", "-q")
        assert told.code == 0, told.err
    assert [each["headers"]["host"] for each in server.took] == [ELSEWHERE] * 2


def test_a_heartbeat_on_this_machine_goes_past_the_proxy(desk: Path, slactl: Slactl, receiver: Receivers) -> None:
    server = receiver("ok")
    with_settings(desk, f'heartbeat = "{server.url.replace("json:", "http:")}"', 'proxy = "http://127.0.0.1:1"')
    assert slactl("check", "-q").code == 0
    assert len(server.took) == 1


@pytest.mark.parametrize(
    ("proxy", "says"),
    [
        ("proxy.example.com:3128", "must be the URL of an HTTP proxy"),
        ("socks5://proxy.example.com", "must be the URL of an HTTP proxy"),
        ("http://", "must be the URL of an HTTP proxy"),
        ("https://ann:hunter2@proxy.example.com", "the login of the proxy is a secret"),
        ("https://hunter2@proxy.example.com", "the login of the proxy is a secret"),
        ("https://${env:USER_}:hunter2@proxy.example.com", "the login of the proxy is a secret"),
        ("http://${env:LOGIN}@proxy.example.com:3128", "the login goes to the proxy without TLS"),
    ],
)
def test_rules_check_says_what_is_wrong_with_a_proxy(desk: Path, slactl: Slactl, proxy: str, says: str) -> None:
    with_settings(desk, f'proxy = "{proxy}"')
    result = slactl("rules", "check")
    assert (result.code, f"settings.proxy: {says}" in result.err, "hunter2" in result.err) == (4, True, False)


@pytest.mark.parametrize(
    "proxy",
    [
        *("", "http://proxy.example.com:3128", "https://${env:LOGIN}@proxy.example.com", "${env:PROXY}"),
        *("http://${env:LOGIN}@127.0.0.1:3128", "http://[::1]:3128/", "https://${env:USER_}:${file:p}@proxy.example"),
    ],
)
def test_a_proxy_may_stand_in_the_rules_without_its_login(desk: Path, slactl: Slactl, proxy: str) -> None:
    with_settings(desk, f'proxy = "{proxy}"', 'heartbeat = ""', 'customer_mail = ""')
    result = slactl("rules", "check")
    assert result.code == 0, result.err
    for name in ("LOGIN", "PROXY", "USER_"):
        assert (f"{name} is not set here" in result.err) == (name in proxy)


def test_doctor_misses_the_secret_of_a_proxy(desk: Path, slactl: Slactl) -> None:
    with_settings(desk, 'proxy = "${env:PROXY}"')
    checks = json.loads(slactl("doctor", "--json").out)["checks"]
    [found] = [each["found"] for each in checks if each["check"] == "secrets"]
    assert found == "settings.proxy: the environment variable PROXY is not set here"
