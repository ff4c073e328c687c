"""`watch`: draw the live board, and do what the keys ask for."""

import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from slactl.cli.completion import ViewCommand
from slactl.cli.filters import Filters, check_names
from slactl.cli.list import ViewArgument
from slactl.cli.options import Call, call, wall_seconds
from slactl.cli.panels import Commands
from slactl.cli.viewer import Asked, Viewer, Wish
from slactl.errors import ExitCode, SlactlError, UsageError

if TYPE_CHECKING:
    from rich.live import Live

    from slactl.desk.reports.board import Board, Watched
    from slactl.show.terminal import Happened
    from slactl.store.read.filters import TicketFilter

app = Commands()

INTERVAL = wall_seconds("--interval", "slactl watch --interval 5s")


@app.command(cls=ViewCommand)
def watch(
    context: typer.Context,
    view: ViewArgument = None,
    *,
    filters: Filters,
    interval: Annotated[
        int, typer.Option(metavar="5s", help="How often to look for changes of the database.", parser=INTERVAL)
    ] = "5s",  # type: ignore[assignment]  # parsed like a typed value
    bell: Annotated[bool, typer.Option("--bell", help="Ring when another ticket becomes overdue.")] = False,
) -> None:
    """Show a live board of overdue and urgent tickets.

    It shows overdue tickets, tickets that are due soon, urgent tickets without an assignee, all others, and the last
    check. Each ticket is listed once. Filters and views are those of list. Times change every second; slactl reads
    the database only when it changed. Without a terminal the exit code is 2: use list and summary there.

    Keys: ↑ ↓ (or k j) choose a ticket, Enter shows it, a acknowledges it, e escalates it with a reason, / searches,
    ? helps, q or Ctrl-C quits.

    \b
    Examples:
      slactl watch
      slactl watch @urgent-soon --bell
      slactl watch --assignee me --interval 30s
    """
    from slactl.desk.reports.board import EVERY, watched

    here = call(context)
    if not sys.stdout.isatty() or os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        raise UsageError("watch needs a terminal that can move the cursor", "slactl list --due-within 2h")
    if view == "@":
        raise UsageError("watch needs the name of a view", "slactl list @")
    wanted = EVERY if filters.wanted(here) == Filters().wanted(here) else filters.wanted(here)
    with here.desk.database.read() as transaction:
        check_names(transaction, here, wanted)
    with watched(here.desk.database) as desk:
        screen = _Watch(context, here, desk, wanted, interval, here.due_soon(), bell)
        screen.board = desk.look(None, here.now, wanted)
        ended = screen.run()
    if ended == signal.SIGINT:
        raise typer.Exit(int(ExitCode.INTERRUPTED))
    if ended is not None:
        from slactl.show.terminal import end_by

        end_by(ended)


class _Captured(io.StringIO):
    """Take what a command says to people on a terminal."""

    def isatty(self) -> bool:
        """Return true: a receipt has the form for people."""
        return True


@dataclass
class _Watch:
    """Hold the live screen: what it shows, and how often it reads."""

    context: typer.Context
    here: Call
    desk: "Watched"
    wanted: "TicketFilter"
    every: int
    due_soon: int
    bell: bool
    board: "Board" = field(init=False)
    viewer: Viewer = field(default_factory=Viewer)
    #: The tickets that were overdue when the screen was last drawn; None before.
    late: set[int] | None = None

    def run(self) -> int | None:
        """Draw the board every second until the person leaves; return the signal that ended it, or None."""
        from rich.live import Live

        from slactl.clock import now, until_next_second
        from slactl.show.terminal import held

        looked = self.here.now
        live = Live(console=self.here.screen.console(live=True), screen=True, auto_refresh=False)
        with held(sys.stdin.fileno() if sys.stdin.isatty() else None) as terminal, live:
            while True:
                at = now()
                # A clock that was set back must not stop the reading.
                if not 0 <= (at - looked).total_seconds() < self.every:
                    looked = self._read(at)
                self._draw(live, at)
                happened = terminal.wait(until_next_second())
                if happened.leaving is not None or happened.is_gone:
                    return happened.leaving
                if self._is_left(live, happened):
                    return None
                if signal.SIGTSTP in happened.signals:
                    live.stop()
                    terminal.step_aside()
                    live.start()

    def _read(self, at: datetime) -> datetime:
        wanted = self.wanted
        if self.viewer.search:
            wanted = wanted._replace(search=(self.viewer.search,))
        self.board = self.desk.look(self.board, at, wanted)
        return at

    def _draw(self, live: "Live", at: datetime) -> None:
        from slactl.show.board import choosable, draw_board, draw_page

        width, height = live.console.size = os.get_terminal_size(sys.stdout.fileno())
        shown = self.board.record(at, self.due_soon, self.every)
        self.viewer.see(choosable(shown, height))
        if self.viewer.page is not None:
            rest = f"slactl show {self.viewer.chosen}" if self.viewer.chosen else "slactl watch --help"
            drawn = draw_page(self.viewer.page, width, height, rest)
        else:
            below = self.viewer.last_line(width) if self.board.problem is None or self.viewer.prompt else None
            drawn = draw_board(shown, width, height, chosen=self.viewer.chosen, below=below)
        live.update(drawn, refresh=True)
        late = {ticket["id"] for ticket in shown["late"]}  # type: ignore[attr-defined]
        if self.bell and self.late is not None and late - self.late:
            live.console.bell()
        self.late = late if self.late is None else self.late | late

    def _is_left(self, live: "Live", happened: "Happened") -> bool:
        """Do what the pressed keys ask for; return whether the person leaves."""
        from slactl.clock import now

        for key in happened.pressed:
            asked = self.viewer.press(key)
            if asked is None:
                continue
            if asked.wish is Wish.QUIT:
                return True
            self._do(asked, live.console.width)
            self._read(now())
        return False

    def _do(self, asked: Asked, width: int) -> None:
        if asked.wish is Wish.HELP:
            from slactl.show.board import help_lines

            self.viewer.page = help_lines()
        elif asked.wish is Wish.SHOW:
            self._show(asked.ticket, width)
        elif asked.wish in (Wish.ACK, Wish.ESCALATE):
            reason = [f"--reason={asked.text}"] if asked.wish is Wish.ESCALATE else []
            message, is_error = self._run([str(asked.wish), str(asked.ticket), *reason])
            self.viewer.say(message, is_error=is_error)

    def _show(self, number: int, width: int) -> None:
        """Open the page of a ticket, as `show` draws it."""
        from slactl.cli.show import screen_ticket
        from slactl.clock import now, to_text
        from slactl.show.form import Screen
        from slactl.show.ticket import draw_ticket

        at, stream = now(), io.StringIO()
        try:
            with self.here.desk.database.read() as transaction:
                ticket = screen_ticket(transaction, number, to_text(at))
        except SlactlError as error:
            self.viewer.say(error.message, is_error=True)
            return
        draw_ticket(ticket, Screen(stream, self.here.screen.color, width), at, due_soon=self.due_soon)
        self.viewer.page = stream.getvalue().splitlines()

    def _run(self, words: Sequence[str]) -> tuple[str, bool]:
        """Run a command as if it was typed; return its receipt, or its error and true."""
        from slactl import committed
        from slactl.cli.init import run_here

        out, err = _Captured(), _Captured()
        pasted = committed.so_far().pasted
        committed.begin()
        try:
            with redirect_stdout(out), redirect_stderr(err), self.desk.impatient():
                run_here(self.context, list(words))
        except SlactlError as error:
            err.write(f"{committed.so_far().after_error(error.message, error.code)[0]}\n")
        except typer.Exit:
            pass
        except KeyboardInterrupt:
            busy = "the database is busy: another program writes; press the key again"
            err.write(f"{committed.so_far().after_error(busy, ExitCode.LOCKED)[0]}\n")
        finally:
            committed.begin()  # what was done is told, and no later error has to say it
            committed.so_far().pasted = pasted
        problems = [line.removeprefix("error: ") for line in err.getvalue().splitlines() if line[:5] != "hint:"]
        said = "; ".join([*problems, *out.getvalue().splitlines()])
        return said, bool(problems)
