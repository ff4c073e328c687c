"""`simulate --compare`: the same history under two rule files."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl

from slactl.show import guide

DATA = Path(__file__).parents[1] / "data" / "sla"

RULES = """
schema = 1
[calendars.always]
always_open = true
[[policy]]
name = "gold"
match = {{ plan = ["gold"] }}
calendar = "always"
[policy.targets]
default = {{ first_response = "{gold}", resolution = "1d" }}
[[policy]]
name = "rest"
calendar = "always"
[policy.targets]
default = {{ first_response = "8h" {also} }}
[[escalation]]
id = "response"
on = "first_response"
  [[escalation.level]]
  id = "late"
  at = "0m"
  note = "late"
  {repeat}
"""

#: A day of four tickets: gold answered after 1:30 and 2:30 hours, the others after 7 and 9.
HISTORY = [
    {"ticket": "A", "at": "2026-03-02T08:00:00Z", "type": "created", "plan": "gold", "tenant": "acme"},
    {"ticket": "B", "at": "2026-03-02T08:00:00Z", "type": "created", "plan": "gold", "priority": "urgent"},
    {"ticket": "C", "at": "2026-03-02T08:00:00Z", "type": "created"},
    {"ticket": "D", "at": "2026-03-02T08:00:00Z", "type": "created", "tenant": "acme"},
    {"ticket": "A", "at": "2026-03-02T09:30:00Z", "type": "agent_reply"},
    {"ticket": "B", "at": "2026-03-02T10:30:00Z", "type": "agent_reply"},
    {"ticket": "C", "at": "2026-03-02T15:00:00Z", "type": "agent_reply"},
    {"ticket": "D", "at": "2026-03-02T17:00:00Z", "type": "agent_reply"},
    {"ticket": "D", "at": "2026-03-04T08:00:00Z", "type": "status", "status": "resolved"},
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    """The history, the rules there are, and stricter ones that also promise a resolution to everybody."""
    history, rules, other = tmp_path / "history.jsonl", tmp_path / "rules.toml", tmp_path / "other.toml"
    history.write_text("".join(json.dumps(line) + "\n" for line in HISTORY))
    rules.write_text(RULES.format(gold="2h", also="", repeat=""))
    repeat = 'repeat = { every = "15m", max = 2 }'
    other.write_text(RULES.format(gold="1h", also=', resolution = "1d"', repeat=repeat))
    return str(history), str(rules), str(other)


def compared(slactl: Slactl, files: tuple[str, str, str], *options: str) -> dict[str, Any]:
    history, rules, other = files
    result = slactl("simulate", history, "--rules", rules, "--compare", other, "--at", "last", "--json", *options)
    assert result.code == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def test_what_is_kept_and_missed_under_each(slactl: Slactl, files: tuple[str, str, str]) -> None:
    found = compared(slactl, files)
    response, following, update, resolution = found["targets"]
    assert response == {
        "target": "first_response",
        "rules": {"met": 2, "breached": 2, "open": 0, "attainment": 0.5, "kept": 2, "missed": 2},
        "other": {"met": 1, "breached": 3, "open": 0, "attainment": 0.25, "kept": 1, "missed": 3},
        "attainment_change": -0.25,
        "gained": 1,
        "lost": 0,
        "kept_change": -1,
        "missed_change": 1,
    }
    nothing = {"met": 0, "breached": 0, "open": 0, "attainment": None, "kept": 0, "missed": 0}
    assert following["rules"] == following["other"] == update["rules"] == nothing
    assert resolution["rules"] == {**nothing, "open": 2}
    assert resolution["other"] == {**nothing, "breached": 1, "open": 3, "attainment": 0.0, "missed": 1}
    assert resolution["attainment_change"] is None
    assert (found["at"], found["by"], found["groups"], found["tickets"]) == ("last", None, None, 4)
    assert found["rules"]["file"], found["other"]["file"] == files[1:]
    assert found["rules"]["hash"] != found["other"]["hash"]


def test_each_stop_and_each_miss_is_an_outcome(slactl: Slactl, files: tuple[str, str, str]) -> None:
    """A ticket that was resolved twice has two outcomes, of which the state of its timer tells only the last."""
    history = [
        {"ticket": "A", "type": "created", "at": "2026-03-02T08:00:00Z"},
        {"ticket": "A", "type": "status", "at": "2026-03-02T09:00:00Z", "status": "resolved"},
        {"ticket": "A", "type": "status", "at": "2026-03-02T10:00:00Z", "status": "open"},
        {"ticket": "A", "type": "status", "at": "2026-03-09T10:00:00Z", "status": "resolved"},
    ]
    Path(files[0]).write_text("".join(json.dumps(line) + "\n" for line in history))
    resolution = compared(slactl, files)["targets"][3]
    assert {name: resolution["other"][name] for name in ("met", "breached", "kept", "missed")} == {
        **{"met": 0, "breached": 1},
        **{"kept": 1, "missed": 1},
    }
    assert (resolution["kept_change"], resolution["missed_change"]) == (1, 1)


def test_which_breaches_are_gained_and_lost(slactl: Slactl, files: tuple[str, str, str]) -> None:
    gained = [
        {
            "change": "gained",
            "ticket": "A",
            "target": "first_response",
            "cycle": 1,
            "due_at": "2026-03-02T10:00:00Z",
            "other_due_at": "2026-03-02T09:00:00Z",
            "stopped_at": "2026-03-02T09:30:00Z",
        },
        {
            "change": "gained",
            "ticket": "D",
            "target": "resolution",
            "cycle": 1,
            "due_at": None,
            "other_due_at": "2026-03-03T08:00:00Z",
            "stopped_at": "2026-03-04T08:00:00Z",
        },
    ]
    assert compared(slactl, files)["breaches"] == gained
    turned = compared(slactl, (files[0], files[2], files[1]))["breaches"]
    assert [(each["change"], each["due_at"], each["other_due_at"]) for each in turned] == [
        ("lost", each["other_due_at"], each["due_at"]) for each in gained
    ]
    assert slactl("simulate", files[0], "--rules", files[1], "--compare", files[2], "-q").lines == ["A", "C", "D"]


def test_how_often_something_fires(slactl: Slactl, files: tuple[str, str, str]) -> None:
    found = compared(slactl, files)
    # B and D were late once under the rules; under the others A twice, as it was answered then, B and D three times.
    assert found["firings"] == {"rules": 2, "other": 8}
    assert found["days"] == 2.0
    assert found["firings_per_day"] == {"rules": 1.0, "other": 4.0}


def test_groups(slactl: Slactl, files: tuple[str, str, str]) -> None:
    plans = {group["group"]: group for group in compared(slactl, files, "--by", "plan")["groups"]}
    assert list(plans) == ["free", "gold"]
    gold = plans["gold"]["targets"][0]
    assert (gold["rules"]["breached"], gold["other"]["breached"], gold["gained"], gold["lost"]) == (1, 2, 1, 0)
    assert plans["gold"]["tickets"] == 2
    assert plans["gold"]["firings"] == {"rules": 1, "other": 5}
    priorities = compared(slactl, files, "--by", "priority")
    assert [group["group"] for group in priorities["groups"]] == ["urgent", "normal"]
    tenants = compared(slactl, files, "--by", "tenant")
    assert [group["group"] for group in tenants["groups"]] == ["acme", None]
    assert [each["group"] for each in tenants["breaches"]] == ["acme", "acme"]
    assert [group["group"] for group in compared(slactl, files, "--by", "policy")["groups"]] == ["gold", "rest"]


@pytest.mark.parametrize("at", ["last", "2020-01-01T00:00:00Z"])
@pytest.mark.parametrize("change", ["gained", "lost"])
def test_it_is_what_two_simulations_say(slactl: Slactl, tmp_path: Path, at: str, change: str) -> None:
    """On a real file: each side's counts are those of `simulate` under its rules, and the breaches their difference."""
    history, rules, other = str(DATA / "history.jsonl"), DATA / "rules.toml", tmp_path / "other.toml"
    other.write_text(rules.read_text().replace('"3600s"', '"600s"').replace('"10800s"', '"1200s"'))
    if change == "lost":
        rules, other = other, rules
    found = compared(slactl, (history, str(rules), str(other)), "--at", at)
    late: list[set[tuple[str, str, int]]] = []
    for side, file in (("rules", rules), ("other", other)):
        alone = json.loads(slactl("simulate", history, "--rules", str(file), "--at", at, "--json").out)["tickets"]
        timers = [(ticket["ticket"], timer) for ticket in alone for timer in ticket["timers"]]
        states = Counter((timer["target"], timer["state"]) for _, timer in timers)
        for target in found["targets"]:
            assert target[side]["met"] == states[target["target"], "met"]
            assert target[side]["breached"] == states[target["target"], "breached"]
        assert found["firings"][side] == sum(len(ticket["firings"]) for ticket in alone)
        late.append({(name, timer["target"], timer["cycle"]) for name, timer in timers if timer["breached_at"]})
    told = {kind: set[tuple[str, str, int]]() for kind in ("gained", "lost")}
    for each in found["breaches"]:
        told[each["change"]].add((each["ticket"], each["target"], each["cycle"]))
    assert told == {"gained": late[1] - late[0], "lost": late[0] - late[1]}
    assert told[change]


def test_the_same_rules_change_nothing(slactl: Slactl, files: tuple[str, str, str]) -> None:
    found = compared(slactl, (files[0], files[1], files[1]))
    assert found["breaches"] == []
    assert found["rules"] == found["other"]
    assert all(target["rules"] == target["other"] for target in found["targets"])


def test_bursts_are_those_of_each_side(slactl: Slactl, tmp_path: Path, files: tuple[str, str, str]) -> None:
    history = tmp_path / "burst.jsonl"
    lines = [
        {"ticket": name, "at": "2026-03-02T08:00:00Z", "type": "created", "requester_email": "bob@example.com"}
        for name in ("X", "Y", "Z")
    ]
    history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    burst = (
        '[[escalation]]\nid = "burst"\non = "burst"\nburst = { count = 3, within = "1h" }\n'
        '[[escalation.level]]\nid = "tell"\nat = "0m"\nnote = "again"\n'
    )
    Path(files[2]).write_text(Path(files[1]).read_text() + burst)
    assert compared(slactl, (str(history), *files[1:]))["firings"] == {"rules": 0, "other": 1}


@pytest.mark.parametrize("columns", ["80", "120"])
@pytest.mark.parametrize("color", ["always", "never"])
def test_the_table_fits(
    slactl: Slactl, files: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch, columns: str, color: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.chdir(Path(files[0]).parent)
    options = ("history.jsonl", "--rules", "rules.toml", "--compare", "other.toml", "--at", "last", "--format", "table")
    for by in ((), ("--by", "plan")):
        result = slactl("--color", color, "simulate", *options, *by)
        assert result.code == 0
        assert ("\x1b[" in result.out) == (color == "always")
        if color == "never":
            assert max(map(len, result.lines)) <= int(columns)
            assert "Breaches gained: 2, lost: 0" in result.lines
            assert "Firings a day: 1.0 → 4.0" in result.lines
            assert "Outcomes of first response: kept 2 → 1 (-1), missed 2 → 3 (+1)" in result.lines
            if not by:
                assert "first response  50.0 %  25.0 %   -25.0       2      3" in result.out


def test_a_row_for_each_target_on_a_pipe(slactl: Slactl, files: tuple[str, str, str]) -> None:
    command = ("simulate", files[0], "--rules", files[1], "--compare", files[2], "--at", "last")
    header, *rows = slactl(*command, "--format", "csv", "--by", "plan").lines
    assert header.startswith("group,target,tickets,rules_met,rules_breached,rules_open,rules_attainment,other_met")
    assert len(rows) == 8
    assert header.endswith(",rules_kept,rules_missed,other_kept,other_missed,kept_change,missed_change")
    assert rows[4].endswith(",1,1,0,2,-1,1")
    assert rows[4].startswith("gold,first_response,2,1,1,0,0.5,0,2,0,0.0,")
    assert len(slactl(*command).lines) == 4


def test_bad_lines_are_told_once_and_left_out(slactl: Slactl, files: tuple[str, str, str]) -> None:
    with open(files[0], "a") as stream:
        stream.write('{"ticket": "E", "at": "2026-03-02T08:00:00"}\n')
    result = slactl("simulate", files[0], "--rules", files[1], "--compare", files[2], "--json")
    assert result.code == 7
    assert len(result.err.splitlines()) == 1
    assert json.loads(result.out)["tickets"] == 4


def test_a_ticket_that_one_side_cannot_judge_counts_on_neither(slactl: Slactl, files: tuple[str, str, str]) -> None:
    once = '[calendars.always]\n[calendars.always.dates]\n"2026-03-02" = ["08:00-12:00"]'
    Path(files[2]).write_text(
        RULES.format(gold="2h", also="", repeat="")
        .replace("[calendars.always]\nalways_open = true", once)
        .replace('resolution = "1d"', 'resolution = "24h"')
    )
    result = slactl("simulate", files[0], "--rules", files[1], "--compare", files[2], "--at", "last", "--json")
    assert result.code == 7
    assert json.loads(result.out)["tickets"] == 0
    assert all("no open time" in line or "ticket" in line for line in result.err.splitlines())


def test_nothing_to_compare_is_no_error(slactl: Slactl, files: tuple[str, str, str], tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    found = compared(slactl, (str(tmp_path / "empty.jsonl"), *files[1:]), "--by", "plan")
    assert (found["tickets"], found["groups"], found["breaches"], found["days"]) == (0, [], [], 1.0)
    table = slactl("simulate", str(tmp_path / "empty.jsonl"), "--compare", files[2], "--format", "table")
    assert (table.code, "0 tickets" in table.out) == (0, True)


def test_what_is_refused(slactl: Slactl, files: tuple[str, str, str], tmp_path: Path) -> None:
    assert slactl("simulate", files[0], "--by", "plan").code == 2
    assert slactl("simulate", files[0], "--compare", str(tmp_path / "none.toml")).code == 4
    Path(files[2]).write_text("schema = 1\npolice = 3\n")
    refused = slactl("simulate", files[0], "--rules", files[1], "--compare", files[2])
    assert (refused.code, refused.out) == (4, "")
    assert "did you mean policy?" in refused.err


def test_a_hostile_ticket_cannot_draw(slactl: Slactl, files: tuple[str, str, str]) -> None:
    text = Path(files[0]).read_text().replace('"A"', json.dumps("\x1b[31mA\x07[red]"))
    Path(files[0]).write_text(text)
    command = ("simulate", files[0], "--rules", files[1], "--compare", files[2], "--at", "last")
    for form in ("table", "csv", "json", "plain", "ids"):
        assert "\x1b" not in slactl("--color", "never", *command, "--format", form).out


def test_the_recipe_of_the_guide(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", "3d ago")
    text = (
        guide.page("rules").partition("## Try rules before you use them")[2].partition("```sh\n")[2].partition("```")[0]
    )
    assert "--compare draft.toml" in text
    program = f'slactl() {{ {shlex.quote(sys.executable)} -m slactl "$@"; }}\n'
    edited = text.replace("~/.config/slactl/rules.toml", '"$SLACTL_RULES"')
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", program + edited],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ.copy(),
        check=True,
    )
    assert "error" not in done.stderr
    assert re.search(r"^free\tfirst_response\t1\t0\t1\t0\t0.0\t0\t0\t1\t", done.stdout, re.MULTILINE)
    assert done.stdout.splitlines()[-1] == "{'rules': 0.333333, 'other': 0.0}"


def test_groups_by_source_and_by_tag_have_the_tickets_of_each(
    slactl: Slactl, files: tuple[str, str, str], tmp_path: Path
) -> None:
    history = tmp_path / "sources.jsonl"
    facts = {"A": {"source": "gh", "tags": ["vip", "eu"]}, "B": {"source": "jira", "tags": ["vip"]}}
    lines = [line | (facts.get(line["ticket"], {}) if line["type"] == "created" else {}) for line in HISTORY]
    history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for by, counts in (("source", {"gh": 1, "jira": 1, None: 2}), ("tag", {"vip": 2, "eu": 1, None: 2})):
        found = compared(slactl, (str(history), *files[1:]), "--by", by)
        assert {group["group"]: group["tickets"] for group in found["groups"]} == counts
        assert found["tickets"] == 4
        named = {breach["ticket"]: breach["group"] for breach in found["breaches"]}
        assert named["A"] == ("gh" if by == "source" else "vip,eu")
        assert len(named) == len(found["breaches"])
