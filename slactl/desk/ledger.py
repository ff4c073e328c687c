"""The one way tickets change: events are appended to their histories, and their columns follow from them.

1. Histories are loaded, and changed in memory: `open_ticket`, `append`, `fire`.
2. `settle` evaluates each changed history under the rules its ticket is pinned to and writes everything:
   events, the persons' words, the tickets' columns, timers, escalations and outbox rows, for one ticket or
   a thousand with the same few statements.
"""

from bisect import insort_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, SQLModel

from slactl.clock import to_text
from slactl.config import Config
from slactl.desk.columns import TimerContext, next_level_columns, ticket_columns, timer_rows
from slactl.desk.entries import CUSTOMER, Entry, Mark, Restored, highest_each, is_customer, sealed
from slactl.desk.rulebook import Rulebook
from slactl.sla.history import Condition, Event
from slactl.sla.ladders import FiringKey
from slactl.sla.timers import Evaluation, evaluate
from slactl.store import models, writes
from slactl.store.events import DEADLINES, action_of, detail_text
from slactl.store.words import NotificationState

__all__ = ["Entry", "Ledger", "ledger"]

#: The columns of `ticket` that are what a person said and not what follows from the history.
IDENTITY = ("external_id", "subject", "requester_email")

#: How much later than a command others can have read the clock whose changes it finds.
LAG = timedelta(minutes=10)


class Ledger:
    """The histories of some tickets within one write transaction."""

    def __init__(self, session: Session, rulebook: Rulebook, now: datetime, actor: str) -> None:
        self.connection = session.connection()
        self.session = session
        self.rulebook = rulebook
        self.now = now
        self.actor = actor
        self._watched = {str(escalation.on) for escalation in rulebook.current.escalations}
        self._conditions = tuple(condition for condition in Condition if condition.value in self._watched)
        self._ids: dict[type[SQLModel], int] = {
            model: writes.next_id(self.connection, model) for model in (models.Ticket, models.Event, models.Escalation)
        }
        self._histories: dict[int, list[Event]] = {}
        self._states: dict[int, Evaluation] = {}
        self._fired: dict[int, set[FiringKey]] = {}
        self._identities: dict[int, dict[str, Any]] = {}
        self._new: dict[int, int] = {}
        self._pins: dict[int, int] = {}
        self._events: list[dict[str, Any]] = []
        self._texts: list[dict[str, Any]] = []
        self._escalations: list[dict[str, Any]] = []
        self._notifications: list[dict[str, Any]] = []
        self._warnings: set[int] = set()
        self._changed: dict[int, None] = {}
        self._timers: dict[int, list[dict[str, Any]]] = {}
        self._detected: dict[int, dict[tuple[str, int], str]] = {}
        self._restored: set[int] = set()
        self._versions: dict[int, int] = {}

    def load(self, numbers: Sequence[int]) -> None:
        """Read the histories and timers of some tickets, and which of their levels were decided, at once."""
        wanted = [number for number in numbers if number not in self._histories]
        if not wanted:
            return
        self._histories |= writes.histories(self.connection, wanted)
        self._timers |= writes.timers(self.connection, wanted)
        self._versions |= writes.versions(self.connection, wanted)
        for number, rows in writes.fired_keys(self.connection, wanted).items():
            self._fired[number] = {FiringKey(*(row[name] for name in FiringKey._fields)) for row in rows}

    def state(self, number: int) -> Evaluation:
        """What the history of a ticket says as of now, with what was appended.

        Others may have written since this command read the clock; what they wrote counts.
        """
        if number not in self._states:
            self.load([number])
            latest = max((event.at for event in self._histories[number]), default=self.now)
            self._states[number] = self.state_at(number, max(self.now, latest))
        return self._states[number]

    def state_at(self, number: int, at: datetime) -> Evaluation:
        """What the history of a ticket says as of an instant."""
        if number not in self._histories:
            self.load([number])
        return evaluate(self._histories[number], self.rulebook.version, at, self.rulebook.holidays, self._conditions)

    def instant(self, number: int) -> datetime:
        """When something that is done to a ticket now takes effect: not before what others did meanwhile.

        While this command waited for the write lock, or went through many tickets, they read the clock later than it
        did. What lies farther ahead comes of a clock that was set wrong, and nothing waits for that.
        """
        self.load([number])
        history = self._histories[number]
        return history[-1].at if history and self.now < history[-1].at <= self.now + LAG else self.now

    def fired(self, number: int) -> set[FiringKey]:
        """The keys of every level of a ticket that has been decided."""
        if number not in self._fired:
            self.load([number])
        return self._fired[number]

    def open_ticket(self, created: Entry, rules_version: int, number: int | None = None) -> int:
        """A new ticket whose history begins with `created`; returns its number, which is the next unless given."""
        if number is None:
            number = self._next(models.Ticket)
        else:
            self._ids[models.Ticket] = max(self._ids[models.Ticket], number + 1)
        self._histories[number], self._fired[number], self._timers[number] = [], set(), []
        self._new[number] = rules_version
        self.append(number, created)
        return number

    def append(self, number: int, entry: Entry) -> int:
        """Append an event to a loaded history, at its place in time; returns the number of the event."""
        event_id = self._next(models.Event)
        event, written = entry.event, dict(entry.texts)
        actor = event.actor or self.actor
        if is_customer(event, lambda: self._requester(number, written)):
            actor, written["actor"] = CUSTOMER, actor
        detail, texts = sealed(event.detail, written)
        self._events.append(
            {
                "id": event_id,
                "ticket_id": number,
                "at": to_text(event.at),
                "recorded_at": to_text(entry.recorded_at or self.now),
                "actor": actor,
                "actor_type": event.actor_type.value,
                "action": entry.action or action_of(event),
                "detail": detail_text(detail),
            }
        )
        self._texts += [{"event_id": event_id, **row} for row in texts]
        said = {**dict.fromkeys(detail.get("erased", ())), **event.detail, **entry.texts}
        identity = {name: value for name, value in said.items() if name in IDENTITY}
        self._identities.setdefault(number, {}).update(identity)
        if entry.action is None:
            insort_right(self._histories[number], event, key=lambda each: each.at)
            self._states.pop(number, None)
        self._changed[number] = None
        return event_id

    def fire(
        self,
        number: int,
        key: FiringKey | None,
        row: Mapping[str, Any],
        recipients: Sequence[str],
        *,
        warning: bool = False,
    ) -> dict[str, Any]:
        """Insert an escalation row and its outbox rows; a key that is there already ends the transaction."""
        escalation_id = self._next(models.Escalation)
        place = key._asdict() if key is not None else dict.fromkeys(FiringKey._fields) | {"arming": 0, "repeat": 0}
        record = {"id": escalation_id, "ticket_id": number, **place, **row}
        self._escalations.append(record)
        if key is not None:
            self.fired(number).add(key)
        self._warnings.update([escalation_id] if warning else [])
        self._notifications += [
            {
                "escalation_id": escalation_id,
                "ticket_id": number,
                "recipient": recipient,
                "state": NotificationState.WAITING.value,
                "created_at": to_text(self.now),
                "next_try_at": to_text(self.now),
                "run_id": row.get("run_id"),
            }
            for recipient in recipients
        ]
        self._changed[number] = None
        return record

    def is_detected(self, number: int, kind: str, cycle: int) -> bool:
        """Whether the breach of a timer was noticed before."""
        return (kind, cycle) in self._known_breaches(number)

    def detect(self, number: int, kind: str, cycle: int, at: datetime | None = None) -> None:
        """Note that the breach of a timer was noticed, now unless `at` says when."""
        self._detected.setdefault(number, {})[kind, cycle] = to_text(at or self.now)
        self._changed[number] = None

    def touch(self, numbers: Sequence[int]) -> None:
        """Have what follows from some histories computed anew."""
        with suppress(Exception):  # one that cannot be read keeps the others from being read at once
            self.load(numbers)
        for number in numbers:
            # One that cannot be judged keeps its next instant, and is reported when that comes.
            with suppress(Exception):
                self.state(number)
                self._changed[number] = None

    def pin(self, number: int, rules_version: int) -> None:
        """Have a ticket judged under another version of the rules; its history must say so too."""
        self._pins[number] = rules_version
        self._changed[number] = None

    def restore(self, number: int, rules_version: int, found: Restored) -> None:
        """Have all that is kept of a ticket written anew, as its history says."""
        self.state(number)
        self._identities[number], self._pins[number] = dict(found.identity), rules_version
        self._detected[number] = dict(found.detected)
        self._restored.add(number)
        self._new |= {number: rules_version} if found.missing else {}
        self._changed[number] = None

    def tell_once(self, mark: Mark) -> dict[int, list[str]]:
        """Of the messages since the mark, about one ticket, each recipient gets only the highest; returns whose."""
        kept, told = highest_each(self._notifications[mark.notifications :], self._warnings)
        self._notifications[mark.notifications :] = kept
        return told

    def mark(self) -> Mark:
        """How far the buffers are filled."""
        return Mark(len(self._events), len(self._texts), len(self._escalations), len(self._notifications))

    def take_back(self, number: int, mark: Mark) -> None:
        """Forget what was appended to a ticket since the mark, which was made before it was changed."""
        del self._events[mark.events :], self._texts[mark.texts :]
        del self._escalations[mark.escalations :], self._notifications[mark.notifications :]
        memories = (self._changed, self._histories, self._states, self._fired, self._identities, self._detected)
        for memory in (*memories, self._pins, self._new, self._timers):
            memory.pop(number, None)

    def postpone(self, number: int, until: datetime) -> None:
        """Have a ticket that cannot be judged looked at again at an instant."""
        writes.postpone(self.connection, number, to_text(until))

    def note_deadlines(self, number: int, reason: str) -> None:
        """Put the deadlines a person's act led to into the audit trail, where people look for them."""
        from slactl.sla.history import ActorType, EventType, Target

        due = {
            timer.kind.value: to_text(timer.due_at)
            for timer in self.state(number).timers
            if isinstance(timer.kind, Target) and timer.due_at is not None and timer.stopped_at is None
        }
        detail = {"policy": self.state(number).policy, "because": reason, **due}
        noted = Event(self.now, EventType.DUE_SET, detail, "slactl", ActorType.SYSTEM)
        self.append(number, Entry(noted, action=DEADLINES))

    def records(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Some tickets as in machine output, with what was changed so far."""
        self.settle()
        return writes.ticket_records(self.connection, numbers, to_text(self.now))

    def settle(self) -> None:
        """Write everything that was changed in memory, and what follows from it."""
        numbers = list(self._changed)
        if numbers:
            self.rulebook.note_ladders()
        tickets = {number: self._ticket_row(number) for number in numbers}
        writes.insert_rows(self.connection, models.Ticket, [tickets[n] for n in numbers if n in self._new])
        writes.update_tickets(self.connection, [tickets[n] for n in numbers if n not in self._new], self._versions)
        writes.append_events(self.connection, self._events)
        writes.insert_rows(self.connection, models.EventText, self._texts)
        writes.insert_rows(self.connection, models.Escalation, self._escalations)
        writes.insert_rows(self.connection, models.Notification, self._notifications)
        self._write_timers(numbers)
        for buffer in (self._events, self._texts, self._escalations, self._notifications):
            buffer.clear()
        # What was read is dropped too: thousands of tickets, one batch after the other, need no more memory than one.
        for memory in (self._changed, self._new, self._detected, self._identities, self._histories, self._states):
            memory.clear()
        self._fired.clear()
        self._timers.clear()
        self._pins.clear()
        self._versions.clear()
        self._restored.clear()
        self._warnings.clear()

    def _ticket_row(self, number: int) -> dict[str, Any]:
        state = self.state(number)
        # The version is how many events the history has, so that every change raises it, and no look does.
        row = {"id": number, "version": len(self._histories[number]), **ticket_columns(state)}
        row |= self._identities.get(number, {})
        row |= next_level_columns(state, self.rulebook.current, self.fired(number))
        if number in self._new:
            return dict.fromkeys(IDENTITY) | row | {"rules_version": self._pins.get(number, self._new[number])}
        return row | ({"rules_version": self._pins[number]} if number in self._pins else {})

    def _write_timers(self, numbers: Sequence[int]) -> None:
        inserted, updated, removed = [], [], []
        for number in numbers:
            detected = self._known_breaches(number)
            old = {(row["kind"], row["cycle"]): row for row in self._timers.pop(number)}
            context = TimerContext(self.rulebook.current, self.now, self.fired(number), detected, self._watched)
            for row in timer_rows(number, self.state(number), context):
                known = old.pop((row["kind"], row["cycle"]), None)
                if known is None:
                    inserted.append(row)
                elif any(known[name] != value for name, value in row.items()):
                    updated.append({"id": known["id"], **row})
            removed += [row["id"] for row in old.values()]
        writes.delete_timers(self.connection, removed)
        # Two rows of a kind must never both be the latest: those that no longer are come first.
        writes.update_rows(self.connection, models.Timer, sorted(updated, key=lambda row: bool(row["latest"])))
        writes.insert_rows(self.connection, models.Timer, inserted)

    def _requester(self, number: int, written: Mapping[str, str]) -> str | None:
        """The address of the requester of a ticket, as far as the database or this transaction knows it."""
        known = {**self._identities.get(number, {}), **written}
        if "requester_email" in known or number in self._new:
            return known.get("requester_email")
        return writes.requester(self.connection, number)

    def _known_breaches(self, number: int) -> dict[tuple[str, int], str]:
        """When the breaches of a ticket were noticed, those of this transaction included."""
        if number not in self._timers:
            self.load([number])
        if number in self._restored:
            return self._detected[number]
        known = {(row["kind"], row["cycle"]): row["detected_at"] for row in self._timers[number] if row["detected_at"]}
        return known | self._detected.get(number, {})

    def _next(self, model: type[SQLModel]) -> int:
        number = self._ids[model]
        self._ids[model] += 1
        return number


@contextmanager
def ledger(config: Config, now: datetime, *, keep: bool = True, strict: bool = False) -> Iterator[Ledger]:
    """A ledger in one write transaction, settled at its end and kept unless it is a dry run.

    Raises:
        DatabaseError: the database cannot be written.
        RulesError: the rules are invalid, and `strict` or there is no last valid version.
    """
    from slactl.store.engine import writing

    with writing(config.database, keep=keep) as session:
        book = Ledger(session, Rulebook(session, config.rules, now, strict=strict), now, config.actor)
        yield book
        book.settle()
