"""`explain`: why a deadline is when it is, for people and for programs."""

import csv
import io
import json
import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun import freeze_time

from slactl.show import guide

pytest_plugins = ["explained_desk"]

#: What `simulate` says of a timer.
FIGURES = (
    "target",
    "cycle",
    "target_seconds",
    "started_at",
    "due_at",
    "state",
    "stopped_at",
    "breached_at",
    "breaches",
    "elapsed_seconds",
    "remaining_seconds",
    "paused_seconds",
    "overdue_seconds",
)

pytestmark = pytest.mark.usefixtures("explained")


def explained_ticket(slactl: Slactl, *arguments: str) -> dict[str, Any]:
    result = slactl("explain", *arguments, "--json")
    assert result.code == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def timer_of(slactl: Slactl, reference: str, target: str) -> dict[str, Any]:
    (timer,) = explained_ticket(slactl, reference, "--target", target)["timers"]
    assert isinstance(timer, dict)
    return timer


def screen(slactl: Slactl, *arguments: str) -> list[str]:
    result = slactl("explain", *arguments, "--format", "table")
    assert result.code == 0, result.err
    return [line.rstrip() for line in result.lines]


def copied(explained: Path, folder: Path) -> Path:
    """A copy of the shared desk, to change."""
    copy = folder / "copy.db"
    with sqlite3.connect(explained.with_name("slactl.db")) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    return copy


def hours(timer: dict[str, Any], kind: str, part: str = "segments") -> float:
    return sum(each["seconds"] for each in timer[part] if each["kind"] == kind) / 3600


def test_the_figures_are_those_of_simulate(slactl: Slactl, tmp_path: Path, explained: Path) -> None:
    """All but the ticket of the tenant in another zone: of zones, histories alone know nothing."""
    history = tmp_path / "history.jsonl"
    history.write_text(slactl("export").out)
    simulated = json.loads(slactl("simulate", str(history), "--rules", str(explained), "--json").out)["tickets"]
    names = [str(number) for number in (1, 2, 3, 5, 6, 7)]
    by_name = {ticket["ticket"].replace("INC3", "3"): ticket for ticket in simulated}
    for name in names:
        ticket = explained_ticket(slactl, name)
        told = [{figure: timer[figure] for figure in FIGURES} for timer in ticket["timers"]]
        assert told == by_name[name]["timers"], name
        assert (ticket["policy"], ticket["status"]) == (by_name[name]["policy"], by_name[name]["status"])


@pytest.mark.full
def test_every_incident_of_the_real_log_is_explained_as_simulate_judges_it(
    slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, explained: Path
) -> None:
    rules, history = tmp_path / "rules.toml", tmp_path / "history.jsonl"
    targets = 'default = { first_response = "24h", resolution = "3d" }'
    office = explained.read_text().replace(targets, 'default = { first_response = "2bd", resolution = "20h" }')
    rules.write_text(office.replace('name = "free"\nmatch = { plan = ["free"] }\ncalendar = "always"',
                                    'name = "free"\ncalendar = "office"'))  # fmt: skip
    monkeypatch.setenv("SLACTL_RULES", str(rules))
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "slactl.db"))
    incidents = Path(__file__).parents[1] / "data" / "servicenow_incidents.csv"
    assert slactl("init").code == 0
    assert slactl("import", str(incidents), "--map", "servicenow").code == 0
    history.write_text(slactl("export").out)
    with freeze_time("2016-03-02T12:00:30Z"):
        simulated = json.loads(slactl("simulate", str(history), "--json").out)["tickets"]
        assert len(simulated) == 300
        for ticket in simulated:
            timers = explained_ticket(slactl, ticket["ticket"])["timers"]
            assert [{figure: timer[figure] for figure in FIGURES} for timer in timers] == ticket["timers"]
            assert len(screen(slactl, ticket["ticket"])) > 5


def test_the_segments_add_up_to_the_figures(slactl: Slactl) -> None:
    for number in range(1, 8):
        for timer in explained_ticket(slactl, str(number))["timers"]:
            assert hours(timer, "counted") == timer["elapsed_seconds"] / 3600
            assert hours(timer, "paused") == timer["paused_seconds"] / 3600
            late = sum(each["seconds"] for each in timer["segments"] if each["late"] and each["kind"] == "counted")
            assert late == timer["overdue_seconds"]
            if timer["state"] == "running":
                assert hours(timer, "counted") + hours(timer, "counted", "ahead") == timer["target_seconds"] / 3600


def test_a_pause_holidays_and_special_hours(slactl: Slactl) -> None:
    timer = timer_of(slactl, "1", "resolution")
    assert timer["due_at"] == "2026-04-07T07:20:00Z"
    assert [(step["step"], step["at"], step["seconds"]) for step in timer["steps"]] == [
        ("started", "2026-03-30T13:20:00Z", 0),
        ("target", "2026-04-02T09:20:00Z", 16 * 3600),
        ("paused", "2026-04-07T07:20:00Z", 6 * 3600),
    ]
    assert [each["date"] for each in timer["holidays"]] == ["2026-04-03", "2026-04-06"]
    assert timer["special_dates"] == [{"date": "2026-04-01", "name": None, "hours": ["09:00-12:00"]}]
    assert (timer["target_time"], timer["targets"], timer["calendar"]) == ("16h", "high", "office")
    assert [(level["level"], level["due_at"]) for level in timer["levels"]] == [
        ("warn", "2026-04-02T13:08:00Z"),
        ("breach", "2026-04-07T07:20:00Z"),
    ]


def test_the_policy_and_those_passed_over(slactl: Slactl) -> None:
    ticket = explained_ticket(slactl, "INC3")
    assert (ticket["ticket_id"], ticket["policy"], ticket["match"]) == (3, "pro", {"plan": ["pro"]})
    assert ticket["passed_over"] == [
        {"policy": "acme contract", "reason": "tenant is none, not acme"},
        {"policy": "pro, urgent", "reason": "priority is normal, not high or urgent"},
    ]
    assert (ticket["rules_version"], len(ticket["rules"])) == (1, 64)


def test_an_overnight_shift_across_a_clock_change(slactl: Slactl) -> None:
    """8 h on Friday night, and the last 4 of Saturday's end at 03:00, which is an hour earlier than it sounds."""
    timer = timer_of(slactl, "2", "resolution")
    assert timer["due_at"] == "2026-03-29T01:00:00Z"
    assert timer["clock_changes"] == [{"at": "2026-03-29T01:00:00Z", "seconds": 3600}]
    assert timer["timezone"] == "Europe/Berlin"


def test_a_tenants_own_zone(slactl: Slactl) -> None:
    """Opened at 3 in the morning of New York; counting begins at 9 there, 13:00 UTC."""
    ticket = explained_ticket(slactl, "4")
    first, resolution = ticket["timers"]
    assert (ticket["timezone"], ticket["stated_timezone"]) == ("America/New_York", "Europe/Berlin")
    assert first["due_at"] == "2026-04-02T15:00:00Z"
    assert resolution["due_at"] == "2026-04-02T22:00:00Z"
    assert (ticket["chosen_because"], ticket["chosen_by"], ticket["chosen_at"]) == (
        "priority",
        "ann",
        "2026-04-02T09:30:00Z",
    )


def test_a_target_judged_under_another_policy_says_under_which(slactl: Slactl, explained: Path, tmp_path: Path) -> None:
    database = str(copied(explained, tmp_path))
    with freeze_time("2026-04-02T10:00:00Z"):
        slactl("--db", database, "priority", "1", "normal")
    with freeze_time("2026-04-02T11:00:00Z"):
        ticket = json.loads(slactl("--db", database, "explain", "1", "--json").out)
        lines = slactl("--db", database, "explain", "1", "--target", "first_response", "--format", "table").out
    first, _, resolution = ticket["timers"]
    assert (ticket["policy"], first["policy"], resolution["policy"]) == ("pro", "pro, urgent", "pro")
    assert (first["chosen_because"], resolution["chosen_because"]) == ("created", "priority")
    assert (first["target_time"], resolution["target_time"], resolution["chosen_priority"]) == ("4h", "5bd", "normal")
    assert lines.count("Policy ") == 2
    assert lines.count("Calendar ") == 1


def test_a_deadline_by_hand_says_who_and_why(slactl: Slactl) -> None:
    timer = timer_of(slactl, "3", "resolution")
    assert timer["set_by_hand"] == {"at": "2026-04-02T09:00:00Z", "actor": "ann", "reason": "agreed on the phone"}
    assert [step["step"] for step in timer["steps"]] == ["started", "target", "by_hand"]
    assert (timer["due_at"], timer["steps"][1]["at"]) == ("2026-04-10T12:00:00Z", "2026-04-10T08:00:00Z")
    assert [day[:10] for day in timer["business_days"]] == [
        f"2026-04-{day:02d}" for day in (2, 7, 8, 9, 10)
    ]  # after Good Friday and Easter Monday
    line = "Fri 2026-04-10 14:00  = set by hand by ann on Thu 2026-04-02 11:00: agreed on"
    assert line in [text[: len(line)] for text in screen(slactl, "3", "--target", "resolution")]


def test_a_reopened_ticket_goes_on_without_the_closed_time(slactl: Slactl) -> None:
    timer = timer_of(slactl, "5", "resolution")
    assert [(step["step"], step["seconds"] / 3600) for step in timer["steps"]] == [
        ("started", 0),
        ("target", 72),
        ("paused", 2088),
        ("closed", 48),
    ]
    assert (hours(timer, "closed"), timer["state"]) == (48, "running")


def test_a_paused_ticket_says_where_the_deadline_would_be(slactl: Slactl) -> None:
    timer = timer_of(slactl, "6", "resolution")
    assert (timer["state"], timer["due_at"], timer["ahead"]) == ("paused", None, [])
    assert timer["due_if_resumed_at"] == "2026-04-08T08:50:00Z"
    assert timer["steps"][-1]["end"] is None
    assert any("if resumed now" in line for line in screen(slactl, "6"))


def test_a_target_without_a_timer_says_why(slactl: Slactl) -> None:
    assert explained_ticket(slactl, "4", "--target", "next_response")["without_timer"] == [
        {"target": "next_response", "reason": "policy pro, urgent has no such target at priority urgent"}
    ]
    reason = "4h is the target, but no customer message has waited for a next response"
    assert explained_ticket(slactl, "6")["without_timer"] == [
        {"target": "next_response", "reason": reason},
        {"target": "update", "reason": "policy pro, urgent has no such target at priority high"},
    ]


def test_no_policy_at_all(slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, explained: Path) -> None:
    rules, database = tmp_path / "rules.toml", tmp_path / "slactl.db"
    rules.write_text(
        explained.read_text().replace("[[escalation]]", "[settings]\ndefault_plan = 'trial'\n[[escalation]]", 1)
    )
    monkeypatch.setenv("SLACTL_RULES", str(rules))
    monkeypatch.setenv("SLACTL_DB", str(database))
    assert slactl("init").code == 0
    assert slactl("create", "Trial", "--from", "ann@example.com", "--plan", "trial").out == "1\n"
    ticket = explained_ticket(slactl, "1")
    assert (ticket["policy"], ticket["calendar"], ticket["timers"]) == (None, None, [])
    assert {each["reason"] for each in ticket["without_timer"]} == {"no policy matches, so the ticket has no targets"}
    assert "Policy       none matches" in "\n".join(screen(slactl, "1"))


def test_what_is_explained_is_the_version_the_ticket_is_pinned_to(
    slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, explained: Path
) -> None:
    rules, database = tmp_path / "rules.toml", tmp_path / "slactl.db"
    rules.write_text(explained.read_text())
    monkeypatch.setenv("SLACTL_RULES", str(rules))
    monkeypatch.setenv("SLACTL_DB", str(database))
    assert slactl("init").code == 0
    slactl("create", "One", "--from", "ann@example.com", "--plan", "pro", "--priority", "high")
    rules.write_text(explained.read_text().replace('resolution = "16h"', 'resolution = "4h"'))
    slactl("create", "Two", "--from", "ann@example.com", "--plan", "pro", "--priority", "high")
    assert timer_of(slactl, "1", "resolution")["target_seconds"] == 16 * 3600
    assert timer_of(slactl, "2", "resolution")["target_seconds"] == 4 * 3600
    assert [timer_of(slactl, number, "resolution")["rules_version"] for number in "12"] == [1, 2]
    slactl("reply", "1", "--no-body", "--status", "open")
    slactl("rules", "apply", "--yes")
    assert timer_of(slactl, "1", "first_response")["rules_version"] == 1
    moved = timer_of(slactl, "1", "resolution")
    assert (moved["target_seconds"], moved["rules_version"], moved["chosen_because"]) == (4 * 3600, 2, "rules_applied")
    assert any("when ann applied newer rules" in line for line in screen(slactl, "1"))
    rules.write_text("schema = 1\nnonsense = true\n")
    assert timer_of(slactl, "2", "resolution")["levels"]


def test_a_priority_that_an_escalation_raised_moves_nothing_and_is_said(
    slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "slactl.db"))
    assert slactl("init").code == 0
    slactl("create", "Late", "--from", "ann@example.com", "--plan", "free", "--at", "10d ago")
    assert slactl("check").code == 0
    ticket = explained_ticket(slactl, "1")
    assert (ticket["priority"], ticket["chosen_priority"]) == ("high", "normal")
    (_, resolution) = ticket["timers"]
    assert (resolution["target_seconds"], resolution["levels"]) == (72 * 3600, [])
    assert any(line.startswith("Targets for  priority normal") for line in screen(slactl, "1"))


def test_it_reads_and_takes_no_lock(slactl: Slactl, explained: Path) -> None:
    database = explained.with_name("slactl.db")
    before = database.read_bytes()
    writer = sqlite3.connect(database, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert slactl("explain", "1").code == 0
    finally:
        writer.execute("ROLLBACK")
        writer.close()
    assert database.read_bytes() == before


def test_on_a_terminal_of_80_columns(slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = screen(slactl, "1", "--target", "resolution")
    assert all(len(line) <= 80 for line in lines)
    assert re.sub(r"1, [0-9a-f]{12}", "1, HASH", "\n".join(lines)).splitlines() == [
        "#1  Slow report",
        "Ticket       open, priority high, plan pro",
        "Policy       pro, urgent (rules version 1, HASH)",
        "Matched      plan is pro and priority is high or urgent",
        "No match     acme contract: tenant is none, not acme",
        "Calendar     office, time zone Europe/Berlin",
        "Hours        mon-thu 09:00-12:30 13:30-18:00, fri 09:00-16:00",
        "Holidays     public holidays of DE-BE",
        "",
        "resolution  running  due Tue 2026-04-07 09:20 +02:00, in 4d 21h",
        "",
        "                09 10 11 12 13 14 15 16 17 18  counted",
        "Mon 2026-03-30                     ████████     2h 40m  opened 15:20",
        "Tue 2026-03-31  ███pppppppp··ppppppppppp███         2h  paused 6h",
        "Wed 2026-04-01  █████████··················         3h  special hours",
        "                                                        09:00-12:00",
        "Thu 2026-04-02  █████████░░··░░░░░░░░░░░░░░         8h  now 12:00",
        "Fri 2026-04-03  ···························         0h  Good Friday",
        "Sat 2026-04-04  ···························         0h  no hours",
        "Sun 2026-04-05  ···························         0h  no hours",
        "Mon 2026-04-06  ···························         0h  Easter Monday",
        "Tue 2026-04-07  ░◆                                 20m  deadline 09:20",
        "                                                   16h  total",
        "█ counted   ░ still to count   p paused   · off hours   ◆ deadline",
        "",
        "Mon 2026-03-30 15:20  opened",
        "Thu 2026-04-02 11:20  + 16h target (targets.high) in open hours",
        "Tue 2026-04-07 09:20  + 6h in open hours: paused Tue 2026-03-31 10:00 to 17:00",
        "Tue 2026-04-07 09:20  = the deadline (07:20 +00:00 here)",
        "Counted 10h 40m of 16h, 5h 20m left, paused 6h.",
        "",
        "Thu 2026-04-02 15:08  upcoming: resolution/warn, at 80%",
        "Tue 2026-04-07 09:20  upcoming: resolution/breach, at 0m",
    ]


def test_the_guide_shows_what_is_really_printed(slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = screen(slactl, "1", "--target", "resolution")
    first, last = lines.index("") + 1, next(n for n, line in enumerate(lines) if line.startswith("Counted"))
    assert "\n".join(lines[first : last + 1]) in guide.page("rules")


def test_the_latest_cycle_in_full_unless_the_target_is_named(slactl: Slactl, explained: Path, tmp_path: Path) -> None:
    database = str(copied(explained, tmp_path))
    with freeze_time("2026-04-02T14:00:00Z"):
        slactl("--db", database, "reply", "1", "--no-body", "--status", "open")
        slactl("--db", database, "receive", "1")
        short = slactl("--db", database, "explain", "1", "--format", "table").out
        long = slactl("--db", database, "explain", "1", "--target", "next_response", "--format", "table").out
    assert short.count("customer wrote") == long.count("customer wrote") - 2 == 2
    assert "next response 2  running" in short


def test_a_pipe_gets_lines_that_begin_with_their_part(slactl: Slactl) -> None:
    lines = [line.split("\t") for line in slactl("explain", "1").lines]
    assert ["policy", "pro, urgent"] in lines
    assert ["passed_over", "acme contract", "tenant is none, not acme"] in lines
    timers = [line for line in lines if line[0] == "timer"]
    assert [line[1:4] for line in timers] == [
        ["first_response", "1", "met"],
        ["next_response", "1", "breached"],
        ["resolution", "1", "running"],
    ]
    assert {len(line) for line in timers} == {20}
    segment = ["segment", "resolution", "1", "2026-03-31T08:00:00Z", "2026-03-31T10:30:00Z", "paused", "9000", "false"]
    assert segment in lines
    assert ["holiday", "resolution", "1", "2026-04-03", "Good Friday"] in lines
    by_hand = [line for line in slactl("explain", "3").lines if line.startswith("set_by_hand")]
    assert by_hand == ["set_by_hand\tresolution\t1\t2026-04-02T09:00:00Z\tann\tagreed on the phone"]


def test_other_forms(slactl: Slactl) -> None:
    rows = list(csv.DictReader(io.StringIO(slactl("explain", "1", "--format", "csv").out)))
    assert sum(int(row["seconds"]) for row in rows if (row["target"], row["kind"]) == ("resolution", "paused")) == 21600
    assert json.loads(slactl("explain", "1", "--format", "jsonl").out) == explained_ticket(slactl, "1")
    assert slactl("explain", "INC3", "-q").out == "3\n"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("99",), 3, "no ticket has the number 99"),
        (("NOPE",), 3, "no ticket has the external id NOPE"),
        (("1", "--target", "resolutoin"), 2, "resolutoin"),
        (("1", "--json", "-q"), 2, "only one form"),
        ((), 2, "ID"),
    ],
)
def test_bad_input(arguments: tuple[str, ...], code: int, told: str, slactl: Slactl) -> None:
    result = slactl("explain", *arguments)
    assert (result.code, result.out) == (code, "")
    assert told in result.err
    assert "Traceback" not in result.err


#: What happened to resolved tickets of the plan `free`, by minute after they were opened, and the steps that this adds
#: to the calculation of first response and of resolution.
RESOLVED: dict[str, tuple[list[tuple[int, str]], list[tuple[str, int]], list[tuple[str, int]]]] = {
    "resolved": ([(60, "resolved")], [], []),
    "closed": ([(60, "resolved"), (120, "closed")], [], []),
    "closed at once": ([(60, "closed")], [], []),
    "resolved while it waits": ([(30, "pending"), (60, "resolved")], [], [("paused", 1800)]),
    "resolved as soon as it waits": ([(60, "pending"), (60, "resolved")], [], []),
    "resolved twice": ([(60, "resolved"), (90, "open"), (120, "resolved")], [("closed", 1800)], [("closed", 1800)]),
    "answered and resolved": (
        [(60, "reply"), (60, "resolved"), (90, "open"), (120, "resolved")],
        [],
        [("closed", 1800)],
    ),
    "reopened at once": ([(60, "resolved"), (60, "open"), (120, "resolved")], [], []),
    "paused for no time": ([(30, "pending"), (30, "open"), (60, "resolved")], [], []),
}


def test_resolved_ticket_has_no_step_and_no_segment_without_length(
    slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def event(name: str, minute: int, **fields: str) -> str:
        at = datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(minutes=minute)
        return json.dumps({"ticket": name, "at": at.isoformat(), **fields})

    lines = [event(name, 0, type="created", plan="free") for name in RESOLVED] + [
        event(name, minute, type="agent_reply") if word == "reply" else event(name, minute, type="status", status=word)
        for name, (changes, *_) in RESOLVED.items()
        for minute, word in changes
    ]
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "resolved.db"))
    slactl("init")
    done = slactl("import", "-", stdin="\n".join(lines))
    assert (done.code, done.err) == (0, "")
    for name, (_, *added) in RESOLVED.items():
        timers = explained_ticket(slactl, f"ext:{name}")["timers"]
        assert [timer["target"] for timer in timers] == ["first_response", "resolution"], name
        for timer, pauses in zip(timers, added, strict=True):
            steps = [(step["step"], step["seconds"]) for step in timer["steps"]]
            assert steps == [("started", 0), ("target", timer["target_seconds"]), *pauses], name
            assert all(segment["seconds"] > 0 for segment in timer["segments"]), name


def test_a_ticket_that_is_opened_only_later(slactl: Slactl) -> None:
    with freeze_time("2026-01-01T00:00:00Z"):
        result = slactl("explain", "1")
    assert (result.code, result.out) == (5, "")
    assert result.err.startswith("error: ticket 1 was opened later, at 2026-03-30T13:20:00Z")
