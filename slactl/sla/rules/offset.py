"""Read the offset of a level of an escalation rule: `80%`, `-30m`, `0m`, `+1h`, `+1bd`."""

import re
from dataclasses import dataclass

from slactl.durations import Duration, parse_duration

_PERCENT = re.compile(r"([0-9]{1,4})%")
_ZERO = re.compile(r"[+-]?0+[smhd]?")


@dataclass(frozen=True, slots=True)
class Offset:
    """Hold a point on a clock: a share of the target, or seconds before (negative) or after the deadline.

    `business_days` lie after the deadline. A condition has no deadline; its time counts from the begin of the
    condition.
    """

    percent: int | None = None
    seconds: int = 0
    business_days: int = 0
    #: Whether it was written with "d".
    has_days: bool = False

    @classmethod
    def parse(cls, text: str) -> "Offset":
        """Return the offset in a text.

        Raises:
            ValueError: the text is not a valid offset; the message says what is.
        """
        text = text.strip()
        if (share := _PERCENT.fullmatch(text)) is not None:
            percent = int(share[1])
            if not 1 <= percent <= 1000:
                raise ValueError(f"{percent}% is not a valid share of a target; it must be from 1% to 1000%")
            return cls(percent=percent)
        if _ZERO.fullmatch(text):
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
