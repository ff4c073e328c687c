"""The outbox: what waits is gathered into one digest for each recipient, and goes out or is printed.

Nothing here waits for the network inside a transaction. A message is claimed (committed), sent by a process of its
own, and what became of it is recorded (committed). What a dead run left claimed is nobody's any more once the next
run has the lock, for the sender has inherited it: it is sent again or held, as its recipient wants it.
"""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from slactl.clock import from_text, to_text
from slactl.config import Config
from slactl.desk.addresses import REQUESTER
from slactl.desk.check import Report
from slactl.desk.credentials import Secrets
from slactl.desk.mailings import (
    HELD,
    SENDING,
    SENT,
    WAITING,
    Mailing,
    Post,
    Row,
    addressee_of,
    carry_out,
    ended,
    next_mailing,
    standing,
)
from slactl.desk.rulebook import Rulebook
from slactl.desk.silences import hold
from slactl.errors import NotKnownError, RefusedError
from slactl.sla.enums import NotificationState, OnUnknown, Status, Target
from slactl.sla.rules_text import read_ahead
from slactl.store import outbox
from slactl.store.engine import looking, writing
from slactl.store.models import Notification

if TYPE_CHECKING:
    from slactl.desk.ledger import Ledger

#: A pause between two runs is told of when it is at least this long, and out of the ordinary.
GAP = timedelta(minutes=30)

Breach = tuple[int, str | None, int | None]


def deliver(config: Config, now: datetime, report: Report, lock: int | None = None) -> None:
    """Deal with everything that waits in the outbox; `lock` is the run lock's descriptor, for the sender to inherit.

    1. What a dead run left half sent is sent again or held.
    2. What is no longer true is obsolete; what a silence, quiet hours or an acknowledgement hold back waits.
    3. What is left is gathered by recipient, one digest for each of the recipient's addresses, one address a round;
       without any address it is printed, for cron to mail.
    4. What somebody could not be told goes to the fallback of its escalation, in the next round.

    Told to stop, it leaves between two messages, and the rest waits for the next run. With rules that others may
    change, or that only the database knows, what has an address waits; the run says so.
    """
    post = _post(config, now, report, lock)
    _adopt_orphans(post)
    while ready := _may_go(post, _sort_out(post)):
        for mailing, rows in ready.items():
            if report.stop():
                report.interrupted = True
                return
            carry_out(post, mailing, rows)


def ready(book: "Ledger", config: Config, report: Report) -> set[int]:
    """The numbers of the messages that would go out now, as far as can be said without trying."""
    rules = book.rulebook.current
    secrets = Secrets.of(config.rules, rules.settings.secrets, os.environ)
    post = Post(config, book.now, report, rules, secrets, 0, None, is_own=book.rulebook.is_own)
    found = _may_go(post, _sorted(post, book.connection)[0])
    return {row["id"] for rows in found.values() for row in rows}


def record_printed(config: Config, report: Report) -> None:
    """What the report of a run told is told; whoever dies before that leaves it to the next run."""
    through = {"state": NotificationState.PRINTED, "ended_at": to_text(report.at), "next_try_at": None}
    with writing(config.database) as session:
        outbox.record(session.connection(), dict.fromkeys(report.printed, through), SENDING)


def _post(config: Config, now: datetime, report: Report, lock: int | None) -> Post:
    file = read_ahead(config.rules)
    with writing(config.database, keep=False) as session:
        book = Rulebook(session, config, file, now, strict=False)
        starts = outbox.last_starts(session.connection(), report.run_id or 0, 6)
    rules = book.current
    secrets = Secrets.of(config.rules, rules.settings.secrets, os.environ)
    return Post(config, now, report, rules, secrets, _gap(now, starts), lock, is_own=book.is_own)


def _may_go(post: Post, ready: Mapping[Mailing, list[Row]]) -> dict[Mailing, list[Row]]:
    """Return what may go out; only what is printed where others may have written where messages go."""
    if post.is_own and not post.secrets.doubts:
        return dict(ready)
    printed = {mailing: rows for mailing, rows in ready.items() if mailing.address is None}
    if len(printed) < len(ready):
        post.refuse()
    return printed


def _gap(now: datetime, starts: Sequence[str]) -> int:
    """For how many seconds no run was made before this one, where that is more than this desk is used to; else 0."""
    instants = [now, *(from_text(each) for each in starts)]
    pauses = [later - earlier for later, earlier in pairwise(instants)]
    if not pauses or pauses[0] < GAP or pauses[0] < 3 * max(pauses[1:], default=timedelta()):
        return 0
    return int(pauses[0].total_seconds())


def _adopt_orphans(post: Post) -> None:
    """Nobody knows whether these went out: the run that sent them died before it could say."""
    with looking(post.config.database) as session:
        rows = outbox.orphans(session.connection())
    changes: dict[int, dict[str, Any]] = {}
    for row in rows:
        addressee = addressee_of(post, row)
        if addressee.on_unknown is OnUnknown.RESEND or not row["address"]:
            changes[row["id"]] = {"state": WAITING, "address": None, "next_try_at": to_text(post.now)}
            continue
        changes[row["id"]] = standing(post, addressee, row["addresses"] | {row["address"]: HELD.value})
        changes[row["id"]] |= {"error": "a run died while it was sending this"}
        again = f"slactl notifications retry {row['id']} sends it again"
        post.complain(f"{addressee.name}: it is not known whether message {row['id']} went out; {again}")
    if changes:
        with writing(post.config.database) as session:
            outbox.record(session.connection(), changes, SENDING)


def _sort_out(post: Post) -> dict[Mailing, list[Row]]:
    """The messages that are to go out now, by recipient and address; the others are obsolete, wait or are through."""
    with looking(post.config.database) as session:
        ready, changes = _sorted(post, session.connection())
    if changes:
        with writing(post.config.database) as session:
            outbox.record(session.connection(), changes, WAITING)
    return ready


def _sorted(post: Post, connection: Connection) -> tuple[dict[Mailing, list[Row]], dict[int, dict[str, Any]]]:
    """What is to go out, and what becomes of the rest."""
    rows = outbox.waiting(connection, to_text(post.now))
    customers = [row["ticket_id"] for row in rows if row["recipient"] == REQUESTER]
    told = outbox.told_customers(connection, customers)
    silences = outbox.silences(connection, to_text(post.now))
    ready: dict[Mailing, list[Row]] = {}
    changes: dict[int, dict[str, Any]] = {}
    for row in rows:
        row["target"], row["deadline"] = _promise(row)
        addressee = addressee_of(post, row)
        held = hold(row, silences, addressee, post.now)
        mailing = next_mailing(post, addressee, row)
        if _is_moot(row) or (row["recipient"] == REQUESTER and not _is_news(row, told, post.now)):
            state = SENT if SENT in row["addresses"].values() else NotificationState.OBSOLETE
            changes[row["id"]] = ended(post, state)
        elif held is not None:
            changes[row["id"]] = {"next_try_at": to_text(held.until), "held_by": held.held_by}
        elif mailing is None:
            changes[row["id"]] = standing(post, addressee, row["addresses"])
        else:
            ready.setdefault(mailing, []).append(row)
    return ready, changes


def _promise(row: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The target a message is about and its deadline; of a condition or a person's escalation the ticket's next."""
    if row["kind"] in tuple(Target) and row["promised_at"]:
        return row["kind"], row["promised_at"]
    return row["due_target"], row["due_at"]


def _is_moot(row: Mapping[str, Any]) -> bool:
    """Whether what a message would say is no longer so: the ticket is done, the promise was met, the episode over."""
    if Status(row["status"]).is_done:
        return True
    return row["kind"] is not None and (row["timer_id"] is None or row["stopped_at"] is not None)


def _is_news(row: Mapping[str, Any], told: set[Breach], now: datetime) -> bool:
    """Whether the customer is to hear of this: of each broken promise once, and of nothing else."""
    if row["addresses"]:
        return True
    breach = (row["ticket_id"], row["kind"], row["cycle"])
    late = row["kind"] in tuple(Target) and row["promised_at"] and row["promised_at"] < to_text(now)
    if not late or breach in told:
        return False
    told.add(breach)
    return True


def retry(config: Config, now: datetime, numbers: Sequence[int], *, dry_run: bool = False) -> list[int]:
    """Have messages that were printed, held, dead or dropped go out again with the next run.

    Raises:
        NotKnownError: there is no such message.
        RefusedError: it was sent, or waits already.
    """
    states = {NotificationState.PRINTED, NotificationState.HELD, NotificationState.DEAD, NotificationState.DROPPED}
    values = {"state": WAITING.value, "next_try_at": to_text(now), "ended_at": None, "error": None, "tries": 0}
    return _change(config, numbers, states, values, "sent again", dry_run)


def drop(config: Config, now: datetime, numbers: Sequence[int], *, dry_run: bool = False) -> list[int]:
    """Have messages that wait, are held or dead never go out.

    Raises:
        NotKnownError: there is no such message.
        RefusedError: it is no longer waiting.
    """
    states = {NotificationState.WAITING, NotificationState.HELD, NotificationState.DEAD}
    values = {"state": NotificationState.DROPPED.value, "ended_at": to_text(now), "next_try_at": None}
    return _change(config, numbers, states, values, "dropped", dry_run)


def _change(
    config: Config,
    numbers: Sequence[int],
    states: set[NotificationState],
    values: Mapping[str, Any],
    what: str,
    dry_run: bool,
) -> list[int]:
    with writing(config.database, keep=not dry_run) as session:
        for number in numbers:
            row = session.get(Notification, number) if number < 2**63 else None
            if row is None:
                raise NotKnownError(f"there is no message {number}", "slactl notifications list")
            if NotificationState(row.state) not in states:
                raise RefusedError(f"message {number} is {row.state} and cannot be {what}", "slactl notifications list")
            for name, value in values.items():
                setattr(row, name, value)
            # An address that had the message does not get it again.
            had = {key: word for key, word in json.loads(row.addresses).items() if word == SENT}
            row.addresses = json.dumps(had)
            session.add(row)
    return list(numbers)
