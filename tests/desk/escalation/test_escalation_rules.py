"""What an escalation is: each rule as one test, through the commands that people and cron type."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import at, came, check, ladder, opened, policy, rows, said, ticket, told, write_rules
from freezegun.api import FrozenDateTimeFactory

from slactl.clock import now
from slactl.config import resolve
from slactl.desk.ledger.desk import Desk

Clock = FrozenDateTimeFactory

LONG = policy(resolution="10h")
STEPS = ladder("resolution", "warn 80%", "breach 0m", "manager +1h")


pytestmark = pytest.mark.usefixtures("clock")


def test_firing_once_hangs_on_a_unique_key_and_not_on_who_looked(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    opened(slactl)
    at(clock, "21:00:00")
    assert came(slactl) == ["warn expired", "breach fired", "manager fired"]
    row = rows(desk, "SELECT * FROM escalation WHERE level = 'breach'")[0]
    with sqlite3.connect(desk) as connection, pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        connection.execute(f"INSERT INTO escalation VALUES (99, {', '.join('?' * (len(row) - 1))})", row[1:])


def test_a_hundred_runs_at_the_same_instant_fire_once(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    opened(slactl)
    at(clock, "21:00:00")
    assert sum(len(came(slactl)) for _ in range(100)) == 3
    assert len(rows(desk, "SELECT 1 FROM run")) == 100


def test_offsets_are_a_share_before_at_or_after_the_deadline(desk: Path, slactl: Slactl, clock: Clock) -> None:
    levels = ("half 50%", "before -30m", "at 0m", "after +1h", "double 200%")
    write_rules(desk, LONG, ladder("resolution", *levels))
    number = opened(slactl)
    for time, expected in (
        ("13:59:59", []),
        ("14:00:00", ["half fired"]),
        ("18:30:00", ["before fired"]),
        ("19:00:00", []),  # on the deadline nothing is late yet
        ("19:00:01", ["at fired"]),
        ("19:59:59", []),
        ("20:00:00", ["after fired"]),
    ):
        at(clock, time)
        assert came(slactl) == expected, time
    at(clock, "05:00:00", day=3)
    assert came(slactl) == ["double fired"]
    due = [escalation["due_at"][11:16] for escalation in ticket(slactl, number)["escalations"]]
    assert due == ["14:00", "18:30", "19:00", "20:00", "05:00"]


def test_offsets_run_on_the_tickets_calendar(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy("office", resolution="7h"), ladder("resolution", "warn -30m", "manager +2h"))
    opened(slactl)
    at(clock, "15:29:59")
    assert came(slactl) == []
    at(clock, "15:30:00")
    assert came(slactl) == ["warn fired"]
    at(clock, "09:59:59", day=3)  # due at 16:00; one hour until closing time, one more the next morning
    assert came(slactl) == []
    at(clock, "10:00:00", day=3)
    assert came(slactl) == ["manager fired"]


def test_offsets_run_on_the_wall_clock_where_the_ladder_says_so(desk: Path, slactl: Slactl, clock: Clock) -> None:
    steps = ladder("resolution", "warn -30m", "manager +2h", more='clock = "wall"')
    write_rules(desk, policy("office", resolution="7h"), steps)
    opened(slactl)
    at(clock, "15:30:00")
    assert came(slactl) == ["warn fired"]
    at(clock, "17:59:59")
    assert came(slactl) == []
    at(clock, "18:00:00")
    assert came(slactl) == ["manager fired"]


def test_paused_time_does_not_count_after_the_deadline_either(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    at(clock, "19:00:01")
    assert came(slactl) == ["warn expired", "breach fired"]
    at(clock, "19:30:00")
    slactl("status", number, "pending")
    at(clock, "23:30:00")
    assert came(slactl) == []
    slactl("status", number, "open")
    at(clock, "23:59:59")
    assert came(slactl) == []
    at(clock, "00:00:00", day=3)
    assert came(slactl) == ["manager fired"]


def test_a_level_keeps_when_it_was_due_and_when_it_fired(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    opened(slactl)
    at(clock, "20:07:00")
    last = check(slactl)["firings"][-1]
    assert (last["due_at"], last["fired_at"]) == ("2026-03-02T20:00:00Z", "2026-03-02T20:07:00Z")


def test_a_level_repeats_as_often_as_it_says(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, ladder("resolution", 'manager +1h note = "late"; repeat = { every = "1h", max = 2 }'))
    opened(slactl)
    fired = []
    for hour in (20, 21, 22, 23):
        at(clock, f"{hour}:30:00")
        fired += came(slactl)
    assert fired == ["manager fired", "manager#1 fired", "manager#2 fired"]


def test_missed_repeats_are_each_on_the_record_and_told_once(desk: Path, slactl: Slactl, clock: Clock) -> None:
    level = 'manager +1h notify = ["manager"]; repeat = { every = "1h", max = 9 }'
    write_rules(desk, LONG, ladder("resolution", level))
    opened(slactl)
    at(clock, "23:30:00")
    assert came(slactl) == ["manager fired", "manager#1 fired", "manager#2 fired", "manager#3 fired"]
    assert len(told(desk)) == 1


def test_a_level_asks_when_it_fires_whether_it_is_still_so(desk: Path, slactl: Slactl, clock: Clock) -> None:
    steps = ladder("resolution", 'one +1h when = { priority = ["low"] }', 'two +2h when = { priority = ["urgent"] }')
    write_rules(desk, LONG, steps)
    number = opened(slactl, "--priority", "low")
    at(clock, "20:30:00")
    slactl("priority", number, "urgent")
    at(clock, "21:00:00")
    assert came(slactl) == ["one skipped", "two fired"]
    slactl("priority", number, "low")
    at(clock, "22:00:00")
    assert came(slactl) == []  # it was decided when it fell due


def test_a_level_that_raises_the_priority_lets_the_next_one_match(desk: Path, slactl: Slactl, clock: Clock) -> None:
    steps = ladder(
        "resolution", 'raise 0m priority = "urgent"', 'then +1m when = { priority = ["urgent"] }; tag = ["x"]'
    )
    write_rules(desk, LONG, steps)
    opened(slactl)
    at(clock, "21:00:00")
    assert came(slactl) == ["raise fired", "then fired"]


@pytest.mark.parametrize(("before", "events"), [("normal", 1), ("high", 0), ("urgent", 0)])
def test_a_level_writes_an_event_only_where_it_raises_the_priority(
    desk: Path, slactl: Slactl, clock: Clock, before: str, events: int
) -> None:
    write_rules(desk, LONG, ladder("resolution", 'raise 0m priority = "high"; tag = ["x"]'))
    number = opened(slactl, "--priority", before)
    at(clock, "21:00:00")
    assert came(slactl) == ["raise fired"]
    assert rows(desk, "SELECT count(*) FROM event WHERE action = 'ticket.priority'") == [(events,)]
    after = "high" if events else before
    assert rows(desk, "SELECT from_priority, to_priority FROM escalation") == [(before, after)]
    assert json.loads(slactl("show", number, "--json").out)["priority"] == after


def test_warnings_come_again_only_when_a_person_moved_the_deadline_later(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    at(clock, "17:00:00")
    assert came(slactl) == ["warn fired"]
    slactl("due", number, "--target", "resolution", "--at", "2026-03-02T18:00:00Z", "--reason", "sooner")
    at(clock, "17:30:00")
    assert came(slactl) == []
    slactl("due", number, "--target", "resolution", "--at", "2026-03-03T05:00:00Z", "--reason", "agreed")
    at(clock, "00:59:00", day=3)
    assert came(slactl) == []
    at(clock, "01:00:00", day=3)  # 80 % of 20 hours
    assert came(slactl) == ["warn fired"]
    assert rows(desk, "SELECT arming FROM escalation WHERE level = 'warn' ORDER BY id") == [(0,), (1,)]


TWO_PROMISES = LONG.replace("default = {", 'urgent = { resolution = "1h" }\ndefault = {')


def test_warnings_come_again_when_a_person_gave_a_later_deadline_by_the_priority(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, TWO_PROMISES, STEPS)
    number = opened(slactl, "--priority", "urgent")
    at(clock, "09:48:00")
    assert came(slactl) == ["warn fired"]
    slactl("priority", number, "normal")
    at(clock, "17:00:00")
    assert came(slactl) == ["warn fired"]


def test_warnings_come_again_when_other_rules_gave_a_later_deadline(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(resolution="1h"), STEPS)
    opened(slactl)
    at(clock, "09:48:00")
    assert came(slactl) == ["warn fired"]
    write_rules(desk, LONG, STEPS)
    assert slactl("rules", "apply", "--yes").code == 0
    at(clock, "17:00:00")
    assert came(slactl) == ["warn fired"]


def test_a_pause_moves_the_deadline_and_warnings_do_not_come_again(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    at(clock, "17:00:00")
    assert came(slactl) == ["warn fired"]
    slactl("status", number, "pending")
    at(clock, "09:00:00", day=3)
    slactl("status", number, "open")
    at(clock, "10:59:00", day=3)
    assert came(slactl) == []


def test_a_later_deadline_that_is_missed_too_is_noticed_and_fires_every_level_again(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    at(clock, "19:30:00")
    assert came(slactl) == ["warn expired", "breach fired"]
    slactl("due", number, "--target", "resolution", "--at", "2026-03-03T05:00:00Z", "--reason", "agreed")
    at(clock, "05:30:00", day=3)
    assert came(slactl) == ["warn expired", "breach fired"]
    at(clock, "06:00:00", day=3)
    assert came(slactl) == ["manager fired"]
    assert came(slactl) == []
    breaches = rows(desk, "SELECT breached_at, detected_at FROM breach_view ORDER BY 1")
    assert breaches == [
        ("2026-03-02T19:00:00Z", "2026-03-02T19:30:00Z"),
        ("2026-03-03T05:00:00Z", "2026-03-03T05:30:00Z"),
    ]


def test_a_breach_level_comes_once_for_a_deadline_that_moves_before_it_is_missed(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    for day in (3, 4):
        due = f"2026-03-0{day}T05:00:00Z"
        assert slactl("due", number, "--target", "resolution", "--at", due, "--reason", "agreed").code == 0
    at(clock, "05:30:00", day=4)
    assert came(slactl) == ["warn expired", "breach fired"]
    assert len(rows(desk, "SELECT * FROM breach_view")) == 1


def test_a_reset_resolution_is_a_new_cycle_with_a_ladder_of_its_own(desk: Path, slactl: Slactl, clock: Clock) -> None:
    reset = LONG.replace('calendar = "always"', 'calendar = "always"\nreopen = "reset"')
    write_rules(desk, reset, ladder("resolution", "breach 0m"))
    number = opened(slactl)
    at(clock, "20:00:00")
    assert came(slactl) == ["breach fired"]
    slactl("resolve", number)
    at(clock, "21:00:00")
    slactl("reopen", number)
    at(clock, "07:00:01", day=3)
    assert came(slactl) == ["breach fired"]


def test_ladders_are_those_of_the_current_file_and_deadlines_those_of_the_pinned_one(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    write_rules(desk, policy(resolution="1h"), STEPS.replace('"+1h"', '"+30m"'))
    at(clock, "12:00:00")
    assert came(slactl) == []
    assert ticket(slactl, number)["resolution_due_at"] == "2026-03-02T19:00:00Z"
    at(clock, "19:30:00")
    assert came(slactl)[-1] == "manager fired"


def test_another_rules_file_has_every_next_instant_computed_anew(
    desk: Path, slactl: Slactl, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slactl.desk.escalation import due as ladders

    monkeypatch.setattr(ladders, "BATCH", 2)
    write_rules(desk, LONG, STEPS)
    numbers = [opened(slactl) for _ in range(5)]
    check(slactl)
    write_rules(desk, LONG, STEPS.replace('"80%"', '"50%"'))
    at(clock, "14:00:00")
    assert [firing["ticket_id"] for firing in check(slactl)["firings"]] == [int(number) for number in numbers]
    assert ticket(slactl, numbers[0])["next_level_at"] == "2026-03-02T19:00:00Z"


def test_rules_that_are_edited_while_next_instants_are_computed_are_used_for_all(
    desk: Path, slactl: Slactl, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slactl.desk.escalation import due as ladders
    from slactl.desk.ledger.ledger import Ledger, ledger

    monkeypatch.setattr(ladders, "BATCH", 2)
    write_rules(desk, LONG, STEPS)
    for _ in range(5):
        opened(slactl)
    drafts = [STEPS.replace('"80%"', share) for share in ('"50%"', '"60%"', '"70%"')]

    @contextmanager
    def turn() -> Iterator[Ledger]:
        if drafts:
            write_rules(desk, LONG, drafts.pop(0))
        with ledger(Desk.of(resolve(os.environ)), now()) as book:
            yield book

    ladders.refresh(turn)
    assert rows(desk, "SELECT DISTINCT next_level_at FROM ticket") == [("2026-03-02T16:00:00Z",)]


def test_going_back_to_the_rules_of_the_last_run_is_noticed_too(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    check(slactl)
    write_rules(desk, LONG, ladder("resolution", "manager +1h"))
    opened(slactl)  # its next instants are computed with the rules of this minute
    write_rules(desk, LONG, STEPS)
    at(clock, "17:00:00")
    assert came(slactl) == ["warn fired"]


def test_a_condition_fires_in_each_of_its_episodes(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, ladder("unassigned", "grab +10m"))
    number = opened(slactl)
    at(clock, "09:09:59")
    assert came(slactl) == []
    at(clock, "09:10:00")
    assert came(slactl) == ["grab fired"]
    slactl("assign", number, "--to", "joe")
    at(clock, "10:00:00")
    assert came(slactl) == []
    slactl("assign", number, "--none")
    at(clock, "10:10:00")
    assert came(slactl) == ["grab fired"]
    assert rows(desk, "SELECT cycle FROM escalation ORDER BY id") == [(1,), (2,)]


def test_a_condition_that_ended_before_anybody_looked_fires_nothing(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, ladder("unassigned", "grab +10m"))
    number = opened(slactl)
    at(clock, "10:00:00")
    slactl("assign", number, "--to", "joe")
    assert came(slactl) == []


def test_idle_begins_anew_with_each_act_of_an_agent_and_not_of_the_customer(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, policy(resolution="90h"), ladder("idle", "nudge 0m", more='idle = { for = "2h" }'))
    number = opened(slactl, "--assignee", "joe")
    at(clock, "10:00:00")
    slactl("receive", number, "--body", "anybody there?")
    at(clock, "11:00:00")
    assert came(slactl) == ["nudge fired"]
    at(clock, "12:00:00")
    slactl("note", number, "--body", "looking into it")
    at(clock, "13:59:59")
    assert came(slactl) == []
    at(clock, "14:00:00")
    assert came(slactl) == ["nudge fired"]


def test_what_slactl_itself_does_ends_no_quiet_spell(desk: Path, slactl: Slactl, clock: Clock) -> None:
    steps = ladder("idle", 'nudge 0m note = "still?"', "again +1h", more='idle = { for = "2h" }')
    write_rules(desk, policy(resolution="90h"), steps)
    opened(slactl, "--assignee", "joe")
    at(clock, "11:00:00")
    assert came(slactl) == ["nudge fired"]
    at(clock, "12:00:00")
    assert came(slactl) == ["again fired"]


def test_a_burst_is_the_third_open_ticket_of_one_requester(desk: Path, slactl: Slactl, clock: Clock) -> None:
    steps = ladder("burst", "look 0m", more='burst = { count = 3, within = "1h" }')
    write_rules(desk, policy(resolution="90h"), steps)
    opened(slactl)
    opened(slactl, who="other@example.com")
    done = opened(slactl)
    slactl("resolve", done)
    at(clock, "09:20:00")
    opened(slactl, who="Ann@Example.com")  # an address is the same however it is capitalised
    assert came(slactl) == []
    third = opened(slactl)
    fourth = opened(slactl)
    assert [firing["ticket_id"] for firing in check(slactl)["firings"]] == [int(third)]
    assert int(fourth) not in {row[0] for row in rows(desk, "SELECT ticket_id FROM escalation")}
    at(clock, "12:00:00")
    opened(slactl)
    assert came(slactl) == []


def test_bursts_in_an_imported_history_fire_too(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(resolution="90h"), ladder("burst", "look 0m", more='burst = { count = 3, within = "1h" }'))
    lines = [
        json.dumps(
            {"ticket": f"T-{n}", "type": "created", "at": f"2026-03-02T08:{n}0:00Z", "requester_email": "a@b.de"}
        )
        for n in range(4)
    ]
    assert slactl("import", "-", stdin="\n".join(lines)).code == 0
    assert [firing["ticket_id"] for firing in check(slactl)["firings"]] == [3]


RETRACTED_LINES = [
    *({"ticket": name, "type": "created", "at": f"2026-03-02T08:{name}:00Z"} for name in ("00", "10", "20")),
    {"ticket": "00", "type": "status", "at": "2026-03-02T08:02:00Z", "status": "resolved", "id": "done"},
]


@pytest.mark.parametrize(
    ("instant", "begun"),
    [("08:05:00", ["20"]), ("08:20:00", ["20"]), ("08:20:01", [])],  # the third ticket is opened at 08:20:00
)
def test_a_retracted_status_counts_for_no_burst_once_it_is_retracted(
    desk: Path, slactl: Slactl, instant: str, begun: list[str]
) -> None:
    write_rules(desk, policy(resolution="90h"), ladder("burst", "look 0m", more='burst = { count = 3, within = "1h" }'))
    retraction = {"ticket": "00", "type": "retracted", "at": f"2026-03-02T{instant}Z", "events": ["done"]}
    lines = [
        json.dumps({**line, "requester_email": "a@b.de"} if line["type"] == "created" else line)
        for line in (*RETRACTED_LINES, retraction)
    ]
    simulated = slactl(
        "simulate", "-", "--format", "jsonl", "--rules", str(desk.with_name("rules.toml")), stdin="\n".join(lines)
    )
    assert [each["ticket"] for each in map(json.loads, simulated.lines) if each["firings"]] == begun
    assert slactl("import", "-", stdin="\n".join(lines)).code == 0
    assert [firing["ticket_id"] for firing in check(slactl)["firings"]] == [3 for _ in begun]


def test_created_counts_from_the_opening(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(resolution="90h"), ladder("created", "old +2h"))
    opened(slactl)
    at(clock, "11:00:00")
    assert came(slactl) == ["old fired"]


def test_nothing_fires_for_a_ticket_that_is_done(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS, ladder("unassigned", "grab +10m"), ladder("created", "old +2h"))
    for deed in ("resolve", "close"):
        slactl(deed, opened(slactl))
    at(clock, "09:00:00", day=9)
    assert came(slactl) == []


def test_nothing_fires_while_acknowledged_and_what_was_due_by_then_afterwards(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG, STEPS, ladder("unassigned", "grab +10m"))
    number = opened(slactl)
    slactl("ack", number, "--for", "11h")
    at(clock, "19:30:00")
    found = check(slactl)
    assert (found["firings"], found["breached"]) == ([], 1)  # that it is late is a fact all the same
    at(clock, "20:00:00")
    assert came(slactl) == ["grab fired", "warn expired", "breach fired", "manager fired"]


def test_unack_lets_the_ladder_go_on_at_once(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    slactl("ack", number, "--for", "24h")
    at(clock, "19:30:00")
    assert came(slactl) == []
    slactl("unack", number)
    assert came(slactl) == ["warn expired", "breach fired"]
    assert slactl("unack", number).code == 5


def test_nothing_fires_for_a_paused_clock(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    at(clock, "10:00:00")
    slactl("status", number, "waiting_customer")
    at(clock, "10:00:00", day=9)
    assert came(slactl) == []
    assert ticket(slactl, number)["next_level"] is None


def test_a_target_met_late_between_two_runs_is_a_breach_with_expired_levels(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG, STEPS)
    number = opened(slactl)
    at(clock, "20:30:00")
    slactl("resolve", number)
    found = check(slactl)
    assert [said(firing) for firing in found["firings"]] == ["warn expired", "breach expired", "manager expired"]
    assert (found["breached"], found["escalated"], found["notified"]) == (1, 0, 0)
    assert told(desk) == []
    assert ticket(slactl, number)["escalated"] is False
    assert came(slactl) == []


def test_a_level_that_changes_nothing_is_recorded_once(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, ladder("resolution", 'take 0m priority = "high"; assign = "manager"; tag = ["x"]'))
    number = opened(slactl, "--priority", "urgent", "--assignee", "mia", "--tag", "x")
    at(clock, "20:00:00")
    (firing,) = check(slactl)["firings"]
    assert (firing["from_priority"], firing["to_priority"]) == ("urgent", "urgent")
    assert (firing["from_assignee"], firing["to_assignee"]) == ("mia", "mia")
    actions = [event["action"] for event in ticket(slactl, number)["events"]]
    assert actions.count("ticket.escalate") == 1
    assert not {"ticket.priority", "ticket.assign", "ticket.tags"} & set(actions)
    assert came(slactl) == []


def test_after_six_hours_every_level_is_applied_in_order_and_each_person_told_of_the_highest(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    steps = ladder(
        "resolution",
        'warn 80% notify = ["joe", "manager"]',
        'breach 0m priority = "high"; notify = ["joe", "manager"]',
        'lead +1h priority = "urgent"; notify = ["manager"]',
        'take +2h assign = "manager"; note = "taken over"; tag = ["late"]; notify = ["assignee", "previous_assignee"]',
    )
    write_rules(desk, LONG, steps)
    number = opened(slactl, "--assignee", "joe")
    at(clock, "01:00:00", day=3)
    assert came(slactl) == ["warn expired", "breach fired", "lead fired", "take fired"]
    assert told(desk) == [("manager", "lead"), ("mia", "take"), ("joe", "take")]
    found = ticket(slactl, number)
    assert (found["priority"], found["assignee"], found["tags"]) == ("urgent", "mia", ["late"])
    assert [message["body"] for message in found["messages"]] == ["taken over"]
    assert found["escalation_level"] == 3


def test_a_warning_never_takes_the_place_of_a_breach_in_what_a_person_is_told(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    steps = ladder("first_response", "late 0m"), ladder("resolution", "warn 50%")
    write_rules(desk, policy(first_response="1h", resolution="4h"), *steps)
    opened(slactl)
    at(clock, "11:30:00")
    assert came(slactl) == ["late fired", "warn fired"]
    assert told(desk) == [("manager", "late")]


def test_a_level_that_appears_later_does_not_fire_for_the_past(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, ladder("resolution", "breach 0m"))
    opened(slactl)
    at(clock, "20:30:00")
    assert came(slactl) == ["breach fired"]
    write_rules(desk, LONG, ladder("resolution", "breach 0m", "manager +1h", "director +2h"))
    assert came(slactl) == ["manager baseline"]
    at(clock, "21:00:00")
    assert came(slactl) == ["director fired"]


def test_an_escalation_that_appears_later_does_not_fire_for_the_past(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG)
    opened(slactl)
    at(clock, "09:30:00")
    assert came(slactl) == []
    at(clock, "10:00:00")
    write_rules(desk, LONG, ladder("unassigned", "grab +10m", "again +2h"))
    at(clock, "10:05:00")
    opened(slactl)
    at(clock, "10:20:00")
    assert came(slactl) == ["grab baseline", "grab fired"]  # no check knew the second ticket
    at(clock, "11:00:00")
    assert came(slactl) == ["again fired"]


def test_an_escalation_that_comes_before_the_first_check_fires(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG)
    opened(slactl)
    at(clock, "10:00:00")
    write_rules(desk, LONG, ladder("unassigned", "grab +10m"))
    assert came(slactl) == ["grab fired"]


def test_lists_and_explanations_announce_no_level_that_is_older_than_its_rule(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG)
    number = opened(slactl)
    at(clock, "10:00:00")
    assert came(slactl) == []
    write_rules(desk, LONG, ladder("unassigned", "grab +10m", "again +2h"))
    noted = json.loads(slactl("note", number, "--body", "still here", "--json").out)
    assert (noted["next_level"], noted["next_level_at"]) == ("again", "2026-03-02T11:00:00Z")
    assert came(slactl) == ["grab baseline"]
    [listed] = json.loads(slactl("list", "--json").out)
    assert (listed["next_level"], listed["next_level_at"]) == ("again", "2026-03-02T11:00:00Z")


def test_a_first_import_fires_and_with_baseline_does_not(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    line = '{"ticket": "%s", "at": "2026-03-01T09:00:00Z", "type": "created"}'
    assert slactl("import", "-", stdin=line % "A").code == 0
    assert slactl("import", "-", "--baseline", stdin=line % "B").code == 0
    assert came(slactl) == ["warn expired", "breach fired", "manager fired"]
    assert {row[0] for row in rows(desk, "SELECT outcome FROM escalation WHERE ticket_id = 2")} == {"baseline"}


def test_a_check_with_baseline_records_what_is_due_and_wakes_nobody(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, STEPS)
    opened(slactl)
    at(clock, "21:00:00")
    assert came(slactl, "--baseline", "--dry-run") == ["warn baseline", "breach baseline", "manager baseline"]
    assert came(slactl, "--baseline") == ["warn baseline", "breach baseline", "manager baseline"]
    assert (told(desk), came(slactl)) == ([], [])


def test_a_level_that_reaches_nobody_goes_to_the_fallback_and_says_so(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, ladder("resolution", 'breach 0m notify = ["assignee"]', more='fallback = "dispatch"'))
    number = opened(slactl)
    at(clock, "20:00:00")
    dry = check(slactl, "--dry-run")["firings"]
    assert [(firing["told"], firing["fallback"]) for firing in dry] == [(["dispatch"], "dispatch")]
    assert "notifies dispatch because the ticket has no assignee" in slactl("check").out
    assert told(desk) == [("dispatch", "breach")]
    (event,) = [event for event in ticket(slactl, number)["events"] if event["action"] == "ticket.escalate"]
    assert event["detail"]["fallback"] == "dispatch"


def test_a_level_that_reaches_somebody_leaves_the_fallback_alone(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, LONG, ladder("resolution", 'breach 0m notify = ["assignee"]', more='fallback = "dispatch"'))
    opened(slactl, "--assignee", "joe")
    at(clock, "20:00:00")
    assert check(slactl)["firings"][0]["fallback"] is None
    assert told(desk) == [("joe", "breach")]


def test_one_broken_ticket_does_not_stop_the_run_and_is_tried_an_hour_later(
    desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG, STEPS)
    broken, sound = opened(slactl), opened(slactl)
    with sqlite3.connect(desk) as connection:
        connection.execute("DROP TRIGGER event_never_changes")
        connection.execute(
            "UPDATE event SET detail = json_set(detail, '$.rules', 'gone') WHERE ticket_id = ?", (broken,)
        )
    at(clock, "19:30:00")
    result = slactl("check", "--json")
    found = json.loads(result.out)
    assert (result.code, found["failed"], found["scanned"]) == (7, 1, 2)
    assert {firing["ticket_id"] for firing in found["firings"]} == {int(sound)}
    assert f"ticket {broken}: " in result.err
    at(clock, "20:29:59")
    assert check(slactl)["failed"] == 0
    at(clock, "20:30:00")
    assert check(slactl, code=7)["failed"] == 1


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE event SET at = '2026-99-99T99:99:99Z' WHERE ticket_id = 2",  # cannot be read with the others
        "CREATE TRIGGER no BEFORE INSERT ON escalation WHEN NEW.ticket_id = 2 BEGIN SELECT RAISE(ABORT, 'no'); END",
    ],
)
def test_a_ticket_that_cannot_be_read_or_written_does_not_keep_its_batch_from_it(
    harm: str, desk: Path, slactl: Slactl, clock: Clock
) -> None:
    write_rules(desk, LONG, STEPS)
    for _ in range(3):
        opened(slactl)
    with sqlite3.connect(desk) as connection:
        connection.execute("DROP TRIGGER event_never_changes")
        connection.execute(harm)
    at(clock, "21:00:00")
    for options in (("--dry-run",), ()):
        found = check(slactl, *options, code=7)
        assert (found["failed"], found["scanned"], found["escalated"]) == (1, 3, 4)
        assert {firing["ticket_id"] for firing in found["firings"]} == {1, 3}
    assert check(slactl)["scanned"] == 0


def test_an_invalid_rules_file_does_not_stop_the_night(desk: Path, slactl: Slactl, clock: Clock) -> None:
    path = write_rules(desk, LONG, STEPS)
    opened(slactl)
    check(slactl)
    path.write_text("schema = 1\n[[escalation]]\nid = 'x'\n")
    at(clock, "21:00:00")
    result = slactl("check", "--json")
    assert result.code == 4
    assert [said(firing) for firing in json.loads(result.out)["firings"]] == [
        "warn expired",
        "breach fired",
        "manager fired",
    ]
    assert "rules.toml:2: " in result.err
    assert "the last valid rules are used" in result.err
    assert slactl("check", "-q").code == 4  # until it is mended
    write_rules(desk, LONG, STEPS)
    assert slactl("check", "-q").code == 0


def test_a_priority_raised_by_an_escalation_moves_no_deadline(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, TWO_PROMISES, ladder("unassigned", 'grab +10m priority = "urgent"'))
    number = opened(slactl)
    at(clock, "09:10:00")
    assert came(slactl) == ["grab fired"]
    found = ticket(slactl, number)
    assert (found["priority"], found["resolution_due_at"]) == ("urgent", "2026-03-02T19:00:00Z")
    slactl("priority", number, "high")  # a person's change does
    slactl("priority", number, "urgent")
    assert ticket(slactl, number)["resolution_due_at"] == "2026-03-02T10:00:00Z"


def test_a_level_for_which_the_calendar_has_no_time_left_never_comes(desk: Path, slactl: Slactl, clock: Clock) -> None:
    once = '[calendars.once]\n[calendars.once.dates]\n"2026-03-02" = ["09:00-12:00"]\n'
    write_rules(desk, once + policy("once", resolution="2h"), ladder("resolution", "breach 0m", "manager +5h"))
    number = opened(slactl)
    at(clock, "09:00:00", day=9)
    assert came(slactl) == ["breach fired"]
    assert ticket(slactl, number)["next_level"] is None
    assert came(slactl) == []


def test_a_backdated_answer_takes_back_no_escalation_that_fired(desk: Path, slactl: Slactl, clock: Clock) -> None:
    write_rules(desk, policy(first_response="1h"), ladder("first_response", 'breach 0m priority = "high"'))
    number = opened(slactl)
    at(clock, "11:00:00")
    assert came(slactl) == ["breach fired"]
    slactl("reply", number, "--no-body", "--at", "2026-03-02T09:30:00Z", "--reason", "answered by phone")
    found = ticket(slactl, number)
    assert (found["ever_breached"], found["priority"], len(found["escalations"])) == (False, "high", 1)
    assert came(slactl) == []
