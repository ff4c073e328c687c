"""Deadlines set by hand."""

from stories import due_of, judged, policies, policy, resolution, rules, said, timer, timers

RULES = rules(first_response="1h", next_response="2h", resolution="4h")
BY_HAND = "mon 09:00 created\nmon 10:00 due_set resolution mon 16:00\n"


def test_a_manual_deadline_wins_over_the_computed_one() -> None:
    by_hand = resolution(BY_HAND, RULES, "mon 14:00")
    assert (said(by_hand.due_at), by_hand.manual, by_hand.state) == ("mon 16:00", True, "running")


def test_until_it_is_cleared() -> None:
    cleared = resolution(BY_HAND + "mon 11:00 due_set resolution", RULES, "mon 12:00")
    assert (said(cleared.due_at), cleared.manual) == ("mon 13:00", False)


def test_pauses_neither_move_nor_hide_it() -> None:
    text = BY_HAND + "mon 11:00 status pending\n"
    paused = resolution(text, RULES, "mon 12:00")
    assert (said(paused.due_at), paused.state) == ("mon 16:00", "running")
    assert said(resolution(text + "mon 13:00 status open", RULES, "mon 14:00").due_at) == "mon 16:00"


def test_it_is_missed_in_a_pause_too() -> None:
    late = resolution(BY_HAND + "mon 11:00 status pending", RULES, "mon 16:00:01")
    assert (late.state, said(late.breached_at)) == ("breached", "mon 16:00")


def test_its_target_is_the_counted_time_from_the_start_to_it() -> None:
    text = BY_HAND + "mon 11:00 status pending\nmon 13:00 status open"
    by_hand = resolution(text, RULES, "mon 14:00")
    assert (by_hand.target_seconds, by_hand.elapsed_seconds, by_hand.remaining_seconds) == (5 * 3600, 3 * 3600, 7200)


def test_a_reopened_ticket_has_what_was_left_up_to_it() -> None:
    text = BY_HAND + "mon 11:00 status resolved\nmon 12:00 status open"
    assert due_of(text, RULES, "mon 12:30") == "mon 17:00"


def test_a_reopened_ticket_that_had_missed_it_keeps_it() -> None:
    text = BY_HAND + "mon 16:30 status resolved\nmon 17:00 status open"
    assert due_of(text, RULES, "mon 17:30") == "mon 16:00"


def test_a_change_of_priority_leaves_it_and_moves_what_lies_under_it() -> None:
    quick = policies(policy("all", "", 'urgent = { resolution = "2h" }\ndefault = { resolution = "4h" }', "always"))
    text = BY_HAND + "mon 11:00 priority urgent\n"
    assert due_of(text, quick, "mon 11:00") == "mon 16:00"
    assert due_of(text + "mon 12:00 due_set resolution", quick, "mon 12:00") == "mon 11:00"


def test_one_that_is_already_past_is_a_breach_at_it() -> None:
    late = resolution("mon 09:00 created\nmon 12:00 due_set resolution mon 11:00", RULES, "mon 12:00")
    assert (late.state, said(late.breached_at)) == ("breached", "mon 11:00")


def test_a_later_one_does_not_take_a_breach_back() -> None:
    text = "mon 09:00 created\nmon 15:00 due_set resolution fri 16:00\n"
    moved = resolution(text, RULES, "tue 12:00")
    assert (said(moved.due_at), said(moved.breached_at), moved.state) == ("fri 16:00", "mon 13:00", "breached")
    assert moved.overdue_seconds == 0
    done = resolution(text + "wed 12:00 status resolved", RULES, "fri 12:00")
    assert (done.state, said(done.breached_at)) == ("breached", "mon 13:00")


def test_clearing_one_that_was_missed_does_not_take_the_breach_back() -> None:
    text = "mon 09:00 created\nmon 09:30 due_set resolution mon 10:00\nmon 11:00 due_set resolution"
    cleared = resolution(text, RULES, "mon 12:00")
    assert (said(cleared.due_at), said(cleared.breached_at), cleared.state) == ("mon 13:00", "mon 10:00", "breached")


def test_what_is_done_stays_as_it_was_judged() -> None:
    text = "mon 09:00 created\nmon 09:30 agent_reply\nmon 10:00 due_set first_response mon 09:10"
    assert timer(text, RULES, "mon 11:00", "first_response").state == "met"


def test_without_a_waiting_exchange_there_is_none_to_set() -> None:
    text = "mon 09:00 created\nmon 09:30 agent_reply\nmon 10:00 due_set next_response mon 11:00"
    assert timers(judged(text, RULES, "mon 12:00"), "next_response") == []


def test_one_for_a_waiting_exchange_ends_with_it() -> None:
    text = (
        "mon 09:00 created\nmon 09:30 agent_reply\nmon 10:00 customer_reply\n"
        "mon 10:10 due_set next_response mon 10:30\nmon 10:20 agent_reply\nmon 11:00 customer_reply"
    )
    first, second = timers(judged(text, RULES, "mon 11:00"), "next_response")
    assert (said(first.due_at), first.manual) == ("mon 10:30", True)
    assert (said(second.due_at), second.manual) == ("mon 13:00", False)


def test_a_deadline_may_be_set_where_the_policy_promises_nothing() -> None:
    text = "mon 09:00 created\nmon 10:00 due_set resolution fri 16:00\n"
    promised = rules(first_response="1h")
    assert due_of(text, promised, "mon 10:00") == "fri 16:00"
    assert timers(judged(text + "mon 11:00 due_set resolution", promised, "mon 11:00"), "resolution") == []


def test_a_new_cycle_is_computed_again() -> None:
    text = BY_HAND + "mon 11:00 status resolved\nmon 12:00 status open"
    reset = rules(resolution="4h", settings='reopen = "reset"')
    assert due_of(text, reset, "mon 12:00") == "mon 16:00"
    assert resolution(text, reset, "mon 12:00").manual is False


def test_arming_grows_when_a_person_moves_the_deadline_later() -> None:
    assert resolution(BY_HAND, RULES, "mon 10:00").deadline_revision == 1
    assert resolution(BY_HAND + "mon 11:00 due_set resolution mon 15:00", RULES, "mon 11:00").deadline_revision == 1
    assert resolution(BY_HAND + "mon 11:00 due_set resolution tue 15:00", RULES, "mon 11:00").deadline_revision == 2


def test_a_pause_does_not_arm() -> None:
    text = "mon 09:00 created\nmon 10:00 status pending\nmon 12:00 status open"
    assert resolution(text, RULES, "mon 12:00").deadline_revision == 0
