"""Convert the HTML of a message to plain text: links keep their addresses, and quotations get `>` as in plain mail."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from resiliparse.parse.html import DocumentNode, ElementNode

#: The most characters of HTML that are read, and the most tags: each needs almost a kilobyte of memory.
LONGEST_HTML, MOST_TAGS = 2_000_000, 50_000

#: The most elements of a kind that are changed, and the deepest quotation that is marked by one more `>`.
MOST_CHANGED, DEEPEST_QUOTE = 2000, 20

# How HTML is cut into tags, as its standard says it. Nothing here goes back, so the time grows with the length only.
_BLANKS = "\t\n\f\r "
_ATTRIBUTE = re.compile(
    f"[{_BLANKS}/]*+([^{_BLANKS}/>][^{_BLANKS}/>=]*+)"
    f"(?:[{_BLANKS}]*+=[{_BLANKS}]*+(?:\"[^\"]*+(?:\"|\\Z)|'[^']*+(?:'|\\Z)|[^{_BLANKS}>\"'][^{_BLANKS}>]*+)?+)?+"
)
_UNSEEN = "style|script|title"
_TAG = re.compile(
    "<!--(?:-?>|.*?(?:--!?>|\\Z))|<[!?][^>]*+>?|</[^a-z>][^>]*+>?"
    f"|<({_UNSEEN})(?=[{_BLANKS}/>]).*?(?:</\\1(?=[{_BLANKS}/>])[^>]*+>?|\\Z)"
    f"|(</?)([a-z][^{_BLANKS}/>]*+)((?:{_ATTRIBUTE.pattern})*+)[{_BLANKS}/]*+>?",
    re.IGNORECASE | re.DOTALL,
)
#: The attributes that mean something for a text.
_ATTRIBUTES = ("href", "style", "class", "alt", "start", "value", "type", "hidden")
#: Elements in which a parser would read tags as text.
_RAW = ("textarea", "xmp", "iframe", "noembed", "noframes", "noscript", "plaintext")
#: Pictures that stand in the HTML itself.
_DATA = re.compile(r"\bdata:image/[\w.+-]+;base64,[A-Za-z0-9+/=\s]*+", re.IGNORECASE)

# Stand for the beginning and the end of a quotation until its lines get their marks.
_BEGIN, _END = "\ue000", "\ue001"
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)


def html_to_text(html: str) -> tuple[str, bool]:
    """Return the text that people read in a message of HTML, and whether the HTML was too long to convert all of it."""
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    shown = _DATA.sub("", html).translate({ord(mark): None for mark in (_BEGIN, _END, "\x00")})
    end = _end(shown)
    tree = HTMLTree.parse("".join(_simplified(shown[:end])))
    if tree.document is not None:
        _prepare(tree.document)
    text = extract_plain_text(tree, preserve_formatting=True)
    return _quoted(text.replace("\xa0", " ")), end < len(shown)


def _end(html: str) -> int:
    """Return how many characters are converted: not more than `LONGEST_HTML`, nor `MOST_TAGS` tags."""
    for number, found in enumerate(re.finditer("<", html[:LONGEST_HTML])):
        if number == MOST_TAGS:
            return found.start()
    return min(len(html), LONGEST_HTML)


def _simplified(html: str) -> "Iterator[str]":
    """Yield HTML with few attributes, and without anything that is not text: a parser takes its time with the rest.

    Parsers compare each attribute of a tag with all others.
    """
    at = 0
    for tag in _TAG.finditer(html):
        yield html[at : tag.start()].replace("<", "&lt;")  # else it begins a tag when a comment behind it goes
        at = tag.end()
        if tag[3]:
            kept = {each[1].lower(): each[0] for each in _ATTRIBUTE.finditer(tag[4])} if tag[4] else {}
            said = "".join(f" {kept[name].lstrip(_BLANKS + '/')}" for name in _ATTRIBUTES if name in kept)
            yield f"{tag[2]}{'div' if tag[3].lower() in _RAW else tag[3]}{said} >"
    yield html[at:].replace("<", "&lt;")


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
        if words or not (_BEGIN in line or _END in line):
            lines.append(f"{'>' * min(deepest, DEEPEST_QUOTE)} {words}".rstrip() if deepest else words)
        depth = max(deepest - line.count(_END), 0)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
