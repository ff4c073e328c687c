"""Write sentences for people: on a terminal with the times that they read on their clocks."""

import os
import re
from typing import TextIO

from slactl.clock import from_text
from slactl.display_zone import describe

#: A terminal with fewer columns breaks lines itself.
FEWEST_COLUMNS = 40

#: An instant in UTC within a sentence; one in quotation marks was typed by somebody.
_INSTANT = re.compile(r"""(?<![\w'"])\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?![\w'"])""")


def prose(line: str, stream: TextIO) -> str:
    """Return a line for people: on a terminal with times in the display zone, and with breaks between its words.

    A line for another stream stays as it is.
    """
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):  # not a terminal, or no file
        return line
    line = _INSTANT.sub(lambda found: describe(from_text(found[0])), line)
    if len(line) < width or width < FEWEST_COLUMNS:
        return line
    from textwrap import fill

    return fill(line, width - 1, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
