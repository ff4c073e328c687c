"""Send one message through Apprise or a command, and print the result: a program of its own, started by path.

A library that hangs or crashes in this process does no harm to the run. The program reads one JSON object from stdin
(`url message_id receiver headers title body until allow_http proxy`, or `command facts environment seconds until`) and
prints one (the fields of `Failure`). Apprise only says whether it worked, so the program watches `requests` and
`smtplib` to learn why it did not. It discards what libraries print or log, because that may have secrets in it.
"""

import json
import os
import signal
import sys
from typing import Any
from urllib.parse import urlsplit

if __name__ == "__main__":
    # This program is started by its path, so add the folder of the package. Append it: as the last folder it hides no
    # other module.
    sys.path.append(os.path.realpath(f"{__file__}/../../../.."))

from slactl.clock import uptime
from slactl.desk.messages import failures as reasons
from slactl.desk.messages.by_mail.smtp import reads_otherwise, watch_mail, write_headers, write_to
from slactl.desk.messages.failures import DEAD, RETRY, SENT, UNKNOWN, Failure
from slactl.desk.programs.running import Limits, end_group, run_command
from slactl.sla.rules.addresses import ON_THIS_MACHINE, is_loopback

#: How much of an answer is read, in bytes.
ANSWER_BYTES = 65_536

#: How long a server may take for its answer before the message counts as unanswered, in seconds.
ANSWER_SECONDS = 15

#: The result of a sender that stood still until its time was over, and how long it may take to say so, in seconds.
TOO_LATE, LAST_SECONDS = Failure(RETRY, "the sender stood still for too long", reached=False), 5

#: Schemes that use TLS although Apprise lists them without it, and schemes that do not although Apprise says so.
ENCRYPTED = frozenset(("pushme", "sfr"))
UNENCRYPTED = frozenset(("aprs",))


def main() -> None:
    """Send the message on stdin before the instant that stdin names, and print the result."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    order = json.load(sys.stdin)
    # It ends even if the run is gone. A command is in this process group; the default action ends only this process.
    runs, left = bool(order.get("command")), order["until"] - uptime()
    signal.signal(signal.SIGALRM, end_group if runs else signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, left if left > 0 else LAST_SECONDS)
    try:
        result = TOO_LATE if left <= 0 else run(order) if runs else send(order)
    except Exception as error:
        result = Failure(UNKNOWN, reasons.unexpected(error, order["url"].partition("://")[0]))
    json.dump(result._asdict(), answer)
    answer.flush()
    end_group() if runs else os._exit(0)  # not waiting for threads of a library


def run(order: dict[str, Any]) -> Failure:
    """Run the command and return the result: its exit code says whether it sent the message, or to try again."""
    limits, facts = Limits(order["seconds"]), json.dumps(order["facts"]).encode()
    try:
        ended = run_command(order["command"], limits, None, facts, order["environment"], own_group=False)
    except (OSError, ValueError) as error:
        return reasons.start_failure(order["command"][0], error)
    return reasons.command_failure(ended)


def send(order: dict[str, Any]) -> Failure:
    """Send the message and return the result; the outcome is `sent` if Apprise says that it worked."""
    import logging

    logging.disable(logging.CRITICAL)
    import apprise

    failures: list[Failure] = []
    ignore_environment()
    watch_http(failures, order)
    watch_mail(failures)
    service = apprise.Apprise.instantiate(order["url"], asset=apprise.AppriseAsset(async_mode=False))
    if service is None:
        return Failure(DEAD, "Apprise does not know this address")
    if not order["allow_http"] and is_unencrypted(service, scheme_of(service, order["url"]), server_of(service)):
        return Failure(DEAD, "the address has no TLS; use an address with TLS, or allow_http = true")
    service.socket_read_timeout = max(service.socket_read_timeout, ANSWER_SECONDS)
    if order["receiver"] is not None:
        write_to(service, order["receiver"], failures)
    elif reads_otherwise(service, order["url"]):
        return Failure(DEAD, "Apprise reads a different e-mail address from this address")
    mark(service, order["message_id"])
    if headers := order.get("headers"):
        write_headers(headers)
    watch(service, failures, scheme_of(service, order["url"]))
    carrier = apprise.Apprise()
    carrier.add(service)
    # A machine that slept, or a process that stood still, may come so late that another host has taken over.
    if uptime() > order["until"]:
        return TOO_LATE
    done = carrier.notify(
        body=order["body"],
        title=order["title"],
        body_format=apprise.NotifyFormat.TEXT,
        notify_type=apprise.NotifyType.WARNING,
    )
    return Failure(SENT, "sent") if done else reasons.worst(failures)


def is_unencrypted(plugin: Any, scheme: str, host: str) -> bool:  # noqa: ANN401
    """Return whether a service of Apprise, or one of its classes, sends to another machine without TLS."""
    fixed = getattr(plugin, "notify_url", None)
    if scheme in UNENCRYPTED or (isinstance(fixed, str) and is_plain(fixed)):
        return True
    if scheme in ON_THIS_MACHINE | ENCRYPTED or is_loopback(host):
        return False
    mode = getattr(plugin, "secure_mode", None)  # of mail and XMPP: it decides, not the scheme
    if mode is not None:
        return mode in ("insecure", "none")
    plain, secure = plugin.protocol or (), plugin.secure_protocol or ()
    return scheme in ([plain] if isinstance(plain, str) else plain) and scheme not in (
        [secure] if isinstance(secure, str) else secure
    )


def server_of(service: Any) -> str:  # noqa: ANN401
    """Return the host that a service connects to; for mail it can differ from the host of the address."""
    return str(getattr(service, "smtp_host", None) or service.host or "")


def scheme_of(service: Any, url: str) -> str:  # noqa: ANN401
    """Return the scheme of an address as Apprise lists it; some services overwrite their own."""
    typed = url.partition("://")[0].strip().lower()
    return str(service.schema) if typed == "http" else typed


def ignore_environment() -> None:
    """Make every session of requests ignore proxies of the environment and passwords of `~/.netrc`.

    A bundle of certificates that the environment names is still trusted: no address can bring one.
    """
    import requests

    always_off = property(lambda session: False, lambda session, value: None)
    requests.Session.trust_env = always_off  # type: ignore[assignment]


def mark(service: Any, message_id: str) -> None:  # noqa: ANN401
    """Put the id of the message where a receiver can recognise it; requests have it in a header of their own too."""
    schemes = {service.protocol, service.secure_protocol} if isinstance(service.protocol, str) else set()
    if "mailto" in schemes:
        service.headers["X-Slactl-Message"] = message_id
    elif schemes & {"json", "xml", "form"}:
        service.headers["Idempotency-Key"] = message_id
        if "xml" not in schemes:  # its schema has no more elements
            service.payload_extras["message_id"] = message_id


def watch(service: Any, failures: list[Failure], kind: str) -> None:  # noqa: ANN401
    """Note an error that a service of Apprise does not expect; Apprise would only say that it did not work."""
    original = service.send

    def watched(*args: Any, **options: Any) -> Any:  # noqa: ANN401
        try:
            return original(*args, **options)
        except Exception as error:
            failures.append(Failure(UNKNOWN, reasons.unexpected(error, kind)))
            raise

    service.send = watched


def watch_http(failures: list[Failure], order: dict[str, Any]) -> None:
    """Watch every HTTP answer; follow no redirect, limit what is read, and refuse requests without TLS.

    Requests to other machines go through the proxy of the order, and never through one of the environment.
    """
    from requests import adapters, exceptions

    original = adapters.HTTPAdapter.send

    def watched(self: Any, request: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (what requests hands over)
        if not order["allow_http"] and is_plain(request.url):
            failures.append(Failure(DEAD, "plain http to another machine; use https, or allow_http = true"))
            raise exceptions.ConnectionError("plain http")
        request.headers["X-Slactl-Message"] = order["message_id"]
        direct = not order["proxy"] or is_loopback(urlsplit(request.url).hostname or "")
        options["proxies"] = {} if direct else {"http": order["proxy"], "https": order["proxy"]}
        if options.get("verify") is True:
            options["verify"] = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        try:
            response = original(self, request, *args, **options | {"stream": True})
            read_capped(response)
        except exceptions.RequestException as error:
            failures.append(reasons.http_failure(error))
            raise
        if not 200 <= response.status_code < 300:
            failures.append(reasons.status_failure(response.status_code, response.headers.get("Retry-After")))
        # Without this header `requests` follows no redirect, whatever the URL asks for.
        response.headers.pop("Location", None)
        return response

    adapters.HTTPAdapter.send = watched  # type: ignore[method-assign]


def is_plain(url: str) -> bool:
    """Return whether a request would go to another machine without TLS."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def read_capped(response: Any) -> None:  # noqa: ANN401
    """Read at most `ANSWER_BYTES` of the answer."""
    content = b""
    for chunk in response.iter_content(8192):
        content += chunk
        if len(content) >= ANSWER_BYTES:
            response.close()
            break
    response._content = content[:ANSWER_BYTES]
    response._content_consumed = True


if __name__ == "__main__":
    main()
