"""Erasing a person: nothing of the words is left in any byte of the files, and the log still verifies."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from terminal import on_terminal

from slactl.store.sqlite.connection import open_database

ADDRESS = "Ann.Lee@Example.com"
SECRETS = ("ann.lee@example.com", "inferno", "scorched", "cinders", "embers", "ashes")


@pytest.fixture
def told(desk: Path, slactl: Slactl) -> Path:
    """Tickets of Ann, and one of Bob in which Ann is named, and others whose addresses look like hers."""
    slactl("create", "Printer inferno", "--from", ADDRESS, "--body", "It is scorched.", "--at", "5d ago")
    slactl("reply", "1", "--body", "Sweep up the cinders, Ann.")
    slactl("receive", "1", "--body", "Only embers now.")
    slactl("create", "Toner is out", "--from", "bob@example.com", "--body", "Ask ann.lee@example.com about the ashes")
    slactl("note", "2", "--body", "joann.lee@example.com and ann.lee@example.com.au are others")
    slactl("create", "Smoke", "--from", "ANN.LEE@example.com", "--external-id", "T-3", "--at", "5d ago")
    assert slactl("check", "-q").code == 0
    return desk


def shown(slactl: Slactl, number: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(slactl("show", number, "--json").out)
    return found


def raw(desk: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(desk.parent.glob("slactl.db*"))).lower()


def timers(desk: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(desk) as connection:
        return connection.execute("SELECT * FROM timer ORDER BY id").fetchall()


def test_nothing_of_the_person_is_left_in_any_byte(told: Path, slactl: Slactl) -> None:
    before, others = timers(told), raw(told)
    # A connection that stays open keeps the write-ahead log, in which the old pages are.
    with sqlite3.connect(told) as connection:
        connection.execute("SELECT count(*) FROM event").fetchone()
        assert all(secret.encode() in others for secret in SECRETS)
        done = slactl("erase", "--requester", "ann.lee@EXAMPLE.com", "--yes", "--json")
        assert done.code == 7, done.err
        # What remains of the letters are two addresses of other people, in a note.
        left = raw(told).replace(b"joann.lee@example.com", b"").replace(b"ann.lee@example.com.au", b"")
        assert [secret for secret in SECRETS if secret.encode() in left] == []
    record = json.loads(done.out)
    assert record["texts"] == {"body": 4, "requester_email": 2, "subject": 2}
    assert (record["tickets"], record["other_tickets"]) == ([1, 3], [2])
    assert record["left"] == [{"table": "event_text", "column": "text", "rows": 1, "tickets": [2]}]
    assert timers(told) == before
    verified = slactl("audit", "verify", "--json")
    assert verified.code == 0, verified.out
    assert json.loads(verified.out)["erased"] == 8


def test_pages_that_were_freed_long_ago_are_wiped_too(told: Path, slactl: Slactl) -> None:
    with sqlite3.connect(told, isolation_level=None) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        words = "'inferno of long ago ' || event.id"
        connection.execute(f"CREATE TABLE old AS SELECT {words} AS text FROM event, ticket, timer")
        connection.execute("DROP TABLE old")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert raw(told).count(b"inferno of long ago") > 100
    assert slactl("erase", "--requester", ADDRESS, "--yes").code == 7
    assert b"inferno" not in raw(told)


def test_what_is_changed_is_overwritten_however_sqlite_was_built(
    told: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = sqlite3.connect

    def careless(*words: Any, **options: Any) -> sqlite3.Connection:  # noqa: ANN401
        connection = ordinary(*words, **options)
        connection.execute("PRAGMA secure_delete = OFF")
        return connection

    monkeypatch.setattr(sqlite3, "connect", careless)
    assert slactl("silence", "add", "--ticket", "1", "--for", "1h", "--comment", "lava").code == 0
    assert b"lava" in raw(told)
    with closing(open_database(told)) as connection:
        connection.execute("DELETE FROM silence")
    assert b"lava" not in raw(told)


def test_a_reader_that_keeps_the_old_pages_is_told(told: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    from slactl.store.sqlite import file

    monkeypatch.setattr(file, "BUSY_SECONDS", 0.1)
    with sqlite3.connect(told, isolation_level=None) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM event").fetchone()
        done = slactl("erase", "--requester", ADDRESS, "--yes", "--json")
        assert done.code == 7
        assert json.loads(done.out)["problem"].endswith("; run: slactl erase --finish")
        assert slactl("erase", "--finish").code == 7
        connection.execute("ROLLBACK")
    assert shown(slactl, "1")["subject"] == "(erased)"
    finished = slactl("erase", "--finish")
    assert (finished.code, finished.out) == (0, "rewrote the file: it holds no erased text\n")


def test_what_is_shown_afterwards(told: Path, slactl: Slactl) -> None:
    before = {number: shown(slactl, number) for number in ("1", "2", "3")}
    slactl("erase", "--requester", ADDRESS, "--yes")
    after = {number: shown(slactl, number) for number in ("1", "2", "3")}
    assert [after[number]["subject"] for number in after] == ["(erased)", "Toner is out", "T-3"]
    assert [after[number]["requester_email"] for number in after] == [None, "bob@example.com", None]
    assert [message["body"] for message in after["1"]["messages"]] == [None, None, None]
    assert [message["body"] for message in after["2"]["messages"]][1:] == [before["2"]["messages"][1]["body"]]
    same = ("status", "priority", "policy", "created_at", "updated_at", "resolution_due_at", "first_response_state")
    for number, ticket in after.items():
        assert [ticket[name] for name in same] == [before[number][name] for name in same]
    screen = slactl("--color", "never", "show", "1", "--format", "table").out
    assert screen.count("(erased)") == 4
    assert slactl("list", "--requester", ADDRESS, "-q").out == ""


def test_the_erasure_is_on_the_record_without_the_address(told: Path, slactl: Slactl) -> None:
    slactl("erase", "--requester", ADDRESS, "--yes")
    entries = json.loads(slactl("audit", "list", "--action", "ticket.erase", "--json").out)
    assert [(entry["ticket_id"], entry["actor"], entry["actor_type"]) for entry in entries] == [
        (1, "ann", "user"),
        (2, "ann", "user"),
        (3, "ann", "user"),
    ]
    assert {name: len(events) for name, events in entries[0]["detail"].items()} == {
        "body": 3,
        "requester_email": 1,
        "subject": 1,
    }
    assert "example" not in json.dumps(entries)


def test_a_dry_run_says_the_same_and_changes_nothing(told: Path, slactl: Slactl) -> None:
    with sqlite3.connect(told) as connection:
        before = list(connection.iterdump())
    rehearsed = json.loads(slactl("erase", "--requester", ADDRESS, "-n", "--json").out)
    with sqlite3.connect(told) as connection:
        assert list(connection.iterdump()) == before
    done = json.loads(slactl("erase", "--requester", ADDRESS, "--yes", "--json").out)
    assert (rehearsed.pop("dry_run"), done.pop("dry_run")) == (True, False)
    assert rehearsed == done


def test_it_asks_first_and_elsewhere_needs_a_yes(told: Path, slactl: Slactl) -> None:
    refused = slactl("erase", "--requester", ADDRESS)
    assert refused.code == 2
    assert "--yes" in refused.err
    assert shown(slactl, "1")["requester_email"] == ADDRESS


@pytest.mark.parametrize("nobody", ["carl@example.com", "lee@example.com", "", "example.com"])
def test_somebody_unknown_is_an_error_and_part_of_an_address_is_nobody(told: Path, slactl: Slactl, nobody: str) -> None:
    unknown = slactl("erase", "--requester", nobody, "--yes")
    assert unknown.code == 3
    assert shown(slactl, "1")["requester_email"] == ADDRESS


def test_what_the_outbox_and_a_silence_say_of_the_person_goes(told: Path, slactl: Slactl) -> None:
    slactl("silence", "add", "--ticket", "2", "--for", "1h", "--comment", f"{ADDRESS} is away")
    slactl("escalate", "2", "--reason", "urgent")
    slactl("silence", "add", "--ticket", "2", "--for", "1h", "--comment", "bob@example.com is away")
    with sqlite3.connect(told) as connection:
        assert connection.execute("SELECT count(*) FROM notification").fetchone()[0] > 1
        connection.execute(
            "UPDATE notification SET error = 'unknown: ' || CASE id WHEN 1 THEN ? ELSE 'bob@x.y' END", (ADDRESS,)
        )
    before = raw(told)
    assert slactl("erase", "--requester", ADDRESS, "--yes").code == 7
    with sqlite3.connect(told) as connection:
        errors = [error for (error,) in connection.execute("SELECT error FROM notification ORDER BY id")]
        comments = [comment for (comment,) in connection.execute("SELECT comment FROM silence ORDER BY id")]
    assert (errors[0], set(errors[1:]), comments) == (None, {"unknown: bob@x.y"}, [None, "bob@example.com is away"])
    assert (b"unknown: ann" in before, b"unknown: ann" in raw(told)) == (True, False)


def answered(told: Path, slactl: Slactl, *meanwhile: str) -> tuple[int, str]:
    """Say yes on a terminal after something else was done while the question stood."""
    with on_terminal(sys.executable, "-m", "slactl", "erase", "--requester", ADDRESS) as terminal:
        terminal.until("Erase 8 texts of 3 tickets permanently?")
        assert slactl(*meanwhile).code == 0
        terminal.type("y\n")
        return terminal.wait(), terminal.screen


def test_what_came_while_the_question_stood_is_not_erased(told: Path, slactl: Slactl) -> None:
    code, screen = answered(told, slactl, "create", "Later", "--from", ADDRESS)
    assert code == 5
    assert "new data of this person arrived in the meantime; nothing was erased" in screen
    assert f"hint: slactl erase --requester {ADDRESS}" in screen
    assert [shown(slactl, number)["subject"] for number in ("1", "4")] == ["Printer inferno", "Later"]


def test_what_others_did_while_the_question_stood_is_no_hindrance(told: Path, slactl: Slactl) -> None:
    code, screen = answered(told, slactl, "create", "Later", "--from", "carl@example.com")
    assert (code, "erased 4 bodies" in screen) == (7, True), screen
    assert [shown(slactl, number)["subject"] for number in ("1", "4")] == ["(erased)", "Later"]


def test_what_the_desks_own_people_said_of_the_address_is_told_and_stays(told: Path, slactl: Slactl) -> None:
    slactl("escalate", "2", "--reason", f"{ADDRESS} called")
    slactl("create", "Cups", "--from", "carl@example.com", "--assignee", ADDRESS)
    slactl("tenant", "add", ADDRESS)
    done = slactl("erase", "--requester", ADDRESS, "--yes", "--json")
    assert done.code == 7
    assert json.loads(done.out)["left"] == [
        {"table": "escalation", "column": "reason", "rows": 1, "tickets": [2]},
        {"table": "event", "column": "detail", "rows": 2, "tickets": [2, 4]},
        {"table": "event_text", "column": "text", "rows": 1, "tickets": [2]},
        {"table": "tenant", "column": "name", "rows": 1, "tickets": []},
        {"table": "ticket", "column": "assignee", "rows": 1, "tickets": [4]},
    ]
    assert slactl("audit", "verify").code == 0


def test_a_message_of_the_person_in_the_ticket_of_another_goes_alone(desk: Path, slactl: Slactl) -> None:
    said = [
        ("09:00", "created", {"requester_email": "bob@example.com", "subject": "Toner", "body": "Out of toner"}),
        ("09:02", "customer_reply", {"actor": ADDRESS, "body": "inferno"}),
        ("09:03", "customer_reply", {"actor": "bob@example.com", "body": "thanks"}),
    ]
    lines = [{"ticket": "A", "at": f"2026-03-02T{at}:00Z", "type": kind, **more} for at, kind, more in said]
    assert slactl("import", "-", stdin="\n".join(map(json.dumps, lines))).code == 0
    erased = slactl("erase", "--requester", ADDRESS, "--yes")
    assert (erased.code, "left" in erased.out) == (0, False)
    messages = shown(slactl, "A")["messages"]
    assert [(message["actor"], message["body"]) for message in messages[1:]] == [
        ("customer", None),
        ("bob@example.com", "thanks"),
    ]
    assert b"inferno" not in raw(desk)
    assert b"ann.lee" not in raw(desk)
    assert slactl("audit", "verify").code == 0


def test_an_erased_history_goes_out_and_in_again(told: Path, slactl: Slactl, tmp_path: Path) -> None:
    slactl("erase", "--requester", ADDRESS, "--yes")
    exported = slactl("export").out
    other = str(tmp_path / "other" / "slactl.db")
    assert slactl("--db", other, "init").code == 0
    assert slactl("--db", other, "import", "-", stdin=exported).code == 0
    verified = slactl("--db", other, "audit", "verify", "--json")
    assert verified.code == 0, verified.out
    assert json.loads(verified.out)["erased"] == 8


def test_a_desk_with_broken_rules_can_erase(told: Path, slactl: Slactl) -> None:
    told.with_name("rules.toml").write_text("nonsense")
    assert slactl("erase", "--requester", ADDRESS, "--yes").code == 7
    assert shown(slactl, "1")["subject"] == "(erased)"


def test_after_it_the_ticket_goes_on(told: Path, slactl: Slactl) -> None:
    slactl("erase", "--requester", ADDRESS, "--yes")
    assert slactl("edit", "1", "--subject", "Printer", "--from", "carl@example.com").code == 0
    assert (shown(slactl, "1")["subject"], shown(slactl, "1")["requester_email"]) == ("Printer", "carl@example.com")
    assert slactl("audit", "verify").code == 0
    assert slactl("doctor", "--rebuild", "-n").code == 0


def test_the_address_of_somebody_else_that_ends_or_begins_alike_is_nothing_that_is_left(
    desk: Path, slactl: Slactl
) -> None:
    slactl("create", "Mine", "--from", ADDRESS)
    slactl("create", "Hers", "--from", "joann.lee@example.com", "--body", "ann.lee@example.community")
    done = slactl("erase", "--requester", ADDRESS, "--yes", "--json")
    assert (done.code, json.loads(done.out)["left"]) == (0, [])
    slactl("note", "2", "--body", "or other.ann.lee@example.com")
    slactl("create", "Mine", "--from", ADDRESS)
    done = slactl("erase", "--requester", ADDRESS, "--yes", "--json")
    assert (done.code, [each["tickets"] for each in json.loads(done.out)["left"]]) == (7, [[2]])
