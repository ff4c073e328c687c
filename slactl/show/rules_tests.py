"""How the outcome of tests for rules reads: each failure with what was expected and what was got."""

from collections.abc import Iterator
from itertools import groupby

from slactl.show.records import Record
from slactl.show.times import words
from slactl.text import clean


def outcome_lines(report: Record, *, quiet: bool = False) -> Iterator[str]:
    """A line for each test and each failure, and one that sums them up; `quiet` leaves out what passed."""
    for test in report["tests"]:
        if not test["passed"]:
            yield clean(f"FAIL  {test['file']}:{test['line']}: {test['name']}")
            yield from _failure_lines(test["failures"])
        elif not quiet:
            yield clean(f"ok    {test['name']}")
    if not quiet or report["failed"] or report["problems"]:
        yield _summary(report)


def _failure_lines(failures: list[Record]) -> Iterator[str]:
    for heading, group in groupby(failures, key=_heading):
        yield clean(f"      {heading}")
        for failure in group:
            yield clean(f"        {failure['key']:<20} expected {_value(failure['expected'])}")
            yield clean(f"        {'':<20} got      {_value(failure['got'])}")


def _heading(failure: Record) -> str:
    target = f", {words(failure['target'])}" if failure["target"] else ""
    cycle = f" {failure['cycle']}" if (failure["cycle"] or 1) > 1 else ""
    policy = f"policy {failure['policy']}" if failure["policy"] else "no policy matched"
    return f"ticket {failure['ticket']}{target}{cycle} as of {failure['at']} ({policy}):"


def _value(value: object) -> str:
    return "none" if value is None else str(value)


def _summary(report: Record) -> str:
    count = report["passed"] + report["failed"]
    invalid = len(report["problems"])
    wrong = f", {invalid} problem{'s' if invalid != 1 else ''} in the files" if invalid else ""
    return f"{count} test{'s' if count != 1 else ''}: {report['passed']} passed, {report['failed']} failed{wrong}"
