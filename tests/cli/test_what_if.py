"""The guide's answer to "what if we had promised 4 hours?", typed as it stands there."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from conftest import Slactl

from slactl.show import guide

ROOT = Path(__file__).parent.parent.parent
FOUR_HOURS = 4 * 3600


def recipe() -> tuple[str, str]:
    """The commands of the recipe, and what the guide says that they print."""
    section = guide.page("rules").partition("What share of the resolutions would be in time")[2].partition("\n## ")[0]
    commands, printed = re.search(r"```sh\n(.*?)```", section, re.S), re.search(r"it prints `([^`]*)`", section)
    assert commands is not None
    assert printed is not None
    return commands[1], printed[1]


def counted_seconds(events: list[dict[str, str]]) -> float:
    """The seconds from the creation of a ticket to its last resolution in which its clock ran, day and night."""
    counted, since, status = 0.0, datetime.fromisoformat(events[0]["at"]), events[0]["status"]
    for event in (each for each in events[1:] if each["type"] == "status"):
        at = datetime.fromisoformat(event["at"])
        counted += (at - since).total_seconds() if status == "open" else 0
        since, status = at, event["status"]
    assert status in ("resolved", "closed")
    return counted


def test_the_recipe_for_what_if_prints_what_the_guide_says(slactl: Slactl, tmp_path: Path) -> None:
    assert slactl("init").code == 0
    log = ROOT / "tests" / "data" / "servicenow_incidents.csv"
    assert slactl("import", str(log), "--map", "servicenow").code == 0
    commands, printed = recipe()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    typed = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert typed.stdout.splitlines()[-1] == printed

    tickets: dict[str, list[dict[str, str]]] = {}
    for line in (tmp_path / "history.jsonl").read_text().splitlines():
        event = json.loads(line)
        tickets.setdefault(event["ticket"], []).append(event)
    met = sum(counted_seconds(events) <= FOUR_HOURS for events in tickets.values())
    assert f"({met} met, {len(tickets) - met} missed, 0 open)" in printed
