"""What is probably a mistake in valid rules: each kind of warning, and that good rules have none."""

import json
from datetime import UTC, datetime
from pathlib import Path

from conftest import Slactl
from freezegun import freeze_time

from slactl.config import shipped_rules
from slactl.desk.rules.file import check
from slactl.sla.rules.checks.lint import lint
from slactl.sla.rules.loading import load, parse

HEAD = "schema = 1\n[calendars.always]\nalways_open = true\n"
EVERY = 'default = { resolution = "4h" }'
ALL = f'[[policy]]\nname = "all"\ncalendar = "always"\n[policy.targets]\n{EVERY}\n'


def policy(name: str, match: str, targets: str = EVERY) -> str:
    """Five lines."""
    return f'[[policy]]\nname = "{name}"\nmatch = {{ {match} }}\ncalendar = "always"\ntargets = {{ {targets} }}\n'


def ladder(level: str, when: str = "", on: str = "resolution") -> str:
    """Five lines; the level is on the last."""
    return (
        f'[[escalation]]\nid = "late"\non = "{on}"\nwhen = {{ {when} }}\nlevel = [{{ id = "l", at = "0m", {level} }}]\n'
    )


def warnings(*parts: str) -> list[str]:
    text = HEAD + "".join(parts) + '[roles.support_manager]\nassignee = "mia"\n'
    return [f"{warning.line}: {warning.message}" for warning in lint(parse(text), text, 2026)]


def test_the_shipped_rules_have_nothing_to_warn_about() -> None:
    text = shipped_rules().read_text(encoding="utf-8")
    assert lint(parse(text), text, 2026) == []


def test_a_policy_that_another_one_hides() -> None:
    assert warnings(ALL, policy("pro", 'plan = ["pro"]')) == [
        "9: policy 'pro' is never reached: 'all' above matches first"
    ]
    assert warnings(policy("a", 'plan = ["x", "y"]'), policy("b", 'plan = ["x"], tag = ["t"]'), ALL) == [
        "9: policy 'b' is never reached: 'a' above matches first"
    ]


def test_a_policy_that_several_others_hide_together() -> None:
    parts = (
        policy("calm", 'priority = ["low", "normal"]'),
        policy("hot", 'priority = ["high", "urgent"]'),
        policy("pro", 'plan = ["pro"]'),
    )
    assert warnings(*parts) == ["14: policy 'pro' is never reached: the policies above match first"]


def test_policies_that_can_be_reached() -> None:
    tagged = policy("a", 'tag = ["t", "u"]'), policy("b", 'tag = ["t", "v"]'), ALL
    assert warnings(*tagged) == []
    assert warnings(policy("a", 'plan = ["x"], tenant = ["t"]'), policy("b", 'plan = ["x"]'), ALL) == []
    assert warnings(policy("a", 'requester_domain = ["Big.example"]'), ALL) == []


def test_no_catch_all() -> None:
    assert "4: no catch-all: a ticket that no policy matches gets no deadline" in warnings(
        policy("free", 'plan = ["free"]')
    )
    both = policy("calm", 'priority = ["low", "normal"]'), policy("hot", 'priority = ["high", "urgent"]')
    assert warnings(*both) == []


def test_a_plan_and_priority_without_targets() -> None:
    urgent = 'urgent = { resolution = "1h" }'
    assert warnings(policy("pro", 'plan = ["pro"]', urgent), ALL) == [
        "4: policy 'pro' has no targets for low, normal, high tickets of plan pro"
    ]
    assert warnings(policy("hot", 'plan = ["pro"], priority = ["urgent"]'), policy("free", 'plan = ["free"]')) == [
        "4: plan 'pro' has no targets for low, normal, high tickets: no policy matches them",
        "9: no catch-all: a ticket that no policy matches gets no deadline",
    ]
    # What another policy takes before is not one of this one's business.
    first = policy("calm", 'plan = ["pro"], priority = ["low", "normal", "high"]')
    assert warnings(first, policy("pro", 'plan = ["pro"]', urgent), ALL) == []


def test_a_level_at_which_nothing_can_happen() -> None:
    assert warnings(ALL, ladder('tag = ["late"]')) == []
    assert warnings(ALL, ladder('repeat = { every = "1h", max = 2 }')) == [
        "13: level 'l' of 'late' does nothing: no priority, assign, status, note, tag, notify"
    ]
    excluded = ladder('tag = ["late"], when = { priority = ["low"] }', 'priority = ["high", "urgent"]')
    assert warnings(ALL, excluded) == [
        "13: level 'l' of 'late' can never fire: "
        "its when and the when of the escalation rule have no priority in common"
    ]
    assert warnings(ALL, ladder('priority = "high"', 'priority = ["high", "urgent"]')) == [
        "13: level 'l' of 'late' changes nothing: its tickets already have priority high or higher"
    ]
    assert warnings(ALL, ladder('priority = "urgent"', 'priority = ["high", "urgent"]')) == []


def test_a_ladder_that_nothing_can_start() -> None:
    promised = policy("pro", 'plan = ["pro"]', 'default = { resolution = "1h", next_response = "1h" }'), ALL
    assert warnings(*promised, ladder('tag = ["late"]', on="next_response")) == []
    told = ["14: 'late' can never fire: no policy has the target next_response for its tickets"]
    assert warnings(*promised, ladder('tag = ["late"]', 'plan = ["free"]', on="next_response")) == told
    assert warnings(ALL, ladder('tag = ["late"]', on="first_response")) == [
        "9: 'late' can never fire: no policy has the target first_response for its tickets"
    ]


def test_a_rule_or_level_that_excludes_what_it_matches() -> None:
    unpriced = 'plan = ["free", "trial"], not = { plan = ["trial", "free", "pro"] }'
    rule = ["9: 'late' can never fire: its when excludes all tickets that it matches"]
    level = ["13: level 'l' of 'late' can never fire: its when excludes all tickets that the rule matches"]
    assert warnings(ALL, ladder('tag = ["late"]', unpriced)) == rule
    not_high = 'tag = ["late"], when = { not = { priority = ["high"] } }'
    assert warnings(ALL, ladder(not_high, 'priority = ["high"]')) == level
    for when in ("", 'priority = ["high", "low"]', 'plan = ["free"]'):
        assert warnings(ALL, ladder(not_high, when)) == []


def test_a_role_nobody_holds() -> None:
    assert warnings(ALL, "[roles.boss]\n") == ["9: the role 'boss' has no assignee"]
    channel = '[roles.boss]\nnotify = ["${env:KNOWN}"]\n'
    assert warnings(ALL, channel) == []
    assert warnings(ALL, channel, ladder('assign = "boss"')) == ["9: the role 'boss' has no assignee"]


def test_a_missing_environment_variable(tmp_path: Path) -> None:
    people = '[people.mia]\nnotify = ["${env:KNOWN}", "mailtos://${env:LOGIN}@example.com"]\n'
    (tmp_path / "rules.toml").write_text(HEAD + ALL + people + '[roles.support_manager]\nassignee = "mia"\n')
    _, told = check(tmp_path / "rules.toml", {"KNOWN": "mailtos://mia@example.com"}, datetime(2026, 3, 2, tzinfo=UTC))
    assert [(warning.line, "LOGIN" in warning.message) for warning in told] == [(10, True)]


def test_the_rules_of_the_examples_are_valid_and_have_no_catch_all() -> None:
    path = Path(__file__).parents[2] / "data" / "sla" / "rules.toml"
    told = [warning.message for warning in lint(load(path), path.read_text(), 2026)]
    assert "no catch-all: a ticket that no policy matches gets no deadline" in told
    assert not [message for message in told if "never reached" in message]


def test_days_that_are_counted_in_open_hours() -> None:
    office = '[calendars.office]\nweekly = { mon-fri = ["09:00-17:00"] }\n'
    rule = '[[escalation]]\nid = "late"\non = "resolution"\n'
    level = 'level = [{ id = "l", at = "+1d12h", tag = ["late"], repeat = { every = "2d", max = 2 } }]\n'
    told = [
        '14: "1d12h" counts 36h of open time on calendar office; write "1bd" for open dates, or "36h"',
        '14: "2d" counts 48h of open time on calendar office; write "2bd" for open dates, or "48h"',
    ]
    on_office = ALL.replace('"always"', '"office"')
    assert warnings(office, on_office, rule, level) == told
    own = ALL.replace('"4h"', '{ within = "4h", calendar = "office" }')
    assert warnings(office, own, rule, level) == told
    assert warnings(office, ALL, rule, level) == []
    assert warnings(office, on_office, rule, 'clock = "wall"\n', level) == []
    whole = office.replace("mon-fri", "mon-sun").replace("09:00-17:00", "00:00-24:00")
    assert warnings(whole, on_office, rule, level) == []


def test_policies_that_exclude_tickets_leave_them_to_those_below() -> None:
    no_vip, no_board = policy("a", 'not = { tag = ["vip"] }'), policy("b", 'not = { tag = ["board"] }')
    assert warnings(no_vip, no_board, ALL) == []
    assert warnings(no_vip, no_vip.replace('"a"', '"b"'), ALL) == [
        "9: policy 'b' is never reached: 'a' above matches first"
    ]
    assert warnings(policy("a", 'not = { tag = ["x"], tenant = ["t"] }'), policy("b", 'tenant = ["t"]')) == []
    assert warnings(policy("a", 'not = { plan = ["pro"] }'), policy("b", 'plan = ["pro"]')) == []
    assert "4: no catch-all: a ticket that no policy matches gets no deadline" in warnings(no_vip)
    assert warnings(policy("a", 'not = { requester_domain = ["x.example"] }'), ALL) == []


def test_a_level_whose_when_only_excludes_can_fire() -> None:
    excluded = ladder('tag = ["late"], when = { not = { plan = ["free"] } }', 'not = { tag = ["vip"] }')
    assert warnings(ALL, excluded) == []


def test_a_resolution_that_is_shorter_than_the_first_response() -> None:
    def told(first: str, resolution: str) -> list[str]:
        return warnings(ALL.replace(EVERY, f"low = {{ first_response = {first}, resolution = {resolution} }}\n{EVERY}"))

    assert told('"4h"', '"1h"') == [
        "8: policy 'all': the resolution of low tickets, 1h, is shorter than their first response, 4h"
    ]
    assert told('"3bd"', '"2bd"') == [
        "8: policy 'all': the resolution of low tickets, 2bd, is shorter than their first response, 3bd"
    ]
    assert told('{ within = "4h", calendar = "always" }', '"1h"') == [
        "8: policy 'all': the resolution of low tickets, 1h, is shorter than their first response, 4h on always"
    ]
    for pair in (('"1bd"', '"4h"'), ('"2bd 17:00"', '"1bd 17:00"'), ('"1bd close"', '"0bd close"')):
        assert len(told(*pair)) == 1, pair
    for pair in (('"1h"', '"1h"'), ('"4h"', '"0bd close"'), ('"1bd 10:00"', '"0bd 17:00"'), ('"1bd 17:00"', '"30h"')):
        assert told(*pair) == [], pair


def test_a_level_that_reaches_nobody() -> None:
    rule = '[[escalation]]\nid = "late"\non = "{}"\n{}level = [{{ id = "l", at = "0m", {} }}]\n'

    def told(on: str, level: str, more: str = "") -> list[str]:
        return warnings(ALL, rule.format(on, more, level))

    assert told("unassigned", 'notify = ["assignee"]') == [
        "12: level 'l' of 'late' reaches nobody: its tickets have no assignee, and the rule has no fallback"
    ]
    assert told("resolution", 'notify = ["previous_assignee"]') == [
        "12: level 'l' of 'late' reaches nobody: its tickets have no previous_assignee, and the rule has no fallback"
    ]
    assert len(told("unassigned", 'assign = "support_manager", notify = ["previous_assignee"]')) == 1
    assert told("unassigned", 'assign = "support_manager", notify = ["assignee"]') == []
    assert told("unassigned", 'notify = ["assignee", "support_manager"]') == []
    assert told("unassigned", 'notify = ["assignee"]', 'fallback = "support_manager"\n') == []
    assert told("resolution", 'notify = ["assignee"]') == []
    assert told("unassigned", 'tag = ["late"]') == []
    for more, level in (("when = { unassigned = true }\n", ""), ("", ", when = { unassigned = true }")):
        assert len(told("waiting", f'notify = ["assignee"]{level}', more)) == 1
    assert told("waiting", 'notify = ["assignee"]', "when = { unassigned = false }\n") == []


def test_a_manual_escalation_that_tells_nobody() -> None:
    for text, line in ((HEAD + ALL, 1), (HEAD + "[settings]\nmanual_escalation = {}\n" + ALL, 5)):
        (warning,) = lint(parse(text), text, 2026)
        assert warning == (line, "slactl escalate notifies nobody: settings.manual_escalation has no notify")


def test_a_country_whose_parts_have_holidays_of_their_own() -> None:
    def told(*lines: str) -> list[str]:
        return warnings(ALL, "[calendars.office]\nweekly = { mon-fri = ['09:00-17:00'] }\n", *lines)

    (german,) = told('country = "DE"\n')
    assert german.startswith("11: without a subdivision of DE these holidays count as working days: All Saints' Day, ")
    assert german.endswith(" more")
    assert told('country = "DE"\nsubdivision = "BE"\n') == []
    assert told('country = "NL"\n') == []
    assert told() == []


def test_holidays_of_parts_of_a_country_are_those_of_the_current_year(slactl: Slactl, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(
        HEAD + ALL + "[calendars.office]\nweekly = { mon-fri = ['09:00-17:00'] }\ncountry = 'DE'\n"
    )
    once = "75th anniversary of the East German uprising of 1953"  # in Berlin, in 2028
    for year in (2027, 2028):
        with freeze_time(f"{year}-02-01"):
            ended = slactl("rules", "check", str(tmp_path / "rules.toml"))
        assert (ended.code, once in ended.err) == (0, year == 2028), ended.err


def test_a_zone_without_summer_time() -> None:
    office = "[calendars.office]\nweekly = { mon-fri = ['09:00-17:00'] }\n"

    def told(zone: str) -> list[str]:
        return warnings(ALL, office, f'timezone = "{zone}"\n')

    assert told("EST") == ["11: time zone EST has no summer time; write a place, such as America/New_York"]
    assert told("Etc/GMT-1") == ["11: time zone Etc/GMT-1 has no summer time; write a place, such as Europe/Berlin"]
    for zone in ("Europe/Berlin", "UTC", "Asia/Kolkata", "Etc/UTC"):
        assert told(zone) == []
    assert warnings(ALL, '[people.mia]\ntimezone = "MST"\n') == [
        "10: time zone MST has no summer time; write a place, such as America/Denver"
    ]
    rota = '[people.ann]\n[schedules.first]\ntimezone = "EST"\nlayer = [{ people = ["ann"] }]\n'
    planned = '[[maintenance]]\ntimezone = "MST"\nweekly = ["sun 02:00-06:00"]\n'
    assert [line.split(":")[0] for line in warnings(ALL, rota, planned)] == ["11", "14"]


def test_strict_check_makes_warnings_errors(slactl: Slactl, tmp_path: Path) -> None:
    good, doubtful = tmp_path / "good.toml", tmp_path / "doubtful.toml"
    good.write_text(shipped_rules().read_text(encoding="utf-8"))
    doubtful.write_text(HEAD + policy("pro", 'plan = ["pro"]') + '[roles.support_manager]\nassignee = "mia"\n')
    assert slactl("rules", "check", str(good), "--strict").code == 0
    lenient = slactl("rules", "check", str(doubtful))
    assert (lenient.code, lenient.err.count("warning: "), lenient.err.count("error: ")) == (0, 2, 0)
    strict = slactl("rules", "check", "--strict", str(doubtful))
    assert (strict.code, strict.err.count("warning: "), strict.err.count("error: ")) == (4, 0, 2)
    assert f"error: {doubtful}:4: no catch-all" in strict.err
    assert strict.out == f"{doubtful}: not valid with --strict (1 policy, 1 calendar, 0 escalation rules, 2 warnings)\n"
    as_json = slactl("rules", "check", "--strict", "--json", str(doubtful))
    assert (as_json.code, len(json.loads(as_json.out)["warnings"])) == (4, 2)
