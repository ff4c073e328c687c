"""What a business calendar says: the worked examples, and each rule by itself."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from calendar_samples import NIGHTS, OFFICE, WEEKDAYS, at, calendar

from slactl.sla.calendar.calendar import BusinessCalendar, HolidaySet, Hours, NoOpenHours

FACTS = json.loads((Path(__file__).parents[2] / "data" / "calendar.json").read_text(encoding="utf-8"))["vectors"]
HOUR = timedelta(hours=1)
DAILY = {day: [("09:00", "10:00")] for day in WEEKDAYS}


def answer(fact: dict[str, Any]) -> datetime | float | bool:
    asked, start = calendar(**fact["calendar"]), at(fact["start"])
    match fact["op"]:
        case "add":
            return asked.add(start, timedelta(seconds=fact["duration_seconds"]))
        case "between":
            return asked.between(start, at(fact["end"])).total_seconds()
        case "is_open":
            return asked.is_open(start)
    raise AssertionError(f"no such question: {fact['op']}")


@pytest.mark.parametrize("fact", FACTS, ids=[fact["id"] for fact in FACTS])
def test_worked_examples(fact: dict[str, Any]) -> None:
    expected = at(fact["expect"]) if fact["op"] == "add" else fact["expect"]
    assert answer(fact) == expected


def test_there_are_48_worked_examples() -> None:
    assert len(FACTS) == 48


def test_a_target_used_up_at_closing_time_is_due_at_closing_time() -> None:
    office = calendar("Europe/Berlin", OFFICE)
    assert office.add(at("2026-03-02T16:00:00+01:00"), HOUR) == at("2026-03-02T17:00:00+01:00")
    assert office.add(at("2026-03-02T16:00:00+01:00"), HOUR + timedelta(seconds=1)) == at("2026-03-03T09:00:01+01:00")


def test_adding_nothing_stays_where_it_is_even_when_closed() -> None:
    office, sunday = calendar("Europe/Berlin", OFFICE), at("2026-03-01T12:00:00+01:00")
    assert office.add(sunday, timedelta(0)) == sunday


def test_answers_are_utc_and_whole_seconds() -> None:
    found = calendar("Europe/Berlin", OFFICE).add(at("2026-03-02T12:00:00.900000+01:00"), timedelta(hours=1.0001))
    assert (found.tzinfo, found) == (UTC, at("2026-03-02T12:00:00Z"))


def test_a_start_that_happens_twice_is_told_apart_by_its_fold() -> None:
    always = calendar(weekly={day: [("00:00", "24:00")] for day in WEEKDAYS})
    zone = ZoneInfo("Europe/Berlin")
    first, second = (datetime(2024, 10, 27, 2, 30, tzinfo=zone, fold=fold) for fold in (0, 1))
    assert always.add(second, HOUR) - always.add(first, HOUR) == HOUR


def test_between_is_negative_backwards() -> None:
    office = calendar("UTC", OFFICE)
    assert office.between(at("2026-03-02T12:00:00Z"), at("2026-03-02T10:00:00Z")) == -2 * HOUR


def test_a_night_shift_is_shorter_or_longer_when_clocks_change() -> None:
    nights = calendar("Europe/Berlin", {"sat": [("22:00", "06:00")]})
    march = nights.between(at("2024-03-30T12:00:00Z"), at("2024-03-31T12:00:00Z"))
    october = nights.between(at("2024-10-26T12:00:00Z"), at("2024-10-27T12:00:00Z"))
    assert (march, october) == (7 * HOUR, 9 * HOUR)


def test_a_holiday_closes_what_starts_on_it_and_not_the_tail_of_the_night_before() -> None:
    nights = calendar("Europe/Berlin", NIGHTS, ["2026-05-05"])  # a Tuesday
    assert nights.is_open(at("2026-05-05T03:00:00+02:00"))
    assert not nights.is_open(at("2026-05-05T23:00:00+02:00"))
    assert not nights.is_open(at("2026-05-06T03:00:00+02:00"))


def test_dates_beat_holidays_and_holidays_beat_weekly_hours() -> None:
    office = calendar("UTC", OFFICE, ["12-23", "12-24"], {"2026-12-23": [("10:00", "12:00")], "2026-12-22": []})
    midnights = {day: at(f"2026-12-{day}T00:00:00Z") for day in range(21, 25)}
    open_on = {day: office.between(start, start + timedelta(days=1)) for day, start in midnights.items()}
    assert open_on == {21: 8 * HOUR, 22: timedelta(0), 23: 2 * HOUR, 24: timedelta(0)}


def test_holiday_ranges_include_both_ends_and_may_overlap() -> None:
    daily = calendar("UTC", DAILY, ["2026-01-05..2026-01-08", "2026-01-07..2026-01-10"])
    open_days = [start.day for start, _ in daily.pieces(at("2026-01-03T00:00:00Z"), at("2026-01-13T00:00:00Z"))]
    assert open_days == [3, 4, 11, 12]


def test_the_leap_day_can_be_a_holiday_of_every_year() -> None:
    daily = calendar("UTC", DAILY, ["02-29"])
    assert daily.between(at("2024-02-28T00:00:00Z"), at("2024-03-02T00:00:00Z")) == 2 * HOUR
    assert daily.between(at("2025-02-28T00:00:00Z"), at("2025-03-02T00:00:00Z")) == 2 * HOUR


def test_a_tail_into_the_hours_of_the_next_date_is_counted_once() -> None:
    shifts = calendar("UTC", {"sun": [("22:00", "06:00")], "mon": [("05:00", "13:00")]})
    start, end = at("2026-03-01T00:00:00Z"), at("2026-03-03T00:00:00Z")
    assert list(shifts.pieces(start, end)) == [(at("2026-03-01T22:00:00Z"), at("2026-03-02T13:00:00Z"))]
    assert shifts.between(start, end) == 15 * HOUR


def test_pieces_are_merged_over_midnight_and_over_new_year_and_clipped() -> None:
    daily = calendar("UTC", {day: [("00:00", "24:00")] for day in WEEKDAYS}, dates={"2026-01-02": [("08:00", "09:00")]})
    start, end = at("2025-12-30T12:00:00Z"), at("2026-01-02T08:30:00Z")
    assert list(daily.pieces(start, end)) == [
        (start, at("2026-01-02T00:00:00Z")),
        (at("2026-01-02T08:00:00Z"), end),
    ]
    assert list(daily.pieces(end, start)) == []


def test_next_open_is_the_instant_itself_when_open() -> None:
    office = calendar("UTC", OFFICE)
    assert office.next_open(at("2026-03-02T16:59:59Z")) == at("2026-03-02T16:59:59Z")
    assert office.next_open(at("2026-03-02T17:00:00Z")) == at("2026-03-03T09:00:00Z")


def test_a_country_is_asked_for_each_year_once_and_names_its_holidays() -> None:
    asked = []

    def provider(wanted: HolidaySet, year: int) -> dict[date, str]:
        asked.append((wanted.country, wanted.subdivision, year))
        return {date(year, 5, 4): "Star Day"}

    office = calendar("UTC", OFFICE, ["05-05"], country="XX", subdivision="Y", provider=provider)
    assert not asked
    assert office.add(at("2026-05-01T16:00:00Z"), 2 * HOUR) == at("2026-05-06T10:00:00Z")
    office.add(at("2026-06-01T16:00:00Z"), 2 * HOUR)
    assert len(asked) == len(set(asked))
    assert {each[:2] for each in asked} == {("XX", "Y")}
    assert [office.holiday_name(date(2026, 5, day)) for day in (4, 5, 6)] == ["Star Day", "holiday", None]


def test_the_library_knows_the_holidays_of_a_subdivision() -> None:
    def berlin(subdivision: str | None) -> BusinessCalendar:
        return calendar("Europe/Berlin", OFFICE, country="DE", subdivision=subdivision)

    womens_day = at("2027-03-08T12:00:00+01:00")  # a Monday; a holiday in Berlin only
    assert not berlin("BE").is_open(womens_day)
    assert berlin("BY").is_open(womens_day)
    assert berlin(None).is_open(womens_day)


def test_a_country_the_library_does_not_know_is_a_plain_error() -> None:
    with pytest.raises(ValueError, match="does not know ZZ-QQ"):
        calendar("UTC", OFFICE, country="ZZ", subdivision="QQ").is_open(at("2026-03-02T12:00:00Z"))


def test_a_country_is_not_asked_without_weekly_hours() -> None:
    def refuse(*_: object) -> dict[date, str]:
        raise AssertionError("asked in vain")

    special = calendar("UTC", dates={"2026-03-02": [("09:00", "17:00")]}, country="DE", provider=refuse)
    assert special.is_open(at("2026-03-02T12:00:00Z"))


@pytest.mark.parametrize("first", ["1950-06-01", "2026-06-01", "2080-06-01"])
def test_the_order_of_questions_does_not_matter(first: str) -> None:
    described: dict[str, Any] = {
        "timezone": "America/New_York",
        "weekly": {**OFFICE, "fri": [("22:00", "06:00")]},
        "holidays": ["01-01"],
    }
    asked = calendar(**described)
    asked.is_open(at(f"{first}T00:00:00Z"))
    for year in (2000, 1960, 2050, 1955):
        start, end = at(f"{year}-12-31T23:00:00Z"), at(f"{year + 3}-01-01T00:00:01Z")
        fresh = calendar(**described)
        assert asked.between(start, end) == fresh.between(start, end)
        assert asked.add(start, 5000 * HOUR) == fresh.add(start, 5000 * HOUR)
        assert asked.add_days(start, 400) == fresh.add_days(start, 400)
        assert list(asked.pieces(start, end)) == list(fresh.pieces(start, end))


ALWAYS = BusinessCalendar("always", "Europe/Berlin", Hours(always_open=True))


def test_always_open_is_plain_time() -> None:
    start = at("2024-03-30T12:00:00Z")
    assert ALWAYS.add(start, 100 * HOUR) == start + 100 * HOUR
    assert ALWAYS.between(start + 100 * HOUR, start) == -100 * HOUR
    assert ALWAYS.is_open(start)
    assert ALWAYS.next_open(start) == start
    assert list(ALWAYS.pieces(start, start + 2000 * HOUR)) == [(start, start + 2000 * HOUR)]
    # The same wall time two days later, an hour less because the clocks go forward.
    assert ALWAYS.add_days(start, 2) == start + 47 * HOUR


QUESTIONS: dict[str, Callable[[BusinessCalendar, datetime], object]] = {
    "add": lambda asked, t: asked.add(t, HOUR),
    "add nothing": lambda asked, t: asked.add(t, timedelta(0)),
    "between": lambda asked, t: asked.between(t, t),
    "between from": lambda asked, t: asked.between(t, at("2026-01-01T00:00:00Z")),
    "between to": lambda asked, t: asked.between(at("2026-01-01T00:00:00Z"), t),
    "is_open": lambda asked, t: asked.is_open(t),
    "next_open": lambda asked, t: asked.next_open(t),
    "add_days": lambda asked, t: asked.add_days(t, 1),
    "pieces": lambda asked, t: asked.pieces(t, t),
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("asked", [ALWAYS, calendar("UTC", OFFICE)], ids=["always", "office"])
def test_naive_datetimes_and_far_years_are_refused(asked: BusinessCalendar, question: str) -> None:
    if question != "between from" and question != "between to":
        with pytest.raises(ValueError, match="naive"):
            QUESTIONS[question](asked, datetime(2026, 1, 1))  # noqa: DTZ001
    for year in (1, 1899, 2401, 9999):
        with pytest.raises(ValueError, match="only the years 1900 to 2400"):
            QUESTIONS[question](asked, datetime(year, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize("asked", [ALWAYS, calendar("UTC", OFFICE)], ids=["always", "office"])
def test_the_first_and_the_last_known_year_work_and_end(asked: BusinessCalendar) -> None:
    assert asked.add(at("1900-01-01T00:00:00Z"), timedelta(seconds=1)) > at("1900-01-01T00:00:00Z")
    last = at("2400-12-29T12:00:00Z")
    assert asked.add(last, HOUR) == last + HOUR
    with pytest.raises(NoOpenHours):
        asked.add(last, timedelta(days=40))
    with pytest.raises(NoOpenHours):
        asked.add(last, timedelta.max)
    with pytest.raises(NoOpenHours):
        asked.add_days(last, 40)


def test_negative_durations_and_days_are_refused() -> None:
    for asked in (ALWAYS, calendar("UTC", OFFICE)):
        with pytest.raises(ValueError, match="negative duration"):
            asked.add(at("2026-01-01T00:00:00Z"), -HOUR)
        with pytest.raises(ValueError, match="negative number of days"):
            asked.add_days(at("2026-01-01T00:00:00Z"), -1)


@pytest.mark.parametrize(
    "described",
    [
        {},
        {"weekly": {"mon": []}},
        {"dates": {"2026-03-02": []}},
        {"weekly": OFFICE, "holidays": ["1900-01-01..2400-12-31"]},
        {"weekly": OFFICE, "holidays": [f"{year}-01-01..{year}-12-31" for year in range(1900, 2401)]},
        {"timezone": "Europe/Berlin", "dates": {"2026-03-29": [("02:10", "02:50")]}},
        {"timezone": "Pacific/Apia", "dates": {"2011-12-30": [("09:00", "17:00")]}},
    ],
    ids=["nothing", "empty weekday", "closed date", "one holiday", "all holidays", "skipped hour", "skipped date"],
)
def test_a_calendar_that_never_opens_is_refused(described: dict[str, Any]) -> None:
    with pytest.raises(NoOpenHours, match="test is never open"):
        calendar(**described)


def test_special_dates_only_are_open_on_them_and_then_never_again() -> None:
    fair = calendar("Pacific/Auckland", dates={"2026-12-30": [("09:00", "11:00")], "2026-12-31": [("22:00", "02:00")]})
    before, last = at("2026-01-01T00:00:00Z"), at("2027-01-01T02:00:00+13:00")
    assert fair.add(before, 6 * HOUR) == last
    assert fair.next_open(before) == at("2026-12-30T09:00:00+13:00")
    assert fair.add_days(before, 1) == at("2026-12-31T22:00:00+13:00")
    assert fair.between(before, at("2399-01-01T00:00:00Z")) == 6 * HOUR
    for question in (
        lambda: fair.add(before, 6 * HOUR + timedelta(seconds=1)),
        lambda: fair.next_open(last),
        lambda: fair.add_days(before, 2),
        lambda: fair.add(at("2090-01-01T00:00:00Z"), HOUR),
    ):
        with pytest.raises(NoOpenHours, match="no open hours left"):
            question()
    assert fair.add(last, timedelta(0)) == last


def test_twenty_years_of_open_time_can_be_added() -> None:
    office, start, worth = calendar("UTC", OFFICE), at("2026-01-01T00:00:00Z"), timedelta(days=20 * 365)
    found = office.add(start, worth)
    assert office.between(start, found) == worth
    assert found.year == 2109


def test_the_clocks_of_long_ago_jump_by_odd_seconds() -> None:
    # In the summer of 1937 Amsterdam was 1:19:32 ahead, and 1:20 from the first second of 1 July on.
    daily = calendar("Europe/Amsterdam", {day: [("00:00", "01:00")] for day in WEEKDAYS})
    assert list(daily.pieces(at("1937-06-29T12:00:00Z"), at("1937-07-01T12:00:00Z"))) == [
        (at("1937-06-29T22:40:28Z"), at("1937-06-29T23:40:28Z")),
        (at("1937-06-30T22:40:28Z"), at("1937-06-30T23:40:00Z")),
    ]


def test_unknown_zones_and_impossible_hours_are_refused() -> None:
    for name in ("Europe/Atlantis", "", "../etc/passwd", "Europe"):
        with pytest.raises(ValueError, match="no time zone"):
            calendar(name, OFFICE)
    for wrong in ((0, 0), (-1, 5), (86_400, 90_000), (10, 5), (0, 86_401)):
        with pytest.raises(ValueError, match="not an interval"):
            BusinessCalendar("test", "UTC", Hours(weekly={0: [wrong]}))
