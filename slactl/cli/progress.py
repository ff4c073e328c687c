"""Progress on long work: a bar on a terminal's stderr, nothing elsewhere."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar:
    """What is told how far the work is; without a terminal it says nothing."""

    def __init__(self, progress: "Progress | None" = None, task: "TaskID | None" = None) -> None:
        self._progress, self._task = progress, task

    def __call__(self, count: int) -> None:
        """So many more bytes were read."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, count)

    def step(self, done: int, total: int) -> None:
        """All is read, and so many of the tickets are taken in."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description="taking in tickets", completed=done, total=total)


@contextmanager
def reading(stream: BinaryIO, name: str) -> Iterator[Bar]:
    """Yields what is to be told how many more bytes of a stream were read."""
    if not sys.stderr.isatty():
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from slactl.text import clean

    try:
        size: int | None = os.fstat(stream.fileno()).st_size or None
    except OSError:
        size = None
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        what = "stdin" if name == "-" else clean(os.path.basename(name))
        yield Bar(progress, progress.add_task(f"reading {what}", total=size))


@contextmanager
def phases() -> Iterator[Callable[[str, int, int], None]]:
    """Yields what is to be told the phase of the work, how much of it is done, and how much there is."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, Any] = {}

        def tell(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = progress.add_task(phase, total=total)
            progress.update(tasks[phase], completed=done, total=max(done, total))

        yield tell
