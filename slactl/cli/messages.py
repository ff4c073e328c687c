"""`reply`, `note` and `receive`: record what people write in a ticket."""

from typing import Annotated

import typer

from slactl.cli.completion import ticket_ids
from slactl.cli.input import ids_then_text, read_body, typed
from slactl.cli.options import Answer, AtOption, BodyOption, Id, ReasonOption
from slactl.cli.output import change_tickets
from slactl.cli.panels import Commands
from slactl.errors import UsageError
from slactl.sla.enums import Status

app = Commands()


@app.command()
def reply(
    context: typer.Context,
    reference: Id,
    body: BodyOption = None,
    no_body: Annotated[bool, typer.Option("--no-body", help="Record a reply whose text is somewhere else.")] = False,
    status: Annotated[Status | None, typer.Option(help="The status after the reply.", show_default=False)] = None,
    at: AtOption = None,
    reason: ReasonOption = None,
    *,
    answer: Answer,
) -> None:
    """Record a public reply; slactl sends nothing to the customer.

    The first reply stops the first response clock. The status becomes settings.reply_status of the rules, by default
    waiting_customer; a resolved ticket stays resolved.

    \b
    Examples:
      slactl reply 12 --body "Which browser is it?"
      slactl reply 12 --no-body --status open --at "20m ago"
    """
    if no_body == (body is not None):
        raise UsageError("use either --body or --no-body", f"slactl reply {typed([reference])} --no-body")
    text = read_body(body)
    if text is not None and not text.strip():
        raise UsageError("the reply is empty", f"slactl reply {typed([reference])} --no-body")
    from slactl.desk.tickets import changes

    change_tickets(context, answer, [reference], changes.reply(text, status), "replied", at, reason)


@app.command()
def note(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="ID… [TEXT]",
            help="The tickets, then the text; - as TEXT reads it from stdin. With --body only tickets; - reads ids.",
            autocompletion=ticket_ids,
        ),
    ],
    body: BodyOption = None,
    at: AtOption = None,
    reason: ReasonOption = None,
    *,
    answer: Answer,
) -> None:
    """Add an internal note; a note never counts as a response.

    \b
    Examples:
      slactl note 12 "Called back, no answer."
      slactl note 12 --body - < notes.txt
    """
    references = words
    if body is None and len(words) > 1:
        references, body = (words[:-1], "-") if words[-1] == "-" else ids_then_text(words, "note", "--body")
    text = read_body(body)
    if text is None or not text.strip():
        raise UsageError("the note is empty", f"slactl note {typed(references)} --body 'Called back, no answer.'")
    from slactl.desk.tickets import changes

    change_tickets(context, answer, references, changes.note(text), "note added", at, reason)


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
    change_tickets(context, answer, [reference], change, "message of the customer recorded", at, reason)
