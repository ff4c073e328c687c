"""Service desks with sources: scripts beside the rules that print tickets, and what became of their runs."""

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

#: A ticket as `gh issue list` prints it.
ISSUE = {
    "number": 1,
    "title": "VPN down",
    "body": "",
    "state": "OPEN",
    "createdAt": "2026-03-02T08:00:00Z",
    "updatedAt": "2026-03-02T08:00:00Z",
    "closedAt": None,
    "author": {"login": "bob"},
    "assignees": [],
    "labels": [],
}


def issues(*numbers: int, **fields: object) -> str:
    """Return the list of some issues as text."""
    return json.dumps([ISSUE | {"number": number} | fields for number in numbers])


def script(desk: Path, body: str, name: str = "list.py") -> Path:
    """Write a Python program beside the rules, which anybody may run and only its owner may change."""
    path = desk.with_name(name)
    path.write_text(f"#!{sys.executable} -S\nimport json, os, signal, sys, time\n{body}\n")
    path.chmod(0o755)
    return path


def add_source(desk: Path, *arguments: str, name: str = "github", map_: str | None = "github", more: str = "") -> None:
    """Add a source to the rules; without arguments it runs `list.py`."""
    rules = desk.with_name("rules.toml")
    read_by = f"map = {json.dumps(map_)}\n" if map_ is not None else ""
    command = json.dumps(list(arguments or ("./list.py", "{since}")), ensure_ascii=False)
    rules.write_text(f'{rules.read_text()}\n[[source]]\nname = "{name}"\n{read_by}command = {command}\n{more}\n')


def prints(desk: Path, text: str) -> None:
    """Let the source print a text."""
    desk.with_name("output").write_text(text)
    script(desk, f"sys.stdout.write(open({str(desk.with_name('output'))!r}).read())")


def runs(desk: Path) -> list[dict[str, Any]]:
    """Return the recorded runs, oldest first."""
    with sqlite3.connect(desk) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM sync_run ORDER BY id")]


def tickets(desk: Path) -> list[tuple[Any, ...]]:
    """Return id, subject and status of each ticket."""
    with sqlite3.connect(desk) as connection:
        return connection.execute("SELECT external_id, subject, status FROM ticket ORDER BY id").fetchall()
