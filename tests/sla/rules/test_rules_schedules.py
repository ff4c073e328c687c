"""Schedules as `rules.toml` writes them: what they mean, and what is wrong with them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from slactl.errors import RulesError
from slactl.sla.calendar.zone import EPOCH
from slactl.sla.oncall.schedule import Absence, Exceptions, Override, on_call, shifts
from slactl.sla.rules.loading import parse
from slactl.sla.rules.oncall.gaps import gaps
from slactl.sla.rules.rules import Rules

RULES = """\
schema = 1
[calendars.office]
timezone = "Europe/Berlin"
[calendars.office.weekly]
mon-fri = ["09:00-17:00"]
[[policy]]
name = "all"
calendar = "office"
[policy.targets]
default = { resolution = "4h" }
[people]
ann = {}
ben = {}
cem = {}
dan = {}
[roles.first]
on_call = "first-line"
members = ["ann", "ben"]
spread = "round_robin"
[schedules.first-line]
timezone = "Europe/Berlin"
[[schedules.first-line.layer]]
people = ["ann", "ben", "cem"]
rotate = "1w"
from = "2026-01-05 09:00"
hours = ["mon-fri 08:00-18:00"]
[[schedules.first-line.layer]]
people = ["dan"]
"""


def rota(layer: str, timezone: str = "Europe/Berlin") -> Rules:
    head = RULES[: RULES.index("[schedules")]
    return parse(f'{head}[schedules.first-line]\ntimezone = "{timezone}"\n[[schedules.first-line.layer]]\n{layer}\n')


def seconds(text: str, timezone: str = "Europe/Berlin") -> int:
    return int((datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)) - EPOCH).total_seconds())


def person(rules: Rules, text: str, exceptions: Exceptions | None = None) -> str | None:
    return on_call(rules.schedule("first-line"), seconds(text), exceptions or Exceptions()).person


def handovers(rules: Rules, first: str, last: str, timezone: str) -> list[str]:
    """Return who begins when, in UTC, without the first."""
    a, b = seconds(first, timezone), seconds(last, timezone)
    plan = shifts(rules.schedule("first-line"), a, b)[1:]
    return [f"{EPOCH + timedelta(seconds=each.start):%d %H:%M} {each.on_call.person}" for each in plan]


def test_first_layer_that_has_somebody_wins() -> None:
    rules = parse(RULES)
    assert person(rules, "2026-01-05 08:30") == "dan"  # before `from`
    assert person(rules, "2026-01-05 09:00") == "ann"
    assert person(rules, "2026-01-05 18:00") == "dan"
    assert person(rules, "2026-01-12 08:59") == "ann"
    assert person(rules, "2026-01-12 09:00") == "ben"
    assert person(rules, "2026-01-26 09:00") == "ann"


def test_absent_people_are_replaced_by_substitute_then_rotation_then_next_layer() -> None:
    rules, day = parse(RULES), (seconds("2026-01-06 00:00"), seconds("2026-01-07 00:00"))
    at = "2026-01-06 10:00"

    def away(*names: tuple[str, str | None]) -> Exceptions:
        entries = tuple(Absence(name, *day, substitute, number) for number, (name, substitute) in enumerate(names))
        return Exceptions(absences=entries)

    assert person(rules, at, away(("ann", "dan"))) == "dan"
    assert person(rules, at, away(("ann", "ben"), ("ben", "cem"))) == "cem"
    assert person(rules, at, away(("ann", None))) == "ben"
    assert person(rules, at, away(("ann", "dan"), ("dan", None))) == "ben"
    assert person(rules, at, away(("ann", None), ("ben", None), ("cem", None))) == "dan"
    assert person(rules, at, away(*((name, None) for name in ("ann", "ben", "cem", "dan")))) is None
    assert person(rules, "2026-01-07 10:00", away(("ann", None))) == "ann"


def test_override_that_was_entered_last_beats_the_others_and_all_layers() -> None:
    rules, day = parse(RULES), (seconds("2026-01-06 00:00"), seconds("2026-01-07 00:00"))
    two = (Override("first-line", "cem", *day, number=1), Override("first-line", "dan", *day, number=2))
    assert person(rules, "2026-01-06 10:00", Exceptions(two)) == "dan"
    assert person(rules, "2026-01-06 10:00", Exceptions((Override("other", "cem", *day),))) == "ann"
    assert person(rules, "2026-01-06 10:00", Exceptions(two, (Absence("dan", *day, "ben"),))) == "ben"
    assert person(rules, "2026-01-06 10:00", Exceptions(two, (Absence("dan", *day),))) == "ann"  # not the older one


@pytest.mark.parametrize(
    ("timezone", "first", "last", "expected"),
    [
        # The clocks skip 02:30: the hand-over is as long after the change.
        ("Europe/Berlin", "2026-03-28 12:00", "2026-03-31 00:00", ["29 01:30 ben", "30 00:30 ann"]),
        # 02:30 exists twice: the first counts.
        ("Europe/Berlin", "2026-10-24 12:00", "2026-10-27 00:00", ["25 00:30 ben", "26 01:30 ann"]),
        ("America/New_York", "2026-03-07 12:00", "2026-03-10 00:00", ["08 07:30 ann", "09 06:30 ben"]),
        ("Australia/Lord_Howe", "2026-10-03 12:00", "2026-10-06 00:00", ["03 15:45 ben", "04 15:15 ann"]),
    ],
)
def test_handover_at_a_skipped_or_doubled_time(timezone: str, first: str, last: str, expected: list[str]) -> None:
    begin = "2026-03-28 02:30" if first < "2026-06" else "2026-10-02 02:30"
    if timezone == "Australia/Lord_Howe":
        begin = "2026-10-03 02:15"
    if timezone == "America/New_York":
        begin = "2026-03-08 02:30"
    layer = f'people = ["ann", "ben"]\nrotate = "1d"\nfrom = "{begin}"'
    assert handovers(rota(layer, timezone), first, last, timezone) == expected


def test_business_days_hand_over_on_open_days_only() -> None:
    layer = 'people = ["ann", "ben", "cem"]\nrotate = "1bd"\nfrom = "2026-01-08 09:00"\nhours = "office"'
    rules = rota(layer)
    week = [person(rules, f"2026-01-{day:02} 10:00") for day in (8, 9, 10, 12, 13)]
    assert week == ["ann", "ben", None, "cem", "ann"]


def test_rotation_that_begins_outside_the_hours_gives_the_first_person_the_next_open_day() -> None:
    for begin in ("2026-01-10 09:00", "2026-01-10 20:00", "2026-01-10 12:00"):  # a Saturday
        layer = f'people = ["ann", "ben"]\nrotate = "1bd"\nfrom = "{begin}"\nhours = "office"'
        rules = rota(layer)
        assert person(rules, "2026-01-12 09:00") == "ann", begin
        assert person(rules, "2026-01-12 16:59") == "ann", begin
        assert person(rules, "2026-01-13 16:00") == "ben", begin


def test_gaps_of_the_next_four_weeks_are_told_with_the_first() -> None:
    rules = rota('people = ["ann"]\nhours = ["mon-fri 09:00-17:00"]')
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    (told,) = gaps(rules, now, {})
    first = "nobody is on call for first-line from Mon 05 Jan 2026 17:00 CET to Tue 06 Jan 2026 09:00 CET"
    assert told == (("schedules", "first-line"), f"{first}, and 19 more times within four weeks")
    assert list(gaps(parse(RULES), now, {})) == []
    assert list(gaps(rota('people = ["ann"]\nfrom = "2026-02-02 13:01"'), now, {}))
    assert not list(gaps(rota('people = ["ann"]\nfrom = "2026-01-05 13:00"'), now, {}))


#: What is written instead of what, on which line the error is, and what it says.
MISTAKES = [
    ('on_call = "first-line"', 'on_call = "first-lin"', 17, "no schedule 'first-lin'; did you mean first-line?"),
    ('members = ["ann", "ben"]', 'members = ["ann", "benn"]', 18, "there is no person 'benn'; did you mean ben?"),
    ('members = ["ann", "ben"]\n', "", 18, 'needs members: members = ["ann", "ben"]'),
    ('"round_robin"', '"round"', 19, "did you mean round_robin?"),
    ('"Europe/Berlin"\n[[sch', '"Europe/Berlim"\n[[sch', 21, "did you mean Europe/Berlin?"),
    (
        'people = ["ann", "ben", "cem"]',
        'people = ["ann", "danny"]',
        23,
        "there is no person 'danny'; did you mean dan?",
    ),
    ('people = ["dan"]', "people = []", 28, "must have at least one entry"),
    ('rotate = "1w"', 'rotate = "90m"', 24, "'90m' is not in whole hours; use 12h, 1d, 1w or 1bd"),
    ('rotate = "1w"', 'rotate = "week"', 24, "'week' is not a valid duration; use 12h, 1d, 1w or 1bd"),
    ('rotate = "1w"', "rotate = 7", 24, "a rotation must be a text: 12h, 1d, 1w or 1bd"),
    ('rotate = "1w"', 'rotat = "1w"', 24, "unknown key rotat; did you mean rotate?"),
    ('from = "2026-01-05 09:00"\n', "", 24, 'needs from, when the first person begins: from = "2026-01-05 09:00"'),
    ('"2026-01-05 09:00"', '"05.01.2026 09:00"', 25, "write a date and a time of day"),
    ('"2026-01-05 09:00"', '"2026-01-05T09:00+01:00"', 25, "without an offset"),
    ('"2026-01-05 09:00"', '"1026-01-05 09:00"', 25, "outside the years 1970 to 2199"),
    ('["mon-fri 08:00-18:00"]', '"ofice"', 26, "there is no calendar 'ofice'; did you mean office?"),
    ('["mon-fri 08:00-18:00"]', '["mon-fri 08-18"]', 26, "is not a weekday"),
    ('["mon-fri 08:00-18:00"]', "3", 26, "must be the name of a calendar, or a list"),
    (
        'people = ["dan"]',
        'people = ["dan"]\nrotate = "1bd"\nfrom = "2026-01-05"',
        29,
        '"1bd" counts open days, so it needs',
    ),
    ("schedules.first-line", "schedules.override", 20, "slactl oncall override is a command"),
    ('people = ["dan"]', 'people = ["dan"]\n[schedules.other]', 29, "write [[schedules.other.layer]], or ical ="),
    ('people = ["dan"]', 'people = ["dan"]\n[schedules.other.layer]\npeople = ["ann"]', 29, "with two brackets"),
    ('people = ["dan"]', 'people = ["dan"]\n[schedules.other]\nical = "a.ics"', 29, "a feed needs a timezone"),
    ('people = ["dan"]', 'people = ["dan"]\n[schedules.o]\ntimezone = "UTC"\nical = "https://x/y"', 31, "not a URL"),
    (
        'people = ["dan"]',
        'people = ["dan"]\n[schedules.o]\ntimezone = "UTC"\nical = "../a.ics"',
        31,
        "beside rules.toml",
    ),
    ("[[schedules", 'ical = "a.ics"\n[[schedules', 23, "ical and layer cannot be used together"),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), MISTAKES)
def test_each_mistake_has_its_line_and_the_word_that_was_meant(old: str, new: str, line: int, message: str) -> None:
    text = RULES.replace(old, new) if old.startswith("schedules") else RULES.replace(old, new, 1)
    assert text != RULES
    with pytest.raises(RulesError) as caught:
        parse(text)
    found = str(caught.value)
    assert f"rules.toml:{line}: " in found
    assert message in found


def test_hours_may_be_windows_of_whole_days_and_nights() -> None:
    rules = rota('people = ["ann"]\nhours = ["sat-sun", "22:00-07:00"]')
    assert [person(rules, f"2026-01-{at}") for at in ("10 12:00", "12 06:59", "12 07:00", "12 22:00")] == [
        *("ann", "ann", None, "ann")
    ]
    assert person(rota('people = ["ann"]\nhours = ["sat-sun"]'), "2026-01-11 23:59") == "ann"


def test_nights_and_weekends_hand_over_on_each_of_their_days() -> None:
    layer = 'people = ["ann", "ben", "cem"]\nrotate = "1bd"\nfrom = "2026-01-05 18:00"\n'
    rules = rota(layer + 'hours = ["mon-fri 18:00-08:00", "sat-sun"]')
    times = ("05 18:00", "06 07:59", "06 08:00", "06 18:00", "09 18:00", "10 07:00", "10 17:59", "10 18:00", "11 18:00")
    assert [person(rules, f"2026-01-{at}") for at in times] == [
        *("ann", "ann", None, "ben", "ben", "ben", "ben", "cem", "ann")
    ]


def test_begin_of_a_rotation_may_be_a_date_without_quotes() -> None:
    layer = 'people = ["ann", "ben"]\nrotate = "1d"\nfrom = '
    for begin in ("2026-01-05", '"2026-01-05"', "2026-01-05T00:00:00"):
        rules = rota(layer + begin)
        assert [person(rules, f"2026-01-{at}") for at in ("04 23:59", "05 00:00", "06 00:00")] == [None, "ann", "ben"]
        assert parse(rules.canonical, pinned=True).hash == rules.hash
