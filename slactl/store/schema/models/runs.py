"""Define the tables of the runs of `check` and `sync`, and of what they note for the runs on other hosts."""

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from slactl.store.schema.models.columns import instants, key, number, partial, reference, sizes, text_column


class Run(SQLModel, table=True):
    """One run of `check` and its counts."""

    __table_args__ = (
        *instants("started_at", "ended_at"),
        partial("run_boot", "boot_id", rows="boot_id IS NOT NULL"),
    )
    id: int | None = Field(default=None, primary_key=True)
    started_at: str = text_column(nullable=False)
    ended_at: str | None = text_column()
    scanned: int = number()
    breached: int = number()
    fired: int = number()
    notified: int = number()
    failed: int = number()
    skipped: str = text_column(nullable=False, default="{}")
    exit_code: int | None = number(None)
    duration_ms: int | None = number(None)
    rules_version: int | None = reference("rules_version.id", nullable=True)
    #: The boot clock, which nobody can set, at `started_at`; null where the wall clock was not trusted.
    boot_id: str | None = text_column()
    boot_seconds: int | None = number(None)
    #: The last hash of the event log when the run ended, and the number of the event that has it.
    audit_head: str | None = text_column()
    audit_event: int | None = number(None)
    #: How many messages carried the notices that were delivered; null in runs of before.
    messages_sent: int | None = number(None)


class Lease(SQLModel, table=True):
    """Work that one process at a time may do, over all hosts, and the process that is doing it; see `slactl.lease`."""

    __table_args__ = (*sizes(name=100, claimed_by=300), *instants("claimed_until"))
    name: str = key()
    claimed_by: str = text_column(nullable=False)
    claimed_until: str = text_column(nullable=False)


class Host(SQLModel, table=True):
    """A machine on which commands run, and the state of its rules file when that file had the rules of a hash."""

    __table_args__ = (*sizes(name=100, rules_fingerprint=200), *instants("noted_at"))
    name: str = key()
    rules_fingerprint: str = text_column(nullable=False)
    rules_hash: str = text_column(nullable=False)
    noted_at: str = text_column(nullable=False)


class SyncRun(SQLModel, table=True):
    """One run of the command of a source, and what its import changed; without an error the run was good."""

    __tablename__ = "sync_run"
    __table_args__ = (
        *instants("started_at", "ended_at", "since"),
        *sizes(source=200, error=1000),
        Index("sync_run_source", "source", "id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    source: str = text_column(nullable=False)
    started_at: str = text_column(nullable=False)
    ended_at: str | None = text_column()
    since: str = text_column(nullable=False)
    opened: int = number()
    changed: int = number()
    events: int = number()
    bad: int = number()
    exit_code: int | None = number(None)
    duration_ms: int | None = number(None)
    error: str | None = text_column()
