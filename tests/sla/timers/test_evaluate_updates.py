"""Updates: while the ticket is open, a public agent reply is due at least this often."""

from stories import fired, judged, policies, policy, said, timer, timers

from slactl.sla.timers.timer import Evaluation

STEPS = '[[escalation]]\nid = "silent"\non = "update"\nlevel = [{ id = "late", at = "0m", note = "x" }]\n'
RULES = policies(policy("all", "", 'default = { update = "2h", resolution = "8h" }', "always"), STEPS)
OPENED = "mon 09:00 created\n"


def cycles(evaluation: Evaluation) -> list[tuple[int, str | None, str | None, str]]:
    """The updates: their number, their start, their deadline and their state."""
    found = timers(evaluation, "update")
    return [(each.cycle, said(each.started_at), said(each.due_at), each.state.value) for each in found]


def test_the_first_public_reply_starts_the_first_cycle_and_each_reply_the_next() -> None:
    assert cycles(judged(OPENED, RULES, "mon 12:00")) == []
    text = f"{OPENED}mon 10:00 agent_reply\nmon 11:30 agent_reply\nmon 14:00 agent_reply"
    assert cycles(judged(text, RULES, "mon 15:00")) == [
        (1, "mon 10:00", "mon 12:00", "met"),
        (2, "mon 11:30", "mon 13:30", "breached"),
        (3, "mon 14:00", "mon 16:00", "running"),
    ]


def test_notes_and_messages_of_the_customer_do_not_count() -> None:
    text = f"{OPENED}mon 10:00 agent_reply\nmon 11:00 note\nmon 11:30 customer_reply"
    assert cycles(judged(text, RULES, "mon 12:00:01")) == [(1, "mon 10:00", "mon 12:00", "breached")]
    assert fired(text, RULES, "mon 12:30") == ["mon 12:00 silent late"]


def test_resolution_ends_the_last_cycle_and_reopening_starts_none() -> None:
    text = f"{OPENED}mon 10:00 agent_reply\nmon 11:00 status resolved\nmon 11:30 agent_reply\nmon 13:00 status open"
    assert cycles(judged(text, RULES, "mon 20:00")) == [(1, "mon 10:00", "mon 12:00", "met")]
    again = f"{text}\nmon 14:00 agent_reply"
    assert cycles(judged(again, RULES, "mon 15:00"))[1:] == [(2, "mon 14:00", "mon 16:00", "running")]


def test_it_pauses_by_default_while_the_customer_has_to_act() -> None:
    text = f"{OPENED}mon 10:00 agent_reply\nmon 10:00 status waiting_customer"
    assert cycles(judged(text, RULES, "mon 15:00")) == [(1, "mon 10:00", None, "paused")]
    assert timer(f"{text}\nmon 15:00 status open", RULES, "mon 15:00", "update").paused_seconds == 5 * 3600
    assert said(timer(f"{text}\nmon 15:00 status open", RULES, "mon 15:00", "update").due_at) == "mon 17:00"


def test_an_outbound_ticket_opens_with_its_first_public_reply_and_no_first_response() -> None:
    text = "mon 09:00 created outbound=true"
    promised = policies(
        policy("all", "", 'default = { first_response = "1h", next_response = "1h", update = "2h" }', "always"),
        settings='next_response_from = "creation"',
    )
    evaluation = judged(text, promised, "mon 10:00")
    assert cycles(evaluation) == [(1, "mon 09:00", "mon 11:00", "running")]
    assert timers(evaluation, "first_response") + timers(evaluation, "next_response") == []
    waiting = judged(f"{text}\nmon 09:30 customer_reply", promised, "mon 10:00")
    assert [said(each.due_at) for each in timers(waiting, "next_response")] == ["mon 10:30"]


def test_a_deadline_by_hand_is_for_the_open_cycle_alone() -> None:
    text = f"{OPENED}mon 10:00 agent_reply\nmon 10:30 due_set update mon 18:00\nmon 11:00 agent_reply"
    assert cycles(judged(text, RULES, "mon 12:00")) == [
        (1, "mon 10:00", "mon 18:00", "met"),
        (2, "mon 11:00", "mon 13:00", "running"),
    ]
