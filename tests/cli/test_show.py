"""`show`: one ticket with all that belongs to it."""

import csv
import io
import json
import re

import pytest
from conftest import Slactl

pytest_plugins = ["busy_desk"]

pytestmark = pytest.mark.usefixtures("busy")


def shown(slactl: Slactl, *words: str) -> dict[str, object]:
    result = slactl("show", "--json", *words)
    assert result.code == 0, result.err
    record: dict[str, object] = json.loads(result.out)
    return record


def test_one_id_gives_one_object_that_begins_like_a_listed_ticket(slactl: Slactl) -> None:
    ticket = shown(slactl, "5")
    listed = json.loads(slactl("list", "--assignee", "bob", "--json").out)[0]
    assert list(ticket) == [*listed, "timers", "messages", "escalations", "events"]
    assert {name: ticket[name] for name in listed} == listed


def test_timers(slactl: Slactl) -> None:
    first, resolution = shown(slactl, "5")["timers"]  # type: ignore[misc]
    assert first == {
        "target": "first_response",
        "cycle": 1,
        "target_seconds": 86400,
        "started_at": "2026-03-02T08:00:00Z",
        "due_at": "2026-03-03T08:00:00Z",
        "state": "met",
        "stopped_at": "2026-03-02T09:00:00Z",
        "breached_at": None,
        "detected_at": None,
        "running_since": None,
        "consumed_seconds": 3600,
        "manual": False,
    }
    assert (resolution["target"], resolution["state"], resolution["stopped_at"]) == ("resolution", "running", None)


def test_a_timer_that_ran_out_since_the_last_write_is_breached(slactl: Slactl) -> None:
    first, resolution = shown(slactl, "6")["timers"]  # type: ignore[misc]
    assert (first["state"], first["breached_at"]) == ("breached", "2026-03-02T11:00:00Z")
    assert (resolution["state"], resolution["breached_at"]) == ("running", None)


def test_messages_in_the_order_of_time(slactl: Slactl) -> None:
    messages = shown(slactl, "1")["messages"]
    assert messages == [
        {"event_id": 3, "at": "2026-02-20T09:00:00Z", "type": "agent_reply", "actor": "ann", "body": "Looking into it."}
        | {"retracted": False}
    ]
    opening = shown(slactl, "5")["messages"]
    assert [(m["type"], m["body"]) for m in opening] == [  # type: ignore[attr-defined]
        ("created", "It takes 100% ages."),
        ("agent_reply", None),
    ]


def test_escalations_and_events(slactl: Slactl) -> None:
    ticket = shown(slactl, "5")
    (escalation,) = ticket["escalations"]  # type: ignore[misc]
    assert " ".join(escalation) == (
        "id ticket_id source escalation level repeat reason due_at fired_at outcome actor "
        "from_priority to_priority from_assignee to_assignee run_id"
    )
    assert (escalation["source"], escalation["reason"]) == ("manual", "customer called twice")
    actions = [event["action"] for event in ticket["events"]]  # type: ignore[attr-defined]
    assert actions[0] == "ticket.create"
    assert "ticket.escalate" in actions


def test_an_external_id_will_do(slactl: Slactl) -> None:
    assert shown(slactl, "INC4")["id"] == 4
    assert shown(slactl, "ext:INC4")["id"] == 4


def test_several_ids_give_an_array(slactl: Slactl) -> None:
    tickets = json.loads(slactl("show", "6", "INC4", "6", "--json").out)
    assert [ticket["id"] for ticket in tickets] == [6, 4]


def test_ids_from_stdin_give_an_array(slactl: Slactl) -> None:
    assert [ticket["id"] for ticket in json.loads(slactl("show", "-", "--json", stdin="6\n").out)] == [6]


def test_no_ids_on_stdin_is_a_success(slactl: Slactl) -> None:
    result = slactl("show", "-", "--json", stdin="")
    assert (result.code, result.out) == (0, "[]\n")
    assert slactl("show", "-", stdin="").out == ""


def test_fields(slactl: Slactl) -> None:
    assert json.loads(slactl("show", "6", "--json", "--fields", "subject,id").out) == {
        "subject": "VPN is down",
        "id": 6,
    }
    assert slactl("show", "6", "--fields", "id,subject").out == "id\t6\nsubject\tVPN is down\n"


def test_a_pipe_gets_one_field_a_line_and_one_line_for_each_part(slactl: Slactl) -> None:
    lines = slactl("show", "5").lines
    assert "subject\tSlow report" in lines
    assert "tags\treports,vip" in lines or "tags\tvip,reports" in lines
    assert [line.split("\t")[1] for line in lines if line.startswith("timer\t")] == ["first_response", "resolution"]
    assert len([line for line in lines if line.startswith("event\t")]) == len(
        json.loads(slactl("history", "5", "--json").out)
    )


def test_several_tickets_on_a_pipe_have_a_line_between_them(slactl: Slactl) -> None:
    assert slactl("show", "6", "4", "--fields", "id").out == "id\t6\n\nid\t4\n"


def test_other_forms(slactl: Slactl) -> None:
    assert slactl("show", "6", "INC4", "-q").out == "6\n4\n"
    (row,) = csv.DictReader(io.StringIO(slactl("show", "6", "--format", "csv").out))
    assert (row["id"], "events" in row) == ("6", False)
    assert [json.loads(line)["id"] for line in slactl("show", "6", "4", "--format", "jsonl").lines] == [6, 4]


def test_on_a_terminal(slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = [line.rstrip() for line in slactl("show", "6", "--format", "table").lines]
    assert lines[:13] == [
        "#6  VPN is down",
        "open · urgent · unassigned · overdue",
        "",
        "Time zone     UTC",
        "Due           Mon 2026-03-02 11:00, 1h late, first response",
        "Requester     it@acme.example",
        "Tenant        acme",
        "Plan          enterprise",
        "Policy        enterprise",
        "Tags          vip",
        "Created       Mon 2026-03-02 09:00, 3h ago",
        "Updated       Mon 2026-03-02 09:00, 3h ago",
        "",
    ]
    assert "first response  breached  ██████████  2h        2026-03-02 11:00  1h late" in lines
    assert "resolution      running   ██░░░░░░░░  12h       2026-03-02 21:00  in 9h" in lines


@pytest.mark.parametrize("form", ["table", "plain", "json", "jsonl", "csv"])
def test_hostile_text_does_nothing(form: str, slactl: Slactl) -> None:
    out = slactl("show", "8", "--format", form).out
    assert "[bold red]Sale[/]" in out
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", out)


def test_an_unknown_id_is_not_known(slactl: Slactl) -> None:
    for reference in ("99", "NOPE", "0", "-1", str(2**63), "9" * 400, "\x1b[31m"):
        result = slactl("show", "--", reference)
        assert (result.code, result.out) == (3, ""), reference
        assert result.err.startswith("error: no ticket has")
        assert "\x1b" not in result.err


def test_one_unknown_id_among_others_does_not_keep_the_rest_back(slactl: Slactl) -> None:
    result = slactl("show", "99", "6", "-q")
    assert (result.code, result.out) == (7, "6\n")
    assert "99" in result.err


def test_only_unknown_ids_are_each_said(slactl: Slactl) -> None:
    result = slactl("show", "98", "99")
    assert (result.code, result.out) == (3, "")
    assert "98" in result.err
    assert "99" in result.err


def test_a_wrong_field_is_refused(slactl: Slactl) -> None:
    result = slactl("show", "6", "--fields", "timer")
    assert result.code == 2
    assert "timers" in result.err
