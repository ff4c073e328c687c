"""slactl records support tickets, calculates their deadlines, and escalates overdue tickets."""

__version__ = "0.1.0"
