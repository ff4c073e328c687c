"""A desk with some of everything, made once, of which each test gets a copy."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path

from forked import run

from slactl.cli.commands import GROUPS

RULES = """schema = 1
[settings]
default_plan = "free"
manual_escalation = { priority = "high", notify = ["desk"] }

[calendars.always]
always_open = true
[calendars.office]
timezone = "Europe/Berlin"
[calendars.office.weekly]
mon-fri = ["08:00-18:00"]

[[policy]]
name = "pro"
match = { plan = ["pro"] }
calendar = "office"
[policy.targets]
default = { first_response = "2h", next_response = "1h", resolution = "1bd" }
[[policy]]
name = "everybody"
calendar = "always"
[policy.targets]
urgent = { first_response = "30m", next_response = "30m", resolution = "3h" }
default = { first_response = "1h", next_response = "1h", update = "90m", resolution = "4h" }

[roles.desk]
[roles.lead]
assignee = "lena"
[roles.boss]
[roles.writer]

[[escalation]]
id = "first-response"
on = "first_response"
  [[escalation.level]]
  id = "warn"
  at = "50%"
  notify = ["desk"]
  [[escalation.level]]
  id = "breach"
  at = "0m"
  priority = "high"
  note = "Nobody has answered."
  notify = ["lead"]
  [[escalation.level]]
  id = "boss"
  at = "+1h"
  assign = "lead"
  tag = ["late"]
  notify = ["boss"]
[[escalation]]
id = "resolution"
on = "resolution"
  [[escalation.level]]
  id = "breach"
  at = "0m"
  notify = ["desk"]
[[escalation]]
id = "update"
on = "update"
  [[escalation.level]]
  id = "breach"
  at = "0m"
  notify = ["writer"]
[[escalation]]
id = "nobody"
on = "unassigned"
  [[escalation.level]]
  id = "grab"
  at = "+2h"
  notify = ["desk"]
"""

#: A schedule for commands about who is on call; `mia` and `max` are the people who may be.
GOALS = """
[[objective]]
name = "answers"
target = "first_response"
goal = "60%"
period = "month"
notify = ["desk", "boss"]
notify_at = { spare = 3 }
[[objective]]
name = "solutions"
target = "resolution"
goal = "100%"
period = "week"
notify = ["writer"]
"""

ROTA = """
[people.mia]
[people.max]
[schedules.rota]
timezone = "Europe/Berlin"
[[schedules.rota.layer]]
people = ["mia", "max"]
rotate = "1w"
from = "2026-01-05 09:00"
"""

#: The commands that make the desk, each at its time of day on Monday.
STORY = """
07:00 tenant add acme --plan pro --timezone Europe/Vienna
09:00 create Printer --from ann@example.com --assignee mia --external-id P-1 --body smoke --tag fire
09:05 create Mouse --from bob@example.com
09:10 reply 2 --body which
09:15 create Screen --from cem@example.com --tenant acme --assignee max
09:20 resolve 3
09:21 reopen 3
09:22 resolve 3
09:25 create Keyboard --from dan@example.com --assignee mia
09:30 close 4
09:35 create Network --from eve@example.com --priority urgent
09:40 create Chair --from fay@example.com --tenant acme
09:45 ack 6 --for 8h
09:50 due 6 --target resolution --at 2026-03-03T09:00Z --reason agreed
09:55 receive 2 --body this-one
09:52 create Lamp --from gus@example.com --assignee mia
10:20 check --no-send
10:22 due 5 --target first_response --at 2026-03-02T10:23Z --reason agreed
10:24 check --no-send
10:25 notifications drop 1
10:30 silence add --ticket 5 --for 8h --comment moving
"""

#: The rules of another day, for `rules apply`: every deadline is another one.
OTHER = RULES.replace('first_response = "1h"', 'first_response = "2h"').replace(
    'resolution = "4h"', 'resolution = "3h"'
)

#: Rules under which a level is due that was not due before.
SOONER = RULES.replace('at = "+2h"', 'at = "+30m"')

HISTORY = "".join(
    f'{{"ticket": "H-{number}", "at": "2026-03-02T08:{number % 60:02}:00Z", "type": "created", "subject": "h"}}\n'
    f'{{"ticket": "H-{number}", "at": "2026-03-02T09:{number % 60:02}:00Z", "type": "agent_reply", "body": "b"}}\n'
    for number in range(12)
)

#: An end that is not known, a status that ends by itself, and an answer that was taken back.
HISTORY += """\
{"ticket": "H-0", "at": "2026-03-02T09:15:00Z", "type": "status", "status": "resolved", "unknown_instant": true}
{"ticket": "H-1", "at": "2026-03-02T09:15:00Z", "type": "status", "status": "pending", "until": "2026-03-02T09:30:00Z"}
{"ticket": "H-2", "at": "2026-03-02T09:15:00Z", "type": "status", "status": "resolved", "id": "wrong"}
{"ticket": "H-2", "at": "2026-03-02T09:16:00Z", "type": "retracted", "events": ["wrong"]}
"""


@cache
def shelf() -> Path:
    """A folder for desks, where all files of the tests are."""
    folder = tempfile.mkdtemp(prefix="slactl-")
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    return Path(folder)


@cache
def template() -> Path:
    """The folder of the desk that the others are copies of."""
    folder = shelf() / "template"
    folder.mkdir()
    (folder / "rules.toml").write_text(RULES)
    (folder / "other.toml").write_text(OTHER)
    (folder / "sooner.toml").write_text(SOONER)
    (folder / "history.jsonl").write_text(HISTORY)
    for line in ("06:00 init", *STORY.strip().splitlines()):
        clock, *arguments = line.split()
        ended = run(*settings(folder), *arguments, now=datetime.fromisoformat(f"2026-03-02T{clock}:00+00:00"))
        assert ended.code == 0, f"{line}: {ended.err}"
    return folder


@contextmanager
def desk_copy() -> Iterator[Path]:
    """The folder of a desk of one's own, which goes away at the end."""
    folder = Path(tempfile.mkdtemp(dir=shelf()))
    shutil.copytree(template(), folder, dirs_exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def settings(folder: Path) -> list[str]:
    """The options that point a command at a desk."""
    return ["--db", str(folder / "slactl.db"), "--rules", str(folder / "rules.toml"), "--actor", "ann"]


def command_of(arguments: Sequence[str]) -> str:
    """The command that a line runs: `create`, `rules apply`; the options before it do not count."""
    words = list(arguments)
    while words[0].startswith("-"):
        del words[:2]
    return " ".join(words[: 2 if words[0] in GROUPS else 1])
