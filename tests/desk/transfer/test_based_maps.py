"""A map of one's own begins with a shipped map and changes only what is different."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl

ROWS = "Issue key,Created,Status,Priority\nA-1,11/May/24 3:26 PM,Shipped,Highest\nA-2,11/May/24 4:26 PM,Open,Low\n"


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "own.toml"
    path.write_text(text)
    return str(path)


def tickets(slactl: Slactl) -> dict[str, dict[str, Any]]:
    return {ticket["external_id"]: ticket for ticket in json.loads(slactl("list", "--all", "--json").out)}


def test_words_and_zone_of_ones_own_are_added_to_those_of_the_base(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    text = 'base = "jira-csv"\n[time]\ntimezone = "Europe/Berlin"\n[values.status]\nShipped = "pending"\n'
    done = slactl("import", "-", "--map", written(tmp_path, text), stdin=ROWS)
    assert done.code == 0, done.err
    found = tickets(slactl)
    assert [(found[name]["status"], found[name]["priority"]) for name in ("A-1", "A-2")] == [
        ("pending", "urgent"),
        ("open", "low"),
    ]
    assert found["A-1"]["created_at"] == "2024-05-11T13:26:00Z"


def test_a_form_of_times_takes_the_place_of_those_of_the_base(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    own = written(tmp_path, 'base = "jira-csv"\n[time]\nformat = "%d.%m.%Y %H:%M"\n')
    done = slactl("import", "-", "--map", own, stdin="Issue key,Created,Status\nA-1,11.05.2024 15:26,Open\n")
    assert done.code == 0, done.err
    assert tickets(slactl)["A-1"]["created_at"] == "2024-05-11T15:26:00Z"


def test_a_map_with_a_base_is_never_replaced_by_a_variant_of_the_base(
    desk: Path, slactl: Slactl, tmp_path: Path
) -> None:
    own = written(
        tmp_path, 'base = "jira"\n[columns]\nticket = "Issue key"\ncreated_at = "Created"\nstatus = "Status"\n'
    )
    rows = "Issue key,Created,Status,Summary,Updated,Reporter,Labels\nA-1,2024-05-11T15:26:00Z,Shipped,Phone,,,\n"
    done = slactl("import", "-", "--map", own, stdin=rows)
    # Each unknown status is open, as in the map for the REST API; the table has more columns of the other map.
    assert (done.code, tickets(slactl)["A-1"]["status"]) == (0, "open"), done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('base = "jria"\n', "base: no map 'jria' comes with slactl; did you mean jira?"),
        ('base = "mine.toml"\n', "base: no map 'mine.toml' comes with slactl; use one of csv, freshdesk"),
        ("base = 3\n", "base: no map '3' comes with slactl; use one of csv, freshdesk"),
        ('base = "jira"\ncolumns = 3\n', "columns"),
        ('base = "jira"\n[time]\nformat = "%d"\nformats = ["iso"]\n', "format and formats contradict each other"),
        ('base = "jira"\n[values.status]\nShipped = "opn"\n', "'opn' is not one of"),
    ],
)
def test_a_wrong_base_is_an_error(desk: Path, slactl: Slactl, tmp_path: Path, text: str, said: str) -> None:
    refused = slactl("import", "-", "--map", written(tmp_path, text), stdin=ROWS)
    assert refused.code == 4
    assert said in refused.err
    assert "own.toml" in refused.err
    hint = refused.err.splitlines()[-1].removeprefix("hint: slactl ")
    assert slactl(*hint.split()).code == 0
    assert tickets(slactl) == {}
