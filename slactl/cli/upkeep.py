"""`backup`, `restore`, `doctor` and `erase`: keep a service desk healthy, and remove what a person wrote."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.input import confirm
from slactl.cli.options import Call, DryRunOption, JsonOption, YesOption, call, complain, leave
from slactl.cli.output import print_lines
from slactl.cli.panels import Commands, read_flag
from slactl.clock import boot_clock
from slactl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from slactl.desk.upkeep.erase import Erasure
    from slactl.records.upkeep import Health as HealthRecord

app = Commands()


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of the copy.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a verified copy of the database while it is in use.

    The copy is private (0600) and gets its name only after slactl has verified it.

    \b
    Examples:
      slactl backup /backup/slactl-$(date +%F).db
      slactl backup --force /backup/slactl.db
    """
    from slactl.cli.progress import phases
    from slactl.desk.upkeep import backup as desk
    from slactl.show.records import write_object
    from slactl.show.upkeep import backup_lines

    with phases() as show_progress:
        made = desk.backup(
            call(context).desk,
            file.expanduser(),
            force=force,
            dry_run=dry_run,
            progress=lambda done, total: show_progress("copying", done, total),
        )
    if as_json:
        write_object(made.record(), sys.stdout)
    else:
        print_lines(backup_lines(made.record()))


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")],
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup, and keep the old database beside it.

    slactl verifies the backup before it changes anything. The name of the old database gets
    ".before-restore-" and the time. Stop cron before you restore: the next check may send again messages that were
    already sent after the backup.

    Exit code 75: a check or a sync is running, or another program writes.

    \b
    Examples:
      slactl restore /backup/slactl-2026-03-02.db --dry-run
      slactl restore /backup/slactl-2026-03-02.db
    """
    from slactl.cli.progress import phases
    from slactl.desk.upkeep import restore as desk
    from slactl.show.records import write_object
    from slactl.show.upkeep import restore_lines
    from slactl.text import clean

    here = call(context)
    done = desk.examine(here.desk, file.expanduser())
    if not dry_run:
        if done.exists:
            confirm(clean(f"Replace {done.database} with {done.file}?"), yes=yes)
        with phases() as progress:
            done = desk.restore(
                here.desk,
                done,
                call(context).now,
                progress=lambda made, total: progress("restoring", made, total),
            )
    if as_json:
        write_object(done.record(), sys.stdout)
    else:
        print_lines(restore_lines(done.record()))


@app.command()
def erase(
    context: typer.Context,
    requester: Annotated[str | None, typer.Option(metavar="EMAIL", help="The address of the person.")] = None,
    finish: Annotated[bool, typer.Option("--finish", help="Finish an interrupted erasure: rewrite the file.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Erase the texts and the address of a person.

    In the person's own tickets it erases subject, bodies and address. In other tickets it erases what the
    person wrote, and each text that contains the address, also in encoded form: HTML (&#64;), URLs (%40), mail
    (=40, =?utf-8?q?…?=), JSON, full-width letters, or with invisible characters in it. --dry-run shows which tickets
    contain only an encoded form. The log keeps hashes, so that audit verify still works.

    Exit code 7: the address may still be in the database, in a longer address or in a text that slactl cannot
    erase, or slactl could not rewrite the file.

    \b
    Examples:
      slactl erase --requester ann@example.com --dry-run
      slactl erase --requester ann@example.com --yes
    """
    from slactl.desk.upkeep import erase as desk
    from slactl.show.records import write_object
    from slactl.show.upkeep import erasure_lines

    here = call(context)
    if (requester is None) != finish:
        raise UsageError("use either --requester or --finish", "slactl erase --help")
    done = desk.finish(here.desk, dry_run=dry_run) if requester is None else _erase(context, requester, dry_run, yes)
    if as_json:
        write_object(done.record(), sys.stdout)
    else:
        print_lines(erasure_lines(done.record()))
    leave(done.code)


def _erase(context: typer.Context, requester: str, dry_run: bool, yes: bool) -> "Erasure":
    """Erase what a person wrote; on a terminal only what the prompt showed."""
    from slactl.desk.upkeep import erase as desk

    here = call(context)
    preview = desk.erase(here.desk, here.now, requester, dry_run=True)
    if dry_run:
        return preview
    if preview.texts:
        texts, tickets = sum(preview.texts.values()), len(preview.tickets) + len(preview.other_tickets)
        counts = [
            f"{count:,} {noun}{'s' if count != 1 else ''}" for count, noun in ((texts, "text"), (tickets, "ticket"))
        ]
        confirm(f"Erase {counts[0]} of {counts[1]} permanently?", yes=yes)
    # Other people may have changed tickets before the answer.
    return desk.erase(here.desk, call(context).now, requester, shown=None if yes else preview.last_event)


@app.command()
def doctor(
    context: typer.Context,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Calculate all tickets and timers again.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only the problems.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the installation and suggest a fix for each problem.

    Exit codes: 0 no problem, 6 the database is missing or damaged, 75 it is busy or being initialised, 7 another
    problem.

    --rebuild creates triggers, indexes and views again, and drops each table, view, index and trigger that slactl did
    not create. On a terminal it asks first. Without a terminal it drops a table with rows only with --yes. Then it
    calculates the columns of every ticket and timer from the histories, shows the differences, and writes the
    calculated values.

    \b
    Examples:
      slactl doctor
      slactl doctor --json
      slactl doctor --rebuild --dry-run
    """
    from slactl.show.records import write_object
    from slactl.show.upkeep import draw_health, health_lines

    if rebuild:
        return _rebuild(context, dry_run=dry_run, yes=yes, as_json=as_json)
    if dry_run:
        raise UsageError("--dry-run needs --rebuild: doctor alone changes nothing", "slactl doctor")
    here = call(context)
    record, code = _health(here)
    if quiet:
        record["checks"] = [check for check in record["checks"] if not check["ok"]]
    if as_json:
        write_object(record, sys.stdout)
    elif not record["checks"]:
        pass
    elif sys.stdout.isatty():
        draw_health(record, here.screen)
    else:
        print_lines(health_lines(record))
    leave(code)


def _health(here: Call) -> "tuple[HealthRecord, ExitCode]":
    """Return what is found, with fixes for the database and rules that were typed."""
    from slactl.desk.upkeep.doctor import examine

    trusts_clock = read_flag("SLACTL_TRUST_CLOCK")
    health = examine(here.desk, here.now, os.environ, None if trusts_clock else boot_clock())
    record = health.record()
    for each in record["checks"]:
        each["fix"] = each["fix"] and here.config.pasted(each["fix"])
    return record, health.code


def _rebuild(context: typer.Context, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    from slactl.cli.progress import phases
    from slactl.desk.upkeep import rebuild as desk
    from slactl.show.records import write_object
    from slactl.show.upkeep import rebuild_lines
    from slactl.text import clean

    here, done = call(context), desk.Rebuilt(dry_run)
    foreign = desk.foreign_parts(here.desk) if sys.stdin.isatty() and not dry_run else []
    if foreign:
        confirm(clean(f"Drop {', '.join(foreign)}, which slactl did not create?"), yes=yes)
    with phases() as progress:
        differences = list(desk.rebuild(here.desk, here.now, done, progress, complain, tables=yes or bool(foreign)))
    if as_json:
        write_object(done.record() | {"found": differences}, sys.stdout)
    else:
        print_lines(rebuild_lines(done.record(), differences))
    leave(done.code)
