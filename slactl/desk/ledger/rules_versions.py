"""Read the versions of the rules with which tickets are evaluated; write nothing and take no lock."""

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from slactl.desk.ledger import last_rules
from slactl.desk.ledger.desk import Desk, rules_fingerprint
from slactl.errors import RulesError
from slactl.sla.calendar.calendar import HolidaySet, library_holidays
from slactl.store.read import rules_versions as stored
from slactl.store.read.rules_versions import StoredVersion
from slactl.store.schema.events import COMMAND

if TYPE_CHECKING:
    from slactl.sla.rules.rules import Rules
    from slactl.store.database import Transaction

#: A set of holidays and a year.
Year = tuple[HolidaySet, int]


class Current(NamedTuple):
    """Hold the rules that a command works with.

    `problem` is the error of an invalid file; `rules` are then the last valid version that this database used. `is_own`
    says whether this user read that version from the file. The database may come from anybody, so slactl sends nothing
    by rules that only the database has.
    """

    rules: "Rules"
    problem: RulesError | None = None
    is_own: bool = True


class RulesVersions:
    """Read the versions of the rules that histories name, and the holidays used with them, each once."""

    #: Whether to refuse a version whose text does not match its hash.
    refuses_changed = True

    def __init__(self, transaction: "Transaction", pinned: str | None = None) -> None:
        """Read within a transaction; a history without rules is evaluated with the rules of hash `pinned`."""
        self._transaction = transaction
        self._pinned = pinned
        self._stored: dict[str, StoredVersion] = {}
        self._parsed: dict[str, Rules] = {}
        self._years: dict[Year, Mapping[date, str]] = {}

    @classmethod
    def of_ticket(cls, transaction: "Transaction", number: int) -> "RulesVersions":
        """Return the versions by which the history of one ticket is evaluated."""
        return cls(transaction, stored.pinned_hash(transaction, number))

    def version(self, rules_hash: str | None) -> "Rules":
        """Return the rules with this hash; without a hash, the rules of the ticket.

        Raises:
            RulesError: the database does not have them, or has another text than the hash was made of.
        """
        wanted = rules_hash or self._pinned
        if wanted is None:
            raise RulesError("the history does not name a version of the rules", "slactl doctor")
        if wanted not in self._parsed:
            row = self.known(wanted)
            if row is None:
                raise RulesError(f"the rules version {wanted[:12]} is not in the database", "slactl doctor")
            rules = _understood(row, wanted)
            if self.refuses_changed and rules.hash != wanted:
                changed = f"rules version {row.id} was changed: its hash is not {wanted[:12]}"
                raise RulesError(changed, "slactl audit verify")
            self._parsed[wanted] = rules
        return self._parsed[wanted]

    def known(self, rules_hash: str | None) -> StoredVersion | None:
        """Return the stored version with this hash; None if the database does not have it."""
        if rules_hash is not None and rules_hash not in self._stored:
            row = stored.version_of(self._transaction, rules_hash)
            if row is None:
                return None
            self._stored[rules_hash] = row
        return self._stored[rules_hash] if rules_hash is not None else None

    def holidays(self, holiday_set: HolidaySet, year: int) -> Mapping[date, str]:
        """Return the holidays of a year as they were when a deadline was first calculated with them."""
        wanted = (holiday_set, year)
        if wanted not in self._years:
            known = stored.holiday_year(self._transaction, (holiday_set.country, holiday_set.part), year)
            if known is None:
                self._years[wanted] = self.first_asked(wanted)
            else:
                self._years[wanted] = {date.fromisoformat(day): name for day, name in known.items()}
        return self._years[wanted]

    def first_asked(self, wanted: Year) -> Mapping[date, str]:
        """Return the holidays of a year that the database does not have."""
        return library_holidays(*wanted)


class CommandRules:
    """Read the rules file once, so that all transactions of a command use one version and are one change.

    `command` names a command that cannot be undone. slactl reads the file before it takes the write lock. While the
    command waits for the file, others can write. If this user's last command read the file in its present state, slactl
    takes the rules from that command.
    """

    def __init__(self, desk: Desk, command: str | None = None) -> None:
        self._desk = desk
        #: What each event of a command that cannot be undone seals.
        self.said = {COMMAND: {"name": command, "actor": desk.actor}} if command is not None else {}
        #: The number of the change, from the first transaction with an event on.
        self.change: int | None = None
        self._is_settled = last_rules.is_settled(desk.rules)
        #: Taken before the file is read, so that it does not fit a file that is replaced meanwhile.
        self.fingerprint = rules_fingerprint(desk.rules)
        known = last_rules.rules_of(desk, self.fingerprint)
        self._current = Current(known) if known is not None else None
        if known is None:
            from slactl.sla.rules.lines import read_ahead

            self._file = read_ahead(desk.rules)

    def current(self, transaction: "Transaction", *, strict: bool) -> Current:
        """Return the rules of the file, or the last valid version of this database.

        Raises:
            RulesError: they are invalid, and `strict` or this database never used a valid version.
        """
        if self._current is None:
            self._current = self._read(transaction)
            if self._is_settled and self._current.problem is None:
                last_rules.keep_rules(self._desk, self.fingerprint, self._current.rules)
        if strict and self._current.problem is not None:
            raise self._current.problem
        # Rules keep calendars, and a calendar keeps the transaction in which it read holidays. So use a copy.
        return self._current._replace(rules=self._current.rules.replaced())

    def _read(self, transaction: "Transaction") -> Current:
        from slactl.sla.rules.loading import parse

        try:
            # Checking rules asks the holidays library, which takes longer to import than everything else.
            return Current(parse(self._file.needed(), str(self._file.path), stored.known_hashes(transaction)))
        except RulesError as error:
            last = stored.latest_own_version(transaction)
            if last is None:
                raise
            kept = last_rules.recall(self._desk)
            own = kept.text if kept is not None and kept.hash == last.hash else None
            text = last.canonical if own is None else own
            try:
                # An earlier release may have accepted what this one does not accept in a file.
                rules = parse(text, f"rules version {last.id}", {last.hash}, pinned=True)
            except RulesError:
                raise error from None
            return Current(rules, error, own is not None)


def rules_of_file(desk: Desk) -> "Rules":
    """Return the rules of the file.

    Raises:
        RulesError: they are invalid, or cannot be read.
    """
    known = last_rules.rules_of(desk, rules_fingerprint(desk.rules))
    if known is not None:
        return known
    from slactl.sla.rules.loading import load

    return load(desk.rules)


def rules_in_force(desk: Desk, transaction: "Transaction") -> Current:
    """Return the rules that are in force: those of the file, or the last valid version while the file is invalid.

    Raises:
        RulesError: the file is invalid, and this database never used a valid version or its text cannot be read.
    """
    return CommandRules(desk).current(transaction, strict=False)


def _understood(row: StoredVersion, rules_hash: str) -> "Rules":
    """Return the rules of a stored version; another text than the hash was made of is read as it is."""
    is_intact = sha256(row.canonical.encode(errors="replace")).hexdigest() == rules_hash
    known = last_rules.compiled(rules_hash) if is_intact else None
    if known is not None:
        return known
    from slactl.sla.rules.loading import parse

    rules = parse(row.canonical, f"rules version {row.id}", {rules_hash}, pinned=True)
    if is_intact:
        last_rules.keep_compiled(rules)
    return rules
