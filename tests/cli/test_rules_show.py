"""`rules show`: on a terminal each plan has the cells of its own policy, priority by priority."""

import json
import re
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from terminal import on_terminal

RULES = """
schema = 1
[calendars.always]
always_open = true
[calendars.office]
timezone = "Europe/Berlin"
[calendars.office.weekly]
mon-fri = ["09:00-17:00"]
[[policy]]
name = "pro, important"
match = { plan = ["pro"], priority = ["high", "urgent"] }
calendar = "always"
[policy.targets]
high = { first_response = "1h", next_response = "2h", resolution = "1d" }
urgent = { first_response = "15m", resolution = "4h" }
[[policy]]
name = "pro"
match = { plan = ["pro"] }
calendar = "office"
[policy.targets]
default = { first_response = "4h", resolution = "3bd" }
low = { resolution = "5bd" }
[[policy]]
name = "free"
match = { plan = ["free"], priority = ["normal", "high"] }
calendar = "always"
[policy.targets]
default = { resolution = "7d" }
[[policy]]
name = "acme"
match = { tenant = ["acme"] }
calendar = "always"
[policy.targets]
default = { resolution = "1h" }
[[policy]]
name = "anybody, urgent"
match = { priority = ["urgent"] }
calendar = "office"
[policy.targets]
default = { first_response = "8h" }
"""

#: What stands in the cells of each plan, from low to urgent.
CELLS = {
    "pro": ["- / - / 5bd (office)", "4h / - / 3bd (office)", "1h / 2h / 1d", "15m / - / 4h"],
    "free": ["no targets", "- / - / 7d", "- / - / 7d", "8h / - / - (office)"],
    "any other": ["no targets", "no targets", "no targets", "8h / - / - (office)"],
}
PRIORITIES = ["low", "normal", "high", "urgent"]


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    monkeypatch.setenv("SLACTL_RULES", str(path))
    return path


@pytest.mark.usefixtures("rules")
def test_terminal_shows_the_targets_of_each_plan_and_priority() -> None:
    words = (sys.executable, "-m", "slactl", "--color", "never", "rules", "show")
    with on_terminal(*words, columns=160, environment={"COLUMNS": ""}) as terminal:
        assert terminal.wait() == 0
    title, *drawn = re.sub("\x1b\\[[0-9;]*m", "", terminal.screen).splitlines()
    assert title.strip() == "first response / next response / resolution"
    rows = [[cell.strip() for cell in re.split("[│┃]", line)[1:-1]] for line in drawn]
    title = [line.strip() for line in drawn].index("policies for certain tickets")
    plans, special = [row for row in rows[:title] if row], [row for row in rows[title:] if row]
    assert plans == [["plan", *PRIORITIES], *([plan, *cells] for plan, cells in CELLS.items())]
    assert special == [
        ["policy", "tickets", *PRIORITIES],
        ["acme", "tenant is acme", *["- / - / 1h"] * 4],
    ]


@pytest.mark.usefixtures("rules")
def test_pipe_has_the_same_cells_as_the_terminal(slactl: Slactl) -> None:
    cells = [cell for cell in json.loads(slactl("rules", "show", "--json").out) if cell["match"] is None]
    assert [(cell["plan"], cell["priority"]) for cell in cells] == [
        (None if plan == "any other" else plan, priority) for plan in CELLS for priority in PRIORITIES
    ]
    drawn = [
        " / ".join(cell[target] or "-" for target in ("first_response", "next_response", "resolution"))
        + (f" ({cell['calendar']})" if cell["calendar"] != "always" else "")
        if cell["policy"] is not None
        else "no targets"
        for cell in cells
    ]
    assert drawn == [text for cells_of_plan in CELLS.values() for text in cells_of_plan]


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (
            ["--plan", "pro", "--priority", "urgent"],
            [
                "plan pro, priority urgent",
                "  matched      pro, important, on calendar always",
                "  first response 15m",
                "  next response  -",
                "  update         -",
                "  resolution     4h",
            ],
        ),
        (
            ["--plan", "pro"],
            [
                "plan pro, priority normal",
                "  no match     pro, important: priority is normal, not high or urgent",
                "  matched      pro, on calendar office",
                "  first response 4h",
                "  next response  -",
                "  update         -",
                "  resolution     3bd",
            ],
        ),
    ],
)
def test_one_combination_says_why_its_policy_was_chosen(slactl: Slactl, words: list[str], printed: list[str]) -> None:
    result = slactl("rules", "show", *words)
    assert (result.code, result.lines) == (0, printed)


@pytest.mark.usefixtures("rules")
def test_combination_of_a_tenant_names_it(slactl: Slactl) -> None:
    lines = slactl("rules", "show", "--plan", "free", "--priority", "low", "--tenant", "acme").lines
    assert lines[0] == "plan free, priority low, tenant acme"
    assert "  matched      acme, on calendar always" in lines


@pytest.mark.usefixtures("rules")
def test_combination_without_a_policy_has_no_targets(slactl: Slactl) -> None:
    lines = slactl("rules", "show", "--plan", "free", "--priority", "low").lines
    assert lines[-1] == "  no policy matches, so the ticket has no targets"
    assert [line[:14] for line in lines[1:-1]] == ["  no match    "] * 5


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["-q"], "pro\n"),
        (["--fields", "resolution,policy"], "3bd\tpro\n"),
        (["--json", "--fields", "plan,passed_over"], None),
        (["--format", "jsonl", "--fields", "plan,resolution"], '{"plan": "pro", "resolution": "3bd"}\n'),
        (["--format", "csv", "--fields", "plan,first_response"], "plan,first_response\npro,4h\n"),
        (["--format", "plain"], "pro\tnormal\tpro\toffice\t4h\t\t\t3bd\t\t"),
    ],
)
def test_options_choose_the_form_and_the_fields_of_one_combination(
    slactl: Slactl, words: list[str], printed: str | None
) -> None:
    result = slactl("rules", "show", "--plan", "pro", *words)
    assert (result.code, result.err) == (0, "")
    if printed is None:
        reason = {"policy": "pro, important", "reason": "priority is normal, not high or urgent"}
        assert json.loads(result.out) == {"plan": "pro", "passed_over": [reason]}
    else:
        assert result.out.startswith(printed)


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(("words", "wrong"), [(["--fields", "colour"], "'colour'"), (["-q", "--json"], "one form")])
def test_wrong_options_for_one_combination_are_refused(slactl: Slactl, words: list[str], wrong: str) -> None:
    result = slactl("rules", "show", "--plan", "pro", *words)
    assert (result.code, result.out) == (2, "")
    assert wrong in result.err


@pytest.mark.usefixtures("rules")
def test_json_of_a_combination_is_one_object_with_every_field(slactl: Slactl) -> None:
    short, long = (slactl("rules", "show", "--plan", "pro", *words).out for words in (["--json"], ["--format", "json"]))
    assert short == long
    assert list(json.loads(short))[-2:] == ["tenant", "passed_over"]


@pytest.mark.usefixtures("rules")
def test_pipe_gets_a_line_for_each_cell(slactl: Slactl) -> None:
    lines = slactl("rules", "show").lines
    assert lines[:3] == [
        "pro\tlow\tpro\toffice\t\t\t\t5bd\t",
        "pro\tnormal\tpro\toffice\t4h\t\t\t3bd\t",
        "pro\thigh\tpro, important\talways\t1h\t2h\t\t1d\t",
    ]
    assert lines[12:] == [f"\t{priority}\tacme\talways\t\t\t\t1h\ttenant is acme" for priority in PRIORITIES]


SPECIAL = """
schema = 1
[calendars.always]
always_open = true
[calendars.office]
weekly = { mon-fri = ["09:00-17:00"] }
[[policy]]
name = "vip"
match = { tag = ["vip", "board"], not = { tenant = ["acme"], priority = ["low"] } }
calendar = "always"
[policy.targets]
default = { first_response = { within = "1h", calendar = "office" }, update = "2h", resolution = "0bd close" }
[[policy]]
name = "partners"
match = { plan = ["free", "pro"], requester_domain = ["partner.example"], priority = ["high", "urgent"] }
calendar = "always"
[policy.targets]
default = { resolution = "4h" }
[[policy]]
name = "everybody"
calendar = "office"
[policy.targets]
default = { resolution = "1bd" }
[[policy]]
name = "hidden"
match = { tenant = ["late"], priority = ["low"] }
calendar = "office"
[policy.targets]
default = { resolution = "2bd" }
"""


def test_policies_for_tags_domains_and_tenants_have_rows_of_their_own(slactl: Slactl, rules: Path) -> None:
    rules.write_text(SPECIAL)
    cells = json.loads(slactl("rules", "show", "--json").out)
    special = [(cell["policy"], cell["plan"], cell["priority"], cell["match"]) for cell in cells if cell["match"]]
    vip = "tag is vip or board and not (tenant is acme and priority is low)"
    partners = "plan is free or pro and priority is high or urgent and requester domain is partner.example"
    assert special == [
        *(("vip", None, priority, vip) for priority in PRIORITIES),
        *(("partners", plan, priority, partners) for plan in ("free", "pro") for priority in ("high", "urgent")),
        ("hidden", None, "low", "tenant is late and priority is low (never reached)"),
    ]
    first = next(cell for cell in cells if cell["policy"] == "vip")
    assert (first["first_response"], first["update"], first["resolution"]) == ("1h on office", "2h", "0bd close")
    assert {cell["policy"] for cell in cells} == {"vip", "partners", "everybody", "hidden"}


@pytest.mark.parametrize("columns", [80, 160])
def test_terminal_shows_every_policy_and_the_target_update(rules: Path, columns: int) -> None:
    rules.write_text(SPECIAL)
    words = (sys.executable, "-m", "slactl", "--color", "never", "rules", "show")
    with on_terminal(*words, columns=columns, environment={"COLUMNS": ""}) as terminal:
        assert terminal.wait() == 0
    screen = re.sub("\x1b\\[[0-9;]*m", "", terminal.screen)
    assert "first response / next response / update / resolution" in screen
    for word in ("vip", "partners", "hidden", "1h on", "0bd"):
        assert word in screen
