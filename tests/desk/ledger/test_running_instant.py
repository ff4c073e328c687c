"""A decision of a level belongs to the cycle that ran when the level was due, or when it fired."""

import pytest

from slactl.clock import from_text
from slactl.desk.ledger.ticket import running_instant

FIRED_AT, DUE_AT = "2026-03-02T12:00:00Z", "2026-03-02T10:00:00Z"
LATER = "2026-03-02T13:00:00Z"


@pytest.mark.parametrize(
    ("outcome", "due_at", "instant"),
    [
        ("fired", DUE_AT, FIRED_AT),
        ("skipped", DUE_AT, FIRED_AT),
        ("expired", DUE_AT, DUE_AT),
        ("baseline", DUE_AT, DUE_AT),
        ("expired", LATER, FIRED_AT),
        ("baseline", LATER, FIRED_AT),
        ("fired", None, FIRED_AT),
        ("expired", None, FIRED_AT),
    ],
)
def test_a_level_that_did_not_fire_belongs_to_the_instant_at_which_it_was_due(
    outcome: str, due_at: str | None, instant: str
) -> None:
    assert running_instant({"fired_at": FIRED_AT, "outcome": outcome, "due_at": due_at}) == from_text(instant)
