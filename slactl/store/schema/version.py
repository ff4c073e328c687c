"""Mark a file as a database of slactl. This file stands alone so that a read does not load the migrations."""

import sqlite3

#: The newest schema that this program knows: the number of steps in `migrations`.
SCHEMA = 20

#: The mark of SQLite's `application_id` ("SLAC" in ASCII), so that no other program's database is touched.
APPLICATION_ID = 0x534C4143

#: The key in `meta` of an erasure that has yet to rewrite the file; its value is the number of the last event then.
UNWIPED = "unwiped"

#: The key in `meta` of the key that signs the addresses to which people reply. It never leaves its database.
REPLY_KEY = "reply_key"


def schema_of(connection: sqlite3.Connection) -> int:
    """Return the schema of a database: the number of steps of `migrations` it has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
