"""Trying out where messages go."""

import sys
from typing import Annotated

import typer

from slactl.cli.options import DryRunOption, JsonOption, call, leave
from slactl.cli.panels import Commands
from slactl.errors import ExitCode

app = Commands(help="Send a test message.")


@app.callback()
def group() -> None:
    """Send a test message."""


@app.command("test")
def send_sample(
    context: typer.Context,
    recipient: Annotated[str, typer.Argument(metavar="ROLE", help="A role or a person of the rules.")],
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Send a test message to each address of a role or person.

    The message is not in the outbox, and silences and quiet hours do not hold it back. With --dry-run nothing
    is sent, but every secret is looked up. Exit code 7: an address failed, or others may change the rules or read
    a secret.

    \b
    Examples:
      slactl notify test support_manager
      slactl notify test mia -n
    """
    from slactl.desk.messages import sample as trials
    from slactl.show.records import write_object
    from slactl.text import clean_block

    here = call(context)
    trial = trials.try_out(here.desk, here.now, recipient, dry_run=dry_run)
    if as_json:
        write_object(trial.record(), sys.stdout)
    else:
        sys.stdout.writelines(f"{clean_block(line)}\n" for line in trial.lines())
    leave(ExitCode.DONE if trial.worked else ExitCode.PARTLY)
