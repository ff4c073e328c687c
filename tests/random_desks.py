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
Hours = list[str] | dict[str, list[str]] | None
#: What is special around the clock change: the first and the last day, counted from it, every year or once, and the
#: hours; None is a holiday.
SPECIAL: dict[str, list[tuple[int, int, bool, Hours]]] = {
    "none": [],
    "closed": [(-1, -1, False, None), (1, 1, False, None), (2, 2, False, [])],
    "moved": [
        (0, 0, False, ["01:00-04:15"]),
        (1, 1, False, ["20:00-04:00"]),
        (2, 2, False, ["06:00-07:00", "11:00-12:30"]),
        (3, 3, False, None),
    ],
    "seasons": [
        (-2, 4, True, {"mon": ["10:00-15:00"], "wed": [], "sun": ["01:30-02:30", "23:00-01:15"]}),
        (1, 1, True, ["07:00-09:30"]),
        (2, 3, False, ["12:00-20:00"]),
        (3, 3, True, None),
    ],
    "travels": [
        (-1, 0, False, {"sun": ["00:30-05:00"], "sat": []}),
        (0, 0, True, None),
        (1, 2, True, ["09:15-09:45", "16:00-24:00"]),
        (4, 5, False, None),
    ],
}
CALENDARS = list(product(WEEKS, SPECIAL))


def calendar(name: tuple[str, str], zone: str, change: date) -> Record:
    """A calendar as `rules.toml` has it."""
    near = {days(change, *when): hours for *when, hours in SPECIAL[name[1]]}
    return {
        "timezone": zone,
        "weekly": WEEKS[name[0]],
        "holidays": [day for day, hours in near.items() if hours is None],
        "dates": {day: hours for day, hours in near.items() if hours is not None},
    }


def days(change: date, first: int, last: int, every_year: bool) -> str:
    """Some days as a key of `dates`."""
    ends = [change + timedelta(days=away) for away in (first, last)]
    told = [f"{end:%m-%d}" if every_year else end.isoformat() for end in ends]
    return told[0] if first == last else "..".join(told)


LENGTHS = ["15m", "30m", "1h", "2h", "4h", "6h", "8h", "9h", "16h", "20h", "1bd", "2bd", "3bd"]
LENGTHS += ["0bd close", "1bd close", "2bd close", "0bd 02:30", "0bd 12:00", "1bd 02:30", "1bd 17:00"]
KINDS = ["first_response", "next_response", "update", "resolution"]
STATUSES = ["open", "pending", "waiting_customer", "resolved", "closed"]
PLANS, TENANTS, PRIORITIES = ["free", "pro", "gold"], ["acme", "zoo"], ["low", "normal", "urgent"]
TAGS = ["vip", "drill", "late"]
ZONES = ["UTC", "Asia/Tokyo"]
#: The quarters of an hour between two events.
GAPS = [0, 0, 1, 1, 2, 3, 4, 4, 8, 12, 16, 32, 60, 96]


def some(dice: Random, chance: float = 0.5, **choices: Callable[[], Any]) -> Record:
    """Each of some keys or not, by the toss of a coin."""
    return {key: choice() for key, choice in choices.items() if dice.random() < chance}


def subset(dice: Random, names: Sequence[str], least: int = 0) -> list[str]:
    return dice.sample(names, dice.randint(least, len(names)))


def own_settings(dice: Random) -> Record:
    """What the settings may say, and a policy for itself."""
    return some(
        dice,
        pause_statuses=lambda: subset(dice, STATUSES[1:3], 1),
        pause=lambda: subset(dice, KINDS, 1),
        reopen=lambda: dice.choice(["continue", "continue", "reset", "frozen"]),
        next_response_from=lambda: dice.choice(["first_reply", "creation"]),
        count_from=lambda: dice.choice(["creation", "change"]),
        late_targets=lambda: dice.choice(["keep", "recount"]),
    )


def random_targets(dice: Random) -> Record:
    return {kind: random_target(dice) for kind in KINDS if dice.random() < 0.75}


def random_target(dice: Random) -> str | dict[str, str]:
    length = dice.choice(LENGTHS)
    return {"within": length, "calendar": dice.choice(PLACES)} if dice.random() < 0.2 else length


PLACES = ["main", "main", "other", "always", "world"]


def random_match(dice: Random) -> Record:
    """Some keys of `match`."""
    return some(
        dice,
        0.4,
        plan=lambda: subset(dice, PLANS, 1),
        tenant=lambda: subset(dice, TENANTS, 1),
        priority=lambda: subset(dice, PRIORITIES, 1),
        tag=lambda: subset(dice, TAGS, 1),
    )


def random_policy(dice: Random, name: str, *, last: bool) -> Record:
    matches, excluded = random_match(dice), random_match(dice)
    targets = {"default": random_targets(dice), **some(dice, urgent=lambda: random_targets(dice))}
    calendar = dice.choice(PLACES)
    return {
        "name": name,
        "match": {} if last and dice.random() < 0.9 else matches | ({"not": excluded} if excluded else {}),
        "calendar": calendar,
        "targets": targets,
        **own_settings(dice),
    }


LEVELS = ["80%", "-30m", "0m", "+1h", "+1bd"]


def random_escalations(dice: Random) -> list[Record]:
    """A rule for each kind of target, with some levels that only leave a note."""
    chosen = {kind: subset(dice, LEVELS, 1) for kind in KINDS}
    return [
        {"id": kind, "on": kind, "level": [{"id": at, "at": at, "note": "x"} for at in sorted(levels)]}
        for kind, levels in chosen.items()
    ]


def random_event(dice: Random, opened: int, at: int, tags: set[str]) -> Record:
    """An event that happens at `at` to a ticket with these tags, which it changes."""
    kind = dice.choice([*["status"] * 4, *["agent_reply", "customer_reply", "priority", "due_set"] * 2, *OTHERS])
    by = some(dice, actor_type=lambda: dice.choice(["system", "user"]))
    match kind:
        case "status":
            return {"type": kind, **random_status(dice, at)}
        case "priority":
            return {"type": kind, "priority": dice.choice(PRIORITIES), **by}
        case "plan":
            return {"type": kind, "plan": dice.choice([*PLANS, None])}
        case "tenant":
            more = some(dice, timezone=lambda: dice.choice([*ZONES, None]), plan=lambda: dice.choice(PLANS))
            return {"type": kind, "tenant": dice.choice([*TENANTS, None]), **more}
        case "tags":
            kept = tags if by.get("actor_type") == "system" else set()  # slactl adds tags, and takes none away
            tags |= set(chosen := sorted({*kept, *subset(dice, TAGS)}))
            tags &= set(chosen)
            return {"type": kind, "tags": chosen, **by}
        case "due_set":
            due = text(opened + dice.randint(-20, 200) * STEP) if dice.random() < 0.8 else None
            return {"type": kind, "target": dice.choice(KINDS), "due_at": due}
    return {"type": kind}


def random_status(dice: Random, at: int) -> Record:
    status = dice.choice([*STATUSES, "open", "open", "pending"])
    if status in STATUSES[1:3] and dice.random() < 0.3:
        return {"status": status, "until": text(at + dice.choice(GAPS[2:]) * STEP)}
    if status in STATUSES[3:] and dice.random() < 0.2:
        return {"status": status, "unknown_instant": True}
    return {"status": status}


OTHERS = ["plan", "tenant", "note", "tags", "tags"]


def random_opening(dice: Random) -> Record:
    """What is known of a ticket when it is opened."""
    facts = some(
        dice,
        plan=lambda: dice.choice(PLANS),
        tenant=lambda: dice.choice(TENANTS),
        priority=lambda: dice.choice(PRIORITIES),
        timezone=lambda: dice.choice(ZONES),
        tags=lambda: subset(dice, TAGS),
    )
    rare = some(dice, 0.1, outbound=lambda: True, unknown=lambda: subset(dice, KINDS, 1))
    return {"status": dice.choice(STATUSES) if dice.random() < 0.3 else "open", **facts, **rare}


def random_history(dice: Random, opened: int, ticket: str = "T", *, retracts: float = 0.05) -> list[Record]:
    """What happened to a ticket, in the order of time; some of it is retracted later, by this chance for each event."""
    history: list[Record] = [{"type": "created", "ticket": ticket, "at": text(opened), **random_opening(dice)}]
    at, tags = opened, set(history[0].get("tags", ()))
    for place in range(dice.randint(0, 14)):
        at += dice.choice(GAPS) * STEP
        ids = [event["id"] for event in history[1:]]
        if retracts and ids and dice.random() < retracts:
            chosen = ids[-3:] if dice.random() < 0.5 else ids
            event: Record = {
                "type": "retracted",
                "events": dice.sample(chosen, min(len(chosen), dice.choice([1, 1, 2]))),
            }
        else:
            event = random_event(dice, opened, at, tags)
        # Lines that say the same count once, so each is somebody else's.
        said = {"ticket": ticket, "at": text(at), "actor": f"agent {place}", "id": f"{ticket}/{place}"}
        history.append({**event, **said})
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
        zones = {"main": self.zone, "other": dice.choice([self.zone, self.zone, *ZONES])}
        calendars = {name: calendar(chosen, zones[name], near) for name, chosen in self.hours.items()}
        calendars |= {
            "always": {"always_open": True},
            "world": {"timezone": dice.choice([self.zone, *ZONES]), "any_of": ["main", "other"]},
        }
        for name in subset(dice, ["main", "other", "world"]):
            calendars[name]["fixed"] = dice.random() < 0.3
        names = ["p1", "p2", "p3"][: dice.randint(1, 3)]
        self.rules: Record = {
            "schema": 1,
            "settings": own_settings(dice),
            "calendars": calendars,
            "policy": [random_policy(dice, name, last=name == names[-1]) for name in names],
            "escalation": random_escalations(dice),
        }

    def opening(self) -> int:
        """When a ticket is opened: within three days of the clock change."""
        around = int(datetime.fromisoformat(f"{self.change}Z").timestamp())
        return around - 3 * DAY + self._dice.randint(0, 4 * 96) * STEP
