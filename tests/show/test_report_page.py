"""The page of a report: one file without a network, everything escaped, every chart with its words."""

import base64
import hashlib
import html
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from slactl.desk.reports.measures import By
from slactl.show.page import page

pytest_plugins = ["show_samples"]

SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\"'&{{7*7}}</style>"


def target(name: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  (any field of a record)
    counts = ("measured", "met", "breached", "still_open", "earlier", "taken")
    times = ("avg", "p50", "p90", "p95", "working", "paused", "closed", "off_hours")
    empty = dict.fromkeys((f"{each}_count" for each in counts), 0) | dict.fromkeys(f"{each}_seconds" for each in times)
    return {"target": name, "attainment": None, **empty, **fields}


def sample(text: str = "acme", **fields: Any) -> dict[str, Any]:  # noqa: ANN401  (any field of a record)
    """Make a report in which every text of a stranger is `text`."""
    first = target(
        "first_response",
        **{"measured_count": 10, "met_count": 8, "breached_count": 2, "still_open_count": 1, "attainment": 0.8},
        **{"taken_count": 9, "avg_seconds": 3600.5, "p50_seconds": 1800.0, "p90_seconds": 7200.0},
        **{"p95_seconds": 7300.0, "working_seconds": 60, "paused_seconds": 30, "closed_seconds": 0},
        **{"off_hours_seconds": 10},
    )
    targets = [first, target("next_response"), target("update"), target("resolution")]
    others = ("next_response", "update", "resolution")
    counts = {f"{kind}_{end}_count": 0 for kind in others for end in ("met", "breached")}
    step = {
        **counts,
        **{"opened_count": 3, "first_response_met_count": 1, "first_response_breached_count": 1},
        **{"first_response_attainment": 0.5, **{f"{kind}_attainment": None for kind in others}},
    }
    week = [[0] * 24 for _ in range(7)]
    week[0][9] = 3
    outcomes = {"fired_count": 1, "expired_count": 0, "baseline_count": 0, "skipped_count": 0, "ticket_count": 1}
    worst = {
        **{"ticket_id": 7, "external_id": text, "subject": text, "target": "first_response"},
        **{"breached_at": "2026-03-02T08:00:00Z", "stopped_at": None, "overdue_seconds": 7200},
        **{"priority": "high", "assignee": text, "tenant": text, "plan": text},
    }
    goal = {
        **{"name": text, "period": "2026-03", "target": "resolution", "goal": 0.95, "kept": 9, "missed": 1},
        **{"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z", "attained": 0.9, "spare": 0},
        **{"needed": 10, "open_at_risk": 1, "credit": 5, "state": "below", "group": None},
    }
    return {
        **{"at": "2026-03-02T10:00:00Z", "since": "2026-03-01T00:00:00Z", "until": None, "timezone": text},
        **{
            "by": "tenant",
            "opened_count": 3,
            "ticket_count": 10,
            "corrected_count": 2,
            "escalation_rate": 0.1,
            "breach_rate": 0.2,
            "reopen_rate": 0.0625,
        },
        "targets": targets,
        "groups": [{"group": text, "opened_count": 3, "targets": targets}],
        "before": {"since": None, "until": None, "targets": [target("first_response", attainment=0.75)]},
        "trend": {"unit": "day", "steps": [{"start": f"2026-03-0{day}", **step} for day in (1, 2)]},
        "escalations": [{"source": "automatic", "escalation": text, "level": text, **outcomes}],
        "busiest_hours": week,
        "worst": [worst],
        "goals": [goal],
        **fields,
    }


EMPTY = sample(
    targets=[target("first_response"), target("next_response"), target("update"), target("resolution")],
    **{
        "groups": [],
        "before": None,
        "trend": {"unit": "day", "steps": []},
        "escalations": [],
        "worst": [],
        "goals": [],
    },
    **{"busiest_hours": [[0] * 24 for _ in range(7)], "opened_count": 0, "ticket_count": 0, "corrected_count": 0},
    **{"breach_rate": None, "escalation_rate": None, "reopen_rate": None},
)


class Reader(HTMLParser):
    """What tags a page has, with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("report", [sample(), EMPTY], ids=["sample", "empty"])
def test_it_is_well_formed_and_asks_nothing_of_a_network(report: dict[str, Any]) -> None:
    text = page(report)
    reader = Reader(text)
    assert reader.open == []
    for tag, attributes in reader.tags:
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "form", "base", "a")
        assert not {"src", "href", "style"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_its_policy_allows_its_own_style_and_nothing_else() -> None:
    text = page(sample())
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(
        attributes["content"]
        for tag, attributes in Reader(text).tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_every_text_of_a_stranger_is_escaped() -> None:
    text, harmless = page(sample(SCRIPT)), page(sample())
    assert "<script" not in text
    assert "<img" not in text
    assert "{{7*7}}" in html.unescape(text)
    assert [tag for tag, _ in Reader(text).tags] == [tag for tag, _ in Reader(harmless).tags]


def test_hidden_marks_are_seen(hostile: str) -> None:
    text = page(sample(hostile))
    assert not any((ord(c) < 0x20 and c != "\n") or 0x7F <= ord(c) <= 0x9F or c in "\u202e\u200b" for c in text)


def test_every_chart_has_a_title_a_description_and_a_table() -> None:
    text = page(sample())
    reader = Reader(text)
    names = {attributes["id"] for _, attributes in reader.tags if "id" in attributes}
    charts = [attributes for tag, attributes in reader.tags if tag == "svg" and attributes.get("role") == "img"]
    assert len(charts) == 3
    for chart in charts:
        assert set((chart["aria-labelledby"] or "").split()) <= names
    # What is drawn besides has its number beside it.
    plain = [attributes for tag, attributes in reader.tags if tag == "svg" and "role" not in attributes]
    assert all(svg.get("aria-hidden") == "true" or "viewbox" in svg for svg in plain)
    assert text.count("<details>") == 2


def test_words_stand_beside_colours() -> None:
    text = " ".join(re.sub(r"<[^>]*>", " ", page(sample())).split())
    assert "80.0 % met · fair" in text
    assert "2 of 10 missed, 1 still open" in text
    assert "5.0 points better than in the period before" in text
    assert "Busiest: Mon 09:00 to 10:00, 3 tickets" in text


def test_without_data_it_says_so() -> None:
    text = page(EMPTY)
    assert "Nothing to report" in text
    assert "nothing was due" in text
    assert not re.search(r"\b(nan|inf|None)\b", text)


def test_many_groups_are_cut_and_it_says_so() -> None:
    (group,) = sample()["groups"]
    text = page(sample(groups=[{**group, "group": f"tenant {number}"} for number in range(1200)]))
    assert "1,100 more are left out" in text
    assert "tenant 99" in text
    assert "tenant 100" not in text


def test_each_group_has_a_word() -> None:
    for by in By:
        (group,) = sample()["groups"]
        assert f"no {by.value}" in page(sample(by=by.value, groups=[{**group, "group": None}]))
