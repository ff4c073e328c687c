"""Undo takes back what one command did in one step, as if it had not happened, and both are in the log."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from escalation_desk import check, ladder, opened, policy, ticket, write_rules
from freezegun.api import FrozenDateTimeFactory

#: What no undo brings back: the log, and its numbers.
LOGGED = ("events", "escalations")


def facts(slactl: Slactl, number: str) -> dict[str, Any]:
    """A ticket with its timers, without its log."""
    found = ticket(slactl, number)
    found["messages"] = [each for each in found["messages"] if not each["retracted"]]
    return {name: value for name, value in found.items() if name not in LOGGED}


def events(slactl: Slactl, number: str) -> list[dict[str, Any]]:
    """The log of a ticket."""
    return json.loads(slactl("history", number, "--json").out)  # type: ignore[no-any-return]


def is_well(slactl: Slactl) -> None:
    """The columns follow from the log, and nothing is to be rebuilt."""
    assert slactl("audit", "verify").code == 0
    assert slactl("doctor", "--rebuild", "-n").code == 0


@pytest.fixture
def two(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    """A desk with two tickets of an hour ago; the manager is told of late answers."""
    first, second = ladder("first_response", "warn 50%", "late 0m"), ladder("resolution", "late 0m")
    write_rules(desk, policy(first_response="4h", next_response="1h", resolution="8h"), first, second)
    assert slactl("tenant", "add", "acme", "--timezone", "Asia/Tokyo").code == 0
    for who in ("ann", "bob"):
        opened(slactl, "--tag", "new", "--external-id", f"X-{who}", who=f"{who}@example.com")
    clock.tick(timedelta(hours=1))
    return desk


COMMANDS = [
    "reply 1 --body hello",
    "reply 1 --body hello --status resolved",
    "receive 1 --body more",
    "note 1 --body internal",
    "assign 1 2 --to mia",
    "priority 1 2 urgent",
    "status 1 pending --until 2026-03-02T20:00Z",
    "resolve 1 2",
    "close 2 1",
    "tag 1 2 --add vip --remove new",
    "edit 1 --subject Other --from new@example.com --external-id Y-1",
    "edit 1 2 --tenant acme",
    "due 1 --target resolution --at 2026-03-03T09:00Z --reason agreed",
    "escalate 1 2 --reason angry --priority urgent --assign mia",
    "escalate 1 --reason now --escalation first_response --level late",
    "ack 1 2 --for 2h",
    "resolve 1 --at 2026-03-02T09:10Z",
]


@pytest.mark.parametrize("line", COMMANDS)
def test_after_undo_the_tickets_are_as_before(
    two: Path, slactl: Slactl, clock: FrozenDateTimeFactory, line: str
) -> None:
    before = [facts(slactl, number) for number in "12"]
    assert slactl(*line.split()).code == 0
    assert [facts(slactl, number) for number in "12"] != before
    clock.tick(timedelta(minutes=1))
    undone = slactl("undo")
    assert undone.code == 0, undone.err
    assert [facts(slactl, number) for number in "12"] == before
    is_well(slactl)


@pytest.mark.parametrize("line", COMMANDS)
def test_undo_of_the_undo_does_it_again(two: Path, slactl: Slactl, clock: FrozenDateTimeFactory, line: str) -> None:
    assert slactl(*line.split()).code == 0
    after = [facts(slactl, number) for number in "12"]
    clock.tick(timedelta(minutes=1))
    assert slactl("undo").code == 0
    last = events(slactl, "1")[-1]["change"]
    assert slactl("undo", str(last)).code == 0
    assert [facts(slactl, number) for number in "12"] == after
    is_well(slactl)


def test_both_stay_in_the_log_and_the_retraction_names_the_events(two: Path, slactl: Slactl) -> None:
    assert slactl("close", "1", "2").code == 0
    change = events(slactl, "1")[-1]["change"]
    closed = [event["id"] for number in "12" for event in events(slactl, number) if event["change"] == change]
    assert slactl("undo", "--reason", "wrong tickets").code == 0
    retracted = [event for n in "12" for event in events(slactl, n) if event["action"] == "ticket.retract"]
    assert [event["detail"] for event in retracted] == [
        {"events": [number], "undoes": change, "reason": "wrong tickets"} for number in closed
    ]
    assert len({event["change"] for event in retracted}) == 1
    with closing(sqlite3.connect(two)) as connection:
        view = connection.execute("SELECT detail, change FROM event_view WHERE action = 'ticket.retract'").fetchall()
    assert [(json.loads(detail), number) for detail, number in view] == [
        (event["detail"], event["change"]) for event in retracted
    ]


def test_undo_without_a_number_takes_the_actors_last_change_that_still_counts(two: Path, slactl: Slactl) -> None:
    assert slactl("tag", "1", "--add", "first").code == 0
    assert slactl("tag", "1", "--add", "second").code == 0
    assert slactl("--actor", "bob", "tag", "1", "--add", "third").code == 0
    assert slactl("undo").code == 0
    assert ticket(slactl, "1")["tags"] == ["new", "first", "third"]
    assert slactl("undo").code == 0
    assert ticket(slactl, "1")["tags"] == ["new", "third"]
    refused = slactl("undo")
    assert (refused.code, "create, which cannot be undone" in refused.err) == (5, True)
    bobs = next(event["change"] for event in events(slactl, "1") if event["actor"] == "bob")
    assert slactl("undo", str(bobs)).code == 0
    assert ticket(slactl, "1")["tags"] == ["new"]


def test_a_dry_run_says_what_the_tickets_would_be_and_changes_nothing(two: Path, slactl: Slactl) -> None:
    assert slactl("close", "1", "2").code == 0
    before = two.read_bytes(), events(slactl, "1")
    shown = slactl("undo", "-n")
    assert (shown.code, shown.out.count("open"), len(shown.lines)) == (0, 2, 2)
    assert events(slactl, "1") == before[1]
    assert ticket(slactl, "1")["status"] == "closed"


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("undo 1", 5, "create, which cannot be undone"),
        ("undo 2", 3, "there is no change 2"),
        ("undo 99999", 3, "there is no change 99999"),
        ("undo none", 2, "is not the number of a change"),
        ("undo 0", 2, "is not the number of a change"),
    ],
)
def test_what_is_no_change_or_cannot_be_undone_is_refused(
    two: Path, slactl: Slactl, line: str, code: int, said: str
) -> None:
    refused = slactl(*line.split())
    assert (refused.code, said in refused.err) == (code, True), refused.err


def test_what_is_undone_is_not_undone_again_and_the_hint_brings_it_back(two: Path, slactl: Slactl) -> None:
    assert slactl("close", "1", "2").code == 0
    change = events(slactl, "1")[-1]["change"]
    assert slactl("undo", str(change)).code == 0
    refused = slactl("undo", str(change))
    assert (refused.code, f"change {change} is undone already" in refused.err) == (5, True)
    hint = refused.err.strip().rpartition("hint: slactl ")[2]
    assert slactl(*hint.split()).code == 0
    assert ticket(slactl, "1")["status"] == "closed"


def test_later_changes_stay_on_top_of_what_is_undone(two: Path, slactl: Slactl) -> None:
    assert slactl("status", "1", "pending").code == 0
    change = events(slactl, "1")[-1]["change"]
    assert slactl("priority", "1", "urgent").code == 0
    assert slactl("tag", "1", "--add", "vip").code == 0
    assert slactl("undo", str(change)).code == 0
    found = ticket(slactl, "1")
    assert (found["status"], found["priority"], found["tags"]) == ("open", "urgent", ["new", "vip"])
    is_well(slactl)


def test_an_external_id_that_another_ticket_has_got_meanwhile_is_not_given_back(two: Path, slactl: Slactl) -> None:
    assert slactl("edit", "1", "--external-id", "Y-1").code == 0
    change = events(slactl, "1")[-1]["change"]
    assert slactl("edit", "2", "--external-id", "X-ann").code == 0
    refused = slactl("undo", str(change))
    assert (refused.code, "ticket 2 has the external id X-ann" in refused.err) == (5, True)
    assert ticket(slactl, "1")["external_id"] == "Y-1"
    assert [event["action"] for event in events(slactl, "1")][-1] == "ticket.edit"


def test_no_ticket_of_a_change_is_undone_if_one_cannot_be(two: Path, slactl: Slactl) -> None:
    many = [word for number in range(100) for word in ("--add", f"t{number}")]
    assert slactl("tag", "1", "2", "--remove", "new").code == 0
    change = events(slactl, "1")[-1]["change"]
    assert slactl("tag", "2", *many).code == 0
    refused = slactl("undo", str(change))
    assert (refused.code, "at most 100" in refused.err) == (5, True)
    assert ticket(slactl, "1")["tags"] == []


def test_messages_about_an_escalation_that_is_undone_are_not_sent(two: Path, slactl: Slactl) -> None:
    assert slactl("check", "--no-send", "-q").code == 0
    assert slactl("escalate", "1", "--reason", "angry").code == 0
    with closing(sqlite3.connect(two)) as connection:
        connection.execute("UPDATE notification SET state = 'waiting', ended_at = NULL, next_try_at = created_at")
        connection.commit()
    assert slactl("undo").code == 0
    messages = json.loads(slactl("notifications", "list", "--json").out)
    assert [(each["state"], each["error"]) for each in messages] == [("obsolete", "the escalation was undone")]
    assert ticket(slactl, "1")["escalated"] is False
    assert [each["reason"] for each in ticket(slactl, "1")["escalations"]] == ["angry"]


def test_a_level_that_a_person_fired_fires_again_at_its_time_when_that_is_undone(
    two: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    assert slactl("escalate", "1", "--reason", "now", "--escalation", "first_response", "--level", "late").code == 0
    assert slactl("undo").code == 0
    clock.tick(timedelta(hours=5))
    fired = [(each["ticket_id"], each["level"], each["outcome"]) for each in check(slactl)["firings"]]
    assert sorted(fired) == [
        (n, level, done) for n in (1, 2) for level, done in (("late", "fired"), ("warn", "expired"))
    ]


def test_what_fired_meanwhile_stays_and_fires_once(two: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    soon = "2026-03-02T10:30Z"
    assert slactl("due", "1", "--target", "resolution", "--at", soon, "--reason", "agreed").code == 0
    clock.tick(timedelta(hours=1))
    assert [each["level"] for each in check(slactl)["firings"]] == ["late", "warn", "warn"]
    assert slactl("undo").code == 0
    found = ticket(slactl, "1")
    assert (found["ever_breached"], found["resolution_state"], found["escalation_level"]) == (False, "running", 1)
    corrected = [event for event in events(slactl, "1") if event["action"] == "sla.correct"]
    assert len(corrected) == 1
    assert check(slactl)["firings"] == []
    is_well(slactl)


def test_the_text_of_a_retracted_message_stays_and_is_marked(two: Path, slactl: Slactl) -> None:
    assert slactl("note", "1", "--body", "kept").code == 0
    assert slactl("reply", "1", "--body", "wrong ticket").code == 0
    assert slactl("undo").code == 0
    messages = ticket(slactl, "1")["messages"]
    assert [(each["body"], each["retracted"]) for each in messages] == [("kept", False), ("wrong ticket", True)]
    assert ticket(slactl, "1")["first_responded_at"] is None


def test_an_erased_text_stays_erased_when_its_event_counts_again(two: Path, slactl: Slactl) -> None:
    assert slactl("edit", "1", "--subject", "Other", "--from", "new@example.com").code == 0
    assert slactl("erase", "--requester", "ann@example.com", "--yes").code == 0
    change = next(event["change"] for event in events(slactl, "1") if event["action"] == "ticket.edit")
    assert slactl("undo", str(change)).code == 0
    found = ticket(slactl, "1")
    assert (found["requester_email"], "ann@" in json.dumps(found)) == (None, False)
    is_well(slactl)


def test_an_export_carries_the_undo_into_another_database(
    two: Path, slactl: Slactl, new_desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert slactl("reply", "1", "--body", "hello").code == 0
    assert slactl("undo").code == 0
    assert slactl("escalate", "1", "--reason", "now", "--escalation", "first_response", "--level", "late").code == 0
    assert slactl("undo").code == 0
    before, exported = facts(slactl, "1"), slactl("export").out
    assert slactl("import", "-", stdin=exported).code == 0
    assert slactl("export").out == exported  # nothing is new here
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    (other / "rules.toml").write_text(two.with_name("rules.toml").read_text())
    monkeypatch.setenv("SLACTL_DB", str(other / "slactl.db"))
    monkeypatch.setenv("SLACTL_RULES", str(other / "rules.toml"))
    assert slactl("init").code == 0
    assert slactl("import", "-", stdin=exported).code == 0
    after = facts(slactl, "1")
    assert {**after, "messages": 0} == {**before, "messages": 0}
    assert slactl("export").out == exported
    refused = slactl("undo")
    assert (refused.code, "import, which cannot be undone" in refused.err) == (5, True)
    is_well(slactl)


def test_an_override_or_a_silence_has_a_command_of_its_own(
    two: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    assert slactl("close", "1").code == 0
    clock.tick(timedelta(seconds=1))
    number = slactl("silence", "add", "--ticket", "1", "--for", "1h").out.strip()
    refused = slactl("undo")
    assert (refused.code, refused.err.splitlines()[-1]) == (5, f"hint: slactl silence expire {number}")
    assert ticket(slactl, "1")["status"] == "closed"
    assert slactl("silence", "expire", number).code == 0
    assert slactl("undo").code == 0
    assert ticket(slactl, "1")["status"] == "open"


def test_what_was_written_before_changes_had_numbers_is_not_undone(two: Path, slactl: Slactl) -> None:
    from slactl.store.schema import chain

    with closing(sqlite3.connect(two)) as connection:
        row = {"ticket_id": 1, "at": "2026-03-02T10:00:00Z", "recorded_at": "2026-03-02T10:00:00Z", "actor": "ann"}
        chain.append(connection, row | {"actor_type": "user", "action": "ticket.note", "detail": "{}"})
        number = connection.execute("SELECT max(id) FROM event").fetchone()[0]
        connection.commit()
    assert slactl("undo").code == 5
    assert slactl("undo", str(number)).code == 5
    [event] = [event for event in events(slactl, "1") if event["id"] == number]
    assert event["change"] is None


def test_what_slactl_itself_did_is_not_undone(two: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    clock.tick(timedelta(hours=5))
    assert check(slactl)["firings"]
    number = events(slactl, "1")[-1]["change"]
    refused = slactl("undo", str(number))
    assert (refused.code, "made by slactl itself" in refused.err) == (5, True)


def test_a_backdated_answer_that_is_undone_leaves_the_breach_as_it_was(
    two: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    def corrected() -> tuple[int, int]:
        report, explained = (
            json.loads(slactl(*words).out) for words in (["report", "--json"], ["explain", "1", "--json"])
        )
        return report["corrected_count"], len(explained["corrections"])

    clock.tick(timedelta(hours=5))
    check(slactl)
    told = len(json.loads(slactl("notifications", "list", "--json").out))
    answer = ("reply", "1", "--body", "x", "--at", "2026-03-02T10:00Z", "--reason", "by phone")
    assert slactl(*answer).code == 0
    assert (ticket(slactl, "1")["ever_breached"], corrected()) == (False, (1, 1))
    assert slactl("undo").code == 0
    assert ticket(slactl, "1")["ever_breached"] is True
    assert check(slactl)["firings"] == []
    assert len(json.loads(slactl("notifications", "list", "--json").out)) == told
    assert corrected() == (0, 0)
    is_well(slactl)


def test_an_override_is_removed_by_its_own_command(two: Path, slactl: Slactl) -> None:
    with two.with_name("rules.toml").open("a") as rules:
        rules.write('\n[people.mia]\n[schedules.rota]\n[[schedules.rota.layer]]\npeople = ["mia"]\n')
    assert slactl("close", "1").code == 0
    entered = ("oncall", "override", "rota", "--to", "mia", "--from", "now", "--until", "2026-03-03T09:00Z")
    added = slactl(*entered)
    assert added.code == 0, added.err
    refused = slactl("undo")
    assert (refused.code, ticket(slactl, "1")["status"]) == (5, "closed")
    hint = refused.err.strip().rpartition("hint: slactl ")[2]
    assert hint.startswith("oncall remove ")
    assert slactl(*hint.split()).code == 0
    assert slactl("undo").code == 0
    assert ticket(slactl, "1")["status"] == "open"
