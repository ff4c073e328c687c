"""Unit tests for rules: histories are replayed, and what the rules make of them is held against what is expected."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from slactl.clock import to_text
from slactl.desk.rules_test_cases import NONE, TIMER_KEYS, Case, Expectation, ExpectedFiring, firing_text
from slactl.desk.rules_test_files import read_cases
from slactl.desk.simulate import simulate
from slactl.errors import RulesError
from slactl.sla.calendar import HolidayProvider
from slactl.sla.rules import Rules
from slactl.text import did_you_mean

Record = dict[str, Any]


def run(files: Sequence[Path], rules: Rules, holidays: HolidayProvider | None = None) -> Record:
    """Every test in some files, as data: what passed, what failed and why, and what is wrong with the files.

    Each failure has the `ticket`, the `target` and `cycle` (None where it is about the ticket or what fires), the
    `policy` that matched, the instant `at` of judgement, the `key`, and what was `expected` and what was `got`.
    """
    problems: list[str] = []
    tests: list[Record] = []
    for file in files:
        try:
            cases = read_cases(file)
        except RulesError as error:
            problems += error.lines
            continue
        for case in cases:
            failures = list(_Judgement(case, rules, holidays).failures())
            place = {"file": case.file, "line": case.line, "name": case.name}
            tests.append(place | {"passed": not failures, "failures": failures})
    passed = sum(test["passed"] for test in tests)
    return {
        "rules": rules.hash,
        "passed": passed,
        "failed": len(tests) - passed,
        "problems": problems,
        "tests": tests,
    }


class _Judgement:
    """What rules make of the tickets of one test, as of any instant; each is asked once."""

    def __init__(self, case: Case, rules: Rules, holidays: HolidayProvider | None) -> None:
        self._case, self._rules, self._holidays = case, rules, holidays
        self._known: dict[tuple[str, datetime], Record | str] = {}

    def failures(self) -> Iterator[Record]:
        for expectation in self._case.expect:
            yield from self._unmet(expectation)
        fires = self._case.fires
        if fires is not None:
            # An empty list names no ticket and so means every one: nothing fires.
            for ticket in dict.fromkeys(firing.ticket for firing in fires) or self._case.histories:
                yield from self._misfired(ticket, [firing for firing in fires if firing.ticket == ticket])

    def _unmet(self, expectation: Expectation) -> Iterator[Record]:
        at = expectation.at or self._case.at
        record = self._record(expectation.ticket, at)
        place: Record = {"ticket": expectation.ticket, "target": expectation.target, "cycle": expectation.cycle}
        if isinstance(record, str):
            yield _failure(place, None, at, "ticket", "a ticket", record)
            return
        timer = _timer(record, expectation)
        place["cycle"] = timer["cycle"] if timer is not None else expectation.cycle
        for key, expected in expectation.values.items():
            if key not in TIMER_KEYS:
                got = record[key]
            elif timer is not None:
                got = timer[key]
            else:
                got = NONE if key == "state" else None
            if got != expected:
                yield _failure(place, record["policy"], at, key, expected, got)

    def _misfired(self, ticket: str, expected: Sequence[ExpectedFiring]) -> Iterator[Record]:
        at = self._case.at
        record = self._record(ticket, at)
        place: Record = {"ticket": ticket, "target": None, "cycle": None}
        if isinstance(record, str):
            yield _failure(place, None, at, "fires", "a ticket", record)
            return
        left = list(record["firings"])
        missing = []
        # The most exact first, so that one that may be anything does not take what another one names.
        for firing in sorted(expected, key=lambda each: (each.at is None, each.repeat is None)):
            found = next((got for got in left if _is(got, firing)), None)
            if found is None:
                missing.append(firing)
            else:
                left.remove(found)
        for firing in missing:
            yield _failure(place, record["policy"], at, "fires", str(firing), self._instead(firing, left))
        for got in left:
            text = firing_text(got["escalation"], got["level"], got["repeat"], got["due_at"])
            yield _failure(place, record["policy"], at, "fires", None, text)

    def _instead(self, firing: ExpectedFiring, left: list[Record]) -> str | None:
        """What fired in its place, or the name that was meant; the former is no failure of its own then."""
        meant = (firing.escalation, firing.level, firing.repeat or 0)
        for got in left:
            if (got["escalation"], got["level"], got["repeat"]) == meant:
                left.remove(got)
                reason = f" reason {got['reason']}" if firing.reason not in (None, got["reason"]) else ""
                return firing_text(got["escalation"], got["level"], got["repeat"], got["due_at"]) + reason
        known = {f"{each.id}/{level.id}" for each in self._rules.escalations for level in each.levels}
        name = f"{firing.escalation}/{firing.level}"
        if name in known:
            return None
        return f"the rules have no level {name}{did_you_mean(name, known)}"

    def _record(self, ticket: str, at: datetime) -> Record | str:
        """What `simulate` says of a ticket as of an instant, or why it cannot."""
        if (ticket, at) not in self._known:
            problems: list[str] = []
            history = self._case.histories[ticket]
            found = list(simulate([(ticket, history)], self._rules, at, problems.append, self._holidays))
            self._known[ticket, at] = found[0] if found else problems[0] if problems else "it was not opened yet"
        return self._known[ticket, at]


def _timer(record: Record, expectation: Expectation) -> Record | None:
    cycles = [timer for timer in record["timers"] if timer["target"] == expectation.target]
    if expectation.cycle is not None:
        cycles = [timer for timer in cycles if timer["cycle"] == expectation.cycle]
    return max(cycles, key=lambda timer: int(timer["cycle"]), default=None)


def _is(got: Record, firing: ExpectedFiring) -> bool:
    return (
        (got["escalation"], got["level"]) == (firing.escalation, firing.level)
        and got["repeat"] == (firing.repeat or 0)
        and firing.at in (None, got["due_at"])
        and firing.reason in (None, got["reason"])
    )


def _failure(place: Record, policy: str | None, at: datetime, key: str, expected: object, got: object) -> Record:
    return place | {"policy": policy, "at": to_text(at), "key": key, "expected": expected, "got": got}
