"""A second opinion on deadlines: somebody who sits beside a ticket and looks at the clock every quarter of an hour.

It reads rules and histories as their files write them, and shares nothing with slactl but the wall clock of the
tests. All instants are seconds since 1970 and lie on the quarter hour, as do all hours and clock changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from random_desks import STEP, Record
from wall_clock import Walk

DONE = ("resolved", "closed")
SETTINGS: dict[str, Any] = {
    "default_plan": "free",
    "pause_statuses": ["pending", "waiting_customer"],
    "pause": ["resolution"],
    "reopen": "continue",
    "next_response_from": "first_reply",
}

#: The wall clock of a calendar, in its own zone or in another.
WalkOf = Callable[[str | None, str | None], Walk]


class TooFarAhead(Exception):
    """The walk ends before the deadline."""


@dataclass
class Promise:
    """A target of a ticket; `target` is as the rules write it, None where nothing is promised (yet)."""

    kind: str
    cycle: int
    start: int
    target: str | None
    walk: Walk
    stopped: int | None = None
    manual: int | None = None
    missed: int | None = None

    @property
    def is_made(self) -> bool:
        return self.target is not None or self.manual is not None


class SlowTicket:
    """A ticket whose history was read up to an instant."""

    def __init__(self, rules: Record, walk_of: WalkOf, history: Sequence[Record], now: int) -> None:
        created, *rest = history
        self.rules, self.walk_of = rules, walk_of
        self.created = self.clock = seconds(created["at"])
        self.status = "open"
        self.facts: Record = {"plan": None, "tenant": None, "timezone": None, "priority": "normal"}
        self.facts |= {key: created[key] for key in self.facts if key in created}
        self.stood: dict[str, dict[int, str]] = {kind: {} for kind in ("first_response", "next_response", "resolution")}
        self.replied, self.waiting = False, None
        self.choose()
        self.first = self.promise("first_response", 1, self.created)
        self.resolutions = [self.promise("resolution", 1, self.created)]
        self.exchanges: list[Promise] = []
        if self.setting("next_response_from") == "creation":
            self.exchanges.append(self.promise("next_response", 1, self.created))
        self.turn(self.created, created.get("status", "open"))
        for record in rest:
            if seconds(record["at"]) <= now:
                self.wait_until(seconds(record["at"]))
                self.happen(record)
        self.wait_until(now)

    # What happens

    def wait_until(self, at: int) -> None:
        """Quarter after quarter: which clocks stand still?"""
        for kind, stood in self.stood.items():
            reason = self.stands_still(kind)
            if reason is not None:
                stood.update((t, reason) for t in range(self.clock, at, STEP))
        self.clock = at

    def happen(self, record: Record) -> None:
        at, kind = self.clock, record["type"]
        if kind == "status":
            self.turn(at, record["status"])
        elif kind == "agent_reply":
            self.replied, self.waiting = True, None
            self.stop(at, self.first, *self.open_exchange())
        elif kind == "customer_reply":
            self.message(at)
        elif kind == "due_set":
            self.set_due(at, record["target"], record["due_at"])
        elif kind in ("priority", "plan", "tenant"):
            self.facts |= {key: record[key] for key in self.facts if key in record}
            by_person = record.get("actor_type") != "system"
            if by_person and self.facts != self.chosen_for:
                self.retarget(at)

    def turn(self, at: int, status: str) -> None:
        was_done, is_done, self.status = self.status in DONE, status in DONE, status
        if is_done and not was_done:
            self.stop(at, self.first, self.resolutions[-1], *self.open_exchange())
        if was_done and not is_done:
            self.reopen(at)

    def reopen(self, at: int) -> None:
        how, last = self.setting("reopen"), self.resolutions[-1]
        if how == "continue":
            last.stopped = None
            if not self.replied:
                self.first.stopped = None
        if how == "reset":
            self.resolutions.append(self.promise("resolution", last.cycle + 1, at))
        since, self.waiting = self.waiting, None
        if since is not None and self.messages_wait():
            self.exchanges.append(self.promise("next_response", len(self.exchanges) + 1, since))

    def message(self, at: int) -> None:
        if self.status in DONE:
            self.waiting = at if self.waiting is None else self.waiting
        elif not self.open_exchange() and self.messages_wait():
            self.exchanges.append(self.promise("next_response", len(self.exchanges) + 1, at))

    def set_due(self, at: int, kind: str, due: str | None) -> None:
        found = {"first_response": [self.first], "resolution": self.resolutions[-1:]}.get(kind, self.open_exchange())
        for promise in found:
            if promise.stopped is None:
                if promise.missed is None and self.is_late(promise, at):
                    promise.missed = self.due(promise, at)
                promise.manual = seconds(due) if due is not None else None

    def retarget(self, at: int) -> None:
        self.choose()
        opening_waits = self.setting("next_response_from") == "creation"
        if opening_waits and self.first.stopped is None and not self.exchanges:
            self.exchanges.append(self.promise("next_response", 1, self.created))
        for promise in (self.first, self.resolutions[-1], *self.open_exchange()):
            if promise.is_made and (promise.stopped is not None or self.is_late(promise, at)):
                continue
            waits = promise.kind != "next_response" or self.messages_wait()
            promise.target, promise.walk = self.target(promise.kind) if waits else None, self.walk

    def stop(self, at: int, *promises: Promise) -> None:
        for promise in promises:
            promise.stopped = at if promise.stopped is None else promise.stopped

    # What holds

    def choose(self) -> None:
        self.chosen_for = dict(self.facts)
        plan = self.facts["plan"] or self.setting("default_plan")
        facts = self.facts | {"plan": plan}
        matching = (each for each in self.rules["policy"] if all(facts[k] in v for k, v in each["match"].items()))
        self.policy: Record | None = next(matching, None)
        calendar = self.policy["calendar"] if self.policy else None
        self.walk = self.walk_of(calendar, self.facts["timezone"])

    def setting(self, name: str) -> Any:  # noqa: ANN401
        policy = getattr(self, "policy", None) or {}
        return policy.get(name, self.rules["settings"].get(name, SETTINGS[name]))

    def target(self, kind: str) -> str | None:
        targets: Mapping[str, Mapping[str, str]] = self.policy["targets"] if self.policy else {}
        return targets.get(self.chosen_for["priority"], targets.get("default", {})).get(kind)

    def promise(self, kind: str, cycle: int, start: int) -> Promise:
        return Promise(kind, cycle, start, self.target(kind), self.walk)

    def open_exchange(self) -> list[Promise]:
        return [each for each in self.exchanges[-1:] if each.stopped is None]

    def messages_wait(self) -> bool:
        return self.first.stopped is not None or self.setting("next_response_from") == "creation"

    def stands_still(self, kind: str) -> str | None:
        if self.status in DONE:
            return "closed"
        pausing = self.status in self.setting("pause_statuses") and kind in self.setting("pause")
        return "paused" if pausing else None

    # What it comes to

    def is_late(self, promise: Promise, at: int) -> bool:
        due = self.due(promise, at)
        return promise.missed is not None or (due is not None and at > due)

    def base(self, promise: Promise) -> int:
        """Where the counting ends that no pause touches: the n-th business day, or the start."""
        if promise.target is None or not promise.target.endswith("bd"):
            return promise.start
        day = promise.walk.add_days(promise.start, int(promise.target[:-2]))
        if day is None:
            raise TooFarAhead
        return day

    def due(self, promise: Promise, at: int) -> int | None:
        """Time goes by until all that is owed was counted. What begins to stand still by then takes it along."""
        if promise.manual is not None or promise.target is None:
            return promise.manual
        ended = promise.stopped is not None
        end, going = (promise.stopped or at), None if ended else self.stands_still(promise.kind)
        base, stood = self.base(promise), self.stood[promise.kind]
        owed = 0 if promise.target.endswith("bd") else minutes(promise.target) * 60
        due, before = None, None
        for t in range(promise.start, promise.walk.last, STEP):
            if due is None and owed == 0 and t >= base:
                due = t
            reason = stood.get(t) if t < end else None
            if t >= end and going and (due in (None, t) or before == going):
                return None
            if due is not None and (reason is None or (reason != before and due < t)):
                return due
            if promise.walk.is_open(t):
                owed += STEP if due is None and reason and t < base else 0
                owed -= STEP if due is None and not reason and t >= base else 0
                due = t + STEP if due is not None else None
            before = reason
        raise TooFarAhead

    def counted(self, promise: Promise, a: int, b: int, end: int) -> int:
        stood = self.stood[promise.kind]
        quarters = (t for t in range(a, b, STEP) if t >= end or t not in stood)
        return sum(STEP for t in quarters if promise.walk.is_open(t))

    def timer(self, promise: Promise, now: int) -> Record:
        due, end = self.due(promise, now), now if promise.stopped is None else promise.stopped
        late = due is not None and end > due
        missed = promise.missed if promise.missed is not None else due if late else None
        paused = [t for t, why in self.stood[promise.kind].items() if why == "paused" and promise.start <= t < end]
        elapsed = self.counted(promise, promise.start, end, end)
        if promise.manual is not None:
            target = self.counted(promise, promise.start, promise.manual, end)
        elif promise.target is not None and promise.target.endswith("bd"):
            target = promise.walk.between(promise.start, self.base(promise))
        else:
            target = minutes(promise.target or "0m") * 60
        standing = promise.stopped is None and self.stands_still(promise.kind) is not None
        return {
            "target": promise.kind,
            "cycle": promise.cycle,
            "target_seconds": target,
            "started_at": promise.start,
            "due_at": due,
            "state": "breached" if missed else "met" if promise.stopped else "paused" if standing else "running",
            "stopped_at": promise.stopped,
            "breached_at": missed,
            "elapsed_seconds": elapsed,
            "remaining_seconds": max(0, target - elapsed),
            "paused_seconds": sum(STEP for t in paused if promise.walk.is_open(t)),
            "overdue_seconds": self.counted(promise, due, end, end) if late and due is not None else 0,
        }

    def timers(self) -> list[Record]:
        made = [each for each in (self.first, *self.exchanges, *self.resolutions) if each.is_made]
        return [self.timer(each, self.clock) for each in made]


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def minutes(text: str) -> int:
    return int(text[:-1]) * {"m": 1, "h": 60, "d": 1440}[text[-1]]
