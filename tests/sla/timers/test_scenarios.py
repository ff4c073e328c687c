"""Tickets under the rules of real support contracts, one scenario a line: what `simulate` must say about each."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from slactl.clock import parse_offset_instant
from slactl.desk.what_if.simulate import simulate_file
from slactl.sla.rules.loading import load

PROMISES = Path(__file__).parents[2] / "data" / "promises"
#: The groups of scenarios about calendars, business days and levels that count them.
GROUPS = ("AO", "BD", "BS", "BZ", "CG", "FD", "FI", "HC", "OC", "SD")
LINES = (PROMISES / "scenarios.jsonl").read_text().splitlines()
SCENARIOS = [scenario for scenario in map(json.loads, LINES) if scenario["id"].startswith(GROUPS)]


def test_all_scenarios_are_here() -> None:
    assert {scenario["id"][:2] for scenario in SCENARIOS} == set(GROUPS)


@pytest.mark.parametrize("scenario", [pytest.param(each, id=f"{each['id']} {each['about']}") for each in SCENARIOS])
def test_scenario(scenario: dict[str, Any]) -> None:
    lines = "".join(json.dumps(event) + "\n" for event in scenario["history"]).encode()
    rules = load(PROMISES / f"{scenario['rules']}.toml")
    at = parse_offset_instant(scenario["at"])
    (ticket,) = simulate_file(BytesIO(lines), rules, at, lambda problem: pytest.fail(str(problem)))
    expected = scenario["expect"]
    assert ticket["policy"] == expected["policy"]
    assert len(ticket["timers"]) == len(expected["timers"])
    for timer, wanted in zip(ticket["timers"], expected["timers"], strict=True):
        known = {key: value for key, value in wanted.items() if key in timer}
        assert {key: timer[key] for key in known} == known
        assert known.keys() >= {"target", "due_at", "state", "elapsed_seconds", "target_seconds"}
    if "firings" in expected:
        fired = [[firing["escalation"], firing["level"], firing["due_at"]] for firing in ticket["firings"]]
        assert fired == expected["firings"]
