"""Hours of a week as people write them: windows that overlap count once."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from slactl.sla.calendar.written import WEEKDAYS, week_hours

DAY, WEEK = 86_400, 604_800
HOUR = st.integers(0, 23)


def covered(day: int, start: int, end: int) -> set[int]:
    """Return the hours of the week, from 0 on, that a window which begins on a weekday covers."""
    return {(day * 24 + hour) % 168 for hour in range(start, end if end > start else end + 24)}


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), HOUR, st.integers(1, 24)), min_size=1, max_size=6))
def test_hours_are_the_union_of_the_windows_and_each_day_begins_with_its_own(
    stated: list[tuple[int, int, int, int]],
) -> None:
    windows = [(a, b, start, end) for a, b, start, end in stated if start != end]
    texts = [f"{WEEKDAYS[a]}-{WEEKDAYS[b]} {start:02}:00-{end:02}:00" for a, b, start, end in windows]
    days = [((a + step) % 7, start, end) for a, b, start, end in windows for step in range((b - a) % 7 + 1)]
    found = week_hours(texts)
    assert set(found) == {day for day, _, _ in days}
    assert {day: hours[0][0] for day, hours in found.items()} == {
        day: min(start for other, start, _ in days if other == day) * 3600 for day in found
    }
    pieces = sorted((day * DAY + start, day * DAY + end) for day, hours in found.items() for start, end in hours)
    again = [(start + WEEK, end + WEEK) for start, end in pieces[:1]]
    assert all(one[1] <= other[0] for one, other in pairwise([*pieces, *again]))
    assert all(0 < end - start <= DAY for start, end in pieces)
    hours = [(hour // 3600) % 168 for start, end in pieces for hour in range(start, end, 3600)]
    assert sorted(hours) == sorted(set().union(*(covered(*each) for each in days)))


def test_nights_and_weekends_are_written_as_people_say_them() -> None:
    found = week_hours(["mon-fri 18:00-08:00", "sat-sun"])
    assert found[0] == ((18 * 3600, DAY + 8 * 3600),)
    assert found[4] == ((18 * 3600, DAY),)  # from then on Saturday has hours of its own
    assert found[5] == found[6] == ((0, DAY),)
