"""The rules: checked, shown, changed."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from slactl.cli import rules_versions
from slactl.cli.options import DryRunOption, FieldsOption, FormatOption, JsonOption, QuietOption, call, say
from slactl.cli.output import print_records
from slactl.cli.panels import Commands
from slactl.sla.enums import Priority

app = Commands(help="Check, show, test and change rules.toml.")


@app.command()
def check(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Check this file instead of the current rules.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find mistakes in rules.toml, with line numbers.

    \b
    Examples:
      slactl rules check
      slactl rules check draft.toml
    """
    from slactl.desk.rules import file as rules_file
    from slactl.show.records import write_object

    path = file or call(context).desk.rules
    rules, warnings = rules_file.check(path, os.environ)
    for warning in warnings:
        say(f"warning: {path}:{warning.line}: {warning.message}", err=True)
    if as_json:
        told = [{"line": warning.line, "message": warning.message} for warning in warnings]
        write_object({"file": str(path), "hash": rules.hash, "warnings": told}, sys.stdout)
    else:
        counted = f"{len(rules.policies)} policies, {len(rules.calendars)} calendars, {len(rules.escalations)} ladders"
        say(f"{path}: valid ({counted}{f', {len(warnings)} warnings' if warnings else ''})")


@app.command()
def show(
    context: typer.Context,
    plan: Annotated[str | None, typer.Option(metavar="P", help="Only this plan.")] = None,
    priority: Annotated[Priority | None, typer.Option(help="Only this priority.", show_default=False)] = None,
    tenant: Annotated[str | None, typer.Option(metavar="T", help="Only this tenant.")] = None,
    form: FormatOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    fields: FieldsOption = None,
) -> None:
    """Show the targets of each plan and priority.

    \b
    Examples:
      slactl rules show
      slactl rules show --plan pro --priority high
      slactl rules show --tenant acme --json
    """
    from slactl.desk.rules import file as rules_file
    from slactl.show import rules as screens
    from slactl.show.records import write_object
    from slactl.sla.rules.loading import load

    here = call(context)
    if plan is not None or priority is not None or tenant is not None:
        found = rules_file.combination(here.desk, plan, priority, tenant)
        if as_json:
            write_object(found, sys.stdout)
        else:
            sys.stdout.writelines(f"{line}\n" for line in screens.combination_lines(found))
        return
    cells = rules_file.matrix(load(here.desk.rules))
    if sys.stdout.isatty() and form is None and not as_json and not quiet and fields is None:
        screens.draw_matrix(cells, here.screen)
    else:
        print_records(context, cells, screens.FIELDS, form, as_json, quiet, fields, key="policy")


@app.command("set")
def set_(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="settings.due_soon, policy.pro.targets.high …")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The value as in the file; text needs no quotes.")],
    dry_run: DryRunOption = False,
) -> None:
    """Change one value of rules.toml and keep the comments.

    slactl checks the result before it writes. Policies go by name, escalation rules and levels by id.

    \b
    Examples:
      slactl rules set settings.due_soon 4h
      slactl rules set policy.pro.targets.high '{ first_response = "6h", resolution = "2d" }'
      slactl rules set escalation.resolution.level.manager.at +30m -n
    """
    from slactl.desk.rules.edit import set_value
    from slactl.text import clean_block

    here = call(context)
    difference = set_value(here.desk.rules, key, value, dry_run=dry_run)
    sys.stdout.write(clean_block(difference.rstrip("\n") or "nothing changes") + "\n")
    if difference and not dry_run:
        say("Open tickets keep the rules they were opened under; see: slactl rules diff", err=True)


app.registered_commands += rules_versions.app.registered_commands
