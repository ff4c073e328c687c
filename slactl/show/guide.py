"""The pages of the guide, and how a terminal shows them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TextIO

from slactl.config import Color
from slactl.show.colours import ACCENT, FAINT

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import Markdown

FOLDER = Path(__file__).resolve().parent.parent / "guide"

#: The topics in the order in which a newcomer needs them; a page that is not named here comes after these.
ORDER = (
    *(
        "start",
        "rules",
        "calendars",
        "escalation",
        "on-call",
        "messages",
        "mail",
        "import",
        "sources",
        "reports",
        "sql",
    ),
    *("operations", "security", "environment", "exit-codes", "speed", "upgrade"),
)

#: How the parts of a page look; the styles of Rich cannot be read on every ground.
MARKDOWN = {
    "markdown.code": f"bold {ACCENT}",
    "markdown.code_block": "",
    "markdown.block_quote": FAINT,
    "markdown.item.bullet": f"bold {ACCENT}",
    "markdown.item.number": f"bold {ACCENT}",
    "markdown.list": "",
    "markdown.hr": FAINT,
    "markdown.h3": "bold",
    "markdown.h4": "italic",
    "markdown.h6": FAINT,
    "markdown.h7": FAINT,
    "markdown.kbd": "bold",
    "markdown.h2": "bold underline",
    "markdown.link": ACCENT,
    "markdown.link_url": f"underline {ACCENT}",
    "markdown.table.border": FAINT,
    "markdown.table.header": f"bold {ACCENT}",
}

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


def show(text: str, pages: Sequence[str], color: Color, stream: TextIO) -> None:
    """Print plain text and Markdown pages: unchanged on a pipe, drawn on a terminal."""
    from slactl.show.form import speaks_unicode, wants_color

    if not stream.isatty() or not speaks_unicode(stream):
        stream.write("\n".join(part for part in (text, *pages) if part))
        return
    colored = wants_color(color, os.environ, terminal=True)
    stream.write("\n".join(part for part in (text, *(_drawn(each, colored, stream) for each in pages)) if part))


def _drawn(page: str, color: bool, stream: TextIO) -> str:
    """Return a page as Rich draws it."""
    from io import StringIO

    from rich.console import Console
    from rich.theme import Theme

    drawn = StringIO()
    console = Console(
        file=drawn,
        # Rich may leave a blank after the last column.
        width=min(WIDEST, os.get_terminal_size(stream.fileno()).columns - 1),
        force_terminal=color,
        color_system="256" if color else None,
        no_color=not color,
        theme=Theme(MARKDOWN),
    )
    console.print(_markdown(page))
    return drawn.getvalue()


def _markdown(page: str) -> "Markdown":
    """Return a page for Rich: long words in tables go on in the next line, and code has the colour of text."""
    from rich.markdown import CodeBlock, Markdown, TableElement
    from rich.padding import Padding
    from rich.text import Text

    class FoldedTable(TableElement):
        def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
            for table in super().__rich_console__(console, options):
                for column in getattr(table, "columns", ()):
                    column.overflow = "fold"
                yield table

    class PlainCode(CodeBlock):
        def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
            yield Padding(Text(str(self.text).rstrip(), style="markdown.code_block"), (0, 0, 0, 2))

    class FoldedMarkdown(Markdown):
        elements: ClassVar = {
            **Markdown.elements,
            "table_open": FoldedTable,
            "fence": PlainCode,
            "code_block": PlainCode,
        }

    return FoldedMarkdown(page, hyperlinks=False)
