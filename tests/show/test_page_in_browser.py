"""The page of a report in a real browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, DRIVER, Browser, chromium
from conftest import Slactl
from test_report_page import EMPTY, SCRIPT, sample

from slactl.show.page import page

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromium-driver"),
]

INCIDENTS = Path(__file__).parents[1] / "data" / "servicenow_incidents.csv"
SIZES = [(390, 844), (1280, 900)]

#: The contrast of every text with the ground behind it, as WCAG 2 counts it, and the text where it is too small.
CONTRAST = """
const parts = c => c.match(/[\\d.]+/g).map(Number);
const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
const light = c => {
  const [r, g, b] = parts(c).map(v => linear(v / 255));
  return .2126 * r + .7152 * g + .0722 * b;
};
const ground = e => {
  for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(c)) return c;
  }
  return 'rgb(255, 255, 255)';
};
const bad = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || e.closest('title, desc')) continue;
  const style = getComputedStyle(e);
  const ink = e instanceof SVGElement ? style.fill : style.color;
  const pair = [light(ink), light(ground(e))].sort((a, b) => b - a);
  const ratio = (pair[0] + .05) / (pair[1] + .05);
  if (ratio < 4.5) bad.push([walker.currentNode.data.trim().slice(0, 40), ratio]);
}
return bad;
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def real(desk: Path, slactl: Slactl, tmp_path: Path) -> Path:
    """Write the page of the real incidents."""
    slactl("import", str(INCIDENTS), "--map", "servicenow")
    target = tmp_path / "incidents.html"
    assert slactl("report", "--by", "assignee", "--html", str(target)).code == 0
    return target


def written(folder: Path, report: dict[str, Any]) -> Path:
    path = folder / "page.html"
    path.write_text(page(report), encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_it_shows_without_a_complaint_and_without_scrolling_sideways(
    browser: Browser, real: Path, width: int, height: int, dark: bool
) -> None:
    browser.resize(width, height, dark=dark)
    browser.open(real)
    assert browser.complaints() == []
    assert browser.run("return innerWidth") == width
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run("return matchMedia('(prefers-color-scheme: dark)').matches") is dark
    ground = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(16, 21, 27)" if dark else "rgb(246, 247, 249)")
    drawn = browser.run("return [...document.querySelectorAll('svg rect')].filter(r => r.getBBox().width > 0).length")
    assert drawn > 150
    assert browser.run(CONTRAST) == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_chart_sticks_out_of_its_card(browser: Browser, real: Path, width: int, height: int) -> None:
    browser.resize(width, height)
    browser.open(real)
    out = browser.run("""
    return [...document.querySelectorAll('section svg text, section svg rect')].filter(e => {
      const box = e.getBoundingClientRect(), card = e.closest('section').getBoundingClientRect();
      return !e.closest('.scroll') && (box.left < card.left || box.right > card.right);
    }).map(e => e.outerHTML)""")
    assert out == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_hostile_text_runs_nothing_and_moves_nothing(
    browser: Browser, tmp_path: Path, width: int, height: int
) -> None:
    browser.resize(width, height)
    path = written(tmp_path, sample(SCRIPT + "x" * 900))
    browser.open(path)
    assert browser.complaints() == []
    assert not re.search("owned", browser.run("return document.title"))
    assert browser.run("return document.scripts.length + document.images.length") == 0
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert SCRIPT[:40] in browser.run("return document.body.innerText")


def test_its_policy_stops_a_script_that_got_in_all_the_same(browser: Browser, tmp_path: Path) -> None:
    path = written(tmp_path, sample())
    script = "<script>document.title = 'owned'</script><p style='color: red'>x</p>"
    path.write_text(path.read_text(encoding="utf-8").replace("<main>", f"<main>{script}"), encoding="utf-8")
    browser.open(path)
    assert browser.run("return document.title") != "owned"
    assert len([line for line in browser.complaints() if "Content Security Policy" in line]) == 2


def test_an_empty_report_shows(browser: Browser, tmp_path: Path) -> None:
    for width, height in SIZES:
        browser.resize(width, height)
        browser.open(written(tmp_path, EMPTY))
        assert browser.complaints() == []
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert "Nothing to report" in browser.run("return document.body.innerText")


def test_it_prints(browser: Browser, real: Path) -> None:
    browser.open(real)
    printed = browser.command("Page.printToPDF", {"printBackground": True})
    assert json.dumps(printed).startswith('{"data": "JVBERi0')  # %PDF-
