"""The man page is what commands and guide say now, and a man program shows it."""

import shutil
import subprocess

import pytest

from slactl.cli.commands import COMMANDS, GROUPS
from slactl.cli.manual import PAGE, manual, roff


def test_the_man_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == manual(), "write it again: python -m slactl.cli.manual"


def test_it_has_the_sections_that_readers_expect() -> None:
    page = manual()
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "ENVIRONMENT", "EXIT STATUS", "GUIDE"):
        assert f"\n.SH {heading}\n" in page


def test_no_text_is_taken_for_a_request_of_roff() -> None:
    text = ".profile is a file\n'tis `a-b` and **c**\n\n| x | y |\n|---|---|\n| `-q` | a\\|b |\n\n```sh\n.ls \\n\n```"
    assert "\n".join(roff(text)).split("\n") == [
        "\\&.profile is a file",
        "\\&'tis \\fBa\\-b\\fR and \\fBc\\fR",
        ".PP",
        *(".TP", "x", "y"),
        *(".TP", "\\fB\\-q\\fR", "a|b"),
        ".PP",
        *(".PP", ".RS", ".nf", "\\&.ls \\en", ".fi", ".RE"),
    ]


@pytest.mark.full
def test_man_shows_it_without_a_warning() -> None:
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    done = subprocess.run(
        ["man", "--warnings", "-l", str(PAGE)],
        capture_output=True,
        text=True,
        check=True,
        env={"MANWIDTH": "80", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PAGER": "cat"},
    )
    assert done.stderr == ""
    for name in (*COMMANDS, *GROUPS):
        assert f"       {name}" in done.stdout, name
