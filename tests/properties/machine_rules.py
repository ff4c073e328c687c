"""Rules drawn at random: what pauses, what reopening does, calendars, targets, and ladders with all they can have."""

from hypothesis import strategies as st

CALENDARS = {
    "always": "always_open = true",
    "office": 'timezone = "Europe/Berlin"\n[calendars.office.weekly]\nmon-thu = ["09:00-12:30", "13:30-18:00"]\n'
    'fri = ["09:00-16:00"]\n[calendars.office.dates]\n"2026-03-04" = ["10:00-11:00"]',
    "night": '[calendars.night.weekly]\nmon-sun = ["22:00-06:00"]',
}

LENGTHS = ("20m", "1h", "3h", "8h", "1h30m")
PLACES = ("50%", "80%", "-30m", "0m", "+15m", "+1h")

#: What a level does besides telling somebody.
DOINGS = (
    "",
    'priority = "high"',
    'priority = "urgent"\nnote = "late"',
    'assign = "lead"',
    'tag = ["late"]\nassign = "lead"',
    'when = { priority = ["high", "urgent"] }',
    'when = { tag = ["late"] }\npriority = "urgent"',
    'when = { unassigned = true, not = { status = ["pending"] } }',
    'when = { status = ["pending", "waiting_customer"] }\nstatus = "open"',
    'status = "resolved"',
    'status = "waiting_customer"\nassign = "lead"',
    'repeat = { every = "40m", max = 2 }',
    'repeat = { every = "2h", max = 3 }\nassign = "lead"',
)

TARGETS = ("first_response", "next_response", "update", "resolution")
WATCHED = (*TARGETS, "unassigned", "idle", "waiting", "created")


@st.composite
def _ladder(draw: st.DrawFn, place: int) -> str:
    on = draw(st.sampled_from(TARGETS if place == 0 else WATCHED))
    lines = [f'[[escalation]]\nid = "e{place}"\non = "{on}"']
    lines += ['clock = "wall"'] if draw(st.booleans()) else []
    lines += ['when = { priority = ["normal", "high", "urgent"] }'] if draw(st.booleans()) else []
    lines += ['idle = { for = "1h" }'] if on == "idle" else []
    places = [each for each in PLACES if each.startswith("+")] if on not in TARGETS else list(PLACES)
    for number, at in enumerate(draw(st.lists(st.sampled_from(places), min_size=1, max_size=3, unique=True))):
        doing = draw(st.sampled_from(DOINGS))
        lines.append(f'[[escalation.level]]\nid = "l{number}"\nat = "{at}"\nnotify = ["desk"]\n{doing}')
    return "\n".join(lines)


@st.composite
def _policy(draw: st.DrawFn, name: str, match: str) -> str:
    def targets() -> str:
        promised = {kind: draw(st.sampled_from(LENGTHS)) for kind in TARGETS if draw(st.integers(0, 4))}
        if calendar == "office" and "resolution" in promised and draw(st.booleans()):
            promised["resolution"] = draw(st.sampled_from(("1bd", "1bd close", "0bd close", "1bd 17:00")))
        return ", ".join(f'{kind} = "{length}"' for kind, length in promised.items())

    calendar = draw(st.sampled_from([*CALENDARS, "always", "always"]))
    return (
        f'[[policy]]\nname = "{name}"\nmatch = {{ {match} }}\ncalendar = "{calendar}"\n[policy.targets]\n'
        f"urgent = {{ {targets()} }}\ndefault = {{ {targets()} }}"
    )


@st.composite
def rules_texts(draw: st.DrawFn) -> str:
    """The text of a rules file."""
    some = st.sampled_from(
        ("[]", '["resolution", "update"]', '["first_response", "resolution"]', '["next_response", "resolution"]')
    )
    settings = {
        "pause_statuses": draw(st.sampled_from(('["pending"]', '["pending", "waiting_customer"]', "[]"))),
        "pause": draw(some),
        "reopen": draw(st.sampled_from(('"continue"', '"reset"', '"frozen"'))),
        "count_from": draw(st.sampled_from(('"creation"', '"change"'))),
        "late_targets": draw(st.sampled_from(('"keep"', '"keep"', '"recount"'))),
        "next_response_from": draw(st.sampled_from(('"first_reply"', '"creation"'))),
        "default_plan": '"free"',
        "manual_escalation": '{ priority = "high", notify = ["desk"] }',
    }
    parts = ["schema = 1\n[settings]", *(f"{name} = {value}" for name, value in settings.items())]
    parts += [f"[calendars.{name}]\n{text}" for name, text in CALENDARS.items()]
    matches = (("late", 'tag = ["late"]'), ("pro", 'plan = ["pro"]'), ("all", ""))
    parts += [draw(_policy(name, match)) for name, match in matches]
    parts += ['[roles.desk]\n[roles.lead]\nassignee = "lena"']
    parts += ['[mail]\naddress = "support@example.com"\nagents = ["mia@example.com"]\nburst = 3']
    parts += [draw(_ladder(place)) for place in range(draw(st.integers(1, 4)))]
    return "\n".join(parts)
