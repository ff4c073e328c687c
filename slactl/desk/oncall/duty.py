"""Say who fills a role at an instant, who gets its tickets and messages, and who stands in for people who are away."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from slactl.clock import to_text
from slactl.desk.oncall.entries import exceptions_of
from slactl.desk.oncall.schedules import Schedules
from slactl.sla.calendar.calendar import in_seconds
from slactl.sla.enums import Spread
from slactl.sla.rules.model import Level, Role
from slactl.sla.rules.rules import Rules
from slactl.store.read.messages import rota_entries
from slactl.store.read.tickets import last_assigned, open_counts
from slactl.text import RESERVED

if TYPE_CHECKING:
    from slactl.desk.ledger.ledger import Ledger
    from slactl.store.database import Transaction


class Holder(NamedTuple):
    """Hold who gets something (None is nobody), and the person who is away and replaced."""

    person: str | None
    instead_of: str | None = None

    def __str__(self) -> str:
        return f"{self.person or 'nobody'} for {self.instead_of}"

    def replaced(self, number: int) -> str:
        """Return a warning for whoever gave a ticket to somebody who is away."""
        if self.person is None:
            return f"{self.instead_of} is away and has no substitute, so nobody gets ticket {number}"
        return f"{self.instead_of} is away, so the substitute {self.person} gets ticket {number}"


class Told(NamedTuple):
    """Hold the names of those who get a message, and what the event of its cause says of substitutes among them."""

    names: list[str]
    stand_ins: dict[str, list[str]]

    @classmethod
    def of(cls, rules: Rules, holders: Iterable[Holder]) -> "Told":
        """Return who of some holders gets a message, each person once, also where a role stands for one of them."""
        found = list(holders)
        names = dict[str, str]()
        for name in (each.person for each in found if each.person is not None):
            reached = rules.reached(name)
            names[reached] = name if name == reached else names.get(reached, name)
        stand_ins = [str(each) for each in found if each.instead_of is not None]
        return cls(list(names.values()), {"stand_ins": stand_ins} if stand_ins else {})

    def replaced_by(self, name: str) -> str | None:
        """Return the people whom one who gets a message replaces, or None."""
        own = f"{name} for "
        names = [each.removeprefix(own) for each in self.stand_ins.get("stand_ins", ()) if each.startswith(own)]
        return " and ".join(dict.fromkeys(names)) or None


@dataclass(frozen=True, slots=True)
class Presence:
    """Hold what decides who gets messages at an instant."""

    schedules: Schedules
    at: datetime

    @classmethod
    def by(cls, transaction: "Transaction", rules: Rules, path: Path, at: datetime) -> "Presence":
        """Return who is there at an instant, by the rules of a file and the absences of a database."""
        exceptions = exceptions_of(rota_entries(transaction, to_text(at)))
        return cls(Schedules(rules, path, at, exceptions), at)

    @property
    def rules(self) -> Rules:
        """Return the rules that say who has which role."""
        return self.schedules.rules

    def present(self, name: str) -> Holder:
        """Return the person, or the substitute of a person who is away."""
        person = self.schedules.exceptions.stand_in(name, in_seconds(self.at))
        return Holder(person, name if person != name else None)

    def holder(self, role: Role) -> Holder:
        """Return who fills a role: whoever is on call, else the assignee."""
        if role.on_call is not None:
            found = self.schedules.on_call(role.on_call, self.at)
            if found.person is not None:
                return Holder(found.person, found.instead_of)
        return self.present(role.assignee) if role.assignee is not None else Holder(None)

    def recipients(self, name: str) -> Iterator[Holder]:
        """Yield who gets the messages to a role or a person: the role's own addresses, and the person who fills it.

        A role that nobody can ever fill stays the recipient, and `check` prints its messages.
        """
        role = self.rules.roles.get(name)
        if role is None:
            yield self.present(name)
            return
        holder = self.holder(role)
        is_named = role.on_call is None and holder.person == role.assignee
        if role.notify or role.is_vacant or is_named:
            yield Holder(name)
        person = self.rules.people.get(holder.person or "")
        if holder.person is not None and (person is not None and person.notify if role.notify else not is_named):
            yield holder

    def told(self, notify: Iterable[str], assignee: str | None, new: Holder) -> list[Holder]:
        """Return who gets a message of a level about the ticket of an assignee; `new` is its new assignee, if any."""
        meant = {
            "assignee": _person(new.person or assignee),
            "previous_assignee": _person(assignee) if new.person is not None else None,
            "requester": "requester" if self.rules.settings.customer_mail is not None else None,
        }
        found = list[Holder]()
        for word in notify:
            name = meant.get(word, word)
            if word == "assignee" and new.instead_of is not None:
                found.append(new)
            elif name is not None:
                found += self.recipients(name)
        return found

    def reached(self, level: Level, fallback: str | None, assignee: str | None) -> tuple[str | None, list[str]]:
        """Return who would get a ticket, and who would be told, if a level fired now.

        A role stands for its members, because the turn of each comes only when the level fires.
        """
        new, role = Holder(None), self.rules.roles.get(level.assign or "")
        if level.assign is not None and (role is None or not role.members):
            new = self.holder(role) if role is not None else self.present(level.assign)
        gets = new if role is None or not role.members else Holder(level.assign)
        told = Told.of(self.rules, self.told(level.notify, assignee, gets)).names
        if not told and level.notify and fallback:
            told = Told.of(self.rules, self.recipients(fallback)).names
        return gets.person if gets.person != assignee else None, told


def _person(name: str | None) -> str | None:
    """Return an assignee, or None for an imported name that is a reserved word, such as `requester`."""
    return None if name in RESERVED else name


@dataclass(frozen=True, slots=True)
class Duty(Presence):
    """Hold what decides who gets tickets and messages at an instant."""

    book: "Ledger"

    @classmethod
    def of(cls, book: "Ledger", at: datetime) -> "Duty":
        """Return who has which duty at an instant, by the current rules; a unit of work asks once for each instant."""
        found = book.duties.get(at)
        if not isinstance(found, cls):
            present = Presence.by(book.transaction, book.rulebook.current, book.desk.rules, at)
            found = book.duties[at] = cls(present.schedules, at, book)
        return found

    def assignee(self, name: str) -> Holder:
        """Return who gets a ticket that is assigned to a role or a person: of a role a member first, if it has any."""
        role = self.rules.roles.get(name)
        if role is None:
            return self.present(name)
        member = self._member(role)
        return Holder(member) if member is not None else self.holder(role)

    def _member(self, role: Role) -> str | None:
        """Return the member of a role who is next; people who are away are left out."""
        members = [name for name in role.members if self.present(name).person == name]
        if not members:
            return None
        picks, transaction = self.book.picks, self.book.transaction
        if role.spread is Spread.ROUND_ROBIN:
            last = next((name for name in reversed(picks) if name in role.members), None)
            last = last or last_assigned(transaction, role.members)
            start = role.members.index(last) + 1 if last in role.members else 0
            return next(name for name in (*role.members[start:], *role.members[:start]) if name in members)
        counts = open_counts(transaction, members)
        return min(members, key=lambda name: counts.get(name, 0) + picks.count(name))
