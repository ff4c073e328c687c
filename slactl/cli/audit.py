"""`audit`: list and verify the log of everything that happened."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.options import JsonOption, Output, call, leave
from slactl.cli.output import print_lines
from slactl.cli.panels import Commands
from slactl.cli.show import print_events
from slactl.clock import to_text
from slactl.errors import ExitCode, UsageError
from slactl.show.form import Form

if TYPE_CHECKING:
    from slactl.store.database import Transaction

app = Commands(help="List and verify the log of everything that happened.")

#: How many entries a terminal shows unless `--limit` says otherwise.
SCREENFUL = 50
ActorOption = Annotated[
    list[str] | None, typer.Option("--actor", metavar="NAME", help="Only events of this actor; me is you.")
]
ActionOption = Annotated[
    list[str] | None, typer.Option("--action", metavar="A", help="Only this action, such as ticket.escalate.")
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=0, help="The last N events; 0: all. Default 50 on a terminal.")
]


@app.callback()
def audit() -> None:
    """List and verify the log of everything that happened."""


@app.command("list", fields="slactl.store.read.events:EVENT_COLUMNS")
def list_events(
    context: typer.Context,
    since: Annotated[str | None, typer.Option("--since", metavar="T", help="Recorded at T or later.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="T", help="Recorded before T.")] = None,
    actor: ActorOption = None,
    action: ActionOption = None,
    limit: LimitOption = None,
    *,
    output: Output,
) -> None:
    """List the log, oldest event first.

    \b
    Examples:
      slactl audit list --since yesterday
      slactl audit list --action ticket.escalate --json
    """
    from slactl.show.history import event_fields
    from slactl.show.records import pour, spooled
    from slactl.store.read import events as event_reads

    here = call(context)
    chosen, names = output.chosen(), output.names(event_reads.EVENT_COLUMNS, plain=event_fields(several=True))
    actors = [here.person(name) or name for name in actor or ()]
    most = limit if limit is not None else SCREENFUL if chosen is Form.TABLE else 0
    with here.desk.database.read() as transaction:
        _check_actions(transaction, action or ())
        first, end = (to_text(at) if (at := here.instant(typed)) else None for typed in (since, until))
        log = event_reads.log(transaction, first, end, actors=actors, actions=action or (), last=most)
        spool = None if chosen is Form.TABLE else spooled(log, chosen, names, header=output.header)
        events = list(log)
    if spool:
        pour(spool, sys.stdout)
        return
    below = f"the last {most}; --limit 0 for all" if most and len(events) == most else ""
    print_events(here, events, output, names, several=True, footer=below)


@app.command("verify")
def verify(
    context: typer.Context,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HASH", help="A last hash that you stored elsewhere; the log must contain it."),
    ] = None,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only findings.")] = False,
) -> None:
    """Verify that nobody changed the log.

    It checks the chain of hashes, the texts that people wrote, the escalations, and the columns of every ticket
    and timer. Exit codes: 0 no change was found, 6 a change was found. slactl help operations lists the data
    that it does not check.

    \b
    Examples:
      slactl audit verify
      slactl audit verify --head "$(cat /mnt/elsewhere/audit_head)"
    """
    from slactl.cli.progress import phases
    from slactl.desk.upkeep import audit as desk
    from slactl.show.records import write_object
    from slactl.show.upkeep import audit_lines

    here = call(context)
    with phases() as progress:
        result = desk.verify(here.desk, here.now, head, progress)
    if as_json:
        write_object(result.record(), sys.stdout)
    elif result.found or not quiet:
        print_lines(audit_lines(result.record()))
    leave(ExitCode.DATABASE if result.found else ExitCode.DONE)


def _check_actions(transaction: "Transaction", actions: Sequence[str]) -> None:
    """Refuse an action that no event can have: it is a typing mistake, and the log is not empty."""
    from slactl.store.read import events as event_reads
    from slactl.text import clean, did_you_mean

    if not actions:
        return
    known = event_reads.actions(transaction)
    for action in actions:
        if action not in known:
            choices = f" (actions: {', '.join(known)})"
            question = did_you_mean(action, known)
            raise UsageError(f"there is no action {clean(action)[:100]!r}{question}{choices}")
