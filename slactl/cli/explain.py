"""`explain`: show how a deadline was calculated."""

import sys
from typing import Annotated

import typer

from slactl.cli.options import FormatOption, Id, JsonOption, NoPagerOption, QuietOption, call, page, say
from slactl.cli.panels import Commands
from slactl.show.form import Form, choose_form
from slactl.sla.enums import Target

app = Commands()


@app.command()
def explain(
    context: typer.Context,
    reference: Id,
    target: Annotated[
        Target | None,
        typer.Option(help="Only this target, with all its cycles (clocks, one after the other).", show_default=False),
    ] = None,
    form: FormatOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    no_pager: NoPagerOption = False,
) -> None:
    """Explain a deadline: policy, calendar, and each step.

    The explanation uses the same version of the rules as the ticket. On a pipe each line begins with the name of
    its part (timer, step, segment, ahead, holiday, level …); --format csv prints the segments.

    \b
    Examples:
      slactl explain 12
      slactl explain 12 --target resolution
      slactl explain INC0001234 --json | jq '.timers[].steps'
      slactl explain 12 | grep ^segment
    """
    from slactl.desk.tickets import explain as desk
    from slactl.show.explain import draw_explanation
    from slactl.show.explain_records import write_explanation

    here = call(context)
    chosen = choose_form(form, as_json=as_json, ids_only=quiet, terminal=sys.stdout.isatty())
    explanation = desk.explain(here.desk, here.now, reference, target)
    page(context, off=no_pager)
    if chosen is Form.TABLE:
        draw_explanation(explanation, here.screen, every_cycle=target is not None)
    elif chosen is Form.IDS:
        say(str(explanation["ticket_id"]))
    else:
        write_explanation(explanation, chosen, sys.stdout)
