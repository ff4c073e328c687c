"""axe-core, which looks for what people with a screen reader or weak eyes cannot use on a page."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from browser import Browser

#: The folder of an installed axe-core; without it npm installs one.
FOLDER = "SLACTL_TEST_AXE"

NPM = shutil.which("npm")

#: Findings of these weights fail a test.
SERIOUS = ("serious", "critical")

RUN = """
return axe.run(document, {resultTypes: ['violations']}).then(found => ({
  passed: found.passes.length,
  findings: found.violations.flatMap(rule => rule.nodes.map(node => [rule.impact, rule.id, node.html.slice(0, 120)])),
}));
"""


class Finding(NamedTuple):
    """What axe-core found: how serious it is, the name of its rule, and the beginning of the element."""

    impact: str
    rule: str
    element: str


def axe_source(folder: Path) -> str:
    """Return the script of axe-core: of the folder in the environment, or installed into `folder`."""
    installed = os.environ.get(FOLDER)
    if installed is None:
        assert NPM is not None
        words = [NPM, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), "axe-core@4"]
        subprocess.run(words, check=True, capture_output=True, timeout=100)
        installed = str(folder / "node_modules" / "axe-core")
    return (Path(installed) / "axe.min.js").read_text(encoding="utf-8")


def findings(browser: Browser, source: str) -> list[Finding]:
    """Return what axe-core finds on the page that the browser shows."""
    browser.run(source)
    found = browser.run(RUN)
    assert found["passed"] > 10
    return [Finding(*finding) for finding in found["findings"]]
