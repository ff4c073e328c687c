"""Write what was changed in memory: histories, the rows that follow from them, escalations and messages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from slactl.desk.ledger.projection import TimerContext, next_level_columns, ticket_columns, timer_rows
from slactl.desk.ledger.ticket import LoadedTicket
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.timer import Evaluation
from slactl.store.schema import models
from slactl.store.write import statements as writes

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Row = dict[str, Any]

#: The columns of `ticket` that hold what a person said and do not follow from the history.
IDENTITY = ("external_id", "subject", "requester_email")


class Mark(NamedTuple):
    """How many rows waited to be written."""

    events: int
    texts: int
    escalations: int
    notifications: int


@dataclass(slots=True)
class WaitingRows:
    """The rows of a unit of work that wait to be written."""

    events: list[Row] = field(default_factory=list)
    texts: list[Row] = field(default_factory=list)
    escalations: list[Row] = field(default_factory=list)
    notifications: list[Row] = field(default_factory=list)
