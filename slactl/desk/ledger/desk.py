"""The service desk that a use case works on."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

from slactl.config import Config
from slactl.store.database import Database


class Desk(NamedTuple):
    """A service desk: its database, its rules file, and the actor; `sources` says where each of them was named."""

    database: Database
    rules: Path
    actor: str
    sources: Mapping[str, str]

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return the service desk that the settings of an invocation name."""
        return cls(Database(config.database), config.rules, config.actor, config.sources)
