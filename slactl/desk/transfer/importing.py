"""Import histories: append the events that the database does not have yet, a batch in each write transaction.

An event is identified by its ticket, instant, type and value, and its ordinal among equal events. So importing a file
again changes nothing, and a longer export of the same tickets adds only the new events. A row that says what a ticket
looks like now is compared with the last one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from itertools import islice

from slactl.clock import to_text
from slactl.committed import in_parts
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.ledger import CommandRules, Ledger, ledger
from slactl.desk.tickets.bursts import begun_bursts
from slactl.desk.transfer.lines import Problem, read_history
from slactl.desk.transfer.merging.following import agreeing, opened
from slactl.desk.transfer.merging.matching import Name, Notes
from slactl.desk.transfer.merging.merge import lines_of, merge_histories, merge_rows
from slactl.desk.transfer.merging.state import Import
from slactl.desk.transfer.merging.state import Imported as Imported
from slactl.desk.transfer.merging.state import Progress as Progress
from slactl.desk.transfer.merging.state import Source as Source
from slactl.desk.transfer.rows import read_rows
from slactl.sla.history.file import Line, TenantEntry
from slactl.sla.history.order import Numbered, by_source, in_order
from slactl.store.sqlite.spool import Spool
from slactl.store.write.statements import keep_snapshots
from slactl.store.write.tenants import Tenant, tenant_of_domain

#: Tickets in one write transaction.
BATCH = 500


def import_file(
    desk: Desk,
    now: datetime,
    source: Source,
    report: Callable[[Problem], None],
    progress: Progress | None = None,
    *,
    baseline: bool = False,
    dry_run: bool = False,
    done: Imported | None = None,
) -> Imported:
    """Import a file, and count in `done`; `report` gets each bad row and each warning.

    If the import fails, `done` has what was committed before.

    Raises:
        UsageError: the file is not what the map says it is, or needs a map.
        RulesError: the rules are invalid.
        DatabaseError: the database cannot be written.
    """
    done = done if done is not None else Imported()
    work = Import(source, CommandRules(desk, "import"), now, baseline, dry_run, progress or Progress(), report, done)
    with desk.database.read() as transaction:
        rules = work.rules.current(transaction, strict=True).rules
    work.words = rules.priorities.meanings
    spool = Spool()
    try:
        if source.mapping is None:
            spool.fill(read_history(source.stream, work.tell, work.progress.read, work.tenants.append, work.words))
        else:
            spool.fill(read_rows(source.stream, source.mapping, work.tell, work.progress.read, work.words, now))
        work.bursts = begun_bursts(_own_histories(work, spool), rules)
        with in_parts():
            _import_batches(desk, work, spool)
    finally:
        spool.close()
    return work.done


def _own_histories(work: Import, spool: Spool) -> Iterator[tuple[str, list[Line]]]:
    """Yield each ticket that the file opens with its history in the file, without a report of bad lines."""
    quiet = replace(work, report=lambda _: None, done=Imported(), notes=Notes())
    for name, lines in spool.tickets():
        if work.has_snapshots:
            found: dict[str | None, list[Numbered]] = {
                None: opened(agreeing(lines, quiet.reading), quiet.reading).lines
            }
        else:
            found = by_source(lines_of(lines, quiet))
        for source, own in found.items():
            history, _ = in_order(own)
            if history:
                yield f"{source or ''}:{name}", history


def _import_batches(desk: Desk, work: Import, spool: Spool) -> None:
    """Import batch after batch; a dry run imports all of them in one transaction that is rolled back."""
    tickets, total, seen = spool.tickets(), spool.count(), 0
    batch = list(islice(tickets, BATCH))
    while batch or work.tenants:
        with (
            work.done.unless_rolled_back(),
            ledger(desk, work.now, keep=not work.dry_run, strict=True, rules=work.rules) as book,
        ):
            for entry in work.tenants:
                if book.tenant(entry.name) is None:
                    facts = {"created_at": to_text(entry.created_at), "domains": _free_domains(book, entry, work)}
                    book.keep_tenant(Tenant(**{**asdict(entry), **facts}))
                    work.done.tenants += 1
            work.tenants.clear()
            while batch:
                _import_batch(book, batch, work)
                seen += len(batch)
                work.progress.taken(seen, total)
                batch = list(islice(tickets, BATCH))
                if not work.dry_run:
                    break
            if not batch:
                # The file may bring rules of another service desk: note that the current rules are this service desk's
                # own.
                book.rulebook.current_version()


def _free_domains(book: Ledger, entry: TenantEntry, work: Import) -> tuple[str, ...]:
    """Return the mail domains of a tenant that no other tenant has; report the others."""
    owners = {domain: tenant_of_domain(book.transaction, domain) for domain in entry.domains}
    for domain, owner in owners.items():
        if owner is not None:
            reason = f"the tenant {entry.name} comes without {domain}, which the tenant {owner.name} has"
            work.tell(Problem(1, "domains", reason, warning=True))
    return tuple(domain for domain, owner in owners.items() if owner is None)


def _import_batch(book: Ledger, batch: Sequence[tuple[str, list[tuple[int, str]]]], work: Import) -> None:
    """Import some tickets, and keep the last rows that their source sent in the same transaction."""
    if work.has_snapshots:
        merge_rows(book, dict(batch), work)
    else:
        named = ((name, by_source(lines_of(lines, work))) for name, lines in batch)
        merge_histories(
            book, {Name(source, name): lines for name, found in named for source, lines in found.items()}, work
        )
    book.settle()
    keep_snapshots(book.transaction, [each.row(number) for number, each in work.snapshots.items()])
    work.snapshots.clear()
