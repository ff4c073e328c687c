"""`slactl` without a command: the state of the service desk and what to type next, or how to begin."""

import os
import sys
from typing import TYPE_CHECKING, cast

import typer

from slactl.cli.options import Call, call, say, warn_asleep
from slactl.clock import to_text
from slactl.errors import SlactlError
from slactl.show.status import Standing, next_commands

if TYPE_CHECKING:
    from pathlib import Path

    from slactl.records.tickets import Ticket

#: How many deadlines that lie ahead are shown, below the most overdue one.
DEADLINES = 3


def show_status(context: typer.Context) -> None:
    """Print counts, the next deadlines, who is on call, the last check, and what to type; else the first steps."""
    here = call(context)
    if _is_missing(here.desk.database.path):
        from slactl.cli.help import first_steps

        sys.stdout.write(first_steps())
        return
    standing, slept = _read(here)
    say(standing.counts())
    if sys.stdout.isatty() and standing.upcoming:
        from slactl.show.list import draw_tickets

        sys.stdout.write("\n")
        draw_tickets(standing.upcoming, here.screen, here.now, due_soon=here.due_soon())
        sys.stdout.write("\n")
    else:
        for line in standing.deadlines(here.now):
            say(line)
    for line in _on_call(here):
        say(f"on call: {line}")
    say(standing.checked(here.now))
    warn_asleep(here, slept)
    say(f"next: {' · '.join(next_commands(standing))}")


def _read(here: Call) -> tuple[Standing, str | None]:
    """Return what the database says, and what `asleep_since` returns."""
    from slactl.desk.rules.reading import without_next_level
    from slactl.store.read import filters, runs
    from slactl.store.read.filters import Choice, Span, TicketFilter

    now = to_text(here.now)
    wanted = {
        "open_": TicketFilter(),
        "late": TicketFilter(breached=True),
        "soon": TicketFilter(due_within=here.due_soon()),
        "unassigned": TicketFilter(unassigned=True),
    }
    with here.desk.database.read() as transaction:
        counts = {name: filters.count(transaction, each, now) for name, each in wanted.items()}
        ahead = TicketFilter(due=Choice((Span(now, None),)))
        # The next levels may be those of older rules, and to find out may take long.
        found = [
            *filters.find(transaction, TicketFilter(breached=True), now, limit=1),
            *filters.find(transaction, ahead, now, limit=DEADLINES),
        ]
        upcoming = list(without_next_level(found))
        last, slept = runs.last_good(transaction), runs.asleep_since(transaction, now)
    return Standing(**counts, upcoming=cast("list[Ticket]", upcoming), last_check=last), slept


def _on_call(here: Call) -> list[str]:
    """Return who is on call for each schedule; nothing while there are no valid rules with schedules."""
    from slactl.desk.rules.reading import table_names

    if not table_names(here.desk.rules, "schedules"):
        return []
    from slactl.desk.oncall import entries, records
    from slactl.show.oncall import standing_lines

    try:
        found = entries.opened(here.desk, here.now)
        standings = [records.standing(found.schedules, name, here.now) for name in found.schedules]
        lines = list(standing_lines(standings, here.now))
        return [*lines, *(() if found.is_valid else ("these are the last valid rules; slactl rules check",))]
    except SlactlError:
        return []


def _is_missing(database: "Path") -> bool:
    """Return whether no file is at the path of the database; false if this user may not look there."""
    try:
        os.lstat(database)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False
