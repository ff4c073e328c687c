"""The outbox."""

import sys
from typing import Annotated

import typer

from slactl.cli.completion import ticket_ids
from slactl.cli.options import DryRunOption, FieldsOption, FormatOption, JsonOption, QuietOption, call, read_numbers
from slactl.cli.panels import Commands
from slactl.sla.enums import NotificationState

app = Commands(help="List, retry or drop messages in the outbox.")

Numbers = Annotated[list[str], typer.Argument(metavar="MESSAGE…", help="Numbers from the list; - reads stdin.")]


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[
        list[NotificationState] | None, typer.Option(help="Only messages in this state.", show_default=False)
    ] = None,
    recipient: Annotated[list[str] | None, typer.Option(metavar="WHO", help="Only messages to this recipient.")] = None,
    ticket: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only messages about this ticket.", autocompletion=ticket_ids)
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=0, help="Show at most N; 0: all.")] = 50,
    form: FormatOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    fields: FieldsOption = None,
) -> None:
    """List messages, newest first.

    \b
    Examples:
      slactl notifications list --state waiting
      slactl notifications list --state dead --state held --json
    """
    from slactl.cli.output import print_records
    from slactl.show.check import message_columns
    from slactl.store.read import tickets as reads

    with call(context).desk.database.read() as connection:
        numbers = [reads.ticket_id(connection, reference) for reference in ticket or ()]
        found = reads.notifications(
            connection, [str(each) for each in state or ()], limit, recipients=recipient or (), numbers=numbers
        )
    names = reads.NOTIFICATION_COLUMNS
    print_records(
        context, found, names, form, as_json, quiet, fields, columns=message_columns, none="the outbox is empty"
    )


@app.command()
def retry(context: typer.Context, numbers: Numbers, dry_run: DryRunOption = False) -> None:
    """Send messages again with the next check.

    \b
    Examples:
      slactl notifications retry 17
      slactl notifications list --state dead -q | slactl notifications retry -
    """
    from slactl.desk.messages import outbox as notifications

    here = call(context)
    done = notifications.retry(here.desk, here.now, read_numbers(numbers, "message"), dry_run=dry_run)
    sys.stdout.writelines(f"{'would send' if dry_run else 'sends'} message {number} again\n" for number in done)


@app.command()
def drop(context: typer.Context, numbers: Numbers, dry_run: DryRunOption = False) -> None:
    """Drop messages that have not been sent.

    \b
    Examples:
      slactl notifications drop 17
    """
    from slactl.desk.messages import outbox as notifications

    here = call(context)
    done = notifications.drop(here.desk, here.now, read_numbers(numbers, "message"), dry_run=dry_run)
    sys.stdout.writelines(f"{'would drop' if dry_run else 'dropped'} message {number}\n" for number in done)
