"""The README and the pages of the guide: their blocks, and a shell in which a page is typed from top to bottom."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from slactl.show import guide

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = {"README": README, **{topic: guide.FOLDER / f"{topic}.md" for topic in guide.topics()}}

#: How a block of shell begins that a test cannot simply run: it is checked for its syntax.
MARKS = ("# as root", "# needs ", "sudo ")

#: Keeps a table of jobs in the home, as `crontab` does.
CRONTAB = 'cd; if [ "$1" = -l ]; then cat crontab; else cat > crontab.new && mv crontab.new crontab; fi'

#: What every page but the README and `start` finds: an open service desk with some overdue tickets.
READY = """
slactl init
slactl tenant add acme --plan enterprise
for number in $(seq 1 11); do
  slactl create "Ticket $number" --from ann@example.com --plan pro --priority urgent --at "5h ago"
done
slactl create "Ticket 12" --from it@acme.example --tenant acme --at "3h ago"
slactl check -q
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and the line it begins on."""

    page: str
    line: int
    language: str
    text: str

    @property
    def is_marked(self) -> bool:
        """Whether it needs root, a network or another program."""
        return self.text.startswith(MARKS)


def blocks(page: str, language: str | None = None) -> list[Block]:
    """The fenced blocks of a page, of one language or of all."""
    text = PAGES[page].read_text(encoding="utf-8")
    found = [
        Block(page, text.count("\n", 0, match.start()) + 1, match[2], dedent(match[3]))
        for match in re.finditer(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    ]
    return [block for block in found if language in (None, block.language)]


def rows(page: str, first: str | None = None) -> Iterator[list[str]]:
    """The cells of each row of the tables of a page; of those whose first column is called `first`."""
    heading, before = "", ""
    text = re.sub(r"^( *)```.*?^\1```$", "", PAGES[page].read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for line in text.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if line.startswith("|") and not before.startswith("|"):
            heading = cells[0]
        elif line.startswith("|") and first in (None, heading):
            yield cells
        before = line


def shell(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Type a script into a shell with an empty home in `folder`, where `slactl` is on the PATH."""
    for name in ("bin", "home", "work"):
        (folder / name).mkdir(exist_ok=True)
    _program(folder / "bin" / "slactl", f'exec {shlex.quote(sys.executable)} -P -m slactl "$@"')
    # A table of jobs of its own, so that no test changes that of whoever runs it.
    _program(folder / "bin" / "crontab", CRONTAB)
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder / "work",
        env=environment(folder),
    )


def environment(folder: Path) -> Mapping[str, str]:
    """Next to nothing: no setting of whoever runs the tests."""
    return {
        "HOME": str(folder / "home"),
        "PATH": f"{folder / 'bin'}:{os.path.dirname(sys.executable)}:/usr/bin:/bin",
        "LOGNAME": "ann",
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "SLACTL_TRUST_CLOCK": "1",
    }


def typed(page: str) -> str:
    """The blocks of a page as one script, each announced on stderr so that a failure names its line."""
    parts = [
        f"echo '--- {page} line {block.line}' >&2\n{block.text}" for block in blocks(page, "sh") if not block.is_marked
    ]
    return "\n".join(parts)


def _program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
