"""How the places of a ladder are written, and when they come."""

from datetime import datetime

import pytest
from stories import judged, resolution, rules, said, timers, when

from slactl.durations import Duration, Offset
from slactl.sla.escalation.levels import offset_reached
from slactl.sla.timers.pauses import optional_instant
from slactl.sla.timers.timer import Timer

OFFICE = rules(resolution="8h")


@pytest.mark.parametrize("text", ["80%", "-30m", "0m", "+1h", "+1h30m", "100%", "150%", "-90s"])
def test_an_offset_is_written_as_it_was_read(text: str) -> None:
    assert str(Offset.parse(text)) == text.replace("90s", "1m30s")


@pytest.mark.parametrize("text", ["0m", "+0m", "-0s", "0", "0h", "100%"])
def test_the_deadline_itself(text: str) -> None:
    offset = Offset.parse(text)
    assert offset.is_deadline
    assert not offset.is_warning


@pytest.mark.parametrize(("text", "warning"), [("80%", True), ("-1s", True), ("+1s", False), ("101%", False)])
def test_a_warning_lies_before_the_deadline(text: str, warning: bool) -> None:
    assert Offset.parse(text).is_warning is warning


@pytest.mark.parametrize("text", ["", "1h", "0%", "1001%", "+", "-5", "+1y", "80 %%", "-2bd", "soon", "+1h-30m"])
def test_what_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Offset.parse(text)


def nominal_instant(timer: Timer, offset: Offset, *, wall: bool = False, idle: int = 0) -> datetime | None:
    return optional_instant(offset_reached(timer.clock_run, offset, Duration(), wall=wall, idle=Duration(idle)))


def instant(text: str, offset: str, now: str, **options: bool) -> str | None:
    return said(nominal_instant(resolution(text, OFFICE, now), Offset.parse(offset), **options))


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ("50%", "mon 15:00"),
        ("80%", "tue 09:24"),
        ("-30m", "tue 10:30"),
        ("-2h", "mon 17:00"),
        ("-9h", "mon 11:00"),
        ("0m", "tue 11:00"),
        ("100%", "tue 11:00"),
        ("+1h", "tue 12:00"),
        ("+6h", "tue 17:00"),
        ("+7h", "wed 10:00"),
        ("150%", "tue 15:00"),
    ],
)
def test_offsets_run_on_the_tickets_calendar(offset: str, expected: str) -> None:
    assert instant("mon 11:00 created", offset, "mon 11:00") == expected


@pytest.mark.parametrize(
    ("offset", "expected"),
    [("50%", "mon 23:00"), ("-30m", "tue 10:30"), ("-2h", "tue 09:00"), ("0m", "tue 11:00"), ("+7h", "tue 18:00")],
)
def test_or_on_the_wall_clock(offset: str, expected: str) -> None:
    assert instant("mon 11:00 created", offset, "mon 11:00", wall=True) == expected


PAUSED = "mon 09:00 created\nmon 10:00 status pending\nmon 12:00 status open\n"


def test_only_unpaused_time_counts() -> None:
    assert instant(PAUSED, "50%", "mon 12:00") == "mon 15:00"
    assert instant(PAUSED, "10%", "mon 12:00") == "mon 09:48"
    assert instant(PAUSED, "-7h30m", "mon 12:00") == "mon 09:30"


def test_only_unpaused_time_counts_after_the_deadline_too() -> None:
    late = "mon 09:00 created\ntue 10:00 status pending\ntue 12:00 status open"
    assert instant(late, "0m", "tue 12:00") == "mon 17:00"
    assert instant(late, "+30m", "tue 12:00") == "tue 09:30"
    assert instant(late, "+2h", "tue 12:00") == "tue 13:00"


def test_a_place_within_a_pause_comes_after_it() -> None:
    assert instant(PAUSED, "-7h", "mon 12:00") == "mon 12:00"


def test_while_the_clock_stands_still_what_lies_ahead_has_no_instant() -> None:
    paused = "mon 09:00 created\nmon 10:00 status pending"
    assert instant(paused, "50%", "mon 11:00") is None
    assert instant(paused, "0m", "mon 11:00") is None
    assert instant(paused, "10%", "mon 11:00") == "mon 09:48"


def test_on_the_wall_clock_pauses_do_not_count_either() -> None:
    assert instant(PAUSED, "+1h", "mon 12:00", wall=True) == "tue 12:00"
    after = "mon 09:00 created\nmon 17:30 status pending\nmon 18:00 status open"
    assert instant(after, "+1h", "mon 18:00", wall=True) == "mon 18:30"


def test_a_manual_deadlines_share_is_of_the_counted_time_from_the_start_to_it() -> None:
    text = "mon 09:00 created\nmon 10:00 due_set resolution tue 11:00\nmon 10:00 status pending\nmon 12:00 status open"
    # Eight counted hours lie between: half of them are over at 15:00.
    assert instant(text, "50%", "mon 12:00") == "mon 15:00"
    assert instant(text, "0m", "mon 12:00") == "tue 11:00"
    assert instant(text, "+1h", "mon 12:00") == "tue 12:00"


def test_a_manual_deadline_off_hours_has_its_places_in_hours() -> None:
    text = "fri 09:00 created\nfri 09:00 due_set resolution sat 12:00"
    assert instant(text, "-30m", "fri 09:00") == "fri 16:30"
    assert instant(text, "0m", "fri 09:00") == "sat 12:00"
    assert instant(text, "+1h", "fri 09:00") == "mon+1 10:00"


def test_business_days_have_shares_of_their_counted_time() -> None:
    waiting = resolution("mon 10:30 created", rules(resolution="2bd"), "mon 10:30")
    assert said(nominal_instant(waiting, Offset.parse("50%"))) == "tue 10:30"
    assert said(nominal_instant(waiting, Offset.parse("+1h"))) == "wed 11:30"


def test_a_condition_counts_from_the_beginning_of_its_episode() -> None:
    unassigned = timers(judged("mon 16:00 created", OFFICE, "mon 16:00"), "unassigned")[0]
    assert said(nominal_instant(unassigned, Offset.parse("+2h"))) == "tue 10:00"
    assert said(nominal_instant(unassigned, Offset.parse("+2h"), wall=True)) == "mon 18:00"
    quiet = timers(judged("mon 09:00 created assignee=ann", OFFICE, "mon 09:00"), "idle")[0]
    assert said(nominal_instant(quiet, Offset.parse("+1h"), idle=2 * 3600)) == "mon 12:00"


def test_the_first_instant_that_counts_enough_is_meant() -> None:
    assert nominal_instant(resolution("mon 09:00 created", OFFICE, "mon 09:00"), Offset.parse("80%")) == when(
        "mon 15:24"
    )
