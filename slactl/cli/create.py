"""`create`: open a ticket."""

from typing import Annotated

import typer

from slactl.cli.completion import assignee_names, plan_names, tag_names, tenant_names
from slactl.cli.input import priority_option, read_body
from slactl.cli.options import Answer, AtOption, BodyOption, call
from slactl.cli.output import announce
from slactl.cli.panels import Commands
from slactl.sla.enums import Priority

app = Commands()

TenantOption = Annotated[
    str | None, typer.Option("--tenant", metavar="T", help="The customer organisation.", autocompletion=tenant_names)
]
ExternalIdOption = Annotated[
    str | None, typer.Option("--external-id", metavar="X", help="The id of the ticket in another system.")
]


def plan_option(default: str) -> typer.models.OptionInfo:
    """Return the option for the plan of a ticket; `default` says which plan the ticket has without it."""
    words = f"The plan; {default}."
    option: typer.models.OptionInfo = typer.Option("--plan", metavar="P", help=words, autocompletion=plan_names)
    return option


@app.command()
def create(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="What the ticket is about.")],
    requester: Annotated[str, typer.Option("--from", metavar="EMAIL", help="The e-mail address of the requester.")],
    body: BodyOption = None,
    plan: Annotated[str | None, plan_option("default: the plan of the tenant, else settings.default_plan")] = None,
    tenant: TenantOption = None,
    priority: Annotated[Priority | None, priority_option("low, normal, high or urgent; default: normal.")] = None,
    assignee: Annotated[
        str | None,
        typer.Option(metavar="A", help="A person or a role; me is you.", autocompletion=assignee_names),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="X", help="A tag; may be repeated.", autocompletion=tag_names)
    ] = None,
    external_id: ExternalIdOption = None,
    at: AtOption = None,
    outbound: Annotated[bool, typer.Option("--outbound", help="An agent wrote first: no first response due.")] = False,
    *,
    answer: Answer,
) -> None:
    """Open a ticket and set its deadlines.

    \b
    Examples:
      slactl create "Printer on fire" --from ann@example.com
      slactl create "VPN down" --from it@acme.example --plan enterprise --priority urgent
      slactl create "Invoice wrong" --from bob@example.com --at "2h ago" --body - < mail.txt
    """
    from slactl.desk.oncall import feeds
    from slactl.desk.tickets import create as opening

    text = read_body(body)
    here = call(context)
    who = here.person(assignee)
    if who is not None:
        feeds.problems(here.desk.rules, here.now)  # not while others wait for the lock
    facts = (plan, tenant, priority or Priority.NORMAL, who, tag or (), external_id, outbound)
    new = opening.NewTicket(subject, requester, text, *facts)
    outcome = opening.create(here.desk, here.now, new, here.instant(at), dry_run=answer.dry_run)
    announce(here, answer, outcome, assignee=who)
