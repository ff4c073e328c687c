"""What a command that changes tickets prints: ids for scripts, a line for people, the ticket as JSON."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from slactl.cli.options import Call, call, complain, leave, read_ids, say
from slactl.errors import ExitCode

if TYPE_CHECKING:
    from slactl.desk.tickets.changes import Change, ChangeResult


def change_tickets(
    context: typer.Context,
    references: Sequence[str],
    make: "Change",
    what: str,
    at: str | None = None,
    *,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Change the tickets that were named, as of `--at`, and print what became of each."""
    from slactl.desk.tickets.changes import change

    here = call(context)
    outcome = change(here.desk, here.now, read_ids(references), make, here.instant(at), dry_run=dry_run)
    announce(here, outcome, what, quiet=quiet, as_json=as_json, dry_run=dry_run)


def announce(
    here: Call,
    outcome: "ChangeResult",
    what: str,
    *,
    assignee: str | None = None,
    quiet: bool,
    as_json: bool,
    dry_run: bool,
) -> None:
    """What became of each ticket; what failed goes to stderr, and decides the exit code."""
    for warning in outcome.warnings:
        say(f"warning: {warning}", err=True)
    if as_json:
        tickets = outcome.rehearsed if dry_run else _tickets(here, outcome.done)
        _print_tickets(tickets, several=len(outcome.done) + len(outcome.failures) > 1)
    elif quiet or (not sys.stdout.isatty() and not dry_run):
        sys.stdout.writelines(f"{number}\n" for number in outcome.done)
    else:
        prefix = "would have " if dry_run else ""
        for number in outcome.done:
            say(f"{prefix}{what} ticket {number}")
    _hint_unknown(here, assignee)
    _leave_with_failures(outcome)


def _tickets(here: Call, numbers: list[int]) -> list[dict[str, Any]]:
    from slactl.clock import to_text
    from slactl.store.read import tickets as reads

    with here.desk.database.read() as connection:
        marks = ", ".join(f"{number:d}" for number in numbers)
        return list(reads.tickets(connection, to_text(here.now), f"t.id IN ({marks})", order="t.id"))


def _print_tickets(tickets: list[dict[str, Any]], *, several: bool) -> None:
    """One ticket as an object, several as an array, whatever became of each."""
    from slactl.show.form import Form
    from slactl.show.records import write, write_object
    from slactl.store.schema.views import ticket_columns

    if len(tickets) == 1 and not several:
        write_object(tickets[0], sys.stdout)
    else:
        write(tickets, Form.JSON, list(ticket_columns("")), sys.stdout)


def _hint_unknown(here: Call, assignee: str | None) -> None:
    """Any name may be an assignee; one without an entry in the rules will be told nothing."""
    if assignee is None:
        return
    from slactl.desk.tickets.input import is_addressee

    if not is_addressee(here.desk, assignee):
        file = here.desk.rules
        say(f"hint: {assignee} has no [people.{assignee}] entry in {file}, so nothing can be sent there", err=True)


def _leave_with_failures(outcome: "ChangeResult") -> None:
    if not outcome.failures:
        return
    codes = {failure.code for failure in outcome.failures}
    if not outcome.done and len(outcome.failures) == 1:
        raise outcome.failures[0]
    for failure in outcome.failures:
        complain(failure)
    leave(codes.pop() if not outcome.done and len(codes) == 1 else ExitCode.PARTLY)
