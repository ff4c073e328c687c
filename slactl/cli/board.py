"""`board`: write the live board as one page, for a wall screen and for people without a shell."""

import re
import sys
from typing import Annotated

import typer

from slactl.cli.options import Call, call, say
from slactl.cli.panels import Commands
from slactl.errors import UsageError

app = Commands()


def file_mode(text: str) -> int:
    """Return the permissions that octal digits state, such as `0644`.

    Raises:
        UsageError: they are not permissions of a file that its owner can write and nobody else.
    """
    if not re.fullmatch(r"0?[0-7]{3}", str(text)) or (mode := int(text, 8)) & 0o733 != 0o600:
        raise UsageError("--mode must be 0600, 0640, 0644 or 0604", "slactl board --mode 0644 board.html")
    return mode


ModeOption = Annotated[
    int, typer.Option("--mode", metavar="0644", help="Who may read the page.", parser=file_mode, show_default=False)
]


@app.command()
def board(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The page; - is stdout.")],
    mode: ModeOption = "0600",  # type: ignore[assignment]  # parsed like a typed value
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is not a live page.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing.")] = False,
) -> None:
    """Write the live board as one HTML page.

    It shows overdue tickets, tickets that are due soon, urgent tickets without an assignee, who is on call, and goals.
    The page loads nothing from a network and reads its file again every 30 seconds. If the page is
    older than twice the usual time between two checks, it says so in red. Let cron write it: check --board FILE.

    Only you may read the page; --mode 0644 lets everybody read it. It contains the subjects of tickets.

    \b
    Examples:
      slactl board board.html
      slactl board --mode 0644 board.html
      slactl check -q --board board.html
    """
    here = call(context)
    if file == "-":
        # The page declares UTF-8, whatever the encoding of stdout.
        sys.stdout.buffer.write(page_text(here).encode(errors="xmlcharrefreplace"))
        return
    write_board(here, file, mode, force=force)
    if not quiet:
        say(f"wrote {file}", err=True)


def write_board(here: Call, file: str, mode: int, *, force: bool = False, of_check: bool = False) -> None:
    """Write the live page to a file, whole or not at all; the page `of_check` has the goals as the check counted them.

    Raises:
        RefusedError: the file is not a live page and `force` is not set, or it is not a regular file.
        StorageError: the file cannot be written.
        DatabaseError: the database cannot be read.
    """
    from slactl.cli.files import write_live_page

    write_live_page(file, page_text(here, of_check=of_check), mode=mode, force=force)


def page_text(here: Call, *, of_check: bool = False) -> str:
    """Return the live page as HTML."""
    from slactl.desk.reports.live_page import live_page as gather
    from slactl.show.live_page import live_page

    return live_page(gather(here.desk, here.now, here.due_soon(), of_check=of_check))
