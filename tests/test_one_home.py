"""One test of what a time zone is and one sentence for an unknown word, wherever people write them."""

import json
import re
import zoneinfo
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from conftest import Slactl

import slactl as package
from slactl.clock import is_zone, new_zone
from slactl.errors import NotKnownError
from slactl.sla.calendar.zone import Zone
from slactl.sla.enums import Priority
from slactl.sla.rules.loading import parse
from slactl.text import domain_of, known_or_refuse, not_one_of

#: Python's zoneinfo loads each of these, but they mean other instants on another machine or count leap seconds.
TREACHEROUS = ("right/Europe/Berlin", "posix/Europe/Berlin", "posixrules", "localtime")

PACKAGE = Path(package.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))


RULES = """
schema = 1
[calendars.office]
timezone = "Europe/Berlin"
weekly = { mon-fri = ["09:00-17:00"] }
[[policy]]
name = "all"
calendar = "office"
targets = { normal = { first_response = "4h" } }
"""

NOT_THERE = ("Europe", "Mars", "", "../UTC", "a\x00b", "x" * 5000)


@pytest.fixture
def _zones(tmp_path: Path) -> Iterator[None]:
    """Give this process a zone database with each of the treacherous zones, whatever the machine has."""
    data = (resources.files("tzdata") / "zoneinfo" / "Europe" / "Berlin").read_bytes()
    for name in TREACHEROUS:
        place = tmp_path / "zones" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[str(tmp_path / "zones")])
    is_zone.cache_clear()
    yield
    zoneinfo.reset_tzpath(to=before)
    is_zone.cache_clear()
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.usefixtures("_zones")
@pytest.mark.parametrize("name", [*TREACHEROUS, *NOT_THERE])
def test_nobody_may_write_a_zone_that_is_not_the_same_everywhere(name: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        new_zone(name)


@pytest.mark.parametrize("name", NOT_THERE)
def test_what_is_not_a_zone(name: str) -> None:
    assert not is_zone(name)
    with pytest.raises(ValueError, match="there is no time zone"):
        Zone(name)


@pytest.mark.usefixtures("_zones")
@pytest.mark.parametrize("name", TREACHEROUS)
def test_rules_that_tickets_are_pinned_to_keep_their_zone(
    name: str, desk: Path, tmp_path: Path, slactl: Slactl
) -> None:
    pinned = parse(RULES.replace("Europe/Berlin", name), pinned=True)
    desk.with_name("rules.toml").write_text(RULES, encoding="utf-8")
    created = {
        "ticket": "1",
        "at": "2026-03-02T08:00:00Z",
        "type": "created",
        "rules": pinned.hash,
        "rules_version": {"toml": pinned.canonical, "first_used_at": "2026-01-01T00:00:00Z"},
    }
    of_tenant = {"ticket": "2", "at": "2026-03-02T08:00:00Z", "type": "created", "timezone": name}
    history = tmp_path / "history.jsonl"
    history.write_text(f"{json.dumps(created)}\n{json.dumps(of_tenant)}\n", encoding="utf-8")
    assert slactl("import", str(history)).code == 0
    for number in ("1", "2"):
        explained = slactl("explain", number, "--json")
        assert explained.code == 0, explained.err
        assert f'"timezone": "{name}"' in explained.out
    assert slactl("note", "1", "--body", "seen").code == 0
    assert slactl("check", "-q").code in (0, 6)
    assert slactl("audit", "verify").code == 0
    exported = slactl("export")
    assert exported.code == 0
    assert slactl("--db", str(tmp_path / "other.db"), "init").code == 0
    brought = slactl("--db", str(tmp_path / "other.db"), "import", "-", stdin=exported.out)
    assert brought.code == 0, brought.err


@pytest.mark.parametrize("name", TREACHEROUS)
def test_every_door_refuses_the_same_zones(name: str, desk: Path, tmp_path: Path, slactl: Slactl) -> None:
    rules = desk.with_name("rules.toml")
    text = rules.read_text(encoding="utf-8")
    assert slactl("calendar", "is-open", "always", "now", "--timezone", name).code == 3
    assert slactl("tenant", "add", "acme", "--timezone", name).code == 3
    assert slactl("report", "--timezone", name).code == 3
    columns = f'[columns]\nticket = "a"\ncreated_at = "b"\n[time]\ntimezone = "{name}"\n'
    (tmp_path / "map.toml").write_text(columns, encoding="utf-8")
    (tmp_path / "tickets.csv").write_text("a,b\n1,2026-03-02T08:00:00Z\n", encoding="utf-8")
    mapped = slactl("import", str(tmp_path / "tickets.csv"), "--map", str(tmp_path / "map.toml"))
    assert mapped.code == 4
    rules.write_text(re.sub(r'timezone = "[^"]+"', f'timezone = "{name}"', text), encoding="utf-8")
    checked = slactl("rules", "check")
    assert checked.code == 4
    for answer in (mapped, checked):
        assert f"there is no time zone '{name}'" in answer.err


def test_only_the_clock_decides_what_a_zone_is() -> None:
    for path in SOURCES:
        if path.name != "clock.py":
            assert "available_timezones" not in path.read_text(encoding="utf-8"), path


def test_only_one_function_asks_what_was_meant() -> None:
    assert [path.name for path in SOURCES if "did you mean" in path.read_text(encoding="utf-8")] == ["text.py"]


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("ann@Example.COM", "example.com"),
        ('"a@b"@example.com', "example.com"),
        ("ann", None),
        ("@example.com", None),
        ("ann@", None),
        ("", None),
    ],
)
def test_the_domain_of_an_address_is_in_small_letters(address: str, domain: str | None) -> None:
    assert domain_of(address) == domain


def test_only_one_function_finds_the_domain_of_an_address() -> None:
    users = [path.name for path in SOURCES if 'partition("@")' in path.read_text(encoding="utf-8")]
    assert users == ["addresses.py", "text.py"]  # in a URL, the @ ends the login


def test_a_word_outside_a_closed_set_is_answered_with_the_set_and_the_nearest() -> None:
    assert not_one_of("hgih", ("low", "high")) == "'hgih' is not one of low, high; did you mean high?"
    assert not_one_of("\x1b[31m" + "x" * 200, ("low",)) == f"{'x' * 100!r} is not one of low"


def test_an_unknown_name_is_answered_with_the_nearest_and_all_names() -> None:
    assert known_or_refuse("a", ["b", "a"], "plan", None) == "a"
    with pytest.raises(NotKnownError) as caught:
        known_or_refuse("entreprise", ["free", "enterprise"], "plan", "slactl rules show")
    assert str(caught.value) == ("there is no plan 'entreprise'; did you mean enterprise? (known: enterprise, free)")
    assert caught.value.hint == "slactl rules show"
    with pytest.raises(NotKnownError) as caught:
        known_or_refuse("a", [f"{number:03}{'x' * 197}" for number in range(100)], "plan", None)
    assert len(str(caught.value)) < 600


def test_sentences_with_did_you_mean_are_made_in_one_place() -> None:
    for path in SOURCES:
        if path.relative_to(PACKAGE).parts[0] in ("sla", "store", "show"):
            assert not re.search(r"did you mean|nearest\(", path.read_text(encoding="utf-8")), path


def test_statuses_and_priorities_are_listed_in_their_enums_only() -> None:
    listed = [
        path.name
        for path in SOURCES
        if path.name != "enums.py" and re.search(r"""["']open["'],\s*["']pending["']|'urgent' THEN""", path.read_text())
    ]
    assert listed == []


def test_the_order_by_priority_begins_with_the_most_urgent(slactl: Slactl, desk: Path) -> None:
    ranked = sorted(Priority, key=lambda priority: priority.rank, reverse=True)
    for priority in Priority:
        slactl("create", priority.value, "--from", "ann@example.com", "--priority", priority.value)
    assert slactl("list", "--sort", "priority", "--fields", "priority", "--format", "plain").lines == ranked
