"""A tenant's own country and subdivision, whose holidays replace those of the calendar."""

import re

import pytest

from slactl.clock import to_text
from slactl.sla.history.file import parse_record
from slactl.sla.history.readers import LineError
from slactl.sla.rules.loading import parse
from slactl.sla.timers.evaluate import evaluate

#: An office that is closed on Women's Day, 8 March, which is a holiday in Berlin only.
HOLIDAY_RULES = """
schema = 1
[calendars.office]
timezone = "Europe/Berlin"
country = "DE"
subdivision = "BE"
weekly = { mon-fri = ["09:00-17:00"] }
[calendars.plain]
timezone = "Europe/Berlin"
weekly = { mon-fri = ["09:00-17:00"] }
[calendars.fixed]
timezone = "Europe/Berlin"
country = "DE"
fixed = true
weekly = { mon-fri = ["09:00-17:00"] }
[[policy]]
name = "fixed"
match = { plan = ["fixed"] }
calendar = "fixed"
targets = { default = { resolution = "4h" } }
[[policy]]
name = "plain"
match = { plan = ["plain"] }
calendar = "plain"
targets = { default = { resolution = "4h" } }
[[policy]]
name = "office"
calendar = "office"
targets = { default = { resolution = "4h" } }
"""


def due_on(*records: dict[str, object]) -> str | None:
    lines = [parse_record({"ticket": "A", **record}).event for record in records]
    rules = parse(HOLIDAY_RULES)
    found = evaluate(lines, lambda _: rules, lines[-1].at)
    assert found.due_at is not None
    return to_text(found.due_at)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "2027-03-09T12:00:00Z"),  # Monday 8 March is a holiday in Berlin
        ({"country": "DE", "subdivision": "BY"}, "2027-03-08T12:00:00Z"),
        ({"country": "DE"}, "2027-03-08T12:00:00Z"),
        ({"country": "US", "timezone": "America/New_York"}, "2027-03-08T18:00:00Z"),
        ({"country": "DE", "subdivision": "BE", "plan": "plain"}, "2027-03-08T12:00:00Z"),
        ({"country": "DE", "subdivision": "BE", "plan": "fixed"}, "2027-03-08T12:00:00Z"),
        ({"timezone": "America/New_York", "plan": "fixed"}, "2027-03-08T12:00:00Z"),
    ],
)
def test_a_tenants_own_country_replaces_that_of_the_calendar(facts: dict[str, object], expected: str) -> None:
    assert due_on({"at": "2027-03-07T12:00:00Z", "type": "created", **facts}) == expected


def test_a_tenant_of_another_country_is_judged_by_its_holidays_from_then_on() -> None:
    created: dict[str, object] = {"at": "2027-03-07T12:00:00Z", "type": "created"}
    bavarian = {"tenant": "acme", "country": "DE", "subdivision": "BY"}
    moved = {"at": "2027-03-07T13:00:00Z", "type": "tenant", **bavarian}
    assert due_on(created, moved) == "2027-03-08T12:00:00Z"
    back = {"at": "2027-03-07T14:00:00Z", "type": "tenant", "tenant": None, "country": None}
    assert due_on(created, moved, back) == "2027-03-09T12:00:00Z"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"country": "DX"}, "country: no holidays are known for country 'DX'; write its two letters, such as DE"),
        ({"country": "Germany"}, "country: no holidays are known for country 'Germany'"),
        ({"country": "DE", "subdivision": "XX"}, "subdivision: DE has no subdivision 'XX'"),
        ({"subdivision": "BE"}, "subdivision: needs a country"),
    ],
)
def test_an_unknown_country_of_a_history_is_an_error_of_its_field(facts: dict[str, object], message: str) -> None:
    with pytest.raises(LineError, match=re.escape(message)):
        due_on({"at": "2027-03-07T12:00:00Z", "type": "created", **facts})
