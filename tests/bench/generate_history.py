"""Writes a believable history of a large desk to stdout, one event a line: always the same for the same arguments.

    python tests/bench/generate_history.py 100000 | slactl import -

Of a hundred tickets three are open and late, seven open and in time (some of them paused), the rest is resolved
or closed within the last two years; there are about four events a ticket. With `--late` every ticket is open
and late, which makes that many due at once.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

PLANS = {"free": 60, "pro": 30, "enterprise": 10}
PRIORITIES = {"low": 15, "normal": 60, "high": 18, "urgent": 7}
AGENTS = [f"agent-{number:02d}" for number in range(40)]
TENANTS = [f"tenant-{number:03d}" for number in range(500)]
SUBJECTS = ("Cannot log in", "Invoice is wrong", "Export never ends", "Webhook is late", "Page is slow", "Add a seat")

HOUR = timedelta(hours=1)

Event = dict[str, Any]


class Desk:
    """Draws one ticket after the other."""

    def __init__(self, now: datetime, seed: int, prefix: str) -> None:
        self.now = now
        self.prefix = prefix
        self.random = random.Random(seed)

    def ticket(self, number: int, *, late: bool) -> Iterator[Event]:
        """The events of one ticket, in order of time."""
        draw = self.random
        fate = draw.random()
        if late or fate < 0.03:
            yield from self._open(number, timedelta(days=draw.uniform(12, 40)), replied=draw.random() < 0.4)
        elif fate < 0.07:
            yield from self._open(number, HOUR * draw.uniform(0, 1.5), replied=draw.random() < 0.4)
        elif fate < 0.1:
            yield from self._waiting(number, timedelta(days=draw.uniform(0.5, 10)))
        else:
            yield from self._done(number, timedelta(days=draw.uniform(1, 730)))

    def _open(self, number: int, age: timedelta, *, replied: bool) -> Iterator[Event]:
        created = self.now - age
        yield self._created(number, created)
        if replied:
            yield self._event(number, created + age * self.random.uniform(0.01, 0.1), "agent_reply")

    def _waiting(self, number: int, age: timedelta) -> Iterator[Event]:
        created = self.now - age
        yield self._created(number, created)
        answered = created + HOUR * self.random.uniform(0.1, 1.9)
        yield self._event(number, answered, "agent_reply")
        yield self._event(number, answered, "status", status="waiting_customer")

    def _done(self, number: int, age: timedelta) -> Iterator[Event]:
        draw = self.random
        created = self.now - age
        yield self._created(number, created)
        at = created + HOUR * min(draw.lognormvariate(0.8, 1.2), age / HOUR / 4)
        yield self._event(number, at, "agent_reply")
        if draw.random() < 0.3:
            yield self._event(number, at, "status", status="waiting_customer")
            at += min(HOUR * draw.uniform(1, 60), age / 4)
            yield self._event(number, at, "customer_reply")
            yield self._event(number, at, "status", status="open")
        at += min(HOUR * draw.lognormvariate(2, 1.3), age / 4)
        yield self._event(number, at, "status", status="resolved")
        if draw.random() < 0.2:
            yield self._event(number, min(at + timedelta(days=3), self.now), "status", status="closed")

    def _created(self, number: int, at: datetime) -> Event:
        draw = self.random
        return self._event(number, at, "created") | {
            "requester_email": f"person-{draw.randrange(100_000)}@{draw.choice(TENANTS)}.example",
            "subject": draw.choice(SUBJECTS),
            "plan": draw.choices(list(PLANS), list(PLANS.values()))[0],
            "tenant": draw.choice(TENANTS),
            "priority": draw.choices(list(PRIORITIES), list(PRIORITIES.values()))[0],
            "assignee": draw.choice(AGENTS) if draw.random() < 0.8 else None,
        }

    def _event(self, number: int, at: datetime, kind: str, **fields: str) -> Event:
        when = at.replace(microsecond=0).isoformat().replace("+00:00", "Z")
        return {"ticket": f"{self.prefix}{number}", "at": when, "type": kind, **fields}


def main() -> None:
    """Write the history the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tickets", type=int)
    parser.add_argument("--now", default=None, help="the instant that is now (ISO 8601 with offset)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--late", action="store_true", help="every ticket is open and late")
    parser.add_argument("--prefix", default="T-", help="what the external ids begin with")
    chosen = parser.parse_args()
    now = datetime.fromisoformat(chosen.now) if chosen.now else datetime.now(UTC)
    desk = Desk(now.astimezone(UTC), chosen.seed, chosen.prefix)
    for number in range(1, chosen.tickets + 1):
        for event in desk.ticket(number, late=chosen.late):
            sys.stdout.write(json.dumps(event) + "\n")


if __name__ == "__main__":
    main()
