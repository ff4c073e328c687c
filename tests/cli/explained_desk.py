"""A desk whose deadlines hang on nights, holidays, zones, pauses and people; made once, only read by the tests."""

import io
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from freezegun import freeze_time

from slactl.__main__ import run

#: When the tests look at it: a Thursday before Easter.
NOW = "2026-04-02T10:00:00Z"

RULES = """
schema = 1
[calendars.always]
always_open = true
[calendars.office]
timezone = "Europe/Berlin"
country = "DE"
subdivision = "BE"
[calendars.office.weekly]
mon-thu = ["09:00-12:30", "13:30-18:00"]
fri = ["09:00-16:00"]
[calendars.office.dates]
"2026-04-01" = ["09:00-12:00"]
[calendars.night]
timezone = "Europe/Berlin"
[calendars.night.weekly]
mon-sun = ["22:00-06:00"]
[[policy]]
name = "acme contract"
match = { tenant = ["acme"] }
calendar = "always"
[policy.targets]
default = { first_response = "1h", resolution = "2d" }
[[policy]]
name = "pro, urgent"
match = { plan = ["pro"], priority = ["high", "urgent"] }
calendar = "office"
[policy.targets]
high = { first_response = "4h", next_response = "4h", resolution = "16h" }
urgent = { first_response = "2h", resolution = "8h" }
[[policy]]
name = "pro"
match = { plan = ["pro"] }
calendar = "office"
[policy.targets]
default = { first_response = "8h", resolution = "5bd" }
[[policy]]
name = "night shift"
match = { plan = ["night"] }
calendar = "night"
[policy.targets]
default = { resolution = "12h" }
[[policy]]
name = "free"
match = { plan = ["free"] }
calendar = "always"
[policy.targets]
default = { first_response = "24h", resolution = "3d" }
[[escalation]]
id = "resolution"
on = "resolution"
[[escalation.level]]
id = "warn"
at = "80%"
tag = ["warned"]
[[escalation.level]]
id = "breach"
at = "0m"
priority = "high"
"""

#: What happened, and when.
STORY = (
    ("2026-03-20T08:00:00Z", "init"),
    ("2026-03-20T08:00:00Z", "tenant add acme"),
    ("2026-03-20T08:00:00Z", "tenant add nyc --timezone America/New_York"),
    ("2026-03-30T13:20:00Z", "create 'Slow report' --from bob@example.com --plan pro --priority high"),  # 1
    ("2026-03-31T08:00:00Z", "reply 1 --no-body"),
    ("2026-03-31T15:00:00Z", "receive 1"),
    ("2026-03-27T19:00:00Z", "create 'Printer at night' --from bob@example.com --plan night"),  # 2
    ("2026-04-01T08:00:00Z", "create Invoice --from bob@example.com --plan pro --external-id INC3"),  # 3
    (
        "2026-04-02T07:00:00Z",
        "create 'In New York' --from eve@nyc.example --plan pro --tenant nyc --priority high",
    ),  # 4
    ("2026-04-02T09:00:00Z", "due 3 --target resolution --at 2026-04-10T12:00:00Z --reason 'agreed on the phone'"),
    ("2026-04-02T09:30:00Z", "priority 4 urgent"),
    ("2026-01-02T08:00:00Z", "create 'Three months' --from bob@example.com"),  # 5
    ("2026-01-02T10:00:00Z", "reply 5 --no-body"),
    ("2026-03-30T10:00:00Z", "receive 5"),
    ("2026-03-30T12:00:00Z", "resolve 5"),
    ("2026-04-01T12:00:00Z", "reopen 5"),
    ("2026-04-01T08:00:00Z", "create 'Waiting for you' --from bob@example.com --plan pro --priority high"),  # 6
    ("2026-04-01T09:10:00Z", "reply 6 --no-body"),
    ("2026-04-02T09:45:00Z", "create 'Nothing promised' --from bob@example.com --plan free --tag vip"),  # 7
    ("2026-04-02T09:50:00Z", "resolve 7"),
)


@pytest.fixture(scope="session")
def explained_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the desk after `STORY`: `slactl.db` and `rules.toml`."""
    folder = tmp_path_factory.mktemp("explained")
    folder.joinpath("rules.toml").write_text(RULES, encoding="utf-8")
    settings = ("--db", str(folder / "slactl.db"), "--rules", str(folder / "rules.toml"), "--actor", "ann")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", io.StringIO())
        patch.setenv("TZ", "UTC")
        for at, words in STORY:
            with freeze_time(at):
                assert run([*settings, *shlex.split(words)]) == 0, words
    return folder


@pytest.fixture
def explained(explained_desk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The settings point at the shared desk, and it is `NOW`; returns where its rules are."""
    monkeypatch.setenv("SLACTL_DB", str(explained_desk / "slactl.db"))
    monkeypatch.setenv("SLACTL_RULES", str(explained_desk / "rules.toml"))
    with freeze_time(NOW):
        yield explained_desk / "rules.toml"
