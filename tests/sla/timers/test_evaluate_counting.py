"""When promises start, stop, stand still and are late."""

import pytest
from stories import due_of, judged, policies, policy, resolution, rules, said, timer, timers

from slactl.sla.timers.timer import TimerState

FOUR_HOURS = rules(first_response="1h", resolution="4h")
ALWAYS = rules(first_response="1h", resolution="4h", calendar="always")
ONLY_RESOLUTION_PAUSES = rules(first_response="1h", resolution="4h", settings='pause = ["resolution"]')


def test_first_response_and_resolution_start_at_creation() -> None:
    evaluation = judged("mon 10:30 created", FOUR_HOURS, "mon 10:30")
    assert [(t.kind.value, said(t.started_at), said(t.due_at)) for t in evaluation.timers[:2]] == [
        ("first_response", "mon 10:30", "mon 11:30"),
        ("resolution", "mon 10:30", "mon 14:30"),
    ]


def test_first_response_ends_with_the_first_agent_reply() -> None:
    text = "mon 09:00 created\nmon 09:20 note\nmon 09:30 agent_reply\nmon 09:40 agent_reply"
    answered = timer(text, FOUR_HOURS, "mon 10:00", "first_response")
    assert (said(answered.stopped_at), answered.state, answered.elapsed_seconds) == ("mon 09:30", "met", 1800)


def test_a_note_is_never_a_response() -> None:
    assert timer("mon 09:00 created\nmon 09:20 note", FOUR_HOURS, "mon 09:30", "first_response").stopped_at is None


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_resolving_without_a_reply_judges_the_first_response_at_that_instant(status: str) -> None:
    evaluation = judged(f"mon 09:00 created\nmon 09:45 status {status}", FOUR_HOURS, "mon 12:00")
    first = timers(evaluation, "first_response")[0]
    assert (said(first.stopped_at), first.state) == ("mon 09:45", "met")
    assert evaluation.first_responded_at is None


def test_resolving_late_without_a_reply_misses_the_first_response() -> None:
    late = timer("mon 09:00 created\nmon 10:01 status closed", FOUR_HOURS, "mon 12:00", "first_response")
    assert (late.state, said(late.breached_at), late.overdue_seconds) == ("breached", "mon 10:00", 60)


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_resolution_ends_when_the_ticket_is_resolved_or_closed(status: str) -> None:
    done = resolution(f"mon 09:00 created\nmon 11:00 status {status}", FOUR_HOURS, "tue 09:00")
    assert (said(done.stopped_at), done.state, done.elapsed_seconds, done.remaining_seconds) == (
        "mon 11:00",
        "met",
        7200,
        7200,
    )


def test_closing_a_resolved_ticket_resolves_it_no_second_time() -> None:
    text = "mon 09:00 created\nmon 11:00 status resolved\ntue 11:00 status closed"
    evaluation = judged(text, FOUR_HOURS, "wed 09:00")
    assert said(evaluation.resolved_at) == said(timers(evaluation, "resolution")[0].stopped_at) == "mon 11:00"


@pytest.mark.parametrize(
    ("answer", "state", "breached"),
    [("mon 09:59:59", "met", None), ("mon 10:00", "met", None), ("mon 10:00:01", "breached", "mon 10:00")],
)
def test_late_is_strict_when_it_is_done(answer: str, state: str, breached: str | None) -> None:
    done = timer(f"mon 09:00 created\n{answer} agent_reply", FOUR_HOURS, "mon 12:00", "first_response")
    assert (done.state, said(done.breached_at)) == (state, breached)


@pytest.mark.parametrize(("now", "state"), [("mon 10:00", "running"), ("mon 10:00:01", "breached")])
def test_late_is_strict_while_it_is_open(now: str, state: str) -> None:
    assert timer("mon 09:00 created", FOUR_HOURS, now, "first_response").state == state


def test_an_answer_after_the_deadline_is_a_breach_though_nobody_looked() -> None:
    late = timer("mon 10:00 created\nmon 11:03 agent_reply", FOUR_HOURS, "fri 09:00", "first_response")
    assert (said(late.due_at), said(late.breached_at), late.overdue_seconds) == ("mon 11:00", "mon 11:00", 180)


def test_time_off_hours_does_not_count() -> None:
    open_ticket = resolution("mon 16:00 created", FOUR_HOURS, "tue 08:00")
    assert (said(open_ticket.due_at), open_ticket.elapsed_seconds) == ("tue 12:00", 3600)


def test_a_target_used_up_at_closing_time_is_due_at_closing_time() -> None:
    assert due_of("mon 13:00 created", FOUR_HOURS, "mon 13:00") == "mon 17:00"


def test_a_pause_moves_the_deadline_by_its_open_time() -> None:
    text = "mon 09:00 created\nmon 10:00 status pending\nmon 11:30 status open"
    moved = resolution(text, FOUR_HOURS, "mon 12:00")
    assert (said(moved.due_at), moved.paused_seconds, moved.elapsed_seconds) == ("mon 14:30", 5400, 5400)


def test_only_the_open_part_of_a_pause_counts() -> None:
    text = "fri 15:00 created\nfri 16:00 status pending\nmon+1 10:00 status open"
    moved = resolution(text, FOUR_HOURS, "mon+1 10:30")
    assert (said(moved.due_at), moved.paused_seconds) == ("mon+1 13:00", 7200)


def test_a_pause_wholly_off_hours_moves_nothing() -> None:
    text = "mon 16:00 created\nmon 18:00 status pending\ntue 08:30 status open"
    moved = resolution(text, FOUR_HOURS, "tue 10:00")
    assert (said(moved.due_at), moved.paused_seconds) == ("tue 12:00", 0)


def test_every_pause_in_order_of_time_moves_the_deadline() -> None:
    # Without the first pause the deadline (13:00) would lie before the second.
    text = (
        "mon 09:00 created\nmon 12:00 status pending\nmon 14:00 status open\n"
        "mon 14:30 status waiting_customer\nmon 15:00 status open"
    )
    assert due_of(text, FOUR_HOURS, "mon 15:10") == "mon 15:30"


def test_a_pause_that_begins_on_the_deadline_saves_the_target() -> None:
    text = "mon 09:00 created\nmon 13:00 status pending\nmon 14:00 status open"
    saved = resolution(text, FOUR_HOURS, "mon 14:00")
    assert (said(saved.due_at), saved.state) == ("mon 14:00", "running")
    assert resolution(text, FOUR_HOURS, "mon 13:30").state == "paused"


def test_a_pause_that_begins_after_the_deadline_changes_nothing() -> None:
    text = "mon 09:00 created\nmon 13:00:01 status pending\nmon 14:00 status open"
    for now in ("mon 13:30", "mon 14:00"):
        late = resolution(text, FOUR_HOURS, now)
        assert (said(late.due_at), late.state, said(late.breached_at)) == ("mon 13:00", "breached", "mon 13:00")


def test_while_paused_there_is_no_deadline() -> None:
    paused = resolution("mon 09:00 created\nmon 10:00 status pending", FOUR_HOURS, "fri 10:00")
    assert (paused.due_at, paused.state, paused.running_since) == (None, "paused", None)
    assert (paused.elapsed_seconds, paused.remaining_seconds) == (3600, 10800)


def test_breached_beats_paused() -> None:
    text = "mon 09:00 created\nmon 15:00 status pending"
    late = resolution(text, FOUR_HOURS, "tue 12:00")
    assert (late.state, said(late.due_at)) == ("breached", "mon 13:00")
    # Overdue is counted without the pause: two hours before it began.
    assert late.overdue_seconds == 7200


def test_a_ticket_created_in_a_pausing_status_is_paused_from_second_zero() -> None:
    born = resolution("mon 09:00 created status=pending", FOUR_HOURS, "mon 12:00")
    assert (born.state, born.elapsed_seconds, born.paused_seconds) == ("paused", 0, 10800)
    woken = "mon 09:00 created status=pending\nmon 12:00 status open"
    assert due_of(woken, FOUR_HOURS, "mon 12:00") == "mon 16:00"


def test_a_ticket_created_resolved_ends_its_clocks_at_once() -> None:
    evaluation = judged("mon 09:00 created status=resolved", FOUR_HOURS, "tue 09:00")
    done = timers(evaluation, "resolution")[0]
    assert (done.state, done.elapsed_seconds, said(evaluation.resolved_at)) == ("met", 0, "mon 09:00")


def test_only_the_clocks_in_the_pause_list_stop() -> None:
    evaluation = judged("mon 09:00 created\nmon 09:30 status pending", ONLY_RESOLUTION_PAUSES, "mon 09:45")
    states = {t.kind.value: t.state for t in evaluation.timers[:2]}
    assert states == {"first_response": TimerState.RUNNING, "resolution": TimerState.PAUSED}


def test_only_the_pausing_statuses_pause() -> None:
    only_waiting = rules(resolution="4h", settings='pause_statuses = ["waiting_customer"]')
    assert resolution("mon 09:00 created\nmon 10:00 status pending", only_waiting, "mon 12:00").state == "running"
    waiting = "mon 09:00 created\nmon 10:00 status waiting_customer"
    assert resolution(waiting, only_waiting, "mon 12:00").state == "paused"


def test_from_one_pausing_status_to_another_is_one_pause() -> None:
    text = "mon 09:00 created\nmon 10:00 status pending\nmon 11:00 status waiting_customer\nmon 12:00 status open"
    moved = resolution(text, FOUR_HOURS, "mon 12:00")
    assert (moved.paused_seconds, said(moved.due_at)) == (7200, "mon 15:00")


def test_a_stopped_timer_keeps_its_deadline() -> None:
    text = "mon 09:00 created\nmon 10:00 status pending\nmon 11:00 status open\nmon 12:00 status resolved"
    assert due_of(text, FOUR_HOURS, "fri 12:00") == "mon 14:00"


def test_a_timer_stopped_while_paused_has_the_deadline_of_being_resumed_then() -> None:
    text = "mon 09:00 created\nmon 10:00 status pending\nmon 11:00 status resolved"
    stopped = resolution(text, FOUR_HOURS, "fri 12:00")
    assert (said(stopped.due_at), stopped.state, stopped.paused_seconds) == ("mon 14:00", "met", 3600)


def test_what_follows_a_stop_changes_nothing_about_it() -> None:
    text = "mon 09:00 created\nmon 09:30 agent_reply\nmon 10:00 status pending\nmon 11:00 status open"
    stopped = timer(text, FOUR_HOURS, "mon 16:00", "first_response")
    assert (stopped.paused_seconds, stopped.elapsed_seconds, said(stopped.due_at)) == (0, 1800, "mon 10:00")


def test_an_overnight_deadline_overdue_counts_open_time_only() -> None:
    late = resolution("mon 13:00 created", FOUR_HOURS, "tue 10:00")
    assert (late.overdue_seconds, late.remaining_seconds, late.elapsed_seconds) == (3600, 0, 18000)


def test_a_target_of_business_days() -> None:
    days = rules(resolution="2bd")
    waiting = resolution("mon 10:30 created", days, "mon 10:30")
    assert (said(waiting.due_at), waiting.target_seconds) == ("wed 10:30", 2 * 8 * 3600)
    # Opened on Saturday, it starts with Monday's opening.
    assert due_of("sat 12:00 created", days, "sat 12:00") == "wed+1 09:00"


def test_pauses_come_on_top_of_business_days() -> None:
    text = "mon 10:30 created\ntue 16:00 status pending\nwed 10:00 status open"
    moved = resolution(text, rules(resolution="2bd"), "wed 10:15")
    assert (said(moved.due_at), moved.paused_seconds) == ("wed 12:30", 7200)


def test_an_always_open_calendar_counts_every_second() -> None:
    text = "sat 22:00 created\nsat 23:00 status pending\nsun 01:00 status open"
    assert due_of(text, ALWAYS, "sun 01:00") == "sun 04:00"


def test_a_target_that_the_policy_does_not_have_has_no_timer() -> None:
    evaluation = judged("mon 09:00 created", rules(resolution="4h"), "mon 10:00")
    assert [t.kind.value for t in evaluation.timers if t.target_seconds] == ["resolution"]


def test_running_since_and_consumed_add_up_to_elapsed() -> None:
    text = "mon 09:00 created\nmon 10:00 status pending\nmon 11:00 status open"
    running = resolution(text, FOUR_HOURS, "mon 11:30")
    assert (said(running.running_since), running.consumed_seconds, running.elapsed_seconds) == ("mon 11:00", 3600, 5400)


def test_interrupted_for_no_time_a_pause_is_one_pause() -> None:
    text = (
        "mon 09:00 created\nmon 13:00 status pending\nmon 18:00 status open\nmon 18:00 status pending\n"
        "tue 10:00 status open"
    )
    assert due_of(text, FOUR_HOURS, "tue 10:00") == "tue 10:00"


def test_a_deadline_in_business_days_is_never_before_its_start() -> None:
    """The hours that begin on Wednesday are over before the night that began on Tuesday."""
    nights = '[calendars.nights]\ntimezone = "UTC"\nweekly = { mon-sun = ["22:00-06:00"] }\n'
    nights += 'dates = { "2026-03-04" = ["01:00-04:15"] }\n'
    promised = policies(policy("all", "", 'default = { resolution = "1bd" }', "nights"), nights)
    found = resolution("wed 05:00 created", promised, "wed 05:00")
    assert (said(found.due_at), found.state, found.target_seconds) == ("wed 05:00", "running", 0)
