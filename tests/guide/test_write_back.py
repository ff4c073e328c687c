"""The example of the guide that writes back to GitHub does so, with a program named `gh` in its place."""

import json
import os
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory
from pages import blocks

#: Keeps the arguments and the facts that it gets.
GH = """#!/bin/sh
printf '%s\\n' "$@" >> {log}
cat >> {log}
"""


def test_example_labels_the_issue_of_an_overdue_ticket(
    desk: Path, slactl: Slactl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FrozenDateTimeFactory
) -> None:
    (example,) = [block.text for block in blocks("messages", "toml") if '"gh"' in block.text]
    log, folder = tmp_path / "log", tmp_path / "bin"
    folder.mkdir()
    (folder / "gh").write_text(GH.format(log=log))
    (folder / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    rules = desk.with_name("rules.toml")
    rules.write_text(f"{rules.read_text()}\n{example}")
    assert slactl("rules", "check").code == 0
    line = {"ticket": "17", "source": "github", "at": "2026-03-02T09:00:00Z", "type": "created", "plan": "pro"}
    assert slactl("import", "-", stdin=json.dumps(line)).code == 0
    clock.move_to("2026-04-01T09:00:00Z")
    assert slactl("check").code == 0
    *arguments, facts = log.read_text().splitlines()
    assert arguments == ["issue", "edit", "17", "--repo", "acme/desk", "--add-label", "sla"]
    assert (json.loads(facts)["external_id"], json.loads(facts)["source"]) == ("17", "github")
