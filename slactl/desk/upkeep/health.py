"""The result of `doctor`: all checks, and the exit code that follows from them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from slactl.errors import ExitCode, worst

if TYPE_CHECKING:
    from slactl.records.upkeep import Check as CheckRecord
    from slactl.records.upkeep import Health as HealthRecord


class Check(NamedTuple):
    """One check: its name, whether it is in order, the finding, and the fix.

    `fix` is a command that works when pasted, or a sentence where no command can help. A check that is in order may
    have one as a hint.
    """

    check: str
    ok: bool
    found: str
    fix: str | None = None
    code: ExitCode = ExitCode.PARTLY


@dataclass(frozen=True, slots=True)
class Health:
    """The result of every check."""

    checks: tuple[Check, ...]

    @property
    def code(self) -> ExitCode:
        """Return 6 when the database cannot be relied on, 7 when there is another problem."""
        return worst([each.code for each in self.checks if not each.ok])

    def record(self) -> "HealthRecord":
        """Return the health as `doctor --json` prints it."""
        checks: list[CheckRecord] = [
            {"check": c.check, "ok": c.ok, "found": c.found, "fix": c.fix} for c in self.checks
        ]
        return {"ok": self.code is ExitCode.DONE, "exit_code": int(self.code), "checks": checks}
