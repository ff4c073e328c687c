"""Messages go to other machines with TLS, unless the rules allow otherwise; the environment redirects none of them."""

import inspect
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Receivers, Slactl

from slactl.clock import uptime
from slactl.desk.messages.digest import Message
from slactl.desk.messages.sender import ENCRYPTED, UNENCRYPTED, is_unencrypted
from slactl.desk.messages.transport import DeliveryOutcome, Order, send
from slactl.sla.rules.addresses import ON_THIS_MACHINE, PLACEHOLDER, has_literal_secret

HELLO = Message("Ticket 1 is late", "ticket 1: late")

MAIL = "from=a@b.example&to=c@d.example"

#: Addresses without TLS. `HOST` is another machine, or this one where nothing has to be allowed.
PLAIN = (
    *("json://HOST/x", "xml://HOST/x", "form://HOST/x", "gotify://HOST/${env:TOKEN}", "ntfy://HOST/${env:TOKEN}"),
    *("hassio://HOST/${env:TOKEN}", "mmost://HOST/${env:TOKEN}", "rsyslog://HOST", "signal://HOST/${env:PHONE}"),
    *(f"mailto://HOST?{MAIL}", f"mailto://HOST?{MAIL}&mode=insecure", f"mailtos://HOST?{MAIL}&mode=insecure"),
    f"mailto://${{env:LOGIN}}@localhost?{MAIL}&smtp=HOST",
)

#: Addresses with TLS, and those that stay on this machine.
SAFE = (
    *("jsons://192.0.2.1/x", "gotifys://192.0.2.1/${env:TOKEN}", "slack://${env:SLACK}"),
    *("syslog://", "syslog://local0", f"mailtos://192.0.2.1?{MAIL}"),
    *(f"mailto://192.0.2.1?{MAIL}&mode=starttls", f"mailtos://192.0.2.1?{MAIL}&mode=ssl"),
    *(each.replace("HOST", host) for each in PLAIN for host in ("localhost", "127.0.0.1") if "smtp=" not in each),
)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "abcdefghijklmno")
    monkeypatch.setenv("PHONE", "15551234567/15557654321")
    monkeypatch.setenv("LOGIN", "mia:pass-word")
    monkeypatch.setenv("REST", "")
    monkeypatch.setenv("SLACK", "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")


def lead(desk: Path, url: str, also: str = "") -> None:
    """Give a role an address; what may not stand in the rules comes from the environment."""
    if has_literal_secret(url):
        scheme, _, rest = url.partition("://")
        os.environ["REST"] = PLACEHOLDER.sub(lambda match: os.environ[match[2]], rest)
        url = f"{scheme}://${{env:REST}}"
    path = desk.with_name("rules.toml")
    path.write_text(path.read_text() + f'\n[roles.lead]\n{also}\nnotify = ["{url}"]\n')


def test_every_scheme_of_apprise_is_known_to_have_tls_or_not() -> None:
    """Whatever a new version of Apprise brings is judged by its lists, or named here."""
    from apprise import NotificationManager

    manager = NotificationManager()  # type: ignore[no-untyped-call]
    for plugin in set(manager.plugins()):  # type: ignore[no-untyped-call]
        plain, secure = ({each} if isinstance(each, str) else {*(each or ())} for each in listed_by(plugin))
        found = {scheme for scheme in plain | secure if is_unencrypted(plugin, scheme, "host.example.com")}
        if not secure:
            known = ON_THIS_MACHINE | ENCRYPTED | {"growl", "rsyslog"}
            assert plain <= known, f"{plain} have no sister with TLS: where do their messages go?"
            assert found == plain - ON_THIS_MACHINE - ENCRYPTED
            continue
        source = inspect.getsource(inspect.getmodule(plugin) or plugin)
        lists_wrongly = "import socket" in source or 'notify_url = "http://' in source
        assert found == (secure if lists_wrongly else plain - secure), plugin


def listed_by(plugin: type) -> tuple[object, object]:
    return getattr(plugin, "protocol", None), getattr(plugin, "secure_protocol", None)


def test_the_lists_of_exceptions_name_schemes_that_there_are() -> None:
    from apprise import NotificationManager

    manager = NotificationManager()  # type: ignore[no-untyped-call]
    for scheme in ON_THIS_MACHINE | ENCRYPTED | UNENCRYPTED:
        assert scheme in manager
    assert is_unencrypted(manager["dapnet"], "dapnet", "localhost")
    assert is_unencrypted(manager["kavenegar"], "kavenegar", "localhost")


@pytest.mark.parametrize("url", [each.replace("HOST", "192.0.2.1") for each in PLAIN])
def test_the_rules_say_where_messages_may_go_without_tls(desk: Path, slactl: Slactl, url: str) -> None:
    lead(desk, url)
    line = len(desk.with_name("rules.toml").read_text().splitlines())
    result = slactl("rules", "check")
    assert result.code == 4
    assert f"rules.toml:{line}: " in result.err
    assert "sends messages over the network without TLS" in result.err
    assert "allow_http = true" in result.err
    assert "pass-word" not in result.err
    lead_allowed = desk.with_name("rules.toml").read_text().replace("[roles.lead]", "[roles.lead]\nallow_http = true")
    desk.with_name("rules.toml").write_text(lead_allowed)
    assert slactl("rules", "check").code == 0


@pytest.mark.parametrize("url", SAFE)
def test_nothing_has_to_be_allowed_for_tls_and_for_this_machine(desk: Path, slactl: Slactl, url: str) -> None:
    lead(desk, url)
    result = slactl("rules", "check")
    assert "without TLS" not in result.err + result.out
    assert result.code == 0, result.err


@pytest.mark.parametrize("url", [each.replace("HOST", "192.0.2.1") for each in PLAIN if "$" not in each])
def test_the_sender_refuses_by_itself(url: str) -> None:
    result = send(Order(HELLO, url), 20)
    assert result.outcome is DeliveryOutcome.DEAD
    assert "allow_http = true" in result.detail


@pytest.mark.parametrize(
    "url", ["aprs://DF1JSL-15:12345@DF1ABC", "dapnet://mia:password@DF1ABC", f"kavenegar://{'a' * 64}/0123456789"]
)
def test_a_service_that_only_looks_as_if_it_had_tls_is_refused(url: str) -> None:
    assert "the address has no TLS" in send(Order(HELLO, url), 20).detail


def test_the_last_line_of_defence_looks_at_the_request_itself() -> None:
    program = (
        "from slactl.desk.messages import sender; sender.is_unencrypted = lambda *found: False\n"
        "import urllib3.util.connection as c; c.create_connection = None; sender.main()"
    )
    order = {
        "url": "json://192.0.2.1/x",
        "receiver": None,
        "title": "x",
        "body": "y",
        "until": uptime() + 20,
        "message_id": "1",
        "proxy": "",
    }
    text = json.dumps(order | {"allow_http": False})
    told = subprocess.run([sys.executable, "-c", program], input=text, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout)["outcome"] == "dead"
    assert "plain http to another machine" in json.loads(told.stdout)["detail"]


@pytest.mark.parametrize("url", ["json://${env:MISSING}", f"mailto://${{env:MISSING}}@192.0.2.1?{MAIL}"])
def test_a_missing_secret_hides_no_address_without_tls(desk: Path, slactl: Slactl, url: str) -> None:
    lead(desk, url)
    assert "without TLS" in slactl("rules", "check").err


def test_mail_to_customers_is_allowed_by_the_settings(desk: Path, slactl: Slactl) -> None:
    path = desk.with_name("rules.toml")
    through = 'customer_mail = "mailto://192.0.2.1?from=desk@example.com"'
    path.write_text(path.read_text().replace("[settings]", f"[settings]\n{through}"))
    refused = "mailto:// sends messages over the network without TLS; use mailtos:// without mode=insecure"
    assert refused in slactl("rules", "check").err
    path.write_text(path.read_text().replace("[settings]", "[settings]\nallow_http = true"))
    assert slactl("rules", "check").code == 0


@pytest.mark.parametrize(
    ("url", "also", "warned"),
    [
        (f"mailtos://192.0.2.1?{MAIL}&mode=insecure", "allow_http = true", "has no TLS"),
        (f"mailtos://192.0.2.1?{MAIL}&verify=no", "", "verify=no"),
        ("jsons://192.0.2.1/x?verify=no", "", "verify=no"),
        ("json://192.0.2.1/x", "allow_http = true", None),
        ("jsons://localhost/x?verify=no", "", None),
    ],
)
def test_what_is_allowed_is_warned_of_where_it_is_easily_overlooked(
    desk: Path, slactl: Slactl, url: str, also: str, warned: str | None
) -> None:
    lead(desk, url, also)
    result = slactl("rules", "check")
    assert result.code == 0
    told = [word for word in ("has no TLS", "verify=no") if word in result.err + result.out]
    assert told == ([warned] if warned else [])


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A listener that every variable for a proxy names."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{listener.getsockname()[1]}")
        yield listener


@pytest.mark.parametrize("kind", ["json", "xml", "form", "mmost", "onebot", "gotify", "smtp"])
def test_a_proxy_of_the_environment_sees_no_message(receiver: Receivers, proxy: socket.socket, kind: str) -> None:
    hook = receiver("smtp" if kind == "smtp" else "ok")
    place = f"127.0.0.1:{hook.port}"
    urls = {"smtp": hook.url, "onebot": f"onebot://{place}/404", "mmost": f"mmost://{place}/ok/{hook.name}"}
    result = send(Order(HELLO, urls.get(kind, f"{kind}://{place}/ok/{hook.name}")), 20)
    with pytest.raises(BlockingIOError):
        proxy.accept()
    assert result.detail == ("HTTP 404" if kind == "onebot" else "sent")


def test_a_proxy_of_the_environment_sees_no_heartbeat(desk: Path, slactl: Slactl, proxy: socket.socket) -> None:
    path = desk.with_name("rules.toml")
    path.write_text(path.read_text().replace("[settings]", '[settings]\nheartbeat = "http://127.0.0.1:1/x"'))
    assert "ConnectionRefusedError (ECONNREFUSED: Connection refused)" in slactl("check", "-q").err
    with pytest.raises(BlockingIOError):
        proxy.accept()


@pytest.mark.parametrize("variable", [False, True])
def test_a_password_of_netrc_goes_to_nobody(
    receiver: Receivers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: bool
) -> None:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    netrc = tmp_path / "passwords" if variable else home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login mia password hunter2\n")
    netrc.chmod(0o600)
    if variable:
        monkeypatch.setenv("NETRC", str(netrc))
    hook = receiver("ok")
    assert send(Order(HELLO, hook.url), 20).outcome is DeliveryOutcome.SENT
    (took,) = hook.took
    assert "authorization" not in took["headers"]


def test_a_bundle_of_certificates_of_the_environment_is_trusted(
    receiver: Receivers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    hook = receiver("ok", str(tmp_path / "server.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    url = hook.url.replace("json://127.0.0.1", "jsons://localhost")
    assert send(Order(HELLO, url), 20).outcome is DeliveryOutcome.SENT


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/x", "nosuch://example.com/x", "FILE:///x"])
@pytest.mark.parametrize("key", ["notify", "customer_mail", "heartbeat"])
def test_an_address_that_sends_no_messages_is_refused_as_what_it_is(
    desk: Path, slactl: Slactl, url: str, key: str
) -> None:
    path = desk.with_name("rules.toml")
    if key == "notify":
        path.write_text(path.read_text() + f'\n[roles.lead]\nnotify = ["{url}"]\n')
    else:
        path.write_text(path.read_text().replace("[settings]", f'[settings]\n{key} = "{url}"'))
    result = slactl("rules", "check")
    says = (
        "must be a URL: https://" if key == "heartbeat" else f"Apprise does not know {url.lower().partition(':')[0]}://"
    )
    assert (result.code, says in result.err, "secret" in result.err) == (4, True, False), result.err
