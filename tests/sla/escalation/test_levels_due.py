"""What a run finds due, what it makes of it, and when there is something to do next."""

from collections.abc import Sequence

from stories import due_now, judged, policies, policy, rules, said, when
from test_levels_what_if import ladder

from slactl.sla.enums import Condition, Target
from slactl.sla.escalation.levels import FiringKey, due_levels, next_instant
from slactl.sla.escalation.upcoming import next_level
from slactl.sla.rules.rules import Rules

RULES = rules(
    resolution="5h", calendar="always", more=ladder("resolution", "early 50%", "warn 80%", "breach 0m", "manager +1h")
)
OPENED = "mon 09:00 created"
EARLY, WARN, BREACH, MANAGER = (
    FiringKey("resolution", 1, "resolution", level, 0, 0) for level in ("early", "warn", "breach", "manager")
)


def following(
    text: str,
    now: str,
    *decided: FiringKey,
    promised: Rules = RULES,
    detected: Sequence[int] = (),
    kind: Target | Condition = Target.RESOLUTION,
) -> str | None:
    """When there is something to do next about the last timer of a kind."""
    evaluation = judged(text, promised, now)
    timer = [each for each in evaluation.timers if each.kind == kind][-1]
    return said(next_instant(evaluation, timer, promised, set(decided), detected))


def test_what_has_come_is_due_until_it_is_decided() -> None:
    assert due_now(OPENED, RULES, "mon 11:29:59") == {}
    assert due_now(OPENED, RULES, "mon 11:30") == {"early": "fired"}
    assert due_now(OPENED, RULES, "mon 11:30", [EARLY]) == {}


def test_catching_up_applies_every_level_in_order_and_lets_passed_warnings_expire() -> None:
    assert due_now(OPENED, RULES, "mon 13:30") == {"early": "expired", "warn": "fired"}
    late = due_now(OPENED, RULES, "mon 15:00")
    assert late == {"early": "expired", "warn": "expired", "breach": "fired", "manager": "fired"}
    assert list(late) == ["early", "warn", "breach", "manager"]


def test_on_the_deadline_nothing_is_late_yet() -> None:
    decided = [EARLY, WARN]
    assert due_now(OPENED, RULES, "mon 14:00", decided) == {}
    assert due_now(OPENED, RULES, "mon 14:00:01", decided) == {"breach": "fired"}


def test_levels_of_a_target_done_late_are_on_the_record_as_expired() -> None:
    text = f"{OPENED}\nmon 14:30 status resolved"
    assert due_now(text, RULES, "fri 09:00") == {"early": "expired", "warn": "expired", "breach": "expired"}
    assert due_now(text, RULES, "fri 09:00", [EARLY, WARN, BREACH]) == {}


def test_a_target_met_in_time_leaves_nothing_to_do() -> None:
    text = f"{OPENED}\nmon 13:30 status resolved"
    assert due_now(text, RULES, "fri 09:00") == {}
    assert following(text, "fri 09:00") is None


def test_nothing_is_due_while_paused() -> None:
    text = f"{OPENED}\nmon 13:30 status pending"
    assert due_now(text, RULES, "fri 09:00") == {}
    assert following(text, "fri 09:00") is None


def test_nothing_is_due_while_acknowledged() -> None:
    text = f"{OPENED}\nmon 13:30 acknowledged mon 16:00"
    assert due_now(text, RULES, "mon 15:59:59", [EARLY]) == {}
    assert due_now(text, RULES, "mon 16:00", [EARLY]) == {"warn": "expired", "breach": "fired", "manager": "fired"}


def test_a_level_that_is_not_so_any_more_is_skipped() -> None:
    only_urgent = 'manager +1h when = { priority = ["urgent"] }'
    promised = rules(resolution="5h", calendar="always", more=ladder("resolution", only_urgent))
    assert due_now(OPENED, promised, "tue 09:00") == {"manager": "skipped"}


def test_every_missed_repeat_is_due() -> None:
    promised = rules(
        resolution="1h", calendar="always", more=ladder("resolution", 'manager +1h repeat = { every = "4h", max = 3 }')
    )
    assert due_now(OPENED, promised, "mon 15:00") == {"manager": "fired", "manager#1": "fired"}
    first, second = (FiringKey("resolution", 1, "resolution", "manager", 0, repeat) for repeat in (0, 1))
    assert following(OPENED, "mon 15:00", first, second, promised=promised, detected=(0,)) == "mon 19:00"


def test_a_warning_is_due_again_once_a_person_moved_the_deadline_later() -> None:
    text = f"{OPENED}\nmon 13:30 due_set resolution mon 19:00"
    decided = [EARLY, WARN, BREACH]
    assert due_now(text, RULES, "mon 17:00", decided) == {"early": "expired", "warn": "fired"}
    evaluation = judged(text, RULES, "mon 17:00")
    again = due_levels(evaluation, RULES, when("mon 17:00"), set(decided))
    assert [(each.key.arming, said(each.due_at)) for each in again] == [(1, "mon 14:00"), (1, "mon 17:00")]


def test_a_firing_tells_its_reason_key_and_whether_it_warns() -> None:
    firing, breach = due_levels(judged(OPENED, RULES, "mon 14:10"), RULES, when("mon 14:10"), {EARLY})
    assert (firing.reason, firing.key, firing.warning) == ("resolution_sla_warning", WARN, True)
    assert (breach.key, breach.warning, said(breach.due_at)) == (BREACH, False, "mon 14:00")


def test_the_next_instant_is_the_next_level_or_the_breach() -> None:
    assert following(OPENED, "mon 09:00") == "mon 11:30"
    assert following(OPENED, "mon 11:30", EARLY) == "mon 13:00"
    assert following(OPENED, "mon 13:00", EARLY, WARN) == "mon 14:00:01"
    assert following(OPENED, "mon 14:00:01", EARLY, WARN, BREACH) == "mon 14:00:01"
    assert following(OPENED, "mon 14:00:01", EARLY, WARN, BREACH, detected=(0,)) == "mon 15:00"
    assert following(OPENED, "mon 15:00", EARLY, WARN, BREACH, MANAGER, detected=(0,)) is None


def announced(text: str, now: str, *decided: FiringKey, promised: Rules = RULES, known_since: str = "") -> str | None:
    """The next level that is shown, and when it fires; no level fires for an instant before `known_since`."""
    found = next_level(
        judged(text, promised, now),
        promised,
        set(decided),
        lambda _, __, at: bool(known_since) and at < when(known_since),
    )
    return f"{found.level} {said(found.at)}" if found is not None else None


def test_a_warning_that_a_later_level_has_overtaken_is_not_announced() -> None:
    assert announced(OPENED, "mon 11:40") == "early mon 11:30"
    assert announced(OPENED, "mon 13:00") == "warn mon 13:00"
    assert announced(OPENED, "mon 14:00") == "warn mon 13:00"
    assert announced(OPENED, "mon 14:00:01") == "breach mon 14:00"
    acked = f"{OPENED}\nmon 10:00 acknowledged mon 13:30"
    assert announced(acked, "mon 10:00") == "warn mon 13:30"
    assert announced(f"{OPENED}\nmon 10:00 acknowledged mon 15:00", "mon 10:00") == "breach mon 15:00"


def test_a_repeat_is_announced_although_the_level_itself_is_older_than_its_rule() -> None:
    nags = rules(
        resolution="5h",
        calendar="always",
        more=ladder("resolution", 'nag 0m repeat = { every = "1h", max = 3 }'),
    )
    assert announced(OPENED, "mon 15:30", promised=nags, known_since="mon 15:10") == "nag mon 16:00"
    assert announced(OPENED, "mon 15:30", promised=nags, known_since="mon 14:30") == "nag mon 15:00"


def test_without_a_ladder_the_next_instant_is_the_breach() -> None:
    plain = rules(resolution="5h", calendar="always")
    assert following(OPENED, "mon 09:00", promised=plain) == "mon 14:00:01"
    assert following(OPENED, "mon 15:00", promised=plain, detected=(0,)) is None


def test_a_breach_nobody_noticed_is_to_be_noticed_though_it_is_done_by_now() -> None:
    text = f"{OPENED}\nmon 14:30 status resolved"
    plain = rules(resolution="5h", calendar="always")
    assert following(text, "fri 09:00", promised=plain) == "mon 14:00:01"
    assert following(text, "fri 09:00", promised=plain, detected=(0,)) is None
    assert following(text, "fri 09:00", detected=(0,)) == "mon 11:30"
    assert following(text, "fri 09:00", EARLY, WARN, BREACH, detected=(0,)) is None


def test_levels_wait_for_the_end_of_an_acknowledgement_and_breaches_do_not() -> None:
    text = f"{OPENED}\nmon 13:30 acknowledged mon 16:00"
    assert following(text, "mon 13:30", EARLY, WARN) == "mon 14:00:01"
    assert following(text, "mon 14:00:01", EARLY, WARN, detected=(0,)) == "mon 16:00"


def test_a_deadline_set_by_hand_goes_on_in_a_pause_and_its_levels_fire() -> None:
    text = f"{OPENED}\nmon 10:00 due_set resolution mon 16:00\nmon 11:00 status pending"
    early, warn = (level._replace(arming=1) for level in (EARLY, WARN))
    assert following(text, "mon 12:00") == "mon 12:30"
    assert following(text, "mon 12:00", early, warn) == "mon 16:00:01"
    assert following(text, "mon 17:00", early, warn, BREACH, detected=(0,)) == "mon 17:00"
    assert due_now(text, RULES, "mon 17:00") == {
        "early": "expired",
        "warn": "expired",
        "breach": "fired",
        "manager": "fired",
    }


def test_a_ladder_for_other_tickets_is_no_reason_to_look() -> None:
    steps = ladder("unassigned", "grab +10m", more='when = { priority = ["urgent"] }')
    promised = policies(policy("all", "", 'default = { resolution = "5h" }', "always"), steps)
    assert following(OPENED, "mon 09:00", promised=promised, kind=Condition.UNASSIGNED) is None
    urgent = f"{OPENED} priority=urgent"
    assert following(urgent, "mon 09:00", promised=promised, kind=Condition.UNASSIGNED) == "mon 09:10"


def test_after_everything_due_is_decided_the_next_instant_lies_ahead() -> None:
    for now in ("mon 11:30", "mon 13:00", "mon 14:00:01", "mon 15:00", "tue 09:00"):
        evaluation = judged(OPENED, RULES, now)
        decided = {firing.key for firing in due_levels(evaluation, RULES, when(now), set())}
        timer = evaluation.timers[0]
        upcoming = next_instant(evaluation, timer, RULES, decided, [breach.agreement for breach in timer.breaches])
        assert upcoming is None or upcoming > when(now)


def test_a_burst_ladder_fires_only_where_its_burst_was_counted() -> None:
    flood = ladder("burst", "tell 0m", more='burst = { count = 3, within = "1h" }')
    promised = rules(resolution="5h", calendar="always", more=flood)
    assert due_now(OPENED, promised, "mon 09:00") == {}
    assert due_now(f"{OPENED} bursts=burst,", promised, "mon 09:00") == {"tell": "fired"}
