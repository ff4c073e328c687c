"""Which levels of the ladders fall due, and when."""

from slactl.sla.offsets import Offset

__all__ = ["Offset"]
