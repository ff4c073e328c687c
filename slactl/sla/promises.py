"""The promises of one ticket while its history is read: its first response, each exchange, its resolution."""

from collections.abc import Iterator

from slactl.sla.deadlines import Deadline
from slactl.sla.enums import Reopen, Status, Target
from slactl.sla.stretches import StretchLog, Uncounted
from slactl.sla.terms import Terms


class Promises:
    """Deadlines that start, stop and change as events say."""

    __slots__ = (
        "_created",
        "_exchanges",
        "_first",
        "_logs",
        "_replied",
        "_resolutions",
        "_status",
        "_waiting",
        "terms",
    )

    def __init__(self, at: int, status: Status, terms: Terms) -> None:
        """The promises to a ticket opened at `at`.

        Raises:
            NoOpenHours: the calendar has no open time left for them.
        """
        self.terms = terms
        self._created, self._status = at, Status.OPEN
        self._logs = {kind: StretchLog() for kind in Target}
        self._replied = False
        self._waiting: int | None = None
        self._first = self._begin(Target.FIRST_RESPONSE, 1, at)
        self._resolutions = [self._begin(Target.RESOLUTION, 1, at)]
        self._exchanges: list[Deadline] = []
        if terms.opening_waits:
            self._begin_exchange(at)
        if status is not self._status:
            self.change_status(at, status)

    def __iter__(self) -> Iterator[Deadline]:
        """Every promise that was made, those kept or missed long ago included."""
        for deadline in (self._first, *self._exchanges, *self._resolutions):
            if deadline.is_set:
                yield deadline

    def still_open(self) -> Iterator[Deadline]:
        """The promises that are neither kept nor over."""
        for deadline in (self._first, *self._exchanges[-1:], self._resolutions[-1]):
            if deadline.is_set and deadline.stopped is None:
                yield deadline

    @property
    def is_pausing(self) -> bool:
        """Whether the customer has the ball."""
        return self._status in self.terms.pause_statuses

    def change_status(self, at: int, status: Status) -> None:
        """The clocks run, pause or stop; leaving resolved and closed reopens."""
        was_done, is_done, self._status = self._status.is_done, status.is_done, status
        self._turn(at)
        if is_done and not was_done:
            self._finish(at)
        elif was_done and not is_done:
            self._reopen(at)

    def reply(self, at: int) -> None:
        """An agent answered the customer."""
        self._replied = True
        self._waiting = None
        if self._first.stopped is None:
            self._first.stopped = at
        self._end_exchange(at)

    def message(self, at: int) -> None:
        """The customer wrote: unless an older message waits already, this one waits for the next response."""
        if self._status.is_done:
            # Nothing runs on a ticket that is over; if it is reopened, the customer has waited since now.
            self._waiting = self._waiting if self._waiting is not None else at
        elif self._open_exchange() is None and self._messages_wait:
            self._begin_exchange(at)

    def retarget(self, at: int, terms: Terms) -> None:
        """A person changed what the promises hang on: those neither kept nor missed follow."""
        self.terms = terms
        self._turn(at)
        for deadline in (self._first, self._resolutions[-1]):
            deadline.retarget(at, terms.target(deadline.kind), terms)
        exchange = self._open_exchange()
        if exchange is None:
            if terms.opening_waits and self._first.stopped is None and not self._exchanges:
                self._begin_exchange(self._created)
            return
        kept = terms.target(Target.NEXT_RESPONSE) if self._messages_wait else None
        exchange.retarget(at, kept, terms)

    def set_by_hand(self, at: int, kind: Target, due: int | None) -> None:
        """A person set or cleared (None) the deadline of what is open; what is over stays as it was judged."""
        open_exchange = self._open_exchange()
        current = {
            Target.FIRST_RESPONSE: self._first,
            Target.NEXT_RESPONSE: open_exchange,
            Target.RESOLUTION: self._resolutions[-1],
        }[kind]
        if current is not None:
            current.set_by_hand(at, due)

    def _turn(self, at: int) -> None:
        closed = Uncounted.CLOSED if self._status.is_done else None
        paused = self.terms.pause if closed is None and self.is_pausing else ()
        for kind, log in self._logs.items():
            log.turn(at, Uncounted.PAUSED if kind in paused else closed)

    def _finish(self, at: int) -> None:
        """Resolved: every open promise ends, the first response too where nobody replied."""
        for deadline in (self._first, self._resolutions[-1]):
            if deadline.stopped is None:
                deadline.stopped = at
        self._end_exchange(at)

    def _reopen(self, at: int) -> None:
        last = self._resolutions[-1]
        if self.terms.reopen == Reopen.CONTINUE:
            last.stopped = None
            if not self._replied:
                self._first.stopped = None
        elif self.terms.reopen == Reopen.RESET:
            self._resolutions.append(self._begin(Target.RESOLUTION, last.cycle + 1, at))
        waiting, self._waiting = self._waiting, None
        if waiting is not None and self._messages_wait:
            self._begin_exchange(waiting)

    @property
    def _messages_wait(self) -> bool:
        """Whether what the customer writes waits for a next response; before the first response it waits for that."""
        return self._first.stopped is not None or self.terms.opening_waits

    def _open_exchange(self) -> Deadline | None:
        last = self._exchanges[-1] if self._exchanges else None
        return last if last is not None and last.stopped is None else None

    def _begin_exchange(self, at: int) -> None:
        self._exchanges.append(self._begin(Target.NEXT_RESPONSE, len(self._exchanges) + 1, at))

    def _end_exchange(self, at: int) -> None:
        exchange = self._open_exchange()
        if exchange is not None:
            exchange.stopped = at

    def _begin(self, kind: Target, cycle: int, at: int) -> Deadline:
        deadline = Deadline(kind, cycle, at, self._logs[kind], self.terms)
        deadline.aim(self.terms.target(kind), self.terms)
        return deadline
