"""What the events of an iCalendar feed mean."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from slactl.sla.calendar.zone import EPOCH
from slactl.sla.oncall.feed import PlainEvent, expanded, planned
from slactl.sla.oncall.schedule import Absence, Exceptions, Schedule, on_call

BERLIN = ZoneInfo("Europe/Berlin")


def seconds(text: str) -> int:
    return int((datetime.fromisoformat(text).replace(tzinfo=BERLIN) - EPOCH).total_seconds())


YEAR = seconds("2026-01-01"), seconds("2027-01-01")


def feed(*events: str) -> bytes:
    blocks = [f"BEGIN:VEVENT\nUID:{number}\n{event}\nEND:VEVENT\n" for number, event in enumerate(events)]
    return ("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n" + "".join(blocks) + "END:VCALENDAR\n").encode()


def read(*events: str) -> list[tuple[int, int, str]]:
    found = expanded(feed(*events), "Europe/Berlin", seconds("2026-01-01"), seconds("2027-01-01"))
    assert found.left_out == []
    return [(event.start, event.end, event.summary) for event in found.events]


def spans(*texts: tuple[str, str, str]) -> list[tuple[int, int, str]]:
    return [(seconds(start), seconds(end), who) for start, end, who in texts]


def test_repetition_keeps_the_wall_time_and_leaves_out_exceptions() -> None:
    event = (
        "SUMMARY:ann\nDTSTART;TZID=Europe/Berlin:20260327T230000\nDTEND;TZID=Europe/Berlin:20260328T070000\n"
        "RRULE:FREQ=DAILY;COUNT=4\nEXDATE;TZID=Europe/Berlin:20260328T230000"
    )
    assert read(event) == spans(
        ("2026-03-27 23:00", "2026-03-28 07:00", "ann"),
        ("2026-03-29 23:00", "2026-03-30 07:00", "ann"),
        ("2026-03-30 23:00", "2026-03-31 07:00", "ann"),
    )


def test_whole_days_and_times_without_a_zone_are_in_the_zone_of_the_schedule() -> None:
    day = "SUMMARY:ben\nDTSTART;VALUE=DATE:20260329\nDTEND;VALUE=DATE:20260330"
    floating = "SUMMARY:cem\nDTSTART:20260329T023000\nDTEND:20260329T120000"
    utc = "SUMMARY:dan\nDTSTART:20260601T100000Z\nDURATION:PT2H"
    assert read(day, floating, utc) == spans(
        ("2026-03-29", "2026-03-30", "ben"),
        ("2026-03-29 03:30", "2026-03-29 12:00", "cem"),  # the clocks skip 02:30
        ("2026-06-01 12:00", "2026-06-01 14:00", "dan"),
    )


def test_cancelled_events_are_left_out_and_moved_ones_are_where_they_were_moved_to() -> None:
    series = "SUMMARY:ann\nDTSTART:20260601T080000Z\nDTEND:20260601T100000Z\nRRULE:FREQ=WEEKLY;COUNT=2"
    moved = "SUMMARY:ben\nRECURRENCE-ID:20260608T080000Z\nDTSTART:20260609T080000Z\nDTEND:20260609T100000Z"
    content = feed(series, moved, "SUMMARY:cem\nSTATUS:CANCELLED\nDTSTART:20260701T080000Z\nDTEND:20260701T100000Z")
    content = content.replace(b"UID:1", b"UID:0")
    found = expanded(content, "Europe/Berlin", seconds("2026-01-01"), seconds("2027-01-01"))
    assert [(event.summary, f"{datetime.fromtimestamp(event.start, BERLIN):%d}") for event in found.events] == [
        ("ann", "01"),
        ("ben", "09"),
    ]


def test_of_events_that_overlap_the_first_in_the_file_counts() -> None:
    first = "SUMMARY:ben\nDTSTART:20260601T120000Z\nDTEND:20260601T140000Z"
    second = "SUMMARY:ann\nDTSTART:20260601T080000Z\nDTEND:20260601T180000Z"
    for events, person in (((first, second), "ben"), ((second, first), "ann")):
        found = expanded(feed(*events), "UTC", seconds("2026-01-01"), seconds("2027-01-01"))
        schedule = Schedule("managers", "UTC", feed=planned(found.events, {"ann": (), "ben": ()}, YEAR)[0])
        assert on_call(schedule, seconds("2026-06-01 15:00")).person == person


def test_summary_or_an_attendee_names_a_person_and_others_are_told() -> None:
    events = [
        PlainEvent(0, 10, " Ann ", ()),
        PlainEvent(10, 20, "Rota", ("someone@example.com", "Ben@Example.com")),
        PlainEvent(20, 30, "Summer party", ("guest@example.com",)),
    ]
    found, unknown = planned(events, {"ann": (), "ben": ("ben@example.com",)}, (0, 100))
    assert [event.person for event in found.events(0, 100)] == ["ann", "ben"]
    assert unknown == ["Summer party"]
    schedule = Schedule("managers", "UTC", feed=found)
    assert on_call(schedule, 25).person is None
    assert on_call(schedule, 5, Exceptions(absences=(Absence("ann", 0, 10),))).person is None
    assert on_call(schedule, 5, Exceptions(absences=(Absence("ann", 0, 10, "ben"),))) == ("ben", "feed", "ann")


def test_attendee_who_declined_is_not_on_call() -> None:
    both = "SUMMARY:Rota\nDTSTART:20260601T120000Z\nDTEND:20260601T140000Z"
    both += "\nATTENDEE;PARTSTAT=DECLINED:mailto:Ann@example.com\nATTENDEE;PARTSTAT=ACCEPTED:mailto:ben@example.com"
    alone = "SUMMARY:ann\nDTSTART:20260602T120000Z\nDTEND:20260602T140000Z"
    alone += "\nATTENDEE;PARTSTAT=declined:MAILTO:ann@example.com"
    found = expanded(feed(both, alone), "UTC", *YEAR)
    people = {"ann": ("ann@example.com",), "ben": ("ben@example.com",)}
    plan, unknown = planned(found.events, people, YEAR)
    assert [event.person for event in plan.events(*YEAR)] == ["ben"]
    assert unknown == ["ann"]


@pytest.mark.parametrize("key", ["DTSTART", "EXDATE", "RECURRENCE-ID"])
def test_event_in_a_zone_that_nobody_knows_is_left_out_with_its_series(key: str) -> None:
    times = {
        "DTSTART": "DTSTART;TZID=Europe/Berlin:20260601T120000",
        "DTEND": "DTEND;TZID=Europe/Berlin:20260601T140000",
    }
    wrong = times | {key: f"{key};TZID=Foo/Bar:20260601T120000"}
    series = "\n".join(
        ["SUMMARY:ann", *(times if key == "RECURRENCE-ID" else wrong).values(), "RRULE:FREQ=DAILY;COUNT=3"]
    )
    exception = ["SUMMARY:ann\n" + "\n".join(wrong.values())] if key == "RECURRENCE-ID" else []
    other = "SUMMARY:ben\n" + "\n".join(times.values())
    content = feed(series, other, *exception).replace(b"UID:2", b"UID:0")
    found = expanded(content, "Europe/Berlin", *YEAR)
    assert [event.summary for event in found.events] == ["ben"]
    place = 3 if exception else 1
    assert found.left_out == [f"event {place} ('ann') is left out: its time zone 'Foo/Bar' is unknown"]


def test_zones_that_the_file_or_windows_names_are_known() -> None:
    zone = "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300\n"
    event = "SUMMARY:ann\nDTSTART;TZID={0}:20260601T120000\nDTEND;TZID={0}:20260601T140000"
    content = feed(event.format("Ours"), event.format("W. Europe Standard Time"))
    content = content.replace(b"BEGIN:VEVENT", f"{zone}END:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT".encode(), 1)
    found = expanded(content, "UTC", *YEAR)
    assert found.left_out == []
    assert [event.start for event in found.events] == [seconds("2026-06-01 11:00"), seconds("2026-06-01 12:00")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "exactly one"),
        (b"<html>not found</html>", "Content line"),
        (feed("SUMMARY:ann\nDTSTART:20260601T120000Z")[:-20], "exactly one"),
        (feed("SUMMARY:ann"), "event 1 has no valid time: DTSTART is missing"),
        (feed("SUMMARY:ann\nDTSTART:20261301T120000Z"), "event 1 has no valid time"),
        (feed("SUMMARY:ann\nDTSTART:20260601T120000Z\nRRULE:FREQ=NEVER"), "event 1 has no valid time"),
        (feed("SUMMARY:ann\nDTSTART:20260601T120000Z\nRRULE:FREQ=SECONDLY"), "more often than each hour"),
        (b"BEGIN:VEVENT\nUID:1\nDTSTART:20260601T120000Z\nEND:VEVENT\n", "not an iCalendar file"),
    ],
)
def test_a_feed_that_is_not_valid_is_refused_as_a_whole(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        expanded(content, "UTC", 0, 100)
