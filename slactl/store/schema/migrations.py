"""Bring a database to the schema of this program in numbered steps."""

import sqlite3
from collections.abc import Callable, Mapping

from slactl.store.schema import compiled, sums
from slactl.store.schema.chain import chain
from slactl.store.schema.published.definitions import definitions
from slactl.store.schema.rewriting import allow, create, made_anew
from slactl.store.schema.version import APPLICATION_ID, SCHEMA


def tables(connection: sqlite3.Connection) -> None:
    """Create every table and its indexes: step 1."""
    for name in compiled.tables():
        create(connection, name)


def silences(connection: sqlite3.Connection) -> None:
    """Add silences, and the columns of messages about addresses and about what holds a message back."""
    known = {row[1] for row in connection.execute("PRAGMA table_info(notification)")}
    for column in ("addresses TEXT NOT NULL DEFAULT '{}'", "address TEXT", "held_by TEXT", "instead_of TEXT"):
        if column.split()[0] not in known:
            connection.execute(f"ALTER TABLE notification ADD COLUMN {column}")
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'silence'").fetchone():
        create(connection, "silence")


def uncounted_seconds(connection: sqlite3.Connection) -> None:
    """Add the paused and the closed time of timers; it is null until the ticket changes next."""
    known = {name for _, name, *_ in connection.execute("PRAGMA table_info(timer)")}
    for column in ("paused_seconds", "closed_seconds"):
        if column not in known:
            connection.execute(f"ALTER TABLE timer ADD COLUMN {column} INTEGER")


def upcoming(connection: sqlite3.Connection) -> None:
    """Add the next level of each ticket, and the duration and the boot clock of each run."""
    columns = {
        "ticket": ("next_escalation TEXT", "next_level TEXT", "next_level_at TEXT"),
        "run": ("duration_ms INTEGER", "boot_id TEXT", "boot_seconds INTEGER"),
    }
    for table, wanted in columns.items():
        known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for column in wanted:
            if column.split()[0] not in known:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    # The next check computes the new columns of every ticket, as after a change of the rules.
    connection.execute("DELETE FROM meta WHERE key = 'ladders_hash'")


def chained(connection: sqlite3.Connection) -> None:
    """Chain the event log and make it append-only, and keep customers' names as erasable texts."""
    known = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'event_text'").fetchone()[0]
    if "'actor'" not in known:
        connection.execute("ALTER TABLE event_text RENAME TO event_text_before")
        create(connection, "event_text")
        connection.execute("INSERT INTO event_text SELECT event_id, field, salt, text FROM event_text_before")
        connection.execute("DROP TABLE event_text_before")
    chain(connection)


def unix_users(connection: sqlite3.Connection) -> None:
    """Add the Unix user to the view of events; `migrate` creates the views again."""


def changes(connection: sqlite3.Connection) -> None:
    """Add the number of the change to the view of events; `migrate` creates the views again."""


def message_ids(connection: sqlite3.Connection) -> None:
    """Add the ids that messages carry and the state `partly`; a constraint changes only with its whole table."""
    made_anew(connection, "notification", "message_ids")


def outcomes(connection: sqlite3.Connection) -> None:
    """Add the target `update`, the state `unknown`, tenants' countries, and the outcomes that the timers tell.

    What a timer does not tell any more, such as a resolution before the ticket was reopened, follows from the history:
    `audit verify` leaves the outcomes of a ticket out until it changes or `doctor --rebuild` writes them.
    """
    made_anew(connection, "timer", "agreement")
    made_anew(connection, "tenant", "country")
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'outcome'").fetchone():
        return
    create(connection, "outcome")
    allow(connection, "ticket", "due_target", ("first_response", "next_response", "update", "resolution"), "update")
    connection.execute(OUTCOMES_OF_TIMERS)
    connection.execute("UPDATE timer SET counted = 1 WHERE breached_at IS NOT NULL")
    connection.execute("INSERT INTO meta SELECT 'outcomes_from', COALESCE(MAX(id), 0) FROM event")


def sources(connection: sqlite3.Connection) -> None:
    """Add the source of tickets, within which external ids are unique, the last row that it sent, and its runs."""
    made_anew(connection, "ticket", "source")
    for table in ("snapshot", "sync_run"):
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            create(connection, table)


def leases(connection: sqlite3.Connection) -> None:
    """Add the leases of runs and of senders, and keep the state of the rules file for each host.

    A message that a run was sending before has no lease: the next run sends or holds it.
    """
    made_anew(connection, "notification", "claimed_by")
    known = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    for table in sorted({"lease", "host"} - known):
        create(connection, table)
    if "run_boot" not in known:
        connection.execute(compiled.tables()["run"].indexes["run_boot"])
    # Nobody knows of which host it is; the next check reads the rules.
    connection.execute("DELETE FROM meta WHERE key = 'rules_fingerprint'")


#: Fills `outcome` from the timers of an earlier schema.
OUTCOMES_OF_TIMERS = """INSERT INTO outcome (ticket_id, kind, cycle, started_at, stopped_at, missed_at, late_since,
detected_at, met, averaged, seconds, paused_seconds, closed_seconds, plan, tenant, priority, assignee, policy, tags)
SELECT r.ticket_id, r.kind, r.cycle, r.started_at, r.stopped_at, r.breached_at, r.breached_at, r.detected_at,
r.breached_at IS NULL,
r.stopped_at IS NOT NULL AND (r.kind <> 'first_response' OR r.stopped_at IS t.first_responded_at),
CASE WHEN r.stopped_at IS NOT NULL THEN r.consumed_seconds END,
CASE WHEN r.stopped_at IS NOT NULL THEN r.paused_seconds END,
CASE WHEN r.stopped_at IS NOT NULL THEN r.closed_seconds END,
t.plan, t.tenant, t.priority, t.assignee, t.policy, t.tags FROM timer r JOIN ticket t ON t.id = r.ticket_id
WHERE r.target_seconds IS NOT NULL AND (r.stopped_at IS NOT NULL OR r.breached_at IS NOT NULL) ORDER BY r.id"""


def wakings(connection: sqlite3.Connection) -> None:
    """Add what holds when a status ends by itself; it is null until the ticket changes or the next check runs."""
    made_anew(connection, "timer", "wakes_at")
    known = {row[1] for row in connection.execute("PRAGMA table_info(ticket)")}
    if "wakes_at" not in known:
        for column in _WOKEN:
            connection.execute(f"ALTER TABLE ticket ADD COLUMN {column}")
        for index in ("ticket_wakes", "ticket_next"):
            connection.execute(compiled.tables()["ticket"].indexes[index])
        # The next check computes the new columns of every ticket, as after a change of the rules.
        connection.execute("DELETE FROM meta WHERE key = 'ladders_hash'")


#: The columns of `ticket` that `wakings` adds.
_WOKEN = (
    *("next_at TEXT", "wakes_at TEXT", "woken_due_at TEXT", "woken_due_target TEXT"),
    *("woken_escalation TEXT", "woken_level TEXT", "woken_level_at TEXT"),
)


def rotas(connection: sqlite3.Connection) -> None:
    """Add overrides of schedules and absences of people."""
    for table in ("override", "absence"):
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            create(connection, table)


def plans(connection: sqlite3.Connection) -> None:
    """Add silences that begin later, messages about events, the condition `waiting`, and `pending_until` to the view.

    A silence of before began when it was added.
    """
    made_anew(connection, "notification", "event_id")
    made_anew(connection, "silence", "starts_at", {"starts_at": "created_at"})
    allow(connection, "timer", "kind", ("unassigned", "idle", "waiting", "burst", "created"), "waiting")


def sent_messages(connection: sqlite3.Connection) -> None:
    """Add how many messages a run sent, and whom the recipient of a message to a fallback replaces.

    Both are null in the rows of before.
    """
    made_anew(connection, "notification", "stands_in_for")
    if "messages_sent" not in {row[1] for row in connection.execute("PRAGMA table_info(run)")}:
        connection.execute("ALTER TABLE run ADD COLUMN messages_sent INTEGER")


def objectives(connection: sqlite3.Connection) -> None:
    """Add the alerts of goals, and the figures of goals and of who is on call; the next check fills them."""
    for table in ("objective_alert", "objective_standing", "oncall_standing"):
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            create(connection, table)


def covering(connection: sqlite3.Connection) -> None:
    """Let indexes hold all that a summary asks of outcomes, and find the events that it counts."""
    for table, index in (("outcome", "outcome_stopped"), ("outcome", "outcome_missed"), ("event", "event_counted")):
        connection.execute(f"DROP INDEX IF EXISTS {index}")
        connection.execute(compiled.tables()[table].indexes[index])


def numbers(connection: sqlite3.Connection) -> None:
    """Have deadlines after an undo numbered again, which only the histories can tell.

    The next check computes the columns of every ticket. Until then `audit verify` leaves out what depends on them.
    """
    if connection.execute("SELECT 1 FROM event WHERE action = 'ticket.retract' LIMIT 1").fetchone():
        connection.execute("DELETE FROM meta WHERE key IN ('ladders_hash', 'outcomes_from')")
        connection.execute("INSERT INTO meta SELECT 'outcomes_from', MAX(id) FROM event")


def mail(connection: sqlite3.Connection) -> None:
    """Add the messages that came in by mail, and the mail domains of tenants."""
    for table in ("mail_id", "tenant_domain"):
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            create(connection, table)


def summed(connection: sqlite3.Connection) -> None:
    """Add the sums that summaries read instead of outcomes and tickets, and the indexes of what they count now."""
    for table in sums.QUERIES:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            create(connection, table)
    indexes = (
        *(("timer", "timer_due"), ("timer", "timer_uncounted"), ("ticket", "ticket_urgency")),
        *(("outcome", "outcome_late"), ("outcome", "outcome_seconds"), ("event", "event_counted")),
    )
    for table, index in indexes:
        connection.execute(f"DROP INDEX IF EXISTS {index}")
        connection.execute(compiled.tables()[table].indexes[index])
    sums.make_anew(connection)


#: What the steps add to tables that are there already: each column or constraint as a new table has it, and as it is
#: written when it was added; a constraint cannot be added, and is missing then. SQLite puts them after the others.
ADDED: Mapping[str, Mapping[str, str]] = {
    "event": {"hash TEXT NOT NULL": "hash TEXT NOT NULL DEFAULT ''"},
    "run": {
        column: column
        for column in (
            *("duration_ms INTEGER", "boot_id TEXT", "boot_seconds INTEGER"),
            *("audit_head TEXT", "audit_event INTEGER", "messages_sent INTEGER"),
        )
    },
}

#: In order; a database stores how many of them it has seen.
STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    *(tables, silences, uncounted_seconds, upcoming),
    *(chained, unix_users, message_ids, outcomes, wakings, sources, leases, plans, rotas, sent_messages),
    *(changes, objectives, covering, numbers, mail, summed),
)


def migrate(connection: sqlite3.Connection) -> None:
    """Run the steps that this database has not seen, and create the views again.

    The caller holds the write transaction, and rolls back when a step fails.
    """
    seen = connection.execute("PRAGMA user_version").fetchone()[0]
    views = definitions()
    # SQLite refuses to rename a table while a view is out of date.
    for name in views:
        connection.execute(f"DROP VIEW IF EXISTS {name}")
    for step in STEPS[seen:]:
        step(connection)
    for name, body in views.items():
        connection.execute(f"CREATE VIEW {name} AS {body}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
