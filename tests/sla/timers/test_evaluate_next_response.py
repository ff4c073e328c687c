"""The exchanges after the first response: who waits for whom, since when."""

import pytest
from stories import judged, rules, said, timer, timers

RULES = rules(first_response="1h", next_response="2h", resolution="8h", calendar="always")
FROM_CREATION = rules(
    first_response="1h", next_response="2h", calendar="always", settings='next_response_from = "creation"'
)
ANSWERED = "mon 09:00 created\nmon 09:30 agent_reply\n"


def exchanges(text: str, promised: object = RULES, now: str = "tue 09:00") -> list[tuple[int, str | None, str | None]]:
    """Cycle, start and stop of each exchange."""
    found = timers(judged(text, promised, now), "next_response")  # type: ignore[arg-type]
    return [(each.cycle, said(each.started_at), said(each.stopped_at)) for each in found]


def test_messages_before_the_first_response_wait_for_that() -> None:
    assert exchanges("mon 09:00 created\nmon 09:10 customer_reply\nmon 09:30 agent_reply") == []


def test_an_exchange_starts_with_the_customers_message() -> None:
    waiting = timer(ANSWERED + "mon 10:00 customer_reply", RULES, "mon 11:00", "next_response")
    assert (said(waiting.started_at), said(waiting.due_at), waiting.state) == ("mon 10:00", "mon 12:00", "running")


def test_the_oldest_unanswered_message_counts() -> None:
    text = ANSWERED + "mon 10:00 customer_reply\nmon 11:00 customer_reply\nmon 11:30 customer_reply"
    assert exchanges(text) == [(1, "mon 10:00", None)]


def test_it_ends_with_the_next_agent_reply() -> None:
    text = ANSWERED + "mon 10:00 customer_reply\nmon 10:20 note\nmon 11:00 agent_reply\nmon 11:10 agent_reply"
    assert exchanges(text) == [(1, "mon 10:00", "mon 11:00")]


def test_it_ends_with_resolution() -> None:
    assert exchanges(ANSWERED + "mon 10:00 customer_reply\nmon 11:00 status resolved") == [
        (1, "mon 10:00", "mon 11:00")
    ]


def test_each_exchange_is_a_cycle_of_its_own() -> None:
    text = ANSWERED + "mon 10:00 customer_reply\nmon 13:00 agent_reply\nmon 14:00 customer_reply\nmon 15:00 agent_reply"
    late, kept = timers(judged(text, RULES, "tue 09:00"), "next_response")
    assert (late.cycle, late.state, late.overdue_seconds) == (1, "breached", 3600)
    assert (kept.cycle, kept.state, kept.elapsed_seconds) == (2, "met", 3600)


@pytest.mark.parametrize("reopen", ["reset", "frozen"])
def test_a_first_response_that_resolving_ended_is_over(reopen: str) -> None:
    text = "mon 09:00 created\nmon 10:00 status resolved\nmon 11:00 customer_reply\nmon 11:00 status open"
    over = rules(first_response="1h", next_response="2h", calendar="always", settings=f'reopen = "{reopen}"')
    assert exchanges(text, over) == [(1, "mon 11:00", None)]


def test_a_first_response_that_reopening_continues_is_what_messages_wait_for() -> None:
    text = "mon 09:00 created\nmon 10:00 status resolved\nmon 11:00 customer_reply\nmon 11:00 status open"
    assert exchanges(text) == []
    assert exchanges(text + "\nmon 11:10 customer_reply\nmon 11:30 agent_reply") == []
    assert exchanges(text + "\nmon 11:30 agent_reply\nmon 12:00 customer_reply") == [(1, "mon 12:00", None)]


def test_from_creation_a_message_after_reopening_waits_beside_the_first_response() -> None:
    text = "mon 09:00 created\nmon 10:00 status resolved\nmon 11:00 status open\nmon 12:00 customer_reply"
    assert exchanges(text, FROM_CREATION) == [(1, "mon 09:00", "mon 10:00"), (2, "mon 12:00", None)]


def test_after_reopening_the_old_exchange_stays_ended() -> None:
    text = ANSWERED + "mon 10:00 customer_reply\nmon 11:00 status resolved\nmon 12:00 status open"
    assert exchanges(text) == [(1, "mon 10:00", "mon 11:00")]


def test_a_message_and_its_reopening_at_one_instant_start_an_exchange_in_either_order() -> None:
    done = ANSWERED + "mon 10:00 status resolved\n"
    assert exchanges(done + "mon 12:00 customer_reply\nmon 12:00 status open") == [(1, "mon 12:00", None)]
    assert exchanges(done + "mon 12:00 status open\nmon 12:00 customer_reply") == [(1, "mon 12:00", None)]


def test_a_message_on_a_ticket_that_is_over_waits_only_once_it_is_reopened() -> None:
    thanked = ANSWERED + "mon 10:00 status resolved\nmon 11:00 customer_reply\n"
    assert exchanges(thanked) == []
    reopened = timer(thanked + "mon 13:00 status open", RULES, "mon 14:00", "next_response")
    # It has waited since 11:00, but the time the ticket was closed does not count.
    assert (said(reopened.started_at), said(reopened.due_at)) == ("mon 11:00", "mon 15:00")
    assert (reopened.elapsed_seconds, reopened.paused_seconds) == (3600, 0)


def test_a_reply_on_a_ticket_that_is_over_leaves_nothing_waiting() -> None:
    text = ANSWERED + "mon 10:00 status resolved\nmon 11:00 customer_reply\nmon 12:00 agent_reply\n"
    assert exchanges(text + "mon 13:00 status open") == []


def test_from_creation_the_opening_message_already_waits() -> None:
    assert exchanges("mon 09:00 created\nmon 09:10 customer_reply", FROM_CREATION) == [(1, "mon 09:00", None)]
    text = ANSWERED + "mon 10:00 customer_reply"
    assert exchanges(text, FROM_CREATION) == [(1, "mon 09:00", "mon 09:30"), (2, "mon 10:00", None)]


def test_from_creation_resolving_ends_the_opening_exchange() -> None:
    assert exchanges("mon 09:00 created\nmon 10:00 status resolved", FROM_CREATION) == [(1, "mon 09:00", "mon 10:00")]


def test_an_exchange_is_paused_where_the_pause_list_says_so() -> None:
    text = ANSWERED + "mon 10:00 customer_reply\nmon 11:00 status pending"
    assert timer(text, RULES, "mon 15:00", "next_response").state == "paused"
    running = rules(next_response="2h", calendar="always", settings='pause = ["resolution"]')
    assert timer(text, running, "mon 11:30", "next_response").state == "running"


def test_an_exchange_that_begins_in_a_pause_is_paused_from_second_zero() -> None:
    text = ANSWERED + "mon 09:40 status pending\nmon 10:00 customer_reply\nmon 11:00 status open"
    moved = timer(text, RULES, "mon 11:00", "next_response")
    assert (said(moved.due_at), moved.paused_seconds, moved.elapsed_seconds) == ("mon 13:00", 3600, 0)
