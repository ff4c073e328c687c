"""Rules, maps and tests that are crafted to be slow or to break the reader are refused in one line, at once."""

from pathlib import Path

import pytest
from conftest import Slactl

from slactl.sla.rules.lines import Lines

LONG = f"x = {'9' * 5000}\n"


@pytest.mark.full
@pytest.mark.parametrize("sign", [" ", "\t", "a ", "a.", "[", '"', "'a' ", "] "])
def test_a_long_line_is_read_at_once(sign: str) -> None:
    """With time to the third power this takes hours."""
    assert Lines(f"a = 1\n{sign * 200_000}\nb = 2\n").of(("b",)) in (1, 3)


def test_a_key_between_blanks_is_found() -> None:
    lines = Lines('\n  a  =  1\n\t"b c" . d\t=2\n')
    assert [lines.of(place) for place in (("a",), ("b c",), ("b c", "d"))] == [2, 3, 3]


def test_a_number_of_thousands_of_digits_is_an_error_of_its_line(slactl: Slactl, desk: Path) -> None:
    rules, own, tests = (desk.with_name(name) for name in ("rules.toml", "map.toml", "test.toml"))
    good = rules.read_text()
    rules.write_text(f"{good}\n[views]\n{LONG}")
    own.write_text(f'[columns]\nticket = "a"\n{LONG}')
    tests.write_text(f"[[test]]\n{LONG}")
    line = len(rules.read_text().splitlines())
    for words, number in (
        (("rules", "check"), f"{line}"),
        (("import", "-", "--map", str(own)), "3"),
        (("rules", "test", str(tests)), "2"),
    ):
        refused = slactl(*words)
        rules.write_text(good)
        assert refused.code == 4, refused.err
        assert f".toml:{number}: a number has too many digits" in refused.err
    assert slactl("rules", "set", "settings.ack_for", "9" * 5000).code in (2, 4)


@pytest.mark.parametrize("value", ["[" * 200 + "]" * 200, "{a=" * 200 + "1" + "}" * 200, "[" * 3000])
def test_what_is_nested_deeply_is_an_error(value: str, slactl: Slactl, desk: Path) -> None:
    own, tests = (desk.with_name(name) for name in ("map.toml", "test.toml"))
    own.write_text(f'x = {value}\n[columns]\nticket = "a"\ncreated_at = "b"\n')
    tests.write_text(f'[[test]]\nname = "a"\nhistory = {value}\n')
    for words in (("import", "-", "--map", str(own)), ("rules", "test", str(tests))):
        refused = slactl(*words)
        assert refused.code == 4, refused.err
        assert "unexpected" not in refused.err
