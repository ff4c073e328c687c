"""What is no text, or too much of it, stops at the door; the rest of a file goes in."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Slactl
from hostile_desk import TEXTS, HostileDesk
from payloads import PAYLOADS, harm

pytest_plugins = ["hostile_fixtures"]

BROKEN = b"\xff\xfe caf\xe9"
TYPED = os.fsdecode(BROKEN)
BIG = 10_000_000


def count(desk: HostileDesk) -> int:
    return len(desk.done("list", "--all", "-q").out.split())


def refused(desk: HostileDesk, *words: str, stdin: bytes = b"") -> None:
    """Exit code 2, one line and perhaps a hint, and not the text itself."""
    result = desk(*words, stdin=stdin)
    assert result.code == 2, (words[:2], result)
    check_error(result.err)
    assert result.out == ""


def check_error(err: str, *, several: bool = False) -> None:
    lines = err.split("\n")
    assert lines.pop() == ""
    assert harm(err) == []
    assert lines
    assert all(line.startswith(("error: ", "hint: ", "warning: ")) for line in lines), err
    assert sum(line.startswith("hint: ") for line in lines) <= 1
    assert several or sum(line.startswith("error: ") for line in lines) == 1, err
    assert all(len(line) < 2000 for line in lines)


ARGUMENTS = {
    "subject": ["create", "--from", "a@b.example", "--", "TEXT"],
    "body": ["create", "x", "--from", "a@b.example", "--body", "TEXT"],
    "address": ["create", "x", "--from", "TEXT"],
    "assignee": ["create", "x", "--from", "a@b.example", "--assignee", "TEXT"],
    "tag": ["create", "x", "--from", "a@b.example", "--tag", "TEXT"],
    "external id": ["create", "x", "--from", "a@b.example", "--external-id", "TEXT"],
    "reply": ["reply", "1", "--body", "TEXT"],
    "note": ["note", "1", "--body", "TEXT"],
    "receive": ["receive", "1", "--body", "TEXT"],
    "assign": ["assign", "1", "--to", "TEXT"],
    "tag later": ["tag", "1", "--add", "TEXT"],
    "edit subject": ["edit", "1", "--subject", "TEXT"],
    "edit address": ["edit", "1", "--from", "TEXT"],
    "edit external id": ["edit", "1", "--external-id", "TEXT"],
    "tenant": ["tenant", "add", "--", "TEXT"],
    "comment": ["silence", "add", "--ticket", "1", "--for", "1h", "--comment", "TEXT"],
    "actor": ["--actor", "TEXT", "note", "1", "--body", "x"],
}

#: Where a reason is too long the state of affairs refuses it, as one that is missing.
REASONS = {
    "reason": ["escalate", "1", "--reason", "TEXT"],
    "reason of a deadline": ["due", "1", "--target", "resolution", "--at", "in 4h", "--reason", "TEXT"],
}

#: Words that are looked up; nothing is called so.
LOOKED_UP = {
    "id": ["show", "--", "TEXT"],
    "id to change": ["resolve", "--", "TEXT"],
    "search": ["list", "--search=TEXT"],
    "tenant to list": ["list", "--tenant=TEXT"],
    "assignee to list": ["list", "--assignee=TEXT"],
    "requester to list": ["list", "--requester=TEXT"],
    "tag to list": ["list", "--tag=TEXT"],
    "actor of the log": ["audit", "list", "--actor=TEXT"],
    "recipient": ["notifications", "list", "--recipient=TEXT"],
    "plan": ["create", "x", "--from", "a@b.example", "--plan=TEXT"],
    "tenant of a ticket": ["create", "x", "--from", "a@b.example", "--tenant=TEXT"],
}


def with_text(words: list[str], text: str) -> list[str]:
    return [word.replace("TEXT", text) for word in words]


@pytest.mark.parametrize("argument", [*ARGUMENTS, *REASONS])
def test_what_is_no_text_or_too_long_is_refused(hostile_desk: HostileDesk, argument: str) -> None:
    words = (ARGUMENTS | REASONS)[argument]
    before = hostile_desk.done("audit", "list", "-q").out
    refused(hostile_desk, *with_text(words, TYPED))
    long = hostile_desk(*with_text(words, "x" * BIG))
    assert long.code == (5 if argument in REASONS else 2)
    check_error(long.err)
    assert hostile_desk.done("audit", "list", "-q").out == before


@pytest.mark.parametrize("argument", LOOKED_UP)
def test_a_word_that_is_no_text_is_never_found(hostile_desk: HostileDesk, argument: str) -> None:
    result = hostile_desk(*with_text(LOOKED_UP[argument], TYPED))
    assert result.code in (0, 2, 3), result
    assert (result.out, harm(result.err)) == ("", [])
    assert "unexpected" not in result.err


@pytest.mark.parametrize("variable", ["SLACTL_ACTOR", "LOGNAME"])
def test_an_actor_of_the_environment_is_a_text(hostile_desk: HostileDesk, variable: str) -> None:
    for name in (TYPED, "x" * 300):
        settings = {"SLACTL_ACTOR": "", variable: name}
        result = hostile_desk("note", "1", "--body", "x", **settings)
        assert result.code == 2
        check_error(result.err)


@pytest.mark.parametrize("command", ["create x --from a@b.example", "reply 1", "note 1", "receive 1"])
def test_a_body_from_stdin_is_a_text_and_not_too_long(hostile_desk: HostileDesk, command: str) -> None:
    for raw in (BROKEN, b"a\x00b", b"x" * BIG, b"x" * 65_000_000, "\ud800".encode(errors="surrogatepass")):
        refused(hostile_desk, *command.split(), "--body", "-", stdin=raw)


def test_stdin_without_an_end_is_not_read_to_the_end(hostile_desk: HostileDesk) -> None:
    for words in (["reply", "1", "--body", "-"], ["show", "-"]):
        result = hostile_desk(*words, stdin=b"1\n" * 33_000_000)
        assert (result.code, "stdin has more than 64,000,000 bytes" in result.err) == (2, True)


def test_a_bad_row_of_a_file_with_such_a_name_is_told_on_one_line(
    messed: HostileDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(messed.folder)
    for name in (PAYLOADS["cursor"], PAYLOADS["forged line"].replace("/", ""), TYPED):
        (messed.folder / name).write_text('{"ticket": "A"}')
        result = messed("import", "--", name)
        assert result.code == 7
        check_error(result.err)


def test_the_longest_body_goes_in_and_comes_out(messed: HostileDesk) -> None:
    body = ("\x1b]0;x\x07\u202e\u0301\x9b€=1+1\n" * 60_000)[:1_000_000]
    number = messed.done("create", "x", "--from", "a@b.example", "--body", "-", stdin=body).out.strip()
    assert json.loads(messed.done("show", number, "--json").out)["messages"][0]["body"] == body
    assert harm(messed.done("show", number, "--format", "plain").out, tabs=True) == []
    assert harm(messed.done("export").out, marks=True) == []


BAD = {
    "a NUL": b'{"ticket": "N-1", "at": "2026-03-02T09:00:00Z", "type": "created", "subject": "a\\u0000b"}',
    "a NUL as it is": b'{"ticket": "N-1", "at": "2026-03-02T09:00:00Z", "type": "created", "subject": "a\x00b"}',
    "a surrogate": b'{"ticket": "N-1", "at": "2026-03-02T09:00:00Z", "type": "created", "subject": "\\ud800"}',
    "a surrogate for a name": b'{"ticket": "\\udfff", "at": "2026-03-02T09:00:00Z", "type": "created"}',
    "broken UTF-8": b'{"ticket": "N-\xff", "at": "2026-03-02T09:00:00Z", "type": "created"}',
    "ten megabytes": b'{"ticket": "N-1", "at": "2026-03-02T09:00:00Z", "type": "created", "body": "%s"}' % (b"x" * BIG),
    "one long word": b"x" * BIG,
    "escapes": b'{"ticket": "N-1", "at": "2026-03-02T09:00:00Z", "type": "\x1b[31m\\u001b[31mcreated\\u202e"}',
    "escapes outside": b"\x1b]0;owned\x07\xc2\x9b31m",
    "depth": b'{"ticket": ' + b"[" * 100_000,
    "a huge number": b'{"ticket": %s, "at": "2026-03-02T09:00:00Z", "type": "created"}' % (b"9" * 5000),
    "a forged line": b'{"ticket": "N-1", "at": "2026-03-02T09:00:00Z", "type": "x\\nerror: the disk is full"}',
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_line_of_a_history_is_reported_and_the_rest_goes_in(messed: HostileDesk, bad: str) -> None:
    def good(name: str) -> bytes:
        return json.dumps({"ticket": name, "at": "2026-03-02T09:00:00Z", "type": "created"}).encode()

    before = count(messed)
    result = messed("import", "-", stdin=b"\n".join([good("before"), BAD[bad], good("after")]))
    assert (result.code, count(messed)) == (7, before + 2)
    check_error(result.err)
    assert "stdin:2:" in result.err


def rows(bad: bytes) -> bytes:
    return b"ticket,created_at,subject\nbefore,2026-03-02,x\n%s\nafter,2026-03-02,x\n" % bad


@pytest.mark.parametrize(
    "bad",
    [
        b"N-1,2026-03-02,a\x00b",
        b"N-1,2026-03-02,caf\xe9",
        b"N-1,2026-03-02,\xed\xa0\x80",
        b"\xff,2026-03-02,x",
        b"N" * BIG + b",2026-03-02,x",
        b"N-1,\x1b[31myesterday\xe2\x80\xae,x",
        b'N-1,2026-03-02,"never closed',
        b"N-1," + b"9" * 5000 + b",x",
    ],
    ids=["NUL", "latin-1", "surrogate", "name", "10 MB", "escapes", "quote", "number"],
)
def test_a_bad_row_of_a_spreadsheet_is_reported_and_the_rest_goes_in(messed: HostileDesk, bad: bytes) -> None:
    before = count(messed)
    result = messed("import", "-", "--map", "csv", stdin=rows(bad))
    assert (result.code, count(messed)) == (7, before + 2), result.err
    check_error(result.err)
    assert "stdin:3:" in result.err


@pytest.mark.parametrize(
    ("field", "text"),
    [
        *((field, "\ud800") for field in ("id", "subject", "description", "requester_id", "tags")),
        *((field, "a\x00b") for field in ("id", "description")),
        *((field, "x" * BIG) for field in ("subject", "tags")),
    ],
    ids=lambda value: value if len(value) > 3 and len(value) < 20 else "",
)
def test_a_bad_ticket_of_another_desk_is_reported_and_the_rest_goes_in(
    messed: HostileDesk, field: str, text: str
) -> None:
    tickets = [{"id": name, "created_at": "2026-03-02T09:00:00Z", "status": "open"} for name in ("a", "b", "c")]
    tickets[1] |= {field: [text] if field == "tags" else text}  # type: ignore[dict-item]
    before = count(messed)
    result = messed("import", "-", "--map", "zendesk", stdin=json.dumps(tickets))
    if len(text) == BIG:
        assert (result.code, count(messed)) == (0, before + 3), "a long text is cut"
        return
    assert (result.code, count(messed)) == (7, before + 2), result.err[:300]
    check_error(result.err)


MISTAKES = {
    "id": (3, ["show", "--", "TEXT"]),
    "id to change": (3, ["resolve", "--", "TEXT"]),
    "tenant": (3, ["list", "--tenant=TEXT!"]),
    "plan": (3, ["create", "x", "--from", "a@b.example", "--plan=TEXT!"]),
    "tenant of a ticket": (3, ["create", "x", "--from", "a@b.example", "--tenant=TEXT!"]),
    "tenant that is there": (5, ["tenant", "add", "--", "TEXT"]),
    "tenant to show": (3, ["tenant", "show", "--", "TEXT!"]),
    "tenant without a change": (2, ["tenant", "set", "--", "TEXT"]),
    "plan of the rules": (3, ["rules", "show", "--plan=TEXT!"]),
    "view": (3, ["list", "@TEXT!"]),
    "calendar": (3, ["calendar", "show", "--", "TEXT!"]),
    "length on a calendar": (2, ["calendar", "add", "--", "TEXT", "now", "TEXT"]),
    "days on a calendar": (2, ["calendar", "add", "--", "TEXT", "now", "2d"]),
    "address": (2, ["create", "x", "--from=TEXT"]),
    "external id": (5, ["create", "x", "--from", "a@b.example", "--external-id=TEXTqargvNUMBERq"]),
    "priority": (2, ["priority", "1", "TEXT"]),
    "status": (2, ["status", "1", "TEXT"]),
    "target": (2, ["due", "1", "--target=TEXT", "--at", "now", "--reason", "x"]),
    "time": (2, ["note", "1", "--body", "x", "--at=TEXT"]),
    "length": (2, ["ack", "1", "--for=TEXT"]),
    "length of a list": (2, ["list", "--due-within=TEXT"]),
    "field": (2, ["list", "--fields=TEXT"]),
    "command": (2, ["TEXT"]),
    "option": (2, ["list", "--TEXT"]),
    "number": (2, ["notifications", "retry", "--", "TEXT"]),
    "run": (2, ["runs", "show", "--", "TEXT"]),
    "action": (2, ["audit", "list", "--action=TEXT"]),
    "role": (3, ["notify", "test", "--", "TEXT!"]),
    "role without address": (5, ["notify", "test", "--", "TEXT"]),
    "ladder": (3, ["silence", "add", "--escalation=TEXT!", "--for", "1h"]),
    "time zone": (2, ["tenant", "set", "x", "--timezone=TEXT"]),
    "zone of a calendar": (3, ["calendar", "show", "always", "--timezone=TEXT"]),
    "month": (2, ["calendar", "show", "always", "--month=TEXT"]),
    "map": (3, ["import", "-", "--map=TEXT"]),
    "file to import": (2, ["import", "--", "nowhere/TEXT"]),
    "file to replay": (2, ["simulate", "--", "nowhere/TEXT"]),
    "rules": (4, ["--rules=nowhere/TEXT", "rules", "check"]),
    "rules to check": (4, ["rules", "check", "--", "nowhere/TEXT"]),
    "tests of rules": (4, ["rules", "test", "--", "nowhere/TEXT"]),
    "database": (6, ["--db=nowhere/TEXT", "list"]),
    "page": (1, ["report", "--html=nowhere/TEXT"]),
    "live page": (1, ["board", "--", "nowhere/TEXT"]),
    "backup": (1, ["backup", "--", "nowhere/TEXT"]),
    "metrics": (2, ["check", "-n", "--metrics=TEXT"]),
    "person to erase": (2, ["erase", "--requester=TEXT"]),
    "head of the log": (2, ["audit", "verify", "--head=TEXT"]),
}


@pytest.mark.parametrize("part", ["some", pytest.param("the rest", marks=pytest.mark.full)])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_error_says_it_on_one_line_and_does_nothing(
    hostile_desk: HostileDesk, mistake: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, words = MISTAKES[mistake]
    pasted = []
    first = list(MISTAKES).index(mistake) % 16
    for number, text in enumerate(TEXTS):
        # One mistake gets every sixteenth payload, and the next one others.
        if (number % 16 == first) is (part == "the rest"):
            continue
        typed = [word.replace("NUMBER", str(number)) for word in with_text(words, text)]
        result = hostile_desk(*typed)
        # The shell of the person who types keeps a payload from being an option or a word that there is.
        assert result.code in (code, 2, 3), (typed, result.err)
        assert harm(result.out) == []
        check_error(result.err)
        pasted += [line.removeprefix("hint: ") for line in result.err.split("\n") if line.startswith("hint: slactl ")]
    if pasted:
        paste(pasted, tmp_path)


def test_a_wrong_value_or_key_for_the_rules_is_told_on_one_line(desk: Path, slactl: Slactl) -> None:
    before = desk.with_name("rules.toml").read_bytes()
    for text in TEXTS[::3]:
        for words in (("settings.due_soon", "--", text), ("--", text, "4h")):
            result = slactl("rules", "set", *words)
            assert result.code in (2, 3, 4)
            assert result.out == ""
            check_error(result.err)
    assert desk.with_name("rules.toml").read_bytes() == before


def paste(hints: list[str], folder: Path) -> None:
    """What is told to be pasted runs slactl, and nothing else."""
    for hint in hints:
        shlex.split(hint)
    script = "slactl() { :; }\n" + "\n".join(hints)
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    made = [path for path in folder.iterdir() if path.name != "home"]  # slactl keeps its state there
    assert (done.stderr, made) == ("", [])


def test_every_mistake_in_the_rules_is_one_line(hostile_desk: HostileDesk, tmp_path: Path) -> None:
    import tomli_w

    wrong = {
        "schema": 1,
        "settings": {text: 1 for text in TEXTS},
        "calendars": {text: {"weekly": {"mon": [text]}, "timezone": text} for text in TEXTS},
        "roles": {text: {"include": [text], "quiet": text, "on_unknown": text} for text in TEXTS},
        "views": {text: {text: text} for text in TEXTS},
        "templates": {"title": "{{ " + PAYLOADS["markup"] + " }}", "body": "{% " + PAYLOADS["cursor"]},
    }
    path = tmp_path / "rules.toml"
    path.write_text(tomli_w.dumps(wrong))
    for words in (["rules", "check", str(path)], ["--rules", str(path), "create", "x", "--from", "a@b.example"]):
        result = hostile_desk(*words)
        assert (result.code, result.out) == (4, "")
        check_error(result.err, several=True)
        assert result.err.count("error: ") > len(TEXTS)
        assert all(f"{path}:" in line for line in result.err.split("\n") if line.startswith("error: "))


def test_a_check_with_broken_rules_says_so_on_one_line(messed: HostileDesk) -> None:
    path = messed.folder / "rules.toml"
    text = path.read_text()
    path.write_text(text.replace("[settings]", '[settings]\n"\\u001b[31m\\u202eboo\\nerror: x" = 1\n"also" = 2'))
    for words, code in ((["check"], 4), (["check", "--dry-run"], 4), (["resolve", "1"], 0)):
        result = messed(*words)
        assert result.code == code, result.err
        assert harm(result.err) == []
        assert result.err.count("\n") == 1
        assert result.err.count("unknown key") == 2


DEPTHS = {
    "a template": (f'[templates]\ntitle = "{{{{ {"(" * 3000}id{")" * 3000} }}}}"\n', 7),
    "a template that is read": (f'[templates]\nbody = "{{{{ {"not " * 300}id }}}}"\n', 7),
    "a key": (f"[views.x]\n{'.'.join(['a'] * 3000)} = 1\n", 4),
    "a list": (f"[views.x]\nsearch = {'[' * 30_000}{']' * 30_000}\n", 4),
}


@pytest.mark.parametrize("deep", DEPTHS)
def test_rules_nested_too_deeply_stop_no_check(desk: Path, slactl: Slactl, deep: str) -> None:
    """Without the template the built-in words are used, without the file the last valid version."""
    from terminal import on_terminal

    assert slactl("create", "x", "--from", "a@b.example", "--plan", "pro", "--at", "5d ago").code == 0
    more, code = DEPTHS[deep]
    path = desk.with_name("rules.toml")
    line = path.read_text().count("\n") + 2
    path.write_text(path.read_text() + more)
    checked = slactl("rules", "check")
    assert (checked.code, f"{path}:{line}: " in checked.err, "nested deeper than" in checked.err) == (4, True, True)
    result = slactl("check")
    assert (result.code, "nested deeper than" in result.err) == (code, True), result
    assert "To support_manager: " in result.out
    with on_terminal(sys.executable, "-m", "slactl", "list", rows=20, columns=80, environment=dict(os.environ)) as seen:
        assert seen.wait() == 0, "its colours come from the rules"


def test_values_nested_too_deeply_are_refused(desk: Path, slactl: Slactl, tmp_path: Path) -> None:
    for depth in (300, 3000):
        result = slactl("rules", "set", "settings.due_soon", "[" * depth + "]" * depth)
        assert (result.code, "nested deeper than" in result.err) == (2, True)
        check_error(result.err)
        for words, text in ((["import", os.devnull, "--map"], "[columns]\na = "), (["rules", "test"], "x = ")):
            (tmp_path / "deep.toml").write_text(text + "[" * depth + "]" * depth)
            result = slactl(*words, str(tmp_path / "deep.toml"))
            assert (result.code, "unexpected" in result.err) == (4, False)


@pytest.mark.parametrize("where", ["roles", "people", "calendars", "policy", "escalation", "note"])
def test_a_nul_in_the_rules_is_a_mistake(hostile_desk: HostileDesk, tmp_path: Path, where: str) -> None:
    import tomli_w
    from hostile_desk import rules

    wrong = rules()
    if where in ("policy", "escalation"):
        wrong[where][0]["name" if where == "policy" else "id"] = "a\x00b"
    elif where == "note":
        wrong["escalation"][0]["level"][0]["note"] = "a\x00b"
    else:
        wrong[where]["a\x00b"] = {"always_open": True} if where == "calendars" else {}
    path = tmp_path / "rules.toml"
    path.write_text(tomli_w.dumps(wrong))
    result = hostile_desk("rules", "check", str(path))
    assert (result.code, "has a NUL character" in result.err) == (4, True)
    check_error(result.err)


@pytest.mark.full
def test_a_folder_that_is_no_text_is_no_obstacle(tmp_path: Path) -> None:
    """A path can have any byte; what is printed of it is text."""
    folder = os.fsencode(tmp_path) + b"/\xff\x1b[31m\nx"
    os.mkdir(folder)
    settings = {b"SLACTL_DB": folder + b"/a.db", b"SLACTL_RULES": folder + b"/rules.toml", b"PATH": b"/usr/bin:/bin"}
    there = os.fsdecode(folder) + "/b.db"
    create = ["create", "x", "--from", "a@b.example"]
    for words in (["init"], create, ["list"], ["doctor"], ["rules", "check"], ["backup", there], ["backup", there]):
        done = subprocess.run(
            [sys.executable, "-m", "slactl", *words], env=settings | {b"PYTHONPATH": os.fsencode(Path.cwd())},
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 5, 7), done
        assert harm((done.stdout + done.stderr).decode(), tabs=True) == []
