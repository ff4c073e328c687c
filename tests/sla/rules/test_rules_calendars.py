"""Calendars in the rules: unions, special dates, kinds of holidays, and every mistake in them with its line."""

from datetime import UTC, date, datetime

import pytest

from slactl.durations import parse_target_duration
from slactl.errors import RulesError
from slactl.sla.calendar.calendar import BusinessCalendar
from slactl.sla.rules.loading import parse

RULES = """\
schema = 1
[calendars.office]
timezone = "Europe/Berlin"
country = "DE"
subdivision = "BE"
work_on = ["Reformation Day"]
weekly = { mon-fri = ["09:00-17:00"] }
[calendars.office.dates]
"2026-12-23" = ["09:00-12:00"]
"05-01..08-31" = { fri = ["09:00-13:00"] }
"2026-07-06..2026-07-07" = ["11:00-15:00"]
[calendars.world]
any_of = ["office", "boston"]
[calendars.boston]
timezone = "America/New_York"
weekly = { mon-fri = ["09:00-17:00"] }
[[policy]]
name = "all"
calendar = "office"
"""

YEARLY, RANGE, LIST = '"05-01..08-31"', '"2026-07-06..2026-07-07"', '["09:00-12:00"]'
MEMBERS, WORK_ON, DATE = '["office", "boston"]', 'work_on = ["Reformation Day"]', '"2026-12-23" = ["09:00-12:00"]'

#: What is written instead of what, on which line the error is, and what it says.
MISTAKES = [
    # Unions.
    (MEMBERS, '["ofice", "boston"]', 13, "there is no calendar 'ofice'; did you mean office?"),
    (MEMBERS, "[]", 13, "must have at least one entry"),
    (MEMBERS, '["world"]', 13, "'world' is part of 'world'; a calendar cannot be part of itself"),
    (MEMBERS, '["office", "boston", "office"]', 13, "the calendar 'office' is named 2 times"),
    (MEMBERS, f'{MEMBERS}\nweekly = {{ mon = ["09:00-17:00"] }}', 14, "any_of and weekly cannot be used together"),
    (MEMBERS, f'{MEMBERS}\ncountry = "US"', 14, "any_of and country cannot be used together"),
    (MEMBERS, f"{MEMBERS}\nalways_open = true", 13, "always_open and any_of cannot be used together"),
    # Special dates.
    (DATE, '"2026-12-23..2026-12-01" = []', 9, "'2026-12-23..2026-12-01' ends before it begins"),
    (DATE, '"2026-02-30" = []', 9, "write 2026-12-24, 2026-12-24..2026-12-31, 12-24 (every year)"),
    (DATE, '"24.12." = []', 9, "is not a valid date; write 2026-12-24, 2026-12-24..2026-12-31"),
    (DATE, '"02-30" = []', 9, "'02-30' is not a day of the year; write 12-24"),
    (DATE, '"12-24..2026-12-26" = []', 9, "'2026-12-26' is not a day of the year"),
    (DATE, '"2026-12-24..12-26" = []', 9, "'12-26' is not a valid date"),
    (DATE, '"2026-07-07..2026-07-08" = []', 11, "'2026-07-06..2026-07-07' overlaps another range"),
    (DATE, '"08-31..09-30" = []', 10, "'05-01..08-31' overlaps another range of every year"),
    (DATE, '"12-20..05-01" = []', 10, "'05-01..08-31' overlaps another range of every year"),
    (LIST, '["9-12"]', 9, "'9-12' is not a valid interval"),
    (LIST, '["09:00-12:00", "11:00-13:00"]', 9, "hours overlap"),
    (LIST, '"09:00-12:00"', 9, "must be a list of hours"),
    (LIST, "[9]", 9, 'must be a list of hours, ["09:00-12:00"], or lists by weekday, { fri = ["09:00-13:00"] }'),
    (LIST, '{ fryday = ["09:00-12:00"] }', 9, "'fryday' is not a weekday"),
    (LIST, '{ fri = ["09:00-12:00"], mon-fri = [] }', 9, "fri already has hours in 'fri'"),
    (LIST, '{ fri = "09:00-12:00" }', 9, "must be a list of hours"),
    # Holidays.
    (WORK_ON, 'work_on = ["Reformation Dy"]', 6, "no holiday in DE 'Reformation Dy'; did you mean Reformation Day?"),
    (WORK_ON, 'work_on = ["Reformationstag"]', 6, "there is no holiday in DE 'Reformationstag'"),
    (
        WORK_ON,
        'holidays = ["12-31..01-02"]',
        6,
        "'12-31..01-02' is a range of every year, which belongs into dates: \"12-31..01-02\" = []",
    ),
    (WORK_ON, 'categories = ["publc"]', 6, "no category of holidays in DE 'publc'; did you mean public?"),
    (WORK_ON, "categories = []", 6, "must have at least one entry"),
    ('country = "DE"\nsubdivision = "BE"\n', "", 4, "work_on needs a country"),
    (f'country = "DE"\nsubdivision = "BE"\n{WORK_ON}', 'categories = ["public"]', 4, "categories needs a country"),
    (WORK_ON, "fixed = 1", 6, "must be true or false"),
    (WORK_ON, "anyof = []", 6, "unknown key anyof; did you mean any_of?"),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), MISTAKES, ids=[new[:50] or "-" for _, new, *_ in MISTAKES])
def test_a_mistake_in_a_calendar_is_an_error_with_its_line(old: str, new: str, line: int, message: str) -> None:
    assert RULES.count(old) == 1
    with pytest.raises(RulesError) as caught:
        parse(RULES.replace(old, new), "rules.toml")
    assert any(
        told.startswith(f"rules.toml:{line}: ") and message in told for told in caught.value.message.split("\n")
    ), caught.value.message


def test_calendars_that_are_part_of_each_other_are_an_error() -> None:
    circle = RULES.replace('weekly = { mon-fri = ["09:00-17:00"] }\n[[policy]]', 'any_of = ["world"]\n[[policy]]')
    with pytest.raises(RulesError, match="'world' is part of 'boston'; a calendar cannot be part of itself"):
        parse(circle)


def test_a_union_that_never_opens_is_an_error_of_its_line() -> None:
    closed = RULES.replace("[calendars.world]", "[calendars.a]\n[calendars.b]\n[calendars.world]")
    with pytest.raises(RulesError) as caught:
        parse(closed.replace(MEMBERS, '["a", "b"]'), "rules.toml")
    told = "rules.toml:15: calendars.world.any_of: the calendar is never open, because none of a, b is ever open"
    assert told in caught.value.message
    with pytest.raises(RulesError) as half_open:
        parse(closed.replace(MEMBERS, '["a", "boston"]'))
    assert "calendars.world" not in half_open.value.message


def test_a_yearly_date_alone_opens_a_calendar_every_year() -> None:
    fair = '[calendars.fair]\ndates = { "02-29" = ["09:00-12:00"] }\n'
    asked = parse(RULES.replace("[[policy]]", f"{fair}[[policy]]", 1)).calendar("fair")
    assert [asked.intervals(date(year, 2, 28 + (year % 4 == 0))) != () for year in (2026, 2028, 2096)] == [
        False,
        True,
        True,
    ]


def holidays(**keys: str) -> BusinessCalendar:
    stated = "\n".join(f"{key} = {value}" for key, value in keys.items())
    text = f'schema = 1\n[calendars.asked]\n{stated}\nweekly = {{ mon-fri = ["09:00-17:00"] }}\n'
    return parse(text).calendar("asked")


def test_categories_choose_which_holidays_close() -> None:
    good_friday = date(2026, 4, 3)
    assert holidays(country='"AT"').intervals(good_friday)
    assert not holidays(country='"AT"', categories='["public", "bank"]').intervals(good_friday)


def test_half_days_close_nothing_by_themselves_and_are_named() -> None:
    half = holidays(country='"GR"', categories='["public", "half_day"]')
    named = [day for day in (date(2026, 12, 24), date(2026, 12, 31)) if half.holiday_name(day) is not None]
    assert named
    assert all(half.intervals(day) for day in named)
    assert not half.intervals(date(2026, 12, 25))


def test_an_office_works_on_a_holiday_that_only_one_state_has_in_some_years() -> None:
    works = holidays(country='"US"', work_on='["Cesar Chavez Day (observed)"]')
    assert works.regions() == ["US"]


def test_an_office_works_on_holidays_by_their_english_name() -> None:
    columbus, veterans, observed = date(2026, 10, 12), date(2026, 11, 11), date(2023, 11, 10)
    works = holidays(country='"US"', work_on='["Columbus Day", "Veterans Day"]')
    assert [bool(works.intervals(day)) for day in (columbus, veterans, observed)] == [True, True, False]
    assert works.holiday_name(columbus) is None
    both = holidays(country='"US"', work_on='["Veterans Day (observed)"]')
    assert [bool(both.intervals(day)) for day in (veterans, observed)] == [False, True]
    german = holidays(country='"DE"', work_on='["German Unity Day"]')
    assert german.intervals(date(2025, 10, 3))
    assert not holidays(country='"DE"').intervals(date(2025, 10, 3))


def test_pinned_rules_keep_the_names_of_holidays_that_the_library_has_renamed() -> None:
    renamed = RULES.replace("Reformation Day", "Day of Reformation")
    with pytest.raises(RulesError):
        parse(renamed)
    assert parse(renamed, pinned=True).calendars["office"].work_on == ("Day of Reformation",)


def test_a_tenants_zone_and_country_replace_those_of_a_calendar_unless_it_is_fixed() -> None:
    new_york, united_states = "America/New_York", ("US", None)
    rules = parse(RULES.replace(WORK_ON, "fixed = false"))
    moved = rules.calendar("office", new_york, None, united_states)
    assert (moved.timezone, moved.regions()) == (new_york, ["US"])
    assert not moved.intervals(date(2026, 7, 3))  # Independence Day (observed)
    assert moved.intervals(date(2026, 10, 5))
    fixed = parse(RULES.replace(WORK_ON, "fixed = true")).calendar("office", new_york, None, united_states)
    assert (fixed.timezone, fixed.regions()) == ("Europe/Berlin", ["DE-BE"])
    world = rules.calendar("world", new_york, None, united_states)
    assert world.timezone == new_york
    assert [member.timezone for member in world.members] == ["Europe/Berlin", new_york]
    assert rules.calendar("boston", None, None, united_states).regions() == []


def test_a_union_of_one_calendar_closes_when_that_calendar_does_where_the_clocks_skip_the_end() -> None:
    text = """schema = 1
[calendars.early]
timezone = "Europe/Berlin"
weekly = { mon-sun = ["01:00-02:30"] }
[calendars.world]
timezone = "Europe/Berlin"
any_of = ["early"]
[[policy]]
name = "all"
calendar = "world"
"""
    rules, start = parse(text), int(datetime(2026, 3, 28, 12, tzinfo=UTC).timestamp())
    ends = {name: rules.calendar(name).after(start, parse_target_duration("1bd close")) for name in ("early", "world")}
    # 02:30 is as long after the change: 03:30 in Berlin.
    assert ends == dict.fromkeys(ends, int(datetime(2026, 3, 29, 1, 30, tzinfo=UTC).timestamp()))


@pytest.mark.timeout(30)
def test_members_that_unions_share_count_once() -> None:
    depth = 60
    unions = "".join(
        f'[calendars.{side}{level}]\nany_of = ["a{level + 1}", "b{level + 1}"]\n'
        for level in range(depth)
        for side in "ab"
    )
    leaves = f"""[calendars.a{depth}]
timezone = "Europe/Berlin"
country = "DE"
weekly = {{ mon-fri = ["09:00-17:00"] }}
[calendars.b{depth}]
timezone = "America/New_York"
country = "US"
weekly = {{ mon-fri = ["09:00-17:00"] }}
"""
    rules = parse(f'schema = 1\n{unions}{leaves}[[policy]]\nname = "all"\ncalendar = "a0"\n')
    world, pair = rules.calendar("a0"), rules.calendar(f"b{depth - 1}")
    start, days = datetime(2026, 3, 27, 12, tzinfo=UTC), [date(2026, 12, number) for number in range(20, 32)]
    assert not rules.is_open_all_day("a0")
    assert world.regions() == pair.regions() == ["DE", "US"]
    assert world.add_days(start, 3) == pair.add_days(start, 3)
    assert world.pieces(start, start.replace(month=5)) == pair.pieces(start, start.replace(month=5))
    assert [world.holiday_name(day) for day in days] == [pair.holiday_name(day) for day in days]
    assert [world.is_closed_by_holiday(day) for day in days] == [pair.is_closed_by_holiday(day) for day in days]
    assert [world.is_special(day) for day in days] == [False] * len(days)
    assert world.holiday_name(date(2026, 12, 25)) == f"Christmas Day (a{depth}); Christmas Day (b{depth})"


def test_a_version_that_names_a_member_twice_can_still_be_read() -> None:
    rules = parse(RULES.replace(MEMBERS, '["boston", "office", "boston"]'), pinned=True)
    assert rules.calendar("world").regions() == ["DE-BE"]
