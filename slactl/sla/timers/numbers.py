"""Number the deadlines of a target, so that the levels of each deadline fire once."""

from dataclasses import dataclass


@dataclass(slots=True)
class Numbers:
    """Hold the numbers under which levels fire: of warnings the revision, of all other levels the agreement.

    The revision grows when a person moves the deadline to later, the agreement when that follows a miss. Levels may
    have fired for a deadline whose event was retracted since. A retraction alone changes no number, so nothing fires
    again for the deadline that holds then. The next event that sets a deadline counts the retracted ones, so that its
    deadline has numbers of its own.
    """

    revision: int = 0
    agreement: int = 0
    #: No later agreement is below it: levels may have fired for those before.
    _least_agreement: int = 0
    #: The retracted events that the revision, and the agreement, do not count yet.
    _lost_to_revision: int = 0
    _lost_to_agreement: int = 0

    def lose(self) -> None:
        """Take note of a retracted event that could set the deadline."""
        self._lost_to_revision += 1
        self._lost_to_agreement += 1

    def move(self, before: int | None, after: int | None) -> bool:
        """Count a deadline that was set; return whether it moved to later."""
        is_later = before is not None and after is not None and after > before
        self.revision += is_later
        if after != before:
            self.revision += self._lost_to_revision
            self._lost_to_revision = 0
        return is_later

    def agree_again(self, missed: int) -> None:
        """Begin an agreement after the one that was `missed`."""
        self.agreement = max(self.agreement, missed + 1, self._least_agreement)

    def rejoin(self, missed: int) -> None:
        """Return to the agreement that was `missed`; no later one has the number of the agreement that is left."""
        self._least_agreement = max(self._least_agreement, self.agreement + 1)
        self.agreement = missed

    def count_lost(self) -> None:
        """Let the agreement count the retracted events, because its deadline was set and is not missed."""
        if self._lost_to_agreement:
            self.agreement += self._lost_to_agreement
            self._least_agreement, self._lost_to_agreement = self.agreement, 0
