"""The working that leads to a deadline, and the time up to it, add up."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from stories import judged as judged_story
from stories import resolution, rules, said, timers, when
from test_evaluate_laws import MOMENTS, PROMISED, histories, judge, targets

from slactl.sla.calendar.calendar import BusinessCalendar
from slactl.sla.history.event import Event
from slactl.sla.rules.loading import parse
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.explanation import Spent, business_days, clock_changes, named_dates, segments, steps
from slactl.sla.timers.timer import Timer

OFFICE = rules(resolution="8h")

BERLIN = """
schema = 1
[calendars.office]
timezone = "Europe/Berlin"
country = "DE"
holidays = ["12-24", "2026-12-28"]
[calendars.office.weekly]
mon-fri = ["09:00-17:00"]
[calendars.office.dates]
"2026-12-23" = ["09:00-12:00"]
"2026-12-25" = ["10:00-11:00"]
[calendars.night]
timezone = "Europe/Berlin"
[calendars.night.weekly]
mon-sun = ["22:00-06:00"]
[calendars.always]
always_open = true
"""


@pytest.fixture(scope="module")
def office() -> BusinessCalendar:
    return parse(BERLIN).calendar("office")


def working(timer: Timer, now: str) -> list[str]:
    """Each step as `paused mon 11:00 +3600`."""
    told = [f"{step.kind} {said(step.at)} +{step.seconds}" for step in steps(timer, when(now))]
    return [text if step.counts else f"({text})" for text, step in zip(told, steps(timer, when(now)), strict=True)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(histories(manual=True), PROMISED, MOMENTS)
def test_the_working_leads_to_the_deadline(history: list[Event], promised: Rules, now: datetime) -> None:
    assume(history[0].at <= now)
    for timer in targets(judge(history, promised, now)):
        found = list(steps(timer, now))
        if timer.due_at is not None:
            assert found[-1].at == timer.due_at
        else:
            assert found[-1].end is None
            assert found[-1].kind == "paused"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(histories(manual=True), PROMISED, MOMENTS)
def test_the_passages_add_up_to_the_figures_of_the_timer(history: list[Event], promised: Rules, now: datetime) -> None:
    assume(history[0].at <= now)
    for timer in targets(judge(history, promised, now)):
        found = list(segments(timer, now))
        past = [each for each in found if not each.ahead]
        assert total(past, Spent.COUNTED) == timer.elapsed_seconds
        assert total(past, Spent.PAUSED) == timer.paused_seconds
        assert total([each for each in past if each.late], Spent.COUNTED) == timer.overdue_seconds
        if timer.due_at is not None and timer.stopped_at is None and not timer.manual:
            assert total([each for each in found if not each.late], Spent.COUNTED) == timer.target_seconds


def total(found: list, spent: Spent) -> int:  # type: ignore[type-arg]
    return sum(each.seconds for each in found if each.spent is spent)


def test_each_pause_is_a_step_with_its_open_time() -> None:
    text = (
        "mon 09:00 created\nmon 16:00 status pending\ntue 10:00 status open\ntue 12:00 status resolved\n"
        "tue 18:00 status open"
    )
    assert working(resolution(text, OFFICE, "wed 09:30"), "wed 09:30") == [
        "started mon 09:00 +0",
        "target mon 17:00 +28800",
        "paused tue 11:00 +7200",
        "(closed tue 11:00 +0)",
    ]
    kept = text.replace("tue 12:00", "tue 09:59").replace("tue 10:00 status open\n", "")
    assert working(resolution(kept, OFFICE, "wed 09:30"), "wed 09:30")[2:] == [
        "paused tue 10:59 +7140",
        "closed wed 10:00 +25260",
    ]


def test_a_pause_that_begins_on_the_deadline_itself_saves_the_target() -> None:
    text = "mon 09:00 created\nmon 17:00 status pending\ntue 10:00 status open"
    assert working(resolution(text, OFFICE, "tue 10:00"), "tue 10:00")[1:] == [
        "target mon 17:00 +28800",
        "paused tue 10:00 +3600",
    ]


def test_a_pause_outside_open_hours_adds_nothing() -> None:
    text = "mon 09:00 created\nmon 18:00 status pending\nmon 20:00 status open"
    assert working(resolution(text, rules(resolution="9h"), "tue 09:00"), "tue 09:00")[1:] == [
        "target tue 10:00 +32400",
        "paused tue 10:00 +0",
    ]


def test_a_pause_that_goes_on_says_where_the_deadline_would_be() -> None:
    text = "mon 09:00 created\nmon 10:00 status pending"
    assert working(resolution(text, OFFICE, "mon 12:00"), "mon 12:00")[-1] == "paused tue 11:00 +7200"


def test_a_deadline_by_hand_comes_after_what_it_replaces() -> None:
    text = "mon 09:00 created\nmon 10:00 due_set resolution wed 12:00"
    assert working(resolution(text, OFFICE, "mon 12:00"), "mon 12:00")[1:] == [
        "target mon 17:00 +28800",
        "by_hand wed 12:00 +0",
    ]


def test_business_days_are_counted_one_by_one() -> None:
    found = resolution("thu 10:00 created", rules(resolution="3bd"), "thu 11:00")
    assert [said(day) for day in business_days(found)] == ["fri 10:00", "mon+1 10:00", "tue+1 10:00"]
    assert working(found, "thu 11:00")[1] == "target tue+1 10:00 +86400"
    assert business_days(resolution("thu 10:00 created", OFFICE, "thu 11:00")) == []


def test_the_terms_are_those_a_target_was_last_given() -> None:
    text = "mon 09:00 created\nmon 10:00 agent_reply\nmon 11:00 priority high\nmon 12:00 system priority urgent"
    first, last = (timers(judged_story(text, rules("1h", resolution="8h"), "mon 13:00"), kind)[0].terms
                   for kind in ("first_response", "resolution"))  # fmt: skip
    assert first is not None
    assert last is not None
    assert (first.priority, first.chosen_at) == ("normal", int(when("mon 09:00").timestamp()))
    assert (last.priority, last.chosen_at) == ("high", int(when("mon 11:00").timestamp()))


def test_named_dates_are_holidays_in_the_way_and_special_days(office: BusinessCalendar) -> None:
    found = list(named_dates(office, datetime(2026, 12, 21, tzinfo=UTC), datetime(2026, 12, 30, tzinfo=UTC)))
    # The 26th is a holiday on a Saturday, which is closed in any case.
    assert [(each.day.day, each.holiday is not None, each.special) for each in found] == [
        (23, False, True),
        (24, True, False),
        (25, True, True),
        (28, True, False),
    ]


def test_the_dates_are_those_of_the_calendars_zone(office: BusinessCalendar) -> None:
    """23:30 UTC on the 23rd is the 24th in Berlin."""
    start = datetime(2026, 12, 23, 23, 30, tzinfo=UTC)
    assert [each.day for each in named_dates(office, start, start)] == [date(2026, 12, 24)]


def test_clock_changes_matter_only_where_there_are_hours() -> None:
    known = parse(BERLIN)
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    forward, back = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)
    assert clock_changes(known.calendar("night"), start, end) == [(forward, 3600), (back, -3600)]
    assert clock_changes(known.calendar("night"), start, start) == []
    assert clock_changes(known.calendar("always"), start, end) == []


def test_a_night_shift_is_as_long_as_it_really_is() -> None:
    night = parse(BERLIN).calendar("night")
    lengths = {day: sum((b - a for a, b in night.opening(date(2026, *day))), timedelta())
               for day in ((3, 27), (3, 28), (10, 24))}  # fmt: skip
    assert [span / timedelta(hours=1) for span in lengths.values()] == [8, 7, 9]


def test_hours_that_touch_are_one_opening(office: BusinessCalendar) -> None:
    (only,) = office.opening(date(2026, 12, 25))
    assert only == (datetime(2026, 12, 25, 9, tzinfo=UTC), datetime(2026, 12, 25, 10, tzinfo=UTC))
    assert office.opening(date(2026, 12, 28)) == []
