"""Facts about what real contracts promise: one ticket each, with every timer and firing that is fixed."""

import json
from pathlib import Path
from typing import Any

import pytest

from slactl.clock import parse_offset_instant
from slactl.desk.what_if.simulate import simulate
from slactl.sla.history.file import parse_record
from slactl.sla.rules.loading import load

PROMISES = Path(__file__).parents[2] / "data" / "promises"
SCENARIOS = [json.loads(line) for line in (PROMISES / "scenarios.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["id"])
def test_the_promise_is_kept_to_the_second(scenario: dict[str, Any]) -> None:
    rules = load(PROMISES / f"{scenario['rules']}.toml")
    history = [parse_record(record).event for record in scenario["history"]]
    ticket, at, expect = scenario["history"][0]["ticket"], parse_offset_instant(scenario["at"]), scenario["expect"]
    [found] = simulate([(ticket, history)], rules, at, pytest.fail)
    assert found["policy"] == expect["policy"]
    fixed = [
        {name: timer[name] for name in wanted}  # type: ignore[literal-required]
        for timer, wanted in zip(found["timers"], expect["timers"], strict=True)
    ]
    assert fixed == expect["timers"]
    if "firings" in expect:
        fired = [[firing["escalation"], firing["level"], firing["due_at"]] for firing in found["firings"]]
        assert fired == expect["firings"]
