"""The pages of the guide, and how a terminal shows them."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TextIO

from slactl.config import Color

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import Markdown

FOLDER = Path(__file__).resolve().parent.parent / "guide"

#: The topics in the order in which a newcomer needs them; a page that is not named here comes after these.
ORDER = (
    *("start", "rules", "calendars", "escalation", "on-call", "messages", "import", "sources", "reports", "sql"),
    *("operations", "security", "environment", "exit-codes", "speed", "upgrade"),
)

#: The widest line of text that is comfortable to read.
WIDEST = 100


def topics() -> list[str]:
    """Return the names of all pages."""
    there = {path.stem for path in FOLDER.glob("*.md")}
    return [*(name for name in ORDER if name in there), *sorted(there - {*ORDER})]


def page(topic: str) -> str:
    """Return the Markdown of a page."""
    return (FOLDER / f"{topic}.md").read_text(encoding="utf-8")


def title(topic: str) -> str:
    """Return the first heading of a page."""
    with (FOLDER / f"{topic}.md").open(encoding="utf-8") as stream:
        return stream.readline().lstrip("# ").strip()


def pager(environment: Mapping[str, str]) -> list[str] | None:
    """Return the command of the pager: `PAGER`, else less; None if `PAGER` is empty, `cat` or no command."""
    try:
        words = shlex.split(environment.get("PAGER", "less"))
    except ValueError:
        return None
    return words if words and words != ["cat"] else None


def show(text: str, pages: Sequence[str], color: Color, stream: TextIO, pager: Sequence[str] | None) -> None:
    """Print plain text and Markdown pages: unchanged on a pipe, drawn and through the pager on a terminal."""
    from slactl.show.form import speaks_unicode, wants_color

    if not stream.isatty() or not speaks_unicode(stream):
        stream.write("\n".join(part for part in (text, *pages) if part))
        return
    colored = wants_color(color, os.environ, terminal=True)
    shown = "\n".join(part for part in (text, *(_drawn(each, colored, stream) for each in pages)) if part)
    if pager is None or shown.count("\n") < os.get_terminal_size(stream.fileno()).lines:
        stream.write(shown)
    else:
        _page_through(shown, pager, stream)


def _drawn(page: str, color: bool, stream: TextIO) -> str:
    """Return a page as Rich draws it."""
    from io import StringIO

    from rich.console import Console

    drawn = StringIO()
    console = Console(
        file=drawn,
        # Rich may leave a blank after the last column.
        width=min(WIDEST, os.get_terminal_size(stream.fileno()).columns - 1),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
    )
    console.print(_markdown(page, "ansi_light" if color else "bw"))
    return drawn.getvalue()


def _markdown(page: str, theme: str) -> "Markdown":
    """Return a page for Rich, in whose tables long words go on in the next line instead of being cut."""
    from rich.markdown import Markdown, TableElement

    class FoldedTable(TableElement):
        def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
            for table in super().__rich_console__(console, options):
                for column in getattr(table, "columns", ()):
                    column.overflow = "fold"
                yield table

    class FoldedMarkdown(Markdown):
        elements: ClassVar = {**Markdown.elements, "table_open": FoldedTable}

    return FoldedMarkdown(page, code_theme=theme, hyperlinks=False)


def _page_through(text: str, pager: Sequence[str], stream: TextIO) -> None:
    """Show a text with a pager; print it where the pager cannot be started."""
    import signal
    import subprocess

    # less leaves at once where the text fits (F), shows colours (R), and keeps the screen (X); LESS says otherwise.
    environment = {"LESS": "FRX", **os.environ}
    try:
        process = subprocess.Popen(pager, stdin=subprocess.PIPE, env=environment)
    except OSError:
        stream.write(text)
        return
    # Ctrl-C belongs to the pager.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.communicate(text.encode("utf-8"))
    finally:
        signal.signal(signal.SIGINT, before)
