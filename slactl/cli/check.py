"""`check`: the cron job."""

import sys
from functools import partial
from pathlib import Path
from signal import SIGTERM, signal
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.options import Call, DryRunOption, advise, call, leave, tell
from slactl.cli.panels import Commands
from slactl.clock import boot_clock
from slactl.errors import ExitCode, LockedError, UsageError
from slactl.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from slactl.desk.escalation.run import Report, RunOptions

app = Commands()

MetricsOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write metrics for Prometheus' textfile collector.")
]
BoardOption = Annotated[str | None, typer.Option(metavar="FILE", help="Write the live page, see slactl board.")]
BoardModeOption = Annotated[
    str | None, typer.Option("--mode", metavar="0644", help="Who may read the file of --board; default 0600.")
]
TrustClockOption = Annotated[
    bool,
    typer.Option(
        "--trust-clock", envvar="SLACTL_TRUST_CLOCK", help="Accept a clock that was changed since the last run."
    ),
]
DryRunAtOption = Annotated[
    str | None, typer.Option("--at", metavar="T", help="With --dry-run: check as of this time, such as 'in 2h'.")
]
NoSendOption = Annotated[bool, typer.Option("--no-send", help="Leave messages in the outbox; the next run sends them.")]


@app.command()
def check(
    context: typer.Context,
    dry_run: DryRunOption = False,
    at: DryRunAtOption = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing unless something happened.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the run did as JSON.")] = False,
    no_send: NoSendOption = False,
    baseline: Annotated[bool, typer.Option("--baseline", help="Record due levels without firing them.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 10 if something fired.")] = False,
    metrics: MetricsOption = None,
    board: BoardOption = None,
    mode: BoardModeOption = None,
    trust_clock: TrustClockOption = False,
) -> None:
    """Record breaches, fire levels, send messages: the cron job.

    \b
    Exit codes:
      0    done
      1    the disk is full, failing or read-only; no ticket was changed
      4    the rules are invalid; check used the last valid rules
      6    the database cannot be used
      7    a part failed and the rest is done; or the disk became full, or the database busy, after a
            part was done; or messages wait because others may change the rules or read a secret, or
            settings.proxy cannot be used; or the clock was changed and check did nothing
      10   something fired (with --exit-code)
      75   another run holds the lock, or the database was busy for 30 s; check did nothing
      130  stopped by a signal; the next run continues

    \b
    Examples:
      slactl check --dry-run
      slactl check --dry-run --at "in 2h"
      slactl check -q --metrics /var/lib/prometheus/node-exporter/slactl.prom
    \b
    In the crontab:
      */5 * * * * slactl check -q
    """
    from slactl.desk.escalation.run import RunOptions

    here, show = call(context), partial(_print, as_json, quiet)
    page = _page(here, board, mode, dry_run=dry_run)
    options = RunOptions(dry_run, baseline, not no_send, boot_clock(), trust_clock, metrics, page, show=show)
    report = _run(here, at, options, quiet=quiet)
    leave(report.code if report.code or not (exit_code and report.escalated) else ExitCode.FOUND)


def _page(here: Call, board: str | None, mode: str | None, *, dry_run: bool) -> "Callable[[], None] | None":
    """Return what writes the live page, or None without `--board`."""
    if board is None:
        if mode is not None:
            raise UsageError("--mode needs --board, which names the file", "slactl check --board board.html")
        return None
    if dry_run or board == "-":
        what = "--board cannot be used with --dry-run" if dry_run else "--board needs a file"
        raise UsageError(what, "slactl board -")
    from slactl.cli.board import file_mode, write_board

    return partial(write_board, here, board, 0o600 if mode is None else file_mode(mode), of_check=True)


def _print(as_json: bool, quiet: bool, report: "Report") -> None:
    for warning in report.warnings:
        tell(f"warning: {warning}", err=True)
    for problem in report.problems:
        tell(f"error: {problem}", err=True)
    for hint in report.hints:
        advise(hint)
    if as_json:
        from slactl.show.records import write_object

        write_object(report.record(), sys.stdout)
    elif not quiet or report.happened:
        from slactl.cli.output import print_lines
        from slactl.prose import prose
        from slactl.show.check import check_lines

        lines = check_lines(report.record(), zoned=sys.stdout.isatty())
        print_lines(prose(line, sys.stdout) for line in lines)
    sys.stdout.flush()


def _run(here: Call, at: str | None, options: "RunOptions", *, quiet: bool) -> "Report":
    """Run the check; SIGTERM stops it after the current batch."""
    from slactl.desk.escalation.check import check

    if at is not None and not options.dry_run:
        raise UsageError(
            "--at needs --dry-run: a real check uses the current time", "slactl check --dry-run --at 'in 2h'"
        )
    if options.metrics is not None and options.dry_run:
        hint = f"slactl check --metrics {quoted(options.metrics)}"
        raise UsageError("--metrics cannot be used with --dry-run", hint)
    signals: list[int] = []
    moment = here.instant(at, ahead=True) or here.now
    before = signal(SIGTERM, lambda number, _: signals.append(number))
    try:
        return check(here.desk, moment, options._replace(stop=lambda: bool(signals)))
    except LockedError:
        if quiet:
            leave(ExitCode.LOCKED)
        raise
    finally:
        signal(SIGTERM, before)
