"""Count the messages of one run, for the run to add to its report."""

from collections.abc import Sequence

from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.trust import Doubt, closing_commands, refusals


class Delivered:
    """The results of sending the messages of one run."""

    def __init__(self) -> None:
        #: Notices about tickets that were delivered, and the digests that carried them, printed ones included.
        self.notified = self.messages_sent = self.failed = 0
        #: The texts of messages to people without an address; `check` prints them.
        self.messages: list[str] = []
        #: The numbers of the messages whose text is in `messages` and was not printed before.
        self.printed: list[int] = []
        self.problems: list[str] = []
        #: Commands that fix the problems.
        self.hints: list[str] = []
        #: Whether a message waits until a person fixes something, so that the run is not complete.
        self.waits = False
        #: A signal asked the run to stop before everything was sent.
        self.interrupted = False

    def print(self, text: str) -> None:
        """Have `check` print the text of a message."""
        self.messages.append(text)
        self.messages_sent += 1

    def fail(self, problem: str, count: int = 1) -> None:
        """Count messages that were not delivered, and say why, once."""
        self.failed += count
        if problem not in self.problems:
            self.problems.append(problem)

    def wait(self, problems: Sequence[str], hint: str | None) -> None:
        """Say why something cannot be sent yet, once, and with which command a person fixes it."""
        self.waits = True
        self.problems += [problem for problem in dict.fromkeys(problems) if problem not in self.problems]
        self.hints += [hint] if hint is not None and hint not in self.hints else []

    def distrust(self, desk: Desk, doubts: Sequence[Doubt]) -> None:
        """Say who else can change the rules, and with which commands a person prevents that."""
        self.wait(refusals(doubts), closing_commands(desk.rules, desk.database.path, doubts))
