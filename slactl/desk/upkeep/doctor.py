"""Check the whole installation of a service desk; each problem has its fix.

Each check is independent: without a database, doctor still checks the rules, the folder and the lock.
"""

import os
import platform
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path

from slactl import __version__
from slactl.clock import BootClock, from_text
from slactl.config import shipped_rules
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.trust import closing_commands, rules_trust
from slactl.desk.mail import failed
from slactl.desk.messages import recipients
from slactl.desk.oncall.exceptions import doubts
from slactl.desk.programs.secrets import Secrets, Unresolved
from slactl.desk.upkeep import environment as machine
from slactl.desk.upkeep.database_checks import PATIENCE, database_checks
from slactl.desk.upkeep.health import Check, Health
from slactl.durations import describe_seconds
from slactl.errors import RulesError, SlactlError
from slactl.lease import Claimant, in_force
from slactl.sla.rules.addresses import PLACEHOLDER
from slactl.sla.rules.lines import path_text, read_ahead
from slactl.sla.rules.model import Settings
from slactl.store.read import messages, runs
from slactl.store.schema.version import SCHEMA, schema_of
from slactl.store.sqlite import health
from slactl.store.sqlite.lock import lock_path
from slactl.text import clean, counted, quoted

#: What doctor says of a lock that nobody holds.
FREE = "free"

#: How many good runs of a source tell how often it is synced, and the time between two runs where they do not.
GAPS, UNKNOWN_GAP = 10, timedelta(hours=12)

#: A text in quotes, which stays, or a comment.
COMMENT = re.compile(r"""("(?:\\.|[^"\\])*"|'[^']*')|#.*""")


def examine(desk: Desk, now: datetime, environment: Mapping[str, str], boot: BootClock | None = None) -> Health:
    """Check everything that a service desk needs; change nothing. Without the boot clock, trust the wall clock."""
    checks = [
        Check("slactl", True, __version__),
        Check("python", True, platform.python_version()),
        Check("sqlite", True, health.library_version()),
        Check("tzdata", True, _time_zones()),
        Check("holidays", True, _package("holidays")),
        *database_checks(desk, now, boot),
    ]
    if not os.path.isdir(desk.database.path):  # a folder has no side files, and slactl does not check its mode
        checks += [*machine.file_checks(desk.database.path), *machine.mount_checks(desk.database.path)]
        checks += [_lock(desk, now), *_unread_mail(desk)]
    fixes = {each.fix for each in checks}
    checks += [each for each in _trust(desk) if each.ok or each.fix not in fixes]
    return Health((*checks, *_rules(desk, environment, now)))


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _time_zones() -> str:
    """Return the version of the time zones in use: the zones of the system, else the zones of the package."""
    from zoneinfo import TZPATH

    for folder in map(Path, TZPATH):
        for name in ("tzdata.zi", "+VERSION"):
            try:
                with (folder / name).open(encoding="utf-8") as stream:
                    return f"{stream.readline().removeprefix('# version ').strip()} in {folder}"
            except OSError:
                continue
        if (folder / "UTC").exists():
            return f"in {folder}, of unknown version"
    return f"{_package('tzdata')} of the package tzdata"


def _lock(desk: Desk, now: datetime, command: str = "check") -> Check:
    """Check who holds the lock of `check` or `sync` on this machine, and the lease of `check` on another one."""
    lock = lock_path(desk.database.path, command)
    holder, name = machine.lock_holder(lock), "run lock" if command == "check" else f"{command} lock"
    if holder is None:
        return Check(name, True, _leased(desk, command) or FREE)
    # Each run changes the time of the lock file when it gets the lock. Another program that holds the lock does not.
    age = max(0, int(now.timestamp() - lock.stat().st_mtime))
    if age > PATIENCE.total_seconds():
        what = f"held by {holder}: no {command} could take it for {describe_seconds(age)}; each ends with exit code 75"
        return Check(name, False, what, holder.fix)
    return Check(name, True, f"held by {holder}, which is running")


def _leased(desk: Desk, command: str) -> str | None:
    """Return which process holds the lease of a command, and until when; None if none does, or nobody can tell."""
    with suppress(SlactlError), desk.database.read_unmigrated() as transaction:
        found = runs.lease_holder(transaction, command) if schema_of(transaction) == SCHEMA else None
        holder = Claimant.parse(found.claimed_by) if found is not None else None
        if found is not None and holder is not None and in_force(*found):
            what = f"held by process {holder.pid} on {clean(holder.host)}"
            return f"{what}, which is running; if it dies, others wait until {found.claimed_until}"
    return None


def _rules(desk: Desk, environment: Mapping[str, str], now: datetime) -> Iterator[Check]:
    from slactl.desk.rules import file as rules_file

    command = f"slactl --rules {shlex.quote(str(desk.rules))} rules check"
    try:
        rules, warnings = rules_file.check(desk.rules, environment, now)
    except RulesError as error:
        yield Check("rules", False, error.message, error.hint or command)
        yield from _secrets_of_invalid(desk, environment)
        return
    yield Check("rules", True, f"{desk.rules}, {desk.sources['rules']}")
    secrets = Secrets.of(desk.rules, rules.settings.secrets, environment)
    told_below = {message for _, message in recipients.warnings(rules, secrets)}
    for warning in warnings:
        if warning.message not in told_below:
            yield Check("rules", False, f"line {warning.line}: {warning.message}", command)
    found = recipients.named_secrets(rules)
    named = [(path_text(place[:2]), kind, name) for place, kind, name in found]
    missing = list(_missing_secrets(named, secrets))
    yield from missing
    if not missing and not secrets.doubts:
        yield Check("secrets", True, "every secret that the rules name exists")
    with suppress(SlactlError), desk.database.read_unmigrated() as transaction:
        if schema_of(transaction) == SCHEMA:
            for entry, doubt in doubts(transaction, rules, now):
                yield Check("on call", False, doubt, f"slactl oncall remove {entry['id']}")
    if rules.sources:
        yield from _sources(desk, [source.name for source in rules.sources], now)
    if rules.mail is not None:
        yield from _mail(desk, rules.mail.address, now)


def _unread_mail(desk: Desk) -> Iterator[Check]:
    """Check that no message waits that slactl could not read."""
    folder = failed.failed_folder(desk.database.path)
    try:
        count = len(failed.names(folder))
    except OSError as error:
        yield Check("mail", True, f"{clean(str(folder))} cannot be looked at: {error.strerror}")
        return
    if count:
        what = f"slactl could not read {counted(count, 'message')}, kept in {clean(str(folder))}"
        yield Check("mail", False, what, "slactl mail --failed")


def _mail(desk: Desk, address: str, now: datetime) -> Iterator[Check]:
    """Tell to which address mail comes, and when the last message was taken, unless the database cannot be read."""
    with suppress(SlactlError), desk.database.read_unmigrated() as transaction:
        if schema_of(transaction) == SCHEMA:
            last = messages.last_mail(transaction)
            seconds = max(0, int((now - from_text(last)).total_seconds())) if last is not None else 0
            ago = f"the last message was taken {describe_seconds(seconds)} ago"
            yield Check("mail", True, f"{clean(address)}: {ago if last is not None else 'no message was taken yet'}")


def _sources(desk: Desk, names: Iterable[str], now: datetime) -> Iterator[Check]:
    """Check that the output of each source was imported lately, unless the database cannot be read."""
    lock = _lock(desk, now, "sync")
    yield lock
    with suppress(SlactlError), desk.database.read_unmigrated() as transaction:
        if schema_of(transaction) == SCHEMA:
            is_free = lock.found == FREE
            yield from [_source(runs.source_state(transaction, name, GAPS), now, is_free=is_free) for name in names]


def _source(state: runs.SourceState, now: datetime, *, is_free: bool) -> Check:
    """Check one source: late are runs that are missing for twice the usual time between two of them."""
    again, good = f"slactl sync {state.source}", [from_text(start) for start in state.good]
    usual = max((later - earlier for later, earlier in pairwise(good)), default=UNKNOWN_GAP)
    ago = describe_seconds(int((now - good[0]).total_seconds())) if good else ""
    if state.started_at is None:
        return Check("source", False, f"{state.source} was never synced", again)
    if state.ended_at is None and is_free:
        return Check("source", False, f"{state.source}: the sync of {state.started_at} was killed", again)
    last = f"; last good sync {ago} ago" if good else ""
    if state.error is not None:
        return Check("source", False, f"{state.source}: {state.error}{last}", again)
    if good and now - good[0] > max(PATIENCE, 2 * usual):
        cron = "(crontab -l; echo '*/5 * * * * slactl sync -q; slactl check -q') | crontab -"
        return Check("source", False, f"{state.source}: last synced {ago} ago", cron)
    return Check("source", True, f"{state.source}: synced {ago} ago" if good else f"{state.source}: syncing")


def _secrets_of_invalid(desk: Desk, environment: Mapping[str, str]) -> Iterator[Check]:
    """Check the secrets that the text of an invalid rules file names, line by line; comments do not count."""
    text = read_ahead(desk.rules).text
    lines = [(number, COMMENT.sub(r"\1", line)) for number, line in enumerate(text.split("\n"), 1)]
    stated = [found[1] for _, line in lines if (found := re.match(r"""\s*secrets\s*=\s*["']([^"']+)""", line))]
    secrets = Secrets.of(desk.rules, stated[0] if stated else Settings().secrets, environment)
    named = [(f"line {number}", kind, name) for number, line in lines for kind, name in PLACEHOLDER.findall(line)]
    yield from _missing_secrets(named, secrets)


def _missing_secrets(named: Iterable[tuple[str, str, str]], secrets: Secrets) -> Iterator[Check]:
    """Check secrets, given by place, kind and name; never print their values."""
    for whose, kind, name in dict.fromkeys(named):
        trouble = recipients.trouble(kind, name, secrets)
        if trouble is None:
            continue
        what, fix = trouble
        if kind == "env":
            # Asks for the value without showing it, so that it gets into no history of commands.
            yield Check("secrets", False, f"{whose}: {what} here", f"read -rs {quoted(name)} && export {quoted(name)}")
        else:
            yield Check("secrets", False, f"{whose}: {what}", fix or _secret_command(name, secrets))


def _secret_command(name: str, secrets: Secrets) -> str:
    """Return the command that makes the file of a secret, or lists the file that is in its place."""
    try:
        path = secrets.file(name)
    except (Unresolved, RuntimeError):
        return f"slactl rules check {quoted(secrets.rules)}"
    if os.path.lexists(path):
        return f"ls -ld {quoted(path)}"
    return f"install -d -m 700 {quoted(path.parent)} && install -m 600 /dev/stdin {quoted(path)}"


def _trust(desk: Desk) -> Iterator[Check]:
    """Check who else may change the rules. With the rules that come with slactl nothing is sent."""
    if desk.rules.resolve() == shipped_rules().resolve():
        return
    exposed = rules_trust(desk.rules)
    if exposed:
        where = "; ".join(f"{each.path}: {each.what}" for each in exposed)
        what = f"{where}; nothing is sent while others may change the rules"
        yield Check("trust", False, what, closing_commands(desk.rules, desk.database.path, exposed))
    else:
        yield Check("trust", True, "only root and you may change the rules")
