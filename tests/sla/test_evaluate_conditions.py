"""The conditions ladders can watch: episodes that begin, end and begin again."""

from datetime import timedelta

from stories import judged, policies, rules, said, timers, when

from slactl.sla.conditions import bursts_begun

RULES = rules(resolution="4h", calendar="always")
OFFICE = rules(resolution="4h")


def episodes(text: str, kind: str, now: str = "tue 09:00") -> list[tuple[int, str | None, str | None]]:
    """Cycle, start and stop of each episode."""
    return [(t.cycle, said(t.started_at), said(t.stopped_at)) for t in timers(judged(text, RULES, now), kind)]


def test_unassigned_is_open_without_assignee() -> None:
    text = (
        "mon 09:00 created\nmon 10:00 assigned ann\nmon 11:00 assigned null\nmon 12:00 status resolved\n"
        "mon 13:00 status open"
    )
    assert episodes(text, "unassigned") == [
        (1, "mon 09:00", "mon 10:00"),
        (2, "mon 11:00", "mon 12:00"),
        (3, "mon 13:00", None),
    ]


def test_assigned_from_the_beginning_is_no_episode() -> None:
    assert episodes("mon 09:00 created assignee=ann", "unassigned") == []


def test_assigned_at_the_instant_of_opening_is_no_episode() -> None:
    assert episodes("mon 09:00 created\nmon 09:00 assigned ann", "unassigned") == []


def test_a_quiet_spell_begins_with_each_act_of_an_agent() -> None:
    text = (
        "mon 09:00 created\nmon 10:00 assigned ann\nmon 11:00 agent_reply\nmon 12:00 customer_reply\n"
        "mon 13:00 note\nmon 14:00 assigned bob\nmon 15:00 assigned null"
    )
    assert episodes(text, "idle") == [
        (1, "mon 10:00", "mon 11:00"),
        (2, "mon 11:00", "mon 13:00"),
        (3, "mon 13:00", "mon 14:00"),
        (4, "mon 14:00", "mon 15:00"),
    ]


def test_a_pause_or_a_resolution_ends_a_quiet_spell() -> None:
    text = (
        "mon 09:00 created assignee=ann\nmon 10:00 status pending\nmon 11:00 note\nmon 12:00 status open\n"
        "mon 13:00 status resolved\nmon 14:00 status open"
    )
    assert episodes(text, "idle") == [
        (1, "mon 09:00", "mon 10:00"),
        (2, "mon 12:00", "mon 13:00"),
        (3, "mon 14:00", None),
    ]


def test_a_note_left_by_a_ladder_is_nobodys_work() -> None:
    assert episodes("mon 09:00 created assignee=ann\nmon 10:00 system note", "idle") == [(1, "mon 09:00", None)]


def test_a_status_that_is_so_already_is_no_act() -> None:
    assert episodes("mon 09:00 created assignee=ann\nmon 10:00 status open", "idle") == [(1, "mon 09:00", None)]


def test_created_begins_with_the_ticket_and_stands_still_while_it_is_closed() -> None:
    text = "mon 09:00 created\nmon 10:00 status closed\nmon 12:00 status open"
    assert episodes(text, "created", "mon 11:00") == [(1, "mon 09:00", "mon 10:00")]
    again = timers(judged(text, RULES, "mon 13:00"), "created")[0]
    assert (again.stopped_at, again.elapsed_seconds, said(again.running_since)) == (None, 7200, "mon 12:00")


def test_a_burst_concerns_the_escalations_it_was_counted_for() -> None:
    assert episodes("mon 09:00 created", "burst") == []
    text = "mon 09:00 created bursts=flood,\nmon 11:00 status resolved"
    burst = timers(judged(text, RULES, "mon 10:00"), "burst")[0]
    assert (burst.clock_run.escalations, said(burst.started_at), burst.stopped_at) == (("flood",), "mon 09:00", None)
    assert episodes(text, "burst", "tue 09:00") == [(1, "mon 09:00", "mon 11:00")]


def test_conditions_count_on_the_tickets_calendar_and_are_not_paused() -> None:
    unassigned = timers(judged("mon 16:00 created\nmon 16:30 status pending", OFFICE, "tue 10:00"), "unassigned")[0]
    assert (unassigned.elapsed_seconds, unassigned.state, unassigned.target_seconds) == (7200, "running", None)


BURST = """
[[escalation]]
id = "flood"
on = "burst"
burst = { count = 3, within = "1h" }
[[escalation.level]]
id = "tell"
at = "0m"
note = "A flood."
"""


def test_the_count_th_open_ticket_within_the_time_begins_a_burst() -> None:
    promised, opened = policies(BURST), when("mon 12:00")

    def begun(*minutes_ago: float) -> list[str]:
        return bursts_begun(promised, opened, [opened - timedelta(minutes=each) for each in minutes_ago])

    assert begun(10) == []
    assert begun(10, 20) == ["flood"]
    assert begun(10, 60) == ["flood"]
    assert begun(10, 60.1) == []
    # One burst is one episode: the fourth ticket begins no other.
    assert begun(10, 20, 30) == []
