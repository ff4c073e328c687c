"""The one sanitiser of strangers' text, and the checks of typed text."""

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from slactl.errors import NotKnownError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

# Expressions are compiled when first used: most text is plain, and every start imports this file.
# Whole escape sequences go, payload and all: CSI, then strings such as OSC and DCS with their end, then the rest.
# A string without an end loses only its beginning: a terminal would swallow what follows, and people would not see it.
_ESCAPES = (
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d\x9e\x9f])(?:[^\x07\x1b\x80-\x9f\r\n]*(?:\x07|\x1b\\\\|\x9c))?"
    "|\x1b[ -/]*[0-~]?"
)
_CONTROLS = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
_BREAKS = "[\t\n\r\v\f\x85\u2028\u2029]+"

#: Characters that are invisible or reverse the direction of text, as the inside of a character class: they deceive the
#: reader. The two variation selectors that choose between text and emoji are not among them.
HIDDEN = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)

#: Blanks without a width, which Python does not count as blanks.
NARROW = "\u200b\u2060\ufeff"

# Emoji that are joined, such as families, and the letters of scripts that are written joined: Arabic and Persian,
# Syriac, N'Ko, Mandaic, Mongolian and Adlam.
_EMOJI = "[\u2194-\u2199\u2600-\u27bf\u2b05-\u2b55\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
_JOINED = (
    "[\u0610-\u061a\u0620-\u065f\u066e-\u06d3\u06d5-\u06dc\u06df-\u06e8\u06ea-\u06ef\u06fa-\u06fc\u06ff-\u085f"
    "\u0870-\u08ff\u1807\u1820-\u18aa\ufb50-\ufdff\ufe70-\ufefc\U0001e900-\U0001e94b]"
)
# The letters and marks of India and Sri Lanka, and the signs by which a consonant loses its vowel.
_INDIC, _VIRAMA = "[\u0900-\u0dff]", "[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca]"
# A zero-width joiner or non-joiner that readers need. The last but one is Bengali, the last one Malayalam.
_NEEDED = (
    f"(?:(?<={_EMOJI})|(?<={_EMOJI}\ufe0f))\u200d(?={_EMOJI})"
    f"|(?<={_JOINED})[\u200c\u200d](?=[^\\W\\d_])(?={_JOINED})"
    f"|(?<={_INDIC}{_VIRAMA})[\u200c\u200d](?=[^\\W\\d_])(?={_INDIC})"
    "|(?<=[\u0995-\u09b9])\u200d(?=\u09cd[\u0995-\u09df])"
    "|(?<=[\u0d15-\u0d3a]\u0d4d)\u200d(?!\u200d)"
)

#: Whom a message is to that reaches no person and no role, so that `check` prints it.
NOBODY = "nobody"

#: The program and the words that stand for somebody; nobody may have such a name.
RESERVED = ("slactl", "me", NOBODY, "requester", "assignee", "previous_assignee")

#: How many combining marks a letter keeps; more would cover the lines around.
MARKS = 8

# A sequence of characters that may be too many marks: neither words nor spaces.
_MARKED = f"[^\\w\\s\x00-\u02ff]{{{MARKS + 1},}}"


def clean(text: str) -> str:
    """Return text that is safe to show on one line: no control sequences, hidden marks visible as ⟨U+202E⟩.

    The joiners that emoji, Arabic and Indian scripts need between two characters stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return _visible(re.sub(_CONTROLS, "", re.sub(_BREAKS, " ", re.sub(_ESCAPES, "", text))))


def clean_block(text: str) -> str:
    """Return text that is safe to show, as `clean` does, but keep line breaks and tabs."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _visible(re.sub(_CONTROLS, "", re.sub(_ESCAPES, "", unified)))


def quoted(word: object) -> str:
    """Return a word of a command to paste: cleaned, and in quotes where a shell needs them."""
    from shlex import quote

    return quote(clean(str(word)))


def another(path: "Path") -> str:
    """Return the path of a file beside one that cannot be used, for a command that people paste."""
    return quoted(path.with_name(f"new-{path.name}"))


def _visible(text: str) -> str:
    shown = re.sub(f"[{HIDDEN}]", _named, text)
    return shown if shown.isascii() else re.sub(_MARKED, _thinned, shown)


def _named(match: re.Match[str]) -> str:
    """Return a hidden character as its number, and a joiner as it is where the characters beside it need it."""
    is_needed = match[0] in "\u200c\u200d" and re.compile(_NEEDED).match(match.string, match.start())
    return match[0] if is_needed else f"⟨U+{ord(match[0]):04X}⟩"


def _thinned(match: re.Match[str]) -> str:
    """Return the run with at most `MARKS` marks in a row, and the number of the others."""
    from itertools import groupby
    from unicodedata import category

    parts = []
    for is_mark, run in groupby(match[0], key=lambda character: category(character) in ("Mn", "Me")):
        marks = "".join(run)
        left_out = len(marks) - MARKS
        parts.append(f"{marks[:MARKS]}⟨{counted(left_out, 'more mark')}⟩" if is_mark and left_out > 0 else marks)
    return "".join(parts)


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that a person probably meant, or None."""
    from difflib import get_close_matches

    known = list(choices)
    lowered = {choice.lower(): choice for choice in known}
    close = get_close_matches(word.lower()[:100], list(lowered), n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


def dashed(tag: str) -> str:
    """Return a tag with dashes in place of blanks and commas, which no tag has."""
    return "-".join(tag.replace(",", " ").split())


def trimmed(name: str) -> str:
    """Return a name without blanks at its ends, which nobody means to type: also those without a width."""
    return name.strip() if name.isascii() else re.sub(f"^[\\s{NARROW}]+|[\\s{NARROW}]+$", "", name)


def counted(number: int, what: str, plural: str = "s") -> str:
    """Return a number and its noun, in the plural if it is not 1: "1 ticket", "1,200 tickets"."""
    return f"{number:,} {what}{'' if number == 1 else plural}"


def did_you_mean(word: str, choices: Iterable[str], otherwise: str = "") -> str:
    """Return `; did you mean X?` with the choice a person probably meant, or `otherwise` if no choice is near."""
    near = nearest(word, choices)
    return meaning([near]) if near is not None else otherwise


def meaning(names: Collection[str]) -> str:
    """Return `; did you mean X or Y?`, or nothing without names."""
    return f"; did you mean {' or '.join(map(clean, names))}?" if names else ""


def not_one_of(word: str, choices: Iterable[str]) -> str:
    """Return the message about a word that is not in a closed set, with the nearest word of the set."""
    names = [str(choice) for choice in choices]
    return f"{clean(word)[:100]!r} is not one of {', '.join(names)}{did_you_mean(word, names)}"


def known_or_refuse(word: str, known: Collection[str], what: str, hint: str | None) -> str:
    """Return the word if it is known.

    Raises:
        NotKnownError: it is not known; the message has the nearest name and the known names, up to 500 characters.
    """
    if word in known:
        return word
    names = clean(", ".join(sorted(known))) or "none"
    shown = names if len(names) <= 500 else f"{names[:500]}…"
    raise NotKnownError(f"there is no {what} {clean(word)[:100]!r}{did_you_mean(word, known)} (known: {shown})", hint)


def check_input(text: str, what: str, *, most: int, least: int = 0) -> str:
    """Return the text unchanged.

    Raises:
        UsageError: it has NUL or a lone surrogate, or fewer than `least` or more than `most` characters.
    """
    if "\x00" in text:
        raise UsageError(f"{what} has a NUL character")
    if not is_utf8(text):
        raise UsageError(f"{what} is not valid UTF-8")
    if len(text) < least:
        raise UsageError(f"{what} is empty")
    if len(text) > most:
        raise UsageError(f"{what} has {len(text):,} characters; at most {most:,} are allowed")
    return text


def is_reserved(name: str) -> bool:
    """Return whether a name, however it is written, stands for something else in slactl: nobody may act under it."""
    if not name.isascii():
        from unicodedata import normalize

        name = normalize("NFKC", re.sub(f"[{HIDDEN}]", "", name))
    return re.sub(_CONTROLS, "", name).strip().casefold() in RESERVED


def is_utf8(text: str) -> bool:
    """Return whether a text can be written as UTF-8: it has no lone surrogate, which bad bytes become when read."""
    return text.isascii() or re.search("[\ud800-\udfff]", text) is None


def is_address(text: str) -> bool:
    """Return whether this can be an e-mail address: one @ between two parts, no blanks, at most 254 characters."""
    if len(text) > 254 or not text.isprintable() or any(character.isspace() for character in text):
        return False
    local, at, domain = text.partition("@")
    return bool(at and local and domain.strip(".") == domain) and domain != "" and "@" not in domain


def domain_of(address: str) -> str | None:
    """Return the part of an e-mail address after the last @ in small letters; None if either part is empty."""
    local, domain = split_address(address)
    return domain.lower() if local and domain else None


def split_address(address: str) -> tuple[str, str]:
    """Return what stands before and after the last @ of an e-mail address; without one, nothing stands before it."""
    local, _, domain = address.rpartition("@")
    return local, domain


def mail_domain(text: str) -> str | None:
    """Return the domain of mail addresses in a text, in small letters and as the DNS writes it; None if it is none."""
    name = trimmed(text).removeprefix("@").lower()
    with suppress(UnicodeError):
        name = name if name.isascii() else name.encode("idna").decode()
    label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    return name if len(name) <= 253 and re.fullmatch(f"{label}([.]{label})+", name) else None


def match_words(stated: Mapping[str, Any]) -> str:
    """Return in words which tickets match, given the keys that are there; an empty text for all tickets."""
    parts = [
        f"not ({match_words(values)})" if key == "not" else f"{key.replace('_', ' ')} is {' or '.join(values)}"
        for key, values in stated.items()
    ]
    return " and ".join(parts)


#: What the ends of the reason codes of targets mean, for people.
_OF_TARGETS = {"_sla_breached": " overdue", "_sla_warning": " due soon"}


def in_words(code: str) -> str:
    """Return a code as words: `resolution_sla_breached` is "resolution overdue"; any other text stays as it is."""
    if not re.fullmatch(r"[a-z0-9]+([_-][a-z0-9]+)*", code):
        return code
    for end, said in _OF_TARGETS.items():
        code = code.removesuffix(end) + said if code.endswith(end) else code
    return re.sub("[_-]", " ", code)
