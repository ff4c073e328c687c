"""Goals: the margin against brute force, periods against a walk through days, and what the rules refuse."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slactl.sla.rules.objectives.goal import Goal, Margin, credit, parse_goal
from slactl.sla.rules.objectives.period import PeriodKind, parse_period, period_of

GOALS = st.fractions(min_value=Fraction(1, 100), max_value=1, max_denominator=1000)
COUNTS = st.integers(0, 60)


def reaches(kept: int, done: int, goal: Fraction) -> bool:
    return Fraction(kept, done) >= goal


@given(GOALS, COUNTS, COUNTS)
def test_spare_is_the_most_misses_that_keep_the_goal(goal: Fraction, kept: int, missed: int) -> None:
    done, margin = kept + missed, Margin(Goal(goal), kept, missed)
    if done == 0:
        assert (margin.spare, margin.needed, margin.is_kept) == (None, 0, True)
        return
    most = kept * 100 + 1  # with the lowest goal, 1 %
    expected = max((m for m in range(most + 1) if reaches(kept, done + m, goal)), default=0)
    assert margin.spare == expected
    assert margin.is_kept == reaches(kept, done, goal)


@given(GOALS, COUNTS, COUNTS)
def test_needed_is_the_fewest_kept_outcomes_in_a_row(goal: Fraction, kept: int, missed: int) -> None:
    done, margin = kept + missed, Margin(Goal(goal), kept, missed)
    if done == 0:
        return
    if goal == 1 and missed:
        assert margin.needed is None
        return
    found = margin.needed
    assert found is not None
    assert reaches(kept + found, done + found, goal)
    assert found == 0 or not reaches(kept + found - 1, done + found - 1, goal)


def test_95_percent_of_20_is_19() -> None:
    goal = parse_goal("95%")
    assert [(Margin(goal, kept, 20 - kept).spare, Margin(goal, kept, 20 - kept).needed) for kept in (20, 19, 18)] == [
        (1, 0),
        (0, 0),
        (0, 20),
    ]
    assert Margin(parse_goal("99.9%"), 999, 1).is_kept
    assert not Margin(parse_goal("99.9%"), 998, 1).is_kept


def test_lowest_threshold_that_applies_counts() -> None:
    thresholds = {parse_goal("95%"): 5, parse_goal("90%"): 10, parse_goal("80%"): 25}
    shares = {100: None, 95: None, 94: 5, 90: 5, 89: 10, 80: 10, 79: 25, 0: 25}
    assert {kept: credit(Margin(Goal(Fraction(1)), kept, 100 - kept), thresholds) for kept in shares} == shares
    assert credit(Margin(Goal(Fraction(1)), 0, 0), thresholds) is None


@pytest.mark.parametrize("text", ["95", "0%", "100.1%", "-5%", "95 %", "1e2%", "95.1234567%", "٩٥%", "", "%", "nan%"])
def test_what_is_no_goal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"percentage|reached|reaches"):
        parse_goal(text)


@pytest.mark.parametrize("text", ["95%", "99.5%", "100%", "0.1%", "33.333333%"])
def test_a_goal_reads_as_it_was_written(text: str) -> None:
    assert str(parse_goal(text)) == text


@given(st.sampled_from(PeriodKind), st.dates(date(1970, 1, 5), date(9990, 1, 1)))
def test_every_date_lies_in_one_period_that_its_name_leads_back_to(kind: PeriodKind, day: date) -> None:
    period = period_of(kind, day)
    assert period.first <= day < period.after
    assert parse_period(period.name) == period
    assert period_of(kind, period.first) == period == period_of(kind, period.after - timedelta(days=1))
    assert period_of(kind, period.after).first == period.after


def test_periods_of_some_dates() -> None:
    names = {kind: period_of(kind, date(2027, 1, 3)).name for kind in PeriodKind}
    assert names == {"week": "2026-W53", "month": "2027-01", "quarter": "2027-Q1", "year": "2027"}


NO_PERIODS = "2026-13 2026-00 2026-W00 2025-W53 2026-Q5 26-11 1969 9999 2026-11-01 x"


@pytest.mark.parametrize("text", NO_PERIODS.split())
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"period|between"):
        parse_period(text)


@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kolkata"]),
    st.sampled_from(PeriodKind),
    st.integers(631_152_000, 2_208_988_800),  # from 1990 to 2040
)
def test_an_instant_lies_within_the_bounds_of_its_period(zone: str, kind: PeriodKind, seconds: int) -> None:
    own, instant = ZoneInfo(zone), datetime.fromtimestamp(seconds, UTC)
    period = period_of(kind, instant.astimezone(own).date())
    since, until = period.bounds(own)
    assert since <= instant < until
    # The last second before and the first of the period lie on different dates.
    assert (since - timedelta(seconds=1)).astimezone(own).date() < period.first <= since.astimezone(own).date()
    assert until == period_of(kind, period.after).bounds(own)[0]


def test_a_midnight_that_is_skipped_is_the_change() -> None:
    since, _ = parse_period("2026-03").bounds(ZoneInfo("UTC"))
    assert since == datetime(2026, 3, 1, tzinfo=UTC)
    week = period_of(PeriodKind.WEEK, date(2018, 10, 29))
    assert week.bounds(ZoneInfo("America/Sao_Paulo"))[1] == datetime(2018, 11, 5, 2, tzinfo=UTC)
