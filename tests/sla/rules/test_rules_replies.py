"""What `rules check` says about the addresses to which people reply."""

from pathlib import Path

import pytest
from conftest import Slactl

MAIL = '\n[mail]\naddress = "{}"\nagents = ["*@example.com"]\n'


def checked(desk: Path, slactl: Slactl, more: str) -> tuple[int, str]:
    path = desk.with_name("rules.toml")
    path.write_text(path.read_text() + more)
    done = slactl("rules", "check")
    return done.code, done.out + done.err


@pytest.mark.parametrize("address", ["s\u00fcpport@example.com", "support@ex\u00e4mple.com"])
def test_support_address_is_ascii(desk: Path, slactl: Slactl, address: str) -> None:
    code, said = checked(desk, slactl, MAIL.format(address))
    assert code == 4
    assert "has letters outside of ASCII; write the domain as xn--" in said


@pytest.mark.parametrize(("length", "is_told"), [(30, False), (31, True)])
def test_support_address_leaves_room_for_the_token(desk: Path, slactl: Slactl, length: int, is_told: bool) -> None:
    code, said = checked(desk, slactl, MAIL.format(f"{'s' * length}@example.com"))
    assert (code, "is too long for reply addresses" in said) == (0, is_told)


@pytest.mark.parametrize(
    ("person", "is_told"),
    [
        ('notify = ["mailtos://${env:L}@example.com?to=boss@example.com"]', True),
        ('notify = ["mailtos://${env:L}@example.com?to=boss@example.com"]\nemails = ["boss@example.com"]', False),
        ('notify = ["syslog://"]', False),
        ("notify = []", False),
    ],
)
def test_person_who_gets_mail_needs_emails_for_commands(desk: Path, slactl: Slactl, person: str, is_told: bool) -> None:
    _, said = checked(desk, slactl, f"{MAIL.format('support@example.com')}\n[people.boss]\n{person}\n")
    assert ("boss gets mail and has no emails" in said) == is_told
