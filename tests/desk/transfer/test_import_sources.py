"""External ids are unique within one source: of which source a ticket is, how it is named, and who adopts it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl

COLUMNS = '[columns]\nticket = "id"\ncreated_at = "created"\nat = "updated"\nstatus = "status"\npriority = "priority"\n'


@pytest.fixture
def maps(tmp_path: Path) -> dict[str, str]:
    """Maps of the sources `web` and `app`, and one without a source."""
    sources = {"web": 'source = "web"\n', "app": 'source = "app"\n', "none": ""}
    for name, line in sources.items():
        (tmp_path / f"{name}.toml").write_text(f'answers = "here"\n{line}{COLUMNS}')
    return {name: str(tmp_path / f"{name}.toml") for name in sources}


def table(*rows: str) -> str:
    return "id,created,updated,status,priority\n" + "\n".join(rows) + "\n"


FIRST = table("7,2026-01-05T10:00:00Z,2026-01-05T11:00:00Z,open,low")
SECOND = table("7,2026-01-05T10:00:00Z,2026-01-07T11:00:00Z,open,urgent")
OTHER = table("7,2026-02-05T10:00:00Z,2026-02-05T11:00:00Z,open,high")


def tickets(slactl: Slactl, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(slactl("list", "--all", "--json", *options).out)
    return sorted(found, key=lambda ticket: int(ticket["id"]))


def named(slactl: Slactl, *options: str) -> list[tuple[str | None, str | None, str]]:
    return [(each["source"], each["external_id"], each["priority"]) for each in tickets(slactl, *options)]


@pytest.fixture
def both(desk: Path, slactl: Slactl, maps: dict[str, str]) -> None:
    """A desk with ticket 7 of two sources."""
    assert slactl("import", "-", "--map", maps["web"], stdin=FIRST).code == 0
    assert slactl("import", "-", "--map", maps["app"], stdin=OTHER).code == 0


@pytest.mark.usefixtures("both")
def test_the_same_id_of_two_sources_means_two_tickets(slactl: Slactl, maps: dict[str, str]) -> None:
    assert named(slactl) == [("web", "7", "low"), ("app", "7", "high")]
    assert slactl("import", "-", "--map", maps["web"], stdin=SECOND).out.startswith("0 tickets opened, 1 changed")
    assert named(slactl) == [("web", "7", "urgent"), ("app", "7", "high")]
    assert slactl("audit", "verify").code == 0


@pytest.mark.usefixtures("both")
def test_a_reference_names_the_source_where_an_id_fits_two_tickets(slactl: Slactl) -> None:
    assert slactl("show", "app:7", "--json", "--fields", "id").out.split() == ["{", '"id":', "2", "}"]
    refused = slactl("show", "ext:7")
    assert (refused.code, "7 fits several tickets: 1 (web), 2 (app)" in refused.err) == (2, True)
    assert "hint: slactl show 1" in refused.err
    assert slactl("priority", "ext:7", "urgent").code == 2
    assert slactl("priority", "web:7", "urgent").code == 0
    assert named(slactl) == [("web", "7", "urgent"), ("app", "7", "high")]
    missing = slactl("show", "web:8")
    assert (missing.code, "no ticket has the external id web:8" in missing.err) == (3, True)


def test_an_external_id_with_a_colon_is_found(desk: Path, slactl: Slactl, maps: dict[str, str]) -> None:
    slactl("create", "T", "--from", "t@example.com", "--external-id", "web:7")
    assert slactl("show", "web:7", "-q").code == 0
    slactl("import", "-", "--map", maps["web"], stdin=FIRST)
    assert slactl("show", "web:7").code == 2
    assert slactl("show", "ext:web:7", "-q").code == 0


@pytest.mark.usefixtures("both")
def test_tickets_are_listed_and_counted_by_source(slactl: Slactl) -> None:
    slactl("create", "T", "--from", "t@example.com")
    assert named(slactl, "--source", "web") == [("web", "7", "low")]
    assert len(tickets(slactl, "--source", "web", "--source", "app")) == 2
    summary = json.loads(slactl("summary", "--by", "source", "--json").out)
    assert {group["group"]: group["open_count"] for group in summary["groups"]} == {"app": 1, "web": 1, None: 1}
    report = slactl("report", "--by", "source", "--since", "2026-01-01", "--until", "2026-03-01", "--json")
    opened = {group["group"]: group["opened_count"] for group in json.loads(report.out)["groups"]}
    assert opened == {"app": 1, "web": 1}


@pytest.mark.usefixtures("both")
def test_an_external_id_is_taken_only_within_its_source(slactl: Slactl) -> None:
    assert slactl("create", "T", "--from", "t@example.com", "--external-id", "7").code == 0
    taken = slactl("create", "T", "--from", "t@example.com", "--external-id", "7")
    assert (taken.code, "ticket 3 has the external id 7" in taken.err) == (5, True)
    assert slactl("edit", "2", "--external-id", "8").code == 0
    assert slactl("edit", "1", "--external-id", "8").code == 0


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_ticket_without_a_source_is_adopted_by_the_first_row(
    desk: Path, slactl: Slactl, maps: dict[str, str], *, by_hand: bool
) -> None:
    if by_hand:
        slactl("create", "T", "--from", "t@example.com", "--external-id", "7", "--at", "2026-01-05T10:00:00Z")
        slactl("priority", "1", "low")
    else:
        slactl("import", "-", "--map", maps["none"], stdin=FIRST)
    assert named(slactl) == [(None, "7", "low")]
    first = slactl("import", "-", "--map", maps["web"], stdin=FIRST)
    assert (first.code, first.out) == (0, "0 tickets opened, 1 changed, 1 event added\n")
    assert named(slactl) == [("web", "7", "low")]
    assert slactl("import", "-", "--map", maps["web"], stdin=FIRST).out.startswith("0 tickets opened, 0 changed")
    assert slactl("import", "-", "--map", maps["none"], stdin=FIRST).out.startswith("0 tickets opened, 0 changed")
    slactl("import", "-", "--map", maps["web"], stdin=SECOND)
    assert (len(tickets(slactl)), slactl("audit", "verify").code) == (1, 0)
    slactl("import", "-", "--map", maps["app"], stdin=FIRST)
    assert [source for source, _, _ in named(slactl)] == ["web", "app"]


def test_a_ticket_that_was_created_at_another_instant_is_adopted_and_told(
    desk: Path, slactl: Slactl, maps: dict[str, str]
) -> None:
    slactl("create", "T", "--from", "t@example.com", "--external-id", "7", "--at", "2026-01-05T10:05:00Z")
    done = slactl("import", "-", "--map", maps["web"], stdin=FIRST)
    assert (done.code, "it belongs to web from now on" in done.err) == (0, True)
    changed = slactl("import", "-", "--map", maps["web"], stdin=SECOND)
    assert (changed.code, named(slactl)) == (0, [("web", "7", "urgent")]), changed.err


def test_a_desk_from_before_sources_goes_on(desk: Path, slactl: Slactl, maps: dict[str, str]) -> None:
    """Its ticket, which an import opened, has no snapshot: what it was opened with is what the source said."""
    old = {"ticket": "7", "at": "2026-01-05T10:00:00Z", "type": "created", "priority": "low", "status": "open"}
    slactl("import", "-", stdin=json.dumps(old))
    slactl("import", "-", "--map", maps["web"], stdin=SECOND)
    assert named(slactl) == [("web", "7", "urgent")]


def test_a_status_that_a_person_set_before_the_first_snapshot_stays(
    desk: Path, slactl: Slactl, maps: dict[str, str]
) -> None:
    old = {"ticket": "7", "at": "2026-01-05T10:00:00Z", "type": "created", "priority": "low", "status": "open"}
    slactl("import", "-", stdin=json.dumps(old))
    slactl("resolve", "1")
    slactl("import", "-", "--map", maps["web"], stdin=FIRST)
    assert [ticket["status"] for ticket in tickets(slactl)] == ["resolved"]


def test_the_sources_of_a_history_file_are_kept_apart(desk: Path, slactl: Slactl) -> None:
    lines = [
        {"ticket": "7", "source": "web", "at": "2026-01-05T10:00:00Z", "type": "created"},
        {"ticket": "7", "source": "app", "at": "2026-01-06T10:00:00Z", "type": "created"},
        {"ticket": "7", "source": "app", "at": "2026-01-06T11:00:00Z", "type": "priority", "priority": "high"},
        {"ticket": "8", "source": "app", "at": "2026-01-06T10:00:00Z", "type": "created"},
        {"ticket": "8", "at": "2026-01-06T11:00:00Z", "type": "priority", "priority": "low"},
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    assert slactl("import", "-", stdin=text).code == 0
    assert named(slactl) == [("web", "7", "normal"), ("app", "7", "high"), ("app", "8", "low")]
    assert slactl("import", "-", stdin=text).out.startswith("0 tickets opened, 0 changed")
    # A line about a ticket that is known by this name alone goes on with it.
    note = {"ticket": "8", "at": "2026-01-07T11:00:00Z", "type": "note", "body": "n"}
    assert slactl("import", "-", stdin=json.dumps(note)).out == "0 tickets opened, 1 changed, 1 event added\n"
    lost = slactl("import", "-", stdin=json.dumps(note | {"ticket": "7"}))
    assert (lost.code, "never created" in lost.err) == (7, True)


@pytest.mark.usefixtures("both")
def test_an_export_keeps_sources_and_adoption(
    slactl: Slactl, maps: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slactl("create", "T", "--from", "t@example.com", "--external-id", "9", "--at", "2026-01-05T10:00:00Z")
    slactl("import", "-", "--map", maps["web"], stdin=FIRST.replace("7,", "9,", 1))
    exported, before = slactl("export").out, named(slactl)
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "desk" / "copy.db"))
    slactl("init")
    assert slactl("import", "-", stdin=exported).code == 0
    assert (named(slactl), slactl("export").out, slactl("audit", "verify").code) == (before, exported, 0)
    assert slactl("import", "-", stdin=exported).out.startswith("0 tickets opened, 0 changed")


@pytest.mark.usefixtures("both")
def test_messages_name_the_source_of_a_ticket(desk: Path, slactl: Slactl) -> None:
    rules = desk.with_name("rules.toml")
    url = 'ticket_url = "https://desk.example.com/{source}/{external_id}"\n'
    rules.write_text(rules.read_text().replace("[settings]\n", f"[settings]\n{url}", 1))
    slactl("create", "Printer", "--from", "t@example.com", "--external-id", "9", "--at", "2026-01-05T10:00Z")
    said = slactl("check").out
    for number, name, path in ((1, "web:7", "web/7"), (2, "app:7", "app/7"), (3, "9", "/9")):
        assert re.search(rf"^  ticket {number} {name}: .*https://desk.example.com/{path}$", said, re.MULTILINE), said


@pytest.mark.usefixtures("both")
def test_templates_have_the_source_of_a_ticket(desk: Path, slactl: Slactl) -> None:
    rules = desk.with_name("rules.toml")
    rules.write_text(rules.read_text() + """\n[templates]\nbody = "{{ source }}:{{ external_id }} is late"\n""")
    slactl("create", "Printer", "--from", "t@example.com", "--external-id", "9", "--at", "2026-01-05T10:00Z")
    said = slactl("check").out
    assert [f"  {name} is late\n" in said for name in ("web:7", "app:7", ":9")] == [True, True, True], said
