"""Define every closed set that history, rules, escalations and messages use."""

from enum import StrEnum


class Status(StrEnum):
    """Where a ticket stands."""

    OPEN = "open"
    PENDING = "pending"
    WAITING_CUSTOMER = "waiting_customer"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def is_done(self) -> bool:
        """Whether the resolution clock has ended."""
        return self in (Status.RESOLVED, Status.CLOSED)


#: The statuses in which no clock runs.
DONE = tuple(status for status in Status if status.is_done)


class Priority(StrEnum):
    """How urgent a ticket is; `rank` orders it."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """0 for low … 3 for urgent."""
        return tuple(Priority).index(self)


class Target(StrEnum):
    """What a policy can promise."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"


class Condition(StrEnum):
    """What an escalation can watch besides deadlines: a timer without a target."""

    UNASSIGNED = "unassigned"
    IDLE = "idle"
    BURST = "burst"
    CREATED = "created"


class ActorType(StrEnum):
    """Whether a person or slactl itself acted."""

    USER = "user"
    SYSTEM = "system"


class EventType(StrEnum):
    """The kinds of events, under the names of the history file format."""

    CREATED = "created"
    AGENT_REPLY = "agent_reply"
    CUSTOMER_REPLY = "customer_reply"
    NOTE = "note"
    STATUS = "status"
    PRIORITY = "priority"
    ASSIGNED = "assigned"
    PLAN = "plan"
    TENANT = "tenant"
    TAGS = "tags"
    DUE_SET = "due_set"
    ESCALATED = "escalated"
    EDITED = "edited"  # subject, requester or external id: nothing a deadline hangs on
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    RULES_APPLIED = "rules_applied"
    # Noted for people; a deadline follows from none of these.
    BREACHED = "breached"
    DEADLINES = "deadlines"


class Reopen(StrEnum):
    """What reopening does to the resolution clock."""

    CONTINUE = "continue"
    RESET = "reset"
    FROZEN = "frozen"


class NextResponseFrom(StrEnum):
    """Which message is the first that waits for a next response."""

    FIRST_REPLY = "first_reply"
    CREATION = "creation"


class Clock(StrEnum):
    """What the offsets of a ladder run on."""

    CALENDAR = "calendar"
    WALL = "wall"


class OnUnknown(StrEnum):
    """What to do with a message when it is not known whether it went out."""

    RESEND = "resend"
    HOLD = "hold"


class LevelOutcome(StrEnum):
    """Name what became of a level that fell due.

    `expired`: a warning that a later level or the deadline has overtaken, or a level whose timer stopped first.
    `baseline`: the level is older than its escalation rule and was not fired.
    `skipped`: the ticket no longer matched the level's `when`.
    """

    FIRED = "fired"
    EXPIRED = "expired"
    BASELINE = "baseline"
    SKIPPED = "skipped"


class NotificationState(StrEnum):
    """Name where a message of the outbox stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    PRINTED = "printed"
    HELD = "held"
    OBSOLETE = "obsolete"
    DROPPED = "dropped"
    DEAD = "dead"
