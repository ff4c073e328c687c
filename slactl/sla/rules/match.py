"""Match tickets: the conditions of policies, escalation rules and maintenance windows."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field, field_validator

from slactl.sla.enums import Priority
from slactl.sla.rules.values import Names, Part, Priorities


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold the facts of a ticket on which policies and escalation rules match."""

    plan: str
    tenant: str | None
    tags: tuple[str, ...]
    priority: Priority
    requester_domain: str | None


class MatchKeys(Part):
    """Hold keys; each key that is set must list the ticket's value, or one of its tags."""

    tenant: Names = ()
    plan: Names = ()
    tag: Names = ()
    priority: Priorities = ()
    requester_domain: Names = ()

    @field_validator("*")
    @classmethod
    def _not_empty(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if value == ():
            raise ValueError("an empty list matches nothing; remove the key to match everything")
        return value

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


class Match(MatchKeys):
    """Hold a condition on a ticket: its keys, without the tickets that match all keys of `not`."""

    not_: MatchKeys | None = Field(default=None, alias="not")

    @field_validator("not_")
    @classmethod
    def _excludes_some(cls, value: MatchKeys | None) -> MatchKeys | None:
        if value is not None and not value.model_fields_set:
            raise ValueError("an empty table excludes every ticket; remove the key")
        return value

    def stated(self) -> dict[str, Any]:
        """Return the keys that are there, under their names in the file."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def matches(self, facts: Facts) -> bool:
        """Return whether a ticket with these facts matches."""
        return super().matches(facts) and (self.not_ is None or not self.not_.matches(facts))

    def mismatch(self, facts: Facts) -> str | None:
        """Return why a ticket with these facts does not match, or None where it does."""
        if (reason := super().mismatch(facts)) is not None or self.not_ is None or not self.not_.matches(facts):
            return reason
        keys = ", ".join(f"{key} {' or '.join(getattr(self.not_, key))}" for key in sorted(self.not_.model_fields_set))
        return f"not {keys} excludes it"
