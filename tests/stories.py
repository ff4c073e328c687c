"""Short stories of tickets, and rules to judge them by: what the tests of deadlines and ladders are written in.

A story has one event a line: `mon 09:00 created`, `tue 10:00 status pending`, `mon 12:00 system priority urgent`,
`mon 12:00 status pending tue 09:00` (until then), `mon 10:00 note id=a`, `mon 11:00 retracted events=a,`.
The days are those of the week of Monday 2026-03-02, `mon+1` the Monday after; all times are UTC.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from slactl.sla.enums import ActorType, EventType
from slactl.sla.escalation.levels import FiringKey, due_levels
from slactl.sla.escalation.what_if import evaluate_with_firings
from slactl.sla.history.event import Event
from slactl.sla.rules.loading import parse
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.evaluate import evaluate
from slactl.sla.timers.timer import Evaluation, Timer

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: The detail under which an event's one word stands, where it is not the name of the type.
VALUES = {"assigned": "assignee", "acknowledged": "until", "rules_applied": "rules"}


def when(text: str) -> datetime:
    """`mon 09:00` as an instant."""
    day, clock = text.split()
    name, _, weeks = day.partition("+")
    hours, minutes, *seconds = (int(part) for part in clock.split(":"))
    days = DAYS.index(name) + 7 * int(weeks or 0)
    return MONDAY + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds[0] if seconds else 0)


def said(instant: datetime | None) -> str | None:
    """An instant as `mon 09:00`, the inverse of `when`."""
    if instant is None:
        return None
    days = (instant - MONDAY).days
    week = f"+{days // 7}" if days >= 7 else ""
    seconds = f":{instant.second:02d}" if instant.second else ""
    return f"{DAYS[days % 7]}{week} {instant:%H:%M}{seconds}"


def story(text: str) -> list[Event]:
    """The events of a story."""
    return [_event(line.split()) for line in text.strip().splitlines()]


def _event(words: list[str]) -> Event:
    day, clock, *rest = words
    by_system = rest[0] == "system"
    kind, *values = rest[by_system:]
    detail: dict[str, Any] = {}
    plain = [value for value in values if "=" not in value]
    for pair in (value for value in values if "=" in value):
        key, _, value = pair.partition("=")
        detail[key] = _value(value)
    if kind == "due_set":
        detail |= {"target": plain[0], "due_at": when(f"{plain[1]} {plain[2]}") if len(plain) > 1 else None}
    elif kind == "status" and len(plain) > 1:
        detail |= {"status": plain[0], "until": when(f"{plain[1]} {plain[2]}")}
    elif kind == "acknowledged":
        detail["until"] = when(" ".join(plain))
    elif kind == "tags":
        detail["tags"] = plain
    elif plain:
        detail[VALUES.get(kind, kind)] = _value(plain[0])
    actor_type = ActorType.SYSTEM if by_system else ActorType.USER
    known_as = detail.pop("id", None)
    return Event(when(f"{day} {clock}"), EventType(kind), detail, actor_type=actor_type, id=known_as)


def _value(text: str) -> Any:  # noqa: ANN401  (a detail is whatever JSON has)
    if "," in text:
        return [part for part in text.split(",") if part]
    return {"null": None, "true": True, "false": False}.get(text, text)


CALENDARS = """
[calendars.always]
always_open = true

[calendars.office]
[calendars.office.weekly]
mon-fri = ["09:00-17:00"]
"""


def rules(
    first_response: str | None = None,
    next_response: str | None = None,
    resolution: str | None = None,
    *,
    calendar: str = "office",
    settings: str = "",
    more: str = "",
) -> Rules:
    """Rules with one catch-all policy, whose pause list is every target unless the settings say otherwise."""
    targets = {"first_response": first_response, "next_response": next_response, "resolution": resolution}
    promised = ", ".join(f'{name} = "{length}"' for name, length in targets.items() if length)
    if "pause =" not in settings:
        settings += '\npause = ["first_response", "next_response", "resolution"]'
    return parse(
        f"schema = 1\n[settings]\n{settings}\n{CALENDARS}\n"
        f'[[policy]]\nname = "all"\ncalendar = "{calendar}"\n[policy.targets]\ndefault = {{ {promised} }}\n{more}'
    )


def policies(*parts: str, settings: str = "") -> Rules:
    """Rules with the policies (and escalations) of these TOML fragments."""
    return parse(f"schema = 1\n[settings]\n{settings}\n{CALENDARS}\n" + "\n".join(parts))


def policy(name: str, match: str, targets: str, calendar: str = "office", more: str = "") -> str:
    """One policy as TOML."""
    return (
        f'[[policy]]\nname = "{name}"\nmatch = {{ {match} }}\ncalendar = "{calendar}"\n{more}\n'
        f"[policy.targets]\n{targets}\n"
    )


def judged(text: str, promised: Rules, now: str) -> Evaluation:
    """What a story means as of an instant."""
    return evaluate(story(text), lambda _: promised, when(now))


def timers(evaluation: Evaluation, kind: str) -> list[Timer]:
    """The cycles of a kind."""
    return [timer for timer in evaluation.timers if timer.kind == kind]


def timer(text: str, promised: Rules, now: str, kind: str) -> Timer:
    """The last cycle of a kind in a story."""
    return timers(judged(text, promised, now), kind)[-1]


def resolution(text: str, promised: Rules, now: str) -> Timer:
    """The resolution timer of a story."""
    return timer(text, promised, now, "resolution")


def due_of(text: str, promised: Rules, now: str, kind: str = "resolution") -> str | None:
    """The deadline of a kind in a story, as `mon 09:00`."""
    return said(timer(text, promised, now, kind).due_at)


def fired(text: str, promised: Rules, now: str) -> list[str]:
    """What would have fired in a story: `mon 10:00 escalation level`, repeats as `level#1`."""
    _, firings = evaluate_with_firings(story(text), promised, when(now))
    return [
        f"{said(each.due_at)} {each.escalation} {each.level}" + (f"#{each.repeat}" if each.repeat else "")
        for each in firings
    ]


def due_now(text: str, promised: Rules, now: str, decided: Sequence[FiringKey] = ()) -> Mapping[str, str]:
    """What is due in a story as of an instant, by level (with `#1` for a repeat), and what becomes of it."""
    found = due_levels(judged(text, promised, now), promised, when(now), set(decided))
    return {each.level + (f"#{each.repeat}" if each.repeat else ""): each.outcome.value for each in found}
