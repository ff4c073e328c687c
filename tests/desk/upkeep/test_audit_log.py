"""The log: nothing in it changes, whatever program tries, and an audit finds what was changed all the same."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun import freeze_time

from slactl.store.read.audit import readable_links
from slactl.store.schema import chain
from slactl.store.sqlite.connection import open_database
from slactl.store.sqlite.structure import odd_parts

MONDAY = "2026-03-02T09:00:00Z"


#: The database of `told` once it was made: what happened is told once, and copied for every test.
MADE: list[bytes] = []


@pytest.fixture
def told(desk: Path, slactl: Slactl) -> Iterator[Path]:
    """A desk on which something of everything has happened."""
    with freeze_time(MONDAY) as clock:
        if not MADE:
            slactl("create", "Printer on fire", "--from", "ann@example.com", "--body", "It burns.")
            slactl("create", "Toner is out", "--from", "bob@example.com", "--external-id", "T-2")
            slactl("reply", "1", "--body", "On it.")
            slactl("priority", "2", "high")
            clock.move_to("2026-03-02T10:00:00Z")
            slactl("receive", "1", "--body", "Still burning.")
            slactl("escalate", "2", "--reason", "called twice")
            clock.move_to("2026-03-05T09:00:00Z")
            assert slactl("check", "-q").code == 0
            MADE.append(desk.read_bytes())
        clock.move_to("2026-03-05T09:00:00Z")
        desk.write_bytes(MADE[0])
        yield desk


def stranger(desk: Path) -> sqlite3.Connection:
    """A connection as another program opens it, without a pragma of ours."""
    return sqlite3.connect(desk, isolation_level=None)


def tampered(desk: Path, *statements: str) -> None:
    """Somebody who has the file and knows SQLite changes it."""
    connection = stranger(desk)
    for name in chain.TRIGGERS:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    chain.make_triggers(connection)
    connection.close()


def audited(slactl: Slactl, *options: str) -> tuple[int, dict[str, Any]]:
    result = slactl("audit", "verify", "--json", *options)
    found: dict[str, Any] = json.loads(result.out)
    assert (result.code == 0) == found["ok"]
    return result.code, found


def dump(desk: Path) -> list[tuple[Any, ...]]:
    with stranger(desk) as connection:
        return connection.execute("SELECT * FROM event ORDER BY id").fetchall()


APPENDING = "ticket_id, at, recorded_at, actor, actor_type, action, detail, hash"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET actor = 'eve' WHERE id = 1",
        "UPDATE OR REPLACE event SET id = 1 WHERE id = 2",
        "DELETE FROM event WHERE id = 1",
        "DELETE FROM event",
        f"INSERT OR REPLACE INTO event SELECT 1, {APPENDING} FROM event WHERE id = 2",
        f"REPLACE INTO event SELECT max(id), {APPENDING} FROM event",
        f"INSERT OR IGNORE INTO event SELECT 1, {APPENDING} FROM event WHERE id = 2",
        f"INSERT INTO event SELECT id, {APPENDING} FROM event WHERE id = 2 ON CONFLICT DO UPDATE SET actor = 'eve'",
        "UPDATE event_text SET text = 'eve'",
        "INSERT OR REPLACE INTO event_text SELECT event_id, field, salt, 'eve' FROM event_text",
    ],
)
def test_no_program_changes_removes_or_replaces_an_event(told: Path, statement: str) -> None:
    before = dump(told)
    connection = stranger(told)
    assert connection.execute("PRAGMA recursive_triggers").fetchone() == (0,)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()
    assert dump(told) == before


def test_an_event_comes_neither_before_another_nor_into_a_gap(told: Path) -> None:
    tampered(told, "DELETE FROM event WHERE id = 3")
    connection = stranger(told)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(f"INSERT INTO event SELECT 3, {APPENDING} FROM event WHERE id = 2")
    connection.close()


def test_an_untouched_desk_verifies(told: Path, slactl: Slactl) -> None:
    code, found = audited(slactl)
    assert (code, found["found"], found["findings"]) == (0, 0, [])
    assert (found["events"], found["tickets"], found["erased"]) == (len(dump(told)), 2, 0)
    assert slactl("audit", "verify", "-q").out == ""


def test_the_chain_can_be_computed_by_another_program(told: Path, slactl: Slactl) -> None:
    """By what the documentation of the chain says, and nothing of slactl's."""
    import hashlib

    before = "0" * 64
    for *event, kept in dump(told):
        text = json.dumps(event, separators=(",", ":"), ensure_ascii=True)
        before = hashlib.sha256((before + text).encode()).hexdigest()
        assert kept == before
    assert audited(slactl)[1]["audit_head"] == before


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("UPDATE event SET actor = 'eve' WHERE id = 3", 3),
        ("UPDATE event SET at = '2026-03-01T09:00:00Z' WHERE id = 1", 1),
        ("UPDATE event SET recorded_at = '2026-03-01T09:00:00Z' WHERE id = 4", 4),
        ("UPDATE event SET detail = replace(detail, 'normal', 'urgent') WHERE id = 1", 1),
        ("UPDATE event SET ticket_id = 2 WHERE id = 5", 5),
        ("UPDATE event SET hash = 'beef' WHERE id = 2", 2),
        ("UPDATE event SET actor = x'c3' WHERE id = 3", 3),
        ("UPDATE event SET actor = CAST(x'c3' AS TEXT) WHERE id = 3", 3),
        ("DELETE FROM event WHERE id = 5", 6),
        ("UPDATE event SET id = 1000 WHERE id = 5", 6),
        (f"INSERT INTO event SELECT -1, {APPENDING} FROM event WHERE id = 2", -1),
    ],
)
def test_the_first_bad_event_is_named(told: Path, slactl: Slactl, statement: str, first: int) -> None:
    tampered(told, "PRAGMA ignore_check_constraints = ON", "PRAGMA foreign_keys = OFF", statement)
    code, found = audited(slactl)
    assert code == 6
    assert (found["findings"][0]["kind"], found["findings"][0]["event_id"]) == ("event", first)
    shown = slactl("audit", "verify")
    bad = next(line for line in shown.lines if line.startswith("bad"))
    assert bad.startswith(f"bad\tevent {first}")
    assert shown.lines[-1] == "verified\tno"


def test_events_that_changed_places_are_found(told: Path, slactl: Slactl) -> None:
    swap = ("UPDATE event SET id = 5000 WHERE id = 3", "UPDATE event SET id = 3 WHERE id = 4")
    tampered(told, "PRAGMA foreign_keys = OFF", *swap, "UPDATE event SET id = 4 WHERE id = 5000")
    assert audited(slactl)[1]["findings"][0]["event_id"] == 3


def rewritten(desk: Path, change: Callable[[list[list[Any]]], None]) -> None:
    """Somebody changes the log and computes every hash anew."""
    rows = [list(row[:-1]) for row in dump(desk)]
    change(rows)
    before, made = chain.BEGINNING, []
    for row in rows:
        before = chain.seal(before, row)
        made.append((*row, before))
    tampered(desk, "PRAGMA foreign_keys = OFF", "DELETE FROM event")
    with stranger(desk) as connection:
        connection.executemany(f"INSERT INTO event VALUES ({', '.join('?' * 9)})", made)


def test_a_log_that_was_written_anew_is_found_by_a_head_kept_elsewhere(told: Path, slactl: Slactl) -> None:
    head = audited(slactl)[1]["audit_head"]
    slactl("note", "1", "--body", "later")
    with sqlite3.connect(told) as connection:
        connection.execute("UPDATE run SET audit_head = NULL")
    assert audited(slactl, "--head", head)[0] == 0  # the log has grown since, and that is well

    def blame(rows: list[list[Any]]) -> None:
        rows[2][4] = "eve"

    rewritten(told, blame)
    assert audited(slactl)[0] == 0
    code, found = audited(slactl, "--head", head)
    assert (code, found["findings"][0]["kind"]) == (6, "head")
    assert head in found["findings"][0]["message"]


def test_a_tail_that_was_cut_off_is_found_by_the_head_and_by_the_runs(told: Path, slactl: Slactl) -> None:
    head = audited(slactl)[1]["audit_head"]
    rewritten(told, lambda rows: rows.pop())
    kinds = [finding["kind"] for finding in audited(slactl, "--head", head.upper())[1]["findings"]]
    assert kinds[:2] == ["head", "run"]


@pytest.mark.parametrize("head", ["", "beef", "z" * 64, "0" * 63])
def test_a_head_that_is_no_hash_is_refused(told: Path, slactl: Slactl, head: str) -> None:
    assert slactl("audit", "verify", "--head", head).code == 2


def test_the_head_stands_in_check_and_in_the_run(told: Path, slactl: Slactl) -> None:
    head = audited(slactl)[1]["audit_head"]
    for options in ((), ("--dry-run",)):
        assert json.loads(slactl("check", "--json", *options).out)["audit_head"] == head
    last = slactl("runs", "list", "-q").lines[0]
    assert json.loads(slactl("runs", "show", last, "--json").out)["audit_head"] == head
    assert f"audit_head\t{head}" in slactl("runs", "show", last).lines


def test_an_empty_log_verifies_and_has_no_head(desk: Path, slactl: Slactl) -> None:
    code, found = audited(slactl)
    assert (code, found["audit_head"], found["events"]) == (0, None, 0)
    assert json.loads(slactl("check", "--json").out)["audit_head"] is None


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE event_text SET text = 'It freezes.' WHERE text = 'It burns.'", "the body of event 1 was changed"),
        (
            "DELETE FROM event_text WHERE text = 'It burns.'",
            "the body of event 1 is missing, and the log records no erasure",
        ),
        (
            "INSERT INTO event_text VALUES (2, 'body', 'salt', 'forged')",
            "event 2 has a body whose hash is not in the log",
        ),
    ],
)
def test_words_that_do_not_fit_the_log_are_found(told: Path, slactl: Slactl, statement: str, what: str) -> None:
    tampered(told, statement)
    code, found = audited(slactl)
    assert code == 6
    assert found["findings"][0]["kind"] == "text"
    assert found["findings"][0]["message"].startswith(what)


#: The first level that fired, and all of an escalation but its number.
LEVEL, FIRED = "UPDATE escalation SET", "WHERE source = 'automatic' AND outcome = 'fired'"
COPIED = (
    "ticket_id, source, kind, cycle, escalation, level, arming, repeat, reason, due_at, fired_at, outcome, actor,"
    " from_priority, to_priority, from_assignee, to_assignee, run_id, event_id"
)
NEVER = "'9999-01-01T00:00:00Z' WHERE detected_at IS NULL"


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE ticket SET status = 'closed' WHERE id = 2", "status of ticket 2 is 'closed'"),
        ("UPDATE ticket SET subject = 'All is well' WHERE id = 1", "subject of ticket 1 is 'All is well'"),
        ("UPDATE ticket SET requester_email = NULL WHERE id = 1", "requester_email of ticket 1 is nothing"),
        ("UPDATE ticket SET external_id = 'T-3' WHERE id = 2", "external_id of ticket 2 is 'T-3'"),
        ("UPDATE ticket SET missed = 0 WHERE id = 2", "missed of ticket 2 is 0"),
        ("UPDATE ticket SET escalated = 0 WHERE id = 2", "escalated of ticket 2 is 0"),
        (
            "UPDATE timer SET due_at = '2027-01-01T00:00:00Z' WHERE ticket_id = 2 AND kind = 'resolution'",
            "due_at of the",
        ),
        ("UPDATE timer SET breached_at = NULL, state = 'met' WHERE ticket_id = 2", "state of the first response timer"),
        ("UPDATE timer SET detected_at = '2026-03-02T09:00:01Z' WHERE detected_at IS NOT NULL", "detected_at of the"),
        (
            "DELETE FROM timer WHERE ticket_id = 1 AND kind = 'resolution'",
            "the resolution timer 1 of ticket 1 is",
        ),
        ("DELETE FROM ticket WHERE id = 2", "ticket 2 is missing"),
        (
            "DELETE FROM escalation WHERE source = 'manual'",
            "event 11 escalated ticket 2, but its escalation is missing",
        ),
        ("UPDATE escalation SET event_id = 1 WHERE source = 'manual'", "escalation 1 of ticket 2 fired, but"),
        ("UPDATE escalation SET outcome = 'expired' WHERE outcome = 'fired'", "outcome of escalation 1 of ticket 2 is"),
        (
            "UPDATE escalation SET fired_at = '2020-01-01T00:00:00Z' WHERE id = 1",
            "fired_at of escalation 1 of ticket 2",
        ),
        ("UPDATE escalation SET actor = 'eve' WHERE id = 1", "actor of escalation 1 of ticket 2 is 'eve', but '"),
        ("UPDATE escalation SET reason = 'none' WHERE id = 1", "reason of escalation 1 of ticket 2 is 'none'"),
        (f"{LEVEL} arming = arming + 5 {FIRED}", "arming of escalation 2 of ticket 2 is 5"),
        (f"{LEVEL} repeat = repeat + 1 {FIRED}", "repeat of escalation 2 of ticket 2 is 1"),
        (f"{LEVEL} kind = 'resolution' {FIRED}", "kind of escalation 2 of ticket 2 is 'resolution'"),
        (f"{LEVEL} escalation = 'other' {FIRED}", "escalation of escalation 2 of ticket 2 is 'other'"),
        (f"{LEVEL} level = 'other' {FIRED}", "level of escalation 2 of ticket 2 is 'other'"),
        (f"{LEVEL} source = 'manual' {FIRED}", "source of escalation 2 of ticket 2 is 'manual'"),
        (
            f"INSERT INTO escalation SELECT id + 90, {COPIED} FROM escalation WHERE id = 1",
            "escalation 91 is not the only",
        ),
        ("UPDATE timer SET next_at = NULL", "next_at of the resolution timer 1 of ticket 1 is nothing"),
        (f"UPDATE timer SET next_at = {NEVER}", "next_at of the resolution timer 1 of ticket 1 is '9999"),
        ("UPDATE rules_version SET canonical = 'schema = 1'", "the history of ticket 1 cannot be evaluated"),
    ],
)
def test_a_ticket_that_does_not_follow_from_its_history_is_found(
    told: Path, slactl: Slactl, statement: str, what: str
) -> None:
    tampered(told, "PRAGMA foreign_keys = OFF", statement)
    code, found = audited(slactl)
    assert code == 6
    assert found["findings"][0]["message"].startswith(what)


def test_an_escalation_of_a_customer_is_held_to_the_name_that_is_kept(
    desk: Path, slactl: Slactl, tmp_path: Path
) -> None:
    said = [
        {"type": "created", "requester_email": "ann@example.com"},
        {"type": "escalated", "reason": "it burns", "actor": "ann@example.com"},
        {"type": "escalated", "reason": "it freezes", "actor": "mia"},
    ]
    lines = [{"ticket": "A", "at": f"2026-03-02T09:0{n}:00Z", **each} for n, each in enumerate(said)]
    assert slactl("import", "-", stdin="\n".join(map(json.dumps, lines))).code == 0
    assert audited(slactl)[0] == 0
    assert slactl("erase", "--requester", "ann@example.com", "--yes").code in (0, 7)
    assert audited(slactl)[0] == 0
    tampered(desk, "UPDATE escalation SET actor = 'eve' WHERE reason = 'it freezes'")
    assert audited(slactl)[1]["findings"][0]["message"].startswith("actor of escalation 2 of ticket 1 is 'eve'")


def test_what_is_no_utf8_passes_for_nothing_else(told: Path, slactl: Slactl) -> None:
    """The mark by which programs show a byte that is wrong, in a word whose byte was made wrong afterwards."""
    assert slactl("--actor", "a\ufffdz", "note", "1", "--body", "x\ufffdy").code == 0
    assert audited(slactl)[0] == 0
    number = dump(told)[-1][0]
    sound = told.read_bytes()
    tampered(told, f"UPDATE event SET actor = CAST(x'61ff7a' AS TEXT) WHERE id = {number}")
    code, found = audited(slactl)
    assert (code, found["findings"][0]["event_id"], found["findings"][0]["kind"]) == (6, number, "event")
    assert f"bad\tevent {number}" in slactl("audit", "verify").out
    told.write_bytes(sound)
    tampered(told, f"UPDATE event_text SET text = CAST(x'78ff79' AS TEXT) WHERE event_id = {number}")
    code, found = audited(slactl)
    assert (code, found["findings"][0]["message"]) == (6, f"the body of event {number} was changed")


def test_a_log_written_anew_with_what_is_no_utf8_does_not_verify(told: Path, slactl: Slactl) -> None:
    def blame(rows: list[list[Any]]) -> None:
        rows[-1][4] = "e\udcffe"

    rows = [list(row[:-1]) for row in dump(told)]
    blame(rows)
    last = rows[-1]
    forged = chain.seal(dump(told)[-2][-1], last)
    tampered(told, f"UPDATE event SET actor = CAST(x'65ff65' AS TEXT), hash = '{forged}' WHERE id = {last[0]}")
    code, found = audited(slactl)
    assert (code, found["findings"][0]["event_id"]) == (6, last[0])


def test_a_trigger_that_is_gone_is_a_finding(told: Path, slactl: Slactl) -> None:
    for name in chain.TRIGGERS:
        sound = told.read_bytes()
        with stranger(told) as connection:
            connection.execute(f"DROP TRIGGER {name}")
        code, found = audited(slactl)
        assert (code, [finding["kind"] for finding in found["findings"]]) == (6, ["log"])
        assert name in found["findings"][0]["message"]
        connection.close()
        told.write_bytes(sound)


def test_our_own_connections_ask_the_other_triggers_when_a_row_is_replaced(told: Path) -> None:
    with stranger(told) as connection:
        connection.execute("DROP TRIGGER event_never_replaced")
    connection.close()
    before = dump(told)
    ours = open_database(told)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        ours.execute(f"INSERT OR REPLACE INTO event SELECT 1, {APPENDING} FROM event WHERE id = 2")
    ours.close()
    assert dump(told) == before


def test_a_ticket_that_no_check_would_look_at_is_found(told: Path, slactl: Slactl) -> None:
    """Its timers are only looked at when their next instants come."""
    with freeze_time("2026-03-12T09:00:00Z"):
        tampered(told, "UPDATE timer SET next_at = NULL")
        assert json.loads(slactl("check", "--json").out)["scanned"] == 0
        findings = audited(slactl)[1]["findings"]
        assert [finding["ticket_id"] for finding in findings] == [1, 2]
        assert slactl("doctor", "--rebuild").code == 0
        assert audited(slactl)[0] == 0
        found = json.loads(slactl("check", "--json").out)
        assert (found["scanned"], found["breached"]) == (2, 2)
        assert audited(slactl)[0] == 0


def test_no_ticket_that_waits_for_good_reason_is_a_finding(told: Path, slactl: Slactl) -> None:
    """Paused, acknowledged, late and noticed, done late, put off after a failure, or late when it came."""
    slactl("status", "1", "pending")
    slactl("ack", "2", "--for", "30d")
    late = {"ticket": "L", "at": "2026-01-05T09:00:00Z", "type": "created"}
    done = [late | {"ticket": "D"}, late | {"ticket": "D", "at": "2026-03-02T09:00:00Z", "type": "status"}]
    done[1] |= {"status": "resolved"}
    assert slactl("import", "-", "--baseline", stdin="\n".join(map(json.dumps, [late, *done]))).code == 0
    assert audited(slactl)[0] == 0
    with freeze_time("2026-03-09T12:00:00Z") as clock:
        slactl("create", "Screen", "--from", "ann@example.com", "--at", "2026-01-05T09:00:00Z")
        assert audited(slactl)[0] == 0
        tampered(told, "UPDATE event SET detail = replace(detail, 'open', 'x') WHERE id = 3")
        failed = json.loads(slactl("check", "--json").out)
        assert failed["failed"] == 1
        tampered(told, "UPDATE event SET detail = replace(detail, '\"x\"', '\"open\"') WHERE id = 3")
        assert audited(slactl)[0] == 0
        clock.move_to("2026-03-09T13:00:01Z")
        assert slactl("check", "-q").code == 0
        assert audited(slactl)[0] == 0


def test_time_that_passes_is_no_finding(told: Path, slactl: Slactl) -> None:
    slactl("ack", "2", "--for", "1h")
    slactl("status", "1", "pending")
    for later in ("2026-03-05T11:00:00Z", "2026-03-09T12:00:00Z", "2027-01-01T00:00:00Z"):
        with freeze_time(later):
            assert audited(slactl) == (0, audited(slactl)[1]), later


def test_a_log_that_was_imported_verifies_and_has_a_chain_of_its_own(
    told: Path, slactl: Slactl, tmp_path: Path
) -> None:
    exported = slactl("export").out
    other = str(tmp_path / "other" / "slactl.db")
    assert slactl("--db", other, "init").code == 0
    assert slactl("--db", other, "import", "-", stdin=exported).code == 0
    result = slactl("--db", other, "audit", "verify", "--json")
    assert result.code == 0, result.out
    assert json.loads(result.out)["audit_head"] != audited(slactl)[1]["audit_head"]


def as_step_one(desk: Path) -> None:
    """Make a database what it was before the log was chained."""
    connection = stranger(desk)
    connection.execute("PRAGMA foreign_keys = OFF")
    for name in (*chain.TRIGGERS,):
        connection.execute(f"DROP TRIGGER {name}")
    for (view,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
        connection.execute(f"DROP VIEW {view}")
    connection.execute("ALTER TABLE event DROP COLUMN hash")
    connection.execute("ALTER TABLE run DROP COLUMN audit_head")
    connection.execute("ALTER TABLE run DROP COLUMN audit_event")
    old = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'event_text'").fetchone()[0]
    rows = connection.execute("SELECT * FROM event_text").fetchall()
    connection.execute("DROP TABLE event_text")
    connection.execute(old.replace(", 'actor'", ""))
    connection.executemany("INSERT INTO event_text VALUES (?, ?, ?, ?)", rows)
    connection.execute(
        "CREATE TRIGGER event_never_changes BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'append-only'); END"
    )
    connection.execute(
        "CREATE TRIGGER event_never_vanishes BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'append-only'); END"
    )
    connection.execute("PRAGMA user_version = 1")
    connection.close()


def test_a_database_without_a_chain_gets_one(told: Path, slactl: Slactl) -> None:
    before = dump(told)
    as_step_one(told)
    code, found = audited(slactl)
    assert (code, found["audit_head"]) == (0, before[-1][-1])
    assert dump(told) == before
    with stranger(told) as connection:
        assert odd_parts(connection) == []
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert slactl("note", "1", "--body", "later").code == 0
    assert audited(slactl)[0] == 0


def test_the_address_of_a_customer_who_acts_is_kept_apart_from_the_log(desk: Path, slactl: Slactl) -> None:
    said = [
        ("09:00", "created", {"requester_email": "Ann@example.com"}),
        ("09:01", "agent_reply", {"actor": "mia@desk.example", "body": "Hi"}),
        ("09:02", "customer_reply", {"actor": "eve@example.com", "body": "?"}),
        ("09:03", "status", {"actor": "ann@example.com", "status": "resolved"}),
    ]
    lines = [{"ticket": "A", "at": f"2026-03-02T{at}:00Z", "type": kind, **more} for at, kind, more in said]
    assert slactl("import", "-", stdin="\n".join(map(json.dumps, lines))).code == 0
    trail = json.loads(slactl("history", "A", "--json").out)
    assert [event["actor"] for event in trail if event["actor_type"] == "user"][1:] == [
        "mia@desk.example",
        "customer",
        "customer",
    ]
    messages = json.loads(slactl("show", "A", "--json").out)["messages"]
    assert [message["actor"] for message in messages] == ["ann", "mia@desk.example", "eve@example.com"][
        -len(messages) :
    ]
    exported = [json.loads(line) for line in slactl("export").lines]
    assert [line.get("actor") for line in exported][1:] == ["mia@desk.example", "eve@example.com", "ann@example.com"]
    assert audited(slactl)[0] == 0


@pytest.mark.parametrize(
    "actor",
    ["Jörg", "\U0001f600 \ud7ff\ue000", "tab\there", "a\x00\x01\x1f", "del\x7f", 'say "no" \\', "a,null", "</x>"],
)
def test_sqlite_writes_the_array_that_is_sealed(told: Path, slactl: Slactl, actor: str) -> None:
    with stranger(told) as connection:
        columns = dict(zip(chain.SEALED[1:], dump(told)[0][1:], strict=False))
        said = {"actor": actor, "action": "ticket.note", "detail": json.dumps({"ß": [None, actor, 1.5]})}
        chain.append(connection, columns | said)
        [*_, (_, array, kept)] = readable_links(connection)
        before = dump(told)[-2][-1]
    connection.close()
    assert array is None or hashlib.sha256((before + array).encode()).hexdigest() == kept
    assert (array is None) == (actor == "a,null")
    assert audited(slactl)[0] == 0


def test_a_null_in_the_place_of_a_text_does_not_verify(told: Path, slactl: Slactl) -> None:
    """Although its hash is the one of the array that SQLite writes."""
    before = dump(told)[-2][-1]
    event = list(dump(told)[-1][:-1])
    event[chain.SEALED.index("recorded_at")] = None
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=True)
    forged = hashlib.sha256((before + text).encode()).hexdigest()
    schema = "UPDATE sqlite_master SET sql = replace(sql, 'recorded_at TEXT NOT NULL', 'recorded_at TEXT')"
    tampered(told, "PRAGMA writable_schema = ON", f"{schema} WHERE name = 'event'")
    change = f"UPDATE event SET recorded_at = NULL, hash = '{forged}' WHERE id = {event[0]}"
    tampered(told, "UPDATE run SET audit_head = NULL", change)
    found = audited(slactl)[1]["findings"]
    assert ("event", event[0]) in [(each["kind"], each["event_id"]) for each in found]
