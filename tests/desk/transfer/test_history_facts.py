"""What a history file can say besides the usual: outbound, unknown ends, retracted lines; each is kept and obeyed."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

OPENED = {"at": "2026-03-02T08:00:00Z", "type": "created", "plan": "enterprise"}

#: What is done by whom in the tickets of the file; enterprise promises 8 h and 2 d, at all hours.
LINES: tuple[dict[str, Any], ...] = (
    {"ticket": "outbound", **OPENED, "outbound": True},
    {"ticket": "outbound", "at": "2026-03-02T08:05:00Z", "type": "agent_reply"},
    {"ticket": "unanswered", **OPENED, "unknown": ["first_response", "resolution"]},
    {"ticket": "undated", **OPENED},
    {
        "ticket": "undated",
        "at": "2026-03-02T08:30:00Z",
        "type": "status",
        "status": "resolved",
        "unknown_instant": True,
    },
    {"ticket": "undone", **OPENED},
    {"ticket": "undone", "at": "2026-03-02T08:10:00Z", "type": "agent_reply", "id": "c1", "body": "a secret reply"},
    {"ticket": "undone", "at": "2026-03-02T08:10:00Z", "type": "status", "status": "resolved", "id": "c2"},
    {"ticket": "undone", "at": "2026-03-02T08:20:00Z", "type": "retracted", "events": ["c1", "c2"], "id": "u1"},
)


def as_file(*lines: dict[str, Any]) -> str:
    return "\n".join(map(json.dumps, lines))


@pytest.fixture
def taken(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    done = slactl("import", "-", stdin=as_file(*LINES))
    assert (done.code, done.out.startswith("4 tickets opened")) == (0, True), done.err
    return desk


def shown(slactl: Slactl, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(slactl("show", name, "--json").out)
    return found


def states(slactl: Slactl, name: str) -> tuple[str, str]:
    ticket = shown(slactl, name)
    return ticket["first_response_state"], ticket["resolution_state"]


def test_a_history_is_obeyed(taken: Path, slactl: Slactl) -> None:
    assert states(slactl, "outbound") == ("none", "running")
    assert states(slactl, "unanswered") == ("unknown", "unknown")
    assert states(slactl, "undated") == ("unknown", "unknown")
    assert states(slactl, "undone") == ("running", "running")
    assert (shown(slactl, "undone")["status"], shown(slactl, "undated")["status"]) == ("open", "resolved")


def test_what_is_unknown_is_never_late_and_never_due(taken: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    clock.move_to("2026-04-02T08:00:00Z")
    ids = {name: str(shown(slactl, name)["id"]) for name in ("unanswered", "undated")}
    for words in (["--breached"], ["--ever-breached"], ["--due-within", "52w"], ["--escalated"]):
        listed = slactl("list", "--all", "-q", *words).out.split()
        assert [name for name, number in ids.items() if number in listed] == [], words
    fired = json.loads(slactl("check", "--json").out)["firings"]
    assert {firing["ticket_id"] for firing in fired}.isdisjoint(map(int, ids.values()))
    assert fired != []
    for name in ids:
        ticket = shown(slactl, name)
        assert (ticket["due_at"], ticket["next_level_at"], ticket["ever_breached"]) == (None, None, False)
    figures = json.loads(slactl("summary", "--since", "2026-01-01", "--json").out)
    assert (figures["first_response_n"], figures["resolution_n"]) == (0, 0)


def test_screens_say_that_an_end_is_unknown(taken: Path, slactl: Slactl) -> None:
    for words in (["show", "undated"], ["explain", "undated"], ["explain", "unanswered"]):
        done = slactl(*words, "--format", "table")
        assert done.code == 0, done.err
        assert "unknown" in done.out
        assert "the source does not say when" in done.out
    for timer in json.loads(slactl("explain", "unanswered", "--json").out)["timers"]:
        assert (timer["state"], timer["levels"], timer["due_at"]) == ("unknown", [], None)
        assert (timer["due_if_resumed_at"], timer["steps"], timer["ahead"]) == (None, [], [])
    assert "an agent wrote first" in slactl("history", "outbound", "--format", "table").out
    assert "the source does not say when" in slactl("history", "undated", "--format", "table").out
    assert "events c1,c2" in " ".join(slactl("history", "undone", "--format", "table").out.split())


def test_a_known_reply_decides_an_unknown_target(taken: Path, slactl: Slactl) -> None:
    assert slactl("reply", "unanswered", "--body", "Now.").code == 0
    assert states(slactl, "unanswered") == ("met", "unknown")


def test_the_same_file_again_changes_nothing(taken: Path, slactl: Slactl) -> None:
    before = slactl("export").out
    done = slactl("import", "-", stdin=as_file(*LINES))
    assert (done.code, done.out.strip()) == (0, "0 tickets opened, 0 changed, 0 events added")
    assert slactl("export").out == before


def test_a_round_trip_keeps_ids_and_what_they_retract(taken: Path, slactl: Slactl, tmp_path: Path) -> None:
    exported = slactl("export").out
    assert [json.loads(line).get("id") for line in exported.splitlines()][-3:] == ["c1", "c2", "u1"]
    copy = ("--db", str(tmp_path / "copy.db"))
    slactl(*copy, "init")
    assert slactl(*copy, "import", "-", stdin=exported).code == 0
    assert slactl(*copy, "export").out == exported
    for name in ("outbound", "unanswered", "undated", "undone"):
        there, here = (json.loads(slactl(*to, "show", name, "--json").out) for to in (copy, ()))
        assert {key: there[key] for key in here if key != "events"} == {
            key: here[key] for key in here if key != "events"
        }


def test_the_log_and_the_rebuilt_columns_agree(taken: Path, slactl: Slactl) -> None:
    slactl("check", "-q", "--no-send")
    before = [shown(slactl, name) for name in ("outbound", "unanswered", "undated", "undone")]
    assert slactl("audit", "verify").code == 0
    assert slactl("doctor", "--rebuild", "--yes").code == 0
    assert [shown(slactl, name) for name in ("outbound", "unanswered", "undated", "undone")] == before
    assert slactl("audit", "verify").code == 0


def test_newer_rules_move_no_target_of_which_the_end_is_unknown(taken: Path, slactl: Slactl) -> None:
    rules = taken.with_name("rules.toml")
    rules.write_text(rules.read_text().replace('first_response = "8h"', 'first_response = "5m"'))
    assert slactl("rules", "apply", "--yes").code == 0
    assert states(slactl, "unanswered") == ("unknown", "unknown")
    assert states(slactl, "outbound") == ("none", "running")
    assert states(slactl, "undone") == ("breached", "running")
    assert slactl("audit", "verify").code == 0


def test_an_erased_text_of_a_retracted_reply_is_gone_and_stays_retracted(taken: Path, slactl: Slactl) -> None:
    line = {"ticket": "undone", "at": "2026-03-02T08:40:00Z", "type": "edited", "requester_email": "ann@example.com"}
    slactl("import", "-", stdin=as_file(line))
    assert slactl("erase", "--requester", "ann@example.com", "--yes").code == 0
    assert "a secret reply" not in slactl("export").out
    assert states(slactl, "undone") == ("running", "running")
    assert slactl("audit", "verify").code == 0


def test_a_later_retraction_takes_back_what_was_imported_before(taken: Path, slactl: Slactl) -> None:
    again = {"ticket": "undone", "at": "2026-03-02T08:30:00Z", "type": "retracted", "events": ["u1"]}
    assert slactl("import", "-", stdin=as_file(again)).code == 0
    assert shown(slactl, "undone")["status"] == "resolved"


STATUS = {"ticket": "new", "at": "2026-03-02T08:30:00Z", "type": "status"}
WRONG: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({**STATUS, "status": "pending", "until": "2026-03-02T08:29:59Z"}, "until", "is before the status was set"),
    ({**STATUS, "status": "closed", "until": "2026-03-03T08:00:00Z"}, "until", "a closed ticket does not open again"),
    ({**STATUS, "status": "resolved", "until": "2026-03-03T08:00:00Z"}, "until", "a resolved ticket does not open"),
    ({**STATUS, "status": "open", "until": "2026-03-03T08:00:00Z"}, "until", "an open ticket is open already"),
    ({**STATUS, "type": "tags", "tags": ["a"], "added": ["a", "b"]}, "added", "'b' is not in tags"),
    ({**STATUS, "type": "tags", "tags": ["a"], "removed": ["a"]}, "removed", "'a' is still in tags"),
    ({**STATUS, "status": "pending", "unknown_instant": True}, "unknown_instant", "is allowed only with resolved"),
    ({**STATUS, "status": "closed", "by_itself": True}, "by_itself", "is allowed only with open"),
    (
        {**STATUS, "type": "retracted", "events": ["nobody"]},
        "events",
        "no earlier line of the ticket has the id 'nobody'",
    ),
    (
        {**STATUS, "type": "retracted", "events": ["later"]},
        "events",
        "no earlier line of the ticket has the id 'later'",
    ),
    (
        {**STATUS, "type": "retracted", "events": ["opening"]},
        "events",
        "'opening' is created, which cannot be retracted",
    ),
    ({**STATUS, "type": "retracted", "events": ["elsewhere"]}, "events", "no earlier line of the ticket has the id"),
    ({**STATUS, "type": "retracted", "events": []}, "events", "must be a list of the ids of other lines"),
    ({**STATUS, "type": "note", "id": "opening"}, "id", "'opening' is also the id of another line"),
    (
        {**OPENED, "ticket": "odd", "unknown": ["first_respons"]},
        "unknown",
        "'first_respons' is not known; did you mean",
    ),
)


@pytest.mark.parametrize(("line", "field", "told"), WRONG, ids=[f"{field}-{told[:20]}" for _, field, told in WRONG])
@pytest.mark.parametrize("words", ["import -", "simulate - --at last --json"])
def test_a_line_that_contradicts_itself_is_told_and_the_rest_counts(
    desk: Path, slactl: Slactl, line: dict[str, Any], field: str, told: str, words: str
) -> None:
    lines = (
        {"ticket": "other", **OPENED},
        {"ticket": "other", "at": "2026-03-02T08:10:00Z", "type": "agent_reply", "id": "elsewhere"},
        {"ticket": "new", **OPENED, "id": "opening"},
        {"ticket": "new", "at": "2026-03-02T08:50:00Z", "type": "note", "id": "later"},
        line,
        {"ticket": "new", "at": "2026-03-02T09:00:00Z", "type": "agent_reply"},
    )
    done = slactl(*words.split(), stdin=as_file(*lines))
    assert done.code == 7
    [problem] = [each for each in done.err.splitlines() if each.startswith("error: ")]
    assert f":5:{field}: " in problem
    assert told in problem
    if words.startswith("import"):
        found = [event["action"] for event in json.loads(slactl("history", "new", "--json").out)]
        assert found == ["ticket.create", "ticket.note", "ticket.reply"]
        assert slactl("list", "--all", "-q").out.split() == ["1", "2"]
    else:
        assert [ticket["ticket"] for ticket in json.loads(done.out)["tickets"]] == ["other", "new"]


def test_an_id_that_two_events_of_a_ticket_have_retracts_neither(taken: Path, slactl: Slactl) -> None:
    """Another file may use the same ids again: its events go in, and the retraction of one is refused."""
    second = (
        {"ticket": "undone", "at": "2026-03-02T08:45:00Z", "type": "agent_reply", "id": "c1"},
        {"ticket": "undone", "at": "2026-03-02T08:50:00Z", "type": "retracted", "events": ["c1"]},
    )
    for added in (1, 0):
        done = slactl("import", "-", stdin=as_file(*second))
        assert (done.code, f"{added} event" in done.out) == (7, True), done.err
        assert ":2:events: no earlier line of the ticket has the id 'c1'" in done.err
    assert shown(slactl, "undone")["first_responded_at"] == "2026-03-02T08:45:00Z"


def test_an_event_that_was_recorded_without_an_id_cannot_be_retracted_by_one(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    without, *rest = ({"ticket": "A", **OPENED}, {"ticket": "A", "at": "2026-03-02T08:10:00Z", "type": "agent_reply"})
    slactl("import", "-", stdin=as_file(without, *rest))
    retracts = {"ticket": "A", "at": "2026-03-02T08:20:00Z", "type": "retracted", "events": ["r"]}
    done = slactl("import", "-", stdin=as_file(without, {**rest[0], "id": "r"}, retracts))
    assert (done.code, ":3:events: no earlier line of the ticket has the id 'r'" in done.err) == (7, True)
    assert shown(slactl, "A")["first_responded_at"] == "2026-03-02T08:10:00Z"
