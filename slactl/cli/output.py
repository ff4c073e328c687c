"""Print records in the chosen form, and the receipts of commands that change tickets."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from slactl.cli.input import confirm_many, read_ids
from slactl.cli.options import Answer, Call, Output, call, complain, leave, say, screen_of, tell
from slactl.config import Config
from slactl.errors import ExitCode
from slactl.show.form import Form
from slactl.text import trimmed

if TYPE_CHECKING:
    from slactl.desk.tickets.change import Change, ChangeResult
    from slactl.records.runs import Notice
    from slactl.show.receipt import Receipt
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
    did: str = "",
    at: str | None = None,
    reason: str | None = None,
    *,
    question: str | None = None,
    yes: bool = False,
) -> None:
    """Read the ids, then the clock, and call `change_numbered`; with a `question` ask before, as `confirm_many`."""
    numbers = read_ids(references)
    if question is not None:
        confirm_many(numbers, question, yes=yes, dry_run=answer.dry_run)
    change_numbered(call(context), answer, numbers, make, did, at, reason)


def change_numbered(
    here: Call,
    answer: Answer,
    numbers: Sequence[str],
    make: "Change",
    did: str = "",
    at: str | None = None,
    reason: str | None = None,
    *,
    assignee: str | None = None,
    dated: bool = False,
) -> None:
    """Change the named tickets as of `--at` for a reason, and print the receipt of each.

    `numbers` are ids that `read_ids` returned before the clock was read; `assignee` is the new assignee. `did` says
    what no field shows, such as "note added"; `dated` writes deadlines with their date and zone.
    """
    from slactl.desk.tickets.change import change

    when = here.time(at)
    outcome = change(here.desk, here.now, numbers, make, when, reason=reason, dry_run=answer.dry_run)
    announce(here, answer, outcome, did, assignee=assignee, dated=dated)


def announce(
    here: Call,
    answer: Answer,
    outcome: "ChangeResult",
    did: str = "",
    *,
    assignee: str | None = None,
    dated: bool = False,
    notices: "Sequence[Notice] | None" = None,
) -> None:
    """Print the receipt of each ticket; errors go to stderr and set the exit code.

    `notices` are the messages of `escalate`.
    """
    for warning in outcome.warnings:
        tell(f"warning: {warning}", err=True)
    many = len(outcome.done) + len(outcome.failures) > 1
    undoes = outcome.change if outcome.before else None  # a new ticket cannot be undone
    print_receipts(answer, _receipts(here, outcome, did, notices, dated=dated), many=many, change=undoes)
    if assignee is not None:
        from slactl.desk.tickets.input import is_recipient

        if not is_recipient(here.desk, name := trimmed(assignee)):
            entry = f"{name} has no [people.{name}] entry in {here.desk.rules}"
            tell(f"warning: {entry}, so slactl cannot send messages to this person", err=True)
    if not outcome.failures:
        return
    codes = {failure.code for failure in outcome.failures}
    if not outcome.done and len(outcome.failures) == 1:
        raise outcome.failures[0]
    for failure in outcome.failures:
        complain(failure)
    leave(codes.pop() if not outcome.done and len(codes) == 1 else ExitCode.PARTLY)


def _receipts(
    here: Call, outcome: "ChangeResult", did: str, notices: "Sequence[Notice] | None", *, dated: bool
) -> "Iterator[Receipt]":
    from slactl.show import escalate
    from slactl.show.receipt import Told, ticket_receipt

    for number in outcome.done:
        also = escalate.told(notices, number) if notices is not None else ()
        before, after = outcome.before.get(number), outcome.after[number]
        receipt = ticket_receipt(before, after, here.now, Told(did, also, dated))
        if notices is not None:
            receipt = receipt._replace(more={"notices": escalate.notice_records(notices, number)})
        yield receipt


def marked(answer: Answer) -> str:
    """Return what a line of a receipt begins with: the mark of a dry run, or nothing."""
    return "dry run, not done: " if answer.dry_run else ""


def print_receipts(
    answer: Answer, receipts: "Iterable[Receipt]", *, many: bool = False, change: int | None = None
) -> None:
    """Print what a command changed: a line for people, the id on a pipe, or the whole record as JSON.

    As JSON it is an array if there are several receipts, or if `many` says that several were asked for. `change` is
    the number of the command that `undo` takes; None is a command that cannot be undone.
    """
    if answer.as_json:
        from slactl.show.records import write, write_object

        records = [receipt.as_record(dry_run=answer.dry_run) for receipt in receipts]
        if len(records) == 1 and not many:
            write_object(records[0], sys.stdout)
        else:
            write(records, Form.JSON, list(records[0]) if records else [], sys.stdout)
        return
    if answer.quiet or (not sys.stdout.isatty() and not answer.dry_run):
        print_lines(receipt.key for receipt in receipts)
        return
    for receipt in receipts:
        tell(f"{marked(answer)}{receipt.line}")
    if change is not None and not answer.dry_run:
        from slactl.show.receipt import undo_line

        say(undo_line(change))
