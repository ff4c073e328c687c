"""Tenants keep their own holidays: new tickets state the country, and nothing that was opened before moves."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Slactl
from freezegun.api import FrozenDateTimeFactory

#: An office that is closed on Women's Day, 8 March, which is a holiday in Berlin only; and one that nobody moves.
RULES = """
schema = 1
[settings]
default_plan = "free"
[calendars.office]
timezone = "Europe/Berlin"
country = "DE"
subdivision = "BE"
weekly = { mon-fri = ["09:00-17:00"] }
[calendars.our-own]
timezone = "Europe/Berlin"
country = "DE"
subdivision = "BE"
fixed = true
weekly = { mon-fri = ["09:00-17:00"] }
[[policy]]
name = "fixed"
match = { plan = ["fixed"] }
calendar = "our-own"
targets = { default = { resolution = "4h" } }
[[policy]]
name = "office"
calendar = "office"
targets = { default = { resolution = "4h" } }
"""

IN_BERLIN, IN_MUNICH = "2027-03-09T12:00:00Z", "2027-03-08T12:00:00Z"


@pytest.fixture
def berlin(desk: Path, clock: FrozenDateTimeFactory) -> Path:
    desk.with_name("rules.toml").write_text(RULES)
    clock.move_to("2027-03-07T12:00:00Z")
    return desk


def opened(slactl: Slactl, *words: str) -> int:
    done = slactl("create", "VPN", "--from", "it@acme.example", *words, "-q")
    assert done.code == 0, done.err
    return int(done.out)


def due(slactl: Slactl, number: int) -> str:
    return str(json.loads(slactl("show", str(number), "--json").out)["due_at"])


def test_a_tenants_holidays_decide_the_deadlines_of_its_new_tickets(berlin: Path, slactl: Slactl) -> None:
    assert slactl("tenant", "add", "bavaria", "--country", "DE", "--subdivision", "BY").code == 0
    assert due(slactl, opened(slactl)) == IN_BERLIN
    assert due(slactl, opened(slactl, "--tenant", "bavaria")) == IN_MUNICH
    assert due(slactl, opened(slactl, "--tenant", "bavaria", "--plan", "fixed")) == IN_BERLIN


def test_a_ticket_that_moves_to_another_tenant_follows_its_holidays(berlin: Path, slactl: Slactl) -> None:
    slactl("tenant", "add", "bavaria", "--country", "DE", "--subdivision", "BY")
    number = opened(slactl)
    slactl("edit", str(number), "--tenant", "bavaria")
    assert due(slactl, number) == IN_MUNICH
    slactl("edit", str(number), "--plan", "fixed")
    assert due(slactl, number) == IN_BERLIN
    slactl("edit", str(number), "--plan", "free")
    assert due(slactl, number) == IN_MUNICH
    slactl("edit", str(number), "--tenant", "")
    assert due(slactl, number) == IN_BERLIN


def test_a_change_of_a_tenant_touches_new_tickets_only(berlin: Path, slactl: Slactl) -> None:
    slactl("tenant", "add", "moves", "--country", "DE", "--subdivision", "BE")
    before = opened(slactl, "--tenant", "moves")
    assert slactl("tenant", "set", "moves", "--subdivision", "BY").code == 0
    slactl("priority", str(before), "high")
    assert (due(slactl, before), due(slactl, opened(slactl, "--tenant", "moves"))) == (IN_BERLIN, IN_MUNICH)


def test_a_country_takes_the_subdivision_of_another_one_with_it(berlin: Path, slactl: Slactl) -> None:
    def place() -> tuple[str | None, str | None]:
        shown = json.loads(slactl("tenant", "show", "acme", "--json").out)
        return shown["country"], shown["subdivision"]

    slactl("tenant", "add", "acme", "--country", "DE", "--subdivision", "BY")
    slactl("tenant", "set", "acme", "--plan", "free")
    assert place() == ("DE", "BY")
    slactl("tenant", "set", "acme", "--country", "DE")
    assert place() == ("DE", "BY")
    slactl("tenant", "set", "acme", "--country", "US")
    assert place() == ("US", None)
    slactl("tenant", "set", "acme", "--subdivision", "NY")
    assert place() == ("US", "NY")
    slactl("tenant", "set", "acme", "--subdivision", "")
    assert place() == ("US", None)
    slactl("tenant", "set", "acme", "--country", "")
    assert place() == (None, None)
    assert slactl("tenant", "list").out.split("\t")[:5] == ["acme", "free", "", "", ""]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--country", "DEU"], 3, "no holidays are known for country 'DEU'; did you mean DE?"),
        (["--country", "de"], 3, "no holidays are known for country 'de'; did you mean DE?"),
        (["--country", "XX"], 3, "no holidays are known for country 'XX'; write its two letters, such as DE"),
        (["--country", "DE", "--subdivision", "BEE"], 3, "DE has no subdivision 'BEE'; did you mean BE? (known: "),
        (["--subdivision", "BE"], 2, "the subdivision 'BE' needs a country"),
    ],
)
def test_an_unknown_country_or_subdivision_is_refused(
    berlin: Path, slactl: Slactl, words: list[str], code: int, told: str
) -> None:
    done = slactl("tenant", "add", "acme", *words)
    assert (done.code, done.err.startswith(f"error: {told}")) == (code, True), done.err
    assert slactl("tenant", "list").out == ""


def test_a_round_trip_keeps_the_places_of_tenants(berlin: Path, slactl: Slactl, tmp_path: Path) -> None:
    slactl("tenant", "add", "bavaria", "--country", "DE", "--subdivision", "BY", "--timezone", "Europe/Berlin")
    number = opened(slactl, "--tenant", "bavaria")
    slactl("edit", str(opened(slactl)), "--tenant", "bavaria")
    exported = slactl("export").out
    copy = ("--db", str(tmp_path / "copy.db"))
    slactl(*copy, "init")
    assert slactl(*copy, "import", "-", stdin=exported).code == 0
    assert slactl(*copy, "export").out == exported
    assert slactl(*copy, "tenant", "list", "--json").out == slactl("tenant", "list", "--json").out
    assert json.loads(slactl(*copy, "show", str(number), "--json").out)["due_at"] == IN_MUNICH


def test_imported_tickets_follow_the_tenants_that_are_known_here(berlin: Path, slactl: Slactl) -> None:
    slactl("tenant", "add", "bavaria", "--country", "DE", "--subdivision", "BY")
    opening = {"ticket": "A", "at": "2027-03-07T10:00:00Z", "type": "created"}
    lines = [
        {**opening, "tenant": "bavaria"},
        {**opening, "ticket": "B"},
        {"ticket": "B", "at": "2027-03-07T11:00:00Z", "type": "tenant", "tenant": "bavaria"},
        {**opening, "ticket": "C", "tenant": "bavaria"},
        {"ticket": "C", "at": "2027-03-07T11:00:00Z", "type": "tenant", "tenant": None},
        {**opening, "ticket": "D", "tenant": "bavaria", "country": "DE", "subdivision": "BE"},
    ]
    assert slactl("import", "-", stdin="\n".join(map(json.dumps, lines))).code == 0
    found = {name: json.loads(slactl("show", name, "--json").out)["due_at"] for name in "ABCD"}
    assert found == {"A": IN_MUNICH, "B": IN_MUNICH, "C": IN_BERLIN, "D": IN_BERLIN}


def test_an_older_database_gets_the_columns_and_keeps_its_tenants(berlin: Path, slactl: Slactl) -> None:
    slactl("tenant", "add", "acme", "--plan", "fixed", "--timezone", "America/New_York")
    with closing(sqlite3.connect(berlin)) as connection, connection:
        row = connection.execute("SELECT name, plan, timezone, created_at FROM tenant").fetchone()
    schema = Path(__file__).parents[2] / "data" / "schemas" / "schema_7.sql"
    berlin.unlink()
    with closing(sqlite3.connect(berlin)) as connection, connection:
        connection.executescript(schema.read_text())
        connection.execute("DELETE FROM tenant")
        connection.execute("INSERT INTO tenant (name, plan, timezone, created_at) VALUES (?, ?, ?, ?)", row)
    shown = json.loads(slactl("tenant", "show", "acme", "--json").out)
    assert tuple(shown.values()) == (*row[:3], None, None, row[3], [])
    assert slactl("tenant", "set", "acme", "--country", "US").code == 0
    found = json.loads(slactl("doctor", "--json").out)["checks"]
    assert [check for check in found if check["check"] == "structure" and not check["ok"]] == []
