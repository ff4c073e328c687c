"""Read what commands need of a rules file: the valid rules, one setting, and the known plans and tenants."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from slactl.errors import NotKnownError, RulesError

if TYPE_CHECKING:
    from slactl.desk.ledger.desk import Desk
    from slactl.sla.enums import PriorityMeanings
    from slactl.sla.rules.rules import Rules
    from slactl.store.database import Transaction

#: The value of `settings.due_soon` where the rules have none.
DUE_SOON = "2h"


def valid_rules(path: Path) -> "Rules":
    """Return the rules of a file.

    Raises:
        RulesError: the file cannot be read or is not valid.
    """
    from slactl.sla.rules.loading import load

    return load(path)


def due_soon(path: Path) -> int | None:
    """Return `settings.due_soon` in seconds, or None if the file cannot be read.

    The file is not validated: that would import pydantic, and reading tickets has to work while the rules are broken.
    """
    import tomllib

    from slactl.durations import parse_wall_duration
    from slactl.files import BY_HAND, read_text

    try:
        settings = tomllib.loads(read_text(path, BY_HAND)).get("settings", {})
        return parse_wall_duration(settings.get("due_soon", DUE_SOON)).seconds
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def may_have_views(path: Path) -> bool:
    """Return whether a rules file may have views; most have none, and reading them takes time at each `list`."""
    return _may_have(path, "views")


def may_have_goals(path: Path) -> bool:
    """Return whether a rules file may have goals, or cannot be read; most have none, and reading them takes time."""
    return _may_have(path, "objective") or not path.is_file()


def _may_have(path: Path, key: str) -> bool:
    import re

    from slactl.files import BY_HAND, read_text

    try:
        return re.search(rf"""(?m)^\s*\[*\s*["']?{key}\b""", read_text(path, BY_HAND)) is not None
    except (OSError, ValueError):
        return False


def priority_words(path: Path) -> "PriorityMeanings":
    """Return the other words for priorities that a rules file names, in small letters, and what each means.

    As for `due_soon`, the file is not validated; one that cannot be read names none.
    """
    import tomllib

    from slactl.files import BY_HAND, read_text
    from slactl.sla.enums import NO_WORDS, priority_meanings

    try:
        stated = tomllib.loads(read_text(path, BY_HAND)).get("priorities", {})
        return priority_meanings({name: words for name, words in stated.items() if isinstance(words, list)})
    except (OSError, ValueError, AttributeError, RecursionError):
        return NO_WORDS


def source_names(path: Path) -> list[str]:
    """Return the names of the sources of a rules file; as for `due_soon`, the file is not validated."""
    import tomllib

    from slactl.files import BY_HAND, read_text

    try:
        stated = tomllib.loads(read_text(path, BY_HAND)).get("source", [])
        return [str(source["name"]) for source in stated]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []


def table_names(path: Path, table: str) -> list[str]:
    """Return the names in a table of a rules file, such as `people`; as for `due_soon`, the file is not validated."""
    import tomllib

    from slactl.files import BY_HAND, read_text

    try:
        return [*tomllib.loads(read_text(path, BY_HAND)).get(table, {}).keys()]
    except (OSError, ValueError, AttributeError, RecursionError):
        return []


def value_keys(path: Path) -> list[str]:
    """Return the keys of a rules file, and those of all settings, as `rules set` takes them.

    Policies and the like stand under their names or ids. As for `due_soon`, the file is not validated.
    """
    from slactl.sla.rules.model import Settings

    found = [*_keys_of(_stated(path), ""), *(f"settings.{key}" for key in Settings.file_keys())]
    return sorted(dict.fromkeys(found))


def _keys_of(table: Mapping[str, Any], before: str) -> Iterator[str]:
    for key, value in table.items():
        listed = value if isinstance(value, list) else []
        tables = [dict(each) for each in listed if isinstance(each, Mapping)]
        named = {str(name): each for each in tables if (name := each.pop("id", None) or each.pop("name", None))}
        if isinstance(value, Mapping) or named:
            yield from _keys_of(value if isinstance(value, Mapping) else named, f"{before}{key}.")
        elif not tables:
            yield f"{before}{key}"


def matched_names(path: Path, key: str) -> list[str]:
    """Return the plans, tenants or tags (`key`) that policies match; as for `due_soon`, the file is not validated."""
    stated = _stated(path)
    try:
        rules = [policy.get("match", {}) for policy in stated.get("policy", [])]
        named = [name for match in rules for part in (match, match.get("not", {})) for name in part.get(key, [])]
        default = stated.get("settings", {}).get("default_plan") if key == "plan" else None
        return [str(name) for name in dict.fromkeys([*([default] if default else []), *named])]
    except (TypeError, AttributeError):
        return []


def level_ids(path: Path) -> dict[str, list[str]]:
    """Return the ids of escalation rules, each with those of its levels; the file is not validated."""
    try:
        rules = _stated(path).get("escalation", [])
        return {str(rule["id"]): [str(level["id"]) for level in rule.get("level", [])] for rule in rules}
    except (TypeError, KeyError, AttributeError):
        return {}


def _stated(path: Path) -> "dict[str, Any]":
    import tomllib

    from slactl.files import BY_HAND, read_text

    try:
        return tomllib.loads(read_text(path, BY_HAND))
    except (OSError, ValueError, RecursionError):
        return {}


def are_levels_in_force(transaction: "Transaction", desk: "Desk") -> bool:
    """Return whether the stored next levels were calculated with the rules that are in force.

    While the rules file is unchanged, slactl compares only its state. After an edit it reads the rules, which takes
    longer, until `check` calculates the next levels again.
    """
    from slactl.desk.ledger.desk import rules_fingerprint
    from slactl.store.read import runs

    known = runs.levels_made_with(transaction)
    if known is None:
        return False
    if known.fingerprint == rules_fingerprint(desk.rules):
        return True
    from slactl.desk.ledger.rules_versions import rules_in_force

    try:
        current = rules_in_force(desk, transaction)
    except RulesError:
        return False
    # Whoever runs `check` may read a file that this user may not read.
    is_hidden = current.problem is not None and isinstance(current.problem.__cause__, PermissionError)
    return not is_hidden and current.rules.hash == known.hash


def without_next_level(tickets: "Iterable[Mapping[str, Any]]") -> "Iterator[dict[str, Any]]":
    """Yield tickets without their stored next level, because it may not exist under the rules in force."""
    for ticket in tickets:
        yield {**ticket, "next_escalation": None, "next_level": None, "next_level_at": None}


def check_known(
    transaction: "Transaction", path: Path, column: Literal["plan", "tenant"], values: Sequence[str]
) -> None:
    """Refuse a plan or a tenant (`column`) that neither the database nor the rules know: it is a typing mistake.

    Raises:
        NotKnownError: with the nearest name.
        RulesError: the rules are not valid, and the database does not know the value.
    """
    from slactl.store.read import tickets as reads

    for value in values:
        if not reads.is_known(transaction, column, value):
            named = valid_rules(path).named(column)
            if value not in named:
                raise _not_known(column, value, sorted(named | set(reads.known(transaction, column))))


def _not_known(column: str, value: str, choices: Sequence[str]) -> NotKnownError:
    from slactl.text import clean, did_you_mean, nearest, quoted

    meant = nearest(value, choices)
    some = ", ".join(clean(choice) for choice in choices[:20])
    question = did_you_mean(value, choices, f"; known: {some}" if some else "")
    hint = f"slactl list --{column} {quoted(meant)}" if meant else "slactl tenant list" if column == "tenant" else None
    return NotKnownError(f"{column} {clean(value)[:100]!r} is not known{question}", hint)
