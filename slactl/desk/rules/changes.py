"""Compare two texts of the rules: policies, targets, calendars, escalation rules and settings. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from slactl.sla.rules.addresses import without_literal_secrets

Record = dict[str, Any]
Table = Mapping[str, Any]

#: The sections and settings that tickets are pinned to. All others always come from the current file.
PINNED_SECTIONS = ("policy", "calendars")
PINNED_SETTINGS = ("pause_statuses", "pause", "reopen", "next_response_from", "count_from", "late_targets")

#: The sections in the order in which people look for them; others come after.
_ORDER = ("settings", "calendars", "policy", "escalation")

#: The sections that are tables of named things.
_NAMED = ("calendars", "roles", "people", "views")

#: The fields of a change, in the order of the output.
FIELDS = ("section", "name", "key", "change", "before", "after", "in_force")


def changes(before: Table, after: Table) -> list[Record]:
    """Return every difference between two rules as TOML data.

    `change` is added, removed or changed. `name` is the policy, calendar or escalation rule, None for settings. `key`
    is the dotted path to the value in it, None for the whole part. `in_force` says that the change already applies to
    every ticket, of any version of the rules.
    """
    others = sorted((before.keys() | after.keys()) - set(_ORDER))
    found: list[Record] = []
    for section in (*_ORDER, *others):
        old_section, new_section = (_named(rules.get(section), section) for rules in (before, after))
        for name, key, old, new in _section(old_section, new_section):
            found.append(_change(section, name, key, old, new))
        kept = [name for name in old_section if name in new_section]
        if section == "policy" and kept != [name for name in new_section if name in old_section]:
            # The first policy that matches wins, so another order sets other targets.
            found.append(_change(section, None, "order", list(old_section), list(new_section)))
    return found


def _change(section: str, name: str | None, key: str | None, before: object, after: object) -> Record:
    return {
        "section": section,
        "name": name,
        "key": key,
        "change": "added" if before is None else "removed" if after is None else "changed",
        "before": shown(before, key),
        "after": shown(after, key),
        "in_force": (key or "").partition(".")[0] not in PINNED_SETTINGS
        if section == "settings"
        else section not in PINNED_SECTIONS,
    }


def shown(value: object, key: str | None) -> object:
    """Return a value without the secrets in its URLs, which an earlier slactl may have accepted."""
    if isinstance(value, str):
        return value if key == "ticket_url" else without_literal_secrets(value)
    if isinstance(value, Mapping):
        return {name: shown(item, name) for name, item in value.items()}
    return [shown(item, key) for item in value] if isinstance(value, list) else value


def _section(
    old: Mapping[str | None, Any], new: Mapping[str | None, Any]
) -> Iterator[tuple[str | None, str | None, Any, Any]]:
    for name in (*old, *(name for name in new if name not in old)):
        if name is None or (name in old and name in new):
            yield from ((name, *found) for found in _differences(old.get(name, {}), new.get(name, {}), ""))
        else:
            yield name, None, old.get(name), new.get(name)


def _differences(before: object, after: object, key: str) -> Iterator[tuple[str | None, Any, Any]]:
    old, new = _by_id(before), _by_id(after)
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        if old != new:
            yield key or None, before, after
        return
    for name in (*old, *(name for name in new if name not in old)):
        inner = f"{key}.{name}" if key else str(name)
        if name in old and name in new:
            yield from _differences(old[name], new[name], inner)
        else:
            yield inner, old.get(name), new.get(name)


def _named(content: object, section: str) -> dict[str | None, Any]:
    """Return the parts of a section by their names; None is the name of a section without parts."""
    if isinstance(content, list):
        return {item.get("name") or item.get("id"): item for item in content}
    if isinstance(content, Mapping) and section in _NAMED:
        return dict(content)
    return {None: content} if content is not None else {}


def _by_id(value: object) -> object:
    if isinstance(value, list) and value and all(isinstance(item, Mapping) and "id" in item for item in value):
        return {item["id"]: item for item in value}
    return value
