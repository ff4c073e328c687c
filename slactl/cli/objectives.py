"""`objectives`: say how far the goals of the rules are reached."""

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.options import Call, Output, call, leave, say
from slactl.cli.output import print_records
from slactl.cli.panels import Commands
from slactl.desk.reports.measures import By
from slactl.errors import ExitCode

if TYPE_CHECKING:
    from slactl.records.figures import Objective
    from slactl.store.database import Transaction

app = Commands()

PeriodOption = Annotated[
    str | None, typer.Option("--period", metavar="P", help="A period such as 2026-11, 2026-W48, 2026-Q4 or 2026.")
]


@app.command(fields="slactl.desk.reports.objectives:FIELDS", quiet="the names of the goals")
def objectives(
    context: typer.Context,
    period: PeriodOption = None,
    by: Annotated[By | None, typer.Option("--by", help="Break down by this field.", show_default=False)] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 10 if attainment is below a goal.")] = False,
    *,
    output: Output,
) -> None:
    """Show goals, and how many more targets may be missed.

    Without --period, it shows each goal in its current period. With --period, it shows that period, and only goals with
    periods of this kind.

    \b
    Examples:
      slactl objectives
      slactl objectives --period 2026-10 --by tenant
      slactl objectives --exit-code -q
    """
    from slactl.desk.ledger.rules_versions import CommandRules
    from slactl.desk.reports.objectives import FIELDS, Clock, named_period, standings
    from slactl.show.objectives import columns

    here, wanted = call(context), named_period(period) if period is not None else None
    output.names(FIELDS)
    rules = CommandRules(here.desk)
    with here.desk.database.read() as transaction:
        current = rules.current(transaction, strict=False)
        clock = Clock(here.now, here.due_soon())
        records = standings(transaction, current.rules.objectives, clock, period=wanted, by=by)
    if current.problem is not None:
        say(f"warning: {current.problem.message}; the last valid rules are used", err=True)
    none = "the rules have no [[objective]]: slactl help reports"
    if current.rules.objectives:
        none = "no goal has such a period" if wanted is not None and by is None else "there are no outcomes"
    drawn = partial(columns, grouped=by is not None)
    print_records(context, records, FIELDS, output, key="name", columns=drawn, none=none)
    missed = any(record["state"] == "below" for record in records)
    leave(ExitCode.FOUND if exit_code and missed else ExitCode.DONE)


def goals_at(here: Call, transaction: "Transaction", due_soon: int, until: datetime | None = None) -> "list[Objective]":
    """Return how far the goals are reached: each in its present period, or in that in which [.., until) ends."""
    from slactl.desk.rules.reading import may_have_goals

    if not may_have_goals(here.config.rules):
        return []
    from slactl.desk.reports.objectives import Clock, standings_by_rules

    at = min(here.now, until - timedelta(seconds=1)) if until is not None else None
    return standings_by_rules(here.desk, transaction, Clock(here.now, due_soon), at)
