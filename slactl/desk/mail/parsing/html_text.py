"""Convert the HTML of a message to plain text: links keep their addresses, and quotations get `>` as in plain mail."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resiliparse.parse.html import DocumentNode, ElementNode

#: The most characters of HTML that are converted: a hostile page needs 70 bytes of memory for each.
LONGEST_HTML = 750_000

#: The most elements of a kind that are changed, and the deepest quotation that is marked by one more `>`.
MOST_CHANGED, DEEPEST_QUOTE = 5000, 20

# Stand for the beginning and the end of a quotation until its lines get their marks.
_BEGIN, _END = "\ue000", "\ue001"
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
#: Pictures that stand in the HTML itself.
_DATA = re.compile(r"\bdata:image/[\w.+-]+;base64,[A-Za-z0-9+/=\s]*+", re.IGNORECASE)


def html_to_text(html: str) -> tuple[str, bool]:
    """Return the text that people read in a message of HTML, and whether the HTML was too long to convert all of it."""
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    shown = _DATA.sub("", html).translate({ord(mark): None for mark in (_BEGIN, _END, "\x00")})
    tree = HTMLTree.parse(shown[:LONGEST_HTML])
    if tree.document is not None:
        _prepare(tree.document)
    text = extract_plain_text(tree, preserve_formatting=True)
    return _quoted(text.replace("\xa0", " ")), len(shown) > LONGEST_HTML


def _prepare(document: "DocumentNode") -> None:
    """Change a document so that its conversion to text has all that people see, and no more."""
    for element in _some(document, "[style]"):
        if _HIDDEN.search(element.get_attribute("style") or ""):
            element.remove()
    for link in _some(document, "a[href]"):
        address = (link.get_attribute("href") or "").strip()
        if address.lower().startswith(("http://", "https://")) and address not in (link.text_content or ""):
            link.append(document.create_text_node(f" <{address}>"))
    for quotation in _some(document, "blockquote"):
        quotation.prepend(document.create_text_node(_BEGIN))
        quotation.append(document.create_text_node(_END))
    # Word and Outlook write a paragraph for each line, without space between them.
    for line in _some(document, 'p[class^="Mso"]'):
        block = document.create_element("div")
        block.replace_children(*line.child_nodes)
        line.replace_with(block)


def _some(document: "DocumentNode", selector: str) -> "Sequence[ElementNode]":
    return document.query_selector_all(selector).values()[:MOST_CHANGED]


def _quoted(text: str) -> str:
    """Return a text with `>` before each line of a quotation."""
    lines, depth = [], 0
    for line in text.split("\n"):
        deepest = depth + line.count(_BEGIN)
        words = line.replace(_BEGIN, "").replace(_END, "").rstrip()
        if words or line == "":
            lines.append(f"{'>' * min(deepest, DEEPEST_QUOTE)} {words}".rstrip() if deepest else words)
        depth = max(deepest - line.count(_END), 0)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
