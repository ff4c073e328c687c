"""Check the rules file, and return the targets it sets by plan, priority and tenant."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from slactl.desk.ledger.desk import Desk
from slactl.desk.messages import recipients as addresses
from slactl.desk.oncall import feeds
from slactl.desk.programs import commands
from slactl.desk.programs.secrets import Secrets
from slactl.desk.sources import checks as sources
from slactl.sla.enums import Priority, Target
from slactl.sla.rules.addresses import without_literal_secrets
from slactl.sla.rules.checks.lint import OTHER, LintWarning, lint, reaching
from slactl.sla.rules.lines import Lines, read
from slactl.sla.rules.loading import as_error, load, parse
from slactl.sla.rules.match import Facts
from slactl.sla.rules.model import Policy
from slactl.sla.rules.oncall.gaps import gaps
from slactl.sla.rules.rules import Rules
from slactl.store.database import Database
from slactl.text import known_or_refuse, match_words

Record = dict[str, Any]


def check(path: Path, environment: Mapping[str, str], now: datetime) -> tuple[Rules, list[LintWarning]]:
    """Return the rules of a file, and warnings about probable mistakes in them, such as gaps in a schedule.

    Only this function checks templates, addresses and the maps of sources. A wrong one does not stop other commands.

    Raises:
        RulesError: they are invalid, or the file cannot be read.
    """
    text = read(path)
    rules = parse(text, str(path))
    secrets = Secrets.of(path, rules.settings.secrets, environment)
    wrong = [*_template_problems(rules), *addresses.problems(rules, secrets), *sources.problems(rules, path)]
    if wrong:
        raise as_error(wrong, Lines(text), str(path))
    doubtful = [*addresses.warnings(rules, secrets), *addresses.unsafe(rules, secrets)]
    doubtful += commands.warnings(addresses.commands(rules), path)
    found = {name: feeds.read(rules, path, name, now) for name, stated in rules.schedules.items() if stated.ical}
    doubtful += [
        (("schedules", name, "ical"), why) for name, feed in found.items() if (why := feed.problem) is not None
    ]
    doubtful += feeds.unnamed(rules, path, now)
    doubtful += gaps(rules, now, {name: each.feed for name, each in found.items() if each.feed is not None})
    warnings = [LintWarning(Lines(text).of(place), message) for place, message in doubtful]
    return rules, sorted({*lint(rules, text, now.year), *warnings})


def _template_problems(rules: Rules) -> Iterator[tuple[tuple[str, str], str]]:
    for name, template in (("title", rules.templates.title), ("body", rules.templates.body)):
        if template is not None:
            from slactl.sla.rules import templates

            mistake = templates.mistake(template)
            if mistake is not None:
                yield ("templates", name), mistake


def matrix(rules: Rules) -> list[Record]:
    """Return the targets of each plan at each priority, and then of each policy for certain tenants, tags or domains.

    `plan` is None for any other plan, and in the rows of such a policy for any plan. `match` says in words which
    tickets the policy of such a row matches.
    """
    cells = [
        (plan, priority, rules.match(Facts(plan if plan is not None else OTHER, None, (), priority, None)))
        for plan in (*rules.plans(), None)
        for priority in Priority
    ]
    rows = [_row(plan, priority, policy) | {"match": None} for plan, priority, policy in cells]
    shown = [policy for _, _, policy in cells]
    for policy in rules.policies:
        if policy not in shown:
            rows += _special_rows(rules, policy)
    return rows


def sources_of(rules: Rules) -> list[Record]:
    """Return the sources that `sync` imports, as the rules have them."""
    return [
        {
            "name": source.name,
            "map": source.map,
            "command": [without_literal_secrets(word) for word in source.command],
            "timeout": str(source.timeout),
        }
        for source in rules.sources
    ]


def _special_rows(rules: Rules, policy: Policy) -> Iterator[Record]:
    reached = list(dict.fromkeys(facts.priority for facts in reaching(rules, policy)))
    text = match_words(policy.match.stated()) or "every ticket"
    text += "" if reached else " (never reached)"
    for plan in policy.match.plan or (None,):
        for priority in reached or policy.match.priority or Priority:
            yield _row(plan, priority, policy) | {"match": text}


def combination(desk: Desk, plan: str | None, priority: Priority | None, tenant: str | None) -> Record:
    """Return the targets of one ticket: the policy that matches, and the policies before it.

    Raises:
        NotKnownError: neither the rules nor the database know the plan or the tenant.
        RulesError: the rules are invalid.
    """
    rules = load(desk.rules)
    if plan is not None:
        known_or_refuse(plan, rules.named("plan"), "plan", None)
    stated = plan or _tenant_plan(desk.database, tenant, rules) or rules.settings.default_plan
    facts = Facts(stated, tenant, (), priority or Priority.NORMAL, None)
    tried = rules.explain_match(facts)
    matched = tried[-1][0] if tried and tried[-1][1] is None else None
    passed = [{"policy": policy.name, "reason": reason} for policy, reason in tried if reason is not None]
    return _row(facts.plan, facts.priority, matched) | {"tenant": tenant, "passed_over": passed}


def _tenant_plan(database: Database, tenant: str | None, rules: Rules) -> str | None:
    """Return the plan of a tenant; the rules may name tenants that are not in the database."""
    if tenant is None:
        return None
    from slactl.store.read import tickets as reads

    known: dict[str, str | None] = {}
    if database.path.is_file():
        with database.read() as connection:
            known = {tenant_row["name"]: tenant_row["plan"] for tenant_row in reads.tenants(connection)}
    known_or_refuse(tenant, rules.named("tenant") | known.keys(), "tenant", None)
    return known.get(tenant)


def _row(plan: str | None, priority: Priority, policy: Policy | None) -> Record:
    targets = {target.value: policy.target_time(priority, target) if policy else None for target in Target}
    return {
        "plan": plan,
        "priority": priority.value,
        "policy": policy.name if policy is not None else None,
        "calendar": policy.calendar if policy is not None else None,
        **{name: str(time) if time is not None else None for name, time in targets.items()},
    }
