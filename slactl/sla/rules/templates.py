"""Templates of messages from `[templates]`: sandboxed Jinja2, reduced to names and simple decisions."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from slactl.text import did_you_mean

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import SandboxedEnvironment

#: The names that a template may use; each is a text, empty if the ticket has no value.
NAMES = (
    *("id", "source", "external_id", "tenant", "plan", "priority", "status", "assignee", "target", "deadline"),
    *("overdue", "due", "what", "reason", "escalation", "level", "link", "recipient", "instead_of", "held_by", "count"),
    *("stands_in_for", "subject", "requester_email"),
)

#: The filters; they neither read attributes nor make a short text long.
FILTERS = ("default", "d", "upper", "lower", "capitalize", "title", "trim", "truncate")

#: The parts of the language that are allowed: text, names, `if`, comparisons, `~` and filters.
PARTS = (
    *("Template", "Output", "TemplateData", "Name", "Const", "If", "CondExpr", "Compare", "Operand"),
    *("And", "Or", "Not", "Concat", "Filter", "Keyword"),
)


#: How deep parts may be nested; Jinja2 compiles to Python, which allows 100 levels.
DEPTH = 50
TOO_DEEP = f"it is nested deeper than {DEPTH} levels"


def mistake(template: str) -> str | None:
    """Return the mistake in a template, or None."""
    from jinja2 import TemplateSyntaxError

    try:
        tree = _environment().parse(template)
    except TemplateSyntaxError as error:
        return f"line {error.lineno} of the template: {error.message}"
    except RecursionError:
        return TOO_DEEP
    return _first_mistake(tree)


def render(template: str, facts: Mapping[str, str]) -> str:
    """Return the text of a template, filled in.

    Raises:
        ValueError: it has a mistake.
    """
    found = mistake(template)
    if found is not None:
        raise ValueError(found)
    try:
        return _environment().from_string(template).render(facts)
    except Exception as error:  # a filter may break in any way
        raise ValueError(f"the template cannot be filled in: {type(error).__name__}") from error


@cache
def _environment() -> "SandboxedEnvironment":
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.globals.clear()
    return environment


def _first_mistake(node: "nodes.Node", depth: int = 0) -> str | None:
    from jinja2 import nodes

    if depth > DEPTH:
        return TOO_DEEP
    kind = type(node).__name__
    if kind in ("Getattr", "Getitem"):
        return "a template may use names, not attributes: {{ subject }}, not {{ ticket.subject }}"
    if isinstance(node, nodes.Name) and node.name not in NAMES:
        known = f" ({' '.join(NAMES)})"
        return f"there is no variable {node.name!r}{did_you_mean(node.name, NAMES, known)}"
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return f"there is no filter {node.name!r}; filters: {' '.join(FILTERS)}"
    if kind not in PARTS:
        return f"a template may use names, filters and if, but no {kind.lower()}"
    inside = (_first_mistake(child, depth + 1) for child in node.iter_child_nodes())
    return next((found for found in inside if found is not None), None)
