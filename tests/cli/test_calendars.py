"""`calendar`: the calendars of the rules answer, without a database."""

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Result, Slactl
from freezegun import freeze_time

RULES = """
schema = 1
[calendars.always]
always_open = true
[calendars.office]
timezone = "Europe/Berlin"
country = "DE"
subdivision = "BE"
holidays = ["12-24", "12-31"]
[calendars.office.weekly]
mon-thu = ["09:00-12:30", "13:30-18:00"]
fri = ["09:00-16:00"]
[calendars.office.dates]
"2026-12-23" = ["09:00-12:00"]
"2026-12-28" = []
[calendars.night]
timezone = "Europe/Berlin"
[calendars.night.weekly]
mon-sun = ["22:00-06:00"]
[calendars.daily.weekly]
mon-sun = ["00:00-24:00"]
[calendars.fair]
timezone = "Europe/Berlin"
[calendars.fair.dates]
"2026-05-02" = ["10:30-12:30", "13:15:30-14:15"]
[[policy]]
name = "all"
calendar = "always"
"""


@pytest.fixture(autouse=True)
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Rules and no database, on a Wednesday."""
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    monkeypatch.setenv("SLACTL_RULES", str(path))
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "none.db"))
    with freeze_time("2026-12-02T10:00:00Z"):
        yield path


@pytest.fixture
def terminal(slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> Slactl:
    """Run a command on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")

    def invoke(*arguments: str) -> Result:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        return slactl(*arguments)

    return invoke


def asked(slactl: Slactl, *arguments: str) -> Any:  # noqa: ANN401  (JSON)
    result = slactl("calendar", *arguments, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


@pytest.mark.parametrize(
    ("name", "start", "duration", "end"),
    [
        ("office", "2026-12-22T16:00+01:00", "4h", "2026-12-23T10:00:00Z"),  # 2 h, then 2 of the special 3
        ("office", "2026-12-22T16:00+01:00", "5h", "2026-12-23T11:00:00Z"),  # due at closing time
        ("office", "2026-12-22T16:00+01:00", "5h30m", "2026-12-29T08:30:00Z"),  # the 24th to the 28th are closed
        ("office", "2026-12-22T16:00+01:00", "3bd", "2026-12-30T15:00:00Z"),  # the 23rd, the 29th, the 30th
        ("always", "2026-12-22T16:00+01:00", "2d", "2026-12-24T15:00:00Z"),
        ("night", "2026-03-28T22:00+01:00", "7h", "2026-03-29T04:00:00Z"),  # a short night
        ("night", "2026-10-24T22:00+02:00", "9h", "2026-10-25T05:00:00Z"),  # a long one
        ("office", "1m30s ago", "1m30s", "2026-12-02T10:00:00Z"),
    ],
)
def test_add(name: str, start: str, duration: str, end: str, slactl: Slactl) -> None:
    result = slactl("calendar", "add", name, start, duration)
    assert (result.code, result.out, result.err) == (0, f"{end}\n", "")
    found = asked(slactl, "add", name, start, duration)
    assert (found["end"], found["duration"], found["calendar"]) == (end, duration, name)


def test_add_in_another_zone(slactl: Slactl) -> None:
    found = asked(slactl, "add", "office", "2026-12-22T09:00Z", "1h", "--timezone", "America/New_York")
    assert found == {
        "calendar": "office",
        "timezone": "America/New_York",
        "start": "2026-12-22T09:00:00Z",
        "duration": "1h",
        "open_seconds": 3600,
        "end": "2026-12-22T15:00:00Z",
    }


def test_between(slactl: Slactl) -> None:
    span = ("2026-12-23T11:00+01:00", "2026-12-29T10:00+01:00")
    assert slactl("calendar", "between", "office", *span).out == "7200\n"
    assert slactl("calendar", "between", "office", *reversed(span)).out == "-7200\n"
    assert asked(slactl, "between", "night", "2026-03-28T12:00Z", "2026-03-29T12:00Z")["open_seconds"] == 7 * 3600
    assert asked(slactl, "between", "always", "2026-03-28T12:00Z", "2026-03-29T12:00Z") == {
        "calendar": "always",
        "timezone": "UTC",
        "start": "2026-03-28T12:00:00Z",
        "end": "2026-03-29T12:00:00Z",
        "open_seconds": 86_400,
    }


@pytest.mark.parametrize(
    ("name", "at", "answer"),
    [
        ("office", "now", "yes"),
        ("office", "2026-12-02T12:30+01:00", "no"),
        ("office", "2026-12-24T10:00+01:00", "no"),
        ("office", "2026-12-23T12:00+01:00", "no"),
        ("night", "2026-12-24T05:59:59+01:00", "yes"),
        ("night", "2026-12-24T06:00+01:00", "no"),
        ("always", "1971-01-01T00:00Z", "yes"),
        ("office", "sat 10:00", "no"),
    ],
)
def test_is_open_ends_with_0_either_way(name: str, at: str, answer: str, slactl: Slactl) -> None:
    result = slactl("calendar", "is-open", name, at)
    assert (result.code, result.out, result.err) == (0, f"{answer}\n", "")
    assert asked(slactl, "is-open", name, at)["open"] is (answer == "yes")


def test_is_open_says_until_when(slactl: Slactl) -> None:
    assert asked(slactl, "is-open", "office", "now")["closes_at"] == "2026-12-02T11:30:00Z"
    closed = asked(slactl, "is-open", "office", "2026-12-25T10:00+01:00")
    assert (closed["opens_at"], closed["closes_at"]) == ("2026-12-29T08:00:00Z", None)
    assert closed["holiday"]
    over = asked(slactl, "is-open", "fair", "2026-06-01T10:00Z")
    assert (over["open"], over["opens_at"]) == (False, None)
    assert asked(slactl, "is-open", "always", "now")["closes_at"] is None
    assert asked(slactl, "is-open", "daily", "now")["closes_at"] is None


def test_a_month_has_a_row_for_each_date(slactl: Slactl) -> None:
    dates = asked(slactl, "show", "office", "--month", "2026-12")
    assert [day["date"] for day in dates] == [f"2026-12-{day:02d}" for day in range(1, 32)]
    by_day = {int(day.pop("date")[8:]): day for day in dates}
    assert by_day[2] == {
        "weekday": "wed",
        "intervals": ["09:00-12:30", "13:30-18:00"],
        "open_seconds": 8 * 3600,
        "holiday": None,
        "special": False,
        "clock_change_seconds": 0,
    }
    assert (by_day[23]["intervals"], by_day[23]["special"]) == (["09:00-12:00"], True)
    assert (by_day[24]["intervals"], by_day[24]["holiday"]) == ([], "holiday")
    assert by_day[25]["holiday"] not in (None, "holiday")
    assert (by_day[28]["intervals"], by_day[28]["special"], by_day[28]["open_seconds"]) == ([], True, 0)
    assert by_day[5]["intervals"] == []


def test_the_open_seconds_of_a_date_are_real(slactl: Slactl) -> None:
    march = asked(slactl, "show", "night", "--month", "2026-03")
    assert [day["open_seconds"] // 3600 for day in march[26:29]] == [8, 7, 8]
    assert [day["clock_change_seconds"] for day in march[27:30]] == [0, 3600, 0]
    october = asked(slactl, "show", "night", "--month", "2026-10")
    assert [day["open_seconds"] // 3600 for day in october[23:26]] == [9, 8, 8]
    assert october[24]["clock_change_seconds"] == -3600
    always = asked(slactl, "show", "always", "--month", "2026-03", "--timezone", "Europe/Berlin")
    assert [day["open_seconds"] // 3600 for day in always[27:30]] == [24, 23, 24]


def test_a_clock_change_at_the_edge_of_a_month_is_in_it_once(slactl: Slactl) -> None:
    """Chile went forward at midnight of Sunday 2018-08-12, and on no other day of these months."""
    months = [asked(slactl, "show", "night", "--month", month, "--timezone", "America/Santiago")
              for month in ("2018-07", "2018-08", "2018-09")]  # fmt: skip
    changed = [day["date"] for month in months for day in month if day["clock_change_seconds"]]
    assert changed == ["2018-08-12"]


def test_this_month_is_that_of_the_calendars_zone(slactl: Slactl) -> None:
    assert asked(slactl, "show", "office")[0]["date"] == "2026-12-01"
    with freeze_time("2026-12-31T23:30:00Z"):
        assert asked(slactl, "show", "office")[0]["date"] == "2027-01-01"
        assert asked(slactl, "show", "always")[0]["date"] == "2026-12-01"


def test_a_month_on_a_pipe(slactl: Slactl) -> None:
    lines = slactl("calendar", "show", "office", "--month", "2026-12").lines
    assert lines[1] == "2026-12-02\twed\t09:00-12:30,13:30-18:00\t28800\t\tfalse\t0"
    assert slactl("calendar", "show", "office", "--month", "2026-12", "--fields", "date,open_seconds").lines[0] == (
        "2026-12-01\t28800"
    )
    rows = list(csv.DictReader(io.StringIO(slactl("calendar", "show", "office", "--format", "csv").out)))
    assert rows[0]["intervals"] == "09:00-12:30,13:30-18:00"
    assert slactl("calendar", "show", "office", "-q").lines[0] == "2026-12-01"


def test_a_month_on_a_terminal(terminal: Slactl) -> None:
    lines = [line.rstrip() for line in terminal("calendar", "show", "office", "--month", "2026-12").lines]
    assert all(len(line) <= 80 for line in lines)
    assert lines[0] == "December 2026  office (Europe/Berlin), holidays of DE-BE"
    assert lines[2] == "Mon        Tue        Wed        Thu        Fri        Sat        Sun"
    assert lines[4] == "           1  8h      2  8h      3  8h      4  7h      5          6"
    assert lines[5] == "           09-12:30   today      09-12:30   09-16      closed     closed"
    assert "21  8h     22  8h     23  3h     24         25         26         27" in lines
    assert "Wed 2026-12-23  special hours: 09:00-12:00" in lines
    assert "Mon 2026-12-28  special hours: closed" in lines
    assert any(line.startswith("Fri 2026-12-25  ") for line in lines)
    assert lines[-1] == "19 of 31 days open, 144h in total"


def test_a_month_in_120_columns_and_in_40(terminal: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    wide = terminal("calendar", "show", "night", "--month", "2026-03").out
    assert "22:00-06:00" in wide
    assert "clocks +1h" in wide
    assert "Sun 2026-03-29  the clocks go forward by 1h" in wide
    monkeypatch.setenv("COLUMNS", "40")
    narrow = terminal("calendar", "show", "night", "--month", "2026-03").lines
    assert all(len(line) <= 40 for line in narrow)
    assert "Sun 2026-03-29  22:00-06:00" in [line.rstrip() for line in narrow]


def test_hours_that_do_not_fit_take_two_lines(terminal: Slactl) -> None:
    text = terminal("calendar", "show", "fair", "--month", "2026-05").out
    for part in ("10:30-", "12:30", "13:15:30-", "14:15"):
        assert part in text
    assert "all day" in terminal("calendar", "show", "always").out


def test_answers_on_a_terminal_say_what_was_asked(terminal: Slactl) -> None:
    assert terminal("calendar", "add", "office", "2026-12-22T16:00+01:00", "3bd").lines == [
        "Wed 2026-12-30 16:00 +01:00",
        "  3bd after Tue 2026-12-22 16:00 +01:00, 19h open",
        "  on calendar office (Europe/Berlin)",
    ]
    assert terminal("calendar", "between", "office", "2026-12-22T16:00+01:00", "2026-12-22T17:30:05+01:00").lines == [
        "1h 30m 5s",
        "  from Tue 2026-12-22 16:00 +01:00 to Tue 2026-12-22 17:30:05 +01:00",
        "  on calendar office (Europe/Berlin)",
    ]
    assert terminal("calendar", "is-open", "office", "now").lines[:3] == [
        "yes",
        "  Wed 2026-12-02 11:00 +01:00",
        "  open until Wed 2026-12-02 12:30 +01:00",
    ]
    assert terminal("calendar", "is-open", "office", "2026-12-24T10:00+01:00").lines[:3] == [
        "no",
        "  Thu 2026-12-24 10:00 +01:00, holiday",
        "  opens Tue 2026-12-29 09:00 +01:00",
    ]
    assert "  never opens again" in terminal("calendar", "is-open", "fair", "now").lines


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("show", "ofice"), 3, "did you mean office? (known: always, daily, fair, night, office)"),
        (("add", "ofice", "now", "1h"), 3, "did you mean office?"),
        (("between", "zzz", "now", "now"), 3, "there is no calendar 'zzz' (known"),
        (("is-open", "office", "now", "--timezone", "Europe/Berln"), 3, "did you mean Europe/Berlin?"),
        (("is-open", "office", "now", "--timezone", ""), 3, "there is no time zone ''"),
        (("is-open", "office", "now", "--timezone", "../../etc/passwd"), 3, "there is no time zone"),
        (("add", "office", "now", "2d"), 2, "2d cannot be used with calendar office"),
        (("add", "office", "now", "soon"), 2, "'soon' is not a valid duration"),
        (("add", "office", "now", "0h"), 2, "not positive"),
        (("add", "office", "now", "99999999h"), 2, "longer than ten years"),
        (("add", "office", "9999-01-01T00:00Z", "1h"), 2, "outside the years"),
        (("add", "office", "whenever", "1h"), 2, "is not a valid time"),
        (("add", "fair", "now", "1h"), 5, "no open hours left"),
        (("add", "fair", "2026-05-01T10:00Z", "2bd"), 5, "no open hours left"),
        (("show", "office", "--month", "2026-13"), 2, "is not a valid month"),
        (("show", "office", "--month", "december"), 2, "is not a valid month"),
        (("show", "office", "--month", "9999-01"), 2, "is not a valid month"),
        (("show", "office", "--fields", "hours"), 2, "there is no field"),
        (("show",), 2, "NAME"),
        (("\x1b[31m",), 2, "No such command"),
    ],
)
def test_bad_input(arguments: tuple[str, ...], code: int, told: str, slactl: Slactl) -> None:
    result = slactl("calendar", *arguments)
    assert (result.code, result.out) == (code, "")
    assert told in result.err
    assert "Traceback" not in result.err
    assert "\x1b" not in result.err


def test_invalid_rules(slactl: Slactl, rules: Path) -> None:
    rules.write_text(RULES.replace("Europe/Berlin", "Europe/Berln", 1))
    result = slactl("calendar", "show", "office")
    assert (result.code, result.out) == (4, "")
    assert "did you mean Europe/Berlin?" in result.err
