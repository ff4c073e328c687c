"""What messages mean that mail programs, lists and mail servers really write: `corpus/expected.toml` is the table."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from slactl.desk.mail.message import read_mail
from slactl.desk.mail.quotes import first_line, without_quotes

CORPUS = Path(__file__).parent / "corpus"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((CORPUS / "expected.toml").read_text(encoding="utf-8"))

#: What a key means that the table leaves out.
DEFAULTS = {
    "name": "",
    "certain": True,
    "automatic": None,
    "attachments": [],
    "references": [],
    "recipients": ["support@example.com"],
    "received": None,
}


def test_the_table_has_each_message() -> None:
    assert sorted(EXPECTED) == sorted(path.stem for path in CORPUS.glob("*.eml"))
    assert len(EXPECTED) >= 60


@pytest.mark.parametrize("name", EXPECTED)
def test_a_message_means_what_the_table_says(name: str) -> None:
    mail = read_mail((CORPUS / f"{name}.eml").read_bytes())
    text = EXPECTED[name]["text"]
    expected = {**DEFAULTS, "shown": text, "first": text.split("\n")[0], **EXPECTED[name]}
    expected = {key: value for key, value in expected.items() if key not in ("action", "ticket")}
    assert {
        "sender": mail.sender,
        "name": mail.sender_name,
        "certain": mail.is_sender_certain,
        "subject": mail.subject,
        "automatic": mail.automatic,
        "attachments": [*mail.attachments],
        "references": [*mail.references],
        "recipients": [*mail.recipients],
        "received": mail.received,
        "text": mail.text,
        "shown": without_quotes(mail.text),
        "first": first_line(mail.text),
    } == expected


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - {"carriage_returns"}))
def test_line_breaks_of_the_network_and_of_unix_mean_the_same(name: str) -> None:
    data = (CORPUS / f"{name}.eml").read_bytes()
    unix = data.replace(b"\r\n", b"\n")
    network = unix.replace(b"\n", b"\r\n")
    one, other = read_mail(unix), read_mail(network)
    with_id = {"message_id": one.message_id} if one.message_id.startswith("sha256:") else {}
    assert (one.text, one.subject, one.attachments) == (other.text, other.subject, other.attachments)
    assert with_id or one == other


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_shown_is_a_part_of_the_text(name: str) -> None:
    text = read_mail((CORPUS / f"{name}.eml").read_bytes()).text
    shown = without_quotes(text)
    assert all(line in text.split("\n") for line in shown.split("\n"))
    assert re.sub(r"\s+", "", shown) in re.sub(r"\s+", "", text)
