"""Track the targets of one ticket while its history is read: first response, next responses, updates, resolution."""

from collections.abc import Collection, Iterator, Sequence

from slactl.sla.enums import EventType, Reopen, Status, Target
from slactl.sla.history.event import Event
from slactl.sla.timers.deadline import TrackedTarget
from slactl.sla.timers.pauses import PauseLog, PauseReason
from slactl.sla.timers.terms import Terms
from slactl.sla.timers.timer import Timer


class TrackedTargets:
    """Start, stop and change the targets of a ticket as its events say."""

    __slots__ = (
        "_created",
        "_earlier",
        "_first_response",
        "_logs",
        "_next_responses",
        "_replied",
        "_resolutions",
        "_status",
        "_timers",
        "_unknown",
        "_updates",
        "_waiting",
        "terms",
    )

    def __init__(
        self, at: int, status: Status, terms: Terms, *, outbound: bool = False, unknown: Collection[Target] = ()
    ) -> None:
        """Start the targets of a ticket that was opened at `at`.

        An `outbound` ticket was opened by an agent: it has no first response, and its opening is a public reply. The
        history cannot tell the end of the `unknown` targets, until an event ends one of that kind.

        Raises:
            NoOpenHours: the calendar has too little open time left for them.
        """
        self.terms = terms
        #: The timers of an instant, until an event changes one.
        self._timers: tuple[int, Sequence[Timer]] | None = None
        self._created, self._status = at, Status.OPEN
        self._logs = {kind: PauseLog() for kind in Target}
        #: The cycles that were reopened, as they had stopped.
        self._earlier: list[TrackedTarget] = []
        self._replied = outbound
        self._unknown = set(unknown)
        self._waiting: int | None = None
        # Only one target of an outbound ticket does not exist: nobody waits for a first response.
        self._first_response = None if outbound else self._begin(Target.FIRST_RESPONSE, 1, at)
        self._resolutions = [self._begin(Target.RESOLUTION, 1, at)]
        self._next_responses: list[TrackedTarget] = []
        self._updates = [self._begin(Target.UPDATE, 1, at)] if outbound else []
        if terms.opening_waits and not outbound:
            self._begin_next_response(at)
        if status is not self._status:
            self.change_status(at, status, unknown_instant=Target.RESOLUTION in self._unknown)

    def __iter__(self) -> Iterator[TrackedTarget]:
        """Yield every target that was ever set, met and missed ones included."""
        return (tracked for tracked in self._cycles() if tracked.is_set)

    def timers(self, now: int) -> Sequence[Timer]:
        """Return the timer of each target that was ever set, as of `now`, each calculated once."""
        if self._timers is None or self._timers[0] != now:
            self._timers = (now, [tracked.timer(now) for tracked in self])
        return self._timers[1]

    def earlier(self) -> list[TrackedTarget]:
        """Return the cycles that were reopened, as they had stopped, and those that were missed and have no target."""
        return [*self._earlier, *(tracked for tracked in self._cycles() if tracked.missed and not tracked.is_set)]

    def still_open(self) -> Iterator[TrackedTarget]:
        """Return the targets that have not stopped."""
        return (tracked for tracked in self.still_running() if tracked.is_set)

    @property
    def is_pausing(self) -> bool:
        """Return whether the ticket has a status that pauses clocks."""
        return self._status in self.terms.pause_statuses

    def change_status(self, at: int, status: Status, *, unknown_instant: bool = False, by_system: bool = False) -> None:
        """Run, pause or stop the clocks for a new status; a ticket that leaves resolved and closed is reopened.

        With `unknown_instant` the ticket was done by `at`, and nobody knows since when. A first response that ends so
        was not given; `by_system` says that a level ended it.
        """
        self._timers = None
        was_done, is_done = self._status.is_done, status.is_done
        ran, self._status = self._running_kinds(), status
        self._turn(at)
        if is_done and not was_done:
            for tracked in self.still_running():
                tracked.stopped = at
                if tracked.kind is Target.RESOLUTION and not unknown_instant:
                    tracked.know(at)
                tracked.is_unknown = unknown_instant or tracked.is_unknown
                tracked.ended_unanswered = tracked.kind is Target.FIRST_RESPONSE
                tracked.ended_by_level = by_system and tracked.ended_unanswered
            if not unknown_instant:
                self._unknown.discard(Target.RESOLUTION)
        elif was_done and not is_done:
            self._reopen(at)
        begun = self._running_kinds() - ran
        for tracked in self.still_open():
            if tracked.kind in begun and not tracked.is_late(at):
                tracked.numbers.count_lost()

    def reply(self, at: int) -> None:
        """Stop the responses and the update, because an agent answered the customer, and wait for the next update.

        The reply decides an unknown end of those that it stops, not of the update that it starts.
        """
        self._replied, self._waiting, self._timers = True, None, None
        for tracked in (*self._first(), *self._next_responses[-1:], *self._updates[-1:]):
            if tracked.stopped is None:
                tracked.stopped = at
                tracked.know(at)
                self._unknown.discard(tracked.kind)
        if not self._status.is_done:
            self._updates.append(self._begin(Target.UPDATE, len(self._updates) + 1, at))

    def message(self, at: int) -> None:
        """Start a next response, because the customer wrote, unless an earlier message already waits for one."""
        self._timers = None
        if self._status.is_done:
            # No clock runs on a resolved ticket. If it is reopened, the customer has waited since this message.
            self._waiting = self._waiting if self._waiting is not None else at
        elif self._open(self._next_responses) is None and self._messages_wait:
            self._begin_next_response(at)

    def retarget(self, at: int, terms: Terms, *, by_person: bool = False) -> None:
        """Apply new terms to the targets that were neither met nor missed by `at`.

        A change `by_person`, of priority, plan, tenant or tags, may let them count from `at`, and may alter missed
        targets too, as the terms say.
        """
        self.terms, self._timers = terms, None
        self._turn(at)
        update = self._open(self._updates)
        for tracked in (*self._first(), *([update] if update is not None else []), self._resolutions[-1]):
            tracked.retarget(at, terms.target(tracked.kind), terms, by_person=by_person)
        next_response = self._open(self._next_responses)
        if next_response is None:
            if terms.opening_waits and not self._replied and self._waits_for_first() and not self._next_responses:
                self._begin_next_response(self._created, at)
            return
        duration = terms.target(Target.NEXT_RESPONSE) if self._messages_wait else None
        next_response.retarget(at, duration, terms, by_person=by_person)

    def set_by_hand(self, at: int, kind: Target, due: int | None) -> None:
        """Set or clear (None) the deadline of the open cycle of a target; cycles that stopped keep theirs."""
        self._timers = None
        current = {
            Target.FIRST_RESPONSE: self._first_response,
            Target.NEXT_RESPONSE: self._open(self._next_responses),
            Target.UPDATE: self._open(self._updates),
            Target.RESOLUTION: self._resolutions[-1],
        }[kind]
        if current is not None:
            current.set_by_hand(at, due)

    def lose(self, event: Event) -> None:
        """Take a retracted event that could set a deadline: of one target, or of all."""
        target = event.detail["target"] if event.type is EventType.DUE_SET else None
        self._timers = None
        for tracked in self._cycles():
            if target in (None, tracked.kind):
                tracked.numbers.lose()

    def still_running(self) -> Iterator[TrackedTarget]:
        """Yield the cycles that have not stopped, those without a target included."""
        for tracked in (*self._first(), *self._next_responses[-1:], *self._updates[-1:], self._resolutions[-1]):
            if tracked.stopped is None:
                yield tracked

    def _running_kinds(self) -> set[Target]:
        """Return the kinds of which a clock runs; a deadline set by hand goes on in a pause."""
        open_cycles = self.still_open()
        return {each.kind for each in open_cycles if each.manual is not None or not each.log.stands_still}

    def _turn(self, at: int) -> None:
        closed = PauseReason.CLOSED if self._status.is_done else None
        paused = self.terms.pause if closed is None and self.is_pausing else ()
        for kind, log in self._logs.items():
            log.turn(at, PauseReason.PAUSED if kind in paused else closed)

    def _reopen(self, at: int) -> None:
        last = self._resolutions[-1]
        if self.terms.reopen == Reopen.CONTINUE:
            for tracked in (last, *(self._first() if not self._replied else ())):
                self._earlier += [tracked.as_stopped()] if tracked.is_set else []
                tracked.reopen(at)
                if tracked.kind in self._unknown:
                    tracked.is_unknown = True
                else:
                    tracked.know(at)
        elif self.terms.reopen == Reopen.RESET:
            self._resolutions.append(self._begin(Target.RESOLUTION, last.cycle + 1, at))
        waiting, self._waiting = self._waiting, None
        if waiting is not None and self._messages_wait:
            self._begin_next_response(waiting, at)

    def _cycles(self) -> tuple[TrackedTarget, ...]:
        return (*self._first(), *self._next_responses, *self._updates, *self._resolutions)

    def _first(self) -> tuple[TrackedTarget, ...]:
        return (self._first_response,) if self._first_response is not None else ()

    def _waits_for_first(self) -> bool:
        return self._first_response is not None and self._first_response.stopped is None

    @property
    def _messages_wait(self) -> bool:
        """Return whether a customer's message starts a next response, and does not wait for the first response."""
        return not self._waits_for_first() or self.terms.opening_waits

    def _begin_next_response(self, start: int, at: int | None = None) -> None:
        """Start a next response; `at` is the later instant at which an event showed the start, if there is one."""
        tracked = self._begin(Target.NEXT_RESPONSE, len(self._next_responses) + 1, start)
        tracked.set_at = start if at is None else at
        self._next_responses.append(tracked)

    @staticmethod
    def _open(cycles: list[TrackedTarget]) -> TrackedTarget | None:
        return cycles[-1] if cycles and cycles[-1].stopped is None else None

    def _begin(self, kind: Target, cycle: int, at: int) -> TrackedTarget:
        tracked = TrackedTarget(kind, cycle, at, self._logs[kind], self.terms)
        tracked.is_unknown = kind in self._unknown
        tracked.aim(self.terms.target(kind), self.terms)
        return tracked
