"""One digest to one address: claimed, sent, and what became of it recorded; each step committed before the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from slactl.clock import from_text, to_text
from slactl.config import Config
from slactl.desk import addresses, digests, sending
from slactl.desk.addresses import REQUESTER, Address, Addressee
from slactl.desk.check import Report
from slactl.desk.credentials import Refused, Secrets, Unresolved
from slactl.desk.sending import Outcome, Result
from slactl.sla.enums import NotificationState, OnUnknown
from slactl.sla.rules import Rules
from slactl.store import outbox
from slactl.store.engine import writing
from slactl.store.writes import batches
from slactl.text import quoted

#: How long after each failed try the next one comes; after the last the address is given up.
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30))

#: The longest a server can make slactl wait by its Retry-After.
LONGEST_WAIT = timedelta(days=1)

WAITING, SENDING, SENT = NotificationState.WAITING, NotificationState.SENDING, NotificationState.SENT
HELD, DEAD = NotificationState.HELD, NotificationState.DEAD

#: A message of the outbox with its escalation and its ticket, as `outbox.waiting` reads it. Its `addresses` say of
#: each address by key that it is sent, dead or held, or the instant from which it may be tried again.
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Post:
    """What one run sends with; `gap` is for how many seconds no run was made before it, `lock` the run lock.

    `is_own` is false for rules that only the database knows.
    """

    config: Config
    now: datetime
    report: Report
    rules: Rules
    secrets: Secrets
    gap: int
    lock: int | None
    is_own: bool = True

    def head(self, addressee: Addressee) -> digests.Letterhead:
        """What a message to somebody depends on besides its tickets."""
        return digests.Letterhead(addressee.name, self.now, self.rules, addressee.include, self.gap)

    def refuse(self) -> None:
        """Note why no message with an address goes out."""
        if not self.is_own:
            what = "messages wait until the rules are valid: this user has no private copy of the last valid rules"
            self.report.wait([what], f"slactl rules check {quoted(self.config.rules)}")
        if self.secrets.doubts:
            self.report.distrust(self.config, self.secrets.doubts)

    def complain(self, what: str, count: int = 1) -> None:
        """Have the run end with 7, and say why."""
        self.report.failed += count
        if what not in self.report.problems:
            self.report.problems.append(what)


class Mailing(NamedTuple):
    """Who gets a digest, and at which address; None where there is none and it is printed."""

    addressee: Addressee
    address: Address | None


def addressee_of(post: Post, row: Mapping[str, Any]) -> Addressee:
    """Who a message of the outbox goes to."""
    if row["recipient"] == REQUESTER:
        return addresses.customer(post.rules, row["ticket_id"], row.get("requester_email"))
    return addresses.addressee(post.rules, row["recipient"])


def next_mailing(post: Post, addressee: Addressee, row: Row) -> Mailing | None:
    """The first address that a message has still to go to now; None where none is left."""
    if not addressee.addresses:
        return Mailing(addressee, None)
    now = to_text(post.now)
    for address in addressee.addresses:
        known = row["addresses"].get(address.key)
        if known is None or (known not in (SENT, DEAD, HELD) and known <= now):
            return Mailing(addressee, address)
    return None


def standing(post: Post, addressee: Addressee, known: Mapping[str, str]) -> dict[str, Any]:
    """Where a message stands when this is known of its addresses: it waits for the next, or it is through."""
    words = [known.get(address.key, to_text(post.now)) for address in addressee.addresses]
    open_ = [word for word in words if word not in (SENT, DEAD, HELD)]
    common = {"addresses": dict(known), "address": None}
    if open_:
        return common | {"state": WAITING, "next_try_at": min(open_)}
    all_words = {*words, *known.values()}
    return common | ended(post, next((state for state in (SENT, HELD) if state in all_words), DEAD))


def ended(post: Post, state: NotificationState) -> dict[str, Any]:
    """The columns of a message that is through."""
    return {"state": state, "ended_at": to_text(post.now), "next_try_at": None, "run_id": post.report.run_id}


def carry_out(post: Post, mailing: Mailing, rows: Sequence[Row]) -> None:
    """Claim a digest, and send it and record what became of it, or have it printed with the report of the run."""
    key = mailing.address.key if mailing.address is not None else ""
    with writing(post.config.database) as session:
        taken = outbox.claim(session.connection(), [row["id"] for row in rows], key, post.report.run_id)
        claimed = [row for row in rows if row["id"] in taken]
    if not claimed:
        return
    message = _message(post, mailing.addressee, claimed)
    if mailing.address is None:
        post.report.messages.append(message.printed(mailing.addressee.name))
        post.report.printed += taken
        post.report.notified += len(claimed)
    else:
        _record(post, mailing.addressee, mailing.address, claimed, _send(post, mailing, message))


def _message(post: Post, addressee: Addressee, rows: Sequence[Row]) -> digests.Message:
    if rows[0]["recipient"] == REQUESTER:
        return digests.to_customer(rows[0], post.head(addressee))
    message = digests.compose(rows, post.head(addressee))
    if message.problem is not None:
        post.complain(f"templates: {message.problem}; the built-in text was used")
    return message


def _send(post: Post, mailing: Mailing, message: digests.Message) -> Result:
    assert mailing.address is not None
    seconds, allow_http = post.rules.settings.send_timeout.seconds, mailing.addressee.allow_http
    receiver = mailing.address.receiver
    try:
        url = addresses.resolve(mailing.address, post.secrets)
        return sending.send(message, url, seconds, receiver=receiver, allow_http=allow_http, lock=post.lock)
    except Refused as error:
        post.report.wait([f"{mailing.addressee.name}: {mailing.address.label}: {error}; its messages wait"], error.fix)
        return Result(Outcome.WAITS, str(error))
    except Unresolved as error:
        return Result(Outcome.DEAD, str(error))
    except Exception as error:  # others are told all the same; its text may have the URL in it
        return Result(Outcome.UNKNOWN, f"unexpected {type(error).__name__}")


def _record(post: Post, addressee: Addressee, address: Address, rows: Sequence[Row], result: Result) -> None:
    """Write what became of a digest; whom it did not reach, the fallback is told about."""
    failed = result.outcome not in (Outcome.SENT, Outcome.WAITS)
    error = f"{address.label}: {result.detail}" if result.outcome is not Outcome.SENT else None
    changes: dict[int, dict[str, Any]] = {}
    for row in rows:
        known = row["addresses"] | {address.key: _word(post, addressee, row, result)}
        changes[row["id"]] = standing(post, addressee, known) | {"tries": row["tries"] + failed}
        if error is not None or DEAD not in known.values():
            changes[row["id"]]["error"] = error
    heirs = {row["id"]: heir for row in rows if changes[row["id"]]["state"] is DEAD and (heir := _heir(post, row))}
    for batch in batches(list(changes)):  # thousands at once would keep others waiting for the lock
        with writing(post.config.database) as session:
            outbox.record(session.connection(), {number: changes[number] for number in batch}, SENDING)
            outbox.add(session.connection(), [heirs[number] for number in batch if number in heirs])
    post.report.notified += sum(change["state"] is SENT for change in changes.values())
    lost = [row for row in rows if changes[row["id"]]["state"] is DEAD and row["id"] not in heirs]
    if lost:  # better in cron's mail than nowhere
        post.report.messages.append(_message(post, addressee, lost).printed(addressee.name))
    if failed:
        told = sorted({heir["recipient"] for heir in heirs.values()})
        _complain(post, f"{addressee.name}: {error}", list(changes.items()), address.key, told)


def _word(post: Post, addressee: Addressee, row: Row, result: Result) -> str:
    """What is known of an address after a try: sent, dead or held, or when it is tried again."""
    if result.outcome is Outcome.SENT:
        return SENT
    if result.outcome is Outcome.WAITS:  # the next run tries, however soon it comes
        return to_text(post.now + timedelta(seconds=1))
    if result.outcome is Outcome.UNKNOWN and addressee.on_unknown is OnUnknown.HOLD:
        return HELD
    step = row["tries"] // len(addressee.addresses)
    if result.outcome is Outcome.DEAD or step >= len(BACKOFF):
        return DEAD
    asked = timedelta(seconds=sending.seconds_to_wait(result.retry_after, post.now))
    return to_text(post.now + min(LONGEST_WAIT, max(BACKOFF[step], asked)))


def _heir(post: Post, row: Row) -> Row | None:
    """The message to the fallback of the escalation, where somebody could not be reached."""
    ladder = next((each for each in post.rules.escalations if each.id == row["escalation"]), None)
    if ladder is None or ladder.fallback is None or ladder.fallback == row["recipient"]:
        return None
    return {
        "escalation_id": row["escalation_id"],
        "ticket_id": row["ticket_id"],
        "recipient": ladder.fallback,
        "state": WAITING.value,
        "created_at": to_text(post.now),
        "next_try_at": to_text(post.now),
        "run_id": post.report.run_id,
        "instead_of": row["recipient"],
    }


def _complain(
    post: Post, what: str, changes: Sequence[tuple[int, Mapping[str, Any]]], key: str, told: Sequence[str]
) -> None:
    """Say what did not work and what happens now, without any secret."""
    number, change = changes[0]
    word = change["addresses"][key]
    if word == HELD:
        then = f"it is not known whether it went out; slactl notifications retry {number} sends it again"
    elif word != DEAD:
        then = f"next try from {from_text(word):%H:%M} UTC on"
    elif change["state"] is DEAD:
        then = f"given up, {' and '.join(told)} is told instead" if told else "given up, and printed here"
    else:
        then = "given up at this address"
    post.complain(f"{what}; {then}", len(changes))
