"""Define the public views, which other programs read; columns may be added, never renamed, moved or removed."""

from slactl.store.schema.views import (
    CLOCK,
    ESCALATION_COLUMNS,
    EVENT,
    OPEN,
    breach_columns,
    breach_source,
    select,
    summary_columns,
    summary_source,
    ticket_columns,
    ticket_source,
    tickets,
    timers,
)

#: What an outcome `o` of `_outcomes` has in the view. It counts `at` its stop, or when its deadline passed undone.
_OUTCOME = {
    "ticket_id": "o.ticket_id",
    "external_id": "t.external_id",
    "target": "o.kind",
    "cycle": "o.cycle",
    "at": "COALESCE(o.stopped_at, o.late_since)",
    "kept": "o.met",
    "started_at": "o.started_at",
    "late_since": "o.late_since",
    "stopped_at": "o.stopped_at",
    "seconds": "o.seconds",
    **{name: f"o.{name}" for name in ("priority", "plan", "tenant", "assignee", "policy", "tags")},
}

#: The facts that an outcome keeps of its ticket.
_FACTS = ("priority", "plan", "tenant", "assignee", "policy", "tags")


def _outcomes(now: str) -> str:
    """Return the outcomes `o` with their tickets `t`: the stored ones, and the deadlines that passed since."""
    stored = ", ".join(
        ("ticket_id", "kind", "cycle", "met", "started_at", "late_since", "stopped_at", "seconds", *_FACTS)
    )
    facts = ", ".join(f"t.{name}" for name in _FACTS)
    return f"""(SELECT {stored} FROM outcome UNION ALL
SELECT r.ticket_id, r.kind, r.cycle, 0, r.started_at, r.due_at, NULL, NULL, {facts}
FROM {tickets(now)} CROSS JOIN {timers(now)} ON r.ticket_id = t.id
WHERE {OPEN} AND t.due_at < {now} AND r.target_seconds IS NOT NULL
AND r.stopped_at IS NULL AND r.counted = 0 AND r.due_at < {now}) o JOIN ticket t ON t.id = o.ticket_id"""


def definitions() -> dict[str, str]:
    """Return the SELECT of every public view, by its name."""
    return {
        "ticket_view": select(ticket_columns(CLOCK), ticket_source(CLOCK)),
        "escalation_view": f"SELECT {', '.join(ESCALATION_COLUMNS)} FROM escalation",
        "event_view": select(EVENT, "event"),
        "breach_view": select(breach_columns(CLOCK), breach_source(CLOCK)),
        "outcome_view": select(_OUTCOME, _outcomes(CLOCK)),
        "objective_view": f"SELECT {', '.join(_OBJECTIVE)} FROM objective_standing",
        "oncall_view": f"SELECT {', '.join(_ONCALL)} FROM oncall_standing",
        "summary_view": select(summary_columns(CLOCK), summary_source(CLOCK)),
    }


_OBJECTIVE = (
    *("name", "period", "since", "until", "target", "goal", "kept", "missed", "attained"),
    *("spare", "needed", "open_at_risk", "credit", "state", "as_of"),
)
_ONCALL = ("schedule", "person", "since", "until", "next_person", "next_at", "source", "instead_of", "as_of")
