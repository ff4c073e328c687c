"""The types of records say what the views, the tables and the commands really hand out, field for field."""

import json
import sqlite3
from pathlib import Path

import pytest
from conftest import Slactl

from slactl import records
from slactl.desk.reports.summary import FIELDS
from slactl.store.read.messages import NOTIFICATION_COLUMNS
from slactl.store.read.runs import COLUMNS
from slactl.store.schema import views


def fields(record: type) -> list[str]:
    """Return the fields of a record in order, inherited ones first."""
    return list(record.__annotations__)


@pytest.mark.parametrize(
    ("record", "columns"),
    [
        (records.Ticket, list(views.ticket_columns(""))),
        (records.Timer, list(views.timer_columns(""))),
        (records.Escalation, views.ESCALATION_COLUMNS),
        (records.Event, views.EVENT_COLUMNS),
        (records.Notification, NOTIFICATION_COLUMNS),
        (records.Run, COLUMNS),
        (records.Counts, list(FIELDS)),
    ],
)
def test_generated_columns_are_the_fields_of_the_record(record: type, columns: list[str]) -> None:
    assert fields(record) == columns


@pytest.mark.parametrize(
    ("view", "record"),
    [("ticket_view", records.Ticket), ("escalation_view", records.Escalation), ("event_view", records.Event)],
)
def test_views_of_a_database_have_the_fields_of_the_record(view: str, record: type, desk: Path) -> None:
    with sqlite3.connect(desk) as connection:
        found = [column[0] for column in connection.execute(f"SELECT * FROM {view}").description]
    assert found == fields(record)


def test_commands_print_the_fields_of_the_record_in_its_order(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--priority", "urgent", "--body", "It burns.")
    slactl("escalate", "1", "--reason", "urgent")
    printed = {
        records.TicketDetails: json.loads(slactl("show", "1", "--json").out),
        records.CheckReport: json.loads(slactl("check", "--json").out),
        records.Summary: json.loads(slactl("summary", "--json").out),
    }
    shown = printed[records.TicketDetails]
    printed |= {
        records.Timer: shown["timers"][0],
        records.Message: shown["messages"][0],
        records.Escalation: shown["escalations"][0],
        records.Event: shown["events"][0],
        records.Ticket: json.loads(slactl("list", "--json").out)[0],
        records.Run: json.loads(slactl("runs", "list", "--json").out)[0],
        records.Notification: json.loads(slactl("notifications", "list", "--json").out)[0],
    }
    for record, found in printed.items():
        assert list(found) == fields(record), record.__name__
