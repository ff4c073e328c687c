"""The types of records say what the views, the tables and the commands really hand out, field for field."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from conftest import Slactl

from slactl.cli.show import screen_ticket
from slactl.desk.reports.summary import FIELDS
from slactl.records import figures, runs, tickets, upkeep
from slactl.store.database import Database
from slactl.store.read.messages import NOTIFICATION_COLUMNS
from slactl.store.read.runs import COLUMNS
from slactl.store.schema import views


def fields(record: type) -> list[str]:
    """Return the fields of a record in order, inherited ones first."""
    return list(record.__annotations__)


@pytest.mark.parametrize(
    ("record", "columns"),
    [
        (tickets.Ticket, list(views.ticket_columns(""))),
        (tickets.Timer, list(views.timer_columns(""))),
        (tickets.Escalation, views.ESCALATION_COLUMNS),
        (tickets.Event, views.EVENT_COLUMNS),
        (runs.Notification, NOTIFICATION_COLUMNS),
        (runs.Run, COLUMNS),
        (figures.Counts, list(FIELDS)),
    ],
)
def test_generated_columns_are_the_fields_of_the_record(record: type, columns: list[str]) -> None:
    assert fields(record) == columns


@pytest.mark.parametrize(
    ("view", "record"),
    [("ticket_view", tickets.Ticket), ("escalation_view", tickets.Escalation), ("event_view", tickets.Event)],
)
def test_views_of_a_database_have_the_fields_of_the_record(view: str, record: type, desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        found = [column[0] for column in connection.execute(f"SELECT * FROM {view}").description]
    assert found == fields(record)


def test_commands_print_the_fields_of_the_record_in_its_order(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--priority", "urgent", "--body", "It burns.")
    slactl("escalate", "1", "--reason", "urgent")
    printed = {
        tickets.TicketDetails: json.loads(slactl("show", "1", "--json").out),
        runs.CheckReport: json.loads(slactl("check", "--json").out),
        figures.Summary: json.loads(slactl("summary", "--json").out),
    }
    shown = printed[tickets.TicketDetails]
    printed |= {
        tickets.Timer: shown["timers"][0],
        tickets.Message: shown["messages"][0],
        tickets.Escalation: shown["escalations"][0],
        tickets.Event: shown["events"][0],
        tickets.Ticket: json.loads(slactl("list", "--json").out)[0],
        runs.Run: json.loads(slactl("runs", "list", "--json").out)[0],
        runs.Notification: json.loads(slactl("notifications", "list", "--json").out)[0],
    }
    for record, found in printed.items():
        assert list(found) == fields(record), record.__name__


def misfits(value: object, wanted: Any, way: str) -> list[str]:  # noqa: ANN401  (any type)
    """Return where a value of a record, or a value inside it, is not of the type that the record has for it."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return []
    if is_typeddict(wanted):
        hints = get_type_hints(wanted)
        if not isinstance(value, dict) or set(value) != set(hints):
            return [f"{way}: {value} has not the fields of {wanted.__name__}"]
        return [each for name, hint in hints.items() for each in misfits(value[name], hint, f"{way}.{name}")]
    if origin is UnionType:
        return [] if any(not misfits(value, one, way) for one in inner) else [f"{way}: {value!r} is not {wanted}"]
    if origin in (list, Sequence, Iterator) and isinstance(value, list):
        return [each for item in value for each in misfits(item, inner[0], way)]
    if origin is dict and isinstance(value, dict):
        return [each for item in value.values() for each in misfits(item, inner[1], way)]
    kinds = {float: (int, float), None: NoneType}.get(wanted, wanted)
    fits = isinstance(kinds, (type, tuple)) and isinstance(value, kinds) and (wanted is bool) == isinstance(value, bool)
    return [] if fits else [f"{way}: {value!r} is not {wanted}"]


COMMANDS: list[tuple[Any, tuple[str, ...]]] = [
    (list[tickets.Ticket], ("list",)),
    (list[tickets.Tenant], ("tenant", "list")),
    (list[tickets.View], ("list", "@")),
    (list[tickets.Event], ("history", "1", "2")),
    (list[tickets.Event], ("audit", "list")),
    (tickets.TicketDetails, ("show", "1")),
    (list[tickets.ChangedTicket], ("resolve", "1", "2", "-n")),
    (runs.CheckReport, ("check", "-n", "--at", "in 3d")),
    (runs.CheckReport, ("check",)),
    (list[runs.Run], ("runs", "list")),
    (list[runs.Notification], ("notifications", "list")),
    (list[runs.Silence], ("silence", "list", "--all")),
    (figures.Summary, ("summary", "--by", "plan", "--forecast", "24h")),
    (figures.Summary, ("summary", "--since", "7d ago")),
    (figures.Report, ("report", "--by", "priority")),
    (figures.Report, ("report", "--since", "7d ago")),
    (upkeep.Health, ("doctor",)),
    (upkeep.Audit, ("audit", "verify")),
    (upkeep.Erasure, ("erase", "--requester", "ann@example.com", "-n")),
]


@pytest.mark.parametrize(
    ("record", "command"), COMMANDS, ids=lambda value: " ".join(value) if type(value) is tuple else ""
)
def test_commands_print_what_the_record_says(
    record: Any,  # noqa: ANN401  (a list of records, or one)
    command: tuple[str, ...],
    desk: Path,
    slactl: Slactl,
) -> None:
    slactl("tenant", "add", "acme", "--plan", "pro")
    for address in ("ann@example.com", "bob@example.com"):
        slactl(
            "create", "Printer on fire", "--from", address, "--priority", "urgent", "--at", "3d ago", "--body", "Hot"
        )
    slactl("escalate", "1", "--reason", "urgent")
    slactl("silence", "add", "--ticket", "2", "--for", "1h")
    slactl("check")
    printed = slactl(*command, "--json").out
    assert printed
    assert not misfits(json.loads(printed), record, " ".join(command))


def test_a_screen_gets_what_the_record_says(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--priority", "urgent", "--body", "It burns.")
    slactl("create", "No text", "--from", "bob@example.com")
    slactl("reply", "2", "--no-body")
    slactl("erase", "--requester", "ann@example.com", "--yes")
    with Database(desk).read() as transaction:
        shown = [screen_ticket(transaction, number, "2026-03-02T09:00:00Z") for number in (1, 2)]
    assert not misfits(shown, list[tickets.ScreenTicket], "screen")
    [erased], [empty] = (ticket["messages"] for ticket in shown)
    assert (erased["body"], erased["written"], empty["body"], empty["written"]) == (None, True, None, False)
