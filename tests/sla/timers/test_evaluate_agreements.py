"""Deadlines that people agree on: kept and reopened, missed twice, corrected, and what of it is an outcome."""

import pytest
from stories import fired, judged, policies, policy, resolution, rules, said, story, timer, timers, when

from slactl.sla.rules.rules import Rules
from slactl.sla.timers.evaluate import evaluate

STEPS = """
[[escalation]]
id = "resolution"
on = "resolution"
level = [
  { id = "soon", at = "-30m", note = "x" },
  { id = "breach", at = "0m", note = "x" },
  { id = "hour", at = "+1h", note = "x" },
]
"""
RULES = rules(first_response="1h", resolution="6h", more=STEPS)

Ends = list[tuple[str | None, str | None, bool]]


def breaches(text: str, promised: Rules, now: str) -> list[str | None]:
    """The missed deadlines of the resolution."""
    return [said(breach.at) for breach in resolution(text, promised, now).breaches]


def ends(text: str, promised: Rules, now: str, kind: str = "resolution") -> Ends:
    """The outcomes of a kind: when its clock stopped, what it missed, and whether it was met."""
    found = evaluate(story(text), lambda _: promised, when(now), with_outcomes=True).outcomes
    return [(said(each.stopped_at), said(each.missed_at), each.met) for each in found if each.kind == kind]


KEPT = "mon 09:00 created\nmon 09:30 due_set resolution mon 13:00\nmon 12:00 status resolved\n"


def test_deadline_set_by_hand_and_kept_leaves_what_was_left_when_it_is_reopened() -> None:
    text = f"{KEPT}thu 09:06 customer_reply\nthu 09:06 status open"
    reopened = resolution(text, RULES, "thu 09:30")
    assert (said(reopened.due_at), reopened.state, reopened.overdue_seconds) == ("thu 10:06", "running", 0)
    assert fired(text, RULES, "thu 09:30") == []
    late = resolution(text, RULES, "thu 10:06:01")
    assert (late.state, said(late.breached_at)) == ("breached", "thu 10:06")


def test_deadline_left_after_reopening_is_fixed_again() -> None:
    text = f"{KEPT}thu 09:06 status open\nthu 09:10 status pending"
    assert said(resolution(text, RULES, "thu 10:00").due_at) == "thu 10:06"
    assert resolution(text, RULES, "thu 10:00").state == "running"
    assert resolution(text, RULES, "thu 11:00").state == "breached"


def test_reopening_takes_no_kept_resolution_back() -> None:
    assert ends(KEPT, RULES, "wed 09:00") == [("mon 12:00", None, True)]
    reopened = f"{KEPT}thu 09:06 status open\nthu 11:00 due_set resolution fri 12:00\nthu 12:00 status resolved"
    assert ends(reopened, RULES, "fri 09:00") == [
        ("mon 12:00", None, True),
        (None, "thu 10:06", False),
        ("thu 12:00", None, True),
    ]


def test_a_miss_and_the_late_stop_that_follows_are_one_outcome() -> None:
    late = "mon 09:00 created\nmon 16:00 status resolved\n"
    assert ends("mon 09:00 created", RULES, "mon 16:00") == [(None, "mon 15:00", False)]
    assert ends(late, RULES, "tue 09:00") == [("mon 16:00", "mon 15:00", False)]
    again = f"{late}tue 09:00 status open\ntue 10:00 status resolved"
    assert ends(again, RULES, "tue 12:00") == [("mon 16:00", "mon 15:00", False), ("tue 10:00", None, False)]


def test_outcomes_stay_when_a_reopened_ticket_loses_the_target() -> None:
    both = policies(
        policy("short", 'tag = ["no-sla"]', "", "office"),
        policy("all", "", 'default = { resolution = "6h" }', "office"),
    )
    text = "mon 09:00 created\nmon 12:00 status resolved\nmon 13:00 status open\nmon 14:00 tags no-sla"
    assert timers(judged(text, both, "mon 15:00"), "resolution") == []
    assert ends(text, both, "mon 15:00") == [("mon 12:00", None, True)]


def test_a_missed_deadline_stays_an_outcome_when_it_is_cleared_and_no_policy_has_the_target() -> None:
    promised = rules(first_response="1h")
    text = "mon 09:00 created\nmon 09:30 due_set resolution mon 10:00\nmon 11:00 due_set resolution"
    assert ends(text, promised, "mon 12:00") == [(None, "mon 10:00", False)]


TWICE = "mon 09:00 created\nmon 09:40 due_set resolution mon 12:00\nmon 13:10 due_set resolution tue 12:00\n"


def test_second_miss_is_a_second_breach_and_fires_every_level_again() -> None:
    assert breaches(TWICE, RULES, "tue 12:00") == ["mon 12:00"]
    assert breaches(TWICE, RULES, "tue 12:05") == ["mon 12:00", "tue 12:00"]
    assert fired(TWICE, RULES, "tue 13:00") == [
        "mon 11:30 resolution soon",
        "mon 12:00 resolution breach",
        "mon 13:00 resolution hour",
        "tue 11:30 resolution soon",
        "tue 12:00 resolution breach",
        "tue 13:00 resolution hour",
    ]


def test_second_agreement_that_is_kept_leaves_the_state_breached() -> None:
    kept = resolution(f"{TWICE}tue 11:00 status resolved", RULES, "wed 09:00")
    assert (kept.state, [said(breach.at) for breach in kept.breaches]) == ("breached", ["mon 12:00"])


@pytest.mark.parametrize("later", ["mon 13:30 due_set resolution", "mon 13:30 due_set resolution mon 11:00"])
def test_agreement_that_is_withdrawn_is_no_second_miss(later: str) -> None:
    text = f"mon 09:00 created\nmon 15:30 due_set resolution tue 12:00\n{later.replace('mon 13', 'mon 16')}"
    assert breaches(text, RULES, "wed 12:00") == ["mon 15:00"]
    assert [each for each in fired(text, RULES, "wed 12:00") if "breach" in each] == ["mon 15:00 resolution breach"]


def test_earlier_deadlines_after_a_miss_are_no_other_miss() -> None:
    text = "mon 09:00 created\nmon 16:00 due_set resolution mon 10:00\nmon 16:10 due_set resolution mon 11:00"
    assert breaches(text, RULES, "mon 17:00") == ["mon 15:00"]


def corrected(late_targets: str) -> Rules:
    """Office hours under which urgent tickets have until 14:00 and others a day."""
    targets = 'urgent = { first_response = "5h" }\ndefault = { first_response = "8h" }'
    steps = STEPS.replace("resolution", "first_response")
    return policies(policy("all", "", targets, "office", f'late_targets = "{late_targets}"'), steps)


CORRECTED = "mon 09:00 created priority=urgent\nmon 14:10 priority low"


def test_correction_after_the_deadline_keeps_it() -> None:
    kept = timer(CORRECTED, corrected("keep"), "mon 15:00", "first_response")
    assert (said(kept.due_at), kept.state, said(kept.breached_at)) == ("mon 14:00", "breached", "mon 14:00")


def test_correction_after_the_deadline_moves_it_where_late_targets_are_recounted() -> None:
    moved = timer(CORRECTED, corrected("recount"), "mon 15:00", "first_response")
    assert (said(moved.due_at), moved.state, moved.breaches) == ("mon 17:00", "running", ())
    late = timer(CORRECTED, corrected("recount"), "mon 17:00:01", "first_response")
    assert [said(breach.at) for breach in late.breaches] == ["mon 17:00"]


def test_recount_judges_an_answer_that_came_late_and_a_deadline_that_was_replaced() -> None:
    answered = CORRECTED.replace("14:10", "14:20").replace("\nmon", "\nmon 14:10 agent_reply\nmon")
    assert timer(answered, corrected("keep"), "mon 15:00", "first_response").state == "breached"
    assert timer(answered, corrected("recount"), "mon 15:00", "first_response").state == "met"
    replaced = CORRECTED.replace("14:10", "14:20").replace("\nmon", "\nmon 14:10 due_set first_response mon 16:00\nmon")
    judged_anew = timer(replaced, corrected("recount"), "mon 15:00", "first_response")
    assert (said(judged_anew.due_at), judged_anew.breaches) == ("mon 16:00", ())


def test_recount_there_and_back_leaves_nothing() -> None:
    text = (
        "mon 09:00 created priority=urgent\nmon 14:10 due_set first_response mon 13:00\n"
        "mon 14:20 priority low\nmon 14:30 priority urgent"
    )
    found = timer(text, corrected("recount"), "mon 15:00", "first_response")
    assert [said(breach.at) for breach in found.breaches] == ["mon 14:00"]


BEHIND = "mon 09:00 created priority=urgent\ntue 10:00 due_set first_response mon 15:00\ntue 11:00 priority low"


def test_recount_that_moves_a_miss_behind_the_present_deadline_makes_no_second_one() -> None:
    kept = timer(BEHIND, corrected("keep"), "tue 12:00", "first_response")
    assert [said(breach.at) for breach in kept.breaches] == ["mon 14:00", "mon 15:00"]
    recounted = timer(BEHIND, corrected("recount"), "tue 12:00", "first_response")
    assert [said(breach.at) for breach in recounted.breaches] == ["mon 17:00"]


def test_an_answer_after_a_miss_that_a_recount_moved_behind_the_present_deadline_is_one_late_outcome() -> None:
    text = f"{BEHIND}\ntue 12:00 agent_reply"
    assert ends(text, corrected("recount"), "tue 14:00", "first_response") == [("tue 12:00", "mon 17:00", False)]


def test_a_deadline_after_a_miss_that_a_recount_moved_behind_the_present_one_fires_its_levels_once() -> None:
    found = fired(f"{BEHIND}\ntue 12:00 due_set first_response wed 12:00", corrected("recount"), "thu 12:00")
    breached = [each for each in found if each.endswith("breach")]
    assert breached == [f"{at} first_response breach" for at in ("mon 14:00", "mon 15:00", "wed 12:00")]
