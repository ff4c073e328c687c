"""Enter overrides of schedules and absences of people, remove them, and say who is on call because of that."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple

from slactl import committed
from slactl.clock import from_text, to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.rules_versions import CommandRules, Current, rules_of_file
from slactl.desk.oncall.exceptions import doubts, exceptions_of
from slactl.desk.oncall.schedules import Schedules
from slactl.errors import NotKnownError, RefusedError, UsageError
from slactl.records.oncall import Replaced, RotaEntry
from slactl.sla.calendar.calendar import BusinessCalendar, in_seconds
from slactl.sla.calendar.zone import EPOCH
from slactl.sla.oncall.schedule import Absence, Exceptions
from slactl.sla.rules.rules import Rules
from slactl.store.read.messages import rota_entries
from slactl.text import check_input, clean, known_or_refuse, nearest, quoted

#: The longest reason of an override, in characters.
REASON_LENGTH = 1000


class Entered(NamedTuple):
    """Hold entries that were added or removed, and who is on call because of that."""

    entries: list[RotaEntry]
    replaced: list[Replaced]
    #: People who replace each other in too many steps, so that nobody stands in for the first of them.
    too_long: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def of(self, entry: RotaEntry) -> list[Replaced]:
        """Return who else is on call within the time of an entry."""
        within = (each for each in self.replaced if each["start"] < entry["ends_at"])
        return [each for each in within if each["end"] > entry["starts_at"]]


class Between(NamedTuple):
    """Hold [start, until), as a person typed it."""

    start: datetime
    until: datetime

    @property
    def typed(self) -> str:
        """Return it as the options of a command, after a blank."""
        return f" --from {to_text(self.start)} --until {to_text(self.until)}"


class Opened(NamedTuple):
    """Hold the schedules in force, and what is wrong with overrides, absences and the rules file, for people.

    While the rules file is not valid, `is_valid` is false and the schedules are those of the last valid version.
    """

    schedules: Schedules
    doubts: tuple[str, ...] = ()
    is_valid: bool = True

    @property
    def warnings(self) -> list[str]:
        """Return all that is wrong, feeds that were asked for included."""
        return [*self.doubts, *self.schedules.problems]


def opened(desk: Desk, around: datetime, now: datetime | None = None) -> Opened:
    """Return the schedules of the rules in force, with the overrides and absences of the database if there is one.

    Feeds are read for the months `around` an instant. Doubts are about entries that have not ended at `now`, or then.

    Raises:
        RulesError: the rules file is not valid, and no valid version is known.
    """
    if not desk.database.path.exists():
        return Opened(Schedules(rules_of_file(desk), desk.rules, around))
    rules = CommandRules(desk)
    with desk.database.read() as transaction:
        current = rules.current(transaction, strict=False)
        exceptions = exceptions_of(rota_entries(transaction, "", ended=True), current.rules)
        found = [doubt for _, doubt in doubts(transaction, current.rules, now or around)]
    schedules = Schedules(current.rules, desk.rules, around, exceptions)
    return Opened(schedules, (*_invalid(current), *found), current.problem is None)


def _in_force(desk: Desk) -> Current:
    """Return the rules in force.

    Raises:
        RulesError: the rules file is not valid, and no valid version is known.
    """
    if not desk.database.path.exists():
        return Current(rules_of_file(desk))
    rules = CommandRules(desk)
    with desk.database.read() as transaction:
        return rules.current(transaction, strict=False)


def _invalid(current: Current) -> tuple[str, ...]:
    problem = current.problem
    return (f"{problem.message}; the last valid rules are used",) if problem is not None else ()


def known_schedule(rules: Rules, name: str) -> str:
    """Return the name of a schedule.

    Raises:
        NotKnownError: the rules have none of this name; the message has the nearest.
    """
    return known_or_refuse(
        name, rules.schedules, "schedule", "slactl oncall" if rules.schedules else "slactl help on-call"
    )


def hours_of(desk: Desk, schedule: str) -> BusinessCalendar | None:
    """Return the first hours that a schedule has, on which times are counted that people type; None without hours.

    Raises:
        NotKnownError: the rules have no such schedule.
    """
    rules = _in_force(desk).rules
    layers = rules.schedule(known_schedule(rules, schedule)).layers
    return next((layer.hours for layer in layers if layer.hours is not None), None)


def override(
    desk: Desk,
    now: datetime,
    schedule: str,
    person: str,
    between: Between,
    reason: str | None = None,
    *,
    dry_run: bool = False,
) -> Entered:
    """Let a person be on call for a schedule for some time.

    Raises:
        NotKnownError: the rules have no such schedule or person.
        UsageError: it ends before it begins, or is over, or the reason is not a valid text.
    """
    current = _in_force(desk)
    known_schedule(current.rules, schedule)
    why = f" --reason {quoted(reason)}" if reason is not None else ""
    _known_person(current.rules, person, f"override {quoted(schedule)} --to", f"{between.typed}{why}")
    _check_order(
        now, between, f"slactl oncall override {quoted(schedule)} --to {quoted(person)} --from now --until 'in 8h'"
    )
    if reason is not None:
        check_input(reason, "the reason", least=1, most=REASON_LENGTH)
    values = {"schedule": schedule, "person": person, "reason": reason}
    return _add(desk, now, current, "override", values, between, dry_run=dry_run)


def away(
    desk: Desk, now: datetime, person: str, between: Between, substitute: str | None = None, *, dry_run: bool = False
) -> Entered:
    """Note that a person is away for some time, and who replaces the person.

    Raises:
        NotKnownError: the rules have no such person.
        UsageError: the absence ends before it begins, or is over.
        RefusedError: people would replace each other in a circle.
    """
    current = _in_force(desk)
    instead = f" --substitute {quoted(substitute)}" if substitute is not None else ""
    _known_person(current.rules, person, "away", f"{between.typed}{instead}")
    if substitute is not None:
        _known_person(current.rules, substitute, f"away {quoted(person)}{between.typed} --substitute")
    _check_order(now, between, f"slactl oncall away {quoted(person)} --from now --until 'in 8h'")
    return _add(desk, now, current, "away", {"person": person, "substitute": substitute}, between, dry_run=dry_run)


def remove(desk: Desk, now: datetime, numbers: Sequence[int], *, dry_run: bool = False) -> Entered:
    """Remove overrides and absences: those that hold now end now, and their rows stay.

    Raises:
        NotKnownError: there is no such entry.
        RefusedError: an entry was removed before, or is over.
    """
    from slactl.store.write import oncall as writes

    current = _in_force(desk)
    with desk.database.write(keep=not dry_run) as transaction:
        entries = rota_entries(transaction, "", ended=True)
        before, removed = exceptions_of(entries, current.rules), list[RotaEntry]()
        for number in dict.fromkeys(numbers):
            entry = next((entry for entry in entries if entry["id"] == number), None)
            if entry is None:
                raise NotKnownError(f"there is no override or absence {number}", "slactl oncall list --all")
            if entry["removed_at"] is not None or entry["ends_at"] <= to_text(now):
                why = f"was removed by {clean(entry['removed_by'] or '')}" if entry["removed_at"] else "is over"
                raise RefusedError(f"{entry['kind']} {number} {why}", "slactl oncall list")
            writes.remove(transaction, entry["kind"], number, to_text(now), desk.actor)
            entry["removed_at"], entry["removed_by"] = to_text(now), desk.actor
            removed.append(entry)
        committed.add("override or absence", "removed", [entry["id"] for entry in removed])
    after = exceptions_of(entries, current.rules)
    spans = [(from_text(max(entry["starts_at"], to_text(now))), from_text(entry["ends_at"])) for entry in removed]
    replaced = _replaced(desk, current.rules, before, after, spans)
    return Entered(removed, replaced, warnings=_invalid(current))


def _add(
    desk: Desk,
    now: datetime,
    current: Current,
    kind: str,
    values: dict[str, str | None],
    between: Between,
    *,
    dry_run: bool,
) -> Entered:
    from slactl.store.write import oncall as writes

    with desk.database.write(keep=not dry_run) as transaction:
        entries = rota_entries(transaction, "", ended=True)
        before, too_long = exceptions_of(entries, current.rules), tuple[str, ...]()
        if kind == "away":
            start, end = map(in_seconds, between)
            new = Absence(str(values["person"]), start, end, values["substitute"])
            too_long = before.too_long(new)
            if circle := before.circle(new):
                what = f"these people would replace each other in a circle: {clean(' → '.join(circle))}"
                raise RefusedError(what, "slactl oncall list")
        columns = values | {"starts_at": to_text(between.start), "ends_at": to_text(between.until)}
        number = writes.add(transaction, kind, columns | {"actor": desk.actor, "created_at": to_text(now)})
        committed.add(kind if kind == "override" else "absence", "added", [number])
        entries = rota_entries(transaction, "", ended=True)
    added = [entry for entry in entries if entry["id"] == number]
    after = exceptions_of(entries, current.rules)
    return Entered(added, _replaced(desk, current.rules, before, after, [between]), too_long, _invalid(current))


def _replaced(
    desk: Desk,
    rules: Rules,
    before: Exceptions,
    after: Exceptions,
    spans: Sequence[tuple[datetime, datetime]],
) -> list[Replaced]:
    """Return when somebody else is on call after a change than before it, within some times, which may overlap."""
    if not spans:
        return []
    old, new = (Schedules(rules, desk.rules, min(spans)[0], each) for each in (before, after))
    return [each for name in new for a, b in _united(spans) for each in _differences(name, old, new, a, b)]


def _united(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Return the times in some spans, each once, in order."""
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _differences(name: str, old: Schedules, new: Schedules, a: datetime, b: datetime) -> Iterator[Replaced]:
    plans = old.shifts(name, a, b), new.shifts(name, a, b)
    edges = sorted({t for plan in plans for shift in plan for t in (shift.start, shift.end)})

    def people(piece: tuple[int, int]) -> tuple[str | None, ...]:
        at = EPOCH + timedelta(0, piece[0])
        return tuple(each.on_call(name, at).person for each in (old, new))

    for (was, person), pieces in groupby(pairwise(edges), key=people):
        start, *_, end = (t for piece in pieces for t in piece)
        if was != person:
            instants = [to_text(EPOCH + timedelta(0, t)) for t in (start, end)]
            yield {"schedule": name, "start": instants[0], "end": instants[1], "was": was, "person": person}


def _known_person(rules: Rules, name: str, command: str, rest: str = "") -> None:
    """Refuse an unknown person; the hint is the command of `oncall` with the nearest name before its `rest`."""
    near = nearest(name, rules.people)
    hint = f"slactl oncall {command} {quoted(near)}{rest}" if near is not None else "slactl rules check"
    known_or_refuse(name, rules.people, "person", hint)


def _check_order(now: datetime, between: Between, hint: str) -> None:
    if now >= between.until > between.start:
        raise UsageError(f"it is over: it ends at {to_text(between.until)}, and now is {to_text(now)}", hint)
    if between.until <= between.start:
        until, start = to_text(between.until), to_text(between.start)
        how = "when" if until == start else "before"
        raise UsageError(f"it ends ({until}) {how} it begins ({start})", hint)
