"""Say who holds a lease, and whether the holder can still be working.

A lease is two columns of a row: `claimed_by` names a process, and at `claimed_until` the lease runs out. A process that
dies leaves its leases behind. On the machine of a dead process, slactl sees that it is dead and does not wait until the
lease runs out. slactl never signals a process that a database names, because anybody may have written that database.

Leases of other machines are compared with the present instant, so the clocks of all machines must agree to within
`MARGIN` seconds.
"""

import os
import re
from datetime import timedelta
from typing import NamedTuple, Self

from slactl import clock
from slactl.config import host_name

#: How long the lease of a run lasts unless it is renewed, in seconds: much longer than one transaction.
RUN_SECONDS = 120

#: How long a lease outlasts the work, in seconds: by so much the clocks of two machines may differ.
MARGIN = 30

#: A lease that runs out later than this was taken by a wrong clock, and holds nobody up.
LONGEST = timedelta(hours=2)


class Claimant(NamedTuple):
    """A process that can hold leases, told apart from every other process on every machine.

    `start` is when it started, in ticks since the machine started; `machine` names the host, its start and the
    namespace of process numbers. Without `/proc`, some parts are `-`. `recorder` is the process of the same machine
    that records what the claimant did, if no lease of its own protects that: as long as either lives, both work.
    """

    pid: int
    start: str
    machine: str
    recorder: str | None = None

    @classmethod
    def of(cls, pid: int) -> Self:
        """Return the claimant that a living process of this machine is."""
        return cls(pid, _life(pid).start, _machine())

    def recorded_by(self, pid: int) -> "Claimant":
        """Return the claimant whose results a living process of this machine records."""
        return self._replace(recorder=f"{pid} {_life(pid).start}")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Parse what `str` returned; None for any other text."""
        process = r"[1-9]\d{0,9} (?:\d{1,20}|-)"
        match = re.fullmatch(rf"({process}) (\S+ \S+ \S+?)(?: for ({process}))?", text, re.ASCII)
        if match is None:
            return None
        pid, start = match[1].split()
        return cls(int(pid), start, match[2], match[3])

    def __str__(self) -> str:
        recorder = f" for {self.recorder}" if self.recorder is not None else ""
        return f"{self.pid} {self.start} {self.machine}{recorder}"

    @property
    def host(self) -> str:
        """Return the name of its host."""
        return self.machine.rpartition(" ")[2]

    @property
    def is_here(self) -> bool:
        """Return whether this machine runs it, or ran it since its last start."""
        return self.machine == _machine()

    @property
    def is_dead(self) -> bool:
        """Return whether it and its recorder have certainly ended: false for the processes of other machines."""
        return self.is_here and _has_ended(self.pid, self.start) and not self.is_recorded

    @property
    def is_recorded(self) -> bool:
        """Return whether its recorder may still be working."""
        if self.recorder is None:
            return False
        pid, start = self.recorder.split()
        return not (self.is_here and _has_ended(int(pid), start))


def this_process() -> str:
    """Return what `claimed_by` says of leases that this process holds."""
    return str(Claimant.of(os.getpid()))


def recorded_by_this_process(claimed_by: str) -> str:
    """Return what `claimed_by` says of a lease whose holder's results this process records."""
    holder = Claimant.parse(claimed_by)
    return str(holder.recorded_by(os.getpid())) if holder is not None else claimed_by


def in_force(claimed_by: str | None, claimed_until: str | None) -> bool:
    """Return whether the holder of a lease may still be working."""
    if claimed_by is None or claimed_until is None:
        return False
    now = clock.now()
    if not clock.to_text(now) < claimed_until <= clock.to_text(now + LONGEST):
        return False
    holder = Claimant.parse(claimed_by)
    return holder is None or not holder.is_dead


def is_here(claimed_by: str) -> bool:
    """Return whether the holder of a lease runs on this machine."""
    holder = Claimant.parse(claimed_by)
    return holder is not None and holder.is_here


def is_recorded(claimed_by: str) -> bool:
    """Return whether another process may still be working that records what the holder of a lease did."""
    holder = Claimant.parse(claimed_by)
    return holder is not None and holder.is_recorded


class Time(NamedTuple):
    """When a process ends at the latest, as uptime of its machine, and when its lease then runs out, as text."""

    ends: float
    claimed_until: str


def time_for(seconds: int) -> Time:
    """Return the time that a process has from now on that needs at most some seconds."""
    return Time(clock.uptime() + seconds, clock.to_text(clock.now() + timedelta(seconds=seconds + MARGIN)))


class _Life(NamedTuple):
    """The state of a process and when it started, or `-` where the system does not say."""

    state: str
    start: str


def _has_ended(pid: int, start: str) -> bool:
    """Return whether the process of this machine that started at `start` has certainly ended."""
    try:
        os.kill(pid, 0)  # asks whether there is such a process, and sends nothing
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass  # another user's process
    now = _life(pid)
    is_another = "-" not in (now.start, start) and now.start != start
    return is_another or now.state in ("Z", "X")


def _life(pid: int) -> _Life:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            fields = stream.read().rpartition(") ")[2].split()
        return _Life(fields[0], fields[19])
    except (OSError, IndexError):
        return _Life("-", "-")


def _machine() -> str:
    boot = clock.boot_clock()
    try:
        namespace = re.sub(r"\D", "", os.readlink("/proc/self/ns/pid"))
    except OSError:
        namespace = ""
    return f"{namespace or '-'} {boot.boot_id if boot is not None else '-'} {host_name()}"
