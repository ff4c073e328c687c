"""Track the facts of one ticket while its history is read: as they are, and as people set them."""

from collections.abc import Mapping
from typing import Any

from slactl.sla.enums import EventType, Priority, Status
from slactl.sla.history.event import Event, region_of
from slactl.sla.rules.match import Facts
from slactl.text import domain_of

Detail = Mapping[str, Any]

#: The events that change these facts.
OF_FACTS = frozenset((EventType.PRIORITY, EventType.PLAN, EventType.TENANT, EventType.TAGS, EventType.EDITED))


class TicketFacts:
    """Hold plan, tenant, time zone, priority, tags and the requester's domain of a ticket.

    A priority that slactl raised, and a tag that it added, choose no policy: `as_set` leaves them out.
    """

    __slots__ = ("_set_priority", "_set_tags", "domain", "plan", "priority", "region", "tags", "tenant", "timezone")

    def __init__(self, detail: Detail, default_plan: str) -> None:
        self.plan: str = detail.get("plan") or default_plan
        self.tenant: str | None = detail.get("tenant")
        self.timezone: str | None = detail.get("timezone")
        self.region = region_of(detail)
        self.priority = self._set_priority = Priority(detail.get("priority") or Priority.NORMAL)
        self.tags: tuple[str, ...] = tuple(detail.get("tags") or ())
        self._set_tags = self.tags
        self.domain = _domain(detail)

    def now(self, status: Status, assignee: str | None) -> Facts:
        """Return what escalation rules match on, for a ticket with this status and assignee."""
        return Facts(self.plan, self.tenant, self.tags, self.priority, self.domain, status, assignee)

    @property
    def as_set(self) -> Facts:
        """Return what policies match on: without what slactl changed itself."""
        return Facts(self.plan, self.tenant, self._set_tags, self._set_priority, self.domain)

    def take(self, event: Event, default_plan: str) -> None:
        """Take the change that an event made."""
        detail = event.detail
        if event.type is EventType.PRIORITY:
            self.priority = Priority(detail["priority"])
            self._set_priority = self._set_priority if event.by_system else self.priority
        elif event.type is EventType.TAGS:
            self._take_tags(event)
        elif event.type is EventType.EDITED:
            self.domain = _domain(detail) or self.domain
        else:
            self.plan = (detail["plan"] or default_plan) if "plan" in detail else self.plan
            self.tenant = detail.get("tenant", self.tenant)
            self.timezone = detail.get("timezone", self.timezone)
            self.region = region_of(detail) if "country" in detail else self.region

    def _take_tags(self, event: Event) -> None:
        added_by_slactl = [name for name in self.tags if name not in self._set_tags]
        self.tags = _tags_after(self.tags, event.detail)
        if event.by_system:
            return
        if event.detail.get("added") or event.detail.get("removed"):
            self._set_tags = _tags_after(self._set_tags, event.detail)
        else:
            self._set_tags = tuple(name for name in self.tags if name not in added_by_slactl)


def _tags_after(tags: tuple[str, ...], detail: Detail) -> tuple[str, ...]:
    """Return the tags after an event.

    An event that states what it added and removed keeps earlier changes, even those that are recorded later.
    """
    added, removed = detail.get("added") or (), detail.get("removed") or ()
    after = [*tags, *added] if added or removed else detail.get("tags") or ()
    return tuple(name for name in dict.fromkeys(after) if name not in removed)


def _domain(detail: Detail) -> str | None:
    """Return the part of the requester's address after the @, in lower case."""
    if detail.get("requester_domain"):
        return str(detail["requester_domain"])
    return domain_of(str(detail.get("requester_email") or ""))
