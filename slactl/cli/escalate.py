"""Escalating by hand, and saying that somebody has it."""

from typing import Annotated

import typer

from slactl.cli.options import DryRunOption, Ids, JsonOption, QuietOption, call, read_ids, typed
from slactl.cli.panels import Commands
from slactl.cli.results import announce
from slactl.errors import UsageError
from slactl.sla.enums import Priority

app = Commands()


@app.command()
def escalate(
    context: typer.Context,
    references: Ids,
    reason: Annotated[
        str | None, typer.Option(metavar="R", help="The reason, 1 to 1,000 characters; required.")
    ] = None,
    assign: Annotated[
        str | None, typer.Option(metavar="WHO|ROLE", help="Assign to a person or role; me is you.")
    ] = None,
    priority: Annotated[Priority | None, typer.Option(help="Raise to at least this.", show_default=False)] = None,
    escalation: Annotated[str | None, typer.Option(metavar="ID", help="Fire a level of this escalation rule.")] = None,
    level: Annotated[str | None, typer.Option(metavar="L", help="The level to fire.")] = None,
    no_notify: Annotated[bool, typer.Option("--no-notify", help="Send no message.")] = False,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Escalate tickets by hand, with a reason.

    Without options it does what settings.manual_escalation says: by default it raises the priority to high and
    tells the support manager. With --escalation and --level it does at once what that level does. Neither this
    level nor any below it fires again; check continues with the next level.

    \b
    Examples:
      slactl escalate 12 --reason "customer called twice"
      slactl escalate 12 --reason "contract at risk" --priority urgent --assign support_manager
      slactl escalate 12 --escalation resolution --level manager --reason "asks for the manager"
      slactl list --breached -q | slactl escalate - --reason "weekend backlog"
    """
    from slactl.desk.escalation import by_hand

    here, place = call(context), _place(escalation, level, alone=assign is None and priority is None)
    who, told = here.person(assign), {"notify": not no_notify, "dry_run": dry_run}
    if place is not None:
        outcome = by_hand.escalate_to(here.desk, here.now, read_ids(references), reason, place, **told)
    else:
        outcome = by_hand.escalate(here.desk, here.now, read_ids(references), reason, who, priority, **told)
    announce(here, outcome, "escalated", assignee=who, quiet=quiet, as_json=as_json, dry_run=dry_run)


def _place(escalation: str | None, level: str | None, *, alone: bool) -> tuple[str, str] | None:
    """The level that was named, if any; a level says itself what it does."""
    if escalation is None and level is None:
        return None
    example = "slactl escalate --help"
    if escalation is None or level is None:
        raise UsageError("--escalation and --level go together", example)
    if not alone:
        raise UsageError("--assign and --priority do not go with --level, which says itself what it does", example)
    return escalation, level


@app.command()
def ack(
    context: typer.Context,
    references: Ids,
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="4h", help="How long; default settings.ack_for.")
    ] = None,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Acknowledge: no level of these tickets fires for some time.

    \b
    Examples:
      slactl ack 12
      slactl ack 12 13 --for 90m
    """
    from slactl.clock import parse_duration
    from slactl.desk.escalation import by_hand
    from slactl.desk.tickets import changes

    here = call(context)
    again = f"slactl ack {typed(references)} --for 4h"
    try:
        duration = parse_duration(lasting) if lasting is not None else None
    except ValueError as error:
        raise UsageError(f"--for: {error}", again) from error
    if duration is not None and duration.business_days:
        raise UsageError("--for takes hours and minutes, not business days", again)
    outcome = changes.change(here.desk, here.now, read_ids(references), by_hand.acknowledge(duration), dry_run=dry_run)
    announce(here, outcome, "acknowledged", quiet=quiet, as_json=as_json, dry_run=dry_run)


@app.command()
def unack(
    context: typer.Context,
    references: Ids,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Release an acknowledgement; escalation resumes.

    \b
    Examples:
      slactl unack 12
    """
    from slactl.desk.escalation import by_hand
    from slactl.desk.tickets import changes

    here = call(context)
    outcome = changes.change(here.desk, here.now, read_ids(references), by_hand.unacknowledge(), dry_run=dry_run)
    announce(here, outcome, "released", quiet=quiet, as_json=as_json, dry_run=dry_run)
