"""A bar for each day: by the wall clock, readable without colours, however long it took."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from slactl.clock import from_text, to_text
from slactl.show.form import Screen
from slactl.show.timeline import cells, day_rows, draw_days, legend, scale, wall_pieces

BERLIN = ZoneInfo("Europe/Berlin")


def segment(start: str, end: str, kind: str = "counted", *, late: bool = False) -> dict[str, Any]:
    length = from_text(f"{end}Z") - from_text(f"{start}Z")
    return {"start": f"{start}Z", "end": f"{end}Z", "kind": kind, "seconds": length.total_seconds(), "late": late}


def timer(*segments: dict[str, Any], ahead: tuple[dict[str, Any], ...] = (), **fields: object) -> dict[str, Any]:
    whole = [*segments, *ahead]
    return {
        "started_at": whole[0]["start"],
        "due_at": whole[-1]["end"],
        "stopped_at": None,
        "segments": list(segments),
        "ahead": list(ahead),
        "holidays": [],
        "special_dates": [],
        "clock_changes": [],
        **fields,
    }


def drawn(told: dict[str, Any], now: str, width: int = 80, *, zone: Any = UTC, blocks: bool = True) -> list[str]:  # noqa: ANN401
    rows = day_rows(told, from_text(f"{now}Z"), zone, "opened")
    stream = io.StringIO()
    console = Screen(stream, width=width).console()
    console.print(draw_days(rows, console.width, blocks=blocks))
    console.print(legend(rows, blocks=blocks))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


ONE_DAY = timer(
    segment("2026-03-02T09:00:00", "2026-03-02T10:00:00"),
    segment("2026-03-02T10:00:00", "2026-03-02T11:00:00", "paused"),
    segment("2026-03-02T11:00:00", "2026-03-02T12:00:00", "off_hours"),
    ahead=(segment("2026-03-02T12:00:00", "2026-03-02T13:00:00"),),
)


def test_one_day_in_80_columns() -> None:
    assert drawn(ONE_DAY, "2026-03-02T12:00:00") == [
        "                09    10    11    12    13  counted",
        "Mon 2026-03-02  ██████pppppp······░░░░░░◆        2h  opened 09:00, now 12:00,",
        "                                                     deadline 13:00, paused 1h",
        "                                                 2h  total",
        "█ counted   ░ still to count   p paused   · off hours   ◆ deadline",
    ]


def test_in_ascii() -> None:
    lines = drawn(ONE_DAY, "2026-03-02T12:00:00", blocks=False)
    assert "######pppppp......------|" in lines[1]
    assert lines[-1] == "# counted   - still to count   p paused   . off hours   | deadline"
    assert all(line.isascii() for line in lines)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 200])
def test_every_width(width: int) -> None:
    lines = drawn(ONE_DAY, "2026-03-02T12:00:00", width)
    assert all(len(line) <= width for line in lines)
    if width >= 60:
        bar = lines[1].split("  ")[1]
        assert {len(list(group)) for group in (bar.count("█") * "x", bar.count("p") * "x", bar.count("░") * "x")} == {
            bar.count("█")
        }


def test_what_follows_the_deadline_is_late() -> None:
    late = timer(
        segment("2026-03-02T09:00:00", "2026-03-02T10:00:00"),
        segment("2026-03-02T10:00:00", "2026-03-02T12:00:00", late=True),
        due_at="2026-03-02T10:00:00Z",
        stopped_at="2026-03-02T12:00:00Z",
    )
    lines = drawn(late, "2026-03-09T12:00:00")
    assert "◆!" in lines[1]
    assert "deadline 10:00, done 12:00, late 2h" in " ".join(" ".join(lines[1:-2]).split())
    assert "now" not in "".join(lines)
    assert lines[-2].split() == ["1h", "total"]


def test_the_hour_that_the_clocks_jump_over_is_empty() -> None:
    """22:00 to 06:00 in Berlin on the night to 29 March is 7 h; 02:00 to 03:00 does not exist."""
    shift = timer(segment("2026-03-28T21:00:00", "2026-03-29T04:00:00"), due_at=None,
                  clock_changes=[{"at": "2026-03-29T01:00:00Z", "seconds": 3600}])  # fmt: skip
    rows = day_rows(shift, from_text("2026-03-29T04:00:00Z"), BERLIN, "opened")
    assert [row.counted / 3600 for row in rows] == [2, 5]
    bar = cells(rows[1], scale(rows, 80))
    assert bar[:7] == ["counted", "counted", "", "counted", "counted", "counted", ""]
    assert rows[1].words() == "clocks forward 1h, now 06:00"


def test_the_hour_that_happens_twice_counts_twice() -> None:
    shift = timer(segment("2026-10-24T20:00:00", "2026-10-25T05:00:00"), due_at=None)
    rows = day_rows(shift, from_text("2026-10-25T05:00:00Z"), BERLIN, "opened")
    assert [row.counted / 3600 for row in rows] == [2, 7]
    assert cells(rows[1], scale(rows, 80))[:7] == ["counted"] * 6 + [""]


@pytest.mark.parametrize(
    "zone",
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns",
     "Africa/Casablanca", "Asia/Beirut"],
)  # fmt: skip
def test_wall_pieces_are_without_gaps_and_lose_no_second(zone: str) -> None:
    place = ZoneInfo(zone)
    start, end = datetime(2011, 1, 1, 5, 7, 9, tzinfo=UTC), datetime(2013, 1, 1, tzinfo=UTC)
    instant = start
    for day, first, last in wall_pieces(start, end, place):
        there = instant.astimezone(place)
        assert (there.date(), there.hour * 3600 + there.minute * 60 + there.second) == (day, first)
        assert 0 <= first < last <= 86_400
        instant += timedelta(seconds=last - first)
    assert instant == end


def test_the_day_that_samoa_skipped_has_no_row() -> None:
    span = timer(segment("2011-12-29T12:00:00", "2012-01-01T12:00:00"))
    rows = day_rows(span, from_text("2012-01-02T00:00:00Z"), ZoneInfo("Pacific/Apia"), "opened")
    assert [row.day.isoformat() for row in rows] == ["2011-12-29", "2011-12-31", "2012-01-01", "2012-01-02"]


def test_a_deadline_at_closing_time_stands_behind_the_hours() -> None:
    closing = timer(segment("2026-03-02T09:00:00", "2026-03-02T17:00:00"))
    rows = day_rows(closing, from_text("2026-03-02T17:00:00Z"), UTC, "opened")
    assert cells(rows[0], scale(rows, 80))[-2:] == ["counted", "deadline"]


def test_a_deadline_at_midnight_belongs_to_the_day_that_begins() -> None:
    midnight = timer(segment("2026-03-02T20:00:00", "2026-03-03T00:00:00"))
    lines = drawn(midnight, "2026-03-02T20:00:00")
    assert lines[2].startswith("Tue 2026-03-03  ◆")
    assert "deadline 00:00" in lines[2]


def days(count: int, kind: str = "counted") -> list[dict[str, Any]]:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    found = []
    for number in range(count):
        start, end = (to_text(first + timedelta(days=number + more)).removesuffix("Z") for more in (0, 1))
        found.append(segment(start, end, kind))
    return found


def test_many_days_alike_are_drawn_together_and_nothing_is_lost() -> None:
    few = drawn(timer(*days(20)), "2026-01-21T00:00:00")
    assert len([line for line in few if "2026-" in line]) == 21
    long = timer(*days(200), *[segment("2026-07-20T00:00:00", "2026-07-20T06:00:00", "paused")])
    long["holidays"] = [{"date": "2026-04-03", "name": "Good Friday"}]
    lines = drawn(long, "2026-07-20T06:00:00")
    assert [line.split("  ")[0] for line in lines if line[:1] in "+MTWFS"] == [
        "Thu 2026-01-01",
        "Fri 2026-01-02",
        "+ 90 days",
        "Fri 2026-04-03",
        "Sat 2026-04-04",
        "+ 106 days",
        "Mon 2026-07-20",
    ]
    assert "4800h  total" in lines[-2]


def test_ten_years_are_drawn_at_once() -> None:
    lines = drawn(timer(*days(3650)), "2036-01-01T00:00:00")
    assert len(lines) < 12


def test_hostile_names_do_nothing() -> None:
    told = timer(segment("2026-03-02T09:00:00", "2026-03-02T17:00:00"))
    told["holidays"] = [{"date": "2026-03-02", "name": "[red]x[/] \x1b[31mX\u202e"}]
    text = "\n".join(drawn(told, "2026-03-02T12:00:00"))
    assert "[red]x[/]" in text
    assert not {"\x1b", "\u202e"} & set(text)


def test_a_timer_that_took_no_time() -> None:
    none = timer(segment("2026-03-02T09:00:00", "2026-03-02T09:00:00"), stopped_at="2026-03-02T09:00:00Z")
    none["segments"] = []
    lines = drawn(none, "2026-03-02T12:00:00")
    assert lines[1].startswith("Mon 2026-03-02")
    assert lines[-2].split() == ["0h", "total"]


def test_a_timer_that_never_counted_shows_the_hours_it_took() -> None:
    lunch = timer(segment("2026-03-02T12:00:00", "2026-03-02T13:00:00", "off_hours"), due_at="2026-03-02T17:00:00Z",
                  stopped_at="2026-03-02T13:00:00Z")  # fmt: skip
    lines = drawn(lunch, "2026-03-02T18:00:00")
    assert lines[0].split() == ["12", "13", "14", "15", "16", "17", "counted"]
    assert "····  " in lines[1]
