"""`silence`: hold messages back for some time."""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from slactl.cli.completion import escalation_ids, tenant_names, ticket_ids
from slactl.cli.input import read_numbers
from slactl.cli.options import Answer, Output, call, wall_seconds
from slactl.cli.output import print_receipts, print_records
from slactl.cli.panels import Commands
from slactl.errors import UsageError

app = Commands(help="Hold messages back for some time.")

FOR = wall_seconds("--for", "slactl silence add --help")


@app.command()
def add(
    context: typer.Context,
    seconds: Annotated[int | None, typer.Option("--for", metavar="2h", help="How long.", parser=FOR)] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="T", help="When it ends: 'mon 06:00'.")] = None,
    begins: Annotated[str | None, typer.Option("--from", metavar="T", help="When it begins; default: now.")] = None,
    tenant: Annotated[
        str | None, typer.Option(metavar="T", help="Messages about this tenant's tickets.", autocompletion=tenant_names)
    ] = None,
    ticket: Annotated[
        str | None, typer.Option(metavar="ID", help="Messages about this ticket.", autocompletion=ticket_ids)
    ] = None,
    escalation: Annotated[
        str | None, typer.Option(metavar="ID", help="Messages of this escalation rule.", autocompletion=escalation_ids)
    ] = None,
    comment: Annotated[str | None, typer.Option(metavar="TEXT", help="The reason, for other people.")] = None,
    *,
    answer: Answer,
) -> None:
    """Hold messages back, now or later; levels still fire.

    With several options it holds back only messages that match all of them. When the silence ends, slactl sends one
    message about all tickets that still need attention. It does not send messages that are no longer true.

    \b
    Examples:
      slactl silence add --tenant acme --for 2h --comment "their data centre is moving"
      slactl silence add --ticket 12 --for 1d
      slactl silence add --tenant acme --from "sat 22:00" --until "sun 06:00"
    """
    if (seconds is None) is (until is None):
        raise UsageError("use either --for or --until", "slactl silence add --help")
    here = call(context)
    starts = here.time(begins, ahead=True) or here.now
    ends = here.time(until, ahead=True, after=starts if isinstance(starts, datetime) else None)
    from slactl.desk.messages import silences

    new = silences.NewSilence(starts, ends or timedelta(seconds=seconds or 0), tenant, ticket, escalation, comment)
    added = silences.add(here.desk, here.now, new, dry_run=answer.dry_run)
    from slactl.show.receipt import silence_receipt

    print_receipts(answer, [silence_receipt(None, added, here.now)])


@app.command("list", fields="slactl.store.read.messages:SILENCE_COLUMNS")
def list_(
    context: typer.Context,
    ended: Annotated[bool, typer.Option("--all", help="Also silences that have ended.")] = False,
    *,
    output: Output,
) -> None:
    """List current and later silences.

    The silence that ends last comes first.

    \b
    Examples:
      slactl silence list
      slactl silence list --all --json
    """
    from slactl.clock import to_text
    from slactl.store.read import messages as message_reads

    here = call(context)
    with here.desk.database.read() as transaction:
        silences = message_reads.silences(transaction, to_text(here.now), ended=ended)
    shown = ("id", "ends_at", "ticket_id", "tenant", "escalation", "starts_at", "actor", "comment")
    print_records(context, silences, message_reads.SILENCE_COLUMNS, output, screen_fields=shown, none="no silences")


@app.command()
def expire(
    context: typer.Context,
    numbers: Annotated[list[str], typer.Argument(metavar="SILENCE…", help="Numbers from the list; - reads stdin.")],
    *,
    answer: Answer,
) -> None:
    """End silences now.

    \b
    Examples:
      slactl silence expire 3
      slactl silence list -q | slactl silence expire -
    """
    from slactl.desk.messages import silences

    named = read_numbers(numbers, "silence")
    here = call(context)
    done = silences.expire(here.desk, here.now, named, dry_run=answer.dry_run)
    from slactl.show.receipt import silence_receipt

    print_receipts(answer, [silence_receipt(before, after, here.now) for before, after in done])
