"""Count the same problem of many rows as one problem."""

from dataclasses import replace

from slactl.desk.transfer.lines import Problem, Report

#: How many different problems are counted at a time; slactl reports more problems one by one.
DIFFERENT = 1000


class Tally:
    """Report each problem once, when `end` is called, with its first line and the number of rows that have it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._first: dict[tuple[str, str, bool], Problem] = {}
        self._rows: dict[tuple[str, str, bool], int] = {}

    def __call__(self, problem: Problem) -> None:
        """Count a problem."""
        key = (problem.field, problem.kind or problem.reason, problem.warning)
        if key in self._rows:
            self._rows[key] += 1
        elif len(self._rows) < DIFFERENT:
            self._first[key], self._rows[key] = problem, 1
        else:
            self._report(problem)

    def end(self) -> None:
        """Report what was counted, in the order of the first lines."""
        for key, problem in sorted(self._first.items(), key=lambda item: item[1].line):
            self._report(replace(problem, rows=self._rows[key]))
