"""How long `report` and `summary` take on a large desk: run it as `python tests/bench/reporting.py [TICKETS]`.

The desk is made through slactl's own import, in a temporary folder, from a history that is the same each time but
for the hour in which it ends.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from slactl.clock import to_text

PLANS = ("enterprise", "pro", "free")
PRIORITIES = ("low", "normal", "normal", "normal", "high", "urgent")
TEAM = ("mia", "jonas", "li", "ann", None)
TENANTS = (None, "northwind", "lumen", "orchid", "birch", "cedar")
DAYS = 365

#: Office hours for the plan "pro", so that there is time off hours.
OFFICE = """
[[policy]]
name = "pro, office hours"
match = { plan = ["pro"] }
calendar = "office"
[policy.targets]
default = { first_response = "8h", next_response = "8h", resolution = "5bd" }
"""


def history(tickets: int, now: datetime, seed: int = 7) -> Iterator[str]:
    """The lines of a history file: a year of tickets up to `now`, about 3 of 100 still open, some of them late."""
    chance = random.Random(seed)
    for number in range(tickets):
        age = timedelta(days=DAYS * (1 - number / tickets)) if number % 50 else timedelta(days=chance.uniform(0, 3))
        for event in _ticket(chance, number, now - age, is_open=number % 50 == 0):
            if event["at"] <= now:
                yield json.dumps({**event, "at": to_text(event["at"])}) + "\n"


def _ticket(chance: random.Random, number: int, at: datetime, *, is_open: bool) -> Iterator[dict[str, object]]:
    # More by day than by night.
    at = at.replace(hour=min(23, max(0, round(chance.gauss(12, 4)))), minute=chance.randrange(60))
    name = f"B-{number}"
    yield {
        "ticket": name,
        "at": at,
        "type": "created",
        "requester_email": f"customer{number % 5000}@example.com",
        "subject": f"Question {number} about the export",
        "plan": chance.choice(PLANS),
        "tenant": chance.choice(TENANTS),
        "priority": chance.choice(PRIORITIES),
        "assignee": chance.choice(TEAM),
    }
    at += timedelta(seconds=round(chance.expovariate(1 / (4 * 3600))))
    yield {"ticket": name, "at": at, "type": "agent_reply", "actor": "mia"}
    if chance.random() < 0.6:
        yield {"ticket": name, "at": at, "type": "status", "status": "waiting_customer"}
        at += timedelta(seconds=round(chance.expovariate(1 / (20 * 3600))))
        yield {"ticket": name, "at": at, "type": "customer_reply"}
        yield {"ticket": name, "at": at, "type": "status", "status": "open"}
        at += timedelta(seconds=round(chance.expovariate(1 / (3 * 3600))))
        yield {"ticket": name, "at": at, "type": "agent_reply", "actor": "mia"}
    if not is_open:
        at += timedelta(seconds=round(chance.expovariate(1 / (20 * 3600))))
        yield {"ticket": name, "at": at, "type": "status", "status": "resolved"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took: seconds by the wall clock and of the processor, and the most memory it held, in MiB."""

    command: str
    seconds: float
    processor: float
    mebibytes: float


def build(folder: Path, tickets: int, now: datetime) -> dict[str, str]:
    """A desk with so many tickets; returns the environment in which slactl finds it."""
    environment = os.environ | {"SLACTL_DB": str(folder / "slactl.db"), "SLACTL_RULES": str(folder / "rules.toml")}
    run(environment, "init")
    rules = folder / "rules.toml"
    text = rules.read_text(encoding="utf-8")
    first = text.index('[[policy]]\nname = "enterprise"')
    rules.write_text(text[:first] + OFFICE + text[first:], encoding="utf-8")
    lines = folder / "history.jsonl"
    with lines.open("w", encoding="utf-8") as stream:
        stream.writelines(history(tickets, now))
    run(environment, "import", str(lines))
    lines.unlink()
    run(environment, "check", "-q", "--no-send")
    return environment


def run(environment: dict[str, str], *arguments: str) -> Cost:
    """Run slactl in a process of its own.

    Raises:
        RuntimeError: it failed.
    """
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "slactl", *arguments], stdout=output, stderr=output, env=environment
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            output.seek(0)
            raise RuntimeError(f"slactl {' '.join(arguments)}: {output.read().decode()[-500:]}")
    return Cost(" ".join(arguments), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def best(environment: dict[str, str], *arguments: str, times: int = 3) -> Cost:
    """The quickest of several runs."""
    return min((run(environment, *arguments) for _ in range(times)), key=lambda cost: cost.processor)


#: The commands that are measured, each with the most seconds it may take over 100,000 tickets.
COMMANDS = (
    (("summary", "--format", "table"), 0.5),
    (("summary", "--json"), 0.5),
    (("summary", "--by", "plan", "--json"), 0.5),
    (("report", "--json"), 3.0),
    (("report", "--by", "assignee", "--json"), 3.0),
    (("report", "--html", "-"), 3.0),
)


def main() -> None:
    """Build the desk and print a line for each command."""
    tickets = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with tempfile.TemporaryDirectory() as folder:
        environment = build(Path(folder), tickets, now)
        for words, _ in COMMANDS:
            cost = best(environment, *words)
            times = f"{cost.seconds:6.2f} s {cost.processor:6.2f} s CPU"
            sys.stdout.write(f"slactl {cost.command:<32} {times} {cost.mebibytes:6.0f} MiB\n")


if __name__ == "__main__":
    main()
