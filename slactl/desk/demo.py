"""A throw-away desk: a few dozen believable tickets around now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from slactl.config import Config, shipped_rules
from slactl.desk.ledger import Entry, Ledger, ledger
from slactl.sla.enums import EventType, Priority, Status
from slactl.sla.history import Event
from slactl.store.creation import create_database


@dataclass(frozen=True, slots=True)
class Story:
    """One ticket of the demo: opened `age` hours ago; `events` are (hours ago, what happened)."""

    subject: str
    requester: str
    plan: str
    priority: Priority
    age: float
    assignee: str | None = None
    events: tuple[tuple[float, str], ...] = ()


LOW, NORMAL, HIGH, URGENT = Priority

STORIES = (
    Story("Checkout returns 502 for every card", "ops@northwind.example", "enterprise", URGENT, 3.4, None),
    Story("SSO login loops after certificate change", "it@northwind.example", "enterprise", URGENT, 1.2, "mia"),
    Story("Webhook deliveries stopped at 02:10", "dev@lumen.example", "enterprise", HIGH, 5.5, "jonas"),
    Story(
        "Database export is missing rows",
        "data@lumen.example",
        "enterprise",
        HIGH,
        26,
        "mia",
        ((25, "reply"), (3, "receive")),
    ),
    Story("Cannot add a second administrator", "admin@orchid.example", "enterprise", NORMAL, 9.5, "jonas"),
    Story(
        "Invoice shows the wrong VAT number", "finance@orchid.example", "enterprise", NORMAL, 30, "li", ((27, "reply"),)
    ),
    Story(
        "Rate limit is lower than in the contract",
        "cto@northwind.example",
        "enterprise",
        HIGH,
        1.1,
        "li",
        ((0.6, "reply"), (0.2, "receive")),
    ),
    Story(
        "Audit log download times out",
        "security@lumen.example",
        "enterprise",
        NORMAL,
        52,
        "mia",
        ((49, "reply"), (20, "receive")),
    ),
    Story(
        "API answers in 9 seconds since Tuesday",
        "dev@northwind.example",
        "enterprise",
        URGENT,
        13,
        "mia",
        ((12.5, "reply"), (12, "receive")),
    ),
    Story(
        "Please sign our security questionnaire", "legal@orchid.example", "enterprise", LOW, 70, "li", ((60, "reply"),)
    ),
    Story(
        "Sandbox resets itself every night",
        "qa@lumen.example",
        "enterprise",
        NORMAL,
        75,
        "jonas",
        ((72, "reply"), (30, "resolve")),
    ),
    Story(
        "Wrong time zone in weekly report",
        "pm@northwind.example",
        "enterprise",
        NORMAL,
        44,
        "li",
        ((40, "reply"), (20, "resolve")),
    ),
    Story("Mobile app logs me out every hour", "sam@birch.example", "pro", NORMAL, 26, None),
    Story("Import of contacts stops at row 4,096", "kim@birch.example", "pro", HIGH, 9, "jonas"),
    Story("Cannot change the billing address", "office@cedar.example", "pro", NORMAL, 20, "li"),
    Story(
        "Push notifications arrive twice",
        "lee@cedar.example",
        "pro",
        NORMAL,
        31,
        "mia",
        ((22, "reply"), (4, "receive")),
    ),
    Story(
        "Graph on the dashboard is empty",
        "ana@birch.example",
        "pro",
        NORMAL,
        90,
        "jonas",
        ((80, "reply"), (70, "receive")),
    ),
    Story("Two-factor code is never accepted", "tom@cedar.example", "pro", URGENT, 4.5, None),
    Story("How do I share a board read-only?", "eva@birch.example", "pro", LOW, 6, None),
    Story("Attachment preview shows another file", "max@cedar.example", "pro", HIGH, 11, "li", ((9, "reply"),)),
    Story(
        "Refund for the second seat", "office@birch.example", "pro", NORMAL, 60, "li", ((50, "reply"), (40, "resolve"))
    ),
    Story(
        "Calendar sync deletes events", "ida@cedar.example", "pro", HIGH, 40, "mia", ((38, "reply"), (10, "resolve"))
    ),
    Story(
        "Typo in the German translation",
        "ben@birch.example",
        "pro",
        LOW,
        100,
        "jonas",
        ((30, "reply"), (20, "resolve")),
    ),
    Story("Cannot log in with my old address", "noa@mail.example", "free", NORMAL, 51, None),
    Story("Where is the dark mode?", "joe@mail.example", "free", LOW, 12, None),
    Story("Export as PDF cuts the last page", "amy@mail.example", "free", NORMAL, 45, "jonas"),
    Story("Password mail never arrives", "dan@mail.example", "free", HIGH, 30, "li", ((28, "reply"), (6, "receive"))),
    Story("Delete my account, please", "ray@mail.example", "free", NORMAL, 20, "li", ((15, "reply"),)),
    Story(
        "Widgets do not load in Firefox",
        "zoe@mail.example",
        "free",
        NORMAL,
        175,
        "mia",
        ((150, "reply"), (120, "receive")),
    ),
    Story("Keyboard shortcut for search?", "ivo@mail.example", "free", LOW, 3, None),
    Story(
        "Profile picture is upside down",
        "pia@mail.example",
        "free",
        LOW,
        200,
        "jonas",
        ((190, "reply"), (100, "resolve")),
    ),
    Story(
        "Charged after cancelling the trial",
        "ned@mail.example",
        "free",
        HIGH,
        60,
        "li",
        ((20, "reply"), (8, "resolve")),
    ),
    Story("Cannot upload files over 10 MB", "kay@mail.example", "free", NORMAL, 28, None),
    Story(
        "Feature request: recurring tasks", "uma@mail.example", "free", LOW, 90, "mia", ((70, "reply"), (65, "resolve"))
    ),
)


def make_desk(environment_actor: str, now: datetime, config: Config) -> Config:
    """A new folder with a database and the shipped rules, filled with tickets; returns its settings."""
    folder = Path(mkdtemp(prefix="slactl-demo-"))
    rules = folder / "rules.toml"
    rules.write_text(shipped_rules().read_text(encoding="utf-8"), encoding="utf-8")
    desk = Config(folder / "slactl.db", rules, environment_actor, config.color, config.debug, config.sources)
    create_database(desk.database)
    with ledger(desk, now, strict=True) as book:
        for story in STORIES:
            tell(book, story, now)
    return desk


def tell(book: Ledger, story: Story, now: datetime) -> int:
    """Open one ticket in the past and let happen what happened to it."""
    version = book.rulebook.current_version()
    assert version.id is not None
    detail: dict[str, Any] = {
        "plan": story.plan,
        "tenant": None,
        "timezone": None,
        "priority": story.priority.value,
        "status": Status.OPEN.value,
        "assignee": story.assignee,
        "tags": [],
        "external_id": None,
        "requester_domain": story.requester.rpartition("@")[2],
        "rules": version.hash,
    }
    texts = {"subject": story.subject, "requester_email": story.requester}
    opened = now - timedelta(hours=story.age)
    number = book.open_ticket(Entry(Event(opened, EventType.CREATED, detail), texts), version.id)
    status = Status.OPEN
    for hours, deed in story.events:
        at = now - timedelta(hours=hours)
        for event in _deeds(at, deed, status, story.requester if deed == "receive" else story.assignee or book.actor):
            book.append(number, Entry(event))
            status = Status(event.detail.get("status", status))
    return number


def _deeds(at: datetime, deed: str, status: Status, actor: str) -> Iterator[Event]:
    kinds = {
        "reply": (EventType.AGENT_REPLY, Status.WAITING_CUSTOMER),
        "receive": (EventType.CUSTOMER_REPLY, Status.OPEN),
        "resolve": (None, Status.RESOLVED),
    }
    kind, after = kinds[deed]
    if kind is not None:
        yield Event(at, kind, {}, actor)
    if after is not status:
        yield Event(at, EventType.STATUS, {"status": after.value, "from": status.value}, actor)
