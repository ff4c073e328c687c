"""`import` and `export`: move tickets and their histories in and out."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TextIO, cast

import typer

from slactl.cli.files import Problems, opened
from slactl.cli.options import DryRunOption, call, leave, say
from slactl.cli.panels import Commands
from slactl.cli.progress import reading
from slactl.errors import ExitCode, UsageError
from slactl.show.form import Form
from slactl.text import quoted

if TYPE_CHECKING:
    from slactl.show.records import Record

app = Commands()

#: Why some options are refused.
NOT_WITH_WHOLE = "--until and --baseline cannot be used with a file of export --whole"

MapOption = Annotated[str | None, typer.Option("--map", metavar="MAP", help="A map such as github or csv, or a file.")]


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A history file, or a file for --map; - is stdin.")],
    how: MapOption = None,
    until: Annotated[str | None, typer.Option(metavar="T", help="Leave out events after T.")] = None,
    baseline: Annotated[bool, typer.Option("--baseline", help="Record due levels without firing them.")] = False,
    dry_run: DryRunOption = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the import did as JSON.")] = False,
) -> None:
    """Import tickets with their histories.

    If you import a file again, nothing changes. slactl reports bad rows on stderr with line and column, and imports
    the others; the exit code is then 7. A file of export --whole goes into an empty
    database only, all of it or nothing.

    \b
    Examples:
      slactl import history.jsonl
      slactl import incidents.csv --map servicenow
      slactl import incidents.csv --map servicenow --until 2016-03-02T12:00Z
      slactl export | slactl --db other.db import -
    """
    from slactl.desk.transfer.foreign.fitting import fitting
    from slactl.desk.transfer.importing import Progress, Source, import_file
    from slactl.desk.transfer.lines import peekable
    from slactl.desk.transfer.maps import load_map
    from slactl.desk.transfer.whole import import_whole, is_whole
    from slactl.show.check import import_line, whole_line
    from slactl.show.records import write_object

    here, problems, chosen = call(context), Problems(file), load_map(how) if how is not None else None
    with here.desk.database.held_open(), opened(file) as stream, reading(stream, file) as bar:
        stream = peekable(stream)
        if chosen is None and is_whole(stream):
            if until is not None or baseline:
                raise UsageError(NOT_WITH_WHOLE, f"slactl import {quoted(file)}")
            rows = import_whole(here.desk, stream, bar, dry_run=dry_run)
            record, line, bad = {"rows": rows}, whole_line(rows, dry_run=dry_run), 0
        else:
            stream, chosen = fitting(stream, chosen) if chosen is not None else (stream, None)
            source, progress = Source(stream, chosen, here.instant(until)), Progress(bar, bar.step)
            done = import_file(here.desk, here.now, source, problems, progress, baseline=baseline, dry_run=dry_run)
            record, line, bad = asdict(done), import_line(asdict(done), dry_run=dry_run), done.bad
    problems.end()
    if as_json:
        write_object(record | {"dry_run": dry_run}, sys.stdout)
    elif not quiet:
        say(line)
    leave(ExitCode.PARTLY if bad else ExitCode.DONE)


@app.command()
def export(
    context: typer.Context,
    form: Annotated[Form, typer.Option("--format", metavar="jsonl|csv", help="The form of the output.")] = Form.JSONL,
    events: Annotated[bool, typer.Option("--events", help="With --format csv: one row for each event.")] = False,
    whole: Annotated[bool, typer.Option("--whole", help="Write every row, to move the whole service desk.")] = False,
) -> None:
    """Export every ticket with its whole history.

    import reads tickets and their histories back from JSONL without any loss. With --whole the file also has the
    number of each event, the chain of the audit log, the messages and the runs. It moves the whole service desk into an
    empty database. CSV is for spreadsheets.

    \b
    Examples:
      slactl export > history.jsonl
      slactl export --format csv > tickets.csv
      slactl export --format csv --events > events.csv
      slactl export --whole > desk.jsonl
    """
    from slactl.clock import to_text
    from slactl.desk.rules.reading import are_levels_in_force, without_next_level
    from slactl.desk.transfer.exporting import export_records
    from slactl.desk.transfer.whole import whole_lines
    from slactl.show.records import Spool, write, write_line
    from slactl.store.read import events as event_reads
    from slactl.store.read import tickets as reads
    from slactl.store.read.filters import by_number

    if form not in (Form.JSONL, Form.CSV):
        raise UsageError(f"export writes jsonl or csv, not {form}", "slactl list --all --format json")
    if whole and (form is not Form.JSONL or events):
        raise UsageError("--whole goes only with --format jsonl", "slactl export --whole")
    here, spool = call(context), Spool()
    stream = cast("TextIO", spool)
    with here.desk.database.read() as transaction:
        if whole:
            stream.writelines(whole_lines(transaction))
        elif form is Form.JSONL:
            for record in export_records(transaction):
                write_line(record, stream)
        elif events:
            write(event_reads.events(transaction), Form.CSV, event_reads.EVENT_COLUMNS, stream)
        else:
            tickets: Iterator[Record] = by_number(transaction, to_text(here.now))
            if not are_levels_in_force(transaction, here.desk):
                tickets = without_next_level(tickets)
            write(tickets, Form.CSV, reads.TICKET_COLUMNS, stream)
    spool.pour(sys.stdout)  # after the transaction, so that a slow reader does not delay the clean-up
