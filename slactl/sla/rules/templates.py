"""The words of messages from `[templates]`: Jinja2 in its sandbox, of which only names and plain decisions are left."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from slactl.text import nearest

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import SandboxedEnvironment

#: What a template may name; all of it is text, and empty where the ticket has no such thing.
NAMES = (
    *("id", "external_id", "tenant", "plan", "priority", "status", "assignee", "target", "deadline", "overdue", "due"),
    *("reason", "escalation", "level", "link", "recipient", "instead_of", "held_by", "count"),
    *("subject", "requester_email"),
)

#: Filters that can neither reach into a value nor make a long text of a short one.
FILTERS = ("default", "d", "upper", "lower", "capitalize", "title", "trim", "truncate")

#: The parts of the language that are left: text, names, `if`, comparisons, `~` and the filters.
PARTS = (
    *("Template", "Output", "TemplateData", "Name", "Const", "If", "CondExpr", "Compare", "Operand"),
    *("And", "Or", "Not", "Concat", "Filter", "Keyword"),
)


#: How deep the parts may lie in one another; Python, which Jinja2 makes of a template, knows no more than 100 levels.
DEPTH = 50
TOO_DEEP = f"it is nested deeper than {DEPTH} levels"


def mistake(template: str) -> str | None:
    """What is wrong with a template, or None."""
    from jinja2 import TemplateSyntaxError

    try:
        tree = _environment().parse(template)
    except TemplateSyntaxError as error:
        return f"line {error.lineno} of the template: {error.message}"
    except RecursionError:
        return TOO_DEEP
    return _first_mistake(tree)


def render(template: str, facts: Mapping[str, str]) -> str:
    """The text of a template.

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
        return "a template knows names, not attributes: {{ subject }}, not {{ ticket.subject }}"
    if isinstance(node, nodes.Name) and node.name not in NAMES:
        near = nearest(node.name, NAMES)
        return f"there is no variable {node.name!r}" + (f"; did you mean {near}?" if near else f" ({' '.join(NAMES)})")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return f"there is no filter {node.name!r}; filters: {' '.join(FILTERS)}"
    if kind not in PARTS:
        return f"a template has names, filters and if, but no {kind.lower()}"
    inside = (_first_mistake(child, depth + 1) for child in node.iter_child_nodes())
    return next((found for found in inside if found is not None), None)
