"""Export and import: a round trip loses nothing, and importing again changes nothing."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result, Slactl
from freezegun.api import FrozenDateTimeFactory

#: What a copy must have as the original has it; ids of events and escalations are its own.
TABLES = {
    "ticket": "SELECT * FROM ticket ORDER BY id",
    "tenant": "SELECT * FROM tenant ORDER BY name",
    "rules": "SELECT hash, canonical, first_used_at, holidays_version FROM rules_version ORDER BY hash",
    "event": "SELECT ticket_id, at, recorded_at, actor, actor_type, action FROM event ORDER BY ticket_id, at, id",
    "text": "SELECT e.ticket_id, e.at, w.field, w.text FROM event_text w JOIN event e ON e.id = w.event_id"
    " ORDER BY e.ticket_id, e.at, e.id, w.field",
    "timer": "SELECT ticket_id, kind, cycle, latest, state, target_seconds, started_at, due_at, running_since,"
    " consumed_seconds, stopped_at, breached_at, detected_at, next_at, manual, arming FROM timer"
    " ORDER BY ticket_id, kind, cycle",
    "escalation": "SELECT ticket_id, source, kind, cycle, escalation, level, arming, repeat, reason, due_at, fired_at,"
    " outcome, actor, from_priority, to_priority, from_assignee, to_assignee, event_id IS NULL FROM escalation"
    " ORDER BY ticket_id, fired_at, id",
}

Copy = Callable[..., Result]


@pytest.fixture
def full(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    """A desk on which nearly everything happened, in three versions of the rules."""
    rules = desk.with_name("rules.toml")

    def do(*arguments: str, actor: str = "ann") -> None:
        done = slactl("--actor", actor, *arguments)
        assert done.code == 0, (arguments, done.err)

    do("tenant", "add", "acme", "--plan", "enterprise", "--timezone", "America/New_York")
    do("tenant", "add", "quiet-customer")
    do("create", "VPN down", "--from", "it@acme.example", "--tenant", "acme", "--priority", "urgent", "--tag", "vpn")
    do("create", "Zweites Ticket: größer", "--from", "ann@example.com", "--body", "Zeile 1\nZeile 2\t\u202eend")
    do("create", "Its external id is a number", "--from", "ann@example.com", "--external-id", "2", "--plan", "pro")
    do("create", "Renamed later", "--from", "bob@example.com", "--at", "2026-03-01T07:00:00Z")
    promise(rules, "48h", "40h")
    clock.tick(3600)
    do("create", "Under the second rules", "--from", "bob@example.com", "--external-id", "INC5", "--assignee", "mia")
    do("reply", "2", "--body", "Which one?", "--at", "2026-03-02T09:30:00Z", actor="mia")
    do("receive", "2", "--body", "The left one.")
    do("note", "1", "--body", "called back")
    do("note", "1", "--body", "called back")
    do("escalate", "1", "--reason", "loud", "--assign", "support_manager", "--no-notify")
    do("assign", "1", "--none")
    do("escalate", "1", "--reason", "loud", "--assign", "support_manager", "--no-notify")
    do("due", "2", "--target", "resolution", "--at", "2026-03-05T09:00:00Z", "--reason", "agreed")
    do("due", "4", "--target", "first_response", "--at", "2026-03-02T12:00:00Z", "--reason", "promised")
    do("edit", "4", "--external-id", "INC4", "--subject", "Renamed", "--from", "eve@example.com")
    do("ack", "ext:2", "--for", "3h")
    do("priority", "2", "high")
    clock.tick(5 * 3600)
    do("check")
    do("ack", "1", "--for", "4h")
    do("unack", "1")
    promise(rules, "36h", "30h")
    do("rules", "apply", "--yes")
    clock.tick(7 * 86400)
    do("resolve", "2")
    do("reopen", "2")
    do("edit", "INC5", "--tenant", "acme")
    do("check")
    do("close", "INC4")
    return desk


def promise(rules: Path, before: str, after: str) -> None:
    text = rules.read_text()
    assert f'first_response = "{before}"' in text
    rules.write_text(text.replace(f'first_response = "{before}"', f'first_response = "{after}"'))


@pytest.fixture
def copy(tmp_path: Path, slactl: Slactl) -> Copy:
    """Import something into a database of its own, and then run commands there."""
    database = tmp_path / "copy.db"

    def invoke(*arguments: str, stdin: str = "") -> Result:
        if not database.exists():
            assert slactl("--db", str(database), "init").code == 0
        return slactl("--db", str(database), *arguments, stdin=stdin)

    return invoke


def contents(database: Path) -> dict[str, list[Any]]:
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        found = {name: [dict(row) for row in connection.execute(query)] for name, query in TABLES.items()}
        hashes = dict(connection.execute("SELECT id, hash FROM rules_version"))
    for ticket in found["ticket"]:
        ticket["rules_version"] = hashes[ticket["rules_version"]]
        # How often this row was written, which is of this database alone.
        del ticket["version"]
    return found


def test_a_round_trip_loses_nothing(full: Path, slactl: Slactl, copy: Copy, tmp_path: Path) -> None:
    exported = slactl("export")
    assert exported.code == 0
    done = copy("import", "-", stdin=exported.out)
    assert (done.code, done.err) == (0, "")
    assert "5 tickets opened" in done.out
    assert "2 tenants added" in done.out
    before, after = contents(full), contents(tmp_path / "copy.db")
    assert len(before["rules"]) == 3
    for name in TABLES:
        assert after[name] == before[name], name
    assert copy("export").out == exported.out
    for number in ("1", "2", "ext:2", "INC4", "INC5"):
        original, copied = (
            json.loads(run("show", number, "--json").out) for run in (slactl, lambda *words: copy(*words))
        )
        assert [message["body"] for message in copied["messages"]] == [m["body"] for m in original["messages"]]
        assert [e["detail"].keys() for e in copied["events"]] == [e["detail"].keys() for e in original["events"]]


def test_nothing_of_it_fires_again(full: Path, slactl: Slactl, copy: Copy) -> None:
    assert json.loads(slactl("check", "--dry-run", "--json").out)["firings"] == []
    copy("import", "-", stdin=slactl("export").out)
    found = json.loads(copy("check", "--json").out)
    assert (found["breached"], found["firings"], found["notified"]) == (0, [], 0)


def test_importing_it_again_changes_nothing_there_and_here(full: Path, slactl: Slactl, copy: Copy) -> None:
    exported = slactl("export").out
    copy("import", "-", stdin=exported)
    nothing = "0 tickets opened, 0 changed, 0 events added\n"
    assert copy("import", "-", stdin=exported).out == nothing
    here = slactl("import", "-", stdin=exported)
    assert (here.code, here.out, here.err) == (0, nothing, "")
    assert slactl("export").out == exported


def test_a_longer_export_adds_only_what_is_new(
    full: Path, slactl: Slactl, copy: Copy, clock: FrozenDateTimeFactory
) -> None:
    copy("import", "-", stdin=slactl("export").out)
    clock.tick(600)
    slactl("note", "1", "--body", "later")
    slactl("reopen", "INC4")
    slactl("create", "New one", "--from", "ann@example.com")
    longer = slactl("export").out
    done = copy("import", "-", stdin=longer)
    assert done.out == "1 ticket opened, 2 changed, 4 events added\n"
    assert copy("export").out == longer


def test_events_alone_are_enough_for_a_ticket_that_is_there(desk: Path, slactl: Slactl) -> None:
    lines = [
        {"ticket": "A-1", "at": "2026-03-02T09:00:00Z", "type": "created"},
        {"ticket": "A-1", "at": "2026-03-02T10:00:00Z", "type": "status", "status": "resolved"},
    ]
    later = [
        {"ticket": "A-1", "at": "2026-03-02T11:00:00Z", "type": "status", "status": "open"},
        {"ticket": "A-1", "at": "2026-03-02T08:00:00Z", "type": "note"},
        {"ticket": "B-1", "at": "2026-03-02T08:00:00Z", "type": "note"},
    ]
    assert slactl("import", "-", stdin=jsonl(lines)).code == 0
    done = slactl("import", "-", stdin=jsonl(later))
    assert (done.code, done.out) == (7, "0 tickets opened, 1 changed, 1 event added, 2 problems listed above\n")
    assert "stdin:2:at: note of ticket A-1 is before the ticket was created" in done.err
    assert "stdin:3:at: note of ticket B-1 but the ticket was never created" in done.err
    actions = [event["action"] for event in json.loads(slactl("history", "A-1", "--json").out)]
    assert actions == ["ticket.create", "ticket.resolve", "ticket.reopen"]


def test_numbers_that_are_taken_do_not_mix_two_tickets(full: Path, slactl: Slactl, copy: Copy) -> None:
    """A desk that has tickets 1 and 2 of its own takes those of another in under other numbers."""
    copy("create", "Mine", "--from", "me@example.com", "--at", "2026-01-01T09:00:00Z")
    copy("create", "Mine too", "--from", "me@example.com", "--external-id", "INC5", "--at", "2026-01-01T09:00:00Z")
    exported = slactl("export").out
    done = copy("import", "-", stdin=exported)
    assert done.code == 7
    assert "ticket INC5 was created at 2026-01-01T09:00:00Z" in done.err
    listed = json.loads(copy("list", "--all", "--sort", "created", "--json").out)
    assert {ticket["subject"] for ticket in listed} >= {"Mine", "Mine too", "VPN down", "Renamed"}
    assert json.loads(copy("show", "1", "--json").out)["subject"] == "Mine"
    again = copy("import", "-", stdin=exported)
    assert again.out.startswith("0 tickets opened, 0 changed, 0 events added")


def test_rules_that_are_not_what_their_hash_says_are_not_taken(full: Path, slactl: Slactl, copy: Copy) -> None:
    forged = slactl("export").out.replace('first_response = \\"40h\\"', 'first_response = \\"1h\\"')
    done = copy("import", "-", stdin=forged)
    assert done.code == 0
    assert "does not match its hash; slactl uses the current rules for its tickets" in done.err
    assert done.out.startswith("5 tickets opened")


def test_erased_text_stays_erased_and_its_hash_goes_along(full: Path, slactl: Slactl, copy: Copy) -> None:
    with sqlite3.connect(full) as connection:
        connection.execute("DELETE FROM event_text WHERE text = 'called back'")
    exported = slactl("export").out
    copy("import", "-", stdin=exported)
    assert copy("export").out == exported
    hashes = [json.loads(line).get("body_hash") for line in exported.splitlines()]
    assert sum(each is not None for each in hashes) == 2
    assert [message["body"] for message in json.loads(copy("show", "1", "--json").out)["messages"]] == [None, None]


def test_simulate_takes_an_export_as_it_is(full: Path, slactl: Slactl) -> None:
    done = slactl("simulate", "-", "--json", stdin=slactl("export").out)
    assert (done.code, done.err) == (0, "")
    assert len(json.loads(done.out)["tickets"]) == 5


def test_csv_is_for_spreadsheets(full: Path, slactl: Slactl) -> None:
    tickets, events = slactl("export", "--format", "csv"), slactl("export", "--format", "csv", "--events")
    assert tickets.lines[0].startswith("id,external_id,source,tenant")
    assert len(tickets.lines) == 6
    assert events.lines[0] == "id,ticket_id,at,recorded_at,actor,actor_type,action,detail,change,unix_user"
    assert slactl("export", "--format", "table").code == 2


def jsonl(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)
