"""An address is found however it is spelled, by one encoding or by two, and nobody else's is taken for it."""

import base64
import html
import string
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slactl.store.write.spellings import Mention, mention, normalised

WANTED = "ann.lee@example.com"
SURE = (Mention.PLAIN, Mention.SPELLED)
NAMES = {"@": "&commat;", ".": "&period;", "_": "&lowbar;", "+": "&plus;", "%": "&percnt;"}
NAMES |= {"&": "&amp;", "#": "&num;", ";": "&semi;", "=": "&equals;", "?": "&quest;", "\\": "&bsol;"}


def each(spell: Callable[[str], str], only: str = "") -> Callable[[str], str]:
    return lambda text: "".join(spell(sign) if not only or sign in only else sign for sign in text)


def percent(sign: str) -> str:
    return "".join(f"%{byte:02X}" for byte in sign.encode())


def quoted(sign: str) -> str:
    return "".join(f"={byte:02X}" for byte in sign.encode())


def wide(sign: str) -> str:
    return chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign


def json_escape(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else sign


def soft_breaks(text: str) -> str:
    return "".join(sign.replace("=", "=3D") + ("=\r\n" if place % 5 == 4 else "") for place, sign in enumerate(text))


def word_q(text: str) -> str:
    return f"=?utf-8?Q?{''.join(sign if sign in string.ascii_letters + '@.' else quoted(sign) for sign in text)}?="


def word_b(text: str) -> str:
    return f"=?UTF-8?b?{base64.b64encode(text.encode()).decode()}?="


#: Each way to spell a text.
WAYS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "upper case": str.upper,
    "entities": each(lambda sign: f"&#{ord(sign)};"),
    "entities in hex": each(lambda sign: f"&#x{ord(sign):X};"),
    "padded entities": each(lambda sign: f"&#000000{ord(sign)};", "@&%=?\\"),
    "named entities": each(lambda sign: NAMES.get(sign, sign)),
    "escaped HTML": html.escape,
    "percent": each(percent),
    "percent @": each(percent, "@%&=?;"),
    "quoted-printable": each(quoted),
    "quoted-printable @": each(quoted, "@=&%?"),
    "soft breaks": soft_breaks,
    "word q": word_q,
    "word b": word_b,
    "JSON": each(json_escape),
    "JSON @": each(json_escape, "@\\%&="),
    "wide": each(wide),
    "zero width": each(lambda sign: f"{sign}\u200b"),
    "soft hyphens": each(lambda sign: f"\xad{sign}"),
    "turned around": each(lambda sign: f"\u202e{sign}\u2060"),
    "variation selectors": each(lambda sign: f"{sign}\ufe0f"),
}
ADDRESSES = st.from_regex(r"[a-z][a-z0-9._+-]{0,12}[a-z0-9]@[a-z][a-z0-9-]{0,8}\.[a-z]{2,6}", fullmatch=True)
CHAINS = st.lists(st.sampled_from([name for name in WAYS if name != "upper case"]), min_size=1, max_size=2)
TEXTS = st.text(st.sampled_from("ab1 .,:;<>&#%=?@\\u_-é\u0301\u200b\n") | st.characters(codec="utf-8"), max_size=40)


def spelled(text: str, chain: list[str]) -> str:
    for name in chain:
        text = WAYS[name](text)
    return text


@pytest.mark.parametrize("second", [name for name in WAYS if name != "upper case"])
@pytest.mark.parametrize("first", WAYS)
def test_an_address_is_found_behind_two_encodings(first: str, second: str) -> None:
    text = f"Ask {spelled(WANTED, [first, second])} about it"
    found = mention(WANTED, text)
    assert found is Mention.SPELLED or (found is Mention.PLAIN and WANTED in text.lower())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(address=ADDRESSES, chain=CHAINS, before=TEXTS, after=TEXTS)
def test_any_address_in_any_text_is_found(address: str, chain: list[str], before: str, after: str) -> None:
    assert mention(normalised(address), f"{before} {spelled(address, chain)} {after}") in SURE


@settings(deadline=None)
@given(address=ADDRESSES, other=ADDRESSES, chain=CHAINS)
def test_another_address_is_not_found(address: str, other: str, chain: list[str]) -> None:
    if address not in other:
        assert mention(normalised(address), f"a {spelled(other, chain)} b") is Mention.NONE


@settings(deadline=None, max_examples=300)
@given(
    around=st.sampled_from([("jo", ""), ("é", ""), ("1", ""), ("e\u0301", ""), ("", "x"), ("", ".au"), ("other.", "")]),
    first=st.sampled_from([name for name in WAYS if name != "upper case"]),
    second=st.sampled_from([name for name in WAYS if name != "upper case"]),
    part=st.sampled_from(["around", "address", "both"]),
)
def test_a_longer_address_is_never_taken_for_it(around: tuple[str, str], first: str, second: str, part: str) -> None:
    """Whichever part of it is encoded: the address, what is around it, or both."""
    way = [first, second]
    if part == "both":
        text = spelled(f"{around[0]}{WANTED}{around[1]}", way)
    else:
        ends = [spelled(end, way if part == "around" and end else []) for end in around]
        text = f"{ends[0]}{spelled(WANTED, way if part == 'address' else [])}{ends[1]}"
    assert mention(WANTED, f"Ask {text} about it") not in SURE


@pytest.mark.parametrize(
    "text",
    [
        "https://x/?to=3Dann.lee@example.com",
        "https://x/?to=3dann.lee@example.com",
        "=?utf-8?q?jo?=\r\n =?utf-8?q?ann.lee@example.com?=",
        "jo=\r\nann.lee@example.com",
        "jo&shy;ann.lee@example.com",
        "jo&#246;ann.lee@example.com",
        "jo\u200bann.lee@example.com",
        "\uff4a\uff4f\u2060ann.lee@example.com",
        "ann.lee@example.com&period;au",
        "ann.lee@example.com=2Eau",
        "ann.lee@example.com%252eau",
        "%ffann.lee@example.com",
    ],
)
def test_what_may_be_somebody_else_is_only_perhaps(text: str) -> None:
    assert mention(WANTED, f"see {text} now") is Mention.PERHAPS


def test_letters_of_an_address_that_look_like_an_encoding() -> None:
    for address in ("abba@example.com", "e@example.com", "a=40b@example.com", "x%40y@example.com", "a&amp@example.com"):
        assert mention(normalised(address), f"https://x/?to={address}") in (*SURE, Mention.PERHAPS)
        assert mention(normalised(address), f"mail <{address}>") in (*SURE, Mention.PERHAPS)
    assert mention("ba@example.com", "https://x/?to=abba@example.com") is Mention.PERHAPS
    assert mention("abba@example.com", "https://x/?to=abba@example.com") is Mention.PLAIN


#: Texts which a careless search takes quadratic time for, or an error.
CRAFTED = [
    "=?a?q?x", "&#" + "9" * 50, "&#x", "%", "%25", "=", "=3D", "=\n", "= ", "\\u", "\\u005cu", "\u0301", "e\u0301",
    WANTED, f"a{WANTED}", f"%{WANTED}-", "\ufdfa", "\u200b", "&a", "&ampamp;", "?= ", "-",
    "=?utf-8?b?A?=", "=?u?q?=3D?=",
]  # fmt: skip


@pytest.mark.parametrize("piece", CRAFTED)
def test_crafted_texts_take_linear_time(piece: str) -> None:
    def work(size: int) -> int:
        calls = 0

        def count(_: FrameType, event: str, __: Any) -> None:  # noqa: ANN401
            nonlocal calls
            calls += event in ("call", "c_call")

        text = (piece * size)[: 20 * size]
        sys.setprofile(count)
        try:
            mention(WANTED, text)
        finally:
            sys.setprofile(None)
        return calls

    assert work(8000) <= 5 * work(2000) + 100


def test_a_number_with_many_digits_is_not_an_error() -> None:
    assert mention(WANTED, f"&#{'9' * 100_000};") is Mention.NONE
    assert mention(WANTED, f"&#{'0' * 100_000}64;") is Mention.NONE
