"""A signal that comes while something is committed waits until that is noted, and is not lost."""

import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from slactl import committed
from slactl.cli.sync import _stopped_by_signals


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["interactive", "in the background"])
def interrupt(request: pytest.FixtureRequest) -> Iterator[None]:
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for each in before:  # whoever runs the tests may have had some ignored
        signal.signal(each, request.param if each is signal.SIGINT else signal.SIG_DFL)
    committed.begin()
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("interrupt")
def test_signal_that_stops_sync_waits_for_a_commit(number: signal.Signals) -> None:
    with committed.held_back():
        committed.add("ticket", "created", [7])
        with pytest.raises(KeyboardInterrupt), _stopped_by_signals():
            committed.commit(lambda: signal.raise_signal(number), has_changed=True)
    assert (committed.so_far().commits, str(committed.so_far())) == (1, "ticket 7 was created")


def test_ignored_interrupt_does_nothing() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with committed.uninterrupted():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_interrupt_is_not_lost_when_the_commit_fails() -> None:
    def fail() -> None:
        signal.raise_signal(signal.SIGINT)
        raise OSError

    committed.begin()
    with pytest.raises(KeyboardInterrupt), suppress(OSError):
        committed.commit(fail, has_changed=True)
    assert committed.so_far().commits == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
