"""A second opinion on deadlines: somebody who sits beside a ticket and looks at the clock every quarter of an hour.

It reads rules and histories as their files write them, and shares nothing with slactl but the wall clock of the
tests. All instants are seconds since 1970 and lie on the quarter hour, as do all hours and clock changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from random_desks import STEP, Record
from slow_clock import Place, Promise, SlowClock, TooFarAhead, WalkOf, seconds

DONE = ("resolved", "closed")
CHOOSING = ("priority", "plan", "tenant", "tags")
SETTINGS: dict[str, Any] = {
    "default_plan": "free",
    "pause_statuses": ["pending", "waiting_customer"],
    "pause": ["resolution", "update"],
    "reopen": "continue",
    "next_response_from": "first_reply",
    "count_from": "creation",
    "late_targets": "keep",
}


class SlowTicket(SlowClock):
    """A ticket whose history was read up to an instant."""

    def __init__(self, rules: Record, walk_of: WalkOf, history: Sequence[Record], now: int) -> None:
        created, *rest = known(history, now)
        self.rules, self.walk_of = rules, walk_of
        self.created = self.clock = seconds(created["at"])
        self.status = "open"
        #: The facts of now, and those that persons stated: only these choose the policy.
        self.facts: Record = {"tenant": None, "timezone": None, "priority": "normal"} | self.told({"plan": None})
        self.facts |= self.told(created)
        self.facts["tags"] = set(created.get("tags", ()))
        self.stated = dict(self.facts)
        self.unknown = set(created.get("unknown", ()))
        kinds = ("first_response", "next_response", "update", "resolution")
        self.stood: dict[str, dict[int, str]] = {kind: {} for kind in kinds}
        self.outbound = self.replied = created.get("outbound", False)
        self.waiting: int | None = None
        self.choose()
        self.firsts = [] if self.outbound else [self.promise("first_response", 1, self.created)]
        self.resolutions = [self.promise("resolution", 1, self.created)]
        self.exchanges: list[Promise] = []
        self.updates: list[Promise] = []
        #: How the promises that were reopened had ended before.
        self.past: list[Record] = []
        if self.outbound:
            self.updates.append(self.promise("update", 1, self.created))
        elif self.setting("next_response_from") == "creation":
            self.exchanges.append(self.promise("next_response", 1, self.created))
        self.turn(self.created, created)
        for record in rest:
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
            self.turn(at, record)
        elif kind == "agent_reply":
            self.reply(at)
        elif kind == "customer_reply":
            self.message(at)
        elif kind == "due_set":
            self.set_due(at, record["target"], record["due_at"])
        elif kind in CHOOSING:
            self.change(at, record)
        elif kind == "retracted":
            for lost in record["lost"]:
                self.lose(lost)

    def lose(self, record: Record) -> None:
        """Of a deadline that never was, levels may have fired."""
        for promise in (*self.firsts, *self.exchanges, *self.updates, *self.resolutions):
            if record["type"] in ("status", *CHOOSING) or record.get("target") == promise.kind:
                promise.lost_warnings += 1
                promise.lost_levels += 1

    def reply(self, at: int) -> None:
        self.replied, self.waiting = True, None
        ended = [*self.firsts, *self.open_of(self.exchanges), *self.open_of(self.updates)]
        self.unknown -= {promise.kind for promise in ended if not promise.is_over}
        for promise in ended:
            promise.unknown = promise.unknown and promise.is_over
        self.stop(at, *ended)
        if self.status not in DONE:
            self.updates.append(self.promise("update", len(self.updates) + 1, at))

    def turn(self, at: int, record: Record) -> None:
        status, before = record.get("status", "open"), [each for each in self.latest() if self.goes_on(each)]
        was_done, is_done, self.status = self.status in DONE, status in DONE, status
        if is_done and not was_done:
            ended = [each for each in self.latest() if not each.is_over]
            nobody_knows = "resolution" in self.unknown if record["type"] == "created" else "unknown_instant" in record
            for promise in ended:
                # Who cannot tell when somebody answered cannot tell either that nobody did.
                promise.unknown = nobody_knows or (promise.unknown and promise.kind != "resolution")
            if not nobody_knows:
                self.unknown -= {"resolution"}
            self.stop(at, *ended)
        if was_done and not is_done:
            self.reopen(at)
        for promise in self.latest():
            # A status that lets no clock go on sets no deadline.
            if promise.is_made and self.goes_on(promise) and all(promise is not each for each in before):
                known = self.known_due(promise, at, None)
                if known is not None and not promise.missed and at <= known:
                    promise.renew()

    def goes_on(self, promise: Promise) -> bool:
        """Does its clock count now, or its deadline stand whether it counts or not?"""
        return not promise.is_over and (promise.manual is not None or self.stands_still(promise.kind) is None)

    def reopen(self, at: int) -> None:
        how, last = self.setting("reopen"), self.resolutions[-1]
        if how == "continue":
            for promise in [last] if self.replied else [last, *self.firsts]:
                self.go_on(at, promise)
        if how == "reset":
            self.resolutions.append(self.promise("resolution", last.cycle + 1, at))
        since, self.waiting = self.waiting, None
        if since is not None and self.messages_wait():
            self.exchanges.append(self.promise("next_response", len(self.exchanges) + 1, since))

    def go_on(self, at: int, promise: Promise) -> None:
        """A deadline set by hand that was kept leaves what was left up to it."""
        self.past += self.outcomes_of(promise, at)
        if promise.is_made and promise.is_over and not promise.unknown:
            promise.certain = [*self.breaches(promise, at)]
        manual, stopped = promise.manual, promise.stopped
        if manual is not None and stopped is not None and stopped <= manual:
            due = promise.walk.add(at, promise.walk.between(stopped, manual))
            if due is None:
                raise TooFarAhead
            promise.manual = due
        promise.stopped = None
        promise.unknown = promise.kind in self.unknown

    def message(self, at: int) -> None:
        if self.status in DONE:
            self.waiting = at if self.waiting is None else self.waiting
        elif not self.open_of(self.exchanges) and self.messages_wait():
            self.exchanges.append(self.promise("next_response", len(self.exchanges) + 1, at))

    def set_due(self, at: int, kind: str, due: str | None) -> None:
        for promise in self.latest():
            # Who agrees on what holds already changes nothing.
            by_hand = seconds(due) if due is not None else None
            if promise.kind == kind and not promise.is_over and promise.manual != by_hand:
                before, breaches = self.ahead(promise, at), self.breaches(promise, at)
                if breaches != promise.missed:
                    number = promise.agreement(breaches[-1])
                    promise.agreed.append((at, promise.manual, self.stands_still(kind), number))
                known = self.known_due(promise, at, None)
                promise.missed = breaches
                promise.manual = by_hand
                self.compare(promise, at, before)
                after = self.known_due(promise, at, None)
                if after != known and (not promise.missed or after is None or after > promise.missed[-1]):
                    promise.renew()
                promise.warn_anew(known, after)

    def change(self, at: int, record: Record) -> None:
        by_person = record.get("actor_type") != "system"
        if record["type"] == "tags":
            before, after = self.facts["tags"], set(record["tags"])
            self.facts["tags"] = after
            if by_person:
                self.stated["tags"] = (self.stated["tags"] | (after - before)) - (before - after)
        else:
            told = self.told(record)
            self.facts |= told
            self.stated |= told if by_person else {}
        if by_person and self.stated != self.chosen_for:
            self.retarget(at)

    def told(self, record: Record) -> Record:
        """The facts of a record; no plan is the default plan."""
        told = {key: record[key] for key in ("plan", "tenant", "timezone", "priority") if key in record}
        return told | ({"plan": told["plan"] or self.setting("default_plan")} if "plan" in told else {})

    def retarget(self, at: int) -> None:
        befores = [(self.ahead(promise, at), self.known_due(promise, at, None)) for promise in self.latest()]
        self.choose()
        unanswered = self.setting("next_response_from") == "creation" and not self.replied
        if unanswered and not self.firsts[0].is_over and not self.exchanges:
            self.exchanges.append(self.promise("next_response", 1, self.created))
        for promise, (before, known) in zip(self.latest(), befores, strict=False):
            waits = promise.kind != "next_response" or self.messages_wait()
            target, calendar = self.target(promise.kind) if waits else (None, self.calendar)
            missed = promise.is_made and bool(self.breaches(promise, at)) and not promise.unknown
            follows = not missed or (self.setting("late_targets") == "recount" and target is not None)
            met = promise.is_over and promise.is_made and not missed
            exchanged = promise.is_over and promise.kind in ("next_response", "update")
            if not follows or met or exchanged:
                continue
            if self.setting("count_from") == "creation":
                promise.counts_from = promise.start
            elif target is not None and (target, calendar) != (promise.target, promise.calendar):
                # What was done late cannot count from a change that came after it.
                promise.counts_from = promise.counts_from if promise.is_over and promise.is_made else at
            promise.target, promise.calendar, promise.walk = target, calendar, self.walk_of(*calendar)
            is_later = self.compare(promise, at, before)
            if missed and before is not None:
                self.recount(promise, at, before, is_later=is_later)
            now_known = self.known_due(promise, at, None)
            if is_later or (not missed and now_known != known):
                promise.renew()
            promise.warn_anew(known, now_known)

    def recount(self, promise: Promise, at: int, before: int, *, is_later: bool) -> None:
        """Judge anew, by the present target, what was agreed before."""
        present, following = promise.present_agreement(before), promise.later_agreement(before)
        manual, promise.missed, promise.kept, promise.renewals = promise.manual, [], {}, []
        for until, by_hand, going, number in promise.agreed:
            promise.manual = by_hand
            due = None if promise.unknown else self.known_due(promise, until, going)
            if due is not None and until > due and (not promise.missed or due > promise.missed[-1]):
                promise.missed.append(due)
                promise.kept[due] = number
        promise.manual = manual
        after, last = self.ahead(promise, at) or before, promise.missed[-1] if promise.missed else None
        # An agreement that is none any more keeps its number.
        number = present if not is_later and (last is None or after > last) else following
        promise.renewals.append((last, number - len(promise.missed)))

    def compare(self, promise: Promise, at: int, before: int | None) -> bool:
        """Did a person move the deadline later?"""
        after = self.ahead(promise, at)
        is_later = before is not None and after is not None and after > before
        promise.moved_later += is_later
        return is_later

    def stop(self, at: int, *promises: Promise) -> None:
        for promise in promises:
            if not promise.is_over:
                promise.stopped, promise.was_made = at, promise.is_made

    # What holds

    def choose(self) -> None:
        self.chosen_for = {**self.stated, "tags": set(self.stated["tags"])}
        facts = {key: {self.stated[key]} for key in ("tenant", "priority", "plan")}
        facts["tag"] = self.stated["tags"]
        matching = (each for each in self.rules["policy"] if matches(each["match"], facts))
        self.policy: Record | None = next(matching, None)
        self.calendar = (self.policy["calendar"] if self.policy else None, self.stated["timezone"])

    def setting(self, name: str) -> Any:  # noqa: ANN401
        policy = getattr(self, "policy", None) or {}
        return policy.get(name, self.rules["settings"].get(name, SETTINGS[name]))

    def target(self, kind: str) -> tuple[str | None, Place]:
        """How much time there is, and the calendar that counts it."""
        targets: Mapping[str, Mapping[str, Any]] = self.policy["targets"] if self.policy else {}
        stated = targets.get(self.chosen_for["priority"], targets.get("default", {})).get(kind)
        if isinstance(stated, dict):
            return stated["within"], (stated["calendar"], self.calendar[1])
        return stated, self.calendar

    def promise(self, kind: str, cycle: int, start: int) -> Promise:
        target, calendar = self.target(kind)
        walk, unknown = self.walk_of(*calendar), kind in self.unknown
        return Promise(kind, cycle, start, target, calendar, walk, start, unknown=unknown)

    def latest(self) -> list[Promise]:
        """The last cycle of each kind, in the order in which they came to be."""
        cycles = (self.firsts, self.resolutions, self.updates, self.exchanges)
        return [promises[-1] for promises in cycles if promises]

    def open_of(self, promises: Sequence[Promise]) -> list[Promise]:
        return [each for each in promises[-1:] if not each.is_over]

    def messages_wait(self) -> bool:
        answered = self.outbound or self.firsts[0].is_over
        return answered or self.setting("next_response_from") == "creation"

    def stands_still(self, kind: str) -> str | None:
        if self.status in DONE:
            return "closed"
        pausing = self.status in self.setting("pause_statuses") and kind in self.setting("pause")
        return "paused" if pausing else None

    def made(self) -> Iterator[Promise]:
        return (each for each in (*self.firsts, *self.exchanges, *self.updates, *self.resolutions) if each.is_made)

    def outcomes(self) -> list[Record]:
        """Every stop, and every deadline that passed undone; what was told once stands."""
        cycles = (*self.firsts, *self.exchanges, *self.updates, *self.resolutions)
        return [*self.past, *(row for each in cycles for row in self.outcomes_of(each, self.clock))]

    def outcomes_of(self, promise: Promise, now: int) -> Iterator[Record]:
        """How a promise ended, and what was missed; a miss and the late stop that follows it are one."""
        what = {"kind": promise.kind, "cycle": promise.cycle}
        breaches = self.breaches(promise, now)
        new = [each for each in breaches if promise.agreement(each) not in promise.told]
        promise.told |= {promise.agreement(each) for each in new}
        # What was done before it was promised is no outcome.
        stopped = promise.stopped if promise.was_made and promise.is_made and not promise.unknown else None
        if stopped is not None:
            late, seconds = self.is_late(promise, now), self.counted(promise, promise.counts_from, stopped, stopped)
            # An earlier deadline than the one that was missed is no other agreement.
            missed = breaches[-1] if late and breaches[-1] in new else None
            yield what | {"stopped_at": stopped, "missed_at": missed, "met": not late, "seconds": seconds}
            new = [each for each in new if each != missed]
        yield from (what | {"stopped_at": None, "missed_at": each, "met": False, "seconds": None} for each in new)

    def timers(self) -> list[Record]:
        return [self.timer(each, self.clock) for each in self.made()]


def known(history: Sequence[Record], now: int) -> list[Record]:
    """What was known by now: without what was retracted, and with the openings that were set for an instant."""
    told = [record for record in history if seconds(record["at"]) <= now]
    gone: set[str] = set()
    for record in reversed(told):
        if record["type"] == "retracted" and record.get("id") not in gone:
            gone |= set(record["events"])
    left, by_id = list[Record](), {record["id"]: record for record in told if "id" in record}
    for record in told:
        if record["type"] == "retracted":
            lost = {each["id"]: each for each in concerned(record, by_id)}
            left.append({"type": "retracted", "at": record["at"], "lost": [*lost.values()]})
        elif record.get("id") not in gone:
            left.append(record)
    found: list[Record] = []
    until: str | None = None
    for record in [*left, None]:
        at = seconds(record["at"]) if record else now
        if until is not None and seconds(until) <= at:
            found.append({"type": "status", "status": "open", "at": until, "actor_type": "system"})
            until = None
        if record:
            found.append(record)
            until = record.get("until") if record["type"] == "status" else until
    return found


def concerned(record: Record, by_id: Mapping[str, Record]) -> Iterator[Record]:
    """What came or went with a retraction, or with the retraction of one."""
    for name in record["events"]:
        yield from concerned(by_id[name], by_id) if by_id[name]["type"] == "retracted" else [by_id[name]]


def matches(match: Record, facts: Mapping[str, set[str]]) -> bool:
    asked = {key: values for key, values in match.items() if key != "not"}
    excluded = match.get("not")
    return all(facts[key] & set(values) for key, values in asked.items()) and not (
        excluded and matches(excluded, facts)
    )
