"""What decides which levels fire is sealed by the log, and an audit finds where it was changed."""

import json
import os
import sqlite3
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import at, came, check, ladder, opened, policy, write_rules
from freezegun.api import FrozenDateTimeFactory

from slactl.desk.ledger.desk import rules_fingerprint
from slactl.store.schema import chain

LATE = "2026-03-09T09:00:00Z"


def changed(desk: Path, *statements: str) -> None:
    """Somebody who has the file and knows SQLite changes it."""
    connection = sqlite3.connect(desk, isolation_level=None)
    for statement in statements:
        assert connection.execute(statement).rowcount != 0, statement
    connection.close()


def findings(slactl: Slactl) -> list[str]:
    result = slactl("audit", "verify", "--json")
    return [each["message"] for each in json.loads(result.out)["findings"]]


@pytest.fixture
def late(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    """A ticket that is late under the second rules of a desk, whose level has yet to come."""
    write_rules(desk, policy(resolution="2h"), ladder("resolution", "warn 80%"))
    opened(slactl)
    at(clock, "09:10:00")
    write_rules(desk, policy(resolution="2h"), ladder("resolution", "warn 80%", "manager +1h"))
    opened(slactl)
    at(clock, "11:30:00")
    check(slactl)
    assert findings(slactl) == []
    at(clock, "12:30:00")
    return desk


FIRST = "'2020-01-01T00:00:00Z'"


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (f"UPDATE rules_version SET first_used_at = '{LATE}' WHERE id = 2", "rules version 2 or an earlier version"),
        (f"UPDATE rules_version SET first_used_at = {FIRST} WHERE id = 1", "rules version 1 or an earlier version"),
        ("UPDATE rules_version SET first_used_at = '2026-03-02T12:00:00Z' WHERE id = 2", "rules version 2 or an"),
        (f"INSERT INTO rules_version VALUES (-1, 'x', 'schema = 1', {FIRST}, NULL)", "the text of rules version -1"),
        ("UPDATE rules_version SET canonical = canonical || char(10) WHERE id = 2", "the text of rules version 2"),
        ("UPDATE timer SET next_at = '9999-01-01T00:00:00Z' WHERE next_at IS NOT NULL", "next_at of the"),
        ("UPDATE timer SET next_at = NULL WHERE ticket_id = 2", "next_at of the resolution timer 1 of ticket 2"),
    ],
)  # fmt: skip
def test_what_mutes_a_level_is_found(late: Path, slactl: Slactl, statement: str, told: str) -> None:
    changed(late, statement)
    result = slactl("audit", "verify", "--json")
    found = json.loads(result.out)["findings"]
    assert result.code == 6
    assert found[0]["message"].startswith(told), found


def test_the_level_that_was_to_be_muted_fires_where_nobody_touched_it(late: Path, slactl: Slactl) -> None:
    assert came(slactl) == ["manager fired", "manager fired"]
    assert findings(slactl) == []


def test_a_version_without_a_seal_is_held_to_the_runs(late: Path, slactl: Slactl) -> None:
    """As in a database of the time before there were seals: it stays valid, and what cannot be is found."""
    connection = sqlite3.connect(late, isolation_level=None)
    for name in chain.TRIGGERS:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("UPDATE event SET detail = json_remove(detail, '$.rules_seal')")
    before = chain.BEGINNING
    for row in connection.execute(f"SELECT {', '.join(chain.SEALED)} FROM event ORDER BY id").fetchall():
        before = chain.seal(before, row)
        connection.execute("UPDATE event SET hash = ? WHERE id = ?", (before, row[0]))
    connection.execute("UPDATE run SET audit_head = NULL")
    chain.make_triggers(connection)
    connection.close()
    assert findings(slactl) == []
    changed(late, f"UPDATE rules_version SET first_used_at = '{LATE}' WHERE id = 2")
    assert findings(slactl) == [f"rules version 2 was used before {LATE}, the recorded time of its first use"]


def test_rules_that_the_next_check_would_not_read_are_found(late: Path, slactl: Slactl) -> None:
    rules = write_rules(late, policy(resolution="2h"), ladder("resolution", "warn 80%", "manager +90m"))
    assert findings(slactl) == []
    changed(late, f"UPDATE host SET rules_fingerprint = '{rules_fingerprint(rules)}'")
    assert findings(slactl) == [
        "the next check would assume that the rules file has not changed since the last run, but it has"
    ]
    os.utime(rules)  # now it would read them
    assert findings(slactl) == []


def test_a_new_version_and_one_that_was_imported_are_sealed(late: Path, slactl: Slactl, tmp_path: Path) -> None:
    exported = slactl("export").out
    other = str(tmp_path / "other" / "slactl.db")
    assert slactl("--db", other, "init").code == 0
    assert slactl("--db", other, "import", "-", stdin=exported).code == 0
    assert slactl("--db", other, "audit", "verify").code == 0
    changed(Path(other), f"UPDATE rules_version SET first_used_at = {FIRST}")
    assert slactl("--db", other, "audit", "verify").code == 6
