"""The map that the guide writes step by step reads what Redmine prints: every answer, change and end is right."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl

from slactl.show import guide

SAMPLE = Path(__file__).parent / "samples" / "redmine.jsonl"

#: The states and the instants of a ticket that the test compares.
FIELDS = (
    "status",
    "priority",
    "assignee",
    "first_responded_at",
    "first_response_state",
    "resolved_at",
    "resolution_state",
)


@pytest.fixture
def redmine(tmp_path: Path) -> str:
    """The last map of the section about a help desk that slactl does not know."""
    text = (guide.FOLDER / "sources.md").read_text(encoding="utf-8")
    *_, whole = re.findall(r"cat > redmine.toml <<'END'\n(.*?)\n +END\n", text, re.DOTALL)
    place = tmp_path / "redmine.toml"
    place.write_text(re.sub(r"(?m)^ +", "", whole))
    return str(place)


@pytest.fixture
def imported(desk: Path, slactl: Slactl, redmine: str) -> Slactl:
    done = slactl("import", str(SAMPLE), "--map", redmine, "--baseline")
    stale = "4:closed_on: the ticket is open, so slactl does not use this date\n"
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert done.err.endswith(stale)
    return slactl


def happened(slactl: Slactl, ticket: str) -> list[tuple[str, str, object]]:
    """Day and time of day, action and new value of what happened to a ticket, without what slactl did itself."""
    events: list[dict[str, Any]] = json.loads(slactl("history", f"redmine:{ticket}", "--json").out)
    named = ("status", "priority", "assignee")
    return [
        (each["at"][8:16], each["action"], next((each["detail"][n] for n in named if n in each["detail"]), None))
        for each in events
        if each["actor"] != "slactl"
    ]


def test_every_fact_of_an_issue_is_right(imported: Slactl) -> None:
    found = {one["external_id"]: one for one in json.loads(imported("list", "--all", "--json").out)}
    assert {name: [one[field] for field in FIELDS] for name, one in found.items()} == {
        "101": ["resolved", "urgent", "mia", "2026-03-02T08:30:00Z", "met", "2026-03-02T14:00:00Z", "met"],
        "102": ["open", "normal", None, None, "breached", None, "breached"],
        "103": ["closed", "low", None, "2026-02-24T16:00:00Z", "met", "2026-02-24T16:00:00Z", "met"],
        "104": ["open", "high", "9", "2026-03-04T12:00:00Z", "met", None, "breached"],
    }
    assert {one["source"] for one in found.values()} == {"redmine"}


def test_each_change_has_its_instant_and_nothing_else_happened(imported: Slactl) -> None:
    assert happened(imported, "101") == [
        ("02T08:00", "ticket.create", "open"),
        ("02T08:10", "ticket.assign", "mia"),
        ("02T08:20", "ticket.note", None),
        ("02T08:30", "ticket.reply", None),
        ("02T08:30", "ticket.status", "waiting_customer"),
        ("02T10:00", "ticket.receive", None),
        ("02T10:00", "ticket.status", "open"),
        ("02T11:00", "ticket.priority", "urgent"),
        ("02T14:00", "ticket.reply", None),
        ("02T14:00", "ticket.resolve", "resolved"),
    ]
    assert happened(imported, "104") == [
        ("03T08:00", "ticket.create", "open"),
        ("03T09:00", "ticket.assign", "9"),
        ("04T12:00", "ticket.reply", None),
        ("04T12:00", "ticket.close", "closed"),
        ("05T09:00", "ticket.receive", None),
        ("05T09:00", "ticket.reopen", "open"),
    ]


def test_second_import_changes_nothing(imported: Slactl, redmine: str) -> None:
    again = imported("import", str(SAMPLE), "--map", redmine)
    assert (again.code, again.out) == (0, "0 tickets opened, 0 changed, 0 events added\n")


def test_sample_shows_what_the_first_map_of_the_guide_does_not_use(slactl: Slactl, tmp_path: Path) -> None:
    text = (guide.FOLDER / "sources.md").read_text(encoding="utf-8")
    first, *_ = re.findall(r"cat > redmine.toml <<'END'\n(.*?)\n +END\n", text, re.DOTALL)
    (tmp_path / "first.toml").write_text(re.sub(r"(?m)^ +", "", first))
    done = slactl("map", "check", str(tmp_path / "first.toml"), "--sample", str(SAMPLE), "--json")
    unused = {each["theirs"] for each in json.loads(done.out) if each["row"] is None}
    assert {"status", "priority", "author", "assigned_to", "updated_on", "closed_on", "journals"} <= unused
