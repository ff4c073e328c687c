"""Take, renew and release the leases of work that one process at a time may do, over all hosts.

Every function works within the caller's write transaction, so that the work of a transaction and its lease are
committed together. Stdlib `sqlite3` only.
"""

import sqlite3
from datetime import timedelta
from typing import NamedTuple, Self

from slactl import clock
from slactl.errors import LockedError
from slactl.lease import RUN_SECONDS, Claimant, in_force, this_process
from slactl.store.read.runs import lease_holder


class Lease(NamedTuple):
    """The lease of this process on some work; `name` is the command that does it."""

    name: str
    claimed_by: str

    @classmethod
    def take(cls, connection: sqlite3.Connection, name: str) -> Self:
        """Take a lease that nobody has, or whose holder is dead or did not renew it in time.

        Raises:
            LockedError: another process has it.
        """
        found = lease_holder(connection, name)
        own = this_process()
        if found is not None and found.claimed_by != own and in_force(*found):
            holder = Claimant.parse(found[0])
            where = f" on {holder.host}" if holder is not None and not holder.is_here else ""
            raise LockedError(f"another {name} is running{where}", "slactl doctor")
        values = (name, own, _end(0))
        connection.execute("INSERT OR REPLACE INTO lease (name, claimed_by, claimed_until) VALUES (?, ?, ?)", values)
        return cls(name, own)

    def renew(self, connection: sqlite3.Connection, seconds: int = 0) -> None:
        """Hold the lease for as long as one without renewal, and some seconds more.

        Raises:
            LockedError: another process took the lease, because this one did not renew it in time.
        """
        statement = "UPDATE lease SET claimed_until = ? WHERE name = ? AND claimed_by = ?"
        if connection.execute(statement, (_end(seconds), *self)).rowcount != 1:
            raise self.lost()

    def lost(self) -> LockedError:
        """Return the error of a process whose work another process has taken over."""
        what = f"this {self.name} stood still for so long that another {self.name} took over its work"
        return LockedError(what, f"slactl {self.name}")

    def release(self, connection: sqlite3.Connection) -> None:
        """Give the lease back, unless another process took it."""
        connection.execute("DELETE FROM lease WHERE name = ? AND claimed_by = ?", self)


def _end(seconds: int) -> str:
    return clock.to_text(clock.now() + timedelta(seconds=RUN_SECONDS + seconds))
