"""Say why a message was not sent, and what that means: retry, give up, or nobody knows; never with a secret."""

import errno
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from slactl.desk.programs.running import Ended

#: The exit code of a command that asks to try again later.
TRY_AGAIN = os.EX_TEMPFAIL

SENT, RETRY, DEAD, UNKNOWN = "sent", "retry", "dead", "unknown"


class Failure(NamedTuple):
    """Hold why a message was not sent, and whether to retry, to give up, or that nobody knows if it arrived.

    `reached` is false if no server can have received the message. `said` is the end of what a command printed on
    stderr, in hexadecimal; `is_cut` if there was more.
    """

    outcome: str
    detail: str
    retry_after: str | None = None
    reached: bool = True
    said: str = ""
    is_cut: bool = False


def worst(failures: list[Failure]) -> Failure:
    """Return the failure that decides: first the message may have been delivered, then a retry may help."""
    reached = any(failure.reached for failure in failures)
    for outcome in (UNKNOWN, RETRY, DEAD):
        alike = [failure for failure in failures if failure.outcome == outcome]
        if alike:
            return alike[-1]._replace(reached=reached)
    return Failure(RETRY, "the server refused the message in its answer, or Apprise could not send it")


def errno_of(error: BaseException) -> str:
    """Return the errno of an error, such as "EMFILE: Too many open files"; empty if it has none."""
    for each in _chain(error):
        number = getattr(each, "errno", None)
        # Ignore the numbers of TLS libraries and name servers: they are not errnos.
        if isinstance(number, int) and number in errno.errorcode and type(each).__module__ not in ("ssl", "socket"):
            return f"{errno.errorcode[number]}: {os.strerror(number)}"
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def with_errno(text: str, error: BaseException) -> str:
    """Return a text, with the errno of the error if it has one."""
    number = errno_of(error)
    return f"{text} ({number})" if number else text


def unexpected(error: BaseException, kind: str) -> str:
    """Name an unexpected error and the kind of address, but not the text of the error: it may contain the URL."""
    return f"unexpected {with_errno(type(error).__name__, error)} at {f'a {kind}://' if kind else 'an unknown'} address"


def status_failure(status: int, retry_after: str | None) -> Failure:
    """Return the failure for an HTTP status other than success."""
    if 300 <= status < 400:
        return Failure(DEAD, f"HTTP {status}: redirects are not followed")
    if status >= 500 or status in (408, 425, 429):
        return Failure(RETRY, f"HTTP {status}", (retry_after or "")[:100] or None)
    return Failure(DEAD, f"HTTP {status}")


def command_failure(ended: Ended) -> Failure:
    """Return the result of a command that was started: nobody knows what one did that slactl killed."""
    outcome = UNKNOWN if ended.killed is not None else {0: SENT, TRY_AGAIN: RETRY}.get(ended.code, DEAD)
    return Failure(outcome, ended.how, said=ended.errors.hex(), is_cut=ended.is_cut)


def start_failure(program: str, error: OSError | ValueError) -> Failure:
    """Return the failure for a command that cannot be started."""
    if isinstance(error, FileNotFoundError) and "/" not in program:
        return Failure(DEAD, "the program is not in PATH", reached=False)
    for_good = isinstance(error, (FileNotFoundError, PermissionError, NotADirectoryError, ValueError))
    what = with_errno("the program cannot be started", error)
    return Failure(DEAD if for_good else RETRY, what, reached=False)


def http_failure(error: Exception) -> Failure:
    """Return the failure for an exception of `requests`, without its text, which contains the URL."""
    from requests import exceptions

    if isinstance(error, exceptions.ProxyError):  # it comes before any request
        status = re.search(r"Tunnel connection failed: (\d{3})", str(error))
        what = (
            f"the proxy refused with HTTP {status[1]}" if status else with_errno("the proxy cannot be reached", error)
        )
        return Failure(RETRY, what, reached=False)
    if isinstance(error, exceptions.SSLError):
        return Failure(DEAD, "TLS: the server's certificate is not trusted")
    if isinstance(error, exceptions.ConnectTimeout):
        return Failure(RETRY, "no connection in time", reached=False)
    if isinstance(error, exceptions.Timeout):
        return Failure(UNKNOWN, "no answer in time")
    if isinstance(error, exceptions.ConnectionError):
        reason = type(getattr(error.args[0] if error.args else None, "reason", None)).__name__
        if reason == "NameResolutionError":
            return Failure(RETRY, "the host is not known", reached=False)
        if reason == "NewConnectionError":
            return Failure(RETRY, no_connection(error), reached=False)
        return Failure(UNKNOWN, with_errno("the connection broke", error))
    if isinstance(error, (exceptions.ChunkedEncodingError, exceptions.ContentDecodingError)):
        return Failure(UNKNOWN, "the server's answer ended too early")
    return Failure(DEAD, f"the request is invalid ({type(error).__name__})")


def no_connection(error: BaseException) -> str:
    """Return why no connection to a server was made."""
    if any(isinstance(each, ConnectionRefusedError) for each in _chain(error)):
        return "connection refused"
    return with_errno("no connection", error)
