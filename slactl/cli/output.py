"""Print records in the chosen form, and the receipts of commands that change tickets."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from slactl.cli.input import read_ids
from slactl.cli.options import Answer, Call, Output, call, complain, leave, say, screen_of
from slactl.config import Config
from slactl.errors import ExitCode
from slactl.show.form import Form

if TYPE_CHECKING:
    from slactl.desk.tickets.change import Change, ChangeResult
    from slactl.records.tickets import Ticket
    from slactl.show.escalate import Receipts
    from slactl.show.tables import Column


def print_records(
    context: typer.Context,
    records: Iterable[Mapping[str, Any]],
    known: Sequence[str],
    output: Output,
    *,
    key: str = "id",
    columns: "Callable[[], Sequence[Column]] | None" = None,
    screen_fields: Sequence[str] = (),
    none: str = "no records",
) -> None:
    """Print records as a table on a terminal, as tab-separated lines on a pipe, or as `--format` says.

    Without `--fields`, a table has `columns`, or the `screen_fields`: the most important first, and a long one at the
    end. Tab-separated lines have the `screen_fields` too. `none` is printed on stderr if there are no records.

    Raises:
        UsageError: the options ask for two forms, or for a field that does not exist.
    """
    form, names = output.chosen(), output.names(known, plain=screen_fields)
    if form is not Form.TABLE:
        from slactl.show.records import write

        write(records, form, names, sys.stdout, key=key, header=output.header)
        return
    from slactl.show.tables import draw, field_column, screen_columns

    rows = list(records)
    if not rows:
        say(none, err=True)
        return
    drawn: Sequence[Column] = [field_column(name, rank=rank) for rank, name in enumerate(names)]
    if output.fields is None and columns is not None:
        drawn = columns()
    elif output.fields is None and screen_fields:
        drawn = screen_columns(screen_fields)
    draw(rows, drawn, screen_of(context.find_object(Config)))  # type: ignore[arg-type]


def print_lines(lines: Iterable[str]) -> None:
    """Print lines on stdout."""
    sys.stdout.writelines(f"{line}\n" for line in lines)


def change_tickets(
    context: typer.Context,
    answer: Answer,
    references: Sequence[str],
    make: "Change",
    what: str,
    at: str | None = None,
    reason: str | None = None,
) -> None:
    """Read the ids, then the clock, and call `change_numbered`."""
    numbers = read_ids(references)
    change_numbered(call(context), answer, numbers, make, what, at, reason)


def change_numbered(
    here: Call,
    answer: Answer,
    numbers: Sequence[str],
    make: "Change",
    what: str,
    at: str | None = None,
    reason: str | None = None,
    *,
    assignee: str | None = None,
) -> None:
    """Change the named tickets as of `--at` for a reason, and print the receipt of each.

    `numbers` are ids that `read_ids` returned before the clock was read; `assignee` is the new assignee.
    """
    from slactl.desk.tickets.change import change

    when = here.time(at)
    outcome = change(here.desk, here.now, numbers, make, when, reason=reason, dry_run=answer.dry_run)
    announce(here, answer, outcome, what, assignee=assignee)


def announce(
    here: Call,
    answer: Answer,
    outcome: "ChangeResult",
    what: str,
    *,
    assignee: str | None = None,
    receipts: "Receipts | None" = None,
) -> None:
    """Print the result of each ticket; errors go to stderr and set the exit code."""
    for warning in outcome.warnings:
        say(f"warning: {warning}", err=True)
    if answer.as_json:
        _print_json(here, answer, outcome, receipts)
    elif answer.quiet or (not sys.stdout.isatty() and not answer.dry_run):
        print_lines(map(str, outcome.done))
    else:
        prefix = "would have " if answer.dry_run else ""
        for number in outcome.done:
            follows = receipts.line(number) if receipts is not None else ""
            say(f"{prefix}{what} ticket {number}" + (f": {follows}" if follows else ""))
    if assignee is not None:
        from slactl.desk.tickets.input import is_recipient

        if not is_recipient(here.desk, assignee):
            file = here.desk.rules
            entry = f"{assignee} has no [people.{assignee}] entry in {file}"
            say(f"warning: {entry}, so slactl cannot send messages to this person", err=True)
    if not outcome.failures:
        return
    codes = {failure.code for failure in outcome.failures}
    if not outcome.done and len(outcome.failures) == 1:
        raise outcome.failures[0]
    for failure in outcome.failures:
        complain(failure)
    leave(codes.pop() if not outcome.done and len(codes) == 1 else ExitCode.PARTLY)


def _print_json(here: Call, answer: Answer, outcome: "ChangeResult", receipts: "Receipts | None") -> None:
    tickets: list[Any] = list(outcome.rehearsed if answer.dry_run else _tickets(here, outcome.done))
    names: Sequence[str] = ()
    if receipts is not None:
        tickets, names = receipts.added_to(tickets)
    from slactl.show.records import write, write_object
    from slactl.store.read.tickets import TICKET_COLUMNS

    if len(tickets) == 1 and not (len(outcome.done) + len(outcome.failures) > 1):
        write_object(tickets[0], sys.stdout)
    else:
        write(tickets, Form.JSON, (*TICKET_COLUMNS, *names), sys.stdout)


def _tickets(here: Call, numbers: list[int]) -> "list[Ticket]":
    from slactl.clock import to_text
    from slactl.store.read.filters import by_number

    with here.desk.database.read() as transaction:
        return list(by_number(transaction, to_text(here.now), numbers))
