"""A second opinion on firings: somebody who looks at every ticket at every second, and escalates what is due then."""

from collections.abc import Iterator, Sequence

from random_desks import Record
from slow_clock import Promise, TooFarAhead, WalkOf, minutes, seconds
from slow_desk import SlowTicket

#: A rule, a level, and the instant at which it was due.
Firing = tuple[str, str, int]


class SlowWatch:
    """What was decided for a ticket up to an instant."""

    def __init__(self, rules: Record, walk_of: WalkOf, history: Sequence[Record], now: int) -> None:
        self.rules, self.firings = rules, list[Firing]()
        self.decided = set[tuple[object, ...]]()
        turns = {seconds(record[key]) for record in history for key in ("at", "until") if key in record}
        looks = sorted(each for each in turns if seconds(history[0]["at"]) <= each <= now)
        for look, following in zip(looks, [*looks[1:], now + 1], strict=True):
            self.look(SlowTicket(rules, walk_of, history, look), look, following)

    def look(self, ticket: SlowTicket, since: int, until: int) -> None:
        """Watch a ticket to which nothing happens between two instants."""
        for promise in ticket.made():
            standing = promise.manual is None and ticket.stands_still(promise.kind)
            if promise.is_over or promise.unknown or standing:
                continue
            due = ticket.due(promise, since)
            assert due is not None
            warnings: list[tuple[int, Firing]] = []
            reached: list[int] = []
            for rule, level in self.levels(promise.kind):
                at = self.nominal(ticket, promise, level, due, since)
                warns = level[0] == "-" or level[-1] == "%"
                looked = max(since, at + (level == "0m"))
                reached += [at] if warns else []
                arming = promise.moved_later if warns else promise.present_agreement(due)
                key = (promise.kind, promise.cycle, rule, level, arming)
                if looked >= until or key in self.decided:
                    continue
                self.decided.add(key)
                if not warns:
                    self.firings.append((rule, level, at))
                elif looked <= due:
                    warnings.append((looked, (rule, level, at)))
            # A warning that a later one has overtaken does not count.
            for looked, (rule, level, at) in warnings:
                if at == max(each for each in reached if each <= looked):
                    self.firings.append((rule, level, at))

    def levels(self, kind: str) -> Iterator[tuple[str, str]]:
        for rule in self.rules["escalation"]:
            if rule["on"] == kind:
                yield from ((rule["id"], level["at"]) for level in rule["level"])

    def nominal(self, ticket: SlowTicket, promise: Promise, level: str, due: int, now: int) -> int:
        """When a level is due, if the clock goes on as it does now."""
        stood = ticket.stood[promise.kind]
        if promise.manual is not None and ticket.stands_still(promise.kind):
            # A deadline set by hand goes on in this pause.
            stood = {t: why for t, why in stood.items() if t < ticket.stands_since(promise.kind)}
        target = ticket.target_seconds(promise, now, stood)
        if level == "0m":
            return due
        if level.endswith("bd"):
            stood = {t: why for t, why in stood.items() if t >= promise.counts_from}
            day = promise.walk.add_days(due, int(level[1:-2]))
            if day is None:
                raise TooFarAhead
            return ticket.count_to(promise, due, 0, now, stood, day)
        if level[0] == "+":
            # A deadline set by hand may lie before the start of the clock; time counts from the start.
            return ticket.count_to(promise, max(due, promise.counts_from), minutes(level[1:]) * 60, now, stood)
        owed = target * int(level[:-1]) // 100 if level[-1] == "%" else target - minutes(level[1:]) * 60
        return ticket.count_to(promise, promise.counts_from, owed, now, stood)
