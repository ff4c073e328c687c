"""Remove the remains of old pages from the database file after an erasure."""

from contextlib import closing
from pathlib import Path

from slactl.store.sqlite.connection import BUSY_SECONDS, empty_log, in_turn, open_database, reported

#: The key in `meta` of an erasure that has yet to rewrite the file; its value is the number of the last event then.
UNWIPED = "unwiped"


def wipe(path: Path) -> bool:
    """Rewrite the database without the pages that were freed, and empty the write-ahead log.

    Returns whether the log is empty: a program that reads for longer than SQLite waits keeps it from that. What
    another erasure commits meanwhile is left for that one to wipe.

    Raises:
        DatabaseError: the disk has no room to rewrite the database.
    """
    with closing(open_database(path)) as connection, reported(path):
        noted = connection.execute("SELECT key, value FROM meta WHERE key = ?", (UNWIPED,)).fetchall()
        in_turn(connection, "VACUUM")
        emptied = empty_log(connection, BUSY_SECONDS)
        if emptied:
            connection.executemany("DELETE FROM meta WHERE key = ? AND value = ?", noted)
        return emptied
