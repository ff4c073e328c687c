"""`tenant`: manage customer organisations."""

import sys
from typing import Annotated

import typer

from slactl.cli.completion import tenant_names
from slactl.cli.options import Answer, JsonOption, Output, call
from slactl.cli.output import print_receipts, print_records
from slactl.cli.panels import Commands
from slactl.errors import NotKnownError, UsageError
from slactl.text import quoted

#: The fields of a tenant in the order in which they are printed.
FIELDS = ("name", "plan", "timezone", "country", "subdivision", "created_at", "domains")

app = Commands(help="Manage tenants: plan, time zone, country, mail domains.")

PlanOption = Annotated[str | None, typer.Option(metavar="P", help="The plan of the tenant's tickets.")]
ZoneOption = Annotated[str | None, typer.Option("--timezone", metavar="Z", help="The time zone of the tenant.")]
CountryOption = Annotated[
    str | None, typer.Option("--country", metavar="C", help="The country of the holidays, such as DE.")
]
SubdivisionOption = Annotated[
    str | None, typer.Option("--subdivision", metavar="S", help="The part of the country, such as BE.")
]
DomainOption = Annotated[
    list[str] | None,
    typer.Option("--domain", metavar="D", help="A mail domain of the tenant's people; may be repeated."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The tenant's name.")]
KnownName = Annotated[str, typer.Argument(metavar="NAME", help="The tenant's name.", autocompletion=tenant_names)]


@app.command(quiet="the name of the tenant")
def add(
    context: typer.Context,
    name: Name,
    plan: PlanOption = None,
    timezone: ZoneOption = None,
    country: CountryOption = None,
    subdivision: SubdivisionOption = None,
    domain: DomainOption = None,
    *,
    answer: Answer,
) -> None:
    """Add a tenant.

    \b
    Examples:
      slactl tenant add acme --plan enterprise --timezone America/New_York
      slactl tenant add rhein --timezone Europe/Berlin --country DE --subdivision NW
      slactl tenant add globex --domain globex.example --domain globex.test
    """
    from slactl.desk.tickets import tenants

    here = call(context)
    facts = tenants.TenantFacts(plan, timezone, country, subdivision, domain)
    added = tenants.add(here.desk, here.now, name, facts, dry_run=answer.dry_run)
    from slactl.show.receipt import tenant_receipt

    print_receipts(answer, [tenant_receipt(None, added)])


@app.command("set", quiet="the name of the tenant")
def change(
    context: typer.Context,
    name: KnownName,
    plan: PlanOption = None,
    timezone: ZoneOption = None,
    country: CountryOption = None,
    subdivision: SubdivisionOption = None,
    domain: DomainOption = None,
    *,
    answer: Answer,
) -> None:
    """Change plan, zone, country or domains for new tickets.

    --domain replaces all domains that the tenant has; --domain "" removes them.

    \b
    Examples:
      slactl tenant set acme --plan pro
      slactl tenant set acme --timezone ""
      slactl tenant set acme --country US --subdivision NY
      slactl tenant set acme --domain acme.example --domain acme.test
    """
    if (plan, timezone, country, subdivision, domain) == (None,) * 5:
        raise UsageError("nothing to change", f"slactl tenant set {quoted(name)} --plan pro")
    from slactl.desk.tickets import tenants
    from slactl.show.receipt import tenant_receipt

    facts, here = tenants.TenantFacts(plan, timezone, country, subdivision, domain), call(context)
    before, after = tenants.change(here.desk, here.now, name, facts, dry_run=answer.dry_run)
    print_receipts(answer, [tenant_receipt(before, after)])


@app.command("list", fields=FIELDS, quiet="the names of the tenants")
def list_(
    context: typer.Context,
    *,
    output: Output,
) -> None:
    """List all tenants.

    \b
    Examples:
      slactl tenant list
    """
    from slactl.store.read import tickets as reads

    with call(context).desk.database.read() as transaction:
        tenants = reads.tenants(transaction)
    print_records(context, tenants, FIELDS, output, screen_fields=FIELDS, key="name", none="there is no tenant yet")


@app.command()
def show(context: typer.Context, name: KnownName, as_json: JsonOption = False) -> None:
    """Show one tenant.

    \b
    Examples:
      slactl tenant show acme --json
    """
    from slactl.show.records import write_object, write_pairs
    from slactl.store.read import tickets as reads
    from slactl.text import clean, nearest

    with call(context).desk.database.read() as transaction:
        tenants = {tenant["name"]: tenant for tenant in reads.tenants(transaction)}
    if name not in tenants:
        near = nearest(name, tenants)
        hint = f"slactl tenant show {quoted(near)}" if near else "slactl tenant list"
        raise NotKnownError(f"there is no tenant {clean(name)[:100]!r}", hint)
    if as_json:
        write_object(tenants[name], sys.stdout)
    else:
        write_pairs(tenants[name], sys.stdout)
