"""Wrong commands, more than a hundred: each says what is wrong and changes nothing, and its hint runs as it stands."""

import shlex
import shutil
from pathlib import Path

import pytest
from conftest import MONDAY, Result, Slactl
from freezegun import freeze_time

from slactl.__main__ import run
from slactl.cli.commands import COMMANDS, FOREIGN, GROUPS

pytestmark = pytest.mark.usefixtures("clock")

#: What is typed, by its exit code. Ticket 1 is open, ticket 2 resolved, ticket 3 closed; the rules are those of `init`.
WRONG = {
    2: """
        create Fire --from ann@example.com --bodyy x
        show 1 --fields subjct
        history 1 --limit -1
        assign
        priority
        status 12x --until noon
        undo 1 2
        calendar is-open office 06.03.2026
        create "" --from ann@example.com
        note 1 ""
        escalate
        escalate 1 --reason
        silence frob
        rules check --strictt
        watch --bel
        completion bash
        frobnicate
        comment 1 hi
        version
        reassign 1 bo
        '#1'
        @open
        list -o json
        list --no-color
        list --watch
        list --assignee nobody
        edit 1 --priority high
        list --reverse
        lst
        lsit --all
        list --frobnicate
        list --status opne
        list --priority hihg
        list --target resolutoin
        list --sort dew
        list --due-within soon
        list --due-within 3bd
        list --created 06.03.2026
        list --created 2026-13-01..
        list --fields id,subjct
        list --format yaml
        list --json -q
        list --limit many
        list --at 3/6
        --timezone Europe/Berlinn list
        --color blue list
        show
        explain 1 --target resolutoin
        create
        create Fire
        create Fire --from nobody
        create Fire --from ann@example.com --priority hihg
        create Fire --from ann@example.com --priority P1
        create Fire --from ann@example.com --at 06.03.2026
        create Fire --from ann@example.com --at tomorow
        reply 1
        reply 1 --body x --no-body
        reply 1 --body x --status opne
        note 1
        assign 1
        assign 1 --to mia --none
        assign 1 --to slactl
        priority 1
        priority 1 hihg
        priority 1 Sev1
        status 1
        status 1 pendng
        status 1 open --until "mon 9:00"
        status 1 pending --until yesterday
        resolve
        tag 1
        tag 1 --add ""
        edit 1
        edit 1 --from nobody
        due 1
        due 1 --target resolution --reason x
        due 1 --target update --at noon --reason x --clear
        due 1 --target resolutoin --at noon --reason x
        escalate 1 --reason x --priority hihg
        escalate 1 --reason x --escalation resolution
        ack 1 --for later
        undo x
        check --at noon
        check --metrics m --dry-run
        summary --by colour
        summary --since tomorow
        report --by colour
        report --format yaml
        simulate nothing.jsonl
        rules frob
        rules set
        calendar add 2026-03-02 8h --calendar offise
        calendar between noon
        tenant add acme --zone Europe/Berlin
        import nothing.jsonl
        export --format yaml
        audit list --action ticket.replly
        audit list --since tomorow
        runs show x
        notifications list --state ded
        notifications drop x
        silence add --ticket 1
        silence add --for 2h
        silence add --ticket 1 --for 3bd
        silence add --ticket 1 --until yesterday
        backup
        erase
        watch --interval soon
        help nothing
    """,
    3: """
        list @nothing
        list --plan enterprize
        list --tenant acmee
        show 99
        show #99
        show A-77
        show ext:77
        show web:1
        show 001
        history 99
        explain 99
        create Fire --from ann@example.com --plan golden
        create Fire --from ann@example.com --tenant acmee
        reply 99 --body x
        note 99 x
        assign 99 me
        priority 99 high
        status 99 open
        resolve 99
        close 99
        tag 99 vip
        edit 1 --plan golden
        edit 99 --subject x
        escalate 99 --reason x
        escalate 1 --reason x --escalation resolutoin --level manager
        escalate 1 --reason x --escalation resolution --level manger
        ack 99
        undo 99999
        calendar show offise
        oncall nobody-knows
        oncall show nobody-knows
        oncall override first --to mia --from noon --until 1pm
        oncall away nobody --from noon --until 1pm
        oncall remove 99
        tenant add acme --timezone Europe/Berlinn
        tenant set acmee --plan pro
        tenant show acmee
        import nothing.csv --map zendsk
        sync nothing
        map check nothing.toml
        runs show 99
        notifications retry 99
        notify test nobody-knows
        silence add --ticket 99 --for 2h
        silence add --tenant acmee --for 2h
        silence add --escalation resolutoin --for 2h
        silence expire 99
        erase --requester nobody
        watch @nothing
        init --shared-group no-such-group
    """,
    4: """
        rules set settings.due_son 3h
        rules set settings.due_soon 3x
    """,
    5: """
        reply 3 --body x
        reply 1 --body x --at 1999-01-01
        receive 3 --body x
        reopen 1
        due 1 --target resolution --at noon
        due 2 --target resolution --at "in 2h" --reason x
        escalate 1
        escalate 1 --reason ""
        escalate 3 --reason x
        ack 3
        unack 1
    """,
    6: """
        restore nothing.db
    """,
    7: """
        resolve 2 99
    """,
}

#: The hints that do not end with 0 in this state, and why.
ELSEWHERE = {
    "slactl watch --interval 5s": 2,  # it is right on a terminal
}
#: The programs besides slactl that a hint may name. The tests do not run them.
OTHERS = ("ls", "sudo")
#: The errors that say in full what to type.
WITHOUT = (
    "list --json -q",
    'status 1 open --until "mon 9:00"',
    "status 1 pending --until yesterday",
    'tag 1 --add ""',
    "tenant add acme --timezone Europe/Berlinn",
    "audit list --action ticket.replly",
)
CASES = [(code, line.strip()) for code, lines in WRONG.items() for line in lines.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def made(new_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a service desk with an open, a resolved and a closed ticket, for copies."""
    folder = shutil.copytree(new_desk, tmp_path_factory.mktemp("made") / "desk")
    settings = ["--db", str(folder / "slactl.db"), "--rules", str(folder / "rules.toml"), "--actor", "ann"]
    opened = [["create", subject, "--from", "jo@example.com"] for subject in ("Fire", "Rain", "Snow")]
    with freeze_time(MONDAY):
        for words in (*opened, ["resolve", "2"], ["close", "3"]):
            assert run([*settings, *words]) == 0
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a copy of the service desk, in which the commands run."""
    shutil.copytree(made, tmp_path / "place" / "desk")
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "place/desk/slactl.db"))
    monkeypatch.setenv("SLACTL_RULES", str(tmp_path / "place/desk/rules.toml"))
    monkeypatch.chdir(tmp_path / "place")
    return tmp_path / "place"


def content(place: Path, slactl: Slactl) -> tuple[dict[str, bytes], str]:
    """Return the files below a folder, without those of the database, and everything that the log of its desk has."""
    files = {str(path.relative_to(place)): path for path in place.rglob("*") if path.is_file()}
    mine = {name: path.read_bytes() for name, path in files.items() if "slactl.db" not in name}
    return mine, slactl("audit", "list", "--json").out


def run_hint(hint: str, slactl: Slactl) -> Result | None:
    """Run a hint as it stands; None if it is of another program."""
    program, *words = shlex.split(hint)
    if program != "slactl":
        assert program in OTHERS
        return None
    return slactl(*words)


def test_there_are_more_than_a_hundred() -> None:
    assert len(CASES) > 120
    assert len(dict.fromkeys(CASES)) == len(CASES)
    assert set(WITHOUT) <= {line for _, line in CASES}


@pytest.mark.parametrize(("code", "line"), CASES, ids=[line.replace("/", "-") for _, line in CASES])
def test_a_wrong_command_changes_nothing_and_its_hint_runs(code: int, line: str, place: Path, slactl: Slactl) -> None:
    before = content(place, slactl)
    result = slactl(*shlex.split(line))
    assert (result.code, result.out) == (code, ""), result.err
    assert "Traceback" not in result.err
    said = [each.partition(": ")[0] for each in result.err.splitlines()]
    assert said.count("error") >= 1
    assert set(said) <= {"error", "hint", "warning"}
    assert content(place, slactl) == before
    hints = [each.removeprefix("hint: ") for each in result.err.splitlines() if each.startswith("hint: ")]
    assert bool(hints) is (line not in WITHOUT)
    for hint in hints:
        done = run_hint(hint, slactl)
        if done is not None:
            assert (hint, done.code) == (hint, ELSEWHERE.get(hint, 0)), done.err
            assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("view 1", "hint: slactl show --help"),
        ("comment 1 hi", "hint: slactl note --help"),
        ("ps", "hint: slactl list"),
        ("1", "hint: slactl show 1"),
        ("@open", "hint: slactl list @open"),
        ("assgin 1 me", "hint: slactl assign --help"),
        ("xyzzy", "hint: slactl --help"),
        ("list -o json", "Did you mean --format?"),
        ("list --columns id", "Did you mean --fields?"),
        ("list --no-color", "Did you mean --color?"),
        ("edit 1 --priority high", "hint: slactl priority --help"),
        ("list -w", "hint: slactl watch --help"),
        ("summary --grep x", "error: No such option: --grep"),
    ],
)
@pytest.mark.usefixtures("place")
def test_the_words_of_other_programs_lead_to_ours(line: str, said: str, slactl: Slactl) -> None:
    result = slactl(*shlex.split(line))
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    if line.startswith("summary"):
        assert "--search" not in result.err


def test_every_word_of_another_program_leads_to_a_command() -> None:
    assert set(FOREIGN.values()) <= {*COMMANDS, *GROUPS}
    assert not set(FOREIGN) & {*COMMANDS, *GROUPS}
