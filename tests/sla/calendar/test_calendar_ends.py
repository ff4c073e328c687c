"""Business days that end at a time of day, or when the hours of the date end."""

from typing import Any

import pytest
from calendar_samples import NIGHTS, OFFICE, WEEKDAYS, at, calendar

from slactl.durations import parse_target_duration
from slactl.sla.calendar.calendar import BusinessCalendar, NoOpenHours

#: A next business day as a large vendor promises it.
SUPPORT: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "weekly": {day: [("06:00", "18:00")] for day in WEEKDAYS[:5]},
}
SMALL_HOURS: dict[str, Any] = {"timezone": "Europe/Berlin", "weekly": {day: [("01:00", "05:00")] for day in WEEKDAYS}}
LORD_HOWE: dict[str, Any] = {"timezone": "Australia/Lord_Howe", "weekly": SMALL_HOURS["weekly"]}


def end(asked: BusinessCalendar, start: str, length: str) -> str:
    seconds = asked.after(int(at(start).timestamp()), parse_target_duration(length))
    return at(f"{start[:10]}T00:00:00Z").fromtimestamp(seconds, at(start).tzinfo).isoformat()


@pytest.mark.parametrize(
    ("described", "start", "length", "expected"),
    [
        # Counted from the local date of the start, not from the next opening.
        (SUPPORT, "2026-03-06T19:00:00+01:00", "1bd close", "2026-03-09T18:00:00+01:00"),
        (SUPPORT, "2026-03-07T10:00:00+01:00", "1bd close", "2026-03-09T18:00:00+01:00"),
        (SUPPORT, "2026-03-09T07:00:00+01:00", "1bd close", "2026-03-10T18:00:00+01:00"),
        (SUPPORT, "2026-03-09T05:00:00+01:00", "1bd close", "2026-03-10T18:00:00+01:00"),
        (SUPPORT, "2026-03-06T19:00:00+01:00", "2bd 17:00", "2026-03-10T17:00:00+01:00"),
        # The same date; the next open one once the moment has passed, or where the date has no hours.
        (SUPPORT, "2026-03-09T07:00:00+01:00", "0bd close", "2026-03-09T18:00:00+01:00"),
        (SUPPORT, "2026-03-09T18:00:00+01:00", "0bd close", "2026-03-09T18:00:00+01:00"),
        (SUPPORT, "2026-03-09T18:00:01+01:00", "0bd close", "2026-03-10T18:00:00+01:00"),
        (SUPPORT, "2026-03-07T10:00:00+01:00", "0bd close", "2026-03-09T18:00:00+01:00"),
        (SUPPORT, "2026-03-09T13:00:00+01:00", "0bd 12:00", "2026-03-10T12:00:00+01:00"),
        (SUPPORT, "2026-03-06T13:00:00+01:00", "0bd 12:00", "2026-03-09T12:00:00+01:00"),
        # The time may lie outside the hours of the date.
        (SUPPORT, "2026-03-09T13:00:00+01:00", "1bd 22:15", "2026-03-10T22:15:00+01:00"),
        (SUPPORT, "2026-03-09T13:00:00+01:00", "1bd 24:00", "2026-03-11T00:00:00+01:00"),
        (SUPPORT, "2026-03-09T13:00:00+01:00", "1bd 00:00", "2026-03-10T00:00:00+01:00"),
        # The date of the wall clock counts in the tail of a night shift too, whose hours end on the next date.
        ({"weekly": NIGHTS}, "2026-03-03T02:00:00Z", "0bd close", "2026-03-04T06:00:00+00:00"),
        ({"weekly": NIGHTS}, "2026-03-07T02:00:00Z", "1bd close", "2026-03-10T06:00:00+00:00"),
        # A time that the clocks skip is that much later; of one that exists twice it is the first.
        (SMALL_HOURS, "2026-03-28T12:00:00+01:00", "1bd 02:30", "2026-03-29T02:30:00+01:00"),
        (SMALL_HOURS, "2026-10-24T12:00:00+02:00", "1bd 02:30", "2026-10-25T02:30:00+02:00"),
        (LORD_HOWE, "2026-10-03T12:00:00+10:30", "1bd 02:15", "2026-10-04T02:15:00+10:30"),
        (LORD_HOWE, "2026-04-04T12:00:00+11:00", "1bd 01:45", "2026-04-05T01:45:00+11:00"),
        # Always open: the day ends at midnight of the zone.
        ({"timezone": "Asia/Kolkata", "always_open": True}, "2026-03-07T10:00:00+05:30", "0bd close",
         "2026-03-08T00:00:00+05:30"),
    ],
)  # fmt: skip
def test_business_days_end_at_a_time_of_day(described: dict[str, Any], start: str, length: str, expected: str) -> None:
    assert end(calendar(**described), start, length) == expected


def test_a_calendar_that_closes_for_good_has_no_next_business_day() -> None:
    fair = calendar("UTC", dates={"2026-05-02": [("09:00", "17:00")], "2026-05-03": [("10:00", "12:00")]})
    assert end(fair, "2026-05-02T20:00:00Z", "0bd close") == "2026-05-03T12:00:00+00:00"
    with pytest.raises(NoOpenHours):
        end(fair, "2026-05-03T12:00:01Z", "0bd close")


def test_a_union_has_the_dates_of_its_own_zone() -> None:
    office, boston = calendar("Europe/Berlin", OFFICE), calendar("America/New_York", OFFICE)
    world = BusinessCalendar("world", "UTC", members=[office, boston])
    # On Monday the office closes at 16:00, Boston at 22:00 UTC.
    assert end(world, "2026-03-02T10:00:00Z", "0bd close") == "2026-03-02T22:00:00+00:00"
    assert world.pieces(at("2026-03-02T00:00:00Z"), at("2026-03-03T00:00:00Z")) == [
        (at("2026-03-02T08:00:00Z"), at("2026-03-02T22:00:00Z"))
    ]
    sydney = calendar("Australia/Sydney", OFFICE)
    sun = BusinessCalendar("sun", "UTC", members=[office, boston, sydney])
    # Sydney opens on Sunday evening by UTC, so that Sunday is a business day and Friday's last hours are Boston's.
    assert end(sun, "2026-03-07T12:00:00Z", "1bd close") == "2026-03-09T06:00:00+00:00"
    assert end(sun, "2026-03-06T12:00:00Z", "0bd close") == "2026-03-06T22:00:00+00:00"
