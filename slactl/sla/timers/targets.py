"""Track the targets of one ticket while its history is read: first response, next responses, resolution."""

from collections.abc import Iterator

from slactl.sla.enums import Reopen, Status, Target
from slactl.sla.timers.deadline import TrackedTarget
from slactl.sla.timers.pauses import PauseLog, PauseReason
from slactl.sla.timers.terms import Terms


class TrackedTargets:
    """Start, stop and change the targets of a ticket as its events say."""

    __slots__ = (
        "_created",
        "_first_response",
        "_logs",
        "_next_responses",
        "_replied",
        "_resolutions",
        "_status",
        "_waiting",
        "terms",
    )

    def __init__(self, at: int, status: Status, terms: Terms) -> None:
        """Start the targets of a ticket that was opened at `at`.

        Raises:
            NoOpenHours: the calendar has too little open time left for them.
        """
        self.terms = terms
        self._created, self._status = at, Status.OPEN
        self._logs = {kind: PauseLog() for kind in Target}
        self._replied = False
        self._waiting: int | None = None
        self._first_response = self._begin(Target.FIRST_RESPONSE, 1, at)
        self._resolutions = [self._begin(Target.RESOLUTION, 1, at)]
        self._next_responses: list[TrackedTarget] = []
        if terms.opening_waits:
            self._begin_next_response(at)
        if status is not self._status:
            self.change_status(at, status)

    def __iter__(self) -> Iterator[TrackedTarget]:
        """Yield every target that was ever set, met and missed ones included."""
        for tracked in (self._first_response, *self._next_responses, *self._resolutions):
            if tracked.is_set:
                yield tracked

    def still_open(self) -> Iterator[TrackedTarget]:
        """Yield the targets that have not stopped."""
        for tracked in (self._first_response, *self._next_responses[-1:], self._resolutions[-1]):
            if tracked.is_set and tracked.stopped is None:
                yield tracked

    @property
    def is_pausing(self) -> bool:
        """Return whether the ticket has a status that pauses clocks."""
        return self._status in self.terms.pause_statuses

    def change_status(self, at: int, status: Status) -> None:
        """Run, pause or stop the clocks for a new status; a ticket that leaves resolved and closed is reopened."""
        was_done, is_done, self._status = self._status.is_done, status.is_done, status
        self._turn(at)
        if is_done and not was_done:
            for tracked in (self._first_response, self._resolutions[-1]):
                if tracked.stopped is None:
                    tracked.stopped = at
            self._end_next_response(at)
        elif was_done and not is_done:
            self._reopen(at)

    def reply(self, at: int) -> None:
        """Stop the first and the next response, because an agent answered the customer."""
        self._replied = True
        self._waiting = None
        if self._first_response.stopped is None:
            self._first_response.stopped = at
        self._end_next_response(at)

    def message(self, at: int) -> None:
        """Start a next response, because the customer wrote, unless an earlier message already waits for one."""
        if self._status.is_done:
            # No clock runs on a resolved ticket. If it is reopened, the customer has waited since this message.
            self._waiting = self._waiting if self._waiting is not None else at
        elif self._open_next_response() is None and self._messages_wait:
            self._begin_next_response(at)

    def retarget(self, at: int, terms: Terms) -> None:
        """Apply new terms, after a person's change, to the targets that were neither met nor missed by `at`."""
        self.terms = terms
        self._turn(at)
        for tracked in (self._first_response, self._resolutions[-1]):
            tracked.retarget(at, terms.target(tracked.kind), terms)
        next_response = self._open_next_response()
        if next_response is None:
            if terms.opening_waits and self._first_response.stopped is None and not self._next_responses:
                self._begin_next_response(self._created)
            return
        duration = terms.target(Target.NEXT_RESPONSE) if self._messages_wait else None
        next_response.retarget(at, duration, terms)

    def set_by_hand(self, at: int, kind: Target, due: int | None) -> None:
        """Set or clear (None) the deadline of the open cycle of a target; cycles that stopped keep theirs."""
        next_response = self._open_next_response()
        current = {
            Target.FIRST_RESPONSE: self._first_response,
            Target.NEXT_RESPONSE: next_response,
            Target.RESOLUTION: self._resolutions[-1],
        }[kind]
        if current is not None:
            current.set_by_hand(at, due)

    def _turn(self, at: int) -> None:
        closed = PauseReason.CLOSED if self._status.is_done else None
        paused = self.terms.pause if closed is None and self.is_pausing else ()
        for kind, log in self._logs.items():
            log.turn(at, PauseReason.PAUSED if kind in paused else closed)

    def _reopen(self, at: int) -> None:
        last = self._resolutions[-1]
        if self.terms.reopen == Reopen.CONTINUE:
            last.stopped = None
            if not self._replied:
                self._first_response.stopped = None
        elif self.terms.reopen == Reopen.RESET:
            self._resolutions.append(self._begin(Target.RESOLUTION, last.cycle + 1, at))
        waiting, self._waiting = self._waiting, None
        if waiting is not None and self._messages_wait:
            self._begin_next_response(waiting)

    @property
    def _messages_wait(self) -> bool:
        """Return whether a customer's message starts a next response; before the first response it waits."""
        return self._first_response.stopped is not None or self.terms.opening_waits

    def _open_next_response(self) -> TrackedTarget | None:
        last = self._next_responses[-1] if self._next_responses else None
        return last if last is not None and last.stopped is None else None

    def _begin_next_response(self, at: int) -> None:
        self._next_responses.append(self._begin(Target.NEXT_RESPONSE, len(self._next_responses) + 1, at))

    def _end_next_response(self, at: int) -> None:
        next_response = self._open_next_response()
        if next_response is not None:
            next_response.stopped = at

    def _begin(self, kind: Target, cycle: int, at: int) -> TrackedTarget:
        tracked = TrackedTarget(kind, cycle, at, self._logs[kind], self.terms)
        tracked.aim(self.terms.target(kind), self.terms)
        return tracked
