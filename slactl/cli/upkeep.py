"""The upkeep of a desk: backups, health, and the removal of a person."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.options import DryRunOption, JsonOption, YesOption, call, complain, confirm, leave
from slactl.errors import SlactlError, UsageError

if TYPE_CHECKING:
    from slactl.desk.erase import Erasure

app = typer.Typer(rich_markup_mode=None)


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file that is there.")] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a verified copy of the database while it is in use.

    The copy is private (0600) and gets its name only when it is proven to be whole.

    \b
    Examples:
      slactl backup /backup/slactl-$(date +%F).db
      slactl backup --force /backup/slactl.db
    """
    from slactl.cli.progress import phases
    from slactl.desk import backup as desk
    from slactl.show.records import write_object
    from slactl.show.upkeep import backup_lines

    with phases() as tell:
        made = desk.backup(
            call(context).config,
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
    requester: Annotated[str | None, typer.Option(metavar="EMAIL", help="Whose words are to go.")] = None,
    finish: Annotated[bool, typer.Option("--finish", help="Only rewrite the file, where that was cut off.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Erase what a person wrote, and the address, for good; what happened and when stays.

    In the person's own tickets all words go: subject, bodies, address. In the tickets of others what the person wrote,
    and every text that names the address: also as in HTML (&#64;), in URLs (%40), in mail (=40, =?utf-8?q?…?=), in
    JSON, in full-width letters, or with hidden marks. How many texts have it only so is shown; look at them with
    --dry-run first. The log keeps their hashes, so that it still verifies.

    Exit code 7: the address is still found where nothing can be removed, or in what may be another address; or the
    file could not be rewritten.

    \b
    Examples:
      slactl erase --requester ann@example.com --dry-run
      slactl erase --requester ann@example.com --yes
    """
    from slactl.desk import erase as desk
    from slactl.show.records import write_object
    from slactl.show.upkeep import erasure_lines

    here = call(context)
    if (requester is None) != finish:
        raise UsageError("name either --requester or --finish", "slactl erase --help")
    done = desk.finish(here.config, dry_run=dry_run) if requester is None else _erase(context, requester, dry_run, yes)
    if as_json:
        write_object(done.record(), sys.stdout)
    else:
        sys.stdout.writelines(f"{line}\n" for line in erasure_lines(done.record()))
    leave(done.code)


def _erase(context: typer.Context, requester: str, dry_run: bool, yes: bool) -> "Erasure":
    """Erase a person; on a terminal no more than was in the question that was answered."""
    from slactl.desk import erase as desk

    here = call(context)
    found = desk.erase(here.config, here.now, requester, dry_run=True)
    if dry_run:
        return found
    if found.texts:
        texts, tickets = sum(found.texts.values()), len(found.tickets) + len(found.other_tickets)
        confirm(f"Erase {_counted(texts, 'text')} of {_counted(tickets, 'ticket')} for good?", yes=yes)
    # Others may have worked on while the question stood.
    return desk.erase(here.config, call(context).now, requester, shown=None if yes else found.last_event)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


@app.command()
def doctor(
    context: typer.Context,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Compute every ticket and timer anew from its history.")
    ] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Look whether the desk is healthy; each finding comes with the command that mends it.

    Exit codes: 0 all is well, 6 the database is missing or damaged, 7 something else is to be done. With --rebuild:
    triggers, indexes and views are made anew, what is not slactl's is dropped (a table with rows only with --yes), the
    columns of every ticket and timer are computed from the histories, and what differed is shown.

    \b
    Examples:
      slactl doctor
      slactl doctor --json
      slactl doctor --rebuild --dry-run
    """
    from slactl.desk import doctor as desk
    from slactl.show.doctor import draw_health, health_lines
    from slactl.show.records import write_object

    if rebuild:
        _rebuild(context, dry_run=dry_run, yes=yes, as_json=as_json)
        return
    if dry_run:
        raise UsageError("--dry-run goes with --rebuild: doctor itself changes nothing", "slactl doctor")
    here = call(context)
    found = desk.examine(here.config, here.now, os.environ)
    if as_json:
        write_object(found.record(), sys.stdout)
    elif sys.stdout.isatty():
        draw_health(found.record(), here.screen)
    else:
        sys.stdout.writelines(f"{line}\n" for line in health_lines(found.record()))
    leave(found.code)


def _rebuild(context: typer.Context, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    from slactl.cli.progress import phases
    from slactl.desk import rebuild as desk
    from slactl.show.doctor import rebuild_lines
    from slactl.show.records import write_object
    from slactl.text import clean

    here, done = call(context), desk.Rebuilt(dry_run)
    foreign = desk.foreign_parts(here.config) if sys.stdin.isatty() and not dry_run else []
    if foreign:
        confirm(clean(f"Drop {', '.join(foreign)}, which slactl did not make?"), yes=yes)
    with phases() as progress:
        found = list(desk.rebuild(here.config, here.now, done, progress, _complain, tables=yes or bool(foreign)))
    if as_json:
        write_object(done.record() | {"found": found}, sys.stdout)
    else:
        sys.stdout.writelines(f"{line}\n" for line in rebuild_lines(done.record(), found))
    leave(done.code)


def _complain(message: str) -> None:
    """Say on stderr what failed while the rest goes on."""
    complain(SlactlError(message))
