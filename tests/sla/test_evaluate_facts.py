"""The facts of a ticket besides its deadlines, and what evaluating must never depend on."""

import pytest
from stories import judged, rules, said, story, when

from slactl.sla.enums import EventType
from slactl.sla.history import Event
from slactl.sla.timers import evaluate

RULES = rules(first_response="1h", resolution="4h", calendar="always")


def test_the_last_value_of_every_fact_holds() -> None:
    text = (
        "mon 09:00 created priority=low assignee=ann tags=a,b requester_email=kim@Example.org\n"
        "mon 09:10 assigned bob\nmon 09:20 tags b c\nmon 09:30 priority high\nmon 09:40 tenant acme"
    )
    evaluation = judged(text, RULES, "mon 10:00")
    assert (evaluation.assignee, evaluation.tags, evaluation.priority) == ("bob", ("b", "c"), "high")
    assert (evaluation.tenant, evaluation.requester_domain) == ("acme", "example.org")
    assert (said(evaluation.created_at), said(evaluation.updated_at)) == ("mon 09:00", "mon 09:40")


def test_what_is_not_said_at_creation_has_a_default() -> None:
    evaluation = judged("mon 09:00 created", RULES, "mon 09:00")
    assert (evaluation.status, evaluation.priority, evaluation.plan) == ("open", "normal", "free")
    assert (evaluation.assignee, evaluation.tags, evaluation.requester_domain) == (None, (), None)


def test_only_created_and_status_set_the_status() -> None:
    text = "mon 09:00 created\nmon 09:10 agent_reply\nmon 09:20 customer_reply\nmon 09:30 escalated reason=late"
    assert judged(text, RULES, "mon 10:00").status == "open"


def test_events_after_now_do_not_matter() -> None:
    text = "mon 09:00 created\nmon 10:00 status resolved"
    assert judged(text, RULES, "mon 09:59:59").status == "open"
    assert judged(text, RULES, "mon 10:00").status == "resolved"


def test_events_of_one_instant_keep_their_order() -> None:
    text = "mon 09:00 created\nmon 10:00 status resolved\nmon 10:00 status open\nmon 10:00 status pending"
    assert judged(text, RULES, "mon 10:00").status == "pending"


def test_a_ticket_that_is_not_open_yet_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="not opened yet"):
        judged("mon 09:00 created", RULES, "mon 08:59")
    with pytest.raises(ValueError, match="not opened yet"):
        evaluate([], lambda _: RULES, when("mon 09:00"))


def test_a_history_that_does_not_begin_with_created_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with note"):
        evaluate([Event(when("mon 09:00"), EventType.NOTE)], lambda _: RULES, when("mon 09:00"))


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_replies_on_a_ticket_that_is_over_do_no_harm(status: str) -> None:
    text = f"mon 09:00 created\nmon 09:30 status {status}\nmon 10:00 agent_reply\nmon 11:00 customer_reply"
    evaluation = judged(text, RULES, "tue 09:00")
    assert (evaluation.status, evaluation.due_at, said(evaluation.resolved_at)) == (status, None, "mon 09:30")


def test_the_earliest_open_deadline_is_the_tickets_own() -> None:
    evaluation = judged("mon 09:00 created", RULES, "mon 12:00")
    assert (said(evaluation.due_at), evaluation.due_target) == ("mon 10:00", "first_response")
    answered = judged("mon 09:00 created\nmon 09:30 agent_reply", RULES, "mon 12:00")
    assert (said(answered.due_at), answered.due_target) == ("mon 13:00", "resolution")


def test_escalation_counts_distinct_levels_and_every_persons_escalation() -> None:
    text = (
        "mon 09:00 created\n"
        "mon 09:10 system escalated escalation=fr level=warn warning=true\n"
        "mon 09:20 system escalated escalation=fr level=breach\n"
        "mon 09:30 system escalated escalation=fr level=breach repeat=1\n"
        "mon 09:40 system escalated escalation=fr level=manager\n"
        "mon 09:50 escalated reason=call\n"
        "mon 09:55 escalated reason=call"
    )
    assert judged(text, RULES, "mon 09:10").escalated is False
    assert judged(text, RULES, "mon 09:20").escalated is True
    assert judged(text, RULES, "mon 10:00").escalation_level == 4


def test_an_acknowledgement_holds_until_it_ends_or_is_withdrawn() -> None:
    text = "mon 09:00 created\nmon 09:10 acknowledged mon 12:00\nmon 11:00 unacknowledged"
    assert said(judged(text, RULES, "mon 10:00").acked_until) == "mon 12:00"
    assert judged(text, RULES, "mon 11:00").acked_until is None
    assert judged("mon 09:00 created\nmon 09:10 acknowledged mon 12:00", RULES, "mon 12:00").acked_until is None


def test_instants_in_details_may_be_stored_text() -> None:
    history = story("mon 09:00 created")
    due = {"target": "resolution", "due_at": "2026-03-02T16:00:00Z"}
    history.append(Event(when("mon 10:00"), EventType.DUE_SET, due))
    history.append(Event(when("mon 10:00"), EventType.ACKNOWLEDGED, {"until": "2026-03-02T12:00:00Z"}))
    evaluation = evaluate(history, lambda _: RULES, when("mon 10:30"))
    assert said(evaluation.timers[1].due_at) == "mon 16:00"
    assert said(evaluation.acked_until) == "mon 12:00"


def test_an_edited_requester_changes_the_domain_and_no_policy() -> None:
    text = "mon 09:00 created requester_email=a@old.example\nmon 10:00 edited requester_domain=new.example"
    evaluation = judged(text, RULES, "mon 10:00")
    assert (evaluation.requester_domain, evaluation.policy) == ("new.example", "all")


def test_a_requester_that_is_no_address_has_no_domain() -> None:
    assert judged("mon 09:00 created requester_email=Caller-2403", RULES, "mon 09:00").requester_domain is None
