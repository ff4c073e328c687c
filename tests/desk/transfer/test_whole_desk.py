"""A whole desk moves into an empty database: every row as it is, all of them or none."""

import json
import sqlite3
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from test_export_import import full  # noqa: F401  (a fixture: a desk on which nearly everything happened)

from slactl.store.schema.compiled import tables

#: The tables about one machine, which stay there.
HERE = {"host", "lease"}


@pytest.fixture
def busy(full: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:  # noqa: F811
    """The same desk with what an ordinary export leaves out: undone changes, held messages, an erased person, runs."""
    rules = full.with_name("rules.toml")
    rules.write_text(rules.read_text() + '[people.cem]\nnotify = ["mailto://127.0.0.1?to=cem@example.com"]\n')
    for words in (
        ("silence", "add", "--tenant", "acme", "--for", "2d"),
        (
            "create",
            "Lampe \u202e kaputt\u2028",
            "--from",
            "gone@example.com",
            "--body",
            "0 1\t2",
            "--priority",
            "urgent",
        ),
        ("tag", "3", "--add", "vip"),
        ("undo",),
        ("erase", "--requester", "gone@example.com", "--yes"),
        ("oncall", "list"),
    ):
        clock.tick(1)
        done = slactl(*words)
        assert done.code == 0, (words, done.err)
    clock.tick(3 * 86400)
    slactl("check")
    return full


def empty(slactl: Slactl, folder: Path, name: str = "moved") -> Path:
    """Create an empty database."""
    database = folder / f"{name}.db"
    assert slactl("--db", str(database), "init").code == 0
    return database


def content(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table that is not about one machine."""
    with sqlite3.connect(database) as connection:
        names = tables().keys() - HERE
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


def test_a_whole_desk_moves_row_by_row(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    exported = slactl("export", "--whole")
    assert exported.code == 0
    moved = empty(slactl, tmp_path)
    done = slactl("--db", str(moved), "import", "-", stdin=exported.out)
    assert (done.code, done.err) == (0, "")
    found = content(moved)
    assert found == content(busy)
    used = ("event", "event_text", "outcome", "timer", "escalation", "notification", "silence", "run", "rules_version")
    assert all(found[name] for name in used)
    assert slactl("--db", str(moved), "export", "--whole").out == exported.out
    assert slactl("--db", str(moved), "audit", "verify").out == slactl("audit", "verify").out
    assert slactl("--db", str(moved), "doctor").code == slactl("doctor").code


def without_seal(text: str) -> list[str]:
    """Return the lines without the last hash of the log: each database has a salt of its own for a new text."""
    return [line for line in text.splitlines() if '"audit_head"' not in line]


def test_a_moved_desk_goes_on_as_the_old_one(
    busy: Path, slactl: Slactl, tmp_path: Path, clock: FrozenDateTimeFactory
) -> None:
    moved = empty(slactl, tmp_path)
    assert slactl("--db", str(moved), "import", "-", stdin=slactl("export", "--whole").out).code == 0
    clock.tick(2 * 86400)
    for words in (
        ("create", "New", "--from", "a@example.com"),
        ("undo", "--yes"),
        ("check", "--json"),
        ("list", "--json"),
    ):
        old, new = slactl(*words), slactl("--db", str(moved), *words)
        assert (new.code, without_seal(new.out)) == (old.code, without_seal(old.out)), words
    found = [without_seal(slactl("--db", str(each), "check", "--json").out) for each in (busy, moved)]
    assert found[0] == found[1]


def test_what_stays_on_its_machine_is_not_exported(busy: Path, slactl: Slactl) -> None:
    with sqlite3.connect(busy) as connection:
        connection.execute("INSERT INTO meta VALUES ('unwiped', '1'), ('reply_key', 'ab')")
        assert connection.execute("SELECT count(*) FROM host").fetchone() != (0,)
    lines = [json.loads(line) for line in slactl("export", "--whole").out.splitlines()]
    assert not HERE & {line.get("table") for line in lines}
    assert not {"unwiped", "reply_key"} & {line.get("key") for line in lines}


def test_no_file_brings_a_key_with_which_the_database_would_sign(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    exported = slactl("export", "--whole").out.splitlines()
    at = next(number for number, line in enumerate(exported) if json.loads(line).get("table") == "meta")
    row = json.loads(exported[at]) | {"key": "reply_key", "value": "ab" * 32}
    other = empty(slactl, tmp_path)
    done = slactl("--db", str(other), "import", "-", stdin="\n".join([*exported[:at], json.dumps(row), *exported[at:]]))
    assert done.code != 0
    assert "belongs to one database" in done.err


def test_a_desk_in_use_is_left_alone(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    exported, before = slactl("export", "--whole").out, content(busy)
    done = slactl("import", "-", stdin=exported)
    assert done.code == 5
    assert "only into an empty database" in done.err
    assert content(busy) == before
    other = empty(slactl, tmp_path)
    assert slactl("--db", str(other), "tenant", "add", "acme").code == 0
    assert slactl("--db", str(other), "import", "-", stdin=exported).code == 5


def test_a_check_before_does_not_make_a_database_used(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    other = empty(slactl, tmp_path)
    slactl("--db", str(other), "check")
    assert slactl("--db", str(other), "import", "-", stdin=slactl("export", "--whole").out).code == 0
    assert content(other) == content(busy)


def broken(text: str) -> dict[str, str]:
    """Return files that are not whole, by what happened to them."""
    lines = text.splitlines(keepends=True)
    ticket = next(number for number, line in enumerate(lines) if '"table": "ticket"' in line)
    columns = json.loads(lines[ticket])

    def with_ticket(**changes: object) -> str:
        return "".join([*lines[:ticket], json.dumps(columns | changes) + "\n", *lines[ticket + 1 :]])

    return {
        "cut in a line": text[: len(text) // 2],
        "cut after a line": "".join(lines[: len(lines) // 2]),
        "without its last line": "".join(lines[:-1]),
        "only the first line": lines[0],
        "a line less": "".join([*lines[:-3], *lines[-2:]]),
        "a line twice": "".join([*lines[:ticket], lines[ticket], *lines[ticket:]]),
        "another text": text.replace("VPN down", "VPN up"),
        "more after the end": text + lines[1],
        "not JSON": "".join([*lines[:3], "{\n", *lines[3:]]),
        "a list": "".join([*lines[:3], "[]\n", *lines[3:]]),
        "no table": "".join([*lines[:3], "{}\n", *lines[3:]]),
        "unknown table": "".join([*lines[:3], '{"table": "sqlite_master"}\n', *lines[3:]]),
        "a table of the machine": "".join([*lines[:3], '{"table": "host"}\n', *lines[3:]]),
        "unknown column": with_ticket(colour="red"),
        "wrong type": with_ticket(subject=7),
        "truth": with_ticket(breached=True),
        "not allowed": with_ticket(status="lost"),
        "a list as value": with_ticket(subject=["a"]),
        "deep": "".join([*lines[:3], "[" * 100_000 + "\n", *lines[3:]]),
        "another schema": lines[0].replace('"schema": ', '"schema": 9') + "".join(lines[1:]),
    }


def test_a_file_that_is_not_whole_changes_nothing(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    files, moved = broken(slactl("export", "--whole").out), empty(slactl, tmp_path)
    before = content(moved)
    for what, text in files.items():
        done = slactl("--db", str(moved), "import", "-", stdin=text)
        assert done.code == 2, (what, done)
        assert "nothing was imported" in done.err, what
        assert "Traceback" not in done.err
        assert content(moved) == before, what


def test_a_dry_run_says_so_and_changes_nothing(busy: Path, slactl: Slactl, tmp_path: Path) -> None:
    exported, moved = slactl("export", "--whole").out, empty(slactl, tmp_path)
    done = slactl("--db", str(moved), "import", "-n", "-", stdin=exported)
    assert done.code == 0
    assert "would be imported" in done.out
    assert not content(moved)["ticket"]
    as_json = json.loads(slactl("--db", str(moved), "import", "--json", "-", stdin=exported).out)
    assert as_json["rows"]["ticket"] == len(content(busy)["ticket"])
    assert as_json["dry_run"] is False


@pytest.mark.parametrize("words", [("--format", "csv"), ("--events",), ("--format", "csv", "--events")], ids=" ".join)
def test_a_whole_desk_is_no_table(words: tuple[str, ...], desk: Path, slactl: Slactl) -> None:
    assert slactl("export", "--whole", *words).code == 2


@pytest.mark.parametrize("words", [("--until", "2026-03-02"), ("--baseline",)], ids=" ".join)
def test_a_whole_desk_has_no_end_and_no_baseline(
    words: tuple[str, ...], busy: Path, slactl: Slactl, tmp_path: Path
) -> None:
    exported, moved = slactl("export", "--whole").out, empty(slactl, tmp_path)
    assert slactl("--db", str(moved), "import", "-", *words, stdin=exported).code == 2
    assert not content(moved)["ticket"]
