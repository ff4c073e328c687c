"""Keep the figures of goals and of who is on call in the database, where SQL can read them, with each check."""

from datetime import datetime

from slactl.clock import to_text
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.rules_versions import CommandRules
from slactl.desk.oncall.duty import Presence
from slactl.desk.oncall.records import standing
from slactl.desk.reports.objectives import Clock, standings
from slactl.errors import RulesError
from slactl.store.write.objectives import has_figures, replace_figures


def keep_figures(desk: Desk, now: datetime) -> None:
    """Write how far each goal is reached and who is on call at `now`, in the place of the figures of before.

    Without valid rules the figures of before stay; their `as_of` says how old they are.
    """
    rules = CommandRules(desk)
    with desk.database.read() as transaction:
        try:
            current = rules.current(transaction, strict=False).rules
        except RulesError:
            return
        goals = standings(transaction, current.objectives, Clock(now, current.settings.due_soon.seconds))
        schedules = Presence.by(transaction, current, desk.rules, now).schedules
        if not goals and not current.schedules and not has_figures(transaction):
            return
    on_call = [standing(schedules, name, now) for name in schedules]  # this may read a feed, so outside of transactions
    with desk.database.write() as transaction:
        replace_figures(transaction, goals, on_call, to_text(now))
