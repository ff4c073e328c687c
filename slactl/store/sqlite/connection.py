"""Open a database that `init` made; never create one at a mistyped path."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from slactl import committed
from slactl.errors import DatabaseError, LockedError, StorageError
from slactl.store.schema.version import APPLICATION_ID, SCHEMA, schema_of
from slactl.store.sqlite.folders import obstacle_to_writing, refuse_pipes, refuse_strangers, refuse_unless_file
from slactl.text import quoted

#: How long a writer waits for another writer before it gives up, in seconds.
BUSY_SECONDS = 30
#: How long a process that was asked to stop still waits for the lock: the longest time of one transaction.
LEAVING_SECONDS = 1.0
#: The time between two attempts to take the lock, in seconds.
ASK_SECONDS = 0.002
#: To how many bytes SQLite cuts the write-ahead log after it has copied it back: about where it begins to copy.
LOG_BYTES = 4_000_000

# The databases that this process reads without locks; see `faults`.
_frozen: set[Path] = set()

# Says whether this process was asked to stop; `bool()` is False. See `leaving_when`.
_is_asked_to_stop: Callable[[], bool] = bool


def open_database(path: Path, *, query_only: bool = False, migrates: bool = True) -> sqlite3.Connection:
    """Return a connection in autocommit mode, with the pragmas that every transaction relies on.

    A database of an older schema is migrated, unless `migrates` is false. Where nothing can be written, a connection
    that is `query_only` still opens. `committed` keeps what people have to know about the database.

    Raises:
        DatabaseError: it is missing, damaged, not readable, not from slactl, newer than this program, or others may
            replace it.
        BusyError: another program holds it, or an `init` is filling it.
    """
    refuse_unsafe(path)
    committed.so_far().opened = path
    _frozen.discard(path)
    with reported(path):
        try:
            connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None
            )
            _prepared(connection, path, query_only=query_only, migrates=migrates)
        except (sqlite3.OperationalError, StorageError) as error:
            from slactl.store.sqlite import faults

            if not query_only or not faults.forbids_writing(error):
                raise
            connection = faults.opened_frozen(path)
            _frozen.add(path)
            _prepared(connection, path, query_only=query_only, migrates=False)
            if migrates and schema_of(connection) < SCHEMA:
                connection = faults.upgraded_copy(connection)
                _prepared(connection, path, query_only=query_only, migrates=False)
                committed.so_far().unwritable[path] = "there is no room to upgrade it"
    if query_only and (obstacle := obstacle_to_writing(path)) is not None:
        committed.so_far().unwritable[path] = obstacle.why
    return connection


def refuse_unsafe(path: Path) -> None:
    """Refuse a database that is not a file, or that others may replace.

    Raises:
        DatabaseError: it is one of these.
    """
    refuse_unless_file(path)
    refuse_strangers(path)
    refuse_pipes(path)


def reads_without_locks(path: Path) -> bool:
    """Return whether this process reads a database without locks, since it cannot write beside it."""
    return path in _frozen


def distrust(connection: sqlite3.Connection) -> None:
    """Make SQLite distrust the content of a file: anybody may have written it.

    SQLite checks pages before it uses them. From SQLite 3.41 on, the schema may call harmless functions only; earlier
    versions count the JSON functions, which slactl's constraints call, as harmful. From Python 3.12 on, no statement
    can write to the schema or to the tables behind virtual tables.
    """
    if sqlite3.sqlite_version_info >= (3, 41):
        connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)


def _prepared(connection: sqlite3.Connection, path: Path, *, query_only: bool, migrates: bool) -> None:
    try:
        _prepare(connection, path, query_only=query_only, migrates=migrates)
    except BaseException:
        connection.close()
        raise


def _prepare(connection: sqlite3.Connection, path: Path, *, query_only: bool, migrates: bool) -> None:
    distrust(connection)
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = schema_of(connection)
    if application != APPLICATION_ID:
        from slactl.store.sqlite.faults import not_ours

        raise not_ours(connection, path)
    if version > SCHEMA:
        what = f"{path} has schema {version}, newer than this slactl knows ({SCHEMA})"
        raise DatabaseError(what, "pip install --upgrade slactl")
    if version < 1:
        what = f"{path} has schema {version}, which no version of slactl created"
        raise DatabaseError(what, f"sqlite3 {quoted(path)} 'PRAGMA user_version'")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA recursive_triggers = ON")
    if not query_only:  # SQLite overwrites changed and removed data, whatever the default of its build is
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    if version < SCHEMA and migrates:
        from slactl.store.schema.upgrade import upgrade
        from slactl.store.sqlite.health import damage

        begin_writing(connection)
        with connection:  # not in a `transaction`, which counts as a change that the command made
            upgraded = upgrade(connection, path, damage)
        committed.so_far().upgrades += [upgraded] if upgraded is not None else []
    if query_only:
        connection.execute("PRAGMA query_only = ON")


def begin_writing(connection: sqlite3.Connection, seconds: float | None = None) -> None:
    """Take the write lock; wait for it for some seconds, or for `BUSY_SECONDS`.

    Raises:
        sqlite3.OperationalError: another connection held the lock all that time.
    """
    in_turn(connection, "BEGIN IMMEDIATE", seconds)


def in_turn(connection: sqlite3.Connection, statement: str, seconds: float | None = None) -> None:
    """Run a statement that takes the write lock; wait for it for some seconds, or for `BUSY_SECONDS`.

    SQLite itself tries less and less often, in the end ten times a second. It may never hit the gap between two
    transactions of a long run. With a try every few milliseconds, a person waits for one transaction at most.

    Raises:
        sqlite3.OperationalError: another connection held the lock all that time.
        KeyboardInterrupt: this process was asked to stop meanwhile; see `leaving_when`.
    """
    from time import monotonic, sleep

    begun = monotonic()
    patience = begun + (BUSY_SECONDS if seconds is None else seconds)
    with _impatient(connection):
        while True:
            try:
                connection.execute(statement)
                return
            except sqlite3.OperationalError as error:
                from slactl.store.sqlite.faults import is_busy

                if not is_busy(error) or monotonic() >= patience:
                    raise
            if monotonic() >= begun + LEAVING_SECONDS and _is_asked_to_stop():
                raise KeyboardInterrupt
            sleep(ASK_SECONDS)


@contextmanager
def leaving_when(is_asked: Callable[[], bool]) -> Iterator[None]:
    """Stop waiting for the write lock when `is_asked` returns that this process must stop."""
    global _is_asked_to_stop
    before, _is_asked_to_stop = _is_asked_to_stop, is_asked
    try:
        yield
    finally:
        _is_asked_to_stop = before


@contextmanager
def _impatient(connection: sqlite3.Connection) -> Iterator[None]:
    """Make SQLite fail at once when another connection has a lock, and wait as before afterwards."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def may_write(connection: sqlite3.Connection, seconds: float) -> bool:
    """Return whether the write lock becomes free within some seconds, for a connection that otherwise only reads."""
    connection.execute("PRAGMA query_only = OFF")  # otherwise SQLite does not ask for the lock
    try:
        begin_writing(connection, seconds)
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        from slactl.store.sqlite.faults import is_busy

        return not is_busy(error)  # without permission to write, no other connection is to blame
    finally:
        connection.execute("PRAGMA query_only = ON")
    return True


def give_way() -> None:
    """Leave the write lock free for long enough that a waiting process takes it."""
    from time import sleep

    sleep(2 * ASK_SECONDS)


def empty_log(connection: sqlite3.Connection, seconds: float) -> bool:
    """Copy the write-ahead log back into the database and empty it; return whether that was possible in time.

    SQLite does not wait for another connection that copies the log back, as the last one to close does.
    """
    from time import monotonic, sleep

    patience = monotonic() + seconds
    with _impatient(connection):
        while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if monotonic() > patience:
                return False
            sleep(ASK_SECONDS)
    return True


@contextmanager
def transaction(connection: sqlite3.Connection, *, write: bool = False, keep: bool = True) -> Iterator[None]:
    """Open one transaction, with `BEGIN IMMEDIATE` for a writer; roll it back on any error, and unless `keep`."""
    if write:
        begin_writing(connection)
    else:
        connection.execute("BEGIN")
    before = connection.total_changes
    with committed.held_back() if write else nullcontext():
        try:
            yield
        except BaseException:
            if connection.in_transaction:  # SQLite itself rolls back when the disk fails or is full
                connection.execute("ROLLBACK")
            raise
        if write and keep:
            committed.commit(lambda: connection.execute("COMMIT"), has_changed=connection.total_changes > before)
        else:
            connection.execute("COMMIT" if keep else "ROLLBACK")


def breaks_constraint(error: Exception) -> bool:
    """Return whether a DatabaseError says that a row is not allowed, and nothing else is wrong."""
    return isinstance(error.__cause__, sqlite3.IntegrityError)


def breaks_transaction(error: Exception) -> bool:
    """Return whether an error inside a transaction comes from the database as a whole, and not from one row."""
    return isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError)


@contextmanager
def passing_over_rows() -> Iterator[None]:
    """Suppress an error that one row caused; raise an error of the database as a whole."""
    try:
        yield
    except Exception as error:
        if breaks_transaction(error):
            raise


def is_stale(path: Path) -> bool:
    """Return whether a database that this process reads without locks was changed since it was opened."""
    if path not in _frozen:
        return False
    from slactl.store.sqlite import faults

    return faults.is_stale(path)


@contextmanager
def reported(path: Path, seconds: float | None = None) -> Iterator[None]:
    """Turn errors of SQLite into a DatabaseError with one line that names the database, and a hint.

    `seconds` is how long the connection waits for another program; by default `BUSY_SECONDS`.
    """
    try:
        yield
    except sqlite3.Error as error:
        from slactl.store.sqlite.faults import as_database_error

        raise as_database_error(error, path, BUSY_SECONDS if seconds is None else seconds) from error
    if is_stale(path):
        raise LockedError(f"{path} was changed while slactl read it without locks; try again", "slactl doctor")
