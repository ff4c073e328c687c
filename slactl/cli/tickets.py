"""The commands that change a field of tickets."""

from collections.abc import Callable
from typing import Annotated

import typer

from slactl.cli import completion
from slactl.cli.create import ExternalIdOption, TenantOption, plan_option
from slactl.cli.input import as_priority, as_status, confirm_many, ids_then_text, last_word, read_ids, typed
from slactl.cli.options import Answer, AtOption, Ids, ManyOption, ReasonOption, call
from slactl.cli.output import announce, change_numbered, change_tickets
from slactl.cli.panels import Commands
from slactl.errors import UsageError

app = Commands()


def ids_argument(
    metavar: str, help_text: str, words: Callable[[typer.Context, str], list[str]]
) -> typer.models.ArgumentInfo:
    """Return an argument of ids whose last word may be something else; the shell completes `words`."""
    argument: typer.models.ArgumentInfo = typer.Argument(metavar=metavar, help=help_text, autocompletion=words)
    return argument


@app.command()
def assign(
    context: typer.Context,
    words: Annotated[
        list[str],
        ids_argument(
            "ID… [WHO]", "The tickets, then the new assignee unless --to names one.", completion.ids_then_assignee
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="WHO",
            help="The new assignee; any name; me is you.",
            autocompletion=completion.assignees_and_roles,
        ),
    ] = None,
    nobody: Annotated[bool, typer.Option("--none", help="Assign to nobody.")] = False,
    at: AtOption = None,
    reason: ReasonOption = None,
    *,
    answer: Answer,
) -> None:
    """Assign tickets to somebody, or to nobody.

    The substitute of a person who is away gets the tickets, and a warning says so.

    \b
    Examples:
      slactl assign 12 me
      slactl assign 12 13 --to mia
      slactl list --unassigned -q | slactl assign - --to mia
      slactl assign 12 --none
    """
    if nobody and to is not None:
        raise UsageError("use either --to or --none", f"slactl assign {typed(words)} --to me")
    references = words
    if not nobody and to is None:
        if len(words) == 1:
            raise UsageError("say who gets the ticket, or --none", f"slactl assign {typed(words)} --to me")
        references, to = ids_then_text(words, "assign", "--to")
    from slactl.desk.oncall import feeds
    from slactl.desk.tickets import changes

    numbers = read_ids(references)
    here = call(context)
    who = here.person(to)
    feeds.problems(here.desk.rules, here.now)  # not while others wait for the lock
    change_numbered(here, answer, numbers, changes.assign(who), at=at, reason=reason, assignee=who)


@app.command()
def priority(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="ID… PRIORITY",
            help="The tickets, then low, normal, high or urgent.",
            autocompletion=completion.ids_then_priority,
        ),
    ],
    at: AtOption = None,
    reason: ReasonOption = None,
    yes: ManyOption = False,
    *,
    answer: Answer,
) -> None:
    """Change the priority of tickets and their open deadlines.

    \b
    Examples:
      slactl priority 12 urgent
      slactl list --tag vip -q | slactl priority - high
    """
    references, value = last_word(words, as_priority, "slactl priority --help")
    from slactl.desk.tickets import changes

    change = changes.prioritise(value)
    change_tickets(
        context,
        answer,
        references,
        change,
        at=at,
        reason=reason,
        question=f"Set the priority of {{}} to {value}?",
        yes=yes,
    )


@app.command()
def status(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="ID… STATUS", help="The tickets, then the new status.", autocompletion=completion.ids_then_status
        ),
    ],
    until: Annotated[
        str | None, typer.Option("--until", metavar="T", help="When the ticket is open again: 'mon 09:00', 'in 2d'.")
    ] = None,
    at: AtOption = None,
    reason: ReasonOption = None,
    yes: ManyOption = False,
    *,
    answer: Answer,
) -> None:
    """Change the status of tickets.

    With --until the ticket is open again at that time, and the next check tells its assignee. Any other status that
    comes first cancels this.

    \b
    Examples:
      slactl status 12 pending
      slactl status 12 pending --until "mon 09:00"
    """
    references, value = last_word(words, as_status, "slactl status --help")
    from slactl.desk.tickets import changes

    numbers = read_ids(references)
    if value.is_done:
        confirm_many(numbers, f"Set the status of {{}} to {value}?", yes=yes, dry_run=answer.dry_run)
    here = call(context)
    ends = here.time(until, ahead=True)
    change_numbered(here, answer, numbers, changes.set_status(value, ends), at=at, reason=reason)


@app.command()
def resolve(
    context: typer.Context,
    references: Ids,
    at: AtOption = None,
    reason: ReasonOption = None,
    yes: ManyOption = False,
    *,
    answer: Answer,
) -> None:
    """Set the status of tickets to resolved.

    \b
    Examples:
      slactl resolve 12 13 --at "yesterday 17:00"
    """
    from slactl.desk.tickets import changes

    change = changes.resolve()
    change_tickets(context, answer, references, change, at=at, reason=reason, question="Resolve {}?", yes=yes)


@app.command()
def close(
    context: typer.Context,
    references: Ids,
    at: AtOption = None,
    reason: ReasonOption = None,
    yes: ManyOption = False,
    *,
    answer: Answer,
) -> None:
    """Close tickets; only reopen opens them again.

    \b
    Examples:
      slactl list --status resolved -q | slactl close -
    """
    from slactl.desk.tickets import changes

    change = changes.close()
    change_tickets(context, answer, references, change, at=at, reason=reason, question="Close {}?", yes=yes)


@app.command()
def reopen(
    context: typer.Context,
    references: Ids,
    at: AtOption = None,
    reason: ReasonOption = None,
    *,
    answer: Answer,
) -> None:
    """Open resolved or closed tickets again.

    \b
    Examples:
      slactl reopen 12
    """
    from slactl.desk.tickets import changes

    change = changes.reopen()
    change_tickets(context, answer, references, change, at=at, reason=reason)


@app.command()
def tag(
    context: typer.Context,
    words: Annotated[
        list[str],
        ids_argument(
            "ID… [TAG]", "The tickets, then a tag to add unless --add or --remove names one.", completion.ids_then_tag
        ),
    ],
    add: Annotated[
        list[str] | None, typer.Option("--add", metavar="X", help="Add this tag.", autocompletion=completion.tag_names)
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="X", help="Remove this tag.", autocompletion=completion.tag_names),
    ] = None,
    at: AtOption = None,
    reason: ReasonOption = None,
    *,
    answer: Answer,
) -> None:
    """Add and remove tags.

    \b
    Examples:
      slactl tag 12 vip
      slactl tag 12 13 --add vip --add billing --remove new
    """
    from slactl.desk.tickets.input import checked_tags

    references, adds = words, add or []
    if not add and not remove:
        if len(words) == 1:
            raise UsageError("name at least one tag with --add or --remove", f"slactl tag {typed(words)} --add vip")
        references, one = ids_then_text(words, "tag", "--add")
        adds = [one]
    added, removed = checked_tags(adds), checked_tags(remove or ())
    from slactl.desk.tickets import changes

    change = changes.tag(added, removed)
    change_tickets(context, answer, references, change, at=at, reason=reason)


@app.command()
def edit(
    context: typer.Context,
    references: Ids,
    subject: Annotated[str | None, typer.Option(metavar="S", help="What the ticket is about.")] = None,
    requester: Annotated[
        str | None, typer.Option("--from", metavar="EMAIL", help="The e-mail address of the requester.")
    ] = None,
    plan: Annotated[
        str | None, plan_option("if you give only --tenant, the ticket gets the plan of the tenant")
    ] = None,
    tenant: TenantOption = None,
    external_id: ExternalIdOption = None,
    *,
    answer: Answer,
) -> None:
    """Correct subject, requester, plan, tenant or external id.

    \b
    Examples:
      slactl edit 12 --subject "Printer on fire (3rd floor)"
      slactl edit 12 13 --plan enterprise
      slactl edit 12 --tenant ""
    """
    from slactl.desk.tickets import edit as editing

    numbers = read_ids(references)
    here = call(context)
    edits = editing.Edits(subject, requester, plan, tenant, external_id)
    outcome = editing.edit(here.desk, here.now, numbers, edits, dry_run=answer.dry_run)
    announce(here, answer, outcome)
