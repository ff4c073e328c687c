"""The rules as the database knows them: the current file, and every version that tickets are pinned to."""

import json
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from importlib.metadata import version

from sqlmodel import Session, col, select

from slactl.clock import to_text
from slactl.config import Config
from slactl.desk.last_rules import recall
from slactl.errors import RulesError
from slactl.sla.history_file import RulesText
from slactl.sla.rules import Rules
from slactl.sla.rules_loading import parse
from slactl.sla.rules_model import Escalation, Level
from slactl.sla.rules_text import RulesFile
from slactl.store.models import HolidayYear, Meta, RulesVersion
from slactl.store.rules_versions import SEALED, seals
from slactl.store.runs import LADDERS


class Rulebook:
    """The rules one write transaction works with; each version is parsed once.

    `problem` is the error of the current file where it is invalid; `current` is then the last valid version
    this database used. `is_own` says whether that is what this user read in the file, and not only what the database
    says: it may be anybody's, and nothing is sent by it.
    """

    def __init__(self, session: Session, config: Config, file: RulesFile, now: datetime, *, strict: bool) -> None:
        """Understand the current rules, which were read before the write lock was taken.

        Raises:
            RulesError: they are invalid, and `strict` or this database never used a valid version.
        """
        self._session = session
        self._now = now
        self._parsed: dict[str, Rules] = {}
        self._rows: dict[str, RulesVersion] = {}
        self._introduced: dict[tuple[str, str], str] | None = None
        self._seal: str | None = None
        self._holiday_years: dict[tuple[str, str, int], Mapping[date, str]] = {}
        self.problem: RulesError | None = None
        self.is_own = True
        try:
            # Checking rules asks the holidays library, which takes longer to import than everything else.
            self.current = parse(file.needed(), str(file.path), set(session.exec(select(RulesVersion.hash))))
        except RulesError as error:
            last = self._last_used()
            if strict or last is None:
                raise
            self.problem, kept = error, recall(config)
            self.is_own = kept is not None and kept.text is not None and kept.hash == last.hash
            text = kept.text if kept is not None and kept.text is not None and self.is_own else last.canonical
            self.current = parse(text, f"rules version {last.id}", {last.hash})
        self._parsed[self.current.hash] = self.current

    def current_version(self) -> RulesVersion:
        """The row of the current rules, written on their first use."""
        known = self.known(self.current.hash)
        if known is None:
            known = RulesVersion(
                hash=self.current.hash,
                canonical=self.current.canonical,
                first_used_at=to_text(self._now),
                holidays_version=version("holidays"),
            )
            is_first = self._session.exec(select(RulesVersion.id).limit(1)).first() is None
            self._session.add(known)
            if is_first:  # nothing was computed before with other rules
                self.ladders_are_current()
            self._session.flush()
            self._seal = None
        return known

    def seal(self) -> str:
        """Return the number of the last version and the seal of all: when each was first used decides what fires."""
        if self._seal is None:
            rows = self._session.exec(select(*(getattr(RulesVersion, name) for name in SEALED)).order_by("id")).all()
            self._seal = " ".join(map(str, [*seals(rows).items()][-1])) if rows else ""
        return self._seal

    def ladders_are_current(self) -> None:
        """Note that every next instant in the database was computed with the current rules."""
        self._session.merge(Meta(key=LADDERS, value=self.current.hash))

    def note_ladders(self) -> None:
        """Note that next instants are written with the current rules: where those are new, all are to be."""
        known = self._session.get(Meta, LADDERS)
        if known is not None and known.value != self.current.hash:
            self._session.delete(known)
            self._session.flush()

    def version(self, rules_hash: str | None) -> Rules:
        """The rules with this hash; the current ones where a history names none.

        Raises:
            RulesError: the database does not have them.
        """
        if rules_hash is None:
            return self.current
        if rules_hash not in self._parsed:
            row = self.known(rules_hash)
            if row is None:
                raise RulesError(f"the rules version {rules_hash[:12]} is not in the database", "slactl doctor")
            self._parsed[rules_hash] = parse(row.canonical, f"rules version {row.id}", {row.hash})
        return self._parsed[rules_hash]

    def known(self, rules_hash: str | None) -> RulesVersion | None:
        """The row of the rules with this hash, or None."""
        if rules_hash is None:
            return None
        if rules_hash not in self._rows:
            row = self._session.exec(select(RulesVersion).where(RulesVersion.hash == rules_hash)).first()
            if row is None:
                return None
            self._rows[rules_hash] = row
        return self._rows[rules_hash]

    def adopt(self, brought: RulesText) -> None:
        """Keep a version of the rules that another database used, for the tickets that come with it.

        Raises:
            RulesError: it is invalid, or not what its hash says.
        """
        if self.known(brought.hash) is not None:
            return
        rules = parse(brought.canonical, f"rules version {brought.hash[:12]}", pinned=True)
        if rules.hash != brought.hash:
            raise RulesError(f"the rules version {brought.hash[:12]} is not what its hash says", "slactl export")
        self._session.add(
            RulesVersion(
                hash=rules.hash,
                canonical=rules.canonical,
                first_used_at=to_text(brought.first_used_at),
                holidays_version=brought.holidays_version,
            )
        )
        self._session.flush()
        self._parsed[rules.hash], self._introduced, self._seal = rules, None, None

    def _last_used(self) -> RulesVersion | None:
        """The rules of the last run, else those that came last into this database."""
        used = select(RulesVersion).join(Meta, col(Meta.value) == RulesVersion.hash).where(Meta.key == LADDERS)
        latest = select(RulesVersion).order_by(col(RulesVersion.id).desc())
        return self._session.exec(used).first() or self._session.exec(latest).first()

    def level(self, escalation_id: str, level_id: str) -> tuple[Escalation, Level]:
        """A level of today's ladders, and the ladder it belongs to."""
        escalation = next(each for each in self.current.escalations if each.id == escalation_id)
        return escalation, next(each for each in escalation.levels if each.id == level_id)

    def is_new(self, escalation_id: str, level_id: str, due_at: datetime) -> bool:
        """Whether a level fell due before any rules had it, and rules without it had been used by then.

        Such a level is on the record as baseline and does not fire: a new rule wakes nobody for the past.
        """
        if self._introduced is None:
            self._introduced = self._introductions()
        introduced = self._introduced.get((escalation_id, level_id))
        return introduced is not None and to_text(due_at) < introduced

    def _introductions(self) -> dict[tuple[str, str], str]:
        """When each level was first used, without those of the first rules this database ever used."""
        self.current_version()
        order = (col(RulesVersion.first_used_at), col(RulesVersion.id))
        rows = self._session.exec(select(RulesVersion).order_by(*order)).all()
        found: dict[tuple[str, str], str] = {}
        for place, row in enumerate(rows):
            for escalation in tomllib.loads(row.canonical).get("escalation", ()):
                for level in escalation.get("level", ()):
                    found.setdefault((escalation["id"], level["id"]), "" if place == 0 else row.first_used_at)
        return found

    def holidays(self, country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
        """The public holidays of a year, from the database once the library has told them.

        A year that is cached is never replaced, so that a newer library moves no deadline.
        """
        key = (country, subdivision or "", year)
        if key not in self._holiday_years:
            row = self._session.exec(
                select(HolidayYear)
                .where(HolidayYear.country == key[0], HolidayYear.subdivision == key[1], HolidayYear.year == year)
                .order_by(col(HolidayYear.library_version))
            ).first()
            self._holiday_years[key] = _decoded(row.days) if row else self._ask_library(*key)
        return self._holiday_years[key]

    def _ask_library(self, country: str, subdivision: str, year: int) -> Mapping[date, str]:
        from slactl.sla.calendar import library_holidays

        days = library_holidays(country, subdivision or None, year)
        row = HolidayYear(
            country=country,
            subdivision=subdivision,
            library_version=version("holidays"),
            year=year,
            days=json.dumps({day.isoformat(): name for day, name in days.items()}),
        )
        self._session.add(row)
        self._session.flush()
        return days


def _decoded(days: str) -> Mapping[date, str]:
    return {date.fromisoformat(day): name for day, name in json.loads(days).items()}
