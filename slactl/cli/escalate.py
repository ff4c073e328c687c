"""`escalate`, `ack`, `unack` and `due`: escalate by hand, hold escalation back, and set deadlines."""

import sys
from typing import Annotated, NamedTuple

import typer

from slactl.cli.completion import assignees_and_roles, escalation_ids, level_ids
from slactl.cli.input import confirm_many, priority_option, read_ids
from slactl.cli.options import Answer, Id, Ids, ManyOption, call, leave, say, tell
from slactl.cli.output import announce, change_numbered, change_tickets
from slactl.cli.panels import Commands
from slactl.durations import Duration, parse_duration
from slactl.errors import ExitCode, UsageError
from slactl.sla.enums import Priority, Target

app = Commands()


class Wanted(NamedTuple):
    """The options of `escalate`: why, and what it does; without options it does what the settings say."""

    reason: Annotated[str | None, typer.Option(metavar="R", help="The reason, 1 to 1,000 characters; required.")] = None
    assign: Annotated[
        str | None,
        typer.Option(
            metavar="WHO|ROLE", help="Assign to a person or role; me is you.", autocompletion=assignees_and_roles
        ),
    ] = None
    priority: Annotated[Priority | None, priority_option("Raise to at least this priority.")] = None
    escalation: Annotated[
        str | None, typer.Option(metavar="ID", help="Fire a level of this rule now.", autocompletion=escalation_ids)
    ] = None
    level: Annotated[str | None, typer.Option(metavar="L", help="The level to fire.", autocompletion=level_ids)] = None
    no_notify: Annotated[bool, typer.Option("--no-notify", help="Send no message.")] = False

    def named_level(self) -> tuple[str, str] | None:
        """Return the escalation rule and the level that were named, or None.

        Raises:
            UsageError: only one of them was named, or other options say what to do.
        """
        if self.escalation is None and self.level is None:
            return None
        example = "slactl escalate --help"
        if self.escalation is None or self.level is None:
            raise UsageError("--escalation and --level must be used together", example)
        if self.assign is not None or self.priority is not None:
            why = "the level decides what happens"
            raise UsageError(f"--assign and --priority cannot be used with --level: {why}", example)
        return self.escalation, self.level


def ack_duration(text: str) -> Duration:
    """Return the duration of `ack --for`; it may be in business days.

    Raises:
        UsageError: the text is not a duration.
    """
    try:
        return parse_duration(str(text))
    except ValueError as error:
        raise UsageError(f"--for: {error}", "slactl ack --help") from error


@app.command()
def escalate(
    context: typer.Context, references: Ids, yes: ManyOption = False, *, wanted: Wanted, answer: Answer
) -> None:
    """Escalate tickets by hand, with a reason.

    Without --assign, --priority and --escalation it does what settings.manual_escalation says: by default it raises
    the priority to high and notifies the support manager. With --escalation and --level it fires that level at once.
    Neither this level nor any level below it fires again; check continues with the next level.

    Messages go out at once, and the receipt says who got a message, and by which address. Messages wait for the next
    check if another run sends messages, or if you may not read the secrets. Exit code 5: nobody would be told and
    nothing would change. Exit code 7: a message was not delivered.

    \b
    Examples:
      slactl escalate 12 --reason "customer called twice"
      slactl escalate 12 --reason "contract at risk" --priority urgent --assign support_manager
      slactl escalate 12 --escalation resolution --level manager --reason "asks for the manager"
      slactl list --breached -q | slactl escalate - --reason "weekend backlog"
    """
    from slactl.desk.tickets.input import checked_reason

    named = wanted.named_level()
    why = checked_reason(wanted.reason, "slactl escalate --help")
    from slactl.desk.escalation import by_hand

    numbers = read_ids(references)
    confirm_many(numbers, "Escalate {}?", yes=yes, dry_run=answer.dry_run)
    here = call(context)
    who = here.person(wanted.assign)
    flags = {"notify": not wanted.no_notify, "dry_run": answer.dry_run}
    if named is not None:
        outcome = by_hand.escalate_to(here.desk, here.now, numbers, why, named, **flags)
    else:
        outcome = by_hand.escalate(here.desk, here.now, numbers, why, who, wanted.priority, **flags)
    from slactl.show.escalate import warnings

    is_seen = answer.quiet or answer.dry_run or sys.stdout.isatty() or wanted.no_notify
    for warning in () if is_seen else warnings(outcome.notices):
        tell(f"warning: {warning}", err=True)
    for problem in outcome.problems:
        say(f"error: {problem}", err=True)
    announce(here, answer, outcome.change, "escalated", assignee=who, notices=outcome.notices)
    leave(ExitCode.PARTLY if outcome.problems else ExitCode.DONE)


@app.command()
def ack(
    context: typer.Context,
    references: Ids,
    lasting: Annotated[
        Duration | None,
        typer.Option(
            "--for", metavar="4h", help="The duration (4h, 1bd); default settings.ack_for.", parser=ack_duration
        ),
    ] = None,
    *,
    answer: Answer,
) -> None:
    """Acknowledge: no level of these tickets fires for some time.

    \b
    Examples:
      slactl ack 12
      slactl ack 12 13 --for 90m
      slactl ack 12 --for 1bd
    """
    from slactl.desk.escalation.by_hand import acknowledge

    change = acknowledge(lasting)
    change_tickets(context, answer, references, change)


@app.command()
def unack(
    context: typer.Context,
    references: Ids,
    *,
    answer: Answer,
) -> None:
    """Release an acknowledgement; escalation resumes.

    \b
    Examples:
      slactl unack 12
    """
    from slactl.desk.escalation.by_hand import unacknowledge

    change_tickets(context, answer, references, unacknowledge())


@app.command()
def due(
    context: typer.Context,
    reference: Id,
    target: Annotated[Target, typer.Option(help="The deadline to change.")],
    at: Annotated[str | None, typer.Option("--at", metavar="T", help="The deadline: 'in 4h', 'fri 17:00'.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Return to the calculated deadline.")] = False,
    reason: Annotated[str | None, typer.Option(metavar="R", help="Why; required.")] = None,
    *,
    answer: Answer,
) -> None:
    """Set a deadline by hand, or return to the calculated deadline.

    \b
    Examples:
      slactl due 12 --target resolution --at "fri 17:00" --reason "agreed on the phone"
      slactl due 12 --target resolution --clear --reason "back to the contract"
    """
    from slactl.desk.tickets.input import checked_reason

    if clear == (at is not None):
        raise UsageError("use either --at or --clear", "slactl due --help")
    why = checked_reason(reason, "slactl due --help")
    from slactl.desk.tickets import changes

    numbers = read_ids([reference])
    here = call(context)
    change = changes.due(target, here.time(at, ahead=True), why)
    change_numbered(here, answer, numbers, change, dated=True)
