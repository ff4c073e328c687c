"""Every command that writes, failing or dying at each of its database operations: all of it is done, or nothing.

What was done is compared with what the command does when nothing goes wrong, row by row, under a clock that stands
still. Afterwards the same command finishes the work.
"""

import shutil
import signal
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from crash_desk import ROTA, desk_copy, settings
from forked import NOON, Ended, Fault, Trouble, run
from invariants import content, violations


@dataclass(frozen=True)
class Writing:
    """A command that writes; `{}` in it is the folder of the desk. `batches`: it writes in several transactions.

    `spoilt` is SQL that makes the desk wrong beforehand, for a command that mends it. `rules` are added to the rules,
    and `first` is a command that runs before.
    """

    line: str
    batches: bool = False
    spoilt: str = ""
    rules: str = ""
    first: str = ""

    def arguments(self, folder: Path) -> list[str]:
        return [*settings(folder), *(word.format(folder) for word in self.line.split())]

    @contextmanager
    def desk(self) -> Iterator[Path]:
        """The folder of a desk to run it on."""
        with desk_copy() as folder:
            with closing(sqlite3.connect(folder / "slactl.db")) as connection:
                connection.executescript(self.spoilt)
            with (folder / "rules.toml").open("a") as rules:
                rules.write(self.rules)
            if self.first:
                assert run(*settings(folder), *self.first.split()).code == 0
            yield folder


#: A view and a trigger are gone; a ticket, timers and outcomes are not as their histories say.
SPOILT = """
DROP VIEW breach_view; DROP TRIGGER event_never_changes;
UPDATE ticket SET status = 'closed', assignee = 'nobody', due_at = NULL WHERE id = 1;
DELETE FROM timer WHERE ticket_id = 2;
UPDATE timer SET next_at = NULL, counted = 1 - counted;
DELETE FROM outcome WHERE ticket_id = 3;
"""

COMMANDS = (
    Writing("create Fire --from ann@example.com --external-id F-1 --body help --tenant acme --assignee mia"),
    Writing("reply 1 --body which"),
    Writing("note P-1 --body called"),
    Writing("receive 3 --body again"),
    Writing("assign 1 2 5 --to max"),
    Writing("priority 1 2 urgent"),
    Writing("status 1 2 pending"),
    Writing("resolve 1 2"),
    Writing("close 1 3"),
    Writing("reopen 3 4"),
    Writing("tag 1 2 --add vip --remove fire"),
    Writing("edit 1 --subject Printer! --from new@example.com --plan pro"),
    Writing("due 1 --target resolution --at 2026-03-04T09:00Z --reason agreed"),
    Writing("escalate 1 2 --reason angry --priority urgent --assign lead"),
    Writing("ack 1 2 --for 2h"),
    Writing("unack 6"),
    Writing("undo --reason wrong", first="close 1 3"),
    Writing("undo", first="escalate 1 2 --reason angry --priority urgent --assign lead"),
    Writing("check --no-send", batches=True),
    Writing("check", batches=True),
    Writing("import {}/history.jsonl", batches=True),
    Writing("--rules {}/other.toml rules apply --yes", batches=True),
    Writing("erase --requester ann@example.com --yes"),
    Writing("tenant add globex --plan pro"),
    Writing("tenant set acme --plan free"),
    Writing("silence add --tenant acme --for 2h"),
    Writing("silence expire 1"),
    Writing("notifications retry 1"),
    Writing("notifications drop 2"),
    Writing("doctor --rebuild", spoilt=SPOILT),
    Writing("oncall override rota --to max --from 2026-03-02T12:00Z --until 2026-03-02T20:00Z", rules=ROTA),
    Writing("oncall away mia --from 2026-03-03T12:00Z --until 2026-03-04T12:00Z --substitute max", rules=ROTA),
    Writing(
        "oncall remove 1",
        rules=ROTA,
        first="oncall override rota --to max --from 2026-03-02T12:00Z --until 2026-03-02T20:00Z",
    ),
)

Content = dict[str, list[str]]

NAMES = [command.line.split(" --")[0].strip() or command.line for command in COMMANDS]
FAULTS = (Fault.DEATH, Fault.ROLLED_BACK, Fault.ERROR)


@dataclass(frozen=True)
class Course:
    """What a command does when nothing goes wrong: the content before and after, and how it ended."""

    before: dict[str, list[str]]
    after: dict[str, list[str]]
    ended: Ended


@cache
def course(command: Writing) -> Course:
    with command.desk() as folder:
        before = content(folder / "slactl.db")
        ended = run(*command.arguments(folder))
        assert ended.code == 0, ended.err
        found = Course(before, content(folder / "slactl.db"), ended)
        assert found.before != found.after
        return found


def meets_trouble(command: Writing, trouble: Trouble) -> list[str]:
    """Run a command that meets trouble, and again without; returns what does not hold of either."""
    with command.desk() as folder:
        return judged(folder, command, trouble, course(command))


def judged(folder: Path, command: Writing, trouble: Trouble, usual: Course) -> list[str]:
    database = folder / "slactl.db"
    ended = run(*command.arguments(folder), trouble=trouble)
    found = content(database)
    wrong = violations(database, NOON) if not command.spoilt or found != usual.before else []
    if found not in (usual.before, usual.after) and not command.batches:
        wrong.append(f"half done: {difference(usual.before, found)}")
    if ended.code == 0 and found != usual.after:
        wrong.append(f"said to be done, but: {difference(usual.after, found)}")
    if trouble.fault is not Fault.DEATH:
        wrong += [*complaints(ended), *untruths(ended, usual.before, found, usual.after)]
    if command.batches or found == usual.before:
        again = run(*command.arguments(folder))
        if again.code != 0 or content(database) != usual.after:
            wrong.append(f"again: {again.code} {again.err} {difference(usual.after, content(database))}")
    else:
        again = run(*settings(folder), "list", "--all")
        if again.code != 0:
            wrong.append(f"list: {again.code} {again.err}")
    return wrong + violations(database, NOON)


def untruths(ended: Ended, before: Content, found: Content, after: Content) -> list[str]:
    """What a command said of its work that is not so."""
    nothing = "; nothing was written" in ended.err or "; no ticket was changed" in ended.err
    wrong = nothing and found != before
    wrong |= "run the command again to do the rest" in ended.err and found == before
    wrong |= "; the output could not be written" in ended.err and found != after
    return [f"untrue: {ended.err} {difference(before, found)}"] if wrong else []


def complaints(ended: Ended) -> list[str]:
    """What is wrong with how a command told that the database failed it."""
    if "Traceback" in ended.err:
        return [f"it ended with {ended.code} and a traceback: {ended.err}"]
    if ended.code == 0:
        return []
    told = "disk I/O error" in ended.out + ended.err
    # An erasure is done when only the rewriting of the file fails, and says what is left to do.
    left = ended.code == 7 and "not erased: " in ended.out
    # An escalation is done when only the sending fails: `check` sends its messages, and nothing may be recorded twice.
    left |= ended.code == 7 and "tickets 1 and 2 were changed and escalations 8 and 9 were recorded" in ended.err
    undone = "; nothing was written" in ended.err or "; no ticket was changed" in ended.err
    partly = "run the command again to do the rest" in ended.err or "its output could not be" in ended.err
    failed = (undone and ended.code == 1) or (partly and ended.code == 7)
    good = told and (left or (failed and ended.err.startswith("error: ")))
    return [] if good else [f"it ended with {ended.code} and said: {ended.out}{ended.err}"]


def difference(expected: dict[str, list[str]], found: dict[str, list[str]]) -> list[str]:
    return [
        f"{sign} {table}: {row}"
        for table in expected
        for sign, rows, others in (("-", expected, found), ("+", found, expected))
        for row in rows[table]
        if row not in others[table]
    ]


def all_of_it(command: Writing, places: Sequence[tuple[int, Fault]]) -> None:
    operations = course(command).ended.operations
    wrong = {
        f"{fault} at {place}, {operations[place]}": found
        for place, fault in places
        if (found := meets_trouble(command, Trouble(place, fault)))
    }
    assert not wrong, "\n".join(f"{place}: {each}" for place, found in wrong.items() for each in found)


@pytest.mark.parametrize("turn", range(len(COMMANDS)), ids=NAMES)
def test_a_command_that_fails_or_dies_while_it_writes_is_done_or_not_begun(turn: int) -> None:
    """At one place for each command: death at the commit, a failure of the write before it, or of the last operation.

    The last is the commit too, but where something is left to do: then it must not be told as a failure of the rest.
    """
    operations = course(COMMANDS[turn]).ended.operations
    commit = max(number for number, operation in enumerate(operations) if operation == "COMMIT")
    write = max(n for n in range(commit) if operations[n].startswith(("INSERT", "UPDATE")))
    places = [(commit, Fault.DEATH), (write, Fault.ROLLED_BACK), (len(operations) - 1, Fault.ERROR)]
    all_of_it(COMMANDS[turn], [places[turn % 3]])


@pytest.mark.parametrize("operation", ["FROM rules_version ORDER BY", "INSERT INTO run", "UPDATE run"])
def test_a_check_whose_disk_fails_blames_no_ticket_and_says_why(operation: str) -> None:
    command = Writing("check --no-send", batches=True)
    operations = course(command).ended.operations
    place = max(number for number, each in enumerate(operations) if operation in each)
    all_of_it(command, [(place, Fault.ROLLED_BACK)])


@pytest.mark.parametrize("most", [1, 6])
def test_check_under_new_rules_whose_disk_fails_does_not_call_old_instants_current(most: int) -> None:
    failed = 0

    def reads_histories(_: sqlite3.Connection, operation: str) -> bool:
        nonlocal failed
        is_history = "ORDER BY ticket_id, at, id" in operation
        failed += is_history
        return is_history and failed <= most

    with desk_copy() as folder:
        later = NOON - timedelta(minutes=85)
        assert run(*settings(folder), "check", "--no-send", now=later).code == 0  # nothing else is due afterwards
        check = [*settings(folder), "--rules", str(folder / "sooner.toml"), "check", "--no-send"]
        ended = run(*check, now=later, trouble=Trouble(None, Fault.ERROR, reads_histories))
        assert complaints(ended) == []
        assert ended.code != 0
        assert run(*check, now=later).code == 0
        grabbed = [row for row in content(folder / "slactl.db")["escalation"] if "'grab'" in row]
        assert len(grabbed) == 2, grabbed


def test_messages_of_a_run_that_died_before_it_printed_them_are_printed_by_the_next() -> None:
    command = Writing("check", batches=True)
    usual = course(command).ended
    told = [line for line in usual.out.splitlines() if line.startswith("To ")]
    assert len(told) >= 3
    place = max(number for number, each in enumerate(usual.operations) if each.startswith("UPDATE run"))
    with desk_copy() as folder:
        killed = run(*command.arguments(folder), trouble=Trouble(place))
        assert (killed.code, killed.out) == (-signal.SIGKILL, "")
        again = run(*command.arguments(folder))
        assert [line for line in again.out.splitlines() if line.startswith("To ")] == told
        last = run(*command.arguments(folder))
        assert (last.code, "To " in last.out) == (0, False)


@cache
def operations_of_a_backup() -> list[str]:
    with desk_copy() as folder:
        ended = run(*settings(folder), "backup", str(folder / "copy.db"))
        assert ended.code == 0, ended.err
        return ended.operations


def backup_meets_trouble(trouble: Trouble) -> list[str]:
    """Make a backup that meets trouble, and another one without; returns what does not hold."""
    with desk_copy() as folder:
        database, copy = folder / "slactl.db", folder / "copy.db"
        before = content(database)
        ended = run(*settings(folder), "backup", str(copy), trouble=trouble)
        wrong = violations(database, NOON)
        wrong += judged_copy(copy, before) if copy.exists() else []
        if trouble.fault is Fault.DEATH:
            for draft in folder.glob(".copy.db*"):  # here, and nowhere else, the next one would have the same name
                draft.unlink()
        else:
            wrong += complaints(ended)
            wrong += [f"left behind: {path.name}" for path in folder.glob(".copy.db*")]
            wrong += [f"it ended with {ended.code}: {ended.err}"] if copy.exists() != (ended.code == 0) else []
        again = run(*settings(folder), "backup", "--force", str(copy))
        wrong += [again.err] if again.code else judged_copy(copy, before)
        return wrong + difference(before, content(database))


def judged_copy(copy: Path, wanted: dict[str, list[str]]) -> list[str]:
    """What is wrong with a copy; looked at in another one, for a look leaves files beside a database."""
    looked = copy.with_name("looked.db")
    shutil.copyfile(copy, looked)
    return [f"the copy: {each}" for each in (*violations(looked, NOON), *difference(wanted, content(looked)))]


def backups_meet(fault: Fault, places: Iterable[int]) -> None:
    operations = operations_of_a_backup()
    wrong = {f"{n}, {operations[n]}": found for n in places if (found := backup_meets_trouble(Trouble(n, fault)))}
    assert not wrong, "\n".join(f"{place}: {each}" for place, found in wrong.items() for each in found)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_backup_that_fails_or_dies_leaves_a_whole_copy_or_none(fault: Fault) -> None:
    """Each operation fails in one of the ways."""
    backups_meet(fault, range(FAULTS.index(fault), len(operations_of_a_backup()), len(FAULTS)))


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS)
def test_a_backup_that_fails_or_dies_anywhere_leaves_a_whole_copy_or_none(fault: Fault) -> None:
    backups_meet(fault, range(len(operations_of_a_backup())))


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_a_command_that_fails_or_dies_anywhere_is_done_or_not_begun(command: Writing, fault: Fault) -> None:
    all_of_it(command, [(place, fault) for place in range(len(course(command).ended.operations))])
