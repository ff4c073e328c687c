"""Weekly windows: how they are written, and until when they go on, against a model that steps minute by minute."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slactl.sla.calendar.windows import is_whole_week, until, windows
from slactl.sla.calendar.written import WEEKDAYS

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("texts", "at", "end"),
    [
        (["22:00-07:00"], "2026-03-06T22:00:00Z", "2026-03-07T07:00:00Z"),
        (["22:00-07:00"], "2026-03-06T21:59:59Z", None),
        (["22:00-07:00"], "2026-03-07T07:00:00Z", None),
        (["sat-sun"], "2026-03-07T00:00:00Z", "2026-03-09T00:00:00Z"),
        (["sat-sun"], "2026-03-06T23:59:59Z", None),
        (["fri 15:00-24:00"], "2026-03-06T15:00:00Z", "2026-03-07T00:00:00Z"),
        (["fri 22:00-07:00"], "2026-03-07T06:00:00Z", "2026-03-07T07:00:00Z"),  # the tail of Friday's window
        (["fri 22:00-07:00"], "2026-03-06T06:00:00Z", None),
        (["22:00-07:00", "sat-sun", "fri 15:00-24:00"], "2026-03-06T16:00:00Z", "2026-03-09T07:00:00Z"),
        (["12:00-13:00", "13:00-14:00"], "2026-03-06T12:30:00Z", "2026-03-06T14:00:00Z"),
    ],
)
def test_windows_that_touch_are_one(texts: list[str], at: str, end: str | None) -> None:
    found = until(windows(tuple(texts)), ZoneInfo("UTC"), datetime.fromisoformat(at))
    assert found == (datetime.fromisoformat(end) if end else None)


@pytest.mark.parametrize(
    "text",
    ["", "fri 22:00", "22:00", "funday", "fri 15:00-24:00 x", "sat sun", "25:00-26:00", "fri 09:00-09:00"],
)
def test_what_is_not_a_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        windows((text,))


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        (["mon-sun"], True),
        (["00:00-24:00"], True),
        (["08:00-20:00", "20:00-08:00"], True),
        (["mon-fri", "sat 00:00-12:00", "sat 12:00-24:00", "sun"], True),
        (["sun 12:00-12:01", "mon-sat", "sun 00:00-12:00", "sun 12:02-24:00"], False),
        (["sat-sun", "22:00-07:00"], False),
        ([], False),
    ],
)
def test_the_whole_week_is_recognised(texts: list[str], whole: bool) -> None:
    assert is_whole_week(windows(tuple(texts))) is whole


def naive_edge(day: datetime, minutes: int, zone: ZoneInfo) -> datetime:
    """Return the first UTC minute that shows a local time; of a skipped time the minute that is as long after."""
    wanted = day.replace(tzinfo=None) + minutes * MINUTE
    first = (wanted - timedelta(hours=16)).replace(tzinfo=UTC)
    before = first.astimezone(zone).utcoffset() or timedelta()
    for step in range(32 * 60):
        at = first + step * MINUTE
        if at.astimezone(zone).replace(tzinfo=None) == wanted:
            return at
    return wanted.replace(tzinfo=UTC) - before  # as if the clocks had not changed


def naive_until(texts: Sequence[str], zone: ZoneInfo, at: datetime) -> datetime | None:
    """Step minute by minute to the first one in no window."""
    spans = []
    today = at.astimezone(zone).replace(hour=0, minute=0)
    for shift in range(-2, 9):
        day = today.replace(tzinfo=None) + timedelta(days=shift)
        for text in texts:
            *days, hours = text.split() if ":" in text else [text, "00:00-24:00"]
            names = days[0].split("-") if days else ["mon", "sun"]
            first, last = WEEKDAYS.index(names[0]), WEEKDAYS.index(names[-1])
            inside = first <= day.weekday() <= last if first <= last else not last < day.weekday() < first
            if inside:
                opens, closes = (int(part[:2]) * 60 + int(part[3:]) for part in hours.split("-"))
                closes += 1440 if closes <= opens else 0
                spans.append((naive_edge(day, opens, zone), naive_edge(day, closes, zone)))
    end = at
    while any(opens <= end < closes for opens, closes in spans):
        end += MINUTE
    return end if end > at else None


CLOCKS = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
HOURS = st.tuples(CLOCKS, CLOCKS).filter(lambda pair: pair[0] != pair[1]).map("-".join)
DAYS = st.one_of(
    st.sampled_from(WEEKDAYS), st.tuples(st.sampled_from(WEEKDAYS), st.sampled_from(WEEKDAYS)).map("-".join)
)
TEXTS = st.lists(st.one_of(HOURS, DAYS, st.tuples(DAYS, HOURS).map(" ".join)), min_size=1, max_size=3)
#: Around the changes of the clocks in Berlin, New York and on Lord Howe.
AROUND = st.sampled_from(["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04"])


@settings(max_examples=60)
@given(
    TEXTS,
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    AROUND,
    st.integers(-36 * 60, 36 * 60),
)
@example(["02:30-07:00"], "Europe/Berlin", "2026-03-29", 60)
@example(["22:00-02:30"], "Europe/Berlin", "2026-10-25", 0)
@example(["sat-sun", "02:15-02:30"], "Australia/Lord_Howe", "2026-10-04", -12 * 60)
def test_windows_end_when_a_model_that_steps_by_minutes_says(
    texts: list[str], zone: str, day: str, minutes: int
) -> None:
    stated, at = windows(tuple(texts)), datetime.fromisoformat(f"{day}T00:00:00+00:00") + minutes * MINUTE
    if not is_whole_week(stated):
        assert until(stated, ZoneInfo(zone), at) == naive_until(texts, ZoneInfo(zone), at)
