"""Backups, audits, erasures and checks, as types: the fields in the order in which slactl prints them."""

from collections.abc import Sequence
from typing import TypedDict


class Backup(TypedDict):
    """A backup as `backup --json` prints it; `size` is in bytes."""

    file: str
    size: int
    events: int
    audit_head: str | None
    dry_run: bool


class Restore(TypedDict):
    """A restore as `restore --json` prints it; `kept` is where the replaced database is.

    `sent_since` is how many messages more the replaced database has sent than the backup. That and the fields
    `replaced_…` are null if there was no database that could be read.
    """

    file: str
    database: str
    kept: str | None
    events: int
    last_event_at: str | None
    audit_head: str | None
    waiting_messages: int
    sent_since: int | None
    replaced_events: int | None
    replaced_last_event_at: str | None
    dry_run: bool


class Check(TypedDict):
    """A check of `doctor`; `fix` is a command, or a sentence where no command can help."""

    check: str
    ok: bool
    found: str
    fix: str | None


class Health(TypedDict):
    """The health of an installation as `doctor --json` prints it."""

    ok: bool
    exit_code: int
    checks: list[Check]


class Finding(TypedDict):
    """A part of the database that is not as it was written."""

    kind: str
    event_id: int | None
    ticket_id: int | None
    message: str


class Audit(TypedDict):
    """An audit as `audit verify --json` prints it; `found` counts the findings, of which the first are listed."""

    ok: bool
    audit_head: str | None
    events: int
    texts: int
    erased: int
    tickets: int
    found: int
    findings: list[Finding]


class Rebuild(TypedDict):
    """A rebuild as `doctor --rebuild --json` prints it, without the differences."""

    dry_run: bool
    tickets: int
    changed: int
    differences: int
    failed: int
    structure: list[str]
    dropped: dict[str, str | None]
    unmade: list[str]


class Spelled(TypedDict):
    """Texts that have an erased address only in an encoded form, and the tickets of others that have such texts."""

    texts: int
    tickets: Sequence[int]


class Leftover(TypedDict):
    """A column in which the letters of an erased person are still found."""

    table: str
    column: str
    rows: int
    tickets: Sequence[int]


class Erasure(TypedDict):
    """An erasure as `erase --json` prints it."""

    texts: dict[str, int]
    tickets: list[int]
    other_tickets: list[int]
    spelled: Spelled
    left: list[Leftover]
    problem: str | None
    dry_run: bool
    exit_code: int
