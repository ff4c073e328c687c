"""Durations as people write them: wall time, business days, the ends of business days, and offsets of levels."""

import re
from datetime import timedelta
from typing import NamedTuple

#: The longest duration, in seconds (ten years of 366 days) and in business days.
LONGEST_SECONDS, LONGEST_BUSINESS_DAYS = 3660 * 86_400, 3660

#: The unit in which a length of time becomes a whole number.
SECOND = timedelta(seconds=1)

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}

#: The end of a duration that runs until the hours of its last date end.
CLOSE = -1

#: The forms of durations, for messages. `WALL_FORMS` are those of keys that count every hour.
WALL_FORMS = "90s, 30m, 2h, 1h30m, 2d or 1w"
FORMS = "90s, 30m, 2h, 1h30m, 2d, 1w or 3bd"
TARGET_FORMS = "90s, 30m, 2h, 1h30m, 2d, 1w, 3bd, 1bd 17:00 or 1bd close"


class Duration(NamedTuple):
    """A length of time: seconds, or business days; `has_days` if it was written with "d" or "w".

    With `until` it ends on its last business day at that second of the day, or with `CLOSE` when the hours of that
    date end.
    """

    seconds: int = 0
    business_days: int = 0
    has_days: bool = False
    until: int | None = None

    @property
    def in_dates(self) -> bool:
        """Return whether it is counted in business days, and `seconds` says nothing."""
        return self.business_days > 0 or self.until is not None

    def __str__(self) -> str:
        if self.until is not None:
            hour, minute = divmod(self.until // 60, 60)
            return f"{self.business_days}bd " + ("close" if self.until == CLOSE else f"{hour:02d}:{minute:02d}")
        if self.business_days:
            return f"{self.business_days}bd"
        units = ("d", "h", "m", "s") if self.has_days else ("h", "m", "s")
        left, parts = self.seconds, []
        for unit in units:
            count, left = divmod(left, SECONDS[unit])
            if count:
                parts.append(f"{count}{unit}")
        return "".join(parts) or "0s"

    def times(self, count: int) -> "Duration":
        """Return so many times its seconds and business days."""
        return Duration(self.seconds * count, self.business_days * count, self.has_days)


def parse_duration(text: str, forms: str = FORMS) -> Duration:
    """Parse a duration such as `90s`, `30m`, `1h30m`, `2d`, `1w` or `3bd`.

    Raises:
        ValueError: it is not a duration, not positive, or longer than ten years; the message names the `forms`.
    """
    written = text.strip()
    business = re.fullmatch(r"([0-9]{1,9})\s*bd", written)
    if business:
        return _checked(Duration(business_days=int(business[1])), text)
    if not re.fullmatch(r"([0-9]{1,12}\s*[smhdw]\s*)+", written):
        raise ValueError(f"{text[:100]!r} is not a valid duration; use {forms}")
    parts = [(int(count), unit) for count, unit in re.findall(r"([0-9]+)\s*([smhdw])", written)]
    seconds = sum(count * SECONDS[unit] for count, unit in parts)
    return _checked(Duration(seconds, has_days=any(unit in "dw" for _, unit in parts)), text)


def parse_wall_duration(text: str) -> Duration:
    """Parse a duration of a key that counts every hour, so that business days mean nothing there.

    Raises:
        ValueError: it is in business days, or not a duration; the message names the valid forms.
    """
    duration = parse_duration(text, WALL_FORMS)
    if duration.in_dates:
        raise ValueError(f"{text[:100]!r} is in business days, but every hour counts here; use {WALL_FORMS}")
    return duration


def parse_target_duration(text: str) -> Duration:
    """Parse the duration of a target, which may also end at a time of day: `1bd 17:00`, `0bd close`.

    Raises:
        ValueError: it is not a duration, not positive, or longer than ten years; the message names the valid forms.
    """
    match = re.fullmatch(r"([0-9]{1,9})\s*bd(?:\s+(close|([01][0-9]|2[0-3]):([0-5][0-9])|24:00))?", text.strip())
    if match is None:
        return parse_duration(text, TARGET_FORMS)
    if match[2] is None and not int(match[1]):
        raise ValueError(f"{text[:100]!r} needs a time of day; use 0bd close, 0bd 17:00 or 1bd")
    until = None
    if match[2] is not None:
        until = CLOSE if match[2] == "close" else (int(match[2][:2]) * 60 + int(match[2][3:])) * 60
    return _checked(Duration(business_days=int(match[1]), until=until), text)


def _checked(duration: Duration, text: str) -> Duration:
    if not duration.seconds and not duration.in_dates:
        raise ValueError(f"{text[:100]!r} is not positive; the shortest is 1s")
    if duration.seconds > LONGEST_SECONDS or duration.business_days > LONGEST_BUSINESS_DAYS:
        raise ValueError(f"{text[:100]!r} is longer than ten years")
    return duration


def describe_seconds(seconds: int) -> str:
    """Return a length of time for people, in at most two units: `45s`, `42m`, `3h 10m`, `2d 4h`."""
    left = abs(seconds)
    parts: list[tuple[int, str]] = []
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, SECONDS[unit])
        if parts or count:
            parts.append((count, unit))
    shown = [f"{count}{unit}" for count, unit in parts[:2] if count and (unit != "s" or len(parts) == 1)]
    return ("-" if seconds < 0 else "") + (" ".join(shown) or "0s")


class Offset(NamedTuple):
    """Hold a point on a clock: a share of the target, or seconds before (negative) or after the deadline.

    `business_days` lie after the deadline. A condition has no deadline; its time counts from the begin of the
    condition.
    """

    percent: int | None = None
    seconds: int = 0
    business_days: int = 0
    #: Whether it was written with "d" or "w".
    has_days: bool = False

    @classmethod
    def parse(cls, text: str) -> "Offset":
        """Return the offset in a text.

        Raises:
            ValueError: the text is not a valid offset; the message says what is.
        """
        text = text.strip()
        if (share := re.fullmatch(r"([0-9]{1,4})%", text)) is not None:
            percent = int(share[1])
            if not 1 <= percent <= 1000:
                raise ValueError(f"{percent}% is not a valid share of a target; it must be from 1% to 1000%")
            return cls(percent=percent)
        if re.fullmatch(r"[+-]?0+[smhdw]?", text):
            return cls()
        if not text.startswith(("+", "-")):
            raise ValueError(
                f"{text!r} is not a valid offset; write 80%, -30m (before), 0m (at), +1h or +1bd (after the deadline)"
            )
        duration = parse_duration(text[1:])
        if duration.business_days and text[0] == "-":
            raise ValueError(f"{text!r} is in business days, which count only after a deadline; write -8h or +1bd")
        sign = 1 if text[0] == "+" else -1
        return cls(None, sign * duration.seconds, duration.business_days, duration.has_days)

    @property
    def is_warning(self) -> bool:
        """Return whether it lies before the deadline."""
        return self.seconds < 0 if self.percent is None else self.percent < 100

    @property
    def is_deadline(self) -> bool:
        """Return whether it is the deadline itself."""
        return self.seconds == self.business_days == 0 if self.percent is None else self.percent == 100

    def __str__(self) -> str:
        if self.percent is not None:
            return f"{self.percent}%"
        if self.is_deadline:
            return "0m"
        return f"{'-' if self.seconds < 0 else '+'}{Duration(abs(self.seconds), self.business_days)}"
