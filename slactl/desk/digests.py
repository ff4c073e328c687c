"""What a message says: one line for each ticket, with no word that a customer wrote unless the role asks for it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from slactl.clock import describe_seconds, from_text
from slactl.sla import templates
from slactl.sla.enums import Priority
from slactl.sla.rules import Rules
from slactl.text import clean, clean_block

#: Tickets in one message; what is more is counted.
DIGEST_ROWS = 20

#: The longest title, and the longest body that a template can make, in characters.
TITLE_LENGTH, BODY_LENGTH = 200, 20_000

# What makes a chat call people, wherever it stands: an @ that is no mail address's, and words that call everybody.
_AT = "[@\uff20\ufe6b]"
_CALL = re.compile(
    rf"(?i){_AT}(?=everyone|here)|!(?=everyone|channel|here|all|room|subteam)"
    rf"|(?<![a-z0-9]){_AT}(?=\S)|{_AT}(?=\S)(?![^\W\d_][\w-]*(?:\.[\w-]+)+)"
)

# A link whose text can say anything, and what a chat takes for a command: <@123>, <!here>, <https://…|bank>.
_LINK = re.compile(r"\](?=[(\[])")
_COMMAND = re.compile("<([^<>]*)(>?)")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """What one recipient reads. `problem` is why the templates of the rules were not used, if they were not."""

    title: str
    body: str
    problem: str | None = None

    def printed(self, recipient: str) -> str:
        """The message for people who read it where `check` prints it."""
        lines = "\n".join(f"  {line}" for line in self.body.splitlines())
        return f"To {clean(recipient)}: {self.title}\n{lines}"


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What a message depends on besides its tickets."""

    recipient: str
    now: datetime
    rules: Rules
    include: Sequence[str] = ()
    #: For how long no check ran before this one, in seconds; 0 where nothing was missed.
    gap: int = 0


def compose(rows: Sequence[Row], head: Letterhead) -> Message:
    """The digest for one recipient: the most pressing tickets first, each once, and how many more there are."""
    ordered = sorted(_latest(rows), key=_pressing)
    filled = [facts(row, head, len(ordered)) for row in ordered[:DIGEST_ROWS]]
    frame = (
        ([f"No check ran for {describe_seconds(head.gap)} before this one."] if head.gap else []),
        ([f"and {len(ordered) - DIGEST_ROWS:,} more"] if len(ordered) > DIGEST_ROWS else []),
    )
    wanted = head.rules.templates
    try:
        title = templates.render(wanted.title, filled[0]) if wanted.title is not None else _title(filled)
        lines = [templates.render(wanted.body, each) if wanted.body is not None else _line(each) for each in filled]
        problem = None
    except ValueError as error:
        title, lines, problem = _title(filled), [_line(each) for each in filled], str(error)
    body = "\n".join([*frame[0], *lines, *frame[1]])
    return Message(clean(title)[:TITLE_LENGTH], clean_block(body)[:BODY_LENGTH], problem)


def to_customer(row: Row, head: Letterhead) -> Message:
    """What a customer is told when a promise was broken: nothing of the desk's own affairs."""
    name = _quiet(row["external_id"] or str(row["ticket_id"]))
    due = f" by {row['deadline']}" if row["deadline"] else ""
    promised = {"first_response": "a first answer", "next_response": "an answer"}.get(row["target"], "a solution")
    body = f"We promised you {promised}{due} and are late. We are sorry, and we are on it.\n\nYour request: {name}"
    return Message(f"Your request {name} is late"[:TITLE_LENGTH], body)


def sample(head: Letterhead) -> Message:
    """What `notify test` sends: a message like any other, about a ticket that does not exist."""
    row = {
        "id": 0,
        "ticket_id": 0,
        "external_id": "SAMPLE",
        "tenant": "sample tenant",
        "plan": "sample plan",
        "status": "open",
        "priority": "high",
        "assignee": "nobody",
        "target": "first_response",
        "deadline": None,
        "reason": "a sample: somebody ran slactl notify test",
        "escalation": "sample",
        "level": "sample",
        "instead_of": None,
        "held_by": None,
        "subject": "Sample subject",
        "requester_email": "customer@example.com",
    }
    message = compose([row], head)
    return Message(f"slactl test: {message.title}"[:TITLE_LENGTH], message.body, message.problem)


def facts(row: Row, head: Letterhead, count: int) -> dict[str, str]:
    """What a template may name, as text that is safe to show; see `templates.NAMES`."""
    late = int((head.now - from_text(row["deadline"])).total_seconds()) if row["deadline"] else 0
    due = f"{describe_seconds(late)} late" if late > 0 else f"in {describe_seconds(-late)}" if row["deadline"] else ""
    own = ("external_id", "tenant", "plan", "priority", "status", "assignee", "reason", "escalation", "level")
    found = {name: _quiet(row[name] or "") for name in (*own, "instead_of", "held_by")}
    return found | {
        "id": str(row["ticket_id"]),
        "target": (row["target"] or "").replace("_", " "),
        "deadline": row["deadline"] or "",
        "overdue": describe_seconds(late) if late > 0 else "",
        "due": due,
        "link": _link(head.rules.settings.ticket_url or "", row),
        "recipient": _quiet(head.recipient),
        "count": f"{count:,}",
        "subject": _tame(row["subject"]) if "subject" in head.include else "",
        "requester_email": _tame(row["requester_email"]) if "requester_email" in head.include else "",
    }


def _link(url: str, row: Row) -> str:
    """Return the page of a ticket; an external id stays one part of its path, whatever characters it has."""
    names = {"{id}": str(row["ticket_id"]), "{external_id}": row["external_id"] or ""}
    return re.sub(r"\{(?:external_)?id\}", lambda found: quote(names[found[0]], safe=""), url)


def _latest(rows: Sequence[Row]) -> list[Row]:
    """The last message about each ticket; it also says what an earlier one was held back by."""
    latest: dict[int, Row] = {}
    for row in sorted(rows, key=lambda row: int(row["id"])):
        before = latest.get(row["ticket_id"])
        held_by = row["held_by"] or (before["held_by"] if before is not None else None)
        latest[row["ticket_id"]] = {**row, "held_by": held_by}
    return list(latest.values())


def _pressing(row: Row) -> tuple[int, str, int]:
    return -Priority(row["priority"]).rank, row["deadline"] or "9", row["ticket_id"]


def _tame(text: str | None) -> str:
    """A customer's words on one line and short, and no more than text in a chat."""
    return _quiet(text or "")[:TITLE_LENGTH]


def _quiet(text: str) -> str:
    """A text on one line that is no more than that in a chat: it calls nobody, and links to where it says."""
    shown = _COMMAND.sub(lambda match: f"\u2039{match[1]}" + ("\u203a" if match[2] else ""), clean(text))
    return _LINK.sub("] ", _CALL.sub(lambda match: match[0] + " ", shown))


def _title(filled: Sequence[Mapping[str, str]]) -> str:
    first = filled[0]
    if len(filled) > 1:
        return f"{first['count']} tickets need attention"
    return f"Ticket {first['id']}" + (f": {first['target']} {first['due']}" if first["due"] else f": {first['reason']}")


def _line(row: Mapping[str, str]) -> str:
    name = f"ticket {row['id']}" + (f" {row['external_id']}" if row["external_id"] else "")
    due = f"{row['target']} {row['due']} ({row['deadline']})" if row["due"] else ""
    customer = " from ".join(part for part in (row["subject"], row["requester_email"]) if part)
    parts = [row["priority"], row["tenant"], due, f"with {row['assignee'] or 'nobody'}", customer, row["link"]]
    notes = [f"held back by {row['held_by']} until now"] if row["held_by"] else []
    notes += [f"instead of {row['instead_of']}, who could not be reached"] if row["instead_of"] else []
    said = f" ({'; '.join(notes)})" if notes else ""
    return f"{name}: {row['reason']}; {', '.join(part for part in parts if part)}{said}"
