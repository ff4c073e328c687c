"""Laws that hold for every history: found out with random ones, and with a slow clock that counts by the minute."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from stories import MONDAY, policies, policy

from slactl.sla.enums import ActorType, EventType, Status, Target
from slactl.sla.evaluation import Evaluation, Timer, TimerState
from slactl.sla.explanation import Spent, segments
from slactl.sla.firings import evaluate_with_firings
from slactl.sla.history import Event
from slactl.sla.ladders import FiringKey, due_levels
from slactl.sla.rules import Rules
from slactl.sla.timers import evaluate

STEP = timedelta(minutes=15)
LADDER = """
[[escalation]]
id = "r"
on = "resolution"
when = { priority = ["low", "normal", "urgent"] }
level = [
  { id = "warn", at = "-45m" },
  { id = "breach", at = "0m" },
  { id = "manager", at = "+1h", when = { priority = ["urgent", "low"] }, repeat = { every = "90m", max = 2 } },
]
[[escalation]]
id = "f"
on = "first_response"
clock = "wall"
level = [{ id = "soon", at = "-30m" }, { id = "late", at = "+30m" }]
[[escalation]]
id = "u"
on = "unassigned"
level = [{ id = "grab", at = "+30m" }]
"""


def _rules(reopen: str, opening: str, pause: str) -> Rules:
    more = f'reopen = "{reopen}"\nnext_response_from = "{opening}"\npause = [{pause}]'
    urgent = 'urgent = { first_response = "75m", resolution = "150m" }'
    default = 'default = { first_response = "150m", next_response = "75m", resolution = "375m" }'
    return policies(
        policy("gold", 'plan = ["gold"]', 'default = { next_response = "150m", resolution = "1bd" }', "office", more),
        policy("silver", 'plan = ["silver"]', f"{urgent}\n{default}", "always", more),
        policy("all", "", f"{urgent}\n{default}", "office", more),
        LADDER,
    )


RULES = [
    _rules(reopen, opening, pause)
    for reopen in ("continue", "reset", "frozen")
    for opening in ("first_reply", "creation")
    for pause in ('"resolution"', '"first_response", "next_response", "resolution"')
]

STATUSES = st.sampled_from([each.value for each in Status])
DETAILS = {
    EventType.STATUS: st.fixed_dictionaries({"status": STATUSES}),
    EventType.PRIORITY: st.fixed_dictionaries({"priority": st.sampled_from(["low", "normal", "urgent"])}),
    EventType.PLAN: st.fixed_dictionaries({"plan": st.sampled_from(["free", "silver", "gold"])}),
    EventType.ASSIGNED: st.fixed_dictionaries({"assignee": st.sampled_from(["ann", None])}),
    EventType.AGENT_REPLY: st.just({}),
    EventType.CUSTOMER_REPLY: st.just({}),
    EventType.NOTE: st.just({}),
}


@st.composite
def events(draw: st.DrawFn, manual: bool = False) -> Event:
    """One event within two days."""
    at = MONDAY + timedelta(hours=8) + STEP * draw(st.integers(1, 190))
    kinds = [*DETAILS, EventType.STATUS, EventType.STATUS]
    kind = draw(st.sampled_from([*kinds, EventType.DUE_SET] if manual else kinds))
    if kind is EventType.DUE_SET:
        due = draw(st.one_of(st.none(), st.integers(-8, 120)))
        target = draw(st.sampled_from(list(Target)))
        return Event(at, kind, {"target": target.value, "due_at": at + STEP * due if due is not None else None})
    actor_type = ActorType.SYSTEM if draw(st.integers(0, 5)) == 0 else ActorType.USER
    return Event(at, kind, draw(DETAILS[kind]), actor_type=actor_type)


@st.composite
def histories(draw: st.DrawFn, manual: bool = False) -> list[Event]:
    """A ticket opened on Monday between 8 and 20, and what happened to it."""
    created = {
        "status": draw(st.sampled_from(["open", "open", "pending", "resolved"])),
        "plan": draw(st.sampled_from(["free", "silver", "gold"])),
    }
    opened = MONDAY + timedelta(hours=8) + STEP * draw(st.integers(0, 48))
    later = draw(st.lists(events(manual=manual), max_size=9))
    rest = sorted((each for each in later if each.at >= opened), key=lambda event: event.at)
    return [Event(opened, EventType.CREATED, created), *rest]


MOMENTS = st.integers(0, 300).map(lambda steps: MONDAY + timedelta(hours=8) + STEP * steps)
PROMISED = st.sampled_from(RULES)
often = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def judge(history: list[Event], promised: Rules, now: object) -> Evaluation:
    return evaluate(history, lambda _: promised, now)  # type: ignore[arg-type]


def targets(evaluation: Evaluation) -> list[Timer]:
    return [timer for timer in evaluation.timers if isinstance(timer.kind, Target)]


@often
@given(histories(manual=True), PROMISED, MOMENTS, st.integers(0, 100))
def test_a_breach_is_never_taken_back_by_time_alone(
    history: list[Event], promised: Rules, now: object, steps: int
) -> None:
    assume(history[0].at <= now)  # type: ignore[operator]
    known = [event for event in history if event.at <= now]  # type: ignore[operator]
    before, after = judge(known, promised, now), judge(known, promised, now + STEP * steps)  # type: ignore[operator]
    for old, new in zip(targets(before), targets(after), strict=True):
        if old.breached_at is not None:
            assert new.breached_at == old.breached_at
            assert new.state is TimerState.BREACHED


@often
@given(histories(manual=True), PROMISED)
def test_a_breach_is_never_taken_back_by_later_events(history: list[Event], promised: Rules) -> None:
    missed: set[tuple[str, int, object]] = set()
    for event in history:
        now = targets(judge(history, promised, event.at))
        found = {(timer.kind.value, timer.cycle, timer.breached_at) for timer in now if timer.breached_at is not None}
        assert missed <= found
        missed = found


@often
@given(histories(manual=True), PROMISED, MOMENTS)
def test_the_future_does_not_change_the_past(history: list[Event], promised: Rules, now: object) -> None:
    assume(history[0].at <= now)  # type: ignore[operator]
    known = [event for event in history if event.at <= now]  # type: ignore[operator]
    assert judge(history, promised, now) == judge(known, promised, now)
    assert evaluate_with_firings(history, promised, now)[1] == evaluate_with_firings(known, promised, now)[1]  # type: ignore[arg-type]


@often
@given(histories(manual=True), PROMISED, st.data())
def test_saying_again_what_is_so_already_changes_nothing(
    history: list[Event], promised: Rules, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(history) - 1))
    so_far = judge(history[: place + 1], promised, history[place].at)
    at = history[place].at + data.draw(st.integers(0, 4)) * STEP
    if place + 1 < len(history):
        at = min(at, history[place + 1].at)
    said_again = [
        Event(at, EventType.STATUS, {"status": so_far.status.value}),
        Event(at, EventType.PLAN, {"plan": so_far.plan}),
        Event(at, EventType.TENANT, {"tenant": so_far.tenant}),
        Event(at, EventType.ASSIGNED, {"assignee": so_far.assignee}),
    ]
    longer = [*history[: place + 1], *said_again, *history[place + 1 :]]
    end = max(history[-1].at, at) + STEP
    if not any(event.by_system for event in history):
        assert replace(judge(longer, promised, end), updated_at=end) == replace(
            judge(history, promised, end), updated_at=end
        )


@often
@given(histories(), PROMISED, st.integers(1, 60), st.integers(1, 60))
def test_a_pause_begun_before_the_deadline_moves_it_by_exactly_its_open_time(
    history: list[Event], promised: Rules, begin: int, length: int
) -> None:
    opened = [replace(history[0], detail={"plan": history[0].detail["plan"]})]
    due = targets(judge(opened, promised, opened[0].at))[-1].due_at
    assert due is not None
    first, last = opened[0].at + STEP * begin, opened[0].at + STEP * (begin + length)
    paused = [
        *opened,
        Event(first, EventType.STATUS, {"status": "pending"}),
        Event(last, EventType.STATUS, {"status": "open"}),
    ]
    timer = targets(judge(paused, promised, last))[-1]
    assert timer.kind is Target.RESOLUTION
    lost = timer.clock_run.calendar.between(first, last)
    assert timer.due_at is not None
    assert timer.clock_run.calendar.between(due, timer.due_at) == (lost if first <= due else timedelta(0))


@often
@given(histories(manual=True), PROMISED, MOMENTS)
def test_states_and_seconds_agree(history: list[Event], promised: Rules, now: object) -> None:
    assume(history[0].at <= now)  # type: ignore[operator]
    evaluation = judge(history, promised, now)
    for timer in targets(evaluation):
        end = timer.stopped_at or evaluation.now
        assert timer.target_seconds is not None
        assert timer.remaining_seconds == max(0, timer.target_seconds - timer.elapsed_seconds)
        assert (timer.state is TimerState.BREACHED) == (timer.breached_at is not None)
        assert (timer.state is TimerState.MET) <= (timer.stopped_at is not None)
        if timer.due_at is None:
            assert timer.clock_run.pauses[-1].end is None
        elif not timer.manual:
            overdue = max(0, timer.elapsed_seconds - timer.target_seconds)
            assert timer.overdue_seconds == (overdue if end > timer.due_at else 0)
        if timer.due_at is not None and end > timer.due_at:
            assert timer.breached_at is not None
        if timer.running_since is not None:
            ran = timer.clock_run.calendar.between(timer.running_since, end).total_seconds()
            assert timer.consumed_seconds + ran == timer.elapsed_seconds


@often
@given(histories(manual=True), PROMISED, MOMENTS)
def test_segments_cover_the_time_and_add_up(history: list[Event], promised: Rules, now: object) -> None:
    assume(history[0].at <= now)  # type: ignore[operator]
    for timer in judge(history, promised, now).timers:
        until = timer.stopped_at or now
        found = list(segments(timer, now))  # type: ignore[arg-type]
        assert all(one.end == two.start for one, two in pairwise(found))
        assert all(replace(one, start=two.start, end=two.end) != two for one, two in pairwise(found))
        if found:
            assert found[0].start == timer.started_at
            assert found[-1].end == (timer.stopped_at or max(now, timer.due_at or now))  # type: ignore[type-var]
        past = [replace(each, end=min(each.end, until)) for each in found if each.start < until]  # type: ignore[operator, type-var]
        assert sum(each.seconds for each in past if each.spent is Spent.COUNTED) == timer.elapsed_seconds
        assert sum(each.seconds for each in past if each.spent is Spent.PAUSED) == timer.paused_seconds


MINUTE = timedelta(minutes=1)


def slow_due(timer: Timer, stands_still: list[tuple[object, object]]) -> object:
    """The deadline as somebody would find it who looks at the clock every minute."""
    left, at = timer.target_seconds // 60, timer.started_at  # type: ignore[operator]
    while True:
        pause = next((each for each in stands_still if each[0] <= at < each[1]), None)  # type: ignore[operator]
        if left == 0:
            # Used up. A pause that begins now still saves it, if any of it is in open hours.
            if pause is None or pause[0] != at or not timer.clock_run.calendar.between(*pause):  # type: ignore[arg-type]
                return at
            end = at
            while at < pause[1]:  # type: ignore[operator]
                at += MINUTE
                end = at if timer.clock_run.calendar.is_open(at - MINUTE) else end
            at = end
            continue
        left -= pause is None and timer.clock_run.calendar.is_open(at)
        at += MINUTE


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 40), st.lists(st.integers(0, 160), max_size=6, unique=True), PROMISED)
def test_a_slow_clock_finds_the_same_deadline(opening: int, turns: list[int], promised: Rules) -> None:
    opened = MONDAY + timedelta(hours=8) + STEP * opening
    history = [Event(opened, EventType.CREATED, {})]
    instants = sorted(opened + STEP * turn for turn in turns)
    for place, at in enumerate(instants):
        status = ("pending", "open")[place % 2]
        history.append(Event(at, EventType.STATUS, {"status": status}))
    pauses = list(zip(instants[::2], instants[1::2], strict=False))
    now = opened + timedelta(days=8)
    if len(instants) % 2:
        history.append(Event(now, EventType.STATUS, {"status": "open"}))
        pauses.append((instants[-1], now))
    timer = targets(judge(history, promised, now))[-1]
    assert timer.due_at == slow_due(timer, pauses)  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(histories(manual=True), PROMISED)
def test_simulated_firings_are_those_of_somebody_who_looks_all_the_time(history: list[Event], promised: Rules) -> None:
    end = MONDAY + timedelta(hours=32)
    assume(history[0].at <= end)
    decided: dict[FiringKey, tuple[object, ...]] = {}
    now = history[0].at
    while now <= end:
        for instant in (now, now + timedelta(seconds=1)):
            if instant <= end:
                for each in due_levels(judge(history, promised, instant), promised, instant, decided):
                    decided[each.key] = (each.due_at, each.outcome)
        now += STEP
    looked = {key: due for key, (due, outcome) in decided.items() if outcome == "fired"}
    simulated = {each.key: each.due_at for each in evaluate_with_firings(history, promised, end)[1]}
    assert simulated == looked


def test_the_laws_are_tried_with_every_way_to_reopen() -> None:
    assert {rules.policies[0].reopen.value for rules in RULES} == {"continue", "reset", "frozen"}
    assert len(RULES) == pytest.approx(12)
