"""slactl keeps a support team's promises: deadlines, breaches and escalations in one SQLite file."""

__version__ = "0.1.0"
