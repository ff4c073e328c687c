"""Run unit tests for rules: replay histories, and compare the results with the expected values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypedDict

from slactl.clock import to_text
from slactl.desk.ledger.records import FiringRecord
from slactl.desk.oncall.schedules import Schedules
from slactl.desk.what_if.case_files import read_cases
from slactl.desk.what_if.cases import NOBODY, NONE, TIMER_KEYS, Case, Expectation, ExpectedFiring, firing_text
from slactl.desk.what_if.simulate import Simulated, simulate
from slactl.errors import NotKnownError, RulesError
from slactl.sla.calendar.calendar import HolidayProvider
from slactl.sla.rules.rules import Rules
from slactl.text import clean, did_you_mean, nearest, quoted


class Failure(TypedDict):
    """Hold one value that is not as expected; `target` and `cycle` are None if it is about the ticket or a level.

    If it is about who is on call, `schedule` names the schedule, and there is no ticket.
    """

    ticket: str | None
    schedule: str | None
    target: str | None
    cycle: int | None
    policy: str | None
    at: str
    key: str
    expected: object
    got: object


class CaseResult(TypedDict):
    """Hold the result of one test, and where the test is written."""

    file: str
    line: int
    name: str
    passed: bool
    failures: list[Failure]


class RunResult(TypedDict):
    """Hold the results of all tests under the rules with this hash, and the problems of the files."""

    rules: str
    passed: int
    failed: int
    problems: list[str]
    tests: list[CaseResult]


def run(
    files: Sequence[Path],
    rules: Rules,
    holidays: HolidayProvider | None = None,
    path: Path = Path("rules.toml"),
    names: Sequence[str] = (),
) -> RunResult:
    """Run the tests in some files. A file that is not valid does not keep the others from running.

    Feeds stand beside the `path` of the rules. With `names`, only the tests run whose name one of them `fits`.

    Raises:
        NotKnownError: a name fits no test, and every file is valid.
    """
    problems: list[str] = []
    cases: list[Case] = []
    tests: list[CaseResult] = []
    for file in files:
        try:
            cases += read_cases(file, rules.priorities.meanings)
        except RulesError as error:
            problems += error.lines
    for case in _chosen(cases, names, is_complete=not problems):
        failures = [*_CaseRun(case, rules, holidays).failures(), *_gone_wrong(case, rules, path)]
        tests.append(
            {
                "file": case.file,
                "line": case.line,
                "name": case.name,
                "passed": not failures,
                "failures": failures,
            }
        )
    passed = sum(test["passed"] for test in tests)
    return {
        "rules": rules.hash,
        "passed": passed,
        "failed": len(tests) - passed,
        "problems": problems,
        "tests": tests,
    }


def _chosen(cases: Sequence[Case], names: Sequence[str], *, is_complete: bool) -> Sequence[Case]:
    for name in names if is_complete else ():
        if not any(fits(case.name, name) for case in cases):
            known = [case.name for case in cases]
            near = nearest(name, known)
            files = " ".join(dict.fromkeys(quoted(case.file) for case in cases))
            hint = f"slactl rules test {files} --run {quoted(near)}" if near else f"slactl rules test {files}"
            raise NotKnownError(f"there is no test {clean(name)[:100]!r}{did_you_mean(name, known)}", hint)
    return [case for case in cases if not names or any(fits(case.name, name) for name in names)]


def fits(test: str, name: str) -> bool:
    """Return whether a name means a test: as a part of its name, or as a pattern with `*`, `?` and `[…]`.

    Capital and small letters are the same.
    """
    from fnmatch import fnmatchcase

    return name.casefold() in test.casefold() or fnmatchcase(test.casefold(), name.casefold())


@dataclass(frozen=True, slots=True)
class _Subject:
    """Hold the ticket, target and instant that a failure is about."""

    ticket: str
    at: datetime
    target: str | None = None
    cycle: int | None = None
    policy: str | None = None

    def failure(self, key: str, expected: object, got: object) -> Failure:
        return {
            "ticket": self.ticket,
            "schedule": None,
            "target": self.target,
            "cycle": self.cycle,
            "policy": self.policy,
            "at": to_text(self.at),
            "key": key,
            "expected": expected,
            "got": got,
        }


class _CaseRun:
    """Evaluate the tickets of one test, each of them once per instant."""

    def __init__(self, case: Case, rules: Rules, holidays: HolidayProvider | None) -> None:
        self._case, self._rules, self._holidays = case, rules, holidays
        self._known: dict[tuple[str, datetime], Simulated | str] = {}

    def failures(self) -> Iterator[Failure]:
        """Yield each value and each level that is not as expected."""
        for expectation in self._case.expect:
            yield from self._unmet(expectation)
        fires = self._case.fires
        if fires is not None:
            # An empty list names no ticket, and then nothing may fire for any ticket.
            for ticket in dict.fromkeys(firing.ticket for firing in fires) or self._case.histories:
                yield from self._misfired(ticket, [firing for firing in fires if firing.ticket == ticket])

    def _unmet(self, expectation: Expectation) -> Iterator[Failure]:
        subject = _Subject(expectation.ticket, expectation.at or self._case.at, expectation.target, expectation.cycle)
        simulated = self._simulated(subject)
        if isinstance(simulated, str):
            yield subject.failure("ticket", "a ticket", simulated)
            return
        cycles = [timer for timer in simulated["timers"] if timer["target"] == expectation.target]
        if expectation.cycle is not None:
            cycles = [timer for timer in cycles if timer["cycle"] == expectation.cycle]
        timer = max(cycles, key=lambda timer: timer["cycle"], default=None)
        subject = replace(subject, policy=simulated["policy"], cycle=timer["cycle"] if timer else expectation.cycle)
        for key, expected in expectation.values.items():
            of_timer = key in TIMER_KEYS
            values: Mapping[str, object] = (timer or {"state": NONE}) if of_timer else simulated
            if (got := values.get(key)) != expected:
                yield subject.failure(key, expected, got)

    def _misfired(self, ticket: str, expected: Sequence[ExpectedFiring]) -> Iterator[Failure]:
        subject = _Subject(ticket, self._case.at)
        simulated = self._simulated(subject)
        if isinstance(simulated, str):
            yield subject.failure("fires", "a ticket", simulated)
            return
        subject = replace(subject, policy=simulated["policy"])
        left = list(simulated["firings"])
        missing = []
        # Match the most exact expectation first, so that a less exact one does not take its firing.
        for firing in sorted(expected, key=lambda firing: (firing.at is None, firing.repeat is None)):
            match = next((fired for fired in left if _is(fired, firing)), None)
            if match is None:
                missing.append(firing)
            else:
                left.remove(match)
        for firing in missing:
            yield subject.failure("fires", str(firing), self._instead(firing, left))
        for fired in left:
            yield subject.failure("fires", None, _fired_text(fired))

    def _instead(self, firing: ExpectedFiring, left: list[FiringRecord]) -> str | None:
        """Return what fired in place of an expected firing, and remove it from `left`.

        If the rules have no such level, return that as the reason.
        """
        meant = (firing.escalation, firing.level, firing.repeat or 0)
        for fired in left:
            if (fired["escalation"], fired["level"], fired["repeat"]) == meant:
                left.remove(fired)
                reason = f" reason {fired['reason']}" if firing.reason not in (None, fired["reason"]) else ""
                return _fired_text(fired) + reason
        known = {f"{escalation.id}/{level.id}" for escalation in self._rules.escalations for level in escalation.levels}
        name = f"{firing.escalation}/{firing.level}"
        return None if name in known else f"the rules have no level {name}{did_you_mean(name, known)}"

    def _simulated(self, subject: _Subject) -> Simulated | str:
        """Return the ticket as `simulate` prints it, or the reason why there is nothing to print."""
        ticket, at = subject.ticket, subject.at
        if (ticket, at) not in self._known:
            problems: list[str] = []
            history = self._case.histories[ticket]
            simulated = list(simulate([(ticket, history)], self._rules, at, problems.append, self._holidays))
            reason = problems[0] if problems else "it was not opened yet"
            self._known[ticket, at] = simulated[0] if simulated else reason
        return self._known[ticket, at]


def _gone_wrong(case: Case, rules: Rules, path: Path) -> Iterator[Failure]:
    """Yield who is on call where somebody else is expected, and names that the rules do not have."""
    exceptions = case.exceptions
    named = [override.person for override in exceptions.overrides]
    named += [away.person for away in exceptions.absences]
    named += [away.substitute for away in exceptions.absences if away.substitute is not None]
    strange = [_not_known("person", name, rules.people) for name in named if name not in rules.people]
    strange += [
        _not_known("schedule", each.schedule, rules.schedules)
        for each in exceptions.overrides
        if each.schedule not in rules.schedules
    ]
    for expected in case.on_call:
        if strange or expected.schedule not in rules.schedules:
            got = next(iter(strange), None) or _not_known("schedule", expected.schedule, rules.schedules)
        else:
            found = Schedules(rules, path, expected.at, exceptions).on_call(expected.schedule, expected.at)
            got = found.person or NOBODY
        if got != expected.person:
            failure = _Subject("", expected.at).failure("on_call", expected.person, got)
            yield {**failure, "ticket": None, "schedule": expected.schedule}


def _not_known(what: str, name: str, known: Iterable[str]) -> str:
    return f"there is no {what} {name!r}{did_you_mean(name, known)}"


def _is(fired: FiringRecord, expected: ExpectedFiring) -> bool:
    return (
        (fired["escalation"], fired["level"]) == (expected.escalation, expected.level)
        and fired["repeat"] == (expected.repeat or 0)
        and expected.at in (None, fired["due_at"])
        and expected.reason in (None, fired["reason"])
    )


def _fired_text(fired: FiringRecord) -> str:
    return firing_text(fired["escalation"], fired["level"], fired["repeat"], fired["due_at"])
