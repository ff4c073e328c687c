"""What is wrong with rules: each mistake is an error with its line, and with the word that was probably meant."""

import re

import pytest

from slactl.errors import ExitCode, RulesError
from slactl.sla.rules.loading import load, parse

RULES = """\
schema = 1
[settings]
default_plan = "free"
[calendars.office]
timezone = "Europe/Berlin"
[calendars.office.weekly]
mon-fri = ["09:00-17:00"]
[calendars.always]
always_open = true
[[policy]]
name = "all"
calendar = "office"
[policy.targets]
default = { resolution = "4h" }
[roles.support_manager]
assignee = "mia"
[[escalation]]
id = "late"
on = "resolution"
  [[escalation.level]]
  id = "breach"
  at = "0m"
  notify = ["support_manager"]
"""

HOURS, SPECIAL = "[calendars.office.weekly]", "[calendars.office.dates]"

#: What is written instead of what, on which line the error is, and what it says.
MISTAKES = [
    # Keys that nobody knows, and types.
    ('default_plan = "', 'defalt_plan = "', 3, "unknown key defalt_plan; did you mean default_plan?"),
    ('timezone = "', 'timezon = "', 5, "unknown key timezon; did you mean timezone?"),
    ("{ resolution =", "{ resoluton =", 14, "unknown key resoluton; did you mean resolution?"),
    ("[settings]", "[setings]", 2, "unknown key setings; did you mean settings?"),
    ('calendar = "office"', 'match = { pln = ["x"] }\ncalendar = "office"', 12, "did you mean plan?"),
    ('"free"', "3", 3, "must be a text"),
    ('[settings]\ndefault_plan = "free"', "settings = 3", 2, "must be a table"),
    ("always_open = true", 'always_open = "yes"', 9, "must be true or false"),
    ('default_plan = "free"', 'pause = "resolution"', 3, 'must be a list: ["resolution"]'),
    ("[[policy]]", "[policy]", 10, "write [[policy]]"),
    ("schema = 1", "schema = 2", 1, "write schema = 1"),
    ('calendar = "office"\n', "", 10, "calendar is missing"),
    *[
        ('calendar = "office"\n[policy', f'match = {{ {key} }}\ncalendar = "office"\n[policy', 12, message)
        for key, message in (
            ('not = { status = ["open"] }', "unknown key status; the keys here are tenant, plan, tag, priority, req"),
            ("unassigned = true", "unknown key unassigned; the keys here are tenant, plan, tag, priority, req"),
        )
    ],
    *[
        ("  [[escalation.level]]", f"when = {{ {key} }}\n  [[escalation.level]]", 20, message)
        for key, message in (
            ('not = { statsu = ["open"] }', "unknown key statsu; did you mean status?"),
            ('status = ["opn"]', "did you mean open?"),
            ("unassigned = 1", "must be true or false"),
            ("assignee = []", "an empty list matches nothing"),
        )
    ],
    # Conditions. The policy's `match` is on line 12, a rule's `when` on line 20, a level's on line 24.
    *[
        (old, f"{key} = {{ {condition} }}\n{old}", line, message)
        for old, key, line in (
            ('calendar = "office"\n[policy', "match", 12),
            ("  [[escalation.level]]", "when", 20),
            ('notify = ["support_manager"]', "when", 23),
        )
        for condition, message in (
            ('tag = ["big boss"]', "'big boss' has a comma or a blank, and no ticket has such a tag; write 'big-boss'"),
            ('tag = ["a", "b,c"]', "write 'b-c'"),
            ('not = { tag = [" vip"] }', "write 'vip'"),
            ("not = {}", "an empty table excludes every ticket; remove the key"),
            ("not = { tag = [] }", "an empty list matches nothing"),
            ('not = { tags = ["vip"] }', "unknown key tags; did you mean tag?"),
            ('not = { priority = ["urgnt"] }', "did you mean urgent?"),
            ('not = ["vip"]', "must be a table"),
        )
    ],
    ('notify = ["support_manager"]', 'tag = ["too late"]', 23, "the tag 'too late' has a comma or a blank"),
    # Settings and policies.
    *[
        (old, f"{line}\n{old}", number, message)
        for old, number in (('default_plan = "free"', 3), ('calendar = "office"\n[policy', 12))
        for line, message in (
            ('count_from = "chnge"', "'chnge' is not one of creation, change; did you mean change?"),
            ("count_from = 1", "must be"),
            ('late_targets = "keeps"', "'keeps' is not one of keep, recount; did you mean keep?"),
            ('count_fron = "change"', "unknown key count_fron; did you mean count_from?"),
            ('late_target = "keep"', "unknown key late_target; did you mean late_targets?"),
            ('pause = ["updates"]', "did you mean update?"),
        )
    ],
    ("[settings]", '[priorities]\nurgnt = ["P1"]\n[settings]', 3, "unknown key urgnt; did you mean urgent?"),
    ("[settings]", '[priorities]\nP1 = "urgent"\n[settings]', 3, "the keys here are low, normal, high, urgent"),
    ("[settings]", '[priorities]\nurgent = "P1"\n[settings]', 3, 'must be a list: ["P1"]'),
    ("[settings]", '[priorities]\nhigh = ["P1"]\nlow = ["p1"]\n[settings]', 2, "'P1' cannot mean high and low"),
    ("[settings]", '[priorities]\nhigh = ["Urgent"]\n[settings]', 2, "'Urgent' cannot mean high and urgent"),
    ('resolution = "4h"', 'updates = "2h"', 14, "unknown key updates; did you mean update?"),
    ('resolution = "4h"', 'update = "0h"', 14, "is not positive"),
    ('resolution = "4h"', "update = 2", 14, "a target must be a text: 90s, 30m"),
    # Durations.
    *[('"4h"', length, 14, "a target must be a text: 90s, 30m") for length in ("4", "4.5", "true", "[]")],
    ('"4h"', "{ seconds = 4 }", 14, "unknown key seconds"),
    ('"4h"', '{ witin = "4h" }', 14, "unknown key witin; did you mean within?"),
    ('"4h"', '{ calendar = "office" }', 14, "within is missing"),
    ('"4h"', "{ within = 4 }", 14, "a duration must be a text: 90s, 30m"),
    ('"4h"', '{ within = "4h", calendar = "ofice" }', 14, "there is no calendar 'ofice'; did you mean office?"),
    ('"4h"', '{ within = "1d", calendar = "office" }', 14, '"1d" counts days, but calendar office is not always open'),
    *[('"4h"', f'"{length}"', 14, "is not positive") for length in ("0h", "0m", "0h0m")],
    ('"4h"', '"0bd"', 14, "'0bd' needs a time of day; use 0bd close, 0bd 17:00 or 1bd"),
    *[
        ('"4h"', f'"{length}"', 14, "2d, 1w, 3bd, 1bd 17:00 or 1bd close")
        for length in ("1bd 25:00", "1bd 9:00", "1bd closing", "1bd 17:00:30", "bd close", "1d close", "1bd17:00")
    ],
    ('"4h"', '"99999bd close"', 14, "longer than ten years"),
    *[
        ('"4h"', f'"{length}"', 14, "is not a valid duration")
        for length in ("-4h", "1.5h", "4 hours", "", "4", "2bd4h", "4H")
    ],
    ('"4h"', '"99999h"', 14, "longer than ten years"),
    ('"4h"', '"2d"', 14, 'calendar office is not always open; write hours or business days, such as "2bd"'),
    # Names.
    ('= "office"', '= "ofice"', 12, "there is no calendar 'ofice'; did you mean office?"),
    ('["support_manager"]', '["suport_manager"]', 23, "did you mean support_manager?"),
    ('notify = ["', 'assign = "support"  # ["', 23, "did you mean support_manager?"),
    (
        'on = "resolution"',
        'on = "resolution"\nfallback = "boss"',
        20,
        "there is no role 'boss' (known: support_manager)",
    ),
    ('on = "resolution"', 'on = "resolutin"', 19, "did you mean resolution?"),
    ("default = {", "defalt = {", 14, "there is no priority 'defalt'; did you mean default?"),
    ('default_plan = "free"', 'reopen = "reopen"', 3, "is not one of continue, reset, frozen"),
    ('default_plan = "free"', 'pause_statuses = ["waiting"]', 3, "did you mean waiting_customer?"),
    (
        'default_plan = "free"',
        'manual_escalation = { notify = ["suport_manager"] }',
        3,
        "did you mean support_manager?",
    ),
    ("Europe/Berlin", "Europe/Berln", 5, "there is no time zone 'Europe/Berln'; did you mean Europe/Berlin?"),
    ("Europe/Berlin", "europe/berlin", 5, "did you mean Europe/Berlin?"),
    # Names that are there twice.
    ("[roles", '[[policy]]\nname = "all"\ncalendar = "office"\n[roles', 16, "the name 'all' is used above"),
    ("  [[escalation.level]]", '[[escalation.level]]\nid = "breach"\nat = "1%"\n[[escalation.level]]', 24, "'breach'"),
    # Hours.
    ('["09:00-17:00"]', "[]", 4, "the calendar is never open; give it weekly hours, dates or always_open = true"),
    (f'{HOURS}\nmon-fri = ["09:00-17:00"]', f'{SPECIAL}\n"2026-03-02" = []', 4, "the calendar is never open"),
    (f'{HOURS}\nmon-fri = ["09', f'{SPECIAL}\n"2026-03-29" = ["02:10-02:50"]\n#', 4, "the calendar is never open"),
    ('["09:00-17:00"]', '["09:00-12:00", "11:00-13:00"]', 7, "hours overlap: 09:00-12:00, 11:00-13:00"),
    ('["09:00-17:00"]', '["22:00-06:00", "23:00-23:30"]', 7, "hours overlap"),
    ('["09:00-17:00"]', '["09:00-09:00"]', 7, "starts and ends at the same time"),
    ('["09:00-17:00"]', '["24:00-06:00"]', 7, "starts at 24:00"),
    ('["09:00-17:00"]', '["09:00-25:00"]', 7, "a time of day that does not exist"),
    ('["09:00-17:00"]', '["9-5"]', 7, "is not a valid interval"),
    ('["09:00-17:00"]', '["09:00-17:00"]\nwed = []', 8, "wed already has hours in 'mon-fri'"),
    ("mon-fri", "mon-fryday", 7, "is not a weekday"),
    (HOURS, f"always_open = true\n{HOURS}", 7, "always_open and weekly cannot be used together"),
    (HOURS, f'holidays = ["02-30"]\n{HOURS}', 6, "is not a day of the year"),
    (HOURS, f'holidays = ["2026-12-31..2026-12-01"]\n{HOURS}', 6, "ends before it begins"),
    (HOURS, f'{SPECIAL}\n"2026-02-30" = []\n{HOURS}', 7, "is not a valid date"),
    (HOURS, f'country = "DX"\n{HOURS}', 6, "no holidays are known for country 'DX'; write its two letters"),
    (HOURS, f'country = "DE"\nsubdivision = "XX"\n{HOURS}', 7, "DE has no subdivision 'XX' (known: BB, BE"),
    (HOURS, f'subdivision = "BE"\n{HOURS}', 6, "a subdivision needs a country"),
    # Ladders.
    (
        'at = "0m"',
        'at = "30m"',
        22,
        "is not a valid offset; write 80%, -30m (before), 0m (at), +1h or +1bd (after the deadline)",
    ),
    ('at = "0m"', "at = 0", 22, "an offset must be a text"),
    ('at = "0m"', 'at = "0m"\nrepeat = { every = "0h", max = 2 }', 23, "is not positive"),
    ('on = "resolution"', 'on = "idle"', 17, 'idle = { for = "8h" } is required with on = "idle"'),
    # Secrets.
    ('assignee = "mia"', 'notify = ["mailto://mia:secret@example.com"]', 16, "store it in ${env:NAME}"),
    # TOML.
    ('default_plan = "free"', "default_plan = free", 3, "Invalid value"),
    ('notify = ["support_manager"]\n', "notify = [\n", 23, "Invalid value"),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), MISTAKES, ids=[new[:50] or "-" for _, new, *_ in MISTAKES])
def test_a_mistake_is_an_error_with_its_line(old: str, new: str, line: int, message: str) -> None:
    assert RULES.count(old) >= 1
    with pytest.raises(RulesError) as caught:
        parse(RULES.replace(old, new, 1), "rules.toml")
    assert caught.value.code is ExitCode.RULES
    (told,) = [each for each in caught.value.message.split("\n") if message in each] or [caught.value.message]
    assert message in told
    assert told.startswith(f"rules.toml:{line}: ")


#: What is nested deeper than rules ever are: as much as is read, and more than can be read.
DEEP = [
    (f"{'.'.join(['a'] * 5000)} = 1\n", 1),
    (f"\n[views.{'.'.join(['a'] * 5000)}]\n", 2),
    (f"[views.x]\na.{'.'.join(['b'] * 5000)} = 1\n", 2),
    (f"[views.x]\n\nsearch = {'[' * 300}{']' * 300}\n", 3),
    (f"[views.x]\nsearch = {'[' * 30_000}{']' * 30_000}\n", 2),
    (f"[views.x]\nsearch = {'{a = ' * 200}1{'}' * 200}\n", 2),
    ("[views.x]\nsearch = [\n" + "[\n" * 30_000 + "]" * 30_001 + "\n", 34),
]


@pytest.mark.parametrize(("text", "line"), DEEP, ids=range(len(DEEP)))
def test_what_is_nested_too_deeply_is_an_error_with_its_line(text: str, line: int) -> None:
    for whole, first in ((f"{text}{RULES}", line), (f"{RULES}{text}", line + RULES.count("\n"))):
        with pytest.raises(RulesError) as caught:
            parse(whole, "rules.toml")
        assert re.match(rf"rules.toml:{first}: .*nested deeper than", caught.value.message), caught.value.message[:200]
        assert len(caught.value.message) < 500


def test_rules_without_a_mistake_are_no_error() -> None:
    assert [policy.name for policy in parse(RULES).policies] == ["all"]


@pytest.mark.parametrize("key", ["match", "when"])
def test_pinned_rules_load_with_a_tag_that_has_a_blank(key: str) -> None:
    old = 'calendar = "office"\n[policy' if key == "match" else "  [[escalation.level]]"
    text = RULES.replace(old, f'{key} = {{ tag = ["big boss"] }}\n{old}', 1)
    with pytest.raises(RulesError):
        parse(text)
    assert parse(text, pinned=True).policies


def test_every_mistake_is_told_at_once_and_none_twice() -> None:
    wrong = RULES.replace('"4h"', '"0h"').replace("Berlin", "Berln").replace('at = "0m"', 'at = "soon"')
    with pytest.raises(RulesError) as caught:
        parse(wrong)
    assert re.findall(r":(\d+):", caught.value.message) == ["14", "22"]
    with pytest.raises(RulesError) as caught:
        parse(RULES.replace("Berlin", "Berln").replace("ofice", "x").replace('["support', '["suport'))
    assert re.findall(r":(\d+):", caught.value.message) == ["5", "23"]


def test_days_are_right_where_the_calendar_is_always_open() -> None:
    parse(RULES.replace('calendar = "office"', 'calendar = "always"').replace('"4h"', '"2d12h"'))
    parse(RULES.replace('"4h"', '"2bd"'))


def test_a_file_that_cannot_be_read_is_a_plain_error(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "latin.toml").write_bytes(b"schema = 1 # \xff")
    for name, message in (("none.toml", "cannot be read: No such file"), ("latin.toml", "is not UTF-8 at byte 13")):
        with pytest.raises(RulesError, match=message):
            load(folder / name)
