"""`reply`, `note` and `receive`: record what people write in a ticket."""

from typing import Annotated

import typer

from slactl.cli.input import read_body
from slactl.cli.options import Answer, AtOption, BodyOption, Id, ReasonOption
from slactl.cli.output import change_tickets
from slactl.cli.panels import Commands
from slactl.sla.enums import Status

app = Commands()


@app.command()
def reply(
    context: typer.Context,
    reference: Id,
    body: BodyOption = None,
    status: Annotated[Status | None, typer.Option(help="The status after the reply.", show_default=False)] = None,
    at: AtOption = None,
    reason: ReasonOption = None,
    *,
    answer: Answer,
) -> None:
    """Record a public reply; slactl sends nothing to the customer.

    The first reply stops the first response clock. The status becomes waiting_customer; a resolved ticket stays
    resolved.

    \b
    Examples:
      slactl reply 12 --body "Which browser is it?"
      slactl reply 12 --status open --at "20m ago"
    """
    from slactl.desk.tickets import changes

    change = changes.reply(read_body(body), status)
    change_tickets(context, answer, [reference], change, "replied to", at, reason)


@app.command()
def note(
    context: typer.Context,
    reference: Id,
    body: BodyOption = None,
    at: AtOption = None,
    reason: ReasonOption = None,
    *,
    answer: Answer,
) -> None:
    """Add an internal note; a note never counts as a response.

    \b
    Examples:
      slactl note 12 --body "Called back, no answer."
    """
    from slactl.desk.tickets import changes

    change = changes.note(read_body(body))
    change_tickets(context, answer, [reference], change, "added a note to", at, reason)


@app.command()
def receive(
    context: typer.Context,
    reference: Id,
    body: BodyOption = None,
    at: AtOption = None,
    reason: ReasonOption = None,
    *,
    answer: Answer,
) -> None:
    """Record a message from the customer; the ticket becomes open.

    \b
    Examples:
      slactl receive 12 --body "Still broken."
    """
    from slactl.desk.tickets import changes

    change = changes.receive(read_body(body))
    change_tickets(context, answer, [reference], change, "recorded a customer message on", at, reason)
