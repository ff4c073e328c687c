"""Measure `import` and `simulate` of a whole history: tickets a minute, seconds, and peak memory."""

import subprocess
import sys
from collections.abc import Iterator, Sequence

from processes import GENERATOR, SLACTL, Desk, Figure, Row, run

#: The largest history, in tickets: the goals are for this size.
MOST = 100_000

#: What each may hold in memory at most, in KiB.
MEMORY = 150 * 1024


def rows(desks: Sequence[Desk], runs: int) -> Iterator[Row]:
    """Yield the rows of a history as large as the largest desk, at most `MOST` tickets, once; `runs` has no effect."""
    size = min(MOST, desks[-1].size)
    desk, imported, simulated = Desk(size, desks[-1].path.with_name("bulk.db"), desks[-1].home), Figure(), Figure()
    desk.remove()
    subprocess.run([*SLACTL, "init"], env=desk.environment, check=True, stdout=subprocess.DEVNULL)
    history = desk.path.with_suffix(".jsonl")
    with history.open("wb") as target:
        subprocess.run([sys.executable, str(GENERATOR), str(size)], stdout=target, check=True)
    with history.open("rb") as source:
        events = sum(1 for _ in source)
    run([*SLACTL, "import", str(history)], desk.environment, imported)
    # By processor time: other programs on the machine do not count, and slactl waits for nobody.
    a_minute, memory = size / imported.seconds * 60, imported.peak <= MEMORY
    text = f"{a_minute:,.0f} a minute, {imported.peak / 1024:.0f} MiB"
    goal = "≥ 120,000 a minute, ≤ 150 MiB"
    yield Row(f"`import`, {events:,} events", size, goal, text, a_minute >= 120_000 and memory)
    run([*SLACTL, "simulate", str(history), "--json"], desk.environment, simulated)
    most = 15 * size / MOST
    text = f"{simulated.seconds:.1f} s, {simulated.peak / 1024:.0f} MiB"
    yield Row("`simulate`", size, f"≤ {most:g} s", text, simulated.seconds <= most)
    history.unlink()
    desk.remove()
