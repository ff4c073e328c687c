"""A status that ends by itself: the ticket is open from its instant on, and `check` records that exactly once."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slactl.clock import from_text, to_text

OPENED = {"ticket": "A", "at": "2026-03-02T08:00:00Z", "type": "created", "plan": "enterprise"}
START = from_text("2026-03-02T09:00:00Z")


def status(at: str, after: str, until: str | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    ends = {"until": until} if until is not None else {}
    return {"ticket": "A", "at": at, "type": "status", "status": after, **ends, **more}


def take(slactl: Slactl, *lines: dict[str, Any]) -> None:
    done = slactl("import", "-", stdin="\n".join(map(json.dumps, lines)))
    assert done.code == 0, done.err


def woken(slactl: Slactl) -> list[str]:
    """Return the instants at which statuses ended by themselves, as the log has them."""
    events = json.loads(slactl("history", "A", "--json").out)
    return [event["at"] for event in events if event["detail"].get("by_itself")]


def shown(slactl: Slactl) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(slactl("show", "A", "--json").out)
    return found


def test_a_check_records_once_that_a_status_ended_by_itself(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    take(slactl, OPENED, status("2026-03-02T08:30:00Z", "pending", "2026-03-02T10:00:00Z"))
    slactl("check", "-q")
    assert (woken(slactl), shown(slactl)["status"]) == ([], "pending")
    clock.move_to("2026-03-02T10:07:00Z")
    for _ in range(3):
        assert slactl("check", "-q").code == 0
        assert (woken(slactl), shown(slactl)["status"]) == (["2026-03-02T10:00:00Z"], "open")
        clock.tick(60)
    assert slactl("audit", "verify").code == 0


def test_a_check_records_an_end_that_had_passed_when_the_status_was_imported(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    take(slactl, OPENED, status("2026-03-02T08:30:00Z", "pending", "2026-03-02T08:45:00Z"))
    assert shown(slactl)["status"] == "open"
    slactl("check", "-q")
    assert woken(slactl) == ["2026-03-02T08:45:00Z"]


def test_after_a_time_without_checks_each_end_is_recorded_at_its_instant(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    clock.move_to("2026-03-05T09:00:00Z")
    take(
        slactl,
        OPENED,
        status("2026-03-02T09:00:00Z", "pending", "2026-03-02T12:00:00Z"),
        status("2026-03-03T09:00:00Z", "waiting_customer", "2026-03-04T09:00:00Z"),
        status("2026-03-05T08:00:00Z", "resolved"),
    )
    slactl("check", "-q")
    assert woken(slactl) == ["2026-03-02T12:00:00Z", "2026-03-04T09:00:00Z"]
    changes = [
        (event["detail"]["from"], event["detail"]["status"])
        for event in json.loads(slactl("history", "A", "--json").out)
        if "status" in event["detail"] and event["action"] != "ticket.create"
    ]
    waited = [("open", "pending"), ("pending", "open"), ("open", "waiting_customer"), ("waiting_customer", "open")]
    assert changes == [*waited, ("open", "resolved")]


def test_a_later_status_keeps_the_ticket_from_opening_by_itself(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    take(slactl, OPENED, status("2026-03-02T08:30:00Z", "pending", "2026-03-02T10:00:00Z"))
    slactl("status", "A", "waiting_customer")
    clock.move_to("2026-03-02T11:00:00Z")
    slactl("check", "-q")
    assert (woken(slactl), shown(slactl)["status"]) == ([], "waiting_customer")


def test_a_resolution_before_the_end_holds_even_if_it_is_recorded_later(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    take(slactl, OPENED, status("2026-03-02T08:30:00Z", "pending", "2026-03-02T10:00:00Z"))
    clock.move_to("2026-03-02T10:05:00Z")
    slactl("check", "-q")
    assert slactl("resolve", "A", "--at", "2026-03-02T09:45:00Z").code == 0
    assert (shown(slactl)["status"], shown(slactl)["resolved_at"]) == ("resolved", "2026-03-02T09:45:00Z")


def test_a_retracted_status_does_not_end(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    clock.move_to("2026-03-02T10:05:00Z")
    take(
        slactl,
        OPENED,
        status("2026-03-02T08:20:00Z", "waiting_customer"),
        status("2026-03-02T08:30:00Z", "pending", "2026-03-02T10:00:00Z", id="wrong"),
    )
    slactl("check", "-q")
    assert shown(slactl)["status"] == "open"
    take(slactl, {"ticket": "A", "at": "2026-03-02T10:04:00Z", "type": "retracted", "events": ["wrong"]})
    assert shown(slactl)["status"] == "waiting_customer"
    slactl("check", "-q")
    assert shown(slactl)["status"] == "waiting_customer"


def test_a_status_ends_although_every_target_is_met(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    rules = 'schema = 1\n[calendars.always]\nalways_open = true\n[[policy]]\nname = "all"\ncalendar = "always"\n'
    desk.with_name("rules.toml").write_text(f'{rules}targets = {{ default = {{ first_response = "1h" }} }}\n')
    reply = {"ticket": "A", "at": "2026-03-02T08:10:00Z", "type": "agent_reply"}
    take(slactl, OPENED, reply, status("2026-03-02T08:30:00Z", "pending", "2026-03-02T10:00:00Z"))
    clock.move_to("2026-03-02T10:05:00Z")
    slactl("check", "-q")
    assert (woken(slactl), shown(slactl)["status"]) == (["2026-03-02T10:00:00Z"], "open")


def test_a_status_ends_although_the_ticket_has_no_target(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    """No timer tells a check that it has something to do."""
    for_others = 'match = { plan = ["pro"] }\ntargets = { default = { resolution = "1h" } }'
    rules = 'schema = 1\n[calendars.always]\nalways_open = true\n[[policy]]\nname = "pro"\ncalendar = "always"\n'
    desk.with_name("rules.toml").write_text(f"{rules}{for_others}\n")
    take(slactl, OPENED, status("2026-03-02T08:30:00Z", "pending", "2026-03-02T10:00:00Z"))
    slactl("check", "-q")
    clock.move_to("2026-03-02T10:05:00Z")
    assert (shown(slactl)["status"], shown(slactl)["timers"]) == ("open", [])
    slactl("check", "-q")
    assert (woken(slactl), shown(slactl)["status"]) == (["2026-03-02T10:00:00Z"], "open")
    assert slactl("audit", "verify").code == 0


def test_without_targets_a_check_records_the_end_of_a_status_after_somebody_was_faster(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    desk.with_name("rules.toml").write_text("schema = 1\n")
    take(slactl, OPENED, status("2026-03-02T08:30:00Z", "pending", "2026-03-02T10:00:00Z"))
    clock.move_to("2026-03-02T10:05:00Z")
    assert slactl("resolve", "A").code == 0
    slactl("check", "-q")
    assert (woken(slactl), shown(slactl)["status"]) == (["2026-03-02T10:00:00Z"], "resolved")
    assert json.loads(slactl("check", "--json").out)["scanned"] == 0


def test_a_copy_of_the_service_desk_ends_no_status_a_second_time(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, tmp_path: Path
) -> None:
    take(slactl, OPENED, status("2026-03-02T08:30:00Z", "pending", "2026-03-02T10:00:00Z"))
    clock.move_to("2026-03-02T10:05:00Z")
    slactl("check", "-q")
    exported = slactl("export").out
    copy = ("--db", str(tmp_path / "copy.db"))
    slactl(*copy, "init")
    assert slactl(*copy, "import", "-", stdin=exported).code == 0
    slactl(*copy, "check", "-q")
    assert slactl(*copy, "export").out == exported
    assert slactl("import", "-", stdin=exported).code == 0
    assert slactl("export").out == exported


def ends(changes: list[tuple[datetime, str, datetime | None]], now: datetime) -> tuple[list[str], str]:
    """Return when statuses ended by themselves, and the last status: a naive model that steps in minutes."""
    found, current, wakes = list[str](), "open", None
    for minute in range(int((now - START).total_seconds()) // 60 + 1):
        at = START + timedelta(minutes=minute)
        if wakes == at:
            found += [to_text(at)] if current != "open" else []
            current, wakes = "open", None
        for changed_at, after, until in changes:
            if changed_at == at:
                current, wakes = after, until
    return found, current


STEPS = st.lists(
    st.tuples(
        st.integers(1, 50),
        st.sampled_from(["check", "wait", "late wait", "open", "resolved", "pending"]),
        st.integers(1, 90),
    ),
    min_size=2,
    max_size=8,
)
NAMES = count()


@pytest.mark.parametrize("backdates", [False, True])
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_whatever_happens_each_end_is_recorded_exactly_once(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, steps: list[tuple[int, str, int]], *, backdates: bool
) -> None:
    clock.move_to(START)
    name, changes = f"P-{next(NAMES)}", list[tuple[datetime, str, datetime | None]]()
    take(slactl, {**OPENED, "ticket": name})
    now = START
    for minutes, step, length in steps:
        clock.tick(timedelta(minutes=minutes))
        now += timedelta(minutes=minutes)
        if step == "check":
            slactl("check", "-q", "--no-send")
            continue
        at = max(now - timedelta(minutes=length % 30), START) if step == "late wait" and backdates else now
        until = at + timedelta(minutes=length) if "wait" in step else None
        after = "pending" if "wait" in step else step
        take(slactl, status(to_text(at), after, to_text(until) if until else None, ticket=name))
        changes.append((at, after, until))
    clock.tick(timedelta(hours=2))
    now += timedelta(hours=2)
    for _ in range(2):
        assert slactl("check", "-q", "--no-send").code == 0
    wanted, last = ends(sorted(changes, key=lambda change: change[0]), now)
    with closing(sqlite3.connect(desk)) as connection:
        query = """SELECT e.at, t.status FROM ticket t LEFT JOIN event e ON e.ticket_id = t.id
        AND json_extract(e.detail, '$.by_itself') WHERE t.external_id = ? ORDER BY e.at"""
        rows = connection.execute(query, (name,)).fetchall()
    recorded = [at for at, _ in rows if at is not None]
    assert rows[0][1] == last
    assert len(recorded) == len(set(recorded))
    # What was recorded before an earlier change came in stays on record, and means nothing any more.
    assert set(wanted) <= set(recorded) if backdates else wanted == recorded


def test_a_status_of_the_command_line_ends_at_its_instant_whatever_cron_does(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    take(slactl, OPENED)
    assert slactl("status", "A", "pending", "--until", "2026-03-03T09:00:00Z").code == 0
    assert (shown(slactl)["status"], shown(slactl)["pending_until"]) == ("pending", "2026-03-03T09:00:00Z")
    assert json.loads(slactl("list", "--paused", "--json").out)[0]["pending_until"] == "2026-03-03T09:00:00Z"
    assert "pending: #1 until Tue 09:00" in slactl("list", "--paused", "--format", "table").out
    clock.move_to("2026-03-03T09:00:00Z")
    assert (shown(slactl)["status"], shown(slactl)["pending_until"]) == ("open", None)


def test_the_same_status_with_another_end_moves_the_end_and_without_one_cancels_it(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory
) -> None:
    take(slactl, OPENED)
    for until in ("2026-03-03T09:00:00Z", "2026-03-04T09:00:00Z", "2026-03-04T09:00:00Z"):
        slactl("status", "A", "pending", "--until", until)
    assert shown(slactl)["pending_until"] == "2026-03-04T09:00:00Z"
    assert len(json.loads(slactl("history", "A", "--json").out)) == 3
    slactl("status", "A", "pending")
    assert (shown(slactl)["status"], shown(slactl)["pending_until"]) == ("pending", None)
    clock.move_to("2026-03-05T09:00:00Z")
    assert shown(slactl)["status"] == "pending"


def test_a_reply_that_keeps_the_status_keeps_its_end(desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory) -> None:
    take(slactl, OPENED)
    slactl("status", "A", "waiting_customer", "--until", "2026-03-03T09:00:00Z")
    slactl("reply", "A", "--no-body")
    assert "paused until Tue 09:00" in slactl("list", "--paused", "--format", "table").out
    assert shown(slactl)["pending_until"] == "2026-03-03T09:00:00Z"
    slactl("receive", "A")
    assert (shown(slactl)["status"], shown(slactl)["pending_until"]) == ("open", None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("resolved --until 2026-03-03T09:00:00Z", "--until needs pending or waiting_customer"),
        ("open --until 2026-03-03T09:00:00Z", "--until needs pending or waiting_customer"),
        ("pending --until 2026-03-02T09:00:00Z", "is not after Mon 2026-03-02 09:00 UTC"),
        ("pending --until soon", "'soon' is not a valid time"),
    ],
)
def test_an_end_that_cannot_be_is_refused(
    desk: Path, slactl: Slactl, clock: FrozenDateTimeFactory, words: str, said: str
) -> None:
    take(slactl, OPENED)
    refused = slactl("status", "A", *words.split())
    assert (refused.code, said in refused.err) == (2, True), refused.err
    assert (shown(slactl)["status"], shown(slactl)["pending_until"]) == ("open", None)
