"""Which durations a key takes is part of its type: business days are counted, or refused with the valid forms."""

import pytest

from slactl.durations import Duration
from slactl.errors import RulesError
from slactl.sla.enums import Priority, Target
from slactl.sla.rules.loading import parse

RULES = """\
schema = 1
[settings]
ack_for = "4h"
due_soon = "2h"
send_timeout = "30s"
[calendars.office]
weekly = { mon-fri = ["09:00-17:00"] }
[[policy]]
name = "all"
calendar = "office"
[policy.targets]
default = { resolution = "4h" }
[[escalation]]
id = "late"
on = "resolution"
level = [{ id = "a", at = "+1h", tag = ["late"], repeat = { every = "3h", max = 2 } }]
[[escalation]]
id = "quiet"
on = "idle"
idle = { for = "8h" }
level = [{ id = "a", at = "0m", tag = ["quiet"] }]
[[escalation]]
id = "many"
on = "burst"
burst = { count = 3, within = "6h" }
level = [{ id = "a", at = "0m", tag = ["many"] }]
"""

WALL, COUNTED = "use 90s, 30m, 2h, 1h30m, 2d or 1w", "use 90s, 30m, 2h, 1h30m, 2d, 1w or 3bd"

MISTAKES = [
    *[
        (old, f'"{length}"', line, WALL)
        for old, line in (('"2h"', 4), ('"30s"', 5), ('"6h"', 25))
        for length in ("1bd", "1bd close", "soon")
    ],
    *[
        (old, f'"{length}"', line, COUNTED)
        for old, line in (('"4h"\n', 3), ('"3h"', 16), ('"8h"', 20))
        for length in ("1bd close", "0bd close", "1bd 17:00", "soon")
    ],
    ('"+1h"', '"-1bd"', 16, "'-1bd' is in business days, which count only after a deadline; write -8h or +1bd"),
    ('"+1h"', '"+1bd close"', 16, COUNTED),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), MISTAKES)
def test_other_forms_are_refused_with_the_valid_ones(old: str, new: str, line: int, message: str) -> None:
    assert RULES.count(old) == 1
    with pytest.raises(RulesError) as caught:
        parse(RULES.replace(old, new + old[old.rindex('"') + 1 :]), "rules.toml")
    assert caught.value.message.startswith(f"rules.toml:{line}: ")
    assert message in caught.value.message


def test_business_days_are_read_where_they_are_counted() -> None:
    text = RULES.replace('"4h"\n', '"1bd"\n').replace('"3h"', '"2bd"').replace('"8h"', '"3bd"').replace("+1h", "+4bd")
    rules = parse(text)
    late, quiet, _ = rules.escalations
    assert rules.settings.ack_for == Duration(business_days=1)
    assert late.levels[0].repeat is not None
    assert late.levels[0].repeat.every == Duration(business_days=2)
    assert quiet.idle is not None
    assert quiet.idle.for_ == Duration(business_days=3)
    assert str(late.levels[0].at) == "+4bd"


def test_a_week_is_seven_days_of_24_hours() -> None:
    text = RULES.replace('calendar = "office"', 'calendar = "always"').replace("weekly = ", "fixed = true\nweekly = ")
    text = text.replace("[calendars.office]", "[calendars.always]\nalways_open = true\n[calendars.office]")
    for old in ('"4h"', '"2h"', '"30s"', '"3h"', '"8h"', '"6h"'):
        text = text.replace(old, '"1w"')
    rules = parse(text.replace("+1h", "+1w"))
    week = Duration(7 * 86_400, has_days=True)
    late, quiet, many = rules.escalations
    assert (rules.settings.ack_for, rules.settings.due_soon, rules.settings.send_timeout) == (week, week, week)
    assert rules.policies[0].target(Priority.LOW, Target.RESOLUTION) == week
    assert late.levels[0].at.seconds == week.seconds
    assert (late.levels[0].repeat.every, quiet.idle.for_, many.burst.within) == (week, week, week)  # type: ignore[union-attr]
    with pytest.raises(RulesError, match="but calendar office is not always open"):
        parse(RULES.replace('"4h" }', '"1w" }'))


@pytest.mark.parametrize(("old", "new"), [('"+1h"', '"+1bd"'), ('"3h"', '"1bd"'), ('"8h"', '"1bd"')])
def test_a_rule_that_counts_every_hour_takes_no_business_days(old: str, new: str) -> None:
    wall = RULES.replace('on = "resolution"', 'on = "resolution"\nclock = "wall"')
    wall = wall.replace('on = "idle"', 'on = "idle"\nclock = "wall"').replace(old, new)
    with pytest.raises(RulesError, match=r'is in business days, but clock = "wall" counts every hour; use 90s'):
        parse(wall)
    assert parse(wall, pinned=True).escalations


@pytest.mark.parametrize("old", ['"2h"', '"30s"', '"6h"'])
def test_pinned_rules_load_with_the_business_days_that_were_accepted_once(old: str) -> None:
    text = RULES.replace(old, '"1bd"')
    with pytest.raises(RulesError):
        parse(text)
    assert parse(text, pinned=True).policies
