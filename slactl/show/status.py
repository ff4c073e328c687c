"""The state of the service desk in a few lines."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from slactl.show.times import due_phrase, relative, words
from slactl.text import counted

if TYPE_CHECKING:
    from slactl.records.tickets import Ticket


class Standing(NamedTuple):
    """Counts of open tickets, the most overdue and the next ones, and when the last good check ended (stored text)."""

    open_: int
    late: int
    soon: int
    unassigned: int
    upcoming: "Sequence[Ticket]" = ()
    last_check: str | None = None

    def counts(self) -> str:
        """Return the counts in one line."""
        numbers = (f"{self.late:,} overdue", f"{self.soon:,} due soon", f"{self.unassigned:,} unassigned")
        return " · ".join((counted(self.open_, "open ticket"), *numbers))

    def deadlines(self, now: datetime) -> Iterator[str]:
        """Yield a line for the deadline of each of these tickets."""
        for ticket in self.upcoming:
            due = f"{words(ticket['due_target'] or '')} {due_phrase(ticket, now)}"
            yield f"#{ticket['id']} {due}, {ticket['priority']}, {ticket['assignee'] or 'nobody'}: {ticket['subject']}"

    def checked(self, now: datetime) -> str:
        """Return when the last good check ended."""
        return (
            f"last successful check {relative(self.last_check, now)}" if self.last_check else "no successful check yet"
        )


def next_commands(standing: Standing) -> list[str]:
    """Return the commands that probably come next, the most useful first."""
    if not standing.open_:
        return ["slactl create 'Printer on fire' --from ann@example.com", "slactl list --all", "slactl help"]
    commands = ["slactl check"] if standing.last_check is None else []
    commands += ["slactl list --breached"] if standing.late else []
    commands += ["slactl list --unassigned"] if standing.unassigned else []
    commands += [f"slactl show {standing.upcoming[0]['id']}"] if standing.upcoming else []
    return [*commands, "slactl list", "slactl help"][:4]
