"""Desks whose rules are one policy and the ladders under test: what the tests of escalation are written with."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

BASE = """
schema = 1
[settings]
manual_escalation = { priority = "high", notify = ["manager"] }
pause = ["first_response", "next_response", "resolution"]
[calendars.always]
always_open = true
[calendars.office]
[calendars.office.weekly]
mon-fri = ["09:00-17:00"]
[roles.manager]
assignee = "mia"
[roles.dispatch]
assignee = "dan"
[people.joe]
"""


def policy(calendar: str = "always", **targets: str) -> str:
    """One policy for every ticket."""
    promised = ", ".join(f'{name} = "{length}"' for name, length in targets.items())
    return f'[[policy]]\nname = "all"\ncalendar = "{calendar}"\n[policy.targets]\ndefault = {{ {promised} }}\n'


def ladder(on: str, *levels: str, more: str = "", name: str | None = None) -> str:
    """An escalation with levels such as `warn 80%` or `manager +1h assign = "manager"`."""
    toml = f'[[escalation]]\nid = "{name or on}"\non = "{on}"\n{more}\n'
    for level in levels:
        called, at, *rest = level.split(" ", 2)
        deed = "".join(rest) or 'notify = ["manager"]'
        toml += f'[[escalation.level]]\nid = "{called}"\nat = "{at}"\n' + deed.replace("; ", "\n") + "\n"
    return toml


def write_rules(desk: Path, *parts: str) -> Path:
    """The rules of a desk: the policy and the ladders."""
    path = desk.with_name("rules.toml")
    path.write_text(BASE + "\n".join(parts))
    return path


def opened(slactl: Slactl, *options: str, who: str = "ann@example.com") -> str:
    """A new ticket's number."""
    made = slactl("create", "Printer on fire", "--from", who, *options)
    assert made.code == 0, made.err
    return made.out.strip()


def check(slactl: Slactl, *options: str, code: int = 0) -> dict[str, Any]:
    """What a run reports."""
    result = slactl("check", "--json", *options)
    assert result.code == code, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def came(slactl: Slactl, *options: str, code: int = 0) -> list[str]:
    """What a run decides, in its order: `warn expired`, `manager#1 fired`."""
    return [said(firing) for firing in check(slactl, *options, code=code)["firings"]]


def said(firing: dict[str, Any]) -> str:
    """A firing as `manager#1 fired`."""
    return f"{firing['level']}{'#' + str(firing['repeat']) if firing['repeat'] else ''} {firing['outcome']}"


def ticket(slactl: Slactl, number: str) -> dict[str, Any]:
    """All of a ticket."""
    found: dict[str, Any] = json.loads(slactl("show", number, "--json").out)
    return found


def rows(desk: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in the database."""
    with sqlite3.connect(desk) as connection:
        return connection.execute(query).fetchall()


def told(desk: Path) -> list[tuple[Any, ...]]:
    """Who is told of which level, in the order of the outbox."""
    query = "SELECT n.recipient, e.level FROM notification n JOIN escalation e ON e.id = n.escalation_id ORDER BY n.id"
    return rows(desk, query)


def at(clock: FrozenDateTimeFactory, time: str, day: int = 2) -> None:
    """Set the clock to a time of a day in March 2026."""
    clock.move_to(f"2026-03-{day:02d}T{time}Z")


def traced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list in which every statement to SQLite appears from now on."""
    statements: list[str] = []

    class Traced(sqlite3.Connection):
        def __init__(self, *given: Any, **options: Any) -> None:  # noqa: ANN401
            super().__init__(*given, **options)
            self.set_trace_callback(statements.append)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **options: connect(*given, factory=Traced, **options))
    return statements
