"""`init` and `demo`: create a service desk, or try one out."""

import os
import sys
from typing import Annotated

import typer

from slactl.cli.options import call, say
from slactl.cli.output import print_lines
from slactl.cli.panels import Commands
from slactl.config import Config

app = Commands()


@app.command()
def init(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Write rules.toml again; keep the old file as .bak.")] = False,
    group: Annotated[
        str | None, typer.Option("--shared-group", metavar="G", help="A group whose members share the database.")
    ] = None,
) -> None:
    """Create the database and a commented rules.toml.

    \b
    Examples:
      slactl init
      SLACTL_DB=/srv/desk/slactl.db SLACTL_RULES=/etc/slactl/rules.toml slactl init --shared-group support
    """
    from slactl.desk.upkeep import init as setup

    made = setup.init(call(context).config, os.environ, force=force, group=group)
    say(f"database  {made.database}  {'created' if made.database_made else 'already exists, unchanged'}")
    say(f"rules     {made.rules}  {'written' if made.rules_made else 'already exists, unchanged'}")
    if made.backup is not None:
        say(f"          the old rules are now {made.backup}")
    say("next: slactl create 'Printer on fire' --from ann@example.com", err=True)


@app.command()
def demo(context: typer.Context) -> None:
    """Try slactl in a temporary folder with realistic tickets.

    \b
    Examples:
      slactl demo
    """
    from slactl.desk.escalation.check import check
    from slactl.desk.ledger.desk import Desk
    from slactl.desk.upkeep.init import make_demo
    from slactl.text import quoted

    here = call(context)
    desk, tickets = make_demo(here.now, here.config)
    say(f"A temporary service desk with {tickets} tickets: {desk.database.parent}")
    sys.stdout.write("\n$ slactl check\n")
    report = check(Desk.of(desk)._replace(is_temporary=True), here.now)
    from slactl.show.check import check_lines

    lines = list(check_lines({**report.record(), "messages": []}))
    print_lines(lines[:8])
    if len(lines) > 8:
        say(f"  … and {len(lines) - 8} more")
    context.obj = desk
    for words in (["list", "--breached"], ["summary"]):
        sys.stdout.write(f"\n$ slactl {' '.join(words)}\n")
        run_here(context, [*words, "--format", "table"])
    sys.stdout.write("\nTry next:\n")
    say(f"  export SLACTL_DB={quoted(desk.database)}")
    say(f"  export SLACTL_RULES={quoted(desk.rules)}")
    for line in ("slactl list --due-within 4h", "slactl show 1", "slactl reply 1 --body 'On it.'", "slactl rules show"):
        say(f"  {line}")
    say(f"  rm -r {quoted(desk.database.parent)}        # removes this service desk")


def run_here(context: typer.Context, words: list[str]) -> None:
    """Run another command with the same settings."""
    config = context.find_object(Config)
    assert config is not None
    group = context.find_root().command
    command = group.get_command(context, words[0])  # type: ignore[attr-defined]
    with command.make_context(words[0], words[1:], parent=context) as inner:
        command.invoke(inner)
