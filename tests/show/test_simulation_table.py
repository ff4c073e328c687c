"""The table of `simulate`: what belongs to the ticket stands in its first line only, and the timer in each."""

import json

import pytest
from conftest import Slactl


@pytest.mark.usefixtures("desk")
def test_policy_and_priority_stand_in_the_first_line_of_each_ticket(
    slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    created = {"at": "2026-03-02T09:00:00Z", "type": "created", "plan": "enterprise"}
    history = "\n".join(json.dumps({"ticket": name, **created}) for name in ("A-1", "A-2"))
    done = slactl("simulate", "-", "--at", "last", "--format", "table", stdin=history)
    assert done.code == 0, done.err
    header, *rows = [line for line in done.lines if line.strip()]
    start, end = header.index("Policy"), header.index("Target")
    tickets = [row[:start].strip() for row in rows if row.startswith(("A-", "   "))]
    own = [" ".join(row[start:end].split()) for row in rows if row.startswith(("A-", "   "))]
    policy = json.loads(slactl("simulate", "-", "--at", "last", "--json", stdin=history).out)["tickets"][0]["policy"]
    assert tickets[:4] == ["A-1", "", "A-2", ""]
    assert own[:4] == [f"{policy} normal", "", f"{policy} normal", ""]
