"""The cron job."""

import sys
from typing import Annotated

import typer

from slactl.cli.options import AtOption, DryRunOption, call, leave
from slactl.errors import ExitCode, LockedError, UsageError

app = typer.Typer(rich_markup_mode=None)


@app.command()
def check(
    context: typer.Context,
    dry_run: DryRunOption = False,
    at: AtOption = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Silent unless something happened.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What the run did, as JSON.")] = False,
    no_send: Annotated[bool, typer.Option("--no-send", help="Leave messages in the outbox.")] = False,
    baseline: Annotated[bool, typer.Option("--baseline", help="Record what is due without firing it.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 10 when something fired.")] = False,
) -> None:
    """Record breaches, fire what is due once, send what waits: the job for cron.

    Exit codes: 0 done, 4 the rules are invalid and the last valid ones were used, 6 the database cannot be
    used, 7 a ticket or a message failed and the rest is done, 10 something fired (with --exit-code),
    75 another run is under way.

    \b
    Examples:
      slactl check
      slactl check --dry-run
      slactl check --dry-run --at "in 2h"
      */5 * * * * slactl check -q
    """
    from slactl.desk import check as desk
    from slactl.show.check import check_lines
    from slactl.show.records import write_object

    here = call(context)
    if at is not None and not dry_run:
        raise UsageError("--at goes with --dry-run: a check is always of now", "slactl check --dry-run --at 'in 2h'")
    try:
        report = desk.check(
            here.config, here.instant(at, ahead=True) or here.now, dry_run=dry_run, baseline=baseline, send=not no_send
        )
    except LockedError:
        if quiet:
            leave(ExitCode.LOCKED)
        raise
    for problem in report.problems:
        typer.echo(f"error: {problem}", err=True)
    if as_json:
        write_object(report.record(), sys.stdout)
    elif not quiet or report.happened:
        sys.stdout.writelines(f"{line}\n" for line in check_lines(report.record()))
    leave(report.code if report.code or not (exit_code and report.escalated) else ExitCode.FOUND)
