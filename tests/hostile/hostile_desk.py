"""A desk that was filled through every door with every payload."""

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from conftest import Result
from payloads import PAYLOADS, tag_of

from slactl.__main__ import run

TEXTS = tuple(PAYLOADS.values())
DOORS = ("argv", "history", "csv", "zendesk", "github")

#: When every ticket was opened; late by now under the rules below.
OPENED = (datetime.now(UTC) - timedelta(days=3)).replace(microsecond=0)


def at(hours: int = 0) -> str:
    """An instant so many hours after the tickets were opened."""
    return (OPENED + timedelta(hours=hours)).isoformat()


def call(*words: str, stdin: str | bytes = b"", environment: Mapping[str, str] | None = None) -> Result:
    """Run a command in this process on streams of its own."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    raw = stdin.encode() if isinstance(stdin, str) else stdin
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        for name, value in (environment or {}).items():
            patch.setenv(name, value)
        code = run(list(words))
        for stream in (out, err):
            stream.flush()
    return Result(int(code), *(stream.buffer.getvalue().decode() for stream in (out, err)))


def marked(text: str, door: str, number: int) -> str:
    """A text that tells through which door it came."""
    return f"{text}q{door}{number}q"


@dataclass(frozen=True)
class HostileDesk:
    """The desk: its files, what was printed on the way, and what each ticket must have kept."""

    folder: Path
    printed: dict[str, Result] = field(default_factory=dict)
    #: By subject, which has the mark of its door: the whole text of the fields that must be there.
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        files = {"SLACTL_DB": "slactl.db", "SLACTL_RULES": "rules.toml"}
        return {name: str(self.folder / file) for name, file in files.items()} | {"SLACTL_ACTOR": "ann"}

    def __call__(self, *words: str, stdin: str | bytes = b"", **settings: str) -> Result:
        return call(*words, stdin=stdin, environment=self.settings | settings)

    def done(self, *words: str, stdin: str | bytes = b"", **settings: str) -> Result:
        result = self(*words, stdin=stdin, **settings)
        assert result.code == 0, (words, result.err)
        return result


def filled(folder: Path) -> HostileDesk:
    """Make the desk."""
    desk = HostileDesk(folder)
    desk.done("init")
    (folder / "rules.toml").write_text(tomli_w.dumps(rules()))
    through_argv(desk)
    through_history(desk)
    through_maps(desk)
    desk.printed["check"] = desk("check", "--metrics", str(folder / "slactl.prom"))
    assert desk.printed["check"].code == 0, desk.printed["check"].err
    return desk


def rules() -> dict[str, Any]:
    """Rules in which everything that has a name has a payload for one."""
    week = {"mon-sun": ["00:00-24:00"]}
    promise = {"first_response": "1h", "resolution": "200h"}
    return {
        "schema": 1,
        "settings": {"ticket_url": "https://desk.example.com/{id}/{external_id}"},
        "calendars": {"always": {"always_open": True}} | {text: {"weekly": week} for text in TEXTS},
        "policy": [
            *({"name": t, "match": {"plan": [t]}, "calendar": t, "targets": {"default": promise}} for t in TEXTS),
            {"name": "rest", "calendar": "always", "targets": {"default": promise}},
        ],
        "roles": {text: {"assignee": text, "include": ["subject", "requester_email"]} for text in TEXTS}
        | {"support_manager": {"assignee": TEXTS[0]}},
        "people": {f"person {text}": {} for text in TEXTS},
        "escalation": [ladder(text) for text in TEXTS],
        "views": {text: {"search": text, "all": True} for text in TEXTS},
    }  # fmt: skip


def ladder(text: str) -> dict[str, Any]:
    """A ladder for one plan that does everything a level can do."""
    level = {"id": text, "at": "0m", "assign": text, "note": text, "tag": [tag_of(text)], "notify": [text]}
    return {"id": text, "on": "first_response", "when": {"plan": [text]}, "reason": text, "fallback": text,
            "level": [level]}  # fmt: skip


def through_argv(desk: HostileDesk) -> None:
    """Every argument that takes free text, and the environment; a body from stdin too."""
    everything = "\n".join(TEXTS)
    for number, text in enumerate(TEXTS):
        subject, body = marked(text, "argv", number), f"{text} {number}"
        desk.done("tenant", "add", "--plan", text, "--", text)
        desk.done(
            "create", "--from", "eve@evil.example", "--at", at(), "--body", body, "--plan", text, "--tenant", text,
            "--assignee", text, "--tag", tag_of(text), "--external-id", subject, "--", subject,
        )  # fmt: skip
        desk.kept[subject.strip()] = {
            "external_id": subject.strip(),
            "tenant": text.strip(),
            "plan": text,
            "tags": [tag_of(text)],
        }
    first = "1"
    for part in chunks(TEXTS, 190):
        desk.done("escalate", first, "--reason", part, SLACTL_ACTOR=part)
    desk.done("edit", first, f"--subject={subject}", f"--external-id={subject}2")
    desk.done("edit", first, f"--subject={marked(TEXTS[0], 'argv', 0)}", f"--external-id={marked(TEXTS[0], 'argv', 0)}")
    desk.done("note", first, "--body", everything)
    desk.done("reply", first, "--body", everything, "--status", "open", "--at", at(71))
    desk.done("receive", first, "--body", "-", stdin=everything)
    desk.done("assign", first, f"--to={TEXTS[0]}")
    for part in chunks(TEXTS, 900):
        desk.done("due", first, "--target", "resolution", "--at", "in 4h", "--reason", part)
        desk.done("silence", "add", "--ticket", first, "--for", "1s", "--comment", part)


def chunks(texts: Sequence[str], most: int) -> Iterator[str]:
    """The texts one after the other, in as few parts as hold them."""
    part = ""
    for text in texts:
        if len(part) + len(text) >= most:
            yield part
            part = ""
        part += f"{text} "
    yield part


def history(door: str = "history") -> Iterator[dict[str, Any]]:
    """A history file with a payload in every field that takes free text."""
    for number, text in enumerate(TEXTS):
        name = marked(text, door, number)
        base = {"ticket": name, "actor": text}
        # The requester is another than the actor, who would not be named then.
        whose = {"requester_email": f"{text}9", "plan": text, "tenant": text, "assignee": text, "tags": [text]}
        yield base | whose | {"at": at(), "type": "created", "subject": name, "body": text}
        for hour, kind in enumerate(("customer_reply", "note", "agent_reply"), 1):
            yield base | {"at": at(hour), "type": kind, "body": text}
        yield base | {"at": at(4), "type": "assigned", "assignee": f"{text}2"}
        yield base | {"at": at(4), "type": "tags", "tags": [text, f"{text}2"]}
        yield base | {"at": at(5), "type": "due_set", "target": "resolution", "due_at": at(6), "reason": text}
        yield base | {"at": at(5), "type": "escalated", "reason": text}


def through_history(desk: HostileDesk) -> None:
    lines = "".join(json.dumps(line) + "\n" for line in history())
    desk.done("import", "-", stdin=lines)
    for number, text in enumerate(TEXTS):
        name = marked(text, "history", number)
        fields = {"requester_email": f"{text}9", "plan": text.strip(), "tenant": text.strip(), "external_id": name}
        desk.kept[name] = fields | {"tags": [text.strip(), f"{text}2"]}


def through_maps(desk: HostileDesk) -> None:
    """A spreadsheet, and what two help desks export."""
    table = io.StringIO(newline="")
    sheet = csv.writer(table)
    sheet.writerow(("ticket", "created_at", "subject", "body", "requester_email", "plan", "assignee"))
    zendesk, github = list[dict[str, Any]](), list[dict[str, Any]]()
    for number, text in enumerate(TEXTS):
        subject = {door: marked(text, door, number) for door in DOORS}
        sheet.writerow((f"C-{number}", at(), subject["csv"], text, text, text, text))
        dates = {"created_at": at(), "updated_at": at()}
        whose = {"requester_id": text, "assignee_id": text, "tags": [text], "status": "open"}
        zendesk.append(dates | whose | {"id": subject["zendesk"], "subject": subject["zendesk"], "description": text})
        dates = {"createdAt": at(), "updatedAt": at()}
        person: dict[str, Any] = {"author": {"login": text}, "labels": [{"name": text}], "state": "OPEN"}
        github.append(dates | person | {"number": f"G-{number}", "title": subject["github"], "body": text})
        for door in ("csv", "zendesk", "github"):
            desk.kept[subject[door]] = {"requester_email": text.strip()}
    desk.done("import", "-", "--map", "csv", stdin=table.getvalue())
    desk.done("import", "-", "--map", "zendesk", stdin=json.dumps({"tickets": zendesk}))
    desk.done("import", "-", "--map", "github", stdin=json.dumps(github, ensure_ascii=False))
