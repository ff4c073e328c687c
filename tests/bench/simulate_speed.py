"""How long `slactl simulate` takes for the real incident log, the start of the program included.

    python tests/bench/simulate_speed.py

The log (300 tickets, about 2,000 rows) is imported and exported to a history first. The exit code is 1 where the
promise of the guide does not hold.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

ROUNDS, MOST_SECONDS = 7, 1.0
LOG = Path(__file__).parent.parent / "data" / "servicenow_incidents.csv"

#: The clock of one policy stops outside office hours and on public holidays, so that the calendar has to work.
RULES = """
schema = 1
[calendars.office]
timezone = "Europe/Berlin"
country = "DE"
[calendars.office.weekly]
mon-fri = ["09:00-17:30"]
[[policy]]
name = "everybody"
calendar = "office"
[policy.targets]
default = { first_response = "4h", resolution = "3bd" }
[[escalation]]
id = "late"
on = "resolution"
level = [{ id = "warn", at = "80%", tag = ["soon"] }, { id = "late", at = "0m", tag = ["late"] }]
"""


def run(folder: Path, *arguments: str) -> float:
    """Seconds that a command takes from start to end; its output goes to a file."""
    environment = {**os.environ, "SLACTL_DB": str(folder / "slactl.db"), "SLACTL_RULES": str(folder / "rules.toml")}
    with (folder / f"{arguments[0]}.out").open("wb") as out:
        begin = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "slactl", *arguments],
            stdout=out,
            stderr=subprocess.DEVNULL,
            env=environment,
            check=True,
        )
        return perf_counter() - begin


def main() -> int:
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules.toml").write_text(RULES)
        run(folder, "init")
        run(folder, "import", str(LOG), "--map", "servicenow")
        run(folder, "export")
        history = folder / "export.out"
        events = history.read_bytes().count(b"\n")
        median = statistics.median(
            run(folder, "simulate", str(history), "--at", "last", "--json") for _ in range(ROUNDS)
        )
    held = median < MOST_SECONDS
    sys.stdout.write(f"slactl simulate, 300 tickets, {events:,} events: {median:.2f} s (median of {ROUNDS})\n")
    sys.stdout.write(f"promised: under {MOST_SECONDS:.0f} s: {'held' if held else 'BROKEN'}\n")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
