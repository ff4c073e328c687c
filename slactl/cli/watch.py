"""`watch`: draw the live board."""

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.options import Call, call, wall_seconds
from slactl.cli.panels import Commands
from slactl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from slactl.desk.reports.board import Board, Watched

app = Commands()

INTERVAL = wall_seconds("--interval", "slactl watch --interval 5s")


@app.command()
def watch(
    context: typer.Context,
    interval: Annotated[
        int, typer.Option(metavar="5s", help="How often to look for changes of the database.", parser=INTERVAL)
    ] = "5s",  # type: ignore[assignment]  # parsed like a typed value
) -> None:
    """Show a live board of overdue and urgent tickets.

    It shows overdue tickets, tickets that are due soon, urgent tickets without an assignee, the next
    escalations and the last check. Times change every second; slactl reads the database only when it changed. q
    or Ctrl-C ends it. Without a terminal the exit code is 2: use list and summary there.

    \b
    Examples:
      slactl watch
      slactl watch --interval 30s
    """
    from slactl.desk.reports.board import watched

    here = call(context)
    if not sys.stdout.isatty() or os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        raise UsageError("watch needs a terminal that can move the cursor", "slactl list --due-within 2h")
    with watched(here.desk.database) as desk:
        ended = _run(here, desk, desk.look(None, here.now), interval, here.due_soon())
    if ended == signal.SIGINT:
        raise typer.Exit(int(ExitCode.INTERRUPTED))
    if ended is not None:
        from slactl.show.terminal import end_by

        end_by(ended)


def _run(here: Call, desk: "Watched", board: "Board", every: int, due_soon: int) -> int | None:
    """Draw the board every second until the person leaves; return the signal that ended it, or None."""
    from rich.live import Live

    from slactl.clock import now, until_next_second
    from slactl.show.board import draw_board
    from slactl.show.terminal import held

    looked = here.now
    live = Live(console=here.screen.console(live=True), screen=True, auto_refresh=False)
    with held(sys.stdin.fileno() if sys.stdin.isatty() else None) as terminal, live:
        while True:
            at = now()
            # A clock that was set back must not stop the reading.
            if not 0 <= (at - looked).total_seconds() < every:
                board, looked = desk.look(board, at), at
            live.console.size = os.get_terminal_size(sys.stdout.fileno())
            shown = board.record(at, due_soon, every)
            live.update(draw_board(shown, live.console.width, live.console.height), refresh=True)
            happened = terminal.wait(until_next_second())
            if happened.leaving is not None or happened.is_gone or "q" in happened.typed.lower():
                return happened.leaving
            if signal.SIGTSTP in happened.signals:
                live.stop()
                terminal.step_aside()
                live.start()
