"""A status that was set until an instant: from then on every read shows an open ticket, before a `check` records it."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

from slactl.clock import from_text
from slactl.desk.reports.board import watched
from slactl.store.database import Database

RULES = """schema = 1
[settings]
pause_statuses = ["pending"]
pause = ["first_response", "resolution"]
due_soon = "30m"

[calendars.always]
always_open = true

[[policy]]
name = "all"
calendar = "always"
targets = { default = { first_response = "2h", resolution = "6h" } }

[roles.lead]
assignee = "lea"
notify = []

[[escalation]]
id = "late"
on = "first_response"
[[escalation.level]]
id = "warn"
at = "-30m"
note = "soon"
"""

#: A is pending until 12:00 with an hour left for the first response; B and C are open, and due before and after A.
HISTORY = [
    {"ticket": "A", "at": "2026-03-02T09:00:00Z", "type": "created"},
    {
        "ticket": "A",
        "at": "2026-03-02T10:00:00Z",
        "type": "status",
        "status": "pending",
        "until": "2026-03-02T12:00:00Z",
    },
    {"ticket": "B", "at": "2026-03-02T10:30:00Z", "type": "created"},
    {"ticket": "C", "at": "2026-03-02T11:30:00Z", "type": "created"},
]
UNTIL, SECOND_BEFORE = "2026-03-02T12:00:00Z", "2026-03-02T11:59:59Z"


@pytest.fixture
def waiting(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> Path:
    """A desk whose last check was at 11:40, while A was pending."""
    desk.with_name("rules.toml").write_text(RULES)
    clock.move_to("2026-03-02T11:40:00Z")
    done = slactl("import", "-", stdin="\n".join(map(json.dumps, HISTORY)))
    assert done.code == 0, done.err
    assert slactl("check", "-q").code == 0
    return desk


def listed(slactl: Slactl, *words: str) -> list[str]:
    return [ticket["external_id"] for ticket in json.loads(slactl("list", *words, "--json").out)]


def shown(slactl: Slactl) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(slactl("show", "A", "--json").out)
    return {name: value for name, value in found.items() if name != "events"}


def test_a_ticket_is_open_from_the_instant_on(waiting: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    clock.move_to(SECOND_BEFORE)
    ticket = shown(slactl)
    assert (ticket["status"], ticket["due_at"], ticket["first_response_state"]) == ("pending", None, "paused")
    assert (ticket["next_level"], ticket["updated_at"]) == (None, "2026-03-02T10:00:00Z")
    for now in (UNTIL, "2026-03-02T12:20:00Z"):
        clock.move_to(now)
        ticket = shown(slactl)
        assert (ticket["status"], ticket["updated_at"]) == ("open", UNTIL)
        assert (ticket["due_at"], ticket["due_target"]) == ("2026-03-02T13:00:00Z", "first_response")
        assert (ticket["first_response_state"], ticket["resolution_state"]) == ("running", "running")
        assert (ticket["first_response_due_at"], ticket["resolution_due_at"]) == (
            "2026-03-02T13:00:00Z",
            "2026-03-02T17:00:00Z",
        )
        assert (ticket["next_level"], ticket["next_level_at"]) == ("warn", "2026-03-02T12:30:00Z")
        assert {timer["running_since"] for timer in ticket["timers"]} == {UNTIL}
        assert {timer["state"] for timer in ticket["timers"]} == {"running"}


@pytest.mark.parametrize("now", [UNTIL, "2026-03-02T12:20:00Z", "2026-03-02T13:00:01Z", "2026-03-03T09:00:00Z"])
def test_a_check_changes_nothing_that_was_shown_of_the_end(
    waiting: Path, slactl: Slactl, clock: FrozenDateTimeFactory, now: str
) -> None:
    clock.move_to(now)
    noticed = ("detected_at", "escalations", "next_escalation", "next_level", "next_level_at")

    def found() -> dict[str, Any]:
        ticket = shown(slactl)
        timers = [{key: value for key, value in timer.items() if key not in noticed} for timer in ticket["timers"]]
        return {key: value for key, value in ticket.items() if key not in (*noticed, "messages")} | {"timers": timers}

    before, lists = found(), listed(slactl)
    summary = slactl("summary", "--json").out
    assert slactl("check", "-q").code == 0
    assert found() == before
    assert listed(slactl) == lists
    assert slactl("summary", "--json").out == summary
    assert slactl("audit", "verify").code == 0


def test_every_filter_of_a_list_goes_by_the_clock(waiting: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    clock.move_to(SECOND_BEFORE)
    assert listed(slactl, "--status", "pending") == listed(slactl, "--paused") == ["A"]
    assert listed(slactl, "--status", "open") == ["B", "C"]
    clock.move_to(UNTIL)
    assert listed(slactl, "--status", "pending") == listed(slactl, "--paused") == []
    assert listed(slactl, "--status", "open") == ["B", "A", "C"]
    assert listed(slactl, "--due-within", "1h") == ["B", "A"]
    clock.move_to("2026-03-02T13:00:01Z")
    assert listed(slactl, "--breached") == listed(slactl, "--ever-breached") == ["B", "A"]
    assert listed(slactl, "--breached", "--target", "first_response") == ["B", "A"]
    assert slactl("list", "--breached", "--exit-code", "-q").code == 10


@pytest.mark.parametrize(
    ("order", "expected"), [("due", "BAC"), ("created", "CBA"), ("updated", "ACB"), ("priority", "BAC")]
)
def test_a_ticket_that_opened_by_itself_has_its_place_in_each_order(
    waiting: Path, slactl: Slactl, clock: FrozenDateTimeFactory, order: str, expected: str
) -> None:
    clock.move_to(UNTIL)
    assert "".join(listed(slactl, "--sort", order)) == expected
    assert "".join(listed(slactl, "--sort", order, "--limit", "2")) == expected[:2]


def test_summary_and_report_count_by_the_clock(waiting: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    def counts(*names: str) -> list[int]:
        found = json.loads(slactl("summary", "--json").out)
        return [found[f"{name}_count"] for name in names]

    clock.move_to(SECOND_BEFORE)
    assert counts("open", "paused", "due_soon", "first_response_breached") == [3, 1, 0, 0]
    forecast = json.loads(slactl("summary", "--forecast", "4h", "--json").out)["forecast"]
    assert (forecast["count"], forecast["paused_count"]) == (2, 2)
    clock.move_to(UNTIL)
    assert counts("open", "paused", "due_soon", "first_response_breached") == [3, 0, 1, 0]
    forecast = json.loads(slactl("summary", "--forecast", "4h", "--json").out)["forecast"]
    assert (forecast["count"], forecast["paused_count"]) == (3, 0)
    clock.move_to("2026-03-02T13:00:01Z")
    assert counts("open", "paused", "first_response_breached") == [3, 0, 2]
    report = json.loads(slactl("report", "--since", "2026-03-02", "--json").out)
    [first] = [each for each in report["targets"] if each["target"] == "first_response"]
    assert first["breached_count"] == 2


def test_the_board_is_read_again_when_a_status_ends(waiting: Path) -> None:
    with watched(Database(waiting)) as source:
        before = source.look(None, from_text(SECOND_BEFORE))
        assert [ticket["external_id"] for ticket in before.coming] == ["B", "C"]
        after = source.look(before, from_text(UNTIL))
        assert [ticket["external_id"] for ticket in after.coming] == ["B", "A", "C"]
        assert source.look(after, from_text("2026-03-02T12:00:30Z")) is after


def test_the_public_views_go_by_the_clock(waiting: Path) -> None:
    with closing(sqlite3.connect(waiting)) as connection:
        query = "SELECT status, due_at, resolution_state, breached FROM ticket_view WHERE external_id = 'A'"
        assert connection.execute(query).fetchall() == [("open", "2026-03-02T13:00:00Z", "breached", 1)]
        late = "SELECT first_response_breached_count, resolution_breached_count, open_count FROM summary_view"
        assert connection.execute(late).fetchall() == [(3, 3, 3)]
        missed = "SELECT target, breached_at FROM breach_view WHERE external_id = 'A' ORDER BY target"
        assert connection.execute(missed).fetchall() == [
            ("first_response", "2026-03-02T13:00:00Z"),
            ("resolution", "2026-03-02T17:00:00Z"),
        ]


def test_a_deadline_that_passed_in_the_pause_is_late_when_the_status_ends(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    office = 'timezone = "UTC"\nweekly = { mon = ["09:00-11:00"], tue = ["09:00-11:00"] }'
    desk.with_name("rules.toml").write_text(RULES.replace("always_open = true", office))
    clock.move_to("2026-03-02T11:40:00Z")
    on_the_deadline = {**HISTORY[1], "at": "2026-03-02T11:00:00Z"}
    slactl("import", "-", stdin=f"{json.dumps(HISTORY[0])}\n{json.dumps(on_the_deadline)}")
    assert (shown(slactl)["first_response_state"], shown(slactl)["breached"]) == ("paused", False)
    clock.move_to(UNTIL)
    ticket = shown(slactl)
    assert (ticket["first_response_state"], ticket["due_at"]) == ("breached", "2026-03-02T11:00:00Z")
    assert (ticket["breached"], ticket["ever_breached"]) == (True, True)


def test_a_status_may_end_after_the_last_opening_of_the_calendar(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    """What nobody can calculate then is no error before."""
    once = 'timezone = "UTC"\ndates = { "2026-03-02" = ["08:00-18:00"] }'
    desk.with_name("rules.toml").write_text(RULES.replace("always_open = true", once))
    clock.move_to("2026-03-02T11:40:00Z")
    later = {**HISTORY[1], "until": "2026-03-03T12:00:00Z"}
    done = slactl("import", "-", stdin=f"{json.dumps(HISTORY[0])}\n{json.dumps(later)}")
    assert (done.code, shown(slactl)["status"]) == (0, "pending"), done.err


def test_another_status_before_the_instant_holds(waiting: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    clock.move_to("2026-03-02T11:50:00Z")
    assert slactl("status", "A", "waiting_customer").code == 0
    clock.move_to("2026-03-02T12:20:00Z")
    assert shown(slactl)["status"] == "waiting_customer"
    assert listed(slactl, "--status", "waiting_customer") == ["A"]
