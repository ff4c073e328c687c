"""What reopening does to the clocks, in its three ways."""

from stories import judged, policies, policy, resolution, rules, said, timer, timers

CONTINUE = rules(first_response="1h", resolution="4h")
RESET = rules(first_response="1h", resolution="4h", settings='reopen = "reset"')
FROZEN = rules(first_response="1h", resolution="4h", settings='reopen = "frozen"')
REOPENED = "mon 09:00 created\nmon 09:30 agent_reply\nmon 11:00 status resolved\nmon 14:00 status open"


def test_continue_goes_on_without_the_closed_time() -> None:
    again = resolution(REOPENED, CONTINUE, "mon 15:00")
    assert (again.cycle, again.state, again.stopped_at) == (1, "running", None)
    assert (said(again.due_at), again.elapsed_seconds, again.paused_seconds) == ("mon 16:00", 10800, 0)


def test_continue_counts_only_the_open_part_of_the_closed_time() -> None:
    text = "mon 15:00 created\nmon 16:00 status resolved\ntue 10:00 status open"
    assert said(resolution(text, CONTINUE, "tue 10:00").due_at) == "tue 13:00"


def test_continue_can_be_late_after_all() -> None:
    late = resolution(REOPENED, CONTINUE, "mon 16:00:01")
    assert (late.state, said(late.breached_at)) == ("breached", "mon 16:00")


def test_continue_leaves_a_breach_a_breach() -> None:
    text = "mon 09:00 created\nmon 14:00 status resolved\nmon 15:00 status open"
    late = resolution(text, CONTINUE, "mon 16:00")
    assert (late.state, said(late.due_at), late.stopped_at) == ("breached", "mon 13:00", None)
    # One hour late when resolved, one more since.
    assert late.overdue_seconds == 7200


def test_continue_goes_on_with_the_first_response_if_nobody_has_replied() -> None:
    text = "mon 09:00 created\nmon 09:30 status resolved\nmon 11:00 status open\nmon 11:15 agent_reply"
    first = timer(text, CONTINUE, "mon 12:00", "first_response")
    assert (said(first.stopped_at), said(first.due_at), first.elapsed_seconds) == ("mon 11:15", "mon 11:30", 2700)


def test_continue_leaves_a_first_response_that_was_given() -> None:
    first = timer(REOPENED, CONTINUE, "mon 15:00", "first_response")
    assert (said(first.stopped_at), first.state) == ("mon 09:30", "met")


def test_a_reply_while_resolved_is_a_reply() -> None:
    text = "mon 09:00 created\nmon 09:30 status resolved\nmon 10:00 agent_reply\nmon 11:00 status open"
    first = timer(text, CONTINUE, "mon 15:00", "first_response")
    assert (said(first.stopped_at), first.state) == ("mon 09:30", "met")


def test_reset_starts_a_new_cycle() -> None:
    first, second = timers(judged(REOPENED, RESET, "mon 15:00"), "resolution")
    assert (first.cycle, first.state) == (1, "met")
    assert (said(first.stopped_at), said(first.due_at)) == ("mon 11:00", "mon 13:00")
    assert (second.cycle, second.state, said(second.started_at)) == (2, "running", "mon 14:00")
    assert (said(second.due_at), second.elapsed_seconds) == ("tue 10:00", 3600)


def test_reset_into_a_pausing_status_is_paused_from_second_zero() -> None:
    text = "mon 09:00 created\nmon 10:00 status resolved\nmon 11:00 status pending\nmon 12:00 status open"
    assert said(resolution(text, RESET, "mon 12:00").due_at) == "mon 16:00"


def test_reset_keeps_the_breach_of_the_old_cycle() -> None:
    text = "mon 09:00 created\nmon 14:00 status resolved\nmon 15:00 status open"
    old, new = timers(judged(text, RESET, "mon 16:00"), "resolution")
    assert (old.state, new.state) == ("breached", "running")


def test_frozen_leaves_the_clock() -> None:
    frozen = resolution(REOPENED + "\ntue 09:00 status resolved", FROZEN, "tue 10:00")
    assert (frozen.cycle, frozen.state, said(frozen.stopped_at)) == (1, "met", "mon 11:00")


def test_reset_and_frozen_leave_the_first_response() -> None:
    text = "mon 09:00 created\nmon 09:30 status resolved\nmon 11:00 status open"
    for promised in (RESET, FROZEN):
        first = timer(text, promised, "mon 16:00", "first_response")
        assert (said(first.stopped_at), first.state) == ("mon 09:30", "met")


def test_first_and_last_resolution_are_both_kept() -> None:
    evaluation = judged(REOPENED + "\nmon 16:00 status closed", CONTINUE, "tue 09:00")
    assert (said(evaluation.first_resolved_at), said(evaluation.resolved_at)) == ("mon 11:00", "mon 16:00")


def test_a_reopened_ticket_has_no_resolution() -> None:
    evaluation = judged(REOPENED, CONTINUE, "mon 15:00")
    assert (evaluation.resolved_at, said(evaluation.first_resolved_at)) == (None, "mon 11:00")


def test_every_cycle_of_a_ticket_reopened_again_and_again() -> None:
    again = "\nmon 15:00 status closed\nmon 16:00 status open"
    assert [each.cycle for each in timers(judged(REOPENED + again, RESET, "mon 16:30"), "resolution")] == [1, 2, 3]
    assert said(resolution(REOPENED + again, CONTINUE, "mon 16:30").due_at) == "mon 17:00"


def test_a_policy_may_reopen_in_its_own_way() -> None:
    own = policies(
        policy("own", 'plan = ["own"]', 'default = { resolution = "4h" }', more='reopen = "reset"'),
        policy("all", "", 'default = { resolution = "4h" }'),
    )
    text = "mon 09:00 created plan={}\nmon 10:00 status resolved\nmon 11:00 status open"
    assert resolution(text.format("own"), own, "mon 12:00").cycle == 2
    assert resolution(text.format("other"), own, "mon 12:00").cycle == 1


def test_a_deadline_that_passed_while_closed_is_late_from_the_reopening_on_even_into_a_pause() -> None:
    # Resolved with the last second of its time, and reopened after the hours of Wednesday.
    text = "mon 13:00 created\nmon 17:00 status resolved\nwed 18:00 status pending"
    rules_of_pause = rules(resolution="4h", settings='pause_statuses = ["pending"]\npause = ["resolution"]')
    since = {
        now: resolution(text + later, rules_of_pause, now).breaches[0].late_since
        for now, later in (("wed 19:00", ""), ("thu 08:00", ""), ("thu 16:00", "\nthu 10:00 status open"))
    }
    assert {said(instant) for instant in since.values()} == {"wed 18:00"}
