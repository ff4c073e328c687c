"""A plan or a tenant that the rules name anywhere is known to every command; any other word is a typing error."""

from pathlib import Path

import pytest
from conftest import Slactl
from escalation_desk import ladder, policy, write_rules

PLACES = ("policy", "escalation", "level")
ANYTHING = 'priority = ["low", "normal", "high", "urgent"]'


def write_rules_naming(desk: Path, stated: str, place: str) -> None:
    """Write rules that state a condition in one place, and a condition that all tickets meet in the others."""
    first, second, third = (stated if place == each else ANYTHING for each in PLACES)
    some = policy(resolution="8h").replace('"all"', f'"some"\nmatch = {{ {first} }}')
    escalation = ladder("resolution", f"late 0m when = {{ {third} }}; note = 'late'", more=f"when = {{ {second} }}")
    write_rules(desk, some, policy(resolution="8h"), escalation)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("stated", ['{key} = ["acme"]', 'not = {{ {key} = ["acme"] }}'])
@pytest.mark.parametrize(
    ("key", "commands"),
    [
        (
            "plan",
            [
                "create Printer --from a@example.com --plan acme",
                "tenant add new --plan acme",
                "list --plan acme",
                "rules show --plan acme",
            ],
        ),
        (
            "tenant",
            [
                "create Printer --from a@example.com --tenant acme",
                "list --tenant acme",
                "rules show --tenant acme",
            ],
        ),
    ],
)
def test_a_name_in_any_condition_is_known_to_every_command(
    desk: Path, slactl: Slactl, key: str, commands: list[str], stated: str, place: str
) -> None:
    write_rules_naming(desk, stated.format(key=key), place)
    for words in commands:
        refused = slactl(*words.replace("acme", "acne").split())
        assert (refused.code, "did you mean acme?" in refused.err) == (3, True), (words, refused.err)
    for words in reversed(commands):  # `create` comes last: then the database knows the name, too
        done = slactl(*words.split())
        assert done.code == 0, (words, done.err)
