"""What a run of `check` says: readable in a storm, whole in a dry run."""

from typing import Any

import pytest

from slactl.show.check import SHOWN, check_lines

FIRING: dict[str, Any] = {
    "ticket_id": 7,
    "reason": "resolution_sla_breached",
    "escalation": "resolution",
    "level": "breach",
    "outcome": "fired",
    "from_priority": "normal",
    "to_priority": "high",
    "from_assignee": None,
    "unreached": [],
    "reaches_nobody": False,
    "from_status": "open",
    "to_status": "open",
    "tags": [],
    "note": None,
    "to_assignee": None,
    "told": [],
    "fallback": None,
}


@pytest.mark.parametrize(("dry_run", "shown"), [(False, SHOWN), (True, 5000)])
def test_a_storm_is_told_in_twenty_lines_and_foretold_in_full(dry_run: bool, shown: int) -> None:
    report = {"at": "2026-03-02T08:00:00Z", "dry_run": dry_run, "run_id": 3, "scanned": 5000, "breached": 5000}
    counts = {
        "escalated": 5000,
        "skipped": 0,
        "skipped_by_reason": {},
        "notified": 2,
        "messages_sent": 1,
        "failed": 0,
        "messages": [],
        "goals": [],
    }
    lines = list(check_lines(report | counts | {"firings": [FIRING] * 5000}))
    assert "2 would be notified in 1 message" in lines[0] or "2 notified in 1 message" in lines[0]
    assert len([line for line in lines if line.startswith("  ticket 7: ")]) == shown
    assert ("  and 4,980 more: slactl runs show 3" in lines) is not dry_run
