"""Say who fills a role at an instant, who gets its tickets and messages, and who stands in for people who are away."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from slactl.clock import to_text
from slactl.desk.oncall.exceptions import exceptions_of
from slactl.desk.oncall.schedules import Schedules
from slactl.errors import RefusedError
from slactl.sla.calendar.calendar import in_seconds
from slactl.sla.enums import Spread
from slactl.sla.rules.model import Role
from slactl.sla.rules.rules import Rules
from slactl.sla.timers.pauses import instant_of
from slactl.store.read.messages import rota_entries
from slactl.store.read.tickets import last_assigned, open_counts
from slactl.text import NOBODY, RESERVED, quoted

if TYPE_CHECKING:
    from slactl.desk.ledger.ledger import Ledger
    from slactl.sla.escalation.levels import DueLevel
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

    @property
    def reaches_nobody(self) -> bool:
        """Return whether no person and no role gets the message."""
        return not self.names or self.names == [NOBODY]

    def or_nobody(self) -> "Told":
        """Return the same recipients; where there is none, a message to nobody, which `check` prints."""
        return self if self.names else Told([NOBODY], self.stand_ins)

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
        exceptions = exceptions_of(rota_entries(transaction, to_text(at)), rules)
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

    def why_nobody(self, name: str, *, until: bool = False) -> str:
        """Return why nobody gets the tickets or messages of a role or a person now, on request with until when."""
        role = self.rules.roles.get(name)
        if role is None:
            return f"{name} is away and has no substitute"
        why = [f"the members of the role {name} are away"] if role.members else []
        if role.on_call is not None:
            ends = self.schedules.standing(role.on_call, self.at).until if until else None
            lasting = f" until {to_text(instant_of(ends))}" if ends is not None else ""
            why.append(f"nobody is on call for {role.on_call}{lasting}")
        if role.assignee is not None:
            why.append(f"{role.assignee} is away and has no substitute")
        return " and ".join(why) or f"the role {name} has no person"

    def how_to_fill(self, name: str) -> str:
        """Return a command that gives a role a person: an override of its schedule, else an assignee."""
        role, people = self.rules.roles[name], self.rules.people
        present = [person for person in people if self.present(person).person == person]
        person = next(iter([*present, *people]), "mia")
        if role.on_call is None:
            return f"slactl rules set {quoted(f'roles.{name}.assignee')} {quoted(person)}"
        return f"slactl oncall override {quoted(role.on_call)} --to {quoted(person)} --from now --until 'in 8h'"

    def meant(self, assignee: str | None, new: Holder, *, customers: bool) -> dict[str, str | None]:
        """Return whom the words of `notify` mean for the ticket of an assignee; `new` is its new assignee, if any.

        `customers` says whether the customer may get a message.
        """
        return {
            "assignee": _person(new.person or assignee),
            "previous_assignee": _person(assignee) if new.person is not None else None,
            "requester": "requester" if customers and self.rules.settings.customer_mail is not None else None,
        }

    def told(self, notify: Iterable[str], assignee: str | None, new: Holder, *, customers: bool) -> list[Holder]:
        """Return who gets a message of a level; see `meant`."""
        meant, found = self.meant(assignee, new, customers=customers), list[Holder]()
        for word in notify:
            name = meant.get(word, word)
            if word == "assignee" and new.instead_of is not None:
                found.append(new)
            elif name is not None:
                found += self.recipients(name)
        return found

    def reached(self, due: "DueLevel", fallback: str | None, assignee: str | None) -> tuple[str | None, list[str]]:
        """Return who would get a ticket, and who would be told, if a level fired now.

        A role stands for its members, because the turn of each comes only when the level fires.
        """
        level = due.level
        new, role = Holder(None), self.rules.roles.get(level.assign or "")
        if level.assign is not None and (role is None or not role.members):
            new = self.holder(role) if role is not None else self.present(level.assign)
        gets = new if role is None or not role.members else Holder(level.assign)
        told = self.told(level.notify, assignee, gets, customers=due.tells_customers)
        is_unfilled = level.assign is not None and gets.person is None
        if fallback and (is_unfilled or (level.notify and not Told.of(self.rules, told).names)):
            told += self.recipients(fallback)
        return gets.person if gets.person != assignee else None, Told.of(self.rules, told).names


def _person(name: str | None) -> str | None:
    """Return an assignee, or None for an imported name that is a reserved word, such as `requester`."""
    return None if name in RESERVED else name


#: How long after an instant the schedules, overrides and absences that were read for it serve.
AHEAD = timedelta(days=28)

#: What a transaction read: a run asks for each level that fires.
_read: "WeakKeyDictionary[Ledger, Presence]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Duty(Presence):
    """Hold what decides who gets tickets and messages at an instant."""

    book: "Ledger"

    @classmethod
    def of(cls, book: "Ledger", at: datetime) -> "Duty":
        """Return who has which duty at an instant, by the current rules."""
        known = _read.get(book)
        if known is None or not known.at <= at <= known.at + AHEAD:
            known = _read[book] = Presence.by(book.transaction, book.rulebook.current, book.desk.rules, at)
        return cls(known.schedules, at, book)

    def assignee(self, name: str) -> Holder:
        """Return who gets a ticket that is assigned to a role or a person: of a role a member first, if it has any."""
        role = self.rules.roles.get(name)
        if role is None:
            return self.present(name)
        member = self._member(role)
        return Holder(member) if member is not None else self.holder(role)

    def assigned(self, name: str) -> Holder:
        """Return who gets a ticket that a person gives to a role or a person.

        Raises:
            RefusedError: nobody has the role now.
        """
        holder = self.assignee(name)
        if name in self.rules.roles and holder.person is None:
            what = f"{self.why_nobody(name, until=True)}, so nobody would get the ticket"
            raise RefusedError(what, self.how_to_fill(name))
        return holder

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
