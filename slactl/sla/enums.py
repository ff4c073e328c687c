"""Define the closed sets of history, rules, escalation and messages."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Name the status of a ticket."""

    OPEN = "open"
    PENDING = "pending"
    WAITING_CUSTOMER = "waiting_customer"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def is_done(self) -> bool:
        """Return whether the resolution clock has stopped."""
        return self in (Status.RESOLVED, Status.CLOSED)


#: The statuses in which no clock runs.
DONE = tuple(status for status in Status if status.is_done)


class Priority(StrEnum):
    """Name how urgent a ticket is; `rank` orders the priorities."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """Return 0 for low up to 3 for urgent."""
        return _RANKS[self]


_RANKS = {priority: rank for rank, priority in enumerate(Priority)}

#: Other words for priorities, in small letters, and the priority that each means.
PriorityMeanings = Mapping[str, str]
NO_WORDS: PriorityMeanings = MappingProxyType({})


def priority_meanings(stated: Mapping[str, Iterable[str]]) -> PriorityMeanings:
    """Return what each other word means, given the words for each priority."""
    return {word.casefold(): priority.value for priority in Priority for word in stated.get(priority.value, ())}


def as_priority_word(value: object, meanings: PriorityMeanings) -> object:
    """Return the priority that a word means; return any other value unchanged."""
    return meanings.get(value.casefold(), value) if isinstance(value, str) and meanings else value


class Target(StrEnum):
    """Name the targets that a policy can have."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    UPDATE = "update"
    RESOLUTION = "resolution"


class Condition(StrEnum):
    """Name what an escalation rule can watch besides deadlines: a timer without a target."""

    UNASSIGNED = "unassigned"
    IDLE = "idle"
    WAITING = "waiting"
    BURST = "burst"
    CREATED = "created"


class ActorType(StrEnum):
    """Name whether a person or slactl itself acted."""

    USER = "user"
    SYSTEM = "system"


class EventType(StrEnum):
    """Name the types of events, as the history file format writes them."""

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
    EDITED = "edited"  # subject, requester or external id; no deadline depends on them
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    RULES_APPLIED = "rules_applied"
    RETRACTED = "retracted"  # takes back earlier events: everything is computed as if they had not happened
    # These are recorded for people; no deadline depends on them.
    BREACHED = "breached"
    DEADLINES = "deadlines"
    CORRECTED = "corrected"


class Reopen(StrEnum):
    """Name what reopening a ticket does to its resolution clock."""

    CONTINUE = "continue"
    RESET = "reset"
    FROZEN = "frozen"


class NextResponseFrom(StrEnum):
    """Name which message is the first that waits for a next response."""

    FIRST_REPLY = "first_reply"
    CREATION = "creation"


class CountFrom(StrEnum):
    """Name from when a target counts after a person changed priority, plan, tenant or tags."""

    CREATION = "creation"
    CHANGE = "change"


class LateTargets(StrEnum):
    """Name what such a change does to a target whose deadline was missed before."""

    KEEP = "keep"
    RECOUNT = "recount"


class Clock(StrEnum):
    """Name the clock on which the offsets of an escalation rule are counted."""

    CALENDAR = "calendar"
    WALL = "wall"


class OnUnknown(StrEnum):
    """Name what to do with a message when it is not known whether it was delivered."""

    RESEND = "resend"
    HOLD = "hold"


class Spread(StrEnum):
    """Name how a role picks one of its members for a ticket."""

    LEAST_OPEN = "least_open"
    ROUND_ROBIN = "round_robin"


class UnknownSenders(StrEnum):
    """Name what to do with mail of senders whom slactl does not know."""

    OPEN = "open"
    REFUSE = "refuse"


class MailAction(StrEnum):
    """Name what became of a message that came in by mail."""

    OPENED = "opened"
    CUSTOMER_REPLY = "customer_reply"
    AGENT_REPLY = "agent_reply"
    NOTE = "note"
    COMMAND = "command"
    IGNORED = "ignored"


class LevelOutcome(StrEnum):
    """Name the outcome of a level that became due.

    `expired`: a warning that a later level or the deadline has overtaken, or a level whose timer stopped first.
    `baseline`: a level that became due before its escalation rule was in use.
    `skipped`: a level whose `when` did not match the ticket any more.
    """

    FIRED = "fired"
    EXPIRED = "expired"
    BASELINE = "baseline"
    SKIPPED = "skipped"


class NotificationState(StrEnum):
    """Name the state of a message in the outbox.

    `partly`: some of the recipient's addresses got the message, and slactl gave up another address or does not know
    whether it got the message.
    """

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    PARTLY = "partly"
    PRINTED = "printed"
    HELD = "held"
    OBSOLETE = "obsolete"
    DROPPED = "dropped"
    DEAD = "dead"
