"""Ranges of time as people type them, in local time."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from slactl.errors import UsageError
from slactl.typed_ranges import parse_range

#: A Wednesday.
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the machine in Berlin."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("text", "ahead", "since", "until"),
    [
        ("2026-11-24", False, "2026-11-23T23:00", "2026-11-24T23:00"),
        ("2026-11-24..2026-11-24", False, "2026-11-23T23:00", "2026-11-24T23:00"),
        ("2026-11-24 .. 2026-11-25 09:00", False, "2026-11-23T23:00", "2026-11-25T08:00"),
        ("..yesterday", False, None, "2026-11-24T23:00"),
        ("2h ago..", False, "2026-11-25T10:00", None),
        ("..", False, None, None),
        # Weekdays: the last Monday and the Friday after it; with a deadline the next ones.
        ("mon..fri", False, "2026-11-22T23:00", "2026-11-27T23:00"),
        ("mon..tue", False, "2026-11-22T23:00", "2026-11-24T23:00"),
        ("fri..mon", True, "2026-11-26T23:00", "2026-11-30T23:00"),
        ("mon..fri", True, "2026-11-29T23:00", "2026-12-04T23:00"),
        ("9:00..17:00", False, "2026-11-25T08:00", "2026-11-25T16:00"),
        # The night in which the clocks change is an hour longer or shorter.
        ("2026-10-25", False, "2026-10-24T22:00", "2026-10-25T23:00"),
        ("2026-03-29", False, "2026-03-28T23:00", "2026-03-29T22:00"),
    ],
)
def test_ranges_in_local_time(text: str, ahead: bool, since: str | None, until: str | None) -> None:
    expected = tuple(datetime.fromisoformat(side + "Z") if side is not None else None for side in (since, until))
    assert tuple(parse_range(text, NOW, ahead=ahead)) == expected


@pytest.mark.parametrize("text", ["now", "in 2 days", "09:00", "2026-11-24T09:00", "2h ago", "", "x..", "..x"])
def test_an_instant_alone_and_nonsense_are_no_range(text: str) -> None:
    with pytest.raises(UsageError):
        parse_range(text, NOW)
