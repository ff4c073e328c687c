"""Who is on call by the events of a feed: against a search through all events, and quickly however many there are."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from slactl.sla.oncall.feed import PlainEvent, planned
from slactl.sla.oncall.schedule import Absence, Exceptions, Override, Schedule, on_call, shifts, standing

PEOPLE = ["ann", "ben", "cem"]
EVENTS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30), st.sampled_from([*PEOPLE, "party"])), max_size=12)
SPANS = st.lists(st.tuples(st.integers(-5, 60), st.integers(1, 30), st.sampled_from(PEOPLE)), max_size=2)


def schedule_of(events: Sequence[PlainEvent], span: tuple[int, int] = (-10, 80)) -> Schedule:
    return Schedule("managers", "UTC", feed=planned(events, {name: () for name in PEOPLE}, span)[0])


@settings(max_examples=300, deadline=None)
@given(EVENTS, SPANS, SPANS)
def test_the_first_event_in_the_file_that_names_a_person_counts(
    stated: list[tuple[int, int, str]], overrides: list[tuple[int, int, str]], absences: list[tuple[int, int, str]]
) -> None:
    schedule = schedule_of([PlainEvent(start, start + length, who, ()) for start, length, who in stated])
    exceptions = Exceptions(
        tuple(Override("managers", who, a, a + n, number) for number, (a, n, who) in enumerate(overrides)),
        tuple(Absence(who, a, a + n) for a, n, who in absences),
    )

    def plain(t: int) -> str | None:
        away = {who for a, n, who in absences if a <= t < a + n}
        taken = [who for a, n, who in overrides if a <= t < a + n][-1:]
        named = [who for a, n, who in stated if a <= t < a + n and who in PEOPLE][:1]
        return next((found[0] for found in (taken, named) if found and found[0] not in away), None)

    expected = [plain(t) for t in range(-5, 75)]
    assert [on_call(schedule, t, exceptions).person for t in range(-5, 75)] == expected
    plan = shifts(schedule, -5, 75, exceptions)
    assert [shift.on_call.person for shift in plan for _ in range(shift.start, shift.end)] == expected


def test_a_question_looks_at_the_events_around_it_alone() -> None:
    day = 86_400
    long = PlainEvent(0, 20_000 * day, "ann", ())
    schedule = schedule_of([*(PlainEvent(n * day, n * day + 9, "ben", ()) for n in range(20_000)), long], (0, 9 * day))
    assert schedule.feed is not None
    assert [len(schedule.feed.events(t, t + 1)) for t in (5, 20, 9_000 * day, 19_999 * day + 5)] == [1, 1, 1, 1]


def test_nothing_is_said_of_times_in_which_the_events_are_not_known() -> None:
    schedule = schedule_of([PlainEvent(0, 1_000_000_000, "ann", ())], (0, 1_000_000))
    assert standing(schedule, 500_000) == (("ann", "feed", None), None, None, None, None)
    assert standing(schedule, 2_000_000).until is None
