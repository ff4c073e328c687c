"""Service desks whose messages go to commands: programs beside the rules that write down what they got."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from conftest import Slactl

RULES = """
[roles.lead]
notify = [%s]
%s
[roles.backup]
[people.mia]
[[escalation]]
id = "first-response"
on = "first_response"
fallback = "backup"
  [[escalation.level]]
  id = "breach"
  at = "0m"
  notify = ["lead"]
"""

#: Writes arguments, stdin, environment and folder as one line into `log` beside it, and ends as the file `end` says.
PROGRAM = """#!{python} -S
import json, os, signal, sys, time
beside = os.path.dirname(os.path.realpath(__file__))
got = {{"arguments": sys.argv[1:], "facts": json.load(sys.stdin), "environment": dict(os.environ), "cwd": os.getcwd()}}
with open(beside + "/log", "a") as log:
    log.write(json.dumps(got) + "\\n")
exec(open(beside + "/end").read())
"""


def write_rules(desk: Path, command: list[str], more: str = "", *, settings: str = "") -> Path:
    """Let the one escalation rule notify the role `lead`, whose address is a command."""
    path = desk.with_name("rules.toml")
    shipped = path.read_text()
    kept = shipped[: shipped.index("# Roles and people, and")].replace("manual_escalation =", "# manual_escalation =")
    address = f"{{ command = {json.dumps(command, ensure_ascii=False)} }}"
    path.write_text(kept.replace("[settings]", f"[settings]\n{settings}") + RULES % (address, more))
    return path


def write_program(desk: Path, end: str = "", name: str = "page") -> Path:
    """Write the program beside the rules; `end` is Python code that runs at its end."""
    path = desk.with_name(name)
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    desk.with_name("end").write_text(end)
    return path


def got(desk: Path) -> list[dict[str, Any]]:
    """Return what the program got, run by run."""
    log = desk.with_name("log")
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def late(slactl: Slactl, *names: str, source: str | None = "github", **fields: object) -> None:
    """Record tickets whose first response is long overdue, by external id."""
    line = {"at": "2026-03-02T09:00:00Z", "type": "created", "source": source} | fields
    made = slactl("import", "-", stdin="\n".join(json.dumps(line | {"ticket": name}) for name in names))
    assert made.code == 0, made.err


def outbox(slactl: Slactl) -> list[tuple[str, str, str | None]]:
    """Return recipient, state and error of each message, oldest first."""
    found = json.loads(slactl("notifications", "list", "--json").out)
    return [(each["recipient"], each["state"], each["error"]) for each in reversed(found)]


def on_path(folder: Path, name: str, program: Path) -> str:
    """Put a program into a folder under a name, and return a PATH with the folder in front."""
    folder.mkdir(exist_ok=True)
    (folder / name).symlink_to(program)
    return f"{folder}:{os.environ['PATH']}"
