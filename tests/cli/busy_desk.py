"""A desk with a little of everything, made once through the commands and only read by the tests."""

import io
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from freezegun import freeze_time

from slactl.__main__ import run

#: When the tests of reading look at the desk: a Monday.
NOW = "2026-03-02T12:00:00Z"

RULES = """
schema = 1
[settings]
default_plan = "trial"
[calendars.always]
always_open = true
[[policy]]
name = "enterprise"
match = { plan = ["enterprise"] }
calendar = "always"
[policy.targets]
urgent = { first_response = "2h", resolution = "12h" }
default = { first_response = "8h", next_response = "4h", resolution = "2d" }
[[policy]]
name = "standard"
match = { plan = ["free", "pro"] }
calendar = "always"
[policy.targets]
default = { first_response = "24h", next_response = "8h", resolution = "3d" }
[roles.support_manager]
assignee = "lena"
"""

HOSTILE_SUBJECT = "[bold red]Sale[/] \x1b[31mnow\x1b[0m \x1b]0;owned\x07 \u202efdp.exe\nsecond line"

#: What happened, and when.
STORY = (
    ("2026-02-20T07:00:00Z", "init"),
    ("2026-02-20T07:00:00Z", "tenant add acme"),
    ("2026-02-20T07:00:00Z", "tenant add globex --plan enterprise"),
    ("2026-02-20T08:00:00Z", "create 'Old question' --from bob@example.com --plan pro"),  # 1
    ("2026-02-20T09:00:00Z", "reply 1 --status open --body 'Looking into it.'"),
    ("2026-02-24T08:00:00Z", "resolve 1"),
    ("2026-02-24T09:00:00Z", "close 1"),
    ("2026-03-01T06:00:00Z", "create 'Cannot log in' --from eve@example.com --plan pro --assignee mia"),  # 2
    ("2026-03-01T12:00:00Z", "create Typo --from bob@example.com --plan free --priority low"),  # 3
    ("2026-03-01T18:00:00Z", "resolve 3"),
    (
        "2026-03-02T05:00:00Z",  # 4
        "create 'Invoice is wrong' --from cfo@globex.example --plan enterprise --tenant globex --assignee mia"
        " --external-id INC4",
    ),
    ("2026-03-02T08:00:00Z", "reply 2 --body 'Österreich: which browser?'"),
    (
        "2026-03-02T08:00:00Z",  # 5
        "create 'Slow report' --from bob@example.com --plan pro --priority high --assignee bob --tag vip --tag reports"
        " --body 'It takes 100% ages.'",
    ),
    ("2026-03-02T09:00:00Z", "reply 5 --no-body --status open"),
    (
        "2026-03-02T09:00:00Z",  # 6
        "create 'VPN is down' --from it@acme.example --plan enterprise --tenant acme --priority urgent --tag vip",
    ),
    ("2026-03-02T09:30:00Z", "create 'Trial feature' --from try@example.com --plan trial"),  # 7
    ("2026-03-02T10:00:00Z", "escalate 5 --reason 'customer called twice'"),
    ("2026-03-02T11:00:00Z", f"create {shlex.quote(HOSTILE_SUBJECT)} --from mallory@example.com --plan pro"),  # 8
)


@dataclass(frozen=True)
class Desk:
    """Where the shared desk is."""

    database: Path
    rules: Path


@pytest.fixture(scope="session")
def busy_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The desk after `STORY`."""
    folder = tmp_path_factory.mktemp("busy")
    desk = Desk(folder / "slactl.db", folder / "rules.toml")
    desk.rules.write_text(RULES, encoding="utf-8")
    settings = ("--db", str(desk.database), "--rules", str(desk.rules), "--actor", "ann")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", io.StringIO())
        patch.setenv("TZ", "UTC")
        for at, words in STORY:
            with freeze_time(at):
                assert run([*settings, *shlex.split(words)]) == 0, words
    return desk


@pytest.fixture
def busy(busy_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The settings point at the shared desk, and it is `NOW`."""
    monkeypatch.setenv("SLACTL_DB", str(busy_desk.database))
    monkeypatch.setenv("SLACTL_RULES", str(busy_desk.rules))
    monkeypatch.setenv("SLACTL_ACTOR", "mia")
    with freeze_time(NOW):
        yield busy_desk
