"""Define the table `[mail]`: the support address, who answers for the team, and how much mail one sender may send."""

import re
from functools import cached_property
from typing import Annotated

from slactl.sla.enums import UnknownSenders
from slactl.sla.rules.part import Form, Part
from slactl.sla.rules.values import Name, Names, word_of


class MailRules(Part):
    """Hold what slactl needs to know about mail that comes in."""

    #: The address to which customers write.
    address: Name
    #: The addresses of agents besides those of people; `*` stands for any text, `?` for one character.
    agents: Names = ()
    unknown_senders: Annotated[UnknownSenders, word_of(UnknownSenders)] = UnknownSenders.OPEN
    #: How many tickets one sender may open within an hour.
    burst: Annotated[int, Form(between=(1, 10_000))] = 20

    @cached_property
    def _agents(self) -> re.Pattern[str]:
        parts = (re.escape(each).replace(r"\*", ".*").replace(r"\?", ".") for each in self.agents)
        return re.compile("|".join(parts) or "(?!)", re.IGNORECASE | re.DOTALL)

    def names_agent(self, address: str) -> bool:
        """Return whether `agents` has this address, in upper or lower case."""
        return self._agents.fullmatch(address) is not None
