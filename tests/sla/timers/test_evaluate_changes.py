"""What changes of priority, plan, tenant and rules do to deadlines."""

from stories import due_of, judged, policies, policy, resolution, rules, said, story, timer, timers, when

from slactl.sla.timers.evaluate import evaluate

BOTH = policy(
    "free",
    'plan = ["free"]',
    'urgent = { first_response = "1h", resolution = "2h" }\ndefault = { first_response = "4h", resolution = "8h" }',
    "always",
)
PAID = policy("paid", 'plan = ["paid"]', 'default = { resolution = "3h", next_response = "1h" }', "always")
ONLY_RESPONSE = policy("basic", 'plan = ["basic"]', 'default = { first_response = "2h" }', "always")
OFFICE = policy("office", 'plan = ["office"]', 'default = { resolution = "8h" }', "office")
TAGGED = policy("tagged", 'tag = ["vip"]', 'default = { resolution = "1h" }', "always")
ACME = policy("acme", 'tenant = ["acme"]', 'default = { resolution = "5h" }', "always")
RULES = policies(TAGGED, ACME, BOTH, PAID, ONLY_RESPONSE, OFFICE)


def test_a_persons_priority_recomputes_from_the_start() -> None:
    text = "mon 09:00 created\nmon 10:00 priority urgent"
    assert due_of(text, RULES, "mon 10:00") == "mon 11:00"
    assert resolution(text, RULES, "mon 10:00").target_seconds == 7200


def test_every_pause_is_kept_when_it_recomputes() -> None:
    text = "mon 09:00 created\nmon 09:30 status pending\nmon 10:30 status open\nmon 10:45 priority urgent"
    changed = resolution(text, RULES, "mon 10:45")
    assert (said(changed.due_at), changed.paused_seconds) == ("mon 12:00", 3600)


def test_naming_the_default_plan_is_no_change() -> None:
    """A change of priority does nothing to a resolution that was kept, until another change follows the reopening."""
    text = (
        "mon 09:00 created priority=urgent\nmon 09:00 status resolved\nmon 09:30 priority normal\nmon 10:00 status open"
    )
    assert due_of(f"{text}\nmon 10:30 plan free", RULES, "mon 10:30") == "mon 12:00"
    assert due_of(f"{text}\nmon 10:30 plan paid", RULES, "mon 10:30") == "mon 13:00"
    assert due_of(f"{text}\nmon 10:30 tags calm", RULES, "mon 10:30") == "mon 18:00"


def test_a_pause_begun_after_the_new_deadline_does_not_save_it() -> None:
    text = "mon 09:00 created\nmon 11:30 status pending\nmon 12:30 status open\nmon 13:00 priority urgent"
    assert due_of(text, RULES, "mon 13:00") == "mon 11:00"


def test_a_new_deadline_that_is_already_past_is_a_breach_at_that_deadline() -> None:
    text = "mon 09:00 created\nmon 12:00 priority urgent"
    late = resolution(text, RULES, "mon 12:00")
    assert (late.state, said(late.breached_at), late.overdue_seconds) == ("breached", "mon 11:00", 3600)


def test_a_new_deadline_that_is_now_is_in_time() -> None:
    assert resolution("mon 09:00 created\nmon 11:00 priority urgent", RULES, "mon 11:00").state == "running"


def test_a_met_target_keeps_what_it_was_judged_by() -> None:
    text = "mon 09:00 created\nmon 11:00 agent_reply\nmon 11:30 priority urgent"
    first = timer(text, RULES, "mon 12:00", "first_response")
    assert (first.state, first.target_seconds, said(first.due_at)) == ("met", 4 * 3600, "mon 13:00")


def test_a_late_target_keeps_what_it_was_judged_by() -> None:
    text = "mon 09:00 created priority=urgent\nmon 11:30 priority normal"
    for now in ("mon 12:00", "tue 12:00"):
        late = resolution(text, RULES, now)
        assert (late.state, said(late.due_at), late.target_seconds) == ("breached", "mon 11:00", 7200)
    done = resolution(text + "\nmon 12:00 status resolved\nmon 12:10 priority low", RULES, "tue 12:00")
    assert (done.state, said(done.due_at)) == ("breached", "mon 11:00")


def test_a_target_on_its_deadline_is_not_late_and_recomputes() -> None:
    text = "mon 09:00 created priority=urgent\nmon 11:00 priority normal"
    assert due_of(text, RULES, "mon 12:00") == "mon 17:00"


def test_a_paused_target_recomputes_too() -> None:
    text = "mon 09:00 created\nmon 10:00 status pending\nmon 12:00 priority urgent\nmon 13:00 status open"
    assert resolution(text, RULES, "mon 12:30").state == "paused"
    assert due_of(text, RULES, "mon 13:00") == "mon 14:00"


def test_a_priority_raised_by_slactl_moves_nothing() -> None:
    text = "mon 09:00 created\nmon 10:00 system priority urgent"
    evaluation = judged(text, RULES, "mon 10:30")
    assert evaluation.priority == "urgent"
    assert [said(t.due_at) for t in evaluation.timers[:2]] == ["mon 13:00", "mon 17:00"]


def test_a_person_confirming_the_raised_priority_decides_it() -> None:
    text = "mon 09:00 created\nmon 10:00 system priority urgent\nmon 10:30 priority urgent"
    assert due_of(text, RULES, "mon 10:30") == "mon 11:00"


def test_an_exchange_begun_after_slactl_raised_the_priority_is_under_the_old_one() -> None:
    text = (
        "mon 09:00 created plan=paid\nmon 09:30 agent_reply\nmon 10:00 system priority urgent\nmon 11:00 customer_reply"
    )
    urgent = 'urgent = { next_response = "10m" }\ndefault = { next_response = "1h" }'
    assert due_of(text, policies(policy("paid", "", urgent, "always")), "mon 11:00", "next_response") == "mon 12:00"


def test_a_change_of_plan_chooses_the_policy_anew() -> None:
    text = "mon 09:00 created\nmon 10:00 plan paid"
    evaluation = judged(text, RULES, "mon 10:00")
    assert (evaluation.policy, evaluation.plan, said(resolution(text, RULES, "mon 10:00").due_at)) == (
        "paid",
        "paid",
        "mon 12:00",
    )


def test_a_change_of_plan_may_change_the_calendar() -> None:
    text = "mon 16:00 created\nmon 16:30 plan office"
    evaluation = judged(text, RULES, "mon 16:30")
    assert (evaluation.calendar, said(timers(evaluation, "resolution")[0].due_at)) == ("office", "tue 16:00")


def test_a_change_of_tenant_chooses_the_policy_anew() -> None:
    text = "mon 09:00 created\nmon 10:00 tenant acme\nmon 11:00 tenant null"
    assert judged(text, RULES, "mon 10:30").policy == "acme"
    assert judged(text, RULES, "mon 11:00").policy == "free"


def test_a_tag_that_a_person_adds_chooses_the_policy_anew() -> None:
    text = "mon 09:00 created\nmon 10:00 tags vip"
    assert judged(text, RULES, "mon 09:59").policy == "free"
    assert judged(text, RULES, "mon 10:15").policy == "tagged"
    assert due_of(text, RULES, "mon 09:59") == "mon 17:00"
    assert due_of(text, RULES, "mon 10:15") == "mon 10:00"


def test_a_target_that_appears_is_measured_from_creation() -> None:
    text = "mon 09:00 created plan=basic\nmon 10:00 status pending\nmon 11:00 status open\nmon 11:30 plan paid"
    evaluation = judged(text, RULES, "mon 11:30")
    appeared = timers(evaluation, "resolution")[0]
    assert (said(appeared.started_at), said(appeared.due_at)) == ("mon 09:00", "mon 13:00")
    assert timers(judged(text, RULES, "mon 11:00"), "resolution") == []


def test_an_appearing_target_counts_what_was_done_before() -> None:
    text = "mon 09:00 created plan=paid\nmon 09:30 agent_reply\nmon 10:00 plan basic"
    first = timer(text, RULES, "mon 12:00", "first_response")
    assert (first.state, said(first.stopped_at), first.elapsed_seconds) == ("met", "mon 09:30", 1800)


def test_a_waiting_exchange_appears_since_its_message() -> None:
    text = "mon 09:00 created\nmon 09:30 agent_reply\nmon 10:00 customer_reply\nmon 10:30 plan paid"
    appeared = timer(text, RULES, "mon 10:30", "next_response")
    assert (said(appeared.started_at), said(appeared.due_at)) == ("mon 10:00", "mon 11:00")


def test_a_target_that_disappears_takes_its_timer_with_it() -> None:
    text = "mon 09:00 created\nmon 10:00 plan paid"
    assert timers(judged(text, RULES, "mon 10:00"), "first_response") == []


def test_a_target_that_was_met_or_missed_does_not_disappear() -> None:
    met = "mon 09:00 created\nmon 09:30 agent_reply\nmon 10:00 plan paid"
    assert timer(met, RULES, "mon 11:00", "first_response").state == "met"
    missed = "mon 09:00 created\nmon 14:00 plan paid\nmon 15:00 agent_reply"
    late = timer(missed, RULES, "mon 16:00", "first_response")
    assert (late.state, said(late.breached_at), said(late.stopped_at)) == ("breached", "mon 13:00", "mon 15:00")


def test_a_target_that_comes_back_is_measured_from_creation_again() -> None:
    text = "mon 09:00 created\nmon 10:00 plan paid\nmon 11:00 plan free"
    assert due_of(text, RULES, "mon 11:00", "first_response") == "mon 13:00"


def test_no_policy_means_no_deadlines() -> None:
    text = "mon 09:00 created plan=unknown"
    evaluation = judged(text, RULES, "mon 10:00")
    assert (evaluation.policy, evaluation.calendar, evaluation.due_at) == (None, None, None)
    assert [t for t in evaluation.timers if t.target_seconds is not None] == []


def test_pauses_are_kept_though_the_new_policy_does_not_pause() -> None:
    pausing = policy("a", 'plan = ["a"]', 'default = { resolution = "4h" }', "always", 'pause = ["resolution"]')
    going = policy("b", 'plan = ["b"]', 'default = { resolution = "4h" }', "always", "pause = []")
    text = "mon 09:00 created plan=a\nmon 10:00 status pending\nmon 11:00 plan b"
    changed = resolution(text, policies(pausing, going), "mon 12:00")
    assert (changed.state, changed.paused_seconds, said(changed.due_at)) == ("running", 3600, "mon 14:00")
    back = text + "\nmon 12:00 plan a"
    assert resolution(back, policies(pausing, going), "mon 12:30").state == "paused"


def test_a_pause_begins_with_a_policy_that_pauses() -> None:
    pausing = policy("a", 'plan = ["a"]', 'default = { resolution = "4h" }', "always", 'pause = ["resolution"]')
    going = policy("b", 'plan = ["b"]', 'default = { resolution = "4h" }', "always", "pause = []")
    text = "mon 09:00 created plan=b\nmon 10:00 status pending\nmon 11:00 plan a\nmon 12:00 status open"
    changed = resolution(text, policies(pausing, going), "mon 12:00")
    assert (changed.paused_seconds, said(changed.due_at)) == (3600, "mon 14:00")


def test_the_opening_message_starts_to_wait_with_a_policy_that_says_so() -> None:
    waits = policy(
        "a", 'plan = ["a"]', 'default = { next_response = "4h" }', "always", 'next_response_from = "creation"'
    )
    later = policy("b", 'plan = ["b"]', 'default = { next_response = "4h" }', "always")
    to_creation = "mon 09:00 created plan=b\nmon 10:00 plan a"
    assert due_of(to_creation, policies(waits, later), "mon 10:00", "next_response") == "mon 13:00"
    answered = "mon 09:00 created plan=b\nmon 09:30 agent_reply\nmon 10:00 plan a"
    assert timers(judged(answered, policies(waits, later), "mon 10:00"), "next_response") == []
    away = to_creation + "\nmon 11:00 plan b"
    assert timers(judged(away, policies(waits, later), "mon 11:00"), "next_response") == []


def test_an_effective_plan_and_zone_come_with_the_event_where_it_has_them() -> None:
    text = "mon 07:30 created plan=office timezone=Europe/Berlin"
    # 09:00 in Berlin is 08:00 UTC in March.
    assert due_of(text, RULES, "mon 08:00") == "mon 16:00"
    moved = text + "\nmon 08:30 tenant nobody plan=office timezone=Asia/Kathmandu"
    # Open from 03:15 to 11:15 UTC: three and three quarter hours are left of that Monday.
    assert due_of(moved, RULES, "mon 08:30") == "tue 07:30"


def test_the_default_plan_stands_in_for_none() -> None:
    assert judged("mon 09:00 created", RULES, "mon 09:00").plan == "free"
    assert judged("mon 09:00 created plan=paid\nmon 10:00 plan null", RULES, "mon 10:00").policy == "free"


def test_new_rules_recompute_what_is_neither_met_nor_late() -> None:
    old, new = rules(first_response="1h", resolution="4h"), rules(first_response="2h", resolution="1h")
    text = story("mon 09:00 created rules=old\nmon 10:30 system rules_applied new")
    found = evaluate(text, lambda name: new if name == "new" else old, when("mon 10:30"))
    assert [(t.state.value, said(t.due_at)) for t in found.timers[:2]] == [
        ("breached", "mon 10:00"),
        ("breached", "mon 10:00"),
    ]
    assert found.timers[0].target_seconds == found.timers[1].target_seconds == 3600
    before = evaluate(text, lambda name: new if name == "new" else old, when("mon 10:00"))
    assert [(t.state.value, said(t.due_at)) for t in before.timers[:2]] == [
        ("running", "mon 10:00"),
        ("running", "mon 13:00"),
    ]
