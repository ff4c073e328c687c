"""`notifications`: list, retry and drop messages in the outbox; `notify`: send a test message."""

import sys
from typing import Annotated

import typer

from slactl.cli.completion import recipient_names, ticket_ids
from slactl.cli.input import read_numbers
from slactl.cli.options import Answer, DryRunOption, JsonOption, Output, call, leave
from slactl.cli.output import print_lines, print_receipts
from slactl.cli.panels import Commands
from slactl.errors import ExitCode
from slactl.sla.enums import NotificationState

app = Commands(help="List, retry or drop messages in the outbox.")
notify = Commands(help="Send a test message.")

Numbers = Annotated[list[str], typer.Argument(metavar="MESSAGE…", help="Numbers from the list; - reads stdin.")]


@app.command("list", fields="slactl.store.read.messages:NOTIFICATION_COLUMNS")
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
    *,
    output: Output,
) -> None:
    """List messages, newest first.

    \b
    Examples:
      slactl notifications list --state waiting
      slactl notifications list --state dead --state held --json
    """
    from slactl.cli.output import print_records
    from slactl.show.check import MESSAGE_FIELDS, message_columns
    from slactl.store.read import messages as message_reads
    from slactl.store.read import tickets as reads

    with call(context).desk.database.read() as transaction:
        numbers = [reads.ticket_id(transaction, reference) for reference in ticket or ()]
        messages = message_reads.notifications(
            transaction, list(map(str, state or ())), limit, recipients=recipient or (), numbers=numbers
        )
    names = message_reads.NOTIFICATION_COLUMNS
    print_records(
        context,
        messages,
        names,
        output,
        columns=message_columns,
        screen_fields=MESSAGE_FIELDS,
        none="no messages match",
    )


@app.command()
def retry(context: typer.Context, numbers: Numbers, *, answer: Answer) -> None:
    """Send messages again, but not to addresses that got them.

    The next check sends them.

    \b
    Examples:
      slactl notifications retry 17
      slactl notifications list --state dead -q | slactl notifications retry -
    """
    messages = read_numbers(numbers, "message")
    here = call(context)
    from slactl.desk.messages import by_hand
    from slactl.show.receipt import message_receipt

    done = by_hand.retry(here.desk, here.now, messages, dry_run=answer.dry_run)
    print_receipts(answer, [message_receipt(before, after) for before, after in done])


@app.command()
def drop(context: typer.Context, numbers: Numbers, *, answer: Answer) -> None:
    """Drop messages that did not reach every address.

    \b
    Examples:
      slactl notifications drop 17
    """
    messages = read_numbers(numbers, "message")
    here = call(context)
    from slactl.desk.messages import by_hand
    from slactl.show.receipt import message_receipt

    done = by_hand.drop(here.desk, here.now, messages, dry_run=answer.dry_run)
    print_receipts(answer, [message_receipt(before, after) for before, after in done])


@notify.callback()
def notify_group() -> None:
    """Send a test message."""


@notify.command("test")
def send_sample(
    context: typer.Context,
    recipient: Annotated[
        str,
        typer.Argument(metavar="ROLE", help="A role or a person of the rules.", autocompletion=recipient_names),
    ],
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Send a test message to each address of a person, or of a role.

    For a role, the test goes to the addresses of the role, and to the person who has the role now: the person who is
    on call for it, or its assignee. A real message goes to the same addresses. If nobody has the role now, the error
    says why.

    A command of an address runs with the facts of a ticket that does not exist, whose number is 0. The message is not
    in the outbox, and silences and quiet hours do not hold it back. With --dry-run slactl sends
    nothing, but looks up every secret. Exit code 7: an address failed, or others may change the rules or read a
    secret.

    \b
    Examples:
      slactl notify test support_manager
      slactl notify test mia -n
    """
    from slactl.desk.messages.sample import try_out
    from slactl.show.records import write_object
    from slactl.text import clean_block

    here = call(context)
    trial = try_out(here.desk, here.now, recipient, dry_run=dry_run)
    if as_json:
        write_object(trial.record(), sys.stdout)
    else:
        print_lines(map(clean_block, trial.lines()))
    leave(ExitCode.DONE if trial.worked else ExitCode.PARTLY)
