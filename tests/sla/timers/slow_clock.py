"""How a slow ticket counts: its deadlines, what was missed, and what its timers show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from random_desks import STEP, Record


class Walk(Protocol):
    """What the wall clock of a calendar shows, quarter after quarter."""

    last: int

    def is_open(self, t: int) -> bool: ...
    def between(self, a: int, b: int) -> int: ...
    def add(self, start: int, seconds: int) -> int | None: ...
    def add_days(self, start: int, n: int) -> int | None: ...
    def until(self, start: int, n: int, clock: str) -> int | None: ...


#: The wall clock of a calendar, in its own zone or in another.
WalkOf = Callable[[str | None, str | None], Walk]
#: The name of a calendar, and the zone of the ticket's tenant.
Place = tuple[str | None, str | None]


class TooFarAhead(Exception):
    """The walk ends before the deadline."""


@dataclass
class Promise:
    """A target of a ticket; `target` is as the rules write it, None where nothing is promised (yet)."""

    kind: str
    cycle: int
    start: int
    target: str | None
    calendar: Place
    walk: Walk
    #: Where the counting begins: the start, or the change that made another target of it.
    counts_from: int
    stopped: int | None = None
    #: Whether it was a promise when it stopped.
    was_made: bool = False
    manual: int | None = None
    #: Deadlines that were missed before a person agreed on the present one.
    missed: list[int] = field(default_factory=list)
    #: How each of them was missed: until when it held, set by hand to what, standing still why, as which agreement.
    agreed: list[tuple[int, int | None, str | None, int]] = field(default_factory=list)
    #: Which agreement those deadlines were that are missed after they were judged anew.
    kept: dict[int, int] = field(default_factory=dict)
    #: How often a person moved the deadline later.
    moved_later: int = 0
    #: Agreements that followed no miss: how many, and after which missed deadline; None is before all of them.
    renewals: list[tuple[int | None, int]] = field(default_factory=list)
    #: The retracted events for which warnings, and other levels, may have fired that are to fire once more.
    lost_warnings: int = 0
    lost_levels: int = 0
    #: Nobody can tell when it ends, or ended.
    unknown: bool = False
    #: What was missed before a reopening, for which nobody has to know the end that follows.
    certain: list[int] = field(default_factory=list)
    #: The agreements whose misses are outcomes by now.
    told: set[int] = field(default_factory=set)

    @property
    def is_made(self) -> bool:
        return self.target is not None or self.manual is not None

    @property
    def is_over(self) -> bool:
        return self.stopped is not None

    def agreement(self, due: int) -> int:
        """How many agreements were missed, judged anew or retracted, before the one on this deadline."""
        renewed = sum(many for after, many in self.renewals if after is None or after < due)
        return self.kept.get(due, renewed + sum(each < due for each in self.missed))

    def present_agreement(self, due: int) -> int:
        """Which agreement the present deadline is: one before the last that was missed is no other agreement."""
        return self.agreement(max([due, *self.missed[-1:]]))

    def later_agreement(self, due: int) -> int:
        """Which agreement a later deadline is than the present one, and than all that were missed."""
        return max(self.present_agreement(due) + 1, self.agreement(self.missed[-1] + 1) if self.missed else 0)

    def renew(self) -> None:
        """What fired for deadlines that are retracted fires again for the one that was set now."""
        if self.lost_levels:
            self.renewals.append((self.missed[-1] if self.missed else None, self.lost_levels))
            self.lost_levels = 0

    def warn_anew(self, before: int | None, after: int | None) -> None:
        """The same for warnings: the deadline was another one before."""
        if after != before:
            self.moved_later, self.lost_warnings = self.moved_later + self.lost_warnings, 0


class SlowClock:
    """The clocks of a ticket; `stood` has every quarter in which a kind of target did not count, and why."""

    clock: int
    stood: dict[str, dict[int, str]]

    def stands_still(self, kind: str) -> str | None:
        """Why the clock of a kind does not count now."""
        raise NotImplementedError

    def stands_since(self, kind: str) -> int:
        """The beginning of the pause that goes on now."""
        since = self.clock
        while self.stood[kind].get(since - STEP) == "paused":
            since -= STEP
        return since

    def is_late(self, promise: Promise, at: int) -> bool:
        due = self.due(promise, at)
        return due is not None and (at if promise.stopped is None else promise.stopped) > due

    def breaches(self, promise: Promise, now: int) -> list[int]:
        """What was missed by now: each deadline once, and no earlier one that was set after it."""
        if promise.unknown:
            return max(promise.missed, promise.certain, key=len)
        due = self.due(promise, now)
        again = due is not None and (not promise.missed or due > promise.missed[-1]) and self.is_late(promise, now)
        return [*promise.missed, due] if again and due is not None else promise.missed

    def base(self, promise: Promise) -> int:
        """Where the counting ends that no pause touches: the n-th business day, or the start."""
        if promise.target is None or "bd" not in promise.target:
            return promise.counts_from
        days, clock = promise.target.split("bd")
        walk, start = promise.walk, promise.counts_from
        day = walk.until(start, int(days), clock[1:]) if clock else walk.add_days(start, int(days))
        if day is None:
            raise TooFarAhead
        return day

    def due(self, promise: Promise, at: int) -> int | None:
        """The deadline; None while it is not known, since its clock stands still."""
        return None if promise.unknown else self.known_due(promise, at, self.stands_still(promise.kind))

    def ahead(self, promise: Promise, at: int) -> int | None:
        """The deadline if the clock went on now."""
        return None if promise.unknown else self.known_due(promise, at, None)

    def known_due(self, promise: Promise, at: int, going: str | None) -> int | None:
        if promise.manual is not None or promise.target is None:
            return promise.manual
        ended = promise.stopped is not None
        end = promise.stopped if promise.stopped is not None else at
        owed = 0 if "bd" in promise.target else minutes(promise.target) * 60
        return self.reach(promise, self.base(promise), owed, end, None if ended else going)

    def count_to(
        self, promise: Promise, begin: int, owed: int, now: int, stood: Mapping[int, str], base: int | None = None
    ) -> int:
        """When so much was counted after an instant, if the clock goes on from now."""
        found = self.reach(promise, begin if base is None else base, max(0, owed), now, None, begin, stood)
        assert found is not None
        return found

    def reach(
        self,
        promise: Promise,
        base: int,
        owed: int,
        end: int,
        going: str | None,
        begin: int | None = None,
        stood: Mapping[int, str] | None = None,
    ) -> int | None:
        """Time goes by until all that is owed was counted. What begins to stand still by then takes it along."""
        stood, due, before = self.stood[promise.kind] if stood is None else stood, None, None
        for t in range(promise.counts_from if begin is None else begin, promise.walk.last, STEP):
            if due is None and owed == 0 and t >= base:
                due = t
            reason = stood.get(t) if t < end else None
            if t >= end and going and (due in (None, t) or before == going):
                return None
            if due is not None and (reason is None or (reason != before and due < t)):
                return due
            if promise.walk.is_open(t):
                owed += STEP if due is None and reason and t < base else 0
                if due is None and not reason and t >= base:
                    if owed < STEP:
                        return t + owed
                    owed -= STEP
                due = t + STEP if due is not None else None
            before = reason
        raise TooFarAhead

    def counted(self, promise: Promise, a: int, b: int, end: int, stood: Mapping[int, str] | None = None) -> int:
        stood = self.stood[promise.kind] if stood is None else stood
        quarters = (t for t in range(a, b, STEP) if t >= end or t not in stood)
        return sum(STEP for t in quarters if promise.walk.is_open(t))

    def target_seconds(self, promise: Promise, end: int, stood: Mapping[int, str] | None = None) -> int:
        if promise.manual is not None and not promise.unknown:
            return self.counted(promise, promise.counts_from, promise.manual, end, stood)
        if promise.target is not None and "bd" in promise.target:
            return max(0, promise.walk.between(promise.counts_from, self.base(promise)))
        return minutes(promise.target or "0m") * 60

    def state(self, promise: Promise, now: int) -> str:
        standing = promise.manual is None and self.stands_still(promise.kind) is not None
        if promise.unknown:
            return "unknown"
        if self.breaches(promise, now):
            return "breached"
        return "met" if promise.is_over else "paused" if standing else "running"

    def timer(self, promise: Promise, now: int) -> Record:
        due, end = self.due(promise, now), now if promise.stopped is None else promise.stopped
        breaches, begin = self.breaches(promise, now), promise.counts_from
        paused = [t for t, why in self.stood[promise.kind].items() if why == "paused" and begin <= t < end]
        elapsed = self.counted(promise, begin, end, end)
        target = self.target_seconds(promise, end)
        told = {
            "target": promise.kind,
            "cycle": promise.cycle,
            "target_seconds": target,
            "started_at": promise.start,
            "due_at": due,
            "state": self.state(promise, now),
            "stopped_at": promise.stopped,
            "breached_at": breaches[0] if breaches else None,
            "breaches": breaches,
            "elapsed_seconds": elapsed,
            "remaining_seconds": max(0, target - elapsed),
            "paused_seconds": sum(STEP for t in paused if promise.walk.is_open(t)),
            "overdue_seconds": self.counted(promise, due, end, end) if due is not None and end > due else 0,
        }
        nothing = dict.fromkeys(("elapsed_seconds", "paused_seconds", "overdue_seconds"), 0)
        unknown = {"stopped_at": None, "remaining_seconds": None, **nothing}
        return told | unknown if promise.unknown else told


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def minutes(text: str) -> int:
    return int(text[:-1]) * {"m": 1, "h": 60, "d": 1440}[text[-1]]
