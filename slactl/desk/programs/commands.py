"""Prepare the commands of the rules: find the program, fill in values and secrets, and show what it said."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from slactl.desk.ledger.trust import rules_trust
from slactl.desk.programs.secrets import SECRET_BYTES, Refused, Secrets, filled_in, without_secrets
from slactl.sla.rules.addresses import PLACEHOLDER
from slactl.sla.rules.lines import KeyPath, Problem
from slactl.text import clean

#: How much of the errors of a command is shown: the last lines, and characters in all.
LINES, CHARACTERS = 3, 500

#: The variables that a command gets besides those that it names: where the user, programs and files are, and the
#: language and zone.
_KEPT = re.compile(r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|XDG_\w+")


def program(stated: str, folder: Path) -> str:
    """Return the program of a command: as it is, or beside the rules if it is a relative path."""
    return str(folder / stated) if "/" in stated else stated


def arguments(words: Sequence[str], values: Mapping[str, str], secrets: Secrets) -> list[str]:
    """Return the program and its arguments, with the secrets of `${…}` and the values of fields such as `{since}`.

    Raises:
        Unresolved: a secret is missing.
        Refused: a secret may not be read, or others may change the rules or the program.
    """
    stated, *rest = words
    path = program(stated, secrets.rules.parent)
    if path != stated and os.path.exists(path) and (doubts := rules_trust(Path(path))):
        where = "; ".join(f"{each.path}: {each.what}" for each in doubts)
        fixes = dict.fromkeys(each.fix for each in doubts if each.fix is not None)
        raise Refused(f"{clean(where)}; no program runs that others may change", " && ".join(fixes) or None)
    return [filled_in(path, secrets), *(filled_in(word, secrets, values) for word in rest)]


def environment(words: Sequence[str], secrets: Secrets) -> dict[str, str]:
    """Return the few variables that every command gets, and those that this one names as `${env:NAME}`."""
    named = {name for word in words for kind, name in PLACEHOLDER.findall(word) if kind == "env"}
    return {name: value for name, value in secrets.environment.items() if name in named or _KEPT.fullmatch(name)}


def shown(errors: bytes, *, is_cut: bool) -> str:
    """Return the last lines that a command printed on stderr as one line for people, without secrets."""
    text = without_secrets(errors.decode(errors="replace"))
    if is_cut and len(text) < SECRET_BYTES + CHARACTERS:
        return ""  # it may begin in the middle of a secret
    # Characters that are not shown can stand inside of a secret.
    lines = [without_secrets(clean(line)).strip() for line in text[-SECRET_BYTES:].splitlines()]
    joined = " / ".join([line for line in lines if line][-LINES:])
    return joined if len(joined) <= CHARACTERS else f"…{joined[-CHARACTERS:]}"


def warnings(commands: Iterable[tuple[KeyPath, Sequence[str]]], rules: Path) -> Iterator[Problem]:
    """Yield the programs that this user cannot run on this machine, or that others may change."""
    for place, (stated, *_) in commands:
        found = program(stated, rules.absolute().parent)
        if PLACEHOLDER.search(stated):
            continue
        if shutil.which(found) is None:
            why = "cannot be run" if "/" in found else "is not in PATH"
            yield place, f"the program {clean(stated)} {why} here"
        elif found != stated:
            for doubt in rules_trust(Path(found)):
                yield place, f"{clean(str(doubt.path))}: {doubt.what}; no program runs that others may change"
