"""Make a temporary service desk with a few dozen realistic tickets.

The tickets are a history file, `demo.jsonl`, in which `WRITTEN` is now. They are moved to the present and imported.
"""

import json
from datetime import UTC, datetime
from importlib import resources
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp

from slactl.clock import from_text, to_text
from slactl.config import Config, shipped_rules
from slactl.desk.ledger.desk import Desk
from slactl.desk.transfer.importing import Source, import_file
from slactl.desk.transfer.lines import Problem
from slactl.errors import SlactlError
from slactl.store.database import Database

#: The instant that is now in the history file.
WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)


def make_desk(now: datetime, config: Config) -> tuple[Config, int]:
    """Make a new folder with a database and the shipped rules; returns its settings and how many tickets it has."""
    folder = Path(mkdtemp(prefix="slactl-demo-"))
    demo = config._replace(database=folder / "slactl.db", rules=folder / "rules.toml")
    demo.rules.write_bytes(shipped_rules().read_bytes())
    Database(demo.database).create()
    lines = resources.files("slactl.desk.upkeep").joinpath("demo.jsonl").read_text(encoding="utf-8").splitlines()
    moved = (line | {"at": to_text(from_text(line["at"]) + (now - WRITTEN))} for line in map(json.loads, lines))
    history = BytesIO("\n".join(map(json.dumps, moved)).encode())
    return demo, import_file(Desk.of(demo), now, Source(history), _refuse).opened


def _refuse(problem: Problem) -> None:
    raise SlactlError(f"demo.jsonl:{problem}")
