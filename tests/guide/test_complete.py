"""Guide and help name everything there is: commands, options, settings, variables, exit codes, keys of every file."""

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from pages import PAGES, rows
from pydantic import BaseModel
from typer.main import get_command

import slactl as package
from slactl.cli.app import app
from slactl.cli.commands import COMMANDS, GROUPS, HEADINGS, SUMMARIES
from slactl.desk.messages.transport import DeliveryOutcome
from slactl.desk.transfer import json_text
from slactl.desk.transfer import lines as intake
from slactl.desk.transfer import rows_csv as intake_csv
from slactl.desk.transfer.foreign.tables import Changes, FromTag, Messages, Missing, Ours, Tags, Time
from slactl.desk.transfer.maps import Map, shipped_maps
from slactl.desk.upkeep.audit_log import Kind
from slactl.errors import ExitCode
from slactl.files import BY_HAND
from slactl.show import guide
from slactl.sla.history.fields import FIELDS, HASHES, REQUIRED
from slactl.sla.history.readers import BODY_LENGTH, MOST_TAGS, NAME_LENGTH, SUBJECT_LENGTH
from slactl.sla.rules import model, values
from slactl.sla.rules.calendars import CalendarRules
from slactl.sla.rules.checks.tables import INCLUDES, RELATIONS
from slactl.sla.rules.mail.model import MailRules
from slactl.sla.rules.objectives.model import Credit, NotifyAt, Objective
from slactl.sla.rules.part import Part
from slactl.sla.rules.rules import Rules
from slactl.sla.rules.templates import FILTERS, NAMES
from slactl.sla.rules.views import OPTIONS, READY_MADE
from slactl.text import RESERVED

PACKAGE = Path(package.__file__).parent
ROOT = get_command(app)
EVERYWHERE = "\n".join(guide.page(topic) for topic in guide.topics())


def every_command() -> Iterator[tuple[str, Any]]:
    """Each command and subcommand, under the name that is typed."""
    for name in COMMANDS:
        yield name, ROOT.get_command(None, name)  # type: ignore[attr-defined]
    for name in GROUPS:
        group = ROOT.get_command(None, name)  # type: ignore[attr-defined]
        yield from ((f"{name} {sub}", command) for sub, command in group.commands.items())


def words(text: str) -> set[str]:
    """The words that stand between backticks, outside of blocks."""
    prose = re.sub(r"(?ms)^ *```.*?^ *```$", "", text)
    return {word for code in re.findall(r"`([^`]+)`", prose) for word in re.split(r"[\s|/]+", code)}


@pytest.mark.parametrize(("name", "command"), list(every_command()), ids=[name for name, _ in every_command()])
def test_each_command_has_a_row_with_all_its_options(name: str, command: Any) -> None:  # noqa: ANN401
    found = [
        (topic, row)
        for topic in guide.topics()
        for row in rows(topic, "command")
        if re.match(rf"`{name}( [^a-z]|`)", row[0])
    ]
    ((topic, row),) = found
    named = words(guide.page(topic) if "see" in row[1] else " ".join(row))
    options = {max(parameter.opts, key=len) for parameter in command.params if parameter.param_type_name == "option"}
    assert options - {"--help"} <= named


def test_the_options_of_list_are_in_its_tables() -> None:
    table = {word for row in rows("start") for word in words(row[0])}
    assert {f"--{name}" for name in OPTIONS} <= table | {"--json", "--quiet"}


def test_each_global_option_is_there() -> None:
    for parameter in ROOT.params:
        for option in parameter.opts:
            assert option in words(guide.page("environment")), option


def test_each_environment_variable_is_there() -> None:
    used = {
        name
        for path in PACKAGE.rglob("*.py")
        for name in re.findall(r'(?:"|env: )((?:SLACTL|XDG)_[A-Z_]+)["\]]', path.read_text(encoding="utf-8"))
    }
    assert {"SLACTL_DB", "SLACTL_TRUST_CLOCK", "XDG_CONFIG_HOME"} <= used
    named = guide.page("environment")
    for name in (*used, "NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "PAGER", "LESS", "TZ"):
        assert name in named, name


@pytest.mark.parametrize("code", ExitCode)
def test_each_exit_code_is_there(code: ExitCode) -> None:
    assert str(int(code)) in {row[0] for row in rows("exit-codes")}


def keys(table: type[Part | BaseModel], before: str = "") -> Iterator[str]:
    """The keys of a model, as `before.key`."""
    if issubclass(table, BaseModel):
        names = [field.alias or name for name, field in table.model_fields.items()]
    else:
        names = table.file_keys()
    for name in names:
        yield before + name


TABLES = {
    model.Settings: "",
    values.PriorityWords: "",
    model.ManualEscalation: "manual_escalation.",
    model.Policy: "",
    model.TargetDurations: "targets.PRIORITY.",
    model.TargetTime: "targets.PRIORITY.TARGET.",
    model.Match: "",
    model.When: "",
    model.Role: "",
    model.Person: "",
    model.Escalation: "",
    model.Idle: "idle.",
    model.Burst: "burst.",
    model.Level: "",
    model.Repeat: "repeat.",
    model.Source: "",
    model.Maintenance: "",
    Objective: "",
    Credit: "credits.",
    NotifyAt: "notify_at.",
    MailRules: "",
    model.Templates: "",
}


@pytest.mark.parametrize("part", TABLES, ids=lambda part: part.__name__)
def test_each_key_of_the_rules_has_a_row(part: type[values.Part]) -> None:
    named = {row[0].strip("`") for row in rows("rules")}
    nested = {"idle", "burst", "repeat", "credits", "notify_at"}
    assert set(keys(part, TABLES[part])) - nested <= named


def test_no_part_of_the_rules_is_left_out() -> None:
    defined = [*vars(model).values(), *vars(values).values()]
    parts = {each for each in defined if isinstance(each, type) and issubclass(each, model.Part)}
    # A command is one form of an address in `notify`, and no table of its own.
    assert parts - {model.Part, values.CommandAddress} == set(TABLES) - {Objective, Credit, NotifyAt, MailRules}
    tables = {row[0].strip("`[]").removesuffix(".NAME") for row in rows("rules")}
    assert set(keys(Rules)) - {"canonical"} <= tables


def test_each_key_of_a_calendar_has_a_row() -> None:
    assert set(keys(CalendarRules)) <= {row[0].strip("`") for row in rows("calendars")}


def test_each_word_of_a_closed_set_of_the_rules_is_there() -> None:
    page = guide.page("rules")
    sets = [each for each in vars(model).values() if isinstance(each, type) and issubclass(each, StrEnum)]
    assert len(sets) >= 8
    for kind in sets:
        for word in kind:
            assert re.search(rf"[`\" ]{re.escape(word)}[`\" ]", page), f"{kind.__name__} {word}"
    for word in (*RELATIONS, *INCLUDES):
        assert f"`{word}`" in page, word


def test_defaults_are_those_of_the_model() -> None:
    defaults = {row[0].strip("`"): row[2].strip("`") for row in rows("rules") if len(row) == 4}
    for name, value in (("due_soon", "2h"), ("ack_for", "4h"), ("send_timeout", "30s"), ("default_plan", "free")):
        assert defaults[name] == f'"{value}"'
        assert str(getattr(model.Settings(), name)) == value
    assert defaults["pause_statuses"] != ""


def test_views_and_templates_have_their_words() -> None:
    assert set(OPTIONS) <= words("\n".join(row[0] for row in rows("rules")))
    assert {f"@{name}" for name in READY_MADE} <= words(guide.page("start"))
    assert {*NAMES, *FILTERS} <= words(guide.page("messages"))


def test_each_type_and_field_of_a_history_is_there() -> None:
    table = {row[0].strip("`"): row[1] for row in rows("import") if len(row) == 2}
    for kind, fields in FIELDS.items():
        assert kind.value in table
        assert set(fields) <= words(table[kind.value])
        for name in REQUIRED.get(kind, ()):
            assert f"`{name}`*" in table[kind.value]
    assert set(HASHES.values()) <= words(guide.page("import"))


def test_each_key_of_a_map_is_there() -> None:
    named = {row[0].strip("`") for row in rows("import")}
    tables = {"time": Time, "missing": Missing, "tags": Tags, "from_tags": FromTag}
    tables |= {"messages": Messages, "changes": Changes}
    places = {"from_tags": "from_tags.OURS."}
    for table, fields in tables.items():
        for key in keys(fields, places.get(table, f"{table}.")):
            assert key.replace("changes.before", "changes.from") in named, key
    assert {"columns.OURS", "values.OURS", "constants.OURS"} <= named
    assert "base" in named
    assert set(keys(Map)) - {"columns", "values", "constants", *tables} <= named
    assert {str(each) for each in Ours} <= words(guide.page("import"))
    assert set(shipped_maps()) <= named


@pytest.mark.parametrize(("command", "topic"), [("check", "escalation"), ("summary", "reports")])
def test_each_field_of_json_is_there(command: str, topic: str, desk: Path, slactl: Slactl) -> None:
    assert set(json.loads(slactl(command, "--json").out)) <= words(guide.page(topic))


def test_each_metric_is_there(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    assert slactl("check", "-q", "--metrics", str(tmp_path / "slactl.prom")).code == 0
    made = re.findall(r"^# TYPE (\w+)", (tmp_path / "slactl.prom").read_text(), re.MULTILINE)
    assert len(made) >= 5
    for name in made:
        assert f"`{name}" in guide.page("operations"), name


def test_every_command_has_a_heading_and_its_own_summary() -> None:
    placed = [name for names in HEADINGS.values() for name in names]
    assert sorted(placed) == sorted([*COMMANDS, *GROUPS])
    own = {name: ROOT.get_command(None, name).get_short_help_str(limit=500) for name in placed}  # type: ignore[attr-defined]
    assert own == SUMMARIES


def test_every_option_has_a_text_and_every_command_examples() -> None:
    for name, command in every_command():
        assert "Examples:" in (command.help or ""), name
        for parameter in command.params:
            assert parameter.name == "help" or getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_every_page_has_a_title_and_links_to_topics_there_are() -> None:
    for name, path in PAGES.items():
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# "), name
        for topic in re.findall(r"slactl help ([a-z-]+)", text):
            assert topic in {*guide.topics(), *COMMANDS, *GROUPS}, f"{name}: {topic}"


def test_each_kind_of_finding_and_each_outcome_is_there() -> None:
    assert {kind.value for kind in Kind} <= {row[0].strip("`") for row in rows("operations", "kind")}
    assert {outcome.value for outcome in DeliveryOutcome} <= words(guide.page("messages"))
    assert set(RESERVED) <= words(guide.page("environment"))


@pytest.mark.parametrize(
    "limit",
    [
        *(SUBJECT_LENGTH, BODY_LENGTH, NAME_LENGTH, MOST_TAGS, BY_HAND),
        *(intake.LINE_BYTES, intake.ROW_BYTES, json_text.ROW_CHARACTERS),
        *(intake_csv.ROW_CHARACTERS, intake_csv.ROW_LINES, intake_csv.COLUMNS),
    ],
)
def test_each_limit_of_an_import_is_there(limit: int) -> None:
    table = "\n".join(row[1] for row in rows("import", "part"))
    assert re.search(rf"(?<![\d,]){limit:,}(?!,?\d)", table)


@pytest.mark.parametrize("page", PAGES)
def test_examples_use_one_set_of_places(page: str) -> None:
    text = PAGES[page].read_text(encoding="utf-8")
    assert set(re.findall(r"/srv/\w+", text)) <= {"/srv/desk"}
    assert set(re.findall(r"--shared-group ([a-z]+)", text)) <= {"support"}
    assert set(re.findall(r"sudo -u (\w+)|-o (?!root)(\w+) /", text)) <= {("desk", ""), ("", "desk")}
