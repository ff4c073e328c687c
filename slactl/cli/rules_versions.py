"""`rules test`, `rules diff` and `rules apply`: test rules, and move open tickets to them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.input import confirm
from slactl.cli.options import (
    Call,
    DryRunOption,
    FieldsOption,
    FormatOption,
    JsonOption,
    Output,
    YesOption,
    call,
    complain,
    leave,
    named_fields,
    say,
)
from slactl.cli.output import print_lines
from slactl.cli.panels import Commands
from slactl.errors import ExitCode
from slactl.show.form import Form, choose_form

if TYPE_CHECKING:
    from slactl.desk.rules.apply import Move

app = Commands()

#: How many changed deadlines a terminal shows.
SCREENFUL = 50


NamesOption = Annotated[
    list[str] | None,
    typer.Option("--run", metavar="NAME", help="Run only tests whose name contains NAME; * stands for any text."),
]
JunitOption = Annotated[
    str | None, typer.Option("--junit", metavar="FILE", help="Also write the results as JUnit XML.")
]


@app.command("test")
def run_tests(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="TOML files with tests.", show_default=False)],
    rules: Annotated[Path | None, typer.Option(metavar="PATH", help="Use these rules, not the current rules.")] = None,
    names: NamesOption = None,
    junit: JunitOption = None,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only failures.")] = False,
) -> None:
    """Run unit tests for rules.

    A file has [[test]] tables with these keys. Exit code 4: a test fails, or a file is invalid.

    \b
      name     the name of the test
      history  events as in a history file
      expect   timers: ticket, target, and any key of simulate --json
      fires    all levels that fire for the tickets named here, and no others
      on_call  who must be on call; keys: schedule, at, person ("nobody" for a gap)
      overrides, away
               overrides and absences for on_call
      at       the time of the evaluation; default: the last time in the test

    \b
    Examples:
      slactl rules test tests.toml
      slactl rules test --rules draft.toml tests/*.toml
      slactl rules test tests.toml --run 'a pro ticket*' --run holiday
      slactl rules test tests.toml --junit results.xml
    """
    from slactl.desk.rules.reading import valid_rules
    from slactl.desk.what_if.testing import run
    from slactl.show.records import write_object
    from slactl.show.rules import outcome_lines

    path = rules or call(context).desk.rules
    report = run(files, valid_rules(path), path=path, names=names or ())
    for problem in report["problems"]:
        say(f"error: {problem}", err=True)
    if junit is not None:
        from slactl.cli.files import write_private
        from slactl.show.junit import as_junit

        write_private(junit, as_junit(report), force=True)
    if as_json:
        write_object(report, sys.stdout)
    else:
        print_lines(outcome_lines(report, quiet=quiet))
    leave(ExitCode.RULES if report["failed"] or report["problems"] else ExitCode.DONE)


@app.command("diff", fields="slactl.show.rules_changes:DIFF_FIELDS")
def diff(
    context: typer.Context, form: FormatOption = None, as_json: JsonOption = False, fields: FieldsOption = None
) -> None:
    """Show how the rules changed since the open tickets were opened.

    A ticket keeps the rules under which it was opened until "slactl rules apply" moves it to the current rules.

    \b
    Examples:
      slactl rules diff
      slactl rules diff --json
    """
    from slactl.desk.rules import apply as desk
    from slactl.show.records import write, write_object
    from slactl.show.rules_changes import DIFF_FIELDS, diff_lines, diff_records

    here = call(context)
    chosen = choose_form(form, as_json=as_json, ids_only=False, terminal=sys.stdout.isatty())
    names = named_fields(fields, DIFF_FIELDS)
    difference = desk.diff(here.desk)
    if chosen is Form.TABLE:
        print_lines(diff_lines(difference))
    elif chosen is Form.JSON and fields is None:
        write_object(difference, sys.stdout)
    else:
        records = list(diff_records(difference))
        write(records, chosen, names, sys.stdout, key="version")
        if not records:
            sys.stderr.writelines(f"{line}\n" for line in diff_lines(difference))


@app.command("apply", fields="slactl.desk.rules.apply:CHANGE_FIELDS")
def apply(
    context: typer.Context,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    *,
    output: Output,
) -> None:
    """Move open tickets to the current rules.

    It shows each deadline before and after. Targets that were met or missed do not change. If a level becomes due
    only because of the move, slactl records it and does not fire it.

    \b
    Examples:
      slactl rules apply --dry-run
      slactl rules apply
      slactl rules apply --yes --json
    """
    from slactl.desk.rules import apply as desk

    here, form, _ = call(context), output.chosen(), output.names(desk.CHANGE_FIELDS)
    total, rules = desk.waiting(here.desk)
    move = desk.Move(here.now, dry_run)
    if total and not dry_run and not yes:
        is_shown = form is Form.TABLE and sys.stdin.isatty()
        preview = desk.Move(here.now, dry_run=True, rules=rules, shown={} if is_shown else None)
        if is_shown:
            _show_table(here, preview, total)
        confirm(f"Move {total:,} open ticket{'s' if total != 1 else ''} to the current rules?", yes=False)
        move = preview.confirmed(call(context).now)
    if form is Form.TABLE:
        _show_table(here, move, total, table=move.shown is None)
    else:
        _print_changes(here, move, form, output, total)
    leave(move.code)


def _show_table(here: Call, move: "Move", total: int, *, table: bool = True) -> None:
    """Draw up to `SCREENFUL` changed deadlines, newly breached ones first, then print the counts."""
    from slactl.desk.rules import apply as desk
    from slactl.show.rules_changes import deadline_columns, move_lines
    from slactl.show.tables import draw
    from slactl.text import counted

    breached, others = list[desk.Record](), list[desk.Record]()
    for change in desk.apply(here.desk, move, _progress(total), complain):
        kept = breached if change["newly_breached"] else others
        if len(kept) < SCREENFUL:
            kept.append(change)
    shown = (breached + others)[:SCREENFUL]
    if table and shown:
        left = move.changed - len(shown)
        more = f"and {counted(left, 'more deadline')}; to see all: slactl rules apply --dry-run --format plain"
        footer = more if left else ""
        draw(shown, deadline_columns(), here.screen, footer=footer)
    print_lines(move_lines(move.record()))


def _print_changes(here: Call, move: "Move", form: Form, output: Output, total: int) -> None:
    """Print the changed deadlines for scripts, after all tickets are moved: a closed pipe does not stop the move."""
    from slactl.desk.rules import apply as desk
    from slactl.show.records import pour, spooled, to_json
    from slactl.show.rules_changes import move_lines

    moved, names = desk.apply(here.desk, move, _progress(total), complain), output.names(desk.CHANGE_FIELDS)
    changes = spooled(moved, form, names, key="ticket_id", header=output.header)
    if form is Form.JSON:
        sys.stdout.write(to_json(move.record(), indent=2).removesuffix("\n}") + ',\n  "changes": ')
        pour(changes, sys.stdout)
        sys.stdout.write("}\n")
        return
    sys.stderr.writelines(f"{line}\n" for line in move_lines(move.record()))
    pour(changes, sys.stdout)


def _progress(total: int) -> Callable[[int], None]:
    """Return a function that shows the progress on a terminal; it shows nothing for a few tickets."""
    if not sys.stderr.isatty() or total <= SCREENFUL:
        return lambda _: None
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        # The line disappears at the end, so that it does not mix with the table.
        text = f"\r{done:,} of {total:,} tickets" if done < total else "\r\x1b[2K"
        typer.echo(text, nl=False, err=True)

    return advance
