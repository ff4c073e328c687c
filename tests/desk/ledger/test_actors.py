"""Who acted: what a person says, and beside it the Unix user who ran the command, sealed in the log."""

import json
import os
import pwd
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

from slactl.text import RESERVED, is_reserved

ME = pwd.getpwuid(os.getuid()).pw_name

FIFTH_SCHEMA = Path(__file__).parents[2] / "data" / "schemas" / "schema_5.sql"


def events(slactl: Slactl) -> list[dict[str, Any]]:
    found = slactl("audit", "list", "--json")
    assert found.code == 0, found.err
    return list(json.loads(found.out))


def stored(desk: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(desk)) as connection:
        return [json.loads(detail) for (detail,) in connection.execute("SELECT detail FROM event ORDER BY id")]


def happen(slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    for words in (
        ("create", "Printer on fire", "--from", "jo@example.com", "--priority", "urgent"),
        ("create", "Toner", "--from", "max@example.com", "--body", "It is empty."),
        ("reply", "2", "--body", "Here is more."),
        ("assign", "2", "--to", "me"),
        ("escalate", "2", "--reason", "called twice", "--assign", "mia", "--priority", "high"),
        ("ack", "2"),
        ("erase", "--requester", "max@example.com", "--yes"),
    ):
        done = slactl(*words)
        assert done.code == 0, done.err
    clock.tick(7 * 86400)
    assert slactl("check", "--no-send").code == 0


def test_every_event_has_the_unix_user_beside_the_actor(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("USER", "LOGNAME", "SUDO_USER", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    happen(slactl, clock)
    log = events(slactl)
    assert {"ticket.create", "ticket.erase", "sla.breach", "sla.due", "ticket.escalate"} <= {e["action"] for e in log}
    assert {event["actor_type"] for event in log} == {"user", "system"}
    assert {event["unix_user"] for event in log} == {ME}
    assert all("unix_user" not in event["detail"] for event in log)
    assert {detail["unix_user"] for detail in stored(desk)} == {ME}
    assert slactl("audit", "verify").code == 0
    shown = json.loads(slactl("show", "2", "--json").out)
    assert {event["unix_user"] for event in shown["events"]} == {ME}


def test_the_unix_user_is_sealed(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "jo@example.com")
    with closing(sqlite3.connect(desk)) as connection:
        connection.execute("DROP TRIGGER event_never_changes")
        changed = "UPDATE event SET detail = json_set(detail, '$.unix_user', 'bob') WHERE id = 1"
        connection.execute(changed)
        connection.commit()
    found = slactl("audit", "verify")
    assert found.code == 6
    assert "event 1" in found.out


def test_events_of_an_older_schema_have_none_and_keep_their_hashes(desk: Path, slactl: Slactl) -> None:
    desk.unlink()
    with closing(sqlite3.connect(desk)) as connection:
        connection.executescript(FIFTH_SCHEMA.read_text())
        connection.execute("PRAGMA journal_mode = WAL")
        before = connection.execute("SELECT id, hash FROM event ORDER BY id").fetchall()
    desk.chmod(0o600)
    done = slactl("assign", "2", "--to", "mia")
    assert done.code == 0, done.err
    assert slactl("audit", "verify").code == 0
    with closing(sqlite3.connect(desk)) as connection:
        after = connection.execute("SELECT id, hash FROM event ORDER BY id").fetchall()
        seen = connection.execute("SELECT unix_user FROM event_view ORDER BY id").fetchall()
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1
    assert [user for (user,) in seen] == [None] * len(before) + [ME]
    assert [event["unix_user"] for event in events(slactl)] == [None] * len(before) + [ME]


def test_an_imported_event_keeps_its_own_and_seals_who_imported_it(
    desk: Path, slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slactl("create", "Printer on fire", "--from", "jo@example.com")
    slactl("escalate", "1", "--reason", "called twice", "--no-notify")
    lines = [json.loads(line) for line in slactl("export").out.splitlines()]
    assert {line["unix_user"] for line in lines} == {ME}
    told = [line | {"unix_user": "bob" if place else None} for place, line in enumerate(lines)]
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in told))
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "other.db"))
    assert slactl("init").code == 0
    done = slactl("import", str(tmp_path / "history.jsonl"))
    assert done.code == 0, done.err
    assert [event["unix_user"] for event in events(slactl)] == [None] + ["bob"] * (len(lines) - 1)
    assert {detail["imported_by"] for detail in stored(tmp_path / "other.db")} == {ME}
    assert [json.loads(line)["unix_user"] for line in slactl("export").out.splitlines()][1:] == ["bob"] * (
        len(lines) - 1
    )
    again = slactl("import", str(tmp_path / "history.jsonl"))
    assert len(events(slactl)) == len(lines), again.out


def test_what_comes_from_elsewhere_is_of_whoever_imported_it(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    line = {"ticket": "X-1", "at": "2026-03-01T09:00:00Z", "type": "created", "actor": "eve"}
    (tmp_path / "history.jsonl").write_text(json.dumps(line) + "\n")
    assert slactl("import", str(tmp_path / "history.jsonl")).code == 0
    assert events(slactl)[0]["unix_user"] == ME
    assert "imported_by" not in stored(desk)[0]


SPELLINGS = (
    *RESERVED,
    *("SLACTL", " me ", "Nobody", "previous_ASSIGNEE", "\uff4d\uff45", "sla\u200bctl", "\u202enobody", "m\xade"),
    *("\u2133e", "me\t"),
)


@pytest.mark.parametrize("name", SPELLINGS)
def test_nobody_acts_under_a_word_of_slactl(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    create = ("create", "T", "--from", "jo@example.com")
    stated = slactl("--actor", name, *create)
    monkeypatch.setenv("SLACTL_ACTOR", name)
    from_environment = slactl(*create)
    for refused in (stated, from_environment):
        assert refused.code == 2
        assert "is a reserved word in slactl" in refused.err
        assert refused.err.count("\n") == 2
    assert "hint: unset SLACTL_ACTOR" in from_environment.err
    monkeypatch.setenv("SLACTL_ACTOR", "ann")
    assert slactl("list", "--all", "-q").out == ""
    assert slactl(*create, "--assignee", "me").code == 0
    if name.strip() != "me":  # blanks at the ends are typing errors
        for words in (("assign", "1", "--to", name), (*create, "--assignee", name)):
            assert slactl(*words).code == 2
        assert slactl("escalate", "1", "--reason", "loud", "--assign", name, "--no-notify").code in (2, 3)
    assert [event["actor"] for event in events(slactl) if event["actor_type"] == "user"] == ["ann"]


@pytest.mark.parametrize("name", ["mia", "slactl2", "somebody", "unix:me", "m e"])
def test_other_names_may_be_stated(name: str) -> None:
    assert not is_reserved(name)


@pytest.mark.parametrize("name", ["slactl", "Nobody", "requester"])
def test_a_login_of_such_a_name_is_marked(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("SLACTL_ACTOR")
    monkeypatch.setenv("LOGNAME", name)
    assert slactl("create", "T", "--from", "jo@example.com").code == 0
    assert events(slactl)[0]["actor"] == f"unix:{name}"


def test_an_assignee_that_an_import_calls_requester_is_not_the_customer(
    desk: Path, slactl: Slactl, tmp_path: Path, clock: FrozenDateTimeFactory
) -> None:
    rules = desk.with_name("rules.toml")
    mail = 'customer_mail = "mailtos://smtp.example.com?from=desk@example.com"'
    level = '[[escalation.level]]\nid = "a"\nat = "0m"\nnotify = ["assignee"]'
    level = f'[[escalation]]\nid = "told"\non = "first_response"\nfallback = "support_manager"\n{level}'
    rules.write_text(rules.read_text().replace("[settings]", f"[settings]\n{mail}") + f"\n{level}\n")
    at = "2026-03-02T08:00:00Z"
    created = {"ticket": "X-1", "at": at, "type": "created", "requester_email": "jo@example.com"}
    assigned = {"ticket": "X-1", "at": at, "type": "assigned", "assignee": "requester"}
    (tmp_path / "history.jsonl").write_text(f"{json.dumps(created)}\n{json.dumps(assigned)}\n")
    assert slactl("import", str(tmp_path / "history.jsonl")).code == 0
    clock.tick(30 * 86400)
    assert slactl("check", "--no-send").code in (0, 7)
    with closing(sqlite3.connect(desk)) as connection:
        recipients = {who for (who,) in connection.execute("SELECT recipient FROM notification")}
    assert recipients == {"support_manager"}


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")
@pytest.mark.parametrize(("effective", "told"), [(51_001, "51001\n"), (0, "51001\n")])
def test_the_real_user_counts_and_one_without_a_name_goes_by_the_number(effective: int, told: str) -> None:
    program = (
        "import os, pwd, sys; from slactl.config import unix_user\n"
        "os.setresuid(51_001, int(sys.argv[1]), int(sys.argv[1])); print(unix_user())"
    )
    environment = {"USER": "root", "LOGNAME": "root", "SUDO_USER": "root"}
    ended = subprocess.run(
        [sys.executable, "-c", program, str(effective)], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout == told
