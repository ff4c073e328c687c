"""Make the man page from the commands and the guide; `python -m slactl.cli.manual` writes it."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from slactl import __version__
from slactl.cli.commands import HEADINGS, SUMMARIES
from slactl.show import guide

if TYPE_CHECKING:
    from slactl.cli.panels import Command, Context

#: The path of the man page; the wheel installs it in share/man/man1.
PAGE = guide.FOLDER / "slactl.1"

#: The pages of the guide that the man page contains, under the headings that readers of man pages expect.
SECTIONS = {"environment": "ENVIRONMENT", "exit-codes": "EXIT STATUS"}


def manual() -> str:
    """Return the man page as roff."""
    import typer

    from slactl.cli.app import app

    root = typer.main.get_command(app)
    context = root.make_context("slactl", [], resilient_parsing=True)
    return "\n".join([*_head(root, context), *_commands(root, context), *_guide()]) + "\n"


def _head(root: "Command", context: "Context") -> Iterator[str]:
    yield f'.TH SLACTL 1 "" "slactl {__version__}" "User Commands"'
    yield ".ad l\n.hy 0\n.SH NAME\nslactl \\- record support tickets, calculate deadlines, escalate overdue tickets"
    yield ".SH SYNOPSIS\n.B slactl\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]"
    yield ".SH DESCRIPTION"
    yield from roff(guide.page("start").split("\n## ")[0].split("\n", 1)[1])
    yield ".SH OPTIONS"
    yield from _options(root, context)


def _commands(root: Any, context: "Context") -> Iterator[str]:  # noqa: ANN401  (a group of Typer's own)
    yield ".SH COMMANDS"
    for heading, names in HEADINGS.items():
        yield f".SS {_text(heading)}"
        for name in names:
            command = root.get_command(context, name)
            inner = getattr(command, "commands", None)
            if inner is None:
                yield from _command(name, command, context)
                continue
            yield f".TP\n.B {name}\n{_text(SUMMARIES[name])}"
            for sub, subcommand in inner.items():
                yield from _command(f"{name} {sub}", subcommand, context)


def _command(name: str, command: "Command", parent: "Context") -> Iterator[str]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    pieces = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    usage = " ".join([f"\\fB{_text(name)}\\fR", *(f"\\fI{_text(piece)}\\fR" for piece in pieces)])
    yield f".TP\n{usage}\n{_text(command.get_short_help_str(limit=500))}"
    yield ".RS"
    yield from _options(command, context)
    yield ".RE"


def _options(command: "Command", context: "Context") -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if parameter.param_type_name == "option" and record is not None and parameter.name != "help":
            yield f".TP\n\\fB{_text(record[0])}\\fR\n{_text(record[1])}"


def _guide() -> Iterator[str]:
    for topic, heading in SECTIONS.items():
        yield f".SH {heading}"
        yield from roff(guide.page(topic).split("\n", 1)[1])
    yield ".SH GUIDE"
    for topic in guide.topics():
        yield f".TP\n.B slactl help {_text(topic)}\n{_text(guide.title(topic))}"


def roff(markdown: str) -> Iterator[str]:
    """Return the lines of a Markdown text as roff: headings, paragraphs, lists, tables, blocks of code."""
    in_code = False
    for line in markdown.splitlines():
        if line.strip().startswith("```"):
            in_code = not in_code
            yield ".PP\n.RS\n.nf" if in_code else ".fi\n.RE"
        elif in_code:
            yield _text(line) or "\\&"
        elif line.startswith("|"):
            cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
            if not set(line) <= set("|- "):
                rest = " — ".join(cell for cell in cells[1:] if cell)
                yield f".TP\n{inline(cells[0])}\n{inline(rest)}"
        elif line.startswith("#"):
            yield f".SS {inline(line.lstrip('# '))}"
        elif line.startswith("- "):
            yield f".IP \\(bu 2\n{inline(line[2:])}"
        else:
            yield inline(line.strip()) if line.strip() else ".PP"


def inline(text: str) -> str:
    """Return a line with `code` and **strong** words in bold."""
    parts = re.split(r"`([^`]+)`|\*\*([^*]+)\*\*", text)
    plain, code, strong = parts[::3], parts[1::3], parts[2::3]
    marked = [f"\\fB{_text(one or other or '')}\\fR" for one, other in zip(code, strong, strict=True)]
    return "".join(piece for pair in zip(map(_text, plain), [*marked, ""], strict=True) for piece in pair)


def _text(text: str) -> str:
    """Return text that roff prints as it is."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    PAGE.write_text(manual(), encoding="utf-8")
