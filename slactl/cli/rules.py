"""`rules`: find, check, show and change rules.toml; `rules_versions` adds test, diff and apply."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli import rules_versions
from slactl.cli.completion import rules_keys
from slactl.cli.input import priority_option
from slactl.cli.options import DryRunOption, JsonOption, Output, call, leave, say
from slactl.cli.output import print_lines, print_records
from slactl.cli.panels import Commands
from slactl.config import SHIPPED
from slactl.errors import ExitCode
from slactl.show.form import Form
from slactl.sla.enums import Priority
from slactl.text import counted

if TYPE_CHECKING:
    from slactl.show.records import Record

app = Commands(help="Check, show, test and change rules.toml.")


@app.command()
def check(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Check this file instead of the current rules.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as errors: exit with 4.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Find mistakes in rules.toml, with line numbers.

    \b
    Examples:
      slactl rules check
      slactl rules check draft.toml --strict
    """
    from slactl.desk.rules import file as rules_file
    from slactl.show.records import write_object

    here = call(context)
    path = file or here.desk.rules
    rules, warnings = rules_file.check(path, os.environ, here.now)
    for warning in warnings:
        say(f"{'error' if strict else 'warning'}: {path}:{warning.line}: {warning.message}", err=True)
    if as_json:
        listed = [{"line": warning.line, "message": warning.message} for warning in warnings]
        write_object({"file": str(path), "hash": rules.hash, "warnings": listed}, sys.stdout)
    else:
        policies = len(rules.policies)
        counts = [f"{policies} polic{'y' if policies == 1 else 'ies'}", counted(len(rules.calendars), "calendar")]
        counts += [counted(len(rules.escalations), "escalation rule")]
        counts += [counted(len(rules.sources), "source")] if rules.sources else []
        verdict = "not valid with --strict" if strict and warnings else "valid"
        say(f"{path}: {verdict} ({', '.join([*counts, *([counted(len(warnings), 'warning')] if warnings else [])])})")
    leave(ExitCode.RULES if strict and warnings else ExitCode.DONE)


@app.command()
def path(context: typer.Context, as_json: JsonOption = False) -> None:
    """Print where rules.toml is.

    \b
    Examples:
      slactl rules path
      "${EDITOR:-vi}" "$(slactl rules path)"
    """
    from slactl.config import is_there
    from slactl.show.records import write_object

    config = call(context).config
    exists, source = is_there(config.rules), config.sources["rules"]
    if as_json:
        write_object({"file": str(config.rules), "source": source, "exists": exists}, sys.stdout)
        return
    say(str(config.rules))
    if not exists:
        say("This file does not exist; to create it: slactl init", err=True)
    elif source == SHIPPED:
        say("These rules come with slactl; for a file of your own: slactl init", err=True)


@app.command(fields="slactl.show.rules:FIELDS", quiet="the names of the policies")
def show(
    context: typer.Context,
    plan: Annotated[str | None, typer.Option(metavar="P", help="Only this plan.")] = None,
    priority: Annotated[Priority | None, priority_option("Only this priority.")] = None,
    tenant: Annotated[str | None, typer.Option(metavar="T", help="Only this tenant.")] = None,
    *,
    output: Output,
) -> None:
    """Show the targets of each plan and priority.

    \b
    Examples:
      slactl rules show
      slactl rules show --plan pro --priority high
      slactl rules show --tenant acme --json
    """
    from slactl.desk.rules import file as rules_file
    from slactl.desk.rules.reading import valid_rules
    from slactl.show import rules as screens

    here = call(context)
    if plan is not None or priority is not None or tenant is not None:
        _print_combination(context, rules_file.combination(here.desk, plan, priority, tenant), output)
        return
    rules = valid_rules(here.desk.rules)
    cells = rules_file.matrix(rules)
    if sys.stdout.isatty() and output == Output():
        screens.draw_matrix(cells, here.screen)
        print_lines(screens.source_lines(rules_file.sources_of(rules)))
    else:
        print_records(context, cells, screens.FIELDS, output, key="policy")


def _print_combination(context: typer.Context, combination: "Record", output: Output) -> None:
    """Print the targets of one ticket: in words, unless the options ask for another form or for fields."""
    from slactl.show import rules as screens
    from slactl.show.records import write_object

    form, names = output.chosen(), output.names(screens.COMBINATION_FIELDS)
    if form is Form.JSON:
        write_object({name: combination[name] for name in names}, sys.stdout)
    elif output == Output() or (form is Form.TABLE and output.fields is None):
        print_lines(screens.combination_lines(combination))
    else:
        print_records(context, [combination], screens.COMBINATION_FIELDS, output, key="policy")


@app.command("set")
def set_(
    context: typer.Context,
    key: Annotated[
        str,
        typer.Argument(metavar="KEY", help="A key, such as policy.pro.targets.high.", autocompletion=rules_keys),
    ],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The value as in the file; text needs no quotes.")],
    dry_run: DryRunOption = False,
) -> None:
    """Change or add one value of rules.toml and keep the comments.

    slactl checks the result before it writes the file. In KEY, write policies and sources by name, and escalation
    rules and levels by id. To add one of these, give a whole table as VALUE. If the last policy matches all tickets,
    slactl puts a new policy for certain tickets before it.

    \b
    Examples:
      slactl rules set settings.due_soon 4h
      slactl rules set policy.pro.targets.high '{ first_response = "6h", resolution = "2d" }'
      slactl rules set escalation.resolution.level.manager.at +30m -n
      slactl rules set roles.network.assignee mia
      slactl rules set policy.gold '{ match = { plan = ["gold"] }, calendar = "always" }'
    """
    from slactl.desk.rules.edit import set_value
    from slactl.text import clean_block

    here = call(context)
    difference = set_value(here.desk.rules, key, value, dry_run=dry_run)
    sys.stdout.write(clean_block(difference.rstrip("\n") or "nothing changes") + "\n")
    if difference and not dry_run:
        say("Open tickets keep their old rules; to see the differences: slactl rules diff", err=True)


app.registered_commands += rules_versions.app.registered_commands
