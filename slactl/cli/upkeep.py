"""The upkeep of a desk: backups, health, and the removal of a person."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.options import DryRunOption, JsonOption, YesOption, call, complain, confirm, leave
from slactl.cli.panels import Commands
from slactl.errors import SlactlError, UsageError

if TYPE_CHECKING:
    from slactl.desk.upkeep.erase import Erasure

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

    with phases() as tell:
        made = desk.backup(
            call(context).desk,
            file.expanduser(),
            force=force,
            dry_run=dry_run,
            progress=lambda done, total: tell("copying", done, total),
        )
    if as_json:
        write_object(made.record(), sys.stdout)
    else:
        sys.stdout.writelines(f"{line}\n" for line in backup_lines(made.record()))


@app.command()
def erase(
    context: typer.Context,
    requester: Annotated[str | None, typer.Option(metavar="EMAIL", help="The address of the person.")] = None,
    finish: Annotated[bool, typer.Option("--finish", help="Only rewrite the file, after an interruption.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Erase what a person wrote, and the address.

    In the person's own tickets it erases subject, bodies and address. In other tickets it erases what the
    person wrote, and each text that contains the address, also in encoded form: HTML (&#64;), URLs (%40), mail
    (=40, =?utf-8?q?…?=), JSON, full-width letters, or with hidden marks in it. --dry-run shows which tickets
    contain only an encoded form. The log keeps hashes, so that it still verifies.

    Exit code 7: the address may still be part of a longer address or of a text that cannot be erased, or the
    file could not be rewritten.

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
        raise UsageError("name either --requester or --finish", "slactl erase --help")
    done = desk.finish(here.desk, dry_run=dry_run) if requester is None else _erase(context, requester, dry_run, yes)
    if as_json:
        write_object(done.record(), sys.stdout)
    else:
        sys.stdout.writelines(f"{line}\n" for line in erasure_lines(done.record()))
    leave(done.code)


def _erase(context: typer.Context, requester: str, dry_run: bool, yes: bool) -> "Erasure":
    """Erase a person; on a terminal no more than was in the question that was answered."""
    from slactl.desk.upkeep import erase as desk

    here = call(context)
    found = desk.erase(here.desk, here.now, requester, dry_run=True)
    if dry_run:
        return found
    if found.texts:
        texts, tickets = sum(found.texts.values()), len(found.tickets) + len(found.other_tickets)
        confirm(f"Erase {_counted(texts, 'text')} of {_counted(tickets, 'ticket')} for good?", yes=yes)
    # Others may have worked on while the question stood.
    return desk.erase(here.desk, call(context).now, requester, shown=None if yes else found.last_event)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


@app.command()
def doctor(
    context: typer.Context,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Calculate every ticket and timer again from its history.")
    ] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check the installation and suggest a fix for each problem.

    Exit codes: 0 no problem, 6 the database is missing or damaged, 7 another problem. --rebuild makes triggers,
    indexes and views again, drops what slactl did not make (a table with rows only with --yes), calculates the
    columns of every ticket and timer from the histories, and shows what differed.

    \b
    Examples:
      slactl doctor
      slactl doctor --json
      slactl doctor --rebuild --dry-run
    """
    from slactl.desk.upkeep import doctor as desk
    from slactl.show.records import write_object
    from slactl.show.upkeep import draw_health, health_lines

    if rebuild:
        _rebuild(context, dry_run=dry_run, yes=yes, as_json=as_json)
        return
    if dry_run:
        raise UsageError("--dry-run goes with --rebuild: doctor itself changes nothing", "slactl doctor")
    here = call(context)
    found = desk.examine(here.desk, here.now, os.environ)
    if as_json:
        write_object(found.record(), sys.stdout)
    elif sys.stdout.isatty():
        draw_health(found.record(), here.screen)
    else:
        sys.stdout.writelines(f"{line}\n" for line in health_lines(found.record()))
    leave(found.code)


def _rebuild(context: typer.Context, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    from slactl.cli.progress import phases
    from slactl.desk.upkeep import rebuild as desk
    from slactl.show.records import write_object
    from slactl.show.upkeep import rebuild_lines
    from slactl.text import clean

    here, done = call(context), desk.Rebuilt(dry_run)
    foreign = desk.foreign_parts(here.desk) if sys.stdin.isatty() and not dry_run else []
    if foreign:
        confirm(clean(f"Drop {', '.join(foreign)}, which slactl did not make?"), yes=yes)
    with phases() as progress:
        found = list(desk.rebuild(here.desk, here.now, done, progress, _complain, tables=yes or bool(foreign)))
    if as_json:
        write_object(done.record() | {"found": found}, sys.stdout)
    else:
        sys.stdout.writelines(f"{line}\n" for line in rebuild_lines(done.record(), found))
    leave(done.code)


def _complain(message: str) -> None:
    """Say on stderr what failed while the rest goes on."""
    complain(SlactlError(message))
