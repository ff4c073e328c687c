"""Find the ticket that an imported history belongs to, or open one with its number, plan and rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from slactl.clock import from_text
from slactl.desk.ledger.ledger import Entry, Ledger
from slactl.desk.tickets.input import place_of
from slactl.errors import RulesError
from slactl.sla.enums import EventType
from slactl.sla.history.file import Line
from slactl.store.read import tickets
from slactl.text import clean


class Name(NamedTuple):
    """The name of a ticket in a file, which is unique within its source."""

    source: str | None
    ticket: str


@dataclass(frozen=True, slots=True)
class Match:
    """The ticket that a history belongs to: an existing one, or a new one with this external id and source.

    `wanted` is the number that a new ticket had where it was exported, if that number is free here. `adopted_by` is
    the source that an existing ticket, which has none, belongs to from now on.
    """

    number: int | None
    opened: datetime | None = None
    external_id: str | None = None
    source: str | None = None
    wanted: int | None = None
    adopted_by: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Claim:
    """The names that a history gives its ticket. Only an export has a number; elsewhere the name is the external id."""

    created: Line | None
    external_ids: Sequence[str | None]
    is_ours: bool
    #: The source that the history names where the ticket was adopted by it after its opening.
    adopted_by: str | None = None

    @property
    def external_id(self) -> str | None:
        """Return the external id that the ticket has in the end."""
        return self.external_ids[-1]


def match_tickets(book: Ledger, histories: Mapping[Name, Sequence[Line]]) -> dict[Name, Match]:
    """Return the ticket of each history, by its name in the file.

    1. An export's ticket is the one with its number that was created at the same instant, if it has no other name.
    2. Else a ticket is the one with the same external id and source, or without a source, which then adopts it.
    3. Else it is new, and keeps the number it had where that is free.
    """
    claims = {name: _claim(name.ticket, lines) for name, lines in histories.items()}
    ours = [claim.created.id for claim in claims.values() if claim.created and claim.created.id is not None]
    numbered = tickets.tickets_numbered(book.transaction, ours)
    wanted = {name for claim in claims.values() for name in claim.external_ids if name is not None}
    wanted |= {name.ticket for name in claims}
    named = tickets.tickets_named(book.transaction, list(wanted))
    taken: set[Name | int] = set()
    return {name: _match(name, claim, numbered, named, taken) for name, claim in claims.items()}


def _claim(name: str, lines: Sequence[Line]) -> _Claim:
    created = next((line for line in lines if line.event.type is EventType.CREATED), None)
    if created is None or created.id is None:
        return _Claim(created, [name], is_ours=False)
    ordered = sorted(lines, key=lambda line: line.event.at)
    edits = [line.event.detail for line in ordered if line.event.type is EventType.EDITED]
    renamed = [edit["external_id"] for edit in edits if "external_id" in edit]
    adopted = next((edit["adopted_by"] for edit in edits if "adopted_by" in edit), None)
    return _Claim(created, [created.event.detail.get("external_id"), *renamed], True, adopted)


def holder(
    named: Sequence[tickets.Known], source: str | None, opened: datetime | None, *, is_history: bool = True
) -> tickets.Known | None:
    """Return the ticket that a name means, of those with the external id; `opened` is its creation, if it is told.

    A ticket of the same source goes first; one without a source is adopted. A history without a source may go on
    with the only ticket of this name, but does not open it anew unless both were created at the same instant.
    """
    same = [known for known in named if known.source == source]
    if source is not None:
        same += [known for known in named if known.source is None]
    elif not same and len(named) == 1:
        is_same = from_text(named[0].created_at) == opened if opened is not None else is_history
        same = [named[0]] if is_same else []
    return same[0] if same else None


def _match(
    name: Name,
    claim: _Claim,
    numbered: Mapping[int, tickets.Known],
    named: Mapping[str, Sequence[tickets.Known]],
    taken: set[Name | int],
) -> Match:
    wanted = claim.created.id if claim.created is not None else None
    other = numbered.get(wanted) if wanted is not None else None
    is_same = other is not None and claim.created is not None and from_text(other.created_at) == claim.created.event.at
    external_id, source = claim.external_id, name.source
    is_same = is_same and other is not None and (None in (other.source, source) or other.source == source)
    if is_same and other is not None and other.external_id in (None, *claim.external_ids):
        known: tickets.Known | None = other
    else:
        # Another ticket has its number here, so only the name identifies it.
        if claim.is_ours and external_id is None and (other is not None or wanted in taken):
            external_id = name.ticket
        opened = claim.created.event.at if claim.created is not None else None
        known = holder(named.get(external_id, ()), source, opened) if external_id is not None else None
    if external_id is not None:
        final = Name(source or (known.source if known is not None else None), external_id)
        others = (each.number for each in named.get(external_id, ()) if each.source == final.source)
        if final in taken or (known is not None and any(number != known.number for number in others)):
            return Match(None, problem=f"another ticket has the external id {clean(external_id)}")
        taken.add(final)
    if known is not None:
        adopted_by = source if known.source is None and claim.adopted_by is None else None
        return Match(known.number, from_text(known.created_at), adopted_by=adopted_by)
    free = wanted if other is None and wanted is not None and wanted not in taken else None
    taken.update([free] if free is not None else [])
    return Match(None, None, external_id, source if source != claim.adopted_by else None, free)


def open_ticket(book: Ledger, match: Match, created: Line) -> int:
    """Open the new ticket of a match; its plan is the plan of its history, of its tenant, or the default plan.

    Raises:
        RulesError: its deadlines cannot be computed.
    """
    detail = dict(created.event.detail)
    tenant = book.tenant(detail["tenant"]) if detail.get("tenant") else None
    if tenant is not None and created.id is None:
        detail |= place_of(tenant, detail)
    stated = detail.get("plan") or (tenant.plan if tenant is not None else None)
    detail["plan"] = stated or book.rulebook.current.settings.default_plan
    version = book.rulebook.known(detail.get("rules")) or book.rulebook.current_version()
    # An export has the external id that the ticket had when it was opened; a later event may change it.
    external_id = detail.get("external_id") if created.id is not None else None
    if match.wanted is None and external_id is None:
        external_id = match.external_id
    detail |= {"external_id": external_id, "rules": version.hash}
    detail |= {"source": match.source} if match.source is not None else {}
    assert version.id is not None
    event, at = replace(created.event, detail=detail), created.recorded_at
    entry = Entry(event, created.texts, recorded_at=at, message_id=created.message_id)
    return book.open_ticket(entry, version.id, match.wanted)


def bring_rules(book: Ledger, line: Line, notes: "Notes") -> str | None:
    """Store the version of the rules in a line; return the problem with it, once for each version."""
    rules_hash: Any = line.event.detail.get("rules")
    if line.rules is not None:
        try:
            book.rulebook.adopt(line.rules)
        except RulesError as error:
            return notes.once(f"{error.message.splitlines()[0]}; slactl uses the current rules for its tickets")
    if rules_hash is None or book.rulebook.known(rules_hash) is not None:
        return None
    return notes.once(
        f"the rules version {clean(str(rules_hash))[:12]} is not in the file; "
        "slactl uses the current rules for its tickets"
    )


@dataclass(slots=True)
class Notes:
    """The warnings that are reported once, and not for each ticket."""

    reported: set[str] = field(default_factory=set)

    def once(self, reason: str) -> str | None:
        """Return the reason the first time, and None from then on."""
        if reason in self.reported:
            return None
        self.reported.add(reason)
        return reason

    def unknown_plans(self, book: Ledger, lines: Sequence[Line]) -> list[str]:
        """Return a warning for each plan in some events that no policy names."""
        rules_hash = lines[0].event.detail.get("rules") if lines else None
        rules = book.rulebook.version(rules_hash if book.rulebook.known(rules_hash) is not None else None)
        plans = dict.fromkeys(line.event.detail.get("plan") for line in lines)
        unknown = [plan for plan in plans if plan is not None and plan not in rules.plans()]
        warnings = [
            self.once(f"no policy names the plan {plan!r}; the policy without match applies") for plan in unknown
        ]
        return [warning for warning in warnings if warning is not None]
