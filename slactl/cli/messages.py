"""What is said in a ticket: replies, notes, messages of the customer."""

from typing import Annotated

import typer

from slactl.cli.options import AtOption, BodyOption, DryRunOption, Id, JsonOption, QuietOption, read_body
from slactl.cli.panels import Commands
from slactl.cli.results import change_tickets
from slactl.sla.enums import Status

app = Commands()


@app.command()
def reply(
    context: typer.Context,
    reference: Id,
    body: BodyOption = None,
    status: Annotated[Status | None, typer.Option(help="The status after the reply.", show_default=False)] = None,
    at: AtOption = None,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Record a public reply; slactl sends nothing to the customer.

    The first reply ends first response. The status becomes waiting_customer; a resolved ticket stays resolved.

    \b
    Examples:
      slactl reply 12 --body "Which browser is it?"
      slactl reply 12 --status open --at "20m ago"
    """
    from slactl.desk import changes

    change = changes.reply(read_body(body), status)
    change_tickets(context, [reference], change, "replied to", at, dry_run=dry_run, quiet=quiet, as_json=as_json)


@app.command()
def note(
    context: typer.Context,
    reference: Id,
    body: BodyOption = None,
    at: AtOption = None,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add an internal note; a note never counts as a response.

    \b
    Examples:
      slactl note 12 --body "Called back, no answer."
    """
    from slactl.desk import changes

    change = changes.note(read_body(body))
    change_tickets(context, [reference], change, "noted on", at, dry_run=dry_run, quiet=quiet, as_json=as_json)


@app.command()
def receive(
    context: typer.Context,
    reference: Id,
    body: BodyOption = None,
    at: AtOption = None,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Record that the customer wrote; the ticket becomes open.

    \b
    Examples:
      slactl receive 12 --body "Still broken."
    """
    from slactl.desk import changes

    change = changes.receive(read_body(body))
    change_tickets(
        context, [reference], change, "received a message on", at, dry_run=dry_run, quiet=quiet, as_json=as_json
    )
