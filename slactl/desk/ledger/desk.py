"""The service desk that a use case works on."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

from slactl.config import Config
from slactl.store.database import Database


class Desk(NamedTuple):
    """A service desk: its database, its rules file, and the actor; `sources` says where each of them was named.

    Commands keep nothing about a temporary one in the state folder of their user.
    """

    database: Database
    rules: Path
    actor: str
    sources: Mapping[str, str]
    is_temporary: bool = False

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return the service desk that the settings of an invocation name."""
        return cls(Database(config.database), config.rules, config.actor, config.sources)


def rules_fingerprint(path: Path) -> str:
    """Return a text that changes with the rules file, without reading the file; another text if there is no file.

    Nobody can set back the instant at which the file was last changed. Importing a hash would cost an idle run more
    than all its other work.
    """
    try:
        status = path.stat()
    except OSError:
        return "no file"
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
