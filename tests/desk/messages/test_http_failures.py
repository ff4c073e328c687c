"""Why a web hook failed: whether to try again, whether it may have arrived, and never a part of its address."""

import ssl
from typing import Any

import pytest
from requests import exceptions
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from slactl.desk.messages.failures import DEAD, RETRY, UNKNOWN, http_failure, status_failure

URL = "https://hooks.example/SECRET"


def no_connection(reason: Exception) -> exceptions.ConnectionError:
    return exceptions.ConnectionError(MaxRetryError(None, URL, reason))  # type: ignore[arg-type]


NAME = NameResolutionError("hooks.example", None, OSError("unknown"))  # type: ignore[arg-type]
REFUSED = NewConnectionError(None, "refused")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "outcome", "reached"),
    [
        (exceptions.ProxyError(f"Tunnel connection failed: 403 {URL}"), RETRY, False),
        (exceptions.ProxyError(URL), RETRY, False),
        (exceptions.SSLError(ssl.SSLError(URL)), DEAD, True),
        (exceptions.ConnectTimeout(URL), RETRY, False),
        (exceptions.ReadTimeout(URL), UNKNOWN, True),
        (no_connection(NAME), RETRY, False),
        (no_connection(REFUSED), RETRY, False),
        (exceptions.ConnectionError(URL), UNKNOWN, True),
        (exceptions.ConnectionError(), UNKNOWN, True),
        (exceptions.ChunkedEncodingError(URL), UNKNOWN, True),
        (exceptions.ContentDecodingError(URL), UNKNOWN, True),
        (exceptions.InvalidURL(URL), DEAD, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_error_says_whether_a_server_may_have_the_message(error: Exception, outcome: str, reached: bool) -> None:
    failure = http_failure(error)
    assert (failure.outcome, failure.reached) == (outcome, reached)
    assert "SECRET" not in failure.detail


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, DEAD) for status in (300, 307, 399, 400, 401, 404, 407, 409, 424, 426, 428, 430, 499)),
        *((status, RETRY) for status in (408, 425, 429, 500, 503, 599)),
    ],
)
def test_status_of_an_answer_says_whether_to_try_again(status: int, outcome: str) -> None:
    failure: Any = status_failure(status, "120" * 50)
    assert (failure.outcome, failure.reached) == (outcome, True)
    assert failure.retry_after == (("120" * 50)[:100] if outcome == RETRY else None)
    assert failure.detail.startswith(f"HTTP {status}")
    assert ("redirects are not followed" in failure.detail) is (status < 400)
