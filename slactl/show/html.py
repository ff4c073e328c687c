"""Render a self-contained HTML page: every text escaped, and a policy that lets no other style or script in."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from slactl.show.times import words
from slactl.text import clean

PAGES = Path(__file__).with_name("pages")


def render(
    template: str,
    filters: Mapping[str, Callable[..., object]],
    *,
    styles: tuple[str, ...],
    script: str | None = None,
    **values: object,
) -> str:
    """Return the page of a template; `styles` and `script` are files beside it.

    The template gets `style` and `script`, and `style_hash` and `script_hash` for its content security policy.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: object) -> object:
        return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"words": words, **filters}
    style = "".join((PAGES / name).read_text(encoding="utf-8") for name in styles)
    code = (PAGES / script).read_text(encoding="utf-8") if script is not None else ""
    style_hash, script_hash = (b64encode(sha256(text.encode()).digest()).decode() for text in (style, code))
    return environment.get_template(template).render(
        style=Markup(style), style_hash=style_hash, script=Markup(code), script_hash=script_hash, **values
    )
