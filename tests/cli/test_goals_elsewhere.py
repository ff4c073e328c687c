"""Goals in `summary`, in `report`, in the metrics and in `simulate --compare`."""

import json
import re
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import policy, write_rules
from freezegun.api import FrozenDateTimeFactory

Clock = FrozenDateTimeFactory
pytestmark = pytest.mark.usefixtures("clock")

GOALS = """
[[objective]]
name = "solved <b>in time</b>"
target = "resolution"
goal = "60%"
period = "month"
timezone = "Europe/Berlin"
[[objective]]
name = "never"
match = { plan = ["none"] }
target = "resolution"
goal = "95%"
period = "year"
"""


OF_ACME = """
[[objective]]
name = "for acme"
match = { requester_domain = ["acme.example"] }
target = "resolution"
goal = "60%"
period = "month"
"""


@pytest.fixture
def goals(desk: Path, slactl: Slactl, clock: Clock) -> Path:
    """Make a desk on which two of three targets of February were kept, and one of two of March."""
    write_rules(desk, policy(resolution="4h"), GOALS)
    for month, opened, resolved in (
        (2, "08:00", 9),
        (2, "09:00", 10),
        (2, "10:00", 15),
        (3, "06:00", 7),
        (3, "01:00", 8),
    ):
        day = f"2026-{month:02d}-02"
        made = slactl("create", "x", "--from", "a@b.example", "--at", f"{day}T{opened}Z", "-q")
        assert slactl("resolve", made.out.strip(), "--at", f"{day}T{resolved:02d}:00Z", "-q").code == 0, made.err
    return desk


def test_the_summary_has_the_present_periods(goals: Path, slactl: Slactl) -> None:
    found = json.loads(slactl("summary", "--json").out)["goals"]
    assert found == json.loads(slactl("objectives", "--json").out)
    assert [(goal["period"], goal["kept"], goal["missed"], goal["state"]) for goal in found] == [
        ("2026-03", 1, 1, "below"),
        ("2026", 0, 0, "no_data"),
    ]


@pytest.mark.parametrize("command", ["objectives --format table", "summary --format table"])
def test_a_terminal_of_80_columns_shows_the_margin_as_a_bar(
    goals: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    rules = goals.with_name("rules.toml")
    rules.write_text(rules.read_text().replace("solved <b>in time</b>", "enterprise resolution in time"))
    for width in (80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        lines = slactl(*command.split()).out.splitlines()
        head = next(place for place, line in enumerate(lines) if line.startswith("Goal "))
        assert max(map(len, lines[head : head + 3])) <= width
        assert re.search("enterprise resolut.* 2026-03 .*50.0 % .*████████ .*needs 1 .*below", lines[head + 1])
        assert ("1 of 2" in lines[head + 1]) is (width == 120)
        assert re.search("never +2026 .*n/a .*░░░░░░░░ .*no outcomes", lines[head + 2])


def test_the_summary_of_invalid_rules_has_the_goals_of_the_last_valid_ones(goals: Path, slactl: Slactl) -> None:
    assert slactl("check", "-q").code == 0
    rules = goals.with_name("rules.toml")
    rules.write_text(rules.read_text() + "[nonsense]\n")
    assert len(json.loads(slactl("summary", "--json").out)["goals"]) == 2
    write_rules(goals, policy(resolution="4h"))
    assert json.loads(slactl("summary", "--json").out)["goals"] == []


def test_a_report_has_the_periods_of_its_end(goals: Path, slactl: Slactl) -> None:
    for until, period, kept, missed in (("2026-02-28T23:00Z", "2026-02", 2, 1), ("2026-03-02T09:00Z", "2026-03", 1, 1)):
        [goal, _] = json.loads(slactl("report", "--until", until, "--json").out)["goals"]
        assert (goal["period"], goal["kept"], goal["missed"]) == (period, kept, missed)
    page = slactl("report", "--html", "-").out
    assert "solved &lt;b&gt;in time&lt;/b&gt;" in page
    assert re.search(r"2026-03: 50.0 % of 60 % · 1 of 2 missed", page)
    assert '<rect class="poor" width="100.00%"' in page
    assert "<b>in time" not in page


def test_the_metrics_have_the_margins(goals: Path, slactl: Slactl, tmp_path: Path) -> None:
    path = tmp_path / "slactl.prom"
    assert slactl("check", "-q", "--metrics", str(path)).code == 0
    labels = '{objective="solved <b>in time</b>",period="2026-03"}'
    lines = path.read_text().splitlines()
    for line in ("attained{} 0.5", "goal{} 0.6", "spare{} 0", "needed{} 1", "missed{} 1", "open_at_risk{} 0"):
        assert f"slactl_objective_{line.replace('{}', labels)}" in lines
    assert not [line for line in lines if "spare" in line and "never" in line]  # without outcomes there is no margin


def test_other_rules_gain_and_lose_goals(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    write_rules(desk, policy(resolution="4h"), GOALS)
    other, history = tmp_path / "other.toml", tmp_path / "history.jsonl"
    other.write_text(desk.with_name("rules.toml").read_text().replace('"4h"', '"6h"'))
    lines = [
        {"ticket": f"A-{number}", "at": f"2026-03-0{number}T08:00:00Z", "type": "created"} for number in range(2, 6)
    ] + [
        {"ticket": f"A-{number}", "at": f"2026-03-0{number}T{hour}:00:00Z", "type": "status", "status": "resolved"}
        for number, hour in ((2, "09"), (3, "09"), (4, "13"), (5, "15"))
    ]
    history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("simulate", str(history), "--compare", str(other), "--json")
    assert json.loads(slactl(*words, "--at", "2026-03-10").out)["goals"] == [
        {
            "name": "solved <b>in time</b>",
            "period": "2026-03",
            "rules": {"goal": 0.6, "kept": 2, "missed": 2, "spare": 0, "needed": 1, "is_kept": False},
            "other": {"goal": 0.6, "kept": 3, "missed": 1, "spare": 1, "needed": 0, "is_kept": True},
            "change": "gained",
        }
    ]
    swapped = (
        "simulate",
        str(history),
        "--rules",
        str(other),
        "--compare",
        str(desk.with_name("rules.toml")),
        "--json",
    )
    assert json.loads(slactl(*swapped, "--at", "2026-03-10").out)["goals"][0]["change"] == "lost"
    other.write_text(other.read_text().split("[[objective]]")[0])
    assert json.loads(slactl(*words, "--at", "2026-03-10").out)["goals"][0]["other"] is None


def test_the_domain_at_the_time_of_the_outcome_counts_in_comparisons_too(
    desk: Path, slactl: Slactl, clock: Clock, tmp_path: Path
) -> None:
    write_rules(desk, policy(resolution="4h"), OF_ACME)
    clock.move_to("2026-03-10T12:00:00Z")
    other, history = tmp_path / "other.toml", tmp_path / "history.jsonl"
    other.write_text(desk.with_name("rules.toml").read_text())
    day = "2026-03-02T"
    lines: list[dict[str, str]] = [
        {"ticket": "A", "at": f"{day}08:00:00Z", "type": "created", "requester_email": "a@acme.example"},
        {"ticket": "A", "at": f"{day}09:00:00Z", "type": "status", "status": "resolved"},
        {"ticket": "A", "at": f"{day}09:30:00Z", "type": "edited", "requester_email": "a@elsewhere.example"},
        {"ticket": "B", "at": f"{day}08:00:00Z", "type": "created", "requester_email": "b@elsewhere.example"},
        {"ticket": "B", "at": f"{day}08:30:00Z", "type": "edited", "requester_email": "b@acme.example"},
        {"ticket": "B", "at": f"{day}13:00:00Z", "type": "status", "status": "resolved"},
    ]
    history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = slactl("simulate", str(history), "--compare", str(other), "--json", "--at", "2026-03-10")
    [goal] = json.loads(done.out)["goals"]
    assert (goal["rules"]["kept"], goal["rules"]["missed"]) == (1, 1)
    assert slactl("import", str(history)).code == 0
    [goal] = json.loads(slactl("objectives", "--json").out)
    assert (goal["kept"], goal["missed"]) == (1, 1)
