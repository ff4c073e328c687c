"""Write the text of a message: one line a ticket, with no text of a customer unless the role includes it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from slactl.clock import from_text, to_text
from slactl.durations import describe_seconds
from slactl.sla.enums import Condition, Priority, Status, Target
from slactl.sla.rules import templates
from slactl.sla.rules.rules import Rules
from slactl.store.write import outbox
from slactl.text import clean, clean_block, counted, in_words

if TYPE_CHECKING:
    from slactl.store.database import Transaction

#: The most tickets that one message lists; it gives the number of the others.
DIGEST_ROWS = 20

#: The longest title, and the longest body that a template can make, in characters.
TITLE_LENGTH, BODY_LENGTH = 200, 20_000

# What notifies people in a chat: an @ that is not part of a mail address, and words that notify everybody.
_AT = "[@\uff20\ufe6b]"
_CALL = re.compile(
    rf"(?i){_AT}(?=everyone|here)|!(?=everyone|channel|here|all|room|subteam)"
    rf"|(?<![a-z0-9]){_AT}(?=\S)|{_AT}(?=\S)(?![^\W\d_][\w-]*(?:\.[\w-]+)+)"
)

# A link with a text of its own, and what a chat takes for a command: <@123>, <!here>, <https://…|bank>.
_LINK = re.compile(r"\](?=[(\[])")
_COMMAND = re.compile("<([^<>]*)(>?)")

#: A message mentions the time without a run before it if that was so much longer than each pause of the last days.
GAP, DAYS = timedelta(minutes=30), timedelta(days=7, hours=1)  # summer time may end in between

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """The text for one recipient; `problem` says why the templates of the rules were not used, or is None."""

    title: str
    body: str
    problem: str | None = None

    def printed(self, recipient: str) -> str:
        """Return the message as `check` prints it."""
        lines = "\n".join(f"  {line}" for line in self.body.splitlines())
        return f"To {clean(recipient)}: {self.title}\n{lines}"


@dataclass(frozen=True, slots=True)
class DigestContext:
    """The facts that the text of a message depends on besides its tickets."""

    recipient: str
    now: datetime
    rules: Rules
    include: Sequence[str] = ()
    #: For how many seconds no check ran before this one, if that was unusually long; else 0.
    gap: int = 0
    #: The zone of the recipient, for the times in the text; UTC without one.
    timezone: str | None = None

    def moment(self, instant: str) -> str:
        """Return an instant as the recipient reads it: "Mon 2026-03-02 10:00 CET", or as it is without a zone."""
        if self.timezone is None:
            return instant
        there = from_text(instant).astimezone(ZoneInfo(self.timezone))
        return f"{there:%a %Y-%m-%d %H:%M} {_zone_name(there)}"

    def overdue_seconds(self, row: Row) -> int:
        """Return for how many seconds a ticket is overdue; negative before the deadline, 0 without one."""
        return int((self.now - from_text(row["deadline"])).total_seconds()) if row["deadline"] else 0


def compose(rows: Sequence[Row], context: DigestContext) -> Message:
    """Return the digest for one recipient: all goals, then each ticket once, the most urgent first.

    It has the number of the tickets that it leaves out. The title is about the first ticket, if there is one.
    """
    latest = latest_by_ticket(rows)
    goals = [row for row in latest if row["goal"]]
    tickets = by_urgency([row for row in rows if not row["goal"]])
    shown = [*goals, *tickets[:DIGEST_ROWS]]
    filled = [facts(row, context, len(latest)) for row in shown]
    first = filled[len(goals)] if tickets else filled[0]
    below = [f"and {counted(len(tickets) - DIGEST_ROWS, 'more ticket')}"] if len(tickets) > DIGEST_ROWS else []
    below += [f"No check ran for {describe_seconds(context.gap)} before this check."] if context.gap else []
    wanted = context.rules.templates
    title, problem = _title(first, len(tickets), len(goals)), None
    of_goals, of_tickets = [v["what"] + _in_brackets(_delays(v)) for v in filled[: len(goals)]], filled[len(goals) :]
    lines = [_line(values) for values in of_tickets]
    try:
        own = [templates.render(wanted.body, values) for values in of_tickets] if wanted.body is not None else lines
        title = templates.render(wanted.title, first) if wanted.title is not None and tickets else title
        lines = own
    except ValueError as error:
        problem = str(error)
    body = "\n".join([*of_goals, *lines, *below])
    return Message(clean(title)[:TITLE_LENGTH], clean_block(body)[:BODY_LENGTH], problem)


def by_urgency(rows: Sequence[Row]) -> list[Row]:
    """Return the last message about each ticket or goal, the most urgent first."""

    def urgency(row: Row) -> tuple[int, str, int]:
        return -Priority(row["priority"]).rank, row["deadline"] or "9", row["ticket_id"]

    return sorted(latest_by_ticket(rows), key=urgency)


def to_customer(row: Row) -> Message:
    """Return the message to a customer about a missed target, or that we wait, without internal data of the desk.

    It has the subject, which is the customer's own, and times in the zone of the customer, else of this machine.
    """
    name = quiet_text(row["external_id"] or str(row["ticket_id"]))
    is_waiting = row["kind"] == Condition.WAITING
    since = f"We have not heard from you since {_in_words(row['started_at'], row['timezone'])}" if is_waiting else ""
    if is_waiting and row["sets_status"] is not None and Status(row["sets_status"]).is_done:
        title, said = f"Your request {name} is closed", f"{since}, so we closed your request. Write to us to go on."
    elif is_waiting:
        title, said = f"We wait for your answer to request {name}", f"{since}. Please answer, so that we can go on."
    else:
        due = f" by {_in_words(row['deadline'], row['timezone'])}" if row["deadline"] else ""
        missed = {"first_response": "a first answer", "next_response": "an answer"}.get(row["target"], "a solution")
        title = f"Your request {name} is overdue"
        said = f"You should have received {missed} from us{due}. We are sorry, and we are working on it."
    about = " ".join(part for part in (name, quiet_text(row["subject"] or "")) if part)
    return Message(title[:TITLE_LENGTH], f"{said}\n\nYour request: {about[:TITLE_LENGTH]}")


def _in_words(instant: str, timezone: str | None) -> str:
    """Return an instant for customers: "Monday 2 March 2026, 10:00 CET"; without a zone in that of this machine."""
    there = from_text(instant).astimezone(ZoneInfo(timezone) if timezone is not None else None)
    return f"{there:%A} {there.day} {there:%B %Y, %H:%M} {_zone_name(there)}"


def _zone_name(there: datetime) -> str:
    """Return the short name of a zone at an instant: CET, or UTC+03 where it has no letters."""
    name = there.strftime("%Z")
    return name if name.isalpha() else f"UTC{there:%z}"


def facts(row: Row, context: DigestContext, count: int) -> dict[str, str]:
    """Return the variables of a template (`templates.NAMES`) as text that is safe to show."""
    late = context.overdue_seconds(row)
    due = f"{describe_seconds(late)} late" if late > 0 else f"in {describe_seconds(-late)}" if row["deadline"] else ""
    own = ("external_id", "tenant", "plan", "priority", "status", "assignee", "reason", "escalation", "level")
    source = row["ticket_source"] or ""
    ids = {"{id}": str(row["ticket_id"]), "{external_id}": row["external_id"] or "", "{source}": source}
    url = context.rules.settings.ticket_url or ""
    texts = {name: quiet_text(row[name] or "") for name in (*own, "instead_of", "stands_in_for", "held_by")}
    return texts | {
        "id": str(row["ticket_id"]),
        "source": quiet_text(source),
        "target": (row["target"] or "").replace("_", " "),
        "deadline": context.moment(row["deadline"]) if row["deadline"] else "",
        "overdue": describe_seconds(late) if late > 0 else "",
        "due": due,
        "what": quiet_text(_what(row, late, context)),
        "open_since": context.moment(row["open_since"]) if row["open_since"] else "",
        # An external id stays one part of the path, whatever characters it has.
        "link": re.sub(r"\{(?:id|external_id|source)\}", lambda name: quote(ids[name[0]], safe=""), url),
        "recipient": quiet_text(context.recipient),
        "count": f"{count:,}",
        "subject": quiet_text(row["subject"] or "")[:TITLE_LENGTH] if "subject" in context.include else "",
        "requester_email": quiet_text(row["requester_email"] or "")[:TITLE_LENGTH]
        if "requester_email" in context.include
        else "",
    }


def latest_by_ticket(rows: Sequence[Row]) -> list[Row]:
    """Return the last message about each ticket or goal, with what held an earlier one, and when a status ended."""
    latest: dict[tuple[int, str | None], Row] = {}
    for row in sorted(rows, key=lambda row: int(row["id"])):
        about = row["ticket_id"], row["goal"]["objective"] if row["goal"] else None
        before, has_woken = latest.get(about, {}), row["event_id"] is not None and not row["goal"]
        own = {"held_by": row["held_by"], "open_since": row["happened_at"] if has_woken else None}
        latest[about] = {**row, **{name: value or before.get(name) for name, value in own.items()}}
    return list(latest.values())


def _what(row: Row, late: int, context: DigestContext) -> str:
    """Return what a message is about: "Resolution overdue by 2h 5m", "First response due in 30 min", "Idle".

    The target is overdue for `late` seconds; a negative number is due in so many.
    """
    if row["goal"] is not None:
        from slactl.desk.reports.objectives import alert_words

        return alert_words(row["goal"])
    if row["event_id"] is not None:
        return f"Open again: {in_words(row['was_status'])} ended at {context.moment(row['happened_at'])}"
    if row["source"] == "manual":
        return f"Escalated by {row['actor']}: {row['reason']}"
    if row["sets_status"] is not None and Status(row["sets_status"]).is_done:
        return f"{in_words(row['sets_status']).capitalize()}: {in_words(row['reason'])}"
    if row["kind"] in tuple(Target) and row["deadline"]:
        length = describe_seconds(abs(late))
        length = f"{length[:-1]} min" if re.fullmatch(r"\d+m", length) else length
        timing = f"overdue by {length}" if late > 0 else f"due in {length}" if late else "due now"
        return f"{in_words(row['target'])} {timing}".capitalize()
    words = in_words(row["reason"])
    return words[:1].upper() + words[1:]


def quiet_text(text: str) -> str:
    """Return a text on one line that a chat takes for plain text: it notifies nobody and hides no link."""
    shown = _COMMAND.sub(lambda match: f"\u2039{match[1]}" + ("\u203a" if match[2] else ""), clean(text))
    return _LINK.sub("] ", _CALL.sub(lambda match: match[0] + " ", shown))


def _title(first: Mapping[str, str], tickets: int, goals: int) -> str:
    """Return the title of a message about so many tickets and goals, of which it tells about the first."""
    about = f"ticket {first['id']}, {first['priority']}: {first['what']}" if tickets else first["what"]
    if tickets + goals == 1:
        return about[:1].upper() + about[1:]
    both = " and ".join(counted(number, word) for number, word in ((tickets, "ticket"), (goals, "goal")) if number)
    return f"{both} need attention: {about[:1].lower() + about[1:]}"


def _delays(row: Mapping[str, str]) -> list[str]:
    """Return why a message came later than usual, or to somebody else."""
    notes = [f"held back by {row['held_by']} until now"] if row["held_by"] else []
    notes += [f"for {row['stands_in_for']}, who is away"] if row["stands_in_for"] else []
    return notes + ([f"instead of {row['instead_of']}, who could not be reached"] if row["instead_of"] else [])


def _in_brackets(notes: Sequence[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""


def _line(row: Mapping[str, str]) -> str:
    # External ids are unique only within one source.
    theirs = ":".join(part for part in (row["source"], row["external_id"]) if part) if row["external_id"] else ""
    name = f"ticket {row['id']} {theirs}".rstrip()
    is_said = row["what"].lower().startswith(row["target"]) and bool(row["due"])
    due = f"deadline {row['deadline']}" if is_said else f"{row['target']} {row['due']} ({row['deadline']})"
    due = due if row["due"] else ""
    customer = " from ".join(part for part in (row["subject"], row["requester_email"]) if part)
    parts = [row["priority"], row["tenant"], due, f"assigned to {row['assignee'] or 'nobody'}", customer, row["link"]]
    notes = [in_words(row["reason"])] if is_said and "_sla_" not in row["reason"] else []
    notes += (
        [f"open again since {row['open_since']}"] if row["open_since"] and row["open_since"] not in row["what"] else []
    )
    said = _in_brackets([*notes, *_delays(row)])
    return f"{name}: {row['what']}; {', '.join(part for part in parts if part)}{said}"


def unusual_gap(transaction: "Transaction", now: datetime, run_id: int) -> int:
    """Return for how many seconds no run was made before this one, if the last days had no such pause; else 0."""
    last = outbox.last_starts(transaction, run_id, 1)
    if not last or (gap := now - from_text(last[0])) < GAP:
        return 0
    earlier = outbox.last_starts(transaction, run_id, None, to_text(now - DAYS))
    # The pause that began before these days and ended in them counts too.
    earlier += outbox.last_starts(transaction, run_id, len(earlier) + 1)[len(earlier) :]
    pauses = [later - before for later, before in pairwise(map(from_text, earlier))]
    return int(gap.total_seconds()) if pauses and gap >= max(pauses) + GAP else 0
