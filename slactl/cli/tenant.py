"""Customer organisations."""

import sys
from typing import Annotated, Any

import typer

from slactl.cli.options import DryRunOption, FieldsOption, FormatOption, JsonOption, QuietOption, call, say
from slactl.cli.output import print_records
from slactl.cli.panels import Commands
from slactl.errors import NotKnownError, UsageError
from slactl.show.form import Form
from slactl.text import quoted

app = Commands(help="Manage customers: their plan and time zone.")

PlanOption = Annotated[str | None, typer.Option(metavar="P", help="The plan of their tickets.")]
ZoneOption = Annotated[str | None, typer.Option("--timezone", metavar="Z", help="The time zone of the tenant.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The tenant's name.")]


@app.command()
def add(
    context: typer.Context,
    name: Name,
    plan: PlanOption = None,
    timezone: ZoneOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Add a tenant.

    \b
    Examples:
      slactl tenant add acme --plan enterprise --timezone America/New_York
    """
    from slactl.desk.tickets import tenants

    here = call(context)
    tenants.add(here.desk, here.now, name, plan, timezone, dry_run=dry_run)
    say(f"would have added {name}" if dry_run else name)


@app.command("set")
def change(
    context: typer.Context,
    name: Name,
    plan: PlanOption = None,
    timezone: ZoneOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Change plan or time zone for tickets opened from now on.

    \b
    Examples:
      slactl tenant set acme --plan pro
      slactl tenant set acme --timezone ""
    """
    from slactl.desk.tickets import tenants

    if plan is None and timezone is None:
        raise UsageError("nothing to change", f"slactl tenant set {quoted(name)} --plan pro")
    here = call(context)
    tenants.change(here.desk, here.now, name, plan, timezone, dry_run=dry_run)
    say(f"would have changed {name}" if dry_run else name)


@app.command("list")
def list_(
    context: typer.Context,
    form: FormatOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    fields: FieldsOption = None,
) -> None:
    """List all tenants.

    \b
    Examples:
      slactl tenant list
    """
    from slactl.store.read import tickets as reads

    with call(context).desk.database.read() as connection:
        found = reads.tenants(connection)
    _print(context, found, form, as_json, quiet, fields)


@app.command()
def show(context: typer.Context, name: Name, as_json: JsonOption = False) -> None:
    """Show one tenant.

    \b
    Examples:
      slactl tenant show acme --json
    """
    from slactl.show.records import write_object, write_pairs
    from slactl.store.read import tickets as reads
    from slactl.text import clean, nearest

    with call(context).desk.database.read() as connection:
        found = {tenant["name"]: tenant for tenant in reads.tenants(connection)}
    if name not in found:
        near = nearest(name, found)
        hint = f"slactl tenant show {quoted(near)}" if near else "slactl tenant list"
        raise NotKnownError(f"there is no tenant {clean(name)[:100]!r}", hint)
    if as_json:
        write_object(found[name], sys.stdout)
    else:
        write_pairs(found[name], sys.stdout)


def _print(
    context: typer.Context,
    found: list[dict[str, Any]],
    form: Form | None,
    as_json: bool,
    quiet: bool,
    fields: str | None,
) -> None:

    names = ("name", "plan", "timezone", "created_at")
    print_records(context, found, names, form, as_json, quiet, fields, key="name", none="there is no tenant yet")
