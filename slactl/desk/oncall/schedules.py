"""Answer who is on call by the rules, with their feeds, and with the overrides and absences that people entered."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from slactl.desk.oncall import feeds
from slactl.sla.calendar.calendar import in_seconds
from slactl.sla.oncall.schedule import (
    NO_EXCEPTIONS,
    Exceptions,
    OnCall,
    Schedule,
    Shift,
    Standing,
    on_call,
    shifts,
    standing,
)
from slactl.sla.rules.rules import Rules


class Schedules:
    """Hold the schedules of some rules; feeds are read when they are first asked for, `around` an instant."""

    def __init__(self, rules: Rules, path: Path, around: datetime, exceptions: Exceptions = NO_EXCEPTIONS) -> None:
        self.rules, self._path, self._around = rules, path, around
        #: What is wrong with feeds, for people.
        self.problems: list[str] = []
        self.exceptions = exceptions
        self._found: dict[str, Schedule] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self.rules.schedules)

    def schedule(self, name: str) -> Schedule:
        """Return a schedule.

        Raises:
            KeyError: the rules have none of this name.
        """
        if name not in self._found:
            found = feeds.ReadFeed(None)
            if self.rules.schedules[name].ical is not None:
                found = feeds.read(self.rules, self._path, name, self._around)
            if found.problem is not None:
                self.problems.append(found.problem)
            self._found[name] = self.rules.schedule(name, found.feed)
        return self._found[name]

    def on_call(self, name: str, at: datetime) -> OnCall:
        """Return who is on call for a schedule at an instant."""
        return on_call(self.schedule(name), in_seconds(at), self.exceptions)

    def standing(self, name: str, at: datetime) -> Standing:
        """Return who is on call for a schedule at an instant, and who was and will be around it."""
        return standing(self.schedule(name), in_seconds(at), self.exceptions)

    def shifts(self, name: str, a: datetime, b: datetime) -> list[Shift]:
        """Return who is on call for a schedule in [a, b), as far as the schedule knows."""
        schedule = self.schedule(name)
        return shifts(schedule, *schedule.known(in_seconds(a), in_seconds(b)), self.exceptions)
