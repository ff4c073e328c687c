"""`list @NAME`: the ready-made views, those of the rules, and what is typed beside them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from conftest import Slactl
from typer.main import get_command

from slactl.cli.app import app
from slactl.cli.filters import Filters
from slactl.sla.enums import Target
from slactl.sla.rules.views import OPTIONS, READY_MADE
from slactl.store.read.filters import TIMERS, TicketFilter

if TYPE_CHECKING:
    from busy_desk import Desk

pytest_plugins = ["busy_desk"]


def ids(slactl: Slactl, *options: str) -> list[int]:
    result = slactl("list", "-q", *options)
    assert result.code == 0, result.err
    return [int(line) for line in result.lines]


@pytest.fixture
def viewed(busy: "Desk", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The busy desk under rules to which a test adds views; returns the file."""
    rules = tmp_path / "rules.toml"
    rules.write_text(busy.rules.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setenv("SLACTL_RULES", str(rules))
    return rules


def add(rules: Path, text: str) -> None:
    rules.write_text(rules.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_the_options_of_views_are_the_long_options_of_list() -> None:
    command = get_command(app).get_command(None, "list")  # type: ignore[attr-defined]
    options = {name.removeprefix("--"): parameter for parameter in command.params for name in parameter.opts}
    options = {name: each for name, each in options.items() if name not in ("help", "-h", "-q", "view")}
    assert set(OPTIONS) == set(options)
    for name, option in OPTIONS.items():
        parameter = options[name]
        assert (option.takes is bool) == bool(parameter.is_flag), name
        assert option.repeats == parameter.multiple, name
        # The shell completes the words of a closed set; `not:` may stand before some of them.
        offered = {item.value for item in parameter.shell_complete(typer.Context(command), "")}
        assert set(option.words) <= offered, name


def test_the_filters_of_list_are_the_fields_of_the_ticket_filter() -> None:
    assert set(Filters._fields) == set(TicketFilter._fields)


def test_the_filters_know_the_timer_of_every_target() -> None:
    assert list(TIMERS) == list(Target)


UPDATES = """schema = 1
[settings]
default_plan = "none"
[calendars.always]
always_open = true
[[policy]]
name = "updates"
match = { plan = ["updates"] }
calendar = "always"
[policy.targets]
default = { update = "2h" }
[[policy]]
name = "solutions"
match = { plan = ["solutions"] }
calendar = "always"
[policy.targets]
default = { resolution = "4h" }
"""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--target update", [1, 2]),
        ("--breached --target update", [1]),
        ("--ever-breached --target update", [1]),
        ("--due-within 2h --target update", []),
        ("--paused", [2]),
        ("--paused --target update", [2]),
        ("--paused --target resolution", []),
        ("--no-sla", [4]),
    ],
)
def test_filters_find_tickets_by_their_updates(desk: Path, slactl: Slactl, options: str, expected: list[int]) -> None:
    desk.with_name("rules.toml").write_text(UPDATES, encoding="utf-8")
    for plan, at in (("updates", "5h ago"), ("updates", "1h ago"), ("solutions", "5h ago"), ("none", "5h ago")):
        made = slactl("create", "Printer", "--from", "ann@example.com", "--plan", plan, "--at", at)
        assert made.code == 0, made.err
    assert slactl("reply", "1", "--no-body", "--status", "open", "--at", "4h ago").code == 0
    assert slactl("reply", "2", "--no-body", "--status", "pending", "--at", "30m ago").code == 0
    assert ids(slactl, *options.split()) == expected


@pytest.mark.parametrize(
    ("name", "typed", "expected"),
    [
        ("past-first-response", "--breached --target first_response", [6]),
        ("past-resolution", "--breached --target resolution", []),
        ("urgent-soon", "--priority urgent --due-within 2h", []),
        ("untouched-enterprise", "--plan enterprise --target first_response", [6, 4]),
        ("unassigned-soon", "--unassigned --due-within 2h", []),
    ],
)
@pytest.mark.usefixtures("busy")
def test_the_ready_made_views(slactl: Slactl, name: str, typed: str, expected: list[int]) -> None:
    assert ids(slactl, f"@{name}") == ids(slactl, *typed.split()) == expected
    told = {record["name"]: record for record in json.loads(slactl("list", "@", "--json").out)}
    assert told[f"@{name}"] == {"name": f"@{name}", "source": "ready-made", "options": typed}


@pytest.mark.usefixtures("busy")
def test_the_ready_made_views_find_what_they_are_made_for(slactl: Slactl) -> None:
    assert ids(slactl, "@past-resolution", "--at", "2026-03-02T21:00:01Z") == [6]
    assert ids(slactl, "@urgent-soon", "--at", "2026-03-02T10:30:00Z") == [6]
    assert ids(slactl, "@unassigned-soon", "--at", "2026-03-03T10:00:00Z") == [8]


def test_every_ready_made_view_is_valid(slactl: Slactl, desk: Path) -> None:
    rules = desk.with_name("rules.toml")
    for name, view in READY_MADE.items():
        add(rules, f"\n[views.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in view.items()))
    assert slactl("rules", "check").code == 0


def test_a_view_of_the_rules_takes_every_kind_of_value(viewed: Path, slactl: Slactl) -> None:
    add(viewed, '[views.mine]\nassignee = "me"\nstatus = ["open", "waiting_customer"]\nlimit = 1\nbreached = false\n')
    add(viewed, '[views."last changed"]\nsort = "updated"\nfields = "id,subject"\nformat = "jsonl"\nall = true\n')
    assert slactl("rules", "check").code == 0
    assert ids(slactl, "@mine") == [4]
    assert ids(slactl, "@mine", "--limit", "0") == [4, 2]
    first = json.loads(slactl("list", "@last changed").lines[0])
    assert first == {"id": 8, "subject": first["subject"]}


def test_what_is_typed_narrows_a_view_or_takes_its_place(viewed: Path, slactl: Slactl) -> None:
    add(viewed, '[views.hot]\npriority = ["urgent", "high"]\n')
    assert ids(slactl, "@hot") == [6, 5]
    assert ids(slactl, "@hot", "--unassigned") == [6]  # another option: and
    assert ids(slactl, "--priority", "normal", "@hot") == [4, 8, 2, 7]  # the same option: instead
    assert ids(slactl, "@hot", "--sort", "created") == [6, 5]


def test_a_form_that_is_typed_takes_the_place_of_the_views(viewed: Path, slactl: Slactl) -> None:
    add(viewed, "[views.feed]\njson = true\nbreached = true\n")
    assert [record["id"] for record in json.loads(slactl("list", "@feed").out)] == [6]
    assert slactl("list", "@feed", "-q").out == "6\n"
    assert slactl("list", "@feed", "--format", "csv", "--fields", "id").out == "id\n6\n"


def test_a_file_may_give_a_ready_made_name_another_meaning(viewed: Path, slactl: Slactl) -> None:
    add(viewed, '[views.urgent-soon]\npriority = "urgent"\n')
    assert ids(slactl, "@urgent-soon") == [6]
    told = slactl("list", "@").lines
    assert "@urgent-soon\trules\t--priority urgent" in told
    assert len(told) == len(READY_MADE)
    assert slactl("list", "@", "-q").lines == [f"@{name}" for name in READY_MADE]


def test_the_exit_code_of_a_view_is_that_of_a_list(viewed: Path, slactl: Slactl) -> None:
    add(viewed, "[views.alarm]\nbreached = true\nexit-code = true\n")
    assert slactl("list", "@alarm").code == 10
    assert slactl("list", "@past-first-response", "--exit-code").code == 10


@pytest.mark.usefixtures("busy")
def test_a_wrong_name_is_not_known_and_the_nearest_is_told(slactl: Slactl) -> None:
    result = slactl("list", "@past-resolutoin")
    assert (result.code, result.out) == (3, "")
    assert result.err.splitlines() == [
        "error: there is no view '@past-resolutoin'; did you mean @past-resolution?",
        "hint: slactl list @past-resolution",
    ]
    assert slactl("list", "@\x1b[31mx").err.splitlines()[1] == "hint: slactl list @"


@pytest.mark.usefixtures("busy")
def test_a_word_that_is_no_view_is_refused(slactl: Slactl) -> None:
    result = slactl("list", "12")
    assert (result.code, result.err.splitlines()[-1]) == (2, "hint: slactl list @")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("breeched = true", "views.bad.breeched: list has no option 'breeched'; did you mean breached?"),
        ("due_within = '2h'", "did you mean due-within?"),
        ("breached = 'yes'", "views.bad.breached: must be true or false"),
        (
            "priority = 'urgnt'",
            "views.bad.priority: 'urgnt' is not one of low, normal, high, urgent; did you mean urgent?",
        ),
        ("status = ['open', 'cloosed']", "did you mean closed?"),
        ("target = []", "an empty list matches nothing"),
        ("plan = 3", "must be a text or a list of texts"),
        ("plan = ['a', 3]", "must be a text"),
        ("search = ''", "must be a text"),
        ("due-within = '3bd'", "every hour counts here"),
        ("due-within = 'soon'", "'soon' is not a valid duration"),
        ("due-within = ['2h']", "must be a text"),
        ("at = 'someday'", "'someday' is not a valid time; use "),
        ("limit = -1", "must be a whole number, 0 or more"),
        ("limit = true", "must be a whole number, 0 or more"),
        ("sort = 'dew'", "did you mean due?"),
        ("json = true\nquiet = true", "views.bad.quiet: json and quiet cannot be used together"),
    ],
)
def test_what_is_wrong_with_a_view_is_told_with_its_line(viewed: Path, slactl: Slactl, line: str, told: str) -> None:
    before = len(viewed.read_text(encoding="utf-8").splitlines())
    add(viewed, f"[views.bad]\n{line}\n")
    checked = slactl("rules", "check")
    assert checked.code == 4
    assert f"{viewed}:{before + 2 + line.count(chr(10))}: " in checked.err
    assert told in checked.err
    listed = slactl("list", "@bad")
    assert (listed.code, listed.out, listed.err.splitlines()[0]) == (4, "", checked.err.splitlines()[0])
    assert slactl("list", "@past-resolution").code == 0


def test_the_ready_made_views_work_while_the_file_is_broken(viewed: Path, slactl: Slactl) -> None:
    add(viewed, "[views.mine\n")
    result = slactl("list", "@past-first-response", "-q")
    assert (result.code, result.out) == (0, "6\n")
    assert result.err.startswith(f"warning: the views in {viewed} cannot be read: ")
    assert slactl("list", "@mine").code == 4
    assert slactl("list", "@").code == 4


def test_a_view_costs_no_heavy_import(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--plan", "enterprise")
    program = (
        "import sys; from slactl.__main__ import run; code = run(sys.argv[1:]);"
        " heavy = ('pydantic', 'sqlmodel', 'rich', 'holidays', 'tomlkit', 'tomli_w');"
        " print(code, [name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "list", "@untouched-enterprise", "-q"],
        capture_output=True,
        text=True,
        env=os.environ.copy(),
        check=False,
    )
    assert (done.stdout, done.stderr.splitlines()[-1]) == ("1\n", "0 []")
