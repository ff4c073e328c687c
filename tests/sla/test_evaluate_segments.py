"""How the time of a timer was spent."""

from itertools import groupby

from stories import resolution, rules, said, when

from slactl.sla.evaluation import Timer
from slactl.sla.explanation import segments

OFFICE = rules(resolution="8h")
ALWAYS = rules(resolution="8h", calendar="always")


def spent(timer: Timer, now: str) -> list[str]:
    """Each time spent in one way as `counted mon 09:00-mon 10:00`, whether late or ahead."""
    runs = [list(run) for _, run in groupby(segments(timer, when(now)), key=lambda each: each.spent)]
    return [f"{run[0].spent} {said(run[0].start)}-{said(run[-1].end)}" for run in runs]


def test_pauses_closed_time_and_nights_are_told_apart() -> None:
    text = (
        "mon 08:00 created\nmon 10:00 status pending\nmon 11:00 status open\nmon 16:00 status resolved\n"
        "tue 10:00 status open"
    )
    assert spent(resolution(text, OFFICE, "tue 11:00"), "tue 11:00") == [
        "off_hours mon 08:00-mon 09:00",
        "counted mon 09:00-mon 10:00",
        "paused mon 10:00-mon 11:00",
        "counted mon 11:00-mon 16:00",
        "closed mon 16:00-mon 17:00",
        "off_hours mon 17:00-tue 09:00",
        "closed tue 09:00-tue 10:00",
        "counted tue 10:00-tue 12:00",
    ]


def test_they_end_at_the_stop() -> None:
    text = "mon 09:00 created\nmon 10:00 status pending\nmon 11:00 status resolved"
    assert spent(resolution(text, ALWAYS, "fri 09:00"), "fri 09:00") == [
        "counted mon 09:00-mon 10:00",
        "paused mon 10:00-mon 11:00",
    ]


def test_of_an_open_timer_they_end_at_the_deadline_or_now() -> None:
    assert spent(resolution("mon 09:00 created", ALWAYS, "mon 10:00"), "mon 10:00") == ["counted mon 09:00-mon 17:00"]
    assert spent(resolution("mon 09:00 created", ALWAYS, "mon 20:00"), "mon 20:00") == ["counted mon 09:00-mon 20:00"]


def test_a_pause_that_goes_on_ends_now() -> None:
    text = "mon 09:00 created\nmon 10:00 status pending"
    assert spent(resolution(text, ALWAYS, "mon 11:30"), "mon 11:30") == [
        "counted mon 09:00-mon 10:00",
        "paused mon 10:00-mon 11:30",
    ]


def test_a_timer_that_took_no_time_has_none() -> None:
    assert spent(resolution("mon 09:00 created status=closed", ALWAYS, "mon 11:30"), "mon 11:30") == []
