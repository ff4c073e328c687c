"""What would have fired, by nominal instant, had somebody looked every second."""

import pytest
from stories import fired, policies, policy, rules


def ladder(on: str, *levels: str, more: str = "") -> str:
    """An escalation with levels such as `warn 80%` or `manager +1h repeat = { every = "4h", max = 3 }`."""
    toml = f'\n[[escalation]]\nid = "{on}"\non = "{on}"\n{more}\n'
    for level in levels:
        name, at, *rest = level.split(" ", 2)
        toml += f'[[escalation.level]]\nid = "{name}"\nat = "{at}"\nnote = "x"\n{" ".join(rest)}\n'
    return toml


STEPS = ladder("resolution", "warn 80%", "breach 0m", "manager +1h")
RULES = rules(resolution="5h", calendar="always", more=STEPS)
ALL = ["mon 13:00 resolution warn", "mon 14:00 resolution breach", "mon 15:00 resolution manager"]
OPENED = "mon 09:00 created"


def test_every_level_fires_at_its_nominal_instant() -> None:
    assert fired(OPENED, RULES, "tue 09:00") == ALL


@pytest.mark.parametrize(
    ("now", "count"),
    [("mon 12:59:59", 0), ("mon 13:00", 1), ("mon 14:00", 1), ("mon 14:00:01", 2), ("mon 15:00", 3)],
)
def test_warnings_are_inclusive_and_the_deadline_is_strict(now: str, count: int) -> None:
    assert fired(OPENED, RULES, now) == ALL[:count]


@pytest.mark.parametrize(
    ("stop", "count"),
    [("mon 13:00", 0), ("mon 13:00:01", 1), ("mon 14:00", 1), ("mon 14:00:01", 2), ("mon 15:00:01", 3)],
)
def test_what_came_before_the_stop_fired_though_it_is_resolved_now(stop: str, count: int) -> None:
    assert fired(f"{OPENED}\n{stop} status resolved", RULES, "fri 09:00") == ALL[:count]


def test_nothing_fires_while_paused_and_levels_come_after_the_pause() -> None:
    text = f"{OPENED}\nmon 12:00 status pending"
    assert fired(text, RULES, "tue 09:00") == []
    assert fired(f"{text}\nmon 15:00 status open", RULES, "tue 09:00") == [
        "mon 16:00 resolution warn",
        "mon 17:00 resolution breach",
        "mon 18:00 resolution manager",
    ]


def test_a_pause_after_the_deadline_does_not_count_either() -> None:
    text = f"{OPENED}\nmon 14:30 status pending\nmon 16:30 status open"
    assert fired(text, RULES, "tue 09:00")[2] == "mon 17:00 resolution manager"


def test_a_level_on_which_a_pause_begins_comes_after_it() -> None:
    text = f"{OPENED}\nmon 13:00 status pending\nmon 15:00 status open"
    assert fired(text, RULES, "mon 15:00") == ["mon 15:00 resolution warn"]


def test_repeats_go_on_until_their_number_or_the_stop() -> None:
    promised = rules(
        resolution="1h",
        calendar="always",
        more=ladder("resolution", 'manager +1h repeat = { every = "4h", max = 3 }'),
    )
    repeats = [f"{at} resolution manager{n}" for at, n in (("mon 11:00", ""), ("mon 15:00", "#1"), ("mon 19:00", "#2"))]
    assert fired(OPENED, promised, "fri 09:00") == [*repeats, "mon 23:00 resolution manager#3"]
    assert fired(f"{OPENED}\nmon 20:00 status resolved", promised, "fri 09:00") == repeats


def test_repeats_count_unpaused_calendar_time() -> None:
    promised = rules(resolution="1h", more=ladder("resolution", 'more 0m repeat = { every = "5h", max = 2 }'))
    assert fired(OPENED, promised, "fri 09:00") == [
        "mon 10:00 resolution more",
        "mon 15:00 resolution more#1",
        "tue 12:00 resolution more#2",
    ]


def test_wall_clock_ladders_run_at_night() -> None:
    steps = ladder("resolution", "breach 0m", "night +3h", more='clock = "wall"')
    assert fired(OPENED, rules(resolution="8h", more=steps), "tue 09:00") == [
        "mon 17:00 resolution breach",
        "mon 20:00 resolution night",
    ]


def test_a_persons_change_moves_the_ladder() -> None:
    both = policy("all", "", 'urgent = { resolution = "2h" }\ndefault = { resolution = "5h" }', "always")
    text = f"{OPENED}\nmon 10:00 priority urgent"
    assert fired(text, policies(both, STEPS), "tue 09:00") == [
        "mon 10:36 resolution warn",
        "mon 11:00 resolution breach",
        "mon 12:00 resolution manager",
    ]


def test_a_breach_that_a_change_makes_fires_with_its_nominal_instant_and_the_passed_warning_does_not() -> None:
    both = policy("all", "", 'urgent = { resolution = "2h" }\ndefault = { resolution = "5h" }', "always")
    text = f"{OPENED}\nmon 11:30 priority urgent"
    assert fired(text, policies(both, STEPS), "tue 09:00") == [
        "mon 11:00 resolution breach",
        "mon 12:00 resolution manager",
    ]


def test_a_warning_comes_again_when_a_person_moves_the_deadline_later() -> None:
    text = f"{OPENED}\nmon 13:30 due_set resolution mon 19:00"
    assert fired(text, RULES, "mon 18:00") == ["mon 13:00 resolution warn", "mon 17:00 resolution warn"]


def test_a_warning_comes_once_though_a_pause_moves_the_deadline_later() -> None:
    text = f"{OPENED}\nmon 13:30 status pending\nmon 16:30 status open"
    assert fired(text, RULES, "tue 09:00") == [
        "mon 13:00 resolution warn",
        "mon 17:00 resolution breach",
        "mon 18:00 resolution manager",
    ]


def test_a_later_deadline_that_is_missed_too_fires_every_level_again() -> None:
    text = f"{OPENED}\nmon 14:30 due_set resolution mon 20:00"
    again = ["mon 17:48 resolution warn", "mon 20:00 resolution breach", "mon 21:00 resolution manager"]
    assert fired(text, RULES, "tue 09:00") == [*ALL[:2], *again]


def test_a_breach_level_comes_once_for_a_deadline_that_was_moved_before_it_was_missed() -> None:
    text = f"{OPENED}\nmon 13:50 due_set resolution mon 20:00"
    assert [each for each in fired(text, RULES, "tue 09:00") if each.endswith("breach")] == [
        "mon 20:00 resolution breach"
    ]


def test_a_new_cycle_has_a_ladder_of_its_own() -> None:
    reset = rules(resolution="5h", calendar="always", settings='reopen = "reset"', more=STEPS)
    text = f"{OPENED}\nmon 14:30 status resolved\ntue 09:00 status open"
    assert fired(text, reset, "tue 14:30") == [*ALL[:2], "tue 13:00 resolution warn", "tue 14:00 resolution breach"]


def test_every_exchange_has_a_ladder_of_its_own() -> None:
    promised = rules(next_response="1h", calendar="always", more=ladder("next_response", "breach 0m"))
    text = (
        f"{OPENED}\nmon 09:30 agent_reply\nmon 10:00 customer_reply\nmon 12:00 agent_reply\n"
        "mon 13:00 customer_reply\nmon 13:30 agent_reply\nmon 14:00 customer_reply"
    )
    assert fired(text, promised, "tue 09:00") == ["mon 11:00 next_response breach", "mon 15:00 next_response breach"]


def test_a_level_asks_whether_it_is_still_so_when_it_fires() -> None:
    steps = ladder("resolution", "breach 0m", 'manager +1h when = { priority = ["urgent"] }')
    promised = rules(resolution="5h", calendar="always", more=steps)
    assert fired(OPENED, promised, "tue 09:00") == ALL[1:2]
    assert fired(f"{OPENED}\nmon 14:30 system priority urgent", promised, "tue 09:00") == ALL[1:]
    # It was decided when it fell due; what comes later does not bring it back.
    assert fired(f"{OPENED}\nmon 15:30 system priority urgent", promised, "tue 09:00") == ALL[1:2]


def test_a_ladder_is_for_the_tickets_it_names() -> None:
    steps = ladder("resolution", "breach 0m", more='when = { plan = ["gold"], priority = ["high", "urgent"] }')
    promised = rules(resolution="5h", calendar="always", more=steps)
    assert fired(f"{OPENED} plan=gold", promised, "tue 09:00") == []
    assert fired(f"{OPENED} plan=gold priority=high", promised, "tue 09:00") == ALL[1:2]


def test_a_ladder_that_is_meant_only_later_fires_then_with_its_nominal_instant() -> None:
    steps = ladder("unassigned", "grab +10m", more='when = { priority = ["urgent"] }')
    promised = rules(resolution="5h", calendar="always", more=steps)
    text = f"{OPENED}\nmon 12:00 priority urgent"
    assert fired(text, promised, "mon 11:59:59") == []
    assert fired(text, promised, "mon 12:00") == ["mon 09:10 unassigned grab"]


def test_while_acknowledged_nothing_fires_and_what_came_does_afterwards() -> None:
    text = f"{OPENED}\nmon 13:30 acknowledged mon 16:00"
    assert fired(text, RULES, "mon 15:59:59") == ALL[:1]
    assert fired(text, RULES, "mon 16:00") == ALL
    assert fired(f"{text}\nmon 15:30 unacknowledged", RULES, "mon 15:30") == ALL


def test_a_warning_that_passed_during_an_acknowledgement_does_not_fire() -> None:
    text = f"{OPENED}\nmon 12:30 acknowledged mon 14:30"
    assert fired(text, RULES, "tue 09:00") == ALL[1:]


def test_what_came_while_acknowledged_and_was_done_meanwhile_does_not_fire() -> None:
    text = f"{OPENED}\nmon 13:30 acknowledged mon 16:00\nmon 15:30 status resolved"
    assert fired(text, RULES, "tue 09:00") == ALL[:1]


def test_conditions_have_ladders_too() -> None:
    steps = ladder("unassigned", "grab +10m") + ladder("created", "old +2h")
    steps += ladder("idle", "nudge 0m", "again +1h", more='idle = { for = "8h" }')
    promised = rules(calendar="always", resolution="99h", more=steps)
    text = f"{OPENED}\nmon 10:00 assigned ann\nmon 11:00 agent_reply\nmon 20:30 assigned null"
    assert fired(text, promised, "tue 09:00") == [
        "mon 09:10 unassigned grab",
        "mon 11:00 created old",
        "mon 19:00 idle nudge",
        "mon 20:00 idle again",
        "mon 20:40 unassigned grab",
    ]


def test_ladders_that_idle_differently_count_the_same_quiet() -> None:
    steps = ladder("idle", "nudge 0m", more='idle = { for = "2h" }')
    steps += ladder("idle", "nudge 0m", more='idle = { for = "4h" }').replace('id = "idle"', 'id = "long"', 1)
    promised = rules(calendar="always", resolution="99h", more=steps)
    text = f"{OPENED} assignee=ann\nmon 12:00 note"
    assert fired(text, promised, "tue 09:00") == [
        "mon 11:00 idle nudge",
        "mon 14:00 idle nudge",
        "mon 16:00 long nudge",
    ]


def test_a_deadline_set_by_hand_that_passes_in_a_pause_fires_at_once() -> None:
    text = f"{OPENED}\nmon 10:00 due_set resolution mon 12:00\nmon 11:00 status pending"
    assert "mon 12:00 resolution breach" not in fired(text, RULES, "mon 12:00")
    assert "mon 12:00 resolution breach" in fired(text, RULES, "mon 12:00:01")


def test_a_deadline_on_closing_time_in_a_pause_fires_once_the_clock_runs_again() -> None:
    promised = rules(resolution="8h", more=ladder("resolution", "breach 0m"))
    text = f"{OPENED}\nmon 17:00 status pending"
    assert fired(text, promised, "tue 08:00") == []
    assert fired(f"{text}\ntue 08:30 status open", promised, "tue 09:00") == ["mon 17:00 resolution breach"]


def test_several_ladders_on_one_deadline_are_told_in_order_of_time() -> None:
    other = ladder("resolution", "later +30m", "early 50%").replace('id = "resolution"', 'id = "other"', 1)
    promised = rules(resolution="5h", calendar="always", more=STEPS + other)
    assert fired(OPENED, promised, "tue 09:00") == [
        "mon 11:30 other early",
        *ALL[:2],
        "mon 14:30 other later",
        ALL[2],
    ]


DAILY = ladder("resolution", "breach 0m", "day +1bd")


def test_a_level_in_business_days_after_a_deadline_by_hand_does_not_wait_for_a_pause() -> None:
    text = f"{OPENED}\nmon 09:30 due_set resolution mon 12:00\nmon 13:00 status pending"
    assert fired(text, rules(resolution="8h", more=DAILY), "tue 13:00") == [
        "mon 12:00 resolution breach",
        "tue 12:00 resolution day",
    ]


def test_a_level_in_business_days_never_comes_before_its_deadline() -> None:
    """The hours that begin on Wednesday are over before the night that began on Tuesday."""
    nights = '[calendars.nights]\ntimezone = "UTC"\nweekly = { mon-sun = ["22:00-06:00"] }\n'
    nights += 'dates = { "2026-03-04" = ["01:00-04:15"] }\n'
    promised = policies(policy("all", "", 'default = { resolution = "7h" }', "nights"), nights, DAILY)
    assert fired("tue 22:00 created", promised, "wed 12:00") == [
        "wed 05:00 resolution breach",
        "wed 05:00 resolution day",
    ]
