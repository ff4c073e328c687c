"""What was decided for a cycle stays with it, whatever comes to light before, within or after."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from slactl.sla.escalation.levels import FiringKey
from slactl.sla.escalation.renumbering import BreachKey, Cycle, Decision, renumbered, renumbered_breaches

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def instant(seconds: int) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def spans(bounds: list[int], *, goes_on: bool) -> list[Cycle]:
    """Cycles from each even bound to the odd one that follows."""
    pairs = list(zip(bounds[::2], bounds[1::2], strict=False))
    found = [Cycle("idle", place, instant(a), instant(b)) for place, (a, b) in enumerate(pairs, 1)]
    return [*found[:-1], found[-1]._replace(stop=None)] if goes_on else found


def key(cycle: int) -> FiringKey:
    return FiringKey("idle", cycle, "quiet", "nudge", 0, 0)


BOUNDS = st.lists(st.integers(0, 400), min_size=2, max_size=16, unique=True).map(sorted)


@given(bounds=BOUNDS, hidden=st.sets(st.integers(0, 7)), goes_on=st.booleans(), data=st.data())
def test_a_decision_follows_its_cycle_past_those_that_come_to_light(
    bounds: list[int], hidden: set[int], goes_on: bool, data: st.DataObject
) -> None:
    now = spans(bounds, goes_on=goes_on)
    known = [span for place, span in enumerate(now) if place not in hidden]
    before = [span._replace(cycle=place) for place, span in enumerate(known, 1)]
    decisions, noticed = [], {}
    for span in before:
        length = int(((span.stop or instant(500)) - span.start).total_seconds())
        at = span.start + timedelta(seconds=data.draw(st.integers(1, length)))
        decisions.append(Decision(100 - span.cycle, key(span.cycle), at))
        late = at + timedelta(seconds=data.draw(st.integers(0, 600)))  # the cycle may be over by then
        noticed[BreachKey("idle", span.cycle, 0)] = f"{late:%Y-%m-%dT%H:%M:%SZ}"
    found = renumbered(decisions, before, now, set())
    assert [found[each.id].cycle for each in decisions] == [span.cycle for span in known]
    missed = {BreachKey("idle", span.cycle, 0): "another deadline" for span in now}
    assert list(renumbered_breaches(noticed, before, now, {}, missed)) == [("idle", span.cycle, 0) for span in known]


@given(bounds=BOUNDS, data=st.data())
def test_what_comes_later_moves_nothing(bounds: list[int], data: st.DataObject) -> None:
    now = spans(bounds, goes_on=False)
    known = data.draw(st.integers(1, len(now)))
    before = [*now[: known - 1], now[known - 1]._replace(stop=None)]
    last = int((now[known - 1].start - BEGIN).total_seconds())
    limit = int((now[known].start - BEGIN).total_seconds()) if known < len(now) else 500
    decisions = [Decision(1, key(known), instant(data.draw(st.integers(last, limit))))]
    assert renumbered(decisions, before, now, set()) == {1: key(known)}


def test_one_cycle_is_not_decided_twice_and_what_has_none_holds_nothing_back() -> None:
    before = spans([0, 10, 20, 30, 40, 50], goes_on=False)
    decisions = [Decision(number, key(number), before[number - 1].start + timedelta(seconds=5)) for number in (1, 2, 3)]
    later = [Cycle("idle", 1, instant(22), None)]
    assert renumbered(decisions, before, later, set()) == {1: key(0), 2: key(1), 3: key(-1)}
    assert renumbered(decisions, before, later, {key(1)}) == {1: key(0), 2: key(-1), 3: key(-2)}
    assert renumbered(decisions, before, [], set()) == {1: key(0), 2: key(-1), 3: key(-2)}
