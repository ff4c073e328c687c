"""`[[source]]`: what it may say, and each mistake with its line and the form that is meant."""

import pytest

from slactl.durations import Duration
from slactl.errors import RulesError
from slactl.sla.rules.loading import parse

SOURCE = """\
schema = 1
[[source]]
name = "github"
map = "github"
command = ["gh", "issue", "list", "--search", "updated:>={since}"]
timeout = "90s"
"""


def test_source_has_a_name_a_map_a_command_and_a_timeout() -> None:
    (source,) = parse(SOURCE).sources
    assert (source.name, source.map, source.timeout) == ("github", "github", Duration(90))
    assert source.command == ("gh", "issue", "list", "--search", "updated:>={since}")


def test_map_and_timeout_may_be_missing() -> None:
    (source,) = parse('schema = 1\n[[source]]\nname = "a"\ncommand = ["x"]\n').sources
    assert (source.map, source.timeout) == (None, Duration(60))
    assert parse("schema = 1\n").sources == ()


def test_rules_without_sources_keep_their_hash() -> None:
    assert parse("schema = 1\n").canonical == "schema = 1\n"


#: What is written instead of what, on which line the error is, and what it says.
MISTAKES = [
    ("[[source]]", "[source]", 2, "write [[source]], with two brackets"),
    ("[[source]]", "[[sorce]]", 2, "unknown key sorce; did you mean source?"),
    ("timeout =", "timeot =", 6, "unknown key timeot; did you mean timeout?"),
    ("timeout =", "interval =", 6, "the keys here are name, map, command, timeout"),
    ('name = "github"\n', "", 2, "name is missing"),
    ('"github"\nmap', '"git hub"\nmap', 3, "'git hub' must begin with a letter and have at most 64 letters, digits, "),
    ('"github"\nmap', '"7"\nmap', 3, "must begin with a letter"),
    ('"github"\nmap', '"ext"\nmap', 3, "'ext' is not allowed: ext:ID names an external id of any source"),
    ('"github"\nmap', f'"{"g" * 65}"\nmap', 3, "must begin with a letter and have at most 64 letters, digits"),
    ('"github"\nmap', '"a:b"\nmap', 3, "must begin with a letter"),
    ('"90s"', "90", 6, "a duration must be a text: 90s, 30m, 2h, 1h30m, 2d or 1w"),
    ('"90s"', '"0s"', 6, "'0s' is not positive"),
    ('"90s"', '"soon"', 6, "use 90s, 30m, 2h, 1h30m, 2d or 1w"),
    ('"90s"', '"1bd"', 6, "'1bd' is in business days, but every hour counts here"),
    ('["gh", "issue",', "[] # ", 5, "must have at least one entry"),
    ('["gh", "issue",', '["gh", 7,', 5, "must be a text"),
    ('["gh",', '["",', 5, "the name of the program is empty"),
    ('["gh",', '["gh issue list",', 5, "the name of the program has a blank; write each argument on its own"),
    ('["gh",', '["~/bin/gh",', 5, "no shell runs the command, so ~ means nothing; write the whole path"),
    ('"issue",', '"|", "jq",', 5, "no shell runs the command, so | is only an argument; put it into a script"),
    ("{since}", "{Since}", 5, "{Since} is not filled in; write {since}"),
    ("{since}", "{ since }", 5, "{ since } is not filled in; write {since}"),
    ("{since}", "{snice}", 5, "{snice} is not filled in; write {since}"),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), MISTAKES)
def test_mistake_is_an_error_with_its_line(old: str, new: str, line: int, message: str) -> None:
    with pytest.raises(RulesError) as caught:
        parse(SOURCE.replace(old, new, 1), "rules.toml")
    assert str(caught.value).startswith(f"rules.toml:{line}: ")
    assert message in str(caught.value)


def test_command_as_one_text_is_not_repeated_in_the_error() -> None:
    text = SOURCE.replace('["gh", "issue", "list", "--search", "updated:>={since}"]', '"curl -u mia:SENTINEL x"')
    with pytest.raises(RulesError, match=r'must be a list of the program and its arguments: \["gh", ') as caught:
        parse(text)
    assert "SENTINEL" not in str(caught.value)


def test_two_sources_have_two_names() -> None:
    with pytest.raises(RulesError, match=r"rules\.toml:8: source\[2\]\.name: the name 'github' is used above"):
        parse(SOURCE + SOURCE.partition("\n")[2])


#: Arguments with a secret of their own.
LITERAL = [
    ["https://mia:SENTINEL@example.com/api"],
    ["https://SENTINEL@example.com/api"],
    ["https://mia:${env:A}SENTINEL@example.com/api"],
    ["-H", "Authorization: Bearer SENTINEL"],
    ["--header=authorization: SENTINEL"],
    ["-H", "PRIVATE-TOKEN: SENTINEL"],
    ["-H", "X-Api-Key:SENTINEL"],
    ["-H", "Cookie: session=SENTINEL"],
    ["https://example.com/api?access_token=SENTINEL&page=1"],
    ["--token", "SENTINEL"],
    ["--api-token=SENTINEL"],
    ["--password", "SENTINEL"],
    ["-u", "mia:SENTINEL"],
    ["--user", "mia:SENTINEL"],
    ["--user=mia:SENTINEL"],
    ["--proxy-user", "mia:SENTINEL"],
    ["-HAuthorization: Bearer SENTINEL"],
    ["--oauth2-bearer", "SENTINEL"],
    ["--oauth2-bearer=SENTINEL"],
    ["--cookie", "session=SENTINEL"],
    ["--cookie=session=SENTINEL"],
]


@pytest.mark.parametrize("arguments", LITERAL)
def test_literal_secret_is_an_error_and_not_repeated(arguments: list[str]) -> None:
    text = SOURCE.replace('"issue"', ", ".join(f'"{each}"' for each in arguments))
    with pytest.raises(
        RulesError, match="the argument has a literal secret or a text that could be one; store it in "
    ) as caught:
        parse(text)
    assert "SENTINEL" not in str(caught.value)


#: Arguments that have none.
HARMLESS = [
    ["https://mia:${env:PASSWORD}@example.com/api"],
    ["ssh://git@example.com:8080/api?since={since}&page=1#x@y"],
    ["https://example.com:8080/api?since={since}&page=1#x@y"],
    ["-H", "Authorization: Bearer ${env:TOKEN}"],
    ["-H", "Authorization: ${file:token}"],
    ["-H", "PRIVATE-TOKEN: ${env:TOKEN}"],
    ["https://example.com/api?access_token=${env:TOKEN}&page=1"],
    ["--token", "${env:TOKEN}"],
    ["--token", "--json"],
    ["-u", "mia:${env:PASSWORD}"],
    ["-u", "mia"],
    ["--user=mia"],
    ["--user=mia:${env:PASSWORD}"],
    ["--cookie", "jar"],
    ["-HAuthorization: Bearer ${env:TOKEN}"],
    ["--oauth2-bearer", "${env:TOKEN}"],
    ["--cookie", "session=${env:TOKEN}"],
    ["--cookie-jar", "jar"],
    ["--json", "number,title,body"],
    ["-q", ".[] | {number, title} | {size} | {line}"],
    ["--search", "is:issue label:secret-santa mail:ann@example.com"],
]


@pytest.mark.parametrize("arguments", HARMLESS)
def test_argument_without_a_literal_secret_is_accepted(arguments: list[str]) -> None:
    text = SOURCE.replace('"issue"', ", ".join(f'"{each}"' for each in arguments))
    assert parse(text).sources[0].command[1 : 1 + len(arguments)] == tuple(arguments)


def test_rules_that_tickets_use_load_whatever_is_refused_in_files_now() -> None:
    text = SOURCE.replace("{since}", "{Since}")
    assert parse(text, pinned=True).sources[0].name == "github"
