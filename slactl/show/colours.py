"""The colours of the screen: fixed ones, each readable on black and on white.

The sixteen colours of a terminal's theme are not: yellow on white and blue on black cannot be read. These come from the
fixed part of the palette of 256 colours. Against both grounds their contrast is at least 4.5 to 1 (WCAG 2.2, 1.4.3).
Words and bold say the same as each colour, for people who do not see it.
"""

#: What is overdue, failed or worse than before.
ALARM = "color(163)"
#: What is due soon, or needs somebody.
WARNING = "color(131)"
#: What was met, or is better than before.
GOOD = "color(29)"
#: Ids and what is special.
ACCENT = "color(63)"
#: High priorities and holidays.
NOTABLE = "color(98)"
#: What matters less.
FAINT = "color(243)"

#: Every colour, for tests.
COLOURS = (ALARM, WARNING, GOOD, ACCENT, NOTABLE, FAINT)
