"""Read what people type and pipe: ids, bodies, priorities and statuses."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, TypeVar

import typer

from slactl.config import Config
from slactl.desk.ledger.desk import Desk
from slactl.errors import ExitCode, UnansweredError, UsageError
from slactl.sla.enums import NO_WORDS, Priority, Status, as_priority_word

#: The type of the last word of a command, such as a status.
Word = TypeVar("Word")

#: How many bytes of stdin are read at most; bodies and lists of ids are far shorter.
STDIN_BYTES = 64_000_000


def as_priority(word: str) -> Priority:
    """Return the priority that a person typed: one of the four, or another word that the rules name.

    Raises:
        UsageError: nobody knows the word.
    """
    from slactl.cli.panels import get_current_context

    if word in tuple(Priority):
        return Priority(word)
    from slactl.desk.rules.reading import priority_words

    config = get_current_context().find_object(Config)
    words = priority_words(config.rules) if config is not None else NO_WORDS
    meant = as_priority_word(word, words)
    if meant not in tuple(Priority):
        raise _unknown_priority(str(word), words)
    return Priority(str(meant))


def _unknown_priority(word: str, words: Mapping[str, str]) -> UsageError:
    """Return the error about a word for a priority; the hint makes a common one, such as P1, known to the rules."""
    from slactl.text import not_one_of, quoted

    what, usual = not_one_of(word, [*map(str, Priority), *words]), _usual_priority(word)
    if usual is None:
        return UsageError(what, "slactl rules show")
    known = [one for one, priority in words.items() if priority == usual]
    listed = ", ".join(f'"{one}"' for one in (*known, word))
    return UsageError(
        f"{what}; {word} often means {usual}", f"slactl rules set priorities.{usual} {quoted(f'[{listed}]')}"
    )


def _usual_priority(word: str) -> Priority | None:
    """Return what a word often means that the rules do not name: `P1`, `sev-2`, `critical`."""
    import re

    if numbered := re.fullmatch(r"(?:p|prio|priority|sev|severity|s)[ -]?([1-4])", word.casefold()):
        return tuple(reversed(Priority))[int(numbered[1]) - 1]
    usual = {"critical": Priority.URGENT, "blocker": Priority.URGENT, "emergency": Priority.URGENT}
    usual |= {"major": Priority.HIGH, "medium": Priority.NORMAL, "minor": Priority.LOW, "trivial": Priority.LOW}
    return usual.get(word.casefold())


def priority_option(help_text: str, panel: str | None = None) -> typer.models.OptionInfo:
    """Return an option that takes one of the four priorities, or another word for it in the rules."""
    option: typer.models.OptionInfo = typer.Option(
        "--priority",
        metavar="P",
        help=help_text,
        parser=as_priority,
        autocompletion=lambda incomplete: [str(word) for word in Priority if str(word).startswith(incomplete)],
        rich_help_panel=panel,
        show_default=False,
    )
    return option


def read_body(body: str | None) -> str | None:
    """Return the text of `--body`, read from stdin if it is `-`.

    Raises:
        UsageError: stdin is not UTF-8.
    """
    return read_stdin() if body == "-" else body


def typed(words: Sequence[str]) -> str:
    """Return words as they were typed, for a command that people paste."""
    from slactl.text import quoted

    return " ".join(map(quoted, words))


def read_ids(arguments: Sequence[str]) -> list[str]:
    """Return the ids as typed, each once; `-` stands for the words on stdin, which may be empty."""
    words = [word for argument in arguments for word in (read_stdin().split() if argument == "-" else [argument])]
    return list(dict.fromkeys(words))


def help_command() -> str:
    """Return the command that explains the running command."""
    from slactl.cli.panels import get_current_context

    return f"{get_current_context().command_path} --help"


def read_numbers(arguments: Sequence[str], what: str) -> list[int]:
    """Return the numbers as typed, with or without `#`, each once; `-` stands for the numbers on stdin.

    Raises:
        UsageError: a word is not a number.
    """
    words = [word.removeprefix("#") for word in read_ids(arguments)]
    for word in words:
        if not (word.isascii() and word.isdigit() and word[0] != "0" and len(word) <= 18):
            from slactl.text import clean

            raise UsageError(f"{clean(word)[:100]!r} is not the number of a {what}", help_command())
    return list(dict.fromkeys(map(int, words)))


def as_status(word: str) -> Status:
    """Return the status that a person typed.

    Raises:
        UsageError: there is no such status.
    """
    from slactl.text import not_one_of

    if word not in tuple(Status):
        raise UsageError(not_one_of(word, Status), help_command())
    return Status(word)


def last_word(words: list[str], read: Callable[[str], Word], example: str) -> tuple[list[str], Word]:
    """Return the ids, and the value that was typed as the last word.

    Raises:
        UsageError: there is only one word, or `read` refuses the last word.
    """
    if len(words) == 1 and words[0].removeprefix("#").isdigit():
        raise UsageError(f"the new value is missing after {words[0]}", example)
    value = read(words[-1])
    if len(words) == 1:
        raise UsageError("name at least one ticket", example)
    return words[:-1], value


def ids_then_text(words: Sequence[str], command: str, option: str) -> tuple[list[str], str]:
    """Return the ids, and the last word, which is a name or a text: `assign 12 13 mia`, `note 12 "Called back"`.

    The hint of an error says it with `option`, as in `slactl assign 12 --to mia`.

    Raises:
        UsageError: there is only one word; the last word may be a ticket too; or a word between is not a ticket, so
            that it may belong to a text without quotes.
        DatabaseError: the database is missing or cannot be used.
    """
    from slactl.text import clean, quoted

    *ids, text = words
    if not ids:
        raise UsageError(f"name a ticket, and then what {option} says", f"slactl {command} --help")
    odd = next((place for place, word in enumerate(ids) if place and not _is_ticket(word)), 0)
    if odd:
        rest = f" {option} ".join(map(quoted, words[odd:])) if command == "tag" else quoted(" ".join(words[odd:]))
        what = f"there is no ticket {clean(ids[odd])[:100]!r}; put a text in quotes, or use {option}"
        raise UsageError(what, f"slactl {command} {typed(ids[:odd])} {option} {rest}")
    if _is_ticket(text):
        what = f"{clean(text)[:100]!r} may be a ticket; use {option} to say that it is not"
        raise UsageError(what, f"slactl {command} {typed(ids)} {option} {quoted(text)}")
    return ids, text


def _is_ticket(word: str) -> bool:
    """Return whether a word is the external id of a ticket, or can only be one.

    Only a ticket are a number, digits after `ext:`, and `-` for the tickets on stdin.
    """
    if word == "-" or word.removeprefix("#").isdecimal() or word.startswith("ext:"):
        return True
    from slactl.cli.panels import get_current_context
    from slactl.errors import NotKnownError
    from slactl.store.read import tickets as reads

    config = get_current_context().find_object(Config)
    assert config is not None
    if len(word.split()) != 1:
        return False
    with Desk.of(config).database.read() as transaction:
        try:
            return bool(reads.ticket_id(transaction, word))
        except NotKnownError:
            return False
        except UsageError:
            return True  # several tickets have it


def open_stdin() -> BinaryIO:
    """Return stdin, for an argument that is `-`.

    Raises:
        UsageError: it was closed before the start, so nothing is there, not even an empty text.
    """
    if getattr(sys.stdin, "name", None) == os.devnull:  # see `ready_streams`
        raise UsageError("stdin is closed, so - has nothing to read")
    return sys.stdin.buffer


def read_stdin() -> str:
    """Return all of stdin without a byte order mark; first check that there is a database to write it to.

    Raises:
        DatabaseError: the database is missing or cannot be used; nothing was read.
        UsageError: it is closed, is not UTF-8, or longer than `STDIN_BYTES`.
    """
    from slactl.cli.panels import get_current_context

    config = get_current_context().find_object(Config)
    assert config is not None
    with Desk.of(config).database.held_open():
        pass
    raw = open_stdin().read(STDIN_BYTES + 1)
    if len(raw) > STDIN_BYTES:
        raise UsageError(f"stdin has more than {STDIN_BYTES:,} bytes; split it into smaller parts")
    try:
        return raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise UsageError(f"stdin is not UTF-8 at byte {error.start}; save the text as UTF-8 first") from error


#: More tickets than a person changes without being asked.
MANY = 20


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; without a terminal `--yes` is required. A no ends the command, which has done nothing.

    Raises:
        UnansweredError: stdin is not a terminal and `--yes` was not given.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UnansweredError(f"{question} There is no terminal for the answer; add --yes")
    if not typer.confirm(question, err=True):
        from slactl.cli.options import say

        say("nothing was changed", err=True)
        raise typer.Exit(int(ExitCode.INTERRUPTED))


def confirm_many(numbers: Sequence[str], question: str, *, yes: bool, dry_run: bool) -> None:
    """Ask on a terminal before a command changes more than `MANY` tickets; `{}` in the question is their number."""
    if len(numbers) > MANY and sys.stdin.isatty() and not dry_run:
        confirm(question.format(f"{len(numbers):,} tickets"), yes=yes)
