"""`audit verify` finds each outcome that does not follow from the history, and `doctor --rebuild` repairs it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from escalation_desk import ladder, policy, write_rules
from freezegun import freeze_time

#: The schemas from before there were outcomes.
SCHEMAS = {
    schema: (Path(__file__).parents[2] / "data" / "schemas" / f"schema_{schema}.sql").read_text()
    for schema in range(1, 8)
}

WITHOUT_TICKETS = {2, 3, 4}


@pytest.fixture
def told(desk: Path, slactl: Slactl) -> Iterator[Path]:
    """Deadlines kept, missed, missed twice, and kept again after a reopening; a check noticed all but the last miss."""
    write_rules(desk, policy(first_response="1h", resolution="4h"), ladder("resolution", "late 0m"))
    with freeze_time("2026-03-02T08:00:00Z") as clock:

        def at(time: str, *lines: str) -> None:
            clock.move_to(f"2026-03-02T{time}:00Z")
            for line in lines:
                assert slactl(*line.split()).code == 0

        at("08:00", *(f"create T{number} --from ann@example.com" for number in range(1, 5)))
        at("08:30", "reply 1 --no-body", "resolve 1")
        at("09:30", "check -q")
        at("12:30", "check -q", "due 2 --at 2026-03-02T13:00:00Z --target resolution --reason agreed")
        at("13:30", "check -q", "reply 2 --no-body", "resolve 2", "reopen 1")
        at("14:00", "resolve 1", "create T5 --from ann@example.com")
        at("15:30", "tag 3 --add seen")
        yield desk


def tampered(desk: Path, *statements: str) -> None:
    with closing(sqlite3.connect(desk, isolation_level=None)) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement


def verified(slactl: Slactl) -> tuple[int, list[str]]:
    result = slactl("audit", "verify", "--json")
    return result.code, [finding["message"] for finding in json.loads(result.out)["findings"]]


def kept(desk: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is stored of timers and outcomes, without the numbers of rows."""
    found = {}
    with closing(sqlite3.connect(desk)) as connection:
        for table in ("timer", "outcome"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
            rows = connection.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
            found[table] = sorted(rows, key=repr)
    return found


def test_the_outcomes_that_slactl_writes_verify(told: Path, slactl: Slactl) -> None:
    assert verified(slactl) == (0, [])
    outcomes = kept(told)["outcome"]
    resolutions = [row[2:8] for row in outcomes if row[1] == "resolution"]
    assert len([row for row in resolutions if row[4] is not None]) == 2 + 2  # T2 twice, T3, T4
    assert len([row for row in outcomes if row[:2] == (1, "resolution") and row[5] is not None]) == 2


FIRST = "(SELECT min(id) FROM outcome"
COPY = (
    "ticket_id, kind, cycle, agreement, started_at, stopped_at, missed_at, late_since, detected_at, met, averaged,"
    " seconds, paused_seconds, closed_seconds, plan, tenant, priority, assignee, policy, tags"
)

#: What somebody does to the rows, and what the finding says.
TAMPERING = {
    "a removed stop": (
        f"DELETE FROM outcome WHERE id = {FIRST} WHERE ticket_id = 1)",
        "the outcome of the first response of ticket 1 at 2026-03-02T08:30:00Z is missing",
    ),
    "a removed miss that a check noticed": (
        "DELETE FROM outcome WHERE ticket_id = 4 AND kind = 'resolution'",
        "the outcome of the resolution of ticket 4 at 2026-03-02T12:00:00Z is missing",
    ),
    "a removed miss of an earlier agreement": (
        "DELETE FROM outcome WHERE ticket_id = 2 AND kind = 'resolution' AND agreement = 0",
        "the outcome of the resolution of ticket 2 at 2026-03-02T12:00:00Z is missing",
    ),
    "a doubled row": (
        f"INSERT INTO outcome ({COPY}) SELECT {COPY} FROM outcome WHERE ticket_id = 4 AND kind = 'resolution'",
        "the outcome of the resolution of ticket 4 at 2026-03-02T12:00:00Z does not follow from the history",
    ),
    "a doubled stop": (
        f"INSERT INTO outcome ({COPY}) SELECT {COPY} FROM outcome WHERE id = {FIRST} WHERE ticket_id = 1)",
        "the outcome of the first response of ticket 1 at 2026-03-02T08:30:00Z does not follow from the history",
    ),
    "a doubled stop with another duration": (
        f"INSERT INTO outcome ({COPY}) SELECT {COPY.replace(' seconds', ' seconds + 1', 1)} FROM outcome"
        f" WHERE id = {FIRST} WHERE ticket_id = 1)",
        "the outcome of the first response of ticket 1 at 2026-03-02T08:30:00Z does not follow from the history",
    ),
    "an invented row": (
        f"INSERT INTO outcome ({COPY}) SELECT 5, {COPY[11:]} FROM outcome WHERE ticket_id = 1 AND kind = 'resolution'",
        "the outcome of the resolution of ticket 5 at 2026-03-02T08:30:00Z does not follow from the history",
    ),
    "a miss that is called kept": (
        "UPDATE outcome SET met = 1 WHERE ticket_id = 3",
        "the outcome of the first response of ticket 3 at 2026-03-02T09:00:00Z is missing",
    ),
    "another duration": (
        "UPDATE outcome SET seconds = 1 WHERE ticket_id = 1 AND kind = 'resolution'",
        "the outcome of the resolution of ticket 1 at 2026-03-02T08:30:00Z is missing",
    ),
    "another group": (
        "UPDATE outcome SET tenant = 'acme' WHERE ticket_id = 3 AND kind = 'resolution'",
        "the outcome of the resolution of ticket 3 at 2026-03-02T12:00:00Z is missing",
    ),
    "another day": (
        "UPDATE outcome SET stopped_at = '2026-02-02T08:30:00Z' WHERE ticket_id = 1 AND kind = 'first_response'",
        "the outcome of the first response of ticket 1 at 2026-02-02T08:30:00Z does not follow from the history",
    ),
    "another discovery": (
        "UPDATE outcome SET detected_at = '2026-03-02T09:00:01Z' WHERE ticket_id = 4 AND kind = 'resolution'",
        "detected_at of the outcome of the resolution of ticket 4 at 2026-03-02T12:00:00Z is '2026-03-02T09:00:01Z'",
    ),
    "a miss that would be counted twice": (
        "UPDATE timer SET counted = 0 WHERE ticket_id = 4 AND kind = 'resolution'",
        "counted of the resolution timer 1 of ticket 4 is 0, but by its history it is 1",
    ),
    "a miss that would not be counted": (
        "UPDATE timer SET counted = 1 WHERE ticket_id = 5 AND kind = 'first_response'",
        "the outcome of the first response of ticket 5 at 2026-03-02T15:00:00Z is missing",
    ),
    "another agreement": (
        "UPDATE timer SET agreement = 0 WHERE ticket_id = 2 AND kind = 'resolution'",
        "agreement of the resolution timer 1 of ticket 2 is 0, but by its history it is 1",
    ),
}


@pytest.mark.parametrize(("statement", "message"), TAMPERING.values(), ids=TAMPERING)
def test_an_outcome_that_does_not_follow_from_the_history_is_found_and_repaired(
    told: Path, slactl: Slactl, statement: str, message: str
) -> None:
    before = kept(told)
    tampered(told, statement)
    code, found = verified(slactl)
    assert (code, any(each.startswith(message) for each in found)) == (6, True), found
    rehearsed = slactl("doctor", "--rebuild", "-n", "--json")
    row = message.split(" is ")[0].split(" does ")[0].removeprefix("the outcome of ")
    assert (rehearsed.code, row in rehearsed.out) == (7, True)
    assert slactl("doctor", "--rebuild").code == 0
    assert verified(slactl) == (0, [])
    assert without(5, kept(told)) == without(5, before)


def without(ticket: int, found: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """A miss that nobody noticed is an outcome once its ticket is written again."""
    return {table: [row for row in rows if row[0] != ticket] for table, rows in found.items()}


def test_time_that_passes_is_not_a_finding(told: Path, slactl: Slactl) -> None:
    with freeze_time("2026-03-09T08:00:00Z"):
        assert verified(slactl) == (0, [])
        assert slactl("check", "-q").code == 0
        assert verified(slactl) == (0, [])


@pytest.mark.parametrize("schema", sorted(schema for schema in SCHEMAS if schema < 8))
def test_a_rebuild_after_an_upgrade_makes_the_outcomes_exact(desk: Path, slactl: Slactl, schema: int) -> None:
    desk.unlink(missing_ok=True)
    with closing(sqlite3.connect(desk)) as connection:
        connection.executescript(SCHEMAS[schema])
        connection.execute("PRAGMA journal_mode = WAL")
    desk.chmod(0o600)
    assert slactl("list", "-q").code == 0
    assert verified(slactl) == (0, [])
    assert known_since(desk) is not None
    assert slactl("doctor", "--rebuild", "-n").code in (0, 7)
    assert known_since(desk) is not None
    assert slactl("doctor", "--rebuild").code == 0
    assert known_since(desk) is None
    assert verified(slactl) == (0, [])
    rebuilt = judged(desk)
    assert slactl("doctor", "--rebuild", "-n").code == 0
    with closing(sqlite3.connect(desk)) as connection, connection:
        connection.execute("DELETE FROM outcome")
    assert slactl("doctor", "--rebuild").code == 0
    assert judged(desk) == rebuilt
    assert (rebuilt == ([], [])) == (schema in WITHOUT_TICKETS)


@pytest.mark.parametrize("schema", sorted(SCHEMAS.keys() - WITHOUT_TICKETS))
def test_a_ticket_that_changes_after_an_upgrade_has_exact_outcomes(desk: Path, slactl: Slactl, schema: int) -> None:
    desk.unlink(missing_ok=True)
    with closing(sqlite3.connect(desk)) as connection:
        connection.executescript(SCHEMAS[schema])
    desk.chmod(0o600)
    assert slactl("note", "1", "--body", "n").code == 0
    assert verified(slactl) == (0, [])
    tampered(desk, "DELETE FROM outcome WHERE ticket_id = 1")
    code, found = verified(slactl)
    assert (code, {each.split(" ticket ")[1].split()[0] for each in found}) == (6, {"1"}), found


def known_since(desk: Path) -> str | None:
    with closing(sqlite3.connect(desk)) as connection:
        row = connection.execute("SELECT value FROM meta WHERE key = 'outcomes_from'").fetchone()
    return row[0] if row else None


def judged(desk: Path) -> tuple[list[Any], list[Any]]:
    """Every stop and every miss as the reports see them."""
    stops = "SELECT ticket_id, kind, cycle, stopped_at, met, seconds FROM outcome WHERE stopped_at IS NOT NULL"
    misses = "SELECT ticket_id, target, cycle, breached_at FROM breach_view"
    with closing(sqlite3.connect(desk)) as connection:
        return sorted(connection.execute(stops)), sorted(connection.execute(misses))


def test_miss_before_the_end_became_unknown_is_no_finding(desk: Path, slactl: Slactl) -> None:
    """It stays an outcome; the target itself is not judged any more."""
    write_rules(desk, policy(first_response="1h", resolution="4h"))
    statuses = [("13:00", "resolved"), ("14:00", "open"), ("15:00", "resolved")]
    lines = [{"ticket": "A", "at": "2026-03-02T08:00:00Z", "type": "created"}]
    lines += [{"ticket": "A", "at": f"2026-03-02T{at}:00Z", "type": "status", "status": to} for at, to in statuses]
    lines[-1] |= {"unknown_instant": True}  # type: ignore[dict-item]
    with freeze_time("2026-03-02T16:00:00Z"):
        assert slactl("import", "-", stdin="\n".join(map(json.dumps, lines))).code == 0
        assert json.loads(slactl("show", "A", "--json").out)["resolution_state"] == "unknown"
        assert slactl("audit", "verify").code == 0
    with closing(sqlite3.connect(desk)) as connection:
        query = "SELECT missed_at, stopped_at FROM outcome WHERE kind = 'resolution'"
        assert connection.execute(query).fetchall() == [("2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z")]


def test_a_breach_that_was_corrected_and_comes_back_is_noticed_again(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, policy(first_response="1h"))

    def bring(*events: dict[str, Any]) -> None:
        assert slactl("import", "-", stdin="\n".join(json.dumps({"ticket": "A"} | each) for each in events)).code == 0

    with freeze_time("2026-03-02T10:00:00Z"):
        bring({"type": "created", "at": "2026-03-02T08:00:00Z"})
        assert json.loads(slactl("check", "--json").out)["breached"] == 1
        bring({"type": "agent_reply", "at": "2026-03-02T08:30:00Z", "id": "r1"})
        bring({"type": "retracted", "at": "2026-03-02T08:40:00Z", "events": ["r1"]})
        assert verified(slactl) == (0, [])
        assert slactl("doctor", "--rebuild", "-n").code == 0
        assert slactl("doctor", "--rebuild").code == 0
        assert json.loads(slactl("check", "--json").out)["breached"] == 1
        assert verified(slactl) == (0, [])


def test_a_status_that_had_ended_before_it_was_imported_verifies(desk: Path, slactl: Slactl) -> None:
    write_rules(desk, policy(first_response="4h"), ladder("first_response", "half 50%", "most 80%", "late 0m"))
    lines = (
        {"ticket": "A", "type": "created", "at": "2026-03-02T08:00:00Z"},
        {
            "ticket": "A",
            "type": "status",
            "status": "pending",
            "at": "2026-03-02T08:10:00Z",
            "until": "2026-03-02T09:00:00Z",
        },
    )
    with freeze_time("2026-03-02T10:00:00Z") as clock:  # open again, and not late
        assert slactl("import", "-", stdin="\n".join(map(json.dumps, lines))).code == 0
        for later in ("10:00", "11:30", "15:00"):
            clock.move_to(f"2026-03-02T{later}:00Z")
            assert verified(slactl) == (0, [])
            assert slactl("doctor", "--rebuild", "-n").code == 0
