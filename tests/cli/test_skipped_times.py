"""A local time that a clock change skips is as long after the change: in `--at` of every command, and in imports."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from slactl.cli.app import app
from slactl.cli.commands import COMMANDS, GROUPS

#: A skipped local time of each zone, and the instant that it means.
SKIPPED = [
    ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:30:00Z"),
    ("America/New_York", "2026-03-08 02:30", "2026-03-08T07:30:00Z"),
    ("Australia/Lord_Howe", "2025-10-05 02:10", "2025-10-04T15:40:00Z"),
]

#: What is typed before `--at` for each command that records an event, and the type of this event.
WRITING = {
    "create": ("create New --from a@b.example", "created"),
    "reply": ("reply {} --body Hi", "agent_reply"),
    "note": ("note {} --body text", "note"),
    "receive": ("receive {}", "customer_reply"),
    "assign": ("assign {} --to mia", "assigned"),
    "priority": ("priority {} urgent", "priority"),
    "status": ("status {} pending", "status"),
    "resolve": ("resolve {}", "status"),
    "close": ("close {}", "status"),
    "reopen": ("reopen {}", "status"),
    "tag": ("tag {} --add vip", "tags"),
    "due": ("due {} --target resolution --reason agreed", "due_set"),
}
READING = {"list", "check", "simulate", "oncall now"}

#: Runs each command of stdin in one process, and prints the exit code and the output of each.
RUNNER = """
import contextlib, io, json, sys
from slactl.__main__ import run
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = int(run(json.loads(line)))
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


def ran(zone: str, *commands: list[str]) -> list[str]:
    """Run the commands on a machine in this zone; return what each printed."""
    lines = "\n".join(map(json.dumps, commands))
    environment = os.environ | {"TZ": zone}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER], input=lines, capture_output=True, text=True, env=environment, check=True
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    for command, (code, _, err) in zip(commands, results, strict=True):
        assert code == 0, f"{command}: {err}"
    return [out for _, out, _ in results]


def test_every_command_with_at_is_tried() -> None:
    root = get_command(app)
    named = {name: root.get_command(None, name) for name in COMMANDS}  # type: ignore[attr-defined]
    for name in GROUPS:
        group = root.get_command(None, name)  # type: ignore[attr-defined]
        named |= {f"{name} {sub}": command for sub, command in group.commands.items()}
    with_at = {name for name, command in named.items() for option in command.params if "--at" in option.opts}
    assert with_at == {*WRITING, *READING}


@pytest.mark.parametrize(("zone", "typed", "instant"), SKIPPED)
def test_events_are_recorded_as_long_after_the_change(zone: str, typed: str, instant: str, desk: Path) -> None:
    opened = (datetime.fromisoformat(typed) - timedelta(days=30)).isoformat()
    commands: list[list[str]] = []
    for number, (words, _) in enumerate(WRITING.values(), 1):
        commands.append(
            ["create", "Old", "--from", "a@b.example", "--at", f"{opened}Z", "--external-id", f"A-{number}"]
        )
        if words.startswith("reopen"):
            commands.append(["resolve", f"A-{number}", "--at", f"{opened}Z"])
        commands.append([*words.format(f"A-{number}").split(), "--at", typed])
    *_, exported = ran(zone, *commands, ["export"])
    events: list[dict[str, Any]] = [json.loads(line) for line in exported.splitlines()]
    for number, (name, (_, kind)) in enumerate(WRITING.items(), 1):
        own = [event for event in events if event["type"] == kind and event.get("subject") != "Old"]
        own = own if name == "create" else [event for event in own if event["ticket"] == f"A-{number}"]
        found = [event["due_at" if name == "due" else "at"] for event in own]
        assert instant in found, name


@pytest.mark.parametrize(("zone", "typed", "instant"), SKIPPED)
def test_commands_that_read_take_the_same_instant(
    zone: str, typed: str, instant: str, desk: Path, tmp_path: Path
) -> None:
    at = datetime.fromisoformat(instant)
    due = (at - timedelta(hours=1)).isoformat()
    history = tmp_path / "history.jsonl"
    line = {"ticket": "A", "at": (at - timedelta(hours=2)).isoformat(), "type": "created"}
    history.write_text(json.dumps(line))
    imported, _, listed, checked, simulated = ran(
        zone,
        ["import", str(history), "--json"],
        ["due", "A", "--target", "first_response", "--at", due, "--reason", "agreed"],
        ["list", "--at", typed, "--fields", "overdue_seconds", "--json"],
        ["check", "-n", "--at", typed, "--json"],
        ["simulate", str(history), "--at", typed, "--json"],
    )
    assert json.loads(imported)["events"] == 1
    assert json.loads(listed) == [{"overdue_seconds": 3600}]
    assert (json.loads(checked)["at"], json.loads(simulated)["at"]) == (instant, instant)


@pytest.mark.parametrize(("zone", "typed", "instant"), SKIPPED)
@pytest.mark.parametrize("form", [None, "%Y-%m-%d %H:%M"])
def test_csv_with_a_map_takes_the_same_instant(
    zone: str, typed: str, instant: str, form: str | None, desk: Path, tmp_path: Path
) -> None:
    written = f'format = "{form}"\n' if form else ""
    (tmp_path / "map.toml").write_text(
        f'columns = {{ ticket = "id", created_at = "opened" }}\n[time]\ntimezone = "{zone}"\n{written}'
    )
    (tmp_path / "rows.csv").write_text(f"id,opened\nA,{typed}\n")
    _, exported = ran(
        "UTC", ["import", str(tmp_path / "rows.csv"), "--map", str(tmp_path / "map.toml"), "-q"], ["export"]
    )
    assert json.loads(exported)["at"] == instant
