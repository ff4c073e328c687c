"""The rules file: checked, asked, and edited one value at a time."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import Any

from slactl.config import Config
from slactl.desk import addresses
from slactl.desk.addresses import Secrets
from slactl.errors import NotKnownError, SlactlError, UsageError
from slactl.sla.history import Priority, Target
from slactl.sla.rules import Facts, Policy, Rules, as_error, load, parse
from slactl.sla.rules_lines import Lines
from slactl.sla.rules_lint import LintWarning, lint
from slactl.text import clean, nearest

Record = dict[str, Any]


def check(path: Path, environment: Mapping[str, str]) -> tuple[Rules, list[LintWarning]]:
    """The rules of a file, and what is probably a mistake in them.

    What only messages hang on is looked at here alone: elsewhere a wrong template or address stops nothing.

    Raises:
        RulesError: they are invalid, or the file cannot be read.
    """
    rules = load(path)
    text, secrets = path.read_text(encoding="utf-8"), Secrets(environment, path.absolute().parent)
    wrong = [*_template_problems(rules), *addresses.problems(rules, secrets)]
    if wrong:
        raise as_error(wrong, Lines(text), str(path))
    missing = [LintWarning(Lines(text).of(place), message) for place, message in addresses.warnings(rules, secrets)]
    return rules, sorted({*lint(rules, text), *missing})


def _template_problems(rules: Rules) -> Iterator[tuple[tuple[str, str], str]]:
    for name, template in (("title", rules.templates.title), ("body", rules.templates.body)):
        if template is not None:
            from slactl.sla import templates

            found = templates.mistake(template)
            if found is not None:
                yield ("templates", name), found


def matrix(rules: Rules) -> list[Record]:
    """What each plan gets at each priority; `null` stands for any other plan."""
    plans: list[str | None] = [*rules.plans(), None]
    return [_cell(rules, plan, priority) for plan in plans for priority in Priority]


def combination(config: Config, plan: str | None, priority: Priority | None, tenant: str | None) -> Record:
    """What one ticket would get and why: the policy that matches, and those passed over.

    Raises:
        NotKnownError: no rule and no tenant knows the plan or the tenant.
        RulesError: the rules are invalid.
    """
    rules = load(config.rules)
    _check_known(plan, rules.plans(), "plan")
    stated = plan or _tenant_plan(config.database, tenant, rules) or rules.settings.default_plan
    facts = Facts(stated, tenant, (), priority or Priority.NORMAL, None)
    tried = rules.explain_match(facts)
    matched = tried[-1][0] if tried and tried[-1][1] is None else None
    passed = [{"policy": policy.name, "reason": reason} for policy, reason in tried if reason is not None]
    return _row(facts.plan, facts.priority, matched) | {"tenant": tenant, "passed_over": passed}


def set_value(path: Path, key: str, value: str, *, dry_run: bool = False) -> str:
    """Change one value of the rules file and keep everything else, comments included; returns the difference.

    The new file is checked as a whole before anything is written, and replaces the old one in one step.

    Raises:
        NotKnownError: there is no such key.
        RulesError: the file is invalid, or would be.
        SlactlError: the file cannot be written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    load(path)
    before = path.read_text(encoding="utf-8")
    document = tomlkit.parse(before)
    table, last = _find(document, key)
    try:
        table[last] = _parsed(value)
    except TOMLKitError as error:
        raise UsageError(f"{clean(value)[:100]!r} cannot be a value: {error}", 'slactl rules set KEY "4h"') from error
    after = tomlkit.dumps(document)
    parse(after, str(path))
    if not dry_run and after != before:
        _replace(path, after)
    return "".join(unified_diff(before.splitlines(True), after.splitlines(True), str(path), str(path)))


def _tenant_plan(database: Path, tenant: str | None, rules: Rules) -> str | None:
    """The plan of a tenant; the rules may name tenants of their own, and need no database for that."""
    if tenant is None:
        return None
    from slactl.store import reads

    known: dict[str, str | None] = {}
    if database.is_file():
        with reads.reading(database) as connection:
            known = {each["name"]: each["plan"] for each in reads.tenants(connection)}
    named = {name for policy in rules.policies for name in policy.match.tenant}
    _check_known(tenant, sorted({*known, *named}), "tenant")
    return known.get(tenant)


def _cell(rules: Rules, plan: str | None, priority: Priority) -> Record:
    facts = Facts(plan if plan is not None else "\x00", None, (), priority, None)
    return _row(plan, priority, rules.match(facts))


def _row(plan: str | None, priority: Priority, policy: Policy | None) -> Record:
    targets = {target.value: policy.target(priority, target) if policy else None for target in Target}
    return {
        "plan": plan,
        "priority": priority.value,
        "policy": policy.name if policy is not None else None,
        "calendar": policy.calendar if policy is not None else None,
        **{name: str(duration) if duration is not None else None for name, duration in targets.items()},
    }


def _check_known(name: str | None, known: list[str], what: str) -> None:
    if name is not None and name not in known:
        near = nearest(name, known)
        meant = f"; did you mean {near}?" if near else ""
        raise NotKnownError(f"there is no {what} {clean(name)[:100]!r}{meant} (known: {', '.join(known)})", None)


def _find(document: Any, key: str) -> tuple[Any, str]:  # noqa: ANN401  (tomlkit's containers)
    """The table that has the last part of a dotted key; names and ids stand for places in arrays of tables.

    Raises:
        NotKnownError: a part on the way is not there.
    """
    table, parts = document, _split(key)
    for place, part in enumerate(parts[:-1]):
        table = _step(table, part, ".".join(parts[: place + 1]))
    if not hasattr(table, "keys"):
        raise NotKnownError(f"there is no key {clean(key)[:100]}", "slactl rules set settings.due_soon 4h")
    return table, parts[-1]


def _step(table: Any, part: str, path: str) -> Any:  # noqa: ANN401
    if isinstance(table, list):
        for each in table:
            if part in (each.get("name"), each.get("id")):
                return each
        raise NotKnownError(
            f"nothing is called {clean(path)}", f"names: {', '.join(str(e.get('name') or e.get('id')) for e in table)}"
        )
    if part not in table:
        near = nearest(part, list(table))
        meant = f"; did you mean {near}?" if near else ""
        raise NotKnownError(f"there is no key {clean(path)}{meant}", "slactl rules set settings.due_soon 4h")
    return table[part]


def _split(key: str) -> list[str]:
    """The parts of a dotted key; quotes keep dots and blanks together: `policy."acme contract".calendar`.

    Raises:
        UsageError: it is no key.
    """
    import csv

    parts = next(csv.reader([key], delimiter="."), [])
    if not parts or not all(parts):
        raise UsageError(f"{clean(key)[:100]!r} is no key", "slactl rules set settings.due_soon 4h")
    return parts


def _parsed(value: str) -> Any:  # noqa: ANN401
    """The value as TOML where it is some, else as text: `4h` needs no quotes."""
    import tomllib

    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def _replace(path: Path, text: str) -> None:
    """Write a file in one step: whoever reads sees the old or the new one, whole."""
    target = path.resolve()
    try:
        mode = target.stat().st_mode & 0o777
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(name, mode)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise SlactlError(f"{path} cannot be written: {error.strerror}", f"ls -l {path}") from error
