"""Random desks: rules and histories as their files have them, around clock changes, everything on the quarter hour."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random
from typing import Any

from slactl.clock import to_text

Record = dict[str, Any]

STEP, DAY = 900, 86_400

#: Clock changes in UTC, all on the quarter hour: forward, back, by half an hour, for good, a date left out.
CHANGES = [
    ("Europe/Berlin", "2024-03-31T01:00"),
    ("Europe/Berlin", "2024-10-27T01:00"),
    ("America/New_York", "2024-03-10T07:00"),
    ("America/New_York", "2025-11-02T06:00"),
    ("Australia/Lord_Howe", "2024-04-06T15:00"),
    ("Australia/Lord_Howe", "2024-10-05T15:30"),
    ("Asia/Kathmandu", "1985-12-31T18:30"),
    ("Africa/Casablanca", "2024-03-10T02:00"),
    ("Africa/Casablanca", "2024-04-14T02:00"),
    ("Pacific/Apia", "2011-12-30T10:00"),
    ("Pacific/Apia", "2012-03-31T14:00"),
    ("America/St_Johns", "2024-03-10T05:30"),
    ("America/St_Johns", "2024-11-03T04:30"),
]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKS: dict[str, dict[str, list[str]]] = {
    "office": {day: ["09:00-17:00"] for day in DAYS[:5]},
    "split": {**{day: ["08:15-12:00", "13:00-18:30"] for day in DAYS[:5]}, "sat": ["10:00-12:00"]},
    "nights": {day: ["22:00-06:00"] for day in DAYS},
    "small hours": {day: ["00:00-03:30", "12:00-13:00", "23:45-24:00"] for day in DAYS},
    "round": {day: ["00:00-24:00"] for day in DAYS},
}
#: The days around the clock change that are special: how far away, and their hours; None is a holiday.
SPECIAL: dict[str, dict[int, list[str] | None]] = {
    "none": {},
    "closed": {-1: None, 1: None, 2: []},
    "moved": {0: ["01:00-04:15"], 1: ["20:00-04:00"], 2: ["06:00-07:00", "11:00-12:30"], 3: None},
}
CALENDARS = list(product(WEEKS, SPECIAL))


def calendar(name: tuple[str, str], zone: str, change: date) -> Record:
    """A calendar as `rules.toml` has it."""
    week, special = WEEKS[name[0]], SPECIAL[name[1]]
    near = {(change + timedelta(days=away)).isoformat(): hours for away, hours in special.items()}
    return {
        "timezone": zone,
        "weekly": week,
        "holidays": [day for day, hours in near.items() if hours is None],
        "dates": {day: hours for day, hours in near.items() if hours is not None},
    }


LENGTHS = ["15m", "30m", "1h", "2h", "4h", "6h", "8h", "9h", "16h", "20h", "1bd", "2bd", "3bd"]
KINDS = ["first_response", "next_response", "resolution"]
STATUSES = ["open", "pending", "waiting_customer", "resolved", "closed"]
PLANS, TENANTS, PRIORITIES = ["free", "pro", "gold"], ["acme", "zoo"], ["low", "normal", "urgent"]
ZONES = ["UTC", "Asia/Tokyo"]
#: The quarters of an hour between two events.
GAPS = [0, 0, 1, 1, 2, 3, 4, 4, 8, 12, 16, 32, 60, 96]


def some(dice: Random, **choices: Callable[[], Any]) -> Record:
    """Each of some keys or not, by the toss of a coin."""
    return {key: choice() for key, choice in choices.items() if dice.random() < 0.5}


def subset(dice: Random, names: Sequence[str], least: int = 0) -> list[str]:
    return dice.sample(names, dice.randint(least, len(names)))


def own_settings(dice: Random) -> Record:
    """What the settings may say, and a policy for itself."""
    return some(
        dice,
        pause_statuses=lambda: subset(dice, STATUSES[1:3], 1),
        pause=lambda: subset(dice, KINDS, 1),
        reopen=lambda: dice.choice(["continue", "reset", "frozen"]),
        next_response_from=lambda: dice.choice(["first_reply", "creation"]),
    )


def random_targets(dice: Random) -> dict[str, str]:
    return {kind: dice.choice(LENGTHS) for kind in KINDS if dice.random() < 0.75}


def random_policy(dice: Random, name: str, *, last: bool) -> Record:
    matches = some(
        dice,
        plan=lambda: subset(dice, PLANS, 1),
        tenant=lambda: subset(dice, TENANTS, 1),
        priority=lambda: subset(dice, PRIORITIES, 1),
    )
    targets = {"default": random_targets(dice), **some(dice, urgent=lambda: random_targets(dice))}
    calendar = dice.choice(["main", "main", "other", "always"])
    return {
        "name": name,
        "match": {} if last and dice.random() < 0.9 else matches,
        "calendar": calendar,
        "targets": targets,
        **own_settings(dice),
    }


def random_event(dice: Random, opened: int) -> Record:
    kind = dice.choice([*["status"] * 4, *["agent_reply", "customer_reply", "priority"] * 2, *OTHERS])
    match kind:
        case "status":
            return {"type": kind, "status": dice.choice([*STATUSES, "open", "open", "pending"])}
        case "priority":
            by = some(dice, actor_type=lambda: dice.choice(["system", "user"]))
            return {"type": kind, "priority": dice.choice(PRIORITIES), **by}
        case "plan":
            return {"type": kind, "plan": dice.choice([*PLANS, None])}
        case "tenant":
            more = some(dice, timezone=lambda: dice.choice([*ZONES, None]), plan=lambda: dice.choice(PLANS))
            return {"type": kind, "tenant": dice.choice([*TENANTS, None]), **more}
        case "due_set":
            due = text(opened + dice.randint(-20, 200) * STEP) if dice.random() < 0.8 else None
            return {"type": kind, "target": dice.choice(KINDS), "due_at": due}
    return {"type": kind}


OTHERS = ["plan", "tenant", "due_set", "note"]


def random_history(dice: Random, opened: int, ticket: str = "T") -> list[Record]:
    """What happened to a ticket, in the order of time."""
    facts = some(
        dice,
        plan=lambda: dice.choice(PLANS),
        tenant=lambda: dice.choice(TENANTS),
        priority=lambda: dice.choice(PRIORITIES),
        timezone=lambda: dice.choice(ZONES),
    )
    status = dice.choice(STATUSES) if dice.random() < 0.3 else "open"
    history: list[Record] = [{"type": "created", "ticket": ticket, "at": text(opened), "status": status, **facts}]
    at = opened
    for place in range(dice.randint(0, 14)):
        at += dice.choice(GAPS) * STEP
        # Lines that say the same count once, so each is somebody else's.
        history.append({**random_event(dice, opened), "ticket": ticket, "at": text(at), "actor": f"agent {place}"})
    return history


def text(instant: int) -> str:
    return to_text(datetime.fromtimestamp(instant, UTC))


class Desk:
    """Rules as data, the hours that their calendars have, and tickets that are opened around a clock change."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self.zone, self.change = dice.choice(CHANGES)
        self.hours: dict[str, tuple[str, str]] = {name: dice.choice(CALENDARS) for name in ("main", "other")}
        near = date.fromisoformat(self.change[:10])
        calendars = {name: calendar(chosen, self.zone, near) for name, chosen in self.hours.items()}
        names = ["p1", "p2", "p3"][: dice.randint(1, 3)]
        self.rules: Record = {
            "schema": 1,
            "settings": own_settings(dice),
            "calendars": {**calendars, "always": {"always_open": True}},
            "policy": [random_policy(dice, name, last=name == names[-1]) for name in names],
        }

    def opening(self) -> int:
        """When a ticket is opened: within three days of the clock change."""
        around = int(datetime.fromisoformat(f"{self.change}Z").timestamp())
        return around - 3 * DAY + self._dice.randint(0, 4 * 96) * STEP
