"""Opening and changing tickets: what works, what is refused, what scripts get."""

import json
import shlex
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

#: The fields of a ticket in machine output; scripts rely on them.
FIELDS = """id external_id source tenant plan requester_email subject status priority assignee tags policy
    created_at updated_at
    first_response_due_at first_responded_at first_response_state next_response_due_at next_response_state
    update_due_at update_state
    resolution_due_at resolved_at resolution_state due_at due_target overdue_seconds breached ever_breached escalated
    escalation_level acked_until pending_until next_escalation next_level next_level_at"""


pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def one(desk: Path, slactl: Slactl) -> str:
    """A ticket that is open."""
    return slactl("create", "Printer on fire", "--from", "ann@example.com").out.strip()


@pytest.fixture
def closed(one: str, slactl: Slactl) -> str:
    """A ticket that is closed."""
    assert slactl("close", one).code == 0
    return one


def ticket(slactl: Slactl, number: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(slactl("show", number, "--json").out)
    return found


def rows(desk: Path) -> tuple[int, int]:
    with sqlite3.connect(desk) as connection:
        counted = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("ticket", "event")]
    return counted[0], counted[1]


def test_create_prints_the_id_and_keeps_what_was_said(desk: Path, slactl: Slactl) -> None:
    made = slactl(
        *("create", "VPN down", "--from", "it@acme.example", "--plan", "enterprise", "--priority", "urgent"),
        *("--assignee", "mia", "--tag", "vpn", "--tag", "vip", "--external-id", "INC7", "--body", "Since nine."),
    )
    assert (made.code, made.out) == (0, "1\n")
    found = ticket(slactl, "INC7")
    assert found["id"] == 1
    assert (found["subject"], found["requester_email"]) == ("VPN down", "it@acme.example")
    assert (found["plan"], found["priority"], found["assignee"], found["tags"]) == (
        "enterprise",
        "urgent",
        "mia",
        ["vpn", "vip"],
    )
    assert [message["body"] for message in found["messages"]] == ["Since nine."]


def test_create_as_json_prints_the_whole_ticket(desk: Path, slactl: Slactl) -> None:
    made = slactl("create", "VPN down", "--from", "it@acme.example", "--json")
    assert list(json.loads(made.out)) == [*FIELDS.split(), "changes", "dry_run"]


def test_a_dry_run_writes_nothing(one: str, desk: Path, slactl: Slactl) -> None:
    before = rows(desk)
    for command in (
        ("create", "Another", "--from", "ann@example.com", "-n"),
        ("reply", one, "--no-body", "-n"),
        ("priority", one, "urgent", "-n"),
        ("resolve", one, "-n"),
        ("escalate", one, "--reason", "loud", "-n"),
    ):
        shown = slactl(*command)
        assert shown.code == 0, shown.err
        assert shown.out.startswith("dry run, not done: #")
    assert rows(desk) == before
    assert ticket(slactl, one)["status"] == "open"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create", "", "--from", "ann@example.com"), 2, "subject is empty"),
        (("create", "   ", "--from", "ann@example.com"), 2, "subject is empty"),
        (("create", "x", "--from", "ann"), 2, "not a valid e-mail address"),
        (("create", "x", "--from", "ann@exa mple.com"), 2, "not a valid e-mail address"),
        (("create", "x"), 2, "--from"),
        (("create", "x\x00y", "--from", "ann@example.com"), 2, "NUL"),
        (("create", "x\udcff", "--from", "ann@example.com"), 2, "UTF-8"),
        (("create", "x", "--from", "ann@example.com", "--plan", "entreprise"), 3, "did you mean enterprise"),
        (("create", "x", "--from", "ann@example.com", "--tenant", "acme"), 3, "no tenant 'acme'"),
        (("create", "x", "--from", "ann@example.com", "--priority", "urgnt"), 2, "urgent"),
        (("create", "x", "--from", "ann@example.com", "--at", "in 2h"), 2, "future"),
        (("create", "x", "--from", "ann@example.com", "--at", "soonish"), 2, "not a valid time"),
        (("create", "x", "--from", "ann@example.com", "--tag", "a,b"), 2, "comma"),
        (("show", "99"), 3, "99"),
        (("reply", "99", "--no-body"), 3, "99"),
        (("reply", "nobody", "--no-body"), 3, "nobody"),
        (("priority", "1", "hihg"), 2, "did you mean high"),
        (("priority", "high"), 2, "name at least one ticket"),
        (("status", "1", "don"), 2, "resolved"),
        (("assign", "1"), 2, "--to"),
        (("note", "1"), 2, "note is empty"),
        (("tag", "1"), 2, "at least one tag"),
        (("edit", "1"), 2, "nothing to change"),
        (("due", "1", "--target", "resolution", "--at", "in 4h"), 5, "reason"),
        (("reopen", "1"), 5, "is open"),
        (("unack", "1"), 5, "not acknowledged"),
        (("reply", "1", "--no-body", "--at", "2026-03-01T09:00:00Z"), 5, "opened at"),
        (("replyy", "1"), 2, "no command"),
    ],
)
def test_bad_input_is_one_line_with_a_code_and_writes_nothing(
    one: str, desk: Path, slactl: Slactl, arguments: tuple[str, ...], code: int, said: str
) -> None:
    before = rows(desk)
    refused = slactl(*arguments)
    assert refused.code == code, refused.err
    assert refused.out == ""
    assert said in refused.err
    assert refused.err.startswith("error: ")
    assert "Traceback" not in refused.err
    assert len(refused.err.splitlines()) <= 2
    assert rows(desk) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("reply", "1", "--no-body"),
        ("receive", "1"),
        ("assign", "1", "--to", "mia"),
        ("priority", "1", "high"),
        ("status", "1", "open"),
        ("resolve", "1"),
        ("close", "1"),
        ("escalate", "1", "--reason", "loud"),
        ("ack", "1"),
        ("due", "1", "--target", "resolution", "--at", "in 4h", "--reason", "agreed"),
    ],
)
def test_a_closed_ticket_refuses_and_says_how_to_reopen(
    closed: str, desk: Path, slactl: Slactl, arguments: tuple[str, ...]
) -> None:
    before = rows(desk)
    refused = slactl(*arguments)
    assert refused.code == 5
    assert "hint: slactl" in refused.err
    assert rows(desk) == before


def test_reply_waits_for_the_customer_and_a_message_opens_again(
    one: str, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(600)
    assert slactl("reply", one, "--body", "Which one?").out == f"{one}\n"
    assert ticket(slactl, one)["status"] == "waiting_customer"
    assert ticket(slactl, one)["resolution_state"] == "paused"
    clock.tick(600)
    slactl("receive", one, "--body", "The left one.")
    found = ticket(slactl, one)
    assert found["status"] == "open"
    assert found["resolution_due_at"] == "2026-03-09T09:10:00Z"
    slactl("resolve", one)
    slactl("reply", one, "--body", "Done.")
    assert ticket(slactl, one)["status"] == "resolved"
    slactl("receive", one, "--body", "Not at all.")
    assert (ticket(slactl, one)["status"], ticket(slactl, one)["resolved_at"]) == ("open", None)


def test_several_tickets_at_once_and_those_that_refuse(one: str, slactl: Slactl) -> None:
    two = slactl("create", "Second", "--from", "ann@example.com").out.strip()
    done = slactl("resolve", one, "99", two)
    assert (done.code, done.out) == (7, f"{one}\n{two}\n")
    assert "99" in done.err
    again = slactl("resolve", one, two)
    assert (again.code, again.out) == (5, "")


def test_ids_come_from_stdin_and_none_is_no_error(one: str, slactl: Slactl) -> None:
    assert slactl("assign", "-", "--to", "mia", stdin=f"{one}\n{one}\n").out == f"{one}\n"
    assert ticket(slactl, one)["assignee"] == "mia"
    nothing = slactl("assign", "-", "--to", "mia", stdin="")
    assert (nothing.code, nothing.out) == (0, "")


def test_an_assignee_without_an_entry_gives_a_hint(one: str, slactl: Slactl) -> None:
    hinted = slactl("assign", one, "--to", "nobody-special")
    assert hinted.code == 0
    assert "people.nobody-special" in hinted.err


def test_body_from_stdin_and_stdin_that_is_no_text(one: str, slactl: Slactl) -> None:
    assert slactl("note", one, "--body", "-", stdin="first\nsecond\n").code == 0
    assert slactl("note", one, "--body", "-", stdin=b"\xff\xfe").code == 2
    assert [message["body"] for message in ticket(slactl, one)["messages"]] == ["first\nsecond\n"]


def test_tags_edit_and_external_ids(one: str, slactl: Slactl) -> None:
    slactl("tag", one, "--add", "vip", "--add", "vpn")
    slactl("tag", one, "--remove", "vip")
    assert ticket(slactl, one)["tags"] == ["vpn"]
    assert (
        slactl("edit", one, "--subject", "Printer cold", "--external-id", "17", "--from", "bob@example.org").code == 0
    )
    found = ticket(slactl, "ext:17")
    assert (found["id"], found["subject"], found["requester_email"]) == (int(one), "Printer cold", "bob@example.org")
    taken = slactl("create", "Other", "--from", "ann@example.com", "--external-id", "17")
    assert (taken.code, taken.out) == (5, "")
    assert slactl("show", "17").code == 3


def test_another_plan_computes_the_open_deadlines_anew(one: str, slactl: Slactl) -> None:
    slactl("edit", one, "--plan", "enterprise")
    found = ticket(slactl, one)
    assert (found["plan"], found["first_response_due_at"]) == ("enterprise", "2026-03-02T17:00:00Z")
    slactl("priority", one, "urgent")
    assert ticket(slactl, one)["first_response_due_at"] == "2026-03-02T11:00:00Z"


def test_a_manual_deadline_wins_until_it_is_cleared(one: str, slactl: Slactl) -> None:
    reason = ("--reason", "agreed on the phone")
    slactl("due", one, "--target", "resolution", "--at", "2026-03-03T12:00:00Z", *reason)
    assert ticket(slactl, one)["resolution_due_at"] == "2026-03-03T12:00:00Z"
    slactl("reply", one, "--no-body")
    assert ticket(slactl, one)["resolution_due_at"] == "2026-03-03T12:00:00Z"
    slactl("receive", one)
    slactl("due", one, "--target", "resolution", "--clear", *reason)
    assert ticket(slactl, one)["resolution_due_at"] == "2026-03-09T09:00:00Z"


def test_a_tenant_gives_its_plan_and_its_zone(desk: Path, slactl: Slactl) -> None:
    assert slactl("tenant", "add", "acme", "--plan", "enterprise", "--timezone", "America/New_York").code == 0
    number = slactl("create", "VPN", "--from", "it@acme.example", "--tenant", "acme").out.strip()
    assert (ticket(slactl, number)["tenant"], ticket(slactl, number)["plan"]) == ("acme", "enterprise")
    assert slactl("tenant", "set", "acme", "--plan", "pro").code == 0
    assert ticket(slactl, number)["plan"] == "enterprise"
    assert json.loads(slactl("tenant", "list", "--json").out)[0]["plan"] == "pro"
    assert slactl("tenant", "add", "acme").code == 5
    assert slactl("tenant", "add", "b", "--plan", "gold").code == 3
    assert slactl("tenant", "add", "b", "--timezone", "Europe/Berlni").code == 3
    assert slactl("tenant", "set", "nobody", "--plan", "pro").code == 3
    assert slactl("tenant", "show", "nobody").code == 3
    assert json.loads(slactl("tenant", "show", "acme", "--json").out)["timezone"] == "America/New_York"


def test_an_acknowledged_ticket_fires_afterwards(one: str, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    clock.move_to("2026-03-04T08:00:00Z")
    assert slactl("ack", one, "--for", "3h").code == 0
    assert ticket(slactl, one)["acked_until"] == "2026-03-04T11:00:00Z"
    clock.move_to("2026-03-04T10:00:00Z")
    assert json.loads(slactl("check", "--json").out)["escalated"] == 0
    clock.move_to("2026-03-04T11:00:00Z")
    assert json.loads(slactl("check", "--json").out)["escalated"] == 1


def test_no_database_is_made_by_a_mistyped_path(tmp_path: Path, slactl: Slactl) -> None:
    missing = tmp_path / "nowhere" / "slactl.db"
    for command in (("list",), ("create", "x", "--from", "a@b.example"), ("check",), ("show", "1"), ("summary",)):
        refused = slactl("--db", str(missing), *command)
        assert refused.code == 6
        assert f"hint: slactl --db {missing} init\n" in refused.err
    assert not missing.parent.exists()


def test_me_is_whoever_acts(desk: Path, slactl: Slactl) -> None:
    one = slactl("create", "Mine", "--from", "ann@example.com", "--assignee", "me").out.strip()
    assert ticket(slactl, one)["assignee"] == "ann"
    assert slactl("--actor", "mia", "assign", one, "--to", "me").code == 0
    assert ticket(slactl, one)["assignee"] == "mia"
    assert slactl("--actor", "li", "escalate", one, "--reason", "mine now", "--assign", "me").code == 0
    assert ticket(slactl, one)["assignee"] == "li"
    assert slactl("--actor", "li", "list", "--assignee", "me", "-q").out == f"{one}\n"


def test_an_external_id_that_is_a_number_is_hinted_at(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Other", "--from", "ann@example.com", "--external-id", "77")
    refused = slactl("reply", "77", "--no-body")
    assert (refused.code, refused.err) == (3, "error: no ticket has the number 77\nhint: slactl show ext:77\n")
    assert slactl("reply", "ext:77", "--no-body").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--target next_response --at 'in 4h'", "no customer waits for a next response in ticket 1"),
        ("--target resolution --clear", "nobody set this deadline of ticket 1 by hand"),
        ("--target resolution --at '5d ago'", "ticket 1 was opened after"),
    ],
)
def test_a_deadline_that_cannot_be_set_is_refused(one: str, desk: Path, slactl: Slactl, words: str, said: str) -> None:
    before = rows(desk)
    refused = slactl("due", one, *shlex.split(words), "--reason", "agreed")
    assert refused.code == 5
    assert said in refused.err
    assert rows(desk) == before


def test_a_deadline_that_is_over_is_refused(one: str, slactl: Slactl) -> None:
    slactl("reply", one, "--no-body")
    refused = slactl("due", one, "--target", "first_response", "--at", "in 4h", "--reason", "agreed")
    assert (refused.code, "has stopped" in refused.err) == (5, True)
    slactl("resolve", one)
    assert slactl("due", one, "--target", "resolution", "--at", "in 4h", "--reason", "agreed").code == 5


def test_a_tenant_can_be_taken_away_again(one: str, slactl: Slactl) -> None:
    slactl("tenant", "add", "acme", "--plan", "enterprise", "--timezone", "America/New_York")
    assert slactl("edit", one, "--tenant", "acme").code == 0
    assert (ticket(slactl, one)["tenant"], ticket(slactl, one)["plan"]) == ("acme", "enterprise")
    assert slactl("edit", one, "--tenant", "").code == 0
    assert (ticket(slactl, one)["tenant"], ticket(slactl, one)["plan"]) == (None, "enterprise")


def test_a_word_of_a_closed_set_that_is_nearly_one(one: str, slactl: Slactl) -> None:
    for words, meant in (
        (("create", "x", "--from", "a@b.example", "--priority", "urgnt"), "urgent"),
        (("list", "--status", "wating_customer"), "waiting_customer"),
        (("status", one, "wating_customer"), "waiting_customer"),
        (("list", "--breachd"), "--breached"),
        (("tenant", "lst"), "list"),
        (("lst",), "list"),
    ):
        refused = slactl(*words)
        assert (refused.code, meant in refused.err) == (2, True), refused.err


def test_a_broken_rules_file_is_told_with_line_and_mend_and_nothing_is_opened(
    one: str, desk: Path, slactl: Slactl
) -> None:
    rules = desk.with_name("rules.toml")
    good = rules.read_text()
    before = rows(desk)
    for broken, said in (
        (
            good.replace("urgent = {", "urgnt = {"),
            ":49: policy[1].targets.urgnt: there is no priority 'urgnt'; did you mean urgent?",
        ),
        (
            good.replace("default_plan", "defalt_plan"),
            ":8: settings.defalt_plan: unknown key defalt_plan; did you mean",
        ),
        (good.replace('at = "+1h"', 'at = "+1x"'), "escalation[2].level[1].at: '1x' is not a valid duration; use 90s"),
        ("schema = 1\n[settings\n", ":2: Expected ']'"),
    ):
        assert broken != good
        rules.write_text(broken)
        refused = slactl("create", "x", "--from", "ann@example.com")
        assert refused.code == 4
        assert f"{rules}{said}" in refused.err or said in refused.err
        assert f"hint: slactl rules check {rules}" in refused.err
        assert "at least" not in refused.err
        assert rows(desk) == before
    rules.unlink()
    gone = slactl("create", "x", "--from", "ann@example.com")
    assert (gone.code, "hint: slactl init" in gone.err) == (4, True)
