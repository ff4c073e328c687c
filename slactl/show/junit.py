"""Results of rules tests as JUnit XML, which programs for continuous integration read."""

import re
from itertools import groupby

from slactl.show.records import Record
from slactl.show.rules import outcome_lines

#: The characters that XML 1.0 cannot hold, in any spelling.
_UNFIT = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(report: Record) -> str:
    """Return the results as one document: a suite for each file, and an error for each problem of a file.

    A character that XML cannot hold becomes the replacement character.
    """
    from xml.etree.ElementTree import Element, SubElement, tostring

    problems, tests = report["problems"], report["tests"]
    totals = {"tests": len(tests) + len(problems), "failures": report["failed"], "errors": len(problems)}
    root = Element("testsuites", {"name": "slactl rules test", **{key: str(count) for key, count in totals.items()}})
    for file, group in groupby(tests, key=lambda test: test["file"]):
        results = list(group)
        failed = sum(not test["passed"] for test in results)
        counts = {"tests": str(len(results)), "failures": str(failed), "errors": "0"}
        suite = SubElement(root, "testsuite", {"name": _fit(file), **counts})
        for test in results:
            place = {"classname": _fit(file), "file": _fit(file), "line": str(test["line"])}
            case = SubElement(suite, "testcase", {"name": _fit(test["name"]), **place})
            if not test["passed"]:
                told = list(outcome_lines({**report, "tests": [test]}, quiet=True))[1:-1]
                keys = ", ".join(dict.fromkeys(failure["key"] for failure in test["failures"]))
                failure = SubElement(case, "failure", {"message": _fit(f"not as expected: {keys}")})
                failure.text = _fit("\n".join(told))
    if problems:
        counts = {"tests": str(len(problems)), "failures": "0", "errors": str(len(problems))}
        suite = SubElement(root, "testsuite", {"name": "files", **counts})
        for problem in problems:
            case = SubElement(suite, "testcase", {"name": _fit(problem), "classname": "files"})
            SubElement(case, "error", {"message": _fit(problem)})
    return tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _fit(text: str) -> str:
    return _UNFIT.sub("\ufffd", text)
