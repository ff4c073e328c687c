"""Texts that do harm where they are taken for more than text, and what no window may let out."""

import re
import sys
from unicodedata import category

#: Name → what a stranger wrote. Each can stand wherever a name can: not blank, no NUL, at most 160 characters.
PAYLOADS = {
    "markup": "[bold red]x[/] [link=https://evil.example]y[/link] [/nonsense]",
    "emoji code": ":smile: :bomb:",
    "colour": "\x1b[6m\x1b[38;5;201mblink\x1b[0m",
    "cursor": "\x1b[2J\x1b[H\x1b[1A\x1b[2K\x1b[?1049h",
    "title": "\x1b]0;owned\x07 \x1b]2;owned\x1b\\",
    "hyperlink": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "without end": "\x1b]0; \x1bP \x1b[\u20ac",
    "other strings": '\x1bP$q"p\x1b\\ \x1b_apc\x1b\\ \x1b^pm\x1b\\ \x1bX\x1b\\ \x1bc',
    "c1": "\x9b6m \x9d0;owned\x9c \x85 \x90q\x9c \x8d",
    "controls": "x" + "".join(map(chr, (*range(1, 9), 11, 12, *range(14, 27), *range(28, 32), 127))) + "x",
    "bidi": "invoice\u202efdp.exe\u202c \u2066iso\u2069 \u061c\u200e\u200f",
    "zero width": "pay\u200bpal\u200c\u200d\u2060\ufeff\xad\u034f\u3164\u180e\ufe01",
    "tags": "hi\U000e0041\U000e0042\U000e0101\U0001d173\u17b4",
    "breaks": "one\rtwo\nthree\u2028four\u2029five\vsix\fseven\x85eight\r\nnine",
    "forged line": "x\nerror: the disk is full\nhint: rm -rf ~\n1\t2\t3",
    "tabs": "a\tb\t\tc",
    "formula": '=HYPERLINK("https://evil.example","x")',
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(1+1)",
    "hidden formula": "\x1b[6m=1+1",
    "wide formula": "\uff1d1+1",
    "template": "{{ 7*7 }} {% for x in y %} {{ ''.__class__ }} ${env:HOME} {id} %s %(x)s {0}",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>\"' onmouseover=alert(1) &amp;</title></style>-->",
    "mail": "Hello\r\nBcc: everybody@example.com\r\n\r\nbody",
    "shell": "$(touch owned) `touch owned`; touch owned & | > owned 'x' \"y\" !! ~ * \\",
    "sql": "%_' OR 1=1; DROP TABLE ticket;--",
    "long word": "W" * 150,
    "zalgo": "Z" + "\u0301\u0489" * 60,
    "chat": "@everyone <!channel> @here <!subteam^S1>",
    "json": '"}],"x":[{"a":"\\u001b',
    "csv": 'a","b";"=1+1',
    "other separators": 'a;=1+1; +1;"=1+1";""-1;\t@x;\uff1d1;',
}

#: What a file can be called: all that a name of one can have in it.
FILE_NAME = "".join(PAYLOADS[name] for name in ("cursor", "colour", "bidi", "breaks", "c1")).replace("/", "")

#: Characters of category Cf that are drawn: signs that stand before a number.
_DRAWN = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
#: Letters and marks that take no room and are drawn as nothing.
_NOTHING = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x3164, 0xFFA0, *range(0xFE00, 0xFE0E)}
_NOTHING |= {*range(0xE0100, 0xE01F0)}

FORBIDDEN = frozenset(
    chr(number)
    for number in range(sys.maxunicode + 1)
    if (category(chr(number)) in ("Cc", "Cf", "Cs", "Zl", "Zp") and number not in _DRAWN) or number in _NOTHING
)

#: The colours and emphases that slactl itself uses; the payloads have others.
_OURS = "\x1b\\[(?:[0-57]|3[0-7]|9[0-7]|38;5;[0-9]{1,3})(?:;(?:[0-57]|3[0-7]|9[0-7]|38;5;[0-9]{1,3}))*m"

#: More marks on one letter than any language has.
_PILED = re.compile("[\u0300-\u036f\u0483-\u0489]{9}")

#: What begins a formula in a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r")


def harm(text: str, *, tabs: bool = False, colours: bool = False, marks: bool = False) -> list[str]:
    """What a window let out that is obeyed, hidden or turns text around; nothing where it is tame."""
    rest = re.sub(_OURS, "", text) if colours else text
    allowed = {"\n", *("\t" if tabs else "")}
    found = [repr(rest[max(0, i - 30) : i + 30]) for i, c in enumerate(rest) if c in FORBIDDEN and c not in allowed]
    return found + ([] if marks or not (piled := _PILED.search(rest)) else [f"piled up: {piled[0]!r}"])


def tag_of(text: str) -> str:
    """The same text as a tag can have it: without blanks and commas."""
    return re.sub(r"[\s,\x1c-\x1f\x85]", "", text)[:100]
