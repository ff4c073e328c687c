"""The filters of lists of tickets: options that people type, and the condition that the database gets."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import typer

from slactl.cli.completion import assignee_names, plan_names, source_names, tag_names, tenant_names
from slactl.cli.input import as_priority, as_status
from slactl.cli.options import Call, wall_seconds
from slactl.clock import to_text
from slactl.errors import UsageError
from slactl.sla.enums import Priority, Status, Target
from slactl.text import NOBODY, trimmed

if TYPE_CHECKING:
    from slactl.store.database import Transaction
    from slactl.store.read.filters import Choice, Span, TicketFilter

#: What stands before a value that tickets must not have.
NOT = "not:"

#: The value of `--target` that stands for every target.
ANY = "any"

Value = TypeVar("Value")


def flag(name: str, text: str, panel: str = "Filters") -> typer.models.OptionInfo:
    """Return an option that is on or off."""
    option: typer.models.OptionInfo = typer.Option(name, help=text, rich_help_panel=panel)
    return option


def word(
    name: str,
    metavar: str,
    text: str,
    panel: str = "Filters",
    words: Sequence[str] | Callable[[typer.Context, str], list[str]] = (),
) -> typer.models.OptionInfo:
    """Return an option that takes a word; the shell completes `words`, or what they return, also after `not:`."""

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        before = NOT if incomplete.startswith(NOT) else ""
        begun = incomplete.removeprefix(before)
        found = words(context, begun) if callable(words) else [each for each in words if each.startswith(begun)]
        return [before + each for each in found]

    option: typer.models.OptionInfo = typer.Option(
        name,
        metavar=metavar,
        help=text,
        show_default=False,
        rich_help_panel=panel,
        autocompletion=complete if words else None,
    )
    return option


DUE_WITHIN = typer.Option(
    "--due-within",
    metavar="2h",
    help="Not overdue yet, but due within this time.",
    rich_help_panel="Filters",
    parser=wall_seconds("--due-within", "slactl list --due-within 2h"),
)
STATUS_HELP = f"Only this status: {', '.join(Status)}."
PRIORITY_HELP = f"Only this priority: {', '.join(Priority)}."
TARGET_HELP = f"Look only at deadlines of this target: {', '.join(Target)}; any means all of them."


class Filters(NamedTuple):
    """The filters of `list`; each has the name of the field of `TicketFilter` that it becomes."""

    breached: Annotated[bool, flag("--breached", "Overdue and still open.")] = False
    ever_breached: Annotated[bool, flag("--ever-breached", "At least one deadline was missed, at any time.")] = False
    due_within: Annotated[int | None, DUE_WITHIN] = None
    targets: Annotated[list[str] | None, word("--target", "X", TARGET_HELP, words=(*Target, ANY))] = None
    paused: Annotated[bool, flag("--paused", "At least one clock is paused.")] = False
    escalated: Annotated[bool, flag("--escalated", "Escalated by slactl or by a person.")] = False
    unassigned: Annotated[bool, flag("--unassigned", "Without an assignee.")] = False
    no_sla: Annotated[bool, flag("--no-sla", "Without any target.")] = False
    statuses: Annotated[list[str] | None, word("--status", "S", STATUS_HELP, words=tuple(Status))] = None
    priorities: Annotated[list[str] | None, word("--priority", "P", PRIORITY_HELP, words=tuple(Priority))] = None
    plans: Annotated[list[str] | None, word("--plan", "P", "Only this plan.", words=plan_names)] = None
    tenants: Annotated[list[str] | None, word("--tenant", "T", "Only this tenant.", words=tenant_names)] = None
    sources: Annotated[
        list[str] | None, word("--source", "S", "Only from this source of imports.", words=source_names)
    ] = None
    assignees: Annotated[
        list[str] | None, word("--assignee", "A", "Only this assignee; me is you.", words=assignee_names)
    ] = None
    requesters: Annotated[list[str] | None, word("--requester", "EMAIL", "Only from this requester.")] = None
    tags: Annotated[list[str] | None, word("--tag", "X", "Only with this tag.", words=tag_names)] = None
    created: Annotated[list[str] | None, word("--created", "SINCE..UNTIL", "Opened in this range.")] = None
    updated: Annotated[list[str] | None, word("--updated", "SINCE..UNTIL", "Last changed in this range.")] = None
    resolved: Annotated[list[str] | None, word("--resolved", "SINCE..UNTIL", "Last resolved in this range.")] = None
    due: Annotated[list[str] | None, word("--due", "SINCE..UNTIL", "The deadline is in this range.")] = None
    search: Annotated[list[str] | None, word("--search", "TEXT", "Text in subject, requester, id or messages.")] = None
    with_done: Annotated[bool, flag("--all", "Also resolved and closed tickets.")] = False

    def wanted(self, here: Call) -> "TicketFilter":
        """Return the filter for the database.

        Raises:
            UsageError: the text to search for is empty, or a value is not a word or a range of its filter.
        """
        from slactl.store.read.filters import TicketFilter

        if not all(self.search or ()):
            raise UsageError("--search needs a text", "slactl list --search invoice")
        as_is: Callable[[str], str] = str
        return TicketFilter(
            breached=self.breached,
            ever_breached=self.ever_breached,
            due_within=self.due_within,
            targets=_targets(self.targets),
            paused=self.paused,
            escalated=self.escalated,
            unassigned=self.unassigned,
            no_sla=self.no_sla,
            with_done=self.with_done,
            statuses=chosen("status", self.statuses, as_status),
            priorities=chosen("priority", self.priorities, as_priority),
            plans=chosen("plan", self.plans, as_is),
            tenants=chosen("tenant", self.tenants, as_is),
            sources=chosen("source", self.sources, as_is),
            assignees=chosen("assignee", self.assignees, partial(_assignee, here)),
            requesters=chosen("requester", self.requesters, as_is),
            tags=chosen("tag", self.tags, as_is),
            created=_spans("created", self.created, here),
            updated=_spans("updated", self.updated, here),
            resolved=_spans("resolved", self.resolved, here),
            due=_spans("due", self.due, here, ahead=True),
            search=self.search or (),
        )


def _assignee(here: Call, name: str) -> str:
    """Return the assignee that a person typed.

    Raises:
        UsageError: the word means that there is none.
    """
    if name == NOBODY:
        raise UsageError("nobody is no assignee", "slactl list --unassigned")
    return here.person(name) or name


def check_names(transaction: "Transaction", here: Call, wanted: "TicketFilter") -> None:
    """Refuse filters that name tenants or plans which nothing knows.

    Raises:
        NotKnownError: the rules and the database do not have a name.
    """
    from slactl.desk.rules.reading import check_known

    check_known(transaction, here.desk.rules, "tenant", [*wanted.tenants.wanted, *wanted.tenants.unwanted])
    check_known(transaction, here.desk.rules, "plan", [*wanted.plans.wanted, *wanted.plans.unwanted])


def chosen(option: str, typed: Sequence[str] | None, read: Callable[[str], Value]) -> "Choice[Value]":
    """Return the values of an option as `read` returns them: those that are wanted, and those after `not:`.

    Raises:
        UsageError: nothing stands after `not:`, or `read` refuses a value.
    """
    from slactl.store.read.filters import Choice

    wanted, unwanted = list[Value](), list[Value]()
    for each in typed or ():
        value = trimmed(each.removeprefix(NOT))
        if not value:
            raise UsageError(f"--{option} {each}: a value is missing", "slactl list --help")
        (unwanted if each.startswith(NOT) else wanted).append(read(value))
    return Choice(wanted, unwanted)


def _targets(typed: Sequence[str] | None) -> Sequence[str]:
    """Return the targets to which filters about deadlines are limited; none means no limit."""
    choice = chosen("target", typed, _target)
    if ANY in choice.unwanted:
        raise UsageError("--target not:any leaves no deadline", "slactl list --no-sla")
    wanted = [str(each) for each in Target if each in choice.wanted or ANY in choice.wanted or not choice.wanted]
    left = [each for each in wanted if each not in choice.unwanted]
    if not left:
        raise UsageError("--target: the values leave no deadline", "slactl list --target any")
    return left if len(left) < len(Target) else ()


def _target(name: str) -> str:
    from slactl.text import not_one_of

    if name not in (*Target, ANY):
        raise UsageError(f"--target: {not_one_of(name, (*Target, ANY))}", "slactl list --target any")
    return name


def _spans(option: str, typed: Sequence[str] | None, here: Call, *, ahead: bool = False) -> "Choice[Span]":
    from slactl.store.read.filters import Span

    def read(text: str) -> Span:
        from slactl.typed_times import parse_range  # most lists are not asked for a range

        try:
            since, until = parse_range(text, here.now, ahead=ahead)
        except UsageError as error:
            example = f"slactl list --{option} 2026-11-01..2026-11-30"
            raise UsageError(f"--{option}: {error.message}", example) from error
        return Span(to_text(since) if since else None, to_text(until) if until else None)

    return chosen(option, typed, read)
