"""Business days: which date an instant belongs to, and where a wall time goes that a date does not have."""

from typing import Any

import pytest
from calendar_samples import NIGHTS, OFFICE, WEEKDAYS, at, calendar

BREAK = {day: [("09:00", "12:00"), ("13:00", "17:00")] for day in WEEKDAYS[:5]}
BERLIN: dict[str, Any] = {"timezone": "Europe/Berlin", "weekly": OFFICE}
LATE_TUESDAY: dict[str, Any] = {**BERLIN, "dates": {"2026-03-03": [("11:00", "14:00")]}}
OPEN_SATURDAY: dict[str, Any] = {**BERLIN, "dates": {"2026-03-07": [("09:00", "17:00")]}}
SPLIT_TUESDAY: dict[str, Any] = {**BERLIN, "dates": {"2026-03-03": [("09:00", "11:00"), ("13:00", "17:00")]}}


@pytest.mark.parametrize(
    ("described", "start", "days", "expected"),
    [
        # Within hours: the same wall time, also over a weekend, a holiday and a clock change.
        (BERLIN, "2026-03-02T10:30:00+01:00", 1, "2026-03-03T10:30:00+01:00"),
        (BERLIN, "2026-03-27T10:30:00+01:00", 1, "2026-03-30T10:30:00+02:00"),
        ({**BERLIN, "holidays": ["03-03", "2026-03-04"]}, "2026-03-02T10:30:00+01:00", 1, "2026-03-05T10:30:00+01:00"),
        (BERLIN, "2026-03-02T10:30:00+01:00", 261, "2027-03-02T10:30:00+01:00"),
        # Outside hours the next opening is where it starts.
        (BERLIN, "2026-03-02T17:00:00+01:00", 1, "2026-03-04T09:00:00+01:00"),
        (BERLIN, "2026-02-28T12:00:00+01:00", 2, "2026-03-04T09:00:00+01:00"),
        (BERLIN, "2026-02-28T12:00:00+01:00", 0, "2026-03-02T09:00:00+01:00"),
        (BERLIN, "2026-03-02T12:00:01+01:00", 0, "2026-03-02T12:00:01+01:00"),
        # Before the first interval, in a gap, after the last, of a date with other hours.
        (LATE_TUESDAY, "2026-03-02T09:30:00+01:00", 1, "2026-03-03T11:00:00+01:00"),
        (LATE_TUESDAY, "2026-03-02T14:00:00+01:00", 1, "2026-03-03T14:00:00+01:00"),
        (LATE_TUESDAY, "2026-03-02T16:30:00+01:00", 1, "2026-03-03T14:00:00+01:00"),
        (SPLIT_TUESDAY, "2026-03-02T11:00:00+01:00", 1, "2026-03-03T13:00:00+01:00"),
        ({**BERLIN, "dates": {"2026-03-03": []}}, "2026-03-02T12:00:00+01:00", 1, "2026-03-04T12:00:00+01:00"),
        # A special date on a weekend is a business day.
        (OPEN_SATURDAY, "2026-03-06T12:00:00+01:00", 1, "2026-03-07T12:00:00+01:00"),
        # The date of a night shift is that of its evening.
        ({"weekly": NIGHTS}, "2026-03-03T02:00:00Z", 1, "2026-03-04T02:00:00Z"),
        ({"weekly": NIGHTS}, "2026-03-07T02:00:00Z", 1, "2026-03-10T02:00:00Z"),
        ({"weekly": NIGHTS}, "2026-03-06T23:00:00Z", 1, "2026-03-09T23:00:00Z"),
        ({"weekly": NIGHTS, "holidays": ["03-03"]}, "2026-03-03T02:00:00Z", 1, "2026-03-05T02:00:00Z"),
        # After midnight is after the last interval of a date without a night.
        ({"weekly": {**NIGHTS, "tue": [("09:00", "17:00")]}}, "2026-03-03T02:00:00Z", 1, "2026-03-03T17:00:00Z"),
        # A wall time that the clocks jump over is the change; one that happens twice is the first.
        ({"timezone": "Europe/Berlin", "weekly": {"sat": [("00:00", "06:00")], "sun": [("00:00", "06:00")]}},
         "2026-03-28T02:30:00+01:00", 1, "2026-03-29T03:00:00+02:00"),
        ({"timezone": "Europe/Berlin", "weekly": {"sat": [("00:00", "06:00")], "sun": [("00:00", "06:00")]}},
         "2026-10-24T02:30:00+02:00", 1, "2026-10-25T02:30:00+02:00"),
        ({"timezone": "Europe/Berlin", "weekly": {"fri": [("22:00", "06:00")], "sat": [("22:00", "06:00")]}},
         "2026-03-28T02:30:00+01:00", 1, "2026-03-29T03:00:00+02:00"),
        # A date whose only hours are jumped over is none, and neither is a date that the zone left out.
        ({"timezone": "Europe/Berlin", "weekly": {day: [("02:00", "03:00")] for day in WEEKDAYS}},
         "2026-03-28T02:30:00+01:00", 1, "2026-03-30T02:30:00+02:00"),
        ({"timezone": "Pacific/Apia", "weekly": OFFICE}, "2011-12-29T10:00:00-10:00", 1, "2012-01-02T10:00:00+14:00"),
        # The first hours of a year of UTC belong to the date before, west of Greenwich.
        ({"timezone": "Pacific/Honolulu", "weekly": {day: [("14:00", "04:00")] for day in WEEKDAYS}},
         "2026-01-01T00:30:00Z", 1, "2026-01-02T00:30:00Z"),
    ],
)  # fmt: skip
def test_adding_business_days(described: dict[str, Any], start: str, days: int, expected: str) -> None:
    assert calendar(**described).add_days(at(start), days) == at(expected)


def test_a_gap_at_noon_is_the_afternoon() -> None:
    # A Saturday with hours through noon, then weekdays with a break.
    asked = calendar("UTC", {**BREAK, "sat": [("12:15", "12:45")]})
    assert asked.add_days(at("2026-02-28T12:30:00Z"), 1) == at("2026-03-02T13:00:00Z")
    assert asked.add_days(at("2026-03-06T16:00:00Z"), 1) == at("2026-03-07T12:45:00Z")
    assert asked.add_days(at("2026-03-06T09:00:00Z"), 1) == at("2026-03-07T12:15:00Z")


def test_the_evening_a_night_belongs_to_may_lie_in_the_year_before_the_first_one_asked_about() -> None:
    nights = calendar("Pacific/Honolulu", {"wed": [("22:00", "20:00")], "thu": [("21:00", "22:00")], "fri": []})
    # 2025-12-31 is a Wednesday; its shift goes on until the evening of the 1st.
    assert nights.add_days(at("2026-01-01T12:00:00-10:00"), 1) == at("2026-01-01T22:00:00-10:00")
