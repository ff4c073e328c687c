"""List the commands: the file of each, its heading in the help, and its summary."""

from collections.abc import Sequence

#: Command → the file in `cli/` that has it; slactl imports a file only when its command is typed.
COMMANDS = {
    "init": "init",
    "demo": "init",
    "create": "create",
    "list": "list",
    "show": "show",
    "reply": "messages",
    "note": "messages",
    "receive": "messages",
    "assign": "tickets",
    "priority": "tickets",
    "status": "tickets",
    "resolve": "tickets",
    "close": "tickets",
    "reopen": "tickets",
    "tag": "tickets",
    "edit": "tickets",
    "due": "escalate",
    "undo": "undo",
    "escalate": "escalate",
    "ack": "escalate",
    "unack": "escalate",
    "check": "check",
    "summary": "summary",
    "objectives": "objectives",
    "explain": "explain",
    "report": "report",
    "simulate": "simulate",
    "import": "transfer",
    "export": "transfer",
    "sync": "sync",
    "mail": "mail",
    "history": "show",
    "watch": "watch",
    "board": "board",
    "backup": "upkeep",
    "restore": "upkeep",
    "erase": "upkeep",
    "doctor": "upkeep",
    "help": "help",
}

#: Groups of commands → the file in `cli/` that has it; after a colon the name of the group if it is not `app`.
GROUPS = {
    "rules": "rules",
    "calendar": "calendar",
    "tenant": "tenant",
    "audit": "audit",
    "notifications": "notifications",
    "notify": "notifications:notify",
    "silence": "silence",
    "oncall": "oncall",
    "runs": "runs",
    "map": "map",
}

#: Heading → its commands, in the order in which help shows them.
HEADINGS = {
    "Daily work": (
        *("create", "list", "show", "reply", "note", "receive", "assign", "priority", "status"),
        *("resolve", "close", "reopen", "tag", "edit", "undo", "history", "watch", "board"),
    ),
    "Time and escalation": (
        *("check", "due", "explain", "ack", "unack", "escalate", "silence"),
        *("oncall", "notifications", "notify", "runs"),
    ),
    "Numbers": ("summary", "report", "objectives"),
    "Rules": ("rules", "calendar", "tenant", "simulate"),
    "Data": ("import", "export", "sync", "mail", "map"),
    "Upkeep": ("init", "demo", "doctor", "backup", "restore", "audit", "erase", "help"),
}

#: The summary of each command for `--help`, which imports no command; the first sentence of the command's own help.
SUMMARIES = {
    "init": "Create the database and a commented rules.toml.",
    "demo": "Try slactl in a temporary folder with realistic tickets.",
    "create": "Open a ticket and set its deadlines.",
    "list": "List tickets, the earliest deadline first.",
    "show": "Show tickets: fields, timers, messages, audit trail.",
    "reply": "Record a public reply; slactl sends nothing to the customer.",
    "note": "Add an internal note; a note never counts as a response.",
    "receive": "Record a message from the customer; the ticket becomes open.",
    "assign": "Assign tickets to somebody, or to nobody.",
    "priority": "Change the priority of tickets and their open deadlines.",
    "status": "Change the status of tickets.",
    "resolve": "Set the status of tickets to resolved.",
    "close": "Close tickets; only reopen opens them again.",
    "reopen": "Open resolved or closed tickets again.",
    "tag": "Add and remove tags.",
    "edit": "Correct subject, requester, plan, tenant or external id.",
    "due": "Set a deadline by hand, or return to the calculated deadline.",
    "undo": "Undo what one command did; the log keeps everything.",
    "escalate": "Escalate tickets by hand, with a reason.",
    "ack": "Acknowledge: no level of these tickets fires for some time.",
    "unack": "Release an acknowledgement; escalation resumes.",
    "check": "Record breaches, fire levels, send messages: the cron job.",
    "summary": "Show open and overdue work, next breaches, and attainment.",
    "explain": "Explain a deadline: policy, calendar, and each step.",
    "report": "Report attainment, times, trends and escalations of a period.",
    "objectives": "Show goals, and how many more targets may be missed.",
    "simulate": "Replay a history file against rules; write nothing.",
    "import": "Import tickets with their histories.",
    "export": "Export every ticket with its whole history.",
    "sync": "Run the command of each [[source]] and import its output.",
    "mail": "Take a message: it opens a ticket, or belongs to one.",
    "history": "Show everything that happened to tickets, oldest first.",
    "watch": "Show a live board of overdue and urgent tickets.",
    "board": "Write the live board as one HTML page.",
    "backup": "Make a verified copy of the database while it is in use.",
    "restore": "Restore a backup, and keep the old database beside it.",
    "erase": "Erase the texts and the address of a person.",
    "doctor": "Check the installation and suggest a fix for each problem.",
    "help": "Show the help of a command or a page of the guide.",
    "rules": "Check, show, test and change rules.toml.",
    "calendar": "Calculate with a calendar of rules.toml.",
    "tenant": "Manage tenants: plan, time zone, country, mail domains.",
    "audit": "List and verify the log of everything that happened.",
    "notifications": "List, retry or drop messages in the outbox.",
    "notify": "Send a test message.",
    "silence": "Hold messages back for some time.",
    "oncall": "Say who is on call, and enter overrides and absences.",
    "map": "Check a map for the rows of another help desk.",
    "runs": "Show what each check did.",
}

#: What other programs call the commands of slactl.
FOREIGN = {
    **dict.fromkeys(("get", "view", "info", "describe", "cat"), "show"),
    **dict.fromkeys(("ps", "ls", "search", "find", "next"), "list"),
    **dict.fromkeys(("comment", "annotate"), "note"),
    **dict.fromkeys(("done", "finish"), "resolve"),
    **dict.fromkeys(("delete", "rm"), "close"),
    **dict.fromkeys(("add", "new", "open"), "create"),
    **dict.fromkeys(("snooze", "mute", "pause"), "silence"),
    **dict.fromkeys(("log", "logs", "events"), "audit"),
    **dict.fromkeys(("modify", "update"), "edit"),
    **dict.fromkeys(("config", "settings"), "rules"),
    **dict.fromkeys(("validate", "lint"), "rules"),
    **dict.fromkeys(("top", "dashboard"), "watch"),
    **dict.fromkeys(("stats", "burndown"), "summary"),
    **dict.fromkeys(("man", "docs"), "help"),
    **dict.fromkeys(("reassign", "take", "claim"), "assign"),
    "revert": "undo",
}
#: The commands that run without a word, and change nothing.
_PLAIN = ("list", "help", "summary")


def nearest_command(word: str, topics: Sequence[str]) -> str:
    """Return the command that a person probably wants who typed a word that is none; it runs as it stands."""
    from slactl.text import nearest, quoted

    if word.startswith("@"):
        return f"slactl list {quoted(word)}"
    if word.removeprefix("#").isdecimal():
        return f"slactl show {quoted(word)}"
    if word in topics:
        return f"slactl help {word}"
    if word in ("version", "completion"):
        return "slactl --version" if word == "version" else "slactl --help"
    near = FOREIGN.get(word) or nearest(word, [*COMMANDS, *GROUPS])
    return f"slactl {near or ''}{'' if near in _PLAIN else ' --help'}".replace("  ", " ")
