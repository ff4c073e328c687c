"""Worked examples from the manuals and test suites of many help desks, one ticket each."""

import json
from pathlib import Path
from typing import Any

import pytest

from slactl.clock import parse_offset_instant
from slactl.desk.simulate import simulate
from slactl.sla.enums import EventType
from slactl.sla.history import Event
from slactl.sla.rules_loading import load

EXAMPLES = Path(__file__).parent.parent / "data" / "sla"
EXPECTED: dict[str, dict[str, Any]] = json.loads((EXAMPLES / "expect.json").read_text())
TARGETS = ("first_response", "next_response", "resolution")


@pytest.fixture(scope="module")
def simulated() -> dict[str, dict[str, Any]]:
    """Every ticket of the examples as of its own last event."""
    histories: dict[str, list[Event]] = {}
    for line in (EXAMPLES / "history.jsonl").read_text().splitlines():
        row = json.loads(line)
        at, kind = parse_offset_instant(row.pop("at")), EventType(row.pop("type"))
        histories.setdefault(row.pop("ticket"), []).append(Event(at, kind, row))
    rules = load(EXAMPLES / "rules.toml")
    return {record["ticket"]: record for record in simulate(histories.items(), rules, "last", pytest.fail)}


def measured(record: dict[str, Any], name: str) -> object:
    """One expected figure of a ticket, from the last cycle of its target."""
    if name == "paused_minutes":
        return _minutes(_last(record, "resolution")["paused_seconds"])
    target = next(target for target in TARGETS if name.startswith(target))
    timer, figure = _last(record, target), name.removeprefix(f"{target}_")
    left = timer["remaining_seconds"] or -timer["overdue_seconds"]
    values = {
        "due_at": timer["due_at"] if target != "next_response" or timer["stopped_at"] is None else None,
        "state": timer["state"],
        "breached": timer["breached_at"] is not None,
        "minutes": _minutes(timer["elapsed_seconds"]),
        "diff_minutes": _minutes(timer["target_seconds"] - timer["elapsed_seconds"]),
        "overdue_minutes": _minutes(timer["overdue_seconds"]),
        "remaining_minutes": _minutes(left),
    }
    return values[figure]


def _last(record: dict[str, Any], target: str) -> dict[str, Any]:
    return [timer for timer in record["timers"] if timer["target"] == target][-1]


def _minutes(seconds: int) -> float:
    return pytest.approx(seconds / 60, abs=0.0001)  # type: ignore[no-any-return]


def test_all_examples_are_here() -> None:
    assert len(EXPECTED) == 21


@pytest.mark.parametrize("ticket", EXPECTED)
def test_example(simulated: dict[str, dict[str, Any]], ticket: str) -> None:
    for name, expected in EXPECTED[ticket].items():
        wanted = expected
        if name.endswith("_due_at") and expected is not None:
            wanted = expected.replace("+00:00", "Z")
        assert measured(simulated[ticket], name) == wanted, name
