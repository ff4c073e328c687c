"""What people type means the instant that a person would expect, or it is refused with a reason."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slactl import display_zone
from slactl.clock import from_text, to_text
from slactl.errors import UsageError
from slactl.sla.calendar.calendar import BusinessCalendar, Hours
from slactl.sla.calendar.written import week_hours
from slactl.typed_times import OnCalendar, parse_instant, parse_range, parse_time

#: A Wednesday: 10:00 in UTC, 11:00 in Berlin, 05:00 in New York, 21:00 on Lord Howe Island.
WEDNESDAY = "2026-11-25T10:00:00Z"
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
#: Before clocks are set forward in Berlin (29 March, 02:00) and back on Lord Howe Island (5 April, 02:00, by 30 min).
MARCH = "2026-03-28T10:00:00Z"

OFFICE = BusinessCalendar("office", BERLIN, Hours(weekly=week_hours(["mon-thu 09:00-17:00", "fri 09:00-16:00"])))
NIGHT = BusinessCalendar("night", BERLIN, Hours(weekly=week_hours(["mon-sun 22:00-06:00"])))


@pytest.fixture(autouse=True)
def _display_zone() -> Iterator[None]:
    yield
    display_zone.use(None)


def read(text: str, zone: str, now: str, *, ahead: bool) -> str:
    display_zone.use(zone)
    return to_text(parse_instant(text, from_text(now), ahead=ahead))


#: Zone, text, the last such instant, the next such instant; one where both are the same.
TABLE = [
    ("UTC", "now", "2026-11-25T10:00:00Z"),
    ("UTC", "noon", "2026-11-24T12:00:00Z", "2026-11-25T12:00:00Z"),
    (BERLIN, "noon", "2026-11-24T11:00:00Z", "2026-11-25T11:00:00Z"),
    (NEW_YORK, "noon", "2026-11-24T17:00:00Z", "2026-11-25T17:00:00Z"),
    (LORD_HOWE, "noon", "2026-11-25T01:00:00Z", "2026-11-26T01:00:00Z"),
    ("UTC", "2h ago", "2026-11-25T08:00:00Z"),
    ("UTC", "2 hours ago", "2026-11-25T08:00:00Z"),
    ("UTC", "an hour ago", "2026-11-25T09:00:00Z"),
    ("UTC", "a week ago", "2026-11-18T10:00:00Z"),
    ("UTC", "90 seconds ago", "2026-11-25T09:58:30Z"),
    ("UTC", "1h30m ago", "2026-11-25T08:30:00Z"),
    ("UTC", "1 hour and 30 minutes ago", "2026-11-25T08:30:00Z"),
    ("UTC", "in 30m", "2026-11-25T10:30:00Z"),
    ("UTC", "in 30 min", "2026-11-25T10:30:00Z"),
    ("UTC", "in 2 days", "2026-11-27T10:00:00Z"),
    (NEW_YORK, "in 2 days", "2026-11-27T10:00:00Z"),
    ("UTC", "in 1 week", "2026-12-02T10:00:00Z"),
    ("UTC", "9am", "2026-11-25T09:00:00Z", "2026-11-26T09:00:00Z"),
    (BERLIN, "9am", "2026-11-25T08:00:00Z", "2026-11-26T08:00:00Z"),
    (NEW_YORK, "9am", "2026-11-24T14:00:00Z", "2026-11-25T14:00:00Z"),
    (LORD_HOWE, "9am", "2026-11-24T22:00:00Z", "2026-11-25T22:00:00Z"),
    ("UTC", "9 AM", "2026-11-25T09:00:00Z", "2026-11-26T09:00:00Z"),
    ("UTC", "12am", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"),
    ("UTC", "12pm", "2026-11-24T12:00:00Z", "2026-11-25T12:00:00Z"),
    ("UTC", "9:30pm", "2026-11-24T21:30:00Z", "2026-11-25T21:30:00Z"),
    ("UTC", "9:00", "2026-11-25T09:00:00Z", "2026-11-26T09:00:00Z"),
    ("UTC", "10:00", "2026-11-25T10:00:00Z", "2026-11-26T10:00:00Z"),
    (BERLIN, "09:00", "2026-11-25T08:00:00Z", "2026-11-26T08:00:00Z"),
    ("UTC", "23:59:59", "2026-11-24T23:59:59Z", "2026-11-25T23:59:59Z"),
    ("UTC", "24:00", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"),
    ("UTC", "today", "2026-11-25T00:00:00Z"),
    (LORD_HOWE, "today", "2026-11-24T13:00:00Z"),
    ("UTC", "yesterday", "2026-11-24T00:00:00Z"),
    ("UTC", "yesterday 17:00", "2026-11-24T17:00:00Z"),
    (BERLIN, "yesterday 5pm", "2026-11-24T16:00:00Z"),
    ("UTC", "17:00 yesterday", "2026-11-24T17:00:00Z"),
    ("UTC", "tomorrow at 9am", "2026-11-26T09:00:00Z"),
    (NEW_YORK, "tomorrow noon", "2026-11-26T17:00:00Z"),
    ("UTC", "fri", "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z"),
    (BERLIN, "fri", "2026-11-19T23:00:00Z", "2026-11-26T23:00:00Z"),
    ("UTC", "fri 09:00", "2026-11-20T09:00:00Z", "2026-11-27T09:00:00Z"),
    ("UTC", "Friday 9am", "2026-11-20T09:00:00Z", "2026-11-27T09:00:00Z"),
    ("UTC", "9am fri", "2026-11-20T09:00:00Z", "2026-11-27T09:00:00Z"),
    ("UTC", "wed", "2026-11-25T00:00:00Z", "2026-12-02T00:00:00Z"),
    ("UTC", "wed 11:00", "2026-11-18T11:00:00Z", "2026-11-25T11:00:00Z"),
    ("UTC", "next fri", "2026-11-27T00:00:00Z"),
    (BERLIN, "next fri", "2026-11-26T23:00:00Z"),
    (NEW_YORK, "next fri 9:00", "2026-11-27T14:00:00Z"),
    ("UTC", "next wed", "2026-12-02T00:00:00Z"),
    ("UTC", "last fri", "2026-11-20T00:00:00Z"),
    ("UTC", "last friday 5pm", "2026-11-20T17:00:00Z"),
    (BERLIN, "last friday 5pm", "2026-11-20T16:00:00Z"),
    (LORD_HOWE, "last friday 5pm", "2026-11-20T06:00:00Z"),
    ("UTC", "last wednesday", "2026-11-18T00:00:00Z"),
    ("UTC", "26 Nov", "2025-11-26T00:00:00Z", "2026-11-26T00:00:00Z"),
    (BERLIN, "26 Nov", "2025-11-25T23:00:00Z", "2026-11-25T23:00:00Z"),
    ("UTC", "Nov 26", "2025-11-26T00:00:00Z", "2026-11-26T00:00:00Z"),
    ("UTC", "25 nov", "2026-11-25T00:00:00Z", "2027-11-25T00:00:00Z"),
    ("UTC", "25 nov 17:00", "2025-11-25T17:00:00Z", "2026-11-25T17:00:00Z"),
    ("UTC", "1 July", "2026-07-01T00:00:00Z", "2027-07-01T00:00:00Z"),
    (NEW_YORK, "1 July", "2026-07-01T04:00:00Z", "2027-07-01T04:00:00Z"),
    ("UTC", "29 Feb", "2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z"),
    ("UTC", "26 Nov 2026", "2026-11-26T00:00:00Z"),
    ("UTC", "26 Nov 2026 9:00", "2026-11-26T09:00:00Z"),
    (BERLIN, "Nov 26, 2026 9am", "2026-11-26T08:00:00Z"),
    ("UTC", "26th November 2026", "2026-11-26T00:00:00Z"),
    ("UTC", "Thu 26 Nov 2026 9:00", "2026-11-26T09:00:00Z"),
    ("UTC", "2026-11-26", "2026-11-26T00:00:00Z"),
    ("UTC", "2026-11-26 9:00", "2026-11-26T09:00:00Z"),
    (BERLIN, "2026-11-26 9:00", "2026-11-26T08:00:00Z"),
    (LORD_HOWE, "2026-11-26 09:00", "2026-11-25T22:00:00Z"),
    ("UTC", "2026-11-26 24:00", "2026-11-27T00:00:00Z"),
    (BERLIN, "2026-11-26T09:00:30", "2026-11-26T08:00:30Z"),
    (BERLIN, "2026-11-26T09:00:00-05:00", "2026-11-26T14:00:00Z"),
    (NEW_YORK, "2026-11-26T09:00Z", "2026-11-26T09:00:00Z"),
    (NEW_YORK, "2026-11-26 09:00 +01:00", "2026-11-26T08:00:00Z"),
    (NEW_YORK, "Thu 2026-11-26 09:00 Europe/Berlin", "2026-11-26T08:00:00Z"),
    ("UTC", "eod", "2026-11-26T00:00:00Z"),
    (BERLIN, "eod", "2026-11-25T23:00:00Z"),
    ("UTC", "fri eod", "2026-11-21T00:00:00Z", "2026-11-28T00:00:00Z"),
    ("UTC", "  fri   09:00 ", "2026-11-20T09:00:00Z", "2026-11-27T09:00:00Z"),
    ("UTC", "FRI\u00a009:00", "2026-11-20T09:00:00Z", "2026-11-27T09:00:00Z"),
]

#: The same where clocks change.
CHANGES = [
    (BERLIN, "2026-03-29 02:30", MARCH, "2026-03-29T01:30:00Z"),  # skipped: 03:30
    (BERLIN, "sun 02:30", MARCH, "2026-03-29T01:30:00Z"),
    (BERLIN, "tomorrow 2:30am", MARCH, "2026-03-29T01:30:00Z"),
    (BERLIN, "2026-10-25 02:30", MARCH, "2026-10-25T00:30:00Z"),  # twice: the first
    (BERLIN, "25 Oct 02:30", MARCH, "2026-10-25T00:30:00Z"),
    (BERLIN, "2026-10-25 02:30 +01:00", MARCH, "2026-10-25T01:30:00Z"),
    (BERLIN, "in 1 day", MARCH, "2026-03-29T10:00:00Z"),  # 24 hours
    (BERLIN, "tomorrow 11:00", MARCH, "2026-03-29T09:00:00Z"),
    (LORD_HOWE, "2026-04-05 01:45", MARCH, "2026-04-04T14:45:00Z"),  # twice: the first
    (LORD_HOWE, "2026-10-04 02:15", MARCH, "2026-10-03T15:45:00Z"),  # skipped by 30 minutes: 02:45
    (NEW_YORK, "2026-11-01 01:30", MARCH, "2026-11-01T05:30:00Z"),
    (NEW_YORK, "2027-03-14 02:00", MARCH, "2027-03-14T07:00:00Z"),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[1]} in {row[0]}")
def test_typed_times_mean_the_last_or_the_next_such_instant(row: tuple[str, ...]) -> None:
    zone, text, last, *following = row
    assert read(text, zone, WEDNESDAY, ahead=False) == last
    assert read(text, zone, WEDNESDAY, ahead=True) == (following or [last])[0]


@pytest.mark.parametrize(("zone", "text", "now", "expected"), CHANGES)
def test_skipped_times_move_forward_and_doubled_times_are_the_first(
    zone: str, text: str, now: str, expected: str
) -> None:
    assert read(text, zone, now, ahead=True) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("06.03.2026", "write 2026-03-06 or 2026-06-03"),
        ("6.3.2026 09:00", "write 2026-03-06 or 2026-06-03"),
        ("03/06/2026", "write 2026-06-03 or 2026-03-06"),
        ("06-03-26", "write 2026-03-06 or 2026-06-03"),
        ("3/6", "write '3 Jun' or '6 Mar'"),
        ("3.6.", "write '3 Jun' or '6 Mar'"),
        ("9:00 3/6", "write '3 Jun' or '6 Mar'"),
        ("26/11/2026", "write 2026-11-26"),
        ("26.11.", "write '26 Nov'"),
        ("midnight", "could mean two dates; write 00:00 or 24:00"),
        ("fri midnight", "could mean two dates"),
        ("2h", "write 'in 2h' or '2h ago'"),
        ("2 days", "write 'in 2 days' or '2 days ago'"),
        ("Tue 26 Nov 2026", "contradicts itself: that date is not a tuesday"),
        ("in 3bd", "needs a calendar"),
        ("in 2 business days", "needs a calendar"),
        ("3bd ago", "not counted back"),
        ("", "is not a valid time"),
        ("soon", "is not a valid time"),
        ("9", "is not a valid time"),
        ("25:00", "is not a valid time"),
        ("9:60", "is not a valid time"),
        ("13pm", "is not a valid time"),
        ("0am", "is not a valid time"),
        ("9am 10am", "is not a valid time"),
        ("24:01", "is not a valid time"),
        ("31 Feb", "is not a valid time"),
        ("29 Feb 2027", "is not a valid time"),
        ("26 Nov 26", "is not a valid time"),
        ("2026-02-30", "is not a valid time"),
        ("2026-11", "is not a valid time"),
        ("2026", "is not a valid time"),
        ("1700000000", "is not a valid time"),
        ("next week", "is not a valid time"),
        ("next", "is not a valid time"),
        ("next 26 nov", "is not a valid time"),
        ("last", "is not a valid time"),
        ("in 2 months", "is not a valid time"),
        ("in 0h", "is not a valid time"),
        ("in -2h", "is not a valid time"),
        ("in two hours", "is not a valid time"),
        ("friday the 13th", "is not a valid time"),
        ("mond", "is not a valid time"),
        ("fri 09:00 Europe/Berlin", "is not a valid time"),
        ("2026-11-26 09:00 Europe/Berln", "is not a valid time"),
        ("1969-12-31", "outside the years"),
        ("26 Nov 2500", "outside the years"),
        ("\uff19am", "is not a valid time"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", BERLIN])
def test_what_is_no_time_or_could_mean_two_is_refused(text: str, says: str, zone: str) -> None:
    display_zone.use(zone)
    for ahead in (False, True):
        with pytest.raises(UsageError) as refused:
            parse_instant(text, from_text(WEDNESDAY), ahead=ahead)
        assert says in refused.value.message
        assert refused.value.hint == "slactl help start"


@pytest.mark.parametrize(
    ("text", "now", "calendar", "expected"),
    [
        ("eod", "2026-11-25T10:00:00Z", OFFICE, "2026-11-25T16:00:00Z"),
        ("eod", "2026-11-27T10:00:00Z", OFFICE, "2026-11-27T15:00:00Z"),  # a Friday
        ("eod", "2026-11-28T10:00:00Z", OFFICE, "2026-11-29T00:00:00Z"),  # a Saturday: 24:00 in the display zone
        ("eod", "2026-11-26T02:00:00Z", NIGHT, "2026-11-26T05:00:00Z"),  # the shift still lasts
        ("eod", "2026-11-26T12:00:00Z", NIGHT, "2026-11-27T05:00:00Z"),
        ("eod", "2026-11-25T23:30:00Z", OFFICE, "2026-11-26T16:00:00Z"),  # the next date in Berlin
        ("fri eod", "2026-11-25T10:00:00Z", OFFICE, "2026-11-27T15:00:00Z"),
        ("tomorrow eod", "2026-11-25T10:00:00Z", OFFICE, "2026-11-26T16:00:00Z"),
        ("in 3bd", "2026-11-25T10:00:00Z", OFFICE, "2026-11-30T10:00:00Z"),
        ("in 1 business day", "2026-11-27T10:00:00Z", OFFICE, "2026-11-30T10:00:00Z"),
    ],
)
def test_calendar_says_when_a_day_ends_and_which_days_count(
    text: str, now: str, calendar: BusinessCalendar, expected: str
) -> None:
    display_zone.use("UTC")
    found = parse_time(text, from_text(now), ahead=True)
    assert isinstance(found, OnCalendar)
    assert to_text(found.on(calendar)) == expected


@pytest.mark.parametrize(
    ("text", "ahead", "since", "until"),
    [
        ("2026-11-01..2026-11-05", False, "2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z"),
        ("2026-11-01..2026-11-05 12:00", False, "2026-11-01T00:00:00Z", "2026-11-05T12:00:00Z"),
        ("2026-11-05..2026-11-05", False, "2026-11-05T00:00:00Z", "2026-11-06T00:00:00Z"),
        ("yesterday..", False, "2026-11-24T00:00:00Z", None),
        ("..yesterday", False, None, "2026-11-25T00:00:00Z"),
        ("..2h ago", False, None, "2026-11-25T08:00:00Z"),
        ("mon..fri", False, "2026-11-23T00:00:00Z", "2026-11-28T00:00:00Z"),
        ("fri..mon", False, "2026-11-20T00:00:00Z", "2026-11-24T00:00:00Z"),
        ("mon..wed", False, "2026-11-23T00:00:00Z", "2026-11-26T00:00:00Z"),
        ("mon..wed", True, "2026-11-30T00:00:00Z", "2026-12-03T00:00:00Z"),
        ("..fri", True, None, "2026-11-28T00:00:00Z"),
        ("tue..mon", True, "2026-12-01T00:00:00Z", "2026-12-08T00:00:00Z"),
        ("2026-12-20..fri", True, "2026-12-20T00:00:00Z", "2026-12-26T00:00:00Z"),
        ("2026-12-20..1 Jan", True, "2026-12-20T00:00:00Z", "2027-01-02T00:00:00Z"),
        ("..wed", True, None, "2026-11-26T00:00:00Z"),
        ("24 Nov..26 Nov", False, "2026-11-24T00:00:00Z", "2026-11-27T00:00:00Z"),
        ("20 Nov..24 Nov", False, "2026-11-20T00:00:00Z", "2026-11-25T00:00:00Z"),
        ("now..in 2h", True, "2026-11-25T10:00:00Z", "2026-11-25T12:00:00Z"),
        ("9:00..17:00", False, "2026-11-25T09:00:00Z", "2026-11-25T17:00:00Z"),
        ("26 Nov", True, "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z"),
        ("fri", False, "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"),
        (" mon .. ", False, "2026-11-23T00:00:00Z", None),
    ],
)
def test_ranges_exclude_a_time_and_include_a_date(text: str, ahead: bool, since: str | None, until: str | None) -> None:
    display_zone.use("UTC")
    found = parse_range(text, from_text(WEDNESDAY), ahead=ahead)
    assert tuple(to_text(side) if side else None for side in found) == (since, until)


@pytest.mark.parametrize("ahead", [True, False])
def test_any_two_weekdays_are_a_range_on_any_day(ahead: bool) -> None:
    display_zone.use("UTC")
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    for number in range(7):
        now = from_text(WEDNESDAY) + timedelta(days=number)
        for first, last in product(names, names):
            since, until = parse_range(f"{first}..{last}", now, ahead=ahead)
            assert since is not None
            assert until is not None
            assert since < until <= since + timedelta(days=8)
            assert (names[since.weekday()], names[(until - timedelta(days=1)).weekday()]) == (first, last)


def test_day_of_a_range_is_as_long_as_the_clocks_make_it() -> None:
    display_zone.use(BERLIN)
    since, until = parse_range("2026-03-29..2026-03-29", from_text(WEDNESDAY))
    assert since is not None
    assert until is not None
    assert until - since == timedelta(hours=23)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("..", "has no time"),
        ("2026-11-05..2026-11-01", "ends before it begins"),
        ("in 2h..now", "ends before it begins"),
        ("2h ago", "write '2h ago..' or '..2h ago'"),
        ("3/6..", "could mean two dates"),
        ("..06.03.2026", "could mean two dates"),
        ("in 3bd..", "needs a calendar"),
        ("soon..", "is not a valid time"),
        ("mon...fri", "is not a valid time"),
    ],
)
def test_wrong_ranges_are_refused(text: str, says: str) -> None:
    display_zone.use("UTC")
    with pytest.raises(UsageError, match=None) as refused:
        parse_range(text, from_text(WEDNESDAY))
    assert says in refused.value.message


WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def naive_instants(clock: time, zone: str, now: datetime) -> Iterator[tuple[datetime, date]]:
    """Walk over the minutes of three weeks by the wall clock of a zone: the first instant that shows the time counts.

    A time that no minute shows was skipped, and comes as much later as the clocks skipped.
    """
    place = ZoneInfo(zone)
    first = (now - timedelta(days=10)).astimezone(place).date()
    for number in range(21):
        day = first + timedelta(days=number)
        wall = datetime.combine(day, clock)
        around = datetime.combine(day, clock, UTC) - timedelta(hours=14)
        shown = [
            instant
            for minute in range(28 * 60 + 1)
            if (instant := around + timedelta(minutes=minute)).astimezone(place).replace(tzinfo=None) == wall
        ]
        if shown:
            yield shown[0], day
            continue
        for gap in (30, 60):
            later = (wall + timedelta(minutes=gap)).replace(tzinfo=place).astimezone(UTC)
            if (later - timedelta(minutes=gap)).astimezone(place).replace(tzinfo=None) == wall - timedelta(minutes=gap):
                yield later, day
                break


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001  (made aware below)
    st.integers(0, 23),
    st.sampled_from([0, 15, 30, 45]),
    st.sampled_from(["UTC", BERLIN, NEW_YORK, LORD_HOWE]),
    st.sampled_from([*WEEK, ""]),
    st.booleans(),
)
def test_weekdays_and_clock_times_agree_with_a_walk_over_all_minutes(
    moment: datetime, hour: int, minute: int, zone: str, weekday: str, ahead: bool
) -> None:
    now = moment.replace(tzinfo=UTC, microsecond=0)
    known = [
        instant
        for instant, day in naive_instants(time(hour, minute), zone, now)
        if not weekday or WEEK[day.weekday()] == weekday
    ]
    wanted = min(each for each in known if each > now) if ahead else max(each for each in known if each <= now)
    display_zone.use(zone)
    assert parse_instant(f"{weekday} {hour}:{minute:02d}", now, ahead=ahead) == wanted


@given(st.datetimes(datetime(1971, 1, 1), datetime(2190, 1, 1)), st.sampled_from(["UTC", BERLIN, NEW_YORK, LORD_HOWE]))  # noqa: DTZ001
def test_what_slactl_prints_is_read_back_as_the_same_instant(moment: datetime, zone: str) -> None:
    instant = moment.replace(tzinfo=UTC, microsecond=0)
    display_zone.use(zone)
    said = display_zone.describe(instant)
    display_zone.use("UTC")
    assert parse_instant(said, from_text(WEDNESDAY)) == instant
