"""Who holds a lease, and when nobody has to wait for its end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory
from hypothesis import given
from hypothesis import strategies as st

from slactl.clock import boot_clock, now, to_text
from slactl.lease import LONGEST, MARGIN, Claimant, in_force, is_here, this_process, time_for


@pytest.fixture
def child() -> "Iterator[subprocess.Popen[bytes]]":
    """A process that waits."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def until(**ahead: float) -> str:
    return to_text(now() + timedelta(**ahead))


@pytest.mark.skipif(boot_clock() is None, reason="needs a system that tells processes apart")
def test_killed_holder_is_dead_before_and_after_its_parent_asks_for_it(child: "subprocess.Popen[bytes]") -> None:
    holder = Claimant.of(child.pid)
    assert (holder.is_here, holder.is_dead, in_force(str(holder), until(minutes=1))) == (True, False, True)
    child.send_signal(signal.SIGSTOP)
    assert in_force(str(holder), until(minutes=1))
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert (holder.is_dead, in_force(str(holder), until(minutes=1))) == (True, False)
    child.wait()
    assert (holder.is_dead, in_force(str(holder), until(minutes=1))) == (True, False)


@pytest.mark.skipif(boot_clock() is None, reason="needs a system that tells processes apart")
def test_another_process_with_the_number_of_the_holder_is_not_the_holder() -> None:
    own = Claimant.of(os.getpid())
    assert not own.is_dead
    assert own._replace(start=str(int(own.start) + 1)).is_dead


def test_processes_of_another_host_start_or_namespace_are_never_dead(child: "subprocess.Popen[bytes]") -> None:
    holder = Claimant.of(child.pid)
    child.kill()
    child.wait()
    assert holder.is_dead
    namespace, boot, host = holder.machine.split()
    for machine in (f"1 {boot} {host}", f"{namespace} other {host}", f"{namespace} {boot} other"):
        there = holder._replace(machine=machine)
        assert (there.is_here, there.is_dead, in_force(str(there), until(minutes=1))) == (False, False, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_process_of_another_user_is_alive(child: "subprocess.Popen[bytes]") -> None:
    program = f"from slactl.lease import Claimant; print(Claimant.parse({str(Claimant.of(child.pid))!r}).is_dead)"
    folder = os.path.dirname(os.path.dirname(os.path.abspath(sys.modules["slactl"].__file__ or "")))
    asked = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import sys, os; sys.path.insert(0, {folder!r}); import slactl.lease; os.setuid(61_001); {program}",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert asked.communicate() == ("False\n", None)


@pytest.mark.parametrize(
    ("ahead", "wanted"),
    [
        (timedelta(seconds=1), True),
        (timedelta(), False),
        (timedelta(seconds=-1), False),
        (LONGEST, True),
        (LONGEST + timedelta(seconds=1), False),
        (timedelta(days=365), False),
    ],
)
@pytest.mark.parametrize("holder", ["1 1 1 other other", "not a process", "0 0 0 0 0", "-1 5 a b c"])
def test_lease_of_another_machine_holds_to_its_end_unless_a_wrong_clock_took_it(
    clock: FrozenDateTimeFactory, ahead: timedelta, wanted: bool, holder: str
) -> None:
    assert in_force(holder, to_text(now() + ahead)) is wanted


@pytest.mark.parametrize("lease", [(None, None), (None, "2099-01-01T00:00:00Z"), (this_process(), None)])
def test_message_without_a_lease_is_free(lease: tuple[str | None, str | None]) -> None:
    assert not in_force(*lease)


def test_lease_outlasts_the_process_by_the_difference_of_two_clocks(clock: FrozenDateTimeFactory) -> None:
    assert time_for(32).claimed_until == to_text(now() + timedelta(seconds=32 + MARGIN))


words = st.text("abcXYZ0189-._", min_size=1, max_size=20)


@given(st.integers(1, 10**9), st.integers(0, 10**12).map(str) | st.just("-"), words, words, words)
def test_claimant_is_read_as_it_was_written(pid: int, start: str, namespace: str, boot: str, host: str) -> None:
    holder = Claimant(pid, start, f"{namespace} {boot} {host}")
    assert Claimant.parse(str(holder)) == holder
    assert (holder.host, is_here(str(holder))) == (host, False)


@given(st.text())
def test_any_other_text_names_no_process(text: str) -> None:
    found = Claimant.parse(text)
    assert found is None or str(found) == text
