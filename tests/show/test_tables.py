"""Tables fit their width, and the words beside the colours say the same."""

import io
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slactl.show.check import message_columns, run_columns
from slactl.show.form import Screen
from slactl.show.list import draw_tickets
from slactl.show.tables import Column, as_lines, as_table, bar, draw, field_column
from slactl.show.times import Urgency, due_phrase, local, local_day, relative, relative_due, urgency

pytest_plugins = ["show_samples"]

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def tickets(ticket: Make) -> list[dict[str, Any]]:
    late = {
        "subject": "Cannot log in since the update on Friday; the whole sales team is waiting",
        "due_at": "2026-03-02T04:55:00Z",
        "due_target": "first_response",
    }
    return [
        ticket(id=7, priority="urgent", tenant="acme", assignee="mia", escalation_level=2, breached=True, **late),
        ticket(id=12, priority="high", subject="[b]Sale[/b]", due_at="2026-03-02T09:10:00Z", due_target="resolution"),
        ticket(
            id=103, subject="發票問題 wrong", due_at="2026-03-04T09:10:00Z", due_target="resolution", priority="low"
        ),
        ticket(id=104, subject="For you", status="waiting_customer", resolution_state="paused"),
        ticket(id=9999, subject="Old", status="closed"),
    ]


def drawn(tickets: list[dict[str, Any]], now: datetime, width: int, *, color: bool = False) -> list[str]:
    stream = io.StringIO()
    draw_tickets(tickets, Screen(stream, color, width), now, due_soon=7200, footer="5 of 40 shown; --limit 0 for all")
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_list_at_80_columns(tickets: list[dict[str, Any]], now: datetime) -> None:
    assert drawn(tickets, now, 80) == [
        "  ID  Due         Target          Priority  Status   Assignee  Subject",
        "   7  3h 5m late  first response  urgent    open     mia       Cannot log in si…",
        "  12  in 1h 10m   resolution      high      open     nobody    [b]Sale[/b]",
        " 103  in 2d 1h    resolution      low       open     nobody    發票問題 wrong",
        " 104  paused                      normal    waiting  nobody    For you",
        "9999  done                        normal    closed   nobody    Old",
        "5 of 40 shown; --limit 0 for all",
    ]


def test_narrow_list_says_until_when_a_ticket_is_pending(
    tickets: list[dict[str, Any]], ticket: Make, now: datetime
) -> None:
    due = {"due_at": "2026-03-02T09:10:00Z", "due_target": "resolution"}
    asleep = ticket(status="pending", pending_until="2026-03-02T12:30:00Z", assignee="mia", **due)
    assert drawn([*tickets, asleep], now, 80)[-2].startswith(f"pending: #{asleep['id']} until ")
    assert drawn([*tickets, asleep], now, 80)[0] == drawn(tickets, now, 80)[0]
    many = [{**asleep, "id": number} for number in range(1, 9)]
    assert drawn(many, now, 200)[-2].endswith(" and 3 more")


def test_list_at_120_columns(tickets: list[dict[str, Any]], now: datetime) -> None:
    assert drawn(tickets, now, 120) == [
        "  ID  Due         Target          Priority  Status   Assignee  Next  Plan  Subject",
        "   7  3h 5m late  first response  urgent    open     mia             pro   "
        "Cannot log in since the update on Friday; th…",
        "  12  in 1h 10m   resolution      high      open     nobody          pro   [b]Sale[/b]",
        " 103  in 2d 1h    resolution      low       open     nobody          pro   發票問題 wrong",
        " 104  paused                      normal    waiting  nobody          pro   For you",
        "9999  done                        normal    closed   nobody          pro   Old",
        "5 of 40 shown; --limit 0 for all",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_screen(tickets: list[dict[str, Any]], now: datetime, width: int) -> None:
    from rich.cells import cell_len

    assert max(map(cell_len, drawn(tickets, now, width))) <= width


def test_colour_says_how_urgent(tickets: list[dict[str, Any]], now: datetime) -> None:
    lines = drawn(tickets, now, 80, color=True)
    assert "\x1b[1;38;5;163m3h 5m late\x1b[0m" in lines[1]
    assert "\x1b[38;5;131min 1h 10m " in lines[2]
    assert "\x1b[38;5;243mpaused" in lines[4]


def test_hostile_text_does_nothing_in_a_table(hostile: str, ticket: Make, now: datetime) -> None:
    lines = drawn([ticket(subject=hostile, assignee=hostile, tenant=hostile, external_id=hostile)], now, 200)
    assert len(lines) == 3
    text = "".join(lines)
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or c in "\u202e\u200b" for c in text)
    if hostile.startswith(("[bold", ":smile")):
        assert hostile in text


def test_columns_of_high_rank_go_first_and_rank_0_never() -> None:
    columns = [
        Column("A", lambda r: "a" * 10),
        Column("B", lambda r: "b" * 10, rank=1),
        Column("C", lambda r: "c", rank=2),
    ]
    seen = {}
    for width in (30, 23, 12):
        stream = io.StringIO()
        draw([{}], columns, Screen(stream, width=width))
        seen[width] = stream.getvalue().splitlines()[0].split()
    assert seen == {30: ["A", "B", "C"], 23: ["A", "B"], 12: ["A"]}


def test_a_column_without_any_value_stays() -> None:
    stream = io.StringIO()
    draw([{"id": 1, "tenant": None}], [field_column("id"), field_column("tenant", rank=1)], Screen(stream, width=80))
    assert stream.getvalue().splitlines()[0].split() == ["id", "tenant"]


def _titles(columns: Sequence[Column], record: dict[str, Any], width: int) -> list[str]:
    stream = io.StringIO()
    draw([record], columns, Screen(stream, width=width))
    drawn = stream.getvalue().splitlines()
    assert max(map(len, drawn)) <= width
    return [column.title for column in columns if column.title in drawn[0]]


@pytest.mark.parametrize("width", [80, 100, 120, 160, 200])
def test_columns_of_other_lists_come_and_go_with_the_width_alone(width: int) -> None:
    at = "2026-03-02T12:00:01Z"
    counts = dict.fromkeys(("scanned", "breached", "fired", "notified", "messages_sent", "failed"), 0)
    calm = {"id": 1, "started_at": at, "skipped": {}, "exit_code": 0, **counts}
    busy = calm | {"skipped": {"expired": 12, "baseline": 345}, "exit_code": None, "fired": 123456, "scanned": 99999}
    assert _titles(run_columns(), calm, width) == _titles(run_columns(), busy, width)
    none = dict.fromkeys(("held_by", "ended_at", "next_try_at", "error"))
    sent = {"id": 1, "ticket_id": 1, "recipient": "mia", "state": "sent", "created_at": at, "tries": 0, **none}
    held = sent | {"held_by": "quiet hours", "ended_at": at, "next_try_at": at, "error": "e" * 300, "tries": 99}
    assert _titles(message_columns(), sent, width) == _titles(message_columns(), held, width)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_columns_of_the_list_come_and_go_with_the_width_alone(
    width: int, tickets: list[dict[str, Any]], ticket: Make, now: datetime
) -> None:
    from rich.cells import cell_len

    long = {"assignee": "a" * 60, "plan": "p" * 60, "status": "waiting_customer", "subject": "s" * 300}
    level = {"next_escalation": "e", "next_level": "n" * 60, "next_level_at": "2026-03-02T12:00:00Z"}
    late = {"due_at": "2025-03-02T12:00:00Z", "due_target": "first_response"}
    full = [ticket(id=98765, **long, **level, **late)]
    empty = [ticket(id=1, plan=None, subject=None)]
    titles = {tuple(drawn(shown, now, width)[0].split()) for shown in (tickets, full, empty)}
    assert len(titles) == 1
    assert max(map(cell_len, drawn(full, now, width))) <= width


def test_a_wide_list_has_the_columns_of_a_pipe(tickets: list[dict[str, Any]], now: datetime) -> None:
    titles = ["ID", "Due", "Target", "Priority", "Status", "Assignee", "Next", "Plan", "Subject"]
    assert drawn(tickets, now, 120)[0].split() == titles


def test_a_column_takes_at_most_forty_cells_unless_it_says_otherwise() -> None:
    stream = io.StringIO()
    columns = [Column("A", lambda _: "a" * 60), Column("B", lambda _: "b" * 60, most=10), Column("C", lambda _: "c")]
    draw([{}], columns, Screen(stream, width=200))
    assert stream.getvalue().splitlines()[1].rstrip() == f"{'a' * 39}…  {'b' * 9}…  c"


@pytest.mark.parametrize(
    ("fields", "band", "phrase"),
    [
        ({"due_at": "2026-03-02T07:59:59Z"}, Urgency.LATE, "1s late"),
        ({"due_at": "2026-03-02T08:00:00Z"}, Urgency.SOON, "due now"),
        ({"due_at": "2026-03-02T10:00:00Z"}, Urgency.SOON, "in 2h"),
        ({"due_at": "2026-03-02T10:00:01Z"}, Urgency.CALM, "in 2h"),
        ({"resolution_state": "paused"}, Urgency.PAUSED, "paused"),
        ({"status": "resolved"}, Urgency.DONE, "done"),
        ({}, Urgency.FREE, "no deadline"),
    ],
)
def test_urgency_and_its_words(fields: dict[str, Any], band: Urgency, phrase: str, ticket: Make, now: datetime) -> None:
    assert urgency(ticket(**fields), now, 7200) is band
    assert due_phrase(ticket(**fields), now) == phrase


def test_instants_seen_from_now(now: datetime) -> None:
    assert relative("2026-03-02T04:55:00Z", now) == "3h 5m ago"
    assert relative("2026-03-02T08:00:00Z", now) == "now"
    assert relative("2026-03-02T08:10:00Z", now) == "in 10m"
    assert relative_due("2026-03-02T04:55:00Z", now) == "3h 5m late"


@pytest.mark.usefixtures("berlin")
def test_local_times_have_their_offset() -> None:
    assert local("2026-03-02T08:00:00Z") == "2026-03-02 09:00"
    assert local_day("2026-07-01T22:30:05Z") == "Thu 2026-07-02 00:30:05"


@pytest.mark.parametrize(("share", "text"), [(0, "----"), (0.001, "#---"), (0.5, "##--"), (0.999, "###-"), (1, "####")])
def test_a_bar_is_full_only_when_all_is_done(share: float, text: str) -> None:
    assert bar(share, 4, blocks=False) == text
    assert bar(share, 4) == text.replace("#", "█").replace("-", "░")


CELLS = st.text("ab é漢字\u0301🙂[/", max_size=12).map(str.strip)
WIDTHS = st.lists(st.integers(1, 9), min_size=3, max_size=3).map(lambda sizes: dict(enumerate(sizes)))


@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=4), widths=WIDTHS, right=st.booleans())
def test_lines_are_those_of_a_table_of_rich(
    rows: list[tuple[str, str, str]], widths: dict[int, int], right: bool
) -> None:
    columns = [Column(title, lambda _: "", right=right) for title in ("ID", "Due", "漢字")]
    printed = []
    for make in (as_lines, as_table):
        stream = io.StringIO()
        Screen(stream, width=80).console().print(make([[(text, "") for text in row] for row in rows], columns, widths))
        printed.append(stream.getvalue())
    assert printed[0] == printed[1]
