"""Escalating by hand, and saying that somebody has it."""

from typing import Annotated

import typer

from slactl.cli.options import DryRunOption, Ids, JsonOption, QuietOption, call, read_ids
from slactl.cli.results import announce
from slactl.errors import UsageError
from slactl.sla.history import Priority

app = typer.Typer(rich_markup_mode=None)


@app.command()
def escalate(
    context: typer.Context,
    references: Ids,
    reason: Annotated[str | None, typer.Option(metavar="R", help="Why, 1-1000 characters; required.")] = None,
    assign: Annotated[
        str | None, typer.Option(metavar="WHO|ROLE", help="Give it to a person or role; me is you.")
    ] = None,
    priority: Annotated[Priority | None, typer.Option(help="Raise to at least this.", show_default=False)] = None,
    no_notify: Annotated[bool, typer.Option("--no-notify", help="Tell nobody.")] = False,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Escalate tickets by hand; each call is a record of its own.

    Without options it does what settings.manual_escalation says: at least high, and the support manager is told.

    \b
    Examples:
      slactl escalate 12 --reason "customer called twice"
      slactl escalate 12 --reason "contract at risk" --priority urgent --assign support_manager
      slactl list --breached -q | slactl escalate - --reason "weekend backlog"
    """
    from slactl.desk import escalation

    here = call(context)
    who = here.person(assign)
    outcome = escalation.escalate(
        here.config,
        here.now,
        read_ids(references),
        reason,
        who,
        priority,
        notify=not no_notify,
        dry_run=dry_run,
    )
    announce(here, outcome, "escalated", assignee=who, quiet=quiet, as_json=as_json, dry_run=dry_run)


@app.command()
def ack(
    context: typer.Context,
    references: Ids,
    lasting: Annotated[str | None, typer.Option("--for", metavar="4h", help="How long you have it.")] = None,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """I have it: nothing of the tickets' ladders fires until the time is over.

    \b
    Examples:
      slactl ack 12
      slactl ack 12 13 --for 90m
    """
    from slactl.clock import parse_duration
    from slactl.desk import changes, escalation

    here = call(context)
    try:
        duration = parse_duration(lasting) if lasting is not None else None
    except ValueError as error:
        raise UsageError(f"--for: {error}", "slactl ack ID --for 4h") from error
    if duration is not None and duration.business_days:
        raise UsageError("--for takes hours and minutes, not business days", "slactl ack ID --for 4h")
    outcome = changes.change(
        here.config, here.now, read_ids(references), escalation.acknowledge(duration), dry_run=dry_run
    )
    announce(here, outcome, "acknowledged", quiet=quiet, as_json=as_json, dry_run=dry_run)


@app.command()
def unack(
    context: typer.Context,
    references: Ids,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """I do not have it any more: the tickets' ladders go on.

    \b
    Examples:
      slactl unack 12
    """
    from slactl.desk import changes, escalation

    here = call(context)
    outcome = changes.change(here.config, here.now, read_ids(references), escalation.unacknowledge(), dry_run=dry_run)
    announce(here, outcome, "released", quiet=quiet, as_json=as_json, dry_run=dry_run)
