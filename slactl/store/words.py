"""The closed sets of the store, for those who need the words and not the tables."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a level that fell due."""

    FIRED = "fired"
    EXPIRED = "expired"
    BASELINE = "baseline"
    SKIPPED = "skipped"


class NotificationState(StrEnum):
    """Where a message of the outbox stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    PRINTED = "printed"
    HELD = "held"
    OBSOLETE = "obsolete"
    DROPPED = "dropped"
    DEAD = "dead"
