"""What counts of a history: retractions, statuses that end by themselves, and ends that nobody knows."""

import pytest
from stories import fired, judged, policies, policy, resolution, rules, said, timer, timers

STEPS = '[[escalation]]\nid = "res"\non = "resolution"\nlevel = [{ id = "late", at = "0m", note = "x" }]\n'
RULES = rules(first_response="1h", resolution="4h", calendar="always", settings='pause = ["resolution"]', more=STEPS)
OPENED = "mon 09:00 created\n"


def test_pending_until_an_instant_is_open_from_then_on() -> None:
    text = f"{OPENED}mon 10:00 status pending tue 09:00"
    assert judged(text, RULES, "tue 08:59:59").status == "pending"
    assert resolution(text, RULES, "tue 08:59:59").state == "paused"
    woken = judged(text, RULES, "tue 09:00")
    assert woken.status == "open"
    [timer] = timers(woken, "resolution")
    assert (said(timer.due_at), timer.paused_seconds) == ("tue 12:00", 23 * 3600)
    assert fired(text, RULES, "tue 13:00") == ["tue 12:00 res late"]


@pytest.mark.parametrize("later", ["waiting_customer", "pending", "open", "resolved"])
def test_any_later_status_cancels_the_end_of_an_earlier_one(later: str) -> None:
    text = f"{OPENED}mon 10:00 status pending tue 09:00\nmon 11:00 status {later}"
    assert judged(text, RULES, "wed 09:00").status == later


def test_a_retracted_reply_never_was() -> None:
    text = f"{OPENED}mon 09:30 agent_reply id=a\nmon 10:30 retracted events=a,"
    assert timer(text, RULES, "mon 10:00", "first_response").state == "met"
    found = timer(text, RULES, "mon 10:30", "first_response")
    assert (found.state, said(found.breached_at), found.stopped_at) == ("breached", "mon 10:00", None)


def test_a_retraction_can_be_retracted() -> None:
    text = f"{OPENED}mon 09:30 agent_reply id=a\nmon 10:30 retracted events=a, id=b\nmon 11:00 retracted events=b,"
    assert timer(text, RULES, "mon 12:00", "first_response").state == "met"


def test_what_fired_before_a_retraction_stays_fired() -> None:
    text = f"{OPENED}mon 12:00 status resolved id=a\nmon 14:00 retracted events=a,\nmon 15:00 status resolved"
    assert resolution(text, RULES, "mon 16:00").state == "breached"
    assert fired(text, RULES, "mon 16:00") == ["mon 13:00 res late"]
    backdated = f"{OPENED}mon 10:00 status pending id=a\nmon 10:00 status open\nmon 13:30 retracted events=a,"
    assert fired(backdated, RULES, "mon 14:00") == ["mon 13:00 res late"]


def test_a_status_that_holds_already_sets_no_deadline_and_its_undo_fires_nothing_again() -> None:
    text = f"{OPENED}mon 09:10 tags vip id=a\nmon 09:20 retracted events=a,\nmon 12:00 status open id=b"
    for later in ("", "\nmon 14:00 retracted events=b,", "\nmon 14:00 retracted events=b,\nmon 14:10 tags vip"):
        assert fired(text + later, RULES, "mon 15:00") == ["mon 13:00 res late"], later


def test_a_retraction_that_is_retracted_fires_nothing_again() -> None:
    text = f"{OPENED}mon 09:10 tags vip id=a\nmon 09:20 retracted events=a, id=b\n"
    text += "mon 10:00 due_set resolution mon 13:30\nmon 15:00 retracted events=b, id=c\nmon 16:00 retracted events=c,"
    assert fired(text, RULES, "mon 17:00") == ["mon 13:30 res late"]


def test_a_deadline_after_a_retraction_that_was_retracted_fires_its_levels_once() -> None:
    text = f"{OPENED}mon 10:00 due_set resolution tue 12:00 id=a\nmon 12:00 retracted events=a, id=b\n"
    text += "mon 14:00 retracted events=b,"
    assert fired(text, RULES, "tue 13:00") == ["mon 13:00 res late"]
    later = f"{text}\nmon 15:00 due_set resolution tue 14:00"
    assert fired(later, RULES, "tue 14:00") == ["mon 13:00 res late"]
    assert fired(later, RULES, "tue 14:00:01") == ["mon 13:00 res late", "tue 14:00 res late"]


@pytest.mark.parametrize(
    ("pause", "by_hand"), [("first_response", ""), ("resolution", "mon 09:30 due_set resolution mon 13:00\n")]
)
def test_a_status_that_lets_no_clock_go_on_sets_no_deadline_and_its_undo_fires_nothing_again(
    pause: str, by_hand: str
) -> None:
    promised = rules(resolution="4h", calendar="always", settings=f'pause = ["{pause}"]', more=STEPS)
    text = f"{OPENED}{by_hand}mon 10:00 tags vip id=a\nmon 10:10 retracted events=a,\nmon 11:00 status pending\n"
    text += "mon 12:00 status open id=b\nmon 14:00 retracted events=b,"
    assert fired(text, promised, "mon 15:00") == ["mon 13:00 res late"]


def test_a_ticket_that_is_reopened_as_pending_after_an_undo_fires_where_its_clock_goes_on() -> None:
    promised = rules(resolution="4h", calendar="always", settings='pause = ["first_response"]', more=STEPS)
    text = f"{OPENED}mon 10:00 status resolved\nmon 11:00 status pending id=a\nmon 15:00 retracted events=a,\n"
    text += "mon 15:00 status pending"
    assert fired(text, promised, "mon 18:00") == ["mon 14:00 res late"]
    assert fired(text, promised, "mon 18:00:01") == ["mon 14:00 res late", "mon 18:00 res late"]


def test_a_target_whose_end_the_history_cannot_tell_has_no_deadline_and_never_fires() -> None:
    text = "mon 09:00 created unknown=resolution,"
    unknown = resolution(text, RULES, "fri 09:00")
    assert (unknown.state, unknown.due_at, unknown.breaches) == ("unknown", None, ())
    assert (unknown.elapsed_seconds, unknown.remaining_seconds, unknown.overdue_seconds) == (0, None, 0)
    assert fired(text, RULES, "fri 09:00") == []
    known = resolution(f"{text}\nmon 14:00 status resolved", RULES, "fri 09:00")
    assert (known.state, said(known.stopped_at), said(known.breached_at)) == ("breached", "mon 14:00", "mon 13:00")


def test_a_known_reply_decides_what_was_unknown() -> None:
    text = "mon 09:00 created unknown=first_response,"
    assert timer(text, RULES, "fri 09:00", "first_response").state == "unknown"
    assert timer(f"{text}\nmon 10:00 status resolved", RULES, "fri 09:00", "first_response").state == "unknown"
    assert timer(f"{text}\nmon 09:30 agent_reply", RULES, "fri 09:00", "first_response").state == "met"


def test_the_reply_that_starts_an_unknown_target_does_not_decide_it() -> None:
    replies = policies(policy("all", "", 'default = { next_response = "1h", update = "2h" }', "always"))
    text = "mon 09:00 created unknown=next_response,update\nmon 10:00 agent_reply\nmon 11:00 customer_reply"
    for kind in ("next_response", "update"):
        found = timer(text, replies, "fri 09:00", kind)
        assert (found.state, found.due_at, found.breaches) == ("unknown", None, ()), kind
    decided = judged(f"{text}\nmon 11:30 agent_reply", replies, "mon 11:40")
    assert [found.state for found in timers(decided, "next_response")] == ["met"]
    assert [found.state for found in timers(decided, "update")] == ["met", "running"]


def test_done_at_an_unknown_instant_is_not_judged() -> None:
    text = f"{OPENED}thu 09:00 status resolved unknown_instant=true"
    assert resolution(text, RULES, "wed 09:00").state == "breached"
    done = resolution(text, RULES, "fri 09:00")
    assert (done.state, done.due_at, done.stopped_at, done.breaches) == ("unknown", None, None, ())
    assert timer(text, RULES, "fri 09:00", "first_response").state == "unknown"


def test_a_known_miss_stays_one_when_the_reopened_ticket_is_done_at_an_unknown_instant() -> None:
    text = f"{OPENED}mon 14:00 status resolved\nmon 15:00 status open\ntue 09:00 status resolved unknown_instant=true"
    done = resolution(text, RULES, "wed 09:00")
    assert (done.state, done.due_at, [said(breach.at) for breach in done.breaches]) == ("unknown", None, ["mon 13:00"])


def test_done_at_an_unknown_instant_stays_so_when_a_frozen_ticket_is_resolved_again() -> None:
    frozen = rules(resolution="4h", calendar="always", settings='reopen = "frozen"')
    text = f"{OPENED}mon 11:00 status resolved unknown_instant=true\ntue 09:00 status open\ntue 10:00 status resolved"
    assert resolution(text, frozen, "wed 09:00").state == "unknown"


def test_a_ticket_that_was_opened_as_done_is_not_done_in_no_time_where_nobody_knows() -> None:
    text = "mon 09:00 created status=closed unknown=resolution,"
    assert resolution(text, RULES, "fri 09:00").state == "unknown"


def test_a_deadline_by_hand_misses_nothing_while_the_end_is_unknown() -> None:
    text = "mon 09:00 created unknown=resolution,\nmon 15:00 due_set resolution tue 12:00"
    assert resolution(text, RULES, "mon 16:00").breaches == ()


PLAIN = policy("plain", "", 'urgent = { resolution = "30m" }\ndefault = { resolution = "8h" }', "always")
FROM_CHANGE = policies(
    policy("vip", 'tag = ["vip"], not = { tag = ["drill"], priority = ["low"] }', 'default = { resolution = "1h" }'),
    policy("answered", 'tag = ["late"]', 'default = { first_response = "1h", resolution = "8h" }', "always"),
    PLAIN,
    settings='count_from = "change"',
)


def test_a_raised_priority_counts_from_the_change() -> None:
    text = "mon 04:00 created\nmon 04:10 status pending\nmon 04:20 status open\nmon 05:00 priority urgent"
    found = resolution(text, FROM_CHANGE, "mon 05:10")
    assert (said(found.due_at), said(found.started_at)) == ("mon 05:30", "mon 04:00")
    assert (found.target_seconds, found.elapsed_seconds, found.paused_seconds) == (1800, 600, 0)
    assert said(resolution(text, policies(PLAIN), "mon 05:10").due_at) == "mon 04:40"


def test_a_change_that_alters_no_target_counts_nothing_anew() -> None:
    text = "mon 04:00 created\nmon 05:00 priority high\nmon 05:10 due_set first_response mon 05:30"
    assert said(resolution(text, FROM_CHANGE, "mon 06:00").due_at) == "mon 12:00"
    assert timer(text, FROM_CHANGE, "mon 05:20", "first_response").elapsed_seconds == 80 * 60


def test_a_target_that_appears_after_it_was_done_is_met() -> None:
    text = "mon 04:00 created\nmon 06:00 agent_reply\nmon 07:00 tags late"
    found = timer(text, FROM_CHANGE, "mon 12:00", "first_response")
    assert (found.state, said(found.due_at), found.elapsed_seconds) == ("met", "mon 08:00", 0)


def test_not_excludes_what_matches_all_of_its_keys() -> None:
    for tags, priority, expected in (
        ("vip,", "normal", "vip"),
        ("vip,drill", "normal", "vip"),
        ("vip,", "low", "vip"),
        ("vip,drill", "low", "plain"),
    ):
        text = f"mon 09:00 created tags={tags} priority={priority}"
        assert judged(text, FROM_CHANGE, "mon 10:00").policy == expected


def test_a_persons_tag_chooses_the_policy_anew_and_slactls_own_does_not() -> None:
    text = "mon 09:00 created\nmon 10:00 {} vip"
    by_person = judged(text.format("tags"), FROM_CHANGE, "mon 10:00")
    assert (by_person.policy, said(by_person.due_at)) == ("vip", "mon 11:00")
    assert judged(text.format("system tags"), FROM_CHANGE, "mon 10:00").policy == "plain"


def test_what_slactl_raised_or_tagged_does_not_count_when_a_person_changes_something_else() -> None:
    text = "mon 09:00 created\nmon 10:00 system priority urgent\nmon 10:00 system tags vip\nmon 11:00 tags vip other"
    found = judged(text, FROM_CHANGE, "mon 11:00")
    assert (found.policy, found.priority, said(found.due_at)) == ("plain", "urgent", "mon 17:00")
    assert said(judged(f"{text}\nmon 12:00 priority urgent", FROM_CHANGE, "mon 12:00").due_at) == "mon 12:30"
