"""Match tickets: the conditions of policies, escalation rules and maintenance windows."""

from dataclasses import dataclass
from typing import Annotated, Any

from slactl.sla.enums import Priority, Status
from slactl.sla.rules.part import KEYS, Part, must
from slactl.sla.rules.values import Names, Priorities, Statuses


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold the facts of a ticket on which policies and escalation rules match.

    Policies match on no `status` and no `assignee`.
    """

    plan: str
    tenant: str | None
    tags: tuple[str, ...]
    priority: Priority
    requester_domain: str | None
    status: Status | None = None
    assignee: str | None = None


_NOT_EMPTY = must(lambda value: value != (), "an empty list matches nothing; remove the key to match everything")
Wanted = Annotated[Names, _NOT_EMPTY]
WantedStatuses = Annotated[Statuses, _NOT_EMPTY]


class MatchKeys(Part):
    """Hold keys; each key that is set must list the ticket's value, or one of its tags."""

    tenant: Wanted = ()
    plan: Wanted = ()
    tag: Wanted = ()
    priority: Annotated[Priorities, _NOT_EMPTY] = ()
    requester_domain: Wanted = ()

    def matches(self, facts: Facts) -> bool:
        """Return whether a ticket with these facts matches."""
        return not (
            (self.plan and facts.plan not in self.plan)
            or (self.priority and facts.priority not in self.priority)
            or (self.tenant and facts.tenant not in self.tenant)
            or (self.tag and not any(tag in self.tag for tag in facts.tags))
            or (self.requester_domain and not self._has_domain(facts.requester_domain))
        )

    def mismatch(self, facts: Facts) -> str | None:
        """Return why a ticket with these facts does not match, or None where it does."""
        for key, value in (("plan", facts.plan), ("tenant", facts.tenant), ("priority", facts.priority)):
            wanted = getattr(self, key)
            if wanted and value not in wanted:
                return f"{key} is {value or 'none'}, not {' or '.join(wanted)}"
        if self.tag and not any(tag in self.tag for tag in facts.tags):
            return f"no tag is {' or '.join(self.tag)}"
        if self.requester_domain and not self._has_domain(facts.requester_domain):
            return f"requester_domain is {facts.requester_domain or 'none'}, not {' or '.join(self.requester_domain)}"
        return None

    def _has_domain(self, domain: str | None) -> bool:
        return domain is not None and domain in {name.lower() for name in self.requester_domain}


_EXCLUDES_SOME = must(lambda value: bool(value.given()), "an empty table excludes every ticket; remove the key")


class Match(MatchKeys):
    """Hold a condition on a ticket: its keys, without the tickets that match all keys of `not`."""

    not_: Annotated[MatchKeys, _EXCLUDES_SOME] | None = None

    def stated(self) -> dict[str, Any]:
        """Return the keys that are there, under their names in the file."""
        stated: dict[str, Any] = _stated(self)
        return stated

    def keys_used(self) -> set[str]:
        """Return the keys on which the match of a ticket depends."""
        return set(self.given()) - {"not_"} | set(self.not_.given() if self.not_ is not None else ())

    def matches(self, facts: Facts) -> bool:
        """Return whether a ticket with these facts matches."""
        return super().matches(facts) and (self.not_ is None or not self.not_.matches(facts))

    def mismatch(self, facts: Facts) -> str | None:
        """Return why a ticket with these facts does not match, or None where it does."""
        if (reason := super().mismatch(facts)) is not None or self.not_ is None or not self.not_.matches(facts):
            return reason
        keys = ", ".join(f"{key} {' or '.join(getattr(self.not_, key))}" for key in sorted(self.not_.given()))
        return f"not {keys} excludes it"


class MomentKeys(MatchKeys):
    """Hold keys that also list statuses and assignees, which a ticket has at the moment."""

    status: WantedStatuses = ()
    assignee: Wanted = ()
    #: Whether nobody must be the assignee, or somebody; None allows both.
    unassigned: bool | None = None

    def matches(self, facts: Facts) -> bool:
        """Return whether a ticket with these facts matches."""
        return super().matches(facts) and not (
            (self.status and facts.status not in self.status)
            or (self.assignee and facts.assignee not in self.assignee)
            or (self.unassigned is not None and self.unassigned is not (facts.assignee is None))
        )


class When(Match, MomentKeys):
    """Hold the condition of an escalation rule or a level, which `check` tests when a level is due."""

    not_: Annotated[MomentKeys, _EXCLUDES_SOME] | None = None


def _stated(value: object) -> Any:  # noqa: ANN401  (a condition makes a table, a tuple a list)
    if isinstance(value, MatchKeys):
        return {KEYS.get(name, name): _stated(each) for name, each in value.given().items()}
    return [str(item) for item in value] if isinstance(value, tuple) else value
