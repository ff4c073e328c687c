"""`sync`: import what the commands of sources print."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.completion import source_names
from slactl.cli.files import Problems
from slactl.cli.options import Call, DryRunOption, JsonOption, advise, call, leave, say
from slactl.cli.panels import Commands
from slactl.errors import ExitCode, LockedError, worst
from slactl.show.form import Form

if TYPE_CHECKING:
    from slactl.desk.sources.sync import Synced

app = Commands()

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME…", help="Only these sources of rules.toml.", autocompletion=source_names),
]


@app.command()
def sync(
    context: typer.Context,
    names: NamesArgument = None,
    dry_run: DryRunOption = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing unless something happened.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the command of each [[source]] and import its output.

    A command that fails changes nothing. slactl runs no command while others may change the rules.

    \b
    Exit codes:
      0    done
      1    the temporary folder or the disk is full
      3    the rules have no source of this name
      4    the rules are invalid; no command ran
      6    the database cannot be used
      7    a command or a row failed, the rest is done; or others may change the rules
      75   another sync is running, or the database was busy for 30 s
      130  stopped by a signal; the next run continues

    \b
    Examples:
      slactl sync --dry-run
      slactl sync github
    \b
    In the crontab:
      */5 * * * * slactl sync -q; slactl check -q
    """
    from slactl.records.runs import SyncRun
    from slactl.show.records import write

    here = call(context)
    try:
        done = [*_synced(here, names or (), dry_run=dry_run, quiet=quiet, as_json=as_json)]
    except LockedError:
        if quiet:
            leave(ExitCode.LOCKED)
        raise
    if as_json:
        write([each.record for each in done], Form.JSON, tuple(SyncRun.__annotations__), sys.stdout)
    elif not done and not quiet:
        say(f"{here.desk.rules} has no [[source]]: slactl help import")
    leave(worst([ExitCode(each.record["exit_code"]) for each in done]))


def _synced(here: Call, names: Sequence[str], *, dry_run: bool, quiet: bool, as_json: bool) -> "Iterator[Synced]":
    """Run the sources in turn; print the bad rows of each, and what became of it."""
    from slactl.clock import now
    from slactl.desk.sources.sync import syncing

    with _stopped_by_signals(), syncing(here.desk, names, now, dry_run=dry_run) as work:
        for source in work.sources:
            problems = Problems(source.name, always=True, errors_only=quiet)
            done = work.run(source, problems)
            problems.end()
            _say(done, quiet=quiet, as_json=as_json)
            yield done


def _say(synced: "Synced", *, quiet: bool, as_json: bool) -> None:
    """Print what became of one source."""
    from slactl.show.check import import_line

    record = synced.record
    if record["error"] is not None:
        say(f"error: {record['source']}: {record['error']}", err=True)
        if synced.hint is not None:
            advise(synced.hint)
        return
    if synced.said and not quiet:
        say(f"warning: {record['source']}: {synced.said}", err=True)
    if not as_json and (not quiet or synced.happened):
        say(f"{record['source']}: {import_line(asdict(synced.done), dry_run=record['dry_run'])}")


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let signals that would end the process interrupt it, so that the command of a source ends with it."""
    import signal

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    wanted = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, stop) for each in wanted}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
