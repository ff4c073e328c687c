"""Write which messages were taken."""

import sqlite3

from slactl.store.schema.compiled import tables


def keep_message(connection: sqlite3.Connection, message_id: str, ticket: int, event: int) -> None:
    """Note that a message was taken, and which event of which ticket it became; no message is taken twice."""
    connection.execute(tables()["mail_id"].insert, (message_id, ticket, event))
