"""Measure the commands that people type: what each takes in F, the processor time of a Python that does nothing."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from processes import NOTHING, SLACTL, Desk, Figure, Row, run


class Command(NamedTuple):
    """A command with its goal in F; some have another goal from a number of tickets on."""

    name: str
    words: tuple[str, ...]
    goal: float
    larger: tuple[int, float] | None = None
    environment: Mapping[str, str] = {}

    def most(self, size: int) -> float:
        """Return the goal for a desk of this size."""
        return self.larger[1] if self.larger is not None and size >= self.larger[0] else self.goal


COMPLETION = {"_SLACTL_COMPLETE": "complete_bash", "COMP_WORDS": "slactl show 1", "COMP_CWORD": "2"}

COMMANDS = (
    Command("`create`", ("create", "Bench", "--from", "bench@example.com", "--plan", "free"), 13),
    Command("`reply`", ("reply", "{}", "--body", "On it.", "--status", "open"), 13),
    Command("`ack`", ("ack", "{}"), 13),
    Command("`assign`", ("assign", "{}", "--to", "agent-07"), 13),
    Command("`escalate`", ("escalate", "{}", "--reason", "Bench", "--priority", "high", "--no-notify"), 13),
    Command("`explain`", ("explain", "{}"), 16),
    Command("`rules check`", ("rules", "check"), 20),
    Command("`list --breached`, pipe", ("list", "--breached", "--limit", "50"), 6),
    Command("`list --breached`, table", ("list", "--breached", "--format", "table", "--limit", "50"), 10),
    Command("`check`, nothing due", ("check", "-q", "--no-send"), 6.5),
    Command("completion of ids", (), 6, environment=COMPLETION),
    Command("`summary`", ("summary", "--json"), 9, (1_000_000, 12)),
    Command("`summary --since all`", ("summary", "--since", "all", "--json"), 60),
    Command("`report --since all`", ("report", "--since", "all", "--json"), 60),
)


def rows(desks: Sequence[Desk], runs: int) -> Iterator[Row]:
    """Yield a row for each command and desk: goal, and the median of interleaved runs."""
    figures = {(command.name, desk.size): Figure() for command in COMMANDS for desk in desks}
    floor = Figure()
    for round_ in range(runs + 1):  # the first round brings the files into memory
        run(NOTHING, desks[0].environment, floor if round_ else Figure())
        for desk in desks:
            number = str(11 + round_)  # another ticket in each round, which `reply` opens and `escalate` can raise
            subprocess.run([*SLACTL, "priority", number, "low"], env=desk.environment, capture_output=True, check=False)
            for command in COMMANDS:
                words = [number if word == "{}" else word for word in command.words]
                environment = desk.environment | command.environment
                run((*SLACTL, *words), environment, figures[command.name, desk.size] if round_ else Figure())
    for command in COMMANDS:
        for desk in desks:
            figure, most = figures[command.name, desk.size], command.most(desk.size)
            taken = figure.seconds / floor.seconds
            measured = f"{taken:.1f} F ({figure.seconds * 1000:.0f} ms), {figure.peak / 1024:.0f} MiB"
            yield Row(command.name, desk.size, f"≤ {most:g} F", measured, taken <= most)
