"""Nobody improves the figures in silence: a change before a breach that was noted needs a reason, which is kept."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from terminal import on_terminal

RULES = """
schema = 1
[calendars.always]
always_open = true

[[policy]]
name = "all"
calendar = "always"
targets.default = { first_response = "2h", resolution = "4h" }

[[escalation]]
id = "response"
on = "first_response"
level = [{ id = "late", at = "0m" }]
"""

OPENED, EARLY, LATE = "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z", "2026-03-02T11:30:00Z"
NOW = "2026-03-02T12:00:00Z"

#: Every command with `--at`, as of an instant when the answer would have been in time.
COMMANDS = [
    ["reply", "1", "--body", "Hi"],
    ["note", "1", "--body", "Hi"],
    ["receive", "1", "--body", "Hi"],
    ["assign", "1", "--to", "mia"],
    ["priority", "1", "urgent"],
    ["status", "1", "pending"],
    ["resolve", "1"],
    ["close", "1"],
    ["tag", "1", "--add", "vip"],
]


@pytest.fixture
def overdue(slactl: Slactl, desk: Path, clock: FrozenDateTimeFactory) -> None:
    """A ticket whose first response was due at 11:00, which `check` noted at 12:00."""
    desk.with_name("rules.toml").write_text(RULES)
    clock.move_to(OPENED)
    assert slactl("create", "VPN", "--from", "cy@example.com").code == 0
    clock.move_to(NOW)
    assert slactl("check", "--no-send").code == 0


def events(slactl: Slactl, number: str = "1") -> list[dict[str, Any]]:
    return list(json.loads(slactl("history", number, "--json").out))


def report(slactl: Slactl, *words: str) -> dict[str, Any]:
    return dict(json.loads(slactl("report", "--json", *words).out))


@pytest.mark.usefixtures("overdue")
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_change_before_a_noted_breach_needs_a_reason(slactl: Slactl, words: Sequence[str]) -> None:
    before = events(slactl)
    refused = slactl(*words, "--at", EARLY)
    assert (refused.code, refused.out) == (5, "")
    assert "first response was overdue at Mon 2026-03-02 11:00 UTC, and slactl recorded this" in refused.err
    assert refused.err.splitlines()[-1] == "hint: slactl history 1"
    assert slactl(*words, "--at", EARLY, "-n").code == 5
    assert slactl(*words, "--at", "2026-03-02T11:00:00Z").code == 5  # an answer on the deadline is in time
    assert slactl(*words, "--at", EARLY, "--reason", " ").code == 5
    assert slactl(*words, "--at", EARLY, "--reason", "x" * 1001).code == 5
    assert events(slactl) == before
    done = slactl(*words, "--at", EARLY, "--reason", "answered by phone")
    assert (done.code, "error" in done.err) == (0, False)
    new = [event for event in events(slactl) if event not in before and event["action"] != "sla.due"]
    assert new
    assert {event["detail"]["reason"] for event in new} == {"answered by phone"}


@pytest.mark.usefixtures("overdue")
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_change_after_the_breach_needs_none(slactl: Slactl, words: Sequence[str]) -> None:
    assert slactl(*words, "--at", LATE).code == 0
    assert not [event for event in events(slactl) if event["action"] == "sla.correct"]


def test_breach_that_was_not_noted_needs_none(slactl: Slactl, desk: Path, clock: FrozenDateTimeFactory) -> None:
    desk.with_name("rules.toml").write_text(RULES)
    clock.move_to(OPENED)
    slactl("create", "VPN", "--from", "cy@example.com")
    clock.move_to(NOW)
    assert slactl("reply", "1", "--body", "Hi", "--at", EARLY).code == 0
    assert report(slactl)["corrected_count"] == 0


@pytest.mark.usefixtures("overdue")
def test_correction_stays_possible_and_is_seen_everywhere(slactl: Slactl) -> None:
    assert slactl("list", "--ever-breached", "-q").lines == ["1"]
    assert slactl("reply", "1", "--body", "Hi", "--at", EARLY, "--reason", "answered by phone").code == 0
    assert slactl("list", "--ever-breached", "-q").lines == []
    [noted] = [event for event in events(slactl) if event["action"] == "sla.correct"]
    assert noted["detail"] == {
        "target": "first_response",
        "cycle": 1,
        "due_at": "2026-03-02T11:00:00Z",
        "reason": "answered by phone",
    }
    assert (noted["actor"], noted["actor_type"], noted["at"]) == ("ann", "user", NOW)
    explained = json.loads(slactl("explain", "1", "--json").out)["corrections"]
    assert explained == [{**noted["detail"], "corrected_at": NOW, "actor": "ann"}]
    assert json.loads(slactl("explain", "1", "--target", "resolution", "--json").out)["corrections"] == []
    line = "correction\tfirst_response\t1\t2026-03-02T11:00:00Z\tanswered by phone\t2026-03-02T12:00:00Z\tann"
    assert line in slactl("explain", "1").lines
    for words, said in (
        (["history", "1"], "answered by phone"),
        (["show", "1"], "sla.correct"),
        (["explain", "1"], "corrected this on"),
        (["report"], "corrected later: 1 breach"),
    ):
        assert said in slactl(*words, "--format", "table").out, words
    assert slactl("audit", "verify").code == 0
    assert slactl("check", "--no-send").code == 0


@pytest.mark.usefixtures("overdue")
def test_report_counts_the_breaches_of_its_period(slactl: Slactl, tmp_path: Path) -> None:
    assert report(slactl)["corrected_count"] == 0
    slactl("reply", "1", "--body", "Hi", "--at", EARLY, "--reason", "answered by phone")
    for words, count in (
        ([], 1),
        (["--since", "2026-03-02T11:00:00Z", "--until", "2026-03-02T11:00:01Z"], 1),
        (["--since", "2026-03-02T11:00:01Z"], 0),
        (["--until", "2026-03-02T11:00:00Z"], 0),
    ):
        assert report(slactl, *words)["corrected_count"] == count
    page = tmp_path / "report.html"
    assert slactl("report", "--html", str(page)).code == 0
    assert "corrected later: 1 breach" in page.read_text()


@pytest.mark.usefixtures("overdue")
def test_resolution_that_was_noted_counts_as_well(slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    clock.move_to("2026-03-02T14:00:00Z")
    slactl("check", "--no-send")
    assert slactl("resolve", "1", "--at", LATE).code == 5  # before the second breach
    assert slactl("resolve", "1", "--at", LATE, "--reason", "customer confirmed").code == 0
    assert [event["detail"]["target"] for event in events(slactl) if event["action"] == "sla.correct"] == ["resolution"]


@pytest.mark.usefixtures("overdue")
def test_of_several_tickets_only_the_noted_one_is_refused(slactl: Slactl) -> None:
    slactl("create", "VPN", "--from", "cy@example.com", "--at", OPENED)
    result = slactl("resolve", "1", "2", "--at", EARLY)
    assert (result.code, result.lines) == (7, ["2"])


@pytest.mark.usefixtures("overdue")
def test_import_that_corrects_is_counted_and_noted(slactl: Slactl) -> None:
    slactl("edit", "1", "--external-id", "A-1")
    line = json.dumps({"ticket": "A-1", "at": EARLY, "type": "agent_reply", "actor": "mia"})
    tried = json.loads(slactl("import", "-", "-n", "--json", stdin=line).out)
    assert tried["corrected"] == 1
    done = slactl("import", "-", stdin=line)
    assert (done.code, "1 breach corrected" in done.out) == (0, True)
    assert [e["detail"]["target"] for e in events(slactl) if e["action"] == "sla.correct"] == ["first_response"]
    assert report(slactl)["corrected_count"] == 1
    assert json.loads(slactl("import", "-", "--json", stdin=line).out)["corrected"] == 0
    assert slactl("audit", "verify").code == 0


@pytest.mark.usefixtures("overdue")
def test_export_keeps_reason_and_correction(slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = slactl("export").out
    slactl("reply", "1", "--body", "Hi", "--at", EARLY, "--reason", "answered by phone")
    kept, exported = events(slactl), slactl("export").out
    for name, first in (("new", ""), ("behind", older)):
        monkeypatch.setenv("SLACTL_DB", str(tmp_path / name / "slactl.db"))
        slactl("init")
        slactl("import", "-", stdin=first or exported)
        again = json.loads(slactl("import", "-", "--json", stdin=exported).out)
        assert again["corrected"] == (1 if first else 0)
        there = [(e["action"], e["detail"].get("reason")) for e in events(slactl) if e["action"] != "sla.due"]
        assert sorted(there) == sorted(
            (e["action"], e["detail"].get("reason")) for e in kept if e["action"] != "sla.due"
        )
        assert report(slactl)["corrected_count"] == 1
        assert slactl("audit", "verify").code == 0


def test_terminal_shows_the_correction(slactl: Slactl, desk: Path) -> None:
    desk.with_name("rules.toml").write_text(RULES)
    slactl("create", "VPN", "--from", "cy@example.com", "--at", OPENED)
    slactl("check", "--no-send")
    slactl("reply", "1", "--body", "Hi", "--at", EARLY, "--reason", "answered by phone")
    for words, said in ((["explain", "1"], "Corrected"), (["report"], "corrected later: 2 breaches")):
        with on_terminal(sys.executable, "-m", "slactl", *words, columns=200) as terminal:
            assert terminal.wait() == 0
            assert said in terminal.screen


@pytest.mark.usefixtures("overdue")
def test_breach_of_a_later_deadline_is_corrected_in_the_open_as_well(
    slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    again = ["due", "1", "--target", "first_response", "--at", "2026-03-02T12:45:00Z", "--reason", "agreed"]
    assert slactl(*again).code == 0
    clock.move_to("2026-03-02T14:00:00Z")
    assert slactl("check", "--no-send").code == 0
    reply = ["reply", "1", "--body", "Hi", "--at", "2026-03-02T12:30:00Z"]
    refused = slactl(*reply)
    assert (refused.code, "first response was overdue at Mon 2026-03-02 12:45 UTC" in refused.err) == (5, True), (
        refused.err
    )
    assert slactl(*reply, "--reason", "answered by phone").code == 0
    found = [event["detail"] for event in events(slactl) if event["action"] == "sla.correct"]
    corrected = [detail["due_at"] for detail in found if detail["target"] == "first_response"]
    assert corrected == ["2026-03-02T12:45:00Z"]
