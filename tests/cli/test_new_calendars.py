"""Unions, special dates, target calendars and ends of business days, as the commands show and explain them."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

RULES = """
schema = 1
[calendars.office]
timezone = "Europe/Berlin"
country = "DE"
subdivision = "BE"
weekly = { mon-fri = ["09:00-17:00"] }
[calendars.office.dates]
"12-24" = ["09:00-12:00"]
"05-01..08-31" = { fri = ["09:00-13:00"] }
[calendars.boston]
timezone = "America/New_York"
country = "US"
weekly = { mon-fri = ["09:00-17:00"] }
[calendars.world]
any_of = ["office", "boston"]
[calendars.always]
always_open = true
[[policy]]
name = "contract"
calendar = "always"
[policy.targets.default]
first_response = { within = "1bd 17:00", calendar = "office" }
next_response = "4h"
resolution = { within = "10h", calendar = "world" }
"""


@pytest.fixture(autouse=True)
def rules(desk: Path, clock: FrozenDateTimeFactory) -> Path:
    """A service desk with these rules on the Friday before Advent."""
    clock.move_to("2026-11-27T10:00:00Z")
    path = desk.with_name("rules.toml")
    path.write_text(RULES)
    return path


def asked(slactl: Slactl, *arguments: str) -> Any:  # noqa: ANN401  (JSON)
    result = slactl(*arguments, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


@pytest.mark.parametrize(
    ("calendar", "start", "length", "end"),
    [
        ("office", "2026-11-27T19:00+01:00", "1bd close", "2026-11-30T16:00:00Z"),
        ("office", "2026-12-23T10:00+01:00", "1bd close", "2026-12-24T11:00:00Z"),
        ("office", "2026-06-26T10:00+02:00", "0bd close", "2026-06-26T11:00:00Z"),
        ("office", "2026-11-27T10:00+01:00", "0bd 12:00", "2026-11-27T11:00:00Z"),
        ("world", "2026-11-27T10:00Z", "1bd close", "2026-11-30T22:00:00Z"),
        ("world", "2026-11-27T10:00Z", "13h", "2026-11-30T09:00:00Z"),
    ],
)
def test_add_on_a_calendar(slactl: Slactl, calendar: str, start: str, length: str, end: str) -> None:
    found = asked(slactl, "calendar", "add", calendar, start, length)
    assert (found["end"], found["duration"]) == (end, length)


def test_a_month_has_the_hours_of_all_members_and_their_holidays(slactl: Slactl) -> None:
    days = {day["date"]: day for day in asked(slactl, "calendar", "show", "world", "--month", "2026-11")}
    assert days["2026-11-10"]["intervals"] == ["08:00-22:00"]
    assert days["2026-11-11"]["intervals"] == ["08:00-16:00"]
    assert days["2026-11-11"]["holiday"] == "Veterans Day (boston)"
    assert days["2026-11-11"]["open_seconds"] == 8 * 3600
    assert days["2026-11-15"]["intervals"] == []


def test_a_month_on_a_terminal_says_what_the_calendar_is_made_of(
    slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    shown = slactl("calendar", "show", "world", "--month", "2026-11").out
    assert "world (UTC), holidays of DE-BE, US" in shown
    assert "open when any of office, boston is" in shown


def test_special_dates_of_every_year_are_special_in_every_year(slactl: Slactl) -> None:
    for year in (2026, 2031):
        days = {day["date"]: day for day in asked(slactl, "calendar", "show", "office", "--month", f"{year}-12")}
        assert days[f"{year}-12-24"]["intervals"] == ["09:00-12:00"]
        assert days[f"{year}-12-24"]["special"] is True
    summer = {day["date"]: day for day in asked(slactl, "calendar", "show", "office", "--month", "2026-05")}
    assert summer["2026-05-01"]["intervals"] == []  # a table of weekdays yields to the holiday
    assert [summer[f"2026-05-0{day}"]["intervals"] for day in (7, 8)] == [["09:00-17:00"], ["09:00-13:00"]]


def test_the_targets_name_their_calendars(slactl: Slactl) -> None:
    shown = asked(slactl, "rules", "show", "--priority", "high")
    assert shown["first_response"] == "1bd 17:00 on office"
    assert (shown["next_response"], shown["resolution"]) == ("4h", "10h on world")
    assert "first response 1bd 17:00 on office" in slactl("rules", "show", "--priority", "high").out


def test_each_deadline_is_explained_on_its_own_calendar(slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    number = slactl("create", "Printer on fire", "--from", "ann@example.com").out.strip()
    first, resolution = asked(slactl, "explain", number)["timers"]
    assert (first["calendar"], first["timezone"], first["target_time"]) == ("office", "Europe/Berlin", "1bd 17:00")
    assert (first["due_at"], first["business_days"]) == ("2026-11-30T16:00:00Z", ["2026-11-30T16:00:00Z"])
    assert first["target_seconds"] == 6 * 3600 + 8 * 3600
    assert (resolution["calendar"], resolution["any_of"]) == ("world", ["office", "boston"])
    assert resolution["due_at"] == "2026-11-27T20:00:00Z"
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    drawn = slactl("explain", number).out
    assert "Calendar     office, time zone Europe/Berlin" in drawn
    assert "+ 1bd 17:00 target (targets.default): Mon 2026-11-30; 14h in open hours" in drawn
    assert "open when any of office, boston is" in drawn


def test_a_changed_target_calendar_moves_the_deadline_only_when_applied(slactl: Slactl, rules: Path) -> None:
    number = slactl("create", "Printer on fire", "--from", "ann@example.com").out.strip()
    rules.write_text(RULES.replace('{ within = "10h", calendar = "world" }', '{ within = "10h", calendar = "office" }'))
    assert asked(slactl, "show", number)["resolution_due_at"] == "2026-11-27T20:00:00Z"
    assert slactl("rules", "apply", "--yes").code == 0
    assert asked(slactl, "show", number)["resolution_due_at"] == "2026-11-30T12:00:00Z"
    assert slactl("audit", "verify").code == 0
    doctor = slactl("doctor")
    assert [line for line in doctor.lines if not line.startswith("ok") and "\trules\t" not in line] == []


def test_a_holiday_set_that_was_used_stays_with_the_database(slactl: Slactl, rules: Path, desk: Path) -> None:
    rules.write_text(RULES.replace('country = "US"', 'country = "US"\nwork_on = ["Veterans Day"]'))
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    import sqlite3

    with sqlite3.connect(desk) as connection:
        kept = connection.execute("SELECT DISTINCT country, subdivision FROM holiday_year ORDER BY 1").fetchall()
    assert kept == [("DE", "BE"), ("US", ":en")]
